//! The certificate of a purge: what was asked, what went, what was held back, and what of the files belongs to nothing.
//! It holds no text that was destroyed, and no word of it.

use super::one;
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::model::counted::counted;
use crate::model::hash::hex;
use crate::model::ids::RoomKey;
use crate::model::zone::Zone;
use crate::store::purge::{Counts, Erasure, Purges};
use crate::store::sqlite::{Sqlite, sqlite_version};
use crate::store::{Corpus, Store};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, HashMap};
use std::path::Path;

/// What no program can promise from inside one file.
const OUTSIDE: &str = "backups, snapshots, exports and other copies of the store, and blocks of the disk that the \
                       operating system or the disk itself keeps";

/// The first line of a certificate.
pub(crate) const TITLE: &str = "Certificate of destruction";
/// The name of its last line.
pub(super) const HASH: &str = "Record, SHA-256";

/// How content is destroyed.
const MODE: &str = "rows deleted, words removed from the index, log folded into the file and cut to nothing, then every byte \
                    that belongs to no row made zero, and the whole file read to see that it is";

/// What SQLite keeps in the file beside a store that says where pages are in the log.
const SHARED: &str = "numbers of pages and check sums of the log, no content";

/// A certificate as a person reads it and as a program does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The number of the purge.
    pub number: i64,
    /// For people; signed.
    pub text: String,
    /// For programs: the record, the signed text and the checkpoint.
    pub json: String,
    /// Events that went.
    pub events: u64,
}

impl Certificate {
    /// The certificate as the store keeps it.
    pub fn read(number: i64, json: &str) -> Result<Certificate> {
        let broken = || Error::new(Kind::Damaged, format!("the certificate of purge {number} cannot be read"));
        let all: Value = serde_json::from_str(json).map_err(|error| broken().because(error))?;
        let text = all["note"].as_str().ok_or_else(broken)?.to_owned();
        let events = all["record"]["total"]["events"].as_u64().ok_or_else(broken)?;
        Ok(Certificate { number, text, json: json.to_owned(), events })
    }
}

fn counts(counts: &Counts) -> Value {
    json!({
        "attachments": counts.files,
        "bytes": counts.bytes,
        "events": counts.events,
        "first": counts.first.map(|at| at.to_string()),
        "last": counts.last.map(|at| at.to_string()),
        "messages": counts.messages,
    })
}

/// The plan of a purge, as far as its certificate repeats it.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Plan<'a> {
    approval: Value,
    goes: Value,
    held: Map<String, Value>,
    spared: Value,
    #[serde(borrow)]
    rooms: Vec<&'a RawValue>,
}

/// A room of a plan.
#[derive(Default, Deserialize)]
#[serde(default)]
struct PlannedRoom {
    pool: String,
    uri: String,
    name: Option<String>,
}

fn raw(value: &Value) -> Result<Box<RawValue>> {
    RawValue::from_string(value.to_string())
        .map_err(|error| Error::new(Kind::Bug, "a record is not JSON").because(error))
}

/// The record with its rooms, its keys in order.
fn whole(record: &Value, rooms: &[Box<RawValue>]) -> Result<String> {
    let parts = record.as_object().into_iter().flatten();
    let mut parts: BTreeMap<&str, Box<RawValue>> =
        parts.map(|(name, value)| Ok((name.as_str(), raw(value)?))).collect::<Result<_>>()?;
    let broken = |error| Error::new(Kind::Bug, "a record is not JSON").because(error);
    let list = serde_json::to_string(rooms).and_then(RawValue::from_string).map_err(broken)?;
    parts.insert("rooms", list);
    serde_json::to_string(&parts).map_err(broken)
}

/// What a certificate is signed with.
pub(super) struct Seal<'a> {
    /// The newest checkpoint of the audit log.
    pub(super) checkpoint: String,
    /// Signs a text.
    pub(super) sign: &'a dyn Fn(&str) -> Result<String>,
}

