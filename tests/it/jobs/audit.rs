//! The audit log under attack: whatever is done to it ends in the right verdict. And what people do with it:
//! list, sign, prove.

use crate::harness::{Desk, Run, chat, put};
use pchat::model::hash::hex;
use pchat::proof::note::SigningKey;
use pchat::proof::tree::{Frontier, leaf};
use pchat::store::sqlite::Sqlite;
use rusqlite::Connection;

/// A store with six records, of which four are in a checkpoint that was kept elsewhere.
fn desk() -> Desk {
    let desk = Desk::new();
    desk.lines("1.jsonl", &chat(1, 3));
    desk.run("store new --store @s.db").code(0);
    desk.run("import @1.jsonl --store @s.db").code(0);
    more(&desk, 2);
    desk.run("audit checkpoint --store @s.db --out @kept.txt").code(0);
    std::fs::rename(desk.path("s.db.key"), desk.path("key")).unwrap();
    std::fs::remove_file(desk.path("s.db.key.seen")).unwrap();
    desk.copy("s.db", "yesterday.db");
    more(&desk, 2);
    assert_eq!(desk.audit("s.db").len(), 6);
    desk
}

fn more(desk: &Desk, count: usize) {
    let mut store = Sqlite::open(&desk.path("s.db")).unwrap();
    (0..count).for_each(|_| put(&mut store, &[]).unwrap());
}

fn public(desk: &Desk) -> String {
    desk.audit("s.db")[0]["details"]["key"].as_str().unwrap().to_owned()
}

/// What is left when a check without anything from outside, and one with the copy, have been made.
#[track_caller]
fn verdicts(desk: &Desk, alone: &str, against: &str) {
    for (more, verdict) in [("", alone), (" --against @kept.txt", against)] {
        let run = desk.run(&format!("audit verify --store @s.db{more}"));
        match verdict {
            "" => drop(run.code(0)),
            _ => drop(run.code(13).says(&format!("the audit log is not intact: {verdict}\n"))),
        }
    }
}

/// Makes everything anew that can be made without the key, from this record on: links, numbers, hashes, tree.
fn rewrite(desk: &Desk, from: i64) {
    let db = Connection::open(desk.path("s.db")).unwrap();
    let all: Vec<(i64, String)> = {
        let mut rows = db.prepare("SELECT number, record FROM audit ORDER BY number").unwrap();
        rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect()
    };
    let (mut tree, mut previous) = (Frontier::default(), String::new());
    for (number, text) in all {
        let mut record: serde_json::Value = serde_json::from_str(&text).unwrap();
        if number >= from {
            record["previous"] = previous.as_str().into();
            record["number"] = number.into();
        }
        let text = record.to_string();
        let hash = leaf(text.as_bytes());
        tree.push(hash);
        previous = hex(&hash);
        db.execute("UPDATE audit SET record = ?2, hash = ?3 WHERE number = ?1", (number, text, hash)).unwrap();
    }
    db.execute("UPDATE audit_tree SET frontier = ?1", [tree.to_bytes()]).unwrap();
    db.execute("UPDATE root SET revision = ?1", [previous]).unwrap();
}

#[test]
fn an_untouched_log_is_intact_and_says_how_far_it_is_anchored() {
    let desk = desk();
    verdicts(&desk, "", "");
    let run = desk.run("audit verify --store @s.db --against @kept.txt --output json").code(0);
    let fact = |name: &str| run.json()[name].to_string();
    assert_eq!(fact("Records"), "6");
    assert_eq!(fact("Anchored"), "\"records 1 to 4\"");
    assert_eq!(fact("Neither"), "\"records 5 to 6\"");
    desk.run("audit verify --store @s.db").code(0).says("nothing outside the store vouches");
    desk.run("audit checkpoint --store @s.db --key @key").code(0);
    let run = desk.run("audit verify --store @s.db --against @kept.txt").code(0);
    assert!(run.out.contains("Signed, not anchored  records 5 to 6") && run.out.contains("Neither               none"));
}

