//! Time zones: which instants a date stands for, and on which date an instant lies.
//!
//! A day begins with the first instant that has its date and ends where the next one begins. So days follow each other
//! without gap and overlap, even where clocks went back over midnight.

use super::time::Ticks;
use crate::error::{Error, Kind, Result};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone};
use std::fmt;

/// A time zone for dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// One with a name, whose clocks may change.
    Named(chrono_tz::Tz),
    /// One that is always so far from UTC.
    Offset(chrono::FixedOffset),
}

/// A day of a zone: its date, and the instants that belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// Its date.
    pub date: NaiveDate,
    /// Its first instant.
    pub start: Ticks,
    /// The first instant that does not belong to it any more.
    pub end: Ticks,
}

impl Day {
    /// Does this instant belong to it?
    pub fn has(&self, at: Ticks) -> bool {
        self.start <= at && at < self.end
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Zone::Named(zone) => f.write_str(zone.name()),
            Zone::Offset(offset) => offset.fmt(f),
        }
    }
}

impl Zone {
    /// Coordinated Universal Time.
    pub const UTC: Zone = Zone::Named(chrono_tz::UTC);

    /// The zone people name; UTC when they name none.
    pub fn parse(text: Option<&str>) -> Result<Zone> {
        let Some(text) = text else { return Ok(Zone::UTC) };
        if let Ok(zone) = text.parse() {
            return Ok(Zone::Named(zone));
        }
        text.parse().map(Zone::Offset).map_err(|_| {
            Error::new(Kind::Usage, format!("{text:?} is no time zone"))
                .hint("give an IANA name such as Europe/Berlin, or an offset such as +02:00")
        })
    }

    /// The instant a bound stands for. A date covers its whole day.
    pub fn bound(&self, text: &str, end: bool) -> Result<Ticks> {
        let wrong = || {
            Error::new(Kind::Usage, format!("{text:?} is no date"))
                .hint("give YYYY-MM-DD, or a time as YYYY-MM-DDTHH:MM:SSZ")
        };
        if let Some((at, _)) = Ticks::parse(text) {
            return Ok(at);
        }
        if let Ok(time) = NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f")
            .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M"))
        {
            return self.instant(time).ok_or_else(wrong);
        }
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .or_else(|_| NaiveDate::parse_from_str(text, "%m/%d/%Y"))
            .map_err(|_| wrong())?;
        if end {
            let next = day.succ_opt().and_then(|next| self.begin(next)).ok_or_else(wrong)?;
            return Ok(Ticks(next.0 - 1));
        }
        self.begin(day).ok_or_else(wrong)
    }

    /// What a clock shows at an instant.
    pub fn local(&self, at: Ticks) -> NaiveDateTime {
        let at = at.to_chrono().unwrap_or_default();
        match self {
            Zone::Offset(offset) => at.with_timezone(offset).naive_local(),
            Zone::Named(zone) => at.with_timezone(zone).naive_local(),
        }
    }

    /// The day an instant belongs to.
    pub fn day(&self, at: Ticks) -> Day {
        let mut date = self.date(at);
        // Where clocks went back over midnight, a date that had begun already goes on.
        while let Some(next) = date.succ_opt().filter(|next| self.begin(*next).is_some_and(|begin| begin <= at)) {
            date = next;
        }
        let start = self.begin(date).unwrap_or(Ticks::MIN);
        let next = date.succ_opt().and_then(|next| self.begin(next));
        // The last day there is has no end.
        Day { date, start, end: next.unwrap_or(Ticks(i64::MAX)) }
    }

    /// The date a clock shows at an instant.
    fn date(&self, at: Ticks) -> NaiveDate {
        self.local(at).date()
    }

    /// The first instant of a date.
    fn begin(&self, date: NaiveDate) -> Option<Ticks> {
        self.instant(date.and_time(NaiveTime::MIN))
    }

    /// A clock time that a change of clocks skips stands for the instant after the change. Once a zone skipped a whole day.
    fn instant(&self, time: NaiveDateTime) -> Option<Ticks> {
        let at = match self {
            Zone::Offset(offset) => offset.from_local_datetime(&time).earliest()?.to_utc(),
            Zone::Named(zone) => (0..=48)
                .find_map(|step| zone.from_local_datetime(&(time + TimeDelta::minutes(30 * step))).earliest())?
                .to_utc(),
        };
        Ticks::from_chrono(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Ticks {
        Ticks::parse(text).unwrap().0
    }

    #[test]
    fn a_date_covers_its_whole_day_in_its_zone() {
        let zone = Zone::parse(Some("Europe/Berlin")).unwrap();
        assert_eq!(zone.bound("2020-07-01", false).unwrap().to_string(), "2020-06-30T22:00:00Z");
        assert_eq!(zone.bound("2020-07-01", true).unwrap().to_string(), "2020-07-01T21:59:59.9999999Z");
        let utc = Zone::parse(None).unwrap();
        assert_eq!(utc.bound("7/1/2020", true).unwrap().to_string(), "2020-07-01T23:59:59.9999999Z");
        assert_eq!(utc.bound("2020-07-01T10:00:00+02:00", true).unwrap().to_string(), "2020-07-01T08:00:00Z");
        assert!(utc.bound("yesterday", true).is_err());
        assert!(Zone::parse(Some("Moon/Sea")).is_err());
    }

    #[test]
    fn days_follow_each_other_wherever_clocks_change() {
        // Twenty-three hours, twenty-five, midnight that is skipped, midnight that comes twice, a day that never was.
        let cases = [
            ("Europe/Berlin", "2020-03-28T23:00:00Z", "2020-03-29T22:00:00Z", "2020-03-29"),
            ("Europe/Berlin", "2020-10-24T22:00:00Z", "2020-10-25T23:00:00Z", "2020-10-25"),
            ("America/Sao_Paulo", "2018-11-04T03:00:00Z", "2018-11-05T02:00:00Z", "2018-11-04"),
            ("America/St_Johns", "2010-11-07T02:30:00Z", "2010-11-08T03:30:00Z", "2010-11-07"),
            ("Pacific/Apia", "2011-12-29T10:00:00Z", "2011-12-30T10:00:00Z", "2011-12-29"),
            ("Pacific/Apia", "2011-12-30T10:00:00Z", "2011-12-31T10:00:00Z", "2011-12-31"),
            ("+02:00", "2020-06-30T22:00:00Z", "2020-07-01T22:00:00Z", "2020-07-01"),
        ];
        for (zone, start, end, date) in cases {
            let zone = Zone::parse(Some(zone)).unwrap();
            let day = Day { date: date.parse().unwrap(), start: at(start), end: at(end) };
            for ticks in [day.start.0, day.start.0 + 600_000_000, day.end.0 - 36_000_000_000, day.end.0 - 1] {
                assert_eq!(zone.day(Ticks(ticks)), day, "{zone:?} {}", Ticks(ticks));
                assert!(day.has(Ticks(ticks)));
            }
            assert!(!day.has(day.end) && !day.has(Ticks(day.start.0 - 1)));
            assert_eq!(zone.day(day.end).start, day.end);
        }
    }

    #[test]
    fn the_first_and_the_last_instant_lie_on_a_day() {
        for zone in ["UTC", "+14:00", "-12:00", "Asia/Tokyo", "America/New_York"] {
            let zone = Zone::parse(Some(zone)).unwrap();
            assert!(zone.day(Ticks::MIN).has(Ticks::MIN) && zone.day(Ticks::MAX).has(Ticks::MAX), "{zone:?}");
        }
    }
}
