//! Principals that are read by name: whoever asks gets the answers that all of them would give.

use crate::harness::{Desk, entry};
use pchat::model::catalog::Catalog;
use pchat::model::record::Record;
use pchat::nouns::SHAPES;
use pchat::nouns::principal::SHAPE;
use pchat::rules::directory::Directory;
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
    store.settings(&Wanted { shapes: &[], named }).unwrap()
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
        prop_assert_eq!(store.check(true).unwrap(), []);
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
