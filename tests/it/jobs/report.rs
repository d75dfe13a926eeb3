//! The report: hostile text stays text, sums close, and a trial run says so.

use pchat::jobs::report::{self, json};
use pchat::model::ids::RoomKey;
use pchat::model::message::Kind;
use pchat::model::receipt::{Conflict, FileFact, Gap, KEPT_IN_FULL, Kinds, Receipt, RoomTally, SettingCounts, Version};
use pchat::model::time::Ticks;
use serde_json::Value;

const HOSTILE: &str = "</style><script>alert(\"x\")</script>'&\0\u{202E}txt.exe\u{1B}[31m\u{FFFE}";
const SHOWN: &str = concat!(
    "&lt;/style&gt;&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&#39;&amp;",
    "<span class=\"code\">U+0000</span><span class=\"code\">U+202E</span>txt.exe",
    "<span class=\"code\">U+001B</span>[31m<span class=\"code\">U+FFFE</span>"
);

fn html(receipt: &Receipt) -> String {
    report::html(receipt).unwrap()
}

fn at(text: &str) -> Option<Ticks> {
    Ticks::parse(text).map(|(at, _)| at)
}

fn kinds(counts: &[(Kind, u64)]) -> Kinds {
    let mut kinds = Kinds::default();
    for (kind, count) in counts {
        kinds.0[kind.index()] = *count;
    }
    kinds
}

fn room(receipt: &mut Receipt, uri: &str, tally: RoomTally) {
    let key = RoomKey { pool: "pool01.litwareinc.com".to_owned(), uri: format!("ma-chan://litwareinc.com/{uri}") };
    receipt.rooms.insert(key, tally);
}

fn facts(list: &[(&str, &str)]) -> Version {
    Version { facts: list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect() }
}

/// An import in which everything happens that can happen.
fn import() -> Receipt {
    let mut receipt = Receipt::new("import");
    receipt.fact("Store", "/srv/pchat/litware.db");
    receipt.fact("Imported", "/mnt/intake/2014-03; /mnt/intake/contoso.zip");
    receipt.fact("Store identity", "5b1f0f1c8f6c4a7c9d1e2f3a4b5c6d7e");
    room(
        &mut receipt,
        "3f8b",
        RoomTally {
            name: "Fixed Income – London".to_owned(),
            events: kinds(&[(Kind::Chat, 184_220), (Kind::Join, 1_204), (Kind::Part, 1_198), (Kind::Upload, 17)]),
            duplicates: 12_004,
            conflicts: 1,
            pages: 21,
            bytes: 19_400_112,
            first: at("2009-11-03T09:00:02.1234567Z"),
            last: at("2014-03-14T15:31:00Z"),
        },
    );
    room(
        &mut receipt,
        "77aa",
        RoomTally {
            name: "غرفة التداول".to_owned(),
            events: kinds(&[(Kind::Chat, 902), (Kind::Backchat, 3)]),
            pages: 1,
            bytes: 88_110,
            first: at("2014-03-10T07:45:00Z"),
            last: at("2014-03-10T16:45:59.9Z"),
            ..RoomTally::default()
        },
    );
    room(
        &mut receipt,
        "x",
        RoomTally {
            name: HOSTILE.to_owned(),
            duplicates: 40,
            conflicts: 1,
            pages: 1,
            bytes: 512,
            first: at("2015-01-15T09:30:00Z"),
            last: at("2015-01-15T09:30:00Z"),
            ..RoomTally::default()
        },
    );
    receipt.settings.insert("rooms", SettingCounts { added: 3, unchanged: 12, replaced: 0, kept: 1 });
    receipt.settings.insert("principals", SettingCounts { added: 48, unchanged: 2, ..SettingCounts::default() });
    let long = "EUR/USD 1.0832 bid, 25 mio. ".repeat(40);
    receipt.conflict(Conflict {
        object: "pool01.litwareinc.com\\ma-chan://litwareinc.com/3f8b message 4711".to_owned(),
        kept: facts(&[
            ("kind", "message"),
            ("time", "2014-03-10T07:45:12Z"),
            ("user", "sip:kazuto@litwareinc.com"),
            ("text", "line one\n\tline two <b>not bold</b>\n"),
        ]),
        other: facts(&[
            ("kind", "message"),
            ("time", "2014-03-10T07:45:12Z"),
            ("user", "sip:kazuto@litwareinc.com"),
            ("alert", "true"),
            ("text", &long),
        ]),
        outcome: "kept what the store has",
    });
    receipt.conflict(Conflict {
        object: HOSTILE.to_owned(),
        kept: facts(&[(HOSTILE, "")]),
        other: facts(&[(HOSTILE, HOSTILE)]),
        outcome: "kept what the store has",
    });
    receipt.gap(Gap {
        place: "/mnt/intake/2014-03/2014-03-10-0815.xml:55:12".to_owned(),
        why: "not well-formed XML: tags do not match".to_owned(),
    });
    receipt.gap(Gap { place: HOSTILE.to_owned(), why: HOSTILE.to_owned() });
    receipt.remark("times whose three forms disagree; the ticks decide, then the text", 14);
    receipt.remark("messages without a number: `id` is missing or 0", 1_203);
    receipt.timings.push(("check", 1.914));
    receipt.timings.push(("import", 4.25));
    receipt
}

