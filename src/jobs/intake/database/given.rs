//! Scripts and CSV of a database: rows that come with the names of their columns, one after the other.

use super::{CHUNK, Database, How, Part};
use crate::containers::{InputLimits, Pages};
use crate::error::{Error, Kind, Place, Result};
use crate::formats::Remarks;
use crate::formats::sqlserver::given::{Asked, TakeGiven};
use crate::formats::sqlserver::history::{is_history, parts};
use crate::formats::sqlserver::known::{CHAT, Dialect, PARTICIPANT, QUEUE};
use crate::formats::sqlserver::pages::Page;
use crate::formats::sqlserver::tables::Picker;
use crate::formats::sqlserver::value::Value;
use crate::formats::sqlserver::{grid, script};
use crate::jobs::intake::Piece;
use crate::pipeline::Emit;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::io::Read;
use std::ops::ControlFlow;
use std::sync::Arc;

impl Database {
    /// Reads what a script or a file of CSV gives: the small tables at once, the large ones only to be counted.
    pub(super) fn take_given(&mut self, pages: &mut dyn Pages, member: usize, how: How) -> Result<()> {
        let place = pages.place(&pages.members()[member].name.clone());
        let mut remarks = Remarks::default();
        let mut others: HashMap<String, u64> = HashMap::new();
        let mut counts: BTreeMap<&'static str, u64> = BTreeMap::new();
        let mut dialects: BTreeSet<Dialect> = BTreeSet::new();
        let (tables, hosts) = (&mut self.tables, &mut self.hosts);
        let (page, most) = (self.page, self.most);
        read_given(
            &mut *pages.stream(member)?,
            &how,
            &place,
            (page, most),
            &mut remarks,
            &mut others,
            &mut |mut row| {
                let known = row.picker.known;
                dialects.insert(row.dialect);
                *counts.entry(known.name).or_default() += 1;
                if !is_history(known.name) {
                    tables.push(&row.picker, &mut row.values);
                } else if let Some(uri) = room_address(&row.picker, &row.values)
                    && let (Some(host), Some(_)) = parts(uri)
                    && hosts.len() < 16
                {
                    hosts.insert(host.to_ascii_lowercase());
                }
                Ok(ControlFlow::Continue(()))
            },
        )?;
        if let Some(dialect) = self.given.or(dialects.first().copied()) {
            if dialects.iter().any(|other| *other != dialect) {
                let what = "tables of Persistent Chat and of Group Chat 2010 are mixed";
                return Err(Error::new(Kind::Refused, what)
                    .at(Place::file(place))
                    .hint("import each database by itself"));
            }
            (self.given, self.dialect) = (Some(dialect), dialect);
        }
        for (remark, times) in remarks.counts {
            *self.remarks.counts.entry(remark).or_default() += times;
        }
        for (table, rows) in others {
            self.rows += rows;
            self.see(&table, Some(rows), "nothing of it is imported");
        }
        let history: Vec<&'static str> = counts.keys().copied().filter(|name| is_history(name)).collect();
        for (table, rows) in &counts {
            let large = is_history(table);
            if !large {
                self.rows += rows;
            }
            self.see(table, if large { None } else { Some(*rows) }, if large { "history" } else { "settings" });
        }
        if let Some(first) = history.first() {
            let table = if history.contains(&CHAT) { CHAT } else { first };
            self.parts.push(Part { member, table, how });
        }
        Ok(())
    }

    /// Hands out the rows of large tables that a script or a file of CSV gives.
    pub(super) fn given(
        &self,
        pages: &mut dyn Pages,
        part: &Part,
        limits: InputLimits,
        emit: &mut Emit<'_, Piece>,
    ) -> Result<ControlFlow<()>> {
        let place = pages.place(&pages.members()[part.member].name.clone());
        let mut batch: Vec<(u64, Vec<Value<'static>>)> = Vec::new();
        let mut weight = 0;
        let mut of: Option<Arc<Picker>> = None;
        let mut stopped = false;
        let names = self.names.clone();
        let mut send = |batch: &mut Vec<(u64, Vec<Value<'static>>)>, of: &Option<Arc<Picker>>, weight: &mut usize| {
            let Some(picker) = of.clone().filter(|_| !batch.is_empty()) else { return ControlFlow::Continue(()) };
            let piece = Piece::Told { place: place.clone(), picker, rows: std::mem::take(batch), names: names.clone() };
            emit(piece, 2 * std::mem::take(weight) + 1024)
        };
        let (mut remarks, mut others) = (Remarks::default(), HashMap::new());
        let asked = (self.page, limits.page);
        read_given(
            &mut *pages.stream(part.member)?,
            &part.how,
            &place,
            asked,
            &mut remarks,
            &mut others,
            &mut |row| {
                if !is_history(row.picker.known.name) {
                    return Ok(ControlFlow::Continue(()));
                }
                let other = of.as_ref().is_some_and(|known| !Arc::ptr_eq(known, &row.picker));
                if (other || weight > CHUNK) && send(&mut batch, &of, &mut weight).is_break() {
                    stopped = true;
                    return Ok(ControlFlow::Break(()));
                }
                of = Some(row.picker);
                weight += row.values.iter().map(Value::weight).sum::<usize>();
                batch.push((row.line, row.values));
                Ok(ControlFlow::Continue(()))
            },
        )?;
        Ok(if stopped { ControlFlow::Break(()) } else { send(&mut batch, &of, &mut weight) })
    }
}

/// The address of a room that a row of a compliance table names.
pub(super) fn room_address<'v>(picker: &Picker, row: &'v [Value<'_>]) -> Option<&'v str> {
    let column = match picker.known.name {
        QUEUE => 4,
        PARTICIPANT => 0,
        _ => return None,
    };
    picker.get(row, column).text().ok().flatten()
}

fn read_given(
    from: &mut dyn Read,
    how: &How,
    place: &str,
    (page, most): (Page, u64),
    remarks: &mut Remarks,
    others: &mut HashMap<String, u64>,
    take: &mut TakeGiven<'_>,
) -> Result<()> {
    match how {
        How::Csv(separator, table) => {
            grid::each(from, *separator, &Asked { place, table: table.as_deref(), page, most }, remarks, take)
        }
        _ => script::each(from, &Asked { place, table: None, page, most }, remarks, others, take),
    }
}
