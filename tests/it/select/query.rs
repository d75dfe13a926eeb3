//! Queries: an index and what its answers leave open mean the same events as looking at every one of them, for random
//! chats in every script and random queries; and the product's rules against a judge of a few lines.

use pchat::model::ids::{RoomKey, person_key};
use pchat::model::message::{Attachment, Event, Kind, More, Persona};
use pchat::model::time::Ticks;
use pchat::model::unit::Unit;
use pchat::select::expression::Pattern;
use pchat::select::matches::{Subject, is_named, matches};
use pchat::select::query::plan::{Pre, plan};
use pchat::select::query::product::{Match, kept, typed};
use pchat::select::query::{Node, Rooms, is_like};
use pchat::select::scope::{Scope, Selection};
use pchat::select::texts::searched_texts;
use pchat::select::words::each_word;
use proptest::prelude::*;
use proptest::sample::select;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use unicode_normalization::UnicodeNormalization;

/// Pieces of text in many scripts, several ways of writing the same among them.
pub(crate) const PIECES: [&str; 46] = [
    "Rebate",
    "rebate",
    "REBATES",
    "reb",
    "café",
    "cafe\u{301}",
    "Cafe",
    "CAFÉ",
    "naïve",
    "Straße",
    "STRASSE",
    "İstanbul",
    "Привет",
    "привет",
    "ёлка",
    "Ёлка",
    "Σίσυφος",
    "ΣΊΣΥΦΟΣ",
    "مُحَمَّد",
    "محمد",
    "שָׁלוֹם",
    "שלום",
    "ที่ดี",
    "ดี",
    "中文",
    "中",
    "東京",
    "한국어",
    "\u{1112}\u{1161}\u{11AB}국",
    "ガギ",
    "ｶﾞｷﾞ",
    "か",
    "か\u{3099}",
    "が",
    "हिन्दी",
    "👍🏽",
    "👍",
    "👩\u{200D}💻",
    "🇬🇧",
    "GBP/USD",
    "a.b@x.com",
    "50%",
    "C++",
    "1.27",
    "ﬁnance",
    "Apple™",
];
const BETWEEN: [&str; 8] = [" ", " ", " ", "", ", ", "/", "-", "\n"];
pub(crate) const PEOPLE: [&str; 4] = ["sip:Ann@x", "bob@x", "SIP:CAM@X", "دانا@x"];
const KINDS: [Kind; 3] = [Kind::Chat, Kind::Upload, Kind::Change];

pub(crate) fn text() -> impl Strategy<Value = String> {
    let pieces = prop::collection::vec((select(&PIECES[..]), select(&BETWEEN[..])), 0..6);
    let pieces = pieces.prop_map(|all| all.iter().flat_map(|(piece, between)| [*piece, *between]).collect());
    prop_oneof![9 => pieces, 1 => "\\PC{0,12}"]
}

/// RTF that says a text.
fn rich(text: &str) -> String {
    let escape = |c: char| match c {
        '\\' | '{' | '}' => format!("\\{c}"),
        '\n' => "\\par ".to_owned(),
        c if c.is_ascii() => c.to_string(),
        c => c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{}?", *unit as i16)).collect(),
    };
    format!("{{\\rtf1\\ansi{{\\fonttbl{{\\f0 Rebate;}}}}\\uc1 {}}}", text.chars().map(escape).collect::<String>())
}

prop_compose! {
    pub(crate) fn event()(
        body in text(),
        kind in select(&KINDS[..]),
        who in 0..PEOPLE.len() as u32,
        files in prop::collection::vec(prop::option::of(text()), 0..3),
        more in prop::option::of((prop::option::of(text()), prop::option::of(text()))),
    ) -> Event {
        let mut event = Event { sequence: 0, at: Ticks(0), kind, chat: None, who, alert: None, body, more: None };
        event.more_mut().files = files.into_iter().map(|name| Attachment { name, ..Attachment::default() }).collect();
        if let Some((rtf, extra)) = more {
            event.more_mut().rtf = rtf.as_deref().map(rich);
            event.more_mut().extra = extra.map(|value| serde_json::json!({ "rebate": [value, 7] }).to_string());
        }
        event
    }
}

fn unit() -> impl Strategy<Value = Unit> {
    prop::collection::vec(event(), 1..40).prop_map(|events| {
        let mut unit = Unit::new(Arc::new(RoomKey::default()), 1);
        unit.people = PEOPLE.iter().map(|uri| Persona { uri: (*uri).to_owned(), ..Persona::default() }).collect();
        unit.events = events;
        unit
    })
}

