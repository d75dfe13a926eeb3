//! From the entries of a directory to principals: what is new, what has changed, what is gone. Principals are never
//! removed: history names them.

use crate::context::Context;
use crate::error::Result;
use crate::formats::directory;
use crate::model::catalog::Catalog;
use crate::model::dn;
use crate::model::entry::Entry;
use crate::model::ids::{fold, person_key};
use crate::model::record::{Record, Shape, Value};
use crate::model::time::Ticks;
use crate::rules::merge::check_lengths;
use crate::store::{Amendment, change};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

/// The largest file that is read.
const LARGEST: u64 = 1 << 30;

/// Other attributes that are kept, so that filters of directories find them.
const KEPT: [&str; 14] = [
    "c",
    "co",
    "department",
    "description",
    "employeeID",
    "givenName",
    "l",
    "manager",
    "ou",
    "physicalDeliveryOfficeName",
    "sn",
    "st",
    "telephoneNumber",
    "title",
];

/// The attributes that are asked of a directory.
pub fn attributes() -> Vec<&'static str> {
    let own = [
        "objectClass",
        "objectGUID",
        "cn",
        "name",
        "displayName",
        "mail",
        "userPrincipalName",
        "sAMAccountName",
        "msRTCSIP-PrimaryUserAddress",
        "msRTCSIP-UserEnabled",
        "userAccountControl",
        "memberOf",
        "member",
        "company",
        "uid",
    ];
    own.into_iter().chain(KEPT).collect()
}

/// How an import went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Principals the store did not know.
    pub new: u64,
    /// Principals that have changed.
    pub changed: u64,
    /// Principals that are as they were.
    pub unchanged: u64,
    /// Principals that are gone from the directory.
    pub deleted: u64,
    /// Entries that are none: computers, printers and the like.
    pub passed: u64,
}

/// What comes in.
#[derive(Debug, Default)]
pub struct Incoming {
    /// Entries.
    pub entries: Vec<Entry>,
    /// What lies below these and is not among the entries is gone; without any, nothing is.
    pub bases: Vec<String>,
}

/// Reads files of directories.
pub fn read(paths: &[PathBuf]) -> Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for path in paths {
        let bytes = crate::jobs::audit::read(path, LARGEST)?;
        directory::read(&path.display().to_string(), &bytes, &mut |entry| {
            entries.push(entry);
            Ok(())
        })?;
    }
    Ok(entries)
}

/// What an entry is, in the words of the product's tables; nothing when it is nobody who could be in a room.
fn kind_of(entry: &Entry) -> Option<&'static str> {
    let classes: HashSet<String> = entry.all("objectClass").map(fold).collect();
    let is = |names: &[&str]| names.iter().any(|name| classes.contains(*name));
    if is(&["computer"]) {
        return None;
    }
    if is(&["user", "inetorgperson", "account", "posixaccount"]) {
        return Some("User");
    }
    if is(&["contact"]) {
        return Some("Contact");
    }
    if is(&["group", "groupofnames", "groupofuniquenames", "posixgroup"]) {
        return Some("Group");
    }
    if is(&["domaindns", "domain", "dcobject"]) {
        return Some("DC");
    }
    if is(&["organizationalunit", "container"]) {
        return Some("Folder");
    }
    is(&["person", "organizationalperson"]).then_some("User")
}

/// The principal of an entry; groups that name it come later.
fn principal(shape: &'static Shape, entry: &Entry) -> Option<Record> {
    let kind = kind_of(entry)?;
    let text = |name: &str| entry.one(name).map(|value| value.trim().to_owned());
    let address = text("msRTCSIP-PrimaryUserAddress").filter(|address| !address.is_empty());
    let guid = text("objectGUID");
    let uri = address.clone().or_else(|| guid.as_ref().map(|guid| format!("ma-grp://{guid}")));
    let domain = dn::key(&entry.dn).and_then(|key| dn::domain(&key));
    let logon = text("sAMAccountName").or_else(|| text("uid")).map(|name| {
        let short = domain.as_deref().and_then(|domain| domain.split('.').next()).unwrap_or_default().to_owned();
        if short.is_empty() { name } else { format!("{short}\\{name}") }
    });
    let control = text("userAccountControl").and_then(|value| value.parse::<i64>().ok()).unwrap_or(0);
    let enabled = text("msRTCSIP-UserEnabled").is_none_or(|value| fold(&value) == "true");
    let disabled = control & 2 != 0 || !enabled;
    let mut others: Vec<String> = Vec::new();
    for name in KEPT {
        others.extend(entry.all(name).filter(|value| !value.trim().is_empty()).map(|value| format!("{name}={value}")));
    }
    let name = text("cn").or_else(|| text("name")).or_else(|| dn::first_value(&entry.dn));
    Some(
        Record::new(shape)
            .with("Uri", uri.unwrap_or_else(|| entry.dn.clone()).as_str())
            .with("Type", kind)
            .with("Name", name.clone())
            .with("DisplayName", text("displayName").or(name))
            .with("Company", text("company"))
            .with("Email", text("mail"))
            .with("DirectoryPath", entry.dn.as_str())
            .with("UserPrincipalName", text("userPrincipalName"))
            .with("Logon", logon)
            .with("ObjectClass", entry.all("objectClass").map(str::to_owned).collect::<Vec<_>>())
            .with("Attributes", others)
            .with("Guid", guid)
            .with("Disabled", Value::Int(i64::from(disabled))),
    )
}

