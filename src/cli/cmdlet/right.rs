//! Lines of a cmdlet as they have to be typed, for whoever has typed them otherwise.

use super::{Bound, Call};
use crate::cli::mangled;
use crate::cli::words::{DASHES, Written};
use crate::error::{Error, quoted};
use crate::model::ids::fold;
use crate::nouns::cmdlet::{Kind, Parameter, To};
use std::ffi::OsString;

impl Call {
    /// A Boolean parameter without a value.
    pub(super) fn unsaid(&self, name: &str) -> Error {
        let said = self.said(name);
        self.wrong(format!("-{said} needs $True or $False; bash expands them to nothing, so quote them"))
            .hint(format!("{}, or '$True'", self.right(name, "'$False'", None)))
    }

    /// A parameter as it was typed: by its name, or by another one it has.
    fn said(&self, name: &str) -> &str {
        let parameter = self.cmdlet.parameters.iter().find(|p| p.name == name);
        let typed = |known: &&&str| self.typed.iter().any(|word| fold(word.trim_start_matches(DASHES)) == fold(known));
        match parameter {
            Some(parameter) => parameter.aliases.iter().find(typed).copied().unwrap_or(parameter.name),
            None if fold(name) == "confirm" => "Confirm",
            None => "WhatIf",
        }
    }

    /// Words of a line: parameters with a plain dash.
    pub(super) fn plain(words: &[String]) -> Vec<String> {
        let dashed = |word: &String| {
            let own = word.trim_start_matches(DASHES);
            own.len() < word.len() && own.starts_with(|c: char| c.is_ascii_alphabetic()) && !word.starts_with("--")
        };
        let plain = |word: &String| match dashed(word) {
            true => format!("-{}", word.trim_start_matches(DASHES)),
            false => word.clone(),
        };
        words.iter().map(plain).collect()
    }

    /// A Boolean parameter with another value.
    pub(super) fn untrue(&self, name: &str, value: &Written) -> Error {
        let text = value.text();
        if text.trim().is_empty() {
            return self.unsaid(name);
        }
        let by = if value.affirms() { "'$True'" } else { "'$False'" };
        self.wrong(format!("-{name} must be $True or $False, not {}", quoted(&text))).hint(self.right(
            name,
            by,
            Some(&text),
        ))
    }

    /// The line as it has to be typed, with this behind a parameter, in the place of the word `gone`.
    pub(super) fn right(&self, name: &str, with: &str, gone: Option<&str>) -> String {
        let mut words: Vec<String> = Vec::new();
        let mut behind = false;
        let aliases = self.cmdlet.parameters.iter().find(|p| p.name == name).map_or(&[][..], |p| p.aliases);
        let begins = |own: &str| [name].iter().chain(aliases).any(|known| fold(known).starts_with(&fold(own)));
        for word in &self.typed {
            let own = word.trim_start_matches(DASHES);
            let (own, colon) = own.split_once(':').map_or((own, false), |(own, _)| (own, true));
            let dashed = word.starts_with(DASHES) && own.starts_with(|c: char| c.is_ascii_alphabetic());
            let is = dashed && begins(own);
            let dropped = behind && !dashed && (word.trim().is_empty() || gone == Some(word.as_str()));
            behind = is;
            if dropped {
                continue;
            }
            words.push(match is {
                true if with.is_empty() => format!("-{own}"),
                true if colon => format!("'-{own}:{}'", with.trim_matches('\'')),
                true => format!("-{own} {with}"),
                false => crate::cli::line::quoted(&[word.into()]),
            });
        }
        let short = words.iter().map(String::len).sum::<usize>() < 300;
        if words.is_empty() || !short {
            words = vec!["…".to_owned(), format!("-{name} {with}").trim_end().to_owned()];
        }
        format!("pchat {} {}", self.cmdlet.name, words.join(" "))
    }

    /// What is written behind a parameter.
    pub(super) fn shape(&self, parameter: &Parameter) -> String {
        crate::cli::help::value(parameter, self.cmdlet, &crate::cli::command())
    }

    /// The line with the identity that is missing.
    pub(in crate::cli) fn identified(&self) -> String {
        let parameter = self.cmdlet.parameters.iter().find(|p| p.to == To::Word).map_or("Identity", |p| p.name);
        self.completed(parameter, "NAME")
    }

    /// The line with a parameter that is missing.
    pub(super) fn completed(&self, parameter: &str, value: &str) -> String {
        let words: Vec<OsString> = self.typed.iter().map(OsString::from).collect();
        format!("pchat {} -{parameter} {value} {}", self.cmdlet.name, crate::cli::line::quoted(&words))
            .trim_end()
            .to_owned()
    }

