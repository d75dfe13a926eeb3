//! The same tables written again, as `bcp -N` writes them, with format files and the statements that make the tables:
//! so that a history can be loaded into any SQL Server.
//!
//! Workers write rows with numbers of their own unit; the ledger knows the numbers of rooms and people and puts them
//! in.

mod files;
mod ledger;
mod small;

use self::ledger::Tables;
use super::encode::put;
use super::known::{CHAT, Dialect, KNOWN, Known, PARTICIPANT, QUEUE};
use super::layout::Layout;
use super::pages::Page;
use super::value::Value;
use crate::error::{Error, Kind as Failure, Result};
use crate::formats::cut::{About, By, Cut};
use crate::formats::write::{Contents, Format, Ledger, Part, Settings, Written};
use crate::model::field;
use crate::model::ids::{EventId, fold};
use crate::model::message::{Content, Event, Kind};
use crate::model::record::Record;
use crate::model::unit::Unit;
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

/// The tables as a format that is written.
pub const WRITTEN: Written = Written {
    word: "mgc",
    about: "tables of the product's database, as bcp -N writes them",
    title: "tables of mgc",
    name: "Mgc",
    custody: ("pchat-mgc", 1),
    settings: true,
    one_file: false,
    make: || Box::new(Mgc::default()),
};

/// The folder of the files in a bag.
pub const TOP: &str = "data/mgc/";

/// What the settings describe, until the ledger takes it.
#[derive(Default)]
struct Mgc {
    described: Arc<Mutex<Described>>,
}

/// Names of categories, and keys of rooms.
#[derive(Default)]
struct Described {
    categories: Vec<String>,
    rooms: Vec<String>,
}

/// What workers tell the ledger: the word first.
const PERSON: &str = "person";
const CAME: &str = "join";
const WENT: &str = "part";
const LAST: &str = "last";

/// How the rows of a table are written: every column may be missing but those without which a row means nothing.
fn layout(known: &Known) -> Layout {
    known.native(Dialect::PersistentChat, 1, Page::Wide, true)
}

fn known(name: &str) -> Result<&'static Known> {
    let found = KNOWN.iter().find(|known| known.name == name);
    found.ok_or_else(|| Error::new(Failure::Bug, format!("there is no table {name}")))
}

fn text(text: &str) -> Value<'_> {
    Value::Text(Cow::Borrowed(text))
}

