//! Who is who: names of principals, what entries of lists cover through groups and units, and how fast that is told.

use pchat::error::Kind;
use pchat::model::catalog::Catalog;
use pchat::model::record::{Record, Value};
use pchat::nouns::{category, principal};
use pchat::rules::directory::{Directory, Lists};

fn user(name: &str, unit: &str, groups: &[&str]) -> Record {
    let groups: Vec<String> = groups.iter().map(|group| dn(group)).collect();
    Record::new(&principal::SHAPE)
        .with("Uri", format!("sip:{}@x.example", name.to_lowercase()).as_str())
        .with("Type", "User")
        .with("Name", name)
        .with("DisplayName", format!("{name} Smith").as_str())
        .with("UserPrincipalName", format!("{name}@corp.example").as_str())
        .with("Logon", format!("corp\\{name}").as_str())
        .with("DirectoryPath", format!("CN={name},{unit}").as_str())
        .with("Affiliations", groups)
}

/// The users whom these entries allow a role.
fn users<'a>(catalog: &'a Catalog, directory: &Directory<'_>, entries: &[String]) -> Vec<&'a Record> {
    let mut lists = Lists::default();
    lists.allow(directory, entries, 0);
    let mut page = lists.page(directory);
    catalog.of("principal").filter(|user| page.user(user)).collect()
}

fn dn(group: &str) -> String {
    format!("CN={group},OU=Groups,DC=x,DC=example")
}

fn group(name: &str, groups: &[&str]) -> Record {
    let groups: Vec<String> = groups.iter().map(|group| dn(group)).collect();
    Record::new(&principal::SHAPE)
        .with("Uri", format!("ma-grp://{name}").as_str())
        .with("Type", "Group")
        .with("Name", name)
        .with("DirectoryPath", dn(name).as_str())
        .with("Affiliations", groups)
}

const IT: &str = "OU=IT,DC=x,DC=example";

fn catalog(records: impl IntoIterator<Item = Record>) -> Catalog {
    let mut catalog = Catalog::default();
    records.into_iter().for_each(|record| catalog.put(record));
    catalog
}

/// Ann is in Inner, which is in Outer, which is in Inner, and in Gone, which has been deleted; Bob has been deleted,
/// Cid disabled; Dot is in IT\Deep.
fn small() -> Catalog {
    catalog([
        user("Ann", IT, &["Inner", "Gone"]),
        user("Bob", IT, &["Inner"]).with("Disabled", Value::Int(2)),
        user("Cid", IT, &["Inner"]).with("Disabled", Value::Int(1)),
        user("Dot", "OU=Deep,OU=IT,DC=x,DC=example", &[]),
        user("Eve", "OU=SIT,DC=x,DC=example", &["Elsewhere"]),
        group("Inner", &["Outer"]),
        group("Outer", &["Inner"]),
        group("Gone", &[]).with("Disabled", Value::Int(2)),
    ])
}

#[test]
fn a_principal_is_known_by_all_its_names() {
    let catalog = small();
    let directory = Directory::new(&catalog);
    let uri = |text: &str| directory.one(text).map(|record| record.get("Uri").show());
    for text in [
        "sip:ann@x.example",
        "SIP:Ann@X.example",
        "ann@x.example",
        "ANN@corp.example",
        "Corp\\ann",
        "ann smith",
        "Ann",
        "cn=ANN, ou=it, dc=x, dc=example",
        "an*th",
    ] {
        assert_eq!(uri(text).unwrap(), "sip:ann@x.example", "{text}");
    }
    assert_eq!(directory.find("* Smith").len(), 5);
    // Who has been deleted is nobody to put into a list.
    let meant = ["sip:ann@x.example", "sip:cid@x.example", "sip:dot@x.example", "sip:eve@x.example"];
    assert_eq!(directory.people("* Smith").unwrap(), meant);
    assert_eq!(directory.find("*n*n*n*").len(), 0, "an n is not used twice");
    assert_eq!(uri("* smith").unwrap_err().kind(), Kind::Refused);
    let error = uri("nobody").unwrap_err();
    assert_eq!(error.kind(), Kind::NotFound);
    assert!(!error.what().contains("nobody") && error.hint_text().is_some());
}

