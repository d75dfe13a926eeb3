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
/// So many rows are laid out at once.
const AT_ONCE: usize = 500;
/// A column narrower than this is not read.
const NARROWEST: usize = 12;
/// So few rows become lists where their columns do not fit; of more, columns are left out.
const LISTED: usize = 3;
/// So many columns are left at least.
const LEAST: usize = 3;
/// Of many remarks so many of the last ones are shown.
const LAST: usize = 5;

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

/// A column as it is shown: which of the table.
struct Column {
    at: usize,
    /// So many characters it takes, with what is between it and the next.
    width: usize,
    /// All rows say the same.
    one: bool,
}

impl Column {
    fn of(at: usize, table: &Table, rows: &[&Vec<Cell>]) -> Column {
        let cell = |row: &Vec<Cell>| row.get(at).map(brief).unwrap_or_default();
        let every = rows.iter().copied().chain(&table.sums);
        let longest = every.map(|row| cell(row).chars().count()).max().unwrap_or(0);
        let one = rows.split_first().is_some_and(|(first, others)| {
            let first = cell(first);
            !others.is_empty() && others.iter().all(|row| cell(row) == first)
        });
        Column { at, width: longest.max(table.columns[at].len()) + 2, one }
    }
}

/// Leaves out columns until the others fit, beginning with those that say nothing new; gives their names.
fn narrowed(columns: &mut Vec<Column>, table: &Table, width: usize) -> Vec<&'static str> {
    let mut gone = Vec::new();
    while taken(columns) > width + 2 && columns.len() > LEAST {
        let same = columns.iter().skip(1).rposition(|column| column.one).map(|at| at + 1);
        let place = match same {
            Some(place) => place,
            None if columns.len() * NARROWEST > width => columns.len() - 1,
            None => break,
        };
        gone.push(table.columns[columns.remove(place).at]);
    }
    gone
}

fn taken(columns: &[Column]) -> usize {
    columns.iter().map(|column| column.width).sum()
}

/// Prints a table; what was found in it is bold or between signs. Where it is wider than the terminal, few rows become
/// lists; of more, columns are left out and named, and what is still too long is wrapped.
pub(super) fn write_table(table: &Table, look: Look, out: &mut dyn Write) -> Result<()> {
    let places = (0..table.columns.len()).filter(|at| !table.aside.contains(&table.columns[*at]));
    let (rows, more) = look.rows(table);
    let mut columns: Vec<Column> = places.map(|at| Column::of(at, table, &rows)).collect();
    let mut fits = look.width.is_none_or(|width| taken(&columns) <= usize::from(width) + 2);
    let mut gone = Vec::new();
    if let Some(width) = look.width.map(usize::from).filter(|_| !fits) {
        if rows.len() <= LISTED && width < columns.len() * NARROWEST {
            for row in rows {
                write_list(table, row, look, out)?;
            }
            return told(more, look, out);
        }
        gone = narrowed(&mut columns, table, width);
        fits = taken(&columns) <= width + 2;
    }
    let width = look.width.filter(|_| !fits);
    let right = |at: usize| table.rows.iter().all(|row| matches!(row.get(at), Some(Cell::Number(_) | Cell::Bytes(_))));
    let columns: Vec<(usize, bool)> = columns.into_iter().map(|column| (column.at, right(column.at))).collect();
    let all: Vec<&Vec<Cell>> = rows.iter().copied().chain(&table.sums).collect();
    // What is wrapped depends on all rows; a long table that is not is laid out a few rows at once.
    let at_once = if width.is_some() { all.len().max(1) } else { AT_ONCE };
    let mut widths = Vec::new();
    if all.len() > at_once {
        for some in all.chunks(at_once) {
            let found = grid(table, &columns, some, width).column_max_content_widths();
            widths.resize(found.len(), 0);
            widths.iter_mut().zip(found).for_each(|(widest, found): (&mut u16, u16)| *widest = found.max(*widest));
        }
    }
    // A table without rows has a heading.
    let empty: [&[&Vec<Cell>]; 1] = [&[]];
    let parts = all.chunks(at_once).chain(empty.into_iter().filter(|_| all.is_empty()));
    for (part, some) in parts.enumerate() {
        let mut grid = grid(table, &columns, some, width);
        for (place, widest) in widths.iter().enumerate() {
            let Some(column) = grid.column_mut(place) else { continue };
            let fixed = comfy_table::Width::Fixed(widest.saturating_add(2));
            column.set_constraint(comfy_table::ColumnConstraint::Absolute(fixed));
        }
        for (line, text) in grid.lines().enumerate().skip(usize::from(part > 0)) {
            let text = in_signs(text.trim_end(), look.terminal);
            match look.color && line == 0 {
                true => writeln!(out, "\u{1b}[1;36m{text}\u{1b}[0m")?,
                false => writeln!(out, "{text}")?,
            }
        }
    }
    if !gone.is_empty() {
        dimmed(&format!("not shown: {} (--output list has all)", gone.join(", ")), look, out)?;
    }
    told(more, look, out)
}

