//! Keys that have no place of their own: kept as the text that was written, in its order.
//!
//! serde_json checks the grammar of such text but neither its depth nor its escapes; this does,
//! so that what is kept can be read again by every program.

/// Values may be nested this deep, which is what common JSON readers take.
const DEPTH_LIMIT: usize = 100;

/// One key with its value, both as written; the key with its quotes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extra<'a> {
    pub(super) key: &'a str,
    pub(super) value: &'a str,
}

/// Checks a value whose grammar was checked already. The offset is that of the fault.
pub(super) fn check(raw: &str) -> Result<(), (usize, &'static str)> {
    let bytes = raw.as_bytes();
    let (mut at, mut depth, mut inside) = (0, 0usize, false);
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'"' => inside = !inside,
            b'\\' if inside && bytes.get(at + 1) == Some(&b'u') => {
                let half = code(bytes, at);
                let pair = (0xD800..0xDC00).contains(&half)
                    && bytes.get(at + 6..at + 8) == Some(b"\\u")
                    && (0xDC00..0xE000).contains(&code(bytes, at + 6));
                if (0xD800..0xE000).contains(&half) && !pair {
                    return Err((at, "half a character: a surrogate escape without its other half"));
                }
                at += if pair { 11 } else { 5 };
            }
            b'\\' if inside => at += 1,
            b'{' | b'[' if !inside => {
                depth += 1;
                if depth > DEPTH_LIMIT {
                    return Err((at, "values are nested more than 100 deep"));
                }
            }
            b'}' | b']' if !inside => depth = depth.saturating_sub(1),
            _ => {}
        }
        at += 1;
    }
    Ok(())
}

/// The four hex digits of the escape at `at`.
fn code(bytes: &[u8], at: usize) -> u32 {
    let digits = bytes.get(at + 2..at + 6).and_then(|digits| std::str::from_utf8(digits).ok());
    digits.and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or(0xD800)
}

/// The text of one JSON object of all extras, `None` when there are none.
pub(super) fn object(extras: &[Extra<'_>]) -> Option<String> {
    let length: usize = extras.iter().map(|extra| extra.key.len() + extra.value.len() + 2).sum();
    let mut text = String::with_capacity(length + 1);
    for extra in extras {
        text.push(if text.is_empty() { '{' } else { ',' });
        text.push_str(extra.key);
        text.push(':');
        text.push_str(extra.value);
    }
    (!extras.is_empty()).then(|| text + "}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_and_escapes() {
        for good in ["1e999", r#""\ud83d\ude00 \\ud800""#, r#"["[[", {"a\"{": []}]"#, "null"] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for bad in [r#""\ud83d""#, r#""\ude00\ud83d""#, r#"["\ud83dx"]"#, r#""\ud83d\n""#] {
            assert!(check(bad).is_err(), "{bad}");
        }
        assert!(check(&("[".repeat(100) + &"]".repeat(100))).is_ok());
        assert!(check(&("[".repeat(101) + &"]".repeat(101))).is_err());
    }
}
