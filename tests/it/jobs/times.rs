//! A time that is typed means the same in every command, and no hour of a change of clocks is lost.

use crate::harness::{Desk, message, sum};

const ROOM: &str = "ma-chan://example.com/r";

fn desk() -> Desk {
    let desk = Desk::new();
    let said = |id, time| message(ROOM, id, time, "sip:a@example.com", "text");
    desk.lines(
        "in.jsonl",
        &[
            said(1, "2015-10-25T00:30:00Z"),
            // The second 02:30 of the night in Berlin.
            said(2, "2015-10-25T01:30:00Z"),
            said(3, "2015-10-25T02:30:00Z"),
            said(4, "2011-12-30T09:59:59Z"),
            said(5, "2011-12-30T10:00:00Z"),
        ],
    );
    desk.run("import @in.jsonl --store @s.db").code(0);
    desk
}

fn ids(desk: &Desk) -> Vec<i64> {
    desk.history("s.db").iter().filter_map(|event| event["id"].as_i64()).collect()
}

#[test]
fn what_was_said_in_the_hour_that_occurred_twice_is_held() {
    for zone in ["Europe/Berlin", "W. Europe Standard Time"] {
        let desk = desk();
        desk.run("case new C --store @s.db").code(0);
        let bound = ["--from", "2015-10-25T02:00:00", "--to", "2015-10-25T02:59:59", "--timezone", zone];
        let hold = ["hold", "new", "H", "--case", "C", "--reason", "night", "--store", "@s.db"];
        desk.args(&[&hold[..], &bound[..]].concat()).code(0);
        desk.run("purge --everything --yes --store @s.db --certificate @c").code(0);
        let mut left = ids(&desk);
        left.sort_unstable();
        assert_eq!(left, [1, 2], "{zone}");
    }
}

#[test]
fn a_day_without_a_tomorrow_and_its_neighbours() {
    let desk = desk();
    let asked = |words: &[&str]| {
        let all: [&[&str]; 2] =
            [&["purge", "--what-if", "--store", "@s.db", "--timezone", "Pacific/Apia", "--output", "json"], words];
        desk.args(&all.concat())
    };
    let day = |day: &str| sum(&asked(&["--from", day, "--to", day]), "Events");
    assert_eq!((day("2011-12-29"), day("2011-12-31")), (1, 1));
    for words in [["--from", "2011-12-30"], ["--to", "2011-12-30T08:00"]] {
        asked(&words).code(2).says("the clocks there went from 2011-12-30T00:00:00 to 2011-12-31T00:00:00");
    }
}

#[test]
fn every_command_that_takes_a_time_takes_zones_and_says_which() {
    let desk = desk();
    desk.run("case new C --store @s.db").code(0);
    let zone = ["--store", "@s.db", "--timezone", "W. Europe Standard Time"];
    let never = "2015-03-29T02:30";
    let commands: [&[&str]; 8] = [
        &["purge", "--what-if", "--from", never],
        &["hold", "new", "H", "--case", "C", "--reason", "r", "--to", never],
        &["hold", "new", "H", "--case", "C", "--reason", "r", "--everything", "--review", never],
        &["export", "--out", "@x.zip", "--to", never],
        &["audit", "get", "--from", never],
        &["store", "info", "--by", "room", "--from", never],
        &["room", "clear", ROOM, "--to", never, "--yes"],
        &["message", "remove", "--room", ROOM, "--to", never, "--yes"],
    ];
    for words in commands {
        desk.args(&[words, &zone[..]].concat())
            .code(2)
            .says("never occurred in W. Europe Standard Time (Europe/Berlin)");
    }
    let export = ["export", "--out", "@x.zip", "--from", "2015-10-25", "--report", "@x.json"];
    desk.args(&[&export[..], &zone[..]].concat()).code(0);
    let report = String::from_utf8(desk.read("x.json")).unwrap();
    assert!(report.contains("W. Europe Standard Time (Europe/Berlin)") && report.contains("2015-10-24T22:00:00Z"));
    desk.args(
        &[&["hold", "new", "H", "--case", "C", "--reason", "r", "--from", "2015-10-26", "--yes-empty"], &zone[..]]
            .concat(),
    )
    .code(0)
    .says("time zone W. Europe Standard Time (Europe/Berlin)");
    desk.run("purge --from 2015-10-25 --yes --store @s.db --certificate @c").code(0);
    let text = String::from_utf8(desk.read("c.txt")).unwrap();
    assert!(text.contains("from 2015-10-25; time zone UTC"), "{text}");
    // Each record says when, to the second, and on whose behalf.
    desk.run("case new D --store @s.db --operator Clerk").code(0);
    let shown = desk.run("audit get --store @s.db --user Clerk").code(0);
    assert!(shown.out.contains("2021-03-04 05:06:07Z") && shown.out.contains("Clerk"), "{}", shown.out);
}
