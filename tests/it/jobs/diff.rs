//! Two archives or stores compared, by counts that add up and without a word of any message.

use crate::harness::{Desk, message};
use serde_json::Value as Json;

fn counts(json: &Json, what: &str) -> [u64; 6] {
    let rows = json["counts"].as_array().unwrap();
    let row = rows.iter().find(|row| row["What"] == what).unwrap_or_else(|| panic!("no {what} in {rows:?}"));
    ["A", "B", "Same", "Different", "OnlyInA", "OnlyInB"].map(|column| row[column].as_u64().unwrap())
}

#[test]
fn what_is_not_the_same_is_counted_and_listed() {
    let desk = Desk::new();
    let line = |n: i64, text: &str| message("r1", n, &format!("2020-05-{n:02}T12:00:00Z"), "ann@x", text);
    let join = |text: &str| {
        let mut join = message("r2", 9, "2020-06-03T00:00:00Z", "bob@x", text);
        join["kind"] = "join".into();
        join.as_object_mut().unwrap().remove("id");
        join
    };
    desk.lines("a.jsonl", &[line(1, "secret one"), line(2, "secret two"), line(3, "three"), join("x"), join("x")]);
    let mut other = line(2, "secret 2");
    other["user_name"] = "Ann".into();
    desk.lines("b.jsonl", &[line(1, "secret one"), other, line(4, "four"), join("x")]);
    for side in ["a", "b"] {
        desk.run(&format!("import @{side}.jsonl --store @{side}.db")).code(0);
        desk.run(&format!("export --store @{side}.db --out @{side}.zip")).code(0);
    }
    desk.run("case new Matter --store @b.db").code(0);
    desk.run("hold new H --case Matter --room r1 --reason Court --store @b.db").code(0);

    let first = desk.run("diff @a.zip @a.db --output json").code(0).json();
    assert_eq!(counts(&first, "events"), [5, 5, 5, 0, 0, 0]);
    desk.run("diff @a.zip @a.zip").code(0).says("no difference: 5 events in 2 rooms");
    // Whatever the two sides are, they say the same.
    for sides in ["@a.db @b.db", "@a.zip @b.db", "@a.zip --store @b.db"] {
        let said = desk.run(&format!("diff {sides} --output json")).code(3);
        let json = said.json();
        assert_eq!(counts(&json, "events"), [5, 4, 2, 1, 2, 1], "{sides}");
        assert_eq!(counts(&json, "holds"), [0, 1, 0, 0, 0, 1], "{sides}");
        let events: Vec<_> =
            json["events"].as_array().unwrap().iter().map(|row| (&row["Change"], &row["Message"])).collect();
        let text = |text: &str| Json::from(text);
        let wanted =
            [("different", text("2")), ("only in A", text("3")), ("only in B", text("4")), ("only in A", Json::Null)];
        let wanted: Vec<_> = wanted.iter().map(|(change, number)| (text(change), number.clone())).collect();
        assert_eq!(events.iter().map(|(a, b)| ((*a).clone(), (*b).clone())).collect::<Vec<_>>(), wanted);
        assert_eq!(json["events"][0]["Parts"], serde_json::json!(["name of the person", "text"]));
        assert!(!json.to_string().contains("secret"), "texts stay where they are");
    }
    let few = desk.run("diff @a.db @b.db --most 1 --output json").code(3);
    let few = few.says("3 events that are not the same are not listed; --most 4 lists all");
    assert_eq!(few.json()["events"].as_array().unwrap().len(), 1);
    desk.run("diff @a.zip @missing.zip").code(10);
    desk.lines("c.zip", &[line(1, "no zip")]);
    assert_ne!(desk.run("diff @a.zip @c.zip").code, 0);
}

#[test]
fn everything_an_archive_carries_is_compared() {
    let desk = Desk::new();
    let line = |n: i64| message("r1", n, &format!("2020-05-{n:02}T12:00:00Z"), "ann@x", "rebate");
    let file = |data: &str| {
        let mut line = line(9);
        line["attachments"] = serde_json::json!([{ "name": "a.txt", "data": data }]);
        line
    };
    desk.lines("a.jsonl", &[line(1), line(2), line(3), line(4), file("aGk=")]);
    desk.run("import @a.jsonl --store @a.db").code(0);
    desk.run("case new M --store @a.db").code(0);
    desk.run("case tag add --case M --tag hot --query id:1..4 --store @a.db").code(2);
    desk.args(&[
        "case",
        "tag",
        "add",
        "--case",
        "M",
        "--tag",
        "hot",
        "--query",
        "id:1 OR id:2 OR id:4",
        "--store",
        "@a.db",
    ])
    .code(0);
    desk.run("export --store @a.db --out @a.zip").code(0);
    desk.run("import @a.zip --store @b.db").code(0);
    let same = desk.run("diff @a.zip @b.db --output json").code(0).json();
    assert_eq!(counts(&same, "collected events"), [3, 3, 3, 0, 0, 0]);
    assert_eq!(counts(&same, "contents of attachments"), [1, 1, 1, 0, 0, 0]);
    assert_eq!(counts(&same, "collections"), [1, 1, 1, 0, 0, 0]);

    desk.run("case tag remove r1#1 --case M --tag hot --store @b.db").code(0);
    desk.run("case tag add r1#2 --case M --tag hot --store @b.db").code(0);
    desk.run("purge --store @b.db --query id:9 --yes --quiet").code(0);
    desk.run("export --store @b.db --out @b.zip").code(0);
    for sides in ["@a.db @b.db", "@a.zip @b.zip", "@a.zip @b.db", "@a.db @b.zip"] {
        let said = desk.run(&format!("diff {sides} --output json")).code(3);
        let json = said.json();
        assert_eq!(counts(&json, "collected events"), [3, 3, 2, 0, 1, 1], "{sides}");
        assert_eq!(counts(&json, "contents of attachments"), [1, 0, 0, 0, 1, 0], "{sides}");
        assert_eq!(json["collections"][0]["Name"], "hot", "{sides}");
        said.says("1 content of an attachment on one side only; 2 collected events on one side only");
    }
    // What goes to somebody outside carries no cases: nothing is said of them, but that they were not compared.
    desk.run("export --store @a.db --room r1 --out @out.zip").code(0);
    let said = desk.run("diff @out.zip @a.db").says("A does not carry these, so they were not compared: ");
    assert!(
        said.err.contains("cases") && said.err.contains("collections") && said.err.contains("holds"),
        "{}",
        said.err
    );
    desk.run("export --store @a.db --level Category --out @c.zip").code(0);
    desk.run("diff @c.zip @a.db").code(0).says("history");
}
