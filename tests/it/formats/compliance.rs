//! Compliance XML: the published samples value by value, their typing mistakes, hostile files.

mod references;

use super::{all_hostile, compliance, fixture, folder, options};
use pchat::error::Error;
use pchat::formats::ReadOptions;
use pchat::formats::compliance::{is_stylesheet_output, looks_like, read};
use pchat::model::ids::RoomKey;
use pchat::model::message::{Kind, Persona};
use pchat::model::time::Ticks;
use pchat::model::unit::{PAGE_EVENTS, Unit};
use proptest::prelude::*;
use std::ops::ControlFlow;

fn sample() -> Vec<u8> {
    std::fs::read(fixture("compliance/compliance-conversation.xml")).unwrap()
}

fn good(bytes: &[u8]) -> (pchat::formats::Remarks, Vec<Unit>) {
    let (result, units) = compliance(bytes, &options("x.xml"));
    (result.unwrap(), units)
}

fn fails(bytes: &[u8]) -> Error {
    compliance(bytes, &options("x.xml")).0.unwrap_err()
}

/// A file with one conversation of these messages.
fn talk(messages: &str) -> String {
    format!(
        "<Conversations><Conversation><Channel uri=\"ma-chan://h.example/1\" name=\"Trading\"/>\
         <Messages>{messages}</Messages></Conversation></Conversations>"
    )
}

fn chat(content: &str, id: &str, long: i64) -> String {
    format!(
        "<Message type=\"CHAT\" content=\"{content}\" id=\"{id}\"><Sender uri=\"a@h\"/><DateTimeUTC long=\"{long}\"/></Message>"
    )
}

const AT: i64 = 633_409_486_005_222_640;

#[test]
fn the_published_conversation_is_read_value_by_value() {
    let (remarks, units) = good(&sample());
    assert_eq!(remarks.counts, Default::default());
    let [unit] = &units[..] else { panic!("{units:?}") };
    let uri = "ma-chan://litwareinc.com/300";
    assert_eq!(*unit.room, RoomKey { pool: "litwareinc.com".into(), uri: uri.into() });
    assert_eq!((unit.number, unit.hint.title.as_deref()), (1, None));
    let read: Vec<_> =
        unit.events.iter().map(|event| (event.kind, event.at.0, event.chat, event.body.as_str(), event.who)).collect();
    assert_eq!(
        read,
        [
            (Kind::Chat, 633_409_486_005_222_640, Some(1), "hello", 0),
            (Kind::Upload, 633_409_486_289_755_711, None, "0988239a-bb66-4616-90a4-b07771a2097c.txt", 0),
            (Kind::Backchat, 633_416_311_852_841_594, None, "backchatcontent", 0),
            (Kind::Join, 633_418_086_426_127_374, None, "", 0),
            (Kind::Part, 633_482_074_025_324_614, None, "", 0),
            (Kind::Download, 633_482_079_418_518_646, None, "006074ca-24f0-4b35-8bd8-98006a2d1aa8.txt", 1),
        ]
    );
    assert!(unit.events.iter().all(|event| event.alert.is_none() && event.more.is_none()));
    let kazuto = Persona {
        uri: "kazuto@litwareinc.com".into(),
        name: Some("TestUser kazuto".into()),
        email: Some("kazuto@litwareinc.com".into()),
        internal: Some(true),
        number: Some(10),
    };
    let by_address =
        Persona { name: Some("kazuto@litwareinc.com".into()), email: Some(String::new()), ..kazuto.clone() };
    assert_eq!(unit.people, [kazuto, by_address]);
}

