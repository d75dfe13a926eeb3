//! The types of SQL Server, as far as chat databases have them: how long a value is, how it is marked as missing, and
//! what its bytes mean. Little-endian throughout.

use super::pages::Page;
use super::value::{Fault, Value, decimal, guid_text};
use std::borrow::Cow;

/// The type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// A whole number of 1 (without a sign), 2, 4 or 8 bytes.
    Int(u8),
    /// 0 or 1.
    Bit,
    /// A floating number of 4 or 8 bytes.
    Float(u8),
    /// Ten-thousandths, of 4 or 8 bytes.
    Money(u8),
    /// decimal and numeric: 19 bytes.
    Decimal,
    /// Days from 1900 and three-hundredths of a second.
    DateTime,
    /// Days from 1900 and minutes.
    SmallDateTime,
    /// Days from year 1.
    Date,
    /// A time of day, with so many digits behind the second.
    Time(u8),
    /// A time of day and days from year 1.
    DateTime2(u8),
    /// The same in UTC, and minutes of the zone.
    Offset(u8),
    /// 16 bytes, the first three groups turned round.
    Guid,
    /// Text, in the encoding of its field.
    Text,
    /// Any bytes.
    Binary,
}

/// Days from year 1 to 1900-01-01, and ticks in a day.
const DAYS_TO_1900: i64 = 693_595;
const DAY: i64 = 864_000_000_000;
/// The greatest date there is, as days of year 1: 9999-12-31.
const LAST_DAY: i64 = 3_652_058;

impl Type {
    /// The bytes of a value, where all have the same number.
    pub fn length(self) -> Option<usize> {
        let clock = |scale: u8| match scale {
            0..=2 => 3,
            3..=4 => 4,
            _ => 5,
        };
        Some(match self {
            Type::Int(bytes) | Type::Float(bytes) | Type::Money(bytes) => usize::from(bytes),
            Type::Bit => 1,
            Type::Decimal => 19,
            Type::DateTime => 8,
            Type::SmallDateTime => 4,
            Type::Date => 3,
            Type::Time(scale) => clock(scale),
            Type::DateTime2(scale) => clock(scale) + 3,
            Type::Offset(scale) => clock(scale) + 5,
            Type::Guid => 16,
            Type::Text | Type::Binary => return None,
        })
    }

