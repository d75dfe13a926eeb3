//! What docs/formats/digests.md says of the digests, word for word and from the rows alone: no code of pchat makes a
//! digest here.

use crate::harness::{Desk, chat, message};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, Row};
use serde_json::json;
use sha2::{Digest, Sha256};

type Hash = [u8; 32];

fn sha256(parts: &[&[u8]]) -> Hash {
    let mut sum = Sha256::new();
    parts.iter().for_each(|part| sum.update(part));
    sum.finalize().into()
}

/// RFC 2104.
fn hmac(key: &[u8], text: &[u8]) -> Hash {
    let pad = |with: u8| -> Vec<u8> { (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ with).collect() };
    sha256(&[&pad(0x5C), &sha256(&[&pad(0x36), text])])
}

/// RFC 6962, section 2.1.
fn tree(leaves: &[Hash]) -> Hash {
    match leaves {
        [] => sha256(&[]),
        [one] => *one,
        _ => {
            let half = leaves.len().next_power_of_two() / 2;
            sha256(&[&[1], &tree(&leaves[..half]), &tree(&leaves[half..])])
        }
    }
}

fn number(value: Option<i64>) -> Vec<u8> {
    value.map_or(vec![0], |value| [&[1][..], &value.to_be_bytes()].concat())
}

fn text(value: Option<Vec<u8>>) -> Vec<u8> {
    value.map_or(vec![0], |value| [&[1][..], &(value.len() as u64).to_be_bytes(), &value].concat())
}

fn rows<T>(db: &Connection, sql: &str, row: impl Fn(&Row<'_>) -> T) -> Vec<T> {
    let mut read = db.prepare(sql).unwrap();
    read.query_map([], |found| Ok(row(found))).unwrap().map(Result::unwrap).collect()
}

/// The number or the bytes in a column, if there are any.
fn int(row: &Row<'_>, at: usize) -> Option<i64> {
    row.get(at).unwrap()
}

fn bytes(row: &Row<'_>, at: usize) -> Option<Vec<u8>> {
    match row.get_ref(at).unwrap() {
        ValueRef::Null => None,
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(bytes.to_vec()),
        other => panic!("{other:?}"),
    }
}

/// The canonical forms of the events between two ids, with the ids.
fn events(db: &Connection, first: i64, last: i64) -> Vec<(i64, Vec<u8>)> {
    let sql = format!(
        "SELECT id, kind, ticks, chat, alert, late, source, uri, name, email, internal, source_number, body, rtf, word, extra \
         FROM event JOIN persona ON persona.number = event.persona WHERE id BETWEEN {first} AND {last} ORDER BY id"
    );
    let event = |row: &Row<'_>| {
        let mut form: Vec<u8> = (1..=6).flat_map(|at| number(int(row, at))).collect();
        form.extend((7..=9).flat_map(|at| text(bytes(row, at))));
        form.extend((10..=11).flat_map(|at| number(int(row, at))));
        form.extend((12..=15).flat_map(|at| text(bytes(row, at))));
        let id: i64 = row.get(0).unwrap();
        let files = format!("SELECT name, link, size, sha256 FROM attachment WHERE event = {id} ORDER BY position");
        let files = rows(db, &files, |row| {
            [text(bytes(row, 0)), text(bytes(row, 1)), number(int(row, 2)), text(bytes(row, 3))].concat()
        });
        form.extend(number(Some(files.len() as i64)));
        form.extend(files.concat());
        (id, form)
    };
    rows(db, &sql, event)
}

/// The leaf of a room.
fn room(db: &Connection, number: i64, key: &str) -> Hash {
    let start = number << 40;
    let sql = format!(
        "SELECT first, last, events, bytes, from_time, to_time, heads, salt FROM block WHERE first >> 40 = {number} ORDER BY first"
    );
    let blocks = rows(db, &sql, |row| {
        let at = |column| int(row, column).unwrap();
        let salt = bytes(row, 7).unwrap();
        let leaves: Vec<Hash> = events(db, at(0), at(1))
            .into_iter()
            .map(|(id, form)| {
                let place = [(id - at(0)) as u8];
                sha256(&[&[0], &hmac(&salt, &place), &place, &form])
            })
            .collect();
        assert_eq!(leaves.len() as i64, at(2));
        let mut leaf = b"\0pchat block\n".to_vec();
        for value in [at(0) - start, at(1) - start, at(2), at(3), at(4), at(5)] {
            leaf.extend(value.to_be_bytes());
        }
        leaf.extend(sha256(&[b"pchat part\n", &bytes(row, 6).unwrap()]));
        leaf.extend(sha256(&[b"pchat part\n", &salt]));
        leaf.extend(tree(&leaves));
        sha256(&[&leaf])
    });
    let (next, latest) =
        rows(db, &format!("SELECT next, latest FROM history WHERE room = {number}"), |row| (int(row, 0), int(row, 1)))
            [0];
    let (next, latest) = (next.unwrap().to_be_bytes(), latest.unwrap().to_be_bytes());
    let (length, count) = ((key.len() as u64).to_be_bytes(), (blocks.len() as u64).to_be_bytes());
    sha256(&[b"\0pchat room\n", &length, key.as_bytes(), &next, &latest, &count, &tree(&blocks)])
}

fn content(db: &Connection) -> Hash {
    let keys = "SELECT number, key FROM room UNION ALL SELECT number, key FROM removed_room";
    let keys: std::collections::BTreeMap<i64, String> =
        rows(db, keys, |row| (row.get(0).unwrap(), row.get(1).unwrap())).into_iter().collect();
    let known: Vec<i64> = rows(db, "SELECT room FROM history ORDER BY room", |row| row.get(0).unwrap());
    let leaves: Vec<Hash> = (1..=known.last().copied().unwrap_or(0))
        .map(|number| match known.contains(&number) {
            true => room(db, number, &keys[&number]),
            false => sha256(&[b"\0pchat no room\n"]),
        })
        .collect();
    sha256(&[b"pchat rooms\n", &(leaves.len() as u64).to_be_bytes(), &tree(&leaves)])
}

