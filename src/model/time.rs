//! Instants as the product keeps them: .NET ticks, 100 ns since 0001-01-01T00:00Z.
//!
//! Nothing here reads a clock. Shown as RFC 3339 UTC with trailing zeros of the fraction dropped.

use chrono::Datelike;
use std::fmt;

/// Ticks between 0001-01-01 and 1970-01-01.
const UNIX_EPOCH: i64 = 621_355_968_000_000_000;
const SECOND: i64 = 10_000_000;
const DAY: i64 = 86_400 * SECOND;

/// An instant in .NET ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Ticks(pub i64);

impl Ticks {
    /// The earliest instant that can be shown.
    pub const MIN: Ticks = Ticks(0);
    /// The last tick of the year 9999.
    pub const MAX: Ticks = Ticks(3_155_378_975_999_999_999);
    /// The length of the longest text: `9999-12-31T23:59:59.9999999Z`.
    const WIDTH: usize = 28;

    /// The instant, when it lies between the years 1 and 9999.
    pub fn checked(ticks: i64) -> Option<Ticks> {
        (Self::MIN.0..=Self::MAX.0).contains(&ticks).then_some(Ticks(ticks))
    }

    /// From milliseconds since 1970.
    pub fn from_unix_millis(millis: i64) -> Option<Ticks> {
        millis.checked_mul(10_000).and_then(|t| t.checked_add(UNIX_EPOCH)).and_then(Ticks::checked)
    }

    /// As a chrono instant, if chrono has it.
    pub fn to_chrono(self) -> Option<chrono::DateTime<chrono::Utc>> {
        let epoch = chrono::NaiveDate::from_ymd_opt(1, 1, 1)?.and_hms_opt(0, 0, 0)?.and_utc();
        let nanoseconds = u32::try_from(self.0.rem_euclid(SECOND) * 100).ok()?;
        let seconds = chrono::TimeDelta::new(self.0.div_euclid(SECOND), nanoseconds)?;
        epoch.checked_add_signed(seconds)
    }

    /// From a chrono instant; anything below 100 ns is cut.
    pub fn from_chrono(at: chrono::DateTime<chrono::Utc>) -> Option<Ticks> {
        let nanos = i64::from(at.timestamp_subsec_nanos().min(999_999_999));
        at.timestamp()
            .checked_mul(SECOND)
            .and_then(|t| t.checked_add(nanos / 100 + UNIX_EPOCH))
            .and_then(Ticks::checked)
    }

    /// Milliseconds since 1970, truncated towards the past, never rounded.
    pub fn unix_millis(self) -> i64 {
        (self.0 - UNIX_EPOCH).div_euclid(10_000)
    }

    /// Days since the first of the year 1.
    pub fn day(self) -> i64 {
        self.0.div_euclid(DAY)
    }

    /// Year, month, day.
    pub fn date(self) -> (i64, u32, u32) {
        // Days are counted from 0000-03-01, so that the leap day ends a year.
        let days = self.day() + 306;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let day = (day_of_year - (153 * shifted + 2) / 5 + 1) as u32;
        let month = (if shifted < 10 { shifted + 3 } else { shifted - 9 }) as u32;
        (era * 400 + year_of_era + i64::from(month <= 2), month, day)
    }

    /// Appends the RFC 3339 text to `out`, without allocating anything else.
    pub fn write_to(self, out: &mut Vec<u8>) {
        let mut text = *b"0000-00-00T00:00:00.0000000Z";
        let (year, month, day) = self.date();
        let rest = self.0.rem_euclid(DAY);
        let second = rest / SECOND;
        digits(&mut text[0..4], year as u64);
        digits(&mut text[5..7], u64::from(month));
        digits(&mut text[8..10], u64::from(day));
        digits(&mut text[11..13], (second / 3600) as u64);
        digits(&mut text[14..16], (second / 60 % 60) as u64);
        digits(&mut text[17..19], (second % 60) as u64);
        digits(&mut text[20..27], (rest % SECOND) as u64);
        let mut end = Self::WIDTH - 1;
        while text[end - 1] == b'0' && end > 20 {
            end -= 1;
        }
        if end == 20 {
            end = 19;
        }
        text[end] = b'Z';
        out.extend_from_slice(&text[..=end]);
    }

