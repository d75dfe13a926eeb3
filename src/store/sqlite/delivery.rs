//! The ledger of deliveries in its tables.

mod mails;

use super::{Sqlite, audit};
use crate::error::{Error, Kind, Result};
use crate::model::ids::{RoomKey, fold};
use crate::model::time::Ticks;
use crate::store::Entry;
use crate::store::delivery::{Backlog, Begin, Deliveries, Kept, Made, Manner, Most, Pools, Run, Span, salted};
use rusqlite::{Connection, OptionalExtension, Row};

/// What a room has that is not delivered.
struct Open {
    room: i64,
    first: i64,
    last: i64,
}

/// The rooms with something new, in order of their keys.
fn open(connection: &Connection, compliance: &str, pools: &Pools) -> rusqlite::Result<Vec<Open>> {
    let mut rows = connection.prepare_cached(
        "SELECT history.room, room.pool, coalesce(delivered.next, 0), history.next - 1 FROM history \
         JOIN room ON room.number = history.room \
         LEFT JOIN delivered ON delivered.compliance = ?1 AND delivered.room = history.room \
         WHERE history.next > coalesce(delivered.next, 0) ORDER BY room.key",
    )?;
    let mut rows = rows.query([compliance])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        if pools.has(&fold(row.get_ref(1)?.as_str()?)) {
            all.push(Open { room: row.get(0)?, first: row.get(2)?, last: row.get(3)? });
        }
    }
    Ok(all)
}

/// As much of that as one run takes; a room may be cut.
fn first_of(open: Vec<Open>, most: Most) -> Vec<Open> {
    let mut left = i64::try_from(most.events).unwrap_or(i64::MAX);
    let rooms = open.into_iter().take(most.rooms).map_while(|room| {
        let last = room.last.min(room.first.saturating_add(left - 1));
        let taken = Open { last, ..room };
        left -= last - taken.first + 1;
        (taken.first <= last).then_some(taken)
    });
    rooms.collect()
}

/// The last span of a room that was read: the room, where it ends, where the ledger goes on, and its name.
type Before = (i64, i64, i64, String);

const COLUMNS: &str = "number, run, ident, adapter, folder, per_room, details, sheet, begun_on, recorded_on, \
                       published_on, found, excepted, late, smtp";

fn run_of(row: &Row<'_>) -> rusqlite::Result<Run> {
    let manner = Manner {
        adapter: row.get(3)?,
        folder: row.get(4)?,
        per_room: row.get(5)?,
        details: row.get(6)?,
        sheet: row.get(7)?,
        smtp: row.get(14)?,
    };
    let time = |at| row.get::<_, Option<i64>>(at).map(|time| time.map(Ticks));
    Ok(Run {
        number: row.get(0)?,
        run: row.get(1)?,
        ident: row.get(2)?,
        manner,
        begun_on: Ticks(row.get(8)?),
        recorded_on: time(9)?,
        published_on: time(10)?,
        found: row.get(11)?,
        excepted: row.get(12)?,
        late: row.get(13)?,
    })
}

/// The salt of the digests of a run, unless a purge came after.
fn salt(connection: &Connection, run: i64) -> rusqlite::Result<Option<String>> {
    let mut rows = connection.prepare_cached("SELECT salt FROM delivery_salt WHERE delivery = ?1")?;
    rows.query_row([run], |row| row.get(0)).optional()
}

fn newest(connection: &Connection, compliance: &str, most: i64) -> rusqlite::Result<Vec<Run>> {
    let sql = format!("SELECT {COLUMNS} FROM delivery WHERE compliance = ?1 ORDER BY run DESC LIMIT ?2");
    let mut rows = connection.prepare_cached(&sql)?;
    rows.query_map((compliance, most), run_of)?.collect()
}

impl Sqlite {
    fn deliver<T>(&mut self, run: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        run(&self.connection).map_err(|e| self.explain(e))
    }
}

impl Deliveries for Sqlite {
    fn backlog(&mut self, compliance: &str, pools: &Pools) -> Result<Backlog> {
        let open = self.deliver(|connection| open(connection, compliance, pools))?;
        let numbers = open.iter().map(|open| (open.last - open.first + 1).unsigned_abs());
        Ok(Backlog { rooms: open.len() as u64, events: numbers.sum() })
    }

