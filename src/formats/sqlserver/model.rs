//! `model.xml` of a package of a data tier: which tables there are, and how each of their columns is written. It is
//! read as a stream, for it also holds the text of every procedure of the database.

use super::layout::{Field, Layout};
use super::pages::Page;
use super::types::Type;
use crate::error::{Error, Kind, Place, Result};
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use std::collections::HashMap;
use std::io::BufRead;

/// Elements may be nested this deep, and one may have so many attributes.
const DEPTH: usize = 256;
const MOST_ATTRIBUTES: usize = 64;
/// Names of types that stand for others may do so this often in a row.
const ALIASES: usize = 16;
/// So many columns a table can have.
const MOST_COLUMNS: usize = 4096;

/// A table of a package.
#[derive(Debug, Clone)]
pub struct Table {
    /// Its schema.
    pub schema: String,
    /// Its name.
    pub name: String,
    /// How its rows are written, or why nobody can say.
    pub layout: Result<Layout, String>,
}

/// What a model says.
#[derive(Debug, Clone, Default)]
pub struct Model {
    /// The tables, in order.
    pub tables: Vec<Table>,
    /// The collation of the database.
    pub collation: Option<String>,
}

#[derive(Debug, Clone, Default)]
struct Column {
    name: String,
    computed: bool,
    unknown: Option<String>,
    not_null: bool,
    specifier: Specifier,
}

#[derive(Debug, Clone, Default)]
struct Specifier {
    /// The name of the type, and whether it is one of the server's own.
    kind: Option<(String, bool)>,
    length: Option<u32>,
    scale: Option<u32>,
    precision: Option<u32>,
    max: bool,
}

#[derive(Debug, Default)]
struct Raw {
    name: String,
    columns: Vec<Column>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    Root,
    Model,
    Table,
    Alias,
    Options,
    Columns,
    Column,
    Specifier,
    Inner,
    Specifiers,
    KindOf,
    Other,
}

/// Reads a model.
pub fn read(input: &mut dyn BufRead, place: &str) -> Result<Model> {
    let mut walk = Walk { place, ..Walk::default() };
    let mut reader = quick_xml::Reader::from_reader(input);
    reader.config_mut().expand_empty_elements = true;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(start)) => walk.start(&start)?,
            Ok(Event::End(_)) => walk.end(),
            Ok(Event::DocType(_)) => return Err(walk.fail("a model has no document type")),
            Ok(Event::CData(text)) => walk.text(&text),
            Ok(Event::Text(text)) => walk.text(&text),
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(_) => return Err(walk.fail("the model is not well-formed XML")),
        }
    }
    if !walk.stack.is_empty() || !walk.rooted {
        return Err(walk.fail("the model ends too early, or is not a model"));
    }
    walk.finish()
}

#[derive(Default)]
struct Walk<'a> {
    place: &'a str,
    stack: Vec<Role>,
    rooted: bool,
    tables: Vec<Raw>,
    /// Types that stand for others, by name.
    aliases: HashMap<String, Specifier>,
    alias: Option<(String, Specifier)>,
    collation: Option<String>,
    /// The property whose value stands in an element of its own.
    property: Option<String>,
}

