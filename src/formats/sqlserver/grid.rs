//! CSV as the studio saves it, and lines as `sqlcmd` prints them. Both cut long texts without a word and write a
//! missing value like the text `NULL`, so what may have been cut is refused, and what cannot be told is said.

use super::given::{Asked, Bytes, Given, TakeGiven, text};
use super::known::Known;
use super::pages::Page;
use super::recognize::{known, names};
use super::tables::Picker;
use super::types::Type;
use super::value::Value;
use crate::error::{Error, Kind, Place, Result};
use crate::formats::Remarks;
use std::borrow::Cow;
use std::io::Read;
use std::sync::Arc;

/// Where programs cut texts, in characters.
const CUTS: [usize; 5] = [256, 8_192, 32_767, 43_679, 65_535];
/// Texts of this length and more are looked at for having been cut.
const LONG: usize = 256;

/// Reads a file under a line of names.
pub fn each(
    from: &mut dyn Read,
    separator: char,
    asked: &Asked<'_>,
    remarks: &mut Remarks,
    take: &mut TakeGiven<'_>,
) -> Result<()> {
    let told = |e: std::io::Error| Error::io(asked.place, e);
    let (from, unicode) = text(from, asked.place).map_err(told)?;
    let page = if unicode { Page::Utf8 } else { asked.page };
    let mut file = Lines { bytes: Bytes::new(from), asked, page, separator: separator as u8, quoting: true };
    let Some(head) = file.record()? else { return Ok(()) };
    let head: Vec<String> = match separator {
        ' ' => head.iter().flat_map(|cell| names(&cell.text, ' ')).collect(),
        _ => head.iter().map(|cell| cell.text.trim().to_owned()).collect(),
    };
    let Some((known, dialect)) = known(asked.table, &head) else {
        return Err(file.fail("the names in the first line match no known table"));
    };
    let columns: Vec<&str> = head.iter().map(String::as_str).collect();
    let picker = Arc::new(Picker::new(known, &columns).map_err(|why| file.fail(why))?);
    let kinds: Vec<(Type, bool)> = head.iter().map(|name| known.column(name).unwrap_or((Type::Text, true))).collect();
    let mut lengths = Lengths::default();
    let mut quotes: Vec<Quotes> = head.iter().map(|_| Quotes::default()).collect();
    let mut rows = 0u64;
    // What sqlcmd has drawn under the names.
    let mut rules: Option<Rules> = None;
    let mut first = true;
    // Has the last row ended with a text that nothing closes, so that an empty line may be part of it?
    let mut open_end = false;
    loop {
        let line = file.bytes.line;
        let Some(cells) = file.record()? else { break };
        if std::mem::take(&mut first) && cells.iter().all(|cell| cell.is_rule()) {
            // Under its names sqlcmd draws a line, and quotes nothing.
            rules = Some(Rules::of(&cells));
            file.quoting = false;
            if separator == ' ' {
                return Err(file.fail("sqlcmd separated the values by blanks, which texts contain as well").hint(GOOD));
            }
            continue;
        }
        if cells.len() == 1 && cells[0].text.trim().is_empty() {
            file.only_the_end_follows(open_end, rules.is_some(), rows)?;
            break;
        }
        if let Some(said) = footer(&cells) {
            if said != rows || file.rest_is_not_empty()? {
                return Err(file
                    .fail(format!("the file says that it has {said} rows, but there are {rows}"))
                    .hint(GOOD));
            }
            break;
        }
        if cells.len() != head.len() {
            let what =
                format!("a row has {} values for {} columns: a text contains the separator", cells.len(), head.len());
            return Err(file.fail_at(line, what).hint(GOOD));
        }
        let mut cells = cells;
        if let Some(rules) = &mut rules {
            rules.unpad(&mut cells, &kinds).map_err(|why| file.fail_at(line, why).hint(GOOD))?;
        }
        for (cell, (quotes, (kind, _))) in cells.iter().zip(quotes.iter_mut().zip(&kinds)) {
            if *kind == Type::Text {
                quotes.add(cell, separator);
            }
        }
        let ends_in_text = kinds.last().is_some_and(|(kind, _)| *kind == Type::Text);
        open_end = ends_in_text && cells.last().is_some_and(|cell| !cell.quoted && cell.text != "NULL");
        let mut values = Vec::with_capacity(cells.len());
        for (cell, (kind, nullable)) in cells.into_iter().zip(&kinds) {
            let missing = !cell.quoted && cell.text == "NULL";
            if *kind == Type::Text {
                lengths.add(cell.text.chars().count());
            }
            values.push(match (missing, nullable) {
                (true, true) => {
                    if *kind == Type::Text {
                        remarks.note("NULL in CSV, which the text NULL looks like; taken as missing");
                    }
                    Value::Null
                }
                (true, false) if *kind == Type::Text => {
                    remarks.note("NULL in CSV columns that cannot be NULL; taken as text");
                    Value::Text(Cow::Owned(cell.text))
                }
                _ => Value::Text(Cow::Owned(cell.text)),
            });
        }
        rows += 1;
        if take(Given { picker: picker.clone(), dialect, line, values })?.is_break() {
            return Ok(());
        }
    }
    if rules.is_some() {
        remarks.note("files of sqlcmd: blanks at the end of texts were left out, because sqlcmd adds such blanks");
    }
    if let Some(at) = quotes.iter().position(Quotes::doubtful) {
        let what = format!(
            "some texts of column {} are quoted without need and others are not, so it is unclear whether the quotes \
             belong to the texts",
            head[at]
        );
        return Err(Error::new(Kind::Refused, what).at(Place::file(asked.place)).hint(GOOD));
    }
    lengths.check(known, asked.place)
}