    fn begin_run(&mut self, begin: &Begin<'_>, entry: Entry) -> Result<Option<Run>> {
        let (compliance, manner) = (begin.compliance, &begin.manner);
        let mut begun = false;
        self.alone(|tx| {
            let last = newest(tx, compliance, 1)?.into_iter().next();
            let again = last.as_ref().filter(|last| last.recorded_on.is_none());
            if let Some(again) = again {
                tx.execute(
                    "UPDATE delivery SET ident = ?2, adapter = ?3, folder = ?4, per_room = ?5, details = ?6, \
                     sheet = ?7, smtp = ?8 WHERE number = ?1",
                    (
                        again.number,
                        &begin.ident,
                        &manner.adapter,
                        &manner.folder,
                        manner.per_room,
                        manner.details,
                        &manner.sheet,
                        &manner.smtp,
                    ),
                )?;
            } else {
                let open = first_of(open(tx, compliance, begin.pools)?, begin.most);
                if open.is_empty() {
                    return Ok(());
                }
                let run = last.map_or(1, |last| last.run + 1);
                tx.execute(
                    "INSERT INTO delivery (compliance, run, ident, adapter, folder, per_room, details, sheet, begun_on, \
                     smtp, found, excepted, late) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 0, 0, 0)",
                    (
                        compliance,
                        run,
                        &begin.ident,
                        &manner.adapter,
                        &manner.folder,
                        manner.per_room,
                        manner.details,
                        &manner.sheet,
                        begin.at.0,
                        &manner.smtp,
                    ),
                )?;
                let number = tx.last_insert_rowid();
                let mut put = tx
                    .prepare("INSERT INTO delivery_span (delivery, room, first, last) VALUES (?1, ?2, ?3, ?4)")?;
                for open in open {
                    put.execute((number, open.room, open.first, open.last))?;
                }
            }
            begun = true;
            audit::append(tx, &entry).map(|_| ())
        })?;
        if !begun {
            return Ok(None);
        }
        self.deliver(|connection| Ok(newest(connection, compliance, 1)?.into_iter().next()))
    }

