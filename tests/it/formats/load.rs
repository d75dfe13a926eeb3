//! CSV, load files and Actiance XML: what is hard to carry is carried or listed, families have their numbers, presence
//! closes, and the bytes are the same whatever the number of threads.

use crate::harness::{Desk, message, unzip};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeMap;

const ROOM: &str = "þ Acme® \u{14}";
const TEXTS: [&str; 6] = [
    "=cmd|' /C calc'!A0",
    "one\r\ntwo\rthree\nfour",
    "a \"quoted\" þ ® \u{14} word",
    "\0\u{b}\u{fffe}",
    "\t=1",
    "[x\n[y",
];

fn upload(at: &str, files: &Value) -> Value {
    json!({ "room": ROOM, "pool": "pool", "user": "eve", "time": at, "kind": "upload", "text": "", "attachments": files })
}

fn came(at: &str, who: &str, kind: &str) -> Value {
    json!({ "room": ROOM, "pool": "pool", "user": who, "time": at, "kind": kind })
}

fn desk() -> Desk {
    let desk = Desk::new();
    let mut events = vec![came("2020-01-01T08:00:00Z", "zoe", "join")];
    for (at, text) in TEXTS.iter().enumerate() {
        let mut event = message(ROOM, at as i64 + 1, &format!("2020-01-01T10:0{at}:00Z"), "eve", text);
        event["user_name"] = json!("=Þór;x");
        events.push(event);
    }
    let data = |text: &str| STANDARD.encode(text);
    events.push(upload(
        "2020-01-02T10:00:00Z",
        &json!([
            { "name": "..\\..\\x", "data": data("one") },
            { "name": "CON.txt", "data": data("two") },
            { "name": "gone.pdf", "size": 9 },
        ]),
    ));
    events.push(came("2020-01-02T11:00:00Z", "zoe", "part"));
    events.push(came("2020-01-03T11:00:00Z", "zoe", "part"));
    desk.lines("in.jsonl", &events);
    desk.run("import @in.jsonl --store @a.db").code(0);
    desk
}

fn made(desk: &Desk, name: &str, options: &str, code: u8) -> BTreeMap<String, Vec<u8>> {
    desk.run(&format!("export --store @a.db --out @{name} --no-checkpoint {options}")).code(code);
    unzip(&desk.path(name))
        .into_iter()
        .filter_map(|(name, bytes)| Some((name.strip_prefix("data/")?.to_owned(), bytes)))
        .collect()
}

fn text(files: &BTreeMap<String, Vec<u8>>, name: &str) -> String {
    String::from_utf8(files[name].clone()).unwrap()
}

/// The rows of a DAT by the names of the columns.
fn rows(text: &str, [column, quote, newline]: [char; 3]) -> Vec<BTreeMap<String, String>> {
    let between = format!("{quote}{column}{quote}");
    let mut lines = text.trim_start_matches('\u{feff}').strip_suffix("\r\n").unwrap().split("\r\n").map(|line| {
        let inner = line.strip_prefix(quote).unwrap().strip_suffix(quote).unwrap();
        let doubled = format!("{quote}{quote}");
        inner.split(&between).map(|value| value.replace(&doubled, &quote.to_string()).replace(newline, "\n")).collect()
    });
    let names: Vec<String> = lines.next().unwrap();
    let mut found = Vec::new();
    for values in lines {
        assert_eq!(values.len(), names.len());
        found.push(names.iter().cloned().zip(values).collect());
    }
    found
}

