//! The spelling of cmdlets: `Set-CsPersistentChatRoom -Identity x -Disabled $True` becomes the words of a command,
//! `room set --disabled=true -- x`. Decides nothing: what the words mean is for the command.

mod option;
mod right;

use self::option::own_option;
use super::Evaluated;
use super::words::{DASHES, Item, Written};
use crate::error::{Error, Kind as Failure, Result, brief, quoted};
use crate::jobs::selection::nearest;
use crate::model::ids::fold;
use crate::nouns::cmdlet::{Cmdlet, Kind, Parameter, Takes, To};
use crate::nouns::cmdlets as all;
use clap::Command;
use serde_json::{Map, Value};
use std::ffi::OsString;

/// Parameters every cmdlet has. Some steer PowerShell itself, and have nothing to steer here.
pub(super) const COMMON: &[&str] = &[
    "Debug",
    "ErrorAction",
    "ErrorVariable",
    "InformationAction",
    "InformationVariable",
    "OutBuffer",
    "OutVariable",
    "PipelineVariable",
    "Verbose",
    "WarningAction",
    "WarningVariable",
];
const COMMON_SHORT: &[(&str, &str)] =
    &[("ea", "ErrorAction"), ("wa", "WarningAction"), ("vb", "Verbose"), ("db", "Debug")];

/// Says which command a cmdlet becomes, and does nothing.
const SHOW: &str = "show-command";

/// An object that came from another command: its properties, or only what it is called.
pub(super) type Object = Map<String, Value>;

/// Does a word look like the name of a cmdlet?
pub(super) fn is_meant(word: &str) -> bool {
    word.split_once(DASHES).is_some_and(|(verb, noun)| {
        !verb.is_empty()
            && verb.bytes().all(|b| b.is_ascii_alphabetic())
            && noun.len() > 2
            && noun.bytes().all(|b| b.is_ascii_alphanumeric())
            && fold(&noun[..2]) == "cs"
    })
}

/// The cmdlet of this name.
pub(super) fn named(name: &str) -> Result<&'static Cmdlet> {
    let name = &name.replace(DASHES, "-");
    all().find(|cmdlet| fold(cmdlet.name) == fold(name)).ok_or_else(|| {
        let known: Vec<String> = all().map(|cmdlet| cmdlet.name.to_owned()).collect();
        let error = Error::new(Failure::Usage, format!("no cmdlet {}", brief(name)));
        match nearest(name, &known) {
            Some(near) => error.hint(format!("did you mean {near}?")),
            None => error.hint("pchat help cmdlets lists all of them"),
        }
    })
}

