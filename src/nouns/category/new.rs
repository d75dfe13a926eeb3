//! Categories that are made.

use super::{SHAPE, get};
use crate::context::Context;
use crate::error::{Error, Kind as Failure, Result};
use crate::jobs::settings::{self, Decision};
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::ids::fold;
use crate::model::record::Record;
use crate::nouns::change::{Manner, Stamp, prepared};
use crate::nouns::pool;
use crate::nouns::reads::Reads;
use crate::nouns::verb::{Consent, Prepared};

/// A category as it is asked for.
pub(super) struct New {
    pub(super) name: String,
    pub(super) pool: Option<String>,
    pub(super) description: Option<String>,
    pub(super) invitations: bool,
    pub(super) file_upload: bool,
    pub(super) no_chat_history: bool,
}

impl New {
    /// Makes it, when that is agreed to.
    pub(super) fn prepare(self, cx: &Context<'_>, consent: Consent) -> Result<Prepared> {
        let New { name, pool, description, invitations, file_upload, no_chat_history } = self;
        let stamp = Stamp::new(cx)?;
        let manner = Manner { action: "category new", destroys: false, consent, shows: Some(get::listed) };
        let done = format!("created category {name}");
        prepared(cx, Reads::no_people(cx), manner, &format!("Create category {name}?"), done, move |catalog| {
            settings::check_name("category", &name)?;
            let (pool, new_pool) = pool::meant(catalog, pool.as_deref())?;
            unique(catalog, &pool, &name, None)?;
            let category = Record::new(&SHAPE)
                .with(field::POOL, pool.as_str())
                .with(field::NAME, name.as_str())
                .with(field::DESCRIPTION, description.clone())
                .with(field::INVITATIONS, invitations)
                .with(field::FILE_UPLOAD, file_upload)
                .with(field::CHAT_HISTORY, !no_chat_history);
            let notes = new_pool.iter().map(|_| format!("pool {pool} is new in this store")).collect();
            let puts = std::iter::once(stamp.made(category)).chain(new_pool).collect();
            Ok(Decision { puts, notes, ..Decision::default() })
        })
    }
}

/// Refuses a name that another category of the pool has.
pub(super) fn unique(catalog: &Catalog, pool: &str, name: &str, but: Option<&Record>) -> Result<()> {
    let same = |record: &&Record, field, value: &str| record.get(field).text().map(fold) == Some(fold(value));
    let mut others = catalog.of("category").filter(|other| but.is_none_or(|but| but.key() != other.key()));
    match others.find(|other| same(other, "Pool", pool) && same(other, "Name", name)) {
        Some(other) => Err(Error::new(Failure::Refused, format!("category {} already exists", other.identity()))
            .hint("names of categories are unique in their pool")),
        None => Ok(()),
    }
}
