//! Which rooms are shown, and how.

use super::{InvitationsName, PrivacyName, TypeName, word};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::people;
use crate::jobs::selection::{only_category, only_room, room_key};
use crate::model::catalog::Catalog;
use crate::model::dn;
use crate::model::field::{self, Key};
use crate::model::ids::{RoomKey, fold, person_key};
use crate::model::record::{Record, Value};
use crate::model::reply::{Cell, Reply, Table};
use crate::nouns::reads::{Reads, entries, principals};
use crate::nouns::roles::Shown;
use crate::nouns::verb::objects;
use crate::nouns::{addin, pool, principal, roles};
use crate::rules::directory::Directory;
use crate::rules::rights;
use crate::select::expression::Expression;
use crate::store::Corpus;
use crate::store::Names;
use crate::store::sqlite::Sqlite;
use clap::Args;
use std::collections::{BTreeMap, BTreeSet};

const MIB: u64 = 1 << 20;

/// Which rooms are shown.
#[derive(Debug, Args)]
pub struct GetRequest {
    /// Only this one, by name, pool\name or address
    #[arg(conflicts_with_all = [
        "pool", "category", "addin", "manager", "member", "privacy", "type", "invitations", "disabled",
        "filter", "larger_than", "limit"])]
    room: Option<String>,
    /// Rooms of this pool
    #[arg(long, value_name = "FQDN")]
    pool: Option<String>,
    /// Rooms of this category, by name or pool\name
    #[arg(long, value_name = "CATEGORY")]
    category: Option<String>,
    /// Rooms with this add-in, by name or pool\name
    #[arg(long, value_name = "ADDIN")]
    addin: Option<String>,
    /// Rooms this person manages, by SIP address
    #[arg(long, value_name = "SIP")]
    manager: Option<String>,
    /// Rooms this person is a member of, by SIP address
    #[arg(long, value_name = "SIP")]
    member: Option<String>,
    /// Rooms with this privacy
    #[arg(long, value_enum, ignore_case = true)]
    privacy: Option<PrivacyName>,
    /// Rooms of this type
    #[arg(long = "type", id = "type", value_enum, ignore_case = true)]
    of_type: Option<TypeName>,
    /// Rooms that follow their category, or that invite nobody
    #[arg(long, value_enum, ignore_case = true)]
    invitations: Option<InvitationsName>,
    /// Disabled rooms, or active ones
    #[arg(long, value_name = "true|false")]
    disabled: Option<bool>,
    /// Rooms whose name contains this, or a condition as {Name -like "IT*"}
    #[arg(long, value_name = "TEXT")]
    filter: Option<String>,
    /// --filter looks at the description, too
    #[arg(long, requires = "filter")]
    search_description: bool,
    /// Rooms whose content is larger than N MiB
    #[arg(long, value_name = "MIB")]
    larger_than: Option<u64>,
    /// At most N rooms
    #[arg(long, value_name = "N")]
    limit: Option<usize>,
    /// Show people by display name instead of SIP address
    #[arg(long)]
    as_object: bool,
}

impl GetRequest {
    /// Finds and shows.
    pub(super) fn run(self, cx: &Context<'_>) -> Result<Reply> {
        cx.session.read(|store| {
            let people: Vec<String> = [&self.manager, &self.member].into_iter().flatten().cloned().collect();
            let names = covering(store, people)?;
            let reads = Reads::no_people(cx).people(move |_| Names::Like(names.clone()));
            self.find(store, &reads)
        })
    }

    fn find(self, corpus: &mut Sqlite, reads: &Reads) -> Result<Reply> {
        let catalog = corpus.settings(&reads.wanted())?;
        let mut found: Vec<&Record> = match &self.room {
            Some(name) => vec![only_room(&catalog, name)?],
            None => self.chosen(&catalog)?,
        };
        if found.is_empty() {
            self.check_people(corpus, &catalog)?;
        }
        if let Some(least) = self.larger_than {
            let sizes = sizes(corpus)?;
            found.retain(|room| sizes.get(&room_key(room)).is_some_and(|size| *size > least.saturating_mul(MIB)));
        }
        found.truncate(self.limit.unwrap_or(usize::MAX));
        let shown_as = match self.as_object {
            true => Shown::by_name(corpus, &found, &roles::ROLES)?,
            false => Shown::default(),
        };
        Ok(objects(shown(&found, &shown_as), "no room matches"))
    }

    /// Where no room has such people: whom the store knows by no name is told, and not taken for one without rooms.
    fn check_people(&self, corpus: &mut Sqlite, catalog: &Catalog) -> Result<()> {
        let directory = Directory::new(catalog);
        let lists = ["Members", "Managers", "Presenters", "AllowedMembers", "DeniedMembers", "Creators"];
        for person in [&self.manager, &self.member].into_iter().flatten() {
            let mut listed = ["room", "category"].into_iter().flat_map(|noun| catalog.of(noun));
            let is = |record: &Record| entries(record, &lists).any(|entry| person_key(entry) == person_key(person));
            if directory.find(person).is_empty() && !listed.any(is) {
                people::meant(corpus, &principal::SHAPE, person, false)?;
            }
        }
        Ok(())
    }

