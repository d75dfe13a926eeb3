//! Searches through the command line: what is found, around what, in which order, from which place on, and of which
//! state.

mod terms;

use crate::harness::{Desk, Run, message};
use serde_json::Value;
use std::collections::BTreeSet;

/// Two rooms, in which somebody says something every three hours.
fn desk() -> Desk {
    let desk = Desk::new();
    let mut events = Vec::new();
    for room in 1..=2 {
        for n in 0..60 {
            let time = format!("2014-05-{:02}T{:02}:00:0{room}Z", 1 + n / 8, n % 8 * 3);
            let text = match n {
                _ if n % 20 == 7 => format!("rebate rebate of GBP/USD number {n}"),
                _ if n % 10 == 3 => format!("the Rebate {n} is small, and this line goes on about other things"),
                _ => format!("nothing of note {n}"),
            };
            let user = if n % 3 == 0 { "ann@x" } else { "bob@x" };
            events.push(message(&format!("ma-chan://x/{room}"), n + 1, &time, user, &text));
        }
    }
    desk.lines("in.jsonl", &events);
    desk.run("import @in.jsonl --store @s.db --quiet").code(0);
    desk
}

fn search(desk: &Desk, words: &[&str]) -> Run {
    desk.args(&[&["search", "--store", "@s.db"], words].concat())
}

