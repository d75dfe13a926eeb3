//! Which files are history, and in which format. Content decides; names only say what is passed
//! over in a folder.

use super::database::{Dump, is_package};
use super::{Form, attached};
use crate::containers::manifest::DECLARATION;
use crate::containers::names::{PACKED, is_litter, not_too_deep, packed_as};
use crate::containers::volumes::{self, volume_of};
use crate::containers::{InputLimits, Pages};
use crate::context::Context;
use crate::error::{ABSENT, Error, Kind, Place, Result};
use crate::files;
use crate::formats::sqlserver::recognize::{self, Part};
use crate::formats::{compliance, jsonl, sqlserver};
use crate::jobs::archive::{is_bag, is_volume};
use crate::model::bounds::{self, exceeded};
use crate::model::counted::counted;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How much of a file is looked at to tell its format.
pub(super) const HEAD: usize = 4096;

/// What people call the file that standard input is held in.
pub const STDIN: &str = "standard input";
/// What is read of a zip.
#[derive(Debug, Clone)]
pub struct Inside {
    /// The zip.
    pub path: PathBuf,
    /// The files in it that are history, by name.
    pub members: Vec<String>,
    /// Its attachments, unpacked.
    pub scratch: Option<Arc<files::Scratch>>,
}

/// One thing to read.
#[derive(Debug, Clone)]
pub enum Input {
    /// An archive, or the first volume of one.
    Archive(PathBuf),
    /// A file of history.
    File(PathBuf),
    /// A zip of files of history.
    Zip(Inside),
    /// Files of a database of the product.
    Database(Dump),
}

impl Input {
    /// The file or folder.
    pub fn path(&self) -> &Path {
        match self {
            Input::Archive(path) | Input::File(path) | Input::Zip(Inside { path, .. }) => path,
            Input::Database(dump) => dump.path(),
        }
    }
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// What to read, in order.
    pub inputs: Vec<Input>,
    /// Files of a folder or zip that are no history, by their names.
    pub passed_over: u64,
    /// Files that look like history and are attachments of it.
    pub attached: u64,
    /// Zips of folders that cannot be read, unless they are attachments.
    pub(super) refused: Vec<(PathBuf, Error)>,
    /// What was left out because it is broken.
    pub gaps: Vec<Error>,
    /// Holds standard input, and is gone when the import is over.
    pub spool: Option<files::Draft>,
}

/// Finds what to read at these paths; `-` is standard input. With `keep_going` broken zips are left out and listed.
/// `form` is the format of files, when it was named.
pub fn find(cx: &Context<'_>, paths: &[PathBuf], form: Option<Form>, keep_going: bool) -> Result<Found> {
    let limits = cx.input;
    let mut found = Found::default();
    let mut rows: Vec<PathBuf> = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            let spool = spool(cx)?;
            let held = spool.path().display().to_string();
            let input =
                one_file(spool.path(), limits, &mut found.passed_over).map_err(|error| error.renamed(&held, STDIN));
            found.add(input, keep_going)?;
            found.spool = Some(spool);
            continue;
        }
        let told = |e| Error::io(path.display(), e);
        let kind = std::fs::metadata(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => {
                Error::new(Kind::NotFound, format!("file or folder {} does not exist", path.display())).hint(ABSENT)
            }
            _ => told(e),
        })?;
        if kind.is_dir() {
            folder(path, limits, &mut found)?;
        } else if form == Some(Form::SqlServer) && !is_zip(path)? || form.is_none() && is_rows(path)? {
            rows.push(path.clone());
        } else {
            let input = one_file(path, limits, &mut found.passed_over);
            found.add(input, keep_going)?;
        }
    }
    if !rows.is_empty() {
        // Files that were named one by one are parts of one database.
        let name = if let [one] = rows.as_slice() { one.clone() } else { common(&rows) };
        found.inputs.push(Input::Database(Dump::Files(name, rows)));
    }
    attached::sort_out(&mut found, limits, form, keep_going)?;
    // Volumes of one archive count once, whichever of them was named.
    let mut seen = std::collections::HashSet::new();
    found.inputs.retain(|input| match input {
        Input::Archive(path) => {
            let set = volume_of(path).map(|(set, _)| set);
            let set = set.filter(|_| volumes::open(path, limits).is_ok_and(|mut pages| is_volume(pages.as_mut())));
            seen.insert(set.unwrap_or_else(|| path.clone()))
        }
        _ => true,
    });
    if let (true, Some(_)) = (found.inputs.is_empty(), found.gaps.first()) {
        // Nothing is left, so the first reason is the answer.
        return Err(found.gaps.swap_remove(0));
    }
    if found.inputs.is_empty() {
        return Err(Error::new(Kind::NotFound, "no history found in these files")
            .hint("name files, folders or zips of compliance XML, JSON Lines, or pchat archives"));
    }
    Ok(found)
}

