//! Whom somebody means by a name: people of the directory and of the history, by every name they have or had. What
//! means nobody, or more than one, is never taken for anything.

use super::directory::{is_deleted, is_user};
use crate::error::{Error, Kind, Result};
use crate::model::catalog::Catalog;
use crate::model::field::{self, Key};
use crate::model::ids::{address_key, is_address, person_key, shown_key};
use crate::model::message::Persona;
use crate::model::record::Record;
use crate::select::names::{distance, glob};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// So many names are offered when somebody is not found, or listed when several are.
pub const OFFERED: usize = 3;

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

/// The names by which history is told to be of somebody of the directory.
pub fn links(principal: &Record) -> impl Iterator<Item = String> {
    let fields = [field::URI, field::USER_PRINCIPAL_NAME, field::LOGON, field::DIRECTORY_PATH, field::EMAIL];
    fields.into_iter().filter_map(|field: Key<str>| principal.at(field)).map(address_key).filter(|key| !key.is_empty())
}

/// The same of somebody as history names them.
pub fn links_of(persona: &Persona) -> impl Iterator<Item = String> {
    let texts = [Some(persona.uri.as_str()), persona.email.as_deref()];
    texts.into_iter().flatten().map(address_key).filter(|key| !key.is_empty())
}

/// Every name of somebody as history names them, as they are compared.
pub fn names_of(persona: &Persona) -> BTreeSet<String> {
    let shown = persona.name.as_deref().map(shown_key).filter(|key| !key.is_empty());
    links_of(persona).chain(shown).collect()
}

/// How a text is looked for among names: as an address, and as a name that is shown.
pub fn forms(text: &str) -> [String; 2] {
    [address_key(text), shown_key(text)]
}

/// Does a name, as it is compared, fit a text with `*`?
pub fn fits(text: &str) -> impl Fn(&str) -> bool {
    let [address, name] = forms(text);
    move |known| glob(&address, known) || glob(&name, known)
}

/// The words of a name that is shown.
pub fn words_of(name: &str) -> BTreeSet<String> {
    let name = shown_key(name);
    name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// How near names are to one that nobody has.
pub struct Near {
    wanted: String,
    letters: Vec<char>,
    most: usize,
}

impl Near {
    /// To this text.
    pub fn to(text: &str) -> Near {
        let wanted = address_key(&text.replace('*', ""));
        let letters: Vec<char> = wanted.chars().collect();
        // The domain is the same for most, so it does not make two people alike.
        let most = wanted.split('@').next().unwrap_or_default().chars().count() / 3 + 1;
        Near { wanted, letters, most }
    }

    /// How many changes a name is away, unless these are too many.
    pub fn changes(&self, known: &str) -> Option<usize> {
        if !self.wanted.is_empty() && known.contains(&self.wanted) {
            return Some(0);
        }
        let known: Vec<char> = known.chars().collect();
        if known.len().abs_diff(self.letters.len()) > self.most {
            return None;
        }
        let changes = distance(&self.letters, &known);
        (changes <= self.most).then_some(changes)
    }
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
        let key = shown_key(name);
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

    /// The keys of the one person this means, or of everybody who fits a pattern with `*`; nothing when that is nobody.
    /// With `unknown` an address that nobody is known by stands for whoever will have it.
    pub fn meant(&self, text: &str, unknown: bool) -> Result<Option<BTreeSet<String>>> {
        if text.trim().is_empty() {
            return Err(Error::new(Kind::Usage, "the name of a person is empty")
                .hint("give an address or a name, as in --user user@example.com"));
        }
        let [address, name] = forms(text);
        if text.contains('*') {
            let fits = fits(text);
            let meant = self.list.iter().filter(|person| person.names.iter().any(|known| fits(known)));
            let keys: BTreeSet<String> = meant.flat_map(|person| person.keys.iter().cloned()).collect();
            return Ok(Some(keys).filter(|keys| !keys.is_empty()));
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
                [one] => Ok(Some(one.keys.clone())),
                several => Err(ambiguous(text, several)),
            };
        }
        let is_whole = address.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
            && !address.contains(|c: char| c.is_whitespace() || c.is_control());
        Ok((unknown && is_whole).then(|| BTreeSet::from([address])))
    }

    /// The keys of those who show a name that has all of these words.
    pub fn with_words(&self, words: &BTreeSet<String>) -> BTreeSet<String> {
        let has = |name: &String| words.is_subset(&words_of(name));
        let meant = self.list.iter().filter(|person| person.shown.keys().any(has));
        meant.flat_map(|person| person.keys.iter().cloned()).collect()
    }

    /// Adds the names that take the fewest changes, each of another person, to those that were found before.
    pub fn nearest(&self, near: &Near, found: &mut BTreeSet<(usize, String)>) {
        for person in &self.list {
            let changes = |known: &String| near.changes(known).map(|changes| (changes, known.clone()));
            if let Some((changes, known)) = person.names.iter().filter_map(changes).min() {
                let address = person.keys.first().unwrap_or(&person.label);
                let shown = person.shown.get(&known).unwrap_or(&known);
                let told = if known == *address { known } else { format!("{shown} ({address})") };
                found.insert((changes, told));
                if found.len() > OFFERED {
                    found.pop_last();
                }
            }
        }
    }
}

