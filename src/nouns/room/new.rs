//! What a new room is given, and by which rules.

use super::rules::{addin_in, category_in, refused, unique};
use super::{InvitationsName, PrivacyName, SHAPE, TypeName, word};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::selection::only_category;
use crate::jobs::settings::{Decision, check_name};
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::ids::fold;
use crate::model::record::Record;
use crate::nouns::change::Stamp;
use crate::nouns::reads::{self, Reads};
use crate::nouns::verb::Consent;
use crate::nouns::{pool, roles};
use crate::rules::directory::Directory;
use clap::Args;

/// A room to be made.
#[derive(Debug, Args)]
pub struct NewRequest {
    /// Its name, up to 256 characters; no other room of the pool has it
    #[arg(long)]
    pub name: String,
    /// The category it is in, by name or pool\name
    #[arg(long, value_name = "CATEGORY")]
    category: String,
    /// Its pool [default: that of the category]
    #[arg(long, value_name = "FQDN")]
    pool: Option<String>,
    /// What it is for, up to 256 characters
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Who may post
    #[arg(long = "type", value_enum, ignore_case = true, default_value = "Normal")]
    of_type: TypeName,
    /// Who finds and enters it
    #[arg(long, value_enum, ignore_case = true, default_value = "Closed")]
    privacy: PrivacyName,
    /// Whether members are invited
    #[arg(long, value_enum, ignore_case = true, default_value = "Inherit")]
    invitations: InvitationsName,
    /// Create the room disabled
    #[arg(long, value_name = "true|false", num_args = 0..=1, default_value = "false", default_missing_value = "true")]
    disabled: bool,
    /// The add-in it shows, by name
    #[arg(long, value_name = "ADDIN")]
    addin: Option<String>,
    /// The person of the category's creators who makes it, and becomes its manager [default: an administrator makes it]
    #[arg(long, value_name = "SIP")]
    creator: Option<String>,
    /// Ask or not.
    #[command(flatten)]
    pub consent: Consent,
}

impl NewRequest {
    /// What is decided from: of principals only the creator, and whom the category names.
    pub(super) fn reads(&self, cx: &Context<'_>) -> Reads {
        let reads = Reads::no_people(cx);
        let Some(creator) = self.creator.clone() else { return reads };
        let name = pool::split(&self.category).1.to_owned();
        reads.people(move |catalog| {
            let meant = catalog.of("category").filter(|of| of.at(field::NAME).map(fold) == Some(fold(&name)));
            let lists = meant.flat_map(|category| reads::entries(category, &roles::OF_CATEGORY));
            reads::named(lists.chain([creator.as_str()]))
        })
    }

    /// The room, if the rules allow it.
    pub(super) fn decide(&self, catalog: &Catalog, stamp: &Stamp) -> Result<Decision> {
        check_name("room", &self.name)?;
        let (in_category, category) = pool::split(&self.category);
        let pool = match self.pool.as_deref().or(in_category) {
            Some(named) => pool::meant(catalog, Some(named))?.0,
            // A category of this name in one pool alone says which is meant.
            None => {
                let of_name = |record: &&Record| record.at(field::NAME).map(fold) == Some(fold(category));
                let mut pools = catalog.of("category").filter(of_name).filter_map(|record| record.at(field::POOL));
                match (pools.next(), pools.next()) {
                    (Some(one), None) => one.to_owned(),
                    // A name that no pool has is wrong whichever pool is meant.
                    (None, _) if catalog.of("pool").count() > 1 => {
                        only_category(catalog, category)?.at(field::POOL).unwrap_or_default().to_owned()
                    }
                    _ => pool::meant(catalog, None)?.0,
                }
            }
        };
        if let (Some(a), Some(b)) = (&self.pool, in_category)
            && fold(a) != fold(b)
        {
            return Err(refused(format!("category {} is not in pool {a}", self.category))
                .hint("a room lies in the pool of its category"));
        }
        let category = category_in(catalog, &pool, category)?;
        unique(catalog, &pool, &self.name, None)?;
        let mut room = Record::new(&SHAPE)
            .with(field::POOL, pool.as_str())
            .with(field::NAME, self.name.as_str())
            .with(field::URI, format!("ma-chan://{pool}/{}", stamp.guid()).as_str())
            .with(field::DESCRIPTION, self.description.clone().filter(|text| !text.is_empty()))
            .with(field::CATEGORY, category.at(field::NAME).unwrap_or_default())
            .with(field::TYPE, word(self.of_type).as_str())
            .with(field::PRIVACY, word(self.privacy).as_str())
            .with(field::ROOM_INVITATIONS, word(self.invitations).as_str())
            .with(field::DISABLED, self.disabled);
        if let Some(addin) = self.addin.as_deref().filter(|addin| !addin.is_empty()) {
            room.set(field::ADDIN, addin_in(catalog, &pool, addin)?.as_str());
        }
        if let Some(creator) = &self.creator {
            let directory = Directory::new(catalog);
            let creator = directory.entry(creator, false)?;
            let may = category.at(field::CREATORS).iter().any(|item| directory.covers(item, &creator));
            if !may || !directory.allows(category, &creator) {
                return Err(Error::new(
                    Kind::Denied,
                    format!("this person is not among Creators of category {}", category.identity()),
                )
                .hint("pchat category set --creators names who may create rooms in it"));
            }
            room.set(field::MANAGERS, vec![creator]);
        }
        let room = stamp.made(room);
        if catalog.get("room", &room.key()).is_some() {
            return Err(
                Error::new(Kind::Conflict, "the random GUID is already used by another room").hint("run it again")
            );
        }
        Ok(Decision { puts: vec![room], ..Decision::default() })
    }
}