/// What was written behind a cmdlet, sorted by parameter.
#[derive(Debug)]
pub(super) struct Call {
    cmdlet: &'static Cmdlet,
    given: Vec<(&'static Parameter, Vec<Written>)>,
    what_if: bool,
    confirm: Option<bool>,
    /// Options of pchat itself, which may stand anywhere.
    own: Vec<String>,
    /// Only say which command it becomes.
    pub(super) shown: bool,
    /// The words as a shell gave them, to show the line as it has to be typed.
    typed: Vec<String>,
    /// What `-ErrorAction` says.
    pub(super) on_error: Option<String>,
}

impl Call {
    /// Sorts the words behind a cmdlet. `native` knows the options of pchat itself.
    pub(super) fn new(cmdlet: &'static Cmdlet, items: Vec<Item>, native: &Command, typed: &[String]) -> Result<Call> {
        let typed = Call::plain(typed);
        let (given, own, what_if, confirm) = (Vec::new(), Vec::new(), false, None);
        let mut call = Call { cmdlet, given, what_if, confirm, own, shown: false, typed, on_error: None };
        let mut items = items.into_iter().peekable();
        let mut free = Vec::new();
        while let Some(item) = items.next() {
            let (name, colon) = match item {
                Item::Value(value) => {
                    free.push(value);
                    continue;
                }
                Item::Own(name, None) if name == SHOW => {
                    call.shown = true;
                    continue;
                }
                // A parameter may have two dashes, as completion writes it.
                Item::Own(name, value) if own_option(cmdlet, native, &name).is_none() => {
                    (name, value.map(Written::plain))
                }
                Item::Own(name, value) => {
                    let takes = own_option(cmdlet, native, &name).unwrap_or_default();
                    let value = match (takes, value) {
                        // What is said against an option must not turn it on.
                        (false, Some(value)) => {
                            let what = format!("--{name} takes no value, and {} was given", quoted(&value));
                            return Err(call.wrong(what).hint(format!("write --{name}, or leave it out")));
                        }
                        (false, None) => None,
                        (true, Some(value)) => Some(value),
                        (true, None) => Some(match items.next() {
                            Some(Item::Value(value)) => value.text(),
                            _ => return Err(call.wrong(format!("--{} needs a value", brief(&name)))),
                        }),
                    };
                    call.own.push(value.map_or_else(|| format!("--{name}"), |value| format!("--{name}={value}")));
                    continue;
                }
                // One dash does for options of pchat as well, as documents join two to a long one.
                Item::Name(name, None)
                    if call.parameter(&name).is_err() && own_option(cmdlet, native, &name) == Some(true) =>
                {
                    let Some(Item::Value(value)) = items.next() else {
                        return Err(call.wrong(format!("--{name} needs a value")));
                    };
                    call.own.push(format!("--{name}={}", value.text()));
                    continue;
                }
                Item::Name(name, colon) => (name, colon),
            };
            let mut value = |many: bool| {
                let mut values: Vec<Written> = colon.clone().into_iter().collect();
                while (values.is_empty() || many)
                    && let Some(Item::Value(value)) = items.next_if(|item| matches!(item, Item::Value(_)))
                {
                    values.push(value);
                }
                values
            };
            match call.parameter(&name)? {
                Bound::Own(parameter) => {
                    let values = match parameter.kind {
                        Kind::Switch => colon.clone().into_iter().collect(),
                        Kind::Changes | Kind::Texts => value(true),
                        Kind::Bool => match colon.clone() {
                            Some(colon) => {
                                call.switch(parameter.name, Some(&colon))?;
                                vec![colon]
                            }
                            None => {
                                let is = |item: &Item| matches!(item, Item::Value(v) if v.is_truth_or_mistaken());
                                match items.next_if(is) {
                                    Some(Item::Value(value)) if value.truth().is_none() && !value.is_later() => {
                                        return Err(call.untrue(parameter.name, &value));
                                    }
                                    Some(Item::Value(value)) => vec![value],
                                    _ => Vec::new(),
                                }
                            }
                        },
                        _ => value(false),
                    };
                    call.give(parameter, values)?;
                }
                Bound::WhatIf => call.what_if = call.switch("WhatIf", colon.as_ref())?,
                Bound::Confirm => call.confirm = Some(call.switch("Confirm", colon.as_ref())?),
                // What would steer PowerShell: a value behind it belongs to it.
                Bound::Common(name) => {
                    if !matches!(name, "Verbose" | "Debug") {
                        let Some(value) = value(false).first().map(Written::text) else {
                            return Err(call.wrong(format!("-{name} needs a value")));
                        };
                        if name == "ErrorAction" {
                            call.on_error = Some(fold(&value));
                        }
                    }
                }
            }
        }
        call.place(free)?;
        Ok(call)
    }

    fn wrong(&self, what: String) -> Error {
        Error::new(Failure::Usage, what).hint(format!("pchat help {} lists its parameters", self.cmdlet.name))
    }

    fn unknown(&self, name: &str) -> Error {
        let mut known: Vec<String> = self.cmdlet.parameters.iter().map(|p| p.name.to_owned()).collect();
        known.extend(["Confirm", "WhatIf"].iter().filter(|_| self.cmdlet.confirms).map(|name| (*name).to_owned()));
        let what = format!("{} has no parameter -{}", self.cmdlet.name, brief(name));
        let error = Error::new(Failure::Usage, what);
        if let Some(line) = self.with_blank(name).or_else(|| self.with_braces(name)) {
            return error.hint(line);
        }
        match nearest(name, &known) {
            Some(near) => error.hint(format!("did you mean -{near}?")),
            None => error.hint(format!("pchat help {} lists its parameters", self.cmdlet.name)),
        }
    }

