//! What the log of each store was when it was last seen: its size and root, in a file beside the key and so outside of
//! the store. A store that is behind that has been replaced by an older copy, or its log has been written anew; nothing
//! is changed in it or signed until somebody says why. The file has a line for each store and only ever goes forward,
//! but for that.

use crate::context::Context;
use crate::error::{Error, Kind, Place, Result};
use crate::files;
use crate::jobs::keys;
use crate::model::counted::counted;
use crate::model::hash::hex;
use crate::proof::note::Checkpoint;
use crate::proof::tree::Frontier;
use crate::store::sqlite::Sqlite;
use crate::store::{Corpus, Log, Store};
use std::io::Write;
use std::path::{Path, PathBuf};

/// What the file says.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// Where it is, or would be.
    pub file: PathBuf,
    lines: Vec<Checkpoint>,
}

impl Memory {
    /// Reads the file beside the key of this store; nothing is in it when there is none.
    pub fn read(cx: &Context<'_>, store: &Path) -> Result<Memory> {
        let mut name = keys::file(cx, store).into_os_string();
        name.push(".seen");
        let file = PathBuf::from(name);
        let text = match std::fs::read_to_string(&file) {
            Ok(text) => text,
            // Whoever may not read it has not the key either.
            Err(error) if out_of_reach(&error) => String::new(),
            Err(error) => return Err(Error::io(file.display(), error)),
        };
        let mut lines = Vec::new();
        for (number, line) in text.lines().enumerate() {
            // A line is a checkpoint with blanks for line ends.
            let read = Checkpoint::parse(&format!("{}\n", line.replace(' ', "\n"))).map_err(|error| {
                let place = Place { file: file.display().to_string(), line: number as u64 + 1, column: 0 };
                Error::damaged(place, "this file does not describe a log as it was last seen")
                    .because(error)
                    .hint("pchat audit verify --against a copy of a checkpoint, then move the file away: it is rebuilt")
            })?;
            lines.push(read);
        }
        Ok(Memory { file, lines })
    }

    /// What this log was.
    pub fn of(&self, origin: &str) -> Option<&Checkpoint> {
        self.lines.iter().find(|line| line.origin == origin)
    }

    /// Replaces what this log was, in a file that is whole at every moment.
    fn put(&mut self, seen: Checkpoint) -> Result<()> {
        self.lines.retain(|line| line.origin != seen.origin);
        self.lines.push(seen);
        self.lines.sort_by(|a, b| a.origin.cmp(&b.origin));
        let line = |line: &Checkpoint| format!("{}\n", line.to_string().trim_end().replace('\n', " "));
        let text: String = self.lines.iter().map(line).collect();
        let told = |e| Error::io(self.file.display(), e);
        let mut draft = files::draft("seen", &self.file).map_err(told)?;
        draft.write_all(text.as_bytes()).map_err(told)?;
        draft.as_file().sync_all().map_err(told)?;
        draft.persist(&self.file).map(drop).map_err(|e| told(e.error))
    }
}

/// How a log is behind what it was, if it is: with the root it has had at that size, it goes on from there.
fn behind(store: &mut Sqlite, head: &Frontier, seen: &Checkpoint, known: Option<&Frontier>) -> Result<Option<String>> {
    if head.size() < seen.size {
        return Ok(Some(format!("its audit log has {}, and has had {}", counted(head.size(), "record"), seen.size)));
    }
    let root = match head.size() == seen.size {
        true => head.root(),
        false if goes_on(store, head, seen, known)? => return Ok(None),
        false => store.subtree(0..seen.size)?.root(),
    };
    Ok((root != seen.root).then(|| format!("its {} audit records are not the ones that were there", seen.size)))
}

/// Does a log go on from what was seen? A tree that was that is all there is to know of it: only what came later is
/// read.
fn goes_on(store: &mut Sqlite, head: &Frontier, seen: &Checkpoint, known: Option<&Frontier>) -> Result<bool> {
    let Some(mut tree) = known.filter(|tree| tree.size() == seen.size && tree.root() == seen.root).cloned() else {
        return Ok(false);
    };
    store.extend(&mut tree, head.size())?;
    Ok(tree.size() == head.size() && tree.root() == head.root())
}

