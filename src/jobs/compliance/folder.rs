//! The folder of a service. Each run is a folder in it that gets its name by one renaming; a file at the top says which
//! run of which store was the last. It is what tells that a store is behind its folder, or a folder is not the one.

use crate::error::{Error, Kind, Place, Result};
use crate::files;
use crate::model::hash;
use crate::store::delivery::Run;
use serde_json::{Value, json};
use std::fs::{File, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// Says what the last run was.
pub const HEAD: &str = "pchat-delivery.json";
/// The same, before it is complete.
pub const HEAD_DRAFT: &str = ".pchat-delivery.json.partial";
/// Is locked while a run writes.
pub const LOCK: &str = ".pchat-delivery.lock";
/// What a run did, in the folder of that run.
pub const RECEIPT: &str = "receipt.json";

/// What a relay replied to the mails of a run, in the folder of that run.
pub const MAILS: &str = "mails.jsonl";

/// What the head of a folder says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Head {
    /// The store.
    pub store: String,
    /// The settings, by their key.
    pub compliance: String,
    /// The last run.
    pub run: u64,
    /// What tells it from the run of this number of a copy of the store.
    pub ident: String,
    /// SHA-256 of its receipt.
    pub receipt: String,
}

/// A folder that nobody else writes to.
pub struct Folder {
    path: PathBuf,
    _lock: Option<File>,
}

/// The name of the folder of a run.
pub fn name(run: u64) -> String {
    format!("{run:08}")
}

/// The head of a folder, if it has one.
pub fn head(folder: &Path) -> Result<Option<Head>> {
    let path = folder.join(HEAD);
    let mut text = String::new();
    match files::open(&path).and_then(|file| file.take(1 << 20).read_to_string(&mut text)) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::io(path.display(), error)),
    }
    let damaged = || {
        Error::damaged(Place::file(path.display().to_string()), "this is not what pchat wrote about the last run")
            .hint("put the file back from a backup of the folder, or deliver into another folder with --new-folder")
    };
    let value: Value = serde_json::from_str(&text).map_err(|_| damaged())?;
    let text = |name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned).ok_or_else(damaged);
    let run = value.get("run").and_then(Value::as_u64).ok_or_else(damaged)?;
    let (store, compliance) = (text("store")?, text("configuration")?);
    Ok(Some(Head { store, compliance, run, ident: text("ident")?, receipt: text("receiptSha256")? }))
}

impl Folder {
    /// Opens it for a run, made if need be, so that no other run writes to it.
    pub fn lock(path: &Path) -> Result<Folder> {
        let told = |e| Error::io(path.display(), e);
        files::folder(path).map_err(told)?;
        let lock = files::update(&path.join(LOCK)).map_err(told)?;
        match lock.try_lock() {
            Ok(()) => Ok(Folder { path: path.to_owned(), _lock: Some(lock) }),
            // File systems without locks have to do without; the ledger still lets one of two win.
            Err(TryLockError::Error(_)) => Ok(Folder { path: path.to_owned(), _lock: None }),
            Err(TryLockError::WouldBlock) => {
                Err(Error::new(Kind::Busy, format!("another run delivers to {}", path.display()))
                    .hint("pchat compliance status says how far it is"))
            }
        }
    }

    /// Where a run is filled.
    pub fn partial(&self, run: u64) -> PathBuf {
        self.path.join(format!(".{}.partial", name(run)))
    }

    /// The folder of a run.
    pub fn of(&self, run: u64) -> PathBuf {
        self.path.join(name(run))
    }

    /// Is it the folder the ledger means? `last` is the last recorded run. Says the hash of the last receipt.
    pub fn agree(&self, store: &str, compliance: &str, last: Option<&Run>, new: bool) -> Result<Option<String>> {
        agree(&self.path, store, compliance, last, new)
    }

    /// Gives a complete run its name and notes it at the top. Done already, it changes nothing.
    pub fn publish(&self, store: &str, compliance: &str, run: &Run, receipt: &str) -> Result<()> {
        let (partial, target) = (self.partial(run.run), self.of(run.run));
        let told = |e| Error::io(target.display(), e);
        if partial.join("data").is_dir() {
            if target.exists() {
                return Err(Error::new(
                    Kind::Conflict,
                    format!("{} already exists, and is not of this run", target.display()),
                )
                .hint("somebody put it there: move it away, and run again"));
            }
            std::fs::rename(partial.join("data"), &target).map_err(told)?;
            flush(&self.path);
        }
        drop(std::fs::remove_dir(&partial));
        let head = json!({
            "format": "pchat-delivery", "version": 1, "store": store, "configuration": compliance,
            "run": run.run, "ident": run.ident, "receiptSha256": receipt,
        });
        let path = self.path.join(HEAD);
        let told = |e| Error::io(path.display(), e);
        // Under one name, so that a kill leaves nothing behind but what the next run writes over.
        let draft = self.path.join(HEAD_DRAFT);
        let mut file = files::create(&draft).map_err(told)?;
        file.write_all(format!("{head:#}\n").as_bytes()).map_err(told)?;
        file.sync_all().map_err(told)?;
        std::fs::rename(&draft, &path).map_err(told)?;
        flush(&self.path);
        Ok(())
    }
}

/// Makes names last. Where a folder cannot be flushed, its file system does that by itself.
fn flush(path: &Path) {
    drop(File::open(path).and_then(|folder| folder.sync_all()));
}

/// Is it the folder the ledger means?
pub fn agree(path: &Path, store: &str, compliance: &str, last: Option<&Run>, new: bool) -> Result<Option<String>> {
    let conflict = |what: String, hint: &str| Err(Error::new(Kind::Conflict, what).hint(hint));
    let shown = path.display();
    let (found, last) = match (head(path)?, last) {
        (None, None) => return Ok(None),
        (None, Some(_)) if new => return Ok(None),
        (None, Some(last)) => {
            let runs = crate::model::counted::counted(last.run, "run");
            let what = format!("{shown} does not hold the {runs} that were delivered to it");
            return conflict(what, "mount it again; if it is a new folder on purpose, add --new-folder");
        }
        (Some(found), last) => (found, last),
    };
    if found.store != store || found.compliance != compliance {
        let what = format!("another store or other settings deliver to {shown}");
        return conflict(what, "each has a folder of its own: pchat compliance set --adapter-output-directory FOLDER");
    }
    let known = last.map_or(0, |last| last.run);
    if found.run > known {
        let what =
            format!("the store is behind {shown}: run {} was delivered there, and the store knows {known}", found.run);
        let hint = format!(
            "restore a newer copy of the store; without one, deliver into another folder with --new-folder, which gets \
             again what came after run {known}"
        );
        return conflict(what, &hint);
    }
    if found.run == known && last.is_some_and(|last| last.ident != found.ident) {
        let what = format!("run {known} in {shown} was delivered by a copy of this store");
        return conflict(what, "let one of the two deliver, and give the other a folder of its own");
    }
    // A run that is recorded gets its name after that.
    let one_behind = last.is_some_and(|last| last.published_on.is_none() && found.run + 1 == known);
    if found.run < known && !one_behind && !new {
        let what = format!("{shown} is behind the store: its last run is {}, and {known} were delivered", found.run);
        return conflict(what, "restore a newer copy of the folder; to go on without those runs, add --new-folder");
    }
    Ok(Some(found.receipt))
}

/// SHA-256 and size of a file.
pub fn sum(path: &Path) -> std::io::Result<(String, u64)> {
    let (sum, size) = hash::of_reader(&mut files::open(path)?)?;
    Ok((hash::hex(&sum), size))
}
