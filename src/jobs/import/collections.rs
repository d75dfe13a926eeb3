//! What cases of archives have collected → store, when the history is in: tags are united, and the results of searches
//! and samples come in where the store has the same search or sample.

use super::Import;
use crate::context::Context;
use crate::error::Result;
use crate::jobs::archive::Archive;
use crate::jobs::selection::{asked_of, named};
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::ids::join_key;
use crate::model::receipt::Receipt;
use crate::model::record::{Record, Value};
use crate::store::Corpus;
use crate::store::collections::{Members, join};
use crate::store::sqlite::Sqlite;
use std::collections::{HashMap, HashSet};

/// What stood in the store before the settings came in, and the collections that come.
pub(super) struct Coming {
    closed: HashSet<String>,
    /// By their keys.
    collections: HashMap<String, Record>,
}

impl Coming {
    /// Looks at the store, if it is there, and reads all pages once: damage is found before anything is written.
    pub(super) fn of(
        job: &Import,
        established: bool,
        records: impl Iterator<Item = Record>,
        archives: &mut [Archive],
    ) -> Result<Coming> {
        let before = match established {
            true => Sqlite::snapshot(&job.store)?.catalog(&asked_of(job.shapes))?,
            false => Catalog::default(),
        };
        let closed =
            before.of("case").filter(|case| *case.value(field::CLOSED_ON) != Value::Null).map(Record::key).collect();
        archives.iter_mut().try_for_each(|archive| archive.collected(&mut |_| Ok(())))?;
        let collections = records.filter(|record| record.shape.noun == "collection");
        Ok(Coming { closed, collections: collections.map(|record| (record.key(), record)).collect() })
    }

    /// Takes the events in.
    pub(super) fn join(
        &self,
        cx: &Context<'_>,
        job: &Import,
        store: &mut Sqlite,
        archives: &mut [Archive],
        (receipt, sources): (&mut Receipt, &str),
    ) -> Result<()> {
        if self.collections.is_empty() {
            return Ok(());
        }
        let catalog = store.catalog(&asked_of(job.shapes))?;
        let (mut closed, mut other, mut missing, mut added) = (0u64, 0u64, 0u64, 0u64);
        for archive in archives {
            archive.collected(&mut |page| {
                let mut wanted = Vec::new();
                for mut one in page {
                    let key = join_key(one.collection.iter().map(String::as_str));
                    if self.closed.contains(&join_key([one.collection[0].as_str()])) {
                        closed = closed.saturating_add(one.events());
                        continue;
                    }
                    let came = self.collections.get(&key);
                    let same =
                        came.is_some_and(|came| catalog.get("collection", &key).is_some_and(|here| alike(here, came)));
                    let is_tag = one.collection[1] == "tag" && named(&catalog, "case", &one.collection[0]).is_ok();
                    if !same && !is_tag {
                        other = other.saturating_add(one.events());
                        continue;
                    }
                    one.room = job.renames.room(&one.room);
                    one.others.iter_mut().for_each(|event| event.person = job.renames.address(&event.person));
                    wanted.push(one);
                }
                let members: &[Members] = &wanted;
                let entry = cx.entry("import collections", job.store.display().to_string(), from(sources));
                let done = join(store, members, &entry)?;
                added += done.changed;
                missing += done.missing;
                Ok(())
            })?;
        }
        if added > 0 {
            receipt.fact("Events that cases have collected", added.to_string());
        }
        receipt.remark("collected events left out, because their case is closed here", closed);
        receipt.remark("collected events left out, because the search or sample here is another", other);
        receipt.remark("collected events left out, because they are not in the store", missing);
        Ok(())
    }
}

/// Are the results those of one and the same run? What was asked may stand there under new names.
fn alike(here: &Record, came: &Record) -> bool {
    let values = |record: &Record| {
        [field::MADE_BY.name, field::MADE_ON.name, field::DIGEST.name, field::EVENTS.name, field::SEED.name]
            .map(|name| record.get(name).clone())
    };
    values(here) == values(came)
}

fn from(sources: &str) -> Vec<(&'static str, String)> {
    vec![("from", sources.to_owned())]
}
