//! Certificates: signed under a name of their own, checked alone and against the log; nothing else passes for one.

use crate::harness::{Desk, chat};
use pchat::proof::note::{self, SigningKey, Verifier};
use serde_json::Value;

/// A store with two purges, and their certificates `one` and `two`; the public key of its log.
fn desk() -> (Desk, String) {
    let desk = Desk::new();
    desk.run("store new --store @s.db").code(0);
    desk.lines("in.jsonl", &chat(2, 6));
    desk.run("import @in.jsonl --store @s.db").code(0);
    let room = chat(2, 6)[0]["room"].as_str().map(str::to_owned);
    desk.args(&["purge", "--room", &room.unwrap(), "--yes", "--store", "@s.db", "--certificate", "@one"]).code(0);
    desk.run("purge --everything --yes --store @s.db --certificate @two").code(0);
    let key = SigningKey::parse(&String::from_utf8(desk.read("s.db.key")).unwrap()).unwrap();
    (desk, key.verifier().to_string())
}

fn text(desk: &Desk, name: &str) -> String {
    String::from_utf8(desk.read(name)).unwrap()
}

#[test]
fn a_certificate_is_checked_alone_and_against_the_log() {
    let (desk, public) = desk();
    for name in ["one.txt", "one.json", "two.txt", "two.json"] {
        let found = desk.run(&format!("certificate verify @{name} --store @s.db --output json")).code(0).json();
        assert!(found.to_string().contains("named in its log"), "{found}");
        desk.run(&format!("certificate verify @{name} --public-key {public} --store @none.db")).code(0);
    }
    let other = Desk::new();
    other.run("store new --store @o.db").code(0);
    let stranger = SigningKey::new("pchat/0f", &[3; 32]).unwrap().verifier();
    for name in ["one.txt", "one.json"] {
        desk.run(&format!("certificate verify @{name} --public-key {stranger}")).code(13).says("not known");
        other.write(name, desk.read(name));
        other.run(&format!("certificate verify @{name} --store @o.db")).code(13).says("not known");
    }
}

#[test]
fn either_name_of_a_certificate_means_both_files() {
    let (desk, _) = desk();
    for (typed, made) in [("a.txt", "a"), ("b.json", "b"), ("c.TXT", "c"), ("d.v1", "d.v1"), ("e", "e")] {
        desk.run(&format!("certificate get 1 --out @{typed} --store @s.db")).code(0);
        assert!(desk.path(&format!("{made}.txt")).exists() && desk.path(&format!("{made}.json")).exists(), "{typed}");
        assert!(!desk.path(&format!("{typed}.txt")).exists() || typed == made, "{typed}");
    }
    // What is there already is looked for under the same names.
    desk.run("purge --everything --yes --store @s.db --certificate @a.txt").code(4);
    desk.lines("more.jsonl", &chat(1, 2));
    desk.run("import @more.jsonl --store @s.db --restore-purged").code(0);
    desk.run("purge --everything --yes --store @s.db --certificate @a.txt").code(15).says("already exists");
}

