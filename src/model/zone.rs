//! Time zones, and times as people type them: dates, clock times and zones → instants, and on which date an instant
//! lies. Every bound a command takes comes through here.
//!
//! A lower bound of a clock time that occurred twice is the earlier instant, an upper bound the later one: what
//! somebody means is never outside. What never occurred is refused, because nobody can say what was meant.
//!
//! A day of a report or a file begins with the first instant that has its date and ends where the next one begins. So
//! days follow each other without gap and overlap, even where clocks went back over midnight.

use super::time::Ticks;
use crate::error::{Error, Kind, Result, quoted};
use chrono::{
    DateTime, Datelike, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Timelike, Utc,
};
use chrono_tz::{GapInfo, Tz};
use windows_timezones::WindowsTimezone;

/// Which end of a span of time a text stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// The first instant it may mean.
    First,
    /// The last instant it may mean.
    Last,
}

/// A time zone for dates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// One with a name, whose clocks may change.
    Named(Tz),
    /// The same under the name Windows has for it.
    Windows(WindowsTimezone, Tz),
    /// One that is always so far from UTC.
    Offset(FixedOffset),
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

impl Zone {
    /// Coordinated Universal Time.
    pub const UTC: Zone = Zone::Named(Tz::UTC);

    /// Reads an IANA name, an offset, or the name Windows has for a zone; UTC when nothing is given.
    pub fn parse(text: Option<&str>) -> Result<Zone> {
        let Some(text) = text else { return Ok(Zone::UTC) };
        if let Ok(zone) = text.parse() {
            return Ok(Zone::Named(zone));
        }
        if let Ok(offset) = text.parse() {
            return Ok(Zone::Offset(offset));
        }
        let windows = text.parse::<WindowsTimezone>().ok();
        if let Some((windows, zone)) = windows.and_then(|name| Some((name, name.tzdb_id().parse().ok()?))) {
            return Ok(Zone::Windows(windows, zone));
        }
        Err(Error::new(Kind::Usage, format!("{text:?} is not a time zone")).hint(
            "give a name such as Europe/Berlin or \"W. Europe Standard Time\", letter for letter, or an offset \
                such as +02:00",
        ))
    }

    /// The zone as reports print it.
    pub fn name(&self) -> String {
        match self {
            Zone::Named(zone) => zone.name().to_owned(),
            Zone::Windows(windows, zone) => format!("{windows} ({})", zone.name()),
            Zone::Offset(offset) => offset.to_string(),
        }
    }

    /// Its clocks, if they may change.
    fn clocks(&self) -> Option<&Tz> {
        match self {
            Zone::Named(zone) | Zone::Windows(_, zone) => Some(zone),
            Zone::Offset(_) => None,
        }
    }

