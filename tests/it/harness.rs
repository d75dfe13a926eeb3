//! Runs command lines inside this process, with a clock that stands still, in a folder of their own.
//!
//! A test reads as the commands people type. Nothing here knows what is tested.

mod forge;
mod index;

pub(crate) use self::forge::{lay_out, sums, tables};
pub(crate) use self::index::indexed;

use pchat::cli::{World, run};
use pchat::context::Streams;
use pchat::model::catalog::Catalog;
use pchat::model::time::Ticks;
use pchat::nouns::SHAPES;
use pchat::store::Corpus;
use pchat::store::sqlite::Sqlite;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, Ordering};
use std::sync::{Arc, Mutex};

/// Is this program installed? Tests that need it pass without it, so that the tests run where nothing is installed; the
/// full check installs all of them.
pub(crate) fn installed(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    let more =
        ["/usr/sbin", "/usr/lib/openldap", "/usr/libexec", "/usr/local/libexec", "/usr/local/sbin"].map(PathBuf::from);
    std::env::split_paths(&folders).chain(more).any(|folder| folder.join(program).is_file())
}

/// What a command gave back.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: u8,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Run {
    /// The command must have ended like this.
    #[track_caller]
    pub(crate) fn code(self, code: u8) -> Run {
        assert_eq!(self.code, code, "out: {}\nerr: {}", self.out, self.err);
        self
    }

    /// Standard error must say this.
    #[track_caller]
    pub(crate) fn says(self, text: &str) -> Run {
        assert!(self.err.contains(text), "{text:?} is not in: {}", self.err);
        self
    }

    /// The result of a command that was asked for JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|_| panic!("out: {}\nerr: {}", self.out, self.err))
    }
}

/// Standard output that is looked at afterwards.
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Is what stands behind an `@` the name of a file, and nothing PowerShell writes so?
fn is_path(name: &str) -> bool {
    !name.starts_with('{') && !name.contains(['=', ':', '\n']) && name != "params"
}

/// A folder for one test.
pub(crate) struct Desk {
    folder: tempfile::TempDir,
    /// How often chance was asked.
    chance: AtomicU8,
    /// What the clock shows, in ticks.
    clock: AtomicI64,
}

/// 2021-03-04T05:06:07Z.
fn noon() -> Ticks {
    Ticks::parse("2021-03-04T05:06:07Z").unwrap().0
}

impl Desk {
    pub(crate) fn new() -> Desk {
        Desk { folder: tempfile::tempdir().unwrap(), chance: AtomicU8::new(7), clock: AtomicI64::new(noon().0) }
    }

    /// A path in the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Runs `pchat` with the words of `line`; a word that begins with `@` is a path in the folder.
    pub(crate) fn run(&self, line: &str) -> Run {
        self.args(&line.split_whitespace().collect::<Vec<_>>())
    }

    /// The same with words that may hold spaces.
    pub(crate) fn args(&self, words: &[&str]) -> Run {
        self.fed(words, None)
    }

    /// The same with something on standard input.
    pub(crate) fn fed(&self, words: &[&str], input: Option<&str>) -> Run {
        self.with(words, input, None, Streams::NONE)
    }

    /// The same with somebody who answers questions.
    pub(crate) fn answered(&self, words: &[&str], answer: &str) -> Run {
        self.with(words, None, Some(answer), Streams::NONE)
    }

    /// Runs `pchat` with these bytes on standard input, and gives what was delivered on standard output as well.
    pub(crate) fn streamed(&self, words: &[&str], input: &[u8]) -> (Run, Vec<u8>) {
        let delivered = Arc::new(Mutex::new(Vec::new()));
        let stdin = || Box::new(std::io::Cursor::new(input.to_vec())) as Box<dyn Read + Send>;
        let stdout = || Box::new(Shared(delivered.clone())) as Box<dyn Write + Send>;
        let run = self.piped(words, None, Streams { stdin: &stdin, stdout: &stdout });
        let bytes = std::mem::take(&mut *delivered.lock().unwrap());
        (run, bytes)
    }

    /// Runs `pchat` with these streams.
    pub(crate) fn piped(&self, words: &[&str], input: Option<&str>, streams: Streams<'_>) -> Run {
        self.with(words, input, None, streams)
    }

