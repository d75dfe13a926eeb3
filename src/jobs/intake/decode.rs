//! Pieces of input become units, on workers: unpacked, checked, read, renamed, and their words cut.

use super::{Form, Met, Uploads, is_gap};
use crate::containers::Raw;
use crate::context::{Random, no_random};
use crate::error::{Error, Place, Result};
use crate::formats::sqlserver::catalog::{Names, known_room};
use crate::formats::sqlserver::history::parts;
use crate::formats::sqlserver::reader::{Reader, Start, units_of};
use crate::formats::sqlserver::tables::Picker;
use crate::formats::sqlserver::value::Value;
use crate::formats::{ReadOptions, Remarks, compliance, jsonl};
use crate::jobs::archive::RawPage;
use crate::jobs::sums::{self, PageSums};
use crate::model::bounds;
use crate::model::hash;
use crate::model::ids::RoomKey;
use crate::model::message::{Content, Event};
use crate::model::unit::Unit;
use crate::pipeline::Stage;
use crate::rules::merge::Renames;
use crate::store::Loaded;
use crate::store::block::Prepared;
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::Read;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A piece of input.
#[derive(Debug)]
pub enum Piece {
    /// Lines of JSON, or a whole small file.
    Bytes {
        /// Where it comes from.
        place: String,
        /// The format.
        form: Form,
        /// The number of the first line.
        line: u64,
        /// The bytes.
        bytes: Vec<u8>,
        /// The folder attachments are named relative to; none inside a zip.
        folder: Option<PathBuf>,
    },
    /// A unit of a file too large for memory, read already.
    Unit {
        /// Where it comes from.
        place: String,
        /// The unit.
        unit: Box<Unit>,
    },
    /// What was noted while such a file was read.
    Noted {
        /// Where it comes from.
        place: String,
        /// The notes.
        remarks: Remarks,
    },
    /// Rows of a database.
    Rows {
        /// Where they come from.
        place: String,
        /// Where they begin.
        start: Start,
        /// The rows, whole.
        bytes: Vec<u8>,
        /// What reads them.
        reader: Arc<Reader>,
        /// Whom they name.
        names: Arc<Names>,
    },
    /// Rows of a database that were given with the names of their columns.
    Told {
        /// Where they come from.
        place: String,
        /// Where their columns stand.
        picker: Arc<Picker>,
        /// The rows, each with its line.
        rows: Vec<(u64, Vec<Value<'static>>)>,
        /// Whom they name.
        names: Arc<Names>,
    },
    /// A part of a table, packed as it lies in its zip.
    Part {
        /// Where it comes from.
        place: String,
        /// The part.
        raw: Box<Raw>,
        /// What reads it.
        reader: Arc<Reader>,
        /// Whom its rows name.
        names: Arc<Names>,
    },
    /// A page of an archive.
    Page {
        /// The archive, as its errors name it.
        archive: Arc<str>,
        /// The page.
        page: Box<RawPage>,
        /// The name of the room.
        title: Arc<str>,
    },
    /// Something that cannot be read at all.
    Bad {
        /// Where it is.
        place: String,
        /// Why.
        error: Error,
    },
}

/// A piece that has been read.
#[derive(Debug)]
pub struct Decoded {
    /// The number of its input.
    pub input: usize,
    /// Where it comes from.
    pub place: String,
    /// The fingerprint by which the ledger knows it.
    pub fingerprint: Option<[u8; 32]>,
    /// Its events, with their words.
    pub loaded: Vec<Loaded>,
    /// What was noted.
    pub remarks: Remarks,
    /// The names it has, in a run that only checks and when there are new names.
    pub met: Met,
    /// Of a page: its archive, its room under the name it has there, and its sums.
    pub page: Option<(Arc<str>, Arc<RoomKey>, PageSums)>,
    /// Why nothing of it can be used; only when gaps are allowed.
    pub failed: Option<Error>,
    /// Bytes read, for progress.
    pub bytes: u64,
    /// Rows of a database that were read.
    pub rows: u64,
    /// The table they are of.
    pub table: &'static str,
}

/// Reads pieces, each with the number of its input.
pub struct Decode<'a> {
    /// The pool of rooms whose source does not say.
    pub pool: Option<String>,
    /// Leave out what is broken, and list it.
    pub keep_going: bool,
    /// New names.
    pub renames: Renames,
    /// Prepare words and blocks, with the number of the first source and what gives salts; a run that only checks does
    /// not need them.
    pub prepare: Option<(i64, Random<'a>)>,
    /// The options that change what a piece becomes, for its fingerprint.
    pub options: String,
    /// Rooms that the store knows by their identity alone, because a database did not say their domain.
    pub aliases: Arc<HashMap<String, RoomKey>>,
    /// Uploaded files, to be paired with the events that name them.
    pub uploads: Option<Arc<Uploads>>,
}

impl Decode<'_> {
    fn read(&self, piece: Piece, done: &mut Decoded) -> Result<Vec<Unit>> {
        let mut units = Vec::new();
        let mut take = |unit: Unit| {
            units.push(unit);
            ControlFlow::Continue(())
        };
        match piece {
            Piece::Bytes { place, form, line, bytes, folder } => {
                let options = ReadOptions { file: place, pool: self.pool.clone(), keep_going: self.keep_going };
                done.remarks = match form {
                    Form::JsonLines => jsonl::read(&bytes, line, &options, &mut take)?,
                    _ => compliance::read(&mut bytes.as_slice(), &options, &mut take)?,
                };
                for event in units.iter_mut().flat_map(|unit| &mut unit.events) {
                    self.find_files(event, folder.as_deref(), &options.file)?;
                }
                // The same lines beside other files are another piece.
                let files = units.iter().flat_map(|unit| &unit.events).flat_map(|event| &event.more().files);
                let beside = files.filter(|file| matches!(file.content, Content::File(_)));
                let beside: Vec<u8> = beside.filter_map(|file| file.sha256).flatten().collect();
                done.fingerprint = Some(self.fingerprint(&[&bytes[..], &beside].map(Sha256::digest).concat()));
            }
            Piece::Rows { place, start, bytes, reader, names } => {
                done.fingerprint = Some(self.rows_print(&bytes, &reader, &names));
                (done.rows, done.remarks) =
                    reader.units(&bytes, (&place, start), &names, self.keep_going, &mut take)?;
            }
            Piece::Told { place, picker, rows, names } => {
                let print = Sha256::digest(format!("{rows:?}"));
                done.fingerprint =
                    Some(self.fingerprint(&[&print[..], &names.print, picker.known.name.as_bytes()].concat()));
                done.rows = rows.len() as u64;
                let source = (picker.known.name, place.as_str());
                done.remarks = units_of(source, &picker, rows, &names, self.keep_going, &mut take)?;
            }
            Piece::Part { place, raw, reader, names } => {
                let bytes = raw.unpack()?;
                let (rows, end) = reader
                    .layout
                    .whole(&bytes)
                    .map_err(|(row, wrong)| reader.wrong(&place, Start::FILE, row, wrong))?;
                if end < bytes.len() {
                    let at = Start { row: rows + 1, byte: end as u64 };
                    return Err(reader.cut(&place, at, &bytes[end..]));
                }
                done.fingerprint = Some(self.rows_print(&bytes, &reader, &names));
                (done.rows, done.remarks) =
                    reader.units(&bytes, (&place, Start::FILE), &names, self.keep_going, &mut take)?;
            }
            Piece::Unit { unit, .. } => units.push(*unit),
            Piece::Noted { remarks, .. } => done.remarks = remarks,
            Piece::Page { archive, page, title } => {
                done.fingerprint = Some(self.fingerprint(&page.sha256()));
                let mut unit = page.read()?;
                done.page = Some((archive, unit.room.clone(), sums::of_page(&unit)));
                unit.hint.title = Some((*title).to_owned());
                units.push(unit);
            }
            Piece::Bad { error, .. } => return Err(error),
        }
        Ok(units)
    }

