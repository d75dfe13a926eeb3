//! Who is given which policy.

use super::{GRANT, SCOPED, SHAPE};
use crate::context::Context;
use crate::error::Result;
use crate::jobs::settings::Decision;
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::ids::person_key;
use crate::model::record::Record;
use crate::model::reply::{Cell, Table};
use crate::nouns::change::{Manner, prepared};
use crate::nouns::reads::{self, Reads};
use crate::nouns::scoped::shown;
use crate::nouns::verb::{Consent, Prepared};
use crate::rules::directory::Directory;

/// Gives users a policy, or takes it away.
pub(super) fn grant(
    cx: &Context<'_>,
    users: Vec<String>,
    policy: String,
    pass_thru: bool,
    consent: Consent,
) -> Result<Prepared> {
    let manner = Manner { action: "policy grant", destroys: false, consent, shows: pass_thru.then_some(granted as _) };
    let many = if users.len() == 1 { "1 user".to_owned() } else { format!("{} users", users.len()) };
    let (question, done) = match policy.is_empty() {
        true => (format!("Remove the policy of {many}?"), format!("removed the policy of {many}")),
        false => (format!("Grant policy {policy} to {many}?"), format!("granted policy {policy} to {many}")),
    };
    let typed = users.clone();
    let who = move |_: &Catalog| reads::named(typed.iter().map(String::as_str));
    let reads = Reads::of(&[&SHAPE, &GRANT]).people(who);
    prepared(cx, reads, manner, &question, done, move |catalog| {
        let directory = Directory::new(catalog);
        let mut decision = Decision::default();
        let identity = match policy.is_empty() {
            true => None,
            false => Some(
                SCOPED.named(catalog, &format!("tag:{}", policy.strip_prefix("tag:").unwrap_or(&policy)))?.identity(),
            ),
        };
        for user in &users {
            for address in directory.people(user)? {
                let key = person_key(&address);
                let old =
                    catalog.of("grant").find(|grant| grant.at(field::IDENTITY).map(person_key) == Some(key.clone()));
                match (&identity, old) {
                    (Some(policy), old) => {
                        let address = old.map_or(address, Record::identity);
                        decision.puts.push(
                            Record::new(&GRANT)
                                .with(field::IDENTITY, address.as_str())
                                .with(field::POLICY, policy.as_str()),
                        );
                    }
                    (None, Some(old)) => decision.removes.push(old.clone()),
                    (None, None) => decision.notes.push("a user had no policy of their own".to_owned()),
                }
            }
        }
        Ok(decision)
    })
}

/// The users who were granted something.
pub(super) fn granted(catalog: &Catalog, grants: &[&Record]) -> Table {
    let directory = Directory::new(catalog);
    let rows = grants.iter().map(|grant| {
        let address = grant.identity();
        let policy = shown(grant.at(field::POLICY).unwrap_or_default());
        vec![directory.shown(&address, true).into(), Cell::from(address), policy.into()]
    });
    Table {
        title: "users",
        columns: vec!["Identity", "SipAddress", "PersistentChatPolicy"],
        rows: rows.collect(),
        ..Table::default()
    }
}
