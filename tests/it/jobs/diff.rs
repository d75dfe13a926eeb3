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
