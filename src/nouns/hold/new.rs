//! A hold is placed, and what it protects today is said.

use super::{SHAPE, register};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::holds::{self, Protects, protects};
use crate::jobs::selection::named;
use crate::jobs::settings;
use crate::model::field;
use crate::model::list::List;
use crate::model::record::Record;
use crate::model::reply::Reply;
use crate::nouns::case;
use crate::nouns::reads;
use crate::nouns::which::{self, Which};
use crate::store::change::{Placed, Placing, Put};
use clap::Args;

/// A hold to be placed.
#[derive(Debug, Args)]
pub struct NewHold {
    /// Its name
    pub(super) name: String,
    /// The case it belongs to, which must be open (pchat case new opens one)
    #[arg(long, value_name = "CASE")]
    pub(super) case: String,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = crate::nouns::values::said)]
    reason: String,
    #[command(flatten)]
    pub(super) which: Which,
    /// The whole store, as far as no other option narrows it
    #[arg(long)]
    everything: bool,
    /// The date of the next review
    #[arg(long, value_name = "DATE")]
    review: Option<String>,
    #[command(flatten)]
    pub(super) how: How,
}

/// How a hold is placed or changed.
#[derive(Debug, Clone, Copy, Args)]
pub struct How {
    /// Place it although it protects nothing today, or names an address that nobody has yet
    #[arg(long)]
    pub(super) yes_empty: bool,
    /// Show what it would protect, and change nothing
    #[arg(long, alias = "dry-run")]
    pub(super) what_if: bool,
}

impl How {
    pub(super) fn placing(self) -> Placing {
        Placing { empty: self.yes_empty || self.what_if, trial: self.what_if }
    }

    /// What was established.
    pub(super) fn reply(self, hold: &Record, Put { protects: found, unkept }: Put, mut notes: Vec<String>) -> Reply {
        let (name, written) = (hold.identity(), hold.value(field::WRITTEN).show());
        let (is, does) = match (self.what_if, found.events) {
            (true, _) => ("is not placed or changed, as --what-if asks", "would protect"),
            (false, 0) => ("is placed", "protects"),
            (false, _) => ("is in force", "protects"),
        };
        notes.push(format!("hold \"{name}\" {is}: {written}"));
        notes.push(match found.events {
            0 => format!("it {does} nothing today"),
            _ => format!("it {does} {} today", register::amount(found)),
        });
        if unkept > 0 {
            let rooms = if unkept == 1 { "1 room".to_owned() } else { format!("{unkept} rooms") };
            notes.push(format!(
                "no new history is kept in {rooms} of it: pchat category set --chat-history true keeps what is said"
            ));
        }
        Reply { notes, ..Reply::default() }
    }
}

impl NewHold {
    pub(super) fn run(self, cx: &Context<'_>) -> Result<Reply> {
        settings::check_name("hold", &self.name)?;
        let catalog = reads::no_people(cx)?;
        if named(&catalog, "hold", &self.name).is_ok() {
            return Err(Error::new(Kind::Refused, format!("hold \"{}\" already exists", self.name))
                .hint("pchat hold set widens it; give a new one another name"));
        }
        let case = case::open(&catalog, &self.case)?;
        let (part, people) = self.which.in_case(Some(&self.case)).custodians(cx, self.how.yes_empty)?;
        let mut notes = which::warnings(cx, &part)?;
        if part.is_everything() && !self.everything {
            return Err(Error::new(Kind::Usage, "no scope given for the hold")
                .hint("name rooms, categories, people, dates or words; --everything means the whole store"));
        }
        let protects = protects(&part, &people, &which::catalog(cx, &part)?)?;
        let mut hold = Record::new(&SHAPE)
            .with(field::IDENTITY, self.name.as_str())
            .with(field::CASE, case.identity().as_str())
            .with(field::REASON, self.reason.as_str())
            .with(field::WRITTEN, protects.written.as_str())
            .with(field::ROOMS, protects.rooms.clone())
            .with(field::CATEGORIES, protects.categories.clone())
            .with(field::PEOPLE, protects.people.clone())
            .with(field::PLACED_BY, Some(cx.actor.name()))
            .with(field::PLACED_ON, (cx.clock)());
        bounds(&mut hold, &protects);
        if let Some(words) = &protects.words {
            hold.set(field::QUERY, words.text.as_str());
            hold.set(field::MATCH, words.mode.word());
            hold.set(field::CASE_SENSITIVE, words.case_sensitive);
        }
        if let Some(review) = &self.review {
            let (at, late) = crate::nouns::values::review(review, part.timezone.as_deref(), (cx.clock)())?;
            hold.set(field::REVIEW_ON, at);
            notes.extend(late);
        }
        let placed = Placed { hold, before: None };
        let found = holds::place(cx, &placed, "hold new", details(&placed.hold), self.how.placing())?;
        Ok(self.how.reply(&placed.hold, found, notes))
    }
}

pub(super) fn bounds(hold: &mut Record, protects: &Protects) {
    for (field, at) in [("From", protects.from), ("To", protects.to)] {
        if let Some(at) = at {
            hold.set(field, at);
        }
    }
}

/// What the audit log says of a hold: no words, and no address of a person.
pub(super) fn details(hold: &Record) -> Vec<(&'static str, String)> {
    let show = |field| hold.get(field).show();
    let words = hold.at(field::QUERY).map_or(0, |query| query.split_whitespace().count());
    let all = [
        ("case", show(field::CASE.name)),
        ("reason", show(field::REASON.name)),
        ("rooms", in_short(hold.at(field::ROOMS))),
        ("categories", show(field::CATEGORIES.name)),
        ("people", hold.at(field::PEOPLE).len().to_string()),
        ("from", show(field::FROM.name)),
        ("to", show(field::TO.name)),
        ("keywords", words.to_string()),
        ("review", show(field::REVIEW_ON.name)),
    ];
    all.into_iter().filter(|(_, value)| !value.is_empty() && value != "0").collect()
}

/// A list, unless it is long: a pattern may stand for very many rooms.
fn in_short(items: &List) -> String {
    match items.len().saturating_sub(20) {
        0 => items.join("; "),
        more => format!("{}; and {more} more", items.iter().take(20).collect::<Vec<_>>().join("; ")),
    }
}
