//! KQL: how what people type is read, what is wrong with it, and what it means.

mod foreign;
mod random;

pub(crate) use random::meant;

use chrono::NaiveDate;
use pchat::error::Kind as Failure;
use pchat::model::ids::RoomKey;
use pchat::model::message::{Attachment, Event, Kind, Persona};
use pchat::model::time::Ticks;
use pchat::select::matches::{Subject, matches};
use pchat::select::query::kql::{Names, Read, sealed, typed};
use pchat::select::query::seal::{fix, seal};
use pchat::select::query::{Node, is_like};

/// Ann is known by a name, and there are two rooms.
struct Here;

pub(crate) fn key(uri: &str) -> RoomKey {
    RoomKey { pool: "pool".to_owned(), uri: uri.to_owned() }
}

impl Names for Here {
    fn people(&self, name: &str) -> Vec<String> {
        let known = [("ann lee", "ann@x"), ("ann lee", "ann.lee@x.com"), ("bob", "bob@x")];
        known.iter().filter(|(of, _)| *of == name.to_lowercase()).map(|(_, uri)| (*uri).to_owned()).collect()
    }

    fn rooms(&self, pattern: &str) -> Vec<RoomKey> {
        ["audit", "desk"].into_iter().filter(|name| is_like(&pattern.to_lowercase(), name)).map(key).collect()
    }

    fn category(&self, pattern: &str) -> Vec<RoomKey> {
        if pattern == "all" { vec![key("audit"), key("desk")] } else { Vec::new() }
    }

    fn hold(&self, name: &str) -> Option<Node> {
        (name == "Matter 1").then(|| Node::Person(["ann@x".to_owned()].into()))
    }

    fn bound(&self, text: &str, end: bool) -> Option<Ticks> {
        let last = if end { "T23:59:59.9999999Z" } else { "T00:00:00Z" };
        Ticks::parse(text).or_else(|| Ticks::parse(&format!("{text}{last}"))).map(|(at, _)| at)
    }

    fn today(&self) -> Option<NaiveDate> {
        NaiveDate::from_ymd_opt(2014, 5, 14)
    }
}

/// Knows nothing, like a store that reads what it keeps.
struct Nothing;

