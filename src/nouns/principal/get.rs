//! Which principals are shown, and who may be given a role.

use super::SHAPE;
use crate::context::Context;
use crate::error::{Error, Kind, Result, quoted};
use crate::jobs::principals::{MEMBER, MEMBER_OF};
use crate::model::catalog::Catalog;
use crate::model::dn;
use crate::model::field::{self, Key};
use crate::model::ids::{fold, person_key};
use crate::model::list::List;
use crate::model::record::{Record, Value};
use crate::model::reply::{Cell, Reply, Table};
use crate::nouns::policy;
use crate::nouns::reads::Reads;
use crate::nouns::scoped::shown;
use crate::nouns::verb::{Listing, Pages};
use crate::rules::directory::{Directory, is_active, is_address, is_deleted, is_shown_as, is_user};
use crate::select::expression::Expression;
use crate::select::ldap::Filter;
use crate::store::{Corpus, Names};
use clap::Args;
use std::collections::HashMap;

/// Which principals are shown.
#[derive(Debug, Args)]
pub struct GetRequest {
    /// Only these, by SIP address, user principal name, domain\logon, display name (with *) or DN
    names: Vec<String>,
    /// Only those of which this is true, as {SipAddress -eq "sip:ken@example.com"}
    #[arg(long, value_name = "CONDITION")]
    filter: Option<String>,
    /// Only those of which this is true, in the form of directories, as (&(objectClass=user)(l=Redmond))
    #[arg(long, value_name = "FILTER")]
    ldap_filter: Option<String>,
    /// Only those below this unit or container
    #[arg(long, value_name = "DN")]
    ou: Option<String>,
    /// Only those of this type: User, Group, Contact, Folder or DC
    #[arg(long = "type", value_name = "TYPE")]
    of_type: Option<String>,
    /// At most N
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

/// Properties in the order they are shown.
const SHOWN: [&str; 16] = [
    "Identity",
    "Name",
    "DisplayName",
    "SipAddress",
    "Type",
    "Enabled",
    "PersistentChatPolicy",
    "UserPrincipalName",
    "SamAccountName",
    "WindowsEmailAddress",
    "Company",
    "ObjectClass",
    "Groups",
    "Site",
    "Attributes",
    "Deleted",
];
const ASIDE: [&str; 10] = [
    "Name",
    "UserPrincipalName",
    "SamAccountName",
    "WindowsEmailAddress",
    "Company",
    "ObjectClass",
    "Groups",
    "Site",
    "Attributes",
    "Deleted",
];

/// The policies users were given, by person.
fn grants(catalog: &Catalog) -> HashMap<String, &Record> {
    catalog.of("grant").map(|grant| (person_key(&grant.identity()), grant)).collect()
}

fn property(record: &Record, grants: &HashMap<String, &Record>, name: &str) -> Option<Value> {
    let uri = record.at(field::URI).unwrap_or_default();
    let field = |name: &str| record.get(name).clone();
    let known = SHOWN.iter().find(|shown| shown.eq_ignore_ascii_case(name));
    Some(match known.copied() {
        Some("Identity") => match record.at(field::DIRECTORY_PATH) {
            Some(path) => path.into(),
            None => uri.into(),
        },
        Some("SipAddress") => {
            if is_address(uri) {
                uri.into()
            } else {
                Value::Null
            }
        }
        Some("Enabled") => Value::Bool(is_active(record)),
        Some("Deleted") => Value::Bool(is_deleted(record)),
        Some("PersistentChatPolicy") => {
            let grant = grants.get(&person_key(uri)).and_then(|grant| grant.at(field::POLICY));
            grant.map_or(Value::Null, |policy| shown(policy).as_str().into())
        }
        Some("SamAccountName") => match record.at(field::LOGON) {
            Some(logon) => logon.rsplit('\\').next().unwrap_or(logon).into(),
            None => Value::Null,
        },
        Some("WindowsEmailAddress") => field("Email"),
        Some("Groups") => field("Affiliations"),
        // Groups and members say the same, and may be many.
        Some("Attributes") => match field("Attributes") {
            Value::List(all) => {
                let ties = [MEMBER, MEMBER_OF];
                let is_tie = |item: &str| item.split_once('=').is_some_and(|(name, _)| ties.contains(&name));
                all.iter().filter(|item| !is_tie(item)).collect::<List>().into()
            }
            other => other,
        },
        Some("Type") if !record.has(field::TYPE) && is_user(record) => "User".into(),
        Some(other) => field(other),
        None => {
            let Value::List(all) = record.value(field::ATTRIBUTES) else { return None };
            let found =
                all.iter().filter_map(|item| item.split_once('=')).find(|(own, _)| own.eq_ignore_ascii_case(name));
            return found.map(|(_, value)| value.into());
        }
    })
}

/// The values of an attribute, as directories call it.
fn values(record: &Record, name: &str) -> Vec<String> {
    let text = |key: Key<str>| record.at(key).map(str::to_owned).into_iter().collect();
    let list = |key: Key<List>| record.at(key).to_vec();
    match fold(name).as_str() {
        "objectclass" => list(field::OBJECT_CLASS),
        "memberof" => list(field::AFFILIATIONS),
        "cn" | "name" => text(field::NAME),
        "displayname" => text(field::DISPLAY_NAME),
        "mail" => text(field::EMAIL),
        "company" => text(field::COMPANY),
        "userprincipalname" => text(field::USER_PRINCIPAL_NAME),
        "distinguishedname" => text(field::DIRECTORY_PATH),
        "objectguid" => text(field::GUID),
        "msrtcsip-primaryuseraddress" => text(field::URI),
        "samaccountname" => record
            .value(field::LOGON)
            .text()
            .and_then(|logon| logon.rsplit('\\').next())
            .map(str::to_owned)
            .into_iter()
            .collect(),
        other => {
            let all = list(field::ATTRIBUTES);
            let own = all.iter().filter_map(|item| item.split_once('='));
            own.filter(|(own, _)| fold(own) == other).map(|(_, value)| value.to_owned()).collect()
        }
    }
}

/// The types of principals, in the words of the product's tables.
const TYPES: [&str; 6] = ["User", "Group", "Contact", "Folder", "DC", "SystemUser"];

/// Refuses a type that there is not, and that no principal of the store has.
fn check_type(wanted: &str, store: &mut dyn Corpus) -> Result<()> {
    let is = |known: &str| fold(known) == fold(wanted);
    let mut known = TYPES.iter().any(|known| is(known));
    if !known {
        store.in_order(&SHAPE, &mut |one| {
            known = known || one.at(field::TYPE).is_some_and(is);
            Ok(())
        })?;
    }
    if known {
        return Ok(());
    }
    let what = format!("--type must be {} or {}, not {}", TYPES[..5].join(", "), TYPES[5], quoted(wanted));
    Err(Error::new(Kind::Usage, what).hint("pchat principal get shows the type of each"))
}

/// The key of a unit or container that is named by its DN.
pub(in crate::nouns) fn container(ou: &str) -> Result<String> {
    dn::key(ou).ok_or_else(|| {
        Error::new(Kind::Usage, format!("{} is not a DN", quoted(ou))).hint("as OU=IT,DC=example,DC=com")
    })
}

/// What is only shown is recorded nowhere, so the name may be said.
fn unknown(name: &str) -> Error {
    let hint = "pchat principal get lists those that are known";
    Error::new(Kind::NotFound, format!("no principal {}", quoted(name))).hint(hint)
}

/// Rows on their way out, under the conditions of the request.
struct Rows<'a, 'p> {
    keeps: &'a dyn Fn(&Record) -> bool,
    grants: &'a HashMap<String, &'a Record>,
    left: usize,
    listing: Listing<'a, 'p>,
}

fn empty() -> Table {
    Table { title: SHAPE.plural, columns: SHOWN.to_vec(), aside: ASIDE.to_vec(), ..Table::default() }
}

impl Rows<'_, '_> {
    fn take(&mut self, record: &Record) -> Result<()> {
        if self.left == 0 || self.listing.is_stopped() || !(self.keeps)(record) {
            return Ok(());
        }
        let cell = |name: &&str| Cell::from(&property(record, self.grants, name).unwrap_or_default());
        if self.listing.add(|| SHOWN.iter().map(cell).collect())? {
            self.left -= 1;
        }
        Ok(())
    }
}

impl GetRequest {
    /// Finds and shows. There may be very many.
    pub(super) fn run(self, cx: &Context<'_>, pages: &mut Pages<'_>) -> Result<Reply> {
        let names = self.names.clone();
        let catalog = Reads::of(&[&policy::GRANT]).people(move |_| Names::These(names.clone())).read(cx)?;
        let grants = grants(&catalog);
        let condition = self.filter.as_deref().map(Expression::parse).transpose()?;
        let filter = self.ldap_filter.as_deref().map(Filter::parse).transpose()?;
        let below = self.ou.as_deref().map(container).transpose()?;
        let in_unit = |record: &Record| {
            below.as_ref().is_none_or(|above| {
                let path = record.at(field::DIRECTORY_PATH).and_then(dn::key);
                path.is_some_and(|path| dn::is_below(&path, above))
            })
        };
        let of_type = |record: &Record| {
            self.of_type.as_deref().is_none_or(|wanted| match fold(wanted).as_str() {
                "user" => is_user(record),
                other => record.at(field::TYPE).map(fold).as_deref() == Some(other),
            })
        };
        let keeps = |record: &Record| {
            in_unit(record)
                && of_type(record)
                && condition.as_ref().is_none_or(|c| c.matches(&|name: &str| property(record, &grants, name)))
                && filter.as_ref().is_none_or(|filter| filter.matches(&|name: &str| values(record, name)))
        };
        let mut rows = Rows {
            keeps: &keeps,
            grants: &grants,
            left: self.limit.unwrap_or(usize::MAX),
            listing: Listing::new(empty, pages),
        };
        let directory = Directory::new(&catalog);
        cx.session.read(|store| {
            if let Some(ou) = self.ou.as_deref().filter(|_| self.names.is_empty()) {
                let mut met = false;
                store.in_order(&SHAPE, &mut |record| {
                    met = met || in_unit(&record);
                    Ok(())
                })?;
                if !met {
                    return Err(Error::new(Kind::NotFound, format!("no principal is below {}", quoted(ou)))
                        .hint("pchat principal get lists all of them, with their DN"));
                }
            }
            if let Some(wanted) = &self.of_type {
                check_type(wanted, store)?;
            }
            if self.names.is_empty() {
                return store.in_order(&SHAPE, &mut |record| rows.take(&record));
            }
            // Whoever is not known is told before the first row.
            let patterns = self.names.iter().filter(|name| name.contains('*') && directory.exact(name).is_empty());
            let patterns: Vec<&String> = patterns.collect();
            let mut met = vec![false; patterns.len()];
            if !patterns.is_empty() {
                store.in_order(&SHAPE, &mut |record| {
                    for (pattern, met) in patterns.iter().zip(&mut met) {
                        *met = *met || is_shown_as(&record, pattern);
                    }
                    Ok(())
                })?;
            }
            for name in &self.names {
                match patterns.iter().position(|pattern| *pattern == name) {
                    Some(at) if met[at] => {}
                    Some(_) => return Err(unknown(name)),
                    None if directory.find(name).is_empty() => return Err(unknown(name)),
                    None => {}
                }
            }
            for name in &self.names {
                match patterns.contains(&name) {
                    true => store.in_order(&SHAPE, &mut |record| match is_shown_as(&record, name) {
                        true => rows.take(&record),
                        false => Ok(()),
                    })?,
                    false => directory.find(name).into_iter().try_for_each(|record| rows.take(record))?,
                }
            }
            Ok(())
        })?;
        rows.listing.end("no principal matches", "principal")
    }
}