impl Walk<'_> {
    fn fail(&self, what: &str) -> Error {
        Error::damaged(Place::file(self.place), what)
    }

    fn start(&mut self, start: &BytesStart<'_>) -> Result<()> {
        if self.stack.len() >= DEPTH {
            return Err(self.fail("elements of the model are nested more than 256 deep"));
        }
        let parent = self.stack.last().copied();
        let tag = start.name();
        let tag: &str = tag.as_ref();
        let tag = tag.rsplit(':').next().unwrap_or(tag);
        if parent == Some(Role::Other) {
            self.stack.push(Role::Other);
            return Ok(());
        }
        let mut named: HashMap<String, String> = HashMap::new();
        for (count, attribute) in start.attributes().enumerate() {
            let attribute = attribute.map_err(|_| self.fail("an attribute of the model is malformed"))?;
            if count >= MOST_ATTRIBUTES {
                return Err(self.fail("an element of the model has more than 64 attributes"));
            }
            let key: &str = attribute.key.as_ref();
            // Texts of procedures may hold what XML does not allow; names of tables may not.
            if let Ok(value) = attribute.normalized_value(XmlVersion::Implicit1_0) {
                named.insert(key.to_owned(), value.into_owned());
            }
        }
        let get = |name: &str| named.get(name).map_or("", String::as_str);
        let role = match (parent, tag) {
            (None, "DataSchemaModel") if !self.rooted => {
                self.rooted = true;
                Role::Root
            }
            (None, _) => return Err(self.fail("this is not a model of a database")),
            (Some(Role::Root), "Model") => Role::Model,
            (Some(Role::Model), "Element") => match get("Type") {
                "SqlTable" => {
                    self.tables.push(Raw { name: get("Name").to_owned(), columns: Vec::new() });
                    Role::Table
                }
                "SqlUserDefinedDataType" => {
                    self.alias = Some((get("Name").to_owned(), Specifier::default()));
                    Role::Alias
                }
                "SqlDatabaseOptions" => Role::Options,
                _ => Role::Other,
            },
            (Some(Role::Options), "Property") if get("Name") == "Collation" => {
                self.collation = Some(get("Value").to_owned()).filter(|text| !text.is_empty());
                Role::Other
            }
            (Some(Role::Table), "Relationship") if get("Name") == "Columns" => Role::Columns,
            (Some(Role::Columns), "Entry") => Role::Columns,
            (Some(Role::Columns), "Element") => {
                let kind = get("Type");
                let column = Column {
                    name: get("Name").to_owned(),
                    computed: kind == "SqlComputedColumn",
                    unknown: (!matches!(kind, "SqlSimpleColumn" | "SqlComputedColumn")).then(|| kind.to_owned()),
                    ..Column::default()
                };
                let most = self.tables.last().map_or(0, |table| table.columns.len());
                if most >= MOST_COLUMNS {
                    return Err(self.fail("a table of the model has more than 4096 columns"));
                }
                if let Some(table) = self.tables.last_mut() {
                    table.columns.push(column);
                }
                Role::Column
            }
            (Some(Role::Column | Role::Alias | Role::Specifier), "Property") => {
                self.property = Some(get("Name").to_owned());
                let value = get("Value").to_owned();
                self.property(&value);
                Role::Inner
            }
            (Some(Role::Inner), "Value") => Role::Inner,
            (Some(Role::Column), "Relationship") if get("Name") == "TypeSpecifier" => Role::Specifiers,
            (Some(Role::Specifiers), "Entry") => Role::Specifiers,
            (Some(Role::Specifiers), "Element") => Role::Specifier,
            (Some(Role::Specifier | Role::Alias), "Relationship") if get("Name") == "Type" => Role::KindOf,
            (Some(Role::KindOf), "Entry") => Role::KindOf,
            (Some(Role::KindOf), "References") => {
                let kind = (get("Name").to_owned(), get("ExternalSource") == "BuiltIns");
                if let Some(specifier) = self.specifier() {
                    specifier.kind = Some(kind);
                }
                Role::Other
            }
            _ => Role::Other,
        };
        self.stack.push(role);
        Ok(())
    }

    /// The specifier that is being read: of an alias, or of the last column.
    fn specifier(&mut self) -> Option<&mut Specifier> {
        match &mut self.alias {
            Some((_, specifier)) => Some(specifier),
            None => self.tables.last_mut()?.columns.last_mut().map(|column| &mut column.specifier),
        }
    }

    fn property(&mut self, value: &str) {
        let Some(name) = self.property.clone() else { return };
        let value = value.trim();
        if value.is_empty() {
            return;
        }
        let in_alias = self.alias.is_some();
        if name == "IsNullable" && !in_alias {
            let column = self.tables.last_mut().and_then(|table| table.columns.last_mut());
            if let Some(column) = column {
                column.not_null = value.eq_ignore_ascii_case("false");
            }
        }
        let Some(specifier) = self.specifier() else { return };
        match name.as_str() {
            "Length" => specifier.length = value.parse().ok(),
            "Scale" => specifier.scale = value.parse().ok(),
            "Precision" => specifier.precision = value.parse().ok(),
            "IsMax" => specifier.max = value.eq_ignore_ascii_case("true"),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.stack.last() == Some(&Role::Inner) {
            self.property(text);
        }
    }

    fn end(&mut self) {
        match self.stack.pop() {
            Some(Role::Alias) => self.aliases.extend(self.alias.take()),
            Some(Role::Inner) if self.stack.last() != Some(&Role::Inner) => self.property = None,
            _ => {}
        }
    }

    fn finish(self) -> Result<Model> {
        let mut tables: Vec<Table> = Vec::new();
        for raw in &self.tables {
            let mut parts = split_name(&raw.name).ok_or_else(|| self.fail("a table has a name that cannot be read"))?;
            let (Some(name), Some(schema)) = (parts.pop(), parts.pop()) else {
                return Err(self.fail("a table has a name without a schema"));
            };
            let same =
                |table: &&Table| table.name.eq_ignore_ascii_case(&name) && table.schema.eq_ignore_ascii_case(&schema);
            if tables.iter().find(same).is_some() {
                return Err(self.fail("two tables of the model have the same name"));
            }
            tables.push(Table { schema, name, layout: self.layout(&raw.columns) });
        }
        Ok(Model { tables, collation: self.collation })
    }

    fn layout(&self, columns: &[Column]) -> Result<Layout, String> {
        let mut fields: Vec<Field> = Vec::new();
        for column in columns.iter().filter(|column| !column.computed) {
            let name = split_name(&column.name).and_then(|mut parts| parts.pop()).unwrap_or_default();
            if fields.iter().any(|field| field.name.eq_ignore_ascii_case(&name)) {
                return Err(format!("two columns are named {name:?}"));
            }
            if let Some(kind) = &column.unknown {
                return Err(format!("the column {name:?} is of the unknown kind {kind:?}"));
            }
            let (kind, specifier) =
                self.resolve(&column.specifier).ok_or_else(|| format!("the column {name:?} has no type"))?;
            fields.push(field(&name, &kind, &specifier, !column.not_null)?);
        }
        if fields.is_empty() {
            return Err("it has no columns".to_owned());
        }
        Ok(Layout { fields, lone_line_ends: false })
    }

    /// The type of the server behind names that stand for others, with the size it has there.
    fn resolve(&self, specifier: &Specifier) -> Option<(String, Specifier)> {
        let mut specifier = specifier.clone();
        for _ in 0..ALIASES {
            let (name, own) = specifier.kind.clone()?;
            if own {
                return Some((split_name(&name)?.pop()?.to_ascii_lowercase(), specifier));
            }
            specifier = self.aliases.get(&name)?.clone();
        }
        None
    }
}