    /// Reads RFC 3339 text. The second value says that digits below 100 ns were cut off.
    pub fn parse(text: &str) -> Option<(Ticks, bool)> {
        let b = text.as_bytes();
        if b.len() < 20 || b[4] != b'-' || b[7] != b'-' || !matches!(b[10], b'T' | b't' | b' ') {
            return None;
        }
        if b[13] != b':' || b[16] != b':' {
            return None;
        }
        let (year, month, day) = (number(&b[0..4])?, number(&b[5..7])?, number(&b[8..10])?);
        let (hour, minute, second) = (number(&b[11..13])?, number(&b[14..16])?, number(&b[17..19])?);
        let valid = (1..=12).contains(&month) && day >= 1 && day <= month_length(year, month);
        if !valid || hour > 23 || minute > 59 || second > 60 || year < 1 {
            return None;
        }
        let mut at = 19;
        let (mut fraction, mut cut) = (0i64, false);
        if b[at] == b'.' {
            let start = at + 1;
            at = start;
            while at < b.len() && b[at].is_ascii_digit() {
                if at - start < 7 {
                    fraction = fraction * 10 + i64::from(b[at] - b'0');
                } else {
                    cut |= b[at] != b'0';
                }
                at += 1;
            }
            if at == start {
                return None;
            }
            fraction *= 10i64.pow(7u32.saturating_sub((at - start) as u32));
        }
        let offset = match b.get(at)? {
            b'Z' | b'z' if at + 1 == b.len() => 0,
            sign @ (b'+' | b'-') if b.len() == at + 6 && b[at + 3] == b':' => {
                let (hours, minutes) = (number(&b[at + 1..at + 3])?, number(&b[at + 4..at + 6])?);
                if hours > 23 || minutes > 59 {
                    return None;
                }
                let minutes = hours * 60 + minutes;
                if *sign == b'-' { -minutes } else { minutes }
            }
            _ => return None,
        };
        let seconds = ((days_before(year, month, day) * 24 + hour) * 60 + minute - offset) * 60 + second;
        Ticks::checked(seconds * SECOND + fraction).map(|ticks| (ticks, cut))
    }
}

impl fmt::Display for Ticks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = Vec::with_capacity(Self::WIDTH);
        self.write_to(&mut text);
        f.pad(std::str::from_utf8(&text).unwrap_or_default())
    }
}

