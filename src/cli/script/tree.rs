//! What a script is once it was read: statements, pipelines, expressions. Whatever is outside of this is refused by the
//! reader, so nothing here can fail to be understood.

use super::value::Value;
use crate::nouns::cmdlet::Cmdlet;
use std::ffi::OsString;

/// A byte of the text.
pub(super) type At = usize;

/// What is done.
#[derive(Debug)]
pub(super) struct Statement {
    pub(super) at: At,
    pub(super) what: Doing,
}

/// The kinds of statements.
#[derive(Debug)]
pub(super) enum Doing {
    /// `$name = …`; `true` where it is `+=`.
    Assign(String, bool, Pipeline),
    /// A pipeline that prints what it gives.
    Run(Pipeline),
    /// `if … elseif … else`: conditions with what follows them, and what is done otherwise.
    If(Vec<(Pipeline, Vec<Statement>)>, Vec<Statement>),
    /// `foreach ($name in …) {…}`
    Each(String, Pipeline, Vec<Statement>),
    /// A command of pchat in its own spelling.
    Own(Vec<OsString>),
    /// `$name.Key = …`, `$name['key'] = …`
    Put(String, Expr, Pipeline),
    /// `try {…} catch {…} finally {…}`; without `catch` what failed fails.
    Try(Vec<Statement>, Option<Vec<Statement>>, Vec<Statement>),
    /// `throw`
    Throw(Option<Expr>),
    /// `exit`, with a code.
    Exit(Option<Expr>),
    /// `break`
    Break,
    /// `continue`
    Continue,
}

/// What stands between pipes, in order.
pub(super) type Pipeline = Vec<Stage>;

/// One of them.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) at: At,
    pub(super) what: Step,
}

/// The kinds of stages.
#[derive(Debug)]
pub(super) enum Step {
    /// Gives a value.
    Value(Expr),
    /// A cmdlet of Persistent Chat.
    Cmdlet(&'static Cmdlet, Vec<Arg>),
    /// Keeps objects for which this is true.
    Where(Expr),
    /// Does something with each object.
    Each(Vec<Statement>),
    /// Chooses properties and objects.
    Select(Select),
    /// Sorts by properties.
    Sort { by: Vec<Column>, down: bool, unique: bool },
    /// Counts, adds up.
    Measure { of: Vec<Expr>, what: Vec<Figure> },
    /// Objects with the same property together.
    Group { by: Vec<Column>, bare: bool },
    /// Shows a table, or a list.
    Format { list: bool, columns: Vec<Column> },
    /// Writes a file.
    File(File),
    /// Reads a table from a file.
    Import { path: Expr, delimiter: Option<Expr> },
    /// Reads the lines of a file.
    Lines(Expr),
    /// Text in the form of JSON.
    Json { bare: bool },
    /// Text in the form of a table with commas.
    Csv { delimiter: Option<Expr> },
    /// Prints a text, and gives nothing; true where it is a warning.
    Say(Vec<Expr>, bool),
    /// Gives values.
    Give(Vec<Expr>),
    /// The time.
    Date { of: Option<Expr>, format: Option<Expr> },
    /// Only its name.
    Credential(Option<Expr>),
    /// Nothing is left of what comes in.
    Nothing,
}

/// Which sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Figure {
    Sum,
    Average,
    Minimum,
    Maximum,
}

/// What `Select-Object` chooses.
#[derive(Debug, Default)]
pub(super) struct Select {
    pub(super) columns: Vec<Column>,
    pub(super) expand: Option<Expr>,
    pub(super) first: Option<Expr>,
    pub(super) last: Option<Expr>,
    pub(super) skip: Option<Expr>,
    pub(super) unique: bool,
}

/// A file that is written.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: Expr,
    pub(super) csv: bool,
    pub(super) delimiter: Option<Expr>,
    pub(super) append: bool,
    pub(super) keep: bool,
}

/// A property, or what is made of properties.
#[derive(Debug)]
pub(super) enum Column {
    /// One of this name, in which * stands for anything.
    Named(Expr),
    /// `@{Name="…"; Expression={…}}`
    Made { name: Expr, of: Expr, down: Option<bool> },
}

