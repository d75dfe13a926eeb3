//! JSON Lines: keys and their rules, hostile files, and the round trip.

use super::{all_hostile, folder, jsonl, options};
use pchat::formats::ReadOptions;
use pchat::formats::jsonl::{looks_like, read, write_event};
use pchat::model::ids::RoomKey;
use pchat::model::message::{Attachment, Content, Event, Kind, More, Persona};
use pchat::model::time::Ticks;
use pchat::model::unit::{PAGE_EVENTS, RoomHint, Unit};
use proptest::prelude::*;
use sha2::{Digest, Sha256};
use std::ops::ControlFlow;

const LINE: &str = r#"{"room":"r","user":"u","time":"2015-03-12T19:56:40Z","text":"t"}"#;

fn good(text: &str) -> (pchat::formats::Remarks, Vec<Unit>) {
    let (result, units) = jsonl(text.as_bytes(), &options("x.jsonl"));
    (result.unwrap(), units)
}

fn one(text: &str) -> (Unit, Event) {
    let (_, mut units) = good(text);
    assert_eq!(units.len(), 1);
    let mut unit = units.remove(0);
    assert_eq!(unit.events.len(), 1);
    let event = unit.events.remove(0);
    (unit, event)
}

/// The shortest line with more keys.
fn with(keys: &str) -> String {
    LINE.replace("\"t\"}", &format!("\"t\",{keys}}}"))
}

fn written(unit: &Unit, event: &Event) -> String {
    let mut out = Vec::new();
    let (title, category) = (unit.hint.title.as_deref(), unit.hint.category.as_deref());
    write_event(&mut out, &unit.room, title, category, &unit.people[event.who as usize], event);
    String::from_utf8(out).unwrap()
}

#[test]
fn the_shortest_line_and_its_defaults() {
    let (unit, event) = one(LINE);
    assert_eq!(*unit.room, RoomKey { pool: "history".into(), uri: "r".into() });
    assert_eq!(unit.people, [Persona { uri: "u".into(), ..Persona::default() }]);
    let at = Ticks::parse("2015-03-12T19:56:40Z").unwrap().0;
    let expected = Event { body: "t".into(), ..Event::new(at, Kind::Chat) };
    assert_eq!(event, expected);
    let options = ReadOptions { pool: Some("p".into()), ..options("x") };
    assert_eq!(jsonl(LINE.as_bytes(), &options).1[0].room.pool, "p");
    assert_eq!(jsonl(with("\"pool\":\"q\"").as_bytes(), &options).1[0].room.pool, "q");
}

#[test]
fn every_key_has_its_place() {
    let (unit, event) = one(&with(
        r#""pool":"p","category":"c","room_title":"T","user_name":"N","email":"","internal":false,"user_number":-5,
           "kind":"message","id":9007199254740993,"alert":true,"rtf":"{\\rtf1}",
           "attachments":[{"name":"a.txt","link":"l","data":"aGk="},{"path":"files/b","size":7,"more":[1]},{}]"#,
    )
    .replace('\n', " "));
    assert_eq!(unit.room.pool, "p");
    assert_eq!((unit.hint.title.as_deref(), unit.hint.category.as_deref()), (Some("T"), Some("c")));
    let persona = Persona {
        uri: "u".into(),
        name: Some("N".into()),
        email: Some(String::new()),
        internal: Some(false),
        number: Some(-5),
    };
    assert_eq!(unit.people, [persona]);
    assert_eq!(
        (event.chat, event.alert, event.more().rtf.as_deref()),
        (Some(9_007_199_254_740_993), Some(true), Some("{\\rtf1}"))
    );
    let hash: [u8; 32] = Sha256::digest(b"hi").into();
    let files = &event.more().files;
    assert_eq!(
        (files[0].size, files[0].sha256, &files[0].content),
        (Some(2), Some(hash), &Content::Bytes(b"hi".to_vec()))
    );
    assert_eq!((files[1].size, &files[1].content), (Some(7), &Content::File("files/b".into())));
    assert_eq!(files[2], Attachment::default());
}

