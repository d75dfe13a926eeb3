//! The pages of the archive: what is written is valid for others, and reads back as what it was.

use pchat::formats::archive::{catalog, folder, page, page_name, rooms};
use pchat::model::catalog::Catalog;
use pchat::model::ids::RoomKey;
use pchat::model::message::{Attachment, Content, Event, Kind, More, Persona};
use pchat::model::receipt::{RoomTally, Tally};
use pchat::model::record::{Record, Shape, Type, Value};
use pchat::model::time::Ticks;
use pchat::model::unit::Unit;
use pchat::nouns::SHAPES;
use proptest::prelude::*;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

/// All that is awkward in XML, in sixteen characters.
const AWKWARD: &str = "\0<]]>\r\n&\t\u{FFFE} é\u{1F}\"'\u{FFFF}";

fn room() -> Arc<RoomKey> {
    Arc::new(RoomKey {
        pool: "pool01.litwareinc.com".to_owned(),
        uri: "ma-chan://litwareinc.com/3f8b-Trading".to_owned(),
    })
}

fn event(kind: Kind, second: i64) -> Event {
    let start = Ticks::parse("2014-03-10T07:45:00Z").unwrap().0.0;
    let at = Ticks(start + second * 10_000_000 + second);
    Event::new(at, kind)
}

/// A page with everything a page can have.
fn full() -> Unit {
    let mut unit = Unit::new(room(), 7);
    unit.people = vec![
        Persona { uri: "sip:kazuto@litwareinc.com".to_owned(), ..Persona::default() },
        Persona {
            uri: AWKWARD.to_owned(),
            name: Some(AWKWARD.to_owned()),
            email: Some(String::new()),
            internal: Some(false),
            number: Some(-3),
        },
    ];
    for (n, kind) in Kind::ALL.into_iter().enumerate() {
        unit.events.push(Event { body: format!(" {AWKWARD} "), ..event(kind, n as i64) });
    }
    for (n, (chat, alert)) in
        [(Some(i64::MIN), None), (Some(i64::MAX), Some(true)), (None, Some(false))].into_iter().enumerate()
    {
        unit.events.push(Event { chat, alert, who: 1, ..event(Kind::Chat, 20 + n as i64) });
    }
    let file = |name: Option<&str>, sha256, content| Attachment {
        name: name.map(str::to_owned),
        link: name.map(|name| format!("/files/{name}")),
        size: name.map(|_| i64::MAX as u64),
        sha256,
        content,
    };
    let more = More {
        rtf: Some("{\\rtf1 \\par}".to_owned()),
        word: Some(AWKWARD.to_owned()),
        extra: Some("{\"a\": \"<b>\"}".to_owned()),
        files: vec![
            file(Some(AWKWARD), Some([0xAB; 32]), Content::Kept),
            file(Some(""), Some([0; 32]), Content::Absent),
            file(None, None, Content::Absent),
        ],
        ..More::default()
    };
    for (kind, body) in [(Kind::Change, "\n"), (Kind::Upload, ""), (Kind::Chat, "\0")] {
        unit.events.push(Event { body: body.to_owned(), more: Some(Box::new(more.clone())), ..event(kind, 30) });
    }
    unit
}

fn read_page(bytes: &[u8], number: u32) -> pchat::error::Result<Unit> {
    page::read(bytes, "page", &room(), &folder(&room()), number)
}

/// A record with all its fields set.
fn record(shape: &'static Shape) -> Record {
    let mut record = Record::new(shape);
    for (field, value) in shape.fields.iter().zip(&mut record.values) {
        *value = match field.kind {
            Type::Text => Value::Text(AWKWARD.to_owned()),
            Type::Int => Value::Int(i64::MIN),
            Type::Bool => Value::Bool(field.name.len() % 2 == 0),
            Type::Time => Value::Time(Ticks::MAX),
            Type::List => Value::from(vec![AWKWARD.to_owned(), String::new(), "sip:a@b".to_owned()]),
        };
    }
    record
}

