//! The same words mean the same events to an export, a purge, a hold and a removal: whatever an event carries, in
//! whichever way it is written. Signs that words do not have are refused by all of them.

use crate::harness::{Desk, indexed, message, sum, unzip};
use serde_json::Value as Json;
use std::collections::BTreeSet;

/// Events that carry their words in different places; the number is what each is told by.
fn carried() -> Vec<Json> {
    let at = |n: i64, text: &str| message("desk", n, &format!("2020-01-0{n}T00:00:00Z"), "sip:a@x", text);
    let mut events = vec![
        at(1, "the Rebate scheme"),
        at(2, "nothing"),
        at(3, "rich"),
        at(4, "keyed"),
        at(5, "caf\u{e9} Schlo\u{df}"),
        at(6, "cafe\u{301} SCHLOSS"),
        at(7, "scheme of a rebate"),
    ];
    events[1]["attachments"] = serde_json::json!([{ "name": "rebate scheme.xlsx", "data": "aGVsbG8=" }]);
    events[2]["rtf"] = r"{\rtf1\ansi{\fonttbl{\f0 Tailspin;}}\b Re\b0 bate scheme \'80 5}".into();
    events[3]["ticket"] = serde_json::json!({ "rebate": ["scheme", "Rebate scheme", 40917] });
    events
}

fn desk() -> Desk {
    let desk = Desk::new();
    desk.lines("in.jsonl", &carried());
    desk.run("import @in.jsonl --store @base.db").code(0);
    desk.run("case new M --store @base.db").code(0);
    desk
}

/// A copy of the store to be changed.
fn anew(desk: &Desk) {
    desk.copy("base.db", "s.db");
    desk.copy("base.db.key", "s.db.key");
}

fn numbers(events: &[Json]) -> BTreeSet<i64> {
    events.iter().map(|event| event["id"].as_i64().unwrap()).collect()
}

#[test]
fn what_can_be_destroyed_by_words_can_be_exported_and_held_by_them() {
    let desk = desk();
    let all: BTreeSet<i64> = (1..=7).collect();
    let cases: [(&[&str], &[i64]); 13] = [
        (&["--filter", "rebate"], &[1, 2, 3, 4, 7]),
        (&["--filter", "rebate scheme", "--match", "exact"], &[1, 2, 3, 4]),
        (&["--filter", "Rebate", "--case-sensitive"], &[1, 3, 4]),
        (&["--filter", "Rebate scheme", "--match", "exact", "--case-sensitive"], &[1, 3, 4]),
        (&["--filter", "40917 nothing", "--match", "or"], &[2, 4]),
        (&["--filter", "nothing xlsx"], &[2]),
        (&["--filter", "5 rich"], &[3]),
        // The names of fonts and of keys are nobody's words.
        (&["--filter", "tailspin ticket rtf1", "--match", "or"], &[]),
        (&["--filter", "cafe schloss"], &[5, 6]),
        (&["--filter", "caf\u{e9}", "--case-sensitive"], &[5, 6]),
        (&["--filter", "cafe\u{301}", "--case-sensitive"], &[5, 6]),
        (&["--filter", "SCHLOSS", "--case-sensitive"], &[6]),
        (&["--filter", "rebate", "--from", "2020-01-02", "--to", "2020-01-03", "--room", "desk"], &[2, 3]),
    ];
    for (options, expected) in cases {
        let expected: BTreeSet<i64> = expected.iter().copied().collect();
        let with = |words: &[&str]| desk.args(&words.iter().chain(options).copied().collect::<Vec<_>>());
        let code = if expected.is_empty() { 4 } else { 0 };
        anew(&desk);
        with(&["export", "--store", "@s.db", "--out", "@x.jsonl", "--format", "jsonl", "--overwrite"]).code(code);
        assert_eq!(numbers(&desk.events("x.jsonl")), expected, "{options:?}");
        let archive =
            with(&["export", "--store", "@s.db", "--out", "@x.zip", "--overwrite", "--output", "json"]).code(code);
        assert_eq!(sum(&archive, "Events"), expected.len() as u64, "{options:?}");
        desk.run("verify @x.zip --read-data").code(0);
        // Imported elsewhere, the archive holds the same events.
        drop(std::fs::remove_file(desk.path("y.db")));
        desk.run("import @x.zip --store @y.db").code(0);
        assert_eq!(numbers(&desk.history("y.db")), expected, "{options:?}");
        if !expected.is_empty() {
            // A hold by the words keeps all of it from a purge of everything else.
            with(&["hold", "new", "H", "--case", "M", "--reason", "r", "--store", "@s.db"]).code(0);
            with(&["purge", "--store", "@s.db", "--yes"]).code(14);
            desk.run("purge --store @s.db --everything --yes").code(0);
            assert_eq!(numbers(&desk.history("s.db")), expected, "{options:?}");
        }
        anew(&desk);
        with(&["purge", "--store", "@s.db", "--yes"]).code(code);
        assert_eq!(numbers(&desk.history("s.db")), all.difference(&expected).copied().collect(), "{options:?}");
        desk.run("store check --read-data --store @s.db").code(0);
    }
}

