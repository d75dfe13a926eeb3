//! What an export makes: the formats that were named, and what is asked of them.

use super::asked::switch;
use crate::error::{Error, Kind, Result};
use crate::formats::load::{self, Dates, Encoding, Load, Marks};
use crate::formats::write::{Choices, Slice, Written};
use crate::formats::{WRITTEN, archive, eml, html, rsmf, sheet};
use crate::model::zone::Zone;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

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
pub(in crate::nouns) fn written() -> impl TypedValueParser<Value = &'static Written> {
    let words = WRITTEN.iter().map(|format| PossibleValue::new(format.word).help(format.about));
    PossibleValuesParser::new(words)
        .try_map(|word| WRITTEN.iter().copied().find(|format| format.word == word).ok_or("unknown format"))
}

/// What is made, each once.
pub(in crate::nouns) fn chosen(named: &[&'static Written]) -> Result<Vec<&'static Written>> {
    let mut formats: Vec<&'static Written> = Vec::new();
    for format in named {
        if !formats.iter().any(|known| known.word == format.word) {
            formats.push(format);
        }
    }
    if formats.len() > 1 && formats.iter().any(|format| format.word == archive::WRITTEN.word) {
        // What import and verify read is an archive and nothing else.
        return Err(Error::new(Kind::Usage, "--format archive cannot be combined with other formats")
            .hint("export it by itself; the other formats may come together"));
    }
    Ok(formats)
}

/// What a document of a load file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Default)]
pub enum DocumentName {
    /// A day of a room
    #[default]
    Day,
    /// A single message, or another event
    #[value(alias = "event")]
    Message,
}

/// How DAT is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum EncodingName {
    /// UTF-8
    #[value(name = "utf-8")]
    Utf8,
    /// UTF-16, little-endian
    #[value(name = "utf-16")]
    Utf16,
}

/// How times are written in DAT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DatesName {
    /// 03/31/2014 14:05:00
    Us,
    /// 31/03/2014 14:05:00
    Eu,
    /// 2014-03-31 14:05:00
    Iso,
}

/// How formats are made.
#[derive(Debug, Args)]
pub struct How {
    /// What a document of a load file is
    #[arg(long, value_enum, ignore_case = true)]
    pub document: Option<DocumentName>,
    /// Delimiters of DAT: concordance, pipe, or the code points of column, quote and newline
    #[arg(long, value_name = "MARKS", value_parser = Marks::parse)]
    pub delimiters: Option<Marks>,
    /// How DAT is encoded
    #[arg(long, value_enum, ignore_case = true)]
    pub encoding: Option<EncodingName>,
    /// How times are written in DAT
    #[arg(long, value_enum, ignore_case = true)]
    pub dates: Option<DatesName>,
    /// Put an apostrophe before what a spreadsheet would compute, in CSV
    #[arg(long)]
    pub spreadsheet_safe: bool,
    /// What one file of RSMF or EML holds: day, 24h, thread, or a number of events [default: day]
    #[arg(long, value_name = "SLICE", value_parser = slice)]
    pub slice: Option<Slice>,
}

impl How {
    /// What was asked, for reports.
    pub(super) fn asked(&self) -> Vec<(&'static str, String)> {
        let word = |name: Option<String>| name.unwrap_or_default().to_lowercase();
        vec![
            ("document", word(self.document.map(|name| format!("{name:?}")))),
            ("delimiters", self.delimiters.map(|marks| marks.to_string()).unwrap_or_default()),
            ("encoding", word(self.encoding.map(|name| format!("{name:?}")))),
            ("dates", word(self.dates.map(|name| format!("{name:?}")))),
            ("spreadsheet-safe", switch(self.spreadsheet_safe)),
            ("slice", self.slice.as_ref().map(slice_word).unwrap_or_default()),
        ]
    }
}

/// Reads where conversations are cut.
fn slice(text: &str) -> Result<Slice, String> {
    let number = || text.parse().ok().filter(|events| (1..=10_000).contains(events));
    Ok(match text.to_ascii_lowercase().as_str() {
        "day" => Slice::Day,
        "24h" => Slice::Hours,
        "thread" => Slice::Thread,
        _ => Slice::Events(number().ok_or("give day, 24h, thread, or a number of events from 1 to 10000")?),
    })
}

/// The word for it.
fn slice_word(slice: &Slice) -> String {
    match slice {
        Slice::Day => "day".to_owned(),
        Slice::Hours => "24h".to_owned(),
        Slice::Thread => "thread".to_owned(),
        Slice::Events(events) => events.to_string(),
    }
}

/// What is asked of them.
pub(in crate::nouns) fn choices(
    formats: &[&Written],
    how: &How,
    page_events: Option<u32>,
    timezone: Option<&str>,
) -> Result<Choices> {
    let made = |word: &str| formats.iter().any(|format| format.word == word);
    let (dat, edrm) = (made(load::dat::WRITTEN.word), made(load::edrm::WRITTEN.word));
    let refused = |what: &str, hint: &str| Err(Error::new(Kind::Usage, what).hint(hint));
    if page_events.is_some() && !made(html::WRITTEN.word) {
        return refused("--page-events applies to transcripts (HTML) only", "add --format html, or leave it out");
    }
    if how.document.is_some() && !dat && !edrm {
        return refused("--document applies to load files only", "add --format dat or --format edrm, or leave it out");
    }
    let about_dat = [
        ("--delimiters", how.delimiters.is_some()),
        ("--encoding", how.encoding.is_some()),
        ("--dates", how.dates.is_some()),
    ];
    if let Some((option, _)) = about_dat.iter().find(|(_, given)| *given && !dat) {
        return refused(&format!("{option} applies to DAT only"), "add --format dat, or leave it out");
    }
    if how.spreadsheet_safe && !made(sheet::WRITTEN.word) {
        return refused("--spreadsheet-safe applies to CSV only", "add --format csv, or leave it out");
    }
    if how.slice.is_some() && !made(rsmf::WRITTEN.word) && !made(eml::WRITTEN.word) {
        return refused("--slice applies to RSMF and EML only", "add --format rsmf or --format eml, or leave it out");
    }
    let load = Load {
        by_event: how.document == Some(DocumentName::Message),
        marks: how.delimiters.unwrap_or_default(),
        encoding: match how.encoding {
            Some(EncodingName::Utf16) => Encoding::Utf16,
            Some(EncodingName::Utf8) | None => Encoding::Utf8,
        },
        dates: match how.dates {
            Some(DatesName::Eu) => Dates::Eu,
            Some(DatesName::Iso) => Dates::Iso,
            Some(DatesName::Us) | None => Dates::Us,
        },
    };
    Ok(Choices {
        zone: Zone::parse(timezone)?,
        page_events: page_events.map_or(Choices::PAGE_EVENTS, |events| events as usize),
        load,
        spreadsheet_safe: how.spreadsheet_safe,
        slice: how.slice.unwrap_or_default(),
        bates: None,
    })
}