#[test]
fn what_has_no_place_is_kept_as_it_was_written() {
    let line = with(r#""b":1.50e+3,"a": {"x":[1, 2]} ,"Text":null,"\u0063":"\u00e9","id":7,"n":1e999,"word":"w""#)
        .replace("\"t\",", "\"t\",\"kind\":\"join\",");
    let (unit, event) = one(&line);
    assert_eq!((event.kind, event.chat), (Kind::Join, None));
    let kept = r#"{"b":1.50e+3,"a":{"x":[1, 2]},"Text":null,"\u0063":"\u00e9","id":7,"n":1e999,"word":"w"}"#;
    assert_eq!(event.more().extra.as_deref(), Some(kept));
    let again = written(&unit, &event);
    assert!(again.ends_with(&format!("{}\n", &kept[1..])), "{again}");
    assert_eq!(one(&again).1, event);
}

#[test]
fn kinds_words_and_nulls() {
    for (keys, kind, word) in [
        (r#""kind":"topic""#, Kind::Change, Some("topic")),
        (r#""kind":"change""#, Kind::Change, None),
        (r#""kind":"change","word":"message""#, Kind::Change, Some("message")),
        (r#""word":"change","kind":"change""#, Kind::Change, Some("change")),
        (r#""kind":"replace""#, Kind::Replace, None),
        (r#""kind":"purge","id":null,"word":null"#, Kind::Purge, None),
        (
            r#""kind":null,"alert":null,"rtf":null,"attachments":null,"pool":null,"email":null,"internal":null,"user_number":null,"id":null"#,
            Kind::Chat,
            None,
        ),
    ] {
        let (unit, event) = one(&with(keys));
        assert_eq!((event.kind, event.more().word.as_deref()), (kind, word), "{keys}");
        assert_eq!(event.more().extra, None, "{keys}");
        assert_eq!(one(&written(&unit, &event)), (unit, event), "{keys}");
    }
    assert_eq!(one(&LINE.replace(",\"text\":\"t\"", ",\"kind\":\"join\"")).1.body, "");
}

#[test]
fn times_are_cut_below_100_ns_and_counted() {
    let (remarks, units) = good(&LINE.replace("40Z", "40.12345678+02:00"));
    assert_eq!(units[0].events[0].at.to_string(), "2015-03-12T17:56:40.1234567Z");
    assert_eq!(remarks.counts.values().copied().collect::<Vec<_>>(), [1]);
}

#[test]
fn blank_lines_marks_and_line_ends() {
    let text = format!("\u{FEFF}\n \t\r\n{LINE}\r\n\n{LINE}");
    let (_, units) = good(&text);
    assert_eq!(units[0].events.len(), 2);
    assert!(looks_like(text.as_bytes()) && looks_like(b"{") && !looks_like(b"\n[{}]") && !looks_like(b""));
    let late = jsonl(format!("{LINE}\n\u{FEFF}{LINE}").as_bytes(), &options("x")).0.unwrap_err();
    assert_eq!(late.place().map(|place| (place.line, place.column)), Some((2, 1)));
    let error = read(format!("{LINE}\n\u{FEFF}").as_bytes(), 7, &options("x"), &mut |_| ControlFlow::Continue(()));
    assert_eq!(error.unwrap_err().place().map(|place| place.line), Some(8));
}

#[test]
fn rooms_come_in_order_of_their_first_line_and_events_in_order_of_time() {
    let mut text = String::new();
    for n in 0..PAGE_EVENTS + 10 {
        let (room, second) = (["b", "a", "b"][n % 3], 59 - n % 60);
        text += &format!(
            "{{\"room\":\"{room}\",\"user\":\"u{}\",\"time\":\"2015-03-12T19:56:{second:02}Z\",\"text\":\"{n}\"}}\n",
            n % 2
        );
    }
    let (_, units) = good(&text);
    let rooms: Vec<_> = units.iter().map(|unit| (unit.number, unit.room.uri.as_str())).collect();
    assert_eq!(rooms, [(1, "b"), (2, "a")]);
    assert_eq!(units.iter().map(|unit| unit.events.len()).sum::<usize>(), PAGE_EVENTS + 10);
    for unit in &units {
        assert!(unit.events.is_sorted_by_key(|event| event.at));
        let same = unit.events.windows(2).filter(|two| two[0].at == two[1].at);
        assert!({ same }.all(|two| two[0].body.parse::<u32>().unwrap() < two[1].body.parse().unwrap()));
    }
    let one_room = text.replace("\"a\"", "\"b\"");
    let (_, units) = good(&one_room);
    assert_eq!(units.iter().map(|unit| unit.events.len()).collect::<Vec<_>>(), [PAGE_EVENTS, 10]);
    let mut taken = 0;
    read(one_room.as_bytes(), 1, &options("x"), &mut |_| {
        taken += 1;
        ControlFlow::Break(())
    })
    .unwrap();
    assert_eq!(taken, 1);
}

#[test]
fn hostile_files_fail_with_a_place_and_say_why() {
    all_hostile("hostile/jsonl", jsonl);
}

#[test]
fn no_error_quotes_what_people_wrote() {
    for path in folder("hostile/jsonl") {
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).replace(":\"", ":\"sesame ");
        if let Err(error) = jsonl(text.as_bytes(), &options("x")).0 {
            assert!(!format!("{error:?}").contains("sesame"), "{error:?}");
        }
    }
    for keys in [r#""alert":"sesame""#, r#""sesame":1,"sesame":2"#, r#""id":"sesame""#, r#""attachments":["sesame"]"#] {
        let error = jsonl(with(keys).as_bytes(), &options("x")).0.unwrap_err();
        assert!(!format!("{error:?}").contains("sesame"), "{error:?}");
    }
}

#[test]
fn going_on_lists_bad_lines_and_reads_the_others() {
    let options = ReadOptions { keep_going: true, ..options("x") };
    let text = format!("{LINE}\n{{\n{}\n{LINE}\n", LINE.replace("\"u\"", "5"));
    let (result, units) = jsonl(text.as_bytes(), &options);
    let remarks = result.unwrap();
    assert_eq!(units[0].events.len(), 2);
    assert_eq!(remarks.gaps.iter().map(|gap| gap.place().unwrap().line).collect::<Vec<_>>(), [2, 3]);
    let (result, _) = jsonl("x\n".repeat(5_000).as_bytes(), &options);
    let remarks = result.unwrap();
    assert_eq!((remarks.gap_count, remarks.gaps.len()), (5_000, 1_000));
}

#[test]
fn a_path_that_leads_out_is_not_written() {
    let (unit, mut event) = one(LINE);
    let file = Attachment { content: Content::File("/tmp/a".into()), ..Attachment::default() };
    event.more_mut().files = vec![file, Attachment { content: Content::Kept, size: Some(1), ..Attachment::default() }];
    assert!(written(&unit, &event).contains("\"attachments\":[{},{\"size\":1}]"));
}

/// Text with what breaks formats more often than chance would have it.
fn text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "\0",
        "\u{FFFE}",
        "\r\n",
        "\t",
        "]]>",
        "\"",
        "\\",
        "\u{2028}",
        "\u{1F600}",
        "\u{7F}",
        "&#1;",
    ]);
    prop::collection::vec(prop_oneof![any::<String>(), odd.prop_map(str::to_owned)], 0..5)
        .prop_map(|parts| parts.concat())
}

fn attachment() -> impl Strategy<Value = Attachment> {
    let content = prop_oneof![
        Just(Content::Absent),
        prop::collection::vec(any::<u8>(), 0..50).prop_map(Content::Bytes),
        "[a-z]{1,8}(/[a-z]{1,8}){0,2}".prop_map(|path| Content::File(path.into())),
    ];
    let option = prop::option::of::<BoxedStrategy<String>>;
    (
        option(text().boxed()),
        option(text().boxed()),
        prop::option::of(0..=i64::MAX as u64),
        any::<Option<[u8; 32]>>(),
        content,
    )
        .prop_map(|(name, link, mut size, mut sha256, content)| {
            if let Content::Bytes(bytes) = &content {
                (size, sha256) = (Some(bytes.len() as u64), Some(Sha256::digest(bytes).into()));
            }
            Attachment { name, link, size, sha256, content }
        })
}

fn event() -> impl Strategy<Value = Event> {
    let extra = prop::collection::vec(
        (text(), prop::sample::select(vec!["null", "1.50e+3", "[1, {\"a\":2}]", "\"\\ud83d\\ude00\"", "true"])),
        0..3,
    )
    .prop_map(|keys| {
        let numbered = keys.into_iter().enumerate();
        let keys: Vec<_> = numbered
            .map(|(n, (key, value))| format!("{}:{value}", serde_json::to_string(&format!("{n}{key}")).unwrap()))
            .collect();
        (!keys.is_empty()).then(|| format!("{{{}}}", keys.join(",")))
    });
    let word =
        prop_oneof![text(), prop::sample::select(vec!["message", "change", "join", "topic"]).prop_map(str::to_owned)];
    let optional = (prop::option::of(text()), prop::option::of(word), extra, prop::collection::vec(attachment(), 0..3));
    let plain = (
        0..=Ticks::MAX.0,
        prop::sample::select(Kind::ALL.to_vec()),
        any::<Option<i64>>(),
        any::<Option<bool>>(),
        text(),
    );
    (plain, optional).prop_map(|((at, kind, chat, alert, body), (rtf, word, extra, files))| {
        let word = word.filter(|_| kind == Kind::Change);
        let more = More { rtf, word, extra, files, ..More::default() };
        let more = (more != More::default()).then(|| Box::new(more));
        Event { chat: chat.filter(|_| kind == Kind::Chat), alert, body, more, ..Event::new(Ticks(at), kind) }
    })
}

proptest! {
    #[test]
    fn what_is_written_comes_back(
        event in event(),
        pool in text().prop_map(|text| text + "p"),
        uri in text().prop_map(|text| text + "r"),
        title in prop::option::of(text()),
        category in prop::option::of(text()),
        person in (
            text(), prop::option::of(text()), prop::option::of(text()), any::<Option<bool>>(), any::<Option<i64>>()
        ),
    ) {
        let (user, name, email, internal, number) = person;
        let persona = Persona { uri: user, name, email, internal, number };
        let mut unit = Unit::new(RoomKey { pool, uri }.into(), 1);
        unit.hint = RoomHint { title, category, ..RoomHint::default() };
        unit.people = vec![persona];
        let line = written(&unit, &event);
        prop_assert_eq!(line.matches('\n').count(), 1);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&line).is_ok());
        let (mut back, said) = one(&line);
        back.hint.titled = None;
        prop_assert_eq!((back, said), (unit, event));
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = jsonl(&bytes, &options("x"));
        looks_like(&bytes);
    }

    #[test]
    fn damaged_lines_never_panic(
        event in event(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..3), 1..5),
    ) {
        let (unit, _) = one(LINE);
        let mut bytes = written(&unit, &event).into_bytes();
        for (at, byte, how) in changes {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                _ => { bytes.remove(at); }
            }
        }
        for keep_going in [false, true] {
            let options = ReadOptions { keep_going, ..options("x") };
            if let Err(error) = jsonl(&bytes, &options).0 {
                let place = error.place().unwrap();
                prop_assert!(place.line > 0 && place.column > 0);
            }
        }
    }
}
