//! Who is who: principals by all their names, and which of them an entry of a list covers, through groups in groups and
//! organizational units. Built from the settings alone; asks no directory.

mod listed;

pub use self::listed::Lists;
use crate::error::{Error, Kind, Result};
use crate::model::catalog::Catalog;
use crate::model::dn::{self, name_key as exact_key};
use crate::model::field::{self, Key};
pub use crate::model::ids::is_address;
use crate::model::ids::{fold, person_key};
use crate::model::list::List;
use crate::model::record::{Record, Value};
use std::cell::{OnceCell, RefCell};
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

/// So many group memberships are remembered; more are worked out again.
const REMEMBERED: usize = 4_000_000;

/// The principals of a store.
pub struct Directory<'a> {
    catalog: &'a Catalog,
    known: OnceCell<Known<'a>>,
}

/// What is known of them, by number.
struct Known<'a> {
    /// Nothing stands for a group that is only named by its members.
    records: Vec<Option<&'a Record>>,
    /// By address, user principal name, logon and DN.
    exact: HashMap<String, Vec<u32>>,
    /// By display name and name.
    names: HashMap<String, Vec<u32>>,
    /// The DN of each, as a key.
    dns: Vec<Option<String>>,
    /// The groups each is in directly.
    groups: Vec<Vec<u32>>,
    above: RefCell<Above>,
}

/// All groups somebody is in, remembered.
#[derive(Default)]
struct Above {
    by: HashMap<u32, Rc<HashSet<u32>>>,
    size: usize,
}

/// What an entry, or the person it is held against, stands for.
struct Meant {
    key: String,
    dn: Option<String>,
    /// Several, when an address was given to somebody else after its first owner had gone.
    ids: Vec<u32>,
}

impl Meant {
    /// What it lies in, from near to far.
    fn places(&self) -> impl Iterator<Item = &str> {
        self.dn.iter().flat_map(|dn| dn::above(dn))
    }
}

/// Who may hold a role in a category.
pub struct Allowed<'k, 'a> {
    known: &'k Known<'a>,
    allowed: Cover,
    denied: Cover,
}

impl Allowed<'_, '_> {
    /// May this entry?
    pub fn has(&self, entry: &str) -> bool {
        let of = self.known.meant(entry);
        self.allowed.has(self.known, &of) && !self.denied.has(self.known, &of)
    }
}

/// The entries of a list, so that one is held against all of them at once.
#[derive(Default)]
struct Cover {
    keys: HashSet<String>,
    ids: HashSet<u32>,
    /// Groups, which cover whoever is in them.
    groups: HashSet<u32>,
    /// What people lie in.
    places: HashSet<String>,
}

impl Cover {
    fn of(known: &Known<'_>, items: &List) -> Cover {
        let mut cover = Cover::default();
        for item in items {
            let meant = known.meant(item);
            cover.ids.extend(&meant.ids);
            if !known.is_narrow(&meant) {
                cover.groups.extend(&meant.ids);
                cover.places.extend(meant.dn);
            }
            cover.keys.insert(meant.key);
        }
        cover
    }

    fn has(&self, known: &Known<'_>, of: &Meant) -> bool {
        self.keys.contains(&of.key)
            || of.ids.iter().any(|id| self.ids.contains(id))
            || !self.places.is_empty() && of.places().any(|place| self.places.contains(place))
            || !self.groups.is_empty()
                && of.ids.iter().any(|id| known.above(*id).iter().any(|group| self.groups.contains(group)))
    }
}

impl<'a> Directory<'a> {
    /// Of these settings.
    pub fn new(catalog: &'a Catalog) -> Directory<'a> {
        Directory { catalog, known: OnceCell::new() }
    }

    fn known(&self) -> &Known<'a> {
        self.known.get_or_init(|| Known::new(self.catalog))
    }

