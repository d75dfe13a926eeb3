//! Words as PowerShell writes them: names of parameters, texts in quotes, lists, `@{Add="a"; Remove="b"}`, `$True`,
//! `$Null`. A shell may have taken the quotes away before pchat saw them. Must not know any cmdlet.

use crate::model::ids::fold;
use serde_json::Value;

/// One word behind a cmdlet.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Item {
    /// `-Name`, and what follows a colon.
    Name(String, Option<Written>),
    /// `--name`, an option of pchat itself, and what follows an equals sign.
    Own(String, Option<String>),
    /// Anything else.
    Value(Written),
}

/// A value as it was written.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Written {
    text: String,
    /// Quotes in it are those of the text and not of a shell.
    exact: bool,
    /// It stands for a value that only the run of a script tells.
    later: bool,
}

/// Why words make no line.
pub(super) enum Torn {
    /// A shell has split what stands in braces, and taken its quotes: which word, and all of it.
    Braces(usize, String),
    /// A quotation mark that no other closes.
    Quote(char),
}

/// Sorts words that a shell has split.
pub(super) fn split(words: &[String]) -> Result<Vec<Item>, Torn> {
    let mut found = Vec::new();
    let mut words = words.iter().enumerate().peekable();
    while let Some((at, word)) = words.next() {
        let mut word = word.clone();
        if let Some(mark) = word.chars().next().filter(|c| is_curly(*c)) {
            // No shell knows these as quotation marks, so it has split what is between them.
            while !is_closed(&word, mark) {
                let Some((_, more)) = words.next() else { return Err(Torn::Quote(mark)) };
                word.push(' ');
                word.push_str(more);
            }
            word = straight(&word, mark);
        }
        // The command processor of Windows takes single quotes for letters.
        if ["'{", "'@{", "'$"].iter().any(|begin| word.starts_with(begin)) && !word.ends_with('\'') {
            return Err(Torn::Quote('\''));
        }
        let whole = word.contains(char::is_whitespace);
        // A shell splits what is in braces at its blanks.
        let (mut depth, mut split) = (open(&word), false);
        while depth > 0
            && let Some((_, more)) = words.next()
        {
            split = true;
            depth = depth_after(depth, more);
            word.push(' ');
            word.push_str(more);
        }
        if split && !whole && word.starts_with('{') {
            return Err(Torn::Braces(at, word));
        }
        // Some shells take the braces of a list for a pattern of names.
        let folded = fold(&word);
        if ["@add=", "@remove=", "@replace="].iter().any(|begin| folded.starts_with(begin)) {
            let (name, value) = word.split_once('=').unwrap_or_default();
            let mut items = vec![format!("\"{value}\"")];
            while let Some((_, more)) = words.next_if(|(_, more)| more.starts_with('@')) {
                items.push(format!("\"{}\"", more.trim_start_matches('@')));
            }
            return Err(Torn::Braces(at, format!("@{{{}={}}}", name.trim_start_matches('@'), items.join(","))));
        }
        found.push(item(&word, |text| Written { text, exact: false, later: false }));
    }
    Ok(found)
}

/// What stands before the name of a parameter: documents print other dashes.
pub(super) const DASHES: [char; 10] =
    ['-', '\u{2010}', '\u{2011}', '\u{2012}', '\u{2013}', '\u{2014}', '\u{2015}', '\u{2212}', '\u{fe63}', '\u{ff0d}'];

/// Quotation marks as documents print them.
const CURLY_DOUBLE: [char; 3] = ['“', '”', '„'];
const CURLY_SINGLE: [char; 4] = ['‘', '’', '‚', '‛'];

fn is_curly(c: char) -> bool {
    CURLY_DOUBLE.contains(&c) || CURLY_SINGLE.contains(&c)
}

fn marks(mark: char) -> &'static [char] {
    if CURLY_DOUBLE.contains(&mark) { &CURLY_DOUBLE } else { &CURLY_SINGLE }
}

/// Does a word that begins with a mark end with one like it?
fn is_closed(word: &str, mark: char) -> bool {
    let plain = if marks(mark) == CURLY_DOUBLE { '"' } else { '\'' };
    word.chars().count() > 1 && word.ends_with(|c| marks(mark).contains(&c) || c == plain)
}

/// The same in straight quotation marks.
fn straight(word: &str, mark: char) -> String {
    let plain = if marks(mark) == CURLY_DOUBLE { "\"" } else { "'" };
    word.replace(marks(mark), plain)
}

