//! The mails of runs in their table.

use super::{COLUMNS, run_of, salt};
use crate::error::Result;
use crate::model::receipt::FileFact;
use crate::store::Entry;
use crate::store::delivery::{Run, salted};
use crate::store::mails::{Mail, MailCounts, MailState, Mails};
use crate::store::sqlite::{Sqlite, audit};
use rusqlite::Row;

const STATES: [MailState; 4] = [MailState::Waiting, MailState::Claimed, MailState::Accepted, MailState::Refused];

/// The number of a state in the table.
fn code(state: MailState) -> i64 {
    match state {
        MailState::Waiting => 0,
        MailState::Claimed => 1,
        MailState::Accepted => 2,
        MailState::Refused => 3,
    }
}

fn mail_of(row: &Row<'_>) -> rusqlite::Result<Mail> {
    let state: usize = row.get(1)?;
    let state = STATES.get(state).copied().unwrap_or(MailState::Waiting);
    Ok(Mail { name: row.get(0)?, state, tries: row.get(2)?, doubt: row.get(3)? })
}

/// What is not simply taken: the part of the table that its index has.
const OPEN: &str = "(delivery_mail.state <> 2 OR delivery_mail.doubt <> 0)";

impl Mails for Sqlite {
    fn mail_counts(&mut self, compliance: &str) -> Result<MailCounts> {
        let sql = format!(
            "SELECT coalesce(sum(state < 2), 0), coalesce(sum(state = 3), 0), coalesce(sum(state = 2), 0) \
             FROM delivery_mail JOIN delivery ON delivery.number = delivery_mail.delivery \
             WHERE {OPEN} AND delivery.compliance = ?1 AND delivery.published_on IS NOT NULL"
        );
        self.deliver(|connection| {
            connection.prepare_cached(&sql)?.query_row([compliance], |row| {
                Ok(MailCounts { waiting: row.get(0)?, refused: row.get(1)?, doubtful: row.get(2)? })
            })
        })
    }

    fn mail_runs(&mut self, compliance: &str) -> Result<Vec<Run>> {
        let sql = format!(
            "SELECT {COLUMNS} FROM delivery WHERE compliance = ?1 AND published_on IS NOT NULL AND number IN \
             (SELECT delivery FROM delivery_mail WHERE {OPEN} AND state < 2) ORDER BY run"
        );
        self.deliver(|connection| connection.prepare_cached(&sql)?.query_map([compliance], run_of)?.collect())
    }

    fn mails(&mut self, run: i64, state: MailState, most: u64) -> Result<Vec<Mail>> {
        let sql = format!(
            "SELECT name, state, tries, doubt FROM delivery_mail WHERE {OPEN} AND delivery = ?1 AND state = ?2 \
             ORDER BY name LIMIT ?3"
        );
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        self.deliver(|connection| {
            connection.prepare_cached(&sql)?.query_map((run, code(state), most), mail_of)?.collect()
        })
    }

    fn open_mails(&mut self, run: i64) -> Result<(u64, Vec<Mail>)> {
        let sql =
            format!("SELECT name, state, tries, doubt FROM delivery_mail WHERE {OPEN} AND delivery = ?1 ORDER BY name");
        self.deliver(|connection| {
            let all = connection
                .prepare_cached("SELECT count(*) FROM delivery_mail WHERE delivery = ?1")?
                .query_row([run], |row| row.get(0))?;
            let open = connection.prepare_cached(&sql)?.query_map([run], mail_of)?.collect::<rusqlite::Result<_>>()?;
            Ok((all, open))
        })
    }

    fn claim_mails(&mut self, run: i64, names: &[String], entry: Entry) -> Result<()> {
        self.alone(|tx| {
            let mut claim = tx.prepare_cached(
                "UPDATE delivery_mail SET state = 1, tries = tries + 1 WHERE delivery = ?1 AND name = ?2 AND state = 0",
            )?;
            for name in names {
                claim.execute((run, name))?;
            }
            audit::append(tx, &entry).map(|_| ())
        })
    }

    fn note_mails(&mut self, run: i64, mails: &[Mail], list: &FileFact, entry: Entry) -> Result<()> {
        self.alone(|tx| {
            let mut note =
                tx.prepare_cached("UPDATE delivery_mail SET state = ?3, doubt = ?4 WHERE delivery = ?1 AND name = ?2")?;
            for mail in mails {
                note.execute((run, &mail.name, code(mail.state), mail.doubt))?;
            }
            let salt = salt(tx, run)?;
            // After a purge there is no salt, and without one no digest is kept.
            let digest = salt.map(|salt| salted(&salt, list.sha256.as_deref().unwrap_or_default())).unwrap_or_default();
            tx.execute(
                "INSERT INTO delivery_file (delivery, name, size, digest) VALUES (?1, ?2, ?3, ?4) \
                 ON CONFLICT (delivery, name) DO UPDATE SET size = excluded.size, digest = excluded.digest",
                (run, &list.name, list.size, digest),
            )?;
            audit::append(tx, &entry).map(|_| ())
        })
    }

    fn resend_mails(&mut self, compliance: &str, entry: Entry) -> Result<u64> {
        let mut changed = 0;
        let counts = self.mail_counts(compliance)?;
        if counts.refused == 0 {
            return Ok(0);
        }
        self.alone(|tx| {
            changed = tx.execute(
                &format!(
                    "UPDATE delivery_mail SET state = 0 WHERE {OPEN} AND state = 3 \
                     AND delivery IN (SELECT number FROM delivery WHERE compliance = ?1)"
                ),
                [compliance],
            )?;
            audit::append(tx, &entry).map(|_| ())
        })?;
        Ok(changed as u64)
    }
}
