//! Search-term reports: every number counted anew by a program that shares no code, terms that fail, terms that come
//! twice.

use crate::harness::{Desk, Run, installed, message};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Stdio};

fn sample() -> Desk {
    let desk = Desk::new();
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/sample");
    desk.args(&["import", fixtures.to_str().unwrap(), "--store", "@s.db", "--quiet"]).code(0);
    desk
}

const TERMS: &str = "# what counsel asked for\nusd\nSterling or euro\tgbp OR eur\n\nUSD\n(bad\nfrom:kazuto@litwareinc.com\n\
    settle*\n    \"gbp usd\"\nlimit NEAR(3) usd\nthe NOT usd\nNOT the\n本日\nتقرير\ncsv\ncnh* -usd\n👍\nzebrafish\n";

fn report(desk: &Desk, more: &[&str]) -> Run {
    let file = desk.path("terms.txt");
    let words = ["search", "report", "--store", "@s.db", "--terms", file.to_str().unwrap()];
    desk.args(&[&words, more].concat())
}

/// Does the other program count the same? What it says, if not.
fn counted_anew(desk: &Desk, report: &str, window: &str) -> Option<String> {
    desk.run("export --store @s.db --format jsonl --out @all.jsonl --overwrite --quiet").code(0);
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/terms.py");
    let mut child = Command::new("python3")
        .arg(script)
        .args([desk.path("all.jsonl"), desk.path("terms.txt")])
        .arg(window)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    std::io::Write::write_all(child.stdin.as_mut().unwrap(), report.as_bytes()).unwrap();
    let done = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    (!done.status.success()).then_some(said)
}

#[test]
fn another_program_counts_the_same() {
    if !installed("python3") {
        return;
    }
    let desk = sample();
    desk.write("terms.txt", TERMS);
    for each in ["term", "person", "room"] {
        for (window, seconds) in [("12h", "43200"), ("5m", "300"), ("0s", "0")] {
            let run = report(&desk, &["--each", each, "--window", window, "--output", "json"]).code(3);
            assert_eq!(counted_anew(&desk, &run.out, seconds), None, "{each} {window}");
        }
    }
    let mut altered = report(&desk, &["--output", "json"]).json();
    for column in ["Hits", "Unique", "WithFamily", "WithContext", "Occurrences", "Rooms", "People", "Bytes"] {
        let count = altered["terms"][0][column].as_u64().unwrap();
        altered["terms"][0][column] = (count + 1).into();
        let said = counted_anew(&desk, &altered.to_string(), "43200");
        assert!(said.is_some_and(|said| said.contains(&format!("{column} is"))), "{column}");
        altered["terms"][0][column] = count.into();
    }
}

#[test]
fn a_term_that_fails_is_no_zero_and_one_that_comes_twice_counts_once() {
    let desk = sample();
    desk.write("terms.txt", TERMS);
    let run = report(&desk, &["--output", "json"]).code(3).says("term 4 (line 6) was not counted");
    let run = run.says("term 3 means the same as term 1");
    let terms = run.json()["terms"].as_array().unwrap().clone();
    assert_eq!(terms.len(), 16);
    assert_eq!(terms[3]["Hits"], Value::Null);
    assert!(terms[3]["Status"].as_str().unwrap().contains("bracket"), "{}", terms[3]);
    assert_eq!((&terms[2]["Hits"], &terms[2]["Status"]), (&Value::Null, &"same as 1".into()));
    assert_eq!((&terms[15]["Hits"], &terms[15]["Status"]), (&0.into(), &"ok".into()));
    assert_eq!(terms[1]["Name"], "Sterling or euro");
    assert_eq!(terms[1]["Reading"], "(gbp OR eur)");
    desk.write("terms.txt", "# nothing\n\n");
    report(&desk, &[]).code(2).says("the list contains no term");
    desk.write("terms.txt", "zebrafish\n");
    report(&desk, &[]).code(4);
    desk.write("terms.txt", "usd\n");
    report(&desk, &[]).code(0);
}

