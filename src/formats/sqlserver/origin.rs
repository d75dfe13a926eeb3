//! `Origin.xml` of a package of a data tier: what is known of it beside its model.

use super::model::{DEPTH, MOST_ATTRIBUTES};
use crate::error::{Error, Kind, Place, Result};
use quick_xml::XmlVersion;
use quick_xml::events::Event;

/// What is known of the package beside its model.
#[derive(Debug, Clone, Default)]
pub struct Origin {
    /// Does it say that data was exported?
    pub with_data: Option<bool>,
    /// The version of the form of the data.
    pub data: Option<String>,
    /// Rows of all tables together.
    pub rows: Option<u64>,
    /// The SHA-256 of the model, in upper-case hex.
    pub model: Option<String>,
    /// The tables whose data was asked for, where the package says so.
    pub asked: Option<Vec<String>>,
    /// Who made it, and when.
    pub product: String,
    /// The server it comes from.
    pub server: String,
    /// When it was made, as it says.
    pub start: String,
}

/// Reads `Origin.xml`.
pub fn read(bytes: &[u8], place: &str) -> Result<Origin> {
    let fail = |what: &str| Error::damaged(Place::file(place), what);
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let text = std::str::from_utf8(bytes).map_err(|_| fail("Origin.xml is not UTF-8"))?;
    let mut reader = quick_xml::Reader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    let mut origin = Origin::default();
    let mut path: Vec<String> = Vec::new();
    let mut what = String::new();
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => {
                let tag: String = AsRef::<str>::as_ref(&start.name()).to_owned();
                if path.len() >= DEPTH {
                    return Err(fail("elements of Origin.xml are nested more than 256 deep"));
                }
                path.push(tag);
                what.clear();
                for attribute in start.attributes().take(MOST_ATTRIBUTES).flatten() {
                    if matches!(attribute.key.as_ref(), "StreamName" | "Uri") {
                        what = attribute.normalized_value(XmlVersion::Implicit1_0).unwrap_or_default().into_owned();
                    }
                }
            }
            Ok(Event::End(_)) => drop(path.pop()),
            Ok(Event::Text(text)) => {
                let text = text.trim();
                let last = path.last().map_or("", String::as_str);
                match last {
                    _ if text.is_empty() => {}
                    "ContainsExportedData" => origin.with_data = Some(text.eq_ignore_ascii_case("true")),
                    "Version" if what == "Data" => origin.data = Some(text.to_owned()),
                    "TableRowCountTotalTag" => {
                        origin.rows = Some(text.parse().map_err(|_| fail("the number of rows is not a number"))?);
                    }
                    "Checksum" if what == "/model.xml" => origin.model = Some(text.to_owned()),
                    "DataPhaseTables" => {
                        origin.asked = Some(text.split(',').map(|name| name.trim().to_owned()).collect());
                    }
                    "ProductName" => origin.product = text.to_owned(),
                    "ProductVersion" => origin.product = format!("{} {text}", origin.product).trim().to_owned(),
                    "ServerVersion" => origin.server = text.lines().next().unwrap_or_default().to_owned(),
                    "Start" => origin.start = text.to_owned(),
                    _ => {}
                }
            }
            Ok(Event::DocType(_)) => return Err(fail("Origin.xml has no document type")),
            Ok(Event::Eof) if path.is_empty() => break,
            Ok(Event::Eof) | Err(_) => return Err(fail("Origin.xml is not well-formed XML")),
            Ok(_) => {}
        }
    }
    match &origin.data {
        Some(version) if !version.starts_with("2.") => Err(Error::new(
            Kind::Refused,
            format!(
                "the data of this package has version {}; only version 2 is supported",
                version.chars().take(20).collect::<String>()
            ),
        )
        .at(Place::file(place))
        .hint("export it again with a newer SqlPackage, or with bcp -N (docs/migrate.md)")),
        _ => Ok(origin),
    }
}
