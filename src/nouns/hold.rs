//! Holds: what must not be destroyed, and why. A hold is in force at once, can be widened, and ends only by a release
//! with a reason, which destroys nothing.

mod new;
mod register;
mod release;
mod set;

pub use self::new::{How, NewHold};
pub use self::set::SetHold;
use crate::context::Context;
use crate::error::Result;
use crate::jobs::holds;
use crate::jobs::selection::named;
use crate::model::field;
use crate::model::record::{Field, Level, Record, Shape};
use crate::nouns::verb::{Consent, Prepared, Verb};
use crate::nouns::which;
use clap::Subcommand;

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
        #[arg(long, value_name = "TEXT", value_parser = crate::nouns::values::said)]
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
            HoldVerb::Release { name, reason, consent } => release::release(cx, &name, reason, consent),
            HoldVerb::Report { name } => {
                let found = cx.session.read(|store| holds::register(store, name.as_deref(), &SHAPE))?;
                Ok(Prepared::Answer(register::reply(&found, cx)))
            }
        }
    }
}

/// In force, which it is only while it protects something; else what it is.
fn state(hold: &Record, events: u64) -> &'static str {
    match (!hold.has(field::RELEASED_ON), events) {
        (false, _) => "released",
        (true, 0) => "protects nothing today",
        (true, _) => "in force",
    }
}
