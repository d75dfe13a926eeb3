//! Where an export goes: a zip, a folder or standard output, in one piece or in volumes; and how an
//! archive is opened again, with all its volumes.

use super::folder::{FolderPages, FolderTarget};
use super::resume::partial_path;
use super::zip::{ZipPages, ZipTarget};
use super::{Container, InputLimits, Pages};
use crate::error::{ABSENT, Error, Kind, Result};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

/// The target of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The path as given; `-` for standard output.
    pub path: PathBuf,
    /// Start a new volume when one has this many bytes.
    pub volume_size: Option<u64>,
    /// Replace what has the final name already.
    pub overwrite: bool,
    /// After this many bytes what is written is made certain, so that an interrupted export goes on there.
    pub checkpoint: u64,
}

/// Endings of names that are taken for those of files.
const FILES: [&str; 18] = [
    "tar", "gz", "tgz", "7z", "rar", "bz2", "xz", "zst", "csv", "json", "jsonl", "html", "htm", "xml", "eml", "rsmf",
    "dat", "pdf",
];

impl Target {
    /// True for standard output.
    pub fn is_stdout(&self) -> bool {
        self.path.as_os_str() == "-"
    }

    /// True when the path names a zip; anything else is a folder.
    pub fn is_zip(&self) -> bool {
        self.path.extension().is_some_and(|ext| ext.eq_ignore_ascii_case("zip"))
    }

    /// The path of volume `number`, counted from 1.
    pub fn volume(&self, number: u32) -> PathBuf {
        // A slash at the end of the name of a folder is no part of it.
        let path: PathBuf = self.path.components().collect();
        match self.volume_size {
            None => path,
            Some(_) if self.is_zip() => path.with_extension(format!("{number:03}.zip")),
            Some(_) => {
                let mut name = path.into_os_string();
                name.push(format!(".{number:03}"));
                PathBuf::from(name)
            }
        }
    }

    /// The name of the bag: that of the target without its ending.
    pub fn bag_name(&self) -> String {
        if self.is_stdout() {
            return "pchat-export".to_owned();
        }
        let stem = if self.is_zip() { self.path.file_stem() } else { self.path.file_name() };
        let stem = stem.and_then(|stem| stem.to_str()).unwrap_or_default();
        let clean: String =
            stem.chars().map(|c| if c.is_control() || "/\\:*?\"<>|".contains(c) { '_' } else { c }).collect();
        // A name that begins with ~ would lead out of the folder in the eyes of many programs.
        let clean = clean.trim_start_matches(['.', ' ', '~']).trim_end_matches(['.', ' ']);
        if clean.is_empty() { "pchat-export".to_owned() } else { clean.to_owned() }
    }

    /// Refuses targets that cannot work, before anything is read. `one_file`: what is made is one file, whatever its
    /// name.
    pub fn check(&self, one_file: bool) -> Result<()> {
        if self.is_stdout() {
            return match self.volume_size {
                Some(_) => Err(Error::new(Kind::Usage, "standard output has no volumes")
                    .hint("leave out --volume-size, or give --out a file")),
                None => Ok(()),
            };
        }
        if one_file && self.volume_size.is_some() {
            return Err(Error::new(Kind::Usage, "this format writes one file and has no volumes")
                .hint("leave out --volume-size, or use --format archive"));
        }
        if (one_file || self.is_zip()) && self.path.as_os_str().to_string_lossy().ends_with(std::path::is_separator) {
            return Err(Error::new(Kind::Usage, format!("{} would be a file, and not a folder", self.path.display()))
                .hint("leave out the slash at the end"));
        }
        if one_file && self.is_zip() {
            return Err(Error::new(Kind::Usage, format!("{} would not be a zip", self.path.display()))
                .hint("give --out another ending, as .jsonl"));
        }
        if let Some(end) = self.path.extension().and_then(OsStr::to_str).filter(|_| !one_file && !self.is_zip())
            && FILES.iter().any(|file| end.eq_ignore_ascii_case(file))
        {
            return Err(Error::new(Kind::Usage, format!("{} would be a folder, and not a file", self.path.display()))
                .hint("end the name of a folder in another way; a name that ends in .zip makes a zip"));
        }
        let first = self.volume(1);
        if first.exists() && !self.overwrite {
            return Err(exists(&first));
        }
        if self.volume_size.is_some() && !self.overwrite && !self.has_begun() && self.volume(2).exists() {
            return Err(exists(&self.volume(2)));
        }
        let file = one_file || self.is_zip();
        if first.is_dir() && file {
            return Err(Error::new(Kind::Refused, format!("{} is a folder", first.display())));
        }
        if first.exists() && !file && !first.join(super::manifest::DECLARATION).exists() {
            return Err(Error::new(Kind::Refused, format!("{} is not an earlier export", first.display()))
                .hint("only an earlier export is replaced; give another --out"));
        }
        let folder = first.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !folder.is_dir() {
            return Err(Error::new(Kind::NotFound, format!("folder {} does not exist", folder.display())).hint(ABSENT));
        }
        Ok(())
    }

