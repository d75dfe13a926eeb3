//! Who may be given a role.

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::selection::{only_category, only_room};
use crate::model::field::{self, Key};
use crate::model::ids::person_key;
use crate::model::record::Record;
use crate::model::reply::{Cell, Reply, Table};
use crate::nouns::reads;
use crate::nouns::scoped::shown;
use crate::nouns::verb::objects;
use crate::rules::directory::{Directory, is_address, is_user, kept};
use crate::rules::rights::{Policies, category_of};
use crate::select::expression::like;
use clap::Args;

/// Of what somebody is to be a part.
#[derive(Debug, Args)]
pub struct EligibleRequest {
    /// Who may be in this category
    #[arg(long, value_name = "CATEGORY", required_unless_present = "room", conflicts_with_all = ["room", "presenters"])]
    category: Option<String>,
    /// Who may be a member or manager of this room
    #[arg(long, value_name = "ROOM")]
    room: Option<String>,
    /// Who may be a presenter of it, which must be an Auditorium
    #[arg(long)]
    presenters: bool,
    /// Only users whose SIP address matches this pattern, with * and ?
    #[arg(long, value_name = "PATTERN")]
    filter: Option<String>,
    /// The pool of the category or room
    #[arg(long, value_name = "FQDN")]
    pool: Option<String>,
    /// At most N
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
}

impl EligibleRequest {
    /// Finds and shows.
    pub(super) fn run(self, cx: &Context<'_>) -> Result<Reply> {
        let catalog = reads::all(cx)?;
        let in_pool = |name: &str| match &self.pool {
            Some(pool) if !name.contains('\\') => format!("{pool}\\{name}"),
            _ => name.to_owned(),
        };
        let category = match (&self.category, &self.room) {
            (Some(name), _) => only_category(&catalog, &in_pool(name))?,
            (None, name) => {
                let room = only_room(&catalog, &in_pool(name.as_deref().unwrap_or_default()))?;
                if self.presenters && room.at(field::TYPE) != Some("Auditorium") {
                    let what = format!("room {} is not an Auditorium and has no presenters", room.identity());
                    return Err(Error::new(Kind::Refused, what).hint("pchat room set --type Auditorium makes it one"));
                }
                category_of(&catalog, room).ok_or_else(|| {
                    Error::new(Kind::NotFound, format!("the category of room {} is not known", room.identity()))
                        .hint("pchat room set --category puts it into one")
                })?
            }
        };
        let directory = Directory::new(&catalog);
        let allowed = category.at(field::ALLOWED_MEMBERS).to_vec();
        let may = directory.allowed(category);
        let mut people: Vec<(String, Option<&Record>)> = directory
            .users(&allowed)
            .into_iter()
            .filter(|user| may.has(kept(user)))
            .map(|user| (kept(user).to_owned(), Some(user)))
            .collect();
        let mut reached = directory.reached();
        people.iter().for_each(|(address, _)| reached.add(address));
        // Entries nobody is known for stand for themselves.
        for entry in &allowed {
            let found = directory.find(entry);
            let is_known = found.iter().any(|record| is_user(record));
            if !is_known && !reached.has(entry) && may.has(entry) {
                reached.add(entry);
                people.push((entry.clone(), found.first().copied()));
            }
        }
        if let Some(pattern) = &self.filter {
            people.retain(|(address, _)| {
                is_address(address) && (like(pattern, address) || like(pattern, &person_key(address)))
            });
        }
        people.truncate(self.limit.unwrap_or(usize::MAX));
        let policies = Policies::new(&catalog);
        let rows = people.iter().map(|(entry, record)| {
            let kind = record.and_then(|record| record.at(field::TYPE)).map(str::to_lowercase);
            let kind = kind.unwrap_or_else(|| if is_address(entry) { "user" } else { "unknown" }.to_owned());
            let policy = policies.of(entry).filter(|_| is_address(entry)).map(|policy| shown(&policy.identity()));
            let address = if is_address(entry) { Cell::from(entry.as_str()) } else { Cell::Empty };
            let text = |key: Key<str>| record.map_or(Cell::Empty, |record| Cell::from(record.value(key)));
            let identity = match text(field::DIRECTORY_PATH) {
                Cell::Empty => Cell::from(entry.as_str()),
                path => path,
            };
            vec![identity, text(field::DISPLAY_NAME), address, kind.into(), policy.into()]
        });
        let columns = vec!["Identity", "DisplayName", "SipAddress", "PersistentChatPrincipalType", "EffectivePolicy"];
        let table = Table { title: "principals", columns, rows: rows.collect(), ..Table::default() };
        Ok(objects(table, "no eligible principal"))
    }
}