fn modes() -> impl Strategy<Value = Match> {
    select(&[Match::All, Match::Or, Match::Exact][..])
}

fn escaped(c: char) -> String {
    if c.is_ascii_punctuation() { format!("\\{c}") } else { c.to_string() }
}

/// A regular expression that finds a part of a piece, or nearly: of each character itself, a class, or anything.
fn regex() -> impl Strategy<Value = Node> {
    let how = prop::collection::vec((0..9u8, select(&["", "", "", "+", "?", "{1,2}"][..])), 1..8);
    (select(&PIECES[..]), 0..4usize, how, any::<bool>()).prop_filter_map("finds nothing", |(piece, skip, how, case)| {
        let one = |(c, (how, often)): (char, &(u8, &str))| {
            let c = escaped(c);
            let one = match how {
                0 => ".".to_owned(),
                1 => r"\w".to_owned(),
                2 => format!("[{c}q0-9]"),
                3 => format!("(?:{c}|ss|7)"),
                4 => format!(r"\b{c}"),
                _ => c,
            };
            if one.starts_with(r"\b") { one } else { one + often }
        };
        let text: String = piece.chars().skip(skip).zip(&how).map(one).collect();
        Pattern::new(&text, case).ok().map(Node::Regex)
    })
}

pub(crate) fn leaf() -> impl Strategy<Value = Node> {
    let words = || text().prop_filter_map("no word", |text| Node::phrase(&text, false));
    let prefix = (select(&PIECES[..]), 1..4usize).prop_filter_map("no word", |(piece, length)| {
        let mut first = None;
        each_word(piece, &mut |word| first = first.take().or(Some(word.chars().take(length).collect::<String>())));
        first.map(Node::Prefix)
    });
    let people = prop::collection::btree_set(select(&PEOPLE[..]), 0..3);
    let rooms = prop::collection::btree_set(select(&["", "ma-chan://x/0", "ma-chan://x/2"][..]), 0..3);
    let room = |uri: &str| RoomKey { pool: if uri.is_empty() { "" } else { "pool" }.to_owned(), uri: uri.to_owned() };
    let keys = move |uris: BTreeSet<&str>| uris.into_iter().map(|uri| (room(uri).key(), room(uri))).collect();
    let rooms = rooms.prop_map(move |uris| Node::Rooms(Rooms { named: None, keys: keys(uris) }));
    let plain = prop_oneof![
        Just(Node::All),
        Just(Node::HasFile),
        select(&KINDS[..]).prop_map(Node::Kind),
        people.prop_map(|people| Node::Person(people.into_iter().map(person_key).collect())),
        prefix,
        words(),
        select(&PIECES[..]).prop_filter_map("no word", |piece| Node::phrase(piece, false)),
        select(&PIECES[..]).prop_filter_map("no word", |piece| Node::phrase(piece, true)),
        (text(), modes(), any::<bool>())
            .prop_filter_map("no keyword", |(text, mode, case)| kept(&text, mode, case).ok().map(|q| q.node().clone())),
    ];
    prop_oneof![5 => super::kql::meant(), 1 => rooms, 5 => plain, 2 => regex()]
}

pub(crate) fn node() -> impl Strategy<Value = Node> {
    leaf().prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Node::And),
            prop::collection::vec(inner.clone(), 0..4).prop_map(Node::Or),
            inner.prop_map(|node| Node::Not(Box::new(node))),
        ]
    })
}

/// Does a query mean the event at this place of a unit?
fn matches_in(node: &Node, unit: &Unit, at: usize) -> bool {
    let event = &unit.events[at];
    matches(node, &Subject::new(&unit.room, &unit.people[event.who as usize], event))
}

/// An index that is exact to the event, made of the entries that words have.
struct Index<'a> {
    unit: &'a Unit,
    words: BTreeMap<String, BTreeSet<usize>>,
}