#[test]
fn every_published_time_agrees_with_itself() {
    let table = std::fs::read_to_string(fixture("compliance/timestamps.csv")).unwrap();
    let rows: Vec<Vec<&str>> = table.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(rows.len(), 7);
    for row in rows {
        let (millis, text, long) = (row[1], row[2], row[3]);
        let ticks = Ticks(long.parse().unwrap());
        assert_eq!(ticks.unix_millis().to_string(), millis, "{}", row[0]);
        assert_eq!(ticks.to_string(), text, "{}", row[0]);
        let all = format!("since1970=\"{millis}\" string=\"{text}\" long=\"{long}\"");
        let cases = [
            (all, ticks, None),
            (format!("string=\"{text}\" since1970=\"{millis}\""), ticks, None),
            (
                format!("since1970=\"{millis}\""),
                Ticks(ticks.0 - ticks.0 % 10_000),
                Some("times known to the millisecond only"),
            ),
            (
                format!("since1970=\"{millis}\" string=\"{text}\" long=\"{}\"", ticks.0 + 1),
                Ticks(ticks.0 + 1),
                Some("times whose three forms disagree; the ticks decide, then the text"),
            ),
            (
                format!("since1970=\"1\" string=\"{text}\" long=\"{long}\""),
                ticks,
                Some("times whose three forms disagree; the ticks decide, then the text"),
            ),
            (
                format!("string=\"{text}\" long=\"soon\""),
                ticks,
                Some("times of which one form cannot be read; another form was used"),
            ),
        ];
        for (attributes, expected, remark) in cases {
            let xml = talk(&format!("<Message type=\"JOIN\"><Sender uri=\"a\"/><DateTimeUTC {attributes}/></Message>"));
            let (remarks, units) = good(xml.as_bytes());
            assert_eq!(units[0].events[0].at, expected, "{attributes}");
            let noted: Vec<_> = remarks.counts.into_keys().collect();
            assert_eq!(noted, remark.into_iter().collect::<Vec<_>>(), "{attributes}");
        }
    }
}

#[test]
fn the_older_spelling_and_a_lone_first_message() {
    let old = std::fs::read_to_string(fixture("compliance/compliance-ocs2007r2.xml")).unwrap();
    let (remarks, units) = good(old.as_bytes());
    assert_eq!(units, []);
    assert_eq!(remarks.counts.into_values().collect::<Vec<_>>(), [1]);
    let moved = old.replace("<Messages />", "").replace("FirstMessage", "Message");
    let moved = moved.replace("<Message ", "<Messages><Message ").replace("</Message>", "</Message></Messages>");
    let (remarks, units) = good(moved.as_bytes());
    assert_eq!(remarks.counts, Default::default());
    assert_eq!(units[0].people[0].name.as_deref(), Some("Testuser 0040001"));
    assert_eq!(units[0].room.pool, "example.com");
}

#[test]
fn utf_16_and_byte_order_marks_give_the_same() {
    let (_, expected) = good(&sample());
    let text = String::from_utf8(sample()).unwrap();
    let wide = text.replace("encoding=\"utf-8\"", "encoding=\"utf-16\"").replace("hello", "h\u{E4}\u{1F600}lo");
    let narrow = text.replace("hello", "h\u{E4}\u{1F600}lo");
    let (_, other) = good(narrow.as_bytes());
    assert_eq!(other[0].events[0].body, "h\u{E4}\u{1F600}lo");
    let le: Vec<u8> = wide.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let be: Vec<u8> = wide.encode_utf16().flat_map(u16::to_be_bytes).collect();
    assert_eq!(good(&[b"\xFF\xFE", &le[..]].concat()).1, other);
    assert_eq!(good(&[b"\xFE\xFF", &be[..]].concat()).1, other);
    assert_eq!(good(&le).1, other);
    assert_eq!(good(&[b"\xEF\xBB\xBF", &sample()[..]].concat()).1, expected);
    assert!(looks_like(&le) && looks_like(&be) && looks_like(&sample()));
}

#[test]
fn text_survives_as_xml_lets_it() {
    let xml = talk(&chat("1&#xD;&#xA;2&#x9;3 &lt;a href=&quot;x&quot;&gt; &amp;amp; ]]&gt; ]]>", "1", AT));
    let (remarks, units) = good(xml.as_bytes());
    assert_eq!(units[0].events[0].body, "1\r\n2\t3 <a href=\"x\"> &amp; ]]> ]]>");
    assert_eq!(remarks.counts, Default::default());
    let (remarks, units) = good(talk(&chat("1\r\n2\t3 ", "1", AT)).as_bytes());
    assert_eq!(units[0].events[0].body, "1 2 3 ");
    assert_eq!(remarks.counts.len(), 1);
    assert!(fails(talk(&chat("\u{FFFE}", "1", AT)).as_bytes()).what().contains("U+FFFE"));
    let (remarks, units) = good(talk(&chat("&#xFFFE;&#1;&#x0;", "1", AT)).as_bytes());
    assert_eq!(units[0].events[0].body, "\u{FFFE}\u{1}\0");
    assert_eq!(remarks.counts.len(), 1);
}

