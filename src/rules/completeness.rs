//! Is anything missing? Message numbers of a room run from 1 without holes; and most rooms have days on which something
//! is said week after week. Values in, findings out.

use crate::model::ids::RoomKey;
use crate::model::time::Ticks;
use std::collections::BTreeSet;

/// A weekday is a habit of a room that had messages on it in three of four weeks in which it had any, and of those
/// there are at least so many.
pub const WEEKS: usize = 4;

/// Message numbers in a row that are not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hole {
    /// The first.
    pub from: i64,
    /// The last.
    pub to: i64,
    /// The time of the message before them.
    pub after: Option<Ticks>,
    /// The time of the message behind them.
    pub before: Option<Ticks>,
    /// The purge that took them.
    pub purge: Option<i64>,
}

impl Hole {
    /// How many.
    pub fn count(&self) -> u64 {
        self.to.abs_diff(self.from).saturating_add(1)
    }
}

/// What message numbers say about a day without messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Numbers {
    /// They run on without a hole: nothing is missing.
    RunOn,
    /// What is missing there was purged.
    Purged,
    /// The messages of the room have none.
    None,
    /// Some are missing there.
    Missing,
}

impl Numbers {
    /// In a word or two.
    pub fn word(self) -> &'static str {
        match self {
            Numbers::RunOn => "run on",
            Numbers::Purged => "purged",
            Numbers::None => "none",
            Numbers::Missing => "missing",
        }
    }

    /// Is the quiet accounted for?
    pub fn explain(self) -> bool {
        matches!(self, Numbers::RunOn | Numbers::Purged)
    }
}

/// Days without messages on which the room usually has some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quiet {
    /// The first, in days since the year 1.
    pub from: i64,
    /// The last.
    pub to: i64,
    /// How many.
    pub days: u64,
    /// What message numbers say about them.
    pub numbers: Numbers,
}

/// What is known of one room.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// The room.
    pub room: RoomKey,
    /// Its name.
    pub name: String,
    /// The lowest and the highest message number there is.
    pub bounds: Option<(i64, i64)>,
    /// How many messages have a number.
    pub numbered: u64,
    /// How many numbers are missing and nothing says why.
    pub missing: u64,
    /// How many are missing because they were purged.
    pub purged: u64,
    /// How many were purged and are there again.
    pub restored: u64,
    /// Where numbers are missing, in order, as many as were asked for.
    pub holes: Vec<Hole>,
    /// How many such places there are: unexplained, and purged.
    pub places: [u64; 2],
    /// Quiet days, in order.
    pub quiet: Vec<Quiet>,
}

impl Findings {
    /// Adds a hole, which is kept when fewer than `most` of its kind are.
    pub fn hole(&mut self, hole: Hole, most: usize) {
        let sum = if hole.purge.is_some() { &mut self.purged } else { &mut self.missing };
        *sum = sum.saturating_add(hole.count());
        let places = &mut self.places[usize::from(hole.purge.is_some())];
        *places += 1;
        let kept = *places <= most as u64;
        if let (Some(after), Some(before)) = (hole.after, hole.before) {
            let (first, last) = (day(after.min(before)), day(after.max(before)));
            let found = if hole.purge.is_some() { Numbers::Purged } else { Numbers::Missing };
            let start = self.quiet.partition_point(|quiet| quiet.to < first);
            for quiet in self.quiet[start..].iter_mut().take_while(|quiet| quiet.from <= last) {
                quiet.numbers = quiet.numbers.max(found);
            }
        }
        if kept {
            self.holes.push(hole);
        }
    }
}

/// How many message numbers are missing, if any are.
pub fn in_words(missing: u64, rooms: u64) -> Option<String> {
    let rooms = if rooms == 1 { "1 room".to_owned() } else { format!("{rooms} rooms") };
    match missing {
        0 => None,
        1 => Some(format!("1 number is missing in {rooms}")),
        missing => Some(format!("{missing} numbers are missing in {rooms}")),
    }
}

