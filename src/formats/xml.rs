//! Shared writing and reading of pchat's own XML: escaping, the characters XML cannot hold, and a
//! reader that knows where it is.
//!
//! XML 1.0 cannot hold most control characters nor U+FFFE and U+FFFF; in element text they are
//! written as `<char code="0"/>`. Free text is therefore always element text, never an attribute.

use super::wellformed::{self, Fault};
use crate::error::{Error, Place, Result};
use crate::model::time::Ticks;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use std::borrow::Cow;
use std::cell::Cell;
use std::str::FromStr;

/// The first line of every page.
pub(crate) const DECLARATION: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n";
/// The namespace of version 1 of the archive.
pub(crate) const NAMESPACE: &str = "urn:pchat:archive:1";
/// The most attributes an element can have.
const MOST_ATTRIBUTES: usize = 32;
const NAMESPACE_FAMILY: &str = "urn:pchat:archive:";

/// Bytes that need a second look: markup, control characters, and the first byte of U+FFFE.
static SPECIAL: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = byte != b'\t' as usize && byte != b'\n' as usize;
        byte += 1;
    }
    table[b'<' as usize] = true;
    table[b'>' as usize] = true;
    table[b'&' as usize] = true;
    table[0xEF] = true;
    table
};

/// A whole number as archives have it; a plus before it is one to some programs alone.
pub(crate) fn whole<T: FromStr>(text: &str) -> Option<T> {
    if text.starts_with('+') { None } else { text.parse().ok() }
}

/// An instant as archives have it, and in no other form: `2015-03-02T08:30:40.0806543Z`.
pub(crate) fn instant(text: &str) -> Option<Ticks> {
    let bytes = text.as_bytes();
    let fraction = || (22..=28).contains(&bytes.len()) && bytes[19] == b'.' && bytes[bytes.len() - 2] != b'0';
    if !(bytes.len() == 20 || fraction()) || bytes[10] != b'T' || bytes[bytes.len() - 1] != b'Z' {
        return None;
    }
    Ticks::parse(text).filter(|(_, cut)| !cut).map(|(at, _)| at)
}

/// Appends `text` as the text of an element.
pub(crate) fn write_text(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let mut done = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if !SPECIAL[*byte as usize] {
            continue;
        }
        let (length, code) = match byte {
            0xEF => match bytes[at..] {
                [0xEF, 0xBF, 0xBE, ..] => (3, 0xFFFE),
                [0xEF, 0xBF, 0xBF, ..] => (3, 0xFFFF),
                _ => continue,
            },
            _ => (1, u32::from(*byte)),
        };
        out.extend_from_slice(&bytes[done..at]);
        done = at + length;
        match byte {
            b'<' => out.extend_from_slice(b"&lt;"),
            b'>' => out.extend_from_slice(b"&gt;"),
            b'&' => out.extend_from_slice(b"&amp;"),
            b'\r' => out.extend_from_slice(b"&#13;"),
            _ => out.extend_from_slice(format!("<char code=\"{code:X}\"/>").as_bytes()),
        }
    }
    out.extend_from_slice(&bytes[done..]);
}

/// Stands for what XML 1.0 cannot hold, in XML that others define.
pub(crate) const INSTEAD: char = '\u{FFFD}';

/// Appends `text` for XML that others define, as text of an element or value of an attribute. What XML cannot hold
/// becomes [`INSTEAD`]; says how often.
pub(crate) fn write_plain(out: &mut String, text: &str) -> u64 {
    let mut replaced = 0;
    // What stands as it is is copied in runs. U+FFFE and U+FFFF, which XML cannot hold, begin with this byte.
    let special = |b: &u8| *b < 0x20 || matches!(b, b'<' | b'>' | b'&' | b'"' | 0xEF);
    let mut rest = text;
    while let Some(at) = rest.as_bytes().iter().position(special) {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some(c) = rest.chars().next() else { break };
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\t' => out.push_str("&#9;"),
            '\n' => out.push_str("&#10;"),
            '\r' => out.push_str("&#13;"),
            c if wellformed::is_char(c) => out.push(c),
            _ => {
                out.push(INSTEAD);
                replaced += 1;
            }
        }
        rest = &rest[c.len_utf8()..];
    }
    out.push_str(rest);
    replaced
}