/// Makes the certificate of a purge all events of which are gone, and keeps it in the store.
#[allow(clippy::too_many_arguments)] // Everything a certificate states; there is one caller.
pub(super) fn make(
    cx: &Context<'_>,
    store: &mut Sqlite,
    path: &Path,
    number: i64,
    held: &BTreeMap<String, Counts>,
    erasure: &Erasure,
    seal: &Seal<'_>,
) -> Result<Certificate> {
    let state =
        one(store, Purges::One(number))?.ok_or_else(|| Error::new(Kind::NotFound, format!("no purge {number}")))?;
    let plan: Plan<'_> = serde_json::from_str(&state.plan).unwrap_or_default();
    let mut total = Counts::default();
    state.done.values().for_each(|counts| total.add(counts));
    // What was planned first says what was held back then; what was planned last says it of the rest.
    let mut spared: Map<String, Value> = plan.held;
    for value in spared.values_mut() {
        *value = json!({ "events": value["events"], "messages": value["messages"] });
    }
    for (hold, spares) in held {
        spared.insert(hold.clone(), json!({ "events": spares.events, "messages": spares.messages }));
    }
    let mut names: HashMap<RoomKey, Option<String>> = HashMap::new();
    for known in plan.rooms {
        let known: PlannedRoom = serde_json::from_str(known.get()).unwrap_or_default();
        names.entry(RoomKey { pool: known.pool, uri: known.uri }).or_insert(known.name);
    }
    let room = |(room, done): (&RoomKey, &Counts)| {
        let name = names.get(room).cloned().flatten();
        raw(&json!({ "address": room.uri, "destroyed": counts(done), "name": name, "pool": room.pool }))
    };
    // Rooms may be many: each is a text, and no tree of values.
    let rooms: Vec<Box<RawValue>> = state.done.iter().map(room).collect::<Result<_>>()?;
    let files = erasure.files.iter().map(|(name, bytes)| match name.ends_with("-shm") {
        true => json!({ "bytes": bytes, "holds": SHARED, "name": name }),
        false => json!({ "bytes": bytes, "name": name }),
    });
    let record = json!({
        "actor": cx.actor.name(),
        "approval": plan.approval,
        "checkpoint": seal.checkpoint,
        "erasure": {
            "files": files.collect::<Vec<_>>(),
            "loose bytes": erasure.loose,
            "mode": MODE,
            "not zero": erasure.not_zero,
            "outside": OUTSIDE,
            "sqlite": sqlite_version(),
        },
        "finished": (cx.clock)().to_string(),
        "held back": spared,
        "identities": hex(&store.purged_identities(number)?),
        "pchat": env!("CARGO_PKG_VERSION"),
        "people": { "gone": erasure.people, "still named by settings": erasure.named },
        "plan": { "destroy": plan.goes["events"], "held back": plan.spared["events"] },
        "purge": number,
        "request": serde_json::from_str::<Value>(&state.request).unwrap_or_default(),
        "started": state.started.to_string(),
        "store": store.id()?,
        "total": counts(&total),
    });
    let whole = whole(&record, &rooms)?;
    let text = text(&record, &rooms, &whole);
    let note = (seal.sign)(&text)?;
    let (checkpoint, signed) = (Value::from(seal.checkpoint.as_str()), Value::from(note.as_str()));
    let json = format!("{{\"checkpoint\":{checkpoint},\"note\":{signed},\"record\":{whole}}}");
    let sum: [u8; 32] = Sha256::digest(json.as_bytes()).into();
    let details = vec![
        ("purge", number.to_string()),
        ("events", total.events.to_string()),
        ("loose bytes", erasure.loose.to_string()),
        ("not zero", erasure.not_zero.to_string()),
        ("certificate", hex(&sum)),
    ];
    store.certify(number, &json, cx.entry("purge certificate", path.display().to_string(), details))?;
    Ok(Certificate { number, text: note, json, events: total.events })
}

