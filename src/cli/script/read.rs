//! Reads scripts: statements, pipelines, the words behind cmdlets. All of a text is read before anything of it runs;
//! what is not known here is refused where it stands.

use super::stages;
use super::tree::{At, Doing, Expr, Of, Stage, Statement, Step};
use crate::cli::cmdlet;
use crate::error::{Error, Kind, Place, Result, quoted};
use crate::model::ids::fold;

/// No brackets are deeper.
const DEEPEST: usize = 64;

/// Words that begin statements PowerShell has, and this has not.
pub(super) const OTHERS: [&str; 19] = [
    "function", "filter", "param", "while", "do", "for", "switch", "catch", "finally", "trap", "return", "begin",
    "process", "end", "class", "enum", "using", "data", "workflow",
];

pub(super) const SINGLE: [char; 5] = ['\'', '‘', '’', '‚', '‛'];
pub(super) const DOUBLE: [char; 4] = ['"', '“', '”', '„'];
pub(super) use crate::cli::words::DASHES;

/// A text that is being read.
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) at: At,
    pub(super) file: &'a str,
    depth: usize,
    /// Names without a sign are properties: the condition of a filter.
    pub(super) filter: bool,
}

/// Reads a whole script.
pub(super) fn script(text: &str, file: &str) -> Result<Vec<Statement>> {
    let mut reader = Reader { text, at: 0, file, depth: 0, filter: false };
    reader.at = if text.starts_with('\u{feff}') { 3 } else { 0 };
    let found = reader.statements(None)?;
    Ok(found)
}

/// Where a byte is.
pub(super) fn place(file: &str, text: &str, at: At) -> Place {
    let file = if file.is_empty() { "line" } else { file };
    Place::in_bytes(file, text.as_bytes(), at)
}