impl Found {
    /// Where standard input is held, if it is read.
    pub fn held(&self) -> Option<String> {
        self.spool.as_ref().map(|spool| spool.path().display().to_string())
    }

    fn add(&mut self, input: Result<Input>, keep_going: bool) -> Result<()> {
        match input {
            Ok(input) => self.inputs.push(input),
            Err(error) if keep_going && is_gap(&error) => self.gaps.push(error),
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

/// Can this be left out and listed, when that is asked for?
pub fn is_gap(error: &Error) -> bool {
    matches!(error.kind(), Kind::Damaged | Kind::Refused | Kind::NotFound | Kind::Io)
}

fn is_zip(path: &Path) -> Result<bool> {
    let head = head(path)?;
    Ok(head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06"))
}

/// Is this a file of a database?
fn is_rows(path: &Path) -> Result<bool> {
    let head = head(path)?;
    if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") || jsonl::looks_like(&head) {
        return Ok(false);
    }
    Ok(recognize::part(&path.to_string_lossy(), &head).is_some())
}

/// The folder that holds all of these files.
fn common(paths: &[PathBuf]) -> PathBuf {
    let mut folder = paths[0].parent().unwrap_or(Path::new("")).to_owned();
    while !paths.iter().all(|path| path.starts_with(&folder)) {
        folder.pop();
    }
    if folder.as_os_str().is_empty() { PathBuf::from(".") } else { folder }
}

/// What comes in on standard input, in a file for as long as the work lasts.
pub fn spool(cx: &Context<'_>) -> Result<files::Draft> {
    let told = |e| Error::io("standard input", e);
    let mut file = files::temporary().map_err(told)?;
    std::io::copy(&mut (cx.streams.stdin)(), &mut file).map_err(told)?;
    Ok(file)
}

fn head(path: &Path) -> Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD);
    let file = crate::files::open(path).map_err(|e| Error::io(path.display(), e))?;
    file.take(HEAD as u64).read_to_end(&mut head).map_err(|e| Error::io(path.display(), e))?;
    Ok(head)
}

/// The format of a file, by the way it begins. XML that is not recognised is left to the reader of
/// compliance XML, which says what is wrong with it.
pub(super) fn form_of(place: &str, head: &[u8]) -> Result<Form> {
    if compliance::is_stylesheet_output(head) {
        return Err(Error::damaged(
            Place::file(place),
            "this is the output of the published stylesheet, which has lost names, message numbers and exact times",
        )
        .hint("import the compliance XML it was made from"));
    }
    if jsonl::looks_like(head) {
        return Ok(Form::JsonLines);
    }
    if let Some((what, command)) = packed_as(place.rsplit('!').next().unwrap_or(place), head) {
        return Err(packed(place, what, &command));
    }
    if head.starts_with(b"SQLite format 3\0") {
        return Err(Error::new(Kind::Refused, "this is a database, not history")
            .at(Place::file(place))
            .hint("of a store of pchat, import an export: pchat export --store FILE --out FILE.zip"));
    }
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let xml = text.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'<')
        || head.starts_with(b"\xFF\xFE")
        || head.starts_with(b"\xFE\xFF");
    if xml || compliance::looks_like(head) {
        return Ok(Form::Compliance);
    }
    let what = if head.is_empty() { "the file is empty" } else { "this is not a format pchat knows" };
    Err(Error::damaged(Place::file(place), what).hint(
        "pchat import reads compliance XML, JSON Lines, databases of the product and pchat archives; --format names \
             one; docs/from-other-chats.md converts history of other programs",
    ))
}

