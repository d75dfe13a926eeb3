//! Exit codes, and stores that are not what they should be.

use super::{Desk, Dice, slow, tree};
use crate::harness::content;
use crate::harness::lay_out;
use rusqlite::Connection;
use std::process::Command;

#[test]
fn each_way_to_end_has_its_code() {
    let desk = Desk::with_store(3, 10);
    desk.run("--version").ends(0, "");
    desk.run("store new --store new.db").ends(0, "created");
    desk.run("store new --store new.db").ends(15, "already exists");
    desk.run("store info --store new.db").ends(4, "");
    desk.run("export --store new.db").ends(2, "--out");
    desk.run("export --store s.db --out x.zip --level User --from 2015-01-01").ends(2, "has none");
    desk.run("export --store s.db --out - --volume-size 1MiB").ends(2, "no volumes");
    desk.run("export --store none.db --out x.zip").ends(10, "none.db");
    desk.run("export --store s.db --out x.zip --room Nowhere").ends(10, "Nowhere");
    desk.run("export --store s.db --out no/such/x.zip").ends(10, "does not exist");
    desk.run("import none --store s.db").ends(10, "none");
    desk.run("verify none.zip").ends(10, "none.zip");
    assert_eq!(
        desk.names(),
        ["in", "new.db", "new.db.key", "new.db.key.seen", "s.db", "s.db.key", "s.db.key.seen"],
        "nothing of what failed is left"
    );
    desk.run("export --store s.db --out x.zip").ends(0, "");
    desk.run("export --store s.db --out x.zip").ends(15, "already exists");
    desk.run("verify x.zip --read-data").ends(0, "");
    desk.run("verify in/0000.jsonl").ends(13, "zip");

    std::fs::write(desk.path("in/bad.jsonl"), "no\n").unwrap();
    desk.run("import in --store other.db").ends(13, "in/bad.jsonl: ");
    assert!(!desk.path("other.db").exists());
    desk.run("import in --store other.db --keep-going").ends(3, "bad.jsonl");
    desk.check("other.db");

    // The same message with another text.
    let file = std::fs::read_to_string(desk.path("in/0001.jsonl")).unwrap();
    let at = file.find("\"text\":\"").unwrap() + 8;
    std::fs::write(desk.path("changed.jsonl"), format!("{}ANOTHER {}", &file[..at], &file[at..])).unwrap();
    let ran = desk.run("import changed.jsonl --store s.db");
    ran.ends(3, "conflict");
    assert!(!format!("{ran:?}").contains("ANOTHER"), "no text of a message in what is printed: {ran:?}");
}

#[test]
fn settings_that_differ_are_a_conflict() {
    let desk = Desk::with_store(2, 3);
    desk.run("export --store s.db --out a.zip").ends(0, "");
    desk.run("import a.zip --store b.db").ends(0, "");
    // The room is known to the store by another name, as a record and not only from history.
    let change = "UPDATE room SET name = 'Other ' || number, discovered = 0";
    lay_out(&desk.path("b.db"), change);
    desk.run("export --store b.db --out b.zip").ends(0, "");
    desk.run("import b.zip --store c.db").ends(0, "");
    lay_out(&desk.path("c.db"), "UPDATE room SET name = 'Third ' || number");
    let before = content(&desk.path("c.db"));
    desk.run("import b.zip --store c.db").ends(17, "settings exist with other values");
    assert_eq!(content(&desk.path("c.db")), before, "the store has not changed");
}

#[test]
fn what_is_no_store_is_left_alone() {
    let desk = Desk::with_store(2, 3);
    std::fs::write(desk.path("text"), "this is a text\n".repeat(500)).unwrap();
    std::fs::write(desk.path("short"), "x").unwrap();
    std::fs::write(desk.path("empty"), "").unwrap();
    std::fs::create_dir(desk.path("folder")).unwrap();
    Connection::open(desk.path("foreign"))
        .unwrap()
        .execute_batch("CREATE TABLE t (x); INSERT INTO t VALUES (1)")
        .unwrap();
    // Looks like one at first sight.
    let marked = Connection::open(desk.path("marked")).unwrap();
    marked.execute_batch("PRAGMA application_id = 0x70636874; PRAGMA user_version = 1; CREATE TABLE meta (x)").unwrap();
    drop(marked);
    let names = desk.names();
    for (name, says) in [
        ("text", "it is not an SQLite file"),
        ("short", "short: this is not a pchat store"),
        ("empty", "it is empty"),
        ("folder", "it is a folder"),
        ("foreign", "another program"),
        ("marked", "marked"),
    ] {
        let path = desk.path(name);
        let before = if path.is_dir() { Vec::new() } else { std::fs::read(&path).unwrap() };
        for command in ["export --out x.zip", "import in", "store check", "store info", "store upgrade", "verify"] {
            desk.run(&format!("{command} --store {name}")).ends(13, says);
        }
        assert!(path.is_dir() || std::fs::read(&path).unwrap() == before, "{name} has changed");
        assert_eq!(desk.names(), names);
    }
}