    fn chosen<'a>(&self, catalog: &'a Catalog) -> Result<Vec<&'a Record>> {
        let category = self.category.as_ref().map(|name| only_category(catalog, name)).transpose()?;
        self.pool.as_deref().map_or(Ok(()), |name| pool::check(catalog, name))?;
        self.addin.as_deref().map_or(Ok(()), |name| addin::check(catalog, name))?;
        let addin = self.addin.as_deref().map(pool::split);
        let condition = self.filter.as_deref().map(Filter::parse).transpose()?;
        let directory = Directory::new(catalog);
        let text = |room: &Record, key: Key<str>| room.at(key).map(fold);
        let is = |room: &Record, key: Key<str>, wanted: &Option<String>| {
            wanted.as_deref().is_none_or(|wanted| text(room, key) == Some(fold(wanted)))
        };
        let privacy = self.privacy.map(word);
        let of_type = self.of_type.map(word);
        let invitations = self.invitations.map(word);
        let mut found = Vec::new();
        for room in catalog.of("room") {
            let in_category = category.is_none_or(|category| {
                text(room, field::POOL) == text(category, field::POOL)
                    && text(room, field::CATEGORY) == text(category, field::NAME)
            });
            let named = |filter: &Filter| filter.is_true_of(room, self.search_description);
            if in_category
                && is(room, field::POOL, &self.pool)
                && addin.is_none_or(|(pool, name)| {
                    text(room, field::ADDIN) == Some(fold(name))
                        && pool.is_none_or(|pool| text(room, field::POOL) == Some(fold(pool)))
                })
                && is(room, field::PRIVACY, &privacy)
                && is(room, field::TYPE, &of_type)
                && is(room, field::ROOM_INVITATIONS, &invitations)
                && self.disabled.is_none_or(|is| (room.at(field::DISABLED) == Some(true)) == is)
                && condition.as_ref().is_none_or(named)
                && self
                    .manager
                    .as_ref()
                    .is_none_or(|person| rights::covered(&directory, room.value(field::MANAGERS), person))
                && self.member.as_ref().is_none_or(|person| rights::is_member(catalog, &directory, room, person))
            {
                found.push(room);
            }
        }
        Ok(found)
    }
}

/// The names by which everything is read that covers one of these people: their own, their groups' and those of what
/// they lie in.
fn covering(store: &mut Sqlite, mut names: Vec<String>) -> Result<Vec<String>> {
    let people = principals(store, names.clone())?;
    let own = names.iter().filter_map(|name| dn::key(name));
    let known = people.of("principal").filter_map(|person| dn::key(person.at(field::DIRECTORY_PATH)?));
    let places: BTreeSet<String> =
        own.chain(known).flat_map(|place| dn::above(&place).map(str::to_owned).collect::<Vec<_>>()).collect();
    names.extend(places);
    Ok(names)
}

/// A condition, or words that stand in the name.
enum Filter {
    Condition(Expression),
    Words(String),
}

impl Filter {
    fn parse(text: &str) -> Result<Filter> {
        if !Expression::is_meant(text) {
            return Ok(Filter::Words(fold(text)));
        }
        let condition = Expression::parse(text)?;
        for name in condition.properties() {
            if !SHOWN.iter().any(|shown| shown.eq_ignore_ascii_case(name)) {
                return Err(Error::new(Kind::Usage, format!("unknown property {name}"))
                    .hint(format!("they have {}", SHOWN.join(", "))));
            }
        }
        Ok(Filter::Condition(condition))
    }

    fn is_true_of(&self, room: &Record, description: bool) -> bool {
        let has = |key: Key<str>, word: &str| room.at(key).is_some_and(|text| fold(text).contains(word));
        match self {
            Filter::Words(word) => has(field::NAME, word) || description && has(field::DESCRIPTION, word),
            Filter::Condition(condition) => {
                let with = |name_is: &'static str| {
                    condition.matches(&|name: &str| {
                        let field = SHOWN.iter().find(|shown| shown.eq_ignore_ascii_case(name))?;
                        Some(property(room, if *field == "Name" { name_is } else { field }))
                    })
                };
                with("Name") || description && with("Description")
            }
        }
    }
}

/// The properties, in the order they are shown.
const SHOWN: [&str; 20] = [
    "Identity",
    "Name",
    "Description",
    "Category",
    "Type",
    "Privacy",
    "Invitations",
    "Disabled",
    "Addin",
    "Members",
    "Managers",
    "Presenters",
    "PersistentChatPoolFqdn",
    "Uri",
    "FormerNames",
    "Guid",
    "CreatedBy",
    "CreatedOn",
    "UpdatedBy",
    "UpdatedOn",
];

/// Those that make a table too wide.
const ASIDE: [&str; 12] = [
    "Name",
    "Members",
    "Managers",
    "Presenters",
    "PersistentChatPoolFqdn",
    "Uri",
    "FormerNames",
    "Guid",
    "CreatedBy",
    "CreatedOn",
    "UpdatedBy",
    "UpdatedOn",
];

fn property(room: &Record, name: &str) -> Value {
    match name {
        "Identity" => room.identity().as_str().into(),
        "PersistentChatPoolFqdn" => room.value(field::POOL).clone(),
        // A room that nobody has disabled is not disabled.
        "Disabled" if *room.get(name) == Value::Null => Value::Bool(false),
        other => room.get(other).clone(),
    }
}

/// The table of rooms, with addresses.
pub(super) fn listed(_: &Catalog, rooms: &[&Record]) -> Table {
    shown(rooms, &Shown::default())
}

fn shown(rooms: &[&Record], shown: &Shown) -> Table {
    let rows = rooms.iter().map(|room| {
        let cells = SHOWN.iter().map(|name| match property(room, name) {
            list @ Value::List(_) if roles::ROLES.contains(name) => shown.cell(&list),
            value => Cell::from(&value),
        });
        cells.collect()
    });
    let rows = rows.collect();
    Table { title: "rooms", columns: SHOWN.to_vec(), aside: ASIDE.to_vec(), rows, ..Table::default() }
}

/// Bytes of content by room.
fn sizes(corpus: &mut Sqlite) -> Result<BTreeMap<RoomKey, u64>> {
    Ok(corpus.census()?.into_iter().map(|census| (census.room, census.bytes)).collect())
}