    /// The parameter of this name, of which so many letters are enough as tell it from others.
    fn parameter(&self, name: &str) -> Result<Bound> {
        let wanted = fold(name);
        let own = self.cmdlet.parameters;
        if let Some(found) = own.iter().find(|p| fold(p.name) == wanted || p.aliases.iter().any(|a| fold(a) == wanted))
        {
            return Ok(Bound::Own(found));
        }
        let confirms = self.cmdlet.confirms;
        match wanted.as_str() {
            "wi" | "whatif" if confirms => return Ok(Bound::WhatIf),
            "cf" | "confirm" if confirms => return Ok(Bound::Confirm),
            _ => {}
        }
        if let Some((_, name)) = COMMON_SHORT.iter().find(|(short, _)| *short == wanted) {
            return Ok(Bound::Common(name));
        }
        if let Some(name) = COMMON.iter().find(|common| fold(common) == wanted) {
            return Ok(Bound::Common(name));
        }
        let begins = |name: &str| fold(name).starts_with(&wanted);
        let mut found: Vec<(&str, Bound)> =
            own.iter().filter(|p| begins(p.name)).map(|p| (p.name, Bound::Own(p))).collect();
        found.extend(
            [("WhatIf", Bound::WhatIf), ("Confirm", Bound::Confirm)].into_iter().filter(|(n, _)| confirms && begins(n)),
        );
        // The cmdlet's own parameters come before those all have.
        if found.is_empty() {
            found.extend(COMMON.iter().filter(|n| begins(n)).map(|n| (*n, Bound::Common(n))));
        }
        match found.as_slice() {
            [] => Err(self.unknown(name)),
            [(_, one)] => Ok(*one),
            several => {
                let names: Vec<String> = several.iter().map(|(name, _)| format!("-{name}")).collect();
                Err(self.wrong(format!("-{name} is ambiguous: {}", names.join(" or "))))
            }
        }
    }

    fn give(&mut self, parameter: &'static Parameter, values: Vec<Written>) -> Result<()> {
        if self.has(parameter.name) {
            return Err(self.wrong(format!("-{} is given more than once", parameter.name)));
        }
        let name = parameter.name;
        if values.is_empty() && parameter.kind == Kind::Bool {
            return Err(self.unsaid(name));
        }
        if values.is_empty() && !matches!(parameter.kind, Kind::Switch | Kind::Object) {
            let emptied = ["Set-", "Grant-"].iter().any(|verb| self.cmdlet.name.starts_with(verb))
                && matches!(parameter.kind, Kind::Changes | Kind::Texts | Kind::Text)
                && matches!(parameter.to, To::Option(_));
            return Err(match emptied {
                true => self
                    .wrong(format!("-{name} needs a value; bash expands $Null to nothing, so quote it"))
                    .hint(self.right(name, "'$Null'", None)),
                false => self
                    .wrong(format!("-{name} needs a value"))
                    .hint(format!("a shell variable may be empty; {}", self.right(name, &self.shape(parameter), None))),
            });
        }
        // What chooses is never empty on purpose; a shell has replaced a variable by nothing.
        let chooses = matches!(parameter.to, To::Word)
            || ["Get-", "Clear-", "Remove-", "Export-", "Import-"].iter().any(|v| self.cmdlet.name.starts_with(v));
        let text = !matches!(parameter.kind, Kind::Switch | Kind::Bool | Kind::Object | Kind::Changes | Kind::Texts);
        if chooses && text && values.first().is_some_and(|value| value.is_blank() || self.null(value)) {
            return Err(self
                .wrong(format!("-{name} is empty"))
                .hint(format!("a shell variable may be empty; {}", self.right(name, &self.shape(parameter), None))));
        }
        self.given.push((parameter, values));
        Ok(())
    }

    /// Quotes with nothing in them.
    fn null(&self, value: &Written) -> bool {
        !value.is_later() && value.text().trim().is_empty()
    }

