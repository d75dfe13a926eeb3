//! One cmdlet whose words a shell has split, and what tells a whole line from one. Lines and scripts are in `script`.

use super::cmdlet::{self, Call, Object, Objects};
use super::script;
use super::words::{self, Torn, pieces};
use super::{Kept, World, objects};
use crate::error::{Error, Kind, Result, brief, quoted as cited};
use crate::model::ids::fold;
use crate::select::expression::Expression;
use serde_json::Value;
use std::ffi::OsString;

/// Exit codes of what ended without a failure.
pub(super) const FINE: [u8; 3] = [0, 3, 4];

/// Options of pchat that hold for every line.
pub(super) fn joined(before: Vec<OsString>) -> Vec<OsString> {
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
    joined
}

/// Runs a whole line that is one word of a command line.
pub(super) fn text(text: &str, before: Vec<OsString>, world: &mut World<'_>) -> Result<u8> {
    let native = super::command();
    for word in &before {
        let word = word.to_string_lossy();
        let name = word.split('=').next().and_then(|name| name.strip_prefix("--")).unwrap_or_default();
        if !name.is_empty() && !native.get_arguments().any(|arg| arg.get_long() == Some(name)) {
            return Err(Error::new(Kind::Usage, format!("{} is not an option of a whole line", cited(&word)))
                .hint("write parameters behind their cmdlet, inside the quotes, as in 'Get-… | Set-… -WhatIf'"));
        }
    }
    script::run(text, None, script::Manner { before: joined(before), shown: false }, world)
}

/// Runs a cmdlet whose words a shell has split.
pub(super) fn words(name: &str, words: &[String], before: Vec<OsString>, world: &mut World<'_>) -> Result<u8> {
    let before = joined(before);
    let items = words::split(words).map_err(|torn| broken(name, words, &torn))?;
    match fold(name).as_str() {
        "where-object" => return choose(&items, world),
        "get-credential" => {
            let name =
                items.iter().find_map(|item| if let words::Item::Value(v) = item { Some(v.text()) } else { None });
            print(&[Object::from_iter([("UserName".to_owned(), Value::from(name))])], world)?;
            return Ok(0);
        }
        _ => {}
    }
    for item in &items {
        if let words::Item::Value(value) | words::Item::Name(_, Some(value)) = item
            && let Some(name) = value.variable()
        {
            return Err(Error::new(Kind::Usage, format!("variable ${} is not defined", brief(&name)))
                .hint("variables exist only within one line or script: put the whole line in single quotes"));
        }
    }
    let call = Call::new(cmdlet::named(name)?, items, &super::command(), words)?;
    let objects = match call.wants_objects() {
        Objects::Needed => {
            let hint = || format!("give -Identity: {}; or pipe objects into it", call.identified());
            Some(needed(world).map_err(|error| match error.kind() {
                Kind::Usage if error.place().is_none() => error.hint(hint()),
                _ => error,
            })?)
        }
        // What may go without objects does not wait for any: it could be waiting for a keyboard.
        Objects::No | Objects::IfPiped => None,
    };
    if !call.shown {
        call.store_exists()?;
    }
    let mut all = 0;
    for mut words in call.commands(objects, &super::command())? {
        words.splice(0..0, before.iter().cloned());
        if call.shown {
            let told = |error| Error::io("standard output", error);
            writeln!(world.out, "pchat {}", quoted(&words)).and_then(|()| world.out.flush()).map_err(told)?;
            continue;
        }
        let manner = super::fail::Manner::of(&words, world);
        let done = call.spoken(super::evaluated(words, world, &Kept::default(), super::Rows::Printed));
        all = super::print(done, manner, world);
        if !FINE.contains(&all) {
            break;
        }
    }
    Ok(all)
}

/// Chooses among objects that come in, for a shell's own pipes.
fn choose(items: &[words::Item], world: &mut World<'_>) -> Result<u8> {
    let text = |item: &words::Item| match item {
        words::Item::Value(value) => value.text(),
        words::Item::Name(name, _) => format!("-{name}"),
        words::Item::Own(name, _) => format!("--{name}"),
    };
    let condition = Expression::parse(&items.iter().map(text).collect::<Vec<_>>().join(" "))?;
    let mut found = needed(world)?;
    found.retain(|object| condition.matches(&|name| objects::property(object, name)));
    print(&found, world)?;
    Ok(if found.is_empty() { 4 } else { 0 })
}

fn print(found: &[Object], world: &mut World<'_>) -> Result<()> {
    for object in found {
        let told = |error| Error::io("standard output", error);
        writeln!(world.out, "{}", Value::Object(object.clone())).map_err(told)?;
    }
    Ok(())
}

