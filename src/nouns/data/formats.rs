//! What an export makes: the formats that were named, and what is asked of them.

use crate::error::{Error, Kind, Result};
use crate::formats::write::{Choices, Written};
use crate::formats::{WRITTEN, archive, html};
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

/// What is asked of them.
pub(super) fn choices(formats: &[&Written], page_events: Option<u32>, zone: Option<&str>) -> Result<Choices> {
    if page_events.is_some() && !formats.iter().any(|format| format.word == html::WRITTEN.word) {
        return Err(Error::new(Kind::Usage, "--page-events is about pages of transcripts, and none are made")
            .hint("add --format html, or leave it out"));
    }
    let zone = Zone::parse(zone)?;
    Ok(Choices { zone, page_events: page_events.map_or(Choices::PAGE_EVENTS, |events| events as usize) })
}
