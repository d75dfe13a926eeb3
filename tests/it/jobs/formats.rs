//! What every format that is written can rely on: a format of its own goes through the wiring, alone and beside others,
//! and uses all there is.

use crate::harness::{Desk, chat, message, unzip};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pchat::containers::InputLimits;
use pchat::containers::volumes::Target;
use pchat::context::{Context, Session, Streams};
use pchat::error::{Kind as Failure, Result};
use pchat::formats::cut::{About, By, Cut};
use pchat::formats::write::{Body, Choices, Contents, Format, Ledger, Part, Written};
use pchat::formats::{WRITTEN, archive, jsonl};
use pchat::jobs::export::{Export, export};
use pchat::jobs::selection::Wanted;
use pchat::model::message::Kind;
use pchat::model::receipt::{Receipt, Tally};
use pchat::model::record::Level;
use pchat::model::time::Ticks;
use pchat::model::unit::Unit;
use pchat::model::zone::Zone;
use pchat::nouns::SHAPES;
use pchat::pipeline::{Limits, Silent};
use pchat::store::Actor;
use pchat::store::open::Location;
use serde_json::json;
use std::collections::BTreeMap;

const fn written(word: &'static str, make: fn() -> Box<dyn Format>) -> Written {
    let custody = ("pchat-test", 7);
    Written { word, about: "", title: "a test", name: "Test", custody, settings: false, one_file: false, make }
}

static PLAIN: Written = written("plain", || Box::new(Days { stamps: false }));
static STAMPED: Written = written("stamped", || Box::new(Days { stamps: true }));

/// A page for each day of a room, a load file with a number for each, the attachments, and what could not be written.
struct Days {
    stamps: bool,
}

impl Format for Days {
    fn cut(&self) -> Cut {
        Cut::by(By::RoomDays(Zone::UTC))
    }

    fn presence(&self) -> bool {
        true
    }

    fn stamps(&self) -> bool {
        self.stamps
    }

    fn render(&self, unit: &Unit, about: &About, _: &dyn Contents) -> Result<Vec<Part>> {
        let day = about.day.unwrap().to_string();
        let present: Vec<&str> = about.present.iter().map(|persona| persona.uri.as_str()).collect();
        let texts: Vec<&str> = unit.events.iter().map(|event| event.body.as_str()).collect();
        let page = format!("present {}\n{}\n", present.join(","), texts.join("\n"));
        let title = about.names.title.clone().unwrap_or_default();
        let mut parts = vec![Part::Row(vec![title, day]), Part::file("data/page.txt", page.into_bytes())];
        for event in &unit.events {
            if event.kind == Kind::Change {
                parts.push(Part::Exception { event: event.address(&unit.room), why: "no such thing".to_owned() });
            }
            for file in &event.more().files {
                let name = format!("data/natives/{}", file.name.as_deref().unwrap());
                parts.push(Part::Attachment { name, sha256: file.sha256.unwrap() });
            }
        }
        parts.push(Part::Remark("pages of a day", 1));
        Ok(parts)
    }

    fn ledger(&self) -> Box<dyn Ledger> {
        Box::new(Numbers(0))
    }
}

/// Numbers pages in order, in names and load file, and in bytes where it may.
struct Numbers(usize);

impl Ledger for Numbers {
    fn place(&mut self, _: &About, parts: Vec<Part>) -> Result<Vec<Part>> {
        let (mut placed, mut row) = (Vec::new(), Vec::new());
        for part in parts {
            match part {
                Part::Row(fields) => row = fields,
                Part::File { body, .. } => {
                    self.0 += 1;
                    let number = format!("B{:04}", self.0);
                    let body = match body {
                        Body::Bytes(mut bytes) => {
                            bytes.extend_from_slice(number.as_bytes());
                            Body::Bytes(bytes)
                        }
                        packed => packed,
                    };
                    let size = match &body {
                        Body::Bytes(bytes) => bytes.len() as u64,
                        Body::Packed { size, .. } => *size,
                    };
                    let line = format!("{number},{},{size}\n", row.join(","));
                    placed.push(Part::Append { to: "data/load.csv".to_owned(), bytes: line.into_bytes() });
                    placed.push(Part::File { name: format!("data/pages/{number}.txt"), body });
                }
                other => placed.push(other),
            }
        }
        Ok(placed)
    }

