//! What leaves the building, and what is believed of it when it comes back: productions without anybody's business in
//! them, attachments under their names, archives that their store has sealed.

use crate::harness::{Desk, chat, message, store_of, unzip};
use pchat::model::record::{Record, Value};
use pchat::nouns::{addin, case, category, hold, policy, pool, principal, retention, room};
use serde_json::json;

/// What nobody outside may read.
const PLANTED: [&str; 13] = [
    "PlantedHold",
    "PlantedCase",
    "PlantedPolicy",
    "planted.member",
    "planted.manager",
    "planted.principal",
    "PlantedGroup",
    "planted.creator",
    "PlantedRoom",
    "PlantedCategory",
    "planted.pool",
    "PlantedReason",
    "planted.author",
];

fn planted(desk: &Desk) {
    let list = |items: &[&str]| Value::List(items.iter().map(|item| (*item).to_owned()).collect());
    let people = ["sip:ann@a.example", "sip:planted.member@a.example", "CN=PlantedGroup,DC=a,DC=example"];
    let records = [
        Record::new(&pool::SHAPE).with("Name", "pool"),
        Record::new(&pool::SHAPE).with("Name", "planted.pool"),
        Record::new(&case::SHAPE).with("Identity", "PlantedCase"),
        Record::new(&hold::SHAPE).with("Identity", "PlantedHold").with("Reason", "PlantedReason"),
        Record::new(&policy::SHAPE).with("Identity", "PlantedPolicy"),
        Record::new(&addin::SHAPE).with("Pool", "planted.pool").with("Name", "x").with("Url", "https://planted.pool/"),
        Record::new(&retention::SHAPE)
            .with("Scope", "everything")
            .with("Target", "*")
            .with("Keep", "forever")
            .with("Reason", "PlantedReason"),
        Record::new(&principal::SHAPE).with("Uri", "sip:planted.principal@a.example").with("DisplayName", "X"),
        Record::new(&category::SHAPE)
            .with("Pool", "pool")
            .with("Name", "Desks")
            .with("AllowedMembers", list(&people))
            .with("CreatedBy", "sip:planted.creator@a.example"),
        Record::new(&category::SHAPE).with("Pool", "pool").with("Name", "PlantedCategory"),
        Record::new(&room::SHAPE)
            .with("Pool", "pool")
            .with("Uri", "ma-chan://a.example/1")
            .with("Name", "Desk")
            .with("Category", "Desks")
            .with("Members", list(&people))
            .with("Managers", list(&["sip:planted.manager@a.example"]))
            .with("CreatedBy", "sip:planted.creator@a.example"),
        Record::new(&room::SHAPE)
            .with("Pool", "pool")
            .with("Uri", "ma-chan://a.example/2")
            .with("Name", "PlantedRoom")
            .with("Category", "PlantedCategory"),
    ];
    store_of(desk, "s.db", &records);
    let mut events = vec![
        message("ma-chan://a.example/1", 1, "2020-01-01T10:00:00Z", "sip:ann@a.example", "alpha"),
        message("ma-chan://a.example/1", 2, "2021-01-01T10:00:00Z", "sip:planted.author@a.example", "other"),
        message("ma-chan://a.example/2", 1, "2021-01-01T10:00:00Z", "sip:planted.author@a.example", "other"),
    ];
    events.iter_mut().for_each(|event| event["pool"] = "pool".into());
    desk.lines("h.jsonl", &events);
    desk.run("import @h.jsonl --store @s.db").code(0);
}

#[test]
fn a_production_names_nobody_and_nothing_else() {
    let desk = Desk::new();
    planted(&desk);
    let narrowed = [
        "--room Desk --to 2020-12-31",
        "--scope Desks --to 2020-12-31",
        "--user ann@a.example",
        "--from 2020-01-01 --to 2020-12-31",
        "--filter alpha",
        "--level Content --user sip:ann@a.example",
        "--level Content --filter alpha --room Desk",
        "--user ann@a.example --volume-size 1MiB",
    ];
    for (number, options) in narrowed.iter().enumerate() {
        let out = format!("p{number}");
        desk.run(&format!("export --store @s.db --out @{out} {options}")).code(0);
        let mut all = Vec::new();
        let mut open = std::fs::read_dir(desk.path("")).unwrap().map(|e| e.unwrap().path()).collect::<Vec<_>>();
        open.retain(|path| path.file_name().unwrap().to_string_lossy().starts_with(&out));
        let mut names = String::new();
        while let Some(path) = open.pop() {
            names.push_str(&path.display().to_string());
            match path.is_dir() {
                true => open.extend(std::fs::read_dir(path).unwrap().map(|e| e.unwrap().path())),
                false => all.extend(std::fs::read(path).unwrap()),
            }
        }
        let text = format!("{}{names}", String::from_utf8_lossy(&all));
        assert!(text.contains("alpha") && text.contains("ann@a.example"), "{options}");
        for word in PLANTED {
            assert!(!text.contains(word), "{options}: {word}");
        }
    }
    // Who asks for all of it gets it, and an archive for another pool has it anyway.
    desk.run("export --store @s.db --out @all").code(0);
    desk.run("export --store @s.db --out @with --room Desk --with-settings").code(0);
    for archive in ["all", "with"] {
        let holds = String::from_utf8(desk.read(&format!("{archive}/data/catalog/holds.xml"))).unwrap();
        assert!(holds.contains("PlantedHold"), "{archive}");
    }
    desk.run("export --store @s.db --out @u.zip --level User --room Desk").code(2).says("--with-settings");
    desk.run("export --store @s.db --out @d --level RoomDirectory --room Desk").code(0);
    assert!(!desk.path("d/data/catalog/holds.xml").exists());
    assert!(String::from_utf8(desk.read("d/data/catalog/rooms.xml")).unwrap().contains("planted.member"));
}

