//! Numbered migrations. One that has been released is never edited; a change is a new number.

use rusqlite::{Connection, TransactionBehavior};

/// The migrations, oldest first.
const STEPS: &[&str] = &[include_str!("sql/0001.sql")];

/// The version this pchat writes.
pub(super) const CURRENT: i64 = STEPS.len() as i64;

/// The version of this store.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Brings a store to the current version, each step in a transaction of its own.
pub(super) fn upgrade(connection: &mut Connection) -> rusqlite::Result<()> {
    each(connection, &mut |_| Ok(()))
}

/// The same; `done` is shown what each step has made.
pub(super) fn each(
    connection: &mut Connection,
    done: &mut dyn FnMut(&Connection) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    loop {
        let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let at = version(&tx)?;
        let Some(step) = usize::try_from(at).ok().and_then(|at| STEPS.get(at)) else { return tx.commit() };
        tx.execute_batch(step)?;
        tx.pragma_update(None, "user_version", at + 1)?;
        done(&tx)?;
        tx.commit()?;
    }
}