    /// Finds the files attachments name, and their size and hash.
    fn find_files(&self, event: &mut Event, folder: Option<&Path>, place: &str) -> Result<()> {
        let Some(more) = &mut event.more else { return Ok(()) };
        for file in &mut more.files {
            let Content::File(path) = &file.content else { continue };
            let bad = |what: &str| Error::damaged(Place::file(place), format!("attachment {}: {what}", path.display()));
            let Some(folder) = folder else {
                return Err(bad("there is no such file beside the history"));
            };
            let full = folder.join(path);
            let (Ok(inside), Ok(real)) = (folder.canonicalize(), full.canonicalize()) else {
                return Err(bad("there is no such file beside the history"));
            };
            if !real.starts_with(&inside) || !real.is_file() {
                return Err(bad("the name leads out of the folder, or to something that is not a file"));
            }
            let told = |e| Error::io(full.display(), e);
            let (hash, size) =
                crate::files::open(&full).and_then(|mut file| hash::of_reader(&mut file)).map_err(told)?;
            if file.size.is_some_and(|said| said != size) || file.sha256.is_some_and(|said| said != hash) {
                return Err(bad("the file does not have the size or SHA-256 the line says"));
            }
            (file.size, file.sha256, file.content) = (Some(size), Some(hash), Content::File(full));
        }
        Ok(())
    }

