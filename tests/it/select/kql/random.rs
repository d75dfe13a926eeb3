//! Random queries from a grammar, on random events.

use super::{Here, Nothing, key};
use crate::select::query::{PIECES, event, leaf, text};
use pchat::error::Kind as Failure;
use pchat::model::ids::RoomKey;
use pchat::model::message::Persona;
use pchat::select::matches::{Subject, matches};
use pchat::select::query::Node;
use pchat::select::query::kql::{sealed, typed};
use pchat::select::query::seal::{fix, seal};
use proptest::prelude::*;
use proptest::sample::select;

fn word() -> impl Strategy<Value = String> {
    (select(&PIECES[..]), 0..6usize, 0..4usize).prop_map(|(piece, at, what)| {
        let mut letters: Vec<char> = piece.chars().collect();
        let at = at.min(letters.len());
        match what {
            1 => letters.insert(at, '*'),
            2 => letters.insert(at, '?'),
            _ => {}
        }
        letters.into_iter().collect()
    })
}

/// Queries from the grammar, and from what people do to it.
fn query() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        6 => word(),
        2 => text().prop_map(|text| format!("\"{}\"", text.replace('"', " "))),
        1 => (word(), word(), 0..4u32, any::<bool>())
            .prop_map(|(a, b, n, o)| format!("{a} {}NEAR({n}) {b}", if o { "O" } else { "" })),
        1 => word().prop_map(|word| format!("attachmentnames:{word}")),
        1 => select(&["reb", "\\d+", "ü", "[中東]", "a.b", "^R", "я"][..]).prop_map(|r| format!("text:/{r}/")),
        2 => select(&[
            "from:ann@x", "from:*@x", "from=bob@x", "kind:message", "kind<>chat", "hasattachment:true", "size>9",
            "size:0..20", "room:audit", "room:*", "sent>=2013", "importance:high", "id:7", "subject:x", "participants:bob@x",
        ][..]).prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            (two.clone(), select(&[" AND ", " OR ", " ", " NOT ", " -", " +"][..]))
                .prop_map(|((a, b), o)| format!("{a}{o}{b}")),
            inner.clone().prop_map(|a| format!("({a})")),
            inner.prop_map(|a| format!("NOT ({a})")),
        ]
    })
}

/// What such queries mean.
pub(crate) fn meant() -> impl Strategy<Value = Node> {
    query().prop_filter_map("no query", |text| typed(&text, false, &Here).ok().map(|read| read.query.node().clone()))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_reading_is_read_as_itself_and_means_the_same(
        text in query(), events in prop::collection::vec(event(), 1..12)
    ) {
        let Ok(read) = typed(&text, false, &Here) else { return Ok(()) };
        let node = read.query.node();
        let shown = node.to_string();
        let again = sealed(&shown, &Nothing).map_err(|error| TestCaseError::fail(format!("{text} {shown} {error}")))?;
        prop_assert_eq!(again.node().to_string(), shown.clone());
        let persona = Persona { uri: "ann@x".into(), ..Persona::default() };
        let room = key("audit");
        for event in &events {
            let subject = Subject::new(&room, &persona, event);
            let meant = matches(node, &subject);
            prop_assert_eq!(matches(again.node(), &subject), meant, "{} {}", text, shown);
            prop_assert_eq!(matches(&seal(node), &subject), meant, "{} {}", text, shown);
            prop_assert_eq!(matches(&fix(node), &subject), meant, "{} {}", text, shown);
        }
    }

    #[test]
    fn what_is_no_query_is_an_error_and_never_more(text in "[a-c \"“”()*?:=<>+\\-/中AND ORNEAR(){}~.,é\n]{0,40}|\\PC{0,40}") {
        if let Err(error) = typed(&text, false, &Here) {
            prop_assert!(error.kind() == Failure::Usage && error.hint_text().is_some(), "{} {}", text, error);
            prop_assert!(error.what().lines().all(|line| line.chars().count() < 200), "{}", error);
        }
    }

    #[test]
    fn the_product_and_kql_agree_on_words(node in leaf(), event in event()) {
        let persona = Persona::default();
        let room = RoomKey::default();
        let subject = Subject::new(&room, &persona, &event);
        if let Node::Word(_) | Node::Prefix(_) | Node::Phrase { .. } = &node {
            let again = sealed(&node.to_string(), &Nothing).map_err(|e| TestCaseError::fail(format!("{node} {e}")))?;
            prop_assert_eq!(matches(again.node(), &subject), matches(&node, &subject), "{}", node);
        }
    }
}