#[test]
fn what_was_changed_in_a_certificate_is_found() {
    let (desk, public) = desk();
    let one = text(&desk, "one.txt");
    let mut json: Value = serde_json::from_str(&text(&desk, "one.json")).unwrap();
    let two: Value = serde_json::from_str(&text(&desk, "two.json")).unwrap();
    desk.write("a.txt", one.replace("events", "event5"));
    json["record"]["total"]["events"] = 1.into();
    desk.write("b.json", json.to_string());
    json = serde_json::from_str(&text(&desk, "one.json")).unwrap();
    json["checkpoint"] = two["checkpoint"].clone();
    desk.write("c.json", json.to_string());
    json["note"] = two["note"].clone();
    desk.write("d.json", json.to_string());
    desk.write("e.txt", "this is a letter");
    desk.write("f.json", "{}");
    for name in ["a.txt", "b.json", "c.json", "d.json", "e.txt", "f.json"] {
        desk.run(&format!("certificate verify @{name} --store @s.db")).code(13).says(name);
        desk.run(&format!("certificate verify @{name} --public-key {public}")).code(13).says(name);
    }
    // A certificate that is signed and that the store does not keep, or its log does not name.
    desk.copy("s.db", "t.db");
    desk.damage(
        "t.db",
        "UPDATE purge SET certificate = (SELECT certificate FROM purge WHERE number = 2) WHERE number = 1",
    );
    desk.run("certificate verify @one.json --store @t.db").code(13);
    desk.copy("s.db", "t.db");
    desk.damage("t.db", "UPDATE audit SET record = replace(record, 'purge certificate', 'purge sertificate')");
    desk.run("certificate verify @one.json --store @t.db").code(13).says("audit verify");
    desk.copy("s.db", "t.db");
    desk.damage("t.db", "UPDATE purge SET certificate = NULL WHERE number = 2");
    desk.run("certificate verify @two.txt --store @t.db").code(13).says("no certificate of purge 2");
}

#[test]
fn a_certificate_is_no_checkpoint_and_a_checkpoint_no_certificate() {
    let (desk, public) = desk();
    let verifier = Verifier::parse(&public).unwrap();
    let certificates = verifier.named(&format!("{}/certificate", verifier.name())).unwrap();
    let one = text(&desk, "one.txt");
    let opened = note::open(&one, &[verifier.clone(), certificates.clone()]).unwrap();
    assert_eq!(opened.known, [1], "it is signed under its own name only");
    assert_ne!(verifier.to_string().split('+').nth(1), certificates.to_string().split('+').nth(1));
    desk.run("audit checkpoint --store @s.db --out @checkpoint.txt").code(0);
    desk.run(&format!("certificate verify @checkpoint.txt --public-key {public}")).code(13);
    // Whoever has the key signs either text under either name: the texts are told apart all the same.
    let key = SigningKey::parse(&text(&desk, "s.db.key")).unwrap();
    let checkpoint = note::open(&text(&desk, "checkpoint.txt"), std::slice::from_ref(&verifier)).unwrap().text;
    desk.write("x.txt", key.named(certificates.name()).unwrap().sign(&checkpoint).unwrap());
    desk.run(&format!("certificate verify @x.txt --public-key {public}")).code(13).says("not a certificate");
    desk.write("y.txt", key.sign(&opened.text).unwrap());
    desk.run(&format!("certificate verify @y.txt --public-key {public}")).code(13).says("not known");
    desk.run("audit verify --store @s.db --against @y.txt").code(10).says("no signed checkpoint");
    desk.run("audit verify --store @s.db --against @one.json").code(0);
}