/// What a shell has torn, and how the line has to be typed.
fn broken(name: &str, words: &[String], torn: &Torn) -> Error {
    match torn {
        Torn::Quote('\'') => Error::new(
            Kind::Usage,
            "a single quotation mark is not closed; cmd.exe does not treat ' as a quotation mark",
        )
        .hint(format!("use double quotes there: pchat {name} … \"{{Name -like 'IT*'}}\"")),
        Torn::Quote(mark) => Error::new(Kind::Usage, format!("the quotation mark {mark} is not closed"))
            .hint("use straight quotation marks, as 'IT Help'"),
        Torn::Braces(at, whole) => {
            let before = words.iter().take(*at).map(|word| quoted(&[word.into()])).collect::<Vec<_>>().join(" ");
            let shown = match whole.chars().count() > 100 {
                true => "{Name -like \"IT*\"}".to_owned(),
                false => mended(whole),
            };
            Error::new(Kind::Usage, format!("{} was split by the shell, which removed its quotes", cited(whole)))
                .hint(format!("put the braces in quotes: pchat {name} {before} '{shown}'").replace("  ", " "))
        }
    }
}

/// The words of a statement in pchat's own spelling, which begins with `pchat`; quotes keep blanks in a word.
pub(super) fn own_words(text: &str) -> Result<Option<Vec<OsString>>> {
    let mut words = pieces(text, &[' ', '\t']).into_iter().filter(|word| !word.is_empty()).map(unquoted);
    if words.next().as_deref() != Some("pchat") {
        return Ok(None);
    }
    if pieces(text, &['|']).len() > 1 {
        return Err(Error::new(Kind::Usage, "a pchat command cannot be part of a pipeline; use its cmdlet")
            .hint("pchat help cmdlets lists what stands before and behind a pipe"));
    }
    let words: Vec<OsString> = words.map(OsString::from).collect();
    match words.iter().any(|word| word == "script") {
        true => {
            Err(Error::new(Kind::Usage, "a script cannot run another script").hint("write its lines into this one"))
        }
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
pub(super) fn quoted(words: &[OsString]) -> String {
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

/// A condition with the quotes that a shell has taken, as far as can be told: what follows a comparison is a text.
fn mended(torn: &str) -> String {
    let inside = torn.strip_prefix('{').map(|rest| rest.strip_suffix('}').unwrap_or(rest));
    let Some(inside) = inside else { return torn.to_owned() };
    let mut found: Vec<String> = Vec::new();
    let mut value: Vec<&str> = Vec::new();
    let mut is_value = false;
    let close = |value: &mut Vec<&str>, found: &mut Vec<String>| {
        let text = value.join(" ");
        value.clear();
        let plain = text.is_empty() || text.starts_with('$') || text.parse::<f64>().is_ok();
        found.extend(Some(if plain { text } else { format!("\"{text}\"") }).filter(|text| !text.is_empty()));
    };
    for word in inside.split_whitespace() {
        let operator = word.starts_with('-') && word[1..].starts_with(|c: char| c.is_ascii_alphabetic());
        if operator {
            close(&mut value, &mut found);
            is_value = !matches!(fold(word).as_str(), "-and" | "-or" | "-not");
            found.push(word.to_owned());
        } else if is_value {
            value.push(word);
        } else {
            // What a shell has made of $_ ends before the name of a property.
            found.push(word.rsplit_once('.').map_or_else(|| word.to_owned(), |(_, name)| format!("$_.{name}")));
        }
    }
    close(&mut value, &mut found);
    format!("{{{}}}", found.join(" "))
}

/// Nothing says what a cmdlet is about.
pub(super) fn nothing_piped() -> Error {
    Error::new(Kind::Usage, "no -Identity given")
        .hint("give -Identity, or pipe objects into it: pchat Get-… --output jsonl | pchat …")
}

/// The objects a cmdlet cannot go on without. None at all is what a forgotten identity looks like in a scheduled task.
pub(super) fn needed(world: &World<'_>) -> Result<Vec<Object>> {
    let found = match (world.input)() {
        None => return Err(nothing_piped()),
        Some(text) => objects::read(&text.map_err(|e| Error::io("standard input", e))?)?,
    };
    match found.is_empty() {
        true => Err(Error::new(Kind::Usage, "no -Identity given, and no objects on standard input")
            .hint("give -Identity, or pipe objects into it: pchat Get-… --output jsonl | pchat …")),
        false => Ok(found),
    }
}

/// Is a single word of a command line a whole line, with its own blanks?
pub(super) fn is_meant(word: &str) -> bool {
    let word = word.trim();
    let first = word.split([' ', '\t', '|', ';']).next().unwrap_or_default();
    let assigns = word.starts_with('$') && word.contains('=') || word.starts_with("= ");
    // What has blanks is the name of no command.
    let native = || super::command().find_subcommand(first).is_some();
    assigns
        || first.len() < word.len() && (cmdlet::is_meant(first) || word.contains([' ', '\n', '\t', '|']) && !native())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_told_from_words() {
        let own = |text: &str| own_words(text).map(|words| words.map(|words| quoted(&words)));
        let line = "pchat message post \"IT Help\" --text='it''s \"on\"' --user a@x";
        assert_eq!(own(line).unwrap().as_deref(), Some("message post 'IT Help' '--text=its \"on\"' --user a@x"));
        assert!(
            own("Get-CsUser x").unwrap().is_none() && own("pchat script x").is_err() && own("pchat a | b").is_err()
        );
        assert!(is_meant("Get-CsUser | Where-Object {$_.A}") && is_meant("$a = Get-CsUser") && !is_meant("Get-CsUser"));
        assert!(!is_meant("message post") && is_meant("foreach ($r in 1..3) { $r }") && !is_meant("room"));
    }
}
