//! Searches, tags and samples of cases: what is kept means the same later, says what became of its results, and goes
//! from store to store.

use crate::harness::{Desk, Run, message, unzip};
use serde_json::Value;
use std::collections::BTreeSet;

/// Two rooms of a hundred messages; every tenth has the word `rebate`, and somebody comes into each.
fn desk() -> Desk {
    let desk = Desk::new();
    let mut events = Vec::new();
    for room in 1..=2 {
        let uri = format!("ma-chan://x/{room}");
        let come =
            format!(r#"{{"kind":"join","pool":"pool","room":"{uri}","time":"2014-05-01T00:00:00Z","user":"ann@x"}}"#);
        events.push(serde_json::from_str(&come).unwrap());
        for n in 0..100 {
            let text = if n % 10 == 3 { format!("a rebate {n}") } else { format!("nothing {n}") };
            let time = format!("2014-05-01T{:02}:{:02}:0{room}Z", 1 + n / 60, n % 60);
            events.push(message(&uri, n + 1, &time, if n % 2 == 0 { "ann@x" } else { "bob@x" }, &text));
        }
    }
    desk.lines("in.jsonl", &events);
    for line in ["import @in.jsonl --store @s.db --quiet", "case new M --store @s.db"] {
        desk.run(line).code(0);
    }
    desk
}

fn run(desk: &Desk, line: &str) -> Run {
    desk.run(&format!("{line} --store @s.db"))
}

fn count(desk: &Desk, store: &str, query: &str) -> u64 {
    let run = desk.args(&["search", query, "--count", "--output", "json", "--store", store]);
    run.json()[0]["Hits"].as_u64().unwrap()
}

fn changes(run: &Run) -> Vec<(String, String, u64)> {
    let rows = run.json().as_array().cloned().unwrap_or_default();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    rows.iter().map(|row| (text(row, "Change"), text(row, "Why"), row["Events"].as_u64().unwrap())).collect()
}

#[test]
fn a_search_says_what_became_of_its_results() {
    let desk = desk();
    run(&desk, "case search new R --case m --query rebate").code(0).says("found 20 events in 2 rooms");
    run(&desk, "case search new r --case M --query x").code(15).says("already has a search \"r\"");
    run(&desk, "case search new all --case M").code(2).says("no query given");
    run(&desk, "case search new Q --case N --query x").code(10);
    let same = run(&desk, "case search compare R --case M").code(0);
    assert!(same.err.contains("addresses and contents are the same"), "{}", same.err);
    assert_eq!(run(&desk, "search --search R --count --output json").json()[0]["Hits"], 20);
    assert_eq!(run(&desk, "search --search M\\R --count --output json").json()[0]["Hits"], 20);
    run(&desk, "search --search R --room * --count").code(2).says("says itself which rooms");
    run(&desk, "search --search S --count").code(10);

    // Something comes, something goes, something is replaced, and something comes back.
    let more = message("ma-chan://x/3", 500, "2014-05-02T00:00:00Z", "ann@x", "another rebate");
    desk.lines("more.jsonl", &[more]);
    run(&desk, "import @more.jsonl --quiet").code(0);
    run(&desk, "purge --query id:4 --reason r --yes").code(0);
    run(&desk, "purge --query id:14 --reason r --yes --replace").code(0);
    let now = run(&desk, "case search compare R --case M --output json").code(3);
    let found = changes(&now);
    assert!(found.iter().any(|(is, why, n)| is == "new" && why.starts_with("imported from") && *n == 1), "{found:?}");
    assert!(found.contains(&("gone".to_owned(), "purged by purge 1".to_owned(), 2)), "{found:?}");
    assert!(found.iter().any(|(is, why, n)| is == "gone" && why.starts_with("replaced on") && *n == 2), "{found:?}");
    assert_eq!(found.len(), 3);
    // What was replaced is there already, in another version.
    run(&desk, "import @in.jsonl --restore-purged --quiet").code(3);
    let found = changes(&run(&desk, "case search run R --case M --output json").code(3));
    assert!(found.contains(&("new".to_owned(), "restored after purge 1".to_owned(), 2)), "{found:?}");
    run(&desk, "case search compare R --case M").code(0).says("addresses and contents are the same");
    // The log has every one of them.
    let actions: Vec<String> = desk.audit("s.db").iter().map(|r| r["action"].as_str().unwrap().to_owned()).collect();
    let times = |name: &str| actions.iter().filter(|action| *action == name).count();
    assert_eq!([times("case search new"), times("case search compare"), times("case search run")], [1, 3, 1]);
}

#[test]
fn a_purge_takes_the_salts_of_digests() {
    let desk = desk();
    run(&desk, "case search new R --case M --query rebate").code(0);
    run(&desk, "purge --query nothing --reason r --yes").code(0);
    // A digest could confirm a guess at what went; addresses are compared as before.
    let run = run(&desk, "case search compare R --case M").code(0);
    assert!(!run.err.contains("digest"), "{}", run.err);
    let db = rusqlite::Connection::open(desk.path("s.db")).unwrap();
    assert_eq!(db.query_row("SELECT count(*) FROM collection_salt", [], |row| row.get::<_, i64>(0)).unwrap(), 0);
}

#[test]
fn tags_are_put_on_asked_for_and_go_with_what_is_purged() {
    let desk = desk();
    run(&desk, "case search new R --case M --query rebate").code(0);
    run(&desk, "case tag add --case M --tag Hot --search R").code(0).says("put on 20 events");
    run(&desk, "case tag add --case M --tag hot --room ma-chan://x/1").code(0).says("on 111 events now");
    run(&desk, "case tag add --case M --tag hot").code(2);
    run(&desk, "case tag add --case M --tag hot --query zebra").code(4).says("no event matches");
    run(&desk, "case tag add --case M --tag hot --room ma-chan://x/1 x\\y#1").code(2);
    let address = "example.com\\nowhere#7";
    run(&desk, &format!("case tag add --case M --tag hot {address}")).code(10);
    assert_eq!(count(&desk, "@s.db", "tag:hot"), 111);
    assert_eq!(count(&desk, "@s.db", "tag:HOT AND rebate AND room:\"ma-chan://x/2\""), 10);
    assert_eq!(count(&desk, "@s.db", "nothing AND NOT tag:hot"), 90);
    assert_eq!(count(&desk, "@s.db", "tag:\"m\\hot\" OR zebra"), 111);
    run(&desk, "search tag:cold").code(2).says("no case has a tag of this name");
    run(&desk, "hold new H --case M --reason r --query tag:hot").code(2).says("a tag can be removed");
    run(&desk, "case tag remove --case M --tag hot --query kind:join").code(0).says("taken off 1 event");
    // Only what the tag is on goes, and the tag with it.
    run(&desk, "purge --query tag:hot --reason r --yes").code(0);
    assert_eq!(count(&desk, "@s.db", "kind:message"), 90);
    let tags = run(&desk, "case tag get --output csv").code(0);
    assert!(tags.out.lines().nth(1).is_some_and(|row| row.starts_with("M,Hot,0,")), "{}", tags.out);
    assert_eq!(run(&desk, "store check --read-data").code, 0);
}

#[test]
fn a_closed_case_keeps_what_it_has() {
    let desk = desk();
    run(&desk, "case search new R --case M --query rebate").code(0);
    run(&desk, "case tag add --case M --tag hot --search R").code(0);
    run(&desk, "case close M").code(0);
    for line in [
        "case search new S --case M --query x",
        "case search run R --case M",
        "case search remove R --case M",
        "case tag add --case M --tag hot --room *",
        "case tag remove --case M --tag hot --room *",
        "case sample new s --case M --seed 1",
    ] {
        run(&desk, line).code(15).says("was closed on");
    }
    run(&desk, "case search compare R --case M").code(0);
    assert_eq!(count(&desk, "@s.db", "tag:hot"), 20);
}

#[test]
fn the_same_seed_draws_the_same_sample_and_numbers_close() {
    let desk = desk();
    run(&desk, "case search new R --case M --query rebate").code(0);
    let new = run(&desk, "case sample new A --case M --seed 7 --without R --sample 95%/10%").code(0);
    // 180 messages without the word; 96.04 / (1 + 95.04 / 180) = 62.9.
    assert!(new.err.contains("63 events of 180 events drawn with seed 7"), "{}", new.err);
    run(&desk, "case sample new B --case M --seed 7 --without R --sample 95%/10%").code(0);
    run(&desk, "case sample new C --case M --seed 8 --without R --sample 95%/10%").code(0);
    assert_eq!(count(&desk, "@s.db", "tag:A AND tag:B"), 63);
    assert!(count(&desk, "@s.db", "tag:A AND tag:C") < 50);
    assert_eq!(count(&desk, "@s.db", "tag:A AND rebate"), 0);
    run(&desk, "case sample new D --case M --seed 8 --sample 94%/10%").code(2).says("the confidence must be one of");
    run(&desk, "case tag add --case M --tag A --room *").code(15).says("is a sample");
    // Nine of 63 are responsive: 14.29 %, Wilson 7.70 % to 24.97 %, of 180.
    let hits = run(&desk, "search tag:A --output jsonl --quiet").code(0);
    let rows = hits.out.lines().take(9).map(|row| serde_json::from_str::<Value>(row).unwrap());
    let addresses: BTreeSet<String> = rows.map(|row| row["Event"].as_str().unwrap().to_owned()).collect();
    let mut words = vec!["case", "tag", "add", "--case", "M", "--tag", "responsive", "--store", "@s.db"];
    words.extend(addresses.iter().map(String::as_str));
    desk.args(&words).code(0);
    let told = run(&desk, "case sample get A --case M --tag responsive --output json").code(0).json();
    let row = if told.is_array() { told[0].clone() } else { told["estimates"][0].clone() };
    let wanted = [
        ("Events", 63.into()),
        ("Tagged", 9.into()),
        ("Share", "14.29%".into()),
        ("From", "7.70%".into()),
        ("To", "24.97%".into()),
        ("Population", 180.into()),
        ("Estimate", 26.into()),
        ("AtLeast", 13.into()),
        ("AtMost", 45.into()),
    ];
    for (name, value) in wanted {
        assert_eq!(row[name], Value::clone(&value), "{name} of {row}");
    }
}

#[test]
fn collections_travel_whole_and_never_in_a_production() {
    let desk = desk();
    run(&desk, "case search new R --case M --query rebate").code(0);
    run(&desk, "case tag add --case M --tag hot --query rebate").code(0).says("20 events");
    run(&desk, "case tag add --case M --tag hot --query kind:join").code(0).says("22 events now");
    run(&desk, "export --out @all.zip --quiet").code(0);
    run(&desk, "export --out @part.zip --search R --quiet").code(0);
    let has = |name: &str| unzip(&desk.path(name)).keys().any(|file| file.contains("/collect"));
    assert!(has("all.zip") && !has("part.zip"));
    desk.run("verify @all.zip").code(0).says("");
    desk.run("import @all.zip --store @b.db --quiet --map-pool pool=other.com").code(0);
    assert_eq!(count(&desk, "@b.db", "tag:hot"), 22);
    assert_eq!(count(&desk, "@b.db", "tag:hot AND kind:join"), 2);
    desk.run("case search compare R --case M --store @b.db").code(0);
    assert_eq!(desk.run("store check --read-data --store @b.db").code, 0);
    // Another tagging of the same name is united, another search of the same name stays what it is.
    desk.run("case tag remove --case M --tag hot --query rebate --store @b.db").code(0);
    desk.run("case search run R --case M --store @b.db").code(0);
    desk.run("import @all.zip --store @b.db --quiet --map-pool pool=other.com").code(3);
    assert_eq!(count(&desk, "@b.db", "tag:hot"), 22);
    // A closed case takes nothing.
    desk.run("case tag remove --case M --tag hot --query rebate --store @b.db").code(0);
    desk.run("case close M --store @b.db").code(0);
    desk.run("import @all.zip --store @b.db --quiet --map-pool pool=other.com");
    assert_eq!(count(&desk, "@b.db", "tag:hot"), 2);
}

#[test]
fn what_is_forged_in_a_list_is_named() {
    let desk = desk();
    run(&desk, "case tag add --case M --tag hot --query rebate").code(0);
    desk.damage("s.db", "UPDATE collected SET events = x'0102'");
    let check = run(&desk, "store check");
    assert_ne!(check.code, 0);
    assert!(check.err.contains("table collected"), "{}", check.err);
    desk.damage("s.db", "UPDATE collected SET events = x'FF'");
    let check = run(&desk, "store check");
    assert!(check.err.contains("tag hot of case M: its list of part 0"), "{}", check.err);
}