fn export() -> Receipt {
    let mut receipt = Receipt::new("export");
    receipt.fact("Store", "litware.db");
    receipt.fact("Content", "9f".repeat(32));
    let events = kinds(&[(Kind::Chat, 10)]);
    room(&mut receipt, "1", RoomTally { name: "IT".to_owned(), events, pages: 1, bytes: 2048, ..RoomTally::default() });
    receipt.files.push(FileFact { name: HOSTILE.to_owned(), size: 1_468_006, sha256: Some("ab".repeat(32)) });
    receipt.files.push(FileFact { name: "out".to_owned(), size: 12, sha256: None });
    receipt.timings.push(("export", 0.5));
    receipt
}

/// Every tag of the page, in order; fails on markup a browser would have to repair.
fn tags(page: &str) -> Vec<String> {
    let (mut tags, mut open) = (Vec::new(), Vec::new());
    let mut rest = page;
    while let Some(start) = rest.find('<') {
        let end = rest[start..].find('>').expect("a tag that ends") + start;
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        assert!(!tag.contains('<'), "a tag in a tag: {tag}");
        let name = tag.trim_start_matches('/').split([' ', '\n']).next().unwrap_or_default().to_owned();
        match tag.strip_prefix('/') {
            Some(name) => assert_eq!(open.pop().as_deref(), Some(name)),
            None if matches!(name.as_str(), "!DOCTYPE" | "meta" | "br") => {}
            None => open.push(name.clone()),
        }
        tags.push(name);
    }
    assert!(open.is_empty(), "not closed: {open:?}");
    tags
}

#[test]
fn hostile_text_stays_text() {
    for page in [html(&import()), html(&export())] {
        let tags = tags(&page);
        let known = [
            "!DOCTYPE", "html", "head", "meta", "style", "title", "body", "header", "p", "h1", "strong", "span", "nav",
            "ul", "li", "a", "main", "dl", "dt", "dd", "bdi", "section", "h2", "h3", "article", "table", "caption",
            "thead", "tbody", "tfoot", "tr", "th", "td", "div", "b", "br", "small", "time", "footer",
        ];
        for tag in tags {
            assert!(known.contains(&tag.as_str()), "{tag}");
        }
        assert!(page.contains(SHOWN));
        assert!(!page.contains(['\0', '\u{1B}', '\u{202E}', '\u{FFFE}', '\r']));
        for outside in ["http:", "https:", "src=", "url(", "@import"] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(page.contains("content=\"default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-"));
        assert_eq!(page.matches("<style>").count(), 1);
        assert_eq!(page.matches("<table").count(), page.matches("<caption>").count());
    }
}