/// What a file is, in words.
pub fn form_in_words(path: &Path, _: &Context<'_>) -> Result<String> {
    let place = path.display().to_string();
    Ok(match form_of(&place, &head(path)?)? {
        Form::JsonLines => "JSON Lines history",
        Form::Compliance => "compliance XML",
        Form::Archive => "archive of pchat",
        Form::SqlServer => "files of bcp, scripts or CSV",
    }
    .to_owned())
}

fn packed(place: &str, what: &str, command: &str) -> Error {
    Error::new(Kind::Refused, format!("this is packed as {what}, and only zips are unpacked"))
        .at(Place::file(place))
        .hint(format!("unpack it, then import what comes out: {command}"))
}

fn one_file(path: &Path, limits: InputLimits, passed_over: &mut u64) -> Result<Input> {
    let head = head(path)?;
    if !head.starts_with(b"PK\x03\x04") && !head.starts_with(b"PK\x05\x06") {
        return Ok(Input::File(path.to_owned()));
    }
    let mut pages = volumes::open(path, limits)?;
    let tables = pages.members().iter().any(|member| member.name.starts_with(sqlserver::TOP));
    if is_bag(pages.as_ref()) && !tables {
        return Ok(Input::Archive(path.to_owned()));
    }
    if is_package(pages.as_ref()) {
        return Ok(Input::Database(Dump::Package(path.to_owned())));
    }
    let rows = rows_inside(path, pages.as_mut(), tables)?;
    if !rows.is_empty() {
        *passed_over += (pages.members().len() - rows.len()) as u64;
        return Ok(Input::Database(Dump::Zip(path.to_owned(), rows)));
    }
    if let Some(within) = pages.members().iter().find(|member| member.name.ends_with(&format!("/{DECLARATION}"))) {
        // Programs that pack a folder add a folder of their own beside it.
        let place = format!("{}!{}", path.display(), within.name);
        return Err(Error::new(
            Kind::Refused,
            "an archive of pchat lies deeper in this zip, as if it had been packed again",
        )
        .at(Place::file(place))
        .hint("unpack the zip, then import the folder in which bagit.txt lies: unzip FILE -d FOLDER"));
    }
    let names = pages.members().iter().map(|member| &member.name);
    let members: Vec<String> = names.filter(|name| is_wanted(name)).cloned().collect();
    *passed_over += (pages.members().len() - members.len()) as u64;
    foreign(path, pages.as_mut())?;
    Ok(Input::Zip(Inside { path: path.to_owned(), members, scratch: None }))
}

/// The files of a database in a zip. Of a zip that has any the others are no history.
fn rows_inside(path: &Path, pages: &mut dyn Pages, tables: bool) -> Result<Vec<String>> {
    let mut rows = Vec::new();
    let mut data = false;
    for at in 0..pages.members().len() {
        let name = pages.members()[at].name.clone();
        let outside = tables && (!name.starts_with(sqlserver::TOP) || name[sqlserver::TOP.len()..].contains('/'));
        if is_litter(&name) || name.ends_with('/') || outside {
            continue;
        }
        let mut head = Vec::new();
        let place = || Place::file(format!("{}!{name}", path.display()));
        let told = |e| Error::io("the entry", e).at(place());
        pages.stream(at)?.take(HEAD as u64).read_to_end(&mut head).map_err(told)?;
        if jsonl::looks_like(&head) || compliance::looks_like(&head) {
            continue;
        }
        if let Some(part) = recognize::part(&name, &head) {
            data |= part != Part::Format;
            rows.push(name);
        }
    }
    Ok(if data { rows } else { Vec::new() })
}

