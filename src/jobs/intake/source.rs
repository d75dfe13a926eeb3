//! Reads the inputs one after another and cuts them into pieces of bounded size.

use super::decode::{Piece, read_up_to};
use super::find::{HEAD, form_of};
use super::lines::json_lines;
use super::{Database, Form, Input, Inside, is_gap};
use crate::containers::{InputLimits, volumes};
use crate::error::{Error, Kind, Place, Result};
use crate::files::Scratch;
use crate::formats::{ReadOptions, compliance};
use crate::jobs::archive::Archive;
use crate::pipeline::{Emit, Source};
use std::collections::HashSet;
use std::io::{BufRead, BufReader, Read};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Files up to this size are read whole; larger ones are cut.
const WHOLE: u64 = 8 << 20;
/// Lines of JSON are cut into pieces of about this size.
const CHUNK: usize = 1 << 20;
/// What an object of JSON weighs, whatever it holds.
const OBJECT: usize = 160;

/// A failed read: of the operating system, or of a container that is damaged.
fn told(place: &str, error: std::io::Error) -> Error {
    let error = match error.downcast::<Error>() {
        // It knows its line.
        Ok(error) => return error,
        Err(error) => error,
    };
    match error.kind() {
        std::io::ErrorKind::InvalidData => Error::damaged(Place::file(place), error.to_string()),
        _ => Error::io(place, error),
    }
}

fn count(bytes: &[u8], byte: u8) -> usize {
    memchr::memchr_iter(byte, bytes).count()
}

/// Reads inputs.
pub struct PieceSource<'a> {
    /// What to read, in order.
    pub inputs: &'a [Input],
    /// The archives among them, opened, in the same order.
    pub archives: std::slice::IterMut<'a, Archive>,
    /// The databases among them, in the same order.
    pub databases: std::slice::Iter<'a, Database>,
    /// The format of files, when it was named.
    pub form: Option<Form>,
    /// The pool of rooms whose source does not say.
    pub pool: Option<String>,
    /// List what cannot be read, instead of failing.
    pub keep_going: bool,
    /// The limits of what is read.
    pub limits: InputLimits,
    /// Large files found broken by an earlier pass; they are not read again.
    pub skip: HashSet<String>,
}

type Flow = Result<ControlFlow<()>>;
const GO_ON: Flow = Ok(ControlFlow::Continue(()));

impl Source for PieceSource<'_> {
    type Item = (usize, Piece);

    fn read(&mut self, emit: &mut Emit<'_, (usize, Piece)>) -> Result<()> {
        for (number, input) in self.inputs.iter().enumerate() {
            let emit: &mut Emit<'_, Piece> = &mut |piece, weight| emit((number, piece), weight);
            let flow = match input {
                Input::Archive(path) => match self.archives.next() {
                    Some(archive) => self.archive(archive, path, emit),
                    None => Err(Error::new(Kind::Bug, "an archive was not opened before it was read")),
                },
                Input::Database(dump) => match self.databases.next() {
                    Some(database) => match database.pieces(self.limits, emit) {
                        Err(error) if self.keep_going && is_gap(&error) => {
                            let place =
                                error.place().map_or_else(|| dump.path().display().to_string(), |at| at.file.clone());
                            Ok(emit(Piece::Bad { place, error }, 256))
                        }
                        flow => flow,
                    },
                    None => Err(Error::new(Kind::Bug, "a database was not opened before it was read")),
                },
                Input::File(path) => self.file(path, emit),
                Input::Zip(inside) => self.zip(inside, emit),
            };
            if flow?.is_break() {
                break;
            }
        }
        Ok(())
    }
}

