//! Which properties and people of rooms are changed, and by which rules.

use super::rules::{addin_in, category_in, refused, unique};
use super::{InvitationsName, PrivacyName, TypeName, word};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::selection::only_room;
use crate::jobs::settings::{Decision, check_name};
use crate::model::catalog::Catalog;
use crate::model::field::{self, Key};
use crate::model::ids::fold;
use crate::model::list::List;
use crate::model::record::{Record, Value};
use crate::nouns::change::{Stamp, list};
use crate::nouns::reads::{self, Reads};
use crate::nouns::verb::Consent;
use crate::nouns::{pool, roles};
use crate::rules::directory::Directory;
use crate::rules::rights::category_of;
use clap::Args;
use std::collections::HashSet;

/// What is to change in rooms.
#[derive(Debug, Args)]
pub struct SetRequest {
    /// The rooms, by name, pool\name or address
    #[arg(required = true, value_name = "ROOM")]
    pub rooms: Vec<String>,
    /// Another name
    #[arg(long)]
    name: Option<String>,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// The category it moves to; role entries that one does not allow are dropped
    #[arg(long, value_name = "CATEGORY")]
    category: Option<String>,
    /// Who may post
    #[arg(long = "type", value_enum, ignore_case = true)]
    of_type: Option<TypeName>,
    /// Who finds and enters it
    #[arg(long, value_enum, ignore_case = true)]
    privacy: Option<PrivacyName>,
    /// Whether members are invited
    #[arg(long, value_enum, ignore_case = true)]
    invitations: Option<InvitationsName>,
    /// True disables the room
    #[arg(long, value_name = "true|false")]
    disabled: Option<bool>,
    /// The add-in it shows, by name; '' for none
    #[arg(long, value_name = "ADDIN")]
    addin: Option<String>,
    /// Who may enter: +ENTRY adds, -ENTRY removes, entries without a sign replace the list; '' leaves it to the
    /// category
    #[arg(long, value_name = "ENTRY", allow_hyphen_values = true)]
    members: Vec<String>,
    /// Who sets its members and settings, in the same form
    #[arg(long, value_name = "ENTRY", allow_hyphen_values = true)]
    managers: Vec<String>,
    /// Who may post in an Auditorium room, in the same form
    #[arg(long, value_name = "ENTRY", allow_hyphen_values = true)]
    presenters: Vec<String>,
    /// People are named by display name instead of SIP address
    #[arg(long)]
    as_object: bool,
    /// Ask or not.
    #[command(flatten)]
    pub consent: Consent,
}

impl SetRequest {
    /// What is decided from: of principals those who come or go, and when it matters whom a category allows, whoever
    /// the lists of the rooms and of their categories name.
    pub(super) fn reads(&self, cx: &Context<'_>) -> Reads {
        let typed = reads::typed([&self.members, &self.managers, &self.presenters].into_iter().flatten());
        let reads = match (&self.rooms[..], &self.name) {
            ([room], None) => Reads::no_people(cx).room(room),
            // Which names are taken is asked of all.
            _ => Reads::no_people(cx),
        };
        if typed.is_empty() && self.category.is_none() {
            return reads;
        }
        let (rooms, moves) = (self.rooms.clone(), self.category.clone());
        reads.people(move |catalog| {
            let rooms: Vec<&Record> = rooms.iter().filter_map(|room| only_room(catalog, room).ok()).collect();
            let to = moves.as_deref().map(|name| fold(pool::split(name).1));
            let categories = rooms
                .iter()
                .filter_map(|room| category_of(catalog, room))
                .chain(catalog.of("category").filter(|of| to.is_some() && of.at(field::NAME).map(fold) == to));
            let lists = categories.flat_map(|category| reads::entries(category, &roles::OF_CATEGORY));
            let roles = rooms.iter().flat_map(|room| reads::entries(room, &roles::ROLES));
            reads::named(typed.iter().map(String::as_str).chain(lists).chain(roles))
        })
    }

    /// The rooms as they are to be, if the rules allow it.
    pub(super) fn decide(&self, catalog: &Catalog, stamp: &Stamp) -> Result<Decision> {
        if self.name.is_some() && self.rooms.len() > 1 {
            return Err(Error::new(Kind::Usage, "--name renames one room, and several are given"));
        }
        let directory = Directory::new(catalog);
        let mut decision = Decision::default();
        for room in &self.rooms {
            let old = only_room(catalog, room)?;
            let new = self.one(catalog, &directory, old, &mut decision.notes)?;
            decision.puts.push(stamp.changed(old, new));
        }
        Ok(decision)
    }

