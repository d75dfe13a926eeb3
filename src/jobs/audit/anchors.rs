//! Where copies of checkpoints are found: files of their own, texts that hold one, JSON, exports.
//! Only finds them; whether they are signed and agree with the log is asked in `verify`.

use crate::containers::manifest::CHECKPOINT;
use crate::containers::{InputLimits, volumes};
use crate::error::{Error, Kind, Place, Result};
use crate::proof::note;
use std::path::Path;

/// A copy of a checkpoint that was kept outside of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// Where it was found.
    pub place: String,
    /// The signed note.
    pub note: String,
}

/// Finds the checkpoint in a file or an export.
pub fn find(path: &Path, limits: InputLimits) -> Result<Anchor> {
    if path.is_dir() || is_zip(path)? {
        let mut pages = volumes::open(path, limits)?;
        let at = pages.members().iter().position(|member| member.name == CHECKPOINT);
        let Some(at) = at else { return Err(none(path)) };
        let bytes = pages.raw(at)?.unpack()?;
        let note = note::find(&String::from_utf8_lossy(&bytes)).ok_or_else(|| none(path))?;
        return Ok(Anchor { place: pages.place(CHECKPOINT), note });
    }
    let bytes = super::read(path, limits.page)?;
    let text = String::from_utf8_lossy(&bytes);
    let inside = serde_json::from_str::<serde_json::Value>(&text).ok();
    let inside = inside.as_ref().and_then(|value| value["checkpoint"].as_str());
    let note = note::find(inside.unwrap_or(&text)).ok_or_else(|| none(path))?;
    Ok(Anchor { place: path.display().to_string(), note })
}

fn is_zip(path: &Path) -> Result<bool> {
    let mut head = [0; 2];
    let mut file = std::fs::File::open(path).map_err(|e| Error::io(path.display(), e))?;
    Ok(std::io::Read::read_exact(&mut file, &mut head).is_ok() && head == *b"PK")
}

fn none(path: &Path) -> Error {
    Error::new(Kind::NotFound, "there is no signed checkpoint in it")
        .at(Place::file(path.display().to_string()))
        .hint("name a file that pchat audit checkpoint wrote, an export, or a text that holds a checkpoint")
}