    /// The same rows under other names are other events.
    fn rows_print(&self, bytes: &[u8], reader: &Reader, names: &Names) -> [u8; 32] {
        self.fingerprint(&[&Sha256::digest(bytes)[..], &names.print, reader.table.as_bytes()].concat())
    }

    fn fingerprint(&self, bytes: &[u8]) -> [u8; 32] {
        Sha256::new().chain_update(&self.options).chain_update([0]).chain_update(bytes).finalize().into()
    }

    /// The room the store knows by the identity at the end of this address.
    fn alias(&self, uri: &str) -> Option<&RoomKey> {
        if self.aliases.is_empty() {
            return None;
        }
        known_room(&self.aliases, self.pool.as_deref(), &parts(uri).1?)
    }

    fn rename(&self, unit: &mut Unit) -> Result<()> {
        if self.renames.is_empty() {
            return Ok(());
        }
        if let Some(title) = &mut unit.hint.title {
            *title = self.renames.given_room(title, &unit.room.uri)?;
        }
        if let Some(category) = &mut unit.hint.category {
            *category = self.renames.given("category", category)?;
        }
        unit.room = Arc::new(self.renames.room(&unit.room));
        for persona in &mut unit.people {
            persona.uri = self.renames.address(&persona.uri);
        }
        Ok(())
    }
}