fn item(word: &str, written: impl Fn(String) -> Written) -> Item {
    let letter = |text: &str| text.starts_with(|c: char| c.is_ascii_alphabetic());
    if let Some(name) = word.strip_prefix("--").filter(|name| letter(name)) {
        let (name, value) = name.split_once('=').map_or((name, None), |(name, value)| (name, Some(value)));
        return Item::Own(name.to_owned(), value.map(|value| written(value.to_owned()).text()));
    }
    match word.strip_prefix(DASHES).filter(|name| letter(name)) {
        Some(name) => {
            let (name, value) = name.split_once(':').map_or((name, None), |(name, value)| (name, Some(value)));
            Item::Name(name.to_owned(), value.map(|value| written(value.to_owned())))
        }
        None => Item::Value(written(word.to_owned())),
    }
}

/// How many braces stay open.
fn open(text: &str) -> usize {
    if text.starts_with("@{") || text.starts_with('{') { depth_after(0, text) } else { 0 }
}

fn depth_after(depth: usize, text: &str) -> usize {
    text.chars().fold(depth, |depth, c| match c {
        '{' => depth + 1,
        '}' => depth.saturating_sub(1),
        _ => depth,
    })
}

impl Written {
    /// A text as a shell gives it.
    pub(super) fn plain(text: String) -> Written {
        Written { text, exact: false, later: false }
    }

    /// What stands in a script as it is: a list, or braces.
    pub(super) fn exact(text: String) -> Written {
        Written { text, exact: true, later: false }
    }

    /// Some value that only the run of a script tells.
    pub(super) fn later() -> Written {
        Written { text: String::new(), exact: true, later: true }
    }

    /// Is it one of those?
    pub(super) fn is_later(&self) -> bool {
        self.later
    }

    /// It is empty, and not on purpose.
    pub(super) fn is_blank(&self) -> bool {
        !self.later && self.text.trim().is_empty()
    }

    /// A value of an object.
    pub(super) fn of(value: &Value) -> Written {
        let text = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        // It is the text itself, and no list.
        Written { text: format!("'{}'", text.replace('\'', "''")), exact: true, later: false }
    }

    /// The name of the variable, if it is one and none of those that stand for values.
    pub(super) fn variable(&self) -> Option<String> {
        let name = self.text.trim().strip_prefix('$')?;
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        (is_name && !matches!(fold(name).as_str(), "true" | "false" | "null" | "_")).then(|| name.to_owned())
    }

    /// `-`: objects come in on standard input.
    pub(super) fn is_input(&self) -> bool {
        self.text == "-"
    }

    /// The text.
    pub(super) fn text(&self) -> String {
        let text = self.text.trim();
        if fold(text) == "$null" {
            return String::new();
        }
        // A condition keeps its quotes.
        if text.starts_with('{') && text.ends_with('}') {
            return text.to_owned();
        }
        // What a shell has left is the text itself, unless it is in quotes from end to end.
        if self.exact || quoted(text) { unquote(text) } else { self.text.clone() }
    }

    /// `$True` or `$False`, if it is one of them.
    pub(super) fn truth(&self) -> Option<bool> {
        match fold(&unquote(self.text.trim())).trim_start_matches('$') {
            "true" | "1" => Some(true),
            "false" | "0" => Some(false),
            _ => None,
        }
    }

    /// It is one of them, or what people write in their place; what a shell has left of them as well.
    pub(super) fn is_truth_or_mistaken(&self) -> bool {
        let text = fold(self.text.trim());
        let mistaken = text.is_empty() || ["true", "false"].iter().any(|word| text.contains(word));
        self.later || self.truth().is_some() || mistaken || YES.contains(&&*text) || NO.contains(&&*text)
    }

    /// It says yes, in whatever words.
    pub(super) fn affirms(&self) -> bool {
        let text = fold(self.text.trim());
        text.contains("true") || YES.contains(&&*text)
    }

    /// The items of a list, written in one or several words.
    pub(super) fn items(values: &[Written]) -> Vec<String> {
        let mut found: Vec<String> = Vec::new();
        for value in values {
            let text = value.text.trim();
            let text = text.strip_prefix("@(").and_then(|rest| rest.strip_suffix(')')).unwrap_or(text);
            let mut parts: Vec<String> = Vec::new();
            let mut dn = Dn::default();
            for part in pieces(text, &[',']) {
                let part = part.trim();
                if part.is_empty() {
                    continue;
                }
                let item = unquote(part);
                if quoted(part) {
                    dn = Dn::default();
                } else if dn.goes_on(&item)
                    && let Some(last) = parts.last_mut()
                {
                    last.push(',');
                    last.push_str(&item);
                    continue;
                }
                parts.push(item);
            }
            found.extend(parts);
        }
        found
    }