/// Appends a row; a text that no column holds is cut nowhere, and said.
fn row(out: &mut Vec<u8>, layout: &Layout, values: &[Value<'_>]) -> bool {
    layout.fields.iter().zip(values).fold(true, |good, (field, value)| put(out, field, value) && good)
}

impl Format for Mgc {
    fn cut(&self) -> Cut {
        Cut::by(By::Pages)
    }

    fn settings(&self, settings: &Settings<'_>) -> Result<Vec<Part>> {
        let of = |noun: &'static str| {
            let belongs = settings.nouns.iter().any(|shape| shape.noun == noun);
            settings.catalog.of(noun).filter(move |_| belongs)
        };
        let places = of("category").chain(of("room"));
        let pools: BTreeSet<String> = places.filter_map(|place| place.at(field::POOL)).map(fold).collect();
        if pools.len() > 1 {
            return Err(Error::new(
                Failure::Refused,
                format!("the tables of mgc hold one pool, and there are {}", pools.len()),
            )
            .hint("export each by itself: --room 'POOL\\*'"));
        }
        *self.described.lock().unwrap_or_else(PoisonError::into_inner) = Described {
            categories: of("category")
                .map(|category| category.at(field::NAME).unwrap_or_default().to_owned())
                .collect(),
            rooms: of("room").map(Record::key).collect(),
        };
        Ok(Vec::new())
    }

    fn render(&self, unit: &Unit, _about: &About, _files: &dyn Contents) -> Result<Vec<Part>> {
        let (chats, queue) = (layout(known(CHAT)?), layout(known(QUEUE)?));
        let mut parts: Vec<Part> = Vec::new();
        for persona in &unit.people {
            let number = persona.number.map(|number| number.to_string()).unwrap_or_default();
            parts.push(Part::Row(vec![PERSON.to_owned(), persona.uri.clone(), number]));
        }
        let (mut chat_rows, mut queue_rows) = (Vec::new(), Vec::new());
        let (mut last, mut named, mut extra, mut files) = (0, 0, 0, 0);
        for event in &unit.events {
            let persona = &unit.people[event.who as usize];
            named += u64::from(persona.name.is_some() || persona.email.is_some() || persona.internal.is_some());
            extra += u64::from(event.more().extra.as_ref().is_some_and(|text| said_id(text).is_none()));
            files += event.more().files.len() as u64;
            let who = i64::from(event.who);
            let good = match (event.kind, event.chat) {
                (Kind::Chat, Some(number)) => {
                    last = last.max(number);
                    let rtf = event.more().rtf.as_deref().map_or(Value::Null, text);
                    let alert = event.alert.map_or(Value::Null, Value::Bit);
                    let values = [
                        Value::Int(0),
                        Value::Int(number),
                        Value::Int(event.at.0),
                        Value::Int(who),
                        alert,
                        text(&event.body),
                        rtf,
                    ];
                    row(&mut chat_rows, &chats, &values)
                }
                (Kind::Join | Kind::Part, _) => {
                    let word = if event.kind == Kind::Join { CAME } else { WENT };
                    let told = [event.at.0.to_string(), event.who.to_string(), event.sequence.to_string()];
                    parts.push(Part::Row(std::iter::once(word.to_owned()).chain(told).collect()));
                    true
                }
                (Kind::Change, _) => false,
                (kind, _) => {
                    let number = event.more().extra.as_deref().and_then(said_id);
                    let uri = unit.room.uri.as_str();
                    let values = [
                        Value::Int(0),
                        Value::Time(event.at.0),
                        Value::Int(kind.code()),
                        Value::Int(event.at.0),
                        text(uri),
                        number.map_or(Value::Null, Value::Int),
                        Value::Int(who),
                        text(&persona.uri),
                        text(&event.body),
                    ];
                    row(&mut queue_rows, &queue, &values)
                }
            };
            if !good {
                parts.push(exception(unit, event, "the tables of mgc have no row for it"));
            }
            for file in event.more().files.iter().filter(|file| file.content == Content::Kept) {
                if let (Some(link), Some(sha256)) = (file.link.as_deref().or(file.name.as_deref()), file.sha256) {
                    let name = link.rsplit(['/', '\\']).next().unwrap_or(link);
                    let safe = |c: char| c.is_alphanumeric() || "._- {}()".contains(c);
                    let name: String = name.chars().map(|c| if safe(c) { c } else { '_' }).collect();
                    let name = name.trim_matches(['.', ' ']);
                    if !name.is_empty() {
                        let folder = files::room_guid(&unit.room.uri);
                        let name = format!("{TOP}files/{folder}/{}-{name}", &crate::model::hash::hex(&sha256)[..8]);
                        parts.push(Part::Attachment { name, sha256 });
                    }
                }
            }
        }
        parts.push(Part::Row(vec![LAST.to_owned(), last.to_string()]));
        parts.push(Part::Append { to: format!("{TOP}{CHAT}.bcp"), bytes: chat_rows });
        parts.push(Part::Append { to: format!("{TOP}{QUEUE}.bcp"), bytes: queue_rows });
        parts.push(Part::Remark("events whose person's name of the time has no column in the tables of mgc", named));
        parts.push(Part::Remark("events with keys that have no column in the tables of mgc", extra));
        parts.push(Part::Remark("attachments that lie beside the tables of mgc; no column names them", files));
        Ok(parts)
    }

    fn ledger(&self) -> Box<dyn Ledger> {
        Box::new(Tables::new(self.described.clone()))
    }
}

fn exception(unit: &Unit, event: &Event, why: &str) -> Part {
    let id = EventId { room: (*unit.room).clone(), sequence: event.sequence };
    Part::Exception { event: id, why: why.to_owned() }
}

/// The number in `{"id":5}`.
fn said_id(extra: &str) -> Option<i64> {
    extra.strip_prefix("{\"id\":")?.strip_suffix('}')?.parse().ok()
}

/// The table of those who came and went.
fn participants() -> Result<&'static Known> {
    known(PARTICIPANT)
}
