//! Tables as somebody at a terminal looks at them: as wide as the terminal, no longer than people read, with colour.

use super::World;
use super::print::{brief, in_signs, write_list};
use crate::model::counted::grouped;
use crate::model::reply::{Cell, Table};
use std::io::{Result, Write};

/// So many rows are shown at a terminal, unless `--all` asks for all of them.
const MOST: usize = 20;
/// So many lines of a text, as of a certificate, are shown there.
const LINES: usize = 36;
/// A column narrower than this is not read.
const NARROWEST: usize = 12;
/// So few rows become lists where their columns do not fit; of more, columns are left out.
const LISTED: usize = 3;
/// So many columns are left at least.
const LEAST: usize = 3;

/// What is known of whoever looks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Look {
    /// Standard output is a terminal.
    pub(super) terminal: bool,
    /// It takes colour.
    pub(super) color: bool,
    /// So many characters fit into a line.
    pub(super) width: Option<u16>,
    /// All rows are asked for.
    pub(super) all: bool,
}

impl Look {
    pub(super) fn of(world: &World<'_>) -> Look {
        let width = world.width.filter(|width| world.looks && *width > 0);
        Look { terminal: world.looks, color: world.looks && world.color, width, all: false }
    }

    /// The rows that are shown, in their order, and how many are not: of counted rooms the largest.
    fn rows(self, table: &Table) -> (Vec<&Vec<Cell>>, usize) {
        let more = table.rows.len().saturating_sub(MOST);
        if !self.terminal || self.all || more == 0 {
            return (table.rows.iter().collect(), 0);
        }
        // Lines of a text are no rows that somebody could choose from: its beginning is shown.
        if table.columns.len() == 1 {
            let shown = table.rows.iter().take(LINES).collect();
            return (shown, table.rows.len().saturating_sub(LINES));
        }
        let mut rows: Vec<&Vec<Cell>> = table.rows.iter().collect();
        let counted = ["Events", "Messages", "Hits"];
        let column = counted.iter().find_map(|name| table.columns.iter().position(|column| column == name));
        if let Some(column) = column.filter(|_| table.sums.is_some()) {
            rows.sort_by_key(|row| std::cmp::Reverse(row.get(column).map_or(0, number)));
        }
        rows.truncate(MOST);
        (rows, more)
    }
}

fn number(cell: &Cell) -> u64 {
    match cell {
        Cell::Number(number) | Cell::Bytes(number) => *number,
        _ => 0,
    }
}

/// A column as it is shown: which of the table, and its cells.
struct Column {
    at: usize,
    cells: Vec<String>,
}

impl Column {
    /// So many characters it takes, with what is between it and the next.
    fn width(&self, table: &Table) -> usize {
        let longest = self.cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
        longest.max(table.columns[self.at].len()) + 2
    }

    /// All rows say the same.
    fn is_one(&self, rows: usize) -> bool {
        let rows = self.cells.get(..rows).unwrap_or_default();
        rows.len() > 1 && rows.iter().all(|cell| cell == &rows[0])
    }
}

/// Leaves out columns until the others fit, beginning with those that say nothing new; gives their names.
fn narrowed(columns: &mut Vec<Column>, table: &Table, rows: usize, width: usize) -> Vec<&'static str> {
    let mut gone = Vec::new();
    let over = |columns: &[Column]| columns.iter().map(|column| column.width(table)).sum::<usize>() > width + 2;
    while over(columns) && columns.len() > LEAST {
        let same = columns.iter().skip(1).rposition(|column| column.is_one(rows)).map(|at| at + 1);
        let place = match same {
            Some(place) => place,
            None if columns.len() * NARROWEST > width => columns.len() - 1,
            None => break,
        };
        gone.push(table.columns[columns.remove(place).at]);
    }
    gone
}