    /// The instant a bound stands for. A date covers its whole day in this zone.
    pub fn bound(&self, text: &str, side: Side) -> Result<Ticks> {
        if let Some((at, _)) = Ticks::parse(text) {
            return Ok(at);
        }
        for form in ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"] {
            if let Ok(time) = NaiveDateTime::parse_from_str(text, form) {
                return match self.instant(time, side) {
                    Some(at) => Ok(clamped(at)),
                    None => Err(self.skipped(text, time)),
                };
            }
        }
        let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").map_err(|_| {
            let error = Error::new(Kind::Usage, format!("{} is not a date", quoted(text)));
            let cmdlets = if text.contains('/') { "; only cmdlets take dates with the month first" } else { "" };
            match super::time::guessed(text) {
                Some(iso) => error.hint(format!("write the year first: {iso}, if that is meant{cmdlets}")),
                None if text.contains("Get-Date") => error.hint(
                    "put the whole line of the cmdlet in single quotes, so that pchat reads (Get-Date).AddDays(-30)",
                ),
                None => error.hint("give YYYY-MM-DD, or a time as YYYY-MM-DDTHH:MM:SSZ"),
            }
        })?;
        self.edge(day, side).map(clamped).ok_or_else(|| self.skipped(text, day.and_time(NaiveTime::MIN)))
    }

    /// The instant of a clock time, if it ever occurred.
    fn instant(&self, time: NaiveDateTime, side: Side) -> Option<DateTime<Utc>> {
        fn pick<T: TimeZone>(zone: &T, time: &NaiveDateTime, side: Side) -> Option<DateTime<Utc>> {
            let found = zone.from_local_datetime(time);
            Some(if side == Side::First { found.earliest()? } else { found.latest()? }.to_utc())
        }
        match self {
            Zone::Named(zone) | Zone::Windows(_, zone) => pick(zone, &time, side),
            Zone::Offset(offset) => pick(offset, &time, side),
        }
    }

    /// The first or the last instant of a day. A change of clocks may have taken its midnight, or all of it.
    fn edge(&self, day: NaiveDate, side: Side) -> Option<DateTime<Utc>> {
        let end = NaiveTime::from_num_seconds_from_midnight_opt(86_399, 999_999_900)?;
        let time = day.and_time(if side == Side::First { NaiveTime::MIN } else { end });
        if let Some(at) = self.instant(time, side) {
            return Some(at);
        }
        let (before, after) = self.gap(time)?;
        match side {
            Side::First => (after.1.date() == day).then_some(after.0),
            Side::Last => (before.1.date() == day && before.1.time() > NaiveTime::MIN)
                .then(|| before.0 - TimeDelta::nanoseconds(100)),
        }
    }

    /// The change of clocks that took this clock time: the same instant by the clock before it and the clock after it.
    fn gap(&self, time: NaiveDateTime) -> Option<(Clock, Clock)> {
        let gap = GapInfo::new(&time, self.clocks()?)?;
        let ((begin, offset), end) = (gap.begin?, gap.end?);
        let at = begin.checked_sub_offset(offset.fix())?.and_utc();
        Some(((at, begin), (at, end.naive_local())))
    }

    /// What a clock shows at an instant.
    pub fn local(&self, at: Ticks) -> NaiveDateTime {
        let at = at.to_chrono().unwrap_or_default();
        match self {
            Zone::Offset(offset) => at.with_timezone(offset).naive_local(),
            Zone::Named(zone) | Zone::Windows(_, zone) => at.with_timezone(zone).naive_local(),
        }
    }

    /// What a clock of the zone shows, as `2014-03-10 09:30:00`.
    pub fn clock(&self, at: Ticks) -> String {
        let mut text = *b"0000-00-00 00:00:00";
        let mut put = |from: usize, width: usize, mut value: u32| {
            for slot in text[from..from + width].iter_mut().rev() {
                *slot = b'0' + (value % 10) as u8;
                value /= 10;
            }
        };
        let ((year, month, day), second) = match *self == Zone::UTC && Ticks::checked(at.0).is_some() {
            true => {
                let (year, month, day) = at.date();
                ((year as u32, month, day), (at.0 % 864_000_000_000 / 10_000_000) as u32)
            }
            false => {
                let local = self.local(at);
                let date = (local.year().unsigned_abs(), local.month(), local.day());
                (date, local.num_seconds_from_midnight())
            }
        };
        put(0, 4, year);
        put(5, 2, month);
        put(8, 2, day);
        put(11, 2, second / 3600);
        put(14, 2, second / 60 % 60);
        put(17, 2, second % 60);
        String::from_utf8_lossy(&text).into_owned()
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

    /// The first instant of a date; of one that a change of clocks took as a whole, the instant of that change.
    fn begin(&self, date: NaiveDate) -> Option<Ticks> {
        let whole = || self.gap(date.and_time(NaiveTime::MIN)).map(|(before, _)| before.0);
        Ticks::from_chrono(self.edge(date, Side::First).or_else(whole)?)
    }

    fn skipped(&self, text: &str, time: NaiveDateTime) -> Error {
        let error = Error::new(Kind::Usage, format!("{text:?} never occurred in {}", self.name()));
        let Some((before, after)) = self.gap(time) else { return error };
        error.hint(format!(
            "the clocks there went from {} to {} at {}: give a time before or after that",
            before.1.format("%Y-%m-%dT%H:%M:%S"),
            after.1.format("%Y-%m-%dT%H:%M:%S"),
            before.0.format("%Y-%m-%dT%H:%M:%SZ"),
        ))
    }
}

/// An instant, and what a clock on the wall said at it.
type Clock = (DateTime<Utc>, NaiveDateTime);