    /// What is to happen to a list, in pchat's own form: `+item` comes in, `-item` goes, items without a sign replace
    /// the list, and an empty text empties it.
    pub(super) fn changes(values: &[Written]) -> Result<Vec<String>, String> {
        let joined = values.iter().map(|value| value.text.trim()).collect::<Vec<_>>().join(",");
        if fold(&joined) == "$null" {
            return Ok(vec![String::new()]);
        }
        if joined.starts_with("@{") && !joined.ends_with('}') {
            return Err("the brace of @{ is not closed".to_owned());
        }
        let Some(inside) = joined.strip_prefix("@{").and_then(|rest| rest.strip_suffix('}')) else {
            let items = Written::items(values);
            let is_person = |item: &str| fold(item).starts_with("sip:") || item.contains('@');
            let signed = |item: &&String| item.strip_prefix(['+', '-']).is_some_and(is_person);
            if let Some(item) = items.iter().find(signed) {
                return Err(format!("{} has a sign before it", crate::error::quoted(item)));
            }
            return Ok(if items.is_empty() { vec![String::new()] } else { items.into_iter().map(plain).collect() });
        };
        let mut found = Vec::new();
        for part in pieces(inside, &[';', '\n']) {
            let part = part.trim();
            if part.is_empty() {
                continue;
            }
            let Some((verb, items)) = part.split_once('=') else {
                return Err(format!("{} is not a list change", crate::error::quoted(part)));
            };
            let sign = match fold(unquote(verb.trim()).as_str()).as_str() {
                "add" => "+",
                "remove" => "-",
                "replace" => "",
                other => {
                    return Err(format!(
                        "a list change is Add, Remove or Replace, not {}",
                        crate::error::quoted(other)
                    ));
                }
            };
            let items = Written::items(&[Written { text: items.to_owned(), exact: true, later: false }]);
            if items.is_empty() {
                return Err("no entry given to add or remove".to_owned());
            }
            found.extend(
                items.into_iter().map(|item| if sign.is_empty() { plain(item) } else { format!("{sign}{item}") }),
            );
        }
        if found.is_empty() { Err("@{} is empty".to_owned()) } else { Ok(found) }
    }
}

/// An item that begins with a sign is told from one that comes in or goes by another sign.
fn plain(item: String) -> String {
    if item.starts_with(['+', '-', '=']) { format!("={item}") } else { item }
}

/// What people write in the place of `$True` and `$False`.
const YES: [&str; 5] = ["yes", "y", "on", "enabled", "$yes"];
const NO: [&str; 6] = ["no", "n", "off", "disabled", "$no", "$null"];

/// Puts a distinguished name together again that was taken for a list, as its quotes are gone.
#[derive(Default)]
struct Dn {
    inside: bool,
    domain: bool,
}

impl Dn {
    fn goes_on(&mut self, part: &str) -> bool {
        let name = part.split_once('=').map(|(name, _)| fold(name.trim()));
        let Some(name) = name.filter(|name| matches!(name.as_str(), "cn" | "ou" | "dc" | "o" | "c" | "l" | "st"))
        else {
            *self = Dn::default();
            return false;
        };
        let domain = name == "dc";
        // After its domain, a new one begins with something else.
        let goes_on = self.inside && (domain || !self.domain);
        *self = Dn { inside: true, domain };
        goes_on
    }
}

fn quoted(text: &str) -> bool {
    let ends = |mark| text.len() > 1 && text.starts_with(mark) && text.ends_with(mark);
    ends('"') || ends('\'')
}

/// A text without the quotes around it.
fn unquote(text: &str) -> String {
    let mut found = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '"' && c != '\'' {
            found.push(c);
            continue;
        }
        while let Some(inside) = rest.next() {
            match inside {
                mark if mark == c && rest.peek() == Some(&c) => {
                    rest.next();
                    found.push(c);
                }
                mark if mark == c => break,
                '`' if c == '"' => match rest.next() {
                    Some('n') => found.push('\n'),
                    Some('t') => found.push('\t'),
                    Some('r') => found.push('\r'),
                    other => found.extend(other),
                },
                other => found.push(other),
            }
        }
    }
    found
}

