//! Bars as pictures that need no script and no other file. The numbers beside them are those of a table on the same
//! page.

use super::escape::Html;
use super::grouped;

/// So many bars are drawn; a table has the others.
const MOST: usize = 40;
const ROW: usize = 20;
const LABEL: usize = 300;
const WIDE: usize = 900;
/// Room for the number behind a bar.
const NUMBER: usize = 90;

/// Draws one bar for each item, from zero, in the order given.
pub(super) fn bars(page: &mut Html, title: &str, items: &[(String, u64)]) {
    let shown = &items[..items.len().min(MOST)];
    let Some(most) = shown.iter().map(|(_, count)| *count).max().filter(|most| *most > 0) else { return };
    page.raw("<svg class=\"chart\" role=\"img\" viewBox=\"0 0 900 ");
    page.text(&(shown.len() * ROW + 4).to_string());
    page.raw("\"><title>");
    page.text(title);
    page.raw("</title>\n");
    for (at, (label, count)) in shown.iter().enumerate() {
        let long = (*count as f64 / most as f64 * (WIDE - LABEL - NUMBER) as f64).round() as usize;
        // What is there is seen, however little it is.
        let long = if *count > 0 { long.max(1) } else { 0 };
        let text = |page: &mut Html, x: usize, anchor: &str, text: &str| {
            page.raw("<text y=\"");
            page.text(&(at * ROW + 15).to_string());
            page.raw("\" x=\"");
            page.text(&x.to_string());
            page.raw("\" text-anchor=\"");
            page.text(anchor);
            page.raw("\">");
            page.plain(text);
            page.raw("</text>");
        };
        text(page, LABEL - 8, "end", &short(label));
        page.raw("<rect height=\"14\" y=\"");
        page.text(&(at * ROW + 4).to_string());
        page.raw("\" x=\"300\" width=\"");
        page.text(&long.to_string());
        page.raw("\"/>");
        text(page, LABEL + long + 6, "start", &grouped(*count));
        page.raw("\n");
    }
    page.raw("</svg>\n");
    if items.len() > shown.len() {
        page.raw("<p class=\"note\">");
        page.text(&format!("{} of {} are drawn; the table has all of them.", shown.len(), grouped(items.len() as u64)));
        page.raw("</p>\n");
    }
}

/// As much of a label as there is room for.
fn short(label: &str) -> String {
    match label.char_indices().nth(42) {
        Some((at, _)) => format!("{}…", &label[..at]),
        None => label.to_owned(),
    }
}
