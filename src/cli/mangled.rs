//! What a shell, a document or an editor has done to a line before pchat saw its words, told before anything is read or
//! changed, with the line as it has to be typed. Must not decide what words mean.

use super::cmdlet;
use super::typed::{Role, Typed, line, texts, typed};
use super::words::DASHES;
use crate::error::{Error, Kind, Result, quoted};
use clap::Command;
use clap::builder::ValueParser;
use std::ffi::OsString;
use std::path::Path;

/// Characters that look like a blank, and that no shell splits at.
const BLANKS: [char; 4] = ['\u{a0}', '\u{2007}', '\u{2009}', '\u{202f}'];
/// Characters that nobody sees.
const UNSEEN: [char; 6] = ['\u{200b}', '\u{200c}', '\u{200d}', '\u{2060}', '\u{feff}', '\u{ad}'];
/// Quotation marks of documents, opening and closing.
const MARKS: [(&str, &str); 4] = [("“„”", "“”\""), ("‘‚‛’", "‘’'"), ("«»", "«»"), ("‹›", "‹›")];
/// Verbs whose options may be emptied on purpose.
const WRITE: [&str; 5] = ["set", "new", "grant", "add", "post"];
/// Options of these names hold texts that are kept letter for letter.
const TEXTS: [&str; 2] = ["text", "query"];

/// Fails when the words cannot be those that somebody meant to type.
pub(super) fn check(words: &[OsString], native: &Command) -> Result<()> {
    let texts = texts(words);
    let typed = typed(&texts, native);
    let Some(first) =
        texts.iter().zip(&typed.roles).find(|(_, role)| !matches!(role, Role::Option(_) | Role::Value(_)))
    else {
        return carriage(&texts);
    };
    // A whole line in one word has its own line ends and quotes.
    if super::line::is_meant(first.0) || first.0 == super::complete::ASKED {
        return Ok(());
    }
    carriage(&texts)?;
    let check = Check { words: &texts, typed: &typed, cmdlet: cmdlet::is_meant(&seen(first.0)) };
    check.unseen()?;
    check.here()?;
    check.marks()?;
    check.paths()?;
    match check.cmdlet {
        true => check.splat(),
        false => check.dashes().and_then(|()| check.empty()),
    }?;
    check.property()
}

fn wrong(what: String, hint: String) -> Error {
    Error::new(Kind::Usage, what).hint(hint)
}

/// Line ends of Windows in a script of a shell.
fn carriage(words: &[String]) -> Result<()> {
    if !words.last().is_some_and(|word| word.ends_with('\r')) {
        return Ok(());
    }
    let words: Vec<String> = words.iter().map(|word| word.trim_end_matches('\r').to_owned()).collect();
    let words: Vec<String> = words.into_iter().filter(|word| !word.is_empty()).collect();
    Err(wrong(
        "the line ends with a carriage return, as lines of scripts do that were written on Windows".to_owned(),
        format!("sed -i 's/\\r$//' SCRIPT removes them; the line is: {}", line(&words)),
    ))
}

/// A word without what nobody sees in it, and with plain dashes.
fn seen(word: &str) -> String {
    word.chars().filter(|c| !UNSEEN.contains(c)).map(|c| if DASHES.contains(&c) { '-' } else { c }).collect()
}

/// A word without the joiners that belong to it: several scripts write with them, and emoji are glued by them.
fn joined(word: &str) -> String {
    let chars: Vec<char> = word.chars().collect();
    let sign = |c: &char| c.is_ascii() || [&BLANKS[..], &UNSEEN, &DASHES].iter().any(|list| list.contains(c));
    let written = |at: usize| chars.get(at).is_some_and(|c| !sign(c));
    let joins =
        |at: usize| matches!(chars[at], '\u{200c}' | '\u{200d}') && at > 0 && written(at - 1) && written(at + 1);
    (0..chars.len()).filter(|at| !joins(*at)).map(|at| chars[at]).collect()
}

