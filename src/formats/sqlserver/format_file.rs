//! Format files of `bcp`, as text and as XML: what fields a row has, in which order, and how each is written.

use super::given::head_text;
use super::layout::{Field, Layout};
use super::pages::Page;
use super::types::Type;
use crate::error::{Error, Place, Result};
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use std::collections::HashMap;

/// A row has at most so many fields.
const MOST_FIELDS: usize = 4096;

/// Reads a format file. `page` is the code page of text for which the file names none.
pub fn read(bytes: &[u8], place: &str, page: Page) -> Result<Layout> {
    let text = head_text(bytes);
    let text = text.trim_start_matches('\u{FEFF}');
    let layout = match text.trim_start().starts_with('<') {
        true => xml(text, place, page)?,
        false => lines(text, place, page)?,
    };
    check(&layout, place)?;
    Ok(layout)
}

fn fail(place: &str, line: u64, what: impl Into<String>) -> Error {
    Error::damaged(Place { file: place.to_owned(), line, column: 0 }, what)
}

/// Refuses what no file can be read by.
fn check(layout: &Layout, place: &str) -> Result<()> {
    for (at, field) in layout.fields.iter().enumerate() {
        let twice = layout.fields[..at].iter().any(|other| other.name.eq_ignore_ascii_case(&field.name));
        if twice && !field.name.is_empty() {
            return Err(fail(place, 0, format!("two fields are named {:?}", field.name)));
        }
        let ends = field.prefix > 0 || !field.terminator.is_empty() || field.length > 0;
        if !ends && (field.characters || field.kind.length().is_none()) {
            return Err(fail(place, 0, format!("the field {:?} has no length, prefix or terminator", field.name)));
        }
        if !field.characters && field.prefix == 0 && !field.terminator.is_empty() {
            return Err(fail(
                place,
                0,
                format!("the terminator of the field {:?} could stand within its value", field.name),
            ));
        }
    }
    Ok(())
}

fn lines(text: &str, place: &str, page: Page) -> Result<Layout> {
    let mut lines = text.lines().enumerate().map(|(at, line)| (at as u64 + 1, line));
    let version = lines.next().map_or("", |(_, line)| line.trim());
    let major: Option<u32> = version.split('.').next().and_then(|text| text.parse().ok());
    if major.is_none_or(|major| !(7..=99).contains(&major)) {
        return Err(fail(place, 1, "the version of this format file must be 7.0 or later"));
    }
    let count: Option<usize> = lines.next().and_then(|(_, line)| line.trim().parse().ok());
    let Some(count) = count.filter(|count| (1..=MOST_FIELDS).contains(count)) else {
        return Err(fail(place, 2, "the number of fields must be from 1 to 4096"));
    };
    let mut fields = Vec::new();
    for (line, text) in lines {
        if text.trim().is_empty() {
            continue;
        }
        let items = items(text).ok_or_else(|| fail(place, line, "a quote is not closed"))?;
        let [order, host, prefix, length, terminator, server, name, rest @ ..] = items.as_slice() else {
            return Err(fail(place, line, "a field has fewer than seven items"));
        };
        if order.parse::<usize>().ok() != Some(fields.len() + 1) {
            return Err(fail(place, line, "the fields must be numbered from 1"));
        }
        let prefix: u8 = prefix
            .parse()
            .ok()
            .filter(|prefix| matches!(prefix, 0 | 1 | 2 | 4 | 8))
            .ok_or_else(|| fail(place, line, "the length of the prefix must be 0, 1, 2, 4 or 8"))?;
        let length = length.parse().map_err(|_| fail(place, line, "the length of the data is not a number"))?;
        let server: usize = server.parse().map_err(|_| fail(place, line, "the order of the column is not a number"))?;
        let terminator = escapes(terminator).ok_or_else(|| fail(place, line, "the terminator cannot be read"))?;
        let (kind, characters) = host_type(host).ok_or_else(|| fail(place, line, format!("unknown type {host:?}")))?;
        let collation = rest.first().map_or("", String::as_str);
        fields.push(Field {
            name: if server == 0 { String::new() } else { name.clone() },
            kind,
            nullable: true,
            prefix,
            length,
            terminator,
            page: if host == "SQLNCHAR" { Page::Wide } else { of_collation(collation, page) },
            characters: characters && prefix == 0,
        });
    }
    if fields.len() != count {
        return Err(fail(place, 2, format!("{count} fields are declared, but there are {}", fields.len())));
    }
    Ok(Layout { lone_line_ends: false, fields })
}

/// The items of a line; what has spaces stands in quotes.
fn items(line: &str) -> Option<Vec<String>> {
    let mut found = Vec::new();
    let mut rest = line.trim_start();
    while !rest.is_empty() {
        let (item, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_item(quoted)?,
            None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
        };
        found.push(item.to_owned());
        rest = after.trim_start();
    }
    Some(found)
}