/// A word behind a cmdlet.
#[derive(Debug)]
pub(super) enum Arg {
    /// `-Name` or `-Name:value`.
    Name(String, Option<Expr>),
    /// `--name` or `--name=value`.
    Own(String, Option<Expr>),
    /// `@name`: what the hashtable of this name has, as parameters.
    Splat(At, String),
    /// Anything else.
    Value(Expr),
}

/// An expression.
#[derive(Debug)]
pub(super) struct Expr {
    pub(super) at: At,
    pub(super) what: Of,
}

/// The kinds of expressions.
#[derive(Debug)]
pub(super) enum Of {
    Literal(Value),
    /// A word of a cmdlet as it stands.
    Word(String),
    /// A text with values in it.
    Text(Vec<Expr>),
    Variable(String),
    /// The object of a pipeline.
    It,
    Member(Box<Expr>, String),
    Call(Box<Expr>, Method, Vec<Expr>),
    Index(Box<Expr>, Box<Expr>),
    List(Vec<Expr>),
    /// `@{…}`, and with `[pscustomobject]` before it.
    Map(Vec<(String, Expr)>),
    /// `(…)`, `$(…)`, `@(…)`; the last always gives a list.
    Pipe(Vec<Statement>, bool),
    /// A condition of a filter.
    Block(Box<Expr>),
    Cast(Type, Box<Expr>),
    Not(Box<Expr>),
    Minus(Box<Expr>),
    /// The first, and what is done with it in order.
    Chain(Box<Expr>, Vec<(Operator, Expr)>),
}

/// What is done with two values.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Operator {
    And,
    Or,
    Xor,
    /// A comparison of this name.
    Compare(String),
    Plus,
    Minus,
    Times,
    Divide,
    Rest,
    Join,
    /// `-split`, and whether the case of letters counts.
    Split(bool),
    /// `-replace`, and whether the case of letters counts.
    Replace(bool),
    Format,
    Range,
}

/// Types that a value is turned into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Type {
    Text,
    Whole,
    Number,
    Truth,
    Time,
    List,
    Object,
}

/// What values can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    AddDays,
    AddHours,
    AddMinutes,
    AddMonths,
    AddYears,
    ToText,
    ToUpper,
    ToLower,
    Trim,
    TrimStart,
    TrimEnd,
    Substring,
    PadLeft,
    PadRight,
    StartsWith,
    EndsWith,
    Contains,
    Replace,
    Split,
}

impl Method {
    pub(super) const ALL: [(&'static str, Method, std::ops::RangeInclusive<usize>); 19] = [
        ("AddDays", Method::AddDays, 1..=1),
        ("AddHours", Method::AddHours, 1..=1),
        ("AddMinutes", Method::AddMinutes, 1..=1),
        ("AddMonths", Method::AddMonths, 1..=1),
        ("AddYears", Method::AddYears, 1..=1),
        ("ToString", Method::ToText, 0..=1),
        ("ToUpper", Method::ToUpper, 0..=0),
        ("ToLower", Method::ToLower, 0..=0),
        ("Trim", Method::Trim, 0..=1),
        ("TrimStart", Method::TrimStart, 0..=1),
        ("TrimEnd", Method::TrimEnd, 0..=1),
        ("Substring", Method::Substring, 1..=2),
        ("PadLeft", Method::PadLeft, 1..=1),
        ("PadRight", Method::PadRight, 1..=1),
        ("StartsWith", Method::StartsWith, 1..=1),
        ("EndsWith", Method::EndsWith, 1..=1),
        ("Contains", Method::Contains, 1..=1),
        ("Replace", Method::Replace, 2..=2),
        ("Split", Method::Split, 1..=1),
    ];
}

/// A pipeline as a value; one that only is a value stays that.
pub(super) fn pipe(at: At, mut pipeline: Pipeline) -> Expr {
    if let [Stage { what: Step::Value(_), .. }] = &pipeline[..]
        && let Some(Stage { what: Step::Value(value), .. }) = pipeline.pop()
    {
        return value;
    }
    Expr { at, what: Of::Pipe(vec![Statement { at, what: Doing::Run(pipeline) }], false) }
}