struct Check<'a> {
    words: &'a [String],
    typed: &'a Typed<'a>,
    cmdlet: bool,
}

impl Check<'_> {
    /// The line with other words in the place of one.
    fn with(&self, at: usize, count: usize, by: Vec<String>) -> String {
        let mut words = self.words.to_vec();
        words.splice(at..(at + count).min(self.words.len()), by);
        line(&words)
    }

    fn roles(&self) -> impl Iterator<Item = (usize, &String, &Role<'_>)> {
        self.words.iter().zip(&self.typed.roles).enumerate().map(|(at, (word, role))| (at, word, role))
    }

    /// Blanks that are none, and characters that nobody sees.
    fn unseen(&self) -> Result<()> {
        let hidden = |c: char| BLANKS.contains(&c) || UNSEEN.contains(&c);
        for (at, typed, role) in self.roles() {
            if !typed.contains(hidden) {
                continue;
            }
            let word = &joined(typed);
            if !word.contains(hidden) {
                continue;
            }
            let begins = word.trim_start_matches(hidden).starts_with(DASHES);
            let name = word.split(['=', ':']).next().unwrap_or_default();
            let after: Vec<char> =
                word.chars().zip(word.chars().skip(1)).filter(|(c, _)| hidden(*c)).map(|p| p.1).collect();
            let within = after.iter().any(|c| DASHES.contains(c));
            // The first words are names of commands; what a person or a room is called may hold any character.
            let command = at <= self.typed.path.len()
                && matches!(role, Role::Name)
                && self.typed.command.has_subcommands()
                && !self.cmdlet;
            let edge = word.starts_with(hidden) || word.ends_with(hidden);
            let value = matches!(role, Role::Value(_));
            if (begins && name.contains(hidden)) || (!value && (within || edge || command)) {
                let plain: String = typed.chars().filter(|c| !UNSEEN.contains(c)).collect();
                let parts: Vec<String> =
                    plain.split(BLANKS).filter(|part| !part.is_empty()).map(str::to_owned).collect();
                // A text that has its place on the line, as a query, is one word whatever blanks are in it.
                let first = parts.first().map_or("", String::as_str);
                let text = matches!(role, Role::Name)
                    && !within
                    && self.typed.command.get_positionals().next().is_some()
                    && self.typed.command.find_subcommand(first).is_none();
                let parts = if text { vec![parts.join(" ")] } else { parts };
                let shown: String = typed.chars().map(|c| if hidden(c) { '·' } else { c }).collect();
                let what = format!("{} has blanks that are not spaces, or characters that nobody sees", quoted(&shown));
                return Err(wrong(what, format!("documents put them there; type: {}", self.with(at, 1, parts))));
            }
        }
        Ok(())
    }

    /// Texts over several lines as PowerShell writes them; a shell takes their marks.
    fn here(&self) -> Result<()> {
        for (at, word, _) in self.roles() {
            let inside = ["@\n", "@\r\n", "@\"\n", "@'\n"].iter().find_map(|begin| word.strip_prefix(begin));
            if let Some(inside) = inside {
                let text = inside.trim_end_matches(['@', '"', '\'', '\n', '\r']).to_owned();
                let what = "a text in @\"…\"@ is for scripts; a shell changes its marks".to_owned();
                let hint = format!("type {}, or run the lines with pchat script FILE", self.with(at, 1, vec![text]));
                return Err(wrong(what, hint));
            }
        }
        Ok(())
    }

    /// Quotation marks of documents, which no shell knows. Those of cmdlets that PowerShell knows are read there.
    fn marks(&self) -> Result<()> {
        for (at, word, role) in self.roles() {
            let (head, value) = match role {
                Role::Option(_) => word.split_once('=').map_or(("", ""), |(name, value)| (name, value)),
                _ => ("", word.as_str()),
            };
            let opening = |(open, _): &&(&str, &str)| value.starts_with(|c| open.contains(c));
            let Some((_, close)) = MARKS.iter().find(opening) else { continue };
            if self.cmdlet && !close.contains(['«', '‹']) || value.contains(' ') {
                continue;
            }
            let closed = |word: &String| word.ends_with(|c| close.contains(c));
            let alone = value.chars().count() > 1 && closed(&value.to_owned());
            let kept = match role {
                Role::Value(arg) | Role::Option(Some(arg)) => arg.get_long().is_some_and(|name| TEXTS.contains(&name)),
                _ => self.typed.path.first() == Some(&"search"),
            };
            let count = match alone {
                true if kept => continue,
                true => 1,
                false => match self.words[at..].iter().position(closed) {
                    Some(more) => more + 1,
                    None => 1,
                },
            };
            let mut text = self.words[at..at + count].join(" ");
            text = text.strip_prefix(head).map(|rest| rest.trim_start_matches('=').to_owned()).unwrap_or(text);
            let bare = text.trim_matches(|c| MARKS.iter().any(|(open, close)| open.contains(c) || close.contains(c)));
            let by = if head.is_empty() { bare.to_owned() } else { format!("{head}={bare}") };
            let what = format!("{} is in quotation marks of a document, which no shell knows", quoted(&text));
            return Err(wrong(what, format!("use straight quotation marks: {}", self.with(at, count, vec![by]))));
        }
        Ok(())
    }

    /// Names of files that are written as on Windows, or with a `~` that no shell has replaced: there is no such file,
    /// and one of that name would be made in the working folder.
    fn paths(&self) -> Result<()> {
        let is_path = |arg: &clap::Arg| arg.get_value_parser().type_id() == ValueParser::path_buf().type_id();
        let mut before = String::new();
        for (at, word, role) in self.roles() {
            let (head, value) = match role {
                Role::Option(Some(arg)) if is_path(arg) => word.split_once('=').unwrap_or_default(),
                Role::Value(arg) if is_path(arg) => ("", word.as_str()),
                _ if self.cmdlet && before.len() > 4 && "-filename".starts_with(&before) => ("", word.as_str()),
                _ => ("", ""),
            };
            before = word.to_lowercase();
            if value.is_empty() || Path::new(value).exists() {
                continue;
            }
            let with = |name: &str| {
                let own = (!head.is_empty()).then(|| head.to_owned());
                self.with(at, 1, own.into_iter().chain([name.to_owned()]).collect())
            };
            if value == "~" || value.starts_with("~/") {
                let what = format!("{} is not a path here: a shell replaces ~ only where a word begins", quoted(value));
                return Err(wrong(what, format!("type: {}", with(value).replace(&format!("'{value}'"), value))));
            }
            let drive = value.as_bytes().get(1) == Some(&b':') && value.as_bytes()[0].is_ascii_alphabetic();
            if !cfg!(windows) && (drive || value.contains('\\')) {
                let last = value.rsplit(['\\', '/']).next().filter(|last| !last.is_empty() && *last != value);
                let what = format!("{} is a path of Windows, and this system has none", quoted(value));
                let hint = "a shell takes backslashes away; type a path of this system, as in";
                return Err(wrong(what, format!("{hint}: {}", with(last.unwrap_or("FILE")))));
            }
        }
        Ok(())
    }

    /// Dashes of documents before the name of an option.
    fn dashes(&self) -> Result<()> {
        for (_, word, role) in self.roles() {
            let name = word.trim_start_matches(DASHES);
            let foreign = word[..word.len() - name.len()].chars().any(|c| c != '-');
            if !foreign || matches!(role, Role::Value(_)) {
                continue;
            }
            if self.typed.meant(word).is_some() {
                let what = format!("{} begins with a dash of a document", quoted(word));
                let right = line(&self.typed.straight(self.words));
                return Err(wrong(what, format!("type two plain dashes: {right}")));
            }
        }
        Ok(())
    }

    /// A name without a letter: what a shell makes of a variable that is empty.
    fn empty(&self) -> Result<()> {
        let writes = self.typed.path.last().is_some_and(|verb| WRITE.contains(verb));
        for (at, word, role) in self.roles() {
            let (of, by) = match role {
                Role::Name if word.trim().is_empty() && !self.typed.path.is_empty() => {
                    let positional = self.typed.command.get_positionals().next();
                    let name = positional.and_then(|arg| arg.get_value_names()?.first().map(ToString::to_string));
                    (name.unwrap_or_else(|| "a name".to_owned()), "NAME".to_owned())
                }
                Role::Value(arg) if word.trim().is_empty() && !writes => {
                    (format!("--{}", arg.get_long().unwrap_or_default()), shown(arg))
                }
                Role::Option(Some(arg))
                    if !writes && word.split_once('=').is_some_and(|(_, v)| v.trim().is_empty()) =>
                {
                    let name = format!("--{}", arg.get_long().unwrap_or_default());
                    (name.clone(), format!("{name}={}", shown(arg)))
                }
                _ => continue,
            };
            let what = format!("{of} is empty");
            return Err(wrong(what, format!("a shell variable may be empty: {}", self.with(at, 1, vec![by]))));
        }
        Ok(())
    }

    /// `@parameters`, which only PowerShell spreads out.
    fn splat(&self) -> Result<()> {
        let mut before = "";
        for (at, word, role) in self.roles() {
            let name = word.strip_prefix('@').filter(|name| {
                name.starts_with(|c: char| c.is_ascii_alphabetic())
                    && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
            });
            let free = matches!(role, Role::Name) && (before.is_empty() || !before.starts_with(DASHES));
            if let Some(name) = name.filter(|_| free) {
                let what = format!("{} spreads out a hashtable in PowerShell only", quoted(word));
                let named = self.words[..at].iter().any(|word| word.starts_with(DASHES));
                let by = if named { ["-PARAMETER", "VALUE"] } else { ["-Identity", "NAME"] };
                let by = by.map(str::to_owned).to_vec();
                let hint = format!("write the parameters of ${name} out: {}", self.with(at, 1, by));
                return Err(wrong(what, hint));
            }
            before = word;
        }
        Ok(())
    }

    /// `$room.Identity` of which a shell has replaced the variable.
    fn property(&self) -> Result<()> {
        const NAMES: [&str; 6] = ["Identity", "SipAddress", "Name", "Uri", "Category", "DisplayName"];
        for (at, word, role) in self.roles() {
            let Some((before, name)) = word.rsplit_once('.') else { continue };
            let known = NAMES.contains(&name) && (before.is_empty() || matches!(name, "Identity" | "SipAddress"));
            let free = matches!(role, Role::Name) || matches!(role, Role::Value(arg) if !arg.is_global_set());
            if known && free {
                let what = format!("{} is what a shell leaves of a variable and its property", quoted(word));
                let by = self.with(at, 1, vec!["NAME".to_owned()]);
                return Err(wrong(what, format!("put the whole line in single quotes, or type: {by}")));
            }
        }
        Ok(())
    }
}

/// The words with a `*` in the place of names of files, if a shell has put several there.
pub(super) fn expanded(words: &[String]) -> Option<Vec<String>> {
    let is = |word: &String| !word.is_empty() && !word.starts_with('-') && Path::new(word).exists();
    let first = words.windows(2).position(|pair| pair.iter().all(is))?;
    let count = words[first..].iter().take_while(|word| is(word)).count();
    let mut words = words.to_vec();
    words.splice(first..first + count, ["*".to_owned()]);
    Some(words)
}

/// What is said of them.
pub(super) const EXPANDED: &str = "a shell replaces * by names of files; put it in quotes";

/// What is written behind an option, in capitals.
fn shown(arg: &clap::Arg) -> String {
    arg.get_value_names().and_then(<[_]>::first).map_or_else(|| "VALUE".to_owned(), ToString::to_string)
}
