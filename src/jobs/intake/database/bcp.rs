//! Files of `bcp`, scripts and CSV: what each is, of which table, and how it is written.

use super::{CHUNK, Database, How};
use crate::containers::Pages;
use crate::error::{Error, Kind, Place, Result};
use crate::formats::sqlserver::format_file;
use crate::formats::sqlserver::known::{Dialect, Known, is_ignored};
use crate::formats::sqlserver::layout::Layout;
use crate::formats::sqlserver::pages::Page;
use crate::formats::sqlserver::reader::Reader;
use crate::formats::sqlserver::recognize::{self, Part, known};
use crate::formats::sqlserver::settle::{Settled, Unsettled, settle};
use crate::formats::sqlserver::tables::Picker;
use crate::jobs::intake::is_gap;
use std::collections::HashMap;
use std::io::Read;

/// How much of a file is looked at to settle how it is written.
const LOOKED_AT: usize = 4 * CHUNK;
/// A format file has at most so many bytes.
const FORMAT: u64 = 4 << 20;

pub(super) fn open(
    database: &mut Database,
    mut pages: Box<dyn Pages>,
    wanted: Option<&Vec<String>>,
    page: Page,
) -> Result<()> {
    let pages = &mut *pages;
    database.what = "files of bcp, scripts or CSV".to_owned();
    let mut files: Vec<(String, usize, Part)> = Vec::new();
    let mut formats: HashMap<String, (Layout, String)> = HashMap::new();
    for at in 0..pages.members().len() {
        let name = pages.members()[at].name.clone();
        if wanted.is_some_and(|wanted| !wanted.contains(&name)) {
            continue;
        }
        let head = read(pages, at, super::super::find::HEAD as u64)?;
        let part = recognize::part(&name, &head);
        match part {
            Some(Part::Format) => {
                let place = pages.place(&name);
                let bytes = read(pages, at, FORMAT)?;
                let layout = format_file::read(&bytes, &place, page)?;
                formats.insert(stem(&name), (layout, place));
            }
            Some(part) => files.push((name, at, part)),
            None => {
                return Err(Error::damaged(Place::file(pages.place(&name)), "this is not a file of a chat database")
                    .hint("name files of bcp after their tables, as tblChat.bcp (docs/migrate.md)"));
            }
        }
    }
    files.sort_by(|one, other| one.0.cmp(&other.0));
    if let Some((name, ..)) = files.iter().find(|(name, ..)| of_a_package(name)) {
        return Err(Error::new(
            Kind::Refused,
            "this is part of an unpacked package, and only the model of the package says how to read it",
        )
        .at(Place::file(pages.place(name)))
        .hint("import the .bacpac or .dacpac itself, or make a zip of all that was in it"));
    }
    let named = |part: &Part| if let Part::Rows(Some(name)) = part { known(Some(name), &[]) } else { None };
    let mut dialects: Vec<Dialect> = files.iter().filter_map(|(.., part)| Some(named(part)?.1)).collect();
    dialects.sort();
    dialects.dedup();
    if dialects.len() > 1 {
        return Err(Error::new(Kind::Refused, "tables of Persistent Chat and of Group Chat 2010 are mixed")
            .at(Place::file(pages.name()))
            .hint("import each database by itself"));
    }
    database.given = dialects.first().copied();
    database.dialect = dialects.first().copied().unwrap_or(Dialect::PersistentChat);
    for (name, at, part) in files {
        match one(database, pages, (&name, at), part, &formats, page) {
            Err(error) if database.keep_going && is_gap(&error) => database.remarks.gap(error),
            done => done?,
        }
    }
    if database.seen.is_empty() && database.remarks.gaps.is_empty() {
        return Err(Error::new(Kind::NotFound, "there are format files here, but no data files for them")
            .at(Place::file(pages.name())));
    }
    Ok(())
}

/// Is it named like a part of a package of a data tier?
fn of_a_package(name: &str) -> bool {
    let (folder, file) = name.rsplit_once('/').unwrap_or(("", name));
    let file = file.to_ascii_lowercase();
    file.starts_with("tabledata-") && file.ends_with(".bcp") && folder.contains('.')
}

fn one(
    database: &mut Database,
    pages: &mut dyn Pages,
    (name, at): (&str, usize),
    part: Part,
    formats: &HashMap<String, (Layout, String)>,
    page: Page,
) -> Result<()> {
    let (how, words) = match part {
        Part::Rows(table) => return rows(database, pages, (name, at), table.as_deref(), formats, page),
        Part::Script => (How::Script, "as a script of INSERT statements"),
        Part::Csv(separator) => {
            let file = name.rsplit(['/', '\\']).next().unwrap_or(name);
            (How::Csv(separator, recognize::named(file)), "as CSV")
        }
        Part::Format => return Ok(()),
    };
    database.facts.push((format!("Read {name}"), words.to_owned()));
    database.take_given(pages, at, how)
}

