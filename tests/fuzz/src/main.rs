//! One program for all targets: `PCHAT_FUZZ` names the one to run, `list` prints them. Each takes any bytes, reads them
//! as one kind of outside input, and must come back: with a value or with an error, never with a panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use pchat::containers::{InputLimits, zip::ZipPages};
use pchat::context::Streams;
use pchat::formats::sqlserver::{self, known::Dialect, pages::Page};
use pchat::formats::{ReadOptions, archive, compliance, directory, jsonl};
use pchat::model::{dn, ids::RoomKey, time::Ticks};
use pchat::nouns::SHAPES;
use pchat::proof::{bundle::Bundle, event::Proof, note, timestamp};
use pchat::select::query::product::{self, Match};
use pchat::select::{expression::Expression, ldap::Filter, texts::other_texts, words::each_word};
use std::io::Write;
use std::ops::ControlFlow;
use std::sync::{Arc, OnceLock, atomic::AtomicBool};

type Target = (&'static str, fn(&[u8]));

const TARGETS: &[Target] = &[
    ("archive-catalog", archive_catalog),
    ("archive-page", archive_page),
    ("archive-rooms", archive_rooms),
    ("cmdlet-line", cmdlet_line),
    ("compliance", compliance_xml),
    ("condition", condition),
    ("directory", directory_file),
    ("dn", name_of_directory),
    ("jsonl", json_lines),
    ("ldap-filter", ldap_filter),
    ("note", signed_note),
    ("proof", proof),
    ("query", query),
    ("rtf", rtf),
    ("sqlserver", sqlserver_rows),
    ("sqlserver-text", sqlserver_text),
    ("time", time),
    ("timestamp", timestamp_reply),
    ("zip", zip),
];

fuzz_target!(|data: &[u8]| {
    static TARGET: OnceLock<fn(&[u8])> = OnceLock::new();
    TARGET.get_or_init(|| {
        let wanted = std::env::var("PCHAT_FUZZ").unwrap_or_default();
        let names: Vec<&str> = TARGETS.iter().map(|(name, _)| *name).collect();
        if wanted == "list" {
            println!("{}", names.join("\n"));
            std::process::exit(0);
        }
        let found = TARGETS.iter().find(|(name, _)| *name == wanted);
        found.unwrap_or_else(|| panic!("PCHAT_FUZZ is one of {}", names.join(", "))).1
    })(data)
});

/// Texts of these targets are UTF-8 before they get there; what is not is replaced, so that no input is wasted.
fn text(data: &[u8]) -> String {
    String::from_utf8_lossy(data).into_owned()
}

fn options(keep_going: bool) -> ReadOptions {
    ReadOptions { file: "input".to_owned(), pool: Some("pool".to_owned()), keep_going }
}

fn compliance_xml(mut data: &[u8]) {
    let keep_going = data.first().is_some_and(|byte| byte & 1 == 1);
    let _ = compliance::looks_like(data);
    let _ = compliance::is_stylesheet_output(data);
    drop(compliance::read(&mut data, &options(keep_going), &mut |_| ControlFlow::Continue(())));
}

fn json_lines(data: &[u8]) {
    let keep_going = data.len() & 1 == 1;
    let _ = jsonl::looks_like(data);
    drop(jsonl::read(data, 1, &options(keep_going), &mut |_| ControlFlow::Continue(())));
}

/// A model and rows, both of any bytes: the first byte says where one ends.
fn sqlserver_rows(data: &[u8]) {
    let Some((at, rest)) = data.split_first() else { return };
    let (first, rows) = rest.split_at(rest.len() * usize::from(*at) / 256);
    let mut layouts = Vec::new();
    if let Ok(model) = sqlserver::model::read(&mut &first[..], "model.xml") {
        layouts.extend(model.tables.into_iter().filter_map(|table| table.layout.ok()));
    }
    layouts.extend(sqlserver::format_file::read(first, "f.fmt", Page::Unsaid));
    drop(sqlserver::origin::read(first, "Origin.xml"));
    for known in sqlserver::known::KNOWN {
        layouts.push(known.native(Dialect::PersistentChat, at & 1, Page::Wide, at & 2 != 0));
        drop(sqlserver::settle::settle(known, Dialect::GroupChat, rows, true, Page::Unsaid));
    }
    for layout in layouts {
        let Ok((_, end)) = layout.whole(rows) else { continue };
        let read = layout.rows::<()>(&rows[..end], &mut |row| {
            let Ok(values) = row else { return Ok(()) };
            // What is read is written, and read again the same.
            let mut written = Vec::new();
            let put = |(field, value): (&_, &_)| sqlserver::encode::put(&mut written, field, value);
            let _ = layout.fields.iter().zip(values.iter()).map(put).filter(|good| *good).count();
            Ok(())
        });
        let _ = read;
    }
}

/// Scripts and CSV.
fn sqlserver_text(data: &[u8]) {
    let asked = sqlserver::given::Asked { place: "input", table: None, page: Page::Unsaid, most: 1 << 16 };
    let mut take = |_| Ok(ControlFlow::Continue(()));
    let mut remarks = Default::default();
    let mut others = Default::default();
    drop(sqlserver::script::each(&mut &data[..], &asked, &mut remarks, &mut others, &mut take));
    for separator in [',', '\t'] {
        drop(sqlserver::grid::each(&mut &data[..], separator, &asked, &mut remarks, &mut take));
    }
    drop(sqlserver::recognize::part("input.txt", data));
}

/// What is read is written, and read again the same.
fn archive_page(data: &[u8]) {
    let room = Arc::new(RoomKey { pool: "pool".to_owned(), uri: "room".to_owned() });
    let Ok(unit) = archive::page::read(data, "page", &room, "folder", 1) else { return };
    let written = archive::page::write(&unit, "folder");
    let again = archive::page::read(&written, "page", &room, "folder", 1).expect("what was written is read");
    assert_eq!(archive::page::write(&again, "folder"), written);
}

fn archive_rooms(data: &[u8]) {
    drop(archive::rooms::read(data, "index"));
}

fn archive_catalog(data: &[u8]) {
    let [number, rest @ ..] = data else { return };
    drop(archive::catalog::read(rest, "catalog", SHAPES[usize::from(*number) % SHAPES.len()]));
}

fn directory_file(data: &[u8]) {
    drop(directory::read("input", &mut &*data, &mut |_| Ok(())));
}

/// A whole archive: its directory is read, then every file in it.
fn zip(data: &[u8]) {
    use pchat::containers::Pages;
    let mut file = tempfile::NamedTempFile::new().expect("a temporary file");
    file.write_all(data).expect("a temporary file");
    let limits = InputLimits { entries: 1000, page: 1 << 20, total: 4 << 20, ratio: 1000 };
    let Ok(mut pages) = ZipPages::open(file.path(), limits) else { return };
    for member in 0..pages.members().len().min(16) {
        drop(pages.raw(member));
        if let Ok(mut bytes) = pages.stream(member) {
            drop(std::io::copy(&mut bytes, &mut std::io::sink()));
        }
    }
}

fn query(data: &[u8]) {
    let [how, rest @ ..] = data else { return };
    let mode = [Match::All, Match::Or, Match::Exact][usize::from(how >> 1) % 3];
    drop(product::typed(&text(rest), mode, how & 1 == 1));
    drop(product::kept(&text(rest), mode, how & 1 == 1));
}

fn condition(data: &[u8]) {
    if let Ok(condition) = Expression::parse(&text(data)) {
        drop(condition.properties());
    }
}

fn ldap_filter(data: &[u8]) {
    drop(Filter::parse(&text(data)));
}

fn name_of_directory(data: &[u8]) {
    let text = text(data);
    if let Some(key) = dn::key(&text) {
        assert_eq!(dn::key(&key).as_deref(), Some(key.as_str()), "a key is the key of itself");
        drop(dn::domain(&key));
    }
    drop(dn::first_value(&text));
}

/// A line of cmdlets, shown as the commands it would become; nothing is run.
fn cmdlet_line(data: &[u8]) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let words = ["pchat", "--show-command"].map(Into::into).into_iter().chain([text(data).into()]);
    let code = pchat::cli::run(
        words,
        pchat::cli::World {
            clock: &|| Ticks(635_000_000_000_000_000),
            random: &|| Ok([7; 32]),
            user: "fuzz".to_owned(),
            host: "fuzz".to_owned(),
            store: Some("/nowhere/none.db".into()),
            key: None,
            programs: None,
            password: None,
            out: &mut out,
            err: &mut err,
            terminal: false,
            looks: false,
            width: None,
            color: false,
            answer: &|| None,
            input: &|| None,
            streams: Streams::NONE,
            cancelled: &AtomicBool::new(false),
        },
    );
    assert_ne!(code, 1, "a mistake in pchat");
}

