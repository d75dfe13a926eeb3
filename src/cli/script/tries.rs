//! Runs what is tried and caught, entries of hashtables, and the end of a script.

use super::run::{Flow, Run};
use super::tree::{Expr, Pipeline, Stage, Statement, Step};
use super::value::{CAUGHT, Value};
use crate::error::{Error, Kind, Result, brief};
use crate::model::ids::fold;

impl Run<'_, '_> {
    /// Does what is tried, and what is to be done where it fails. An interrupt is not caught.
    pub(super) fn attempt(
        &mut self,
        tried: &[Statement],
        caught: Option<&[Statement]>,
        always: &[Statement],
    ) -> Result<Flow> {
        self.tries += 1;
        let mut done = self.statements(tried);
        self.tries -= 1;
        if let Some(caught) = caught {
            let why = match &done {
                Ok(Flow::Stop(code)) => Some(format!("a command ended with code {code}")),
                Err(error) if error.kind() != Kind::Cancelled => Some(error.what().to_owned()),
                _ => None,
            };
            if let Some(why) = why {
                self.code = 0;
                let message = |name: &str, value| (name.into(), value);
                let text = Value::from(why);
                let exception = Value::object(vec![message("Message", text.clone())]);
                self.it.push(Value::object(vec![message(CAUGHT, text), message("Exception", exception)]));
                done = self.statements(caught);
                self.it.pop();
            }
        }
        match self.statements(always)? {
            Flow::Next => done,
            other => Ok(other),
        }
    }

    /// Gives an entry of a hashtable a value.
    pub(super) fn put(&mut self, name: &str, key: &Expr, pipeline: &Pipeline) -> Result<()> {
        let value = match &pipeline[..] {
            [Stage { what: Step::Value(value), .. }] => self.value(value)?,
            _ => Value::one(self.values(pipeline)?),
        };
        let key = self.value(key)?.show();
        let Some(Value::Object(entries)) = self.variables.remove(name) else {
            return Err(Error::new(Kind::Usage, format!("${} is not a hashtable", brief(name))));
        };
        let mut entries = (*entries).clone();
        match entries.iter_mut().find(|(known, _)| fold(known) == fold(&key)) {
            Some((_, known)) => *known = value,
            None => entries.push((key.into(), value)),
        }
        self.variables.insert(name.to_owned(), Value::object(entries));
        Ok(())
    }

    /// Ends the script from within a pipeline; no `catch` takes it.
    pub(super) fn leave(&mut self, code: u8) -> Error {
        self.leaves = Some(code);
        Error::new(Kind::Cancelled, "the script ends here")
    }

    /// Ends the script, with the code that is given or that of the last cmdlet.
    pub(super) fn exit(&mut self, value: Option<&Expr>) -> Result<Flow> {
        let code = match value {
            Some(value) => self.value(value)?.show().trim().parse().ok(),
            None => Some(self.code),
        };
        match code {
            Some(code) => Ok(Flow::Exit(code)),
            None => Err(Error::new(Kind::Usage, "the code of exit must be from 0 to 255")),
        }
    }
}
