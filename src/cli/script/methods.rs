//! What values can do, types they are turned into, and forms they are written in.

use super::run::no;
use super::tree::{Method, Type};
use super::value::{Value, formatted};
use crate::error::{Error, Kind, Result, quoted};
use crate::model::ids::fold;
use crate::model::time::Ticks;

/// A text is filled up to no more characters than this.
const WIDEST: usize = 10_000;

/// Turns a value into one of another type.
pub(super) fn cast(kind: Type, value: Value) -> Result<Value> {
    Ok(match kind {
        Type::Text => Value::from(value.show()),
        Type::Whole => match value {
            Value::Int(_) => value,
            value => {
                let number = value.number().ok_or_else(|| no(&value, "a number"))?;
                Value::Int(number.round_ties_even() as i64)
            }
        },
        Type::Number => match value {
            Value::Int(_) => value,
            value => {
                let number = value.number().ok_or_else(|| no(&value, "a number"))?;
                if number.fract() == 0.0 { Value::Int(number as i64) } else { Value::Real(number) }
            }
        },
        Type::Truth => Value::Bool(value.truth()),
        Type::Time => Value::Time(value.time().ok_or_else(|| no(&value, "a date"))?),
        Type::List => Value::list(value.items()),
        Type::Object => value,
    })
}

pub(super) fn called(of: &Value, method: Method, values: &[Value]) -> Result<Value> {
    let text = |at: usize| values.get(at).map(Value::show).unwrap_or_default();
    let number = |at: usize| {
        let value = values.get(at).cloned().unwrap_or_default();
        value.number().ok_or_else(|| no(&value, "a number"))
    };
    let moved = |per: f64| {
        let at = of.time().ok_or_else(|| no(of, "a date"))?;
        let ticks = at.0 as f64 + number(0)? * per;
        // Whole numbers stay exact.
        let whole =
            (number(0)?.fract() == 0.0).then(|| at.0.checked_add(number(0).ok()? as i64 * per as i64)).flatten();
        Ticks::checked(whole.unwrap_or(ticks as i64))
            .map(Value::Time)
            .ok_or_else(|| no(of, "a date that can be moved that far"))
    };
    let months = |times: i64| {
        let far = || no(of, "a date that can be moved that far");
        let at = of.time().and_then(Ticks::to_chrono).ok_or_else(|| no(of, "a date"))?;
        let by = number(0)? as i64 * times;
        let months = chrono::Months::new(u32::try_from(by.unsigned_abs()).map_err(|_| far())?);
        let moved = if by < 0 { at.checked_sub_months(months) } else { at.checked_add_months(months) };
        moved.and_then(Ticks::from_chrono).map(Value::Time).ok_or_else(far)
    };
    let own = || of.show();
    Ok(match method {
        Method::AddDays => moved(864e9)?,
        Method::AddHours => moved(36e9)?,
        Method::AddMinutes => moved(6e8)?,
        Method::AddMonths => months(1)?,
        Method::AddYears => months(12)?,
        Method::ToText => match (of, values) {
            (Value::Time(at), [form]) => Value::from(formatted(*at, &form.show())?),
            (of, [form]) => Value::from(spelled(of, &form.show())?),
            _ => Value::from(own()),
        },
        Method::ToUpper => Value::from(own().to_uppercase()),
        Method::ToLower => Value::from(own().to_lowercase()),
        Method::Trim | Method::TrimStart | Method::TrimEnd => {
            let (text, signs) = (own(), text(0));
            let gone = |c: char| if signs.is_empty() { c.is_whitespace() } else { signs.contains(c) };
            let text = if method == Method::TrimEnd { &text } else { text.trim_start_matches(gone) };
            Value::from(if method == Method::TrimStart { text } else { text.trim_end_matches(gone) }.to_owned())
        }
        Method::Substring => {
            let far = || no(of, "a text of that many characters");
            let place = |at: usize| number(at).map(|number| number as usize);
            let (own, from) = (own(), place(0)?);
            let length = own.chars().count();
            let many = if values.len() > 1 { place(1)? } else { length.checked_sub(from).ok_or_else(far)? };
            if from.saturating_add(many) > length {
                return Err(far());
            }
            Value::from(own.chars().skip(from).take(many).collect::<String>())
        }
        Method::PadLeft | Method::PadRight => {
            let width = (number(0)?.max(0.0) as usize).min(WIDEST);
            let own = own();
            Value::from(if method == Method::PadLeft { format!("{own:>width$}") } else { format!("{own:width$}") })
        }
        Method::StartsWith => Value::Bool(own().starts_with(&text(0))),
        Method::EndsWith => Value::Bool(own().ends_with(&text(0))),
        Method::Contains => match of {
            Value::List(_) => of.compare("contains", &values.first().cloned().unwrap_or_default())?,
            of => Value::Bool(of.show().contains(&text(0))),
        },
        Method::Replace if text(0).is_empty() => return Err(no(of, "a text in which nothing can be replaced")),
        Method::Replace => Value::from(own().replace(&text(0), &text(1))),
        Method::Split if text(0).is_empty() => Value::from(own()),
        Method::Split => Value::list(own().split(text(0).as_str()).map(|part| Value::from(part.to_owned())).collect()),
    })
}