/// The day of an instant, in UTC, counted from the year 1. Day 0 is a Monday.
pub fn day(at: Ticks) -> i64 {
    at.0.div_euclid(864_000_000_000)
}

/// The instant a day begins.
pub fn begin(day: i64) -> Ticks {
    Ticks(day.saturating_mul(864_000_000_000))
}

/// The days without messages on which there usually are some, between the first and the last with any. Days that follow
/// each other with nothing said between them are one finding.
pub fn quiet(days: &BTreeSet<i64>, numbers: Numbers) -> Vec<Quiet> {
    let weeks: BTreeSet<i64> = days.iter().map(|day| day.div_euclid(7)).collect();
    let mut habit = [0usize; 7];
    days.iter().for_each(|day| habit[day.rem_euclid(7) as usize] += 1);
    if weeks.len() < WEEKS {
        return Vec::new();
    }
    let usual = |day: i64| habit[day.rem_euclid(7) as usize] * 4 >= weeks.len() * 3;
    let mut found = Vec::new();
    for (before, after) in days.iter().zip(days.iter().skip(1)) {
        let mut missed = (before + 1..*after).filter(|day| usual(*day));
        if let Some(from) = missed.next() {
            let (days, to) = missed.fold((1, from), |(count, _), day| (count + 1, day));
            found.push(Quiet { from, to, days, numbers });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_days_are_those_of_the_habit() {
        // Ten weeks of Mondays to Fridays, without the third week but for its Friday, and without one Tuesday.
        let mut days: BTreeSet<i64> = (0..70).filter(|day| day % 7 < 5).collect();
        days.retain(|day| !(14..18).contains(day));
        days.remove(&50);
        // A Saturday now and then is no habit.
        days.insert(5);
        let found = quiet(&days, Numbers::RunOn);
        let spans: Vec<_> = found.iter().map(|quiet| (quiet.from, quiet.to, quiet.days)).collect();
        assert_eq!(spans, [(14, 17, 4), (50, 50, 1)]);
        // Three weeks are no habit.
        assert_eq!(quiet(&(0..20).filter(|day| day % 7 < 5 && *day != 8).collect(), Numbers::None), []);
        // Three weeks of four are a habit, and seven of ten are none.
        let some = |weeks: i64, left: &[i64]| -> u64 {
            let days = (0..weeks * 7).filter(|day| day % 7 == 0 || day % 7 == 2 && !left.contains(&(day / 7)));
            quiet(&days.collect(), Numbers::None).iter().map(|quiet| quiet.days).sum()
        };
        assert_eq!((some(4, &[1]), some(4, &[1, 2]), some(10, &[3, 5]), some(10, &[3, 5, 7])), (1, 0, 2, 0));
        // Weeks without any message do not take the habit away.
        let long: BTreeSet<i64> = (0..28).chain(300..328).filter(|day| day % 7 == 0 || day % 7 == 6).collect();
        assert_eq!(quiet(&long, Numbers::None).iter().map(|quiet| quiet.days).sum::<u64>(), 77);
    }

    #[test]
    fn a_hole_explains_the_quiet_it_lies_across() {
        let quiet = |from, to| Quiet { from, to, days: 1, numbers: Numbers::RunOn };
        let mut findings = Findings { quiet: vec![quiet(3, 4), quiet(9, 9), quiet(12, 13)], ..Findings::default() };
        let hole = |from, to, after, before, purge| Hole {
            from,
            to,
            after: Some(begin(after)),
            before: Some(begin(before)),
            purge,
        };
        findings.hole(hole(5, 6, 2, 9, Some(1)), 1);
        findings.hole(hole(7, 9, 9, 11, None), 1);
        let words: Vec<_> = findings.quiet.iter().map(|q| (q.numbers.word(), q.numbers.explain())).collect();
        assert_eq!(words, [("purged", true), ("missing", false), ("run on", true)]);
        assert!(!Numbers::None.explain());
        assert_eq!((findings.missing, findings.purged, findings.places, findings.holes.len()), (3, 2, [1, 1], 2));
    }
}
