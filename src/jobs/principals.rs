//! From the entries of a directory to principals: what is new, what has changed, what is gone. Principals are never
//! removed: history names them.

use crate::context::Context;
use crate::error::{Error, Kind, Place, Result};
use crate::formats::directory;
use crate::model::catalog::Catalog;
use crate::model::dn;
use crate::model::entry::Entry;
use crate::model::field;
use crate::model::ids::{fold, person_key};
use crate::model::record::{Record, Shape};
use crate::model::time::Ticks;
use crate::rules::merge::check_lengths;
use crate::store::{Amendment, change};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::Read;
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

/// What is kept of groups among the other attributes: whom a group names, and which groups an entry names. Membership
/// follows from both, so what one file says is not lost with the next, and what is no longer said is.
pub const MEMBER: &str = "member";
/// See [`MEMBER`].
pub const MEMBER_OF: &str = "memberOf";

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
    /// Principals below the bases that were not deleted before.
    pub present: u64,
    /// References to other directories, which were not asked.
    pub references: u64,
    /// One of the bases has no entry below it.
    pub barren: bool,
}

impl Counts {
    /// Is this so much that somebody should look at it first?
    pub fn asks(&self) -> bool {
        self.deleted > 0 && (self.barren || self.deleted.saturating_mul(10) > self.present)
    }
}

/// What comes in.
#[derive(Debug, Default)]
pub struct Incoming {
    /// Entries.
    pub entries: Vec<Entry>,
    /// What lies below these and is not among the entries is gone; without any, nothing is.
    pub bases: Vec<String>,
    /// How often the directory refers to others. What lies there is unknown, so nobody is called gone.
    pub references: u64,
}

/// Reads files of directories.
pub fn read(paths: &[PathBuf]) -> Result<Incoming> {
    let mut incoming = Incoming::default();
    // Each address, with whose it is and where that stands.
    let mut owners: HashMap<String, (Option<String>, Place)> = HashMap::new();
    for path in paths {
        let file = path.display().to_string();
        let told = |error| Error::io(&file, error);
        let mut bytes = Vec::new();
        let opened = crate::files::open(path).map_err(told)?;
        opened.take(LARGEST + 1).read_to_end(&mut bytes).map_err(told)?;
        if bytes.len() as u64 > LARGEST {
            return Err(Error::new(Kind::Refused, format!("the file is larger than {LARGEST} bytes"))
                .at(Place::file(&file))
                .hint("export it in parts, one for each unit: ldifde -u -d OU=IT,DC=example,DC=com -f FILE"));
        }
        incoming.references += directory::read(&file, &bytes, &mut |entry| {
            let place = Place { file: file.clone(), line: entry.line as u64, column: 0 };
            let own = dn::key(&entry.dn);
            if let Some(address) = address(&entry) {
                match owners.get(&person_key(&address)) {
                    Some((other, first)) if *other != own => {
                        let what = format!("this entry has the SIP address of another one, at {first}");
                        return Err(Error::damaged(place, what).hint("an address belongs to one entry: leave one out"));
                    }
                    _ => owners.insert(person_key(&address), (own, place)),
                };
            }
            incoming.entries.push(entry);
            Ok(())
        })?;
    }
    Ok(incoming)
}

/// Two entries of a live directory must not have one address, either.
pub fn distinct(entries: &[Entry]) -> Result<()> {
    let mut owners: HashMap<String, Option<String>> = HashMap::new();
    for entry in entries {
        let Some(address) = address(entry) else { continue };
        let own = dn::key(&entry.dn);
        if owners.insert(person_key(&address), own.clone()).is_some_and(|other| other != own) {
            return Err(Error::new(Kind::Damaged, "two entries of the directory have one SIP address").hint(
                "an address belongs to one entry; principal import names the line: ldapsearch … > FILE, then pchat \
                 principal import FILE",
            ));
        }
    }
    Ok(())
}

/// The SIP address of whoever can be in a room.
fn address(entry: &Entry) -> Option<String> {
    kind_of(entry)?;
    entry.one("msRTCSIP-PrimaryUserAddress").map(|address| address.trim().to_owned())
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
    let members = entry.all("member").chain(entry.all("uniqueMember"));
    others.extend(members.map(|dn| format!("{MEMBER}={dn}")));
    others.extend(entry.all("memberOf").map(|dn| format!("{MEMBER_OF}={dn}")));
    let name = text("cn").or_else(|| text("name")).or_else(|| dn::first_value(&entry.dn));
    Some(
        Record::new(shape)
            .with(field::URI, uri.unwrap_or_else(|| entry.dn.clone()).as_str())
            .with(field::TYPE, kind)
            .with(field::NAME, name.clone())
            .with(field::DISPLAY_NAME, text("displayName").or(name))
            .with(field::COMPANY, text("company"))
            .with(field::EMAIL, text("mail"))
            .with(field::DIRECTORY_PATH, entry.dn.as_str())
            .with(field::USER_PRINCIPAL_NAME, text("userPrincipalName"))
            .with(field::LOGON, logon)
            .with(field::OBJECT_CLASS, entry.all("objectClass").map(str::to_owned).collect::<Vec<_>>())
            .with(field::ATTRIBUTES, others)
            .with(field::GUID, guid)
            .with(field::ACCOUNT_STATE, i64::from(disabled)),
    )
}

/// The values of an attribute that is kept among the others.
fn kept<'a>(record: &'a Record, name: &'a str) -> impl Iterator<Item = &'a str> {
    let items = record.at(field::ATTRIBUTES);
    items.iter().filter_map(move |item| item.strip_prefix(name)?.strip_prefix('='))
}