/// What stands up to the closing quote, and what follows it. A terminator may hold a quote, behind a backslash.
fn quoted_item(text: &str) -> Option<(&str, &str)> {
    let mut escaped = false;
    let end = text.char_indices().find(|(_, c)| {
        let closes = *c == '"' && !escaped;
        escaped = *c == '\\' && !escaped;
        closes
    });
    end.map(|(at, _)| (&text[..at], &text[at + 1..]))
}

/// A terminator as it is written: `\t`, `\r\n`, `\0`.
pub fn escapes(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            let mut buffer = [0; 4];
            out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
            continue;
        }
        out.push(match chars.next()? {
            't' => b'\t',
            'n' => b'\n',
            'r' => b'\r',
            '0' => 0,
            '\\' => b'\\',
            '"' => b'"',
            _ => return None,
        });
    }
    Some(out)
}

/// The type of a field in a file, and whether it is characters.
fn host_type(word: &str) -> Option<(Type, bool)> {
    Some(match word.to_ascii_uppercase().as_str() {
        "SQLCHAR" | "SQLNCHAR" => (Type::Text, true),
        "SQLBINARY" => (Type::Binary, false),
        "SQLBIT" => (Type::Bit, false),
        "SQLTINYINT" => (Type::Int(1), false),
        "SQLSMALLINT" => (Type::Int(2), false),
        "SQLINT" => (Type::Int(4), false),
        "SQLBIGINT" => (Type::Int(8), false),
        "SQLFLT4" => (Type::Float(4), false),
        "SQLFLT8" => (Type::Float(8), false),
        "SQLMONEY" => (Type::Money(8), false),
        "SQLMONEY4" => (Type::Money(4), false),
        "SQLDECIMAL" | "SQLNUMERIC" => (Type::Decimal, false),
        "SQLDATETIME" => (Type::DateTime, false),
        "SQLDATETIM4" => (Type::SmallDateTime, false),
        "SQLDATE" => (Type::Date, false),
        "SQLTIME" => (Type::Time(7), false),
        "SQLDATETIME2" => (Type::DateTime2(7), false),
        "SQLDATETIMEOFFSET" => (Type::Offset(7), false),
        "SQLUNIQUEID" => (Type::Guid, false),
        _ => return None,
    })
}

/// Collations of the West are code page 1252; of others nobody here knows the page, so the one that was named counts.
fn of_collation(name: &str, page: Page) -> Page {
    match (page, name.to_ascii_uppercase()) {
        (Page::Unsaid, name) if name.contains("UTF8") => Page::Utf8,
        (page, _) => page,
    }
}

/// What an XML file says of a field before its column is known.
struct Raw {
    id: String,
    kind: String,
    prefix: u8,
    length: usize,
    terminator: Vec<u8>,
    collation: String,
    column: Option<(String, String)>,
}

fn xml(text: &str, place: &str, page: Page) -> Result<Layout> {
    let mut reader = quick_xml::Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut fields: Vec<Raw> = Vec::new();
    let mut root = false;
    loop {
        let bad = |what: &str| fail(place, 0, what);
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                let tag: String = AsRef::<str>::as_ref(&start.name()).to_owned();
                let tag = tag.rsplit(':').next().unwrap_or_default();
                let named = attributes(&start).ok_or_else(|| bad("an attribute is malformed"))?;
                let get = |name: &str| named.get(name).cloned().unwrap_or_default();
                match tag {
                    "BCPFORMAT" => root = true,
                    "FIELD" if fields.len() >= MOST_FIELDS => return Err(bad("there are more than 4096 fields")),
                    "FIELD" => {
                        let prefix =
                            if get("PREFIX_LENGTH").is_empty() { Some(0) } else { get("PREFIX_LENGTH").parse().ok() };
                        let prefix = prefix.filter(|prefix| matches!(prefix, 0 | 1 | 2 | 4 | 8));
                        let terminator = escapes(&get("TERMINATOR"));
                        fields.push(Raw {
                            id: get("ID"),
                            kind: get("xsi:type").rsplit(':').next().unwrap_or_default().to_owned(),
                            prefix: prefix.ok_or_else(|| bad("the length of a prefix must be 0, 1, 2, 4 or 8"))?,
                            length: get("LENGTH").parse().unwrap_or(0),
                            terminator: terminator.ok_or_else(|| bad("a terminator cannot be read"))?,
                            collation: get("COLLATION"),
                            column: None,
                        });
                    }
                    "COLUMN" => {
                        let source = get("SOURCE");
                        let field = fields.iter_mut().find(|field| field.id == source);
                        let field = field.ok_or_else(|| bad("a column names a field that does not exist"))?;
                        field.column =
                            Some((get("NAME"), get("xsi:type").rsplit(':').next().unwrap_or_default().to_owned()));
                    }
                    _ => {}
                }
            }
            Ok(Event::DocType(_)) => return Err(bad("a format file has no document type")),
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(_) => return Err(bad("the format file is not well-formed XML")),
        }
    }
    if !root || fields.is_empty() {
        return Err(fail(place, 0, "this is not a format file: it has no fields"));
    }
    let fields = fields.into_iter().map(|raw| of_xml(raw, place, page)).collect::<Result<_>>()?;
    Ok(Layout { lone_line_ends: false, fields })
}

