//! Whom somebody means by a name: people of the directory and of the history, by every name they have or had. What
//! means nobody, or more than one, is never taken for anything.

use super::directory::{is_deleted, is_user};
use crate::error::{Error, Kind, Result};
use crate::model::catalog::Catalog;
use crate::model::field::{self, Key};
use crate::model::ids::{address_key, fold, is_address, person_key};
use crate::model::message::Persona;
use crate::model::record::Record;
use crate::select::names::{distance, glob};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// So many names are offered when somebody is not found, or listed when several are.
const OFFERED: usize = 3;

/// How sure a kind of name is: what is found by the first is not looked for by the next.
const KINDS: usize = 4;
const ADDRESS: usize = 0;
const LOGON: usize = 1;
const MAIL: usize = 2;
const SHOWN: usize = 3;

/// The people of a store.
pub struct People {
    list: Vec<Person>,
    /// By kind of name.
    by: [HashMap<String, Vec<usize>>; KINDS],
}

#[derive(Default)]
struct Person {
    /// The keys under which history names them; of whom history does not know, the address of the directory.
    keys: BTreeSet<String>,
    /// All their names, as they are compared.
    names: BTreeSet<String>,
    /// Names they show, by how they are compared, as they are written.
    shown: BTreeMap<String, String>,
    /// How they are listed.
    label: String,
    deleted: bool,
}

/// A name as it is compared: blanks are one, and case does not count.
fn name_key(text: &str) -> String {
    fold(&text.split_whitespace().collect::<Vec<_>>().join(" "))
}

impl People {
    /// Of the principals of a catalog, and of everybody history names, at every time.
    pub fn new(catalog: &Catalog, seen: &[Persona]) -> People {
        let mut people = People { list: Vec::new(), by: Default::default() };
        let users: Vec<&Record> = catalog.of("principal").filter(|record| is_user(record)).collect();
        for user in &users {
            let text = |key: Key<str>| user.at(key).unwrap_or_default();
            let at = people.list.len();
            people.list.push(Person { deleted: is_deleted(user), ..Person::default() });
            if is_address(text(field::URI)) || text(field::URI).contains('@') {
                people.list[at].keys.insert(person_key(text(field::URI)));
                people.list[at].label = person_key(text(field::URI));
                people.put(ADDRESS, address_key(text(field::URI)), at);
            } else {
                people.list[at].label = text(field::URI).to_owned();
            }
            for field in [field::USER_PRINCIPAL_NAME, field::LOGON, field::DIRECTORY_PATH] {
                people.put(LOGON, address_key(text(field)), at);
            }
            people.put(MAIL, address_key(text(field::EMAIL)), at);
            people.put_shown(text(field::DISPLAY_NAME), at);
            people.put_shown(text(field::NAME), at);
        }
        for persona in seen {
            let at = people.owner(&address_key(&persona.uri));
            people.list[at].keys.insert(person_key(&persona.uri));
            people.put(MAIL, address_key(persona.email.as_deref().unwrap_or_default()), at);
            people.put_shown(persona.name.as_deref().unwrap_or_default(), at);
        }
        people
    }

    /// Who has an address that history names; somebody new if nobody of the directory does.
    fn owner(&mut self, address: &str) -> usize {
        for kind in [ADDRESS, LOGON, MAIL] {
            if let Some([at]) = self.by[kind].get(address).map(Vec::as_slice) {
                return *at;
            }
        }
        let at = self.list.len();
        self.list.push(Person { label: address.to_owned(), ..Person::default() });
        self.put(ADDRESS, address.to_owned(), at);
        at
    }

    fn put_shown(&mut self, name: &str, at: usize) {
        let key = name_key(name);
        self.list[at].shown.entry(key.clone()).or_insert_with(|| name.trim().to_owned());
        self.put(SHOWN, key, at);
    }

    fn put(&mut self, kind: usize, name: String, at: usize) {
        if name.is_empty() {
            return;
        }
        self.list[at].names.insert(name.clone());
        let all = self.by[kind].entry(name).or_default();
        if !all.contains(&at) {
            all.push(at);
        }
    }