    fn finish(&mut self, tally: &Tally) -> Result<Vec<Part>> {
        let pages: u32 = tally.values().map(|room| room.pages).sum();
        Ok(vec![Part::file("data/summary.txt", format!("{} {pages}", self.0).into_bytes())])
    }
}

fn desk() -> Desk {
    let desk = Desk::new();
    let event = |number: i64, at: &str, who: &str, text: &str| message("Desk", number, at, who, text);
    let of_kind = |at: &str, who: &str, kind: &str| json!({ "room": "Desk", "pool": "pool", "user": who, "time": at, "kind": kind });
    let mut file = event(2, "2020-01-02T10:00:00Z", "ann", "the file");
    file["attachments"] = json!([{ "name": "a.txt", "data": STANDARD.encode("content") }]);
    let events = [
        of_kind("2020-01-01T09:00:00Z", "ann", "join"),
        event(1, "2020-01-01T10:00:00Z", "ann", "hello"),
        of_kind("2020-01-01T11:00:00Z", "bob", "join"),
        file,
        of_kind("2020-01-02T11:00:00Z", "ann", "part"),
        of_kind("2020-01-03T08:00:00Z", "bob", "renamed"),
        event(3, "2020-01-03T10:00:00Z", "bob", "bye"),
    ];
    desk.lines("in.jsonl", &events);
    desk.run("import @in.jsonl --store @a.db").code(0);
    desk
}

fn job(desk: &Desk, name: &str, formats: Vec<&'static Written>) -> Export {
    Export {
        store: desk.path("a.db"),
        target: Target { path: desk.path(name), volume_size: None, overwrite: false, checkpoint: 1 << 24 },
        formats,
        level: Level::All,
        wanted: Wanted::default(),
        settings: false,
        checkpoint: false,
        disable_exported: false,
        choices: Choices::default(),
        shapes: SHAPES,
    }
}

fn made(job: &Export) -> Result<Receipt> {
    let input = InputLimits { entries: 1000, page: 1 << 26, total: 1 << 30, ratio: 200 };
    let actor = Actor { user: "tester".into(), host: "desk".into(), operator: None };
    let limits = Limits { threads: 3, budget: 1 << 12 };
    let (clock, random, key, streams) = (|| Ticks::MIN, || Ok([7; 32]), None, Streams::NONE);
    let (clock, random, actor, limits) = (&clock, &random, &actor, &limits);
    let session = Session::new(Location::File(job.store.clone()));
    let (session, shapes, password) = (&session, SHAPES, None);
    let watch = &Silent;
    let (approval, approve_by) = (None, None);
    export(
        &Context {
            approval,
            approve_by,
            clock,
            random,
            key,
            session,
            shapes,
            password,
            programs: None,
            actor,
            limits,
            input,
            streams,
            watch,
        },
        job,
    )
}

/// The files below `data/`, as text.
fn data(desk: &Desk, name: &str) -> BTreeMap<String, String> {
    let files = unzip(&desk.path(name)).into_iter();
    let files = files.filter_map(|(name, bytes)| Some((name.strip_prefix("data/")?.to_owned(), bytes)));
    files.map(|(name, bytes)| (name, String::from_utf8(bytes).unwrap())).collect()
}

