//! The key of a store: where it is made, who may read it, that it is never overwritten.

use crate::harness::{Desk, chat};
use pchat::proof::note::{SigningKey, Verifier};

fn lines(desk: &Desk, file: &str) -> Vec<String> {
    String::from_utf8(desk.read(file)).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_new_store_has_a_key_beside_it() {
    let desk = Desk::new();
    let made = desk.run("store new --store @a.db").code(0).says("public key").says("a.db.key");
    let public = made.err.lines().find_map(|line| line.split_once("elsewhere: ")).unwrap().1.to_owned();
    let key = SigningKey::parse(&lines(&desk, "a.db.key")[0]).unwrap();
    assert_eq!(key.verifier(), Verifier::parse(&public).unwrap());
    assert_eq!(desk.audit("a.db")[0]["details"]["key"], public);
    assert_eq!(desk.audit("a.db")[0]["outcome"], "done");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(desk.path("a.db.key").metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn an_import_that_creates_a_store_makes_a_key_and_a_trial_run_does_not() {
    let desk = Desk::new();
    desk.lines("in.jsonl", &chat(1, 3));
    desk.run("import @in.jsonl --store @a.db --what-if").code(0);
    assert!(!desk.path("a.db.key").exists());
    desk.run("import @in.jsonl --store @a.db").code(0);
    let key = lines(&desk, "a.db.key");
    desk.run("import @in.jsonl --store @a.db").code(0);
    assert_eq!(lines(&desk, "a.db.key"), key);
}

#[test]
fn a_key_file_gets_a_line_for_each_store_and_loses_none() {
    let desk = Desk::new();
    desk.write("keys", "somebody wrote here");
    desk.run("store new --store @a.db --key @keys").code(0);
    desk.run("store new --store @b.db --key @keys").code(0);
    let all = lines(&desk, "keys");
    assert_eq!((all.len(), all[0].as_str()), (3, "somebody wrote here"));
    assert_ne!(SigningKey::parse(&all[1]).unwrap().name(), SigningKey::parse(&all[2]).unwrap().name());
    assert!(!desk.path("a.db.key").exists());
    // A store that is made where one was before does not overwrite the key of the old one.
    desk.run("store new --store @c.db").code(0);
    std::fs::remove_file(desk.path("c.db")).unwrap();
    desk.run("store new --store @c.db").code(0);
    assert_eq!(lines(&desk, "c.db.key").len(), 2);
}

#[test]
fn without_room_for_a_key_there_is_no_store() {
    let desk = Desk::new();
    desk.run("store new --store @a.db --key @nowhere/keys").code(10);
    assert!(!desk.path("a.db").exists());
}