#[test]
fn attachments_keep_their_names() {
    let desk = Desk::new();
    let mut events = chat(1, 6);
    let names = ["Report.pdf", "REPORT.PDF", "../../evil", "con.txt", "a:b\u{202e}c", ""];
    for (event, (at, name)) in events.iter_mut().zip(names.iter().enumerate()) {
        let data = ["QQ==", "QQ==", "Qg==", "Qw==", "RA==", "RQ=="][at];
        event["attachments"] = match name.is_empty() {
            true => json!([{ "data": data }]),
            false => json!([{ "name": name, "data": data }]),
        };
    }
    desk.lines("h.jsonl", &events);
    desk.run("import @h.jsonl --store @s.db").code(0);
    desk.run("export --store @s.db --out @x.zip").code(0);
    let files = unzip(&desk.path("x.zip"));
    let mut found: Vec<&str> = files
        .keys()
        .filter_map(|name| name.strip_prefix("data/files/")?.split_once('/'))
        .map(|(_, name)| name)
        .collect();
    found.sort_unstable();
    assert_eq!(found, ["Report.pdf", "_con.txt", "a_b_c", "evil", "file"]);
    let listed = String::from_utf8(files["data/names.xml"].clone()).unwrap();
    assert!(listed.contains("<name>REPORT.PDF</name>") && listed.contains("<name>../../evil</name>"), "{listed}");
    desk.run("verify @x.zip --read-data").code(0);
    desk.run("import @x.zip --store @t.db").code(0);
    assert_eq!(desk.history("t.db"), desk.history("s.db"));
}

