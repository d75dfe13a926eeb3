//! Lines as administrators keep them: cmdlets behind pipes, `Where-Object {…}`, variables. Each cmdlet runs as the
//! command it has become; what one gives goes into the next as objects. Stops at the first that fails.

use super::cmdlet::{self, Call, Object, Objects};
use super::print::visible;
use super::words::{self, Item, Written, pieces};
use super::{Evaluated, Kept, World, evaluated, native, objects, print};
use crate::error::{Error, Kind, Place, Result};
use crate::model::ids::fold;
use crate::select::expression::Expression;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;

/// Exit codes of what ended without a failure.
const FINE: [u8; 3] = [0, 3, 4];

/// What lines share: variables, and options of pchat that stood before them.
#[derive(Default)]
pub(super) struct Lines {
    variables: BTreeMap<String, Vec<Object>>,
    before: Vec<OsString>,
    kept: Kept,
}

/// One part of a line, between two pipes.
enum Stage {
    Cmdlet(Box<Call>, Vec<String>),
    Variable(String),
    Credential(String),
    Where(String),
}

impl Lines {
    /// Options of pchat that hold for every line.
    pub(super) fn new(before: Vec<OsString>) -> Lines {
        let mut joined: Vec<OsString> = Vec::new();
        for word in before {
            match joined.last_mut() {
                // The form of output is another one between two pipes.
                Some(last) if last == "--output" => {
                    last.push("=");
                    last.push(word);
                }
                _ => joined.push(word),
            }
        }
        Lines { variables: BTreeMap::new(), before: joined, kept: Kept::default() }
    }

    /// Runs a cmdlet whose words a shell has split.
    pub(super) fn cmdlet(&mut self, name: &str, words: &[String], world: &mut World<'_>) -> Result<u8> {
        let stage = self.stage(name, words::split(words))?;
        self.pipeline(vec![stage], world)
    }

    /// Runs the lines of a text; gives the exit code of the last, or of the first that failed.
    pub(super) fn text(&mut self, text: &str, file: Option<&str>, world: &mut World<'_>) -> Result<u8> {
        let mut code = 0;
        for (number, line) in lines(text) {
            for statement in pieces(&line, &[';']) {
                let place = |error: Error| match file {
                    Some(file) => error.at(Place { file: file.to_owned(), line: number, column: 0 }),
                    None => error,
                };
                code = self.statement(statement.trim(), world).map_err(place)?;
                if !FINE.contains(&code) {
                    if let Some(file) = file {
                        drop(writeln!(world.err, "pchat: {}:{number}: stopped here, with code {code}", visible(file)));
                    }
                    return Ok(code);
                }
            }
        }
        Ok(code)
    }

    fn statement(&mut self, text: &str, world: &mut World<'_>) -> Result<u8> {
        // Everything that modules have is there.
        if text.is_empty() || fold(text).starts_with("import-module ") {
            return Ok(0);
        }
        if let Some((name, rest)) = text.strip_prefix('$').and_then(|rest| rest.split_once('='))
            && !name.trim().is_empty()
            && name.trim().bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        {
            let stages = self.stages(rest.trim())?;
            let (code, found) = self.objects(stages, world)?;
            self.variables.insert(fold(name.trim()), found);
            return Ok(code);
        }
        if let Some(words) = own_words(text)? {
            return Ok(native(self.before.iter().cloned().chain(words).collect(), world, &self.kept));
        }
        let stages = self.stages(text)?;
        self.pipeline(stages, world)
    }

    fn stages(&self, text: &str) -> Result<Vec<Stage>> {
        let mut found: Vec<Stage> = Vec::new();
        for part in pieces(text, &['|']) {
            let mut words = tokens(part).into_iter();
            let Some(first) = words.next() else {
                return Err(Error::new(Kind::Usage, "there is nothing between two pipes, or at the end of one"));
            };
            let items: Vec<Item> = words.map(|word| words::of_line(&word)).collect();
            if let Some(name) = first.strip_prefix('$').filter(|_| items.is_empty()) {
                found.push(Stage::Variable(fold(name)));
                continue;
            }
            let stage = self.stage(&first, items)?;
            match (stage, found.last_mut()) {
                // What follows a cmdlet chooses from what it prints.
                (Stage::Where(condition), Some(Stage::Cmdlet(_, conditions))) => conditions.push(condition),
                (stage, _) => found.push(stage),
            }
        }
        Ok(found)
    }