impl Reader<'_> {
    pub(super) fn wrong(&self, at: At, what: impl Into<String>) -> Error {
        Error::new(Kind::Usage, what).at(place(self.file, self.text, at))
    }

    /// A value that is not there: of a whole line a shell may have made nothing of a variable.
    pub(super) fn due(&self, at: At, what: &str) -> Error {
        let error = self.wrong(at, what);
        match self.file.is_empty() {
            true => error.hint("shells replace $_, $False and variables: put the whole line in single quotes"),
            false => error.hint("put a text in quotes"),
        }
    }

    /// Something PowerShell has and this has not.
    pub(super) fn unknown(&self, at: At, what: &str) -> Error {
        self.wrong(at, format!("{} is not supported here; nothing was run", quoted(what)))
            .hint("pchat help cmdlets lists what scripts can contain; PowerShell can run the rest, and call pchat")
    }

    pub(super) fn rest(&self) -> &str {
        self.text.get(self.at..).unwrap_or_default()
    }

    pub(super) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    pub(super) fn second(&self) -> Option<char> {
        self.rest().chars().nth(1)
    }

    pub(super) fn next(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    pub(super) fn take(&mut self, text: &str) -> bool {
        let is = self.rest().starts_with(text);
        self.at += if is { text.len() } else { 0 };
        is
    }

    /// Keeps brackets from becoming deeper than the stack.
    pub(super) fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.wrong(self.at, format!("brackets are deeper than {DEEPEST} here")));
        }
        let done = read(self);
        self.depth -= 1;
        done
    }

    /// Blanks, comments, and ends of lines behind a backtick.
    pub(super) fn blanks(&mut self) -> Result<()> {
        loop {
            let rest = self.rest();
            if rest.starts_with("<#") {
                match rest.find("#>") {
                    Some(end) => self.at += end + 2,
                    None => return Err(self.wrong(self.at, "the comment <# is not closed")),
                }
            } else if rest.starts_with('#') {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if let Some(behind) = rest.strip_prefix('`').map(|rest| rest.trim_start_matches([' ', '\t', '\r']))
                && behind.starts_with('\n')
            {
                self.at += rest.len() - behind.len() + 1;
            } else if rest.starts_with([' ', '\t', '\r', '\u{a0}']) {
                self.next();
            } else {
                return Ok(());
            }
        }
    }

    /// The same and ends of lines, where something is open.
    pub(super) fn spaces(&mut self) -> Result<()> {
        loop {
            self.blanks()?;
            if !self.take("\n") {
                return Ok(());
            }
        }
    }

    pub(super) fn statements(&mut self, end: Option<char>) -> Result<Vec<Statement>> {
        let (start, mut found) = (self.at, Vec::new());
        loop {
            self.spaces()?;
            match self.peek() {
                None if end.is_none() => return Ok(found),
                None => {
                    let open = if end == Some('}') { '{' } else { '(' };
                    return Err(self.wrong(start.saturating_sub(1), format!("the bracket {open} is not closed")));
                }
                Some(';') => drop(self.next()),
                Some(c) if Some(c) == end => {
                    self.next();
                    return Ok(found);
                }
                Some(c @ ('}' | ')')) => return Err(self.wrong(self.at, format!("there is a {c} too many"))),
                Some(_) => {
                    let at = self.at;
                    if let Some(what) = self.statement()? {
                        found.push(Statement { at, what });
                    }
                    self.blanks()?;
                    match self.peek() {
                        None | Some('\n' | ';' | '}' | ')') => {}
                        Some(c @ ('>' | '<')) => {
                            return Err(self.unknown(self.at, &c.to_string()).hint("Out-File writes a text to a file"));
                        }
                        Some('&') => return Err(self.unknown(self.at, "&")),
                        Some(_) => return Err(self.wrong(self.at, "this belongs to no statement")),
                    }
                }
            }
        }
    }

    /// A name at the place that is read, which stays unread.
    pub(super) fn name(&self) -> &str {
        let rest = self.rest();
        let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
        &rest[..end]
    }

    pub(super) fn pipeline(&mut self) -> Result<Vec<Stage>> {
        let mut found: Vec<Stage> = Vec::new();
        self.blanks()?;
        let at = self.at;
        // What a choice or a loop gives is a value.
        let choice = fold(self.name()) == "if" && self.text[at + 2..].trim_start().starts_with('(');
        let each = fold(self.name()) == "foreach" && self.text[at + 7..].trim_start().starts_with('(');
        if choice || each {
            let what = self.deeper(if choice { Self::choice } else { Self::each })?;
            let value = Expr { at, what: Of::Pipe(vec![Statement { at, what }], false) };
            return Ok(vec![Stage { at, what: Step::Value(value) }]);
        }
        loop {
            self.blanks()?;
            let at = self.at;
            let what = match self.command_name() {
                Some(name) => {
                    self.at += name.len();
                    self.command(at, &name)?
                }
                None if found.is_empty() => match self.peek() {
                    None | Some('|' | '\n' | ';' | ')' | '}') => {
                        return Err(self.due(at, "expected a value or a cmdlet"));
                    }
                    _ => Step::Value(self.expression()?),
                },
                None => {
                    return Err(self.wrong(at, "empty pipeline element"));
                }
            };
            if matches!(
                what,
                Step::Value(_) | Step::Date { .. } | Step::Import { .. } | Step::Lines(_) | Step::Credential(_)
            ) && !found.is_empty()
            {
                return Err(self.wrong(at, "this takes no pipeline input"));
            }
            found.push(Stage { at, what });
            self.blanks()?;
            if !self.take("|") {
                return Ok(found);
            }
            self.spaces()?;
        }
    }

    /// The name of a command at the place that is read.
    fn command_name(&self) -> Option<String> {
        let rest = self.rest();
        if rest.starts_with(['?', '%']) && rest[1..].starts_with([' ', '{', '\t']) {
            return Some(rest[..1].to_owned());
        }
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return None;
        }
        let within = |c: char| c.is_alphanumeric() || "_.\\:".contains(c) || DASHES.contains(&c);
        let end = rest.find(|c: char| !within(c)).unwrap_or(rest.len());
        Some(rest[..end].to_owned())
    }

    fn command(&mut self, at: At, name: &str) -> Result<Step> {
        let folded = fold(&name.replace(DASHES, "-"));
        if folded == "where-object" || folded == "where" || folded == "?" {
            return self.deeper(Self::condition_of_where).map(Step::Where);
        }
        if folded == "foreach-object" || folded == "foreach" || folded == "%" {
            return self.deeper(|reader| reader.each_object(at));
        }
        if stages::is_known(&folded) {
            let args = self.args()?;
            return stages::step(self, at, &folded, args);
        }
        if cmdlet::is_meant(name) {
            let known = cmdlet::named(name).map_err(|error| error.at(place(self.file, self.text, at)))?;
            let args = self.args()?;
            return Ok(Step::Cmdlet(known, args));
        }
        let error = self.unknown(at, name);
        Err(match name.contains('-') || name.contains('.') {
            true => error,
            false => error.hint("put a text in quotes; pchat help cmdlets lists what scripts may contain"),
        })
    }

    /// Does the parameter of this name come next?
    fn is_parameter(&self, name: &str) -> bool {
        self.rest().strip_prefix(DASHES).is_some_and(|rest| fold(rest.get(..name.len()).unwrap_or_default()) == name)
    }

    fn each_object(&mut self, at: At) -> Result<Step> {
        self.blanks()?;
        if self.is_parameter("process") {
            self.at += self.peek().map_or(0, char::len_utf8) + "process".len();
            self.blanks()?;
        }
        if self.peek() == Some('{') {
            return Ok(Step::Each(self.block()?));
        }
        let name = self.name().to_owned();
        if name.is_empty() {
            return Err(self.wrong(at, "write ForEach-Object {…}"));
        }
        let here = self.at;
        self.at += name.len();
        let it = Expr { at: here, what: Of::Member(Box::new(Expr { at: here, what: Of::It }), name) };
        let stage = Stage { at: here, what: Step::Value(it) };
        Ok(Step::Each(vec![Statement { at: here, what: Doing::Run(vec![stage]) }]))
    }

    /// `{$_.Name -eq "x"}`, `{Name -eq "x"}` or `Name -eq "x"`.
    fn condition_of_where(&mut self) -> Result<Expr> {
        self.blanks()?;
        if self.is_parameter("filterscript") {
            self.at += self.peek().map_or(0, char::len_utf8) + "filterscript".len();
            self.blanks()?;
        }
        if self.peek() == Some('{') {
            return self.filter_block();
        }
        let before = std::mem::replace(&mut self.filter, true);
        let found = self.expression();
        self.filter = before;
        found
    }

    /// An operator of other languages where one of PowerShell should stand.
    pub(super) fn foreign(&self) -> Option<Error> {
        const OTHERS: [(&str, &str); 9] = [
            ("==", "-eq"),
            ("!=", "-ne"),
            ("<>", "-ne"),
            (">=", "-ge"),
            ("<=", "-le"),
            (">", "-gt"),
            ("<", "-lt"),
            ("=", "-eq"),
            ("&&", "-and"),
        ];
        let (sign, here) = OTHERS.iter().find(|(sign, _)| self.rest().starts_with(sign))?;
        let what = format!("{} is not an operator of conditions", quoted(sign));
        Some(self.wrong(self.at, what).hint(format!("write {here}, as in {{$_.Disabled -eq $True}}")))
    }

    /// A condition in braces, in which names without a sign are properties.
    pub(super) fn filter_block(&mut self) -> Result<Expr> {
        let at = self.at;
        self.next();
        let before = std::mem::replace(&mut self.filter, true);
        self.spaces()?;
        if self.peek() == Some('}') {
            return Err(self.wrong(at, "no condition in these braces"));
        }
        let found = self.expression();
        self.filter = before;
        let found = found?;
        self.spaces()?;
        match self.take("}") {
            true => Ok(found),
            false if self.peek().is_none() => Err(self.wrong(at, "the brace { is not closed")),
            false => Err(self.foreign().unwrap_or_else(|| self.wrong(self.at, "unexpected in a condition"))),
        }
    }
}