/// A value in a form such as `N2` or `yyyy-MM-dd`.
fn spelled(value: &Value, form: &str) -> Result<String> {
    if let Value::Time(at) = value {
        return formatted(*at, form);
    }
    let wrong = || Error::new(Kind::Usage, format!("{} is not a supported number format", quoted(form)));
    let places = form
        .get(1..)
        .filter(|rest| rest.len() < 3)
        .and_then(|rest| if rest.is_empty() { Some(2) } else { rest.parse().ok() });
    let (Some(places), Some(number)) = (places, value.number()) else { return Err(wrong()) };
    let plain = format!("{number:.places$}");
    match fold(&form[..1]).as_str() {
        "f" => Ok(plain),
        "d" if number.fract() == 0.0 => {
            Ok(format!("{number:0places$.0}", places = if form.len() > 1 { places } else { 0 }))
        }
        "p" => Ok(format!("{:.places$}%", number * 100.0)),
        "n" => {
            let (whole, rest) =
                plain.split_once('.').map_or((plain.as_str(), String::new()), |(a, b)| (a, format!(".{b}")));
            let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
            let mut grouped = String::new();
            for (at, digit) in digits.chars().enumerate() {
                if at > 0 && (digits.len() - at) % 3 == 0 {
                    grouped.push(',');
                }
                grouped.push(digit);
            }
            Ok(format!("{sign}{grouped}{rest}"))
        }
        _ => Err(wrong()),
    }
}

/// A text with values in the places of `{0}`, `{1:N2}`.
pub(super) fn filled(form: &str, values: &[Value]) -> Result<String> {
    let wrong =
        || Error::new(Kind::Usage, "a text before -f has {0}, {1:N2} or {2:yyyy-MM-dd} for values that follow it");
    let (mut found, mut rest) = (String::new(), form);
    while let Some(c) = rest.chars().next() {
        if rest.starts_with("{{") || rest.starts_with("}}") {
            found.push(c);
            rest = &rest[2..];
        } else if c == '{' {
            let end = rest.find('}').ok_or_else(wrong)?;
            let (number, form) =
                rest[1..end].split_once(':').map_or((&rest[1..end], None), |(n, form)| (n, Some(form)));
            // `{0,-20}` fills up with blanks, on the right where the number is negative.
            let (number, width) = number.split_once(',').unwrap_or((number, "0"));
            let width: i64 = width.trim().parse().map_err(|_| wrong())?;
            let value = number.trim().parse().ok().and_then(|at: usize| values.get(at)).ok_or_else(wrong)?;
            let text = form.map_or_else(|| Ok(value.show()), |form| spelled(value, form))?;
            let wide = (width.unsigned_abs() as usize).min(WIDEST);
            found.push_str(&if width < 0 { format!("{text:wide$}") } else { format!("{text:>wide$}") });
            rest = &rest[end + 1..];
        } else {
            found.push(c);
            rest = &rest[c.len_utf8()..];
        }
    }
    Ok(found)
}