fn attributes(start: &BytesStart<'_>) -> Option<HashMap<String, String>> {
    let mut named = HashMap::new();
    for attribute in start.attributes().take(64) {
        let attribute = attribute.ok()?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
        named.insert(AsRef::<str>::as_ref(&attribute.key).to_owned(), value.into_owned());
    }
    Some(named)
}

fn of_xml(raw: Raw, place: &str, page: Page) -> Result<Field> {
    let (name, kind) = raw.column.unwrap_or_default();
    let characters = matches!(raw.kind.as_str(), "CharFixed" | "NCharFixed" | "CharTerm" | "NCharTerm");
    let wide = raw.kind.starts_with("NChar");
    let of = match raw.kind.as_str() {
        "NativeFixed" | "NativePrefix" => native(&kind),
        "CharFixed" | "NCharFixed" | "CharPrefix" | "NCharPrefix" | "CharTerm" | "NCharTerm" => Some(Type::Text),
        _ => None,
    };
    let Some(of) = of else {
        return Err(fail(place, 0, format!("the field {:?} has an unknown type", raw.id)));
    };
    let text = of == Type::Text && raw.kind.starts_with("Native");
    Ok(Field {
        name,
        kind: of,
        nullable: true,
        prefix: raw.prefix,
        length: raw.length,
        terminator: raw.terminator,
        page: if wide || text { Page::Wide } else { of_collation(&raw.collation, page) },
        characters,
    })
}

/// The type of a column of an XML file.
fn native(word: &str) -> Option<Type> {
    Some(match word.to_ascii_uppercase().as_str() {
        "SQLNVARCHAR" | "SQLVARYCHAR" | "SQLCHAR" | "SQLNCHAR" => Type::Text,
        "SQLVARYBIN" | "SQLBINARY" => Type::Binary,
        other => host_type(other)?.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_format_files_are_refused() {
        let line = "1 SQLINT 0 4 \"\" 1 a \"\"\r\n";
        let good = format!("14.0\r\n1\r\n{line}");
        assert_eq!(read(good.as_bytes(), "f", Page::Unsaid).unwrap().fields.len(), 1);
        for wrong in [
            "6.0\n1\n1 SQLINT 0 4 \"\" 1 a \"\"\n".to_owned(),
            format!("14.0\r\n2\r\n{line}"),
            format!("14.0\r\n1000000000\r\n{line}"),
            "14.0\n1\n1 SQLINT 3 4 \"\" 1 a \"\"\n".to_owned(),
            "14.0\n1\n0 SQLINT 0 4 \"\" 1 a \"\"\n".to_owned(),
            "14.0\n1\n1 SQLODD 0 4 \"\" 1 a \"\"\n".to_owned(),
            "14.0\n1\n1 SQLINT 0 4 \"\\t\" 1 a \"\"\n".to_owned(),
            "14.0\n1\n1 SQLCHAR 0 0 \"\" 1 a \"\"\n".to_owned(),
            "14.0\n1\n1 SQLINT 0 4 \"\n".to_owned(),
            "<BCPFORMAT><ROW><COLUMN SOURCE=\"1\" NAME=\"a\"/></ROW></BCPFORMAT>".to_owned(),
            "<BCPFORMAT/>".to_owned(),
            "<!DOCTYPE a><BCPFORMAT/>".to_owned(),
        ] {
            assert!(read(wrong.as_bytes(), "f", Page::Unsaid).is_err(), "{wrong:?}");
        }
        // Quotes may end fields.
        let quoted = "14.0\n2\n1 SQLCHAR 0 9 \"\\\",\\\"\" 1 a \"\"\n2 SQLCHAR 0 9 \"\\\"\\r\\n\" 2 b \"\"\n";
        let fields = read(quoted.as_bytes(), "f", Page::Unsaid).unwrap().fields;
        assert_eq!((&fields[0].terminator[..], &fields[1].terminator[..]), (&b"\",\""[..], &b"\"\r\n"[..]));
        assert_eq!(escapes("\\r\\0\\n\\0").unwrap(), b"\r\0\n\0");
    }
}