    fn with(&self, words: &[&str], input: Option<&str>, answer: Option<&str>, streams: Streams<'_>) -> Run {
        let expand = |word: &&str| match word.strip_prefix('@').filter(|name| is_path(name)) {
            Some(name) => self.path(name).into_os_string(),
            None => OsString::from(word),
        };
        let args: Vec<OsString> = std::iter::once("pchat".into()).chain(words.iter().map(expand)).collect();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let code = run(
            args,
            World {
                clock: &|| Ticks(self.clock.load(Ordering::Relaxed)),
                random: &|| Ok([self.chance.fetch_add(1, Ordering::Relaxed); 32]),
                user: "tester".to_owned(),
                host: "desk".to_owned(),
                store: None,
                key: None,
                programs: std::env::var_os("PATH"),
                password: None,
                out: &mut out,
                err: &mut err,
                terminal: false,
                looks: false,
                width: None,
                color: false,
                answer: &|| answer.map(str::to_owned),
                input: &|| input.map(|text| Ok(text.to_owned())),
                streams,
                cancelled: &AtomicBool::new(false),
            },
        );
        Run { code, out: String::from_utf8(out).unwrap(), err: String::from_utf8(err).unwrap() }
    }

    /// Sets the clock.
    pub(crate) fn clock(&self, at: &str) {
        self.clock.store(Ticks::parse(at).unwrap().0.0, Ordering::Relaxed);
    }

    /// Writes a file.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        // As pchat writes them, so that any of them may be a key.
        #[cfg(unix)]
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        path
    }

    /// Writes JSON Lines.
    pub(crate) fn lines(&self, name: &str, events: &[Value]) -> PathBuf {
        self.write(name, events.iter().map(|event| format!("{event}\n")).collect::<String>())
    }

    /// Reads a file.
    #[track_caller]
    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        let path = self.path(name);
        std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The lines of a JSON Lines file.
    pub(crate) fn events(&self, name: &str) -> Vec<Value> {
        let text = String::from_utf8(self.read(name)).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Everything a store holds, as the lines of an export.
    pub(crate) fn history(&self, store: &str) -> Vec<Value> {
        let out = tempfile::tempdir_in(self.folder.path()).unwrap();
        let name = format!("{}/all.jsonl", out.path().file_name().unwrap().to_str().unwrap());
        let made = self.run(&format!("export --store @{store} --format jsonl --out @{name}"));
        assert!(matches!(made.code, 0 | 4), "{made:?}");
        self.events(&name)
    }

    /// The settings of a store.
    pub(crate) fn catalog(&self, store: &str) -> Catalog {
        Sqlite::snapshot(&self.path(store)).unwrap().catalog(SHAPES).unwrap()
    }

    /// The records of the audit log.
    pub(crate) fn audit(&self, store: &str) -> Vec<Value> {
        let db = rusqlite::Connection::open(self.path(store)).unwrap();
        let mut records = db.prepare("SELECT record FROM audit ORDER BY number").unwrap();
        let records = records.query_map([], |row| row.get::<_, String>(0)).unwrap();
        records.map(|record| serde_json::from_str(&record.unwrap()).unwrap()).collect()
    }

    /// Changes a store behind its back.
    pub(crate) fn damage(&self, store: &str, sql: &str) {
        let db = rusqlite::Connection::open(self.path(store)).unwrap();
        db.execute_batch(&format!("PRAGMA foreign_keys = OFF; {sql}")).unwrap();
    }

    /// Changes the settings of a store by hand, and makes its sums and its log fit.
    pub(crate) fn lay_out(&self, store: &str, sql: &str) {
        lay_out(&self.path(store), sql);
    }

    /// Copies a file.
    pub(crate) fn copy(&self, from: &str, to: &str) {
        // Whoever begins again with a key begins without the memory that lay beside it.
        if to.ends_with("key") {
            drop(std::fs::remove_file(self.path(&format!("{to}.seen"))));
        }
        std::fs::copy(self.path(from), self.path(to)).unwrap();
    }
}

/// The counts of the table of rooms: the sum of one column.
#[track_caller]
pub(crate) fn sum(run: &Run, column: &str) -> u64 {
    let all = run.json();
    let rooms = all["rooms"].as_array().unwrap_or_else(|| panic!("no rooms: {all}"));
    rooms.iter().map(|room| room[column].as_u64().unwrap_or_else(|| panic!("no {column}: {room}"))).sum()
}

/// The files of a zip by name, without its top folder.
pub(crate) fn unzip(path: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut zip = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut files = BTreeMap::new();
    for index in 0..zip.len() {
        let mut entry = zip.by_index(index).unwrap();
        let name = entry.name().unwrap().split_once('/').unwrap().1.to_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        files.insert(name, bytes);
    }
    files
}

/// Changes one byte in the middle of the data of an entry of a zip.
pub(crate) fn damage_entry(path: &Path, name: &str) {
    let mut bytes = std::fs::read(path).unwrap();
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(bytes.clone())).unwrap();
    for index in 0..zip.len() {
        let entry = zip.by_index(index).unwrap();
        if entry.name().unwrap().ends_with(name) {
            bytes[(entry.data_start().unwrap() + entry.compressed_size() / 2) as usize] ^= 0x55;
            return std::fs::write(path, bytes).unwrap();
        }
    }
    panic!("no {name}");
}

