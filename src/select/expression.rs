//! Conditions as PowerShell writes them: `{Name -like "IT*" -and Disabled -eq $False}`. Parses one and asks it about
//! the properties of an object. Text is compared without regard to case, unless the operator begins with `c`.

mod parse;
pub mod texts;

use crate::error::{Error, Kind, Result, quoted};
use crate::model::bounds::{self, DEEPEST};
use crate::model::ids::fold;
use crate::model::record::Value;
use crate::model::time::{Ticks, iso};
use regex::{Regex, RegexBuilder};
use std::cmp::Ordering;

/// A condition.
#[derive(Debug, Clone)]
pub struct Expression(Node);

#[derive(Debug, Clone)]
enum Node {
    /// One condition, and what follows it from left to right: whether both must hold, and the condition. A list and no
    /// tree, so that no number of them is deep.
    Chain(Box<Node>, Vec<(bool, Node)>),
    Not(Box<Node>),
    True(Operand),
    Compare {
        left: Operand,
        is: Operator,
        not: bool,
        case: bool,
        right: Operand,
        pattern: Option<Regex>,
    },
}

#[derive(Debug, Clone)]
enum Operand {
    Property(String),
    Literal(Value),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Like,
    Match,
    Contains,
    In,
}

/// Gives a property by its name; nothing when there is no such property.
pub type Properties<'a> = dyn Fn(&str) -> Option<Value> + 'a;

impl Expression {
    /// Reads a condition, with or without braces around it.
    pub fn parse(text: &str) -> Result<Expression> {
        let inside = text.trim();
        let inside = inside.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(inside);
        parse::parse(inside)
    }

    /// Compares two values with an operator of this name, without its dash; nothing when there is none like it.
    pub fn compare(name: &str, left: &Value, right: &Value) -> Option<Result<bool>> {
        let (is, not, case) = parse::operator(name)?;
        let pattern = match is {
            Operator::Like => Some(glob(&right.show(), case)),
            Operator::Match => Some(compile(&right.show(), case)),
            _ => None,
        };
        Some(
            pattern
                .transpose()
                .map(|pattern| Comparison { is, not, case, pattern: pattern.as_ref() }.holds(left, right)),
        )
    }

    /// The properties it names.
    pub fn properties(&self) -> Vec<&str> {
        let mut found = Vec::new();
        self.0.properties(&mut found);
        found
    }

    /// Is it true of these properties? What is not there is null.
    pub fn matches(&self, properties: &Properties<'_>) -> bool {
        self.0.matches(properties)
    }
}

/// Does `text` match a pattern in which `*` stands for anything and `?` for one character?
pub fn like(pattern: &str, text: &str) -> bool {
    glob(pattern, false).is_ok_and(|pattern| pattern.is_match(text))
}

fn wrong(what: String) -> Error {
    Error::new(Kind::Usage, what).hint("conditions are written as {Name -like \"IT*\" -and Disabled -eq $False}")
}

fn glob(pattern: &str, case: bool) -> Result<Regex> {
    if bounds::is_longer(pattern, bounds::PATTERN) {
        return Err(wrong(bounds::words("a pattern", bounds::PATTERN, "characters")));
    }
    let mut text = String::from("^");
    let mut rest = pattern.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '*' => text.push_str(".*"),
            '?' => text.push('.'),
            '[' => text.push_str(&set(&mut rest).ok_or_else(|| {
                wrong(format!("invalid pattern {}: its set [ ] is empty or not closed", quoted(pattern)))
                    .hint("a bracket that stands for itself has a backtick before it, as '`[IT`]*'")
            })?),
            '`' => text.push_str(&regex::escape(&rest.next().unwrap_or('`').to_string())),
            other => text.push_str(&regex::escape(&other.to_string())),
        }
    }
    text.push('$');
    compile(&text, case)
}