#[test]
fn the_index_alone_counts_the_same_and_leaves_the_rest_open() {
    let desk = sample();
    desk.write("terms.txt", TERMS);
    let (whole, quick) =
        (report(&desk, &["--output", "json"]).json(), report(&desk, &["--index-only", "--output", "json"]).json());
    for (one, other) in whole["terms"].as_array().unwrap().iter().zip(quick["terms"].as_array().unwrap()) {
        for column in ["Hits", "Unique", "WithFamily", "WithContext", "Rooms", "People", "Status"] {
            assert_eq!(one[column], other[column], "{column}");
        }
        assert_eq!((&other["Occurrences"], &other["Bytes"]), (&Value::Null, &Value::Null));
    }
}

#[test]
fn terms_are_searched_where_and_when_they_were_meant() {
    let desk = sample();
    desk.write("terms.txt", "usd\n");
    let hits =
        |more: &[&str]| report(&desk, &[more, &["--output", "json"]].concat()).json()["terms"][0]["Hits"].as_u64();
    let all = hits(&[]);
    for more in [
        &["--room", "FX Trading Desk"][..],
        &["--category", "Trading"],
        &["--user", "jonas.keller@litwareinc.com"],
        &["--from", "2014-03-10", "--to", "2014-03-10", "--timezone", "Europe/London"],
    ] {
        let words = [&["search", "usd", "--count", "--output", "json", "--store", "@s.db"][..], more].concat();
        let counted = desk.args(&words).json()[0]["Hits"].as_u64();
        assert_eq!(hits(more), counted, "{more:?}");
        assert!(counted > Some(0) && counted < all, "{more:?}");
    }
}

#[test]
fn many_terms_are_no_more_than_a_long_list() {
    let desk = Desk::new();
    let said = |n: i64| {
        message("ma-chan://x/1", n, &format!("2014-05-01T10:00:{:02}Z", n % 60), "ann@x", &format!("w{n} w{}", n + 1))
    };
    desk.lines("in.jsonl", &(1..=300).map(said).collect::<Vec<_>>());
    desk.run("import @in.jsonl --store @s.db --quiet").code(0);
    desk.write("terms.txt", (1..=1500).map(|n| format!("w{n}\n")).collect::<String>());
    let run = report(&desk, &["--output", "json"]).code(0).json();
    let terms = run["terms"].as_array().unwrap();
    assert_eq!(terms.len(), 1500);
    let sum: u64 = terms.iter().map(|term| term["Hits"].as_u64().unwrap()).sum();
    assert_eq!(sum, 600);
    assert_eq!((&run["totals"][0]["Events"], &run["totals"][1]["Events"]), (&300.into(), &300.into()));
}

#[test]
fn the_page_has_the_numbers_the_charts_and_the_state() {
    let desk = sample();
    desk.write("terms.txt", format!("{TERMS}<script>\t\"<b>gbp\"\n"));
    let page = desk.path("r.html");
    let run = report(&desk, &["--report", page.to_str().unwrap(), "--output", "json"]).code(3).json();
    let page = String::from_utf8(desk.read("r.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("default-src 'none'"));
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"));
    for title in ["Hits of each term", "Hits of each person", "Hits of each room", "Hits of each month"] {
        assert!(page.contains(&format!("<title>{title}</title>")), "{title}");
    }
    let any = run["totals"][1]["Events"].as_u64().unwrap();
    assert!(page.contains(&format!("<b>{any}</b><span>with any hit</span>")));
    assert!(page.contains("Line 6, not counted: ") && page.contains("How each term is read"));
    let root = desk.audit("s.db").last().unwrap()["content"].as_str().unwrap().to_owned();
    let footer = page.split("<footer>").nth(1).unwrap();
    assert!(footer.contains(&root) && footer.contains("pchat-words 2") && footer.contains("zone UTC"));
    for link in ["http://", "https://", "src="] {
        assert!(!page.contains(link), "{link}");
    }
}