fn texts(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

#[test]
fn a_format_has_pages_a_load_file_attachments_and_exceptions() {
    let desk = desk();
    let receipt = made(&job(&desk, "x.zip", vec![&PLAIN])).unwrap();
    let expected = [
        ("load.csv", "B0001,,2020-01-01,19\nB0002,,2020-01-02,22\nB0003,,2020-01-03,17\n"),
        ("natives/a.txt", "content"),
        ("pages/B0001.txt", "present \n\nhello\n\n"),
        ("pages/B0002.txt", "present ann,bob\nthe file\n\n"),
        ("pages/B0003.txt", "present bob\n\nbye\n"),
        ("summary.txt", "3 3"),
    ];
    let mut found = data(&desk, "x.zip");
    // Sizes are those of the pages.
    let load = found.remove("load.csv").unwrap();
    let sizes: Vec<String> =
        ["B0001", "B0002", "B0003"].map(|n| found[&format!("pages/{n}.txt")].len().to_string()).into();
    let days: Vec<&str> = load.lines().map(|line| line.rsplit_once(',').unwrap().1).collect();
    assert_eq!(days, sizes);
    assert_eq!(found, texts(&expected[1..]));
    assert_eq!((receipt.gap_count, receipt.gaps[0].why.as_str()), (1, "no such thing"));
    assert!(receipt.gaps[0].place.ends_with("Desk#5"), "{}", receipt.gaps[0].place);
    assert_eq!(receipt.remarks.get("pages of a day"), Some(&3));
    desk.run("verify @x.zip").code(15).says("not a pchat archive");
    desk.run("verify --bag @x.zip").code(0);
}

#[test]
fn a_ledger_that_stamps_sees_the_bytes() {
    let desk = desk();
    made(&job(&desk, "x.zip", vec![&STAMPED])).unwrap();
    let found = data(&desk, "x.zip");
    assert_eq!(found["pages/B0002.txt"], "present ann,bob\nthe file\n\nB0002");
}

#[test]
fn dates_leave_out_events_but_not_who_is_present() {
    let desk = desk();
    let wanted = |job: Export, from: &str, people: &[&str]| Export {
        wanted: Wanted {
            from: Some(from.to_owned()),
            people: people.iter().map(|p| (*p).to_owned()).collect(),
            ..Wanted::default()
        },
        ..job
    };
    made(&wanted(job(&desk, "x.zip", vec![&PLAIN]), "2020-01-03", &[])).unwrap();
    assert_eq!(data(&desk, "x.zip")["pages/B0001.txt"], "present bob\n\nbye\n");
    made(&wanted(job(&desk, "y.zip", vec![&PLAIN]), "2020-01-02", &["ann"])).unwrap();
    assert_eq!(data(&desk, "y.zip")["pages/B0001.txt"], "present ann,bob\nthe file\n\n");
}

#[test]
fn several_formats_come_from_one_reading() {
    let desk = desk();
    desk.lines("more.jsonl", &chat(4, 60));
    desk.run("import @more.jsonl --store @a.db").code(0);
    let all = |name: &str, formats: &[&'static Written]| {
        made(&job(&desk, name, formats.to_vec())).unwrap();
        data(&desk, name)
    };
    let (pages, days) = (all("x.zip", &[&archive::WRITTEN]), all("y.zip", &[&PLAIN]));
    let both = all("z.zip", &[&PLAIN, &archive::WRITTEN, &jsonl::WRITTEN]);
    made(&job(&desk, "x.jsonl", vec![&jsonl::WRITTEN])).unwrap();
    let mut expected = pages;
    expected.extend(days);
    expected.insert("history.jsonl".to_owned(), String::from_utf8(desk.read("x.jsonl")).unwrap());
    assert!(both == expected, "{:?}", both.keys().collect::<Vec<_>>());
    // Whatever stands beside an archive, its own history comes back.
    let custody: serde_json::Value = serde_json::from_slice(&unzip(&desk.path("z.zip"))["custody.json"]).unwrap();
    assert_eq!(custody["format"], "pchat-test pchat-archive pchat-jsonl");
    assert_eq!(custody["formatVersion"], json!([7, 2, 1]));
}

#[test]
fn what_a_format_cannot_do_is_refused() {
    let desk = desk();
    assert_eq!(made(&job(&desk, "x.zip", Vec::new())).unwrap_err().kind(), Failure::Usage);
    let alone = Export { level: Level::User, ..job(&desk, "x.zip", vec![&PLAIN]) };
    assert_eq!(made(&alone).unwrap_err().kind(), Failure::Usage);
    // Two formats that give one name to different things are a mistake of theirs.
    let twice = made(&job(&desk, "x.zip", vec![&PLAIN, &STAMPED])).unwrap_err();
    assert_eq!(twice.kind(), Failure::Bug);
    assert!(!desk.path("x.zip").exists());
    let names: [fn(&Written) -> &'static str; 3] = [|it| it.word, |it| it.name, |it| it.custody.0];
    for name in names {
        let different: std::collections::BTreeSet<&str> = WRITTEN.iter().map(|format| name(format)).collect();
        assert_eq!(different.len(), WRITTEN.len());
    }
}