/// Refuses a zip that holds nothing pchat can read, and says what it holds.
fn foreign(path: &Path, pages: &mut dyn Pages) -> Result<()> {
    let mut listing = Vec::new();
    let count = pages.members().len();
    for at in 0..count {
        let name = pages.members()[at].name.clone();
        let size = pages.members()[at].size;
        let wanted = is_wanted(&name);
        if !wanted && at >= 20 {
            continue;
        }
        let mut head = Vec::new();
        pages
            .stream(at)?
            .take(HEAD as u64)
            .read_to_end(&mut head)
            .map_err(|e| Error::io("the entry", e).at(Place::file(format!("{}!{name}", path.display()))))?;
        if wanted && (compliance::looks_like(&head) || jsonl::looks_like(&head)) {
            return Ok(());
        }
        if at < 20 {
            let root = root_of(&head).map_or_else(String::new, |root| format!(", XML with root <{root}>"));
            listing.push(format!("{name} ({size} bytes{root})"));
        }
    }
    if count > 20 {
        listing.push(format!("and {} more", count - 20));
    }
    let files = counted(count as u64, "file");
    let nested = pages.members().iter().map(|member| member.name.as_str()).find(|name| {
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        ["bacpac", "dacpac", "zip"].iter().any(|known| known.eq_ignore_ascii_case(ending)) && !is_litter(name)
    });
    let hint = match nested {
        Some(name) => format!("a zip within a zip is not opened: unpack it, and import {name}"),
        None => {
            "the inside of the zip Export-CsPersistentChatData writes is not published, so pchat does not guess at \
                 it; import the compliance XML of that pool instead, or convert its history to JSON Lines \
                 (docs/formats/jsonl.md)"
                .to_owned()
        }
    };
    let what = format!("this zip is not a pchat archive and holds no chat history pchat can read, but {files}:");
    Err(listing
        .into_iter()
        .fold(Error::new(Kind::Refused, what), Error::detail)
        .at(Place::file(path.display().to_string()))
        .hint(hint))
}

/// The name of the root element, if this is XML.
fn root_of(head: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(head);
    let mut rest = text.trim_start_matches('\u{FEFF}').trim_start();
    if !rest.starts_with('<') {
        return None;
    }
    loop {
        let open = rest.find('<')?;
        rest = &rest[open + 1..];
        if rest.starts_with(['?', '!']) {
            continue;
        }
        let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || "_:.-".contains(*c)).take(60).collect();
        return (!name.is_empty()).then_some(name);
    }
}

/// The part a file of a folder plays in a database. Only some endings are looked into.
fn part_of(path: &Path, name: &str) -> Result<Option<Part>> {
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    const LOOKED_INTO: [&str; 12] =
        ["bcp", "dat", "native", "nat", "out", "bin", "fmt", "xml", "sql", "csv", "tsv", "txt"];
    if is_litter(name) || !LOOKED_INTO.contains(&ending.as_str()) {
        return Ok(None);
    }
    let head = head(path)?;
    Ok(match jsonl::looks_like(&head) {
        true => None,
        false => recognize::part(name, &head),
    })
}

/// Files with these endings are history or want to be; others in a folder or zip are passed over.
const ENDINGS: [&str; 7] = ["xml", "json", "jsonl", "ndjson", "zip", "bacpac", "dacpac"];

