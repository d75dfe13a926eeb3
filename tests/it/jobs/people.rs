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
