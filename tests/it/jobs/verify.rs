//! Verify: what is intact passes, what is not is found, and a part finds what lies in it.

use crate::harness::{Desk, chat, damage_entry, sum, unzip};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

/// An archive of eight pages in four rooms, and three attachments.
fn desk() -> Desk {
    let desk = Desk::new();
    let mut events = chat(4, 12);
    for (n, event) in events.iter_mut().enumerate() {
        // Two large bodies do not fit one page.
        if n % 12 < 2 {
            // Not packed so tightly that it would be taken for a bomb.
            let mut state = n as u64 + 1;
            let odd: String = (0..70_000)
                .map(|_| {
                    state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    char::from(b'a' + ((state >> 40) % 26) as u8)
                })
                .collect();
            event["text"] = format!("{n} {odd}{}", "long text ".repeat(593_000)).into();
        }
        if n % 16 == 3 {
            event["attachments"] = serde_json::json!([{ "data": STANDARD.encode(format!("file {n} ").repeat(500)) }]);
        }
    }
    desk.lines("in.jsonl", &events);
    desk.run("import @in.jsonl --store @a.db").code(0);
    desk.run("export --store @a.db --out @x.zip").code(0);
    desk
}

fn payload(desk: &Desk) -> Vec<String> {
    let names = unzip(&desk.path("x.zip")).into_keys();
    names
        .filter(|n| n.starts_with("data/files/") || n.starts_with("data/rooms/") && !n.ends_with("index.xml"))
        .collect()
}

/// How many files of the history were read, and how many there are.
fn read(run: &crate::harness::Run) -> (u64, u64) {
    let facts = run.json();
    let (some, all) = facts["FilesOfHistoryRead"].as_str().unwrap().split_once(" of ").unwrap();
    (some.parse().unwrap(), all.parse().unwrap())
}

#[test]
fn what_is_intact_passes_at_every_depth() {
    let desk = desk();
    let verify = |options: &str| desk.run(&format!("verify @x.zip --output json {options}")).code(0);
    assert_eq!(read(&verify("")), (0, 11));
    let all = verify("--read-data");
    assert_eq!((read(&all), sum(&all, "Events")), ((11, 11), 48));
    assert_eq!(read(&verify("--read-data-subset 100%")), (11, 11));
    for parts in [1, 2, 3, 5, 11, 13] {
        let sizes: Vec<u64> =
            (1..=parts).map(|part| read(&verify(&format!("--read-data-subset {part}/{parts}"))).0).collect();
        assert_eq!(sizes.iter().sum::<u64>(), 11);
        assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1, "{sizes:?}");
    }
    for wrong in ["0/3", "4/3", "1/0", "x", "0%", "101%", "1/3/5", "-1/3", "nan%"] {
        desk.run(&format!("verify @x.zip --read-data-subset={wrong}")).code(2);
    }
    desk.run("verify @x.zip --read-data --read-data-subset 1/2").code(2);
    desk.run("verify @missing.zip").code(10);
    desk.run("verify --store @a.db --read-data").code(0);
    desk.run("verify --store @a.db --read-data-subset 1/2").code(2);
}

#[test]
fn damage_is_found_by_the_part_it_lies_in_and_by_no_other() {
    let desk = desk();
    let names = payload(&desk);
    assert_eq!(names.len(), 11);
    for name in &names {
        desk.copy("x.zip", "bad.zip");
        damage_entry(&desk.path("bad.zip"), name);
        desk.run("verify @bad.zip").code(0);
        desk.run("verify @bad.zip --read-data").code(13).says(name);
        desk.run("verify @bad.zip --read-data --keep-going").code(13).says(name).says("1 thing is wrong");
        let found: Vec<u8> =
            (1..=4).map(|part| desk.run(&format!("verify @bad.zip --read-data-subset {part}/4")).code).collect();
        let mut sorted = found.clone();
        sorted.sort();
        assert_eq!(sorted, [0, 0, 0, 13], "{name}: {found:?}");
    }
}

#[test]
fn going_on_lists_everything() {
    let desk = desk();
    let names = payload(&desk);
    for name in &names {
        damage_entry(&desk.path("x.zip"), name);
    }
    let run = desk.run("verify @x.zip --read-data --keep-going --report @r.json").code(13).says("11 things are wrong");
    let report = String::from_utf8(desk.read("r.json")).unwrap();
    for name in &names {
        assert!(run.err.contains(name), "{name}: {}", run.err);
        assert!(report.contains(name.as_str()), "{name}");
    }
    let run = desk.run("verify @x.zip --read-data").code(13);
    assert_eq!(names.iter().filter(|name| run.err.contains(name.as_str())).count(), 1);
}

