//! How a file of `bcp` is written that brings no format file. Every way the documents know is tried on its beginning,
//! and one is taken only when it reads all of it, every value can be, and no other way reads anything else.

use super::given::head_text;
use super::known::{Dialect, Known};
use super::layout::{BROKEN, Layout};
use super::pages::Page;
use super::types::Type;
use super::value::Value;
use sha2::{Digest, Sha256};

/// The messages of chat servers lie between these instants: the years 2000 to 2100, in ticks.
const TIMES: std::ops::Range<i64> = 630_822_816_000_000_000..662_380_416_000_000_000;

/// How a file is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// Its rows.
    pub layout: Layout,
    /// Bytes before the first row.
    pub skip: usize,
    /// In words.
    pub words: &'static str,
}

/// Why nobody can say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unsettled {
    /// No way reads it.
    None,
    /// A text has broken its rows.
    Broken,
    /// A text is in a code page that nobody named.
    Page,
    /// UTF-16 in the order of bytes that bcp never writes.
    Swapped,
    /// Lines with a separator, and none of them names the columns.
    Nameless(char),
    /// Several ways read it, and not alike.
    Several(Vec<&'static str>),
}

/// Settles how `head` is written, the beginning of the file, or all of it.
pub fn settle(known: &Known, dialect: Dialect, head: &[u8], all: bool, page: Page) -> Result<Settled, Unsettled> {
    let wide = head.starts_with(b"\xFF\xFE");
    let mut ways = Vec::new();
    for (bit, missing) in [(0, false), (1, false), (1, true)] {
        for (of, words) in [(Page::Wide, "native form with Unicode text (-N)"), (page, "native form (-n)")] {
            ways.push(Settled { layout: known.native(dialect, bit, of, missing), skip: 0, words });
        }
    }
    let skip = if wide { 2 } else { 0 };
    ways.push(Settled { layout: known.characters(dialect, Page::Wide), skip, words: "Unicode characters (-w)" });
    if !wide {
        let skip = if head.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        ways.push(Settled { layout: known.characters(dialect, page), skip, words: "characters (-c)" });
    }
    let (mut broken, mut unsaid) = (false, false);
    let mut read: Vec<(Settled, [u8; 32])> = Vec::new();
    for way in ways {
        let characters = way.layout.lone_line_ends;
        match reads(known, &way.layout, &head[way.skip..], all) {
            Ok(said) if read.iter().all(|(_, other)| *other != said) => read.push((way, said)),
            Ok(_) => {}
            Err(Some(reason)) if reason.contains("--code-page") => unsaid = true,
            Err(reason) => broken |= characters && reason == Some(BROKEN) && looks_like_text(&head[way.skip..], &way),
        }
    }
    match read.len() {
        0 if is_swapped(head) => Err(Unsettled::Swapped),
        0 if let Some(separator) = nameless(known, head) => Err(Unsettled::Nameless(separator)),
        0 if broken => Err(Unsettled::Broken),
        0 if unsaid => Err(Unsettled::Page),
        0 => Err(Unsettled::None),
        1 => Ok(read.remove(0).0),
        _ => Err(Unsettled::Several(read.iter().map(|(way, _)| way.words).collect())),
    }
}

/// Is it UTF-16 in big-endian order, with a mark or with a digit at the start?
fn is_swapped(head: &[u8]) -> bool {
    match head {
        [0xFE, 0xFF, ..] => true,
        [0, first, 0, ..] => first.is_ascii_digit(),
        _ => false,
    }
}

/// What separates the values of the first line, when it has as many as the table has columns and no tab.
fn nameless(known: &Known, head: &[u8]) -> Option<char> {
    let text = head_text(head);
    let line = text.trim_start_matches('\u{FEFF}').lines().next()?;
    let of_text = line.starts_with(|c: char| c.is_ascii_digit() || c == '"') && !line.contains(['\t', '\0']);
    let columns = known.needs().count().max(2)..=known.columns.len();
    let fits = |separator: &char| columns.contains(&line.split(*separator).count());
    [';', '|', ','].into_iter().find(fits).filter(|_| of_text)
}

/// Does a file of characters begin as one does: with a digit?
fn looks_like_text(head: &[u8], way: &Settled) -> bool {
    let wide = way.layout.fields.iter().any(|field| field.page == Page::Wide);
    head.first().is_some_and(u8::is_ascii_digit) && (!wide || head.get(1) == Some(&0))
}

/// What this layout makes of these rows, in short; or why it cannot be the one.
fn reads(known: &Known, layout: &Layout, head: &[u8], all: bool) -> Result<[u8; 32], Option<&'static str>> {
    let (rows, end) = layout.whole(head).map_err(|(_, wrong)| Some(wrong.fault.0))?;
    if all && end != head.len() || rows == 0 && !head.is_empty() {
        return Err(layout.lone_line_ends.then_some(BROKEN));
    }
    let mut hash = Sha256::new();
    layout.rows(&head[..end], &mut |row| {
        let values = row.map_err(|wrong| Some(wrong.fault.0))?;
        for (field, value) in layout.fields.iter().zip(values.iter()) {
            let (kind, nullable) = known.column(&field.name).unwrap_or((Type::Text, true));
            let needed = known.needs().any(|name| name.eq_ignore_ascii_case(&field.name));
            if !can_be(&field.name, kind, nullable || !needed, value) {
                return Err(layout.lone_line_ends.then_some(BROKEN));
            }
            hash.update(format!("{:?}", said(kind, value)));
        }
        Ok(())
    })?;
    Ok(hash.finalize().into())
}

/// A value in the form of its column, whichever way it was read.
fn said(kind: Type, value: &Value<'_>) -> Option<String> {
    match kind {
        _ if value.is_null() => None,
        Type::Int(_) => value.int().ok().flatten().map(|number| number.to_string()),
        Type::Bit => value.bit().ok().flatten().map(|is| is.to_string()),
        Type::Guid => value.guid().ok().flatten(),
        Type::Text => value.text().ok().flatten().map(str::to_owned),
        _ => value.time().ok().flatten().map(|at| at.to_string()),
    }
}

/// Can a column have this value?
fn can_be(name: &str, kind: Type, may_be_missing: bool, value: &Value<'_>) -> bool {
    if value.is_null() {
        return may_be_missing;
    }
    match kind {
        Type::Int(8) if is_instant(name) => {
            value.int().is_ok_and(|ticks| ticks.is_some_and(|ticks| ticks == 0 || TIMES.contains(&ticks)))
        }
        Type::Int(_) => value.int().is_ok_and(|number| number.is_some()),
        Type::Bit => value.bit().is_ok_and(|bit| bit.is_some()),
        Type::Guid => value.guid().is_ok(),
        Type::Text => value.text().is_ok_and(|text| text.is_none_or(|text| !text.contains('\0'))),
        Type::DateTime | Type::SmallDateTime | Type::DateTime2(_) => value.time().is_ok(),
        _ => true,
    }
}

fn is_instant(name: &str) -> bool {
    const NAMES: [&str; 8] = [
        "chatDate",
        "cmplTime",
        "joinedAt",
        "partedAt",
        "nodeAddedOn",
        "nodeUpdatedOn",
        "prinAddedOn",
        "prinUpdatedOn",
    ];
    NAMES.iter().any(|known| known.eq_ignore_ascii_case(name))
}
