//! The table of rooms: counts per room by kind, and their sum. Columns in which nothing occurs are
//! left out.

use super::escape::Html;
use super::page::Words;
use super::parts::{head, number};
use super::{Sums, grouped, human};
use crate::model::message::Kind;
use crate::model::receipt::{Kinds, Receipt};
use crate::model::time::Ticks;

/// The name of a kind at the head of a column.
fn plural(kind: Kind) -> &'static str {
    match kind {
        Kind::Chat => "Messages",
        Kind::Backchat => "Backchat",
        Kind::Download => "Downloads",
        Kind::Upload => "Uploads",
        Kind::Join => "Joins",
        Kind::Part => "Parts",
        Kind::Replace => "Replaced",
        Kind::Purge => "Purged",
        Kind::Change => "Changes",
    }
}

/// Which columns the table of rooms has.
struct Columns {
    kinds: Vec<Kind>,
    compared: bool,
    pages: bool,
    bytes: bool,
}

/// A row of the table of rooms, after its name.
struct Row<'a> {
    events: &'a Kinds,
    duplicates: u64,
    conflicts: u64,
    pages: u64,
    bytes: u64,
    times: [Option<Ticks>; 2],
}

impl Row<'_> {
    fn write(&self, page: &mut Html, columns: &Columns) {
        for kind in &columns.kinds {
            number(page, self.events.of(*kind));
        }
        page.raw("<td class=\"n all\">");
        page.text(&grouped(self.events.total()));
        page.raw("</td>");
        if columns.compared {
            number(page, self.duplicates);
            number(page, self.conflicts);
        }
        if columns.pages {
            number(page, self.pages);
        }
        if columns.bytes {
            page.raw("<td class=\"n\">");
            page.text(&human(self.bytes));
            page.raw("</td>");
        }
        let [first, last] = self.times;
        page.raw("<td>");
        page.time(first);
        page.raw("<br>");
        page.time(last);
        page.raw("</td>");
    }
}

/// Counts per room, and their sum.
pub(super) fn rooms(page: &mut Html, receipt: &Receipt, sums: &Sums, words: &Words) {
    let columns = Columns {
        kinds: Kind::ALL.into_iter().filter(|kind| sums.events.of(*kind) > 0).collect(),
        compared: words.compares || sums.duplicates > 0 || sums.conflicts > 0,
        pages: sums.pages > 0,
        bytes: sums.bytes > 0,
    };
    page.raw(
        "<div class=\"wide\" role=\"group\" aria-label=\"Events by room\" tabindex=\"0\">\n<table \
        class=\"dense\">\n<caption>",
    );
    page.raw(match words.compares {
        true => {
            "Events by room. Kinds are those of the events that are new to the store. Text is the size of the bodies."
        }
        false => "Events by room. Text is the size of the bodies.",
    });
    page.raw("</caption>\n<thead>\n<tr><th scope=\"col\" rowspan=\"2\" class=\"room\">Room</th>");
    page.raw("<th scope=\"colgroup\" class=\"group\" colspan=\"");
    page.text(&(columns.kinds.len() + 1).to_string());
    page.raw("\">");
    page.raw(words.column);
    page.raw("</th>");
    let single = [
        (columns.compared, "Already there", "n"),
        (columns.compared, "Conflicts", "n"),
        (columns.pages, words.pages, "n"),
        (columns.bytes, "Text", "n"),
        (true, "First and last (UTC)", ""),
    ];
    for (shown, name, class) in single {
        if shown {
            page.raw("<th scope=\"col\" rowspan=\"2\" class=\"");
            page.raw(class);
            page.raw("\">");
            page.raw(name);
            page.raw("</th>");
        }
    }
    page.raw("</tr>\n<tr>");
    for kind in &columns.kinds {
        head(page, plural(*kind));
    }
    page.raw("<th scope=\"col\" class=\"n all\">All</th></tr>\n</thead>\n");
    let wide = 3 + columns.kinds.len() + [columns.compared; 2].iter().filter(|is| **is).count();
    let wide = (wide + usize::from(columns.pages) + usize::from(columns.bytes)).to_string();
    for (key, room) in &receipt.rooms {
        page.raw("<tbody>\n<tr class=\"counts\"><th scope=\"rowgroup\" class=\"room\">");
        page.name(if room.name.is_empty() { &key.uri } else { &room.name });
        page.raw("</th>");
        let row = Row {
            events: &room.events,
            duplicates: room.duplicates,
            conflicts: room.conflicts,
            pages: room.pages.into(),
            bytes: room.bytes,
            times: [room.first, room.last],
        };
        row.write(page, &columns);
        // An address is longer than a column should be.
        page.raw("</tr>\n<tr class=\"address\"><td colspan=\"");
        page.text(&wide);
        page.raw("\"><small>");
        page.name(&key.to_string());
        page.raw("</small></td></tr>\n</tbody>\n");
    }
    page.raw("<tfoot>\n<tr><th scope=\"row\" class=\"room\">");
    page.text(&format!("{} {}", grouped(sums.rooms), if sums.rooms == 1 { "room" } else { "rooms" }));
    page.raw("</th>");
    let row = Row {
        events: &sums.events,
        duplicates: sums.duplicates,
        conflicts: sums.conflicts,
        pages: sums.pages,
        bytes: sums.bytes,
        times: [sums.first, sums.last],
    };
    row.write(page, &columns);
    page.raw("</tr>\n</tfoot>\n</table>\n</div>\n");
}