    /// What to do about a value that belongs to no parameter.
    pub(super) fn surplus(&self, value: &Written) -> String {
        let is = value.is_truth_or_mistaken().then(|| value.affirms());
        let colon = is.and_then(|is| self.with_colon(&value.text(), is));
        match colon.or_else(|| self.joined(&value.text())) {
            Some(line) => line,
            None if self.cmdlet.parameters.iter().all(|parameter| parameter.position.is_none()) => {
                format!("write -NAME before each value; pchat help {} lists the names", self.cmdlet.name)
            }
            None => format!(
                "put a text with spaces in quotes, as 'IT Help', and a pattern with * too; pchat help {}",
                self.cmdlet.name
            ),
        }
    }

    /// The line with this word and its neighbours as one text.
    pub(super) fn joined(&self, surplus: &str) -> Option<String> {
        let at = self.typed.iter().position(|word| word == surplus)?;
        if let Some(words) = mangled::expanded(&self.typed) {
            let line = crate::cli::line::quoted(&words.iter().map(OsString::from).collect::<Vec<_>>());
            return Some(format!("{}: pchat {} {line}", mangled::EXPANDED, self.cmdlet.name));
        }
        if matches!(surplus, "^" | "`" | "\\") {
            let rest: Vec<OsString> = self.typed.iter().filter(|word| *word != surplus).map(OsString::from).collect();
            let line = crate::cli::line::quoted(&rest);
            let what = "another shell goes on in the next line behind that sign; write one line";
            return Some(format!("{what}: pchat {} {line}", self.cmdlet.name));
        }
        let named = |word: &String| word.starts_with(DASHES);
        let from = at.checked_sub(1).filter(|before| !named(&self.typed[*before]))?;
        let to = self.typed[at..].iter().position(named).map_or(self.typed.len(), |more| at + more);
        let mut words: Vec<OsString> = self.typed.iter().map(OsString::from).collect();
        words.splice(from..to, [OsString::from(self.typed[from..to].join(" "))]);
        let line = crate::cli::line::quoted(&words);
        Some(format!("put a text with spaces in quotes: pchat {} {line}", self.cmdlet.name))
    }

    /// The line in which a colon stands before what a switch is set to.
    pub(super) fn with_colon(&self, surplus: &str, is: bool) -> Option<String> {
        let at = self.typed.iter().position(|word| word == surplus)?;
        let before = at.checked_sub(1)?;
        let name = self.typed[before].strip_prefix(DASHES)?;
        match self.parameter(name).ok()? {
            Bound::Own(parameter) if parameter.kind == Kind::Switch => {}
            // Nobody who wrote it wants it done.
            Bound::WhatIf => return Some(format!("leave the value out: {}", self.right(name, "", None))),
            Bound::Confirm => {}
            _ => return None,
        }
        let mut words: Vec<OsString> = self.typed.iter().map(OsString::from).collect();
        let truth = if is { "$True" } else { "$False" };
        words.splice(before..=at, [OsString::from(format!("-{name}:{truth}"))]);
        let line = crate::cli::line::quoted(&words);
        let what = match surplus.is_empty() {
            true => "bash expands $True and $False to nothing, and a colon stands before the value of a switch",
            false => "a colon stands before the value of a switch",
        };
        Some(format!("{what}: pchat {} {line}", self.cmdlet.name))
    }

    /// The line of `-Identity=x`, with a blank.
    pub(super) fn with_blank(&self, name: &str) -> Option<String> {
        let (own, value) = name.split_once('=')?;
        self.parameter(own).ok()?;
        let is = |word: &&String| word.trim_start_matches(DASHES).starts_with(&format!("{own}="));
        let at = self.typed.iter().position(|word| is(&word))?;
        let mut words: Vec<OsString> = self.typed.iter().map(OsString::from).collect();
        let whole = self.typed[at].split_once('=').map_or(value, |(_, value)| value);
        words.splice(at..=at, [OsString::from(format!("-{own}")), OsString::from(whole)]);
        Some(format!("a blank stands before a value: pchat {} {}", self.cmdlet.name, crate::cli::line::quoted(&words)))
    }

    /// The line of a condition without braces and quotes.
    pub(super) fn with_braces(&self, name: &str) -> Option<String> {
        let null = crate::model::record::Value::Null;
        let _known = crate::select::expression::Expression::compare(&fold(name), &null, &null)?;
        let at = self.typed.iter().position(|word| word.trim_start_matches(DASHES) == name)?;
        let (before, rest) = (self.typed.get(at.checked_sub(1)?)?, self.typed.get(at + 1)?);
        let mut words: Vec<OsString> = self.typed.iter().map(OsString::from).collect();
        words.splice(at - 1..=at + 1, [OsString::from(format!("{{{before} -{name} \"{rest}\"}}"))]);
        Some(format!(
            "put a condition in braces and quotes: pchat {} {}",
            self.cmdlet.name,
            crate::cli::line::quoted(&words)
        ))
    }
}
