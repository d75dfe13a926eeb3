//! Numbers of things in words. The one place that knows how a noun becomes several.

/// `1 room`, `12 rooms`, `2 entries`.
pub fn counted(number: impl TryInto<u64>, noun: &str) -> String {
    let number = number.try_into().unwrap_or(u64::MAX);
    format!("{number} {}", several(number, noun))
}

/// The noun as it stands behind a number.
pub fn several(number: u64, noun: &str) -> String {
    if number == 1 {
        return noun.to_owned();
    }
    match noun {
        "person" => "people".to_owned(),
        "thing is" => "things are".to_owned(),
        _ => match noun.strip_suffix('y') {
            Some(stem) if !stem.ends_with(['a', 'e', 'i', 'o', 'u']) => format!("{stem}ies"),
            _ => format!("{noun}s"),
        },
    }
}

/// A number with commas between groups of three digits.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_and_several() {
        for (number, noun, is) in [
            (0, "room", "0 rooms"),
            (1, "room", "1 room"),
            (2, "room", "2 rooms"),
            (1, "entry", "1 entry"),
            (3, "entry", "3 entries"),
            (2, "day", "2 days"),
            (2, "person", "2 people"),
            (1, "thing is", "1 thing is"),
            (2, "thing is", "2 things are"),
        ] {
            assert_eq!(counted(number, noun), is);
        }
    }
}
