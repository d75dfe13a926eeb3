//! Whom somebody means who types a name: by every name the directory has for people, and by every name they had in the
//! history at the time. Who means nobody, or several, is told; nobody is ever guessed.

use super::Directory;
use crate::error::{Error, Kind, Result};
use crate::model::ids::{fold, person_key};
use crate::model::message::Persona;
use crate::select::names::glob;
use std::collections::BTreeMap;

/// So many people are listed in an error.
const LISTED: usize = 10;

/// An address as it is compared: without scheme, parameters and blanks around it.
fn plain(text: &str) -> String {
    let folded = fold(text.trim());
    match folded.strip_prefix("sips:").or_else(|| folded.strip_prefix("sip:")) {
        Some(address) => address.split([';', '?']).next().unwrap_or_default().trim().to_owned(),
        None => folded,
    }
}

/// The addresses of a person, by SIP address with or without `sip:` or `sips:`, mail, user principal name, `domain\logon`,
/// DN, or a display name of now or then; in a name `*` stands for anything, and then several may be meant.
pub fn addresses(directory: &Directory<'_>, history: &[Persona], text: &str) -> Result<Vec<String>> {
    let wanted = plain(text);
    if wanted.is_empty() {
        return Err(Error::new(Kind::Usage, "a person without a name is nobody")
            .hint("give a SIP address, as in --user user@example.com"));
    }
    let mut exact: BTreeMap<String, String> = BTreeMap::new();
    let mut named: BTreeMap<String, String> = BTreeMap::new();
    let many = wanted.contains('*');
    let is = |name: &str| if many { glob(&wanted, name) } else { wanted == name };
    for persona in history {
        let (key, shown) = (person_key(&persona.uri), persona.name.as_deref().unwrap_or(&persona.uri));
        if is(&plain(&persona.uri)) || is(&key) || persona.email.as_deref().is_some_and(|mail| is(&plain(mail))) {
            exact.insert(key, shown.to_owned());
        } else if persona.name.as_deref().is_some_and(|name| is(&fold(name.trim()))) {
            named.insert(key, shown.to_owned());
        }
    }
    for record in directory.catalog.of("principal") {
        let field = |name| record.get(name).text();
        let Some(uri) = field("Uri") else { continue };
        let (key, shown) = (person_key(uri), field("DisplayName").unwrap_or(uri).to_owned());
        let texts = ["Uri", "Email", "UserPrincipalName", "Logon"];
        if texts.into_iter().filter_map(field).any(|text| is(&plain(text))) {
            exact.insert(key, shown);
        } else if ["DisplayName", "Name"].into_iter().filter_map(field).any(|name| is(&fold(name.trim()))) {
            named.insert(key, shown);
        }
    }
    if exact.is_empty() && named.is_empty() {
        // By a DN, perhaps.
        for record in directory.find(text.trim()) {
            let uri = record.get("Uri").text().unwrap_or_default();
            exact.insert(person_key(uri), uri.to_owned());
        }
    }
    if many {
        exact.append(&mut named);
    }
    let found = if exact.is_empty() { named } else { exact };
    match found.len() {
        0 => Err(nobody(directory, history, &wanted)),
        1 => Ok(found.into_keys().collect()),
        _ if many => Ok(found.into_keys().collect()),
        several => {
            let shown: Vec<String> =
                found.iter().take(LISTED).map(|(address, name)| format!("{name} <{address}>")).collect();
            let more = if several > LISTED { format!(" and {} more", several - LISTED) } else { String::new() };
            Err(Error::new(Kind::Usage, format!("the name that was given means {several} people"))
                .hint(format!("name one by address: {}{more}", shown.join(", "))))
        }
    }
}

/// Nobody has this name; the nearest that somebody has may be what was meant.
fn nobody(directory: &Directory<'_>, history: &[Persona], wanted: &str) -> Error {
    let mut known: Vec<String> = Vec::new();
    for persona in history {
        known.extend(persona.name.iter().chain([&persona.uri]).cloned());
    }
    for record in directory.catalog.of("principal") {
        let fields = ["Uri", "Email", "Logon", "DisplayName"].into_iter();
        known.extend(fields.filter_map(|field| record.get(field).text()).map(str::to_owned));
    }
    known.sort_unstable();
    known.dedup();
    let letters: Vec<char> = wanted.chars().collect();
    let mut near: Vec<(usize, &String)> = known
        .iter()
        .map(|name| (distance(&letters, &plain(name).chars().collect::<Vec<_>>()), name))
        .filter(|(changes, _)| *changes <= letters.len() / 3 + 1)
        .collect();
    near.sort_unstable();
    let near: Vec<&str> = near.into_iter().take(3).map(|(_, name)| name.as_str()).collect();
    let error =
        Error::new(Kind::NotFound, "nobody is known by the name that was given, neither now nor in the history");
    match near.is_empty() {
        true => error.hint("pchat principal get lists the directory; pchat store info --by person lists who wrote"),
        false => error.hint(format!("did you mean {}?", near.join(", "))),
    }
}

/// How many letters have to change to make one name of another.
pub fn distance(a: &[char], b: &[char]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let change = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = change.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}