impl Stage for Decode<'_> {
    type In = (usize, Piece);
    type Out = Decoded;

    fn apply(&self, (input, piece): (usize, Piece)) -> Result<Decoded> {
        let (place, bytes) = match &piece {
            Piece::Bytes { place, bytes, .. } => (place.clone(), bytes.len() as u64),
            Piece::Unit { place, unit } => (place.clone(), unit.weight() as u64),
            Piece::Noted { place, .. } | Piece::Bad { place, .. } => (place.clone(), 0),
            Piece::Rows { place, bytes, .. } => (place.clone(), bytes.len() as u64),
            Piece::Told { place, rows, .. } => (place.clone(), 256 * rows.len() as u64),
            Piece::Part { place, raw, .. } => (place.clone(), raw.size),
            Piece::Page { page, .. } => (page.place().to_owned(), page.weight() as u64 / 3),
        };
        let mut done = Decoded {
            input,
            place,
            fingerprint: None,
            loaded: Vec::new(),
            remarks: Remarks::default(),
            met: Met::default(),
            page: None,
            failed: None,
            bytes,
            rows: 0,
            table: "",
        };
        done.table = match &piece {
            Piece::Rows { reader, .. } | Piece::Part { reader, .. } => {
                reader.picker.as_ref().map_or("", |picker| picker.known.name)
            }
            Piece::Told { picker, .. } => picker.known.name,
            _ => "",
        };
        let page = matches!(piece, Piece::Page { .. });
        let units = match self.read(piece, &mut done) {
            Ok(units) => units,
            Err(error) if self.keep_going && is_gap(&error) => {
                done.fingerprint = None;
                done.failed = Some(error);
                return Ok(done);
            }
            Err(error) => return Err(error),
        };
        if !self.renames.is_empty() {
            let stated = std::mem::take(&mut done.remarks.stated);
            stated.iter().for_each(|(room, number)| done.remarks.state(self.renames.room(room), *number));
        }
        for mut unit in units {
            if !page && let Some(known) = self.alias(&unit.room.uri) {
                unit.room = Arc::new(known.clone());
            }
            if !page && let Some(uploads) = &self.uploads {
                let room = unit.room.clone();
                let mut given = Vec::new();
                for event in &mut unit.events {
                    given.extend(uploads.pair(&room, event, &mut done.remarks)?);
                }
                if !given.is_empty() {
                    let print =
                        done.fingerprint.map(|print| self.fingerprint(&[&print[..], given.as_flattened()].concat()));
                    done.fingerprint = print;
                }
            }
            if let Err(error) = named(&unit, &done.place) {
                if !self.keep_going {
                    return Err(error);
                }
                (done.fingerprint, done.failed) = (None, Some(error));
                done.loaded.clear();
                return Ok(done);
            }
            if self.prepare.is_none() && !self.renames.is_empty() {
                done.met.unit(&unit);
            }
            self.rename(&mut unit).map_err(|error| error.at(Place::file(&done.place)))?;
            let prepared = match self.prepare {
                Some((first, random)) => {
                    unit.source = first + input as i64;
                    Prepared::of(&unit, &mut || random()).map_err(no_random)?
                }
                None => Prepared::default(),
            };
            done.loaded.push(Loaded { unit, prepared });
        }
        Ok(done)
    }
}

/// No name, address or title is longer than any can be; many of them stay in memory while history is read.
fn named(unit: &Unit, place: &str) -> Result<()> {
    let hint = [unit.hint.title.as_deref(), unit.hint.category.as_deref()];
    let people = unit.people.iter().flat_map(|p| [Some(p.uri.as_str()), p.name.as_deref(), p.email.as_deref()]);
    let files = unit.events.iter().flat_map(|event| &event.more().files).map(|file| file.name.as_deref());
    let room = [Some(unit.room.pool.as_str()), Some(unit.room.uri.as_str())];
    let mut all = room.into_iter().chain(hint).chain(people).chain(files).flatten();
    if all.any(|text| bounds::is_longer(text, bounds::NAME)) {
        return Err(bounds::exceeded(Place::file(place), "a name, address or title", bounds::NAME, "characters"));
    }
    let texts = |event: &Event| {
        let more = event.more();
        let others = [&more.rtf, &more.word, &more.extra].map(|text| text.as_ref().map_or(0, String::len));
        others.into_iter().fold(event.body.len(), usize::max)
    };
    match unit.events.iter().position(|event| texts(event) > bounds::TEXT) {
        Some(at) => {
            let place = Place::file(unit.place(place, at));
            Err(bounds::exceeded(place, "a text of this event", bounds::TEXT, "bytes"))
        }
        None => Ok(()),
    }
}

/// Reads all of a file that may still be growing, up to a limit.
pub(super) fn read_up_to(from: &mut dyn Read, most: u64) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(most).read_to_end(&mut bytes)?;
    Ok(bytes)
}