fn value(value: ValueRef<'_>) -> Vec<u8> {
    let (mark, bytes) = match value {
        ValueRef::Null => (0, Vec::new()),
        ValueRef::Integer(number) => (1, number.to_be_bytes().to_vec()),
        ValueRef::Real(number) => (2, number.to_be_bytes().to_vec()),
        ValueRef::Text(bytes) => (3, bytes.to_vec()),
        ValueRef::Blob(bytes) => (4, bytes.to_vec()),
    };
    [&[mark][..], &(bytes.len() as u64).to_be_bytes(), &bytes].concat()
}

/// The tables that the page names as not among the settings.
const NOT_SETTINGS: &[&str] = &[
    "event",
    "block",
    "history",
    "room_group",
    "attachment",
    "file_part",
    "segment",
    "word",
    "export_salt",
    "delivery_salt",
    "audit",
    "audit_tree",
    "checkpoint",
    "root",
    "settings_sum",
];

/// The digests of the tables of settings, as they stand behind the salt.
fn settings(db: &Connection) -> Vec<u8> {
    let tables: Vec<String> =
        rows(db, "SELECT name FROM sqlite_schema WHERE type = 'table'", |row| row.get(0).unwrap());
    let mut tables: Vec<String> = tables
        .into_iter()
        .filter(|table| !table.starts_with("sqlite_") && !NOT_SETTINGS.contains(&table.as_str()))
        .collect();
    tables.sort();
    let mut all = Vec::new();
    for table in tables {
        let mut state = [0u16; 1024];
        let mut read = db.prepare(&format!("SELECT * FROM \"{table}\"")).unwrap();
        let columns = read.column_count();
        let mut rows = read.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let mut form = value(ValueRef::Text(table.as_bytes()));
            (0..columns).for_each(|at| form.extend(value(row.get_ref(at).unwrap())));
            let mut long = [0; 2048];
            blake3::Hasher::new().update(&form).finalize_xof().fill(&mut long);
            for (at, sum) in state.iter_mut().enumerate() {
                *sum = sum.wrapping_add(u16::from_le_bytes([long[2 * at], long[2 * at + 1]]));
            }
        }
        let state: Vec<u8> = state.iter().flat_map(|sum| sum.to_le_bytes()).collect();
        all.extend(value(ValueRef::Text(table.as_bytes())));
        all.extend(value(ValueRef::Blob(&sha256(&[b"pchat sum\n", &state]))));
    }
    all
}

#[track_caller]
fn agrees(desk: &Desk) {
    let db = Connection::open(desk.path("s.db")).unwrap();
    let salt: Vec<u8> = db.query_row("SELECT salt FROM root", [], |row| row.get(0)).unwrap();
    let hex = |hash: Hash| hash.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let record = desk.audit("s.db").pop().unwrap();
    assert_eq!(record["content"], hex(sha256(&[b"pchat content\n", &salt, &content(&db)])), "{record}");
    assert_eq!(record["settings"], hex(sha256(&[b"pchat settings\n", &salt, &settings(&db)])), "{record}");
}

#[test]
fn the_page_says_how_the_roots_are_made() {
    let desk = Desk::new();
    desk.run("store new --store @s.db").code(0);
    agrees(&desk);
    let mut events = chat(3, 300);
    let mut odd =
        message("ma-chan://Example.com/1", 900, "2020-02-01T10:00:00.1234567Z", "sip:ödé@x", "e\u{301}\0\u{1F600}");
    odd["rtf"] = r"{\rtf1 na\'efve}".into();
    odd["alert"] = true.into();
    odd["user_name"] = "Ödé".into();
    odd["email"] = "ode@x".into();
    odd["internal"] = false.into();
    odd["user_number"] = 77.into();
    odd["x-more"] = json!([1, 2.50]);
    odd["attachments"] = json!([{ "name": "a", "data": "aGVsbG8=" }, { "link": "b", "size": 12 }]);
    events.push(odd);
    let at = "2020-02-01T11:00:00Z";
    events
        .push(json!({ "room": "r\u{1}x\u{2}", "pool": "POOL", "time": at, "user": "u", "kind": "topic", "text": "t" }));
    desk.lines("1.jsonl", &events);
    desk.run("import @1.jsonl --store @s.db").code(0);
    agrees(&desk);
    // Later, late, and another time the same.
    desk.lines("2.jsonl", &[message("ma-chan://example.com/1", 2000, "2019-01-01T00:00:00Z", "sip:late@x", "late")]);
    desk.run("import @1.jsonl @2.jsonl --store @s.db").code(0);
    agrees(&desk);
    desk.run("case new C-1 --store @s.db").code(0);
    desk.run("hold new H-1 --case C-1 --reason r --room ma-chan://example.com/2 --store @s.db").code(0);
    agrees(&desk);
    desk.run("purge --store @s.db --room ma-chan://example.com/1 --user user1@example.com --yes").code(0);
    agrees(&desk);
    desk.args(&["purge", "--store", "@s.db", "--user", "user2@example.com", "--replace-with", "[gone]", "--yes"]);
    agrees(&desk);
    desk.args(&["room", "remove", "pool\\ma-chan://example.com/0", "--store", "@s.db", "--yes"]).code(0);
    agrees(&desk);
    desk.run("export --store @s.db --out @x.zip").code(0);
    agrees(&desk);
}