    fn one(
        &self,
        catalog: &Catalog,
        directory: &Directory<'_>,
        old: &Record,
        notes: &mut Vec<String>,
    ) -> Result<Record> {
        let pool = old.at(field::POOL).unwrap_or_default();
        let mut new = old.clone();
        if let Some(name) = &self.name {
            check_name("room", name)?;
            unique(catalog, pool, name, Some(old))?;
            new.set(field::NAME, name.as_str());
        }
        if let Some(text) = &self.description {
            new.set(field::DESCRIPTION, Some(text.clone()).filter(|text| !text.is_empty()));
        }
        let words = [
            ("Type", self.of_type.map(word)),
            ("Privacy", self.privacy.map(word)),
            ("Invitations", self.invitations.map(word)),
        ];
        for (field, value) in words {
            if let Some(value) = value {
                new.set(field, value.as_str());
            }
        }
        if let Some(disabled) = self.disabled
            && (disabled || old.has(field::DISABLED))
        {
            new.set(field::DISABLED, disabled);
        }
        if let Some(addin) = &self.addin {
            let addin = if addin.is_empty() { None } else { Some(addin_in(catalog, pool, addin)?) };
            new.set(field::ADDIN, addin);
        }
        let mut category = category_of(catalog, old);
        let mut moved = false;
        if let Some(name) = &self.category {
            let (in_pool, name) = pool::split(name);
            if in_pool.is_some_and(|other| fold(other) != fold(pool)) {
                return Err(refused(format!("room {} cannot leave pool {pool}", old.identity()))
                    .hint("a category of another pool is reached by export and import with --map-pool"));
            }
            let to = category_in(catalog, pool, name)?;
            moved = category.is_none_or(|category| category.key() != to.key());
            new.set(field::CATEGORY, to.at(field::NAME).unwrap_or_default());
            category = Some(to);
        }
        self.roles(directory, old, &mut new, category, moved, notes)?;
        if new.values != old.values {
            // What history has told of the room has become what somebody wants.
            new.discovered = false;
        }
        Ok(new)
    }

    fn roles(
        &self,
        directory: &Directory<'_>,
        old: &Record,
        new: &mut Record,
        category: Option<&Record>,
        moved: bool,
        notes: &mut Vec<String>,
    ) -> Result<()> {
        let room = old.identity();
        let entry = |text: &str| directory.entry(text, self.as_object);
        for (field, changes) in roles::ROLES.into_iter().zip([&self.members, &self.managers, &self.presenters]) {
            if !changes.is_empty() {
                new.set(field, list(old.get(field), field, changes, &entry, notes)?);
            }
            let (Value::List(now), Some(category)) = (new.get(field), category) else { continue };
            // What was in the list and is not allowed any more goes with the move; what comes in must be allowed.
            let before = if let Value::List(items) = old.get(field) { items } else { List::none() };
            let (before, may): (HashSet<&str>, _) = (before.iter().collect(), directory.allowed(category));
            let outside = now.iter().filter(|item| !before.contains(item) && !may.has(item)).count();
            if outside > 0 {
                let what = format!("{} cannot be among {field} of room {room}", roles::number_of(outside));
                return Err(refused(what).hint(format!(
                    "category {} allows its AllowedMembers, without its DeniedMembers: pchat category get shows them",
                    category.identity()
                )));
            }
        }
        if let (true, Some(category)) = (moved, category) {
            let dropped = roles::drop_outside(directory, category, new);
            notes.extend(roles::told(old, category, &dropped));
        }
        let has = |key: Key<List>| !new.at(key).is_empty();
        if has(field::PRESENTERS) && new.at(field::TYPE) != Some("Auditorium") {
            return Err(refused(format!(
                "Presenters: room {room} is of type Normal; only an Auditorium has presenters"
            ))
            .hint("--type Auditorium makes it a room in which presenters post; --presenters '' takes them away"));
        }
        if has(field::MEMBERS) && new.at(field::PRIVACY) == Some("Open") {
            return Err(refused(format!(
                "Members: room {room} has privacy Open; only Closed and Secret rooms have members"
            ))
            .hint("--privacy Closed lets only members in; --members '' leaves it to the category"));
        }
        Ok(())
    }
}
