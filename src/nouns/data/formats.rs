//! What an export makes: the formats that were named, and what is asked of them.

use crate::error::{Error, Kind, Result};
use crate::formats::write::{Choices, Slice, Written};
use crate::formats::{WRITTEN, archive, eml, html, rsmf};
use crate::model::zone::Zone;
use clap::ValueEnum;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

/// What an archive holds.
#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum LevelName {
    /// Everything
    #[value(name = "All")]
    All,
    /// Principals, policies and who was granted which
    #[value(name = "User")]
    User,
    /// Categories and their rights
    #[value(name = "Category")]
    Category,
    /// Categories, rooms, memberships and add-ins
    #[value(name = "RoomDirectory")]
    RoomDirectory,
    /// The history of the rooms
    #[value(name = "Content")]
    Content,
}

/// The formats an export can make.
pub(super) fn written() -> impl TypedValueParser<Value = &'static Written> {
    let words = WRITTEN.iter().map(|format| PossibleValue::new(format.word).help(format.about));
    PossibleValuesParser::new(words)
        .try_map(|word| WRITTEN.iter().copied().find(|format| format.word == word).ok_or("there is no such format"))
}

/// What is made, each once.
pub(super) fn chosen(named: &[&'static Written]) -> Result<Vec<&'static Written>> {
    let mut formats: Vec<&'static Written> = Vec::new();
    for format in named {
        if !formats.iter().any(|known| known.word == format.word) {
            formats.push(format);
        }
    }
    if formats.len() > 1 && formats.iter().any(|format| format.word == archive::WRITTEN.word) {
        // What import and verify read is an archive and nothing else.
        return Err(Error::new(Kind::Usage, "an archive holds nothing else")
            .hint("export it by itself; the other formats may come together"));
    }
    Ok(formats)
}

/// Reads where conversations are cut.
pub(super) fn slice(text: &str) -> Result<Slice, String> {
    let number = || text.parse().ok().filter(|events| (1..=10_000).contains(events));
    Ok(match text.to_ascii_lowercase().as_str() {
        "day" => Slice::Day,
        "24h" => Slice::Hours,
        "thread" => Slice::Thread,
        _ => Slice::Events(number().ok_or("give day, 24h, thread, or a number of events from 1 to 10000")?),
    })
}

/// The word for it.
pub(super) fn slice_word(slice: &Slice) -> String {
    match slice {
        Slice::Day => "day".to_owned(),
        Slice::Hours => "24h".to_owned(),
        Slice::Thread => "thread".to_owned(),
        Slice::Events(events) => events.to_string(),
    }
}

/// What is asked of them.
pub(super) fn choices(
    formats: &[&Written],
    page_events: Option<u32>,
    slice: Option<Slice>,
    zone: Option<&str>,
) -> Result<Choices> {
    if page_events.is_some() && !formats.iter().any(|format| format.word == html::WRITTEN.word) {
        return Err(Error::new(Kind::Usage, "--page-events is about pages of transcripts, and none are made")
            .hint("add --format html, or leave it out"));
    }
    let conversations = [rsmf::WRITTEN.word, eml::WRITTEN.word];
    if slice.is_some() && !formats.iter().any(|format| conversations.contains(&format.word)) {
        return Err(Error::new(Kind::Usage, "--slice is about files of conversations, and none are made")
            .hint("add --format rsmf or --format eml, or leave it out"));
    }
    let zone = Zone::parse(zone)?;
    let slice = slice.unwrap_or_default();
    Ok(Choices { slice, zone, page_events: page_events.map_or(Choices::PAGE_EVENTS, |events| events as usize) })
}