#[test]
fn room_names_places_and_versions_are_shown() {
    let page = html(&import());
    assert!(page.contains("<bdi>Fixed Income – London</bdi>"));
    assert!(page.contains("pool01.litwareinc.com\\ma-chan://litwareinc.com/3f8b"));
    assert!(
        page.contains("line one\n\tline two &lt;b&gt;not bold&lt;/b&gt;\n"),
        "line ends and tabs of a message stay"
    );
    assert!(page.contains("/mnt/intake/2014-03/2014-03-10-0815.xml:55:12"));
    assert!(page.contains(
        "<time datetime=\"2009-11-03T09:00:02.123Z\" title=\"2009-11-03T09:00:02.1234567Z\">2009-11-03 09:00:02</time>"
    ));
    assert!(page.contains("with the text of messages"));
    for absent in ["Downloads</th>", "Changes</th>", "Purged</th>"] {
        assert!(!page.contains(absent), "only kinds that occur have a column: {absent}");
    }
    for there in ["Messages</th>", "Backchat</th>", "Uploads</th>"] {
        assert!(page.contains(there), "{there}");
    }
    // What only one version has, and what both have, stand in the right rows.
    let same = "<tr><th scope=\"row\"><bdi>kind</bdi></th>";
    let differs = "<tr class=\"differs\"><th scope=\"row\"><bdi>text</bdi></th>";
    let (user, alert, text) = (page.find("<bdi>user</bdi>"), page.find("<bdi>alert</bdi>"), page.find(differs));
    assert!(page.contains(same) && user < alert && alert < text);
    assert!(page.contains("<td><span class=\"quiet\">not given</span></td>"));
}

#[test]
fn totals_close() {
    let receipt = import();
    let page = html(&receipt);
    // 184,220 + 1,204 + 1,198 + 17 + 902 + 3 = 187,544 added, 12,044 there already, 2 in conflict.
    for (number, name) in
        [("199,590", "Events read"), ("187,544", "added"), ("12,044", "already there"), ("2", "conflicts")]
    {
        assert!(page.contains(&format!("<b>{number}</b><span>{name}</span>")), "{number} {name}");
    }
    let foot = &page[page.find("<tfoot>").expect("a sum")..];
    let foot = &foot[..foot.find("</tfoot>").expect("its end")];
    for cell in ["3 rooms", ">185,122<", ">1,204<", ">187,544<", ">12,044<", ">18.6 MiB<", "2015-01-15 09:30:00"] {
        assert!(foot.contains(cell), "{cell} in {foot}");
    }
    let report: Value = serde_json::from_str(&json(&receipt)).expect("JSON");
    let totals = &report["totals"];
    assert_eq!(totals["read"], 199_590);
    let sum: u64 = ["events", "already_there", "conflicts"].iter().filter_map(|name| totals[name].as_u64()).sum();
    assert_eq!(totals["read"], sum);
    let kinds: u64 = totals["events_by_kind"].as_object().expect("kinds").values().filter_map(Value::as_u64).sum();
    assert_eq!(totals["events"], kinds);
}

#[test]
fn the_verdict_says_what_is_missing() {
    let verdict = |receipt: &Receipt| {
        let page = html(receipt);
        let from = page.find("<strong>").expect("a verdict") + 8;
        let shown = page[from..].split("</strong>").next().unwrap_or_default().to_owned();
        let report: Value = serde_json::from_str(&json(receipt)).expect("JSON");
        assert_eq!(report["verdict"], shown.as_str());
        shown
    };
    assert_eq!(verdict(&import()), "Complete, with 2 gaps and 2 conflicts");
    assert_eq!(verdict(&export()), "Complete");
    let mut receipt = export();
    receipt.gap(Gap { place: "a".to_owned(), why: "b".to_owned() });
    assert_eq!(verdict(&receipt), "Complete, with 1 gap");
    receipt.job = "verify";
    assert_eq!(verdict(&receipt), "1 fault found");
    assert_eq!(verdict(&Receipt::new("verify")), "No fault found in what was read");
    assert!(html(&export()).contains("class=\"verdict good\"") && html(&receipt).contains("class=\"verdict warn\""));
}

