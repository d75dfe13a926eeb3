//! A package of a data tier: a zip with a model, an account of where it comes from, and rows in parts.

use super::Database;
use crate::containers::Pages;
use crate::error::{Error, Kind, Place, Result};
use crate::formats::sqlserver::known::{Dialect, KNOWN, is_ignored, table};
use crate::formats::sqlserver::model::{self, Table};
use crate::formats::sqlserver::origin;
use crate::formats::sqlserver::reader::Reader;
use crate::formats::sqlserver::tables::Picker;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::{BufReader, Read};

/// The files beside the model are small.
const SMALL: u64 = 16 << 20;
const MODEL: &str = "model.xml";
const ORIGIN: &str = "Origin.xml";
const DATA: &str = "Data/";

/// Does a zip with these files hold a package?
pub fn is_package(pages: &dyn Pages) -> bool {
    let has = |name: &str| pages.members().iter().any(|member| member.name.eq_ignore_ascii_case(name));
    let data = pages.members().iter().any(|member| is_data(&member.name));
    has(MODEL) && (has(ORIGIN) || data) || data && has(ORIGIN)
}

/// Is it a part with rows? Names of parts are compared without the case of letters, as those of the model are.
fn is_data(name: &str) -> bool {
    name.get(..DATA.len()).is_some_and(|folder| folder.eq_ignore_ascii_case(DATA))
}

/// Hashes what is read.
struct Hashing<R> {
    from: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.from.read(buffer)?;
        self.hash.update(&buffer[..count]);
        Ok(count)
    }
}

pub(super) fn open(database: &mut Database, mut pages: Box<dyn Pages>) -> Result<()> {
    let pages = &mut *pages;
    let fail = |pages: &dyn Pages, what: String| Error::damaged(Place::file(pages.name()), what);
    let find = |pages: &dyn Pages, name: &str| {
        pages.members().iter().position(|member| member.name.eq_ignore_ascii_case(name))
    };
    let Some(origin) = find(pages, ORIGIN) else {
        return Err(fail(pages, "the package has no Origin.xml, so nothing of it can be checked".to_owned())
            .hint("export the database again (docs/migrate.md)"));
    };
    let Some(model) = find(pages, MODEL) else {
        return Err(fail(pages, "the package has no model.xml, without which its rows cannot be read".to_owned())
            .hint("export the database again (docs/migrate.md)"));
    };
    let place = pages.place(ORIGIN);
    if pages.members()[origin].size > SMALL {
        return Err(Error::damaged(Place::file(place), "Origin.xml has more than 16 MiB"));
    }
    let mut bytes = Vec::new();
    pages.stream(origin)?.read_to_end(&mut bytes).map_err(|e| Error::io(&place, e))?;
    let origin = origin::read(&bytes, &place)?;
    let place = pages.place(MODEL);
    let (read, sum) = {
        let mut from = BufReader::with_capacity(1 << 16, Hashing { from: pages.stream(model)?, hash: Sha256::new() });
        let read = model::read(&mut from, &place)?;
        std::io::copy(&mut from, &mut std::io::sink()).map_err(|e| Error::io(&place, e))?;
        (read, crate::model::hash::hex(&from.into_inner().hash.finalize()))
    };
    database.what = "package of a data tier".to_owned();
    for (name, value) in [("Made by", &origin.product), ("Made", &origin.start), ("Server", &origin.server)] {
        if !value.is_empty() {
            database.facts.push((name.to_owned(), value.clone()));
        }
    }
    let model_is = match &origin.model {
        Some(said) if said.eq_ignore_ascii_case(&sum) => "as Origin.xml says".to_owned(),
        Some(_) => {
            database
                .remarks
                .note("packages whose model.xml is not the one Origin.xml gives the SHA-256 of: it was edited");
            "NOT the one Origin.xml gives the SHA-256 of: it was edited after the export".to_owned()
        }
        None => "unchecked: Origin.xml gives no SHA-256 of it".to_owned(),
    };
    database.facts.push(("Model".to_owned(), model_is));
    database.total = origin.rows.ok_or_else(|| "Origin.xml does not say how many rows there were".to_owned());

    // The parts of each table, in order of their names.
    let mut parts: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut there: Vec<(String, usize)> = Vec::new();
    for (at, member) in pages.members().iter().enumerate() {
        if is_data(&member.name) && !member.name.ends_with('/') {
            there.push((member.name.clone(), at));
        }
    }
    there.sort();
    if there.is_empty() {
        let what = match origin.with_data {
            Some(true) => "the package says that it holds data, but has no rows: every table was empty",
            _ => "the package holds the structure of a database and none of its data",
        };
        return Err(Error::new(Kind::Refused, what)
            .at(Place::file(pages.name()))
            .hint("SqlPackage /Action:Extract /p:ExtractAllTableData=true makes one with data (docs/migrate.md)"));
    }
    for (name, at) in there {
        let place = pages.place(&name);
        let folder = name[DATA.len()..].split('/').next().and_then(decoded);
        let Some(folder) = folder else {
            return Err(Error::damaged(Place::file(place), "the name of the folder is not the name of a table"));
        };
        let of = read.tables.iter().position(|table| called(table).eq_ignore_ascii_case(&folder));
        let Some(of) = of else {
            return Err(Error::damaged(Place::file(place), "these rows are of a table that is not in the model"));
        };
        parts.entry(of).or_default().push(at);
    }
    dialect(database, &read.tables, pages.name())?;
    for (at, table) in read.tables.iter().enumerate() {
        let members = parts.remove(&at).unwrap_or_default();
        one(database, pages, table, &members, origin.asked.as_deref())?;
    }
    if !KNOWN.iter().any(|known| database.seen.keys().any(|seen| is(seen, known.name))) {
        let names: Vec<String> = read.tables.iter().take(8).map(called).collect();
        database.foreign = Some(names.join(", "));
    }
    Ok(())
}