#[test]
fn what_is_missing_or_unknown_is_said_and_kept() {
    let xml = talk(
        "<Message type='CHAT' content='a' id='0'><DateTimeUTC long='5'/></Message>\
         <Message type='PURGE' content='b' id='9' odd='1'><Sender uri='sip:a@h' internal='0'/>\
         <DateTimeUTC long='6'/><Odd><Message/></Odd></Message>\
         <Message type='CHAT' id=' 9007199254740993 '><Sender uri='a@h' email='' id=''/><DateTimeUTC long='5'/></Message>",
    );
    let (remarks, units) = good(xml.as_bytes());
    let [unit] = &units[..] else { panic!() };
    assert_eq!(unit.hint.title.as_deref(), Some("Trading"));
    let [first, second, purge] = &unit.events[..] else { panic!() };
    assert_eq!((first.chat, first.body.as_str(), second.chat), (None, "a", Some(9_007_199_254_740_993)));
    assert_eq!((purge.kind, purge.more().word.as_deref()), (Kind::Change, Some("PURGE")));
    assert_eq!((purge.more().extra.as_deref(), purge.body.as_str()), (Some("{\"id\":9}"), "b"));
    assert_eq!(unit.people[0], Persona::default());
    assert_eq!(unit.people[1].internal, Some(false));
    assert_eq!((unit.people[2].email.as_deref(), unit.people[2].number), (Some(""), None));
    assert_eq!(unit.people[1].uri, "sip:a@h");
    // No number, no address, an unknown type, an unknown attribute, an unknown element.
    assert_eq!(remarks.counts.values().copied().collect::<Vec<_>>(), [1; 5], "{:?}", remarks.counts);
}

#[test]
fn rooms_and_conversations_are_told_apart_and_the_channel_may_come_late() {
    let xml = format!(
        "<Conversations><Conversation><Messages>{}</Messages><Channel uri='ma-chan://a.example/x'/></Conversation>\
         <Conversation/><Conversation><Channel uri='Trading' name=''/><Messages>{}</Messages><Messages>{}</Messages>\
         </Conversation></Conversations>",
        chat("1", "1", 9),
        chat("2", "1", 8),
        chat("3", "2", 7)
    );
    let read = |pool: Option<&str>| {
        let options = ReadOptions { pool: pool.map(str::to_owned), ..options("x") };
        let (result, units) = compliance(xml.as_bytes(), &options);
        result.unwrap();
        units
    };
    let units = read(None);
    let rooms: Vec<_> = units.iter().map(|unit| (unit.number, unit.room.to_string())).collect();
    assert_eq!(rooms, [(1, "a.example\\ma-chan://a.example/x".to_owned()), (2, "unknown\\Trading".to_owned())]);
    assert_eq!(units[1].events.iter().map(|event| event.body.as_str()).collect::<String>(), "32");
    assert!(read(Some("p")).iter().all(|unit| unit.room.pool == "p"));
}

#[test]
fn units_are_bounded_and_sorted_and_stop_on_request() {
    let count = PAGE_EVENTS * 2 + 5;
    let messages: String = (0..count).map(|n| chat("x", &(n + 1).to_string(), AT - (n as i64 / 2))).collect();
    let xml = talk(&messages);
    let (_, units) = good(xml.as_bytes());
    assert_eq!(units.iter().map(|unit| unit.events.len()).collect::<Vec<_>>(), [PAGE_EVENTS, PAGE_EVENTS, 5]);
    assert_eq!(units.iter().map(|unit| unit.number).collect::<Vec<_>>(), [1, 2, 3]);
    for unit in &units {
        assert!(unit.events.is_sorted_by_key(|event| event.at));
        // Equal times keep the order of the file.
        assert!(unit.events.windows(2).all(|two| two[0].at < two[1].at || two[0].chat < two[1].chat));
        assert_eq!(unit.people.len(), 1);
    }
    let mut taken = 0;
    let mut input = xml.as_bytes();
    read(&mut input, &options("x"), &mut |_| {
        taken += 1;
        ControlFlow::Break(())
    })
    .unwrap();
    assert_eq!(taken, 1);
    let big = "y".repeat(5 << 20);
    let (_, units) = good(talk(&(chat(&big, "1", 1) + &chat(&big, "2", 2) + &chat("z", "3", 3))).as_bytes());
    assert_eq!(units.iter().map(|unit| unit.events.len()).collect::<Vec<_>>(), [2, 1]);
    let late = talk(&messages).replace("<Channel uri=\"ma-chan://h.example/1\" name=\"Trading\"/>", "");
    assert!(fails(late.as_bytes()).what().contains("`Channel` does not come first"));
}