/// Prints a table; what was found in it is bold or between signs. Where it is wider than the terminal, few rows become
/// lists; of more, columns are left out and named, and what is still too long is wrapped.
pub(super) fn write_table(table: &Table, look: Look, out: &mut dyn Write) -> Result<()> {
    let places = (0..table.columns.len()).filter(|at| !table.aside.contains(&table.columns[*at]));
    let (rows, more) = look.rows(table);
    let every: Vec<&Vec<Cell>> = rows.iter().copied().chain(&table.sums).collect();
    let cells = |at: usize| every.iter().map(|row| row.get(at).map(brief).unwrap_or_default()).collect();
    let mut columns: Vec<Column> = places.map(|at| Column { at, cells: cells(at) }).collect();
    let needed: usize = columns.iter().map(|column| column.width(table)).sum();
    let mut fits = look.width.is_none_or(|width| needed <= usize::from(width) + 2);
    let mut gone = Vec::new();
    if let Some(width) = look.width.map(usize::from).filter(|_| !fits) {
        if rows.len() <= LISTED && width < columns.len() * NARROWEST {
            for row in rows {
                write_list(table, row, look, out)?;
            }
            return told(more, look, out);
        }
        gone = narrowed(&mut columns, table, rows.len(), width);
        fits = columns.iter().map(|column| column.width(table)).sum::<usize>() <= width + 2;
    }
    let shown = (0..every.len()).map(|row| columns.iter().map(move |column| column.cells[row].clone()));
    let shown: Vec<Vec<String>> = shown.map(Iterator::collect).collect();
    let columns: Vec<usize> = columns.iter().map(|column| column.at).collect();
    let mut grid = comfy_table::Table::new();
    grid.load_preset(comfy_table::presets::NOTHING).set_content_arrangement(comfy_table::ContentArrangement::Disabled);
    if let Some(width) = look.width.filter(|_| !fits) {
        grid.set_content_arrangement(comfy_table::ContentArrangement::Dynamic).set_width(width);
    }
    grid.set_header(columns.iter().map(|at| table.columns[*at]));
    for row in shown {
        grid.add_row(row);
    }
    for (place, at) in columns.into_iter().enumerate() {
        let Some(column) = grid.column_mut(place) else { continue };
        column.set_padding((0, 2));
        if table.rows.iter().all(|row| matches!(row.get(at), Some(Cell::Number(_) | Cell::Bytes(_)))) {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    for (line, text) in grid.lines().enumerate() {
        let text = in_signs(text.trim_end(), look.terminal);
        match look.color && line == 0 {
            true => writeln!(out, "\u{1b}[1;36m{text}\u{1b}[0m")?,
            false => writeln!(out, "{text}")?,
        }
    }
    if !gone.is_empty() {
        dimmed(&format!("not shown: {} (--output list has all)", gone.join(", ")), look, out)?;
    }
    told(more, look, out)
}

fn dimmed(text: &str, look: Look, out: &mut dyn Write) -> Result<()> {
    match look.color {
        true => writeln!(out, "\u{1b}[2m{text}\u{1b}[0m"),
        false => writeln!(out, "{text}"),
    }
}

fn told(more: usize, look: Look, out: &mut dyn Write) -> Result<()> {
    match more {
        0 => Ok(()),
        more => dimmed(&format!("{} more (--all)", grouped(more as u64)), look, out),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(rows: usize) -> Table {
        Table {
            title: "rooms",
            columns: vec!["Room", "Pool", "Events"],
            rows: (0..rows).map(|n| vec![format!("room {n}").into(), "pool".into(), (n as u64).into()]).collect(),
            sums: Some(vec![format!("{rows} rooms").into(), Cell::Empty, 7.into()]),
            ..Table::default()
        }
    }

    fn shown(table: &Table, look: Look) -> String {
        let mut out = Vec::new();
        write_table(table, look, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_terminal_has_the_largest_rows_and_the_sums() {
        let look = Look { terminal: true, width: Some(80), ..Look::default() };
        let text = shown(&table(15_801), look);
        assert_eq!(text.lines().count(), 1 + 20 + 1 + 1, "{text}");
        assert!(text.contains("room 15800") && !text.contains("room 12 "), "{text}");
        assert!(text.contains("15801 rooms") && text.ends_with("15,781 more (--all)\n"), "{text}");
        assert_eq!(shown(&table(30), Look { all: true, ..look }).lines().count(), 32);
        assert_eq!(shown(&table(30), Look::default()).lines().count(), 32);
    }

    #[test]
    fn a_table_is_no_wider_than_the_terminal() {
        let mut wide = table(3);
        wide.rows[1][0] = "many words ".repeat(20).into();
        for width in [40, 60, 100] {
            let text = shown(&wide, Look { terminal: true, width: Some(width), ..Look::default() });
            assert!(text.lines().all(|line| line.chars().count() <= usize::from(width)), "{width}: {text}");
        }
        // Of many rows, columns go that say the same everywhere, then the last ones.
        let mut many = table(30);
        many.columns.extend(["First", "Last", "State"]);
        for row in many.rows.iter_mut().chain(&mut many.sums) {
            row.extend(["2015-01-01".into(), "2016-01-01".into(), "open".into()]);
        }
        let text = shown(&many, Look { terminal: true, width: Some(40), ..Look::default() });
        assert!(text.starts_with("Room ") && text.contains("Events") && !text.contains("pool"), "{text}");
        assert!(text.contains("not shown: State, Last, First") && text.lines().count() == 24, "{text}");
        let text = shown(&wide, Look { terminal: true, width: Some(20), ..Look::default() });
        assert!(text.contains("Events : 1"), "{text}");
        let text = shown(&table(1), Look { terminal: true, color: true, ..Look::default() });
        assert!(text.starts_with("\u{1b}[1;36mRoom"), "{text}");
    }
}
