//! Categories as they are shown.

use super::SHAPE;
use crate::context::Context;
use crate::error::Result;
use crate::jobs::selection::only_category;
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::ids::fold;
use crate::model::record::Record;
use crate::model::reply::{Cell, Table};
use crate::nouns::pool;
use crate::nouns::reads::Reads;
use crate::nouns::roles;
use crate::nouns::verb::{Prepared, objects};
use crate::rules::directory::Directory;
use crate::store::Names;

/// Finds and shows.
pub(super) fn get(cx: &Context<'_>, name: Option<&str>, pool: Option<&str>, as_object: bool) -> Result<Prepared> {
    let reads = if pool.is_some() { Reads::no_people(cx) } else { Reads::of(&[&SHAPE]) };
    let reads = if as_object { reads.people(|_| Names::All) } else { reads };
    let catalog = reads.read(cx)?;
    let found: Vec<&Record> = match name {
        Some(name) => vec![only_category(&catalog, name)?],
        None => {
            pool.map_or(Ok(()), |pool| pool::check(&catalog, pool))?;
            let is = |record: &&Record| pool.is_none_or(|pool| record.at(field::POOL).map(fold) == Some(fold(pool)));
            catalog.of("category").filter(is).collect()
        }
    };
    Ok(Prepared::Answer(objects(shown(&catalog, &found, as_object), "no category")))
}

/// The table of categories, with addresses.
pub(super) fn listed(catalog: &Catalog, records: &[&Record]) -> Table {
    shown(catalog, records, false)
}

fn shown(catalog: &Catalog, records: &[&Record], as_object: bool) -> Table {
    const PLAIN: [&str; 5] = ["Name", "Description", "Invitations", "FileUpload", "ChatHistory"];
    const LISTS: [&str; 3] = ["AllowedMembers", "DeniedMembers", "Creators"];
    const STAMPS: [&str; 4] = ["CreatedBy", "CreatedOn", "UpdatedBy", "UpdatedOn"];
    let directory = Directory::new(catalog);
    let columns = ["Identity"].into_iter().chain(PLAIN).chain(LISTS).chain(["PersistentChatPoolFqdn"]).chain(STAMPS);
    let rows = records.iter().map(|record| {
        let mut row: Vec<Cell> = vec![record.identity().into()];
        row.extend(PLAIN.map(|field| Cell::from(record.get(field))));
        row.extend(LISTS.map(|field| roles::cell(&directory, record.get(field), as_object)));
        row.push(Cell::from(record.value(field::POOL)));
        row.extend(STAMPS.map(|field| Cell::from(record.get(field))));
        row
    });
    let aside = ["Name", "PersistentChatPoolFqdn"].into_iter().chain(STAMPS).chain(LISTS).collect();
    Table { title: "categories", columns: columns.collect(), aside, rows: rows.collect(), ..Table::default() }
}