/// What is to change.
pub fn decide(catalog: &Catalog, shape: &'static Shape, incoming: &Incoming, at: Ticks) -> (Vec<Record>, Counts) {
    let mut counts = Counts::default();
    let mut records: BTreeMap<String, Record> = BTreeMap::new();
    // Groups say who is in them, and entries say in which groups they are.
    let mut groups: HashMap<String, Vec<String>> = HashMap::new();
    for entry in &incoming.entries {
        let Some(record) = principal(shape, entry) else {
            counts.passed += 1;
            continue;
        };
        for member in entry.all("member").chain(entry.all("uniqueMember")) {
            if let Some(key) = dn::key(member) {
                groups.entry(key).or_default().push(entry.dn.clone());
            }
        }
        if let Some(key) = dn::key(&entry.dn) {
            groups.entry(key).or_default().extend(entry.all("memberOf").map(str::to_owned));
        }
        records.insert(person_key(record.get("Uri").text().unwrap_or_default()), record);
    }
    let affiliations = |dn: &str, before: &[String]| {
        let own = dn::key(dn).and_then(|key| groups.get(&key)).map(Vec::as_slice).unwrap_or_default();
        let mut seen = HashSet::new();
        let mut all: Vec<String> = before.iter().chain(own).filter(|dn| seen.insert(dn::key(dn))).cloned().collect();
        all.sort_by_key(|dn| fold(dn));
        all
    };
    let mut changes = Vec::new();
    let mut found = HashSet::new();
    for old in catalog.of("principal") {
        let key = person_key(old.get("Uri").text().unwrap_or_default());
        let path = old.get("DirectoryPath").text().unwrap_or_default();
        let mut new = old.clone();
        match records.get(&key) {
            Some(record) => {
                found.insert(key);
                for (at, field) in shape.fields.iter().enumerate() {
                    let kept =
                        ["Uri", "Site", "Pool", "VerifiedOn", "CreatedBy", "CreatedOn", "UpdatedBy", "UpdatedOn"];
                    if !kept.contains(&field.name) {
                        new.values[at] = record.values[at].clone();
                    }
                }
                new.set("Affiliations", affiliations(record.get("DirectoryPath").text().unwrap_or_default(), &[]));
                new.discovered = false;
            }
            None => {
                let below = |base: &String| {
                    let (Some(own), Some(base)) = (dn::key(path), dn::key(base)) else { return false };
                    own == base || dn::is_below(&own, &base)
                };
                if *old.get("Disabled") != Value::Int(2) && incoming.bases.iter().any(below) {
                    new.set("Disabled", Value::Int(2));
                    counts.deleted += 1;
                } else if !path.is_empty() {
                    // A group that came in may name somebody who did not.
                    let before = if let Value::List(items) = old.get("Affiliations") { items.as_slice() } else { &[] };
                    new.set("Affiliations", affiliations(path, before));
                }
            }
        }
        if new != *old {
            if *new.get("Disabled") != Value::Int(2) || *old.get("Disabled") == Value::Int(2) {
                counts.changed += 1;
            }
            new.set("VerifiedOn", at);
            changes.push(new);
        } else if records.contains_key(&person_key(old.get("Uri").text().unwrap_or_default())) {
            counts.unchanged += 1;
        }
    }
    for (key, mut record) in records {
        if !found.contains(&key) {
            let path = record.get("DirectoryPath").text().unwrap_or_default().to_owned();
            record.set("Affiliations", affiliations(&path, &[]));
            record.set("VerifiedOn", at);
            record.set("CreatedOn", at);
            counts.new += 1;
            changes.push(record);
        }
    }
    (changes, counts)
}

/// Takes them in, in one transaction. With `what_if` nothing is changed.
pub fn take(
    cx: &Context<'_>,
    shape: &'static Shape,
    incoming: &Incoming,
    action: (&'static str, String),
    what_if: bool,
) -> Result<Counts> {
    let at = (cx.clock)();
    if what_if {
        let catalog = cx.session.settings(&[shape][..].into())?;
        let (changes, counts) = decide(&catalog, shape, incoming, at);
        changes.iter().try_for_each(check_lengths)?;
        return Ok(counts);
    }
    let mut told = Counts::default();
    let mut take = |catalog: &Catalog| {
        let (puts, counts) = decide(catalog, shape, incoming, at);
        puts.iter().try_for_each(check_lengths)?;
        told = counts;
        let details = vec![
            ("new", counts.new.to_string()),
            ("changed", counts.changed.to_string()),
            ("unchanged", counts.unchanged.to_string()),
            ("deleted", counts.deleted.to_string()),
        ];
        let entry = cx.entry(action.0, action.1.clone(), details);
        Ok(Some(Amendment::put(puts, entry)))
    };
    cx.session.write(|store| change::amend(store, &[shape][..], &mut take))?;
    Ok(told)
}
