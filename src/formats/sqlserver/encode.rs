//! Values as the native form of `bcp` and packages has them: the other way round of `layout.rs` and `types.rs`.

use super::layout::Field;
use super::pages::{Page, to_wide};
use super::types::Type;
use super::value::{Value, guid_bytes};

/// Days from year 1 to 1900-01-01, and ticks in a day.
const DAYS_TO_1900: i64 = 693_595;
const DAY: i64 = 864_000_000_000;

/// Appends a value; false when the field cannot hold it.
pub fn put(out: &mut Vec<u8>, field: &Field, value: &Value<'_>) -> bool {
    let Some(bytes) = bytes(field, value) else {
        let width = usize::from(field.prefix);
        out.extend(std::iter::repeat_n(0xFF, width));
        return value.is_null() && field.nullable && width > 0;
    };
    let length = bytes.len() as u64;
    let width = usize::from(field.prefix);
    if width > 0 {
        out.extend_from_slice(&length.to_le_bytes()[..width]);
    }
    out.extend_from_slice(&bytes);
    let most = if width > 0 && width < 8 { (1 << (8 * width)) - 2 } else { u64::MAX };
    let exact = field.kind.length().or((width == 0).then_some(field.length));
    length <= most && exact.is_none_or(|exact| exact == bytes.len())
}

/// The bytes of a value; nothing for one that is missing or that the type cannot hold.
fn bytes(field: &Field, value: &Value<'_>) -> Option<Vec<u8>> {
    if value.is_null() {
        return None;
    }
    let days = |ticks: i64| ticks.div_euclid(DAY);
    let clock = |ticks: i64, scale: u8| {
        let width = match scale {
            0..=2 => 3,
            3..=4 => 4,
            _ => 5,
        };
        let count = ticks.rem_euclid(DAY) / 10i64.pow(7 - u32::from(scale.min(7)));
        count.to_le_bytes()[..width].to_vec()
    };
    Some(match (field.kind, value) {
        (Type::Int(width), value) => value.int().ok()??.to_le_bytes()[..usize::from(width)].to_vec(),
        (Type::Bit, value) => vec![u8::from(value.bit().ok()??)],
        (Type::Guid, value) => guid_bytes(&value.guid().ok()??)?.to_vec(),
        (Type::Text, Value::Text(text)) if field.page == Page::Wide => to_wide(text),
        (Type::Text, Value::Text(text)) => text.as_bytes().to_vec(),
        (Type::Binary, Value::Bytes(bytes)) => bytes.to_vec(),
        (Type::DateTime, Value::Time(ticks)) => {
            let day = i32::try_from(days(*ticks) - DAYS_TO_1900).ok()?;
            let millis = ticks.rem_euclid(DAY) / 10_000;
            // The nearest three-hundredth, as the server rounds.
            let parts = u32::try_from((millis * 3 + 5) / 10).ok()?;
            [day.to_le_bytes(), parts.to_le_bytes()].concat()
        }
        (Type::SmallDateTime, Value::Time(ticks)) => {
            let day = u16::try_from(days(*ticks) - DAYS_TO_1900).ok()?;
            let minutes = u16::try_from(ticks.rem_euclid(DAY) / 600_000_000).ok()?;
            [day.to_le_bytes(), minutes.to_le_bytes()].concat()
        }
        (Type::Date, Value::Time(ticks)) => days(*ticks).to_le_bytes()[..3].to_vec(),
        (Type::Time(scale), Value::Time(ticks)) => clock(*ticks, scale),
        (Type::DateTime2(scale), Value::Time(ticks)) => {
            [&clock(*ticks, scale)[..], &days(*ticks).to_le_bytes()[..3]].concat()
        }
        (Type::Offset(scale), Value::Time(ticks)) => {
            [&clock(*ticks, scale)[..], &days(*ticks).to_le_bytes()[..3], &[0, 0]].concat()
        }
        (Type::Float(4), Value::Text(text)) => text.parse::<f32>().ok()?.to_le_bytes().to_vec(),
        (Type::Float(_), Value::Text(text)) => text.parse::<f64>().ok()?.to_le_bytes().to_vec(),
        (Type::Money(width), Value::Text(text)) => {
            let (whole, _) = scaled(text, Some(4))?;
            let whole = i64::try_from(whole).ok()?;
            match width {
                4 => i32::try_from(whole).ok()?.to_le_bytes().to_vec(),
                _ => [((whole >> 32) as i32).to_le_bytes(), (whole as u32).to_le_bytes()].concat(),
            }
        }
        (Type::Decimal, Value::Text(text)) => {
            let (whole, scale) = scaled(text, None)?;
            let mut out = vec![38, scale, u8::from(whole >= 0)];
            out.extend_from_slice(&whole.unsigned_abs().to_le_bytes());
            out
        }
        _ => return None,
    })
}

/// A number with a point as a whole number and the digits behind the point.
fn scaled(text: &str, wanted: Option<usize>) -> Option<(i128, u8)> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let scale = wanted.unwrap_or(part.len());
    if part.len() > scale || !part.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number = format!("{whole}{part:0<scale$}").parse().ok()?;
    Some((number, u8::try_from(scale).ok().filter(|scale| *scale <= 38)?))
}