#[test]
fn a_changed_byte_is_found_wherever_it_is() {
    for number in 1..=6 {
        let desk = desk();
        desk.damage(
            "s.db",
            &format!("UPDATE audit SET record = replace(record, 'desk', 'disk') WHERE number = {number}"),
        );
        verdicts(&desk, "altered record", "altered record");
        desk.run("audit verify --store @s.db").code(13).says(&format!("record {number}: it does not match its hash"));
    }
    let desk = desk();
    desk.damage("s.db", "UPDATE audit SET record = CAST(x'FF00' AS TEXT) WHERE number = 3");
    verdicts(&desk, "altered record", "altered record");
    let desk = self::desk();
    desk.damage("s.db", "UPDATE audit SET hash = x'00' WHERE number = 6");
    verdicts(&desk, "altered record", "altered record");
}

#[test]
fn a_changed_time_is_found() {
    let change = "UPDATE audit SET record = replace(record, '2021-03-04T05', '2021-03-04T04') WHERE number = 4";
    let desk = desk();
    desk.damage("s.db", change);
    verdicts(&desk, "altered record, clock went backwards", "altered record, clock went backwards");
    // The same with everything made to fit: the signatures remain.
    rewrite(&desk, 4);
    verdicts(&desk, "forked, clock went backwards", "forked, clock went backwards");
    desk.damage("s.db", "DELETE FROM checkpoint");
    verdicts(&desk, "clock went backwards", "forked, clock went backwards");
}

#[test]
fn deleted_records_are_missed() {
    for (number, verdict) in [(1, "gap in sequence"), (3, "gap in sequence"), (6, "truncated")] {
        let desk = desk();
        desk.damage("s.db", &format!("DELETE FROM audit WHERE number = {number}"));
        verdicts(&desk, verdict, verdict);
    }
    let desk = desk();
    desk.damage("s.db", "DELETE FROM audit");
    verdicts(&desk, "truncated", "truncated");
    // Somebody who knows about the tree but not about the newest change.
    let desk = self::desk();
    let revision = "SELECT revision FROM root";
    let before: String =
        Connection::open(desk.path("s.db")).unwrap().query_row(revision, [], |row| row.get(0)).unwrap();
    desk.damage("s.db", "DELETE FROM audit WHERE number > 3");
    rewrite(&desk, 99);
    desk.damage("s.db", &format!("UPDATE root SET revision = '{before}'"));
    verdicts(&desk, "truncated", "truncated");
    // Who changes that as well, but leaves the checkpoint.
    rewrite(&desk, 99);
    verdicts(&desk, "truncated", "truncated");
    // Who thinks of everything in the store makes it look like an older copy.
    desk.damage("s.db", "DELETE FROM checkpoint");
    verdicts(&desk, "", "rolled back");
}

#[test]
fn what_is_appended_to_a_truncated_log_does_not_heal_it() {
    let desk = desk();
    desk.damage("s.db", "DELETE FROM audit WHERE number > 4");
    more(&desk, 1);
    verdicts(&desk, "gap in sequence", "gap in sequence");
    desk.run("audit checkpoint --store @s.db --key @key").code(13).says("not signed");
}

#[test]
fn order_and_number_of_records_are_fixed() {
    let swap = "UPDATE audit SET number = -1 WHERE number = 2; UPDATE audit SET number = 2 WHERE number = 3; \
        UPDATE audit SET number = 3 WHERE number = -1;";
    let last = "INSERT INTO audit SELECT 7, record, hash FROM audit WHERE number = 6";
    let middle = "UPDATE audit SET number = -number WHERE number > 3; UPDATE audit SET number = 1 - number WHERE \
        number < 0; \
        INSERT INTO audit SELECT 4, record, hash FROM audit WHERE number = 3";
    for sql in [swap, last, middle] {
        let desk = desk();
        desk.damage("s.db", sql);
        verdicts(&desk, "broken link", "broken link");
    }
}