/// One page for each noun: a full record, one with the key only, one that history made known.
fn catalogs() -> Vec<(&'static Shape, Catalog)> {
    let keyed = |shape: &'static Shape, key: &str, discovered: bool| {
        let mut record = Record::new(shape);
        shape.key.iter().chain(shape.identity).for_each(|name| record.set(*name, key));
        record.discovered = discovered;
        record
    };
    let make = |shape: &&'static Shape| {
        let mut catalog = Catalog::default();
        catalog.put(record(shape));
        catalog.put(keyed(shape, "b", false));
        catalog.put(keyed(shape, &"long ".repeat(500), true));
        (*shape, catalog)
    };
    SHAPES.iter().filter(|shape| shape.travels()).map(make).collect()
}

fn tally() -> Tally {
    let mut tally = Tally::new();
    for (n, name) in ["", AWKWARD, "Trading"].into_iter().enumerate() {
        let mut room = RoomTally { name: name.to_owned(), pages: n as u32 + 1, ..RoomTally::default() };
        Kind::ALL.into_iter().take(4 * n + 1).for_each(|kind| room.events.count(kind));
        room.span(Ticks::MIN);
        room.span(Ticks(1));
        tally.insert(RoomKey { pool: "P".to_owned(), uri: format!("ma-chan://Litware/{n}{name}") }, room);
    }
    tally.insert(RoomKey { pool: "P".to_owned(), uri: "no history".to_owned() }, RoomTally::default());
    tally
}

/// Says what xmllint thinks of a file; nothing when there is no xmllint.
fn judge(schema: &str, file: &Path) -> Option<Result<(), String>> {
    Command::new("xmllint").arg("--version").output().ok()?;
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/formats").join(schema);
    let said = Command::new("xmllint").args(["--noout", "--nonet", "--schema"]).arg(schema).arg(file).output().ok()?;
    Some(if said.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&said.stderr).into_owned()) })
}

#[test]
fn every_page_is_valid_and_reads_back() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let valid = |schema: &str, name: &str, bytes: &[u8]| {
        if let Some(verdict) = judge(schema, &file(name, bytes)) {
            assert_eq!(verdict, Ok(()), "{name}");
        }
    };
    let folder = folder(&room());
    let bytes = page::write(&full(), &folder);
    assert_eq!(read_page(&bytes, 7).unwrap(), full());
    valid("page.xsd", "page.xml", &bytes);
    let empty = Unit::new(room(), 1);
    valid("page.xsd", "empty.xml", &page::write(&empty, &folder));
    for (shape, catalog) in catalogs() {
        let bytes = catalog::write(shape, &catalog);
        let wanted: Vec<Record> = catalog.of(shape.noun).cloned().collect();
        assert_eq!(wanted.len(), 3);
        assert_eq!(catalog::read(&bytes, "catalog", shape).unwrap(), wanted);
        valid("catalog.xsd", &format!("{}.xml", shape.plural), &bytes);
        valid("catalog.xsd", "none.xml", &catalog::write(shape, &Catalog::default()));
    }
    let bytes = rooms::write(&tally());
    valid("rooms.xsd", "index.xml", &bytes);
    let listed = rooms::read(&bytes, "rooms").unwrap();
    let tally: Vec<_> = tally().into_iter().filter(|(_, room)| room.pages > 0).collect();
    assert_eq!(listed.len(), tally.len());
    for (listed, (key, room)) in listed.iter().zip(&tally) {
        assert_eq!((&*listed.key, &*listed.name, listed.pages), (key, room.name.as_str(), room.pages));
        assert_eq!((listed.events, listed.first, listed.last), (room.events, room.first, room.last));
    }
}