#[test]
fn entries_are_kept_in_one_form_and_strangers_as_they_are_written() {
    let catalog = small();
    let directory = Directory::new(&catalog);
    let entry = |text: &str| directory.entry(text, false).unwrap();
    assert_eq!(entry("corp\\Ann"), "sip:ann@x.example");
    assert_eq!(entry("ann@corp.example"), "sip:ann@x.example");
    assert_eq!(entry("cn=inner,ou=groups,dc=x,dc=example"), dn("Inner"));
    assert_eq!(entry("Inner"), dn("Inner"));
    for stranger in ["sip:zed@x.example", "zed@x.example", "OU=New,DC=x"] {
        assert_eq!(entry(stranger), stranger);
    }
    assert_eq!(directory.entry("Zed", false).unwrap_err().kind(), Kind::NotFound);
    assert_eq!(directory.entry("Ann Smith", true).unwrap(), "sip:ann@x.example");
    assert_eq!(directory.shown("SIP:ann@x.example", true), "Ann Smith");
    assert_eq!(directory.shown(&dn("Inner"), true), "Inner");
    assert_eq!(directory.shown("sip:ann@x.example", false), "sip:ann@x.example");
    assert_eq!(directory.shown("sip:zed@x.example", true), "sip:zed@x.example");
}

#[test]
fn groups_units_and_domains_cover_who_is_in_them() {
    let catalog = small();
    let directory = Directory::new(&catalog);
    let ann = "sip:ann@x.example";
    for entry in
        [ann, "ANN@x.example", "Corp\\ann", &dn("Inner"), &dn("Outer"), IT, "dc=x, dc=example", "ma-grp://Outer"]
    {
        assert!(directory.covers(entry, ann), "{entry}");
    }
    assert!(directory.covers(&dn("Outer"), &dn("Inner")));
    assert!(directory.covers(IT, "OU=Deep,OU=IT,DC=x,DC=example"));
    assert!(directory.covers(&dn("Elsewhere"), "sip:eve@x.example"), "a group is known by its members alone");
    for (entry, of) in [
        (ann, "sip:eve@x.example"),
        (IT, "sip:eve@x.example"),
        ("OU=Groups,DC=x,DC=example", ann),
        (&*dn("Inner"), "sip:dot@x.example"),
        ("OU=Deep,OU=IT,DC=x,DC=example", IT),
        (&*dn("Gone"), ann),
        (IT, "sip:zed@x.example"),
    ] {
        assert!(!directory.covers(entry, of), "{entry} {of}");
    }
    let category = Record::new(&category::SHAPE)
        .with("AllowedMembers", vec![IT.to_owned()])
        .with("DeniedMembers", vec![dn("Outer")]);
    assert!(!directory.allows(&category, ann), "who is denied is not allowed");
    assert!(directory.allows(&category, "sip:dot@x.example"));
    assert!(!directory.allows(&Record::new(&category::SHAPE), ann));
    let of = |entries: &[String]| -> Vec<String> {
        users(&catalog, &directory, entries).iter().map(|user| user.get("Name").show()).collect()
    };
    assert_eq!(of(&[IT.to_owned(), ann.to_owned(), dn("Outer")]), ["Ann", "Dot"]);
    assert!(of(&[dn("Gone")]).is_empty());
}

/// Group n is in group n / 2, and every user in two of 4,000 groups.
#[test]
fn a_hundred_thousand_principals_are_told_apart() {
    let groups = (1..=4_000).map(|n| group(&format!("g{n}"), &[&format!("g{}", if n > 1 { n / 2 } else { 4_000 })]));
    let people = (0..96_000).map(|n| user(&format!("u{n}"), IT, &[&format!("g{}", 1 + n % 4_000), "g7"]));
    let catalog = catalog(groups.chain(people));
    let directory = Directory::new(&catalog);
    let category =
        Record::new(&category::SHAPE).with("AllowedMembers", vec![dn("g3")]).with("DeniedMembers", vec![dn("g2000")]);
    let allowed = (0..10_000).filter(|n| directory.allows(&category, &format!("sip:u{n}@x.example"))).count();
    // All are in g7, which is in g3; g1 is in g4000, so that g2000 holds g1, and everything.
    assert_eq!(allowed, 0);
    let category = category.with("DeniedMembers", vec!["OU=Groups,DC=x,DC=example".to_owned()]);
    assert!((0..10_000).all(|n| directory.allows(&category, &format!("sip:u{n}@x.example"))));
    assert_eq!(users(&catalog, &directory, &[dn("g3")]).len(), 96_000);
}
