//! Which part a file plays, by its name and the way it begins: rows of a table, what describes them, a script, CSV.

use super::given::head_text;
use super::known::{Dialect, Known, by_columns, is_ignored, table};
use crate::formats::compliance::is_wide;

/// The part of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Rows as `bcp` writes them, and of which table, as far as the name says.
    Rows(Option<String>),
    /// A format file.
    Format,
    /// Statements that insert rows.
    Script,
    /// Lines of values under a line of names.
    Csv(char),
}

/// Endings of files that only `bcp` writes.
const OF_BCP: [&str; 3] = ["bcp", "native", "nat"];
/// Endings that files of `bcp` may have, and many others: these must be named after a table.
const OF_ANY: [&str; 7] = ["dat", "out", "bin", "txt", "csv", "tsv", ""];

/// The part a file plays, if it plays any.
pub fn part(name: &str, head: &[u8]) -> Option<Part> {
    if is_format_file(head) {
        return Some(Part::Format);
    }
    let file = name.rsplit(['/', '!', '\\']).next().unwrap_or(name);
    let ending = file.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase()).unwrap_or_default();
    let text = head_text(head);
    if ending == "sql" || is_wide(head) || head.is_ascii() {
        let upper = text.to_ascii_uppercase();
        let statement = |word: &str| upper.lines().any(|line| line.trim_start().starts_with(word));
        if statement("INSERT ") && (upper.contains("VALUES") || ending == "sql") {
            return Some(Part::Script);
        }
    }
    if let Some(separator) = header(&text) {
        return Some(Part::Csv(separator));
    }
    let named = named(file);
    let is_rows = OF_BCP.contains(&ending.as_str()) || named.is_some() && OF_ANY.contains(&ending.as_str());
    is_rows.then_some(Part::Rows(named))
}

/// The separator of a line of names, if the first line is one of a table that is known.
fn header(text: &str) -> Option<char> {
    let text = text.trim_start_matches('\u{FEFF}');
    let line = text.lines().next()?;
    [',', ';', '\t', '|', ' '].into_iter().find(|separator| {
        let names: Vec<String> = names(line, *separator);
        names.len() > 1 && by_columns(&names).is_some()
    })
}

/// The names of a line, without quotes and white space.
pub fn names(line: &str, separator: char) -> Vec<String> {
    let parts = line.split(separator).map(|name| name.trim().trim_matches('"').trim().to_owned());
    match separator {
        ' ' => parts.filter(|name| !name.is_empty()).collect(),
        _ => parts.collect(),
    }
}

fn is_format_file(head: &[u8]) -> bool {
    let text = head_text(head);
    let text = text.trim_start_matches('\u{FEFF}').trim_start();
    if text.starts_with('<') {
        let start = text.char_indices().nth(2000).map_or(text, |(at, _)| &text[..at]);
        return start.contains("<BCPFORMAT") || start.contains(":BCPFORMAT");
    }
    let mut lines = text.lines();
    let version = lines.next().unwrap_or_default().trim();
    let count = lines.next().unwrap_or_default().trim();
    let (whole, part) = version.split_once('.').unwrap_or((version, ""));
    let digits = |text: &str| !text.is_empty() && text.len() < 6 && text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && digits(part)
        && digits(count)
        && lines.next().is_none_or(|line| line.split_whitespace().nth(1).is_some_and(|word| word.starts_with("SQL")))
}

/// The name of a table in the name of a file: `tblChat.bcp`, `mgc.dbo.tblChat.dat`, `[dbo].[tblChat].bcp`.
pub fn named(file: &str) -> Option<String> {
    let parts = || file.split(['.', ' ']).map(|part| part.trim_matches(['[', ']', '"']));
    let product = |part: &&str| matches!(table(part), Some((_, Dialect::PersistentChat)));
    let any = |part: &&str| table(part).is_some() || is_ignored(part);
    parts().find(product).or_else(|| parts().find(any)).map(str::to_owned)
}

/// The table a file is of, by its name, or by the names of its columns.
pub fn known(name: Option<&str>, columns: &[String]) -> Option<(&'static Known, Dialect)> {
    match name.and_then(table) {
        Some(found) => Some(found),
        None => by_columns(columns).map(|known| (known, Dialect::PersistentChat)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_told_by_content_and_name() {
        let rows = |name: &str| Part::Rows(Some(name.to_owned()));
        assert_eq!(part("a/mgc.dbo.tblChat.dat", b"\x03\0\0\0"), Some(rows("tblChat")));
        assert_eq!(part("x.bcp", b"\x03\0\0\0"), Some(Part::Rows(None)));
        assert_eq!(part("x", b"14.0\r\n1\r\n1 SQLINT 0 4 \"\" 1 a \"\"\r\n"), Some(Part::Format));
        assert_eq!(part("x.xml", b"<?xml version=\"1.0\"?><BCPFORMAT xmlns=\"\">"), Some(Part::Format));
        assert_eq!(part("x.txt", b"SET NOCOUNT ON\nINSERT [dbo].[tblChat] (a) VALUES (1)"), Some(Part::Script));
        assert_eq!(part("x", b"nodeID;lastChatID\r\n1;2\r\n"), Some(Part::Csv(';')));
        assert_eq!(part("readme.txt", b"INSERT coins"), None);
        assert_eq!(part("notes.txt", b"hello"), None);
    }
}
