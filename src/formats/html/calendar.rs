//! The index of a room: its days as a calendar. Quiet days stand out.

use super::index::Told;
use super::view::{self, Cell, Month};
use super::{rows, said, text};
use crate::error::Result;
use crate::model::zone::Zone;
use chrono::{Datelike, Days, NaiveDate};
use std::collections::BTreeMap;

/// A day, or a month, and where it begins.
#[derive(Debug, Clone, Copy)]
pub(super) struct Busy {
    pub(super) page: u32,
    pub(super) sequence: u64,
    pub(super) messages: u64,
    pub(super) others: u64,
}

impl Busy {
    /// The link to its first event, from the folder of the room.
    pub(super) fn href(&self) -> String {
        format!("{:06}.html#e{}", self.page, self.sequence)
    }
}

/// The page with the days of a room.
pub(super) fn page(room: &Told, days: &BTreeMap<NaiveDate, Busy>, zone: &Zone) -> Result<Vec<u8>> {
    let most = days.values().map(|day| day.messages).max().unwrap_or(0);
    let months = room.months.iter().filter_map(|((year, month), busy)| {
        let first = NaiveDate::from_ymd_opt(*year, *month, 1)?;
        Some(Month {
            id: format!("m{year:04}-{month:02}"),
            title: text::month(first),
            counts: said(busy.messages, busy.others),
            weeks: weeks(first, days, most),
        })
    });
    view::made(&view::Room {
        frame: view::Frame::linked(format!("{}, days", text::Name(&room.title)), super::STYLE, ""),
        room: &room.title,
        category: room.category.as_deref(),
        address: room.address.clone(),
        counts: said(room.messages, room.others),
        span: room.dates.map(|(first, last)| rows::span(first, last)).unwrap_or_default(),
        pages: room.pages,
        last: format!("{:06}.html", room.pages),
        zone: zone.name(),
        months: months.collect(),
    })
}

/// The weeks of a month, from Monday to Sunday.
fn weeks(first: NaiveDate, days: &BTreeMap<NaiveDate, Busy>, most: u64) -> Vec<Vec<Cell>> {
    let mut weeks = vec![vec![Cell::default(); first.weekday().num_days_from_monday() as usize]];
    let month = first.iter_days().take_while(|day| day.month() == first.month());
    for day in month {
        if weeks.last().is_some_and(|week| week.len() == 7) {
            weeks.push(Vec::new());
        }
        let cell = match days.get(&day) {
            None => Cell { number: day.day(), ..Cell::default() },
            Some(busy) => Cell {
                number: day.day(),
                said: format!("{}: {}", text::date(day), said(busy.messages, busy.others)),
                href: Some(busy.href()),
                heat: if busy.messages == 0 { 0 } else { (1 + 3 * busy.messages / most.max(1)).min(4) as u8 },
                count: text::grouped(busy.messages),
            },
        };
        if let Some(week) = weeks.last_mut() {
            week.push(cell);
        }
        if day.checked_add_days(Days::new(1)).is_none() {
            break;
        }
    }
    if let Some(week) = weeks.last_mut() {
        week.resize(7, Cell::default());
    }
    weeks
}