/// What the schemas are for: each of these is well-formed, and none is a page.
#[test]
fn schemas_refuse_what_no_page_says() {
    let dir = tempfile::tempdir().unwrap();
    let page = String::from_utf8(page::write(&full(), &folder(&room()))).unwrap();
    let list = String::from_utf8(rooms::write(&tally())).unwrap();
    let (shape, catalog) = catalogs().remove(0);
    let catalog = String::from_utf8(catalog::write(shape, &catalog)).unwrap();
    let bent = [
        ("page.xsd", &page, "urn:pchat:archive:1", "urn:pchat:archive:2"),
        ("page.xsd", &page, "number=\"7\"", "number=\"0\""),
        ("page.xsd", &page, "<backchat ", "<backchat id=\"1\" "),
        ("page.xsd", &page, "by=\"0\"", "by=\"2\""),
        ("page.xsd", &page, "T07:45:00Z", "T07:45:00"),
        ("page.xsd", &page, "T07:45:00Z", "T07:45:00.10Z"),
        ("page.xsd", &page, "T07:45:00Z", "T07:45:00.12345678Z"),
        ("page.xsd", &page, "alert=\"true\"", "alert=\"1\""),
        ("page.xsd", &page, "code=\"0\"", "code=\"41\""),
        ("page.xsd", &page, "key=\"1\"", "key=\"0\""),
        ("page.xsd", &page, "sha256=\"ab", "sha256=\"AB"),
        ("page.xsd", &page, "<rtf>", "<word>w</word><rtf>"),
        ("page.xsd", &page, "room=\"3f8b", "room=\"3F8b"),
        ("rooms.xsd", &list, "kind=\"backchat\"", "kind=\"message\""),
        ("rooms.xsd", &list, "kind=\"backchat\"", "kind=\"chatter\""),
        ("rooms.xsd", &list, "pages=\"1\"", "pages=\"-1\""),
        ("rooms.xsd", &list, "<pool>P</pool>", ""),
        ("catalog.xsd", &catalog, "noun=\"hold\"", "noun=\"holt\""),
        ("catalog.xsd", &catalog, "name=\"Reason\"", "name=\"Case\""),
        ("catalog.xsd", &catalog, "name=\"Reason\"", "name=\"Rooms\""),
    ];
    for (schema, whole, from, to) in bent {
        assert!(whole.contains(from), "{from}");
        let path = dir.path().join("bent.xml");
        std::fs::write(&path, whole.replacen(from, to, 1)).unwrap();
        if let Some(verdict) = judge(schema, &path) {
            assert!(verdict.is_err_and(|said| said.contains("validity error")), "{schema}: {from} {to}");
        }
    }
}

#[test]
fn rooms_have_folders_of_their_own() {
    let key = |uri: &str| RoomKey { pool: "p".to_owned(), uri: uri.to_owned() };
    let name = folder(&key("ma-chan://litwareinc.com/3F8B Trading/"));
    assert!(name.len() == 32 && name.bytes().all(|b| b.is_ascii_hexdigit()), "{name}");
    let name = folder(&key("ma-chan://litwareinc.com/3F8B--Trading Ü."));
    assert!(name.starts_with("3f8b-trading-") && name.len() == 13 + 32, "{name}");
    assert_eq!(name, folder(&key("MA-CHAN://litwareinc.com/3f8b--trading ü.")));
    assert_ne!(name, folder(&key("ma-chan://litwareinc.com/3f8b--trading Ü")));
    assert_eq!(page_name("x", 12), "data/rooms/x/000012.xml");
    assert!(folder(&key(&"a".repeat(500))).len() <= 40 + 1 + 32);
}

#[test]
fn limits_bind_what_people_set_and_not_what_history_mentions() {
    let shape = SHAPES.iter().copied().find(|shape| shape.noun == "category").unwrap();
    for (discovered, name) in
        [(true, "x".repeat(300)), (true, String::new()), (false, "x".repeat(300)), (false, String::new())]
    {
        let mut record = Record::new(shape).with("Pool", "p").with("Name", name.as_str());
        record.discovered = discovered;
        let mut catalog = Catalog::default();
        catalog.put(record);
        let read = catalog::read(&catalog::write(shape, &catalog), "catalog", shape);
        assert_eq!(read.is_ok(), discovered, "{name}");
    }
}

