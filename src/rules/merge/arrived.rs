//! Principals that come in, merged one by one, for there may be very many; and what the merge of everything else has to
//! know of them.

use super::{Merge, OnConflict, Renames, in_error, under_new_names};
use crate::error::Result;
use crate::model::catalog::Catalog;
use crate::model::receipt::Receipt;
use crate::model::record::Record;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Settings that exist with other values, as an error may name them.
#[derive(Debug, Clone, Default)]
pub struct Differing {
    pub(super) first: Vec<String>,
    pub(super) all: usize,
}

impl Differing {
    pub(super) fn add(&mut self, record: &Record) {
        self.all += 1;
        if self.first.len() < 3 {
            self.first.push(in_error(record));
        }
    }
}

/// What is known of the principals that come in. They are merged one by one, for there may be very many.
#[derive(Debug, Default)]
pub struct Arrived {
    /// Their addresses, by what their sources are called; only where holds come in.
    pub known: HashMap<Arc<str>, Vec<String>>,
    /// Those that the store has with other values.
    pub differing: Differing,
}

impl Arrived {
    /// What becomes of a principal that comes in, beside the one `old` finds by its key; nothing where the store stays
    /// as it is.
    pub fn principal(
        &mut self,
        record: Record,
        (renames, on_conflict): (&Renames, OnConflict),
        old: &mut dyn FnMut(&str) -> Result<Option<Record>>,
        receipt: &mut Receipt,
    ) -> Result<Option<Record>> {
        let record = under_new_names(record, renames, &HashSet::new())?;
        let mut after = Catalog::default();
        if let Some(old) = old(&record.key())? {
            after.put(old);
        }
        let (changes, differing) = (Vec::new(), std::mem::take(&mut self.differing));
        let mut merge = Merge { after, keeps_defaults: false, on_conflict, receipt, changes, differing };
        merge.setting(record);
        self.differing = merge.differing;
        Ok(merge.changes.pop())
    }
}