/// The rest of a set of characters, behind its bracket, as a regular expression: `[A-M]`, `[abc]`. PowerShell knows no
/// sets of what is not meant.
fn set(rest: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Option<String> {
    let mut items: Vec<(char, bool)> = Vec::new();
    loop {
        match rest.next()? {
            ']' if !items.is_empty() => break,
            '`' => items.push((rest.next()?, false)),
            c => items.push((c, c == '-')),
        }
    }
    let plain = |c: char| regex::escape(&c.to_string());
    let mut found = String::from("[");
    let mut at = 0;
    while let Some((first, _)) = items.get(at).copied() {
        match (items.get(at + 1), items.get(at + 2)) {
            (Some((_, true)), Some((last, _))) => {
                // An empty range would be no regular expression.
                if first > *last {
                    return None;
                }
                found.push_str(&format!("{}-{}", plain(first), plain(*last)));
                at += 3;
            }
            _ => {
                found.push_str(&plain(first));
                at += 1;
            }
        }
    }
    found.push(']');
    Some(found)
}

fn compile(pattern: &str, case: bool) -> Result<Regex> {
    // Reading a long one takes longer than its length says.
    if bounds::is_longer(pattern, bounds::PATTERN) {
        return Err(wrong(bounds::words("a pattern", bounds::PATTERN, "characters")));
    }
    RegexBuilder::new(pattern)
        .case_insensitive(!case)
        .dot_matches_new_line(true)
        .size_limit(1 << 20)
        .nest_limit(DEEPEST as u32)
        .build()
        .map_err(|_| wrong(format!("invalid pattern {}", quoted(pattern))))
}

impl Node {
    fn properties<'a>(&'a self, found: &mut Vec<&'a str>) {
        let mut see = |operand: &'a Operand| {
            if let Operand::Property(name) = operand {
                found.push(name);
            }
        };
        match self {
            Node::Chain(first, rest) => {
                first.properties(found);
                rest.iter().for_each(|(_, node)| node.properties(found));
            }
            Node::Not(a) => a.properties(found),
            Node::True(a) => see(a),
            Node::Compare { left, right, .. } => {
                see(left);
                see(right);
            }
        }
    }

    fn matches(&self, properties: &Properties<'_>) -> bool {
        match self {
            Node::Chain(first, rest) => rest.iter().fold(first.matches(properties), |holds, (both, node)| match both {
                true => holds && node.matches(properties),
                false => holds || node.matches(properties),
            }),
            Node::Not(a) => !a.matches(properties),
            Node::True(a) => truth(&a.value(properties)),
            Node::Compare { left, is, not, case, right, pattern } => {
                let (left, right) = (left.value(properties), right.value(properties));
                let how = Comparison { is: *is, not: *not, case: *case, pattern: pattern.as_ref() };
                how.holds(&left, &right)
            }
        }
    }
}

impl Operand {
    fn value(&self, properties: &Properties<'_>) -> Value {
        match self {
            Operand::Property(name) => properties(name).unwrap_or_default(),
            Operand::Literal(value) => value.clone(),
        }
    }
}

fn truth(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(is) => *is,
        Value::Int(number) => *number != 0,
        Value::Text(text) => !text.is_empty(),
        Value::List(items) => !items.is_empty(),
        Value::Time(_) => true,
    }
}

/// A time, or the beginning of a day, as people write it here or in the United States.
pub fn instant(text: &str) -> Option<Ticks> {
    let text = iso(text)?;
    ["", "Z", "T00:00:00Z"].iter().find_map(|end| Ticks::parse(&format!("{text}{end}"))).map(|(at, _)| at)
}

struct Comparison<'a> {
    is: Operator,
    not: bool,
    case: bool,
    pattern: Option<&'a Regex>,
}