    fn stage(&self, name: &str, items: Vec<Item>) -> Result<Stage> {
        let texts = || -> Vec<String> {
            items
                .iter()
                .filter_map(|item| if let Item::Value(value) = item { Some(value.text()) } else { None })
                .collect()
        };
        match fold(name).as_str() {
            "where-object" | "where" | "?" => {
                let condition = texts().join(" ");
                Expression::parse(&condition)?;
                Ok(Stage::Where(condition))
            }
            "get-credential" => Ok(Stage::Credential(texts().join(" "))),
            _ => {
                let call = Call::new(cmdlet::named(name)?, self.known(items)?, &super::command())?;
                Ok(Stage::Cmdlet(Box::new(call), Vec::new()))
            }
        }
    }

    /// Puts in place of variables what they hold.
    fn known(&self, items: Vec<Item>) -> Result<Vec<Item>> {
        let mut known = Vec::new();
        for item in items {
            let Item::Value(value) = &item else {
                known.push(item);
                continue;
            };
            let Some(name) = value.variable() else {
                known.push(item);
                continue;
            };
            let objects = self.variable(&name)?;
            known.extend(objects.iter().map(|object| {
                let only = if object.len() == 1 { object.values().next().cloned() } else { None };
                Item::Value(Written::of(&only.unwrap_or_else(|| Value::Object(object.clone()))))
            }));
        }
        Ok(known)
    }

    fn variable(&self, name: &str) -> Result<&Vec<Object>> {
        self.variables.get(&fold(name)).ok_or_else(|| {
            Error::new(Kind::Usage, format!("there is no variable ${name}"))
                .hint("a text that begins with $ stands in single quotes")
        })
    }

    /// Runs all stages, the last of which prints.
    fn pipeline(&mut self, mut stages: Vec<Stage>, world: &mut World<'_>) -> Result<u8> {
        let last = stages.pop();
        let (code, objects) = match stages.is_empty() {
            true => (0, None),
            false => {
                let (code, objects) = self.objects(stages, world)?;
                (code, Some(objects))
            }
        };
        if !FINE.contains(&code) {
            return Ok(code);
        }
        match last {
            None => Ok(0),
            Some(Stage::Cmdlet(call, conditions)) => {
                let mut all = 0;
                for mut words in self.commands(&call, objects, &conditions, world)? {
                    words.splice(0..0, self.before.iter().cloned());
                    if call.shown {
                        let told = |error| Error::io("standard output", error);
                        writeln!(world.out, "pchat {}", quoted(&words))
                            .and_then(|()| world.out.flush())
                            .map_err(told)?;
                        continue;
                    }
                    all = native(words, world, &self.kept);
                    if !FINE.contains(&all) {
                        return Ok(all);
                    }
                }
                Ok(all)
            }
            Some(other) => {
                let (code, found) = self.one(other, objects, world)?;
                for object in &found {
                    let told = |error| Error::io("standard output", error);
                    writeln!(world.out, "{}", Value::Object(object.clone())).map_err(told)?;
                }
                Ok(if found.is_empty() && code == 0 { 4 } else { code })
            }
        }
    }

    /// Runs stages and gives what the last one gives.
    fn objects(&mut self, stages: Vec<Stage>, world: &mut World<'_>) -> Result<(u8, Vec<Object>)> {
        let mut found: Option<Vec<Object>> = None;
        for stage in stages {
            let (code, objects) = self.one(stage, found, world)?;
            if !FINE.contains(&code) {
                return Ok((code, Vec::new()));
            }
            found = Some(objects);
        }
        Ok((0, found.unwrap_or_default()))
    }