/// Lets a command change a store or sign its log: only when the log is not behind what it was, or when somebody says
/// why it is. Gives a remark about that.
pub fn admit(cx: &Context<'_>, reason: Option<&str>) -> Result<Option<String>> {
    let Some(reason) = reason else { return check(cx).map(|()| None) };
    if reason.trim().is_empty() || reason.chars().any(char::is_control) {
        return Err(Error::new(Kind::Usage, "--accept-older needs a reason, without control characters"));
    }
    let path = cx.session.path();
    let _lock = lock(&keys::file(cx, path))?;
    // First the memory, then the store: whoever is at work meanwhile only makes that longer.
    let mut memory = Memory::read(cx, path)?;
    cx.session.write(|store| {
        let origin = keys::origin(&store.id()?);
        let found = store.frontier()?;
        let Some(seen) = memory.of(&origin).cloned() else {
            return Ok(Some(format!("--accept-older: nothing is remembered of this log in {}", memory.file.display())));
        };
        if behind(store, &found, &seen, None)?.is_none() {
            return Ok(Some("--accept-older: the audit log is not older than last seen".to_owned()));
        }
        let details = vec![
            ("reason", reason.to_owned()),
            ("records", found.size().to_string()),
            ("records seen", seen.size.to_string()),
            ("root seen", hex(&seen.root)),
        ];
        store.record(cx.entry("accept older", path.display().to_string(), details))?;
        let head = store.frontier()?;
        memory.put(Checkpoint { origin, size: head.size(), root: head.root() })?;
        let found = counted(found.size(), "record");
        Ok(Some(format!("the older state of the log is accepted: {found} instead of {}", seen.size)))
    })
}

fn check(cx: &Context<'_>) -> Result<()> {
    let memory = Memory::read(cx, cx.session.path())?;
    if memory.lines.is_empty() {
        return Ok(());
    }
    // What cannot be opened is refused by the command itself, in its own words.
    let (mut opened, mut tree) = (false, None);
    let why = cx.session.read(|store| {
        opened = true;
        let Some(seen) = memory.of(&keys::origin(&store.id()?)) else { return Ok(None) };
        let head = store.frontier()?;
        let why = behind(store, &head, seen, None)?;
        tree = Some(head);
        Ok(why)
    });
    cx.session.saw(tree);
    match why {
        Err(_) if !opened => Ok(()),
        Err(error) => Err(error),
        Ok(None) => Ok(()),
        Ok(Some(why)) => {
            let what = format!("the store is older than what was last seen of it: {why}");
            Err(Error::new(Kind::Damaged, what).at(Place::file(cx.session.path().display().to_string())).hint(
                "pchat audit verify says more; if it was put back on purpose, --accept-older REASON goes on from here",
            ))
        }
    }
}

/// Notes what the log of a store is, if its key is at hand. A log that is behind what is noted changes nothing there.
pub fn remember(cx: &Context<'_>) -> Result<()> {
    let path = cx.session.path();
    let Some(_lock) = lock(&keys::file(cx, path))? else { return Ok(()) };
    let memory = Memory::read(cx, path)?;
    let known = cx.session.seen();
    match cx.session.read(|store| note(cx, path, memory, store, known.as_ref())) {
        Err(error) if error.kind() == Kind::NotFound => Ok(()),
        noted => noted,
    }
}

/// The same, of a store that is open.
pub fn remember_open(cx: &Context<'_>, path: &Path, store: &mut Sqlite) -> Result<()> {
    let Some(_lock) = lock(&keys::file(cx, path))? else { return Ok(()) };
    let memory = Memory::read(cx, path)?;
    note(cx, path, memory, store, None)
}

fn note(cx: &Context<'_>, path: &Path, mut memory: Memory, store: &mut Sqlite, known: Option<&Frontier>) -> Result<()> {
    let origin = keys::origin(&store.id()?);
    if !keys::has(&keys::file(cx, path), &origin)? {
        return Ok(());
    }
    let head = store.frontier()?;
    let same = |seen: &Checkpoint| seen.size == head.size() && seen.root == head.root();
    match memory.of(&origin).cloned() {
        Some(seen) if same(&seen) || behind(store, &head, &seen, known)?.is_some() => Ok(()),
        _ => memory.put(Checkpoint { origin, size: head.size(), root: head.root() }),
    }
}

fn out_of_reach(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::PermissionDenied)
}

/// Keeps others from the memory beside a key; none when there is no key.
fn lock(key: &Path) -> Result<Option<std::fs::File>> {
    let told = |e| Error::io(key.display(), e);
    match std::fs::File::open(key) {
        Err(error) if out_of_reach(&error) => Ok(None),
        Err(error) => Err(told(error)),
        Ok(file) => match file.lock() {
            // Where files cannot be locked, such as some network drives, the file is still replaced in one go.
            Err(error) if error.kind() != std::io::ErrorKind::Unsupported => Err(told(error)),
            _ => Ok(Some(file)),
        },
    }
}