impl Comparison<'_> {
    fn holds(&self, left: &Value, right: &Value) -> bool {
        let one = |item: &str, other: &Value| self.compares(&Value::Text(item.to_owned()), other);
        let found = match (self.is, left, right) {
            (Operator::Contains, Value::List(items), item) | (Operator::In, item, Value::List(items)) => {
                items.iter().any(|entry| self.equal(&Value::from(entry), item))
            }
            (Operator::Contains | Operator::In, left, right) => self.equal(left, right),
            // An operator on a list gives the items it is true of; any of them is enough.
            (_, Value::List(items), _) if *right != Value::Null => {
                return items.iter().any(|item| one(item, right) != self.not);
            }
            _ => self.compares(left, right),
        };
        found != self.not
    }

    fn compares(&self, left: &Value, right: &Value) -> bool {
        match self.is {
            Operator::Equal | Operator::Contains | Operator::In => self.equal(left, right),
            Operator::Like | Operator::Match => match (self.pattern, right.show()) {
                (Some(pattern), _) => pattern.is_match(&left.show()),
                (None, text) if self.is == Operator::Like => {
                    glob(&text, self.case).is_ok_and(|p| p.is_match(&left.show()))
                }
                (None, text) => compile(&text, self.case).is_ok_and(|p| p.is_match(&left.show())),
            },
            Operator::Less => self.order(left, right) == Some(Ordering::Less),
            Operator::Greater => self.order(left, right) == Some(Ordering::Greater),
            Operator::LessOrEqual => self.order(left, right).is_some_and(Ordering::is_le),
            Operator::GreaterOrEqual => self.order(left, right).is_some_and(Ordering::is_ge),
        }
    }

    fn equal(&self, left: &Value, right: &Value) -> bool {
        match (left, right) {
            (Value::Null, Value::Null) => true,
            // Empty is what a property is that nobody has set.
            (Value::Null, other) | (other, Value::Null) => *other == Value::Text(String::new()),
            (Value::Bool(is), other) | (other, Value::Bool(is)) => match other {
                Value::Text(text) => fold(text) == if *is { "true" } else { "false" },
                other => truth(other) == *is,
            },
            _ => self.order(left, right) == Some(Ordering::Equal),
        }
    }

    fn order(&self, left: &Value, right: &Value) -> Option<Ordering> {
        let number = |value: &Value| match value {
            Value::Int(number) => Some(*number as f64),
            Value::Text(text) => text.trim().parse::<f64>().ok().filter(|number| number.is_finite()),
            _ => None,
        };
        match (left, right) {
            (Value::Null, _) | (_, Value::Null) => None,
            (Value::Time(a), Value::Time(b)) => Some(a.cmp(b)),
            (Value::Time(a), Value::Text(b)) => Some(a.cmp(&instant(b)?)),
            (Value::Text(a), Value::Time(b)) => Some(instant(a)?.cmp(b)),
            _ => match (number(left), number(right)) {
                (Some(a), Some(b)) => a.partial_cmp(&b),
                _ if self.case => Some(left.show().cmp(&right.show())),
                _ => Some(fold(&left.show()).cmp(&fold(&right.show()))),
            },
        }
    }
}

/// A regular expression for texts: linear in time, bounded in memory. Two are equal when they are written alike.
#[derive(Debug, Clone)]
pub struct Pattern {
    text: String,
    case: bool,
    regex: Regex,
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        (&self.text, self.case) == (&other.text, other.case)
    }
}

impl Eq for Pattern {}

