//! Every message of the program, once: tests/messages.txt has them all, so that a change of words is seen in a review.
//! PCHAT_BLESS=1 rewrites it. docs/style.md says how messages are written; what it forbids is found here.

use super::{files, none, read, root};
use std::collections::{BTreeMap, BTreeSet};

/// What is in no message, and what to write instead. docs/style.md has the reasons.
const FORBIDDEN: &[(&str, &str)] = &[
    (" is there already", "already exists"),
    ("exists already", "already exists"),
    (" is like this", "matches"),
    ("are like this", "match"),
    ("is no room", "is not a room"),
    ("is no number", "is not a number"),
    ("is no date", "is not a date"),
    ("is no file", "is not a file"),
    ("is no DN", "is not a DN"),
    ("is no folder", "is not a folder"),
    ("this is no ", "this is not a …"),
    ("that comes in is", "imported"),
    ("means nobody", "is empty"),
    ("time to be had", "no time source"),
    ("went meanwhile", "no longer in the store"),
    ("is due here", "expected …"),
    ("made anew", "rebuilt"),
    ("chance to be had", "random bytes"),
    ("chance has given", "the random …"),
    ("nobody is there", "not a terminal"),
    ("as far as was", "what was checked, and what checks the rest"),
    ("Make certain", "Flush to disk"),
    ("stand there", "the number that match"),
    ("what goes is not", "no scope given"),
    ("is not said", "no … given"),
    ("stands for this store", "alias"),
    ("mistake in pchat", "bug in pchat"),
    ("makes no sense", "is invalid"),
    (" is none of ", "must be …, … or …"),
    ("that are not there", "that do not exist"),
    ("nobody knows", "unknown"),
    ("is not what its", "does not match its"),
    ("May nobody", "True disables …"),
];

/// The texts of a source file outside of its tests: of quotes, and of what the command line says of itself.
fn texts(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let mut found = Vec::new();
    let chars: Vec<char> = source.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        match chars[at] {
            '/' if chars.get(at + 1) == Some(&'/') => {
                while at < chars.len() && chars[at] != '\n' {
                    at += 1;
                }
            }
            // A character, and no lifetime.
            '\'' if chars.get(at + 1) == Some(&'\\') => {
                at += 3;
                while at < chars.len() && chars[at] != '\'' {
                    at += 1;
                }
            }
            '\'' if chars.get(at + 2) == Some(&'\'') => at += 2,
            '"' => {
                let hashes = chars[..at].iter().rev().take_while(|c| **c == '#').count();
                let raw = chars[..at - hashes].last() == Some(&'r');
                let mut text = String::new();
                at += 1;
                while at < chars.len() {
                    let ends = chars[at] == '"'
                        && (!raw || chars[at + 1..].iter().take_while(|c| **c == '#').count() >= hashes);
                    if ends {
                        break;
                    }
                    match (chars[at], chars.get(at + 1)) {
                        ('\\', Some('\n')) if !raw => {
                            at += 2;
                            while chars.get(at).is_some_and(|c| c.is_whitespace()) {
                                at += 1;
                            }
                            continue;
                        }
                        ('\\', Some(next)) if !raw => {
                            text.extend(['\\', *next]);
                            at += 2;
                            continue;
                        }
                        (c, _) => text.push(c),
                    }
                    at += 1;
                }
                found.push(text);
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Words for people, and neither a statement for a database nor the markup of a page.
fn is_message(text: &str) -> bool {
    const OTHERS: [&str; 17] = [
        "SELECT ",
        "INSERT ",
        "UPDATE ",
        "DELETE ",
        "CREATE ",
        "PRAGMA ",
        "WITH ",
        "BEGIN",
        "ATTACH ",
        "FROM ",
        "WHERE ",
        "DROP ",
        "ALTER ",
        "EXISTS",
        " AND ",
        " ORDER BY ",
        "UNION",
    ];
    let words = text.split_whitespace().filter(|word| word.chars().filter(|c| c.is_lowercase()).count() > 1).count();
    words > 1 && !text.contains('<') && !OTHERS.iter().any(|other| text.starts_with(other)) && !text.contains('\n')
}

fn messages() -> BTreeMap<String, BTreeSet<String>> {
    let mut all = BTreeMap::new();
    for name in files("src", ".rs") {
        let found: BTreeSet<String> = texts(&read(&root().join(&name))).into_iter().filter(|t| is_message(t)).collect();
        if !found.is_empty() {
            all.insert(name, found);
        }
    }
    all
}

/// What the command line says of itself, with the command it is said of.
fn helps(command: &clap::Command, path: &str, found: &mut BTreeMap<String, String>) {
    if let Some(about) = command.get_about() {
        found.insert(path.to_owned(), about.to_string());
    }
    for arg in command.get_arguments().filter(|arg| path.is_empty() || !arg.is_global_set()) {
        if let Some(help) = arg.get_help() {
            found.insert(format!("{path} {}", arg.get_id()), help.to_string());
        }
    }
    for inside in command.get_subcommands() {
        helps(inside, format!("{path} {}", inside.get_name()).trim(), found);
    }
}

#[test]
fn every_message_is_reviewed() {
    let all = messages();
    let mut help = BTreeMap::new();
    helps(&pchat::cli::command(), "", &mut help);
    assert!(all.values().map(BTreeSet::len).sum::<usize>() > 1_000, "the reader of texts is broken");
    assert!(help.len() > 300, "the reader of help is broken");
    let mut now =
        String::from("Every message of pchat, by source file, and what its help says; docs/style.md says how.\n");
    for (name, texts) in &all {
        now.push_str(&format!("\n{name}\n"));
        texts.iter().for_each(|text| now.push_str(&format!("    {text}\n")));
    }
    now.push_str("\nhelp\n");
    help.iter().for_each(|(of, text)| now.push_str(&format!("    {}: {text}\n", of.trim())));
    let path = root().join("tests/messages.txt");
    if std::env::var_os("PCHAT_BLESS").is_some() {
        std::fs::write(&path, &now).unwrap();
    }
    let before = read(&path);
    let known: BTreeSet<&str> = before.lines().collect();
    let new = now.lines().filter(|line| !known.contains(line)).map(str::to_owned).take(20);
    none(new.map(|line| format!("not in tests/messages.txt: {line} (PCHAT_BLESS=1 adds it)")).collect());
    assert!(before == now, "tests/messages.txt is old: run this test with PCHAT_BLESS=1 and look at what changes");
}

#[test]
fn messages_keep_to_the_style() {
    let mut wrong = Vec::new();
    let mut help = BTreeMap::new();
    helps(&pchat::cli::command(), "", &mut help);
    let in_sources =
        messages().into_iter().flat_map(|(name, texts)| texts.into_iter().map(move |text| (name.clone(), text)));
    for (name, text) in in_sources.chain(help) {
        for (bad, good) in FORBIDDEN {
            if text.contains(bad) && !text.contains(&format!("there {bad}")) && !text.contains("there is no") {
                wrong.push(format!("{name}: {text:?} has {bad:?}; write {good:?}"));
            }
        }
    }
    let style = read(&root().join("docs/style.md"));
    for (bad, _) in FORBIDDEN {
        assert!(style.contains(bad.trim()), "docs/style.md does not name {bad:?}");
    }
    none(wrong);
}