/// Endless input that is never whole in memory.
struct Endless {
    head: Vec<u8>,
    fill: Vec<u8>,
    at: usize,
}

impl std::io::Read for Endless {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let source = if self.at < self.head.len() { &self.head[self.at..] } else { &self.fill[..] };
        let count = source.len().min(out.len());
        out[..count].copy_from_slice(&source[..count]);
        self.at += count;
        Ok(count)
    }
}

#[test]
fn no_piece_of_markup_can_fill_the_memory() {
    for (head, fill) in [
        ("<Conversations>\n<Conversation a=\"", "x"),
        ("<Conversations>\n<", "x"),
        ("<Conversations>\n", " "),
        ("<Conversations>\n<!-- ", "x"),
        ("<Conversations>\n<![CDATA[", "x"),
        ("<Conversations>\n<?x ", "x"),
        ("<Conversations>\n&", "x"),
    ] {
        let endless = Endless { head: head.into(), fill: fill.repeat(1 << 16).into(), at: 0 };
        let mut input = std::io::BufReader::with_capacity(1 << 16, endless);
        let error = read(&mut input, &options("x"), &mut |_| ControlFlow::Continue(())).unwrap_err();
        assert!(error.what().contains("64 MiB"), "{head}: {error}");
        assert!(error.place().is_some_and(|place| place.line <= 2), "{head}: {error}");
    }
}

/// Hands out one byte at a time.
struct Drip<'a>(&'a [u8]);

impl std::io::Read for Drip<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let count = self.0.len().min(out.len()).min(1);
        out[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

#[test]
fn the_size_of_the_pieces_changes_nothing() {
    let files =
        [folder("hostile/xml"), folder("compliance/broken"), vec![fixture("compliance/compliance-conversation.xml")]];
    for path in files.concat() {
        let bytes = std::fs::read(&path).unwrap();
        let (whole, units) = compliance(&bytes, &options("x"));
        let mut dripped = Vec::new();
        let mut input = std::io::BufReader::with_capacity(1, Drip(&bytes));
        let result = read(&mut input, &options("x"), &mut |unit| {
            dripped.push(unit);
            ControlFlow::Continue(())
        });
        assert_eq!(dripped, units, "{path:?}");
        match (whole, result) {
            (Ok(_), Ok(_)) => {}
            (Err(one), Err(two)) => assert_eq!(one.to_string(), two.to_string(), "{path:?}"),
            other => panic!("{path:?}: {other:?}"),
        }
    }
}

#[test]
fn published_typing_mistakes_are_told_one_by_one() {
    let expected = [
        ("skeleton.xml", "5:32", "`--!>` does not end a comment", "write `-->`"),
        ("first-message.xml", "1:1", "two `<` in a row", "write `<FirstMessage`"),
        ("message-end.xml", "4:10", "the end tag `</Message` is not closed: `>` is missing", "write `</Message>`"),
        ("sender.xml", "2:3", "`<` is not followed by a name", "write `<Sender`"),
        ("alone-comment-end.xml", "5:32", "`--!>` does not end a comment", "write `-->`"),
        ("alone-long-dash.xml", "10:7", "a long dash after `<!` begins no comment", "write `<!--`"),
        ("alone-double-bracket.xml", "5:5", "two `<` in a row", "write `<FirstMessage`"),
        (
            "alone-message-end.xml",
            "13:16",
            "the end tag `</Message` is not closed: `>` is missing",
            "write `</Message>`",
        ),
        ("alone-space-before-name.xml", "11:9", "`<` is not followed by a name", "write `<Sender`"),
        (
            "stylesheet-output.xml",
            "2:1",
            "this is not a compliance file but what the published stylesheet makes of one",
            "it has lost names, message numbers and exact times; import the file it was made from",
        ),
    ];
    assert_eq!(folder("compliance/broken").len(), expected.len());
    for (file, place, what, hint) in expected {
        let bytes = std::fs::read(fixture("compliance/broken").join(file)).unwrap();
        let error = compliance(&bytes, &options(file)).0.unwrap_err();
        assert_eq!(error.to_string(), format!("{file}:{place}: {what}"));
        assert_eq!(error.hint_text(), Some(hint), "{file}");
        assert_eq!(is_stylesheet_output(&bytes), file == "stylesheet-output.xml");
    }
}

#[test]
fn hostile_files_fail_with_a_place_and_say_why() {
    all_hostile("hostile/xml", compliance);
}

#[test]
fn no_error_quotes_what_people_wrote() {
    for path in folder("hostile/xml") {
        let text = String::from_utf8_lossy(&std::fs::read(&path).unwrap()).replace("content=\"", "content=\"sesame ");
        if let Err(error) = compliance(text.as_bytes(), &options("x")).0 {
            assert!(!format!("{error:?}").contains("sesame"), "{error:?}");
        }
    }
    for text in ["he said \"sesame\" twice", "sesame &sesame; x", "a < sesame", "</sesame", "<sesame"] {
        let error = fails(talk(&chat(text, "1", AT)).as_bytes());
        assert!(!format!("{error:?}").contains("sesame"), "{error:?}");
        let error = fails(format!("<Conversations>{text}{text}></a>").as_bytes());
        assert!(!format!("{error:?}").contains("sesame"), "{error:?}");
    }
}

#[test]
fn going_on_lists_what_was_left_out() {
    let xml = talk(&format!(
        "{}<Message type='CHAT' id='x'/>\n<Message type='CHAT'><Sender uri='a'/></Message>{}",
        chat("1", "1", 1),
        chat("2", "2", 2)
    ));
    let options = ReadOptions { keep_going: true, ..options("x") };
    let (result, units) = compliance(xml.as_bytes(), &options);
    let remarks = result.unwrap();
    assert_eq!(units[0].events.len(), 2);
    assert_eq!((remarks.gap_count, remarks.gaps.len()), (2, 2));
    assert!(remarks.gaps.iter().all(|gap| gap.place().is_some_and(|place| place.column > 0)));
    let cut = &sample()[..1800];
    let (result, units) = compliance(cut, &options);
    let remarks = result.unwrap();
    assert_eq!(units[0].events.len(), 3);
    assert!(remarks.gaps[0].what().ends_with("; nothing after this place was read"), "{:?}", remarks.gaps);
}

#[test]
fn a_failing_disk_is_not_a_damaged_file() {
    struct Failing;
    impl std::io::Read for Failing {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("device on fire"))
        }
    }
    let options = ReadOptions { keep_going: true, ..options("x") };
    let mut input = std::io::BufReader::new(std::io::Read::chain(&b"<Conversations>"[..], Failing));
    let error = read(&mut input, &options, &mut |_| ControlFlow::Continue(())).unwrap_err();
    assert_eq!(error.kind(), pchat::error::Kind::Io);
    assert!(error.to_string().contains("device on fire"));
}