    /// What the bytes of a value mean.
    pub fn decode<'a>(self, bytes: &'a [u8], page: Page) -> Result<Value<'a>, Fault> {
        if self.length().is_some_and(|length| length != bytes.len()) {
            return Err(Fault("the value does not have the length of its type"));
        }
        let at = |from: usize, count: usize| number(&bytes[from..from + count]);
        Ok(match self {
            Type::Int(1) => Value::Int(i64::from(bytes[0])),
            Type::Int(width) => Value::Int(signed(at(0, usize::from(width)), width)),
            Type::Bit if bytes[0] > 1 => return Err(Fault("a bit is neither 0 nor 1")),
            Type::Bit => Value::Bit(bytes[0] == 1),
            Type::Float(4) => Value::Text(Cow::Owned(f32::from_bits(at(0, 4) as u32).to_string())),
            Type::Float(_) => Value::Text(Cow::Owned(f64::from_bits(at(0, 8)).to_string())),
            Type::Money(4) => {
                Value::Text(Cow::Owned(decimal(signed(at(0, 4), 4).unsigned_abs().into(), 4, at(0, 4) >> 31 != 0)))
            }
            Type::Money(_) => {
                let whole = (at(0, 4) << 32 | at(4, 4)) as i64;
                Value::Text(Cow::Owned(decimal(whole.unsigned_abs().into(), 4, whole < 0)))
            }
            Type::Decimal => {
                let (precision, scale, sign) = (bytes[0], bytes[1], bytes[2]);
                if precision == 0 || precision > 38 || scale > precision || sign > 1 {
                    return Err(Fault("a decimal has an invalid precision, scale or sign"));
                }
                let magnitude = bytes[3..].iter().rev().fold(0u128, |sum, byte| sum << 8 | u128::from(*byte));
                Value::Text(Cow::Owned(decimal(magnitude, scale, sign == 0)))
            }
            Type::DateTime => {
                let (days, parts) = (signed(at(0, 4), 4), at(4, 4) as i64);
                if !(-53_690..=2_958_463).contains(&days) || parts >= 25_920_000 {
                    return Err(Fault("a datetime is out of range"));
                }
                let millis = (10 * parts + 1) / 3;
                Value::Time((days + DAYS_TO_1900) * DAY + millis * 10_000)
            }
            Type::SmallDateTime => {
                let (days, minutes) = (at(0, 2) as i64, at(2, 2) as i64);
                if minutes >= 1440 {
                    return Err(Fault("a smalldatetime is out of range"));
                }
                Value::Time((days + DAYS_TO_1900) * DAY + minutes * 600_000_000)
            }
            Type::Date => Value::Time(day(at(0, 3))? * DAY),
            Type::Time(scale) => Value::Time(clock(number(bytes), scale)?),
            Type::DateTime2(scale) | Type::Offset(scale) => {
                let end = bytes.len() - if matches!(self, Type::Offset(_)) { 5 } else { 3 };
                if matches!(self, Type::Offset(_)) && signed(at(end + 3, 2), 2).abs() > 840 {
                    return Err(Fault("a datetimeoffset has an invalid time zone"));
                }
                Value::Time(day(at(end, 3))? * DAY + clock(at(0, end), scale)?)
            }
            Type::Guid => Value::Guid(guid_text(bytes)),
            Type::Binary => Value::Bytes(Cow::Borrowed(bytes)),
            Type::Text => Value::Text(page.decode(bytes)?),
        })
    }

    /// The type with this name, of columns that are declared; `size` is the length or scale.
    pub fn named(name: &str, size: Option<u32>) -> Option<Type> {
        let scale = |scale: Option<u32>| scale.unwrap_or(7).min(7) as u8;
        Some(match name.to_ascii_lowercase().as_str() {
            "bigint" => Type::Int(8),
            "int" => Type::Int(4),
            "smallint" => Type::Int(2),
            "tinyint" => Type::Int(1),
            "bit" => Type::Bit,
            "real" => Type::Float(4),
            "float" => Type::Float(if size.is_some_and(|size| size <= 24) { 4 } else { 8 }),
            "money" => Type::Money(8),
            "smallmoney" => Type::Money(4),
            "decimal" | "numeric" => Type::Decimal,
            "datetime" => Type::DateTime,
            "smalldatetime" => Type::SmallDateTime,
            "date" => Type::Date,
            "time" => Type::Time(scale(size)),
            "datetime2" => Type::DateTime2(scale(size)),
            "datetimeoffset" => Type::Offset(scale(size)),
            "uniqueidentifier" => Type::Guid,
            "char" | "nchar" | "varchar" | "nvarchar" | "sysname" | "text" | "ntext" | "xml" => Type::Text,
            "binary" | "varbinary" | "image" => Type::Binary,
            _ => return None,
        })
    }
}

/// Up to eight bytes as a number.
pub(super) fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

fn signed(value: u64, width: u8) -> i64 {
    let unused = 64 - 8 * u32::from(width);
    ((value << unused) as i64) >> unused
}

fn day(days: u64) -> Result<i64, Fault> {
    i64::try_from(days).ok().filter(|days| *days <= LAST_DAY).ok_or(Fault("a date is after the year 9999"))
}

fn clock(count: u64, scale: u8) -> Result<i64, Fault> {
    let ticks = count.checked_mul(10u64.pow(7 - u32::from(scale.min(7))));
    let ticks = ticks.and_then(|ticks| i64::try_from(ticks).ok()).filter(|ticks| *ticks < DAY);
    ticks.ok_or(Fault("a time of day has more than 24 hours"))
}