/// Is a file of a folder or zip history, by its name, or packed so that there may be some in it?
fn is_wanted(name: &str) -> bool {
    let ending = name.rsplit('/').next().and_then(|name| name.rsplit_once('.')).map(|(_, ending)| ending);
    let ending = ending.unwrap_or_default().to_ascii_lowercase();
    !is_litter(name) && (ENDINGS.contains(&ending.as_str()) || PACKED.contains(&ending.as_str()))
}

/// Is this what the compliance service wrote beside the history? JSON Lines never begin with a line of one bracket.
fn is_receipt(path: &Path, name: &str) -> bool {
    match name {
        "receipt.json" | "pchat-delivery.json" => head(path).is_ok_and(|head| head.starts_with(b"{\n")),
        "mails.jsonl" => head(path).is_ok_and(|head| head.starts_with(b"{\"format\":\"pchat-mails\"")),
        _ => false,
    }
}

fn folder(root: &Path, limits: InputLimits, found: &mut Found) -> Result<()> {
    let tables = root.join(sqlserver::TOP);
    if root.join(DECLARATION).is_file() && !tables.is_dir() {
        found.inputs.push(Input::Archive(root.to_owned()));
        return Ok(());
    }
    let mut files = Vec::new();
    let mut rows: Vec<(PathBuf, Part)> = Vec::new();
    let mut exports: Vec<PathBuf> = Vec::new();
    // Of tables that an export of pchat wrote, what lies beside them is no history.
    let mut folders = vec![if tables.is_dir() { tables.clone() } else { root.to_owned() }];
    while let Some(folder) = folders.pop() {
        not_too_deep(root, &folder)?;
        let told = |e| Error::io(folder.display(), e);
        for entry in std::fs::read_dir(&folder).map_err(told)? {
            let entry = entry.map_err(told)?;
            // Links are not followed: they could lead out of the folder, or in circles.
            let kind = entry.file_type().map_err(told)?;
            let path = entry.path();
            let name = entry.file_name().to_string_lossy().into_owned();
            if kind.is_dir() {
                let unfinished = name.starts_with('.') && name.ends_with(".partial");
                if is_litter(&name) || unfinished || tables.is_dir() {
                    continue;
                }
                match path.join(DECLARATION).is_file() {
                    true if path.join(sqlserver::TOP).is_dir() => exports.push(path),
                    true => files.push(path),
                    false => folders.push(path),
                }
            } else if let Some(part) = kind.is_file().then(|| part_of(&path, &name)).transpose()?.flatten() {
                rows.push((path, part));
            } else if kind.is_file() && is_wanted(&name) && !is_receipt(&path, &name) {
                files.push(path);
            } else {
                found.passed_over += 1;
            }
            if files.len().max(rows.len()) > bounds::FILES {
                let place = Place::file(root.display().to_string());
                return Err(exceeded(place, "the folder", bounds::FILES, "files of history")
                    .hint("import the folders in it one by one, or pack each as a zip: pchat import FOLDER/PART"));
            }
        }
    }
    files.sort();
    // Format files alone are of no use, and are not history either.
    rows.sort_by(|one, other| one.0.cmp(&other.0));
    if rows.iter().any(|(_, part)| *part != Part::Format) {
        let files = rows.into_iter().map(|(path, _)| path).collect();
        found.inputs.push(Input::Database(Dump::Files(root.to_owned(), files)));
    } else {
        found.passed_over += rows.len() as u64;
    }
    for path in files {
        let zip = ["zip", "bacpac", "dacpac"].map(|zip| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(zip)));
        let zip = zip.contains(&true);
        let input = match (path.is_dir(), zip) {
            (true, _) => Ok(Input::Archive(path)),
            (false, true) => one_file(&path, limits, &mut found.passed_over).map_err(|error| (path, error)),
            (false, false) => Ok(Input::File(path)),
        };
        match input {
            Ok(input) => found.inputs.push(input),
            Err(refused) => found.refused.push(refused),
        }
    }
    exports.sort();
    exports.iter().try_for_each(|export| self::folder(export, limits, found))
}