    /// Fails when history would come into a store that is not there, or when two stores are named.
    pub(super) fn store_exists(&self) -> Result<()> {
        let given = |to: To| self.given.iter().find(|(p, _)| p.to == to).and_then(|(_, values)| values.first());
        let (instance, name) = (given(To::Store).map(Written::text), given(To::StoreName).map(Written::text));
        let Some(file) = super::objects::store(instance, name) else { return Ok(()) };
        let named = self.own.iter().find_map(|word| word.strip_prefix("--store="));
        let real = |path: &str| std::fs::canonicalize(path).unwrap_or_else(|_| path.into());
        match named {
            Some(named) if real(named) != real(&file) => {
                let what = format!("-DBInstance names store {}, and --store names {}", quoted(&file), quoted(named));
                Err(Error::new(Failure::Usage, what).hint("leave one of the two out"))
            }
            None if self.cmdlet.command == ["import"] && !real(&file).exists() => {
                let hint = format!("an instance is a store or its alias; pchat store new --store '{file}' creates one");
                Err(Error::new(Failure::NotFound, format!("store {} does not exist", quoted(&file))).hint(hint))
            }
            _ => Ok(()),
        }
    }

    fn has(&self, name: &str) -> bool {
        self.given.iter().any(|(given, _)| given.name == name)
    }

    /// The words without a name take the places that are left.
    fn place(&mut self, free: Vec<Written>) -> Result<()> {
        let mut places: Vec<&'static Parameter> =
            self.cmdlet.parameters.iter().filter(|p| p.position.is_some() && !self.has(p.name)).collect();
        places.sort_by_key(|p| p.position);
        let mut places = places.into_iter();
        for value in free {
            match places.next() {
                Some(parameter) => self.give(parameter, vec![value])?,
                None => {
                    let what =
                        format!("{} is not a value of any parameter of {}", quoted(&value.text()), self.cmdlet.name);
                    return Err(self.wrong(what).hint(self.surplus(&value)));
                }
            }
        }
        for group in self.cmdlet.apart {
            let given: Vec<String> =
                group.iter().filter(|name| self.has(name)).map(|name| format!("-{name}")).collect();
            if given.len() > 1 {
                return Err(self.wrong(format!("{} cannot be used together", given.join(" and "))));
            }
        }
        if !self.cmdlet.one_of.is_empty() && !self.cmdlet.one_of.iter().any(|name| self.has(name)) {
            let names: Vec<String> = self.cmdlet.one_of.iter().map(|name| format!("-{name}")).collect();
            return Err(self.wrong(format!("{} needs {}", self.cmdlet.name, names.join(" or "))));
        }
        let missing = |p: &&Parameter| {
            p.needed && !self.has(p.name) && !(p.to == To::Word && self.cmdlet.takes != Takes::Nothing)
        };
        if let Some(missing) = self.cmdlet.parameters.iter().find(missing) {
            return Err(self
                .wrong(format!("{} needs -{}", self.cmdlet.name, missing.name))
                .hint(self.completed(missing.name, &self.shape(missing))));
        }
        Ok(())
    }

    fn switch(&self, name: &str, value: Option<&Written>) -> Result<bool> {
        let Some(value) = value.filter(|value| !value.is_later()) else { return Ok(true) };
        value.truth().ok_or_else(|| match (name, value.text().trim().is_empty()) {
            // Nobody types it to say no.
            ("WhatIf", _) => self
                .wrong("-WhatIf must be $True or $False; bash expands them to nothing".to_owned())
                .hint(format!("leave the value out: {}", self.right(name, "", None))),
            (_, true) => self
                .wrong(format!("-{name} must be $True or $False; bash expands them to nothing, so quote them"))
                .hint(format!("{}, or $True", self.right(name, "'$False'", None))),
            (_, false) => self.untrue(name, value),
        })
    }

    /// What its command has come to; errors speak of parameters.
    pub(super) fn spoken(&self, done: Result<Evaluated>) -> Result<Evaluated> {
        let in_parameters = |text: &str| super::help::in_parameters(text, self.cmdlet);
        match done {
            Err(error) => Err(error.reworded(in_parameters)),
            Ok(Evaluated::Parser(error, words)) if error.use_stderr() => {
                Err(super::usage::error(&error, &words).reworded(in_parameters))
            }
            done => done,
        }
    }

    /// It changes nothing.
    pub(super) fn only_reads(&self) -> bool {
        self.cmdlet.name.starts_with("Get-")
    }

    /// It asks for objects: it takes them, and was not told what it is about.
    pub(super) fn wants_objects(&self) -> Objects {
        let named = self.given.iter().any(|(p, values)| p.to == To::Word && !values.iter().all(Written::is_input));
        if self.cmdlet.takes == Takes::Nothing || named {
            return Objects::No;
        }
        let asked = self.given.iter().any(|(p, _)| p.to == To::Word);
        let needed = self.cmdlet.parameters.iter().any(|p| p.to == To::Word && p.needed);
        if asked || needed { Objects::Needed } else { Objects::IfPiped }
    }

