//! A line of KQL, cut into signs, words, phrases and properties, each with its place.

use super::foreign;
use std::ops::Range;

/// A piece of a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) is: Is,
    /// Where, in bytes of the line.
    pub(super) at: Range<usize>,
}

/// What it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Is {
    Open,
    Close,
    And,
    Or,
    Not,
    Plus,
    Minus,
    /// `NEAR(n)` or `ONEAR(n)`.
    Near {
        ordered: bool,
        distance: u32,
    },
    /// As it stands between blanks.
    Word(String),
    /// What stood in quotation marks.
    Phrase(String),
    /// A name and an operator; the value is the next token, unless a blank follows.
    Property {
        name: String,
        operator: Operator,
        blank: bool,
    },
    /// Between slashes.
    Regex(String),
    /// Wrong: why, and what to write.
    Wrong(String, String),
}

/// How a property is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Contains,
    Equal,
    Different,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// Words before a colon that are the beginning of an address.
const SCHEMES: [&str; 10] = ["http", "https", "ftp", "ftps", "file", "sip", "sips", "mailto", "tel", "urn"];
/// No distance is larger.
const FARTHEST: u32 = 1000;

/// Quotation marks: the straight ones close themselves, the others as printers use them.
fn closers(open: char) -> Option<&'static [char]> {
    Some(match open {
        '"' => &['"'],
        '＂' => &['＂'],
        '“' | '„' | '‟' => &['”', '“', '‟'],
        '”' => &['”', '“'],
        '«' => &['»'],
        '»' => &['«', '»'],
        _ => return None,
    })
}

fn is_quote(c: char) -> bool {
    closers(c).is_some()
}

/// A minus, also as word processors write it.
fn is_minus(c: char) -> bool {
    matches!(c, '-' | '‐' | '‑' | '–' | '—' | '−')
}

fn is_open(c: char) -> bool {
    matches!(c, '(' | '（')
}

fn is_close(c: char) -> bool {
    matches!(c, ')' | '）')
}

/// Cuts a line.
pub(super) fn tokens(line: &str) -> Vec<Token> {
    let mut lexer = Lexer { line, at: 0, tokens: Vec::new() };
    lexer.run();
    lexer.tokens
}

