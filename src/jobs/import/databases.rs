//! Databases in an import: opened before anything else, told about, and held against what they say of themselves.

use super::check::Checked;
use super::{Beside, Import};
use crate::context::Context;
use crate::error::{Error, Kind, Place, Result};
use crate::formats::sqlserver::value::read_guid;
use crate::jobs::intake::database::make_all;
use crate::jobs::intake::{Database, Dump, Found, Input, STDIN, is_gap};
use crate::model::counted::counted;
use crate::model::hash;
use crate::model::ids::RoomKey;
use crate::model::receipt::{KEPT_IN_FULL, Receipt};
use crate::store::sqlite::Sqlite;
use crate::store::{Corpus, SourceFact};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::sync::Arc;

/// The rooms of the store by their identity, so that files that know less of them mean the same rooms.
pub(super) fn known(job: &Import) -> Result<HashMap<String, RoomKey>> {
    let shapes: Vec<_> = job.shapes.iter().copied().filter(|shape| shape.noun == "room").collect();
    if !job.store.exists() {
        return Ok(HashMap::new());
    }
    let catalog = Sqlite::snapshot(&job.store)?.catalog(&shapes)?;
    let mut known = HashMap::new();
    for room in catalog.of("room") {
        let text = |field| room.get(field).text().unwrap_or_default();
        let key = RoomKey { pool: text("Pool").to_owned(), uri: text("Uri").to_owned() };
        if let Some(guid) = key.uri.rsplit('/').next().and_then(read_guid) {
            known.insert(guid, key);
        }
    }
    Ok(known)
}

/// Those of which the store knows no more than the identity.
pub(super) fn aliases(mut known: HashMap<String, RoomKey>) -> Arc<HashMap<String, RoomKey>> {
    known.retain(|_, key| read_guid(&key.uri).is_some());
    Arc::new(known)
}

/// Opens the databases, those with messages first.
pub(super) fn open(
    cx: &Context<'_>,
    job: &Import,
    found: &mut Found,
    known: &HashMap<String, RoomKey>,
    looks: bool,
) -> Result<Vec<Database>> {
    let (dumps, mut others): (Vec<Input>, Vec<Input>) =
        std::mem::take(&mut found.inputs).into_iter().partition(|input| matches!(input, Input::Database(_)));
    let mut opened: Vec<(Dump, Database)> = Vec::new();
    for input in dumps {
        if let Input::Database(dump) = input {
            let opened_one = Database::open(&dump, &job.database, cx.input, job.keep_going);
            let opened_one = opened_one.and_then(|database| match &database.foreign {
                Some(tables) if !looks => Err(foreign(&database.name(), tables)),
                _ => Ok(database),
            });
            match opened_one {
                Ok(database) => opened.push((dump, database)),
                Err(error) if job.keep_going && is_gap(&error) && !(others.is_empty() && opened.is_empty()) => {
                    found.gaps.push(error);
                }
                Err(error) => return Err(error),
            }
        }
    }
    // Messages come before what the compliance service kept of them, which says less.
    opened.sort_by_key(|(_, database)| !database.has_messages());
    let (dumps, mut databases): (Vec<Dump>, Vec<Database>) = opened.into_iter().unzip();
    make_all(&mut databases, &job.database, known.clone(), job.shapes)?;
    let mut inputs: Vec<Input> = dumps.into_iter().map(Input::Database).collect();
    inputs.append(&mut others);
    found.inputs = inputs;
    Ok(databases)
}

fn foreign(place: &str, tables: &str) -> Error {
    let what = format!("this database has none of the tables of Persistent Chat; it has {tables}");
    Error::new(Kind::Refused, what)
        .at(Place::file(place))
        .hint("export the databases mgc and mgccomp (docs/migrate.md)")
}

/// What was found in the databases, and whether it is all of what they say they have.
pub(super) fn tell(
    databases: &mut [Database],
    checked: &mut Checked<'_>,
    receipt: &mut Receipt,
    (keep_going, held): (bool, Option<&str>),
) -> Result<()> {
    for (number, database) in databases.iter_mut().enumerate() {
        let name = if held == Some(database.name().as_str()) { STDIN.to_owned() } else { database.name() };
        receipt.fact("Database", format!("{name}: {}", database.what));
        for (fact, value) in &database.facts {
            receipt.fact(fact, value);
        }
        match database.settle(checked.rows.get(&number).copied().unwrap_or(0)) {
            Ok(words) => receipt.fact("Rows", words),
            Err(error) if keep_going => {
                checked.gap_count += 1;
                if checked.gaps.len() < KEPT_IN_FULL {
                    checked.gaps.push(error);
                }
            }
            Err(error) => return Err(error),
        }
        for (table, counted) in &database.seen {
            if !matches!(counted.note.as_str(), "history" | "settings") {
                let rows =
                    counted.rows.map_or_else(|| "rows not counted".to_owned(), |rows| self::counted(rows, "row"));
                receipt.fact("Table", format!("{table}: {rows}, {}", counted.note));
            }
        }
        for (remark, times) in &database.remarks.counts {
            receipt.remark(remark, *times);
        }
        checked.gap_count += database.remarks.gap_count;
        checked.gaps.append(&mut database.remarks.gaps);
        checked.gaps.truncate(KEPT_IN_FULL);
        let (mut above, mut below) = (0, 0);
        for (room, last) in database.last() {
            // The store keeps it where its messages end before.
            if checked.latest.get(room).is_none_or(|latest| *latest < last) && last > 0 {
                checked.stated.state(room.clone(), last);
            }
            match checked.latest.get(room) {
                Some(latest) if *latest > last => above += 1,
                Some(latest) if *latest < last => below += 1,
                None if last > 0 => below += 1,
                _ => {}
            }
        }
        receipt
            .remark("rooms with messages above the last number the server gave: not one state of the database", above);
        receipt.remark("rooms whose last messages are missing, by the last number the server gave", below);
    }
    Ok(())
}

/// Which uploaded files were paired with events, and which with none.
pub(super) fn paired((_, uploads): &Beside, checked: &mut Checked<'_>, receipt: &mut Receipt) {
    let Some(uploads) = uploads else { return };
    let (paired, left) = uploads.settled();
    receipt.fact("Uploaded files", format!("{paired} paired with their events, {} with none", left.len()));
    for path in left {
        checked.gap_count += 1;
        if checked.gaps.len() < KEPT_IN_FULL {
            let what = "no event of its room names this uploaded file";
            checked.gaps.push(Error::new(Kind::NotFound, what).at(Place::file(path.display().to_string())));
        }
    }
}

/// What is known of the files of a database: one hash, over all of them where there are several.
pub(super) fn fact(dump: &Dump, held: Option<&str>) -> Result<SourceFact> {
    let files = dump.files();
    let mut sums = Vec::with_capacity(files.len());
    for file in &files {
        let told = |error| Error::io(file.display(), error);
        sums.push(crate::files::open(file).and_then(|mut file| hash::of_reader(&mut file)).map_err(told)?.0);
    }
    let sha256 = match sums.as_slice() {
        [] => return Err(Error::new(Kind::Bug, "a database without files")),
        [one] => *one,
        several => {
            // As sha256sum would list them.
            let mut all = Sha256::new();
            for (sum, file) in several.iter().zip(&files) {
                let name = file.file_name().unwrap_or_default().to_string_lossy();
                all.update(format!("{}  {name}\n", hash::hex(sum)));
            }
            all.finalize().into()
        }
    };
    let name = dump.path().display().to_string();
    Ok(SourceFact { name: if held == Some(name.as_str()) { STDIN.to_owned() } else { name }, sha256: Some(sha256) })
}