impl Pattern {
    /// Reads one; `case` compares the case of letters. What is wrong with it is a fragment for people.
    pub fn new(text: &str, case: bool) -> std::result::Result<Pattern, String> {
        if bounds::is_longer(text, bounds::PATTERN) {
            return Err(bounds::words("a regular expression", bounds::PATTERN, "characters"));
        }
        let built = RegexBuilder::new(text)
            .case_insensitive(!case)
            .size_limit(1 << 20)
            .dfa_size_limit(4 << 20)
            .nest_limit(DEEPEST as u32)
            .build();
        let regex = built.map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "this regular expression is too large".to_owned(),
            error => {
                let text = error.to_string();
                let why = text.rsplit("error: ").next().unwrap_or_default().trim();
                format!("invalid regular expression: {}", why.lines().next().unwrap_or_default())
            }
        })?;
        match regex.is_match("") {
            true => Err("this regular expression matches the empty string, so every event would match".to_owned()),
            false => Ok(Pattern { text: text.to_owned(), case, regex }),
        }
    }

    /// The bytes of a text that it finds, one find after the other.
    pub fn places(&self, text: &str) -> Vec<std::ops::Range<usize>> {
        self.regex.find_iter(text).map(|found| found.range()).filter(|range| !range.is_empty()).collect()
    }

    /// How it is written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Is the case of letters compared?
    pub fn case(&self) -> bool {
        self.case
    }

    /// Does it find anything in a text?
    pub fn finds(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(text: &str) -> bool {
        let room = |name: &str| {
            Some(match fold(name).as_str() {
                "name" => "ITChatRoom".into(),
                "disabled" => Value::Bool(false),
                "history" => Value::Int(30),
                "creators" => Value::List(["Ken Myer", "Pilar"].iter().collect()),
                "empty" => Value::Null,
                "on" => Value::Time(Ticks::parse("2014-05-06T07:08:09Z").unwrap().0),
                _ => return None,
            })
        };
        Expression::parse(text).unwrap().matches(&room)
    }

    #[test]
    fn conditions_hold_as_powershell_says() {
        for text in [
            "{Name -like \"IT*\"}",
            "{$_.Name -eq 'itchatroom'}",
            "Name -like '?tchatroom' -and -not Disabled",
            "{$_.Disabled -eq $False}",
            "{Disabled -ne $true}",
            "{$_.History -ge 30 -and $_.History -lt 100.5}",
            "{$_.Creators -contains \"ken myer\"}",
            "{Creators -eq 'Pilar'}",
            "{'pilar' -in $_.Creators}",
            "{$_.Empty -eq $Null}",
            "{$_.Nothing -eq $Null -and !($_.Nothing)}",
            "{$_.Name -ne $Null}",
            "{Name -match '^it.+room$'}",
            "{Name -cnotlike 'it*'}",
            "{Name -in 'a','ITCHATROOM'}",
            "{On -gt '2014-01-01' -and On -lt '2015-01-01T00:00:00Z'}",
            "{On -ge '5/6/2014' -and On -lt '5/6/2014 7:09 AM'}",
            "{(Name -eq 'x' -or Name -like 'IT*') -and History}",
            "{Name -eq \u{201c}ITChatRoom\u{201d}}",
            "{Name \u{2013}like \u{201e}IT*\u{201d}}",
            "{Name -like '[A-M]*'}",
            "{Name -like '[hi]t*'}",
            "{'a*b' -like 'a`*b'}",
            "{'[x]' -like '`[x`]'}",
            "{'a-b' -like 'a[-x]b'}",
            "{'a^b' -like 'a[^x]b'}",
            "{\"a`tb\" -match '^a\\tb$'}",
        ] {
            assert!(is(text), "{text}");
        }
        for text in [
            "{Name -ceq 'itchatroom'}",
            "{Name -like 'Chat'}",
            "{Creators -notcontains 'Ken Myer'}",
            "{Nothing -eq 'x'}",
            "{Empty -gt 1}",
            "{Disabled}",
            "{Name -like '[N-Z]*'}",
            "{'axb' -like 'a`*b'}",
            "{'ayb' -like 'a[^x]b'}",
        ] {
            assert!(!is(text), "{text}");
        }
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for text in [
            "",
            "{",
            "{Name -like}",
            "{Name -huh 'x'}",
            "{(Name -eq 'x'}",
            "{Name -eq 'x",
            "a b",
            "{Name -match '('}",
            "{.Name -eq 'x'}",
            "{Name -eq IT}",
            "{Name -like IT*}",
            "{/bin/ls.Name -eq 'x'}",
            "{Name -like '[a'}",
            "{Name -like '[z-a]'}",
            "{$x -eq 'a'}",
        ] {
            assert!(Expression::parse(text).is_err(), "{text}");
        }
        let room = |_: &str| Some(Value::Int(1));
        for join in [" -and ", " -or "] {
            let long = vec!["A"; 100_000].join(join);
            let read = std::thread::Builder::new().stack_size(256 << 10).spawn(move || {
                let read = Expression::parse(&long).unwrap();
                assert_eq!(read.properties().len(), 100_000);
                read.clone().matches(&room)
            });
            assert!(read.unwrap().join().unwrap());
        }
        assert!(is("History -eq 1 -or Name -and History -eq 30") && !is("Name -or Name -and History -eq 1"));
        for long in ["[".repeat(1 << 20), "a".repeat(5_000)] {
            let error = Expression::parse(&format!("Name -match '{long}'")).unwrap_err();
            assert!(error.what().len() < 200, "{}", error.what().len());
            assert!(Expression::parse(&format!("Name -like '{long}'")).is_err());
        }
        assert!(Expression::parse(&"(".repeat(100_000)).is_err() && Expression::parse(&"!".repeat(100_000)).is_err());
        // As many as anybody writes are a list, and no tree.
        let long = |joint: &str, part: &str| vec![part; 40_000].join(joint);
        let deep = std::thread::Builder::new().stack_size(1 << 20).spawn(move || {
            assert!(is(&long(" -and ", "Name -eq 'ITChatRoom'")) && !is(&long(" -or ", "Name -eq 'x'")));
            assert!(is(&format!("'ITChatRoom' -in {}", [&long(",", "'x'"), ",'itchatroom'"].concat())));
            let error = Expression::parse(&format!("{{{} $}}", "x".repeat(10_000))).unwrap_err();
            assert!(error.to_string().len() < 200, "{}", error.to_string().len());
        });
        deep.unwrap().join().unwrap();
        assert!(
            Expression::is_meant("{Name -like \"x\"}")
                && !Expression::is_meant("help desk")
                && !Expression::is_meant("a -b")
        );
    }
}
