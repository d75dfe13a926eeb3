//! Names of a directory (RFC 4514): `CN=Sales,OU=IT,DC=litwareinc,DC=com` in one form that can be compared, and what a
//! name lies in. Looks nothing up.

use super::ids::{fold, is_address, person_key};

/// The form that is compared: case folded, without blanks around its parts, escaped in one way. Nothing when it is no
/// such name.
pub fn key(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    for part in parts(text) {
        let (kind, value) = part.split_once('=')?;
        let kind = kind.trim();
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
        if kind.is_empty() || !kind.chars().all(plain) {
            return None;
        }
        if !out.is_empty() {
            out.push(',');
        }
        out.push_str(&kind.to_ascii_lowercase());
        out.push('=');
        let value = fold(&unescaped(value.trim()));
        // A blank at an end is part of the value only where it is escaped.
        let (from, to) = (value.len() - value.trim_start().len(), value.trim_end().len());
        for (at, c) in value.char_indices() {
            match c {
                ',' | '\\' => out.push_str(&format!("\\{:02x}", c as u32)),
                c if at < from || at >= to => {
                    let mut bytes = [0; 4];
                    c.encode_utf8(&mut bytes).bytes().for_each(|byte| out.push_str(&format!("\\{byte:02x}")));
                }
                c => out.push(c),
            }
        }
    }
    Some(out).filter(|key| !key.is_empty())
}

/// The form in which names of principals are compared: addresses without their scheme, DNs in one form, all folded.
/// Names that differ in case alone have one.
pub fn name_key(text: &str) -> String {
    let text = text.trim();
    match is_address(text) {
        true => person_key(text),
        false => key(text).unwrap_or_else(|| person_key(text)),
    }
}

/// The value of the first part: `Sales`.
pub fn first_value(text: &str) -> Option<String> {
    let part = parts(text).into_iter().next()?;
    let (_, value) = part.split_once('=')?;
    Some(unescaped(value.trim()))
}

/// Does a name, as a key, lie below another one?
pub fn is_below(key: &str, above: &str) -> bool {
    key.strip_suffix(above).is_some_and(|rest| rest.ends_with(',') && rest.len() > 1)
}

/// All that a name, as a key, lies below, from near to far.
pub fn above(key: &str) -> impl Iterator<Item = &str> {
    key.match_indices(',').filter(|(at, _)| *at > 0).map(|(at, _)| &key[at + 1..])
}

/// The domain a name lies in, with dots: `litwareinc.com`.
pub fn domain(key: &str) -> Option<String> {
    let parts: Vec<&str> = key.split(',').filter_map(|part| part.strip_prefix("dc=")).collect();
    Some(parts.join(".")).filter(|domain| !domain.is_empty())
}

/// The parts, as they are written.
fn parts(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let (mut start, mut escaped) = (0, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ',' => {
                found.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    found.push(&text[start..]);
    found
}

fn unescaped(value: &str) -> String {
    if !value.contains('\\') {
        return value.to_owned();
    }
    let mut bytes = Vec::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let hex = |at: usize| rest.get(at).and_then(|b| char::from(*b).to_digit(16)).and_then(|d| u8::try_from(d).ok());
        match (hex(0), hex(1)) {
            (Some(high), Some(low)) => {
                bytes.push(high << 4 | low);
                rest = &rest[2..];
            }
            // What is escaped stands for itself; at the very end a blank was trimmed away.
            _ => {
                bytes.push(rest.first().copied().unwrap_or(b' '));
                rest = rest.get(1..).unwrap_or_default();
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_name_has_one_key() {
        let plain = key("CN=Miller\\, Ann,OU=IT,DC=x").unwrap();
        for same in ["cn=miller\\2C ann, ou=IT, dc=X", "CN = Miller\\, Ann ,OU=it,DC=x"] {
            assert_eq!(key(same).as_ref(), Some(&plain));
        }
        assert_ne!(key("CN=Miller,CN=Ann,OU=IT,DC=x").unwrap(), plain);
        assert_eq!(key("CN=M\\C3\\BCller,DC=x"), key("cn=Müller,dc=x"));
        // Blanks at the ends, where they are escaped.
        for ends in ["F=\\ ", "F=\\ a\\ ,DC=x", "F=\\E3\\80\\80,DC=x", "F=\\"] {
            let once = key(ends).unwrap();
            assert_eq!(key(&once).as_ref(), Some(&once), "{ends}");
        }
        assert_ne!(key("F=a\\ ,DC=x"), key("F=a,DC=x"));
        for none in ["", "ann", "sip:ann@x", "=x", "a b=c", "CN=a,b"] {
            assert_eq!(key(none), None, "{none}");
        }
        assert_eq!(first_value("CN=a\\ ,DC=x").as_deref(), Some("a "));
    }

    #[test]
    fn a_name_lies_in_whole_parts_of_it() {
        let of = |text: &str| key(text).unwrap();
        assert!(is_below(&of("CN=a,OU=IT,DC=x"), &of("OU=IT,DC=x")));
        assert!(!is_below(&of("CN=a\\,OU=IT,DC=x"), &of("OU=IT,DC=x")));
        assert!(!is_below(&of("OU=IT,DC=x"), &of("OU=IT,DC=x")));
        assert!(!is_below(&of("OU=SIT,DC=x"), &of("OU=IT,DC=x")));
        assert_eq!(domain(&of("CN=a,DC=Litware,DC=com")).as_deref(), Some("litware.com"));
    }
}