#[test]
fn a_forged_certificate_does_not_pass_as_a_checkpoint() {
    let (desk, _) = desk();
    let json: Value = serde_json::from_str(&text(&desk, "one.json")).unwrap();
    let with = |change: &dyn Fn(&mut Value)| {
        let mut json = json.clone();
        change(&mut json);
        json.to_string()
    };
    let other = {
        let other = Desk::new();
        other.run("store new --store @o.db").code(0);
        other.lines("in.jsonl", &chat(2, 6));
        other.run("import @in.jsonl --store @o.db").code(0);
        other.run("purge --everything --yes --store @o.db --certificate @c").code(0);
        text(&other, "c.json")
    };
    let twice = text(&desk, "one.json").replacen("{\"checkpoint\"", "{\"record\":{\"purge\":7},\"checkpoint\"", 1);
    let forged = [
        ("numbers", with(&|json| json["record"]["total"]["events"] = 1.into())),
        ("text", with(&|json| json["note"] = json["note"].as_str().unwrap().replace("Destroyed", "Preserved").into())),
        ("stripped", with(&|json| drop(json.as_object_mut().unwrap().remove("note")))),
        ("bare", with(&|json| drop(json.as_object_mut().unwrap().remove("record")))),
        ("more", with(&|json| json["remark"] = "all was kept".into())),
        ("twice", twice),
        ("pretty", serde_json::to_string_pretty(&json).unwrap()),
    ];
    for (name, text) in forged {
        let file = format!("{name}.json");
        desk.write(&file, text);
        let run = desk.run(&format!("audit verify --store @s.db --against @{file}")).code(13);
        assert!(run.err.contains("bad certificate") && !run.out.contains("intact"), "{name}: {run:?}");
        desk.run(&format!("certificate verify @{file} --store @s.db")).code(13);
    }
    // That of another store.
    desk.write("other.json", other);
    desk.run("audit verify --store @s.db --against @other.json").code(13);
    // Good, and of a purge that another copy of the store has never seen.
    desk.copy("s.db", "t.db");
    desk.damage("t.db", "UPDATE audit SET record = replace(record, 'purge certificate', 'purge sertificate')");
    desk.run("audit verify --store @t.db --against @one.json").code(13).says("no record names this certificate");
    // A text has no checkpoint, and says how it is checked.
    desk.run("audit verify --store @s.db --against @one.txt").code(10).says("pchat certificate verify");
    desk.run("audit verify --store @s.db --against @one.json @two.json").code(0);
}

#[test]
fn the_two_files_of_a_certificate_belong_together() {
    let (desk, public) = desk();
    let one = text(&desk, "one.txt");
    desk.write("one.txt", one.replace("Purge                   1", "Purge                   3"));
    for file in ["one.txt", "one.json"] {
        desk.run(&format!("certificate verify @{file} --store @s.db")).code(13);
        desk.run(&format!("certificate verify @{file} --public-key {public}")).code(13);
    }
    desk.write("one.txt", text(&desk, "two.txt"));
    desk.run("certificate verify @one.json --store @s.db").code(13).says("not of the same certificate");
    desk.write("one.txt", one.trim_end().to_owned() + "\n\u{2014} friend AAAAAAAA\n");
    desk.run(&format!("certificate verify @one.txt --public-key {public}")).code(13).says("more than the one");
}

#[test]
fn a_certificate_is_never_replaced() {
    let (desk, _) = desk();
    let (before, two) = (text(&desk, "one.txt"), text(&desk, "two.json"));
    desk.run("import @in.jsonl --store @s.db --restore-purged").code(0);
    let room = desk.history("s.db").len();
    desk.run("purge --everything --yes --store @s.db --certificate @one").code(15).says("nothing was destroyed");
    assert_eq!((text(&desk, "one.txt"), desk.history("s.db").len()), (before, room));
    // What is there already may be asked for again; something else may not go there.
    desk.run("certificate get 2 --store @s.db --out @two").code(0);
    desk.run("certificate get 1 --store @s.db --out @two").code(15).says("already exists");
    assert_eq!(text(&desk, "two.json"), two);
    desk.run("purge --everything --yes --store @s.db --certificate @none/c").code(10).says("nothing was destroyed");
    desk.run("purge --everything --yes --store @s.db --certificate @three").code(0);
}

#[test]
fn a_certificate_names_rooms_and_shows_its_text() {
    let (desk, _) = desk();
    let shown = desk.run("certificate get 1 --store @s.db").code(0);
    assert!(shown.out.contains("Certificate of destruction") && shown.out.contains("Destroyed in all"), "{shown:?}");
    let json: Value = serde_json::from_str(&text(&desk, "one.json")).unwrap();
    let room = &json["record"]["rooms"][0];
    let (name, address) = (room["name"].as_str().unwrap(), room["address"].as_str().unwrap());
    assert!(!name.is_empty() && !address.is_empty());
    assert!(shown.out.contains(&format!("{name}, ")) && shown.out.contains(&format!("\\{address}: ")), "{}", shown.out);
    // The list has no text.
    assert!(!desk.run("certificate get --store @s.db").code(0).out.contains("Certificate of destruction"));
}