/// The error for a text that means nobody, with the names that are nearest.
pub fn nobody(text: &str, near: &BTreeSet<(usize, String)>) -> Error {
    let error = Error::new(
        Kind::NotFound,
        format!("neither the directory nor the history knows anybody as \"{}\"", text.trim()),
    );
    if near.is_empty() {
        return error.hint("pchat principal get lists the directory; pchat store info --by person who wrote anything");
    }
    let names: Vec<&str> = near.iter().map(|(_, name)| name.as_str()).collect();
    error.hint(format!("did you mean {}?", names.join(" or ")))
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
    fn an_address_without_a_scheme_is_one_in_the_directory_too() {
        use crate::nouns::principal;
        let user = |uri: &str| Record::new(&principal::SHAPE).with(field::URI, uri).with(field::TYPE, "User");
        let mut catalog = Catalog::default();
        catalog.put(user("ann@x.example").with(field::DISPLAY_NAME, "Ann Lee"));
        catalog.put(user("CN=Bob,DC=x").with(field::DISPLAY_NAME, "Bob Roe"));
        let people = People::new(&catalog, &[]);
        assert_eq!(people.meant("ann lee", false).unwrap(), Some(BTreeSet::from(["ann@x.example".to_owned()])));
        // Whom the directory knows without an address, history cannot name.
        let error = people.meant("Bob Roe", false).unwrap_err();
        assert!(error.kind() == Kind::NotFound && error.what().contains("no address"), "{}", error.what());
        assert_eq!(people.meant("zoe@x.example", false).unwrap(), None);
    }

    #[test]
    fn of_two_with_one_address_the_one_who_is_not_deleted_has_it() {
        use crate::nouns::principal;
        let user = |uri: &str, gone: i64| {
            let user = Record::new(&principal::SHAPE)
                .with(field::URI, uri)
                .with(field::TYPE, "User")
                .with(field::NAME, "A. Lee");
            user.with(field::EMAIL, "a.lee@mail.example").with(field::ACCOUNT_STATE, gone)
        };
        let mut catalog = Catalog::default();
        catalog.put(user("sip:old@x.example", 2));
        catalog.put(user("sip:new@x.example", 0));
        let people = People::new(&catalog, &[]);
        let meant = people.meant("a.lee@mail.example", false).unwrap();
        assert_eq!(meant, Some(BTreeSet::from(["new@x.example".to_owned()])));
        // History that names somebody by mail address, logon or user principal name is of the same person.
        let mut catalog = Catalog::default();
        catalog.put(
            user("sip:ann@x.example", 0)
                .with(field::LOGON, "X\\ann")
                .with(field::USER_PRINCIPAL_NAME, "ann@corp.example"),
        );
        for uri in ["a.lee@mail.example", "x\\ANN", "ann@corp.example"] {
            let keys = People::new(&catalog, &[seen(uri, "Ann")]).meant("A. Lee", false).unwrap();
            assert_eq!(keys, Some(BTreeSet::from(["ann@x.example".to_owned(), person_key(uri)])), "{uri}");
        }
        // A name that two people had means neither.
        assert_eq!(people.meant("A. Lee", false).unwrap_err().kind(), Kind::Usage);
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
        let keys = |text: &str, unknown| people.meant(text, unknown).map(Option::unwrap_or_default);
        let meant = |text: &str| keys(text, false).map(|keys| keys.into_iter().collect::<Vec<_>>().join(" "));
        for text in ["ann@x.example", "SIPS:ANN@x.example:5061", " ann  lee "] {
            assert_eq!(meant(text).unwrap(), "ann@x.example", "{text}");
        }
        assert_eq!(meant("bob@x.example").unwrap(), "sips:bob@x.example;transport=tls");
        assert_eq!(meant("*@x.example").unwrap().split(' ').count(), 3);
        let two = meant("Ann Doe").unwrap_err();
        assert!(two.kind() == Kind::Usage && two.what().contains("ann2@x.example, ann@x.example"), "{}", two.what());
        for nobody in ["ann@x.exampel", "Zoe", "zoe*", "ann@"] {
            assert_eq!(meant(nobody).unwrap(), "", "{nobody}");
        }
        assert_eq!(meant("  ").unwrap_err().kind(), Kind::Usage);
        assert_eq!(keys("sip:zoe@x.example", true).unwrap(), BTreeSet::from(["zoe@x.example".to_owned()]));
        assert!(keys("zoe", true).unwrap().is_empty() && keys("zoe x@y", true).unwrap().is_empty());
        let words = |name: &str| people.with_words(&words_of(name)).into_iter().collect::<Vec<_>>().join(" ");
        assert_eq!((words("DOE"), words("Lee, Ann")), ("ann2@x.example ann@x.example".into(), "ann@x.example".into()));
        assert_eq!((words("Do"), words("Ann Roe"), words("example")), Default::default());
        let mut found = BTreeSet::new();
        people.nearest(&Near::to("ann@x.exampel"), &mut found);
        let told = nobody("ann@x.exampel", &found);
        assert!(told.kind() == Kind::NotFound && told.what().contains("ann@x.exampel"), "{}", told.what());
        assert_eq!(found.first().unwrap().1, "ann@x.example");
    }
}
