//! Objects that other commands printed, as they come in on standard input: JSON, JSON Lines, or one identity a line.
//! And the store that a database is called.

use super::cmdlet::Object;
use crate::error::{Error, Kind, Place, Result, quoted};
use crate::model::record::Value as Property;
use serde_json::Value;
use std::path::Path;

/// Reads objects.
pub(super) fn read(text: &str) -> Result<Vec<Object>> {
    let text = text.trim_start_matches('\u{feff}').trim();
    if text.starts_with('[') {
        let found: Vec<Value> = serde_json::from_str(text).map_err(|error| no_json(error.line()))?;
        return Ok(found.into_iter().map(object).collect());
    }
    // One object over several lines, or one on each.
    if text.starts_with('{') {
        let mut found = Vec::new();
        for value in serde_json::Deserializer::from_str(text).into_iter::<Value>() {
            found.push(object(value.map_err(|error| no_json(error.line()))?));
        }
        return Ok(found);
    }
    if let Some(head) = text.lines().next().filter(|head| is_table(head)) {
        let what = format!("standard input has a table, and objects are needed: {}", quoted(head.trim()));
        return Err(Error::new(Kind::Usage, what)
            .at(Place { file: "standard input".to_owned(), line: 1, column: 0 })
            .hint("let the command before print objects: pchat Get-… --output jsonl | pchat …"));
    }
    Ok(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(parse).collect())
}

/// Does a line begin as tables, lists and CSV do?
fn is_table(line: &str) -> bool {
    let first = ["Identity", "Name", "Room", "SipAddress", "DisplayName", "Fact"]
        .iter()
        .find_map(|name| line.trim_start_matches('"').strip_prefix(name).map(|rest| rest.trim_start_matches('"')));
    first.is_some_and(|rest| ["  ", ",", " :", "\t"].iter().any(|mark| rest.starts_with(mark)))
}

fn no_json(line: usize) -> Error {
    Error::new(Kind::Damaged, "this is not JSON")
        .at(Place { file: "standard input".to_owned(), line: line as u64, column: 0 })
        .hint("the command before prints objects with --output jsonl")
}

/// One object, or what one is called.
pub(super) fn parse(text: &str) -> Object {
    object(
        serde_json::from_str(text)
            .ok()
            .filter(|value| !matches!(value, Value::Number(_)))
            .unwrap_or_else(|| text.into()),
    )
}

fn object(value: Value) -> Object {
    match value {
        Value::Object(object) => object,
        Value::String(text) => Object::from_iter([("Identity".to_owned(), text.into())]),
        other => Object::from_iter([("Identity".to_owned(), other.to_string().into())]),
    }
}

/// Other names that documents give properties.
const ALIASES: [(&str, &str); 6] = [
    ("Invites", "Invitations"),
    ("EnableInvitations", "Invitations"),
    ("EnableFileUpload", "FileUpload"),
    ("EnableChatHistory", "ChatHistory"),
    ("PoolFqdn", "PersistentChatPoolFqdn"),
    ("ChatRoomUri", "Uri"),
];

/// Is a property meant by this name?
pub(super) fn is_named(property: &str, name: &str) -> bool {
    let alias = ALIASES.iter().find(|(alias, _)| alias.eq_ignore_ascii_case(name));
    property.eq_ignore_ascii_case(name) || alias.is_some_and(|(_, of)| property.eq_ignore_ascii_case(of))
}

/// A property of an object, whatever the case of its name.
pub(super) fn property(object: &Object, name: &str) -> Option<Property> {
    let (_, value) = object.iter().find(|(property, _)| is_named(property, name))?;
    Some(match value {
        Value::Null => Property::Null,
        Value::Bool(is) => Property::Bool(*is),
        Value::Number(number) => number.as_i64().map_or_else(|| number.to_string().as_str().into(), Property::Int),
        Value::String(text) => text.as_str().into(),
        Value::Array(items) => Property::from(
            items.iter().map(|item| item.as_str().map_or_else(|| item.to_string(), str::to_owned)).collect::<Vec<_>>(),
        ),
        Value::Object(_) => value.to_string().as_str().into(),
    })
}

/// The file that is meant by the instance of a database, and perhaps the name of one. An instance of SQL Server, as
/// `server\rtc`, is no file: then the store is the one named elsewhere, if it lists that instance.
pub(super) fn store(instance: Option<String>, name: Option<String>) -> Option<String> {
    let instance = instance?;
    let path = Path::new(&instance);
    if path.is_dir() {
        let name = name.unwrap_or_else(|| "pchat".to_owned());
        let file = path.join(&name);
        let file = if file.exists() || name.contains('.') { file } else { path.join(format!("{name}.db")) };
        return Some(file.to_string_lossy().into_owned());
    }
    // A drive of Windows, and no protocol as in tcp:server,1433.
    let drive = instance.chars().nth(1) == Some(':') && instance.starts_with(|c: char| c.is_ascii_alphabetic());
    let is_file = path.exists() || instance.contains('/') || drive || instance.rsplit('.').next() == Some("db");
    is_file.then_some(instance)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn objects_come_in_three_forms() {
        let names = |text: &str| -> Vec<String> {
            read(text).unwrap().iter().map(|object| object["Identity"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names("{\"Identity\":\"a\"}\n{\"Identity\":\"b\"}\n"), ["a", "b"]);
        assert_eq!(names("[\n{\"Identity\":\"a\"}, \"b\"]"), ["a", "b"]);
        assert_eq!(names("\u{feff}pool\\a\n\n pool\\b\n"), ["pool\\a", "pool\\b"]);
        assert!(read("").unwrap().is_empty() && read("{\"a\"").is_err() && read("[1").is_err());
    }

    #[test]
    fn an_instance_of_sql_server_is_no_file() {
        assert_eq!(store(Some("atl-sql-001.litwareinc.com\\rtc".into()), Some("mgc".into())), None);
        assert_eq!(store(Some("atl-sql-001".into()), None), None);
        assert_eq!(store(Some("tcp:atl-sql-001,1433".into()), None), None);
        assert_eq!(store(Some("chat.db".into()), None).as_deref(), Some("chat.db"));
        assert_eq!(store(Some("/no/such/chat".into()), None).as_deref(), Some("/no/such/chat"));
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().to_str().unwrap().to_owned();
        assert_eq!(store(Some(at.clone()), Some("mgc".into())), Some(format!("{at}/mgc.db")));
    }
}