#[test]
fn the_index_holds_the_words_of_rich_text_and_other_keys_and_a_purge_leaves_none() {
    let desk = desk();
    let words = |store: &str| indexed(&desk.path(store));
    let before = words("base.db");
    assert!(["40917", "rebate", "schloss", "xlsx"].iter().all(|word| before.contains_key(*word)));
    assert!(["tailspin", "ticket", "rtf1"].iter().all(|word| !before.contains_key(*word)));
    anew(&desk);
    desk.run("purge --store @s.db --filter 40917 --replace --yes").code(0);
    assert!(!words("s.db").contains_key("40917") && words("s.db").contains_key("replaced"));
    desk.run("store check --read-data --store @s.db").code(0);
}

#[test]
fn reports_and_archives_name_the_words_and_the_audit_log_does_not() {
    let desk = desk();
    let options = ["--filter", "Rebate", "--case-sensitive", "--report", "@r.json", "--overwrite"];
    for (out, format) in [("@x.zip", "archive"), ("@x.jsonl", "jsonl")] {
        let words = ["export", "--store", "@base.db", "--out", out, "--format", format];
        let run = desk.args(&words.iter().chain(&options).copied().collect::<Vec<_>>()).code(0);
        assert!(run.out.contains("\"Rebate\" (all, case-sensitive)"), "{}", run.out);
        assert!(String::from_utf8(desk.read("r.json")).unwrap().contains("Rebate"));
    }
    let custody: Json = serde_json::from_slice(&unzip(&desk.path("x.zip"))["custody.json"]).unwrap();
    assert_eq!(custody["selection"]["Words"], "\"Rebate\" (all, case-sensitive)");
    let records = desk.audit("base.db");
    let exports: Vec<&Json> = records.iter().filter(|record| record["action"] == "export").collect();
    assert_eq!(exports.len(), 2);
    for record in exports {
        let selection = record["details"]["selection"].as_str().unwrap();
        assert!(selection.contains("Keywords: 1 (all, case-sensitive)"), "{selection}");
        assert!(!record.to_string().contains("Rebate"), "{record}");
    }
    desk.run("export --store @base.db --out @z.zip --level User --filter rebate").code(2).says("words select history");
}

#[test]
fn signs_of_other_rules_are_refused_by_every_command_alike() {
    let desk = desk();
    anew(&desk);
    let signs =
        ["rebat*", "rebate OR scheme", "NOT rebate", "\"rebate scheme\"", "(rebate scheme)", "rebate w/5 scheme"];
    let commands: [&[&str]; 4] = [
        &["export", "--out", "@x.zip"],
        &["purge", "--yes"],
        &["hold", "new", "H", "--case", "M", "--reason", "r"],
        &["message", "remove", "--room", "desk", "--yes"],
    ];
    for command in commands {
        for sign in signs {
            let mut words = command.to_vec();
            words.extend(["--store", "@s.db", "--filter", sign]);
            let run = desk.args(&words).code(2).says("keyword ");
            assert!(!run.err.contains("rebate"), "{}", run.err);
        }
    }
    let line = "Remove-CsPersistentChatMessage -Identity desk -Filter 'rebat*' -Confirm:$False --store @s.db";
    desk.run(&line.replace('\'', "")).code(2).says("asterisk");
    assert_eq!(desk.history("s.db").len(), 7);
    assert!(!desk.path("x.zip").exists());
    desk.run("hold get --store @s.db").code(4);
    for command in
        ["export --out @x.zip", "purge --yes", "hold new H --case M --reason r", "message remove --room desk"]
    {
        for alone in ["--match or", "--case-sensitive"] {
            desk.run(&format!("{command} {alone} --user a@x --store @s.db")).code(2).says("--filter");
        }
    }
    // In capitals they may stand in a phrase.
    desk.args(&["purge", "--store", "@s.db", "--filter", "the \"REBATE\" (scheme)", "--match", "exact", "--yes"])
        .code(0);
    assert_eq!(numbers(&desk.history("s.db")), (2..=7).collect());
}

