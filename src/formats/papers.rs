//! Papers: what goes with a production for people to read, as a page that prints and as text. Numbers come from whoever
//! made it; nothing is typed here but what the papers are about.

use super::html::Frame;
use crate::error::{Error, Kind, Result};
use askama::Template;

/// A table of a paper.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// What it shows.
    pub title: String,
    /// Its columns.
    pub columns: Vec<String>,
    /// Its rows, each as long as the columns.
    pub rows: Vec<Vec<String>>,
}

/// A paper.
#[derive(Debug, Clone, Default)]
pub struct Paper {
    /// The name of its files.
    pub name: &'static str,
    /// Its title.
    pub title: String,
    /// What stands first.
    pub text: Vec<String>,
    /// Facts.
    pub facts: Vec<(String, String)>,
    /// Tables.
    pub tables: Vec<Table>,
    /// What stands behind them.
    pub more: Vec<String>,
    /// Commands to be typed.
    pub commands: Vec<String>,
    /// What is filled in by hand.
    pub blanks: Vec<&'static str>,
}

#[derive(Template)]
#[template(path = "paper.html", config = ".askama.toml")]
struct Page<'a> {
    frame: Frame,
    paper: &'a Paper,
}

impl Paper {
    /// As a page.
    pub fn html(&self) -> Result<Vec<u8>> {
        let page = Page { frame: Frame::new(super::html::Name(&self.title).to_string(), ""), paper: self };
        let text = page.render().map_err(|error| Error::new(Kind::Bug, "cannot fill a template").because(error))?;
        Ok(text.into_bytes())
    }

    /// As text.
    pub fn text(&self) -> Vec<u8> {
        let mut out = format!("{}\n{}\n", self.title, "=".repeat(self.title.chars().count()));
        for text in &self.text {
            out.push_str(&format!("\n{}\n", wrapped(text)));
        }
        if !self.facts.is_empty() {
            out.push('\n');
        }
        let width = self.facts.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0) + 2;
        for (name, value) in &self.facts {
            out.push_str(&format!("{:width$}{value}\n", format!("{name}:")));
        }
        for table in &self.tables {
            out.push_str(&format!("\n{}\n\n", table.title));
            let widths: Vec<usize> = (0..table.columns.len())
                .map(|at| {
                    let cells = table.rows.iter().chain(std::iter::once(&table.columns));
                    cells.filter_map(|row| row.get(at)).map(|cell| cell.chars().count()).max().unwrap_or(0)
                })
                .collect();
            for row in std::iter::once(&table.columns).chain(&table.rows) {
                let cells: Vec<String> =
                    row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}")).collect();
                out.push_str(cells.join("  ").trim_end());
                out.push('\n');
            }
        }
        for text in &self.more {
            out.push_str(&format!("\n{}\n", wrapped(text)));
        }
        if !self.commands.is_empty() {
            out.push('\n');
        }
        for command in &self.commands {
            out.push_str(&format!("    {command}\n"));
        }
        for blank in &self.blanks {
            out.push_str(&format!("\n{blank}: {}\n", "_".repeat(40)));
        }
        out.replace('\n', "\r\n").into_bytes()
    }
}

/// Lines of at most 78 characters.
fn wrapped(text: &str) -> String {
    let (mut out, mut line) = (String::new(), 0);
    for word in text.split_whitespace() {
        let length = word.chars().count();
        match line {
            0 => line = length,
            _ if line + 1 + length > 78 => {
                out.push('\n');
                line = length;
            }
            _ => {
                out.push(' ');
                line += 1 + length;
            }
        }
        out.push_str(word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_paper_is_the_same_as_text_and_as_a_page() {
        let paper = Paper {
            name: "x",
            title: "A <b> title".to_owned(),
            text: vec!["one & two".to_owned()],
            facts: vec![("Found".to_owned(), "7".to_owned())],
            tables: vec![Table {
                title: "T".to_owned(),
                columns: vec!["A".to_owned(), "B".to_owned()],
                rows: vec![vec!["long cell".to_owned(), "2".to_owned()]],
            }],
            blanks: vec!["Name"],
            ..Paper::default()
        };
        let html = String::from_utf8(paper.html().unwrap()).unwrap();
        assert!(html.contains("one &#38; two") || html.contains("one &amp; two"), "{html}");
        assert!(!html.contains("<b>"));
        let text = String::from_utf8(paper.text()).unwrap();
        for part in ["Found: 7", "A          B\r\nlong cell  2\r\n", "Name: ____"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(wrapped(&"word ".repeat(40)).lines().all(|line| line.len() <= 78));
    }
}
