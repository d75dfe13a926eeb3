//! Settings that exist once for all, and once more for sites, services or users that differ: identities, defaults, what
//! is shown, made, changed, removed. What the properties mean is for each noun.

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::settings::{Decision, check_name};
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::ids::fold;
use crate::model::record::{Record, Shape, Value};
use crate::model::reply::{Cell, Reply, Table};
use crate::nouns::change::{Manner, prepared};
use crate::nouns::reads::{self, Reads};
use crate::nouns::verb::{Consent, Prepared, objects};
use crate::select::expression::like;

/// A kind of settings.
pub struct Scoped {
    /// What its records look like.
    pub shape: &'static Shape,
    /// What people call it.
    pub name: &'static str,
    /// Scopes beside `global` and `site:`.
    pub others: Others,
    /// Fills in what is not said.
    pub defaults: fn(&mut Record),
    /// Asked of every record before it is kept, beside the others.
    pub check: fn(&Record, &Catalog) -> Result<()>,
    /// The actions, as the audit log has them: new, set, remove.
    pub actions: [&'static str; 3],
}

/// Scopes beside `global` and `site:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// `service:PersistentChatServer:FQDN`
    Services,
    /// `tag:NAME`, written as NAME
    Users,
}

/// Changes a record as it was asked for.
pub type Apply = Box<dyn Fn(&mut Record) -> Result<()>>;

const SERVICE: &str = "service:PersistentChatServer:";

impl Scoped {
    /// The identity as it is kept.
    pub fn identity(&self, text: &str) -> Result<String> {
        let folded = fold(text.trim());
        let after = |prefix: &str| text.trim().get(prefix.len()..).map(str::trim).unwrap_or_default();
        if folded == "global" {
            return Ok("global".to_owned());
        }
        let (prefix, name) = if folded.starts_with("site:") {
            ("site:", after("site:"))
        } else if self.others == Others::Services && folded.starts_with(&fold(SERVICE)) {
            (SERVICE, after(SERVICE))
        } else if self.others == Others::Services && folded.starts_with("service:") {
            (SERVICE, after("service:"))
        } else if self.others == Others::Users {
            ("tag:", if folded.starts_with("tag:") { after("tag:") } else { text.trim() })
        } else {
            return Err(Error::new(Kind::Usage, format!("{text:?} is not a scope"))
                .hint(format!("a scope is global, site:NAME or {SERVICE}FQDN")));
        };
        check_name("scope", name)?;
        if name.contains(':') {
            return Err(Error::new(Kind::Usage, format!("{text:?} is not a scope")));
        }
        Ok(format!("{prefix}{name}"))
    }

    /// The record of an identity as it is kept. `global` is always there.
    pub fn find(&self, catalog: &Catalog, identity: &str) -> Option<Record> {
        let same = |record: &&Record| record.at(field::IDENTITY).map(fold) == Some(fold(identity));
        let found = catalog.of(self.shape.noun).find(same).cloned();
        found.or_else(|| (fold(identity) == "global").then(|| self.empty("global")))
    }

    /// The record of an identity as it was typed.
    pub fn named(&self, catalog: &Catalog, text: &str) -> Result<Record> {
        let identity = self.identity(text)?;
        self.find(catalog, &identity).ok_or_else(|| {
            Error::new(Kind::NotFound, format!("no {} {}", self.name, shown(&identity)))
                .hint(format!("pchat {} get lists all of them", self.shape.noun))
        })
    }

    /// A record with its defaults.
    pub fn empty(&self, identity: &str) -> Record {
        let mut record = Record::new(self.shape).with(field::IDENTITY, identity);
        (self.defaults)(&mut record);
        record
    }

    /// All records, the global one first.
    pub fn all(&self, catalog: &Catalog) -> Vec<Record> {
        let kept = catalog
            .of(self.shape.noun)
            .filter(|record| record.at(field::IDENTITY).map(fold).as_deref() != Some("global"));
        self.find(catalog, "global").into_iter().chain(kept.cloned()).collect()
    }

    fn table(&self, records: &[Record]) -> Table {
        let columns: Vec<&'static str> = self.shape.fields.iter().map(|field| field.name).collect();
        let row = |record: &Record| {
            let cell = |(at, name): (usize, &&str)| match (*name, &record.values[at]) {
                ("Identity", Value::Text(identity)) => Cell::from(shown(identity)),
                (_, value) => Cell::from(value),
            };
            columns.iter().enumerate().map(cell).collect()
        };
        let rows = records.iter().map(row).collect();
        let aside = columns.get(6..).unwrap_or_default().to_vec();
        Table { title: self.shape.plural, columns, aside, rows, ..Table::default() }
    }

    /// Shows settings.
    pub fn get(&self, cx: &Context<'_>, identity: Option<&str>, filter: Option<&str>) -> Result<Reply> {
        let catalog = reads::no_people(cx)?;
        let found = match identity {
            Some(text) => vec![self.named(&catalog, text)?],
            None => {
                let is = |record: &Record| {
                    filter.is_none_or(|pattern| {
                        let identity = record.identity();
                        like(pattern, &shown(&identity)) || like(pattern, &identity)
                    })
                };
                self.all(&catalog).into_iter().filter(is).collect()
            }
        };
        Ok(objects(self.table(&found), "nothing matches"))
    }

