//! From the small tables to what pchat manages: categories, rooms, principals, their roles, add-ins. What a row says
//! that cannot be is counted, and never repaired by guessing.

mod nodes;
mod people;

use self::nodes::Nodes;
use self::people::{People, built_in};
use super::known::{Dialect, NODE, PRINCIPAL};
use super::tables::Tables;
use super::value::{Fault, Value};
use crate::error::{Error, Kind, Place, Result};
use crate::formats::Remarks;
use crate::model::field::{self, Fits, Held, Key};
use crate::model::ids::{RoomKey, fold};
use crate::model::message::Persona;
use crate::model::record::{Record, Shape};
use crate::model::unit::RoomHint;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// What the tables do not say themselves.
#[derive(Debug, Clone, Default)]
pub struct Outside {
    /// What the source is called.
    pub place: String,
    /// The pool, when it was named.
    pub pool: Option<String>,
    /// The domain in addresses of rooms, when it is known.
    pub domain: Option<String>,
    /// Addresses of rooms that are known already, by their identity.
    pub known: Arc<HashMap<String, RoomKey>>,
}

impl Outside {
    /// The address of a room with this identity.
    pub fn room(&self, guid: &str) -> RoomKey {
        if let Some(known) = known_room(&self.known, self.pool.as_deref(), guid) {
            return known.clone();
        }
        let uri = match &self.domain {
            Some(domain) => format!("ma-chan://{domain}/{guid}"),
            None => guid.to_owned(),
        };
        RoomKey { pool: self.pool().to_owned(), uri }
    }

    /// The pool of rooms for which nobody named one.
    pub fn pool(&self) -> &str {
        self.pool.as_deref().or(self.domain.as_deref()).unwrap_or(UNKNOWN)
    }
}

/// The pool of rooms for which nothing said one.
const UNKNOWN: &str = "unknown";

/// The room the store has under this identity, unless another pool was named than the one somebody has named for it.
pub fn known_room<'k>(known: &'k HashMap<String, RoomKey>, pool: Option<&str>, guid: &str) -> Option<&'k RoomKey> {
    known.get(guid).filter(|known| known.pool == UNKNOWN || pool.is_none_or(|pool| fold(pool) == fold(&known.pool)))
}

/// Rooms and people by the numbers that rows name them with.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// Rooms.
    pub rooms: HashMap<i64, (Arc<RoomKey>, RoomHint)>,
    /// People.
    pub people: HashMap<i64, Persona>,
    /// The greatest message number the server gave, by room.
    pub last: HashMap<i64, i64>,
    /// The pool of rooms that nothing describes.
    pub pool: String,
    /// Addresses of rooms by their identity, where the store has them under another.
    pub known: Arc<HashMap<String, RoomKey>>,
    /// A pool was named.
    pub named: Option<String>,
    /// What stands for all of it: the same rows under other names are other events.
    pub print: [u8; 32],
}

impl Names {
    fn printed(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        let rooms: BTreeMap<_, _> = self.rooms.iter().collect();
        let people: BTreeMap<_, _> = self.people.iter().map(|(number, persona)| (number, &persona.uri)).collect();
        let known: BTreeMap<_, _> = self.known.iter().collect();
        hash.update(format!("{rooms:?}{people:?}{known:?}{} {:?}", self.pool, self.named));
        hash.finalize().into()
    }
}

/// What the small tables become.
#[derive(Debug, Default)]
pub struct Made {
    /// Settings.
    pub records: Vec<Record>,
    /// What rows of messages are read with.
    pub names: Names,
    /// What was noted.
    pub remarks: Remarks,
}

