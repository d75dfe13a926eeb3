//! The keys of stores: made with a store, kept in a file beside it or where `--key` says, taken from there
//! to sign. A key file has a line for each store, and nothing that is in it is ever overwritten. The store
//! itself knows only the public half.

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::files;
use crate::jobs::seen;
use crate::proof::note::{self, Checkpoint, SigningKey, Verifier};
use crate::store::sqlite::Sqlite;
use crate::store::{Corpus, Entry, Log, Store};
use std::io::{Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

/// No key file is larger.
const LARGEST: u64 = 1 << 20;

/// The name of the log of a store, and of the key that signs it.
pub fn origin(id: &str) -> String {
    format!("pchat/{id}")
}

/// The name under which the key of a log signs certificates.
pub fn certificates(log: &str) -> String {
    format!("{log}/certificate")
}

/// Where the key of this store is: beside the name it is called by, or beside the file that name leads to.
pub fn file(cx: &Context<'_>, store: &Path) -> PathBuf {
    let beside = |store: &Path| {
        let mut name = store.as_os_str().to_owned();
        name.push(".key");
        PathBuf::from(name)
    };
    cx.key.map(Path::to_owned).unwrap_or_else(|| match (beside(store), std::fs::canonicalize(store)) {
        (named, Ok(real)) if !named.exists() => Some(beside(&real)).filter(|real| real.exists()).unwrap_or(named),
        (named, _) => named,
    })
}

/// Creates a store and the key that signs its log.
pub fn create(cx: &Context<'_>, store: &Path, entry: Entry) -> Result<Sqlite> {
    let path = file(cx, store);
    let make = |id: &str| -> Result<Verifier> {
        let seed =
            (cx.random)().map_err(|e| Error::new(Kind::Io, "no random bytes from the operating system").because(e))?;
        let key = SigningKey::new(&origin(id), &seed)?;
        if let Ok(there) = crate::files::open(&path) {
            private(&there, &path)?;
        }
        write(&path, &key).map_err(|e| Error::io(path.display(), e))?;
        Ok(key.verifier())
    };
    Sqlite::create_with_key(store, entry, &make)
}

/// Adds a line to a key file that only its owner can read.
fn write(path: &Path, key: &SigningKey) -> std::io::Result<()> {
    let mut file = files::append(path)?;
    let mut there = Vec::new();
    Read::take(&file, LARGEST).read_to_end(&mut there)?;
    let apart = if there.is_empty() || there.ends_with(b"\n") { "" } else { "\n" };
    file.write_all(format!("{apart}{}", key.to_text()).as_bytes())?;
    file.sync_all()
}

/// A key that others can read is no key.
fn private(file: &std::fs::File, path: &Path) -> Result<()> {
    match files::open_to_others(file, path).map_err(|e| Error::io(path.display(), e))? {
        None => Ok(()),
        Some(hint) => Err(Error::new(
            Kind::Refused,
            format!("users other than its owner can read or write the key file {}", path.display()),
        )
        .hint(hint)),
    }
}

/// The key of this store.
pub fn load(cx: &Context<'_>, path: &Path, store: &mut dyn Corpus, log: Option<&Verifier>) -> Result<SigningKey> {
    let (name, file) = (origin(&store.id()?), file(cx, path));
    let hint = "--key FILE names the file it was moved to; pchat store new says where it was made";
    let missing = |why: &str| {
        Error::new(Kind::NotFound, format!("the key of {} is missing: {why} {}", path.display(), file.display()))
            .hint(hint)
    };
    let opened = match crate::files::open(&file) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(missing("there is no")),
        opened => opened.map_err(|e| Error::io(file.display(), e))?,
    };
    let mut text = String::new();
    private(&opened, &file)?;
    opened.take(LARGEST).read_to_string(&mut text).map_err(|e| Error::io(file.display(), e))?;
    let found = text.lines().filter_map(|line| SigningKey::parse(line).ok()).rfind(|key| key.name() == name);
    let key = found.ok_or_else(|| missing("it is not in"))?;
    if log.is_some_and(|log| *log != key.verifier()) {
        return Err(Error::new(
            Kind::Refused,
            format!("the key in {} is not the one {} was created with", file.display(), path.display()),
        )
        .hint("pchat audit verify says what is known of the log; --key FILE names another file"));
    }
    Ok(key)
}

/// Does a key file hold the key of this name?
pub fn has(file: &Path, name: &str) -> Result<bool> {
    let opened = crate::files::open(file).map_err(|e| Error::io(file.display(), e))?;
    let mut text = String::new();
    opened.take(LARGEST).read_to_string(&mut text).map_err(|e| Error::io(file.display(), e))?;
    Ok(text.lines().filter_map(|line| SigningKey::parse(line).ok()).any(|key| key.name() == name))
}

/// The public key that the store says is its own.
pub fn verifier(store: &mut dyn Log) -> Result<Option<Verifier>> {
    store.verifier()?.map(|text| Verifier::parse(&text)).transpose()
}

/// Signs what the log of this store is now, keeps the checkpoint in the store, and gives it.
pub fn checkpoint(cx: &Context<'_>, path: &Path) -> Result<String> {
    let mut store = Sqlite::open(path)?;
    let (checkpoint, note) = sign(cx, path, &mut store)?;
    store.keep_checkpoint(&checkpoint, &note)?;
    // Tried again, and told, when the command ends.
    drop(seen::remember_open(cx, path, &mut store));
    Ok(note)
}

/// Signs what the log of this store is. Never signs what contradicts an earlier signature.
pub fn sign<S: Corpus + Log>(cx: &Context<'_>, path: &Path, store: &mut S) -> Result<(Checkpoint, String)> {
    let verifier = verifier(store)?;
    let key = load(cx, path, store, verifier.as_ref())?;
    let head = store.frontier()?;
    let mut earlier = None;
    store.checkpoints(&mut |checkpoint| {
        earlier = Some(checkpoint.note);
        ControlFlow::Break(())
    })?;
    let whole = store.subtree(0..head.size())?;
    let mut agrees = whole == head;
    if let Some(earlier) = earlier {
        let earlier = Checkpoint::parse(&note::open(&earlier, &[key.verifier()])?.text)?;
        agrees &= earlier.size <= head.size() && store.subtree(0..earlier.size)?.root() == earlier.root;
    }
    if !agrees {
        return Err(Error::new(Kind::Damaged, format!("the audit log of {} has been altered", path.display()))
            .hint("pchat audit verify says where; what has been altered is not signed"));
    }
    let checkpoint = Checkpoint { origin: key.name().to_owned(), size: head.size(), root: head.root() };
    let note = key.sign(&checkpoint.to_string())?;
    Ok((checkpoint, note))
}