fn digits(out: &mut [u8], mut value: u64) {
    for slot in out.iter_mut().rev() {
        *slot = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

fn number(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0i64, |sum, b| b.is_ascii_digit().then(|| sum * 10 + i64::from(b - b'0')))
}

fn month_length(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from 0001-01-01 to the date.
fn days_before(year: i64, month: i64, day: i64) -> i64 {
    let shifted = if month <= 2 { year - 1 } else { year };
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 306
}

/// A date or time as the samples of the product write it, `3/1/2018` or `3/1/2018 5:30 PM`, the month first, in the
/// form `2018-03-01T17:30:00`. A text that does not begin so comes back as it is; nothing when it is no date.
pub fn iso(text: &str) -> Option<String> {
    let text = text.trim();
    let (day, time) = text.split_once(' ').map_or((text, ""), |(day, time)| (day, time.trim()));
    if !day.contains('/') {
        return Some(text.to_owned());
    }
    let day =
        chrono::NaiveDate::parse_from_str(day, "%m/%d/%Y").ok().filter(|day| (1000..=9999).contains(&day.year()))?;
    if time.is_empty() {
        return Some(day.format("%Y-%m-%d").to_string());
    }
    let (clock, half) = match time.to_ascii_uppercase() {
        time if time.ends_with("AM") => (time[..time.len() - 2].trim().to_owned(), Some(0)),
        time if time.ends_with("PM") => (time[..time.len() - 2].trim().to_owned(), Some(12)),
        time => (time, None),
    };
    let parts = clock.split(':').map(|part| part.parse().ok()).collect::<Option<Vec<u32>>>()?;
    let (&[hour, minute] | &[hour, minute, _]) = parts.as_slice() else { return None };
    let hour = match half {
        Some(_) if !(1..=12).contains(&hour) => return None,
        Some(half) => hour % 12 + half,
        None => hour,
    };
    let time = chrono::NaiveTime::from_hms_opt(hour, minute, parts.get(2).copied().unwrap_or(0))?;
    Some(format!("{}T{}", day.format("%Y-%m-%d"), time.format("%H:%M:%S")))
}

/// The day that somebody may have meant by a date in another form, as `2018-03-01`: numbers with dots have the day
/// first, others the month, unless only one reading is a date.
pub fn guessed(text: &str) -> Option<String> {
    const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
    let parts: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).take(4).collect();
    let named = |part: &str| {
        let begin = part.get(..3)?.to_ascii_lowercase();
        MONTHS.iter().position(|month| *month == begin).map(|at| at as u32 + 1)
    };
    let number = |part: &str| part.parse::<u32>().ok();
    let date = |year: u32, month: u32, day: u32| {
        let year = if year < 100 { year + 2000 } else { year };
        let year = i32::try_from(year).ok().filter(|year| (1000..=9999).contains(year))?;
        chrono::NaiveDate::from_ymd_opt(year, month, day).map(|day| day.format("%Y-%m-%d").to_string())
    };
    match parts.as_slice() {
        [whole] if whole.len() == 8 => date(number(&whole[..4])?, number(whole.get(4..6)?)?, number(whole.get(6..)?)?),
        [a, b, c] if a.len() == 4 => date(number(a)?, named(b).or(number(b))?, number(c)?),
        [a, b, c] => {
            let year = number(c).filter(|_| matches!(c.len(), 2 | 4))?;
            match (named(a), named(b)) {
                (Some(month), _) => date(year, month, number(b)?),
                (_, Some(month)) => date(year, month, number(a)?),
                _ => {
                    let (a, b) = (number(a)?, number(b)?);
                    let (first, second) = (date(year, a, b), date(year, b, a));
                    if text.contains('.') { second.or(first) } else { first.or(second) }
                }
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ends_of_time() {
        assert_eq!(Ticks::MIN.to_string(), "0001-01-01T00:00:00Z");
        assert_eq!(Ticks::MAX.to_string(), "9999-12-31T23:59:59.9999999Z");
        for ticks in [Ticks::MIN, Ticks::MAX, Ticks(UNIX_EPOCH), Ticks(UNIX_EPOCH - 1)] {
            assert_eq!(Ticks::parse(&ticks.to_string()), Some((ticks, false)));
        }
    }

    #[test]
    fn dates_in_other_forms_are_guessed() {
        for text in
            ["3/1/2018", "01.03.2018", "1.3.2018", "3-1-2018", "2018/03/01", "20180301", "3/1/18", "1 March 2018"]
        {
            assert_eq!(guessed(text).as_deref(), Some("2018-03-01"), "{text}");
        }
        assert_eq!(
            (guessed("31/12/2018").as_deref(), guessed("Mar 1, 2018").as_deref()),
            (Some("2018-12-31"), Some("2018-03-01"))
        );
        assert!(["", "yesterday", "99/99/2018", "1/2", "é\u{301}xxxxxx"].iter().all(|text| guessed(text).is_none()));
    }

    #[test]
    fn agrees_with_chrono_on_every_day_of_four_centuries() {
        let start = chrono::NaiveDate::from_ymd_opt(1890, 1, 1).unwrap();
        for n in 0..150_000 {
            let day = start + chrono::Days::new(n);
            let at = day.and_hms_opt(12, 34, 56).unwrap().and_utc();
            let ticks = Ticks::from_chrono(at).unwrap();
            assert_eq!(ticks.to_string(), at.format("%Y-%m-%dT%H:%M:%SZ").to_string());
            assert_eq!(Ticks::parse(&ticks.to_string()), Some((ticks, false)));
        }
    }

    #[test]
    fn offsets_and_long_fractions() {
        let (a, cut) = Ticks::parse("2020-02-29T01:00:00.12345678+02:00").unwrap();
        assert!(cut);
        assert_eq!(a.to_string(), "2020-02-28T23:00:00.1234567Z");
        assert_eq!(Ticks::parse("2020-02-29T01:00:00.1000000000Z").map(|t| t.1), Some(false));
        for wrong in [
            "2021-02-29T00:00:00Z",
            "2020-01-01",
            "2020-01-01T00:00:00",
            "2020-13-01T00:00:00Z",
            "0000-01-01T00:00:00Z",
            "2020-01-01T24:00:00Z",
            "2020-01-01T00:00:00.Z",
            "2020-01-01T00:00:00+2:00",
            "0001-01-01T00:00:00+01:00",
            "2020-01-01T00:00:00Zx",
        ] {
            assert_eq!(Ticks::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn milliseconds_are_cut_not_rounded() {
        assert_eq!(Ticks(633_482_073_409_535_482).unix_millis(), 1_212_610_540_953);
        assert_eq!(Ticks(UNIX_EPOCH - 1).unix_millis(), -1);
    }

    #[test]
    fn dates_of_the_samples_are_read() {
        let same = |text: &str, is: &str| assert_eq!(iso(text).as_deref(), Some(is), "{text}");
        same("3/1/2018", "2018-03-01");
        same("03/01/2018 17:30", "2018-03-01T17:30:00");
        same("3/1/2018 5:30:09 PM", "2018-03-01T17:30:09");
        same("3/1/2018 12:00am", "2018-03-01T00:00:00");
        same("2018-03-01T00:00:00Z", "2018-03-01T00:00:00Z");
        for text in ["31/1/2018", "3/1/18", "3/1/2018 25:00", "3/1/2018 13:00 PM", "1/1/99999", "/"] {
            assert!(iso(text).is_none(), "{text}");
        }
    }
}