fn called(table: &Table) -> String {
    format!("{}.{}", table.schema, table.name)
}

fn is(seen: &str, name: &str) -> bool {
    let seen = seen.rsplit('.').next().unwrap_or(seen);
    table(seen).is_some_and(|(known, _)| known.name == name)
}

/// Both products' tables in one database have no meaning together.
fn dialect(database: &mut Database, tables: &[Table], place: &str) -> Result<()> {
    let mut found: Option<Dialect> = None;
    for one in tables {
        let Some((known, dialect)) = table(&one.name) else { continue };
        let Ok(layout) = &one.layout else { continue };
        let columns: Vec<&str> = layout.fields.iter().map(|field| field.name.as_str()).collect();
        if Picker::new(known, &columns).is_err() {
            continue;
        }
        if found.is_some_and(|found| found != dialect) {
            return Err(Error::new(
                Kind::Refused,
                "tables of Persistent Chat and of Group Chat 2010 lie in one database",
            )
            .at(Place::file(place))
            .hint("export each database by itself"));
        }
        found = Some(dialect);
    }
    database.dialect = found.unwrap_or(Dialect::PersistentChat);
    Ok(())
}

fn one(
    database: &mut Database,
    pages: &mut dyn Pages,
    of: &Table,
    members: &[usize],
    asked: Option<&[String]>,
) -> Result<()> {
    let name = called(of);
    let known = table(&of.name).filter(|(_, dialect)| *dialect == database.dialect).map(|(known, _)| known);
    let layout = match &of.layout {
        Ok(layout) => layout,
        Err(why) if members.is_empty() => {
            database.see(&name, Some(0), &format!("no rows came; {why}"));
            return Ok(());
        }
        Err(why) if known.is_some() => {
            return Err(Error::new(Kind::Refused, format!("the rows of {name} cannot be read: {why}"))
                .at(Place::file(pages.name())));
        }
        Err(why) => {
            database.total = Err(format!("the rows of {name} cannot be counted: {why}"));
            database.see(&name, None, &format!("cannot be read: {why}"));
            return Ok(());
        }
    };
    let columns: Vec<&str> = layout.fields.iter().map(|field| field.name.as_str()).collect();
    let picker = match known.map(|known| Picker::new(known, &columns)) {
        Some(Ok(picker)) => Some(picker),
        Some(Err(why)) if database.dialect == Dialect::PersistentChat => {
            return Err(Error::new(Kind::Refused, why).at(Place::file(pages.name())));
        }
        _ => None,
    };
    if members.is_empty() {
        let there = asked.map(|asked| asked.iter().any(|one| bare(one).eq_ignore_ascii_case(&name)));
        let note = match there {
            Some(true) => "empty",
            Some(false) => "not exported",
            None => "no rows came: it was empty, or not exported; the package does not say which",
        };
        if picker.is_some() || is_ignored(&of.name) {
            database.see(&name, Some(0), note);
        } else {
            database.see(&name, Some(0), "nothing of it is imported");
        }
        if let (Some(picker), false) = (&picker, there == Some(false)) {
            database.tables.add(picker.known);
        }
        return Ok(());
    }
    let reader = Reader { table: name, layout: layout.clone(), picker };
    for member in members {
        database.take(pages, *member, reader.clone(), 0)?;
    }
    Ok(())
}

/// A name as `Origin.xml` lists it, without brackets.
fn bare(name: &str) -> String {
    name.replace(['[', ']'], "")
}

/// The name of a table in the name of its folder, where each byte may be written as `%XX`, once.
fn decoded(folder: &str) -> Option<String> {
    let mut out = Vec::with_capacity(folder.len());
    let mut rest = folder.as_bytes();
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        out.push(match byte {
            b'%' => {
                let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
                rest = &rest[2..];
                u8::from_str_radix(digits, 16).ok()?
            }
            byte => *byte,
        });
    }
    let name = String::from_utf8(out).ok()?;
    (!name.chars().any(|c| c.is_control() || matches!(c, '/' | '\\')) && !name.is_empty()).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::decoded;

    #[test]
    fn folders_are_decoded_once() {
        assert_eq!(decoded("dbo.Order%20Details").as_deref(), Some("dbo.Order Details"));
        assert_eq!(decoded("dbo.a%2520b").as_deref(), Some("dbo.a%20b"));
        for wrong in ["", "dbo.a%2Fb", "dbo.a%5Cb", "dbo.a%00", "dbo.a%", "dbo.a%zz", "dbo.%FF"] {
            assert_eq!(decoded(wrong), None, "{wrong}");
        }
    }
}