impl Names for Nothing {
    fn people(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn rooms(&self, pattern: &str) -> Vec<RoomKey> {
        Here.rooms(pattern)
    }

    fn category(&self, pattern: &str) -> Vec<RoomKey> {
        Here.category(pattern)
    }

    fn hold(&self, _: &str) -> Option<Node> {
        None
    }

    fn bound(&self, text: &str, _: bool) -> Option<Ticks> {
        Ticks::parse(text).map(|(at, _)| at)
    }

    fn today(&self) -> Option<NaiveDate> {
        None
    }
}

#[track_caller]
fn read(text: &str) -> Read {
    typed(text, false, &Here).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[track_caller]
fn reads(text: &str, reading: &str) {
    let node = read(text).query.node().clone();
    assert_eq!(node.to_string(), reading, "{text}");
    let again = sealed(reading, &Nothing).unwrap_or_else(|error| panic!("{reading}: {error}"));
    assert_eq!(again.node().to_string(), reading, "{text}");
}

/// The columns that errors are at.
#[track_caller]
/// An error with the lines that belong to it.
fn told(error: &pchat::error::Error) -> String {
    [&[error.what().to_owned()], error.details()].concat().join("\n")
}

fn columns(text: &str) -> Vec<usize> {
    let error = typed(text, false, &Here).expect_err(text);
    assert_eq!(error.kind(), Failure::Usage, "{text}");
    assert!(error.hint_text().is_some(), "{text}");
    let told = told(&error);
    let parts = told.split("column ").skip(1);
    parts.map(|part| part.split(':').next().unwrap().parse().unwrap()).collect()
}

fn message(body: &str) -> Event {
    Event { body: body.to_owned(), ..Event::new(Ticks::parse("2014-05-14T10:00:00Z").unwrap().0, Kind::Chat) }
}

#[track_caller]
fn finds_in(text: &str, event: &Event) -> bool {
    let persona = Persona { uri: "sip:ann@x".into(), name: Some("Ann Lee".into()), ..Persona::default() };
    matches(read(text).query.node(), &Subject::new(&key("audit"), &persona, event))
}

#[track_caller]
fn finds(text: &str, body: &str) -> bool {
    finds_in(text, &message(body))
}

#[test]
fn the_cases_every_parser_must_pass() {
    for text in ["cat dog", "cat AND dog", "cat +dog", "+cat +dog"] {
        reads(text, "(cat AND dog)");
    }
    for text in ["cat NOT dog", "cat -dog", "cat AND NOT dog", "cat –dog"] {
        reads(text, "(cat AND (NOT dog))");
    }
    reads("NOT dog", "(NOT dog)");
    reads("cat (dog OR fox)", "(cat AND (dog OR fox))");
    reads("a b OR c d", "((a AND b) OR (c AND d))");
    reads("a OR b NEAR(3) c", "(a OR (b NEAR(3) c))");
    reads("a NEAR b ONEAR(n=2) c", "((a NEAR(8) b) ONEAR(2) c)");
    reads("from:\"John Smith\" from:\"Jane Smith\"", "(from:\"john smith\" OR from:\"jane smith\")");
    reads("from:\"John Smith\" room:audit", "(from:\"john smith\" AND room:\"audit\")");
    assert!(columns("AND") == [1] && columns("OR cat") == [1] && columns("cat AND") == [5] && columns("cat OR") == [5]);
    let warns = read("from: john");
    assert_eq!((warns.query.node().to_string().as_str(), warns.warnings.len()), ("john", 1));
    let january = "sent:2012-01-01T00:00:00Z..2012-01-31T23:59:59.9999999Z";
    for text in ["sent:2012-01-01..2012-01-31", "sent:2012-01", "date:2012-01", "sent:(2012-01)"] {
        reads(text, january);
    }
    // What is behind a day begins with the next one, to the tick.
    for (text, meant) in [
        ("sent>2012-01", "sent>=2012-02-01"),
        ("sent<=2012-01", "sent<2012-02-01"),
        ("sent>2012-01-31T23:59:59.9999999Z", "sent>=2012-02-01"),
    ] {
        assert_eq!(read(text).query.node(), read(meant).query.node(), "{text}");
    }
    reads("sent>=2012-01-01 sent<2012-02-01", "(sent>=2012-01-01T00:00:00Z AND sent<=2012-01-31T23:59:59.9999999Z)");
    assert_eq!(columns("\"quarter* report\""), [1]);
    reads("\"report quarter*\"", "report/quarter*");
    assert!(columns("cat \"dog") == [5] && columns("cat (dog") == [5] && columns("cat) dog") == [4]);
    let deep = format!("{}cat{}", "(".repeat(200), ")".repeat(200));
    assert_eq!(columns(&deep), [65]);
    assert_eq!(columns(&"(".repeat(9999)), [65]);
    reads(&format!("{}cat", "-".repeat(9001)), "(NOT cat)");
}

#[test]
fn whatever_is_typed_is_a_query_or_an_error() {
    for (text, reading) in [
        ("@nasa", "nasa"),
        ("50%", "50"),
        ("foo&bar", "\"foo bar\""),
        ("“gift rebate”", "\"gift rebate\""),
        ("„gift rebate“", "\"gift rebate\""),
        ("«gift rebate»", "\"gift rebate\""),
        ("“gift rebate\"", "\"gift rebate\""),
        ("\"gift rebate”", "\"gift rebate\""),
        ("\"the \"\"gift\"\"\"", "\"the gift\""),
        ("don’t", "\"don t\""),
        ("1,234.56", "\"1 234 56\""),
        ("DE89 3704", "(de89 AND 3704)"),
        ("US0378331005", "us0378331005"),
        ("https://a.example/x?y=1", "\"https a example x\"/y"),
        ("http://a.example/b", "\"http a example b\""),
        ("anna.weiler@litwareinc.com", "\"anna weiler litwareinc com\""),
        ("sip:ann@x", "\"sip ann x\""),
        ("10:30", "\"10 30\""),
        ("re*te", "re*te"),
        ("*2014", "*2014"),
        ("*.xls*", "*/xls*"),
        ("text=\"5 * a*\"", "text=\"5 * a*\""),
        ("wo?rd", "wo?rd"),
        ("Reb*", "reb*"),
        ("gift-card*", "gift/card*"),
        ("Cafe\u{301}*", "cafe*"),
        ("中文*", "\"中 文\""),
        ("C++", "c"),
        ("（cat OR dog）", "(cat OR dog)"),
        ("and", "and"),
        ("text=\"GBP/USD\"", "text=\"GBP/USD\""),
        ("text:/inv-\\d{3}\\/x/", "text:/inv-\\d{3}\\/x/"),
        ("text=/INV/ a", "(text=/INV/ AND a)"),
        ("attachmentnames:budget*", "attachmentnames:(budget*)"),
        ("attachmentnames:(budget OR plan) x", "((attachmentnames:(budget) OR attachmentnames:(plan)) AND x)"),
        ("from=SIP:Ann@x", "from=\"ann@x\""),
        ("hasattachment:no", "(NOT hasattachment:true)"),
        ("kind:file", "(kind:upload OR kind:download)"),
        ("kind<>leave", "(NOT kind:leave)"),
        ("size>:5", "size>=0"),
        ("id:4711", "id:4711"),
        ("id:\"pool\\audit#7\"", "(room=\"pool\\audit\" AND id:#7)"),
        ("importance:high", "importance:high"),
        ("hold:\"Matter 1\"", "from=\"ann@x\""),
        ("room:(audit OR desk)", "(room:\"audit\" OR room:\"desk\")"),
        ("room:*", "room:\"*\""),
        ("a\n\nb c\n", "(a OR (b AND c))"),
    ] {
        match text {
            "https://a.example/x?y=1" => {
                assert!(finds(text, "see https://a.example/x?y=1") && !finds(text, "see https://a.example/xay=1"));
            }
            "size>:5" => assert!(typed(text, false, &Here).is_err()),
            _ => reads(text, reading),
        }
    }
    reads("size:10..20 OR size>5", "(size:10..20 OR size>=6)");
    for text in [
        "",
        "  ",
        "\n",
        "\"",
        "“",
        "\"\"",
        "***",
        "*",
        "?",
        "&&",
        "-",
        "—",
        "()",
        "( )",
        "a ()",
        "\" \"",
        "foo:bar",
        "x=5",
        "NOT",
        "a NOT",
        "a NEAR",
        "NEAR a",
        "a NEAR(x) b",
        "a NEAR(1001) b",
        "a NEAR(3 b",
        "w/5",
        "a PRE/3 b",
        "(NOT a) NEAR b",
        "a NEAR (b NEAR c)",
        "((a NEAR b) OR c) NEAR d",
        "from:x NEAR b",
        "a NEAR from:x",
        "room:nowhere",
        "category:none",
        "sent:never",
        "size:big",
        "size:9..1",
        "sent:2014-02-01..2014-01-01",
        "kind:poem",
        "hasattachment:maybe",
        "importance:low",
        "tag:x",
        "edited:perhaps",
        "deleted:perhaps",
        "hold:none",
        "id:x",
        "text:/(/",
        "text:/a",
        "text:/x*/",
        "from>a",
        "from:",
        "room:\"\"",
        "中*文",
        "a?中",
        "a NEAR5 b",
        "a ONEAR3 b",
        "AND AND",
        "a AND OR b",
        "(a",
        "a)",
        "from:(room:x)",
        "\"a* b\"",
        "present:nobody",
        "text:/a{1000}{1000}/",
        "room=audit",
    ] {
        let error = typed(text, false, &Here).expect_err(text);
        assert!(error.kind() == Failure::Usage && error.hint_text().is_some(), "{text}: {error}");
    }
    assert!(typed("Reb*", true, &Here).is_err() && typed("a NEAR b", true, &Here).is_err());
    assert_eq!(typed("GBP/USD", true, &Here).unwrap().query.node().to_string(), "text=\"GBP/USD\"");
    assert!(typed(&"a".repeat(10_001), false, &Here).is_err() && typed(&"a ".repeat(5000), false, &Here).is_ok());
    assert!(typed(&"a\n".repeat(2001), false, &Here).is_err() && typed(&"a\n".repeat(2000), false, &Here).is_ok());
}

#[test]
fn several_errors_are_told_at_once_each_under_its_place() {
    let error = typed("中文 foo:bar (dog OR \"cat", false, &Here).unwrap_err();
    assert_eq!(
        told(&error),
        "the query has 3 errors\n\
         column 4: unknown property \"foo\"\n  中文 foo:bar (dog OR \"cat\n       ^^^^\n\
         column 12: this bracket is never closed\n  中文 foo:bar (dog OR \"cat\n               ^\n\
         column 20: this quotation mark is never closed\n  中文 foo:bar (dog OR \"cat\n                       ^"
    );
    let error = typed(&format!("{} ( {}", "aaaa ".repeat(100), "bbbb ".repeat(100)), false, &Here).unwrap_err();
    let all = told(&error);
    let shown = all.lines().nth(1).unwrap();
    assert!(shown.chars().count() <= 82 && shown.contains('('), "{all}");
    let pointer = all.lines().nth(2).unwrap();
    assert_eq!(pointer.find('^'), shown.find('('), "{error}");
    let error = typed("cat\n\ndog (", false, &Here).unwrap_err();
    assert!(told(&error).contains("line 3, column 5"), "{error}");
}

#[test]
fn days_as_people_call_them() {
    for (text, first, last) in [
        ("today", "2014-05-14", "2014-05-14"),
        ("yesterday", "2014-05-13", "2014-05-13"),
        ("\"this week\"", "2014-05-12", "2014-05-18"),
        ("\"last week\"", "2014-05-05", "2014-05-11"),
        ("\"This Month\"", "2014-05-01", "2014-05-31"),
        ("\"last month\"", "2014-04-01", "2014-04-30"),
        ("\"this year\"", "2014-01-01", "2014-12-31"),
        ("\"last year\"", "2013-01-01", "2013-12-31"),
        ("2014-02", "2014-02-01", "2014-02-28"),
        ("2012", "2012-01-01", "2012-12-31"),
    ] {
        let reading = format!("sent:{first}T00:00:00Z..{last}T23:59:59.9999999Z");
        reads(&format!("sent:{text}"), &reading);
    }
    // What is kept depends on no clock.
    assert!(sealed("sent:today", &Nothing).is_err() && sealed("sent:\"last year\"", &Nothing).is_err());
}

#[test]
fn distances_count_other_words() {
    assert!(finds("cat NEAR(0) dog", "dog cat") && finds("cat NEAR(2) dog", "cat a, b dog"));
    assert!(!finds("cat NEAR(1) dog", "cat a b dog") && !finds("cat ONEAR(9) dog", "dog cat"));
    assert!(!finds("cat NEAR cat", "cat") && finds("cat NEAR cat", "cat cat"));
    assert!(finds("\"big cat\" ONEAR(1) (dog OR fox)", "the big cat saw foxes and a big cat, fox"));
    assert!(finds("cat* NEAR(0) *ox", "cattle ox") && finds("a ONEAR(0) b ONEAR(0) c", "x a b c"));
    assert!(!finds("a ONEAR(0) b ONEAR(0) c", "a b x c") && finds("a NEAR(1) b NEAR(0) c", "a c b"));
    assert!(!finds("a NEAR(0) b NEAR(0) c", "b a c") && finds("a ONEAR(5) b ONEAR(0) c", "a b x x b c"));
    let mut event = message("cat");
    event.more_mut().files = vec![Attachment { name: Some("dog".into()), ..Attachment::default() }];
    assert!(finds_in("cat dog", &event) && !finds_in("cat NEAR dog", &event));
    assert!(finds_in("attachmentnames:d?g hasattachment:true", &event) && !finds_in("attachmentnames:cat", &event));
    let long = "cat dog ".repeat(20_000);
    assert!(!finds("cat NEAR(1000) dog NEAR(1000) dig", &long));
}

#[test]
fn properties_of_an_event() {
    let mut event = message("Über 50 Euro, ann@x");
    (event.chat, event.sequence, event.alert) = (Some(7), 3, Some(true));
    event.more_mut().extra = Some(r#"{"Title":"Weekly report","subject":[1]}"#.into());
    for text in [
        "from:ann@x",
        "from:SIP:ANN@X",
        "from:\"Ann Lee\"",
        "from:ann*",
        "from:*@x",
        "participants:ann@x",
        "room:aud*",
        "room=\"pool\\audit\"",
        "category:all",
        "sent:today",
        "sent:2014-05-14T10:00:00Z",
        "sent<=2014-05-14",
        "sent:2014-05-13..2014-05-14",
        "sent<>yesterday",
        "kind:message",
        "kind:chat",
        "hasattachment:false",
        "importance:high",
        "size:20",
        "size>19",
        "size<21",
        "size>=20",
        "size<=20",
        "size:1..20",
        "size<>4",
        "id:7",
        "id:#3",
        "id:\"pool\\AUDIT#3\"",
        "subject:week*",
        "subject:\"weekly report\"",
        "text:/\\d+ euro/",
        "text:/ÜBER/",
        "text:\"50 euro\"",
        "text=Über",
        "hold:\"Matter 1\"",
        "NOT tag",
        "from:(bob OR ann@x)",
        "text<>/xyz/",
        "from:bob from:ann@x",
    ] {
        assert!(finds_in(text, &event), "{text}");
    }
    for text in [
        "from:bob",
        "from<>ann@x",
        "participants:bob",
        "room:desk",
        "sent>today",
        "sent<today",
        "sent:yesterday",
        "sent>=2014-05-15",
        "kind:join",
        "hasattachment:true",
        "importance:normal",
        "size:19",
        "size<20",
        "size>20",
        "size>18446744073709551615",
        "size<0",
        "id:8",
        "id:#4",
        "id:\"pool\\desk#3\"",
        "subject:euro",
        "subject:report weekly missing",
        "text=über",
        "text=/über/",
        "text:/xyz/",
        "from:bob AND from:ann@x",
    ] {
        assert!(!finds_in(text, &event), "{text}");
    }
    let named = read("from:\"Ann Lee\" OR from:\"ann lee\"").people;
    assert_eq!(named[0].people, ["ann.lee@x.com", "ann@x"]);
    // Who was there is known to whoever follows joins and leaves.
    let query = read("present:bob").query;
    let (room, persona) = (key("audit"), Persona::default());
    let subject = || Subject::new(&room, &persona, &event);
    assert!(!matches(query.node(), &subject()));
    assert!(matches(query.node(), &subject().with_present(&|person| person == "bob@x")));
}

#[test]
fn sealed_means_at_least_the_same_when_rooms_change() {
    let read = |text: &str| read(text).query.node().clone();
    assert_eq!(seal(&read("room:aud*")).to_string(), "(room:\"aud*\" OR room=\"pool\\audit\")");
    assert_eq!(
        seal(&read("x NOT category:all")).to_string(),
        "(x AND (NOT (room=\"pool\\audit\" OR room=\"pool\\desk\")))"
    );
    assert_eq!(fix(&read("x room:aud*")).to_string(), "(x AND room=\"pool\\audit\")");
}
