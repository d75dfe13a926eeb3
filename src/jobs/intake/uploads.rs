//! The uploaded files of a server: folders named after the identity of a room, in them files under the names the server
//! gave them. A file belongs to an event of its room that holds its name, and to nothing else.

use crate::error::{Error, Kind as Failure, Place, Result};
use crate::formats::Remarks;
use crate::formats::sqlserver::history::parts;
use crate::formats::sqlserver::value::read_guid;
use crate::model::hash;
use crate::model::ids::RoomKey;
use crate::model::message::{Attachment, Content, Event, Kind};
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Folders lie in each other this deep.
const DEPTH: usize = 8;

/// The files, by room and name.
#[derive(Debug, Default)]
pub struct Uploads {
    rooms: HashMap<String, HashMap<String, PathBuf>>,
    /// Size and hash of those that were paired, so that none is read twice for it.
    known: Mutex<HashMap<PathBuf, (u64, [u8; 32])>>,
    files: BTreeSet<PathBuf>,
}

impl Uploads {
    /// Lists the files below a folder. Links are not followed: they could lead anywhere.
    pub fn open(root: &Path) -> Result<Uploads> {
        let told = |path: &Path, e| Error::io(path.display(), e);
        if !root.is_dir() {
            return Err(Error::new(Failure::NotFound, format!("folder {} does not exist", root.display()))
                .hint("--file-store names the folder of uploaded files, in which folders are named after rooms"));
        }
        let mut uploads = Uploads::default();
        let mut folders = vec![(root.to_owned(), None::<String>, 0)];
        while let Some((folder, room, depth)) = folders.pop() {
            for entry in std::fs::read_dir(&folder).map_err(|e| told(&folder, e))? {
                let entry = entry.map_err(|e| told(&folder, e))?;
                let kind = entry.file_type().map_err(|e| told(&folder, e))?;
                let name = entry.file_name().to_string_lossy().into_owned();
                if kind.is_dir() && depth < DEPTH {
                    folders.push((entry.path(), read_guid(&name).or_else(|| room.clone()), depth + 1));
                } else if kind.is_file()
                    && let Some(room) = &room
                {
                    uploads.files.insert(entry.path());
                    uploads.rooms.entry(room.clone()).or_default().insert(name.to_lowercase(), entry.path());
                }
            }
        }
        if uploads.rooms.is_empty() {
            return Err(Error::new(Failure::NotFound, "no folder in it is named after the identity of a room")
                .at(Place::file(root.display().to_string()))
                .hint("--file-store names the folder of uploaded files, in which folders are named after rooms"));
        }
        Ok(uploads)
    }

    /// Pairs an event with the files it names. Gives the hashes of what it was given.
    pub fn pair(&self, room: &RoomKey, event: &mut Event, remarks: &mut Remarks) -> Result<Vec<[u8; 32]>> {
        let Some(guid) = parts(&room.uri).1 else { return Ok(Vec::new()) };
        let mut given = Vec::new();
        let files = self.rooms.get(&guid);
        let split = |c: char| c.is_whitespace() || "/\\\"'<>|=&?,;:()[]".contains(c);
        let body = event.body.clone();
        let mut names: Vec<&str> = body.split(split).map(|word| word.trim_end_matches('.')).collect();
        names.retain(|word| word.len() > 2 && word.contains('.'));
        names.dedup();
        for name in names {
            let Some(path) = files.and_then(|files| files.get(&name.to_lowercase())) else {
                let stored = name.get(..36).and_then(read_guid).is_some() && name.get(36..37) == Some(".");
                let says = matches!(event.kind, Kind::Upload | Kind::Download) || body.contains("ma-filelink");
                if stored && says && event.kind != Kind::Download {
                    let number = event.chat.map_or_else(String::new, |chat| format!(", message {chat}"));
                    let what = "the uploaded file it names is not in the folder of its room";
                    remarks.gap(Error::new(Failure::NotFound, what).at(Place::file(format!("{room}{number}"))));
                }
                continue;
            };
            let (size, sha256) = self.facts(path)?;
            let stored = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let more = event.more_mut();
            let named = |file: &Attachment| {
                [&file.link, &file.name]
                    .into_iter()
                    .flatten()
                    .any(|link| link.to_lowercase().ends_with(&stored.to_lowercase()))
            };
            let content = Content::File(path.clone());
            match more.files.iter_mut().find(|file| named(file)) {
                Some(file) if file.content == Content::Absent => {
                    (file.size, file.sha256, file.content) = (Some(size), Some(sha256), content);
                }
                Some(_) => continue,
                None => more.files.push(Attachment {
                    name: None,
                    link: Some(stored),
                    size: Some(size),
                    sha256: Some(sha256),
                    content,
                }),
            }
            given.push(sha256);
        }
        Ok(given)
    }

    fn facts(&self, path: &Path) -> Result<(u64, [u8; 32])> {
        if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(path) {
            return Ok(*known);
        }
        let told = |e| Error::io(path.display(), e);
        let (sha256, size) = crate::files::open(path).and_then(|mut file| hash::of_reader(&mut file)).map_err(told)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(path.to_owned(), (size, sha256));
        Ok((size, sha256))
    }

    /// How many files were paired, and those that were not.
    pub fn settled(&self) -> (u64, Vec<PathBuf>) {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let left = self.files.iter().filter(|path| !known.contains_key(*path)).cloned().collect();
        (known.len() as u64, left)
    }
}