const GOOD: &str = "make the file again in native form: bcp mgc.dbo.tblChat out tblChat.bcp -N -S SERVER -T \
                    (docs/migrate.md)";

/// What sqlcmd has drawn under the names of columns: as wide as every value of it, which it fills with blanks unless it
/// was told not to.
struct Rules {
    widths: Vec<usize>,
    /// Are the values as wide? Not known before a row that says so.
    padded: Option<bool>,
}

impl Rules {
    fn of(cells: &[Cell]) -> Rules {
        Rules { widths: cells.iter().map(|cell| cell.text.chars().count()).collect(), padded: None }
    }

    /// Takes away the blanks that sqlcmd has added, and refuses a text that fills all of its column: it may be cut.
    fn unpad(&mut self, cells: &mut [Cell], kinds: &[(Type, bool)]) -> Result<(), &'static str> {
        let is_wide = |cell: &Cell, width: &usize| {
            cell.text.chars().count() == *width || cell.text.encode_utf16().count() == *width
        };
        let fits = cells.iter().zip(&self.widths).all(|(cell, width)| is_wide(cell, width));
        let is_blank = |cell: &Cell| cell.text.starts_with(' ') || cell.text.ends_with(' ');
        let now = if fits && cells.iter().any(is_blank) { Some(true) } else { (!fits).then_some(false) };
        match (self.padded, now) {
            (Some(before), Some(now)) if before != now => {
                return Err("the values of this row do not fill their columns as those before it do");
            }
            (None, now) => self.padded = now,
            _ => {}
        }
        let padded = self.padded == Some(true);
        for (cell, (kind, _)) in cells.iter_mut().zip(kinds) {
            if padded && *kind == Type::Text && !cell.text.is_empty() && !cell.text.ends_with(' ') {
                return Err("a text fills the whole width of its column, where sqlcmd cuts texts");
            }
            cell.text.truncate(cell.text.trim_end_matches(' ').len());
            if *kind != Type::Text {
                cell.text.drain(..cell.text.len() - cell.text.trim_start_matches(' ').len());
            }
        }
        Ok(())
    }
}

/// Whether the texts of a column stand in quotes that they need.
#[derive(Debug, Default)]
struct Quotes {
    needless: bool,
    none: bool,
}

impl Quotes {
    fn add(&mut self, cell: &Cell, separator: char) {
        let needs = cell.text.is_empty() || cell.text.contains([separator, '"', '\r', '\n']) || cell.text == "NULL";
        match cell.quoted {
            true => self.needless |= !needs,
            false => self.none |= cell.text != "NULL" && !cell.text.is_empty(),
        }
    }

    /// Programs put either all texts in quotes, or those that need them.
    fn doubtful(&self) -> bool {
        self.needless && self.none
    }
}

/// How long texts are, so that one can see that they were cut.
#[derive(Debug, Default)]
struct Lengths {
    most: usize,
    times: u64,
    cut: u64,
}

impl Lengths {
    fn add(&mut self, length: usize) {
        self.cut += u64::from(CUTS.contains(&length));
        match length.cmp(&self.most) {
            std::cmp::Ordering::Greater => (self.most, self.times) = (length, 1),
            std::cmp::Ordering::Equal => self.times += 1,
            std::cmp::Ordering::Less => {}
        }
    }