/// Cuts a text at these characters, where they stand in no quotes and no brackets.
pub(super) fn pieces<'a>(text: &'a str, at: &[char]) -> Vec<&'a str> {
    let (mut found, mut start, mut depth, mut quote) = (Vec::new(), 0, 0usize, None);
    let mut rest = text.char_indices();
    while let Some((position, c)) = rest.next() {
        match (quote, c) {
            (Some('"'), '`') => drop(rest.next()),
            (Some(mark), c) if mark == c => quote = None,
            (Some(_), _) => {}
            (None, '"' | '\'') => quote = Some(c),
            (None, '{' | '(' | '[') => depth += 1,
            (None, '}' | ')' | ']') => depth = depth.saturating_sub(1),
            (None, c) if depth == 0 && at.contains(&c) => {
                found.push(&text[start..position]);
                start = position + c.len_utf8();
            }
            _ => {}
        }
    }
    found.push(&text[start..]);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shell(text: &str) -> Written {
        Written { text: text.to_owned(), exact: false, later: false }
    }

    fn line(text: &str) -> Written {
        Written { text: text.to_owned(), exact: true, later: false }
    }

    #[test]
    fn values_are_read_with_and_without_their_quotes() {
        assert_eq!(line("\"a `\"b`\" 'c'\"").text(), "a \"b\" 'c'");
        assert_eq!(line("'it''s'").text(), "it's");
        assert_eq!(shell("it's \"so\"").text(), "it's \"so\"");
        assert_eq!(line("{a -eq 'b'}").text(), "{a -eq 'b'}");
        assert_eq!((shell("$Null").text(), shell("'x y'").text()), (String::new(), "x y".to_owned()));
        assert_eq!((line("$true").truth(), shell("False").truth(), shell("").truth()), (Some(true), Some(false), None));
    }

    #[test]
    fn lists_and_their_changes_are_read() {
        let one = |text: &str| Written::changes(&[line(text)]).unwrap();
        assert_eq!(
            one("@{Add=\"sip:a@x\", \"CN=c,DC=x,DC=com\"; Remove='sip:b@x'}"),
            ["+sip:a@x", "+CN=c,DC=x,DC=com", "-sip:b@x"]
        );
        // A shell has taken the quotes away.
        assert_eq!(
            one("@{Add=sip:a@x, CN=c,OU=d,DC=x,DC=com,OU=e,DC=x}"),
            ["+sip:a@x", "+CN=c,OU=d,DC=x,DC=com", "+OU=e,DC=x"]
        );
        assert_eq!(one("$Null"), [""]);
        assert_eq!(one("\"a\",\"b\""), ["a", "b"]);
        assert_eq!(one("@('+a','b')"), ["=+a", "b"]);
        assert_eq!(Written::items(&[shell("a"), shell("b,c")]), ["a", "b", "c"]);
        for text in ["@{}", "@{Add=}", "@{Drop='a'}", "@{Add}", "@{Add='a'"] {
            assert!(Written::changes(&[line(text)]).is_err(), "{text}");
        }
    }

    #[test]
    fn words_are_told_apart() {
        let words: Vec<String> =
            ["-Name", "x", "-Confirm:$False", "\u{2013}WhatIf", "--store=s", "@{Add=a;", "Remove=b}", "-1"]
                .map(str::to_owned)
                .into();
        let found = split(&words).unwrap_or_default();
        assert_eq!(found.len(), 7, "{found:?}");
        assert_eq!(found[2], Item::Name("Confirm".into(), Some(shell("$False"))));
        assert_eq!(found[4], Item::Own("store".into(), Some("s".into())));
        assert_eq!(found[5], Item::Value(shell("@{Add=a; Remove=b}")));
        assert_eq!(found[6], Item::Value(shell("-1")));
        // What a shell makes of @{Add="a","b"}, and what documents make of quotation marks.
        let torn = |words: &[&str]| split(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>()).err();
        assert!(matches!(torn(&["-Members", "@Add=a", "@Add=b"]), Some(Torn::Braces(1, _))));
        assert!(matches!(torn(&["{Name", "-like", "IT*}"]), Some(Torn::Braces(0, _))));
        assert!(matches!(torn(&["\u{201c}IT", "Help"]), Some(Torn::Quote('\u{201c}'))));
        assert!(matches!(torn(&["'{Name"]), Some(Torn::Quote('\''))));
        let found = split(&["\u{201c}IT".to_owned(), "Help\u{201d}".to_owned()]).unwrap_or_default();
        assert_eq!(found, [Item::Value(shell("\"IT Help\""))]);
    }
}