#[track_caller]
fn rows(desk: &Desk, words: &[&str]) -> Vec<Value> {
    let run = search(desk, &[words, &["--output", "jsonl"]].concat()).code(0);
    run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn addresses(rows: &[Value]) -> Vec<String> {
    rows.iter().map(|row| row["Event"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn every_form_of_output_has_the_same_hits() {
    let desk = desk();
    let found = rows(&desk, &["rebate"]);
    assert_eq!(found.len(), 18);
    assert_eq!(search(&desk, &["rebate", "--output", "json"]).json().as_array().unwrap(), &found);
    let csv = search(&desk, &["rebate", "--output", "csv"]).code(0).out;
    assert_eq!(csv.lines().count(), 19);
    let table = search(&desk, &["rebate"]).code(0).out;
    assert_eq!(table.lines().count(), 19);
    assert!(table.contains("[[rebate]] [[rebate]] of GBP/USD number 7"), "{table}");
    assert!(table.contains("the [[Rebate]] 3 is small"), "{table}");
    assert_eq!(search(&desk, &["rebate", "--count", "--output", "json"]).json()[0]["Hits"], 18);
    let by = search(&desk, &["rebate", "--by", "person", "--output", "csv"]).out;
    assert_eq!(by, "Person,Messages,Events\nann@x,6,6\nbob@x,12,12\n");
    let none = search(&desk, &["zebra", "--output", "json"]).code(4).says("no match").json();
    assert_eq!(none, serde_json::json!([]));
    assert_eq!(search(&desk, &["zebra", "--output", "csv"]).code(4).out.lines().count(), 1);
    search(&desk, &["zebra", "--count"]).code(4);
}

#[test]
fn marks_count_characters_of_the_text() {
    let desk = Desk::new();
    let text = "é\u{301}tude der Gebühr: GEBÜHR—gebuhr, 中文字 ok👍gebühr";
    desk.lines("in.jsonl", &[message("ma-chan://x/1", 1, "2014-05-01T10:00:00Z", "ann@x", text)]);
    desk.run("import @in.jsonl --store @s.db --quiet").code(0);
    let letters: Vec<char> = text.chars().collect();
    let marked = |query: &str| -> Vec<String> {
        let row = rows(&desk, &[query]).remove(0);
        let marks = row["Marks"].as_array().unwrap().iter().map(|mark| {
            let (from, to) = mark.as_str().unwrap().split_once('-').unwrap();
            letters[from.parse().unwrap()..to.parse().unwrap()].iter().collect()
        });
        marks.collect()
    };
    assert_eq!(marked("gebuhr"), ["Gebühr", "GEBÜHR", "gebuhr", "gebühr"]);
    assert_eq!(marked("etude"), ["é\u{301}tude"]);
    assert_eq!(marked("文字"), ["文字"]);
    assert_eq!(marked("👍 OR ok"), ["ok", "👍"]);
    assert_eq!(marked("der ONEAR(0) gebühr"), ["der", "Gebühr"]);
    assert_eq!(marked("text:/g[a-zü]+hr/").len(), 4);
    assert_eq!(marked("etude -zebra"), ["é\u{301}tude"]);
}

#[test]
fn pages_skip_nothing_and_repeat_nothing_while_people_write() {
    let desk = desk();
    for sort in ["room", "time"] {
        let whole = addresses(&rows(&desk, &["rebate", "--sort", sort]));
        let (mut seen, mut after) = (Vec::new(), None::<String>);
        for page in 0.. {
            let mut words = vec!["rebate", "--limit", "5", "--sort", sort];
            words.extend(after.iter().flat_map(|after| ["--after", after.as_str()]));
            let run = search(&desk, &[&words[..], &["--output", "jsonl"]].concat());
            let found: Vec<Value> = run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            seen.extend(addresses(&found));
            assert!(found.len() == 5 || !run.err.contains("more hits follow; continue with --after"), "{}", run.err);
            let Some(last) = addresses(&found).pop() else { break };
            after = Some(last);
            // Somebody writes in a room that was read already, and in one that was not.
            for room in ["1", "2"] {
                let late =
                    message(&format!("ma-chan://x/{room}"), 900 + page, "2014-05-01T00:30:00Z", "ann@x", "rebate");
                desk.lines("more.jsonl", &[late]);
                desk.run("import @more.jsonl --store @s.db --quiet").code(0);
            }
        }
        let distinct: BTreeSet<&String> = seen.iter().collect();
        assert_eq!(distinct.len(), seen.len(), "repeated");
        assert!(whole.iter().all(|address| distinct.contains(address)), "skipped");
    }
    let times: Vec<String> =
        rows(&desk, &["rebate", "--sort", "time"]).iter().map(|row| row["Time"].to_string()).collect();
    assert!(times.is_sorted());
    search(&desk, &["rebate", "--after", "pool\\ma-chan://x/1#900"]).code(10).says("no event");
    search(&desk, &["rebate", "--after", "nonsense"]).code(2);
}

#[test]
fn what_was_purged_is_no_place_to_go_on_from() {
    let desk = desk();
    desk.args(&["purge", "--user", "ann@x", "--yes", "--quiet", "--store", "@s.db"]).code(0);
    search(&desk, &["rebate", "--after", "pool\\ma-chan://x/1#3"]).code(10).says("was purged");
}

#[test]
fn context_is_marked_merged_and_shown_once() {
    let desk = desk();
    let of = |words: &[&str]| {
        let found = rows(&desk, words);
        let distinct: BTreeSet<String> = addresses(&found).into_iter().collect();
        assert_eq!(distinct.len(), found.len(), "shown twice: {words:?}");
        let hits = found.iter().filter(|row| row["Is"] == "hit").count();
        (hits, found.len() - hits, found.last().unwrap()["Window"].as_u64().unwrap())
    };
    let room = ["--room", "ma-chan://x/1"];
    let with = |context: &str| of(&[&["rebate", "--context", context], &room[..]].concat());
    // Hits at 3, 7, 13, 23, 27, 33, 43, 47, 53.
    assert_eq!(with("1"), (9, 18, 9));
    assert_eq!(with("3"), (9, 42, 3));
    assert_eq!(with("0"), (9, 0, 9));
    assert_eq!(with("3h"), (9, 18, 9));
    // Four hours on each side reach one message, twelve hours four.
    assert_eq!(with("4h"), (9, 18, 9));
    assert_eq!(with("6h"), (9, 33, 6));
    assert_eq!(with("30d"), (9, 51, 1));
    // Whoever is looked for, the others are context; and so is what was said before the first day.
    assert_eq!(
        of(&[
            "rebate",
            "--user",
            "ann@x",
            "--from",
            "2014-05-01T09:00:00Z",
            "--to",
            "2014-05-01T09:30:00Z",
            "--context",
            "3h"
        ]),
        (2, 4, 2)
    );
}

#[test]
fn context_goes_on_where_a_page_ended() {
    let desk = desk();
    for context in ["1", "3", "6h", "2d"] {
        let whole = addresses(&rows(&desk, &["rebate", "--context", context]));
        let (mut seen, mut after) = (Vec::new(), None::<String>);
        loop {
            let mut words = vec!["rebate", "--limit", "2", "--context", context];
            words.extend(after.iter().flat_map(|after| ["--after", after.as_str()]));
            let run = search(&desk, &[&words[..], &["--output", "jsonl"]].concat());
            let found: Vec<Value> = run.out.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            seen.extend(addresses(&found));
            let Some(last) = found.iter().rfind(|row| row["Is"] == "hit") else { break };
            after = Some(last["Event"].as_str().unwrap().to_owned());
            if run.code == 4 || !run.err.contains("more hits follow") {
                break;
            }
        }
        assert_eq!(seen, whole, "{context}");
    }
}

#[test]
fn what_weighs_most_comes_first() {
    let desk = desk();
    let found = rows(&desk, &["rebate", "--sort", "relevance", "--limit", "8"]);
    assert_eq!(found.len(), 8);
    assert!(found[..6].iter().all(|row| row["Text"].as_str().unwrap().starts_with("rebate rebate")));
    let score = |row: &Value| row["Score"].as_str().unwrap().parse::<f64>().unwrap();
    assert!(found.windows(2).all(|two| score(&two[0]) >= score(&two[1])));
    // A rare word weighs more than one that is everywhere.
    let rare = rows(&desk, &["gbp OR nothing", "--sort", "relevance", "--limit", "6"]);
    assert!(rare.iter().all(|row| row["Text"].as_str().unwrap().contains("GBP")));
    search(&desk, &["rebate", "--sort", "relevance", "--after", "pool\\ma-chan://x/1#3"])
        .code(2)
        .says("leave --after out");
    search(&desk, &["rebate", "--sort", "time", "--context", "3"]).code(2).says("context is shown room by room");
    search(&desk, &["rebate", "--sort", "relevance", "--limit", "20000"]).code(2);
}

#[test]
fn the_products_rules_are_asked_for_by_name() {
    let desk = desk();
    assert_eq!(rows(&desk, &["--filter", "rebate gbp"]).len(), 6);
    assert_eq!(rows(&desk, &["--filter", "rebate gbp", "--match", "or"]).len(), 18);
    assert_eq!(rows(&desk, &["--filter", "GBP/USD", "--match", "exact"]).len(), 6);
    assert_eq!(rows(&desk, &["--filter", "Rebate", "--case-sensitive"]).len(), 12);
    desk.write("q.txt", "gbp\nsmall\n");
    let file = desk.path("q.txt");
    assert_eq!(rows(&desk, &["--query-file", file.to_str().unwrap()]).len(), 18);
    search(&desk, &["rebate", "--filter", "gbp"]).code(2);
    search(&desk, &[]).code(2).says("no query given");
    search(&desk, &["report"]).code(2).says("pchat search -- report");
    search(&desk, &["--", "report"]).code(4);
    search(&desk, &["rebate", "report"]).code(2).says("stand behind the word report");
    search(&desk, &["rebate", "--explain"]).code(0);
}

#[test]
fn a_search_is_of_the_state_that_was_named() {
    let desk = desk();
    let root = |desk: &Desk| desk.audit("s.db").last().unwrap()["content"].as_str().unwrap().to_owned();
    let before = root(&desk);
    desk.run("audit checkpoint --store @s.db --out @point.txt").code(0);
    let point = desk.path("point.txt");
    for known in [before.as_str(), point.to_str().unwrap()] {
        search(&desk, &["rebate", "--exact-as-of", known]).code(0);
    }
    // What changes no content does not end a state.
    desk.run("export --store @s.db --out @o.jsonl --format jsonl --quiet").code(0);
    assert_ne!(root(&desk), before);
    search(&desk, &["rebate", "--count", "--exact-as-of", &before]).code(0);
    search(&desk, &["rebate", "--exact-as-of", point.to_str().unwrap()]).code(0);
    desk.lines("more.jsonl", &[message("ma-chan://x/1", 800, "2015-05-01T00:30:00Z", "ann@x", "rebate")]);
    desk.run("import @more.jsonl --store @s.db --quiet").code(0);
    for known in [before.as_str(), point.to_str().unwrap()] {
        let run = search(&desk, &["rebate", "--exact-as-of", known]).code(17);
        assert!(run.err.contains("is a import") || run.err.contains("import"), "{}", run.err);
        assert!(!run.out.contains("hit"), "{}", run.out);
    }
    search(&desk, &["rebate", "--exact-as-of", &root(&desk)]).code(0);
    search(&desk, &["rebate", "--exact-as-of", &"0".repeat(64)]).code(17).says("names no such content");
    let other = Desk::new();
    other.lines("in.jsonl", &[message("ma-chan://x/1", 1, "2015-05-01T00:30:00Z", "ann@x", "rebate")]);
    other.run("import @in.jsonl --store @s.db --quiet").code(0);
    search(&other, &["rebate", "--exact-as-of", point.to_str().unwrap()]).code(17);
}

#[test]
fn a_search_is_recorded_in_plain_words_only_for_a_case() {
    let desk = desk();
    desk.args(&["case", "new", "Matter 9", "--store", "@s.db"]).code(0);
    search(&desk, &["zebrafish OR rebate", "--record"]).code(0);
    let secret = desk.audit("s.db").pop().unwrap();
    assert_eq!((secret["action"].as_str(), secret["details"]["hits"].as_str()), (Some("search"), Some("18")));
    assert!(!secret.to_string().contains("zebrafish"), "{secret}");
    assert_eq!(secret["details"]["asked"].as_str().unwrap().len(), 64);
    search(&desk, &["zebrafish OR rebate", "--case", "matter 9", "--count"]).code(0);
    let open = desk.audit("s.db").pop().unwrap();
    assert_eq!(open["object"], "Matter 9");
    assert!(open["details"]["asked"].as_str().unwrap().contains("zebrafish OR rebate"), "{open}");
    let records = desk.audit("s.db").len();
    search(&desk, &["rebate"]).code(0);
    search(&desk, &["rebate", "--case", "Matter 10"]).code(10);
    assert_eq!(desk.audit("s.db").len(), records, "what only looks is not recorded");
}

#[test]
fn the_page_of_a_search_shows_hits_and_context_and_no_markup_from_texts() {
    let desk = desk();
    let evil = "<script>alert(1)</script> rebate \u{202E}";
    desk.lines("more.jsonl", &[message("ma-chan://x/1", 800, "2014-05-01T00:30:00Z", "<b>@x", evil)]);
    desk.run("import @more.jsonl --store @s.db --quiet").code(0);
    search(&desk, &["rebate", "--context", "1", "--report", desk.path("h.html").to_str().unwrap()]).code(0);
    let page = String::from_utf8(desk.read("h.html")).unwrap();
    assert_eq!(page.matches("<article class=\"said\">").count(), 19);
    assert!(page.contains("<article class=\"said context\">") && page.contains("<mark>rebate</mark>"));
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script>") && !page.contains('\u{202E}'));
    assert!(page.contains("19 hits") && page.contains("Content root"));
    search(&desk, &["rebate", "--report", "/nowhere/h.html"]).code(10);
}