#[test]
fn a_record_that_was_slipped_in_is_found() {
    // In the middle, following the one before it, with a hash of its own.
    let slip = |desk: &Desk, at: i64| {
        let db = Connection::open(desk.path("s.db")).unwrap();
        db.execute("UPDATE audit SET number = -number WHERE number >= ?1", [at]).unwrap();
        db.execute("UPDATE audit SET number = 1 - number WHERE number < 0", []).unwrap();
        let before: Vec<u8> =
            db.query_row("SELECT hash FROM audit WHERE number = ?1", [at - 1], |row| row.get(0)).unwrap();
        let record = serde_json::json!({ "action": "nothing", "number": at, "previous": hex(&before) }).to_string();
        let hash = leaf(record.as_bytes());
        db.execute("INSERT INTO audit VALUES (?1, ?2, ?3)", (at, record, hash)).unwrap();
    };
    for at in [3, 7] {
        let desk = desk();
        slip(&desk, at);
        verdicts(&desk, "broken link", "broken link");
    }
}

#[test]
fn a_rewritten_suffix_is_a_fork() {
    let desk = desk();
    desk.damage("s.db", "UPDATE audit SET record = replace(record, 'tester', 'nobody') WHERE number = 3");
    rewrite(&desk, 3);
    verdicts(&desk, "forked", "forked");
    // What contradicts an earlier signature is not signed.
    desk.run("audit checkpoint --store @s.db --key @key").code(13).says("has been altered");
    desk.damage("s.db", "DELETE FROM checkpoint");
    verdicts(&desk, "", "forked");
    // Somebody signs it with a key of their own.
    let id = public(&desk).split('+').next().unwrap().to_owned();
    let other = SigningKey::new(&id, &[9; 32]).unwrap();
    desk.write("other", other.to_text());
    desk.run("audit checkpoint --store @s.db --key @other").code(15).says("is not the one");
    let key = public(&desk);
    desk.damage("s.db", &format!("UPDATE meta SET value = '{}' WHERE name = 'verifier'", other.verifier()));
    desk.run("audit checkpoint --store @s.db --key @other").code(0);
    verdicts(&desk, "unsigned or unknown key", "unsigned or unknown key");
    // And says so in the first record, too: then only who kept the key or a checkpoint can tell.
    let rename = format!("UPDATE audit SET record = replace(record, '{key}', '{}') WHERE number = 1", other.verifier());
    desk.damage("s.db", &format!("DELETE FROM checkpoint; {rename}"));
    rewrite(&desk, 1);
    verdicts(&desk, "", "unsigned or unknown key");
    desk.args(&["audit", "verify", "--store", "@s.db", "--public-key", &key]).code(13).says("another public key");
    // Their own key remembers what they have signed before, but that can be thrown away.
    desk.run("audit checkpoint --store @s.db --key @other").code(13).says("are not the ones that were there");
    std::fs::remove_file(desk.path("other.seen")).unwrap();
    desk.run("audit checkpoint --store @s.db --key @other").code(0);
    desk.args(&["audit", "verify", "--store", "@s.db", "--public-key", &key]).code(13).says("unknown key");
}

#[test]
fn yesterdays_store_is_older_than_an_anchor() {
    let desk = desk();
    desk.run("audit checkpoint --store @s.db --key @key --out @today.txt").code(0);
    std::fs::rename(desk.path("yesterday.db"), desk.path("s.db")).unwrap();
    verdicts(&desk, "", "");
    desk.run("audit verify --store @s.db --against @kept.txt @today.txt").code(13).says("intact: rolled back\n");
    // Going on from there makes another log of the same size.
    more(&desk, 2);
    let db = Connection::open(desk.path("s.db")).unwrap();
    db.execute_batch("UPDATE audit SET record = replace(record, 'tester', 'nobody') WHERE number = 5").unwrap();
    drop(db);
    rewrite(&desk, 5);
    desk.run("audit verify --store @s.db --against @kept.txt @today.txt").code(13).says("intact: forked\n");
}

#[test]
fn checkpoints_that_are_nobodys() {
    let desk = desk();
    let other = SigningKey::new("pchat/0", &[9; 32]).unwrap();
    desk.write("other.txt", other.sign("pchat/0\n1\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n").unwrap());
    let unknown = |run: Run| drop(run.code(13).says("intact: unsigned or unknown key\n"));
    unknown(desk.run("audit verify --store @s.db --against @other.txt"));
    desk.damage("s.db", "UPDATE checkpoint SET note = replace(note, '\n4\n', '\n3\n')");
    unknown(desk.run("audit verify --store @s.db"));
    desk.write("none.txt", "nothing of the kind\n");
    desk.run("audit verify --store @s.db --against @none.txt").code(10).says("no signed checkpoint");
    desk.run("audit verify --store @s.db --against @nowhere.txt").code(10);
    desk.run("audit verify --store @s.db --public-key nonsense").code(2).says("not a public key");
}

