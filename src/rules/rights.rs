//! Who may do what in a room: policy, category and room settle it together.

use crate::error::{Error, Kind, Result};
use crate::model::catalog::Catalog;
use crate::model::field::{self, Key};
use crate::model::ids::{fold, person_key};
use crate::model::list::List;
use crate::model::record::{Record, Value};
use crate::rules::directory::Directory;
use std::collections::HashMap;

/// KB that a file may have where nobody has said otherwise.
const LARGEST_FILE_KB: u64 = 20_000;

/// What somebody does in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// Enters.
    Enter,
    /// Leaves.
    Leave,
    /// Writes.
    Post,
    /// Puts a file into it.
    Upload,
}

/// Does an entry of a list cover a person?
pub fn covered(directory: &Directory<'_>, list: &Value, person: &str) -> bool {
    match list {
        Value::List(items) => items.iter().any(|item| directory.covers(item, person)),
        _ => false,
    }
}

/// Members are those the list names, as far as the category allows them; without a list, and in Open rooms, all the
/// category allows. Managers are members.
pub fn is_member(catalog: &Catalog, directory: &Directory<'_>, room: &Record, person: &str) -> bool {
    let category = category_of(catalog, room);
    let allowed = category.is_some_and(|category| directory.allows(category, person));
    let listed = |key: Key<List>| covered(directory, room.value(key), person) && (allowed || category.is_none());
    match room.value(field::MEMBERS) {
        Value::List(_) if room.at(field::PRIVACY) != Some("Open") => listed(field::MEMBERS) || listed(field::MANAGERS),
        _ => allowed,
    }
}

/// The category of a room.
pub fn category_of<'a>(catalog: &'a Catalog, room: &Record) -> Option<&'a Record> {
    catalog.of("category").find(|category| lies_in(room, category))
}

/// Is a room one of this category's?
pub fn lies_in(room: &Record, category: &Record) -> bool {
    let text = |record: &Record, key: Key<str>| record.at(key).map(fold);
    text(room, field::POOL) == text(category, field::POOL) && text(room, field::CATEGORY) == text(category, field::NAME)
}

fn denied(what: String) -> Error {
    Error::new(Kind::Denied, what)
}

/// The first of these scopes that there are settings of this noun for.
fn effective<'a>(catalog: &'a Catalog, noun: &'static str, scopes: &[String]) -> Option<&'a Record> {
    let of = |scope: &String| catalog.of(noun).find(|record| record.at(field::IDENTITY).map(fold) == Some(fold(scope)));
    scopes.iter().find_map(of)
}

/// The scope of the site of a person, if the directory says which.
fn site_of(catalog: &Catalog, person: &str) -> Option<String> {
    let key = Some(person_key(person));
    let principal = catalog.of("principal").find(|principal| principal.at(field::URI).map(person_key) == key);
    principal.and_then(|principal| principal.at(field::SITE)).map(|site| format!("site:{site}"))
}

/// The policy of a person: the one they were given, else that of their site, else the global one.
pub fn policy_of<'a>(catalog: &'a Catalog, person: &str) -> Option<&'a Record> {
    let key = Some(person_key(person));
    let grant = catalog.of("grant").find(|grant| grant.at(field::IDENTITY).map(person_key) == key);
    let site = site_of(catalog, person);
    let given = grant.and_then(|grant| grant.at(field::POLICY)).map(str::to_owned);
    let scopes: Vec<String> = given.into_iter().chain(site).chain(["global".to_owned()]).collect();
    effective(catalog, "policy", &scopes)
}

/// The policies of many people, without looking for each through all settings.
pub struct Policies<'a> {
    grants: HashMap<String, &'a str>,
    sites: HashMap<String, String>,
    policies: HashMap<String, &'a Record>,
}