#[test]
fn a_trial_run_says_would() {
    let mut receipt = import();
    let real = html(&receipt);
    assert!(real.contains("<h1>Import</h1>") && !real.to_lowercase().contains("would"));
    receipt.what_if = true;
    let page = html(&receipt);
    assert!(page.contains("<h1>Import: what it would do</h1>"));
    assert!(page.contains("<strong>Would be complete, with 2 gaps and 2 conflicts</strong>"));
    assert!(page.contains("Nothing was changed: this run only looked."));
    assert!(page.contains("<span>would be added</span>") && page.contains(">Would be added</th>"));
    let report: Value = serde_json::from_str(&json(&receipt)).expect("JSON");
    assert_eq!(report["what_if"], true);
}

#[test]
fn what_is_not_kept_in_full_is_counted() {
    let mut receipt = import();
    let place = |n: usize| Gap { place: format!("file {n}"), why: "broken".to_owned() };
    (0..KEPT_IN_FULL + 500).for_each(|n| receipt.gap(place(n)));
    let page = html(&receipt);
    // Two gaps were there before.
    assert!(page.contains("1,000 of 1,502 gaps are shown; 502 more are not."));
    assert!(page.find("id=\"rooms\"") < page.find("id=\"gaps\""), "a long list comes after the rooms");
    let report: Value = serde_json::from_str(&json(&receipt)).expect("JSON");
    assert_eq!(report["gap_count"], 1_502);
    assert_eq!(report["gaps"].as_array().map(Vec::len), Some(KEPT_IN_FULL));
}

#[test]
fn json_has_the_same_facts_and_no_raw_control_characters() {
    let receipt = import();
    let text = json(&receipt);
    assert!(!text.contains(|c: char| c.is_control() && c != '\n'));
    assert!(!text.contains(['\u{202E}', '\u{FFFE}']));
    let report: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(report["job"], "import");
    assert_eq!(report["facts"][0]["value"], "/srv/pchat/litware.db");
    assert_eq!(report["rooms"].as_array().map(Vec::len), Some(3));
    assert_eq!(report["rooms"][2]["name"], HOSTILE);
    assert_eq!(report["rooms"][0]["events_by_kind"]["upload"], 17);
    assert_eq!(report["rooms"][0]["first"], "2009-11-03T09:00:02.1234567Z");
    assert_eq!(report["conflicts"][1]["incoming"][0]["value"], HOSTILE);
    assert_eq!(report["conflicts"][0]["in_store"][3]["value"], "line one\n\tline two <b>not bold</b>\n");
    assert_eq!(report["gaps"][1]["why"], HOSTILE);
    assert_eq!(report["settings"]["rooms"]["unchanged"], 12);
    assert_eq!(report["remarks"][0]["times"], 1_203);
    assert_eq!(report["timings"][1]["events_per_second"], 46_962);
    let files: Value = serde_json::from_str(&json(&export())).expect("JSON");
    assert_eq!(files["files"][0]["sha256"], "ab".repeat(32));
    assert_eq!(files["files"][1]["sha256"], Value::Null);
}

#[test]
fn claims_without_measure_do_no_harm() {
    let mut receipt = Receipt::new("verify");
    for uri in ["a", "b"] {
        let tally = RoomTally {
            events: Kinds([u64::MAX; 9]),
            duplicates: u64::MAX,
            conflicts: u64::MAX,
            pages: u32::MAX,
            bytes: u64::MAX,
            ..RoomTally::default()
        };
        room(&mut receipt, uri, tally);
    }
    receipt.timings.push(("verify", f64::NAN));
    assert!(html(&receipt).contains("18,446,744,073,709,551,615"));
    let report: Value = serde_json::from_str(&json(&receipt)).expect("JSON");
    assert_eq!(report["totals"]["read"], u64::MAX);
}

#[test]
fn a_very_long_value_is_cut_in_html_and_whole_in_json() {
    let mut receipt = Receipt::new("import");
    let long = "ü".repeat(30_000);
    let conflict = Conflict {
        object: "o".to_owned(),
        kept: facts(&[("text", &long)]),
        other: facts(&[("text", "")]),
        outcome: "kept what the store has",
    };
    receipt.conflict(conflict);
    let page = html(&receipt);
    assert_eq!(page.matches('ü').count(), 20_000);
    assert!(page.contains("10,000 more characters"));
    assert!(json(&receipt).contains(&long));
}
