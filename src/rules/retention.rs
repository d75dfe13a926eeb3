//! Retention: which rule a room has, what it lets go at an instant, and when the clock is not to be believed.

use crate::error::{Error, Kind, Result};
use crate::model::catalog::Catalog;
use crate::model::field::{self, Key};
use crate::model::ids::fold;
use crate::model::record::Record;
use crate::model::time::Ticks;
use chrono::Months;
use std::collections::{BTreeMap, HashMap};

/// How long something is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// A number of days.
    Days(u64),
    /// A number of months of the calendar.
    Months(u32),
    /// For ever.
    Forever,
}

impl Keep {
    /// Reads `90 days`, `12 weeks`, `18 months`, `7 years`, `forever`.
    pub fn parse(text: &str) -> Result<Keep> {
        let wrong = || {
            Error::new(Kind::Usage, format!("{text:?} is not a retention period"))
                .hint("give a number and a unit: \"90 days\", \"12 weeks\", \"18 months\", \"7 years\"; or \"forever\"")
        };
        if text.trim().eq_ignore_ascii_case("forever") {
            return Ok(Keep::Forever);
        }
        let (number, unit) = text.trim().split_once(char::is_whitespace).ok_or_else(wrong)?;
        let number: u32 = number.parse().ok().filter(|number| (1..=9999).contains(number)).ok_or_else(wrong)?;
        match unit.trim().to_ascii_lowercase().trim_end_matches('s') {
            "day" => Ok(Keep::Days(number.into())),
            "week" => Ok(Keep::Days(u64::from(number) * 7)),
            "month" => Ok(Keep::Months(number)),
            "year" => Ok(Keep::Months(number * 12)),
            _ => Err(wrong()),
        }
    }

    /// The last instant that is old enough to go; none when nothing ever is.
    pub fn cutoff(self, now: Ticks) -> Option<Ticks> {
        let at = now.to_chrono()?;
        let then = match self {
            Keep::Forever => return None,
            Keep::Days(days) => at.checked_sub_days(chrono::Days::new(days))?,
            Keep::Months(months) => at.checked_sub_months(Months::new(months))?,
        };
        Ticks::from_chrono(then).map(|then| Ticks(then.0 - 1))
    }
}

/// The rules of a catalog by what they are for, so that the one for a room is found without looking at all.
pub struct Rules<'a> {
    list: Vec<&'a Record>,
    rooms: HashMap<String, usize>,
    categories: HashMap<String, usize>,
    everything: Option<usize>,
}

impl<'a> Rules<'a> {
    /// Those of a catalog, numbered in its order from 0.
    pub fn of(catalog: &'a Catalog) -> Rules<'a> {
        let mut rules = Rules { list: Vec::new(), rooms: HashMap::new(), categories: HashMap::new(), everything: None };
        for (at, rule) in catalog.of("retention").enumerate() {
            let target = fold(rule.at(field::TARGET).unwrap_or_default());
            match rule.at(field::SCOPE).unwrap_or_default() {
                "room" => *rules.rooms.entry(target).or_insert(at),
                "category" => *rules.categories.entry(target).or_insert(at),
                "everything" => *rules.everything.get_or_insert(at),
                _ => at,
            };
            rules.list.push(rule);
        }
        rules
    }

    /// The number of the rule for a room: its own, else that of its category, else that of everything.
    pub fn number(&self, room: &Record) -> Option<usize> {
        let of = |key: Key<str>| room.at(key).unwrap_or_default();
        let (pool, name, uri, category) = (of(field::POOL), of(field::NAME), of(field::URI), of(field::CATEGORY));
        let first = |among: &HashMap<String, usize>, names: &[String]| {
            names.iter().filter_map(|name| among.get(&fold(name))).min().copied()
        };
        // A rule is for one room; a `*` in its target is a letter like any other.
        first(&self.rooms, &[format!("{pool}\\{uri}")])
            .or_else(|| first(&self.rooms, &[name.to_owned(), format!("{pool}\\{name}"), uri.to_owned()]))
            .or_else(|| match category {
                "" => None,
                category => first(&self.categories, &[category.to_owned(), format!("{pool}\\{category}")]),
            })
            .or(self.everything)
    }

    /// The rule for a room.
    pub fn rule(&self, room: &Record) -> Option<&'a Record> {
        self.number(room).and_then(|number| self.list.get(number).copied())
    }
}

