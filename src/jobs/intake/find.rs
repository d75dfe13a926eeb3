//! Which files are history, and in which format. Content decides; names only say what is passed
//! over in a folder.

use super::Form;
use crate::containers::volumes::{self, volume_of};
use crate::containers::{InputLimits, Pages};
use crate::context::Context;
use crate::error::{Error, Kind, Place, Result};
use crate::files;
use crate::formats::{compliance, jsonl};
use crate::jobs::archive::{is_bag, is_volume};
use std::io::Read;
use std::path::{Path, PathBuf};

/// How much of a file is looked at to tell its format.
pub(super) const HEAD: usize = 4096;

/// What people call the file that standard input is held in.
pub const STDIN: &str = "standard input";

/// One thing to read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// An archive, or the first volume of one.
    Archive(PathBuf),
    /// A file of history.
    File(PathBuf),
    /// A zip of files of history.
    Zip(PathBuf),
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// What to read, in order.
    pub inputs: Vec<Input>,
    /// Files of a folder that are no history, by their names.
    pub passed_over: u64,
    /// What was left out because it is broken.
    pub gaps: Vec<Error>,
    /// Holds standard input, and is gone when the import is over.
    pub spool: Option<files::Draft>,
}

/// Finds what to read at these paths; `-` is standard input. With `keep_going` broken zips are left out and listed.
pub fn find(cx: &Context<'_>, paths: &[PathBuf], keep_going: bool) -> Result<Found> {
    let limits = cx.input;
    let mut found = Found::default();
    for path in paths {
        if path.as_os_str() == "-" {
            let spool = spool(cx)?;
            let held = spool.path().display().to_string();
            let input = one_file(spool.path(), limits).map_err(|error| error.renamed(&held, STDIN));
            found.add(input, keep_going)?;
            found.spool = Some(spool);
            continue;
        }
        let told = |e| Error::io(path.display(), e);
        let kind = std::fs::metadata(path).map_err(|e| match e.kind() {
            std::io::ErrorKind::NotFound => {
                Error::new(Kind::NotFound, format!("there is no file or folder {}", path.display()))
            }
            _ => told(e),
        })?;
        if kind.is_dir() {
            folder(path, limits, keep_going, &mut found)?;
        } else {
            found.add(one_file(path, limits), keep_going)?;
        }
    }
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
        return Err(Error::new(Kind::NotFound, "there is no history in what was named")
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

/// What comes in on standard input, in a file for as long as the work lasts.
pub fn spool(cx: &Context<'_>) -> Result<files::Draft> {
    let told = |e| Error::io("standard input", e);
    let mut file = files::temporary().map_err(told)?;
    std::io::copy(&mut (cx.streams.stdin)(), &mut file).map_err(told)?;
    Ok(file)
}

fn head(path: &Path) -> Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD);
    let file = std::fs::File::open(path).map_err(|e| Error::io(path.display(), e))?;
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
    let text = head.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(head);
    let xml = text.iter().find(|b| !b.is_ascii_whitespace()) == Some(&b'<')
        || head.starts_with(b"\xFF\xFE")
        || head.starts_with(b"\xFE\xFF");
    if xml || compliance::looks_like(head) {
        return Ok(Form::Compliance);
    }
    let what = if head.is_empty() { "the file is empty" } else { "this is not a format pchat knows" };
    Err(Error::damaged(Place::file(place), what)
        .hint("pchat import reads compliance XML, JSON Lines and pchat archives; --format names one"))
}

fn one_file(path: &Path, limits: InputLimits) -> Result<Input> {
    let head = head(path)?;
    if !head.starts_with(b"PK\x03\x04") && !head.starts_with(b"PK\x05\x06") {
        return Ok(Input::File(path.to_owned()));
    }
    let mut pages = volumes::open(path, limits)?;
    if is_bag(pages.as_ref()) {
        return Ok(Input::Archive(path.to_owned()));
    }
    foreign(path, pages.as_mut())?;
    Ok(Input::Zip(path.to_owned()))
}

/// Refuses a zip that holds nothing pchat can read, and says what it holds.
fn foreign(path: &Path, pages: &mut dyn Pages) -> Result<()> {
    let mut listing = String::new();
    let count = pages.members().len();
    for at in 0..count.min(200) {
        let name = pages.members()[at].name.clone();
        let size = pages.members()[at].size;
        let mut head = Vec::new();
        pages
            .stream(at)?
            .take(HEAD as u64)
            .read_to_end(&mut head)
            .map_err(|e| Error::io("the entry", e).at(Place::file(format!("{}!{name}", path.display()))))?;
        let history = compliance::looks_like(&head) || jsonl::looks_like(&head);
        if history {
            return Ok(());
        }
        if at < 20 {
            let root = root_of(&head).map_or_else(String::new, |root| format!(", XML with root <{root}>"));
            listing.push_str(&format!("\n  {name} ({size} bytes{root})"));
        }
    }
    if count > 20 {
        listing.push_str(&format!("\n  and {} more", count - 20));
    }
    Err(Error::new(Kind::Refused, format!("this zip is not a pchat archive and holds no chat history pchat can read; its {count} files:{listing}"))
        .at(Place::file(path.display().to_string()))
        .hint(
            "the inside of the zip Export-CsPersistentChatData writes is not published, so pchat does not guess at it; \
             import the compliance XML of that pool instead, or convert its history to JSON Lines (docs/formats/jsonl.md)",
        ))
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

/// Files with these endings are history or want to be; others in a folder are passed over.
const ENDINGS: [&str; 5] = ["xml", "json", "jsonl", "ndjson", "zip"];

fn folder(root: &Path, limits: InputLimits, keep_going: bool, found: &mut Found) -> Result<()> {
    if root.join(crate::containers::manifest::DECLARATION).is_file() {
        found.inputs.push(Input::Archive(root.to_owned()));
        return Ok(());
    }
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let told = |e| Error::io(folder.display(), e);
        for entry in std::fs::read_dir(&folder).map_err(told)? {
            let entry = entry.map_err(told)?;
            // Links are not followed: they could lead out of the folder, or in circles.
            let kind = entry.file_type().map_err(told)?;
            let path = entry.path();
            let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
            if kind.is_dir() {
                match path.join(crate::containers::manifest::DECLARATION).is_file() {
                    true => files.push(path),
                    false => folders.push(path),
                }
            } else if kind.is_file() && ENDINGS.contains(&ending.as_str()) {
                files.push(path);
            } else {
                found.passed_over += 1;
            }
        }
    }
    files.sort();
    for path in files {
        let zip = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("zip"));
        let input = match (path.is_dir(), zip) {
            (true, _) => Ok(Input::Archive(path)),
            (false, true) => one_file(&path, limits),
            (false, false) => Ok(Input::File(path)),
        };
        found.add(input, keep_going)?;
    }
    Ok(())
}