    /// The words of the commands it becomes, after the name of the program.
    pub(super) fn commands(&self, objects: Option<Vec<Object>>, native: &Command) -> Result<Vec<Vec<OsString>>> {
        let Some(objects) = objects else { return Ok(vec![self.command(&[], native)?]) };
        if objects.is_empty() {
            return Ok(Vec::new());
        }
        match self.cmdlet.takes {
            Takes::Each => objects.iter().map(|object| self.command(std::slice::from_ref(object), native)).collect(),
            _ => Ok(vec![self.command(&objects, native)?]),
        }
    }

    fn command(&self, objects: &[Object], native: &Command) -> Result<Vec<OsString>> {
        let mut own = native;
        for word in self.cmdlet.command {
            own = own.find_subcommand(word).ok_or_else(|| self.bug(word))?;
        }
        let mut words: Vec<String> =
            self.cmdlet.command.iter().chain(self.cmdlet.always).map(|w| (*w).to_owned()).collect();
        let mut places: Vec<String> = Vec::new();
        let (mut store, mut name) = (None, None);
        for (parameter, values) in &self.given {
            match parameter.to {
                To::Option(option) => words.extend(self.option(parameter, option, values, own, native)?),
                To::Words(more) if parameter.kind != Kind::Switch || self.switch(parameter.name, values.first())? => {
                    words.extend(more.iter().map(|word| (*word).to_owned()));
                }
                To::Words(_) => {}
                To::Place(word) => places.push(word.to_owned()),
                To::Word if parameter.kind == Kind::Object => {
                    for value in values.iter().filter(|value| !value.is_input()) {
                        places.push(called(&super::objects::parse(&value.text())));
                    }
                }
                To::Word => places.extend(values.iter().filter(|value| !value.is_input()).map(Written::text)),
                To::Store => store = values.first().map(Written::text),
                To::StoreName => name = values.first().map(Written::text),
                To::Nothing(_) => {}
            }
        }
        if self.cmdlet.takes == Takes::Each
            && let [object] = objects
        {
            words.extend(self.properties(object, own, native)?);
            if own.get_arguments().any(|arg| arg.get_id() == "create") {
                words.push("--create".to_owned());
            }
        }
        places.extend(objects.iter().map(called));
        if self.what_if {
            words.push("--what-if".to_owned());
        }
        let has = |name: &str| own.get_arguments().any(|arg| arg.get_long() == Some(name));
        match self.confirm {
            Some(true) if words.iter().any(|word| word == "--confirm") => {}
            Some(true) if has("confirm") => words.push("--confirm".to_owned()),
            Some(false) if has("yes") => words.push("--yes".to_owned()),
            _ => {}
        }
        match (super::objects::store(store.clone(), name), store) {
            (Some(file), _) if !self.own.iter().any(|word| word.starts_with("--store=")) => {
                words.push(format!("--store={file}"))
            }
            (None, Some(instance)) => words.push(format!("--instance={instance}")),
            _ => {}
        }
        words.extend(self.own.iter().cloned());
        if !places.is_empty() {
            words.push("--".to_owned());
            words.extend(places);
        }
        Ok(words.into_iter().map(OsString::from).collect())
    }

    fn bug(&self, option: &str) -> Error {
        Error::new(Failure::Bug, format!("{} names {option}, which there is not", self.cmdlet.name))
    }
}

/// Whether objects are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Objects {
    No,
    Needed,
    IfPiped,
}

#[derive(Debug, Clone, Copy)]
enum Bound {
    Own(&'static Parameter),
    WhatIf,
    Confirm,
    Common(&'static str),
}

/// What a command calls an object. Rooms may share a name; their address is theirs alone.
pub(super) fn called(object: &Object) -> String {
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    let identity = text("Identity").or_else(|| text("SipAddress")).or_else(|| text("Name")).unwrap_or_default();
    match (identity.split_once('\\'), text("Uri")) {
        (Some((pool, _)), Some(uri)) if uri.contains("://") => format!("{pool}\\{uri}"),
        _ => identity.to_owned(),
    }
}