/// Some rows of a table, laid out; columns with whether they stand at the right.
fn grid(table: &Table, columns: &[(usize, bool)], rows: &[&Vec<Cell>], width: Option<u16>) -> comfy_table::Table {
    let mut grid = comfy_table::Table::new();
    grid.load_preset(comfy_table::presets::NOTHING).set_content_arrangement(comfy_table::ContentArrangement::Disabled);
    if let Some(width) = width {
        grid.set_content_arrangement(comfy_table::ContentArrangement::Dynamic).set_width(width);
    }
    grid.set_header(columns.iter().map(|(at, _)| table.columns[*at]));
    for row in rows {
        grid.add_row(columns.iter().filter_map(|(at, _)| row.get(*at)).map(brief));
    }
    for (place, (_, right)) in columns.iter().enumerate() {
        let Some(column) = grid.column_mut(place) else { continue };
        column.set_padding((0, 2));
        if *right {
            column.set_cell_alignment(comfy_table::CellAlignment::Right);
        }
    }
    grid
}

fn dimmed(text: &str, look: Look, out: &mut dyn Write) -> Result<()> {
    match look.color {
        true => writeln!(out, "\u{1b}[2m{text}\u{1b}[0m"),
        false => writeln!(out, "{text}"),
    }
}

/// Remarks, one on a line, the same one once; of many those at the ends, for the last ones say what was done.
pub(super) fn remarks(notes: &[String], look: Look, err: &mut dyn Write) -> std::io::Result<()> {
    let notes: Vec<(&String, usize)> =
        notes.chunk_by(|one, next| one == next).filter_map(|same| Some((same.first()?, same.len()))).collect();
    let middle = match look.terminal && !look.all && notes.len() > MOST {
        true => MOST - LAST..notes.len() - LAST,
        false => 0..0,
    };
    for (at, (note, times)) in notes.into_iter().enumerate() {
        if at == middle.start && !middle.is_empty() {
            writeln!(err, "{} more remarks (--all)", grouped(middle.len() as u64))?;
        }
        let note = super::print::visible(note);
        match times {
            _ if middle.contains(&at) => {}
            1 => writeln!(err, "{note}")?,
            times => writeln!(err, "{} × {note}", grouped(times as u64))?,
        }
    }
    Ok(())
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
    fn of_many_remarks_the_ends_are_shown() {
        let notes: Vec<String> = (0..400).map(|n| format!("note {n}")).collect();
        let shown = |all, terminal| {
            let mut err = Vec::new();
            remarks(&notes, Look { terminal, all, ..Look::default() }, &mut err).unwrap();
            String::from_utf8(err).unwrap()
        };
        let few = shown(false, true);
        assert_eq!(few.lines().count(), 21, "{few}");
        assert!(few.contains("note 14\n380 more remarks (--all)\nnote 395\n") && few.ends_with("note 399\n"), "{few}");
        let mut same = Vec::new();
        remarks(&["a".to_owned(), "b".to_owned(), "b".to_owned()], Look::default(), &mut same).unwrap();
        assert_eq!(String::from_utf8(same).unwrap(), "a\n2 × b\n");
        assert_eq!((shown(true, true).lines().count(), shown(false, false).lines().count()), (400, 400));
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
        let text = shown(&many, Look { terminal: true, width: Some(30), ..Look::default() });
        assert!(text.starts_with("Room ") && text.contains("Events") && !text.contains("2015"), "{text}");
        assert!(text.contains("not shown: State, Last, First") && text.lines().count() == 24, "{text}");
        let text = shown(&wide, Look { terminal: true, width: Some(20), ..Look::default() });
        assert!(text.contains("Events : 1"), "{text}");
        let text = shown(&table(1), Look { terminal: true, color: true, ..Look::default() });
        assert!(text.starts_with("\u{1b}[1;36mRoom"), "{text}");
    }
}