#[test]
fn copies_are_found_in_letters_and_certificates() {
    let desk = desk();
    let note = String::from_utf8(desk.read("kept.txt")).unwrap();
    desk.write("letter.txt", format!("Dear auditor,\n\nthe log is at:\n{note}\nYours\n"));
    desk.write("certificate.json", serde_json::json!({ "kind": "purge", "checkpoint": note }).to_string());
    let shown = desk.run("audit checkpoint --store @yesterday.db --key @key").code(0);
    desk.write("shown.txt", shown.out);
    for name in ["letter.txt", "certificate.json", "shown.txt"] {
        let run = desk.run(&format!("audit verify --store @s.db --against @{name}")).code(0);
        assert!(run.out.contains("records 1 to 4") && run.out.contains(name), "{}", run.out);
    }
}

#[test]
fn a_third_party_needs_no_store() {
    let desk = desk();
    let key = public(&desk);
    for number in 1..=6 {
        let out = format!("@p{number}");
        desk.args(&["audit", "prove", &number.to_string(), "--store", "@s.db", "--key", "@key", "--out", &out]).code(0);
    }
    let verify = |proof: &str, record: &str, key: &str| {
        desk.args(&["audit", "verify-proof", proof, record, "--public-key", key, "--store", "@nowhere.db"])
    };
    for number in 1..=6 {
        let record = format!("@p{number}.json");
        verify(&format!("@p{number}"), &record, &key).code(0);
        verify(&format!("@p{}", number % 6 + 1), &record, &key).code(13).says("not of this record");
    }
    let other = SigningKey::new(key.split('+').next().unwrap(), &[9; 32]).unwrap();
    verify("@p1", "@p1.json", &other.verifier().to_string()).code(13).says("unknown key");
    verify("@p1.json", "@p1.json", &key).code(13).says("not a proof");
    desk.run("audit prove 7 --store @s.db --key @key --out @p7").code(10).says("no record 7");
    desk.run("audit prove 1 --store @s.db --key @key --out @p1").code(15).says("already exists");
    // Without the key the newest checkpoint has to do.
    more(&desk, 1);
    desk.run("audit prove 6 --store @s.db --out @q6").code(0);
    desk.run("audit prove 7 --store @s.db --out @q7").code(10).says("newer than the newest checkpoint");
}

#[test]
fn records_are_listed() {
    let desk = desk();
    let lines = |more: &str| {
        let run = desk.run(&format!("audit get --store @s.db --output jsonl {more}"));
        assert!(matches!(run.code, 0 | 4), "{run:?}");
        run.out.lines().count()
    };
    assert_eq!((lines(""), lines("--action test"), lines("--action store"), lines("--action purge")), (6, 4, 1, 0));
    assert_eq!((lines("--user TESTER"), lines("--user nobody"), lines("--limit 2")), (6, 0, 2));
    assert_eq!((lines("--from 2021-03-04"), lines("--from 2021-03-05"), lines("--to 2021-03-03")), (6, 0, 0));
    desk.run("audit get --store @s.db --limit 2").code(0).says("4 older records");
    desk.run("audit get --store @s.db --user nobody").code(4);
    let run = desk.run("audit get --store @s.db --output jsonl --limit 1");
    let record = run.json()["Record"].as_str().unwrap().to_owned();
    assert_eq!(record, desk.audit("s.db")[5].to_string());
}

#[test]
fn without_the_key_nothing_is_signed() {
    let desk = desk();
    desk.run("audit checkpoint --store @s.db").code(10).says("the key of").says("--key FILE");
    desk.run("audit checkpoint --store @s.db --key @1.jsonl").code(10).says("it is not in");
    desk.run("audit checkpoint --store @s.db --key @key").code(0);
}