#[test]
fn a_hold_that_comes_with_such_signs_still_protects() {
    let desk = desk();
    desk.run("hold new H --case M --reason r --filter rebate --store @base.db").code(0);
    // As an earlier pchat could place it.
    desk.lay_out("base.db", "UPDATE hold SET query = '\"rebate\" scheme*'");
    desk.run("purge --store @base.db --filter rebate --yes").code(14);
    desk.run("purge --store @base.db --everything --yes").code(0);
    assert_eq!(numbers(&desk.history("base.db")), [1, 2, 3, 4, 7].into());
}

#[test]
fn a_hold_looks_at_the_rich_text_of_an_earlier_version() {
    let desk = desk();
    // A message that was replaced while something kept its earlier version.
    desk.lay_out(
        "base.db",
        "INSERT INTO version (event, number, replaced_on, replaced_by, body, rtf) \
         SELECT id, 1, ticks, 'who', 'old', '{\\rtf1 Fabri\\b kam}' FROM event WHERE chat = 7",
    );
    desk.run("hold new H --case M --reason r --filter fabrikam --store @base.db").code(0);
    desk.run("purge --store @base.db --everything --yes").code(0);
    assert_eq!(numbers(&desk.history("base.db")), [7].into());
}

#[test]
fn a_narrowed_export_carries_no_holds_cases_policies_and_directory_unless_it_says_so() {
    let desk = desk();
    desk.run("hold new H --case M --reason r --filter rebate --store @base.db").code(0);
    desk.run("policy new site:Oslo --enable --store @base.db").code(0);
    desk.run("category new --name C --store @base.db").code(0);
    let narrow = ["--filter scheme", "--room desk", "--user a@x", "--from 2020-01-01", "--to 2020-02-01"];
    // The nouns an archive has anything of, and what it says of that.
    let of = |options: &str| -> (BTreeSet<String>, bool) {
        desk.run(&format!("export --store @base.db --out @x.zip --overwrite {options}")).code(0);
        desk.run("verify @x.zip --read-data").code(0);
        let members = unzip(&desk.path("x.zip"));
        let custody: Json = serde_json::from_slice(&members["custody.json"]).unwrap();
        let settings = members.iter().filter(|(name, _)| name.contains("data/catalog/"));
        let nouns = settings.filter(|(_, page)| String::from_utf8_lossy(page).contains("<record"));
        let name = |name: &String| name.rsplit('/').next().unwrap().trim_end_matches(".xml").to_owned();
        (nouns.map(|(path, _)| name(path)).collect(), custody["selection"]["Settings"].is_string())
    };
    let (all, said) = of("");
    assert!(
        ["holds", "cases", "policies", "rooms", "pools"].iter().all(|noun| all.contains(*noun)) && !said,
        "{all:?}"
    );
    for options in narrow {
        let (some, said) = of(options);
        let allowed = ["rooms", "pools", "categories"];
        assert!(some.contains("rooms") && some.iter().all(|noun| allowed.contains(&noun.as_str())) && said, "{some:?}");
        assert_eq!(of(&format!("{options} --level Content")), (BTreeSet::new(), true));
        let (with, said) = of(&format!("{options} --with-settings"));
        assert!(with.contains("holds") && with.contains("cases") && with.contains("policies") && !said, "{with:?}");
        // Elsewhere the hold protects at once.
        drop(std::fs::remove_file(desk.path("y.db")));
        desk.run("import @x.zip --store @y.db").code(0);
        desk.run("purge --store @y.db --filter rebate --yes").code(14);
    }
    desk.run("export --store @base.db --out @x.jsonl --format jsonl --with-settings").code(2).says("--with-settings");
}