    /// The keys of the one person this means, or of everybody who fits a pattern with `*`. With `unknown` an address
    /// that nobody is known by stands for whoever will have it.
    pub fn meant(&self, text: &str, unknown: bool) -> Result<BTreeSet<String>> {
        if text.trim().is_empty() {
            return Err(Error::new(Kind::Usage, "the name of a person is empty")
                .hint("give an address or a name, as in --user user@example.com"));
        }
        let (address, name) = (address_key(text), name_key(text));
        if text.contains('*') {
            let fits = |person: &&Person| person.names.iter().any(|known| glob(&address, known) || glob(&name, known));
            let keys: BTreeSet<String> =
                self.list.iter().filter(fits).flat_map(|person| person.keys.iter().cloned()).collect();
            return if keys.is_empty() { Err(self.nobody(text)) } else { Ok(keys) };
        }
        for kind in 0..KINDS {
            let wanted = if kind == SHOWN { &name } else { &address };
            let Some(found) = self.by[kind].get(wanted) else { continue };
            let mut found: Vec<&Person> = found.iter().map(|at| &self.list[*at]).collect();
            // An address may be given to somebody else; a name that two people had means neither.
            if kind != SHOWN && found.iter().any(|person| !person.deleted) {
                found.retain(|person| !person.deleted);
            }
            return match found.as_slice() {
                [one] if one.keys.is_empty() => Err(Error::new(
                    Kind::NotFound,
                    format!("{} has no address that history could name", one.label),
                )
                .hint("pchat principal get shows what the directory knows; name an address the person wrote under")),
                [one] => Ok(one.keys.clone()),
                several => Err(ambiguous(text, several)),
            };
        }
        let is_whole = address.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
            && !address.contains(|c: char| c.is_whitespace() || c.is_control());
        if unknown && is_whole { Ok(BTreeSet::from([address])) } else { Err(self.nobody(text)) }
    }

    fn nobody(&self, text: &str) -> Error {
        let error = Error::new(
            Kind::NotFound,
            format!("neither the directory nor the history knows anybody as \"{}\"", text.trim()),
        );
        match self.nearest(text).as_slice() {
            [] => {
                error.hint("pchat principal get lists the directory; pchat store info --by person who wrote anything")
            }
            near => error.hint(format!("did you mean {}?", near.join(" or "))),
        }
    }

    /// The names that take the fewest changes, each of another person.
    fn nearest(&self, text: &str) -> Vec<String> {
        let wanted = address_key(&text.replace('*', ""));
        let letters: Vec<char> = wanted.chars().collect();
        // The domain is the same for most, so it does not make two people alike.
        let most = wanted.split('@').next().unwrap_or_default().chars().count() / 3 + 1;
        let mut near: Vec<(usize, String)> = Vec::new();
        for person in &self.list {
            let changes = |known: &String| {
                if !wanted.is_empty() && known.contains(&wanted) {
                    return Some((0, known.clone()));
                }
                let known_letters: Vec<char> = known.chars().collect();
                if known_letters.len().abs_diff(letters.len()) > most {
                    return None;
                }
                let changes = distance(&letters, &known_letters);
                (changes <= most).then(|| (changes, known.clone()))
            };
            if let Some((changes, known)) = person.names.iter().filter_map(changes).min() {
                let address = person.keys.first().unwrap_or(&person.label);
                let shown = person.shown.get(&known).unwrap_or(&known);
                let told = if known == *address { known } else { format!("{shown} ({address})") };
                near.push((changes, told));
            }
        }
        near.sort();
        near.into_iter().take(OFFERED).map(|(_, known)| known).collect()
    }
}

fn ambiguous(text: &str, several: &[&Person]) -> Error {
    let mut addresses: Vec<&str> =
        several.iter().map(|person| person.keys.first().map_or(person.label.as_str(), String::as_str)).collect();
    addresses.sort_unstable();
    let more = match addresses.len().saturating_sub(20) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    addresses.truncate(20);
    let what = format!("\"{}\" matches {} people: {}{more}", text.trim(), several.len(), addresses.join(", "));
    Error::new(Kind::Usage, what).hint("give the address of one of them")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(uri: &str, name: &str) -> Persona {
        Persona { uri: uri.to_owned(), name: Some(name.to_owned()), ..Persona::default() }
    }

    #[test]
    fn people_go_by_what_history_called_them() {
        let all = [
            seen("sip:ann@x.example", "Ann Lee"),
            seen("ann@x.example", "Ann Doe"),
            seen("sips:bob@x.example;transport=tls", "Bob Roe"),
            seen("sip:ann2@x.example", "Ann Doe"),
        ];
        let people = People::new(&Catalog::default(), &all);
        let meant = |text: &str| people.meant(text, false).map(|keys| keys.into_iter().collect::<Vec<_>>().join(" "));
        for text in ["ann@x.example", "SIPS:ANN@x.example:5061", " ann  lee "] {
            assert_eq!(meant(text).unwrap(), "ann@x.example", "{text}");
        }
        assert_eq!(meant("bob@x.example").unwrap(), "sips:bob@x.example;transport=tls");
        assert_eq!(meant("*@x.example").unwrap().split(' ').count(), 3);
        let two = meant("Ann Doe").unwrap_err();
        assert!(two.kind() == Kind::Usage && two.what().contains("ann2@x.example, ann@x.example"), "{}", two.what());
        for nobody in ["ann@x.exampel", "Zoe", "zoe*", "ann@"] {
            assert_eq!(meant(nobody).unwrap_err().kind(), Kind::NotFound, "{nobody}");
        }
        assert_eq!(meant("  ").unwrap_err().kind(), Kind::Usage);
        assert_eq!(people.meant("sip:zoe@x.example", true).unwrap(), BTreeSet::from(["zoe@x.example".to_owned()]));
        assert!(people.meant("zoe", true).is_err() && people.meant("zoe x@y", true).is_err());
    }
}