/// A message.
pub(crate) fn message(room: &str, id: i64, time: &str, user: &str, text: &str) -> Value {
    serde_json::json!({ "room": room, "pool": "pool", "id": id, "time": time, "user": user, "text": text })
}

/// `count` messages in each of `rooms` rooms, a minute apart.
pub(crate) fn chat(rooms: usize, count: usize) -> Vec<Value> {
    let mut events = Vec::new();
    for room in 0..rooms {
        for n in 0..count {
            let time = format!("2020-01-{:02}T{:02}:{:02}:00Z", 1 + n / 1440 % 28, n / 60 % 24, n % 60);
            let user = format!("sip:user{}@example.com", n % 3);
            let text = format!("message {n} of room {room}, {}", "words to fill it ".repeat(n % 7));
            let mut event = message(&format!("ma-chan://example.com/{room}"), n as i64, &time, &user, &text);
            event["room_title"] = format!("Room {room}").into();
            events.push(event);
        }
    }
    events
}

/// An audit entry for changes made by the library.
pub(crate) fn entry() -> pchat::store::Entry {
    let actor = pchat::store::Actor { user: "tester".into(), host: "desk".into(), operator: None };
    pchat::store::Entry {
        at: noon(),
        actor,
        action: "test",
        object: "store".into(),
        details: Vec::new(),
        outcome: Default::default(),
        approval: None,
    }
}

/// Everything a store holds, row by row, but for what its audit log says of refusals and the salt every record brings.
pub(crate) fn content(store: &Path) -> Vec<String> {
    let db = rusqlite::Connection::open(store).unwrap();
    let mut found = Vec::new();
    let names =
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('audit_tree', 'root') ORDER BY name";
    let mut names = db.prepare(names).unwrap();
    let names: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    for name in names {
        let which = if name == "audit" { "WHERE record NOT LIKE '%\"outcome\":\"refused\"%'" } else { "" };
        let mut rows = db.prepare(&format!("SELECT * FROM \"{name}\" {which}")).unwrap();
        let columns = rows.column_count();
        let mut rows = rows.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values: Vec<_> = (0..columns).map(|at| row.get_ref(at).unwrap()).collect();
            found.push(format!("{name} {values:?}"));
        }
    }
    found
}

/// A record of every field of every noun, filled from `seed`.
pub(crate) fn full_catalog(seed: &str) -> Vec<pchat::model::record::Record> {
    use pchat::model::record::{Record, Type, Value};
    let of = |shape: &'static pchat::model::record::Shape, n: i64| {
        let mut record = Record::new(shape);
        for (at, field) in shape.fields.iter().enumerate() {
            record.values[at] = match (field.kind, field.name) {
                (Type::Text, "Pool") => Value::Text("pool1.example.com".into()),
                (Type::Text, "Category") if shape.noun == "room" => Value::Text("category Name 1 A".into()),
                (Type::Text, name) => {
                    let text = format!("{} {name} {n} {seed}", shape.noun);
                    Value::Text(text.chars().take(if field.max == 0 { 99 } else { field.max }).collect())
                }
                (Type::Int, _) => Value::Int(n - 7),
                (Type::Bool, _) => Value::Bool(n % 2 == 0),
                (Type::Time, _) => Value::Time(Ticks(633_409_486_005_222_640 + n)),
                (Type::List, name) => {
                    Value::from(vec![format!("sip:{name}@a.example"), format!("{seed}]]>\0&\r\n"), String::new()])
                }
            };
        }
        record
    };
    SHAPES.iter().filter(|shape| shape.travels()).flat_map(|shape| [of(shape, 1), of(shape, 2)]).collect()
}

/// A store with these records.
pub(crate) fn store_of(desk: &Desk, name: &str, records: &[pchat::model::record::Record]) {
    let mut store = Sqlite::create(&desk.path(name), entry()).unwrap();
    put(&mut store, records).unwrap();
}

/// Adds or replaces records.
pub(crate) fn put(
    store: &mut dyn pchat::store::Store,
    records: &[pchat::model::record::Record],
) -> pchat::error::Result<()> {
    pchat::store::change::change(store, pchat::store::Amendment::put(records, entry()))
}

/// Asserts that every byte of a store's file that belongs to no row is zero, by a program that reads the file by
/// itself.
#[track_caller]
pub(crate) fn empty(store: &Path) {
    if !installed("python3") {
        return;
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/loose.py");
    let output = std::process::Command::new("python3").arg(script).arg(store).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains(", 0 not zero"), "{said}");
}
