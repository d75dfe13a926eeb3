//! Whom a name means: asked of a store by names alone it is what everybody says who is known.

use crate::harness::Desk;
use pchat::error::Result;
use pchat::jobs::people::meant;
use pchat::nouns::SHAPES;
use pchat::rules::people::{Near, People, nobody};
use pchat::store::Corpus;
use pchat::store::sqlite::Sqlite;
use std::collections::BTreeSet;

/// The answer of everybody who is known.
fn of_all(all: &People, text: &str, unknown: bool) -> Result<BTreeSet<String>> {
    if let Some(keys) = all.meant(text, unknown)? {
        return Ok(keys);
    }
    let mut found = BTreeSet::new();
    all.nearest(&Near::to(text), &mut found);
    Err(nobody(text, &found))
}

#[test]
fn a_word_of_a_name_means_those_who_show_it() {
    let desk = Desk::new();
    let said = |user: &str, name: &str, id: u64, text: &str| {
        serde_json::json!({
            "pool": "p", "room": "r", "user": user, "user_name": name, "time": "2015-03-01T08:00:00Z", "id": id,
            "text": text,
        })
    };
    let lines = [
        said("sip:pk@x.example", "Priya Kumar", 1, "one"),
        said("sip:pk@x.example", "P. K.", 2, "two"),
        said("sip:ps@x.example", "Shah, Priya (London)", 3, "three"),
        said("sip:bob@x.example", "Bob Roe", 4, "four"),
        said("sip:priyanka@x.example", "Priyanka", 5, "five"),
    ];
    desk.lines("a.jsonl", &lines);
    desk.run("import @a.jsonl --store @s.db").code(0);
    desk.run("case new c --store @s.db").code(0);
    let search = |query: &str| desk.args(&["search", query, "--store", "@s.db", "--output", "json"]);
    let found = |query: &str| {
        let run = search(query);
        let mut numbers: Vec<u64> =
            run.json().as_array().unwrap().iter().map(|hit| hit["Number"].as_u64().unwrap()).collect();
        numbers.sort_unstable();
        (numbers, run.err.lines().filter(|line| line.starts_with("nobody is named")).count())
    };
    // Everything of those people, whatever they were called then.
    assert_eq!(found("from:priya"), (vec![1, 2, 3], 1));
    assert_eq!(found("from:\"priya shah\""), (vec![3], 1));
    assert_eq!(found("participants:PRIYA"), (vec![1, 2, 3], 1));
    assert_eq!(found("present:priya").1, 1);
    assert_eq!(found("NOT from:priya"), (vec![4, 5], 1));
    // A whole name is that person's, and no part of another's; = and addresses mean what is written.
    assert_eq!(found("from:\"Priya Kumar\""), (vec![1, 2], 0));
    assert_eq!(found("from:priyanka"), (vec![5], 0));
    assert_eq!(found("from:priy").0, Vec::<u64>::new());
    assert_eq!(found("from=priya").0, Vec::<u64>::new());
    assert_eq!(found("from:priya@x.example").0, Vec::<u64>::new());
    assert_eq!(found("from:priya*"), (vec![1, 5], 0));
    search("from:priya").code(0).says("the 2 people with that in a longer name: pk@x.example, ps@x.example");
    let told = desk.run("search from:priya --explain --store @s.db --output json").code(0).json();
    assert_eq!(told["people"][0]["Addresses"], serde_json::json!(["pk@x.example", "ps@x.example"]), "{told}");
    assert_eq!((&told["people"][0]["Name"], &told["EventsMeant"]), (&"priya".into(), &3.into()), "{told}");
    // A hold keeps the people, not the word.
    desk.run("hold new h --case c --query from:priya --reason r --store @s.db").code(0).says("protects 3 events");
    desk.lines("b.jsonl", &[said("sip:pk@x.example", "Somebody Else", 6, "six")]);
    desk.run("import @b.jsonl --store @s.db").code(0);
    let report = desk.run("hold report --store @s.db --output json").code(0).json();
    assert_eq!(report["holds"][0]["Events"], 4, "{report}");
    // Whom a person of a command means is one person, or nobody.
    desk.run("search --user priya --store @s.db").code(10).says("Priya");
}