impl PieceSource<'_> {
    fn archive(&self, archive: &mut Archive, path: &Path, emit: &mut Emit<'_, Piece>) -> Flow {
        let name: Arc<str> = path.display().to_string().into();
        for at in 0..archive.pages.len() {
            let place = archive.pages[at];
            let page = archive.page(&place);
            let room = &archive.rooms[place.room as usize];
            let piece = match page {
                Ok(page) => Piece::Page { archive: name.clone(), page: Box::new(page), title: room.name.clone() },
                Err(error) => self.bad(format!("{}!{}", path.display(), room.folder), error)?,
            };
            let weight = if let Piece::Page { page, .. } = &piece { page.weight() } else { 256 };
            if emit(piece, weight).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        GO_ON
    }

    fn bad(&self, place: String, error: Error) -> Result<Piece> {
        match self.keep_going {
            true => Ok(Piece::Bad { place, error }),
            false => Err(error),
        }
    }

    fn file(&self, path: &Path, emit: &mut Emit<'_, Piece>) -> Flow {
        let place = path.display().to_string();
        let opened = crate::files::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        let (size, mut file) = match opened {
            Ok(opened) => opened,
            Err(error) => {
                let piece = self.bad(place, Error::io(path.display(), error))?;
                return Ok(emit(piece, 256));
            }
        };
        let folder = path.parent().map(|p| if p.as_os_str().is_empty() { PathBuf::from(".") } else { p.to_owned() });
        self.one(&mut file, size, place, folder, emit)
    }

    fn zip(&self, inside: &Inside, emit: &mut Emit<'_, Piece>) -> Flow {
        let mut pages = volumes::open(&inside.path, self.limits)?;
        let wanted: HashSet<&str> = inside.members.iter().map(String::as_str).collect();
        for at in 0..pages.members().len() {
            let member = pages.members()[at].clone();
            if !wanted.contains(member.name.as_str()) {
                continue;
            }
            let place = format!("{}!{}", inside.path.display(), member.name);
            let beside = |scratch: &Arc<Scratch>| scratch.path().join(&member.name).parent().map(Path::to_owned);
            let folder = inside.scratch.as_ref().and_then(beside);
            let mut stream = pages.stream(at)?;
            if self.one(&mut *stream, member.size, place, folder, emit)?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        GO_ON
    }

    /// Reads one file. What cannot be read is an error, or a gap if those are allowed.
    fn one(
        &self,
        file: &mut dyn Read,
        size: u64,
        place: String,
        folder: Option<PathBuf>,
        emit: &mut Emit<'_, Piece>,
    ) -> Flow {
        if self.skip.contains(&place) {
            return GO_ON;
        }
        let mut broken = None;
        let flow = self.pieces(file, size, &place, folder, emit, &mut broken);
        match (flow, broken) {
            (Err(error), _) | (Ok(_), Some(error)) => {
                let piece = self.bad(place, error)?;
                Ok(emit(piece, 256))
            }
            (flow, None) => flow,
        }
    }

    fn pieces(
        &self,
        mut file: &mut dyn Read,
        size: u64,
        place: &str,
        folder: Option<PathBuf>,
        emit: &mut Emit<'_, Piece>,
        broken: &mut Option<Error>,
    ) -> Flow {
        let told = |e| told(place, e);
        let head = read_up_to(&mut file, HEAD as u64).map_err(told)?;
        if head.starts_with(b"PK\x03\x04") {
            return Err(Error::damaged(Place::file(place), "a zip inside a zip is not read").hint("unpack it first"));
        }
        let form = match self.form {
            Some(form) => form,
            None => form_of(place, &head)?,
        };
        if form == Form::JsonLines {
            let mut lines = json_lines(head, file, place).map_err(told)?;
            return self.lines(&mut *lines, place, folder, emit);
        }
        let mut input = head.as_slice().chain(file);
        if size <= WHOLE {
            let bytes = read_up_to(&mut input, WHOLE + 1).map_err(told)?;
            let weight = 4 * bytes.len() + 1024;
            return Ok(emit(Piece::Bytes { place: place.to_owned(), form, line: 1, bytes, folder }, weight));
        }
        let options = ReadOptions { file: place.to_owned(), pool: self.pool.clone(), keep_going: self.keep_going };
        let mut stopped = false;
        let read = compliance::read(&mut BufReader::with_capacity(1 << 16, input), &options, &mut |unit| {
            let weight = 2 * unit.weight();
            let flow = emit(Piece::Unit { place: place.to_owned(), unit: Box::new(unit) }, weight);
            stopped |= flow.is_break();
            flow
        });
        match read {
            Ok(remarks) if !stopped => Ok(emit(Piece::Noted { place: place.to_owned(), remarks }, 256)),
            Ok(_) => Ok(ControlFlow::Break(())),
            Err(error) => {
                *broken = Some(error);
                GO_ON
            }
        }
    }

    /// Cuts lines into pieces at line ends.
    fn lines(&self, input: &mut dyn BufRead, place: &str, folder: Option<PathBuf>, emit: &mut Emit<'_, Piece>) -> Flow {
        let told = |e| told(place, e);
        let mut line = 1;
        loop {
            let mut bytes = Vec::with_capacity(CHUNK + (CHUNK >> 3));
            let mut last = input.take(CHUNK as u64).read_to_end(&mut bytes).map_err(told)? < CHUNK;
            if !last && bytes.last() != Some(&b'\n') {
                let most = self.limits.page.saturating_add(1);
                let tail = input.take(most).read_until(b'\n', &mut bytes).map_err(told)? as u64;
                last = bytes.last() != Some(&b'\n') && tail < most;
                if tail >= most {
                    let lines = count(&bytes, b'\n') as u64;
                    return Err(Error::new(
                        Kind::Refused,
                        format!("the line is longer than {} bytes", self.limits.page),
                    )
                    .at(Place { file: place.to_owned(), line: line + lines, column: 0 })
                    .hint("if you trust it, raise --max-page"));
                }
            }
            let lines = count(&bytes, b'\n') as u64;
            if !bytes.is_empty() {
                // Of many small files each would hold the space of a large one.
                if bytes.len() < bytes.capacity() / 2 {
                    bytes.shrink_to_fit();
                }
                // An object of two bytes becomes one of many in memory.
                let objects = count(&bytes, b'{');
                let weight = 4 * bytes.len() + OBJECT * objects + 1024;
                let piece = Piece::Bytes {
                    place: place.to_owned(),
                    form: Form::JsonLines,
                    line,
                    bytes,
                    folder: folder.clone(),
                };
                if emit(piece, weight).is_break() {
                    return Ok(ControlFlow::Break(()));
                }
            }
            line += lines;
            if last {
                return GO_ON;
            }
        }
    }
}
