//! Changes of add-ins.

use super::{check_url, rooms_with, unique};
use crate::error::Result;
use crate::jobs::settings::{Decision, check_name};
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::record::Record;

pub(super) fn change(
    catalog: &Catalog,
    old: &Record,
    name: Option<&str>,
    url: Option<&str>,
    decision: &mut Decision,
) -> Result<()> {
    let mut new = old.clone();
    if let Some(url) = url {
        check_url(url)?;
        new.set(field::URL, url);
    }
    if let Some(name) = name {
        check_name("add-in", name)?;
        unique(catalog, old.at(field::POOL).unwrap_or_default(), name, Some(old))?;
        new.set(field::NAME, name);
    }
    let (renamed, other_key) = (new.value(field::NAME) != old.value(field::NAME), new.key() != old.key());
    decision.puts.push(new.clone());
    if other_key {
        decision.removes.push(old.clone());
    }
    if renamed {
        let moved = rooms_with(catalog, old)
            .map(|room| room.clone().with(field::ADDIN, new.at(field::NAME).unwrap_or_default()));
        decision.puts.extend(moved);
    }
    Ok(())
}