#[test]
fn a_seal_says_whose_archive_it_is() {
    let desk = Desk::new();
    desk.lines("h.jsonl", &chat(2, 20));
    desk.run("import @h.jsonl --store @s.db").code(0);
    desk.run("case new Matter --store @s.db").code(0);
    desk.run("hold new H --case Matter --reason r --everything --store @s.db").code(0);
    let key = String::from_utf8(desk.read("s.db.key")).unwrap();
    let key = pchat::proof::note::SigningKey::parse(key.lines().last().unwrap()).unwrap().verifier().to_string();
    desk.run("store new --store @o.db").code(0);
    let other = String::from_utf8(desk.read("o.db.key")).unwrap();
    let other = pchat::proof::note::SigningKey::parse(other.lines().last().unwrap()).unwrap().verifier().to_string();
    let fact = |run: &crate::harness::Run, name: &str| {
        let name: String = name.split_whitespace().map(|word| word[..1].to_uppercase() + &word[1..]).collect();
        run.json()[name].as_str().unwrap_or_default().to_owned()
    };
    for (out, volumes) in [("one.zip", ""), ("many", "--volume-size 20KB")] {
        let done = desk.run(&format!("export --store @s.db --out @{out} {volumes} --output json")).code(0);
        let content = fact(&done, "Content");
        let from = if out == "many" { "many.001" } else { out };
        let told = desk.run(&format!("verify @{from} --output json")).code(0);
        assert!(fact(&told, "Seal").ends_with("not checked against a key you trust"), "{}", told.out);
        let told = desk.run(&format!("verify @{from} --public-key {key} --output json")).code(0);
        assert!(fact(&told, "Seal").ends_with("/archive, checked"), "{}", told.out);
        desk.run(&format!("verify @{from} --public-key {other}")).code(13);
        desk.run(&format!("import @{from} --public-key {other} --store @n.db")).code(13);
        desk.run(&format!("import @{from} --expect-content {} --store @n.db", "0".repeat(64))).code(13).says(&content);
        assert!(!desk.path("n.db").exists());
        desk.run(&format!("import @{from} --public-key {key} --expect-content {content} --store @ok.db")).code(0);
    }
    // Somebody makes the archive anew: without the hold, with another text, with sums that fit.
    for (what, seal) in [("<name>H</name>", true), ("text", true), ("text", false)] {
        let forged = desk.path("forged");
        drop(std::fs::remove_dir_all(&forged));
        let mut files = unzip(&desk.path("one.zip"));
        if what == "text" {
            let page = files.keys().find(|name| name.ends_with("/000001.xml")).unwrap().clone();
            let text = String::from_utf8(files[&page].clone()).unwrap();
            let at = text.find("</message>").unwrap();
            files.insert(page, format!("{}forged{}", &text[..at], &text[at..]).into_bytes());
        } else {
            let empty = String::from_utf8(files["data/catalog/cases.xml"].clone()).unwrap();
            let at = empty.find("<record>").unwrap();
            let page = format!("{}</catalog>\n", empty[..at].replace("noun=\"case\"", "noun=\"hold\""));
            files.insert("data/catalog/holds.xml".to_owned(), page.into_bytes());
        }
        if !seal {
            files.remove("seal.txt");
        }
        reseal(&mut files);
        for (name, bytes) in &files {
            let path = forged.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        desk.run(&format!("verify @forged --public-key {key}")).code(13);
        desk.run(&format!("import @forged --public-key {key} --store @f.db")).code(13);
        if seal {
            desk.run("verify @forged").code(13).says("does not match its seal");
        } else {
            desk.run("verify @forged --read-data").code(0);
        }
        assert!(!desk.path("f.db").exists());
    }
    // Without a checkpoint there is no seal, and the bytes are the same.
    desk.run("export --store @s.db --out @a.zip --no-checkpoint").code(0);
    assert!(!unzip(&desk.path("a.zip")).contains_key("seal.txt"));
    desk.run(&format!("verify @a.zip --public-key {key}")).code(13).says("not sealed");
}

/// Makes the lists of a bag fit its files.
fn reseal(files: &mut std::collections::BTreeMap<String, Vec<u8>>) {
    use sha2::{Digest, Sha256};
    let sum = |bytes: &[u8]| pchat::model::hash::hex(&Sha256::digest(bytes));
    let list = |files: &std::collections::BTreeMap<String, Vec<u8>>, payload: bool| -> String {
        let of = files.iter().filter(|(name, _)| name.starts_with("data/") == payload);
        of.map(|(name, bytes)| format!("{}  {name}\n", sum(bytes))).collect()
    };
    files.insert("manifest-sha256.txt".to_owned(), list(files, true).into_bytes());
    let payload = || files.iter().filter(|(name, _)| name.starts_with("data/"));
    let oxum =
        format!("Payload-Oxum: {}.{}", payload().map(|(_, bytes)| bytes.len()).sum::<usize>(), payload().count());
    let info = String::from_utf8(files["bag-info.txt"].clone()).unwrap();
    let said = |line: &str| if line.starts_with("Payload-Oxum") { oxum.clone() } else { line.to_owned() };
    let info: String = info.lines().map(|line| format!("{}\n", said(line))).collect();
    files.insert("bag-info.txt".to_owned(), info.into_bytes());
    let mut custody: serde_json::Value = serde_json::from_slice(&files["custody.json"]).unwrap();
    custody["content"] = sum(&files["manifest-sha256.txt"]).into();
    files.insert("custody.json".to_owned(), serde_json::to_vec_pretty(&custody).unwrap());
    files.remove("tagmanifest-sha256.txt");
    files.insert("tagmanifest-sha256.txt".to_owned(), list(files, false).into_bytes());
}

#[test]
fn an_archive_of_version_1_is_read() {
    let desk = Desk::new();
    let archive = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/archive/version-1.zip");
    desk.write("one.zip", std::fs::read(archive).unwrap());
    desk.run("verify @one.zip --read-data").code(0);
    desk.run("import @one.zip --store @s.db").code(0);
    assert_eq!(desk.history("s.db")[0]["text"], "first");
    // The content of the attachment is there, and goes out under its name.
    desk.run("export --store @s.db --out @two.zip").code(0);
    assert!(crate::harness::unzip(&desk.path("two.zip")).keys().any(|name| name.ends_with("/a.txt")));
}

#[test]
fn what_a_system_left_in_an_archive_is_called_that() {
    let desk = Desk::new();
    desk.lines("in.jsonl", &chat(1, 3));
    desk.run("import @in.jsonl --store @s.db").code(0);
    desk.run("export --store @s.db --out @out").code(0);
    for name in [".DS_Store", "data/Thumbs.db", "data/rooms/desktop.ini", "data/catalog/._rooms.xml"] {
        let path = desk.write(&format!("out/{name}"), "x");
        desk.run("verify @out").code(13).says("systems leave behind").says("delete it: rm ").says(name);
        desk.run("import @out --store @new.db").code(13).says("systems leave behind");
        desk.run("verify @out --keep-going").code(13).says("systems leave behind");
        std::fs::remove_file(path).unwrap();
    }
    desk.run("verify @out").code(0);
}
