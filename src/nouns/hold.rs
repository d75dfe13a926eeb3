//! Holds: what must not be destroyed, and why. A hold is in force at once, can be widened, and ends only by a release
//! with a reason, which destroys nothing.

mod register;

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::holds::{self, Protects, protects};
use crate::jobs::selection::{Wanted, named};
use crate::jobs::settings;
use crate::model::field;
use crate::model::record::{Field, Level, Record, Shape, Value};
use crate::model::reply::{Reply, Table};
use crate::model::zone::{Side, instant};
use crate::nouns::case;
use crate::nouns::reads;
use crate::nouns::verb::{Action, Consent, Prepared, Verb};
use crate::nouns::which::{self, Which};
use crate::store::change::{Placed, Placing, Put, release_part};
use crate::store::purge::Protected;
use clap::{Args, Subcommand};

/// The shape of a hold.
pub static SHAPE: Shape = Shape {
    noun: "hold",
    plural: "holds",
    fields: &[
        Field::of(field::IDENTITY, "identity", 256),
        Field::of(field::CASE, "case", 256),
        Field::of(field::REASON, "reason", 1024),
        Field::of(field::WRITTEN, "written", 4096),
        Field::of(field::ROOMS, "rooms", 1024),
        Field::of(field::CATEGORIES, "categories", 1024),
        Field::of(field::PEOPLE, "people", 384),
        Field::of(field::FROM, "from_time", 0),
        Field::of(field::TO, "to_time", 0),
        Field::of(field::QUERY, "query", 0),
        Field::of(field::MATCH, "match", 16),
        Field::of(field::CASE_SENSITIVE, "case_sensitive", 0),
        Field::of(field::PLACED_BY, "placed_by", 256),
        Field::of(field::PLACED_ON, "placed_on", 0),
        Field::of(field::REVIEW_ON, "review_on", 0),
        Field::of(field::RELEASED_BY, "released_by", 256),
        Field::of(field::RELEASED_ON, "released_on", 0),
        Field::of(field::RELEASE_REASON, "release_reason", 1024),
    ],
    key: &[field::IDENTITY.name],
    identity: &[field::IDENTITY.name],
    levels: &[Level::User, Level::Category, Level::RoomDirectory, Level::Content],
};

/// Manage legal holds: what must not be destroyed, and why
#[derive(Debug, Subcommand)]
pub enum HoldVerb {
    /// Place a hold; it is in force at once
    New(Box<NewHold>),
    /// Show holds
    Get {
        /// Only this one
        name: Option<String>,
        /// Leave out those that were released
        #[arg(long)]
        in_force: bool,
    },
    /// Widen a hold, or change its case, reason or review date
    Set(Box<SetHold>),
    /// End a hold; destroys nothing
    Release {
        /// Its name
        name: String,
        /// Why it ends
        #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
        reason: String,
        /// Ask or not.
        #[command(flatten)]
        consent: Consent,
    },
    /// The register of holds: what each protects today, alone and with others, and what it kept from a purge
    Report {
        /// Only this one
        name: Option<String>,
    },
}

/// A hold to be placed.
#[derive(Debug, Args)]
pub struct NewHold {
    /// Its name
    name: String,
    /// The case it belongs to, which must be open
    #[arg(long, value_name = "CASE")]
    case: String,
    /// Why
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    reason: String,
    #[command(flatten)]
    which: Which,
    /// The whole store, as far as no other option narrows it
    #[arg(long)]
    everything: bool,
    /// The date of the next review
    #[arg(long, value_name = "DATE")]
    review: Option<String>,
    #[command(flatten)]
    how: How,
}

/// How a hold is placed or changed.
#[derive(Debug, Clone, Copy, Args)]
pub struct How {
    /// Place it although it protects nothing today, or names an address that nobody has yet
    #[arg(long)]
    yes_empty: bool,
    /// Show what it would protect, and change nothing
    #[arg(long, alias = "dry-run")]
    what_if: bool,
}

impl How {
    fn placing(self) -> Placing {
        Placing { empty: self.yes_empty || self.what_if, trial: self.what_if }
    }

    /// What was established.
    fn reply(self, hold: &Record, Put { protects: found, unkept }: Put, mut notes: Vec<String>) -> Reply {
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
                "in {rooms} of it nothing new is kept: pchat category set --chat-history true keeps what is said"
            ));
        }
        Reply { notes, ..Reply::default() }
    }
}

