//! The declaration a file begins with, held against how the file is written.

use super::attributes::{self};
use super::input::{Input, Scheme, Spot};
use super::read::Walk;
use super::syntax::{attribute_fault, damage};
use crate::error::Result;
use crate::formats::wellformed;
use quick_xml::events::Event as Markup;

/// Markup as it is written, without its brackets.
pub(super) fn written<'m>(markup: &'m Markup<'_>) -> &'m str {
    match markup {
        Markup::Start(tag) | Markup::Empty(tag) => tag,
        Markup::Text(text) => text,
        Markup::CData(text) => text,
        Markup::Comment(text) => text,
        Markup::PI(text) => text,
        _ => "",
    }
}

impl Walk<'_, '_, '_> {
    /// Checks the declaration, which is the first thing of a file.
    pub(super) fn declaration(&mut self, declaration: &str, mark: Spot, input: &Input<'_>) -> Result<()> {
        self.well_formed(mark, "<?", declaration, wellformed::declaration(declaration))?;
        let scheme = input.scheme();
        let rest = declaration.strip_prefix("xml").unwrap_or_default();
        let found =
            attributes::scan(rest).map_err(|fault| attribute_fault(self.file(), mark, "<?xml", rest, &fault))?;
        for attribute in &found {
            let spot = mark.after(b"<?xml").after(&rest.as_bytes()[..attribute.at]);
            let value = attribute.value.to_ascii_lowercase();
            self.ascii |= value == "us-ascii" && attribute.name == "encoding";
            let good = match attribute.name {
                "version" => value == "1.0",
                "encoding" => match scheme {
                    Scheme::Utf8 => matches!(value.as_str(), "utf-8" | "utf8" | "us-ascii"),
                    Scheme::Utf16Le => matches!(value.as_str(), "utf-16" | "utf-16le"),
                    Scheme::Utf16Be => matches!(value.as_str(), "utf-16" | "utf-16be"),
                },
                _ => true,
            };
            if !good && attribute.name == "version" {
                return Err(damage(self.file(), spot, "only version 1.0 of XML is read", ""));
            }
            if !good {
                let read = value.starts_with("utf-16") || value.starts_with("utf-8");
                if matches!(value.as_str(), "utf-8" | "utf8") && input.is_marked() && scheme != Scheme::Utf8 {
                    // A shell that writes UTF-16 does not look into what it writes; the mark cannot be mistaken.
                    self.remarks.note("files in UTF-16 whose declaration says UTF-8: the byte order mark decides");
                    continue;
                }
                let what = match scheme {
                    _ if !read => "the declaration names an unsupported encoding; only UTF-8 and UTF-16 are supported",
                    Scheme::Utf8 => "the declaration says UTF-16, but the file is not UTF-16",
                    Scheme::Utf16Le | Scheme::Utf16Be => "the file is UTF-16, the declaration says otherwise",
                };
                return Err(damage(self.file(), spot, what, "save the file as UTF-8 and declare `encoding=\"utf-8\"`"));
            }
        }
        Ok(())
    }
}
