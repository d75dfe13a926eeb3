//! The lists of a category, held as hashes of names, so that people are held against them page by page: the answers
//! are those of a directory that knows everybody at once. Must not keep records of one page for the next.

use super::{Directory, Known, Meant, exact_key, is_active, is_user, kept, uri};
use crate::model::hash::short;
use crate::model::ids::person_key;
use crate::model::record::Record;
use std::collections::HashSet;

/// The allowed and the denied members of a category, and who of them was met.
#[derive(Default)]
pub struct Lists {
    allowed: Listed,
    denied: Listed,
    /// The allowed ones nobody is known for, by number.
    open: Vec<usize>,
    /// Their names: only those matter of whoever is met.
    asked: HashSet<u128>,
    met: Listed,
}

/// Names, as hashes.
#[derive(Default)]
struct Listed {
    keys: HashSet<u128>,
    /// Those of groups, which cover whoever is in them.
    wide: HashSet<u128>,
    /// What people lie in.
    places: HashSet<u128>,
}

impl Listed {
    fn add(&mut self, known: &Known<'_>, entry: &str) {
        let meant = known.meant(entry);
        let key = short(&meant.key);
        self.keys.insert(key);
        if !known.is_narrow(&meant) {
            self.wide.insert(key);
            self.places.extend(meant.dn.as_deref().map(short));
        }
    }

    fn covers(&self, known: &Known<'_>, names: &[Vec<u128>], of: &Meant) -> bool {
        let any = |set: &HashSet<u128>, id: &u32| names[*id as usize].iter().any(|name| set.contains(name));
        self.keys.contains(&short(&of.key))
            || of.ids.iter().any(|id| any(&self.keys, id))
            || !self.places.is_empty() && of.places().any(|place| self.places.contains(&short(place)))
            || !self.wide.is_empty()
                && of.ids.iter().any(|id| known.above(*id).iter().any(|group| any(&self.wide, group)))
    }
}

/// What the principals of one page are to the lists.
pub struct Page<'l, 'a> {
    lists: &'l mut Lists,
    known: &'l Known<'a>,
    /// The names of each, as hashes.
    names: Vec<Vec<u128>>,
}

impl Lists {
    /// Entries of the denied members, whose principals the directory knows.
    pub fn deny(&mut self, directory: &Directory<'_>, entries: &[String]) {
        entries.iter().for_each(|entry| self.denied.add(directory.known(), entry));
    }

    /// Entries of the allowed members, whose principals the directory knows; the first has this number.
    pub fn allow(&mut self, directory: &Directory<'_>, entries: &[String], first: usize) {
        for (entry, number) in entries.iter().zip(first..) {
            self.allowed.add(directory.known(), entry);
            if !directory.meant_by_list(entry).iter().any(|record| is_user(record)) {
                let meant = directory.known().meant(entry);
                self.open.push(number);
                self.asked.extend([short(&person_key(entry)), short(&meant.key)]);
                self.asked.extend(meant.dn.as_deref().map(short));
            }
        }
    }

    /// The numbers of allowed entries nobody is known for.
    pub fn open(&mut self) -> Vec<usize> {
        std::mem::take(&mut self.open)
    }

    /// Holds what a directory knows against the lists.
    pub fn page<'l, 'a>(&'l mut self, directory: &'l Directory<'a>) -> Page<'l, 'a> {
        let known = directory.known();
        let mut names = vec![Vec::new(); known.records.len()];
        for (key, ids) in &known.exact {
            let key = short(key);
            ids.iter().for_each(|id| names[*id as usize].push(key));
        }
        Page { lists: self, known, names }
    }
}

impl Page<'_, '_> {
    /// Is this a user, neither disabled nor deleted, who may hold a role? Who may was met.
    pub fn user(&mut self, record: &Record) -> bool {
        let (known, key) = (self.known, exact_key(uri(record)));
        let is = |id: &&u32| known.record(**id).is_some_and(|other| uri(other) == uri(record));
        let Some(id) = known.exact.get(&key).into_iter().flatten().find(is).copied() else { return false };
        let own = Meant { key, dn: known.dns[id as usize].clone(), ids: vec![id] };
        let may = is_user(record)
            && is_active(record)
            && self.lists.allowed.covers(known, &self.names, &own)
            && self.may(&known.meant(kept(record)));
        if may {
            self.meet(kept(record));
        }
        may
    }

    /// May this entry nobody is known for hold a role, and covers nobody who was met? Then it was met, too.
    pub fn entry(&mut self, entry: &str) -> bool {
        let meant = self.known.meant(entry);
        let (met, key) = (&self.lists.met, short(&meant.key));
        let own = met.keys.contains(&short(&person_key(entry))) || met.keys.contains(&key);
        let wide = || met.wide.contains(&key) || meant.dn.as_deref().is_some_and(|dn| met.places.contains(&short(dn)));
        let stands = !own && (self.known.is_narrow(&meant) || !wide()) && self.may(&meant);
        if stands {
            self.meet(entry);
        }
        stands
    }

    fn may(&self, of: &Meant) -> bool {
        let covers = |list: &Listed| list.covers(self.known, &self.names, of);
        covers(&self.lists.allowed) && !covers(&self.lists.denied)
    }

    fn meet(&mut self, entry: &str) {
        let of = self.known.meant(entry);
        let Lists { asked, met, .. } = &mut *self.lists;
        let asked = |name: &u128| asked.contains(name);
        met.keys.extend([short(&of.key), short(&person_key(entry))].into_iter().filter(asked));
        for id in &of.ids {
            met.keys.extend(self.names[*id as usize].iter().filter(|name| asked(name)));
            for group in self.known.above(*id).iter() {
                met.wide.extend(self.names[*group as usize].iter().filter(|name| asked(name)));
            }
        }
        met.places.extend(of.places().map(short).filter(asked));
    }
}