    /// Makes settings for another scope.
    pub fn make(
        &'static self,
        cx: &Context<'_>,
        identity: &str,
        in_memory: bool,
        consent: Consent,
        apply: Apply,
    ) -> Result<Prepared> {
        let identity = self.identity(identity)?;
        let scope = shown(&identity);
        if identity == "global" {
            return Err(Error::new(Kind::Refused, format!("the global {} always exists", self.name))
                .hint(format!("pchat {} set changes it", self.shape.noun)));
        }
        let made = move |catalog: &Catalog| {
            if self.find(catalog, &identity).is_some() {
                return Err(Error::new(Kind::Refused, format!("{} {} already exists", self.name, shown(&identity)))
                    .hint(format!("pchat {} set changes it", self.shape.noun)));
            }
            let mut record = self.empty(&identity);
            apply(&mut record)?;
            (self.check)(&record, catalog)?;
            Ok(Decision { puts: vec![record], ..Decision::default() })
        };
        if in_memory {
            let decision = made(&reads::no_people(cx)?)?;
            return Ok(Prepared::Answer(objects(self.table(&decision.puts), "")));
        }
        let manner = Manner { action: self.actions[0], destroys: false, consent, shows: None };
        let done = format!("created {} {scope}", self.name);
        let mut prepared =
            prepared(cx, Reads::no_people(cx), manner, &format!("Create {} {scope}?", self.name), done, made)?;
        if let Prepared::Act(action) = &mut prepared {
            // What was made is shown, as the cmdlet does.
            let act = std::mem::replace(&mut action.act, Box::new(|_| Ok(Reply::default())));
            action.act = Box::new(move |cx: &Context<'_>| {
                let told = act(cx)?;
                Ok(Reply { notes: told.notes, ..self.get(cx, Some(&scope), None)? })
            });
        }
        Ok(prepared)
    }

    /// Changes settings. With `create`, what is not there is made.
    pub fn set(
        &'static self,
        cx: &Context<'_>,
        names: &[String],
        create: bool,
        consent: Consent,
        apply: Apply,
    ) -> Result<Prepared> {
        let names = if names.is_empty() { vec!["global".to_owned()] } else { names.to_vec() };
        let what = names.join(", ");
        let manner = Manner { action: self.actions[1], destroys: false, consent, shows: None };
        let (question, done) = (format!("Change {} {what}?", self.name), format!("changed {} {what}", self.name));
        prepared(cx, Reads::no_people(cx), manner, &question, done, move |catalog| {
            let mut decision = Decision::default();
            for name in &names {
                let mut record = match self.named(catalog, name) {
                    Err(error) if create && error.kind() == Kind::NotFound => self.empty(&self.identity(name)?),
                    found => found?,
                };
                let before = record.clone();
                apply(&mut record)?;
                (self.check)(&record, catalog)?;
                let there = catalog.get(self.shape.noun, &record.key()).is_some();
                if record.values != before.values || there || create {
                    decision.puts.push(record);
                    decision.implied.extend(Some(before).filter(|before| before.identity() == "global"));
                }
            }
            Ok(decision)
        })
    }

    /// Removes settings; the global ones go back to their defaults.
    pub fn remove(
        &'static self,
        cx: &Context<'_>,
        names: &[String],
        consent: Consent,
        destroys: bool,
        more: impl Fn(&Catalog, &Record) -> Vec<Record> + 'static,
    ) -> Result<Prepared> {
        let names = names.to_vec();
        let what = names.join(", ");
        let manner = Manner { action: self.actions[2], destroys, consent, shows: None };
        let (question, done) = (format!("Remove {} {what}?", self.name), format!("removed {} {what}", self.name));
        prepared(cx, Reads::no_people(cx), manner, &question, done, move |catalog| {
            let mut decision = Decision::default();
            for name in &names {
                let record = self.named(catalog, name)?;
                if record.identity() == "global" {
                    decision.notes.push(format!("global {} reset to defaults; it cannot be removed", self.name));
                }
                if catalog.get(self.shape.noun, &record.key()).is_some() {
                    decision.about.get_or_insert_with(|| record.identity());
                    decision.removes.extend(more(catalog, &record));
                    decision.removes.push(record);
                }
            }
            Ok(decision)
        })
    }
}

/// An identity as it is shown: those of users without their prefix.
pub fn shown(identity: &str) -> String {
    identity.strip_prefix("tag:").unwrap_or(identity).to_owned()
}

/// Sets a text, or takes it away when it is empty.
pub fn text(record: &mut Record, field: &str, value: &Option<String>) {
    if let Some(value) = value {
        record.set(field, Some(value.clone()).filter(|value| !value.is_empty()));
    }
}

/// Sets true or false, if either was said.
pub fn truth(record: &mut Record, field: &str, value: Option<bool>) {
    if let Some(value) = value {
        record.set(field, Value::Bool(value));
    }
}
