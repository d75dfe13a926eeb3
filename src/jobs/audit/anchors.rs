//! Where copies of checkpoints are found: files of their own, texts that hold one, JSON, exports.
//! Only finds them; whether they are signed and agree with the log is asked in `verify`.

use crate::containers::manifest::CHECKPOINT;
use crate::containers::{InputLimits, volumes};
use crate::error::{Error, Kind, Place, Result};
use crate::jobs::purge::certificate::TITLE;
use crate::proof::bundle::Bundle;
use crate::proof::note;
use std::path::Path;

const HINT: &str = "name a file that pchat audit checkpoint wrote, an export, the JSON of a certificate, or a \
    text that holds a checkpoint";

/// A copy of a checkpoint that was kept outside of the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// Where it was found.
    pub place: String,
    /// The signed note.
    pub note: String,
    /// The certificate of a purge it was found in, whole: who is shown one believes all of it.
    pub certificate: Option<String>,
}

/// Finds the checkpoint in a file or an export.
pub fn find(path: &Path, limits: InputLimits) -> Result<Anchor> {
    if path.is_dir() || is_zip(path)? {
        let mut pages = volumes::open(path, limits)?;
        let at = pages.members().iter().position(|member| member.name == CHECKPOINT);
        let Some(at) = at else { return Err(none(path).hint(HINT)) };
        let bytes = pages.raw(at)?.unpack()?;
        let note = note::find(&String::from_utf8_lossy(&bytes)).ok_or_else(|| none(path).hint(HINT))?;
        return Ok(Anchor { place: pages.place(CHECKPOINT), note, certificate: None });
    }
    let bytes = super::read(path, limits.page)?;
    let text = String::from_utf8_lossy(&bytes);
    let file = path.display();
    if text.starts_with(TITLE) {
        return Err(none(path).hint(format!(
            "a certificate has its checkpoint in its JSON; pchat certificate verify {file} checks the text"
        )));
    }
    if Bundle::parse(&text).is_ok() {
        return Err(none(path).hint(format!(
            "it is the proof of a record: pchat audit verify-proof {file} RECORD --public-key KEY checks it"
        )));
    }
    let inside = serde_json::from_str::<serde_json::Value>(&text).ok();
    let is_certificate = inside.as_ref().is_some_and(|json| json.get("record").or(json.get("note")).is_some());
    let inside = inside.as_ref().and_then(|value| value["checkpoint"].as_str());
    let note = note::find(inside.unwrap_or(&text)).ok_or_else(|| none(path).hint(HINT))?;
    Ok(Anchor { place: file.to_string(), note, certificate: is_certificate.then(|| text.into_owned()) })
}

fn is_zip(path: &Path) -> Result<bool> {
    let mut head = [0; 2];
    let mut file = crate::files::open(path).map_err(|e| Error::io(path.display(), e))?;
    Ok(std::io::Read::read_exact(&mut file, &mut head).is_ok() && head == *b"PK")
}

fn none(path: &Path) -> Error {
    Error::new(Kind::NotFound, "it contains no signed checkpoint").at(Place::file(path.display().to_string()))
}