#[test]
fn a_store_of_a_newer_pchat_is_left_alone() {
    let desk = Desk::with_store(2, 3);
    Connection::open(desk.path("s.db")).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    let before = std::fs::read(desk.path("s.db")).unwrap();
    for command in ["export --out x.zip", "import in", "store check", "store info", "store upgrade", "verify"] {
        desk.run(&format!("{command} --store s.db")).ends(12, "newer");
    }
    assert!(std::fs::read(desk.path("s.db")).unwrap() == before);
    assert_eq!(desk.names(), ["in", "s.db", "s.db.key", "s.db.key.seen"]);
}

#[test]
fn a_damaged_store_is_told() {
    let desk = Desk::with_store(20, 200);
    desk.run("export --store s.db --out right.jsonl --format jsonl").ends(0, "");
    let right = std::fs::read(desk.path("right.jsonl")).unwrap();
    let store = std::fs::read(desk.path("s.db")).unwrap();
    let mut dice = Dice(21);
    let (mut told, mut exports) = (0, 0);
    let rounds = if slow() { 300 } else { 30 };
    for round in 0..rounds {
        let mut bytes = store.clone();
        // The first page says what the file is; that is another test.
        let at = 8192 + dice.next() as usize % (bytes.len() - 8192 - 64);
        match round % 3 {
            0 => bytes[at] ^= 1 << (dice.next() % 8),
            1 => bytes[at..at + 64].fill(dice.next() as u8),
            _ => {
                let page = at / 8192 * 8192;
                bytes[page..page + 8192].fill_with(|| dice.next() as u8);
            }
        }
        if bytes == store {
            continue;
        }
        std::fs::write(desk.path("d.db"), &bytes).unwrap();
        let check = desk.run("store check --read-data --store d.db");
        let export = desk.run("export --store d.db --out d.jsonl --format jsonl");
        let made = std::fs::read(desk.path("d.jsonl")).ok();
        match export.code {
            // A text of which only the index still knows how it was is exported as it is; the check tells that.
            0 => assert!(check.code == 13 || made.unwrap() == right, "round {round}: damage at {at} is not told"),
            13 => {
                assert!(made.is_none(), "round {round}: {export:?}");
                exports += 1;
            }
            _ => panic!("round {round}, damage at {at}: {export:?}"),
        }
        match check.code {
            13 => told += 1,
            0 => assert_eq!(export.code, 0, "round {round}, damage at {at}: {export:?}"),
            _ => panic!("round {round}, damage at {at}: {check:?}"),
        }
        drop(std::fs::remove_file(desk.path("d.jsonl")));
        drop(std::fs::remove_file(desk.path("d.db-wal")));
    }
    assert!(told * 2 > rounds && exports > 0, "{told} and {exports} of {rounds}");
}

#[test]
fn a_store_cut_short_is_told() {
    let desk = Desk::with_store(5, 200);
    let store = std::fs::read(desk.path("s.db")).unwrap();
    for size in [1, 15, 16, 99, 100, 512, 8191, 8192, 8193, store.len() / 2, store.len() - 8192, store.len() - 1] {
        std::fs::write(desk.path("d.db"), &store[..size]).unwrap();
        for command in ["store check --read-data", "export --out d.zip"] {
            assert_eq!(desk.run(&format!("{command} --store d.db")).code, 13, "{command} on {size} bytes");
        }
        assert!(!desk.path("d.zip").exists());
    }
}

/// The command as a person without rights, where `setpriv` is there.
fn as_nobody(desk: &Desk, args: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups", env!("CARGO_BIN_EXE_pchat")]);
    command.args(args.split_whitespace()).current_dir(desk.path("")).env_remove("PCHAT_STORE");
    command
}

