//! What is asked of texts besides whether a condition holds: is one a condition, its parts, what replaces a pattern in
//! it. Must not know scripts.

use super::{Expression, compile};
use crate::error::Result;
use crate::model::ids::fold;
use crate::model::record::Value;

impl Expression {
    /// Does it look like a condition, and not like plain words?
    pub fn is_meant(text: &str) -> bool {
        let text = text.trim();
        let compares = |word: &str| {
            let name = word.strip_prefix('-').map(fold);
            name.is_some_and(|name| Expression::compare(&name, &Value::Null, &Value::Null).is_some())
        };
        let second = text.split_whitespace().nth(1).is_some_and(compares);
        text.starts_with('{') || second || text.contains(" -") && Expression::parse(text).is_ok()
    }
}

/// The parts of a text between what a pattern matches.
pub fn split(text: &str, pattern: &str, case: bool) -> Result<Vec<String>> {
    Ok(compile(pattern, case)?.split(text).map(str::to_owned).collect())
}

/// A text with something else in the place of what a pattern matches; `$1` is its first group.
pub fn replaced(text: &str, pattern: &str, by: &str, case: bool) -> Result<String> {
    Ok(compile(pattern, case)?.replace_all(text, by).into_owned())
}