/// What lies outside of the years that can be shown is at their end.
fn clamped(at: DateTime<Utc>) -> Ticks {
    Ticks::from_chrono(at).unwrap_or(if at.timestamp() < 0 { Ticks::MIN } else { Ticks::MAX })
}

/// The names of the zones of the IANA database.
pub fn names() -> impl Iterator<Item = &'static str> {
    chrono_tz::TZ_VARIANTS.iter().map(|zone| zone.name())
}

/// The instant a date or time in a zone stands for.
pub fn instant(text: &str, timezone: Option<&str>, side: Side) -> Result<Ticks> {
    Zone::parse(timezone)?.bound(text, side)
}

/// The first and the last instant of a span, each open when it is not given.
pub fn span(from: Option<&str>, to: Option<&str>, timezone: Option<&str>) -> Result<(Ticks, Ticks)> {
    let zone = Zone::parse(timezone)?;
    let first = from.map_or(Ok(Ticks::MIN), |text| zone.bound(text, Side::First))?;
    let last = to.map_or(Ok(Ticks::MAX), |text| zone.bound(text, Side::Last))?;
    if first > last {
        return Err(Error::new(Kind::Usage, format!("the first date {first} is after the last {last}"))
            .hint("--from is the earlier one, --to the later one"));
    }
    Ok((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn is(zone: &str, text: &str, first: &str, last: &str) {
        let zone = Zone::parse(Some(zone)).unwrap();
        let both = [Side::First, Side::Last].map(|side| zone.bound(text, side).unwrap().to_string());
        assert_eq!(both, [first, last], "{text} in {}", zone.name());
    }

    #[track_caller]
    fn never(zone: &str, text: &str, told: &str) {
        let zone = Zone::parse(Some(zone)).unwrap();
        for side in [Side::First, Side::Last] {
            let error = zone.bound(text, side).unwrap_err();
            assert!(error.what().contains("never occurred"), "{error}");
            assert!(error.hint_text().unwrap_or_default().contains(told), "{:?}", error.hint_text());
        }
    }

    #[test]
    fn a_date_covers_its_whole_day_in_its_zone() {
        is("Europe/Berlin", "2020-07-01", "2020-06-30T22:00:00Z", "2020-07-01T21:59:59.9999999Z");
        is("UTC", "2020-07-01T10:00:00+02:00", "2020-07-01T08:00:00Z", "2020-07-01T08:00:00Z");
        is("+02:00", "2020-07-01 10:00", "2020-07-01T08:00:00Z", "2020-07-01T08:00:00Z");
        is("UTC", "9999-12-31", "9999-12-31T00:00:00Z", "9999-12-31T23:59:59.9999999Z");
        is("America/New_York", "9999-12-31", "9999-12-31T05:00:00Z", "9999-12-31T23:59:59.9999999Z");
        is("+14:00", "0001-01-01", "0001-01-01T00:00:00Z", "0001-01-01T09:59:59.9999999Z");
        assert!(Zone::parse(None).unwrap().bound("yesterday", Side::Last).is_err());
        assert!(Zone::parse(Some("Moon/Sea")).is_err());
    }

    #[test]
    fn a_time_that_occurs_twice_is_the_earlier_below_and_the_later_above() {
        is("Europe/Berlin", "2015-10-25T02:30:00", "2015-10-25T00:30:00Z", "2015-10-25T01:30:00Z");
        is("Europe/Berlin", "2015-10-25T02:59:59", "2015-10-25T00:59:59Z", "2015-10-25T01:59:59Z");
        is("Europe/Berlin", "2015-10-25T01:59:59", "2015-10-24T23:59:59Z", "2015-10-24T23:59:59Z");
        // The day has 25 hours, and those of Sao Paulo end with an hour that occurs twice.
        is("Europe/Berlin", "2015-10-25", "2015-10-24T22:00:00Z", "2015-10-25T22:59:59.9999999Z");
        is("America/Sao_Paulo", "2018-02-17", "2018-02-17T02:00:00Z", "2018-02-18T02:59:59.9999999Z");
        // Clocks went back at one minute past midnight, into the day before.
        is("America/Goose_Bay", "2010-11-06", "2010-11-06T03:00:00Z", "2010-11-07T03:59:59.9999999Z");
        is("America/Goose_Bay", "2010-11-07", "2010-11-07T03:00:00Z", "2010-11-08T03:59:59.9999999Z");
    }

    #[test]
    fn a_midnight_that_does_not_exist_is_no_gap_between_days() {
        is("America/Sao_Paulo", "2017-10-14", "2017-10-14T03:00:00Z", "2017-10-15T02:59:59.9999999Z");
        is("America/Sao_Paulo", "2017-10-15", "2017-10-15T03:00:00Z", "2017-10-16T01:59:59.9999999Z");
        is("Asia/Beirut", "2022-03-26", "2022-03-25T22:00:00Z", "2022-03-26T21:59:59.9999999Z");
        is("Asia/Beirut", "2022-03-27", "2022-03-26T22:00:00Z", "2022-03-27T20:59:59.9999999Z");
        // Half past eleven became half past midnight.
        is("America/Toronto", "1919-03-30", "1919-03-30T05:00:00Z", "1919-03-31T04:29:59.9999999Z");
        is("America/Toronto", "1919-03-31", "1919-03-31T04:30:00Z", "1919-04-01T03:59:59.9999999Z");
    }

    #[test]
    fn what_never_occurred_is_explained() {
        never("Europe/Berlin", "2015-03-29T02:30:00", "2015-03-29T02:00:00 to 2015-03-29T03:00:00");
        never("America/Sao_Paulo", "2017-10-15T00:00", "from 2017-10-15T00:00:00 to 2017-10-15T01:00:00");
        never("Pacific/Apia", "2011-12-30", "from 2011-12-30T00:00:00 to 2011-12-31T00:00:00");
        never("Pacific/Apia", "2011-12-30T12:00:00", "at 2011-12-30T10:00:00Z");
        is("Pacific/Apia", "2011-12-29", "2011-12-29T10:00:00Z", "2011-12-30T09:59:59.9999999Z");
        is("Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z", "2011-12-31T09:59:59.9999999Z");
    }

    #[test]
    fn every_day_of_every_zone_follows_the_one_before() {
        let mut never = 0;
        for zone in chrono_tz::TZ_VARIANTS {
            let zone = Zone::parse(Some(zone.name())).unwrap();
            let mut last: Option<Ticks> = None;
            for day in NaiveDate::from_ymd_opt(1993, 1, 1).unwrap().iter_days().take(7_000) {
                let (Some(from), Some(to)) = (zone.edge(day, Side::First), zone.edge(day, Side::Last)) else {
                    never += 1;
                    continue;
                };
                let (from, to) = (clamped(from), clamped(to));
                assert!(from < to, "{day} in {}", zone.name());
                // No instant is between two days; days whose end occurred twice reach into the next one.
                assert!(last.is_none_or(|last| from.0 <= last.0 + 1), "{day} in {}", zone.name());
                last = Some(to);
            }
        }
        // Kwajalein left out a day in 1993, two groups of Kiribati on New Year of 1995, Samoa and Tokelau the end of
        // 2011.
        assert!((5..=12).contains(&never), "{never}");
    }

    #[test]
    fn windows_has_its_own_names() {
        let zone = Zone::parse(Some("W. Europe Standard Time")).unwrap();
        assert_eq!(zone.name(), "W. Europe Standard Time (Europe/Berlin)");
        is("W. Europe Standard Time", "2020-07-01", "2020-06-30T22:00:00Z", "2020-07-01T21:59:59.9999999Z");
        is("Eastern Standard Time", "2020-01-01T00:00", "2020-01-01T05:00:00Z", "2020-01-01T05:00:00Z");
        is("UTC", "2020-01-01", "2020-01-01T00:00:00Z", "2020-01-01T23:59:59.9999999Z");
    }

    #[test]
    fn a_span_does_not_end_before_it_begins() {
        assert!(span(Some("2020-01-02"), Some("2020-01-01"), None).is_err());
        let (first, last) = span(Some("2020-01-01"), Some("2020-01-01"), None).unwrap();
        assert!(first < last);
        assert_eq!(span(None, None, None).unwrap(), (Ticks::MIN, Ticks::MAX));
    }

    fn at(text: &str) -> Ticks {
        Ticks::parse(text).unwrap().0
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
