//! The converters of docs/from-other-chats.md run on a small export of each program, and what they write is imported.

use crate::harness::Desk;
use serde_json::Value as Json;
use std::path::Path;
use std::process::Command;

/// A key, its value, and the text of its event.
type Sought = (&'static str, Json, &'static str);

/// The converter under a heading of the page.
fn converter(page: &str, heading: &str) -> String {
    let (_, section) = page.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no section {heading}"));
    let (_, code) = section.split_once("```python\n").expect("a converter");
    code.split_once("```").expect("its end").0.to_owned()
}

#[test]
fn every_converter_of_the_page_gives_what_its_program_held() {
    if Command::new("python3").arg("--version").output().is_err() {
        return;
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/from-other-chats.md")).unwrap();
    // Kinds in order, and what to look for.
    let all: [(&str, &str, &[&str], Sought); 5] = [
        ("Slack", "slack", &["join", "message", "message", "message", "message"], ("action", true.into(), "waves")),
        ("Discord", "discord/desk.json", &["join", "message", "message"], ("reply_to", "1002".into(), "hi")),
        (
            "IRC",
            "irc/#desk.log",
            &["join", "message", "message", "message", "message", "part", "part"],
            ("action", true.into(), "waves"),
        ),
        ("Zulip", "zulip", &["message", "message"], ("topic", "prices".into(), "waves")),
        (
            "Teams",
            "teams/messages.json",
            &["message", "message", "membersAdded"],
            ("teams_id", "1577957460250".into(), "Prices & news"),
        ),
    ];
    for (heading, export, kinds, (key, value, text)) in all {
        let desk = Desk::new();
        let script = desk.path("convert.py");
        std::fs::write(&script, converter(&page, heading)).unwrap();
        let made =
            Command::new("python3").arg(&script).arg(root.join("fixtures/other-chats").join(export)).output().unwrap();
        assert!(made.status.success(), "{heading}: {}", String::from_utf8_lossy(&made.stderr));
        assert!(made.stderr.is_empty(), "{heading} left something out: {}", String::from_utf8_lossy(&made.stderr));
        std::fs::write(desk.path("history.jsonl"), &made.stdout).unwrap();
        desk.run("import @history.jsonl --store @s.db").code(0);
        let history = desk.history("s.db");
        assert_eq!(history.iter().map(|event| event["kind"].as_str().unwrap()).collect::<Vec<_>>(), kinds, "{heading}");
        assert!(
            history.iter().any(|event| event[key] == value && event["text"] == text),
            "{heading}: no {key} {value} in {history:?}"
        );
        desk.run("import @history.jsonl --store @s.db").code(0);
        assert_eq!(desk.history("s.db").len(), kinds.len(), "{heading}: again adds none");
    }
}