impl<'a> Index<'a> {
    fn new(unit: &'a Unit) -> Index<'a> {
        let mut words: BTreeMap<String, BTreeSet<usize>> = BTreeMap::new();
        for (at, event) in unit.events.iter().enumerate() {
            searched_texts(event).for_each(|text| {
                each_word(&text, &mut |word| {
                    words.entry(word.to_owned()).or_default().insert(at);
                });
            });
        }
        Index { unit, words }
    }

    fn which(&self, is: impl Fn(&Event, &str) -> bool) -> BTreeSet<usize> {
        let key = |event: &Event| person_key(&self.unit.people[event.who as usize].uri);
        self.unit.events.iter().enumerate().filter(|(_, event)| is(event, &key(event))).map(|(at, _)| at).collect()
    }

    fn answer(&self, pre: &Pre) -> BTreeSet<usize> {
        match pre {
            Pre::Everything => self.which(|_, _| true),
            Pre::Nothing => BTreeSet::new(),
            Pre::Word(word) => self.words.get(word).cloned().unwrap_or_default(),
            Pre::Prefix(start) => {
                let words = self.words.range(start.clone()..).take_while(|(word, _)| word.starts_with(start));
                words.flat_map(|(_, events)| events).copied().collect()
            }
            Pre::Wild(pattern) => {
                let words = self.words.iter().filter(|(word, _)| is_like(pattern, word));
                words.flat_map(|(_, events)| events).copied().collect()
            }
            Pre::Spelled(spelling) => {
                let words = self.words.iter().filter(|(word, _)| spelling.is(word));
                words.flat_map(|(_, events)| events).copied().collect()
            }
            Pre::Named(pattern) => {
                let named = |event: &Event| is_named(&self.unit.people[event.who as usize], pattern);
                self.which(|event, _| named(event))
            }
            Pre::Rooms(keys) => self.which(|_, _| keys.contains_key(&self.unit.room.key())),
            Pre::Person(person) => self.which(|_, key| key == person),
            Pre::Changed(_, listed) => self.which(|event, _| listed.has(&self.unit.room, event.sequence)),
            Pre::Sent(from, to) => self.which(|event, _| *from <= event.at && event.at <= *to),
            Pre::Message(number) => self.which(|event, _| event.chat == Some(*number)),
            Pre::Sequence(sequence) => self.which(|event, _| event.sequence == *sequence),
            Pre::Kind(kind) => self.which(|event, _| event.kind == *kind),
            Pre::HasFile => self.which(|event, _| !event.more().files.is_empty()),
            Pre::Tagged(tagged) => self.which(|event, _| {
                tagged.events.as_ref().is_some_and(|events| events.has(&self.unit.room, event.sequence))
            }),
            Pre::And(list) => {
                let mut sets = list.iter().map(|pre| self.answer(pre));
                let first = sets.next().expect("never empty");
                sets.fold(first, |all, one| all.intersection(&one).copied().collect())
            }
            Pre::Or(list) => list.iter().flat_map(|pre| self.answer(pre)).collect(),
            Pre::Not(pre) => self.which(|_, _| true).difference(&self.answer(pre)).copied().collect(),
        }
    }
}

/// Words with a blank before and after each.
fn line(text: &str) -> String {
    let mut line = " ".to_owned();
    each_word(text, &mut |word| line.extend([word, " "]));
    line
}

/// The product's rules, as they read.
fn means(text: &str, mode: Match, case: bool, event: &Event) -> bool {
    let texts: Vec<String> = searched_texts(event).map(|text| text.into_owned()).collect();
    let has = |keyword: &str| {
        texts.iter().any(|text| {
            line(text).contains(&line(keyword))
                && (!case || text.nfc().collect::<String>().contains(&keyword.nfc().collect::<String>()))
        })
    };
    match mode {
        Match::All => text.split_whitespace().all(has),
        Match::Or => text.split_whitespace().any(has),
        Match::Exact => has(text.trim()),
        Match::Kql => unreachable!("keywords are no query"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn an_index_and_what_it_leaves_open_are_a_plain_scan(unit in unit(), nodes in prop::collection::vec(node(), 8)) {
        let index = Index::new(&unit);
        for node in nodes {
            let scan: BTreeSet<usize> = (0..unit.events.len()).filter(|at| matches_in(&node, &unit, *at)).collect();
            let plan = plan(&node);
            let through = index.answer(&plan.prefilter);
            prop_assert!(through.is_superset(&scan), "{node:?} lets too little through: {:?}", plan.prefilter);
            let found = match &plan.residual {
                None => through.clone(),
                Some(open) => through.iter().copied().filter(|at| matches_in(open, &unit, *at)).collect(),
            };
            prop_assert_eq!(&found, &scan, "{:?} by {:?}", node, plan);
            if plan.is_exact() {
                prop_assert_eq!(&through, &scan, "{:?}", node);
            }
        }
    }

    #[test]
    fn the_products_rules_are_what_they_read_as(
        unit in unit(), text in text(), mode in modes(), case in any::<bool>()
    ) {
        let Ok(query) = kept(&text, mode, case) else { return Ok(()) };
        for (at, event) in unit.events.iter().enumerate() {
            let expected = means(&text, mode, case, event);
            let found = matches_in(query.node(), &unit, at);
            prop_assert_eq!(found, expected, "{:?} {:?} {}: {:?}", text, mode, case, event);
        }
    }

    #[test]
    fn a_selection_is_its_query_and_its_dates(
        unit in unit(), text in text(), people in 0..3usize, messages_only in any::<bool>()
    ) {
        let people = (people > 0).then(|| PEOPLE[..people].iter().map(|uri| person_key(uri)).collect());
        let scope = Scope { people, ..Scope::all() };
        let query = kept(&text, Match::Or, false).ok();
        let selection = Selection { query, messages_only, ..Selection::of(scope) };
        let node = selection.node();
        for (at, event) in unit.events.iter().enumerate() {
            let subject = Subject::new(&unit.room, &unit.people[event.who as usize], event);
            prop_assert_eq!(selection.has(&subject), matches_in(&node, &unit, at));
        }
        let late = Selection { scope: Scope { from: Ticks(1), ..selection.scope.clone() }, ..selection };
        let none = unit.events.iter().all(|event| {
            !late.has(&Subject::new(&unit.room, &unit.people[event.who as usize], event))
        });
        prop_assert!(none);
    }
}

#[track_caller]
fn is(text: &str, mode: Match, case: bool, body: &str) -> bool {
    let body = body.to_owned();
    let event =
        Event { sequence: 0, at: Ticks(0), kind: Kind::Chat, chat: None, who: 0, alert: None, body, more: None };
    matches(typed(text, mode, case).unwrap().node(), &Subject::new(&RoomKey::default(), &Persona::default(), &event))
}

#[test]
fn all_any_or_the_phrase() {
    let message = "Fabrikam met Contoso; the Résumé of GBP/USD follows";
    assert!(is("contoso fabrikam", Match::All, false, message));
    assert!(!is("contoso tailspin", Match::All, false, message));
    assert!(is("contoso tailspin", Match::Or, false, message));
    assert!(is("fabrikam met contoso", Match::Exact, false, message));
    assert!(!is("contoso met fabrikam", Match::Exact, false, message));
    assert!(is("resume gbp/usd", Match::All, false, message) && !is("usd/gbp", Match::All, false, message));
    assert!(is("Contoso", Match::All, true, message) && !is("contoso", Match::All, true, message));
    assert!(!is("toso", Match::All, false, message), "words, not pieces of words");
}

#[test]
fn case_is_compared_however_accents_are_written() {
    for body in ["the R\u{e9}sum\u{e9} of", "the Re\u{301}sume\u{301} of"] {
        for text in ["R\u{e9}sum\u{e9}", "Re\u{301}sume\u{301}"] {
            assert!(is(text, Match::All, true, body), "{text:?} {body:?}");
        }
        for text in ["r\u{e9}sum\u{e9}", "re\u{301}sume\u{301}", "Resume"] {
            assert!(!is(text, Match::All, true, body), "{text:?} {body:?}");
        }
    }
}

#[test]
fn keywords_may_lie_in_different_texts_and_a_phrase_may_not() {
    let files = vec![Attachment { name: Some("budget.xlsx".to_owned()), ..Attachment::default() }];
    let more = More { files, rtf: Some(r"{\rtf1 caf\'e9}".to_owned()), ..More::default() };
    let event = Event {
        sequence: 0,
        at: Ticks(0),
        kind: Kind::Chat,
        chat: None,
        who: 0,
        alert: None,
        body: "the plan".to_owned(),
        more: Some(Box::new(more)),
    };
    let persona = Persona::default();
    let room = RoomKey::default();
    let subject = Subject::new(&room, &persona, &event);
    let is = |text, mode| matches(typed(text, mode, false).unwrap().node(), &subject);
    assert!(is("plan budget café", Match::All) && !is("plan budget", Match::Exact) && is("plan rtf1", Match::Or));
    assert!(!is("rtf1", Match::All));
    let before = subject.with_texts([std::borrow::Cow::Borrowed("an earlier text")]);
    assert!(matches(typed("earlier", Match::All, false).unwrap().node(), &before));
    assert!(!matches(typed("plan", Match::All, false).unwrap().node(), &before));
}