impl<'a> Policies<'a> {
    /// Of these settings.
    pub fn new(settings: &'a Catalog) -> Policies<'a> {
        let mut policies = HashMap::new();
        for policy in settings.of("policy") {
            policies.entry(fold(policy.at(field::IDENTITY).unwrap_or_default())).or_insert(policy);
        }
        let mut grants = HashMap::new();
        for grant in settings.of("grant") {
            if let (Some(person), Some(policy)) = (grant.at(field::IDENTITY), grant.at(field::POLICY)) {
                grants.entry(person_key(person)).or_insert(policy);
            }
        }
        Policies { grants, sites: HashMap::new(), policies }
    }

    /// These are the people who are asked for next.
    pub fn turn(&mut self, people: &Catalog) {
        self.sites.clear();
        for person in people.of("principal") {
            if let (Some(address), Some(site)) = (person.at(field::URI), person.at(field::SITE)) {
                self.sites.entry(person_key(address)).or_insert_with(|| site.to_owned());
            }
        }
    }

    /// As [`policy_of`].
    pub fn of(&self, person: &str) -> Option<&'a Record> {
        let key = person_key(person);
        let given = self.grants.get(&key).map(|policy| fold(policy));
        let site = self.sites.get(&key).map(|site| fold(&format!("site:{site}")));
        let mut scopes = given.into_iter().chain(site).chain(["global".to_owned()]);
        scopes.find_map(|scope| self.policies.get(&scope).copied())
    }
}

/// Fails when the policy of a person does not let them use rooms at all.
pub fn enabled(catalog: &Catalog, person: &str) -> Result<()> {
    let policy = policy_of(catalog, person);
    if policy.is_some_and(|policy| policy.at(field::ENABLE_PERSISTENT_CHAT) == Some(true)) {
        return Ok(());
    }
    let name = policy.map_or_else(|| "global".to_owned(), Record::identity);
    Err(denied(format!("policy {name}, which is that of this person, does not enable Persistent Chat"))
        .hint("pchat policy grant gives another one; pchat policy set global --enable enables everybody"))
}

/// Fails when the rules forbid it; otherwise, is it kept?
pub fn check(catalog: &Catalog, directory: &Directory<'_>, room: &Record, person: &str, deed: Deed) -> Result<bool> {
    let identity = room.identity();
    if deed == Deed::Leave {
        // Nobody is held back.
        return Ok(keeps_history(catalog, room));
    }
    enabled(catalog, person)?;
    if room.at(field::DISABLED) == Some(true) {
        return Err(Error::new(Kind::Refused, format!("room {identity} is disabled"))
            .hint("pchat room set --disabled false enables it"));
    }
    if !is_member(catalog, directory, room, person) {
        return Err(denied(format!("this person is not a member of room {identity}")).hint(
            "members are those of the room whom its category allows: pchat room get and pchat category get show them",
        ));
    }
    if matches!(deed, Deed::Post | Deed::Upload)
        && room.at(field::TYPE) == Some("Auditorium")
        && !covered(directory, room.value(field::PRESENTERS), person)
    {
        return Err(denied(format!("this person is not among Presenters of Auditorium room {identity}"))
            .hint("pchat room set --presenters names who may post"));
    }
    let category = category_of(catalog, room);
    if deed == Deed::Upload && category.is_none_or(|category| category.at(field::FILE_UPLOAD) != Some(true)) {
        return Err(Error::new(Kind::Refused, format!("the category of room {identity} allows no files"))
            .hint("pchat category set --file-upload true allows them"));
    }
    Ok(keeps_history(catalog, room))
}

/// A category that says nothing keeps history.
pub fn keeps_history(catalog: &Catalog, room: &Record) -> bool {
    category_of(catalog, room).is_none_or(|category| category.at(field::CHAT_HISTORY) != Some(false))
}

/// The most bytes a file of a person may have in a room: as the settings of its pool say, else those of the site of the
/// person, else the global ones. What a narrower scope leaves open, the next one says.
pub fn largest_file(catalog: &Catalog, room: &Record, person: &str) -> u64 {
    let pool = room.at(field::POOL).unwrap_or_default();
    let service = format!("service:PersistentChatServer:{pool}");
    let scopes = [Some(service), site_of(catalog, person), Some("global".to_owned())];
    let said = scopes.into_iter().flatten().find_map(|scope| {
        match effective(catalog, "configuration", &[scope])?.value(field::MAX_FILE_SIZE_KB) {
            Value::Int(kb) => u64::try_from(*kb).ok(),
            _ => None,
        }
    });
    said.unwrap_or(LARGEST_FILE_KB).saturating_mul(1024)
}
