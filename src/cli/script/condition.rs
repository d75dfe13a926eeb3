//! Conditions of a script written out as conditions of a command, so that the command chooses. Variables are replaced
//! by what they hold. What has no such form is left to the script.

use super::run::Run;
use super::tree::{Doing, Expr, Of, Operator, Stage, Statement, Step};
use super::value::Value;
use crate::error::Result;

/// Does an expression speak of the object of a pipeline?
fn is_about_it(expr: &Expr) -> bool {
    match &expr.what {
        Of::It => true,
        Of::Literal(_) | Of::Word(_) | Of::Variable(_) => false,
        Of::Text(of) | Of::List(of) => of.iter().any(is_about_it),
        Of::Member(of, _) | Of::Not(of) | Of::Minus(of) | Of::Cast(_, of) | Of::Block(of) => is_about_it(of),
        Of::Call(of, _, values) => is_about_it(of) || values.iter().any(is_about_it),
        Of::Index(of, at) => is_about_it(of) || is_about_it(at),
        Of::Map(entries) => entries.iter().any(|(_, value)| is_about_it(value)),
        Of::Pipe(statements, _) => statements.iter().any(|statement| match &statement.what {
            Doing::Run(stages) => stages.iter().any(|stage| match &stage.what {
                Step::Value(value) => is_about_it(value),
                Step::Date { .. } => false,
                // What a cmdlet gives may change from object to object.
                _ => true,
            }),
            _ => true,
        }),
        Of::Chain(first, more) => is_about_it(first) || more.iter().any(|(_, right)| is_about_it(right)),
    }
}

/// What stands in plain brackets.
fn inside(statements: &[Statement]) -> Option<&Expr> {
    match statements {
        [Statement { what: Doing::Run(stages), .. }] => match &stages[..] {
            [Stage { what: Step::Value(value), .. }] => Some(value),
            _ => None,
        },
        _ => None,
    }
}

/// Works out what does not speak of the object.
pub(super) type Known<'a> = dyn FnMut(&Expr) -> Result<Value> + 'a;

/// The text of a condition, if it has one.
pub(super) fn written(expr: &Expr, known: &mut Known<'_>) -> Result<Option<String>> {
    let mut text = String::new();
    Ok(term(expr, &mut text, known)?.then_some(text))
}

impl Run<'_, '_> {
    /// The same with what the script knows now.
    pub(super) fn condition(&mut self, expr: &Expr) -> Result<Option<String>> {
        written(expr, &mut |part| self.value(part))
    }
}

fn term(expr: &Expr, text: &mut String, known: &mut Known<'_>) -> Result<bool> {
    Ok(match &expr.what {
        Of::Chain(first, more) if more.iter().all(|(is, _)| matches!(is, Operator::And | Operator::Or)) => {
            if !term(first, text, known)? {
                return Ok(false);
            }
            for (is, right) in more {
                text.push_str(if *is == Operator::And { " -and " } else { " -or " });
                if !term(right, text, known)? {
                    return Ok(false);
                }
            }
            true
        }
        Of::Chain(left, more) if is_about_it(expr) => match &more[..] {
            [(Operator::Compare(name), right)] => {
                if !operand(left, text, known)? {
                    return Ok(false);
                }
                text.push_str(&format!(" -{name} "));
                operand(right, text, known)?
            }
            _ => false,
        },
        Of::Not(inner) => {
            text.push_str("-not (");
            let is = term(inner, text, known)?;
            text.push(')');
            is
        }
        Of::Pipe(statements, false) if is_about_it(expr) => match inside(statements) {
            Some(inner) => {
                text.push('(');
                let is = term(inner, text, known)?;
                text.push(')');
                is
            }
            None => false,
        },
        _ => operand(expr, text, known)?,
    })
}

fn operand(expr: &Expr, text: &mut String, known: &mut Known<'_>) -> Result<bool> {
    if let Of::Member(of, name) = &expr.what
        && matches!(of.what, Of::It)
    {
        text.push_str("$_.");
        text.push_str(name);
        return Ok(true);
    }
    if is_about_it(expr) {
        return Ok(false);
    }
    Ok(literal(&known(expr)?, text))
}

fn literal(value: &Value, text: &mut String) -> bool {
    match value {
        Value::Null => text.push_str("$null"),
        Value::Bool(is) => text.push_str(if *is { "$true" } else { "$false" }),
        Value::Int(number) => text.push_str(&number.to_string()),
        Value::Real(_) | Value::Text(_) | Value::Time(_) => {
            text.push_str(&format!("'{}'", value.show().replace(['\'', '‘', '’', '‚', '‛'], "''")));
        }
        Value::List(items) if !items.is_empty() => {
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    text.push(',');
                }
                if matches!(item, Value::List(_) | Value::Object(_)) || !literal(item, text) {
                    return false;
                }
            }
        }
        Value::List(_) | Value::Object(_) => return false,
    }
    true
}