fn read(pages: &mut dyn Pages, at: usize, most: u64) -> Result<Vec<u8>> {
    let place = pages.place(&pages.members()[at].name.clone());
    let mut bytes = Vec::new();
    pages.stream(at)?.take(most).read_to_end(&mut bytes).map_err(|e| Error::io(&place, e))?;
    Ok(bytes)
}

/// The name of a file without its ending, in small letters.
fn stem(name: &str) -> String {
    let stem = name.rsplit_once('.').map_or(name, |(stem, ending)| if ending.contains('/') { name } else { stem });
    stem.to_lowercase()
}

/// The format file for a file: of the same name, or of its name with another ending, or of its table.
fn format_for<'f>(
    name: &str,
    table: Option<&str>,
    formats: &'f HashMap<String, (Layout, String)>,
) -> Option<&'f (Layout, String)> {
    let folder = name.rsplit_once('/').map_or("", |(folder, _)| folder).to_lowercase();
    let of_table = table.map(|table| match folder.is_empty() {
        true => table.to_lowercase(),
        false => format!("{folder}/{}", table.to_lowercase()),
    });
    let names = [Some(stem(name)), Some(name.to_lowercase()), of_table];
    names.into_iter().flatten().find_map(|name| formats.get(&name))
}

fn rows(
    database: &mut Database,
    pages: &mut dyn Pages,
    (name, at): (&str, usize),
    table: Option<&str>,
    formats: &HashMap<String, (Layout, String)>,
    page: Page,
) -> Result<()> {
    let place = pages.place(name);
    let size = pages.members()[at].size;
    let format = format_for(name, table, formats);
    let columns: Vec<String> =
        format.map(|(layout, _)| layout.fields.iter().map(|field| field.name.clone()).collect()).unwrap_or_default();
    let Some((known, dialect)) = known(table, &columns) else {
        if table.is_some_and(is_ignored) {
            database.see(table.unwrap_or_default(), None, "nothing of it is imported");
            return Ok(());
        }
        return Err(Error::new(Kind::Refused, "the table of these rows is unknown")
            .at(Place::file(place))
            .hint("name the file after its table, as tblChat.bcp, or put its format file beside it, as tblChat.fmt"));
    };
    let head = read(pages, at, LOOKED_AT as u64)?;
    let all = head.len() as u64 == size;
    let (layout, skip, words) = match format {
        Some((layout, _)) => {
            let wide = layout.fields.iter().any(|field| field.characters && field.page == Page::Wide);
            let skip = if wide && head.starts_with(b"\xFF\xFE") { 2 } else { 0 };
            (layout.clone(), skip, "by its format file")
        }
        None => {
            let Settled { layout, skip, words } =
                settle(known, dialect, &head, all, page).map_err(|why| unsettled(known, why, &place))?;
            (layout, skip, words)
        }
    };
    let columns: Vec<&str> = layout.fields.iter().map(|field| field.name.as_str()).collect();
    let picker = Picker::new(known, &columns).map_err(|why| Error::new(Kind::Refused, why).at(Place::file(&place)))?;
    database.facts.push((format!("Read {name}"), words.to_owned()));
    let reader = Reader { table: known.name.to_owned(), layout, picker: Some(picker) };
    database.take(pages, at, reader, skip)
}

/// Why a file cannot be read, and the command that makes one that can.
fn unsettled(known: &Known, why: Unsettled, place: &str) -> Error {
    let table = known.name;
    let what = match &why {
        Unsettled::Broken => {
            "the rows of this file of characters are broken: by a message with a tab or a line end, for nothing is \
             escaped, or because the file was cut"
                .to_owned()
        }
        Unsettled::Page => {
            format!("texts of {table} are in a code page that the file does not name")
        }
        Unsettled::Swapped => format!("the rows of {table} are UTF-16 in big-endian order, which bcp never writes"),
        Unsettled::Nameless(separator) => {
            format!("values of {table} are separated by {separator:?}, and no line before them names the columns")
        }
        Unsettled::None => format!("the rows of {table} are in no documented form of bcp"),
        Unsettled::Several(words) => {
            format!("the rows of {table} can be read in several ways that differ: {}", words.join("; "))
        }
    };
    let hint = match why {
        Unsettled::Broken => format!(
            "make it again in native form: bcp mgc.dbo.{table} out {table}.bcp -N -S SERVER -T (docs/migrate.md)"
        ),
        Unsettled::Page => "--code-page 437 or 850 for consoles, 1252 for Windows".to_owned(),
        Unsettled::Swapped => format!("turn it round: iconv -f UTF-16BE -t UTF-16LE FILE > OTHER-FOLDER/{table}.bcp"),
        Unsettled::Nameless(_) => {
            "export it with headers: SSMS, Query, Query Options, Results, Include column headers; sqlcmd without -h -1"
                .to_owned()
        }
        _ => format!(
            "put its format file beside it: bcp mgc.dbo.{table} format nul -N -f {table}.fmt -S SERVER -T \
             (docs/migrate.md)"
        ),
    };
    Error::new(Kind::Refused, what).at(Place::file(place)).hint(hint)
}
