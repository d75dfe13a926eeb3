//! `model.xml` of a package of a data tier: which tables there are, and how each of their columns is written. It is
//! read as a stream, for it also holds the text of every procedure of the database.

use super::layout::{Field, Layout};
use super::pages::Page;
use super::types::Type;
use crate::error::{Error, Place, Result};
use quick_xml::XmlVersion;
use quick_xml::events::{BytesStart, Event};
use std::collections::{HashMap, HashSet};
use std::io::{self, BufRead, Read};

/// Elements may be nested this deep, and one may have so many attributes.
pub(super) const DEPTH: usize = 256;
pub(super) const MOST_ATTRIBUTES: usize = 64;
/// Names of types that stand for others may do so this often in a row.
const ALIASES: usize = 16;
/// So many columns a table can have.
const MOST_COLUMNS: usize = 4096;
/// So many tables, and as many names of types, a model can have, and so many columns all tables together.
const MOST_TABLES: usize = 20_000;
const MOST_OF_ALL: usize = 200_000;
/// So many bytes may stand between two pieces of markup, or in one.
const PIECE: usize = 64 << 20;

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
    let mut reader = quick_xml::Reader::from_reader(Pieces { input, left: PIECE });
    reader.config_mut().expand_empty_elements = true;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        reader.get_mut().left = PIECE;
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(start)) => walk.start(&start)?,
            Ok(Event::End(_)) => walk.end(),
            Ok(Event::DocType(_)) => return Err(walk.fail("a model has no document type")),
            Ok(Event::CData(text)) => walk.text(&text),
            Ok(Event::Text(text)) => walk.text(&text),
            Ok(Event::Eof) => break,
            Ok(_) => {}
            Err(_) if reader.get_ref().left == 0 => {
                return Err(walk.fail("a text or a piece of markup of the model has more than 64 MiB"));
            }
            Err(_) => return Err(walk.fail("the model is not well-formed XML")),
        }
    }
    if !walk.stack.is_empty() || !walk.rooted {
        return Err(walk.fail("the model ends too early, or is not a model"));
    }
    walk.finish()
}

/// Lets no more through than one piece of markup, or the text before it, may have.
struct Pieces<'a> {
    input: &'a mut dyn BufRead,
    left: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let filled = self.fill_buf()?;
        let count = filled.len().min(out.len());
        out[..count].copy_from_slice(&filled[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for Pieces<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.left == 0 {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        let filled = self.input.fill_buf()?;
        Ok(&filled[..filled.len().min(self.left)])
    }

    fn consume(&mut self, count: usize) {
        self.left = self.left.saturating_sub(count);
        self.input.consume(count);
    }
}

#[derive(Default)]
struct Walk<'a> {
    place: &'a str,
    stack: Vec<Role>,
    rooted: bool,
    tables: Vec<Raw>,
    /// Of all of them.
    columns: usize,
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
                "SqlTable" | "SqlUserDefinedDataType" if self.tables.len().max(self.aliases.len()) >= MOST_TABLES => {
                    return Err(self.fail("the model has more than 20,000 tables, or as many names of types"));
                }
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
                self.columns += 1;
                if self.columns > MOST_OF_ALL {
                    return Err(self.fail("the tables of the model have more than 200,000 columns together"));
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
        let mut names = HashSet::new();
        for raw in &self.tables {
            let mut parts = split_name(&raw.name).ok_or_else(|| self.fail("a table has a name that cannot be read"))?;
            let (Some(name), Some(schema)) = (parts.pop(), parts.pop()) else {
                return Err(self.fail("a table has a name without a schema"));
            };
            if !names.insert((schema.to_ascii_lowercase(), name.to_ascii_lowercase())) {
                return Err(self.fail("two tables of the model have the same name"));
            }
            tables.push(Table { schema, name, layout: self.layout(&raw.columns) });
        }
        Ok(Model { tables, collation: self.collation })
    }

    fn layout(&self, columns: &[Column]) -> Result<Layout, String> {
        let mut fields: Vec<Field> = Vec::new();
        let mut names = HashSet::new();
        for column in columns.iter().filter(|column| !column.computed) {
            let name = split_name(&column.name).and_then(|mut parts| parts.pop()).unwrap_or_default();
            if !names.insert(name.to_ascii_lowercase()) {
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

    #[test]
    fn what_a_model_has_too_much_of_is_refused() {
        let start = "<DataSchemaModel><Model>";
        let table = |n: usize| format!("<Element Type='SqlTable' Name='[dbo].[t{n}]'/>");
        let read = |text: &str| read(&mut text.as_bytes(), "model.xml").map(|model| model.tables.len());
        let tables = |count: usize| (0..count).map(table).collect::<String>();
        let end = "</Model></DataSchemaModel>";
        assert_eq!(read(&format!("{start}{}{end}", tables(MOST_TABLES))).ok(), Some(MOST_TABLES));
        let error = read(&format!("{start}{}", tables(MOST_TABLES + 1))).unwrap_err();
        assert!(error.what().contains("20,000 tables"), "{error}");
        let error = read(&format!("{start}<x y='{}'/>", "z".repeat(PIECE))).unwrap_err();
        assert!(error.what().contains("64 MiB"), "{error}");
        let error = read(&format!("{start}{0}{0}{end}", table(1))).unwrap_err();
        assert!(error.what().contains("same name"), "{error}");
    }
}