#[test]
fn pages_that_contradict_themselves_are_refused() {
    let page = String::from_utf8(page::write(&full(), &folder(&room()))).unwrap();
    for (from, to) in [
        ("number=\"7\"", "number=\"8\""),
        ("urn:pchat:archive:1", "urn:pchat:archive:2"),
        ("key=\"1\"", "key=\"2\""),
        ("by=\"0\"", "by=\"2\""),
        ("T07:45:00Z", "T23:45:00Z"),
        ("T07:45:00Z", "T07:45:00.00000001Z"),
        ("<backchat ", "<backchat id=\"1\" "),
        ("<backchat ", "<gossip "),
        ("</rtf>", "</rtf>more text"),
        ("sha256=\"ab", "sha256=\"zb"),
        ("code=\"0\"", "code=\"D800\""),
        ("code=\"0\"", "code=\"110000\""),
        ("</page>", "</page><page/>"),
        ("</page>\n", ""),
    ] {
        assert!(page.contains(from), "{from}");
        assert!(read_page(page.replacen(from, to, 1).as_bytes(), 7).is_err(), "{from} {to}");
    }
}

fn text() -> impl Strategy<Value = String> {
    let awkward = prop::sample::select(vec![
        "\0",
        "\r\n",
        "\r",
        "\n",
        "\t",
        "]]>",
        "&amp;",
        "<char code=\"0\"/>",
        "\u{FFFE}",
        "\u{FFFF}",
        "\u{FEFF}",
        "\u{1}",
        "\u{85}",
        "\u{2028}",
        " ",
        "<!--",
        "&#0;",
        "\u{D7FF}\u{E000}\u{10FFFF}",
    ]);
    let part = prop_oneof![any::<char>().prop_map(String::from), awkward.prop_map(str::to_owned), "[a-z ]{0,8}"];
    prop::collection::vec(part, 0..10).prop_map(|parts| parts.concat())
}

fn maybe() -> impl Strategy<Value = Option<String>> {
    prop::option::of(text())
}

fn persona() -> impl Strategy<Value = Persona> {
    (text(), maybe(), maybe(), any::<Option<bool>>(), any::<Option<i64>>())
        .prop_map(|(uri, name, email, internal, number)| Persona { uri, name, email, internal, number })
}

fn file() -> impl Strategy<Value = Attachment> {
    let facts = (maybe(), maybe(), prop::option::of(0..=i64::MAX as u64), any::<Option<[u8; 32]>>(), any::<bool>());
    facts.prop_map(|(name, link, size, sha256, kept)| {
        let content = if kept && sha256.is_some() { Content::Kept } else { Content::Absent };
        Attachment { name, link, size, sha256, content }
    })
}

fn more() -> impl Strategy<Value = Option<Box<More>>> {
    let facts = (maybe(), maybe(), maybe(), prop::collection::vec(file(), 0..3));
    facts.prop_map(|(rtf, word, extra, files)| {
        let more = More { rtf, word, extra, files, ..More::default() };
        (more != More::default()).then(|| Box::new(more))
    })
}

fn any_event() -> impl Strategy<Value = Event> {
    let kind = prop::sample::select(Kind::ALL.to_vec());
    (Ticks::MIN.0..=Ticks::MAX.0, kind, any::<Option<i64>>(), any::<u32>(), any::<Option<bool>>(), text(), more())
        .prop_map(|(at, kind, chat, who, alert, body, more)| {
            let chat = chat.filter(|_| kind == Kind::Chat);
            Event { chat, who, alert, body, more, ..Event::new(Ticks(at), kind) }
        })
}