/// Writes the files of a bag as a zip.
fn zip(path: &Path, files: &BTreeMap<String, Vec<u8>>) {
    let mut zip = zip::ZipWriter::new(std::fs::File::create(path).unwrap());
    for (name, bytes) in files {
        zip.start_file(format!("x/{name}"), zip::write::SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap();
}

/// Makes the lists of a bag true again after its files were changed.
fn relist(files: &mut BTreeMap<String, Vec<u8>>) {
    let list = |files: &BTreeMap<String, Vec<u8>>, data: bool| -> Vec<u8> {
        let listed =
            files.iter().filter(|(name, _)| name.starts_with("data/") == data && *name != "tagmanifest-sha256.txt");
        listed
            .map(|(name, bytes)| format!("{}  {name}\n", pchat::model::hash::hex(&Sha256::digest(bytes))))
            .collect::<String>()
            .into_bytes()
    };
    let manifest = list(files, true);
    // The custody record names the content and counts the events.
    if let Some(custody) = files.get_mut("custody.json") {
        let mut facts: serde_json::Value = serde_json::from_slice(custody).unwrap();
        facts["content"] = pchat::model::hash::hex(&Sha256::digest(&manifest)).into();
        *custody = facts.to_string().into_bytes();
    }
    files.insert("manifest-sha256.txt".into(), manifest);
    let payload = files.iter().filter(|(name, _)| name.starts_with("data/")).map(|(_, bytes)| bytes.len());
    let (count, size) = (payload.clone().count(), payload.sum::<usize>());
    files.entry("bag-info.txt".into()).and_modify(|info| {
        let text = String::from_utf8(info.clone()).unwrap();
        let others = text.lines().filter(|line| !line.starts_with("Payload-Oxum")).map(|line| format!("{line}\n"));
        *info = format!("{}Payload-Oxum: {size}.{count}\n", others.collect::<String>()).into_bytes();
    });
    let tags = list(files, false);
    files.insert("tagmanifest-sha256.txt".into(), tags);
}

#[test]
fn lists_that_do_not_fit_are_found_without_reading_the_history() {
    let desk = desk();
    let good = unzip(&desk.path("x.zip"));
    zip(&desk.path("same.zip"), &good);
    desk.run("verify @same.zip --read-data").code(0);
    type Change = fn(&mut BTreeMap<String, Vec<u8>>);
    let changes: [(&str, Change); 9] = [
        ("a page is missing", |files| {
            let page = files.keys().find(|name| name.ends_with("000002.xml")).unwrap().clone();
            files.remove(&page);
        }),
        ("a tag file was changed", |files| files.get_mut("bag-info.txt").unwrap().push(b' ')),
        ("a page of settings was changed", |files| files.get_mut("data/catalog/rooms.xml").unwrap().push(b' ')),
        ("a file nobody listed", |files| drop(files.insert("data/files/extra".into(), b"x".to_vec()))),
        ("a file beside the data", |files| drop(files.insert("readme.txt".into(), b"x".to_vec()))),
        ("no custody record", |files| drop(files.remove("custody.json"))),
        ("no list of lists", |files| drop(files.remove("tagmanifest-sha256.txt"))),
        ("no list of rooms", |files| {
            files.remove("data/rooms/index.xml");
            relist(files);
        }),
        ("a folder pchat does not know", |files| {
            files.insert("data/other/x".into(), b"x".to_vec());
            relist(files);
        }),
    ];
    for (what, change) in changes {
        let mut files = good.clone();
        change(&mut files);
        zip(&desk.path("bad.zip"), &files);
        let run = desk.run("verify @bad.zip");
        assert_eq!(run.code, 13, "{what}: {}", run.err);
        desk.run("import @bad.zip --store @b.db").code(13);
        assert!(!desk.path("b.db").exists(), "{what}");
    }
    // Lists that agree with each other, but not with what the pages hold.
    let mut files = good.clone();
    let text = String::from_utf8(files["data/rooms/index.xml"].clone()).unwrap();
    let text = text.replacen("events=\"12\"", "events=\"13\"", 1).replacen("\">12<", "\">13<", 1);
    assert_ne!(text.as_bytes(), files["data/rooms/index.xml"]);
    files.insert("data/rooms/index.xml".into(), text.into_bytes());
    relist(&mut files);
    zip(&desk.path("bad.zip"), &files);
    desk.run("verify @bad.zip").code(13).says("the custody record counts other rooms or events");
    let custody = String::from_utf8(files["custody.json"].clone()).unwrap();
    let mut facts: serde_json::Value = serde_json::from_str(&custody).unwrap();
    facts["events"] = (facts["events"].as_u64().unwrap() + 1).into();
    files.insert("custody.json".into(), facts.to_string().into_bytes());
    relist(&mut files);
    zip(&desk.path("bad.zip"), &files);
    desk.run("verify @bad.zip").code(13).says("does not match its seal");
    // Whoever forges an archive takes the seal out as well.
    files.remove("seal.txt");
    relist(&mut files);
    zip(&desk.path("bad.zip"), &files);
    desk.run("verify @bad.zip").code(0);
    desk.run("verify @bad.zip --read-data").code(13).says("lists 13 events");
}

#[test]
fn an_archive_cut_short_is_damaged() {
    let desk = desk();
    let bytes = desk.read("x.zip");
    for length in [0, 1, 100, bytes.len() / 2, bytes.len() - 1] {
        desk.write("cut.zip", &bytes[..length]);
        desk.run("verify @cut.zip").code(13);
    }
    desk.write("other.zip", "no zip at all");
    desk.run("verify @other.zip").code(13);
}