/// What changes of a hold.
#[derive(Debug, Args)]
pub struct SetHold {
    /// Its name
    name: String,
    /// Another case, which must be open
    #[arg(long, value_name = "CASE")]
    case: Option<String>,
    /// Another reason
    #[arg(long, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    reason: Option<String>,
    /// Rooms it protects as well
    #[arg(long, value_name = "ROOM")]
    room: Vec<String>,
    /// Categories it protects as well
    #[arg(long, value_name = "CATEGORY")]
    category: Vec<String>,
    /// People it protects as well
    #[arg(long, value_name = "PERSON")]
    user: Vec<String>,
    /// An earlier first date
    #[arg(long, value_name = "DATE")]
    from: Option<String>,
    /// A later last date
    #[arg(long, value_name = "DATE")]
    to: Option<String>,
    /// Time zone of dates, as Europe/Berlin, "W. Europe Standard Time" or +02:00 [default: UTC]
    #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
    timezone: Option<String>,
    /// The date of the next review
    #[arg(long, value_name = "DATE")]
    review: Option<String>,
    #[command(flatten)]
    how: How,
}

impl Verb for HoldVerb {
    fn change(&self) -> Option<&'static str> {
        match self {
            HoldVerb::New(new) => (!new.which.explains() && !new.how.what_if).then_some("hold new"),
            HoldVerb::Set(set) => (!set.how.what_if).then_some("hold set"),
            HoldVerb::Release { consent, .. } => consent.change("hold release"),
            HoldVerb::Get { .. } | HoldVerb::Report { .. } => None,
        }
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        match self {
            HoldVerb::New(new) if new.which.explains() => {
                which::explain(cx, &new.which.in_case(Some(&new.case)).wanted(cx, false)?).map(Prepared::Answer)
            }
            HoldVerb::New(new) => Prepared::to_do(move |cx| new.run(cx)),
            HoldVerb::Get { name, in_force } => {
                let (catalog, counted) = holds::counted(cx, &SHAPE)?;
                let one = name.map(|name| named(&catalog, "hold", &name)).transpose()?;
                Ok(Prepared::Answer(register::list(&catalog, (&counted, (cx.clock)()), one, in_force)))
            }
            HoldVerb::Set(set) => Prepared::to_do(move |cx| set.run(cx)),
            HoldVerb::Release { name, reason, consent } => release(cx, &name, reason, consent),
            HoldVerb::Report { name } => {
                let found = cx.session.read(|store| holds::register(store, name.as_deref(), &SHAPE))?;
                Ok(Prepared::Answer(register::reply(&found, cx)))
            }
        }
    }
}

impl NewHold {
    fn run(self, cx: &Context<'_>) -> Result<Reply> {
        settings::check_name("hold", &self.name)?;
        let catalog = reads::no_people(cx)?;
        if named(&catalog, "hold", &self.name).is_ok() {
            return Err(Error::new(Kind::Refused, format!("hold \"{}\" already exists", self.name))
                .hint("pchat hold set widens it; give a new one another name"));
        }
        let case = case::open(&catalog, &self.case)?;
        let (part, people) = self.which.in_case(Some(&self.case)).custodians(cx, self.how.yes_empty)?;
        let notes = which::warnings(cx, &part)?;
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
            hold.set(field::REVIEW_ON, instant(review, part.timezone.as_deref(), Side::First)?);
        }
        let placed = Placed { hold, before: None };
        let found = holds::place(cx, &placed, "hold new", details(&placed.hold), self.how.placing())?;
        Ok(self.how.reply(&placed.hold, found, notes))
    }
}

fn bounds(hold: &mut Record, protects: &Protects) {
    for (field, at) in [("From", protects.from), ("To", protects.to)] {
        if let Some(at) = at {
            hold.set(field, at);
        }
    }
}