    /// The principals of this name: SIP address, user principal name, `domain\logon` or DN; else display name or name.
    /// In a display name `*` stands for anything.
    pub fn find(&self, text: &str) -> Vec<&'a Record> {
        let known = self.known();
        let ids = match known.exact.get(&exact_key(text)) {
            Some(ids) if ids.iter().any(|id| known.record(*id).is_some()) => ids.clone(),
            _ => known.named(text),
        };
        ids.into_iter().filter_map(|id| known.record(id)).collect()
    }

    /// Those that have this very name, and no display name like it.
    pub fn exact(&self, text: &str) -> Vec<&'a Record> {
        let known = self.known();
        let ids = known.exact.get(&exact_key(text)).into_iter().flatten();
        ids.filter_map(|id| known.record(*id)).collect()
    }

    /// The one principal of this name. Of several, the one that has not been deleted.
    pub fn one(&self, text: &str) -> Result<&'a Record> {
        only(self.find(text))
    }

    /// What was typed for a list, in the form it is kept in: the SIP address of a user, else the DN. An address or DN
    /// nobody is known for stays as it was written, so that stores without a directory work.
    pub fn entry(&self, text: &str, as_object: bool) -> Result<String> {
        let text = text.trim();
        let known = self.known();
        let named: Vec<&Record> = match as_object {
            true => known.named(text).into_iter().filter_map(|id| known.record(id)).collect(),
            false => Vec::new(),
        };
        let found = if named.is_empty() { self.find(text) } else { named };
        if found.is_empty() && (text.contains('@') || is_address(text) || dn::key(text).is_some()) {
            return Ok(text.to_owned());
        }
        only(found).map(|record| kept(record).to_owned())
    }

    /// The addresses of the people who are meant: all of them where a display name has a `*` in it.
    pub fn people(&self, text: &str) -> Result<Vec<String>> {
        if text.contains('*') {
            let users = self.find(text).into_iter().filter(|record| is_user(record) && !is_deleted(record));
            let found: Vec<String> = users.map(|record| kept(record).to_owned()).collect();
            return if found.is_empty() { only(Vec::new()).map(|_| found) } else { Ok(found) };
        }
        Ok(vec![self.entry(text, false)?])
    }

    /// How an entry is shown: with `as_object` by display name, if that is known.
    pub fn shown(&self, entry: &str, as_object: bool) -> String {
        let known = || {
            let record = *self.meant_by_list(entry).first()?;
            record.at(field::DISPLAY_NAME).or_else(|| record.at(field::NAME))
        };
        match as_object {
            true => known().unwrap_or(entry).to_owned(),
            false => entry.to_owned(),
        }
    }

    /// Does an entry of a list cover another one: the same principal, a group it is in, a unit, container or domain it
    /// lies in? Who has been deleted covers nobody else.
    pub fn covers(&self, entry: &str, of: &str) -> bool {
        if person_key(entry) == person_key(of) {
            return true;
        }
        let known = self.known();
        known.covers(&known.meant(entry), &known.meant(of))
    }

    /// May this entry hold a role in a category: is it in the allowed members, and not in the denied ones?
    pub fn allows(&self, category: &Record, entry: &str) -> bool {
        self.allowed(category).has(entry)
    }

    /// The same for many entries of one category.
    pub fn allowed(&self, category: &Record) -> Allowed<'_, 'a> {
        let known = self.known();
        let cover = |key: Key<List>| Cover::of(known, category.at(key));
        Allowed { known, allowed: cover(field::ALLOWED_MEMBERS), denied: cover(field::DENIED_MEMBERS) }
    }

    /// The principals whom an entry of a list names. A star in it stands for itself.
    pub fn meant_by_list(&self, entry: &str) -> Vec<&'a Record> {
        if entry.contains('*') { self.exact(entry) } else { self.find(entry) }
    }
}

impl<'a> Known<'a> {
    fn new(catalog: &'a Catalog) -> Known<'a> {
        let mut known = Known {
            records: Vec::new(),
            exact: HashMap::new(),
            names: HashMap::new(),
            dns: Vec::new(),
            groups: Vec::new(),
            above: RefCell::default(),
        };
        for record in catalog.of("principal") {
            let id = known.add(Some(record), record.at(field::DIRECTORY_PATH).and_then(dn::key));
            let texts = [field::URI, field::USER_PRINCIPAL_NAME, field::LOGON].map(|key: Key<str>| record.at(key));
            for text in texts.into_iter().flatten() {
                put(&mut known.exact, exact_key(text), id);
            }
            if let Some(key) = known.dns[id as usize].clone() {
                put(&mut known.exact, key, id);
            }
            for text in [field::DISPLAY_NAME, field::NAME].map(|key: Key<str>| record.at(key)).into_iter().flatten() {
                put(&mut known.names, fold(text.trim()), id);
            }
        }
        for at in 0..known.records.len() {
            let Some(Value::List(groups)) = known.records[at].map(|record| record.value(field::AFFILIATIONS)) else {
                continue;
            };
            for group in groups {
                let key = exact_key(group);
                let ids = match known.exact.get(&key) {
                    Some(ids) => ids.clone(),
                    None => {
                        let id = known.add(None, dn::key(group));
                        put(&mut known.exact, key, id);
                        vec![id]
                    }
                };
                known.groups[at].extend(ids);
            }
        }
        known
    }

    fn add(&mut self, record: Option<&'a Record>, dn: Option<String>) -> u32 {
        self.records.push(record);
        self.dns.push(dn);
        self.groups.push(Vec::new());
        u32::try_from(self.records.len() - 1).unwrap_or(u32::MAX)
    }

    fn record(&self, id: u32) -> Option<&'a Record> {
        self.records.get(id as usize).copied().flatten()
    }