#[cfg(unix)]
#[test]
fn a_store_that_cannot_be_written_can_be_exported() {
    use std::os::unix::fs::PermissionsExt;
    let desk = Desk::with_store(3, 10);
    let mode = |name: &str, mode: u32| {
        std::fs::set_permissions(desk.path(name), std::fs::Permissions::from_mode(mode)).unwrap();
    };
    std::fs::create_dir(desk.path("shut")).unwrap();
    std::fs::rename(desk.path("s.db"), desk.path("shut/s.db")).unwrap();
    std::fs::create_dir(desk.path("out")).unwrap();
    desk.run("export --store shut/s.db --out right.zip").ends(0, "");
    mode("", 0o755);
    mode("out", 0o777);
    mode("in", 0o755);
    mode("shut/s.db", 0o444);
    mode("shut", 0o555);
    std::fs::write(desk.path("empty.zip"), [&b"PK\x05\x06"[..], &[0; 18]].concat()).unwrap();
    let root = desk.run("store new --store shut/probe.db").code == 0;
    let run = |args: &str| match root {
        false => Some(desk.run(args)),
        true => as_nobody(&desk, args).output().ok().map(super::ran),
    };
    if root {
        std::fs::remove_file(desk.path("shut/probe.db")).unwrap();
        std::fs::remove_file(desk.path("shut/probe.db.key")).unwrap();
        std::fs::remove_file(desk.path("shut/probe.db.key.seen")).unwrap();
    }
    match run("--version") {
        Some(ran) if ran.code == 0 => {}
        // Nothing is claimed where rights do not bind and cannot be given up.
        _ => return,
    }
    for folder in [0o555, 0o777] {
        mode("shut", folder);
        let out = format!("out/{folder:o}.zip");
        run(&format!("export --store shut/s.db --out {out}")).unwrap().ends(0, "");
        let same = std::fs::read(desk.path(&out)).unwrap();
        assert!(
            crate::hostile::files_of(&same)
                == crate::hostile::files_of(&std::fs::read(desk.path("right.zip")).unwrap())
        );
        run("store check --read-data --store shut/s.db").unwrap().ends(0, "");
        run("import in --store shut/s.db").unwrap().ends(20, "s.db");
        // What is refused is refused, though it cannot be recorded.
        run("import empty.zip --store shut/s.db").unwrap().ends(15, "this zip is not a pchat archive");
        run("store upgrade --store shut/s.db").unwrap();
        // Where it may, SQLite leaves its empty log behind: who cannot write the store cannot tidy up either.
        for name in tree(&desk.path("shut"), false).into_keys().filter(|name| name != "s.db") {
            assert!(folder == 0o777 && ["s.db-shm", "s.db-wal"].contains(&name.as_str()), "{name}");
            std::fs::remove_file(desk.path("shut").join(name)).unwrap();
        }
    }
    mode("shut", 0o755);
    mode("shut/s.db", 0o000);
    run("export --store shut/s.db --out out/none.zip").unwrap().ends(20, "s.db");
    mode("in/0000.jsonl", 0o000);
    run("import in --store out/n.db").unwrap().ends(20, "0000.jsonl");
    assert_eq!(tree(&desk.path("out"), false).into_keys().collect::<Vec<_>>(), ["555.zip", "777.zip"]);
    mode("in", 0o555);
    run("export --store s.db --out in/x.zip").unwrap().ends(10, "s.db");
}

#[test]
fn a_report_that_cannot_be_written_is_told_before_the_work() {
    let desk = Desk::with_store(2, 3);
    desk.run("export --store s.db --out x.zip --report no/such.json").ends(10, "no/such.json");
    desk.run("export --store s.db --out x.zip --report in").ends(10, "in");
    desk.run("export --store s.db --out x.zip --report /proc/report.json").ends(10, "/proc/report.json");
    assert_eq!(desk.names(), ["in", "s.db", "s.db.key", "s.db.key.seen"]);
    // What is no file is written to, never replaced by one.
    desk.run("export --store s.db --out x.zip --report /dev/full").ends(20, "/dev/full");
    assert!(!std::fs::metadata("/dev/full").unwrap().is_file());
    let ran = desk.run("verify x.zip --report /dev/stdout");
    assert!(ran.ends(0, "").out.contains("Content"), "{ran:?}");
}
