//! The cmdlets the product had: which command answers each, and which option each of its parameters has become. Only
//! declares; reading a command line is for `cli`. Each noun lists its own.

/// A cmdlet.
#[derive(Debug)]
pub struct Cmdlet {
    /// Its name, `Get-CsPersistentChatRoom`.
    pub name: &'static str,
    /// The command that answers it, `room get`.
    pub command: &'static [&'static str],
    /// Its parameters, without those all cmdlets have.
    pub parameters: &'static [Parameter],
    /// It has `-Confirm` and `-WhatIf`.
    pub confirms: bool,
    /// What it does with objects that are piped into it.
    pub takes: Takes,
    /// Parameters of which only one may be given.
    pub apart: &'static [&'static [&'static str]],
    /// Parameters of which one must be given.
    pub one_of: &'static [&'static str],
    /// Words the command is given in every case.
    pub always: &'static [&'static str],
    /// A command line that works.
    pub example: &'static str,
}

/// What is done with piped objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    /// Nothing.
    Nothing,
    /// One command names all of them.
    All,
    /// A command for each of them, with its properties where no parameter says otherwise.
    Each,
}

/// A parameter of a cmdlet.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What is written behind it.
    pub kind: Kind,
    /// What it has become.
    pub to: To,
    /// It may stand without its name, as the first or a later word.
    pub position: Option<u8>,
    /// It must be given.
    pub needed: bool,
    /// Other names.
    pub aliases: &'static [&'static str],
}

/// What is written behind a parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// Nothing.
    Switch,
    /// `$True` or `$False`.
    Bool,
    /// A whole number.
    Number,
    /// A day or a time, as `3/1/2018` or `2018-03-01`.
    Date,
    /// A duration, as `1.02:30:00`.
    Span,
    /// One of the words its option knows.
    Word,
    /// `@{Add="a"; Remove="b"}`, a list that replaces, or `$Null`.
    Changes,
    /// `"a","b"`.
    Texts,
    /// `{Name -like "IT*"}` or plain words.
    Condition,
    /// An object.
    Object,
}

/// What a parameter has become.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// The option of this name.
    Option(&'static str),
    /// The word without an option: what the command is about.
    Word,
    /// These words.
    Words(&'static [&'static str]),
    /// This word without an option.
    Place(&'static str),
    /// The store.
    Store,
    /// The name of the file in the folder that is the store's.
    StoreName,
    /// Nothing here, for this reason.
    Nothing(&'static str),
}

/// A parameter that has become an option.
pub const fn option(name: &'static str, kind: Kind, option: &'static str) -> Parameter {
    Parameter { name, kind, to: To::Option(option), position: None, needed: false, aliases: &[] }
}

/// The parameter that says what the command is about; it may stand without its name.
pub const fn identity(kind: Kind) -> Parameter {
    Parameter { name: "Identity", kind, to: To::Word, position: Some(1), needed: false, aliases: &[] }
}

/// An object in place of an identity.
pub const INSTANCE: Parameter =
    Parameter { name: "Instance", kind: Kind::Object, to: To::Word, position: None, needed: false, aliases: &[] };

/// Remarks are left out.
pub const FORCE: Parameter = option("Force", Kind::Switch, "no-remarks");

/// There is one store, and no replica of it.
pub const LOCAL_STORE: Parameter = Parameter {
    name: "LocalStore",
    kind: Kind::Switch,
    to: To::Nothing("there is one store, and no replica of it"),
    position: None,
    needed: false,
    aliases: &[],
};

impl Parameter {
    /// It must be given.
    #[must_use]
    pub const fn needed(self) -> Parameter {
        Parameter { needed: true, ..self }
    }

    /// It may stand without its name, in this place.
    #[must_use]
    pub const fn at(self, position: u8) -> Parameter {
        Parameter { position: Some(position), ..self }
    }

    /// It has other names, too.
    #[must_use]
    pub const fn or(self, aliases: &'static [&'static str]) -> Parameter {
        Parameter { aliases, ..self }
    }

    /// It has become something else than an option.
    #[must_use]
    pub const fn becomes(self, to: To) -> Parameter {
        Parameter { to, ..self }
    }
}

/// A cmdlet that only shows.
pub const fn shows(
    name: &'static str,
    command: &'static [&'static str],
    parameters: &'static [Parameter],
    example: &'static str,
) -> Cmdlet {
    Cmdlet {
        name,
        command,
        parameters,
        confirms: false,
        takes: Takes::Nothing,
        apart: &[],
        one_of: &[],
        always: &[],
        example,
    }
}

/// A cmdlet that changes something, and has `-Confirm` and `-WhatIf`.
pub const fn changes(
    name: &'static str,
    command: &'static [&'static str],
    takes: Takes,
    parameters: &'static [Parameter],
    example: &'static str,
) -> Cmdlet {
    Cmdlet { name, command, parameters, confirms: true, takes, apart: &[], one_of: &[], always: &[], example }
}

impl Cmdlet {
    /// Of each of these groups of parameters only one may be given.
    #[must_use]
    pub const fn apart(self, apart: &'static [&'static [&'static str]]) -> Cmdlet {
        Cmdlet { apart, ..self }
    }

    /// One of these parameters must be given.
    #[must_use]
    pub const fn one_of(self, one_of: &'static [&'static str]) -> Cmdlet {
        Cmdlet { one_of, ..self }
    }

    /// It asks nothing and has no `-WhatIf`.
    #[must_use]
    pub const fn silent(self) -> Cmdlet {
        Cmdlet { confirms: false, ..self }
    }

    /// Its command is given these words in every case.
    #[must_use]
    pub const fn always(self, always: &'static [&'static str]) -> Cmdlet {
        Cmdlet { always, ..self }
    }
}
