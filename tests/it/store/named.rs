//! Principals and rooms that are read by name: whoever asks gets the answers that all of them would give.

use crate::harness::{Desk, chat, entry};
use pchat::jobs::selection::only_room;
use pchat::model::catalog::Catalog;
use pchat::model::record::Record;
use pchat::nouns::principal::SHAPE;
use pchat::nouns::{SHAPES, category, room};
use pchat::pipeline::Silent;
use pchat::rules::directory::{Directory, Lists, kept};
use pchat::store::change::change;
use pchat::store::sqlite::Sqlite;
use pchat::store::{Amendment, Corpus, Named, Names, Wanted};
use proptest::prelude::*;

const UNIT: &str = "OU=IT,DC=x";

/// A user, or a group, with few enough names that several have the same one.
fn principal(n: usize, group: bool, name: usize, other: usize, gone: bool, in_groups: &[usize]) -> Record {
    let dn = |n: usize| format!("CN=p{n},{UNIT}");
    let uri = if group { format!("ma-grp://{n}") } else { format!("sip:P{n}@x.com") };
    let groups: Vec<String> = in_groups.iter().map(|group| dn(*group)).collect();
    let record = Record::new(&SHAPE)
        .with("Uri", uri.as_str())
        .with("Type", if group { "Group" } else { "User" })
        .with("DisplayName", format!("Name {name}").as_str())
        .with("UserPrincipalName", format!("p{other}@x.com").as_str())
        .with("Logon", format!("x\\p{other}").as_str())
        .with("DirectoryPath", dn(n).as_str())
        .with("Affiliations", groups);
    if gone { record.with("Disabled", pchat::model::record::Value::Int(2)) } else { record }
}

fn named(store: &mut Sqlite, names: &[String]) -> Catalog {
    let names = |_: &Catalog| Names::These(names.to_vec());
    let named = Some(Named { shape: &SHAPE, leads: "Affiliations", names: &names });
    store.settings(&Wanted { shapes: &[], room: None, named, bare: false }).unwrap()
}

struct Pages<'a> {
    store: &'a mut Sqlite,
    most: usize,
}

impl Pages<'_> {
    fn named(&mut self, names: Vec<String>) -> Catalog {
        let names = |_: &Catalog| Names::These(names.clone());
        let named = Some(Named { shape: &SHAPE, leads: "Affiliations", names: &names });
        self.store.settings(&Wanted { shapes: &[], room: None, named, bare: true }).unwrap()
    }
}