fn try_everything(bytes: &[u8]) {
    for keep_going in [false, true] {
        let (result, _) = compliance(bytes, &ReadOptions { keep_going, ..options("x") });
        if let Err(error) = result {
            assert!(error.place().is_some_and(|place| place.line > 0 && place.column > 0), "{error}");
        }
    }
    looks_like(bytes);
    is_stylesheet_output(bytes);
}

proptest! {
    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        try_everything(&bytes);
    }

    #[test]
    fn random_markup_never_panics(parts in proptest::collection::vec(0usize..24, 0..40)) {
        const PARTS: [&str; 24] = ["<", ">", "<!", "--", "-->", "!>", "<?xml", "?>", "/", "</", "\"", "'", "=", "&", ";",
            "#x", "]]>", "<![CDATA[", " ", "\n", "Message", "<Conversations>", "\u{2014}", "<!DOCTYPE"];
        let text: String = parts.into_iter().map(|part| PARTS[part]).collect();
        try_everything(text.as_bytes());
        try_everything(format!("<Conversations>{text}").as_bytes());
    }

    #[test]
    fn damaged_samples_never_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0u8..4), 1..6),
    ) {
        let mut bytes = sample();
        for (at, byte, how) in changes {
            let at = at.index(bytes.len());
            match how {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 if bytes.len() > 1 => { bytes.remove(at); }
                _ => bytes.truncate(at + 1),
            }
        }
        try_everything(&bytes);
    }

    #[test]
    fn any_text_comes_back_when_it_is_escaped(text in any::<String>(), id in 1i64..) {
        let escaped: String = text.chars().map(|c| format!("&#{};", c as u32)).collect();
        let (_, units) = good(talk(&chat(&escaped, &id.to_string(), AT)).as_bytes());
        prop_assert_eq!(&units[0].events[0].body, &text);
        prop_assert_eq!(units[0].events[0].chat, Some(id));
    }
}