    fn one(&mut self, stage: Stage, before: Option<Vec<Object>>, world: &mut World<'_>) -> Result<(u8, Vec<Object>)> {
        match stage {
            Stage::Variable(name) => Ok((0, self.variable(&name)?.clone())),
            Stage::Credential(user) => Ok((0, vec![Object::from_iter([("UserName".to_owned(), user.into())])])),
            Stage::Where(condition) => {
                let condition = Expression::parse(&condition)?;
                let mut found = match before {
                    Some(objects) => objects,
                    None => input(world)?.ok_or_else(nothing_piped)?,
                };
                found.retain(|object| condition.matches(&|name| objects::property(object, name)));
                Ok((0, found))
            }
            Stage::Cmdlet(call, conditions) => {
                let (mut all, mut found) = (0, Vec::new());
                for mut words in self.commands(&call, before, &conditions, world)? {
                    words.splice(0..0, self.before.iter().cloned());
                    let reply = match evaluated(words, world, &self.kept, super::Rows::Kept) {
                        Ok(Evaluated::Reply(reply, _) | Evaluated::Delivered(reply)) => reply,
                        // Whatever else it has to say is no object.
                        done => match super::print(done, world) {
                            0 => continue,
                            code => return Ok((code, Vec::new())),
                        },
                    };
                    all = super::notes(&reply, world.err);
                    if !FINE.contains(&all) {
                        return Ok((all, Vec::new()));
                    }
                    found.extend(print::objects(&reply));
                }
                Ok((all, found))
            }
        }
    }

    /// The commands a cmdlet becomes, with the objects it was given or reads.
    fn commands(
        &self,
        call: &Call,
        before: Option<Vec<Object>>,
        conditions: &[String],
        world: &mut World<'_>,
    ) -> Result<Vec<Vec<OsString>>> {
        let objects = match (call.wants_objects(), before) {
            (Objects::No, Some(_)) => {
                return Err(Error::new(
                    Kind::Usage,
                    "objects are piped into a cmdlet that takes none, or was told what it is about",
                )
                .hint("leave out -Identity, or the pipe"));
            }
            (Objects::No, None) => None,
            (_, Some(objects)) => Some(objects),
            (Objects::Needed, None) => Some(input(world)?.ok_or_else(nothing_piped)?),
            // What may go without objects does not wait for any: it could be waiting for a keyboard.
            (Objects::IfPiped, None) => None,
        };
        let mut commands = call.commands(objects, &super::command())?;
        for words in &mut commands {
            for condition in conditions {
                words.insert(0, OsString::from(format!("--where={condition}")));
            }
        }
        Ok(commands)
    }
}

/// The words of a statement in pchat's own spelling, which begins with `pchat`; quotes keep blanks in a word.
fn own_words(text: &str) -> Result<Option<Vec<OsString>>> {
    let mut words = pieces(text, &[' ', '\t']).into_iter().filter(|word| !word.is_empty()).map(unquoted);
    if words.next().as_deref() != Some("pchat") {
        return Ok(None);
    }
    if pieces(text, &['|']).len() > 1 {
        return Err(Error::new(Kind::Usage, "a command of pchat takes no objects and gives none")
            .hint("pchat help cmdlets lists what stands before and behind a pipe"));
    }
    let words: Vec<OsString> = words.map(OsString::from).collect();
    match words.iter().any(|word| word == "script") {
        true => Err(Error::new(Kind::Usage, "a script runs no other script").hint("write its lines into this one")),
        false => Ok(Some(words)),
    }
}

/// A word without its quotes; inside one kind of quotes the other stands for itself.
fn unquoted(word: &str) -> String {
    let mut quote = None;
    let mut text = String::with_capacity(word.len());
    for c in word.chars() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(mark), c) if mark == c => quote = None,
            _ => text.push(c),
        }
    }
    text
}

/// Words as a shell takes them.
fn quoted(words: &[OsString]) -> String {
    let plain =
        |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_=./:,@+%".contains(&b));
    let words = words.iter().map(|word| match word.to_string_lossy() {
        word if plain(&word) => word.into_owned(),
        // One command stays one line, whatever is in a name.
        word if word.contains(char::is_control) => {
            let escape = |c: char| match c {
                '\'' | '\\' => format!("\\{c}"),
                c if c.is_control() => c.to_string().bytes().map(|byte| format!("\\x{byte:02x}")).collect(),
                c => c.to_string(),
            };
            format!("$'{}'", word.chars().map(escape).collect::<String>())
        }
        word => format!("'{}'", word.replace('\'', "'\\''")),
    });
    words.collect::<Vec<_>>().join(" ")
}