/// Appends `<name>text</name>`.
pub(crate) fn write_element(out: &mut Vec<u8>, name: &str, text: &str) {
    out.push(b'<');
    out.extend_from_slice(name.as_bytes());
    out.push(b'>');
    write_text(out, text);
    out.extend_from_slice(b"</");
    out.extend_from_slice(name.as_bytes());
    out.push(b'>');
}

/// What a page consists of, one step at a time.
pub(crate) enum Node<'a> {
    /// An element begins.
    Start(BytesStart<'a>),
    /// The innermost element ends.
    End,
    /// Text of the innermost element.
    Text(Cow<'a, str>),
    /// The page is over.
    Eof,
}

/// Reads a page that is in memory.
pub(crate) struct Pull<'a> {
    file: &'a str,
    text: &'a str,
    reader: Reader<&'a [u8]>,
    /// Where the current node began, in bytes.
    at: usize,
    /// How many elements are open.
    depth: usize,
    /// The element that began last has attributes that nobody has read.
    unread: Cell<bool>,
    /// The end of a section of CDATA stands somewhere in the page, so that each text has to be asked.
    ends: bool,
}

impl<'a> Pull<'a> {
    /// Starts reading; `file` names the page in errors.
    pub(crate) fn new(file: &'a str, bytes: &'a [u8]) -> Result<Pull<'a>> {
        // The faster one says that something is wrong, the other one where.
        let text = simdutf8::basic::from_utf8(bytes).or_else(|_| std::str::from_utf8(bytes));
        let text = text.map_err(|error| {
            Error::damaged(Place::in_bytes(file, bytes, error.valid_up_to()), "the page is not UTF-8")
        })?;
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        let ends = wellformed::end_of_cdata(text).is_err();
        let pull = Pull { file, text, reader, at: 0, depth: 0, unread: Cell::new(false), ends };
        match wellformed::foreign(text) {
            Some(at) => Err(Pull { at, ..pull }.fail("not well-formed XML: a character XML cannot hold")),
            None => Ok(pull),
        }
    }

    /// An error at the current place.
    pub(crate) fn fail(&self, what: impl Into<String>) -> Error {
        Error::damaged(Place::in_bytes(self.file, self.text.as_bytes(), self.at), what)
    }

    /// What another reader of XML would refuse; `skipped` is how much stands before what was asked about.
    fn asked<T>(&mut self, found: Result<T, Fault>, skipped: usize) -> Result<T> {
        found.map_err(|fault| {
            self.at += skipped + fault.at;
            self.fail(format!("not well-formed XML: {}", fault.what))
        })
    }

    /// The next node. Comments and processing instructions are passed over.
    pub(crate) fn next(&mut self) -> Result<Node<'a>> {
        if self.unread.replace(false) {
            return Err(self.fail("this element has no attributes"));
        }
        loop {
            self.at = self.reader.buffer_position() as usize;
            let event = match self.reader.read_event() {
                Ok(event) => event,
                Err(error) => {
                    self.at = self.reader.error_position() as usize;
                    return Err(self.fail(well_formed(&error)));
                }
            };
            return Ok(match event {
                Event::Start(start) => {
                    let name = self.asked(wellformed::tag(&start, MOST_ATTRIBUTES), 1)?;
                    self.unread.set(start[name..].bytes().any(|byte| !wellformed::is_space(byte)));
                    self.depth += 1;
                    Node::Start(start)
                }
                Event::Empty(_) | Event::End(_) => {
                    self.depth = self.depth.saturating_sub(1);
                    Node::End
                }
                Event::Text(text) => {
                    if self.ends {
                        self.asked(wellformed::end_of_cdata(&text), 0)?;
                    }
                    if self.depth == 0 && !text.bytes().all(wellformed::is_space) {
                        return Err(self.fail("there is text where only elements belong"));
                    }
                    Node::Text(text.xml10_content())
                }
                Event::CData(_) | Event::GeneralRef(_) if self.depth == 0 => {
                    return Err(self.fail("there is text where only elements belong"));
                }
                Event::CData(text) => Node::Text(text.xml10_content()),
                Event::GeneralRef(reference) => match wellformed::reference(&format!("&{};", &*reference)) {
                    Some((c, _)) => Node::Text(Cow::Owned(c.into())),
                    None => return Err(self.fail("this entity is not one of XML's own; pages define none")),
                },
                Event::DocType(_) => return Err(self.fail("a page has no document type")),
                Event::Comment(inside) => {
                    self.asked(wellformed::comment(&inside), 4)?;
                    continue;
                }
                Event::PI(inside) => {
                    self.asked(wellformed::instruction(&inside), 2)?;
                    continue;
                }
                Event::Decl(inside) => {
                    self.declared(&inside)?;
                    continue;
                }
                Event::Eof => Node::Eof,
            });
        }
    }

    /// The declaration: the first thing of a page, version 1.0, UTF-8.
    fn declared(&mut self, inside: &str) -> Result<()> {
        // The reader does not count a byte order mark.
        let text = self.text.strip_prefix('\u{FEFF}').unwrap_or(self.text);
        if text.get(..self.at).is_none_or(|before| !before.is_empty()) {
            return Err(self.fail("not well-formed XML: the declaration is not the very first thing"));
        }
        let declared = self.asked(wellformed::declaration(inside), 2)?;
        if declared.version.1 != "1.0" {
            return Err(self.fail("only version 1.0 of XML is read"));
        }
        match declared.encoding {
            Some((_, encoding)) if !encoding.eq_ignore_ascii_case("utf-8") => {
                Err(self.fail("pages are UTF-8, and this declaration says otherwise"))
            }
            _ => Ok(()),
        }
    }

    /// The next node that is not white space.
    pub(crate) fn next_solid(&mut self) -> Result<Node<'a>> {
        loop {
            match self.next()? {
                Node::Text(text) if text.bytes().all(|b| b.is_ascii_whitespace()) => {}
                Node::Text(_) => return Err(self.fail("there is text where only elements belong")),
                node => return Ok(node),
            }
        }
    }

    /// The next child of the current element; `None` when the element ends.
    pub(crate) fn child(&mut self) -> Result<Option<BytesStart<'a>>> {
        match self.next_solid()? {
            Node::Start(start) => Ok(Some(start)),
            Node::End => Ok(None),
            _ => Err(self.fail("the page ends too early")),
        }
    }

    /// The root element, which must have this name and the namespace of this version.
    pub(crate) fn root(&mut self, name: &str) -> Result<BytesStart<'a>> {
        let Some(start) = self.child()? else { return Err(self.fail("the page is empty")) };
        let mut namespace = None;
        self.attributes(&start, |key, value| {
            if key == "xmlns" {
                namespace = Some(value.to_owned());
            }
            Ok(())
        })?;
        match namespace.as_deref() {
            Some(NAMESPACE) if start.name().as_ref() == name => Ok(start),
            Some(other) if other.starts_with(NAMESPACE_FAMILY) && other != NAMESPACE => {
                Err(Error::new(crate::error::Kind::TooNew, format!("this page belongs to a newer archive ({other})"))
                    .at(Place::file(self.file))
                    .hint("use a newer pchat"))
            }
            _ => Err(self.fail(format!("this is not a <{name}> page of a pchat archive"))),
        }
    }

    /// After the root has ended nothing may follow.
    pub(crate) fn end(&mut self) -> Result<()> {
        match self.next_solid()? {
            Node::Eof => Ok(()),
            _ => Err(self.fail("something follows the end of the page")),
        }
    }

    /// Hands out the attributes of an element.
    pub(crate) fn attributes(
        &self,
        start: &BytesStart<'_>,
        mut take: impl FnMut(&str, &str) -> Result<(), &'static str>,
    ) -> Result<()> {
        self.unread.set(false);
        // That none is given twice was asked when the element began.
        for attribute in start.attributes().with_checks(false) {
            let attribute = attribute.map_err(|_| self.fail("an attribute is malformed or given twice"))?;
            let value = attribute
                .normalized_value(XmlVersion::Implicit1_0)
                .map_err(|_| self.fail("the value of an attribute is malformed"))?;
            take(attribute.key.as_ref(), &value).map_err(|what| self.fail(what))?;
        }
        Ok(())
    }

    /// Reads on until the current element ends, and gives its text. `child` is asked to read
    /// elements other than `char`, which come after the text.
    pub(crate) fn text(
        &mut self,
        mut child: impl FnMut(&mut Pull<'a>, &BytesStart<'a>) -> Result<()>,
    ) -> Result<Cow<'a, str>> {
        let mut all: Cow<'a, str> = Cow::Borrowed("");
        let mut over = false;
        loop {
            match self.next()? {
                Node::Text(text) if over => {
                    if !text.bytes().all(|b| b.is_ascii_whitespace()) {
                        return Err(self.fail("text follows the parts that come after the text"));
                    }
                }
                Node::Text(text) if all.is_empty() => all = text,
                Node::Text(text) => all.to_mut().push_str(&text),
                Node::Start(start) if start.name().as_ref() == "char" && !over => {
                    let mut code = None;
                    self.attributes(&start, |key, value| {
                        if key == "code" {
                            code = u32::from_str_radix(value, 16).ok().and_then(char::from_u32);
                        }
                        Ok(())
                    })?;
                    let Some(code) = code else { return Err(self.fail("<char> needs a code, in hexadecimal")) };
                    all.to_mut().push(code);
                    match self.next()? {
                        Node::End => {}
                        _ => return Err(self.fail("<char> has no content")),
                    }
                }
                Node::Start(start) => {
                    over = true;
                    child(self, &start)?;
                }
                Node::End => return Ok(all),
                Node::Eof => return Err(self.fail("the page ends too early")),
            }
        }
    }

    /// The text of an element that has no other content.
    pub(crate) fn plain_text(&mut self) -> Result<String> {
        Ok(self.text(|pull, _| Err(pull.fail("this element holds text only")))?.into_owned())
    }
}