fn timestamp_reply(data: &[u8]) {
    drop(timestamp::Reply::parse(data));
    drop(timestamp::Request::parse(data));
    drop(timestamp::Trusted::parse(&text(data)));
}

fn signed_note(data: &[u8]) {
    let text = text(data);
    drop(note::find(&text));
    drop(note::open(&text, &[]));
    drop(note::Checkpoint::parse(&text));
    drop(note::SigningKey::parse(&text));
    if let Ok(verifier) = note::Verifier::parse(&text) {
        drop(note::open(&text, &[verifier]));
    }
}

fn proof(data: &[u8]) {
    let text = text(data);
    drop(Proof::parse(&text).map(|proof| proof.verify(&[])));
    drop(Bundle::parse(&text).map(|bundle| bundle.verify(data, &[])));
}

/// RTF as plain text, cut into words.
fn rtf(data: &[u8]) {
    let text = text(data);
    for plain in other_texts([Some(&text), None, None]) {
        each_word(&plain, &mut |word| assert!(!word.is_empty()));
    }
}

/// What is read as a time is written and read as the same.
fn time(data: &[u8]) {
    if let Some((ticks, _)) = Ticks::parse(&text(data)) {
        assert_eq!(Ticks::parse(&ticks.to_string()).map(|(again, _)| again), Some(ticks));
    }
}
