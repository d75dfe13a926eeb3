//! The pages as templates see them. The one place that knows the template engine; they lie in `formats/templates/`.

use super::index::In;
use super::rows::{self, Day};
use super::text::{self, Html, Name};
use crate::error::{Error, Kind, Result};
use askama::Template;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::sync::OnceLock;

/// The one stylesheet. Pages of a transcript share it as a file; in papers and reports, which travel alone, it stands
/// in the page.
pub(super) const STYLE: &str = include_str!("../templates/style.css");
/// The search over all pages.
pub(super) const SEARCH: &str = include_str!("../templates/search.js");

/// What every page has.
pub(in crate::formats) struct Frame {
    /// The title of the window.
    pub(in crate::formats) title: String,
    /// What the page may load.
    pub(in crate::formats) csp: String,
    /// The stylesheet, where it is a file beside the page.
    pub(in crate::formats) link: Option<&'static str>,
    pub(in crate::formats) style: Html,
}

impl Frame {
    /// A page of a transcript: its style is the file `link`, and it loads nothing else beside what `more` says.
    pub(super) fn linked(title: String, link: &'static str, more: &str) -> Frame {
        let csp = format!("default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'self'{more}");
        Frame { title, csp, link: Some(link), style: Html(String::new()) }
    }

    /// A page that loads nothing beside what `more` says.
    pub(in crate::formats) fn new(title: String, more: &str) -> Frame {
        static HASH: OnceLock<String> = OnceLock::new();
        let hash = HASH.get_or_init(|| STANDARD.encode(Sha256::digest(STYLE)));
        let csp = format!("default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-{hash}'{more}");
        Frame { title, csp, link: None, style: Html(STYLE.to_owned()) }
    }
}

/// A page of a room.
#[derive(Template)]
#[template(path = "page.html", config = ".askama.toml")]
pub(super) struct Page<'a> {
    pub(super) frame: Frame,
    pub(super) room: &'a str,
    pub(super) category: Option<&'a str>,
    pub(super) address: String,
    pub(super) number: u32,
    pub(super) previous: Option<String>,
    pub(super) next: Option<String>,
    pub(super) span: String,
    pub(super) counts: String,
    pub(super) quiet: u64,
    pub(super) zone: String,
    pub(super) days: Vec<Day<'a>>,
}

/// A month of a calendar.
pub(super) struct Month {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) counts: String,
    pub(super) weeks: Vec<Vec<Cell>>,
}

/// A day of a calendar; without a number it belongs to another month.
#[derive(Clone, Default)]
pub(super) struct Cell {
    pub(super) number: u32,
    pub(super) said: String,
    pub(super) href: Option<String>,
    /// How busy the day was, from 0 to 4.
    pub(super) heat: u8,
    pub(super) count: String,
}

/// The days of a room.
#[derive(Template)]
#[template(path = "room.html", config = ".askama.toml")]
pub(super) struct Room<'a> {
    pub(super) frame: Frame,
    pub(super) room: &'a str,
    pub(super) category: Option<&'a str>,
    pub(super) address: String,
    pub(super) counts: String,
    pub(super) span: String,
    pub(super) pages: u32,
    pub(super) last: String,
    pub(super) zone: String,
    pub(super) months: Vec<Month>,
}

/// A row of a list of rooms, or of months.
pub(super) struct Line {
    pub(super) href: String,
    pub(super) title: String,
    pub(super) aside: String,
    pub(super) messages: u64,
    pub(super) others: u64,
    pub(super) first: String,
    pub(super) last: String,
    pub(super) pages: u32,
}

/// Everything there is, by room.
#[derive(Template)]
#[template(path = "index.html", config = ".askama.toml")]
pub(super) struct Index {
    pub(super) frame: Frame,
    pub(super) zone: String,
    pub(super) span: String,
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) rooms: Vec<Line>,
}

/// A year: its months, and their rooms.
pub(super) struct Section {
    pub(super) id: String,
    pub(super) title: String,
    pub(super) lines: Vec<Line>,
}

/// Lists of months: all of them, or those of a year with their rooms.
#[derive(Template)]
#[template(path = "months.html", config = ".askama.toml")]
pub(super) struct Months {
    pub(super) frame: Frame,
    pub(super) title: String,
    pub(super) first: &'static str,
    pub(super) sections: Vec<Section>,
}

/// A person.
pub(super) struct Somebody<'a> {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) others: Vec<String>,
    pub(super) address: String,
    pub(super) email: Option<String>,
    pub(super) outside: bool,
    pub(super) messages: u64,
    pub(super) rest: u64,
    pub(super) first: (String, String),
    pub(super) last: (String, String),
    pub(super) there: String,
    pub(super) rooms: Vec<In<'a>>,
}

/// Some of the people.
#[derive(Template)]
#[template(path = "people.html", config = ".askama.toml")]
pub(super) struct People<'a> {
    pub(super) frame: Frame,
    pub(super) said: String,
    pub(super) previous: Option<String>,
    pub(super) next: Option<String>,
    pub(super) people: Vec<Somebody<'a>>,
}

/// The search.
#[derive(Template)]
#[template(path = "search.html", config = ".askama.toml")]
pub(super) struct Search {
    pub(super) frame: Frame,
}

/// Makes the bytes of a page.
pub(super) fn made(page: &impl Template) -> Result<Vec<u8>> {
    made_of(page, 4096)
}

/// The same of a page that has about so many bytes.
pub(super) fn made_of(page: &impl Template, size: usize) -> Result<Vec<u8>> {
    let mut text = String::with_capacity(size);
    page.render_into(&mut text).map_err(|error| Error::new(Kind::Bug, "cannot fill a template").because(error))?;
    Ok(text.into_bytes())
}