/// The record as people read it. It ends with the hash of the record, so the signature covers that as well.
fn text(record: &Value, rooms: &[Box<RawValue>], whole: &str) -> String {
    let mut out = format!("{TITLE}\n\n");
    let show = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Null => "-".to_owned(),
        other => other.to_string(),
    };
    let mut line = |name: &str, value: String| {
        // A name can hold any character; one that would break the line or the signature is shown as a mark.
        let value = value.replace(char::is_control, "\u{FFFD}");
        out.push_str(&format!("{name:<24}{value}\n"));
    };
    line("Store", show(&record["store"]));
    line("Purge", show(&record["purge"]));
    line("Begun", show(&record["started"]));
    line("Finished", show(&record["finished"]));
    line("By", show(&record["actor"]));
    if let Some(by) = record["approval"]["approved by"].as_str() {
        let asked = format!(
            "request {}, made by {}",
            show(&record["approval"]["approval"]),
            show(&record["approval"]["requested by"])
        );
        line("Approved by", format!("{by}; {asked}"));
    }
    let many = |number: &Value, noun: &str| counted(number.as_u64().unwrap_or_default(), noun);
    for part in record["request"]["parts"].as_array().into_iter().flatten() {
        let mut words = Vec::new();
        let events: Vec<&str> = part["events"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        if !events.is_empty() {
            // Where they are says their room and narrows to their times.
            line("Asked", format!("events {}", events.join(", ")));
            continue;
        }
        for name in ["rooms", "categories", "people"] {
            let items: Vec<&str> = part[name].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            if !items.is_empty() {
                words.push(format!("{name} {}", items.join(", ")));
            }
        }
        for name in ["from", "to"] {
            if let Some(value) = part[name].as_str() {
                words.push(format!("{name} {value}"));
            }
        }
        if part["from"].is_string() || part["to"].is_string() {
            let zone = part["timezone"].as_str();
            let read = Zone::parse(zone).map(|zone| zone.name());
            words.push(format!("time zone {}", read.unwrap_or_else(|_| zone.unwrap_or_default().to_owned())));
        }
        if part["messages_only"] == Value::Bool(true) {
            words.push("messages only".to_owned());
        }
        line("Asked", if words.is_empty() { "everything".to_owned() } else { words.join("; ") });
    }
    if record["request"]["keywords"].as_u64().unwrap_or_default() > 0 {
        let words = many(&record["request"]["keywords"], "word");
        line("", format!("only what certain words are in ({words}, not repeated here)"));
    }
    if let Some(text) = record["request"]["replacement"].as_str() {
        line("Replaced by", text.to_owned());
    }
    if let Some(reason) = record["request"]["reason"].as_str() {
        line("Reason", reason.to_owned());
    }
    line(
        "Planned",
        format!("{}; held back {}", many(&record["plan"]["destroy"], "event"), record["plan"]["held back"]),
    );
    for (hold, spared) in record["held back"].as_object().into_iter().flatten() {
        line("Held back", format!("{} by hold {hold}", many(&spared["events"], "event")));
    }
    let destroyed = |value: &Value| {
        format!(
            "{} ({}, {} of text), {} to {}",
            many(&value["events"], "event"),
            many(&value["messages"], "message"),
            many(&value["bytes"], "byte"),
            show(&value["first"]),
            show(&value["last"])
        )
    };
    for room in rooms {
        let room: Value = serde_json::from_str(room.get()).unwrap_or_default();
        let name = room["name"].as_str().map(|name| format!("{name}, ")).unwrap_or_default();
        let address = format!("{}\\{}", show(&room["pool"]), show(&room["address"]));
        line("Destroyed", format!("{name}{address}: {}", destroyed(&room["destroyed"])));
    }
    line("Destroyed in all", destroyed(&record["total"]));
    line("Identities, SHA-256", show(&record["identities"]));
    line("", "over the addresses of all that went: each room, then the sequences of its events".to_owned());
    let erasure = &record["erasure"];
    line("How", format!("{}; SQLite {}", show(&erasure["mode"]), show(&erasure["sqlite"])));
    for file in erasure["files"].as_array().into_iter().flatten() {
        let holds = file["holds"].as_str().map(|holds| format!(": {holds}")).unwrap_or_default();
        line("File", format!("{} ({} bytes{holds})", show(&file["name"]), grouped(&file["bytes"])));
    }
    line("Loose bytes", format!("{}, of which {} are not zero", grouped(&erasure["loose bytes"]), erasure["not zero"]));
    let people = &record["people"];
    let named = match people["still named by settings"].as_u64() {
        None | Some(0) => String::new(),
        Some(named) => {
            format!("; {named} of them stay in settings: in the directory, or as members or managers of rooms")
        }
    };
    line("People", format!("{} of whom no event was left are gone from the history{named}", people["gone"]));
    line("Not covered", show(&erasure["outside"]));
    let hash: [u8; 32] = Sha256::digest(whole.as_bytes()).into();
    line(HASH, hex(&hash));
    out
}

/// A number with its thousands apart.
fn grouped(number: &Value) -> String {
    let digits = number.to_string();
    let groups: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|run| std::str::from_utf8(run).ok()).collect();
    groups.join(",")
}