#[test]
fn a_load_file_has_documents_with_families_texts_and_natives() {
    let desk = desk();
    let files = made(&desk, "a.zip", "--format dat --dates iso", 3);
    let marks = ['\u{14}', 'þ', '®'];
    let found = rows(&text(&files, "dat/VOL001/DATA/VOL001.dat"), marks);
    let column = |name: &str| found.iter().map(|row| row[name].as_str()).collect::<Vec<_>>();
    let number = |at: usize| format!("PC{at:09}");
    assert_eq!(column("BEGDOC"), (1..=6).map(number).collect::<Vec<_>>());
    assert_eq!(column("BEGATTACH"), [1, 2, 2, 2, 2, 6].map(number));
    assert_eq!(column("ENDATTACH"), [1, 5, 5, 5, 5, 6].map(number));
    assert_eq!(column("EVENTCOUNT"), ["7", "2", "", "", "", "1"]);
    assert_eq!(column("FILENAME"), ["", "", "..\\..\\x", "CON.txt", "gone.pdf", ""]);
    assert_eq!(column("DATESTART")[1], "2020-01-02 10:00:00");
    assert_eq!(column("CONVERSATIONNAME")[0], "þ Acme\n \u{14}");
    assert_eq!(column("ALLCUSTODIANS")[0], "eve;zoe");
    assert_eq!(column("NATIVELINK")[2], ".\\VOL001\\NATIVES\\0001\\PC000000003.bin");
    assert_eq!(column("TEXTLINK")[4], ".\\VOL001\\TEXT\\0001\\PC000000005.txt");
    assert_eq!(text(&files, "dat/VOL001/NATIVES/0001/PC000000004.txt"), "two");
    assert!(text(&files, "dat/VOL001/TEXT/0001/PC000000005.txt").contains("Name: gone.pdf\r\n"));
    let said = text(&files, "dat/VOL001/TEXT/0001/PC000000001.txt");
    assert!(said.contains("[2020-01-01 10:01:00] =Þór;x <eve>: one\r\n    two\r\n    three\r\n    four\r\n"), "{said}");
    for kept in ["a \"quoted\" þ ® \u{14} word", "\0\u{b}\u{fffe}", "[x\r\n    [y"] {
        assert!(said.contains(kept), "{kept:?}");
    }
    let listed = text(&files, "dat/VOL001/DATA/exceptions.csv");
    assert!(listed.contains(",PC000000001,\"a name holds the mark of line breaks"), "{listed}");
    assert!(listed.contains(",PC000000005,\"the content of the attachment is not in the store"), "{listed}");

    let wide = made(&desk, "b.zip", "--format dat --encoding utf-16 --delimiters pipe --document message", 0);
    let bytes = &wide["dat/VOL001/DATA/VOL001.dat"];
    assert_eq!(bytes[..2], [0xff, 0xfe]);
    let units: Vec<u16> = bytes.chunks(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let found = rows(&String::from_utf16(&units).unwrap(), ['|', '^', '~']);
    let kinds: Vec<&str> = found.iter().map(|row| row["RECORDTYPE"].as_str()).collect();
    assert_eq!(kinds[..2], ["join", "message"]);
    assert_eq!(kinds[7..], ["upload", "attachment", "attachment", "attachment", "part", "part"]);
    assert_eq!(found[1]["CONVERSATIONNAME"], ROOM);
}

#[test]
fn csv_holds_every_value_as_it_is() {
    let desk = desk();
    let files = made(&desk, "a.zip", "--format csv", 0);
    let read = |bytes: &[u8]| {
        let mut reader = csv::Reader::from_reader(bytes);
        let names = reader.headers().unwrap().clone();
        let places = ["Post Type", "Post Message", "Username", "File Name"]
            .map(|name| names.iter().position(|known| known == name).unwrap());
        let rows: Vec<[String; 4]> =
            reader.records().map(|row| row.unwrap()).map(|row| places.map(|at| row[at].to_owned())).collect();
        rows
    };
    let table = read(&files["csv/history.csv"]);
    assert_eq!(files["csv/history.csv"][..3], *b"\xef\xbb\xbf");
    let messages: Vec<&str> = table.iter().filter(|row| row[0] == "message").map(|row| row[1].as_str()).collect();
    assert_eq!(messages, TEXTS);
    let names: Vec<&str> = table.iter().filter(|row| row[0] == "attachment").map(|row| row[3].as_str()).collect();
    assert_eq!(names, ["..\\..\\x", "CON.txt", "gone.pdf"]);
    let natives: Vec<&str> = files.keys().filter_map(|name| name.strip_prefix("csv/files/")).collect();
    let mut ends: Vec<&str> = natives.iter().map(|name| name.split_once('/').unwrap().1).collect();
    ends.sort_unstable();
    assert_eq!(ends, ["_CON.txt", "x"]);
    let counts: Value = serde_json::from_slice(&files["csv/metadata.json"]).unwrap();
    assert_eq!(counts["totals"], json!({ "rooms": 1, "events": 10, "messages": 6, "attachments": 3 }));
    let safe = read(&made(&desk, "b.zip", "--format csv --spreadsheet-safe", 0)["csv/history.csv"]);
    for (plain, safe) in table.iter().zip(&safe) {
        for (plain, safe) in plain.iter().zip(safe) {
            let computes = plain.starts_with(['=', '\t']);
            assert_eq!(*safe, if computes { format!("'{plain}") } else { plain.clone() });
        }
    }
}

#[test]
fn in_actiance_xml_presence_closes_also_when_dates_narrow_it() {
    let desk = desk();
    let all = made(&desk, "a.zip", "--format actiance", 3);
    let page = |files: &BTreeMap<String, Vec<u8>>| {
        let name = files.keys().find(|name| name.ends_with("/000001.xml")).unwrap();
        text(files, name)
    };
    let whole = page(&all);
    let count = |page: &str, what: &str| page.matches(&format!("<{what}>")).count();
    assert_eq!((count(&whole, "Message"), whole.matches("<Conversation ").count()), (7, 3));
    assert_eq!(count(&whole, "ParticipantEntered"), count(&whole, "ParticipantLeft"));
    assert_eq!((count(&whole, "FileTransferStarted"), count(&whole, "FileTransferEnded")), (3, 3));
    assert_eq!((whole.matches(">Completed<").count(), whole.matches(">Failed<").count()), (2, 1));
    assert!(whole.contains("<Content>\u{fffd}\u{fffd}\u{fffd}</Content>"), "what XML cannot hold");
    assert!(text(&all, "actiance/warning.txt").contains("gone.pdf"));
    assert!(text(&all, "actiance/exceptions.csv").contains("XML 1.0 cannot hold"));
    let second = page(&made(&desk, "b.zip", "--format actiance --from 2020-01-02 --to 2020-01-02", 3));
    // Zoe came the day before, at eight.
    let came = "<LoginName>zoe</LoginName>\n<UserType>user</UserType>\n<DateTimeUTC>1577865600000</DateTimeUTC>";
    let entered = second.split("</ParticipantEntered>").next().unwrap();
    assert!(entered.contains(came), "{entered}");
    assert_eq!(count(&second, "Message"), 1);
    assert!(second.contains("<StartTimeUTC>1577923200000</StartTimeUTC>"), "{second}");
    assert!(second.contains("<EndTimeUTC>1578009599999</EndTimeUTC>"), "{second}");
}

#[test]
fn the_number_of_threads_shows_nowhere() {
    let desk = desk();
    let options = "--format csv,dat,edrm,actiance,jsonl,html --no-checkpoint";
    let made = [1, 7].map(|threads| {
        desk.run(&format!("export --store @a.db --out @a.zip --overwrite --threads {threads} {options}")).code(3);
        std::fs::read(desk.path("a.zip")).unwrap()
    });
    assert!(made[0] == made[1]);
    let files = unzip(&desk.path("a.zip"));
    let edrm = String::from_utf8(files["data/edrm/edrm.xml"].clone()).unwrap();
    let relations = ["3", "4", "5"].map(|child| {
        format!("<Relationship Type=\"Attachment\" ParentDocId=\"PC000000002\" ChildDocId=\"PC00000000{child}\"/>\n")
    });
    assert!(edrm.contains(&relations.concat()), "relationships");
    assert!(edrm.ends_with("</Relationships>\n</Batch>\n</Root>\n"));
}

#[test]
fn options_of_formats_that_are_not_made_are_refused() {
    let desk = desk();
    for (options, why) in [
        ("--format csv --document message", "--document applies to load files"),
        ("--format edrm --dates iso", "--dates applies to DAT only"),
        ("--format dat --spreadsheet-safe", "--spreadsheet-safe applies to CSV"),
        ("--format dat --delimiters U+41,U+42,U+43", "numbers, dates or paths contain"),
        ("--format dat --level User", "history"),
    ] {
        desk.run(&format!("export --store @a.db --out @x {options}")).code(2).says(why);
        assert!(!desk.path("x").exists());
    }
}
