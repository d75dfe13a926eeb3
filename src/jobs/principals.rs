//! From the entries of a directory to principals: what is new, what has changed, what is gone. Principals are never
//! removed: history names them.

mod incoming;
mod settle;

pub use self::incoming::Incoming;
use self::settle::{Known, settle};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::formats::directory;
use crate::model::dn;
use crate::model::entry::Entry;
use crate::model::field;
use crate::model::ids::fold;
use crate::model::record::{Record, Shape};
use crate::store::Corpus;
use crate::store::change::{self, Each};
use std::collections::HashSet;
use std::path::PathBuf;

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

/// Reads files of directories.
pub fn read(shape: &'static Shape, paths: &[PathBuf]) -> Result<Incoming> {
    let mut incoming = Incoming::new(shape)?;
    for path in paths {
        let file = path.display().to_string();
        let mut input = crate::files::open(path).map_err(|error| Error::io(&file, error))?;
        incoming.references += directory::read(&file, &mut input, &mut |entry| incoming.add(&entry, Some(&file)))?;
    }
    Ok(incoming)
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
pub fn take(cx: &Context<'_>, incoming: &Incoming, action: (&'static str, String), agreed: Agreed) -> Result<Counts> {
    let at = (cx.clock)();
    if agreed == Agreed::WhatIf {
        return cx.session.read(|store| settle(&mut Seen(store, incoming.shape()), incoming, at));
    }
    let mut told = Counts::default();
    let mut decide = |each: &mut Each<'_>| {
        let counts = settle(each, incoming, at)?;
        if counts.asks() && !matches!(agreed, Agreed::To(most) if counts.deleted <= most) {
            return Err(Error::new(
                Kind::Unconfirmed,
                "more principals would be marked as deleted than when you were \
                asked",
            )
            .hint("nothing was changed; run the same command again"));
        }
        told = counts;
        let details = vec![
            ("new", counts.new.to_string()),
            ("changed", counts.changed.to_string()),
            ("unchanged", counts.unchanged.to_string()),
            ("deleted", counts.deleted.to_string()),
        ];
        Ok(Some(cx.entry(action.0, action.1.clone(), details)))
    };
    cx.session.write(|store| change::amend_each(store, incoming.shape(), at, &mut decide))?;
    Ok(told)
}

/// A store that is only looked at.
struct Seen<'a>(&'a mut dyn Corpus, &'static Shape);

impl Known for Seen<'_> {
    fn get(&mut self, key: &str) -> Result<Option<Record>> {
        self.0.get(self.1, key)
    }

    fn after(&mut self, number: i64, most: usize) -> Result<Vec<(i64, Record)>> {
        self.0.after(self.1, number, most)
    }

    fn put(&mut self, _record: &Record) -> Result<()> {
        Ok(())
    }
}

impl Known for Each<'_> {
    fn get(&mut self, key: &str) -> Result<Option<Record>> {
        Each::get(self, key)
    }

    fn after(&mut self, number: i64, most: usize) -> Result<Vec<(i64, Record)>> {
        Each::after(self, number, most)
    }

    fn put(&mut self, record: &Record) -> Result<()> {
        Each::put(self, record)
    }
}