#[test]
fn an_export_carries_a_checkpoint_and_is_recorded_before_it_leaves() {
    let desk = desk();
    for (number, (out, more)) in
        [("x.zip", ""), ("x", ""), ("v.zip", "--volume-size 8KiB"), ("x.jsonl", "--format jsonl")].iter().enumerate()
    {
        desk.run(&format!("export --store @s.db --key @key --out @{out} {more}")).code(0);
        let log = desk.audit("s.db");
        assert_eq!(log.len(), 7 + number);
        let (record, details) = (log.last().unwrap(), &log.last().unwrap()["details"]);
        assert_eq!((record["action"].as_str(), details["events"].as_str()), (Some("export"), Some("3")), "{record}");
        assert_eq!(details["state"], "complete");
        if let Ok(bytes) = std::fs::read(desk.path(out)) {
            let of = |bytes: &[u8]| hex(&<sha2::Sha256 as sha2::Digest>::digest(bytes));
            let salt = "SELECT salt FROM export_salt ORDER BY record DESC LIMIT 1";
            let store = rusqlite::Connection::open(desk.path("s.db")).unwrap();
            let salt: String = store.query_row(salt, [], |row| row.get(0)).unwrap();
            let said = of(format!("{salt}{}", of(&bytes)).as_bytes());
            assert!(details["files"].as_str().unwrap().ends_with(&said), "{details}");
        }
    }
    for (anchor, size) in [("x.zip", 6), ("x", 7), ("v.001.zip", 8)] {
        desk.run(&format!("verify @{anchor} --read-data")).code(0);
        let run = desk.run(&format!("audit verify --store @s.db --against @{anchor}")).code(0);
        assert!(
            run.out.contains(&format!("records 1 to {size}\n")) && run.out.contains("checkpoint.txt"),
            "{}",
            run.out
        );
    }
    let zip = crate::harness::unzip(&desk.path("x.zip"));
    let tags = String::from_utf8(zip["tagmanifest-sha256.txt"].clone()).unwrap();
    assert!(tags.contains("  checkpoint.txt\n"));
    // The payload is the same with and without, and both can be read.
    desk.run("export --store @s.db --out @plain.zip --no-checkpoint").code(0);
    let plain = crate::harness::unzip(&desk.path("plain.zip"));
    assert!(!plain.contains_key("checkpoint.txt"));
    assert!(plain.iter().all(|(name, bytes)| name == "tagmanifest-sha256.txt" || zip[name] == *bytes));
    desk.run("audit verify --store @s.db --against @plain.zip").code(10).says("no signed checkpoint");
    for (archive, store) in [("x.zip", "1.db"), ("plain.zip", "2.db"), ("v.001.zip", "3.db")] {
        desk.run(&format!("import @{archive} --store @{store}")).code(0);
        assert_eq!(desk.history(store), desk.history("s.db"));
    }
    // A checkpoint that was changed is not the one the list names.
    std::fs::write(desk.path("x/checkpoint.txt"), desk.read("kept.txt")).unwrap();
    desk.run("verify @x").code(13).says("checkpoint.txt");
}

#[test]
fn an_export_without_the_key_carries_the_newest_checkpoint_there_is() {
    let desk = desk();
    let run = desk.run("export --store @s.db --out @x.zip").code(0).says("the key of the store is not here");
    assert!(run.out.contains("the newest there is, of 4 records"), "{}", run.out);
    assert_eq!(crate::harness::unzip(&desk.path("x.zip"))["checkpoint.txt"], desk.read("kept.txt"));
    desk.damage("s.db", "DELETE FROM checkpoint");
    let run = desk.run("export --store @s.db --out @y.zip").code(0);
    assert!(run.out.contains("none: the key of"), "{}", run.out);
    assert!(!crate::harness::unzip(&desk.path("y.zip")).contains_key("checkpoint.txt"));
    // An altered log does not keep evidence from leaving, and is not signed.
    desk.damage("s.db", "UPDATE audit SET hash = x'00' WHERE number = 3");
    desk.run("export --store @s.db --key @key --out @z.zip").code(0).says("has been altered and was not signed");
}
