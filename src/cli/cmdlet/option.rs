//! What a parameter of a cmdlet becomes: the words of an option.

use super::Call;
use crate::cli::cmdlet::Object;
use crate::cli::words::Written;
use crate::error::{Result, quoted};
use crate::model::ids::fold;
use crate::model::time::{guessed, iso};
use crate::nouns::cmdlet::{Cmdlet, Kind, Parameter, To};
use clap::Command;
use serde_json::Value;

impl Call {
    /// The words for a parameter that has become an option.
    pub(super) fn option(
        &self,
        parameter: &Parameter,
        option: &str,
        values: &[Written],
        own: &Command,
        native: &Command,
    ) -> Result<Vec<String>> {
        let mut known = own.get_arguments().chain(native.get_arguments());
        let arg = known.find(|arg| arg.get_long() == Some(option)).ok_or_else(|| self.bug(option))?;
        let flag = !arg.get_action().takes_values();
        let name = parameter.name;
        let with = |value: String| format!("--{option}={value}");
        let text = || values.first().map(Written::text).unwrap_or_default();
        Ok(match parameter.kind {
            Kind::Switch | Kind::Bool => {
                let is = self.switch(name, values.first())?;
                match (flag, is) {
                    (true, true) => vec![format!("--{option}")],
                    (true, false) => Vec::new(),
                    (false, is) => vec![with(is.to_string())],
                }
            }
            Kind::Number => match text().trim() {
                number if number.parse::<i64>().is_ok() => vec![with(number.to_owned())],
                other => {
                    let error = self.wrong(format!("-{name} must be a whole number, not {}", quoted(other)));
                    let plain: String = other.chars().filter(|c| !matches!(c, ',' | '.' | '\'' | ' ' | '_')).collect();
                    return Err(match plain.parse::<i64>() {
                        Ok(number) => error.hint(self.right(name, &number.to_string(), Some(other))),
                        Err(_) => error,
                    });
                }
            },
            Kind::Date => match iso(&text()).filter(|date| !date.is_empty()) {
                Some(date) => vec![with(date)],
                None => {
                    let what = format!(
                        "-{name} must be a date as 3/1/2018 (month first) or 2018-03-01, not {}",
                        quoted(&text())
                    );
                    let error = self.wrong(what);
                    return Err(match guessed(&text()) {
                        Some(date) => error.hint(self.right(name, &date, Some(&text()))),
                        None => error,
                    });
                }
            },
            Kind::Word => {
                let wanted = fold(&text());
                let words: Vec<String> =
                    arg.get_possible_values().iter().map(|word| word.get_name().to_owned()).collect();
                let exact = words.iter().find(|word| fold(word) == wanted);
                let begins: Vec<&String> =
                    words.iter().filter(|word| !wanted.is_empty() && fold(word).starts_with(&wanted)).collect();
                match (exact, begins.as_slice()) {
                    (Some(word), _) => vec![with(word.clone())],
                    (None, [word]) => vec![with((*word).clone())],
                    // The option knows other names as well, and says what it does not know.
                    _ => vec![with(text())],
                }
            }
            Kind::Changes => Written::changes(values)
                .map_err(|what| {
                    self.wrong(format!("-{name}: {what}")).hint(format!(
                        "a shell ends a line at ; and takes quotes: {}",
                        self.right(name, "'@{Add=\"…\"; Remove=\"…\"}'", Some(&text()))
                    ))
                })?
                .into_iter()
                .map(with)
                .collect(),
            Kind::Texts => Written::items(values).into_iter().map(with).collect(),
            Kind::Text | Kind::Span | Kind::Condition | Kind::Object => vec![with(text())],
        })
    }

    /// The properties of a piped object, as parameters, where none was given.
    pub(super) fn properties(&self, object: &Object, own: &Command, native: &Command) -> Result<Vec<String>> {
        let mut words = Vec::new();
        for parameter in self.cmdlet.parameters.iter().filter(|p| !self.has(p.name)) {
            let To::Option(option) = parameter.to else { continue };
            if parameter.kind == Kind::Switch {
                continue;
            }
            let found = object.iter().find(|(name, _)| fold(name) == fold(parameter.name)).map(|(_, value)| value);
            let values: Vec<Written> = match found {
                None | Some(Value::Null | Value::Object(_)) => continue,
                Some(Value::Array(items)) if items.is_empty() => continue,
                Some(Value::Array(items)) => items.iter().map(Written::of).collect(),
                Some(value) => vec![Written::of(value)],
            };
            words.extend(self.option(parameter, option, &values, own, native)?);
        }
        Ok(words)
    }
}

/// An option of pchat or of the command, and whether it takes a value.
pub(super) fn own_option(cmdlet: &Cmdlet, native: &Command, name: &str) -> Option<bool> {
    let own = cmdlet.command.iter().try_fold(native, |command, word| command.find_subcommand(word));
    let mut known = native.get_arguments().chain(own.into_iter().flat_map(Command::get_arguments));
    known.find(|arg| arg.get_long() == Some(name)).map(|arg| arg.get_action().takes_values())
}