/// Who is in which groups, by what groups and members say.
fn memberships<'a>(records: impl Iterator<Item = &'a Record>) -> HashMap<String, Vec<String>> {
    let mut groups: HashMap<String, Vec<String>> = HashMap::new();
    for record in records {
        let Some(path) = record.at(field::DIRECTORY_PATH) else { continue };
        for member in kept(record, MEMBER).filter_map(dn::key) {
            groups.entry(member).or_default().push(path.to_owned());
        }
        if let Some(own) = dn::key(path) {
            groups.entry(own).or_default().extend(kept(record, MEMBER_OF).map(str::to_owned));
        }
    }
    for groups in groups.values_mut() {
        // One spelling of each, whichever came first.
        groups.sort_by_key(|dn| (dn::key(dn), dn.clone()));
        groups.dedup_by_key(|dn| dn::key(dn));
        groups.sort_by_key(|dn| fold(dn));
    }
    groups
}

/// What is to change.
pub fn decide(catalog: &Catalog, shape: &'static Shape, incoming: &Incoming, at: Ticks) -> (Vec<Record>, Counts) {
    const KEPT_AS_IT_IS: [&str; 9] =
        ["Uri", "Site", "Pool", "Affiliations", "VerifiedOn", "CreatedBy", "CreatedOn", "UpdatedBy", "UpdatedOn"];
    let mut counts = Counts { references: incoming.references, ..Counts::default() };
    let mut records: BTreeMap<String, Record> = BTreeMap::new();
    for entry in &incoming.entries {
        match principal(shape, entry) {
            Some(record) => drop(records.insert(person_key(record.at(field::URI).unwrap_or_default()), record)),
            None => counts.passed += 1,
        }
    }
    let bases: Vec<String> = match incoming.references {
        0 => incoming.bases.iter().filter_map(|base| dn::key(base)).collect(),
        _ => Vec::new(),
    };
    let below = |path: &str, base: &String| dn::key(path).is_some_and(|own| own == *base || dn::is_below(&own, base));
    let paths: Vec<&str> = incoming.entries.iter().map(|entry| entry.dn.as_str()).collect();
    counts.barren = bases.iter().any(|base| !paths.iter().any(|path| below(path, base)));
    let mut found: HashSet<String> = HashSet::new();
    // Each principal as it was, if it was, and as it is to be.
    let mut all: Vec<(Option<&Record>, Record)> = Vec::new();
    for old in catalog.of("principal") {
        let mut new = old.clone();
        match records.remove(&person_key(old.at(field::URI).unwrap_or_default())) {
            Some(record) => {
                for (at, field) in shape.fields.iter().enumerate() {
                    if !KEPT_AS_IT_IS.contains(&field.name) {
                        new.values[at] = record.values[at].clone();
                    }
                }
                new.discovered = false;
                // It may lie elsewhere now, and be below a base all the same.
                if bases.iter().any(|base| below(old.at(field::DIRECTORY_PATH).unwrap_or_default(), base)) {
                    counts.present += u64::from(old.at(field::ACCOUNT_STATE) != Some(2));
                }
                found.insert(old.key());
            }
            None => {
                let path = old.at(field::DIRECTORY_PATH).unwrap_or_default();
                if old.at(field::ACCOUNT_STATE) != Some(2) && bases.iter().any(|base| below(path, base)) {
                    new.set(field::ACCOUNT_STATE, 2);
                    counts.present += 1;
                    counts.deleted += 1;
                }
            }
        }
        all.push((Some(old), new));
    }
    all.extend(records.into_values().map(|record| (None, record)));
    let groups = memberships(all.iter().map(|(_, new)| new));
    let mut changes = Vec::new();
    for (old, mut new) in all {
        let known = new.at(field::DIRECTORY_PATH).and_then(dn::key);
        if let Some(own) = known {
            new.set(field::AFFILIATIONS, groups.get(&own).cloned().unwrap_or_default());
        }
        match old {
            None => {
                new.set(field::CREATED_ON, at);
                counts.new += 1;
            }
            Some(old) if new == *old => {
                counts.unchanged += u64::from(found.contains(&old.key()));
                continue;
            }
            Some(old) => {
                let gone = new.at(field::ACCOUNT_STATE) == Some(2) && old.at(field::ACCOUNT_STATE) != Some(2);
                if !gone {
                    counts.changed += 1;
                }
            }
        }
        new.set(field::VERIFIED_ON, at);
        changes.push(new);
    }
    (changes, counts)
}

/// What may be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Agreed {
    /// Nothing: it is only said what would be.
    WhatIf,
    /// What needs no question.
    Usual,
    /// So many principals may be gone.
    To(u64),
}

/// Takes them in, in one transaction.
pub fn take(
    cx: &Context<'_>,
    shape: &'static Shape,
    incoming: &Incoming,
    action: (&'static str, String),
    agreed: Agreed,
) -> Result<Counts> {
    let at = (cx.clock)();
    if agreed == Agreed::WhatIf {
        let catalog = cx.session.settings(&[shape][..].into())?;
        let (changes, counts) = decide(&catalog, shape, incoming, at);
        changes.iter().try_for_each(check_lengths)?;
        return Ok(counts);
    }
    let mut told = Counts::default();
    let mut take = |catalog: &Catalog| {
        let (puts, counts) = decide(catalog, shape, incoming, at);
        if counts.asks() && !matches!(agreed, Agreed::To(most) if counts.deleted <= most) {
            return Err(Error::new(Kind::Unconfirmed, "more principals would be gone now than before the question")
                .hint("nothing was changed; run the same command again"));
        }
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
