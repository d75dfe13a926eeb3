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
use crate::nouns::roles::Shown;
use crate::nouns::verb::{Prepared, objects};

const LISTS: [&str; 3] = ["AllowedMembers", "DeniedMembers", "Creators"];

/// Finds and shows.
pub(super) fn get(cx: &Context<'_>, name: Option<&str>, pool: Option<&str>, as_object: bool) -> Result<Prepared> {
    let reads = if pool.is_some() { Reads::no_people(cx) } else { Reads::of(&[&SHAPE]) };
    let catalog = reads.read(cx)?;
    let found: Vec<&Record> = match name {
        Some(name) => vec![only_category(&catalog, name)?],
        None => {
            pool.map_or(Ok(()), |pool| pool::check(&catalog, pool))?;
            let is = |record: &&Record| pool.is_none_or(|pool| record.at(field::POOL).map(fold) == Some(fold(pool)));
            catalog.of("category").filter(is).collect()
        }
    };
    let how = match as_object {
        true => cx.session.read(|store| Shown::by_name(store, &found, &LISTS))?,
        false => Shown::default(),
    };
    Ok(Prepared::Answer(objects(shown(&found, &how), "no category")))
}

/// The table of categories, with addresses.
pub(super) fn listed(_: &Catalog, records: &[&Record]) -> Table {
    shown(records, &Shown::default())
}

fn shown(records: &[&Record], shown: &Shown) -> Table {
    const PLAIN: [&str; 5] = ["Name", "Description", "Invitations", "FileUpload", "ChatHistory"];
    const STAMPS: [&str; 4] = ["CreatedBy", "CreatedOn", "UpdatedBy", "UpdatedOn"];
    let columns = ["Identity"].into_iter().chain(PLAIN).chain(LISTS).chain(["PersistentChatPoolFqdn"]).chain(STAMPS);
    let rows = records.iter().map(|record| {
        let mut row: Vec<Cell> = vec![record.identity().into()];
        row.extend(PLAIN.map(|field| Cell::from(record.get(field))));
        row.extend(LISTS.map(|field| shown.cell(record.get(field))));
        row.push(Cell::from(record.value(field::POOL)));
        row.extend(STAMPS.map(|field| Cell::from(record.get(field))));
        row
    });
    let aside = ["Name", "PersistentChatPoolFqdn"].into_iter().chain(STAMPS).chain(LISTS).collect();
    Table { title: "categories", columns: columns.collect(), aside, rows: rows.collect(), ..Table::default() }
}