/// What the XML package found, without the text it found it in.
fn well_formed(error: &quick_xml::Error) -> String {
    match error {
        quick_xml::Error::Syntax(error) => format!("not well-formed XML: {error}"),
        quick_xml::Error::IllFormed(_) => "not well-formed XML: tags do not match".to_owned(),
        _ => "not well-formed XML".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_times_have_one_form() {
        assert_eq!((whole::<u64>("63"), whole::<i64>("-1"), whole::<u64>("+63")), (Some(63), Some(-1), None));
        for good in ["2015-03-02T08:30:40Z", "2015-03-02T08:30:40.5Z", "2015-03-02T08:30:40.0806543Z"] {
            assert_eq!(instant(good).map(|at| at.to_string()).as_deref(), Some(good));
        }
        for wrong in
            ["2015-03-02t08:30:40Z", "2015-03-02 08:30:40Z", "2015-03-02T08:30:40z", "2015-03-02T08:30:40+00:00"]
        {
            assert_eq!(instant(wrong), None, "{wrong}");
        }
        for wrong in ["2015-03-02T08:30:40.0Z", "2015-03-02T08:30:40.50Z", "2015-03-02", "2015-03-02T08:30Z", ""] {
            assert_eq!(instant(wrong), None, "{wrong}");
        }
    }

    fn there_and_back(text: &str) {
        let mut page = b"<a>".to_vec();
        write_text(&mut page, text);
        page.extend_from_slice(b"</a>");
        let mut pull = Pull::new("test", &page).unwrap();
        assert!(pull.child().unwrap().is_some());
        assert_eq!(pull.plain_text().unwrap(), text);
        pull.end().unwrap();
    }

    #[test]
    fn every_character_survives() {
        let all: String = (0..=0x10FFFF).filter_map(char::from_u32).collect();
        there_and_back(&all);
        for text in
            ["", " ", "\r\n", "\n\r", "]]>", "&amp;", "\0", "\u{FFFE}x\u{FFFF}", "\u{FEFF}", " \t\n ", "\u{85}\u{2028}"]
        {
            there_and_back(text);
        }
    }

    #[test]
    fn nothing_but_a_byte_order_mark_comes_before_the_declaration() {
        let starts = |text: &str| Pull::new("test", text.as_bytes()).and_then(|mut pull| pull.child()).is_ok();
        assert!(starts("\u{FEFF}<?xml version=\"1.0\"?><a/>"));
        assert!(
            !starts("\u{FEFF}\r<?xml version=\"1.0\"?><a/>") && !starts("\u{FEFF}\n\n\n<?xml version=\"1.0\"?><a/>")
        );
    }

    #[test]
    fn what_xml_cannot_hold_is_refused() {
        for page in ["<a>\u{1}</a>", "<a b='\0'/>", "<a>\u{FFFE}</a>", "<!--\u{FFFF}--><a/>", "<a>\u{C}</a>"] {
            assert!(Pull::new("test", page.as_bytes()).is_err(), "{page:?}");
        }
        assert!(Pull::new("test", "<a>\u{85}\u{7F}\u{FFFD}\t\r\n</a>".as_bytes()).is_ok());
    }

    #[test]
    fn what_other_programs_refuse_is_refused() {
        let read = |page: &str| -> Result<()> {
            let mut pull = Pull::new("test", page.as_bytes())?;
            assert!(pull.child()?.is_some());
            pull.plain_text()?;
            pull.end()
        };
        let zeros = format!("<a>&#{}65;</a>", "0".repeat(10_000));
        for good in [
            "<?xml version=\"1.0\" encoding=\"utf-8\" standalone='no' ?>\n<!-- x --><?y z?><a>]] > \
                <![CDATA[<]]>&#x41;</a >\n",
            "\u{FEFF}<?xml version='1.0'?><a/>",
            &zeros,
        ] {
            read(good).unwrap();
        }
        for bad in [
            "<a>]]></a>",
            "<!-- a -- b --><a/>",
            "<!-- a ---><a/>",
            "<? x?><a/>",
            "<?XML x?><a/>",
            " <?xml version='1.0'?><a/>",
            "<?xml version='1.0'?><?xml version='1.0'?><a/>",
            "<?xml version='1.0' encoding='latin-1'?><a/>",
            "<?xml encoding='UTF-8'?><a/>",
            "<?xml version='1.0' standalone='YES'?><a/>",
            "<?xml version='1.1'?><a/>",
            "<a b='c'/>",
            "<a b='c'd='e'/>",
            "<a/>&#32;",
            "<a/><![CDATA[]]>",
            "&#32;<a/>",
            "<a/><b/>",
            "<a>&#0;</a>",
            "<a>&#+65;</a>",
            "<a>&amp</a>",
            "< a/>",
            "<a></ a>",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn entities_and_document_types_are_refused() {
        for page in ["<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "<a>&b;</a>", "<a>&#0;</a>", "<a>&#x1F;</a>"] {
            let mut pull = Pull::new("test", page.as_bytes()).unwrap();
            let read = pull.child().and_then(|_| pull.plain_text());
            assert!(read.is_err(), "{page}");
        }
    }
}