#[test]
fn names_alone_say_what_everybody_says() {
    let desk = Desk::new();
    // Few first names, so that names are shared, are near, and lead from one person to another.
    let (first, last) = (["Ann", "Anne", "Bob", "Zoë"], ["Lee", "Li", "Roe"]);
    let mut ldif = String::new();
    let mut lines = String::new();
    for n in 0..60usize {
        let (a, b) = (first[n % 4], last[n / 4 % 3]);
        let shown = if n % 5 == 0 { format!("{a}  {b}") } else { format!("{a} {b} {}", n % 9) };
        let address = format!("{}{}@x.example", a.to_lowercase(), n % 17);
        let kind = if n % 7 == 3 { "group" } else { "user" };
        ldif += &format!("dn: CN=P {n},OU=a\\,b, DC=x\nobjectClass: {kind}\ncn: P {n}\ndisplayName: {shown}\n");
        if n % 3 != 0 && n < 17 {
            ldif += &format!("msRTCSIP-PrimaryUserAddress: sip:{address}\n");
        }
        ldif += &format!(
            "mail: m{}@x.example\nuserPrincipalName: U{}@X.example\nsAMAccountName: s{}\n\n",
            n % 23,
            n,
            n % 40
        );
        let uri = match n % 6 {
            0 => format!("sip:m{}@x.example", n % 23),
            1 => format!("sips:u{}@x.example:5061;transport=tls", n % 29),
            2 => format!("U{}@x.example", n % 29),
            _ => format!("sip:{address}"),
        };
        let mail = if n % 4 == 1 { format!(", \"email\": \"m{}@x.example\"", n % 11) } else { String::new() };
        lines += &format!(
            "{{\"room\": \"ma-chan://x.example/1\", \"user\": \"{uri}\", \"user_name\": \"{shown}\"{mail}, \
             \"time\": \"2015-03-01T08:00:00Z\", \"id\": {n}, \"text\": \"hello\"}}\n"
        );
    }
    desk.write("a.ldif", ldif);
    desk.write("a.jsonl", lines);
    desk.run("import @a.jsonl --store @s.db").code(0);
    desk.run("principal import @a.ldif --store @s.db").code(0);
    let principal = *SHAPES.iter().find(|shape| shape.noun == "principal").unwrap();
    let mut store = Sqlite::open(&desk.path("s.db")).unwrap();
    let mut texts: Vec<String> = Vec::new();
    for n in (0..60).step_by(5) {
        texts.extend([
            format!("m{n}@x.example"),
            format!("sip:u{n}@x.example"),
            format!("X\\s{n}"),
            format!("x\\S{n}"),
        ]);
        texts.extend([format!("CN=P {n},OU=a\\,b, DC=x"), format!("cn=p {n},ou=a\\,b,dc=x"), format!("P {n}")]);
        texts.extend([format!("ann{n}@x.exmaple"), format!("m{n}*"), format!("{n}"), format!("*{n}@*")]);
    }
    for a in first {
        texts.extend(last.iter().flat_map(|b| [format!("{a} {b}"), format!(" {a}   {b} "), format!("{a}  {b}x")]));
        texts.extend((0..3).map(|n| format!("{a} Lee {n}")));
        texts.extend([a.to_owned(), format!("{a}*"), format!("* {a} *"), a.to_uppercase(), format!("{a}@")]);
    }
    texts.extend(["*", "", " ", "@", "x", "sip:", "zzzzzzzzzzzz", "**x*", "a@b@c"].map(str::to_owned));
    let mut kinds = BTreeSet::new();
    let all = People::new(&store.catalog(&[principal]).unwrap(), &store.personas().unwrap());
    for (text, unknown) in texts.iter().flat_map(|text| [(text, false), (text, true)]) {
        let told = |answer: Result<BTreeSet<String>>| {
            answer.map_err(|error| (error.kind(), error.what().to_owned(), error.hint_text().map(str::to_owned)))
        };
        let (few, many) = (told(meant(&mut store, principal, text, unknown)), told(of_all(&all, text, unknown)));
        assert_eq!(few, many, "{text:?}");
        kinds.insert(many.map_or_else(|(kind, ..)| format!("{kind:?}"), |keys| keys.len().min(3).to_string()));
    }
    assert!(["1", "3", "NotFound", "Usage"].iter().all(|kind| kinds.contains(*kind)), "{kinds:?}");
}
