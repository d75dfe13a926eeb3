//! Changes of categories: what goes from their lists goes from those of their rooms.

use super::remove::rooms_in;
use super::{Lists, new::unique};
use crate::context::Context;
use crate::error::{Error, Kind as Failure, Result};
use crate::jobs::selection::only_category;
use crate::jobs::settings::{self, Decision};
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::record::{Record, Value};
use crate::nouns::change::{Stamp, list};
use crate::nouns::reads::{self, Reads};
use crate::nouns::roles;
use crate::rules::directory::Directory;
use std::collections::HashSet;

/// What is to change in categories.
pub(super) struct Set {
    pub(super) names: Vec<String>,
    pub(super) name: Option<String>,
    pub(super) description: Option<String>,
    pub(super) invitations: Option<bool>,
    pub(super) file_upload: Option<bool>,
    pub(super) chat_history: Option<bool>,
    pub(super) lists: Lists,
    pub(super) as_object: bool,
    pub(super) stamp: Stamp,
}

impl Set {
    /// What is decided from: principals only when lists change. Then all lists of the category and its rooms are held
    /// against each other.
    pub(super) fn reads(&self, cx: &Context<'_>) -> Reads {
        let Lists { allowed_members, denied_members, creators } = &self.lists;
        let typed = reads::typed([allowed_members, denied_members, creators].into_iter().flatten());
        let names = self.names.clone();
        Reads::no_people(cx).people(move |catalog| {
            let meant: Vec<&Record> = names.iter().filter_map(|name| only_category(catalog, name).ok()).collect();
            let lists = meant.iter().flat_map(|category| reads::entries(category, &roles::OF_CATEGORY));
            let rooms = meant.iter().filter(|_| !typed.is_empty()).flat_map(|category| rooms_in(catalog, category));
            let roles = rooms.flat_map(|room| reads::entries(room, &roles::ROLES));
            reads::named(typed.iter().map(String::as_str).chain(lists).chain(roles))
        })
    }

    /// The categories as they are to be, and their rooms, if the rules allow it.
    pub(super) fn decide(&self, catalog: &Catalog) -> Result<Decision> {
        let mut decision = Decision::default();
        for name in &self.names {
            self.one(catalog, only_category(catalog, name)?, &mut decision)?;
        }
        Ok(decision)
    }

    fn one(&self, catalog: &Catalog, old: &Record, decision: &mut Decision) -> Result<()> {
        let directory = Directory::new(catalog);
        let mut new = old.clone();
        if let Some(name) = &self.name {
            settings::check_name("category", name)?;
            unique(catalog, old.at(field::POOL).unwrap_or_default(), name, Some(old))?;
            new.set(field::NAME, name.as_str());
        }
        if let Some(text) = &self.description {
            new.set(field::DESCRIPTION, Some(text.clone()).filter(|text| !text.is_empty()));
        }
        for (field, value) in
            [("Invitations", self.invitations), ("FileUpload", self.file_upload), ("ChatHistory", self.chat_history)]
        {
            if let Some(value) = value {
                new.set(field, Value::Bool(value));
            }
        }
        let entry = |text: &str| directory.entry(text, self.as_object);
        let Lists { allowed_members, denied_members, creators } = &self.lists;
        for (field, changes) in
            [("AllowedMembers", allowed_members), ("DeniedMembers", denied_members), ("Creators", creators)]
        {
            if !changes.is_empty() {
                new.set(field, list(old.get(field), field, changes, &entry, &mut decision.notes)?);
            }
        }
        self.bound(&directory, old, &mut new, decision)?;
        if new.values != old.values {
            new.discovered = false;
        }
        let renamed = new.key() != old.key();
        let new = self.stamp.changed(old, new);
        let moved = |field: &str| new.get(field) != old.get(field);
        let narrower = moved("AllowedMembers") || moved("DeniedMembers");
        decision.puts.push(new.clone());
        if renamed {
            decision.removes.push(old.clone());
        }
        if renamed || narrower || moved("Name") {
            for room in rooms_in(catalog, old) {
                let mut changed = room.clone().with(field::CATEGORY, new.at(field::NAME).unwrap_or_default());
                if narrower {
                    let dropped = roles::drop_outside(&directory, &new, &mut changed);
                    decision.notes.extend(roles::told(room, &new, &dropped));
                }
                if changed.values != room.values {
                    decision.puts.push(self.stamp.changed(room, changed));
                }
            }
        }
        Ok(())
    }

    /// Creators are among the allowed members. Those who were, and are no longer, go.
    fn bound(&self, directory: &Directory<'_>, old: &Record, new: &mut Record, decision: &mut Decision) -> Result<()> {
        let Value::List(creators) = new.value(field::CREATORS).clone() else { return Ok(()) };
        let before: HashSet<&str> = old.at(field::CREATORS).iter().collect();
        let may = directory.allowed(new);
        let (allowed, outside): (Vec<String>, Vec<String>) =
            creators.to_vec().into_iter().partition(|creator| may.has(creator));
        let new_ones = outside.iter().filter(|creator| !before.contains(creator.as_str())).count();
        if new_ones > 0 {
            let what =
                format!("{} cannot be among Creators of category {}", roles::number_of(new_ones), new.identity());
            return Err(Error::new(Failure::Refused, what)
                .hint("creators must be among AllowedMembers, and not among DeniedMembers, of their category"));
        }
        decision.notes.extend(roles::told_of("Creators", &new.identity(), new, &outside));
        new.set(field::CREATORS, allowed);
        Ok(())
    }
}
