//! What pchat writes is its owner's alone, whatever it is; and a key that is not is refused.
#![cfg(unix)]

use crate::harness::{Desk, chat};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

fn mode(path: &Path) -> u32 {
    std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777
}

fn below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            below(&path, found);
        }
        found.push(path);
    }
}

#[test]
fn every_file_is_readable_by_its_owner_only() {
    let desk = Desk::new();
    let mut events = chat(2, 3000);
    events[0]["attachments"] = serde_json::json!([{ "name": "a.txt", "data": "AAAA" }]);
    let given = desk.lines("in.jsonl", &events);
    // An earlier report that was open to others is not after it was written again.
    let open = desk.write("report.json", "{}");
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o666)).unwrap();
    for line in [
        "store new --store @s.db",
        "import @in.jsonl --store @s.db --report @import.html",
        "export --store @s.db --out @a.zip --report @report.json",
        "export --store @s.db --out @folder",
        "export --store @s.db --out @volumes.zip --volume-size 64KiB",
        "export --store @s.db --out @lines.jsonl --format jsonl",
        "audit checkpoint --store @s.db --out @checkpoint.txt",
        "audit anchor --store @s.db --request @request.tsq",
        "audit prove 2 --store @s.db --out @proof",
        "purge --everything --yes --store @s.db --certificate @certificate",
        "certificate get 1 --out @again --store @s.db",
        "manual --out @manual",
    ] {
        desk.run(line).code(0);
    }
    let mut found = Vec::new();
    below(given.parent().unwrap(), &mut found);
    for name in [
        "s.db",
        "s.db.key",
        "a.zip",
        "folder/data",
        "lines.jsonl",
        "checkpoint.txt",
        "request.tsq",
        "proof.json",
        "certificate.json",
        "again.txt",
        "import.html",
        "manual/pchat.1",
    ] {
        assert!(found.contains(&desk.path(name)), "{name}: {found:?}");
    }
    assert!(found.iter().filter(|path| path.to_string_lossy().contains("volumes")).count() > 1);
    for path in found.iter().filter(|path| **path != given) {
        let expected = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(path), expected, "{}", path.display());
    }
}

#[test]
fn files_beside_an_open_store_are_the_owners_too() {
    let desk = Desk::new();
    desk.run("store new --store @s.db").code(0);
    let mut reader = pchat::store::sqlite::Sqlite::snapshot(&desk.path("s.db")).unwrap();
    pchat::store::Corpus::id(&mut reader).unwrap();
    desk.lines("in.jsonl", &chat(1, 3));
    desk.run("import @in.jsonl --store @s.db").code(0);
    for name in ["s.db", "s.db-wal", "s.db-shm"] {
        assert_eq!(mode(&desk.path(name)), 0o600, "{name}");
    }
}

#[test]
fn a_key_that_others_can_read_is_refused() {
    let desk = Desk::new();
    desk.run("store new --store @s.db").code(0);
    let key = desk.path("s.db.key");
    for mode in [0o640, 0o604, 0o620, 0o602] {
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        let refused = desk.run("audit checkpoint --store @s.db").code(15);
        refused
            .says("users other than its owner can read or write the key file")
            .says(&format!("chmod 600 {}", key.display()));
        // A second store would put its key into the same open file.
        desk.run("store new --store @t.db --key @s.db.key").code(15).says("chmod 600");
        assert!(!desk.path("t.db").exists());
    }
    for mode in [0o600, 0o400] {
        std::fs::set_permissions(&key, std::fs::Permissions::from_mode(mode)).unwrap();
        desk.run("audit checkpoint --store @s.db").code(0);
    }
}
