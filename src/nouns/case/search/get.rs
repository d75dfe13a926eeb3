//! Which saved searches are shown.

use super::super::collections::{Shown, known, text};
use crate::context::Context;
use crate::error::Result;
use crate::model::field;
use crate::model::reply::{Cell, Reply, Table};

pub(super) fn get(cx: &Context<'_>, shown: &Shown) -> Result<Reply> {
    let catalog = known(cx)?;
    let columns = vec![
        "Case",
        "Search",
        "Events",
        "Written",
        "Description",
        "MadeBy",
        "MadeOn",
        "Asked",
        "LogSize",
        "Content",
        "Digest",
        "Words",
        "Store",
    ];
    let aside = vec!["Description", "MadeBy", "Asked", "LogSize", "Content", "Digest", "Words", "Store"];
    let mut table = Table { title: "searches", columns, aside, ..Table::default() };
    for record in shown.of(&catalog, "search")? {
        let mut row: Vec<Cell> = vec![text(record, field::CASE).into(), text(record, field::NAME).into()];
        let rest =
            ["Events", "Written", "Description", "MadeBy", "MadeOn", "Asked", "LogSize", "Content", "Digest", "Words"];
        row.extend(rest.map(|field| Cell::from(record.get(field))));
        row.push(Cell::from(record.value(field::STORE)));
        table.rows.push(row);
    }
    Ok(crate::nouns::verb::objects(table, "no saved search"))
}