fn nothing_piped() -> Error {
    Error::new(Kind::Usage, "it is not said what this is about")
        .hint("give -Identity, or pipe objects into it: pchat Get-… --output jsonl | pchat …")
}

/// What comes in on standard input; nothing when that is a keyboard.
fn input(world: &World<'_>) -> Result<Option<Vec<Object>>> {
    match (world.input)() {
        None => Ok(None),
        Some(text) => objects::read(&text.map_err(|e| Error::io("standard input", e))?).map(Some),
    }
}

/// The lines of a text with their numbers: without comments, and with those put together that a backtick, an open
/// bracket or a pipe at the end continues.
fn lines(text: &str) -> Vec<(u64, String)> {
    let mut found: Vec<(u64, String)> = Vec::new();
    let mut goes_on = false;
    for (number, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
        let mut line = without_comment(line).trim_end().to_owned();
        let continued = line.ends_with('`');
        if continued {
            line.pop();
        }
        match found.last_mut() {
            Some((_, last)) if goes_on => {
                last.push(' ');
                last.push_str(&line);
            }
            _ => found.push((number as u64 + 1, line)),
        }
        let last = found.last().map(|(_, line)| line.trim_end()).unwrap_or_default();
        let depth = last.matches(['{', '(']).count() > last.matches(['}', ')']).count();
        goes_on = continued || last.ends_with(['|', ',']) || depth;
    }
    found.retain(|(_, line)| !line.trim().is_empty());
    found
}

fn without_comment(line: &str) -> &str {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(mark), c) if mark == c => quote = None,
            (None, '#') if before.is_whitespace() => return &line[..at],
            _ => {}
        }
        before = c;
    }
    line
}

/// The words of a part of a line. Items of a list belong together, whatever blanks stand between them.
fn tokens(text: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for part in pieces(text, &[' ', '\t']) {
        if part.is_empty() {
            continue;
        }
        match found.last_mut() {
            Some(last) if last.ends_with(',') || part.starts_with(',') || last.ends_with(':') => last.push_str(part),
            _ => found.push(part.to_owned()),
        }
    }
    found
}

/// Is a single word of a command line a whole line, with its own blanks?
pub(super) fn is_meant(word: &str) -> bool {
    let word = word.trim();
    let first = word.split([' ', '\t', '|', ';']).next().unwrap_or_default();
    let assigns = word.starts_with('$') && word.contains('=');
    assigns || (first.len() < word.len() && cmdlet::is_meant(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_put_together_and_words_told_apart() {
        let text =
            "# a comment\nGet-A -Name \"x # y\" # more\n\nSet-B `\n  -C @{Add=\"a\";\n Remove=\"b\"} |\n Remove-D\n";
        let found = lines(text);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0], (2, "Get-A -Name \"x # y\"".to_owned()));
        assert_eq!(found[1].0, 4);
        assert!(found[1].1.ends_with("| Remove-D".trim_start_matches("| ")), "{found:?}");
        assert_eq!(tokens("Set-B -C \"a b\", \"c\" {x -eq 'y z'}"), ["Set-B", "-C", "\"a b\",\"c\"", "{x -eq 'y z'}"]);
        let own = |text: &str| own_words(text).map(|words| words.map(|words| quoted(&words)));
        let line = "pchat message post \"IT Help\" --text='it''s \"on\"' --user a@x";
        assert_eq!(own(line).unwrap().as_deref(), Some("message post 'IT Help' '--text=its \"on\"' --user a@x"));
        assert!(
            own("Get-CsUser x").unwrap().is_none() && own("pchat script x").is_err() && own("pchat a | b").is_err()
        );
        assert!(is_meant("Get-CsUser | Where-Object {$_.A}") && is_meant("$a = Get-CsUser") && !is_meant("Get-CsUser"));
        assert!(!is_meant("message post") && !is_meant("--store=Get-CsX y"));
    }
}
