//! Pages of the catalog: the records of one noun, in order of their keys. Principals go on in further pages.

use super::CATALOG;
use crate::error::Result;
use crate::formats::xml::{DECLARATION, NAMESPACE, Pull, write_element};
use crate::model::catalog::Catalog;
use crate::model::hash;
use crate::model::list::Growing;
use crate::model::record::{Record, Shape, Type, Value};
use std::collections::HashSet;

/// The name of a page of this plural; the first has no number.
pub fn name(plural: &str, number: u32) -> String {
    match number {
        1 => format!("{CATALOG}{plural}.xml"),
        _ => format!("{CATALOG}{plural}.{number:06}.xml"),
    }
}

/// Of which plural a page of this name is, and which one.
pub fn named(name: &str) -> Option<(&str, u32)> {
    let stem = name.strip_prefix(CATALOG)?.strip_suffix(".xml")?;
    match stem.split_once('.') {
        None => Some((stem, 1)),
        Some((plural, number)) => {
            let number = number.parse().ok().filter(|number| *number > 1)?;
            (self::name(plural, number) == name).then_some((plural, number))
        }
    }
}

/// Writes the page of a noun that has one.
pub fn write(shape: &Shape, catalog: &Catalog) -> Vec<u8> {
    page(shape, catalog.of(shape.noun))
}

/// Writes a page of these records.
pub fn page<'a>(shape: &Shape, records: impl IntoIterator<Item = &'a Record>) -> Vec<u8> {
    let mut out = begin(shape);
    records.into_iter().for_each(|record| add(&mut out, record));
    end(out)
}

/// Begins a page.
pub fn begin(shape: &Shape) -> Vec<u8> {
    let mut out = DECLARATION.as_bytes().to_vec();
    out.extend_from_slice(format!("<catalog xmlns=\"{NAMESPACE}\" noun=\"{}\">\n", shape.noun).as_bytes());
    out
}

/// Ends a page.
pub fn end(mut out: Vec<u8>) -> Vec<u8> {
    out.extend_from_slice(b"</catalog>\n");
    out
}

/// Adds a record to a page.
pub fn add(out: &mut Vec<u8>, record: &Record) {
    out.extend_from_slice(if record.discovered { b"<record discovered=\"true\">\n" } else { b"<record>\n" });
    for (field, value) in record.shape.fields.iter().zip(&record.values) {
        match value {
            Value::Null => continue,
            Value::List(items) => {
                out.extend_from_slice(format!("  <list name=\"{}\">\n", field.name).as_bytes());
                for item in items {
                    out.extend_from_slice(b"    ");
                    write_element(out, "item", item);
                    out.push(b'\n');
                }
                out.extend_from_slice(b"  </list>\n");
            }
            other => {
                out.extend_from_slice(format!("  <field name=\"{}\">", field.name).as_bytes());
                crate::formats::xml::write_text(out, &other.show());
                out.extend_from_slice(b"</field>\n");
            }
        }
    }
    out.extend_from_slice(b"</record>\n");
}

/// Keys that were met; of each there is what stands for it, for there may be very many.
#[derive(Debug, Default)]
pub struct Keys(HashSet<u128>);

/// Reads the page of a noun that has one.
pub fn read(bytes: &[u8], place: &str, shape: &'static Shape) -> Result<Vec<Record>> {
    let mut records = Vec::new();
    each(bytes, place, shape, &mut Keys::default(), &mut |record| {
        records.push(record);
        Ok(())
    })?;
    Ok(records)
}

/// Reads a page of one noun, checks types and lengths, and hands out its records. None has a key that was met before.
pub fn each(
    bytes: &[u8],
    place: &str,
    shape: &'static Shape,
    keys: &mut Keys,
    take: &mut dyn FnMut(Record) -> Result<()>,
) -> Result<()> {
    let mut pull = Pull::new(place, bytes)?;
    let root = pull.root("catalog")?;
    let mut noun = None;
    pull.attributes(&root, |key, value| {
        match key {
            "xmlns" => {}
            "noun" => noun = Some(value.to_owned()),
            _ => return Err("a catalog has no such attribute"),
        }
        Ok(())
    })?;
    if noun.as_deref() != Some(shape.noun) {
        return Err(pull.fail(format!("the page is not about {}", shape.plural)));
    }
    while let Some(start) = pull.child()? {
        if start.name().as_ref() != "record" {
            return Err(pull.fail("a catalog holds <record> elements, nothing else"));
        }
        let mut record = Record::new(shape);
        pull.attributes(&start, |key, value| match (key, value) {
            ("discovered", "true") => {
                record.discovered = true;
                Ok(())
            }
            ("discovered", "false") => Ok(()),
            _ => Err("a record has no such attribute"),
        })?;
        read_fields(&mut pull, &mut record)?;
        for name in shape.key {
            // History may mention a category without a name.
            if record.get(name).text().is_none_or(|text| text.is_empty() && !record.discovered) {
                return Err(pull.fail(format!("the {} has no {name}", shape.noun)));
            }
        }
        // A room that is known by its address has a name all the same.
        if let Some(name) = shape.identity.iter().find(|name| record.get(name).text().is_none()) {
            return Err(pull.fail(format!("the {} has no {name}", shape.noun)));
        }
        if !keys.0.insert(hash::short(&record.key())) {
            return Err(pull.fail(format!("two {} have the same identity", shape.plural)));
        }
        take(record)?;
    }
    pull.end()
}

fn read_fields(pull: &mut Pull<'_>, record: &mut Record) -> Result<()> {
    let shape = record.shape;
    while let Some(part) = pull.child()? {
        let list = match part.name().as_ref() {
            "field" => false,
            "list" => true,
            _ => return Err(pull.fail("a record holds <field> and <list> elements, nothing else")),
        };
        let mut at = None;
        pull.attributes(&part, |key, value| {
            at = (key == "name").then(|| shape.position(value)).flatten();
            at.map(|_| ()).ok_or("this noun has no such field")
        })?;
        let Some(at) = at else { return Err(pull.fail("the field needs a name")) };
        let field = &shape.fields[at];
        if record.values[at] != Value::Null {
            return Err(pull.fail(format!("{} is given twice", field.name)));
        }
        // What is known from history only was never bound by the limits of the product.
        let limit = if record.discovered { 0 } else { field.max };
        let long = |text: &str| limit > 0 && text.chars().count() > limit;
        record.values[at] = if list && field.kind == Type::List {
            let (mut items, mut too_long) = (Growing::default(), false);
            while let Some(item) = pull.child()? {
                if item.name().as_ref() != "item" {
                    return Err(pull.fail("a list holds <item> elements, nothing else"));
                }
                let item = pull.plain_text()?;
                too_long |= long(&item);
                items.push(&item);
            }
            if too_long {
                return Err(pull.fail(format!("an entry of {} is longer than {} characters", field.name, field.max)));
            }
            items.list().into()
        } else {
            let text = pull.plain_text()?;
            if field.kind == Type::Text && long(&text) {
                return Err(pull.fail(format!("{} is longer than {} characters", field.name, field.max)));
            }
            match Value::parse(field.kind, &text) {
                Some(value) if !list => value,
                _ => return Err(pull.fail(format!("the value of {} is not of its type", field.name))),
            }
        };
    }
    Ok(())
}