/// How a column is written in a package.
fn field(name: &str, kind: &str, specifier: &Specifier, nullable: bool) -> Result<Field, String> {
    let size = if kind == "float" { specifier.precision.or(specifier.length) } else { specifier.scale };
    let Some(of) = Type::named(kind, size) else {
        return Err(format!("the column {name:?} has the type {kind:?}, which is not supported"));
    };
    let optional = u8::from(nullable);
    let (prefix, length) = match kind {
        "char" if !nullable => (0, 2 * specifier.length.unwrap_or(1) as usize),
        "xml" => (8, 0),
        "text" | "ntext" | "image" => (4, 0),
        "char" | "nchar" | "varchar" | "nvarchar" | "sysname" | "binary" | "varbinary" => {
            (if specifier.max { 8 } else { 2 }, 0)
        }
        "bit" | "uniqueidentifier" | "decimal" | "numeric" => (1, 0),
        _ => (optional, 0),
    };
    Ok(Field { length, ..Field::native(name, of, nullable, prefix, Page::Wide) })
}

/// The parts of a name in brackets; a `]` in it is doubled.
pub fn split_name(text: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.strip_prefix('[')?;
        let mut part = String::new();
        loop {
            let end = rest.find(']')?;
            part.push_str(&rest[..end]);
            rest = &rest[end + 1..];
            match rest.strip_prefix(']') {
                Some(after) => {
                    part.push(']');
                    rest = after;
                }
                None => break,
            }
        }
        parts.push(part);
        match rest.strip_prefix('.') {
            Some(after) => rest = after,
            None if rest.is_empty() => return Some(parts),
            None => return None,
        }
    }
}

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
pub fn origin(bytes: &[u8], place: &str) -> Result<Origin> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_split_by_their_brackets() {
        assert_eq!(split_name("[dbo].[a]].b.c]"), Some(vec!["dbo".to_owned(), "a].b.c".to_owned()]));
        for wrong in ["", "dbo.a", "[dbo", "[dbo].", "[a][b]"] {
            assert_eq!(split_name(wrong), None, "{wrong}");
        }
    }
}