struct Lexer<'a> {
    line: &'a str,
    at: usize,
    tokens: Vec<Token>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.line[self.at..]
    }

    fn push(&mut self, start: usize, is: Is) {
        self.tokens.push(Token { is, at: start..self.at });
    }

    fn run(&mut self) {
        while let Some(c) = self.rest().chars().next() {
            let start = self.at;
            let after = self.rest()[c.len_utf8()..].chars().next();
            let glued = after.is_some_and(|next| !next.is_whitespace() && !is_close(next));
            let sign = match c {
                c if is_open(c) => Some(Is::Open),
                c if is_close(c) => Some(Is::Close),
                '+' if glued && foreign::of(&self.rest()[..self.length()], "").is_none() => Some(Is::Plus),
                c if is_minus(c) && glued => Some(Is::Minus),
                _ => None,
            };
            if c.is_whitespace() {
                self.at += c.len_utf8();
            } else if let Some(sign) = sign {
                self.at += c.len_utf8();
                self.push(start, sign);
            } else if is_quote(c) {
                self.phrase(c);
            } else {
                self.word();
            }
        }
    }

    /// What stands in quotation marks; a mark that is doubled is part of it.
    fn phrase(&mut self, open: char) {
        let (start, inside) = (self.at, self.at + open.len_utf8());
        let proper = closers(open).unwrap_or_default();
        let find = |closes: &dyn Fn(char) -> bool| {
            let mut text = String::new();
            let mut chars = self.line[inside..].char_indices().peekable();
            while let Some((at, c)) = chars.next() {
                if !closes(c) || c == open && chars.next_if(|(_, next)| *next == c).is_some() {
                    text.push(c);
                } else {
                    return Some((text, inside + at + c.len_utf8()));
                }
            }
            None
        };
        match find(&|c| proper.contains(&c)).or_else(|| find(&is_quote)) {
            Some((text, end)) => {
                self.at = end;
                self.push(start, Is::Phrase(text));
            }
            None => {
                self.at = self.line.len();
                let what = "this quotation mark is never closed";
                let wrong = Is::Wrong(what.to_owned(), "close the phrase with a second quotation mark".to_owned());
                self.tokens.push(Token { is: wrong, at: start..inside });
            }
        }
    }

    fn word(&mut self) {
        let start = self.at;
        if let Some((name, operator, length)) = property(self.rest()) {
            self.at += length;
            let next = self.rest().chars().next();
            let blank = next.is_none_or(|c| c.is_whitespace() || is_close(c));
            let name = name.to_ascii_lowercase();
            let is_text = name == "text";
            self.push(start, Is::Property { name, operator, blank });
            if is_text && self.rest().starts_with('/') {
                self.regex();
            } else if !blank && !next.is_some_and(|c| is_quote(c) || is_open(c)) {
                let start = self.at;
                self.at += self.length();
                let text = self.line[start..self.at].to_owned();
                self.push(start, Is::Word(text));
            }
            return;
        }
        self.at += self.length();
        let text = &self.line[start..self.at];
        let is = match text {
            "AND" => Is::And,
            "OR" => Is::Or,
            "NOT" => Is::Not,
            "NEAR" | "ONEAR" => self.near(text == "ONEAR"),
            _ => self.plain(start, text),
        };
        self.push(start, is);
    }

    /// What is no operator here: a word, unless other programs mean something else by it.
    fn plain(&mut self, start: usize, text: &'a str) -> Is {
        let behind_phrase =
            self.tokens.last().is_some_and(|last| matches!(last.is, Is::Phrase(_)) && last.at.end == start);
        if let Some((what, hint)) = foreign::of(text, self.rest()).or_else(|| {
            // A distance belongs to the phrase before it.
            behind_phrase.then(|| foreign::slop(text)).flatten()
        }) {
            return Is::Wrong(what, hint);
        }
        let numbered = text.strip_prefix('O').unwrap_or(text).strip_prefix("NEAR").map(str::parse::<u32>);
        if let Some(Ok(number)) = numbered {
            return Is::Wrong(
                "the number of a distance stands in brackets".to_owned(),
                format!("write {}({number})", text.trim_end_matches(|c: char| c.is_ascii_digit())),
            );
        }
        let upper = text.to_ascii_uppercase();
        if matches!(&*upper, "NEAR" | "ONEAR" | "WITHIN")
            && let Some((number, length)) = in_brackets(self.rest())
        {
            self.at += length;
            let name = if upper == "ONEAR" { "ONEAR" } else { "NEAR" };
            return Is::Wrong("operators are in capitals".to_owned(), format!("write {name}({number})"));
        }
        Is::Word(text.to_owned())
    }

    /// The bytes up to a blank, a bracket or a quotation mark.
    fn length(&self) -> usize {
        let ends = |c: char| c.is_whitespace() || is_open(c) || is_close(c) || is_quote(c);
        self.rest().find(ends).unwrap_or(self.rest().len())
    }

    /// The distance after NEAR.
    fn near(&mut self, ordered: bool) -> Is {
        let Some(inside) = self.rest().strip_prefix('(') else { return self.apart(ordered) };
        let wrong = |what: &str| {
            Is::Wrong(what.to_owned(), format!("write a number of words from 0 to {FARTHEST}, as in a NEAR(5) b"))
        };
        let Some(end) = inside.find(')') else { return wrong("the distance is never closed with a bracket") };
        let number = inside[..end].trim();
        let number = number.strip_prefix("n=").unwrap_or(number);
        self.at += end + 2;
        match number.parse() {
            Ok(distance) if distance <= FARTHEST => Is::Near { ordered, distance },
            Ok(_) => wrong("this distance is too large"),
            Err(_) => wrong("the distance is not a number"),
        }
    }

    /// NEAR with nothing right behind it: a number after a blank may be its distance or a word.
    fn apart(&mut self, ordered: bool) -> Is {
        let name = if ordered { "ONEAR" } else { "NEAR" };
        let rest = self.rest().trim_start();
        let blanks = self.rest().len() - rest.len();
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, length) = match in_brackets(rest) {
            Some(found) => found,
            None if digits > 0
                && rest[digits..].starts_with(char::is_whitespace)
                && !rest[digits..].trim().is_empty() =>
            {
                (&rest[..digits], digits)
            }
            None => return Is::Near { ordered, distance: 8 },
        };
        self.at += blanks + length;
        let hint = format!("write {name}({number}) without a blank; a number as a word stands in quotation marks");
        Is::Wrong("the number of a distance stands right behind it, in brackets".to_owned(), hint)
    }

    /// What stands between slashes; a slash inside has a backslash before it.
    fn regex(&mut self) {
        let start = self.at;
        let mut escaped = false;
        for (at, c) in self.rest().char_indices().skip(1) {
            match c {
                _ if escaped => escaped = false,
                '\\' => escaped = true,
                '/' => {
                    let text = self.rest()[1..at].to_owned();
                    self.at += at + 1;
                    return self.push(start, Is::Regex(text));
                }
                _ => {}
            }
        }
        self.at = self.line.len();
        let what = "this regular expression is never closed";
        let hint = "close it with a slash; a slash inside is written \\/";
        self.tokens.push(Token { is: Is::Wrong(what.to_owned(), hint.to_owned()), at: start..start + 1 });
    }
}

/// Digits in brackets at the beginning of a text, and how many bytes all of it has.
fn in_brackets(text: &str) -> Option<(&str, usize)> {
    let (inside, _) = text.strip_prefix('(')?.split_once(')')?;
    let number = inside.trim();
    let is_number = !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    is_number.then_some((number, inside.len() + 2))
}

/// A name with an operator right after it, and how many bytes they are.
fn property(text: &str) -> Option<(&str, Operator, usize)> {
    let length = text.find(|c: char| !c.is_ascii_alphabetic()).filter(|length| *length > 0)?;
    let (name, rest) = text.split_at(length);
    // So begin addresses, and the names of files on a drive.
    let is_drive = length == 1 && rest.starts_with(":\\");
    if SCHEMES.contains(&&*name.to_ascii_lowercase()) && rest.starts_with(':') || rest.starts_with("://") || is_drive {
        return None;
    }
    let operators = [
        (":<>", Operator::Different),
        (":<=", Operator::LessOrEqual),
        (":>=", Operator::GreaterOrEqual),
        (":<", Operator::Less),
        (":>", Operator::Greater),
        (":", Operator::Contains),
        ("<>", Operator::Different),
        ("<=", Operator::LessOrEqual),
        (">=", Operator::GreaterOrEqual),
        ("<", Operator::Less),
        (">", Operator::Greater),
        ("=", Operator::Equal),
    ];
    let (sign, operator) = operators.into_iter().find(|(sign, _)| rest.starts_with(sign))?;
    Some((name, operator, length + sign.len()))
}