    fn run_spans(&mut self, run: i64) -> Result<Vec<Span>> {
        self.deliver(|connection| {
            let mut rows = connection.prepare_cached(
                "SELECT room.pool, room.uri, span.first, span.last, delivered.latest, \
                 span.first = 0 AND span.last + 1 = (SELECT next FROM history WHERE history.room = span.room) \
                 FROM delivery_span AS span \
                 JOIN room ON room.number = span.room JOIN delivery ON delivery.number = span.delivery \
                 LEFT JOIN delivered ON delivered.compliance = delivery.compliance AND delivered.room = span.room \
                 WHERE span.delivery = ?1 ORDER BY room.key",
            )?;
            let span = |row: &Row<'_>| {
                let latest: Option<i64> = row.get(4)?;
                Ok(Span {
                    room: RoomKey { pool: row.get(0)?, uri: row.get(1)? },
                    first: row.get(2)?,
                    last: row.get(3)?,
                    latest: latest.map_or(Ticks::MIN, Ticks),
                    whole: row.get::<_, Option<bool>>(5)? == Some(true),
                })
            };
            rows.query_map([run], span)?.collect()
        })
    }

    fn record_run(&mut self, run: &Run, made: &Made, entry: Entry) -> Result<()> {
        let mut mine = true;
        self.alone(|tx| {
            let changed = tx.execute(
                "UPDATE delivery SET recorded_on = ?3, found = ?4, excepted = ?5, late = ?6 \
                 WHERE number = ?1 AND ident = ?2 AND recorded_on IS NULL",
                (run.number, &run.ident, entry.at.0, made.found, made.excepted, made.late),
            )?;
            mine = changed == 1;
            if !mine {
                return Ok(());
            }
            tx.execute(
                "INSERT INTO delivered (compliance, room, next, latest) \
                 SELECT delivery.compliance, span.room, span.last + 1, ?2 FROM delivery_span AS span \
                 JOIN delivery ON delivery.number = span.delivery WHERE span.delivery = ?1 \
                 ON CONFLICT (compliance, room) DO UPDATE SET next = excluded.next",
                (run.number, Ticks::MIN.0),
            )?;
            let mut later = tx.prepare(
                "UPDATE delivered SET latest = max(latest, ?3) \
                 WHERE compliance = (SELECT compliance FROM delivery WHERE number = ?1) \
                 AND room = (SELECT number FROM room WHERE key = ?2)",
            )?;
            for (room, latest) in &made.latest {
                later.execute((run.number, room.key(), latest.0))?;
            }
            let mut put =
                tx.prepare("INSERT INTO delivery_file (delivery, name, size, digest) VALUES (?1, ?2, ?3, ?4)")?;
            for file in &made.files {
                let digest = salted(&made.salt, file.sha256.as_deref().unwrap_or_default());
                put.execute((run.number, &file.name, file.size, digest))?;
            }
            if run.manner.smtp.is_some() {
                let mut mail = tx.prepare(
                    "INSERT INTO delivery_mail (delivery, name, state, tries, doubt) VALUES (?1, ?2, 0, 0, 0)",
                )?;
                for file in made.files.iter().filter(|file| file.name.ends_with(".eml")) {
                    mail.execute((run.number, &file.name))?;
                }
            }
            tx.execute("INSERT INTO delivery_salt (delivery, salt) VALUES (?1, ?2)", (run.number, &made.salt))?;
            audit::append(tx, &entry).map(|_| ())
        })?;
        match mine {
            true => Ok(()),
            false => Err(Error::new(Kind::Busy, format!("run {} was taken over by another process", run.run))
                .hint("pchat compliance status says what became of it")),
        }
    }

    fn publish_run(&mut self, run: i64, at: Ticks, entry: Entry) -> Result<()> {
        self.alone(|tx| {
            tx.execute("UPDATE delivery SET published_on = ?2 WHERE number = ?1", (run, at.0))?;
            audit::append(tx, &entry).map(|_| ())
        })
    }

    fn runs(&mut self, compliance: &str, most: u64) -> Result<Vec<Run>> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.deliver(|connection| newest(connection, compliance, most))
    }

    fn run_files(&mut self, run: i64) -> Result<(Vec<Kept>, Option<String>)> {
        self.deliver(|connection| {
            let mut rows = connection
                .prepare_cached("SELECT name, size, digest FROM delivery_file WHERE delivery = ?1 ORDER BY name")?;
            let file = |row: &Row<'_>| Ok(Kept { name: row.get(0)?, size: row.get(1)?, digest: row.get(2)? });
            let files = rows.query_map([run], file)?.collect::<rusqlite::Result<_>>()?;
            Ok((files, salt(connection, run)?))
        })
    }

    fn run_file(&mut self, run: i64, name: &str) -> Result<(Option<Kept>, Option<String>)> {
        self.deliver(|connection| {
            let file = connection
                .prepare_cached("SELECT name, size, digest FROM delivery_file WHERE delivery = ?1 AND name = ?2")?
                .query_row((run, name), |row| Ok(Kept { name: row.get(0)?, size: row.get(1)?, digest: row.get(2)? }))
                .optional()?;
            Ok((file, salt(connection, run)?))
        })
    }

    fn note_error(&mut self, compliance: &str, what: Option<&str>, entry: Entry) -> Result<()> {
        self.alone(|tx| {
            tx.execute("DELETE FROM delivery_error WHERE compliance = ?1", [compliance])?;
            if let Some(what) = what {
                tx.execute(
                    "INSERT INTO delivery_error (compliance, failed_on, what) VALUES (?1, ?2, ?3)",
                    (compliance, entry.at.0, what),
                )?;
            }
            audit::append(tx, &entry).map(|_| ())
        })
    }

    fn last_error(&mut self, compliance: &str) -> Result<Option<(Ticks, String)>> {
        self.deliver(|connection| {
            connection
                .prepare_cached("SELECT failed_on, what FROM delivery_error WHERE compliance = ?1")?
                .query_row([compliance], |row| Ok((Ticks(row.get(0)?), row.get(1)?)))
                .optional()
        })
    }

    fn broken_spans(&mut self, compliance: &str) -> Result<Vec<String>> {
        self.deliver(|connection| {
            let mut rows = connection.prepare(
                "SELECT span.room, span.first, span.last, delivery.run, delivered.next, \
                 coalesce((SELECT pool || '\\' || uri FROM room WHERE number = span.room), \
                 'room number ' || span.room) \
                 FROM delivery_span AS span JOIN delivery ON delivery.number = span.delivery \
                 LEFT JOIN delivered ON delivered.compliance = delivery.compliance AND delivered.room = span.room \
                 WHERE delivery.compliance = ?1 AND delivery.recorded_on IS NOT NULL ORDER BY span.room, delivery.run",
            )?;
            let mut rows = rows.query([compliance])?;
            let (mut broken, mut before): (Vec<String>, Option<Before>) = (Vec::new(), None);
            let close = |before: Option<Before>, broken: &mut Vec<String>| {
                if let Some((_, last, next, name)) = before
                    && last + 1 != next
                {
                    broken.push(format!("{name}: runs end at {last}, and the ledger goes on at {next}"));
                }
            };
            while let Some(row) = rows.next()? {
                let (room, first, last, run): (i64, i64, i64, i64) =
                    (row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?);
                let name: String = row.get(5)?;
                let expected = match &before {
                    Some((same, last, ..)) if *same == room => *last + 1,
                    _ => {
                        close(before.take(), &mut broken);
                        0
                    }
                };
                if first != expected {
                    broken.push(format!("{name}: run {run} begins at {first}, and {expected} was next"));
                }
                before = Some((room, last, row.get::<_, Option<i64>>(4)?.unwrap_or_default(), name));
            }
            close(before, &mut broken);
            Ok(broken)
        })
    }
}