/// Makes of the small tables what they say.
pub fn make(tables: &Tables, dialect: Dialect, outside: &Outside, shapes: &[&'static Shape]) -> Result<Made> {
    let mut made = Made::default();
    let shape = |noun: &str| {
        shapes
            .iter()
            .copied()
            .find(|shape| shape.noun == noun)
            .ok_or_else(|| Error::new(Kind::Bug, format!("there is no shape of {noun}")))
    };
    let people = People::read(tables, outside, &mut made.remarks)?;
    made.names.people = people.personas();
    made.names.pool = outside.pool().to_owned();
    made.names.known = outside.known.clone();
    made.names.named = outside.pool.clone();
    for row in tables.rows("tblLastChatId") {
        if let (Some(node), Some(last)) =
            (number(outside, "tblLastChatId", row, 0)?, number(outside, "tblLastChatId", row, 1)?)
        {
            made.names.last.insert(node, last);
        }
    }
    let kinds = kinds(tables, outside, &mut made.remarks)?;
    made.records.extend(people.records(shape("principal")?, &kinds));
    let addins = addins(tables, outside, shape("addin")?, &mut made)?;
    let nodes = Nodes::read(tables, dialect, outside, &mut made.remarks)?;
    nodes.make(&people, &addins, (shape("category")?, shape("room")?), outside, &mut made)?;
    if !nodes.is_empty() || tables.get(PRINCIPAL).is_some() && tables.get(NODE).is_some() {
        made.records.push(Record::new(shape("pool")?).with(field::NAME, outside.pool()));
    }
    let invites = tables.rows("tblPrincipalInvites").len() as u64;
    if invites > 0 {
        made.remarks.counts.insert("open invitations; pchat does not keep them", invites);
    }
    tokens(tables, &mut made.remarks);
    made.names.print = made.names.printed();
    Ok(made)
}

/// Transfers that were under way. The token itself is a credential, and is looked at by nobody.
fn tokens(tables: &Tables, remarks: &mut Remarks) {
    for row in tables.rows("tblFileToken") {
        remarks.note(match row.get(8).and_then(|value| value.bit().ok().flatten()) {
            Some(true) => "uploads that were under way when the copy was made; they are not events yet",
            Some(false) => "downloads that were under way when the copy was made; they are not events yet",
            None => "transfers of files that were under way when the copy was made; they are not events yet",
        });
    }
}

fn addins(
    tables: &Tables,
    outside: &Outside,
    shape: &'static Shape,
    made: &mut Made,
) -> Result<HashMap<String, String>> {
    let mut found = HashMap::new();
    for row in tables.rows("tblSiopWhiteList") {
        let told = |fault| wrong(outside, "tblSiopWhiteList", fault);
        let Some(guid) = row[0].guid().map_err(told)? else { continue };
        let text = |at: usize| row[at].text().map_err(told).map(|text| text.unwrap_or_default().to_owned());
        let (name, url) = (text(1)?, text(2)?);
        found.insert(guid, name.clone());
        made.records.push(
            Record::new(shape)
                .with(field::POOL, outside.pool())
                .with(field::NAME, name.as_str())
                .with(field::URL, url.as_str()),
        );
    }
    Ok(found)
}

/// The words of types of principals: those of the table, where it came in.
fn kinds(tables: &Tables, outside: &Outside, remarks: &mut Remarks) -> Result<BTreeMap<i64, String>> {
    let mut kinds: BTreeMap<i64, String> = BTreeMap::new();
    for (number, word) in built_in() {
        kinds.insert(number, word.to_owned());
    }
    for row in tables.rows("tblPrincipalType") {
        let told = |fault| wrong(outside, "tblPrincipalType", fault);
        let (Some(number), Some(word)) = (row[0].int().map_err(told)?, row[1].text().map_err(told)?) else { continue };
        if kinds.get(&number).is_some_and(|known| !known.eq_ignore_ascii_case(word.trim())) {
            remarks.note("types of principals whose numbers differ from those published; the table decides");
        }
        kinds.insert(number, word.trim().to_owned());
    }
    Ok(kinds)
}

fn wrong(outside: &Outside, table: &str, fault: Fault) -> Error {
    Error::damaged(Place::file(format!("{}!{table}", outside.place)), fault.0)
}

fn number(outside: &Outside, table: &str, row: &[Value<'_>], at: usize) -> Result<Option<i64>> {
    row[at].int().map_err(|fault| wrong(outside, table, fault))
}

/// Sets a field whose value is known.
fn with<T: Held + ?Sized, V: Fits<T>>(record: Record, key: Key<T>, value: Option<V>) -> Record {
    match value {
        Some(value) => record.with(key, value),
        None => record,
    }
}