    /// True when an interrupted export waits to be gone on with. Of its volumes the first gets its final name last.
    fn has_begun(&self) -> bool {
        self.left().is_some()
    }

    /// What an interrupted export has left, and the name it would have got.
    pub fn left(&self) -> Option<(PathBuf, PathBuf)> {
        let path = self.volume(1);
        Some((partial_path(&path), path)).filter(|(partial, _)| partial.exists())
    }

    /// Starts or resumes volume `number`.
    pub fn open(&self, number: u32, fingerprint: &str) -> Result<Box<dyn Container>> {
        let path = self.volume(number);
        if self.is_stdout() {
            return Ok(Box::new(ZipTarget::scratch(&self.bag_name())?));
        }
        let container: Box<dyn Container> = match self.is_zip() {
            true => Box::new(ZipTarget::open(&path, &self.top(number), fingerprint, self.checkpoint)?),
            false => Box::new(FolderTarget::open(&path, fingerprint, self.checkpoint)?),
        };
        // Another export may have come to its end after the target was checked and before it was locked. What was
        // begun here then is empty, and must not stay behind as if it could be gone on with.
        if number == 1 && !self.overwrite && path.exists() {
            if container.is_new() {
                let partial = partial_path(&path);
                drop(std::fs::remove_dir(&partial).or_else(|_| std::fs::remove_file(&partial)));
            }
            return Err(exists(&path));
        }
        Ok(container)
    }

    /// After an export that replaced an earlier one: removes volumes the earlier one had more of.
    pub fn remove_older_volumes(&self, volumes: u32) -> Result<()> {
        if self.volume_size.is_none() || !self.overwrite {
            return Ok(());
        }
        for number in volumes + 1.. {
            let path = self.volume(number);
            let removed = if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
            match removed {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => break,
                Err(error) => return Err(Error::io(path.display(), error)),
            }
        }
        Ok(())
    }

    /// The name of the top folder in a zip: the name of the zip without its ending.
    pub fn top(&self, number: u32) -> String {
        match self.volume_size {
            Some(_) => format!("{}.{number:03}", self.bag_name()),
            None => self.bag_name(),
        }
    }
}

fn exists(path: &Path) -> Error {
    Error::new(Kind::Refused, format!("{} already exists", path.display()))
        .hint("give another --out, or --overwrite to replace it when the new one is complete")
}

/// Opens an archive, or any other zip or folder of files.
pub fn open(path: &Path, limits: InputLimits) -> Result<Box<dyn Pages>> {
    match path.is_dir() {
        true => Ok(Box::new(FolderPages::open(path, limits)?)),
        false => Ok(Box::new(ZipPages::open(path, limits)?)),
    }
}

/// The number of a volume and the name of the set, if `path` looks like one.
pub fn volume_of(path: &Path) -> Option<(PathBuf, u32)> {
    let name = path.file_name()?.to_str()?;
    let (stem, zip) = match name.strip_suffix(".zip") {
        Some(stem) => (stem, true),
        None => (name, false),
    };
    let (set, number) = stem.rsplit_once('.')?;
    if number.len() < 3 || !number.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let set = if zip { format!("{set}.zip") } else { set.to_owned() };
    Some((path.with_file_name(set), number.parse().ok()?))
}