/// Who may hold a role, with so many principals known at once.
fn eligible(pages: &mut Pages<'_>, allowed: &[String], denied: &[String]) -> Vec<String> {
    let (mut lists, mut found, most) = (Lists::default(), Vec::new(), pages.most);
    denied.chunks(most).for_each(|part| lists.deny(&Directory::new(&pages.named(part.to_vec())), part));
    for (part, first) in allowed.chunks(most).zip((0..).step_by(most)) {
        lists.allow(&Directory::new(&pages.named(part.to_vec())), part, first);
    }
    let mut all = Vec::new();
    pages
        .store
        .starting_at(&SHAPE, ("", Some("Affiliations")), &mut |record| {
            all.push(record);
            Ok(std::ops::ControlFlow::Continue(()))
        })
        .unwrap();
    for part in all.chunks(most) {
        let people = pages.named(part.iter().map(|user| kept(user).to_owned()).collect());
        let directory = Directory::new(&people);
        let mut page = lists.page(&directory);
        found.extend(part.iter().filter(|user| page.user(user)).map(|user| kept(user).to_owned()));
    }
    for numbers in lists.open().chunks(most) {
        let entries: Vec<String> = numbers.iter().map(|number| allowed[*number].clone()).collect();
        let people = pages.named(entries.clone());
        let directory = Directory::new(&people);
        let mut page = lists.page(&directory);
        found.extend(entries.into_iter().filter(|entry| page.entry(entry)));
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn few_principals_answer_as_all_of_them(
        people in prop::collection::vec(
            (any::<bool>(), 0..4usize, 0..8usize, prop::bool::weighted(0.2), prop::collection::vec(0..8usize, 0..3)),
            1..8,
        ),
        changed in 0..8usize,
    ) {
        let desk = Desk::new();
        let path = desk.path("s.db");
        let mut store = Sqlite::create(&path, entry()).unwrap();
        let records: Vec<Record> = people
            .iter()
            .enumerate()
            .map(|(n, (group, name, other, gone, groups))| principal(n, *group, *name, *other, *gone, groups))
            .collect();
        change(&mut store, Amendment::put(records.clone(), entry())).unwrap();
        // Names that change are found under the new one alone, and who has gone under none.
        let renamed = records[changed % records.len()].clone().with("DisplayName", "Another").with("Logon", "y\\z");
        change(&mut store, Amendment::put([renamed], entry())).unwrap();
        let last = records.last().unwrap();
        if records.len() > 2 {
            change(&mut store, Amendment::remove(last, entry())).unwrap();
        }
        prop_assert_eq!(store.check(true, &Silent).unwrap(), []);
        let all = store.catalog(SHAPES).unwrap();
        let full = Directory::new(&all);
        let mut names: Vec<String> = (0..8)
            .flat_map(|n| [format!("p{n}@x.com"), format!("SIP:p{n}@X.com"), format!("cn=P{n}, ou=it, dc=X"), format!("X\\P{n}"), format!("name {n}")])
            .collect();
        names.extend(["another", "Y\\Z", UNIT, "nobody@x.com"].map(str::to_owned));
        for (n, name) in names.iter().enumerate() {
            let other = &names[(n * 7 + 3) % names.len()];
            let some = named(&mut store, &[name.clone(), other.clone()]);
            let few = Directory::new(&some);
            let shown = |found: pchat::error::Result<String>| found.map_err(|error| error.to_string());
            for as_object in [false, true] {
                prop_assert_eq!(shown(few.entry(name, as_object)), shown(full.entry(name, as_object)), "{}", name);
                prop_assert_eq!(few.shown(name, as_object), full.shown(name, as_object), "{}", name);
            }
            prop_assert_eq!(few.covers(name, other), full.covers(name, other), "{} {}", name, other);
            prop_assert_eq!(few.covers(other, name), full.covers(other, name), "{} {}", other, name);
            // Those who may hold a role, told one by one and all at once.
            let allowed = [name.clone(), UNIT.to_owned(), other.clone()];
            let denied = [names[(n * 5 + 1) % names.len()].clone()];
            let allowed = if n % 2 == 0 { &allowed[..] } else { &allowed[2..] };
            let whole = eligible(&mut Pages { store: &mut store, most: 100 }, allowed, &denied);
            prop_assert_eq!(eligible(&mut Pages { store: &mut store, most: 1 }, allowed, &denied), whole.clone());
            let role = Record::new(&category::SHAPE).with("AllowedMembers", allowed.to_vec());
            let role = role.with("DeniedMembers", denied.to_vec());
            prop_assert!(whole.iter().all(|entry| full.allows(&role, entry)), "{:?}", whole);
        }
    }
}

#[test]
fn nobody_is_read_who_is_not_named() {
    let desk = Desk::new();
    let mut store = Sqlite::create(&desk.path("s.db"), entry()).unwrap();
    let records: Vec<Record> =
        (0..50).map(|n| principal(n, n < 3, n, n, false, if n == 7 { &[0, 1] } else { &[] })).collect();
    change(&mut store, Amendment::put(records.clone(), entry())).unwrap();
    let of = |store: &mut Sqlite, name: &str| named(store, &[name.to_owned()]).len();
    assert_eq!((of(&mut store, "p9@x.com"), of(&mut store, "p7@x.com"), of(&mut store, "x@y")), (1, 3, 0));
}

#[test]
fn a_room_is_found_by_every_name_without_the_others() {
    let desk = Desk::new();
    let mut store = Sqlite::create(&desk.path("s.db"), entry()).unwrap();
    let named = |n: usize, pool: &str, name: &str, former: &[&str]| {
        let former: Vec<String> = former.iter().map(|name| (*name).to_owned()).collect();
        let uri = format!("ma-chan://Example.com/{n}");
        let room = Record::new(&room::SHAPE).with("Pool", pool).with("Name", name).with("Uri", uri.as_str());
        if former.is_empty() { room } else { room.with("FormerNames", former) }
    };
    let records = vec![
        named(1, "p.example", "Kit", &[]),
        named(2, "p.example", "\u{212A}it", &[]),
        named(3, "q.example", "Trading", &["Desk", "\u{c4}ltere"]),
        named(4, "p.example", "trading", &[]),
        named(5, "p.example", "a\\b", &["Kit"]),
        named(6, "p.example", "\u{c4}rger", &[]),
        named(7, "q.example", "Alone", &["Trading"]),
        named(8, "B\u{fc}ro", "Plain", &[]),
    ];
    change(&mut store, Amendment::put(records, entry())).unwrap();
    let all = store.catalog(SHAPES).unwrap();
    let mut few = 0;
    for name in [
        "kit",
        "KIT",
        "\u{212A}IT",
        "p.example\\kit",
        "trading",
        "Q.example\\TRADING",
        "desk",
        "q.example\\DESK",
        "\u{e4}LTERE",
        "a\\B",
        "p.example\\A\\b",
        "\u{e4}rger",
        "P.EXAMPLE\\\u{c4}RGER",
        "ma-chan://example.com/7",
        "q.example\\ma-chan://example.com/7",
        "alone",
        "nobody",
        "al*",
        "b\u{dc}RO\\plain",
        "plain",
        "",
        "\\",
    ] {
        let some =
            store.settings(&Wanted { shapes: &[&room::SHAPE], room: Some(name), named: None, bare: false }).unwrap();
        let told =
            |catalog: &Catalog| only_room(catalog, name).map(Record::identity).map_err(|error| error.to_string());
        assert_eq!(told(&some), told(&all), "{name}");
        few += usize::from(some.len() < all.of("room").count());
    }
    assert!(few > 14, "{few}");
}

#[test]
fn a_store_that_is_opened_for_history_takes_nothing_else() {
    let desk = Desk::new();
    desk.lines("h.jsonl", &chat(1, 5));
    desk.run("import @h.jsonl --store @s.db").code(0);
    let path = desk.path("s.db");
    let mut store = Sqlite::open_for_intake(&path).unwrap();
    let error = change(&mut store, Amendment::put([principal(1, false, 1, 1, false, &[])], entry())).unwrap_err();
    assert!(error.to_string().contains("not authorized"), "{error}");
    assert!(store.for_changes().unwrap());
    change(&mut store, Amendment::put([principal(1, false, 1, 1, false, &[])], entry())).unwrap();
    assert!(store.check(true, &Silent).unwrap().is_empty());
}