/// What the audit log says of a hold: no words, and no address of a person.
fn details(hold: &Record) -> Vec<(&'static str, String)> {
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
fn in_short(items: &[String]) -> String {
    match items.len().saturating_sub(20) {
        0 => items.join("; "),
        more => format!("{}; and {more} more", items[..20].join("; ")),
    }
}

impl SetHold {
    fn run(self, cx: &Context<'_>) -> Result<Reply> {
        let catalog = reads::no_people(cx)?;
        let old = named(&catalog, "hold", &self.name)?;
        let mut hold = old.clone();
        if let Some(name) = &self.case {
            hold.set(field::CASE, case::open(&catalog, name)?.identity().as_str());
        }
        if let Some(reason) = &self.reason {
            hold.set(field::REASON, reason.as_str());
        }
        if let Some(review) = &self.review {
            hold.set(field::REVIEW_ON, instant(review, self.timezone.as_deref(), Side::First)?);
        }
        let part = Wanted {
            rooms: self.room,
            categories: self.category,
            people: self.user,
            from: self.from,
            to: self.to,
            timezone: self.timezone,
            ..Wanted::default()
        };
        let mut how = self.how.placing();
        if part.is_everything() {
            // What it protects does not change, so nobody has to say that it is little.
            how.empty = true;
        } else {
            let people = which::people(cx, &part.people, self.how.yes_empty)?;
            let more = protects(&part, &people, &catalog)?;
            for (key, added) in
                [(field::ROOMS, &more.rooms), (field::CATEGORIES, &more.categories), (field::PEOPLE, &more.people)]
            {
                let mut all = hold.at(key).to_vec();
                all.extend(added.iter().filter(|item| !hold.at(key).contains(item)).cloned());
                hold.set(key, all);
            }
            bounds(&mut hold, &more);
            hold.set(field::WRITTEN, format!("{}; and {}", old.value(field::WRITTEN).show(), more.written).as_str());
        }
        if hold == *old {
            return Err(Error::new(Kind::Usage, format!("nothing of hold \"{}\" would change", hold.identity()))
                .hint("pchat hold set --help lists what can change"));
        }
        let placed = Placed { hold, before: Some(old.clone()) };
        let found = holds::place(cx, &placed, "hold set", details(&placed.hold), how)?;
        Ok(self.how.reply(&placed.hold, found, Vec::new()))
    }
}

fn release(cx: &Context<'_>, name: &str, reason: String, consent: Consent) -> Result<Prepared> {
    let registered = cx.session.read(|store| holds::register(store, Some(name), &SHAPE))?;
    let Some(one) = registered.first() else {
        return Err(Error::new(Kind::NotFound, format!("no hold \"{name}\"")).hint("pchat hold get lists all of them"));
    };
    let identity = one.hold.identity();
    if let Value::Time(on) = one.hold.value(field::RELEASED_ON) {
        return Err(Error::new(Kind::Refused, format!("hold \"{identity}\" was released on {on}"))
            .hint(format!("pchat hold get \"{identity}\" says by whom and why")));
    }
    let mut preview = Table {
        title: "hold",
        columns: vec!["Hold", "Case", "Rooms", "Messages", "Events", "Alone"],
        ..Table::default()
    };
    let sum = register::sum(&one.coverage);
    preview.rows.push(vec![
        identity.as_str().into(),
        one.hold.value(field::CASE).into(),
        (one.coverage.rooms.len() as u64).into(),
        sum.messages.into(),
        sum.events.into(),
        one.coverage.alone.into(),
    ]);
    let note = match one.coverage.alone {
        0 => "nothing loses its protection: whatever it protects, another hold protects as well".to_owned(),
        1 => "1 event loses its protection".to_owned(),
        events => format!("{events} events lose their protection"),
    };
    let note = if sum.events == 0 { "it protects nothing at this moment".to_owned() } else { note };
    let question = format!("Release hold \"{identity}\"?");
    let hold = one.hold.clone();
    let parts = vec![release_part(&hold, &Protected::from(&one.coverage))];
    let act = Box::new(move |cx: &Context<'_>| {
        let hold = hold
            .with(field::RELEASED_BY, Some(cx.actor.name()))
            .with(field::RELEASED_ON, (cx.clock)())
            .with(field::RELEASE_REASON, reason.as_str());
        holds::release(cx, &hold)?;
        let notes = vec![format!("released hold \"{}\"; nothing was destroyed", hold.identity())];
        Ok(Reply { notes, ..Reply::default() })
    });
    let preview = Reply { tables: vec![preview], notes: vec![note], ..Reply::default() };
    Ok(Prepared::Act(Action { preview, question, consent, destroys: true, parts, act }))
}

/// In force, which it is only while it protects something; else what it is.
fn state(hold: &Record, events: u64) -> &'static str {
    match (!hold.has(field::RELEASED_ON), events) {
        (false, _) => "released",
        (true, 0) => "protects nothing today",
        (true, _) => "in force",
    }
}
