//! Hostile input: every lie a zip, an archive or a file of history can tell ends with the right exit code and one error
//! that names the place; the store is what it was, and nothing lies anywhere under a final name.

mod archives;
mod files;
mod flips;
mod fuzz;
mod names;
mod zips;

use crate::harness::content;
use pchat::cli::{World, run};
use pchat::context::Streams;
use pchat::model::time::Ticks;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::sync::atomic::AtomicBool;
use zips::{Bag, hex};

/// How a command ended.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Ran {
    code: u8,
    err: String,
}

/// Runs a command in this process.
fn pchat<S: Into<OsString>>(args: impl IntoIterator<Item = S>) -> Ran {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let cancelled = AtomicBool::new(false);
    let world = World {
        clock: &|| Ticks(635_000_000_000_000_000),
        random: &|| Ok([7; 32]),
        user: "kim".to_owned(),
        host: "host01".to_owned(),
        store: None,
        key: None,
        programs: None,
        password: None,
        out: &mut out,
        err: &mut err,
        terminal: false,
        looks: false,
        width: None,
        color: false,
        answer: &|| None,
        input: &|| None,
        streams: Streams::NONE,
        cancelled: &cancelled,
    };
    let args = std::iter::once("pchat".into()).chain(args.into_iter().map(Into::into));
    let code = run(args, world);
    Ran { code, err: String::from_utf8(err).unwrap() }
}

/// The history every archive of these tests is made from: two rooms, changes of many kinds, an attachment.
const HISTORY: &str = r#"{"pool":"pool01","room":"ma-chan://x.com/one","room_title":"One","category":"C","user":"sip:kim@x.com","user_name":"Kim","time":"2015-03-01T08:00:00Z","kind":"join"}
{"pool":"pool01","room":"ma-chan://x.com/one","user":"sip:kim@x.com","user_name":"Kim","time":"2015-03-01T08:01:00Z","kind":"message","id":1,"text":"SECRET & <first>","alert":true}
{"pool":"pool01","room":"ma-chan://x.com/one","user":"sip:lee@x.com","time":"2015-03-01T08:02:00Z","kind":"message","id":2,"text":"SECRET \u0000 two","attachments":[{"name":"a.txt","data":"aGVsbG8gd29ybGQ="}]}
{"pool":"pool01","room":"ma-chan://x.com/one","user":"sip:lee@x.com","time":"2015-03-01T08:03:00Z","kind":"part"}
{"pool":"pool01","room":"ma-chan://x.com/two","room_title":"Two","user":"sip:lee@x.com","time":"2015-03-01T09:00:00Z","kind":"message","id":1,"text":"SECRET three","rtf":"{\\rtf1 SECRET}"}
"#;

/// A folder with a small store, and what it was.
struct Desk {
    root: tempfile::TempDir,
    before: String,
    /// The store, byte for byte.
    bytes: Vec<u8>,
}

impl Desk {
    fn new() -> Desk {
        let root = tempfile::tempdir().unwrap();
        std::fs::write(root.path().join("h.jsonl"), HISTORY).unwrap();
        let desk = Desk { root, before: String::new(), bytes: Vec::new() };
        assert_eq!(desk.pchat(&["import", "h.jsonl", "--store", "s.db"]).code, 0);
        std::fs::remove_file(desk.path("h.jsonl")).unwrap();
        Desk { before: desk.state(), bytes: std::fs::read(desk.path("s.db")).unwrap(), ..desk }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    /// Runs a command; what is no option and no number is a name in this folder.
    fn pchat(&self, args: &[&str]) -> Ran {
        const WORDS: [&str; 7] = ["import", "export", "verify", "store", "check", "info", "jsonl"];
        let full = args.iter().map(|arg| match arg.starts_with('-') || WORDS.contains(arg) || arg.contains("MiB") {
            true => OsString::from(*arg),
            false => self.path(arg).into_os_string(),
        });
        pchat(full)
    }

    /// The names in this folder, with a hash over what the store holds.
    fn state(&self) -> String {
        let entries = std::fs::read_dir(self.root.path()).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        format!("{names:?} {}", hex(&Sha256::digest(content(&self.path("s.db")).join("\n"))))
    }

    /// Asserts that nothing was made or changed but the input itself, which is removed.
    #[track_caller]
    fn untouched(&self, input: &str) {
        let path = self.path(input);
        if path.is_dir() {
            std::fs::remove_dir_all(path).unwrap()
        } else {
            std::fs::remove_file(path).unwrap()
        }
        // As long as nothing was refused by a rule, which is recorded, not even a byte has changed.
        let db = rusqlite::Connection::open(self.path("s.db")).unwrap();
        let refused = "SELECT count(*) FROM audit WHERE record LIKE '%\"outcome\":\"refused\"%'";
        if db.query_row(refused, [], |row| row.get::<_, i64>(0)).unwrap() == 0 {
            assert!(std::fs::read(self.path("s.db")).unwrap() == self.bytes);
        }
        drop(db);
        assert_eq!(self.state(), self.before);
    }

    /// Verifies and imports an input, and asserts that both fail as they should and leave everything as it was.
    #[track_caller]
    fn refuses(&self, case: &str, input: &str, codes: (u8, u8), says: &str) -> Ran {
        let verified = self.pchat(&["verify", input, "--read-data"]);
        self.fails(case, input, &verified, codes.0, says);
        for store in ["s.db", "new.db"] {
            let imported = self.pchat(&["import", input, "--store", store]);
            self.fails(case, input, &imported, codes.1, says);
        }
        self.untouched(input);
        verified
    }

    #[track_caller]
    fn fails(&self, case: &str, input: &str, ran: &Ran, code: u8, says: &str) {
        assert_eq!(ran.code, code, "{case}: {ran:?}");
        assert!(ran.err.contains(says), "{case}: not {says:?} in {ran:?}");
        assert!(ran.err.contains(input), "{case}: the place is missing in {ran:?}");
        assert_eq!(ran.err.matches("pchat: ").count(), usize::from(code != 3), "{case}: one error: {ran:?}");
        assert!(!ran.err.contains("SECRET"), "{case}: text of messages in an error: {ran:?}");
        assert!(!ran.err.chars().any(|c| c.is_control() && c != '\n'), "{case}: {ran:?}");
    }
}

/// An export of the history of these tests.
fn export() -> &'static [u8] {
    static MADE: OnceLock<Vec<u8>> = OnceLock::new();
    MADE.get_or_init(|| {
        let desk = Desk::new();
        let ran = desk.pchat(&["export", "--store", "s.db", "--out", "x.zip", "--no-checkpoint"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        std::fs::read(desk.path("x.zip")).unwrap()
    })
}

/// The files of that export.
fn bag() -> Bag {
    Bag::read(export())
}

/// The files of an archive, by name.
pub(crate) fn files_of(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    Bag::read(bytes).0
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name)
}

/// Keeps a small input among the fixtures, when asked to.
fn keep(name: &str, bytes: &[u8]) {
    if bytes.len() < 20_000 && std::env::var_os("PCHAT_BLESS").is_some() {
        std::fs::create_dir_all(fixture("hostile/zip")).unwrap();
        std::fs::write(fixture("hostile/zip").join(format!("{name}.zip")), bytes).unwrap();
    }
}