fn unit() -> impl Strategy<Value = Unit> {
    let parts = (prop::collection::vec(persona(), 1..4), prop::collection::vec(any_event(), 0..8), 1..=u32::MAX);
    parts.prop_map(|(people, mut events, number)| {
        events.sort_by_key(|event| event.at);
        let count = people.len() as u32;
        events.iter_mut().for_each(|event| event.who %= count);
        Unit { people, events, ..Unit::new(room(), number) }
    })
}

/// What happens to bytes on bad disks and under bad hands.
#[derive(Debug, Clone)]
enum Harm {
    Set(prop::sample::Index, u8),
    Insert(prop::sample::Index, Vec<u8>),
    Delete(prop::sample::Index, usize),
    Double(prop::sample::Index, usize),
    Cut(prop::sample::Index),
}

fn harm() -> impl Strategy<Value = Harm> {
    let at = any::<prop::sample::Index>;
    let markup = prop::sample::select(vec![
        "<",
        ">",
        "/>",
        "&",
        ";",
        "\"",
        "<char code=\"",
        "<![CDATA[",
        "]]>",
        "<!DOCTYPE",
        "<?",
        "\0",
        "-",
        "9",
        "xmlns:a=\"b\" ",
    ]);
    prop_oneof![
        (at(), any::<u8>()).prop_map(|(at, byte)| Harm::Set(at, byte)),
        (at(), markup).prop_map(|(at, text)| Harm::Insert(at, text.as_bytes().to_vec())),
        (at(), 1..40usize).prop_map(|(at, length)| Harm::Delete(at, length)),
        (at(), 1..400usize).prop_map(|(at, length)| Harm::Double(at, length)),
        at().prop_map(Harm::Cut),
    ]
}

fn harmed(mut bytes: Vec<u8>, harms: &[Harm]) -> Vec<u8> {
    for harm in harms {
        if bytes.is_empty() {
            break;
        }
        let range = |at: &prop::sample::Index, length: usize| {
            let at = at.index(bytes.len());
            at..(at + length).min(bytes.len())
        };
        match harm {
            Harm::Set(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Harm::Insert(at, text) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, text.iter().copied());
            }
            Harm::Delete(at, length) => drop(bytes.drain(range(at, *length))),
            Harm::Double(at, length) => {
                let range = range(at, *length);
                let part = bytes[range.clone()].to_vec();
                bytes.splice(range.start..range.start, part);
            }
            Harm::Cut(at) => bytes.truncate(at.index(bytes.len())),
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    #[test]
    fn any_page_reads_back(unit in unit()) {
        let bytes = page::write(&unit, &folder(&room()));
        let back = read_page(&bytes, unit.number).unwrap();
        prop_assert_eq!(page::write(&back, &folder(&room())), bytes);
        prop_assert_eq!(back, unit);
    }

    /// Whatever happens to a page, it is refused or it is a page again.
    #[test]
    fn harmed_pages_never_panic(harms in prop::collection::vec(harm(), 1..6)) {
        let bytes = harmed(page::write(&full(), &folder(&room())), &harms);
        if let Ok(unit) = read_page(&bytes, 7) {
            let bytes = page::write(&unit, &folder(&room()));
            prop_assert_eq!(page::write(&read_page(&bytes, 7).unwrap(), &folder(&room())), bytes);
        }
    }

    #[test]
    fn harmed_lists_and_catalogs_never_panic(harms in prop::collection::vec(harm(), 1..6), which in 0..16_usize) {
        if let Ok(rooms) = rooms::read(&harmed(rooms::write(&tally()), &harms), "rooms") {
            for room in rooms {
                prop_assert_eq!(&*room.folder, folder(&room.key));
            }
        }
        let mut all = catalogs();
        let (shape, catalog) = all.remove(which % all.len());
        if let Ok(records) = catalog::read(&harmed(catalog::write(shape, &catalog), &harms), "catalog", shape) {
            prop_assert!(records.iter().all(|record| record.values.len() == shape.fields.len()));
        }
    }
}
