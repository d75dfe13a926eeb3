//! A hold is widened, or its case, reason or review date changes.

use super::new::{How, bounds, details};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::holds::{self, protects};
use crate::jobs::selection::{Wanted, named};
use crate::model::field;
use crate::model::reply::Reply;
use crate::nouns::case;
use crate::nouns::reads;
use crate::nouns::values;
use crate::nouns::which;
use crate::store::change::Placed;
use clap::Args;

/// What changes of a hold.
#[derive(Debug, Args)]
pub struct SetHold {
    /// Its name
    name: String,
    /// Another case, which must be open
    #[arg(long, value_name = "CASE")]
    case: Option<String>,
    /// Another reason
    #[arg(long, value_name = "TEXT", value_parser = crate::nouns::values::said)]
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
    pub(super) how: How,
}

impl SetHold {
    pub(super) fn run(self, cx: &Context<'_>) -> Result<Reply> {
        let catalog = reads::no_people(cx)?;
        let old = named(&catalog, "hold", &self.name)?;
        let mut hold = old.clone();
        if let Some(name) = &self.case {
            hold.set(field::CASE, case::open(&catalog, name)?.identity().as_str());
        }
        if let Some(reason) = &self.reason {
            hold.set(field::REASON, reason.as_str());
        }
        let dates = [&self.from, &self.to, &self.review].map(Option::is_some);
        values::zone_of_dates(self.timezone.as_deref(), &dates)?;
        let mut late = None;
        if let Some(review) = &self.review {
            let at;
            (at, late) = values::review(review, self.timezone.as_deref(), (cx.clock)())?;
            hold.set(field::REVIEW_ON, at);
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
            return Err(Error::new(Kind::Usage, format!("hold \"{}\" would not change", hold.identity()))
                .hint("pchat hold set --help lists what can change"));
        }
        let placed = Placed { hold, before: Some(old.clone()) };
        let found = holds::place(cx, &placed, "hold set", details(&placed.hold), how)?;
        Ok(self.how.reply(&placed.hold, found, late.into_iter().collect()))
    }
}