    fn check(&self, known: &Known, place: &str) -> Result<()> {
        let what = match () {
            () if self.cut > 0 => {
                format!(
                    "{} of {} have a length at which programs cut texts: 256, 8192, 32767, 43679 or 65535 characters",
                    self.cut, known.name
                )
            }
            () if self.most >= LONG && self.times > 1 => {
                format!("{} texts of {} share the greatest length, {} characters", self.times, known.name, self.most)
            }
            () => return Ok(()),
        };
        Err(Error::new(Kind::Refused, format!("{what}: they were cut when the file was made"))
            .at(Place::file(place))
            .hint(GOOD))
    }
}

/// One value.
struct Cell {
    text: String,
    quoted: bool,
}

impl Cell {
    fn is_rule(&self) -> bool {
        let text = self.text.trim();
        !text.is_empty() && text.bytes().all(|byte| byte == b'-' || byte == b' ')
    }
}

/// The number in `(5 rows affected)`.
fn footer(cells: &[Cell]) -> Option<u64> {
    let [cell] = cells else { return None };
    let inside = cell.text.trim().strip_prefix('(')?.strip_suffix(')')?;
    let (number, rest) = inside.split_once(' ')?;
    matches!(rest, "rows affected" | "row affected" | "row(s) affected").then(|| number.parse().ok())?
}

struct Lines<'a, 'b> {
    bytes: Bytes<'a>,
    asked: &'b Asked<'b>,
    page: Page,
    separator: u8,
    quoting: bool,
}

impl Lines<'_, '_> {
    fn fail(&self, what: impl Into<String>) -> Error {
        self.fail_at(self.bytes.line, what)
    }

    fn fail_at(&self, line: u64, what: impl Into<String>) -> Error {
        Error::new(Kind::Refused, what).at(Place { file: self.asked.place.to_owned(), line, column: 0 })
    }

    /// Behind an empty line there is nothing, or what sqlcmd says about the rows; else it is part of a text.
    fn only_the_end_follows(&mut self, open_end: bool, console: bool, rows: u64) -> Result<()> {
        let part = |file: &Self| file.fail("an empty line in the file may be the end of a text").hint(GOOD);
        match self.record()? {
            None if !open_end => Ok(()),
            Some(cells) if console => match footer(&cells) {
                Some(said) if said == rows && !self.rest_is_not_empty()? => Ok(()),
                Some(said) => {
                    Err(self.fail(format!("the file says that it has {said} rows, but there are {rows}")).hint(GOOD))
                }
                None => Err(part(self)),
            },
            _ => Err(part(self)),
        }
    }

    fn next(&mut self) -> Result<Option<u8>> {
        self.bytes.next().map_err(|e| match e.downcast::<Error>() {
            Ok(error) => error,
            Err(e) => Error::io(self.asked.place, e),
        })
    }

    fn rest_is_not_empty(&mut self) -> Result<bool> {
        while let Some(byte) = self.next()? {
            if !byte.is_ascii_whitespace() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The values up to the end of a line; nothing at the end of the file.
    fn record(&mut self) -> Result<Option<Vec<Cell>>> {
        let mut cells: Vec<Cell> = Vec::new();
        let mut bytes = Vec::new();
        let (mut quoted, mut open, mut any) = (false, false, false);
        loop {
            let byte = self.next()?;
            if bytes.len() as u64 > self.asked.most || cells.len() > 4096 {
                return Err(self.fail("a row is longer than the limit").hint("if you trust it, raise --max-page"));
            }
            match byte {
                None if open => return Err(self.fail("a quote is not closed")),
                None if !any => return Ok(None),
                Some(b'"') if self.quoting && open => {
                    let doubled = self.bytes.peek().map_err(|e| Error::io(self.asked.place, e))? == Some(b'"');
                    if doubled {
                        self.next()?;
                        bytes.push(b'"');
                    } else {
                        open = false;
                    }
                }
                Some(byte) if open => bytes.push(byte),
                Some(b'"') if self.quoting && bytes.is_empty() && !quoted => (quoted, open) = (true, true),
                Some(byte) if byte == self.separator && self.separator != b' ' => {
                    cells.push(self.cell(&mut bytes, quoted)?);
                    quoted = false;
                }
                None | Some(b'\n') => {
                    if bytes.last() == Some(&b'\r') {
                        bytes.pop();
                    }
                    cells.push(self.cell(&mut bytes, quoted)?);
                    return Ok(Some(cells));
                }
                Some(b'\r') => bytes.push(b'\r'),
                Some(_) if quoted => return Err(self.fail("something follows a closing quote")),
                Some(byte) => bytes.push(byte),
            }
            any = true;
        }
    }

    fn cell(&self, bytes: &mut Vec<u8>, quoted: bool) -> Result<Cell> {
        let text = self.page.decode(bytes).map_err(|fault| self.fail(fault.0))?.into_owned();
        bytes.clear();
        Ok(Cell { text, quoted })
    }
}