    /// By display name, with `*` for anything, or name.
    fn named(&self, text: &str) -> Vec<u32> {
        let wanted = fold(text.trim());
        if !wanted.contains('*') {
            return self.names.get(&wanted).cloned().unwrap_or_default();
        }
        let pattern: Vec<&str> = wanted.split('*').collect();
        let fits = |id: &u32| self.record(*id).is_some_and(|record| is_shown_like(&pattern, record));
        (0..u32::try_from(self.records.len()).unwrap_or(u32::MAX)).filter(fits).collect()
    }

    fn meant(&self, text: &str) -> Meant {
        let key = exact_key(text);
        let ids = self.exact.get(&key).cloned().unwrap_or_default();
        let dn = dn::key(text).or_else(|| ids.first().and_then(|id| self.dns[*id as usize].clone()));
        Meant { key, dn, ids }
    }

    /// Does an entry cover nobody but itself, because it is a user or is gone?
    fn is_narrow(&self, entry: &Meant) -> bool {
        let record = entry.ids.first().and_then(|id| self.record(*id));
        record.is_some_and(|record| is_deleted(record) || is_user(record))
    }

    fn covers(&self, entry: &Meant, of: &Meant) -> bool {
        if entry.key == of.key || entry.ids.iter().any(|id| of.ids.contains(id)) {
            return true;
        }
        if self.is_narrow(entry) {
            return false;
        }
        let below = match (&entry.dn, &of.dn) {
            (Some(above), Some(dn)) => dn::is_below(dn, above),
            _ => false,
        };
        below || of.ids.iter().any(|id| self.above(*id).iter().any(|group| entry.ids.contains(group)))
    }

    /// All groups this one is in, also through other groups. Groups that are in each other are no trouble.
    fn above(&self, id: u32) -> Rc<HashSet<u32>> {
        if let Some(found) = self.above.borrow().by.get(&id) {
            return found.clone();
        }
        let mut found = HashSet::new();
        let mut open = self.groups[id as usize].clone();
        while let Some(group) = open.pop() {
            if !self.record(group).is_some_and(is_deleted) && found.insert(group) {
                open.extend(&self.groups[group as usize]);
            }
        }
        let found = Rc::new(found);
        let mut above = self.above.borrow_mut();
        above.size += found.len() + 1;
        if above.size > REMEMBERED {
            *above = Above { size: found.len() + 1, ..Above::default() };
        }
        above.by.insert(id, found.clone());
        found
    }
}

fn put(map: &mut HashMap<String, Vec<u32>>, key: String, id: u32) {
    let ids = map.entry(key).or_default();
    if !ids.contains(&id) {
        ids.push(id);
    }
}

fn is_shown_like(pattern: &[&str], record: &Record) -> bool {
    record.at(field::DISPLAY_NAME).is_some_and(|name| is_like(pattern, &fold(name)))
}

/// Does the display name of a principal fit a pattern, in which `*` stands for anything?
pub fn is_shown_as(record: &Record, pattern: &str) -> bool {
    is_shown_like(&fold(pattern.trim()).split('*').collect::<Vec<_>>(), record)
}

/// Does folded text fit a pattern that was split at its stars?
fn is_like(pattern: &[&str], text: &str) -> bool {
    let [first, middle @ .., last] = pattern else { return pattern.first() == Some(&text) };
    let Some(rest) = text.strip_prefix(first) else { return false };
    let Some(mut rest) = rest.strip_suffix(last) else { return false };
    for part in middle {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    true
}

/// Of several, those that have not been deleted.
fn only(mut found: Vec<&Record>) -> Result<&Record> {
    if found.iter().any(|record| !is_deleted(record)) {
        found.retain(|record| !is_deleted(record));
    }
    match found.as_slice() {
        [one] => Ok(one),
        [] => Err(Error::new(Kind::NotFound, "no principal has this name").hint(
            "name a user by SIP address, user principal name, domain\\logon or display name, a group or unit by DN; pchat \
             principal get lists those that are known",
        )),
        several => Err(Error::new(Kind::Refused, format!("{} principals have this name", several.len()))
            .hint("give the SIP address or DN of one of them")),
    }
}

/// The form in which lists name a principal: the SIP address, else the DN.
pub fn kept(record: &Record) -> &str {
    match uri(record) {
        address if is_address(address) => address,
        other => record.at(field::DIRECTORY_PATH).unwrap_or(other),
    }
}

fn uri(record: &Record) -> &str {
    record.at(field::URI).unwrap_or_default()
}

/// Is it a user? Histories name people without saying so.
pub fn is_user(record: &Record) -> bool {
    match record.at(field::TYPE) {
        Some(kind) => fold(kind) == "user",
        None => is_address(uri(record)),
    }
}

/// Is it neither disabled nor deleted?
pub fn is_active(record: &Record) -> bool {
    matches!(record.value(field::ACCOUNT_STATE), Value::Null | Value::Int(0))
}

/// Has it gone from the directory?
pub fn is_deleted(record: &Record) -> bool {
    record.at(field::ACCOUNT_STATE) == Some(2)
}
