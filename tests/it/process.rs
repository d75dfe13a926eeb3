//! The real binary, as little as possible: exit codes, stores that are not ours, locks, permissions,
//! full disks, closed pipes, interrupts, two at once, and sudden death at any moment.

mod age;
mod codes;
mod disk;
mod erased;
mod kill;
mod together;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// True when tests that take long are wanted.
pub(crate) fn slow() -> bool {
    std::env::var_os("PCHAT_SLOW").is_some_and(|value| value == "1")
}

/// Numbers that look random and are the same in every run.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to just below 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// How a command ended. The code is -1 when a signal ended it.
#[derive(Debug)]
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    /// Asserts the exit code, and that standard error says this.
    #[track_caller]
    fn ends(&self, code: i32, says: &str) -> &Ran {
        assert_eq!(self.code, code, "{self:#?}");
        assert!(self.err.contains(says), "not {says:?} in {}", self.err);
        self
    }
}

/// A folder for one test.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new() -> Desk {
        Desk(tempfile::tempdir().unwrap())
    }

    /// A folder with a store `s.db` of so many rooms with so many messages each.
    fn with_store(rooms: usize, each: usize) -> Desk {
        let desk = Desk::new();
        history(&desk.path("in"), rooms, each);
        desk.run("import in --store s.db").ends(0, "");
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The command, in this folder; arguments are separated by blanks.
    fn command(&self, args: &str) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pchat"));
        command.args(args.split_whitespace()).current_dir(self.0.path()).env_remove("PCHAT_STORE");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, args: &str) -> Ran {
        ran(self.command(args).output().unwrap())
    }

    /// Asserts that the store is whole.
    #[track_caller]
    fn check(&self, store: &str) {
        self.run(&format!("store check --read-data --store {store}")).ends(0, "");
    }

    /// The names in this folder.
    fn names(&self) -> Vec<String> {
        tree(self.0.path(), false).into_keys().collect()
    }
}

fn ran(output: std::process::Output) -> Ran {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ran { code: output.status.code().unwrap_or(-1), out: text(&output.stdout), err: text(&output.stderr) }
}

/// The files below a folder with their bytes, or the names right in it without.
fn tree(root: &Path, deep: bool) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            match (deep, path.is_dir()) {
                (true, true) => folders.push(path),
                (true, false) => drop(files.insert(name, std::fs::read(&path).unwrap())),
                (false, _) => drop(files.insert(name, Vec::new())),
            }
        }
    }
    files
}

/// Writes one file of JSON Lines for each room. Fewer rooms or messages are the first of the same ones.
fn history(folder: &Path, rooms: usize, each: usize) {
    std::fs::create_dir_all(folder).unwrap();
    for room in 0..rooms {
        let mut dice = Dice(room as u64);
        let mut lines = String::new();
        for message in 0..each {
            let (day, second) = (1 + message / 1440 % 28, message % 1440);
            let words: Vec<String> = (0..12).map(|_| format!("{:x}", dice.next() >> 40)).collect();
            lines += &format!(
                "{{\"pool\":\"pool01.litwareinc.com\",\"room\":\"ma-chan://litwareinc.com/{room}\",\"room_title\":\"Desk {room}\",\
                 \"category\":\"Floor {}\",\"user\":\"sip:user{}@litwareinc.com\",\"user_name\":\"User\",\
                 \"time\":\"2015-03-{day:02}T{:02}:{:02}:00Z\",\"kind\":\"message\",\"id\":{},\"text\":\"{}\"}}\n",
                room % 3,
                message % 9,
                second / 60,
                second % 60,
                message + 1,
                words.join(" ")
            );
        }
        std::fs::write(folder.join(format!("{room:04}.jsonl")), lines).unwrap();
    }
}