/// So far the clock may be ahead of what the store knows.
const AHEAD: i64 = 30;
const DAY: i64 = 864_000_000_000;

/// How far the clock is ahead of the newest record and the newest event, in days, if that is too far for the rules to
/// be believed: a clock that is wrong by years would destroy what has years to stay.
pub fn ahead(newest: Ticks, now: Ticks) -> Option<i64> {
    let ahead = now.0.saturating_sub(newest.0);
    (ahead > AHEAD * DAY).then_some(ahead / DAY)
}

/// Refuses what the clock of the computer would decide wrongly.
pub fn doubted(days: i64, newest: Ticks) -> Error {
    Error::new(
        Kind::Refused,
        format!(
            "the clock is {days} days ahead of the newest record and event of the store ({newest}), more than {AHEAD}"
        ),
    )
    .hint("set the clock; if it is right, --clock-is-right says so, and that is noted in the audit log")
}

/// What the rules let go at this moment: for each instant, the rooms that are kept since then.
pub fn cutoffs(catalog: &Catalog, now: Ticks) -> Result<BTreeMap<Ticks, Vec<String>>> {
    if catalog.of("retention").next().is_none() {
        return Err(Error::new(Kind::NotFound, "no retention rule")
            .hint("pchat retention set --category NAME --keep \"7 years\" makes one"));
    }
    let mut cutoffs: BTreeMap<Ticks, Vec<String>> = BTreeMap::new();
    let rules = Rules::of(catalog);
    for room in catalog.of("room") {
        let Some(rule) = rules.rule(room) else { continue };
        let keep = Keep::parse(rule.at(field::KEEP).unwrap_or_default())?;
        if let Some(cutoff) = keep.cutoff(now) {
            let text = |key: Key<str>| room.at(key).unwrap_or_default();
            cutoffs.entry(cutoff).or_default().push(format!("{}\\{}", text(field::POOL), text(field::URI)));
        }
    }
    Ok(cutoffs)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nouns::{retention, room};

    #[test]
    fn of_rules_that_name_a_room_in_two_ways_the_first_counts() {
        let mut catalog = Catalog::default();
        for (scope, target) in [("room", "p\\Desk"), ("room", "Desk"), ("everything", ""), ("category", "Desks")] {
            catalog.put(Record::new(&retention::SHAPE).with(field::SCOPE, scope).with(field::TARGET, target));
        }
        let rules = Rules::of(&catalog);
        let desk = |name: &str| {
            let desk = Record::new(&room::SHAPE).with(field::POOL, "p").with(field::URI, "u").with(field::NAME, name);
            rules.rule(&desk.with(field::CATEGORY, "Desks")).and_then(|rule| rule.at(field::TARGET).map(str::to_owned))
        };
        let first = catalog.of("retention").find(|rule| rule.at(field::SCOPE) == Some("room"));
        assert_eq!(desk("Desk"), first.and_then(|rule| rule.at(field::TARGET).map(str::to_owned)));
        assert_eq!(desk("Other").as_deref(), Some("Desks"));
    }

    #[test]
    fn time_goes_back_by_the_calendar() {
        let now = Ticks::parse("2024-02-29T12:00:00Z").unwrap().0;
        let cutoff = |keep| Keep::parse(keep).unwrap().cutoff(now).map(|at| at.to_string());
        assert_eq!(cutoff("7 years").as_deref(), Some("2017-02-28T11:59:59.9999999Z"));
        assert_eq!(cutoff("1 month").as_deref(), Some("2024-01-29T11:59:59.9999999Z"));
        assert_eq!(cutoff("2 weeks").as_deref(), Some("2024-02-15T11:59:59.9999999Z"));
        assert_eq!(cutoff("forever"), None);
        // A month of 30 days is believed, and nothing beyond it.
        let days = |days: i64, more| ahead(Ticks(7), Ticks(7 + days * 864_000_000_000 + more));
        assert_eq!((days(30, 0), days(30, 1), days(31, 0), days(-1, 0)), (None, Some(30), Some(31), None));
        for wrong in ["", "7", "years", "0 days", "-1 days", "7 eons", "99999 days"] {
            assert!(Keep::parse(wrong).is_err(), "{wrong}");
        }
    }
}
