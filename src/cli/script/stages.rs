//! Cmdlets of PowerShell itself that scripts may hold: which parameters each has, and what they mean.

use super::read::Reader;
use super::tree::{Arg, At, Column, Expr, Figure, File, Of, Select, Step};
use super::value::Value;
use crate::error::Result;
use crate::model::ids::fold;

/// A cmdlet: its names, the parameters with a value, and those without. The first of them may stand without its name.
struct Known {
    names: &'static [&'static str],
    values: &'static [&'static str],
    switches: &'static [&'static str],
}

const KNOWN: [Known; 17] = [
    Known {
        names: &["select-object", "select"],
        values: &["property", "first", "last", "skip", "expandproperty"],
        switches: &["unique"],
    },
    Known { names: &["sort-object", "sort"], values: &["property"], switches: &["descending", "unique"] },
    Known {
        names: &["measure-object", "measure"],
        values: &["property"],
        switches: &["sum", "average", "minimum", "maximum"],
    },
    Known { names: &["group-object", "group"], values: &["property"], switches: &["noelement"] },
    Known { names: &["format-table", "ft"], values: &["property"], switches: &["autosize", "wrap"] },
    Known { names: &["format-list", "fl"], values: &["property"], switches: &[] },
    Known {
        names: &["export-csv", "epcsv"],
        values: &["path", "delimiter", "encoding"],
        switches: &["notypeinformation", "append", "force", "noclobber"],
    },
    Known { names: &["import-csv", "ipcsv"], values: &["path", "delimiter", "encoding"], switches: &[] },
    Known { names: &["get-content", "gc", "cat", "type"], values: &["path", "encoding"], switches: &[] },
    Known { names: &["new-object"], values: &["typename", "property"], switches: &[] },
    Known { names: &["convertto-csv"], values: &["delimiter"], switches: &["notypeinformation"] },
    Known { names: &["convertto-json"], values: &["depth"], switches: &["compress"] },
    Known {
        names: &["out-file", "set-content", "add-content"],
        values: &["filepath", "encoding", "width", "value"],
        switches: &["append", "force", "noclobber"],
    },
    Known {
        names: &["write-host", "write-output", "echo", "write", "write-warning", "write-verbose", "write-debug"],
        values: &["object", "message", "foregroundcolor", "backgroundcolor"],
        switches: &["nonewline"],
    },
    Known { names: &["get-date"], values: &["date", "format"], switches: &[] },
    Known { names: &["get-credential"], values: &["username", "message"], switches: &[] },
    Known { names: &["out-null", "out-string", "out-host", "out-default"], values: &["width"], switches: &[] },
];

/// Is this one of them?
pub(super) fn is_known(name: &str) -> bool {
    KNOWN.iter().any(|known| known.names.contains(&name))
}

/// What was written behind one of them.
struct Given<'r, 'a> {
    reader: &'r Reader<'a>,
    at: At,
    values: Vec<(&'static str, Expr)>,
    switches: Vec<&'static str>,
    free: Vec<Expr>,
}

impl Given<'_, '_> {
    fn take(&mut self, name: &str) -> Option<Expr> {
        let at = self.values.iter().position(|(known, _)| *known == name)?;
        Some(self.values.remove(at).1)
    }

    fn has(&self, name: &str) -> bool {
        self.switches.contains(&name)
    }

    /// A value under its name, or the first without one.
    fn first(&mut self, name: &str) -> Option<Expr> {
        self.take(name).or_else(|| if self.free.is_empty() { None } else { Some(self.free.remove(0)) })
    }

    fn needed(&mut self, name: &str) -> Result<Expr> {
        let at = self.at;
        self.first(name).ok_or_else(|| self.reader.wrong(at, format!("expected -{name}")))
    }

    fn columns(&mut self, name: &str) -> Result<Vec<Column>> {
        let Some(found) = self.first(name) else { return Ok(Vec::new()) };
        let items = match found.what {
            Of::List(items) => items,
            _ => vec![found],
        };
        items.into_iter().map(|item| self.column(item)).collect()
    }

    fn column(&self, item: Expr) -> Result<Column> {
        let at = item.at;
        let Of::Map(entries) = item.what else {
            return Ok(match item.what {
                Of::Block(of) => {
                    Column::Made { name: Reader::literal(at, Value::from(String::new())), of: *of, down: None }
                }
                _ => Column::Named(item),
            });
        };
        let (mut name, mut of, mut down) = (None, None, None);
        for (key, value) in entries {
            let key = fold(&key);
            let is = |word: &str| !key.is_empty() && word.starts_with(&key);
            match value.what {
                Of::Block(inner) if is("expression") => of = Some(*inner),
                _ if is("expression") => {
                    let it = Expr { at, what: Of::It };
                    let Of::Literal(property) = &value.what else {
                        return Err(self.reader.wrong(value.at, "write Expression in braces, as {$_.Name}"));
                    };
                    of = Some(Expr { at, what: Of::Member(Box::new(it), property.show()) });
                }
                Of::Literal(Value::Bool(is_so)) if is("descending") => down = Some(is_so),
                Of::Literal(Value::Bool(is_so)) if is("ascending") => down = Some(!is_so),
                _ if is("name") || is("label") => name = Some(value),
                _ => return Err(self.reader.unknown(value.at, &key)),
            }
        }
        match of {
            Some(of) => {
                let name = name.unwrap_or_else(|| Reader::literal(at, Value::from(String::new())));
                Ok(Column::Made { name, of, down })
            }
            None => Err(self.reader.wrong(at, "write a column as @{Name=\"…\"; Expression={…}}")),
        }
    }

    fn done(self, step: Step) -> Result<Step> {
        match self.free.first() {
            Some(more) => Err(self.reader.wrong(more.at, "no parameter takes this value")),
            None => Ok(step),
        }
    }
}

/// Sorts what was written behind one, and says what it is.
pub(super) fn step(reader: &Reader<'_>, at: At, name: &str, args: Vec<Arg>) -> Result<Step> {
    let Some(known) = KNOWN.iter().find(|known| known.names.contains(&name)) else {
        return Err(reader.unknown(at, name));
    };
    let mut given = Given { reader, at, values: Vec::new(), switches: Vec::new(), free: Vec::new() };
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        match arg {
            Arg::Value(value) => given.free.push(value),
            Arg::Splat(at, name) => {
                let error = reader.unknown(at, &format!("@{name}"));
                return Err(error.hint("a hashtable is spread out behind cmdlets of Persistent Chat only"));
            }
            Arg::Own(option, _) => return Err(reader.unknown(at, &format!("--{option}"))),
            Arg::Name(parameter, colon) => {
                let wanted = fold(&parameter);
                // Parameters every cmdlet has steer PowerShell itself.
                if matches!(wanted.as_str(), "erroraction" | "ea" | "warningaction" | "wa" | "informationaction") {
                    if colon.is_none() {
                        args.next();
                    }
                    continue;
                }
                if matches!(wanted.as_str(), "verbose" | "debug") {
                    continue;
                }
                // So many letters as tell it from others; -NoType is what people write.
                let all = || known.values.iter().chain(known.switches).copied();
                let exact = all().find(|known| *known == wanted);
                let mut near = all().filter(|known| known.starts_with(&wanted));
                let found = exact.or_else(|| near.next().filter(|_| near.next().is_none()));
                match found {
                    Some(found) if known.switches.contains(&found) => match colon.map(|value| value.what) {
                        None | Some(Of::Literal(Value::Bool(true))) => given.switches.push(found),
                        Some(Of::Literal(Value::Bool(false))) => {}
                        Some(_) => return Err(reader.wrong(at, format!("-{found} is $True or $False"))),
                    },
                    Some(found) => match colon.or_else(|| match args.next() {
                        Some(Arg::Value(value)) => Some(value),
                        _ => None,
                    }) {
                        Some(value) => given.values.push((found, value)),
                        None => return Err(reader.wrong(at, format!("-{found} needs a value"))),
                    },
                    None => return Err(reader.unknown(at, &format!("-{parameter}"))),
                }
            }
        }
    }
    bound(given, name)
}

/// The type of objects without a type.
fn is_object(name: &str) -> bool {
    ["psobject", "pscustomobject", "system.management.automation.psobject"].contains(&fold(name).as_str())
}

fn bound(mut given: Given<'_, '_>, name: &str) -> Result<Step> {
    let step = match name {
        "select-object" | "select" => {
            let (first, last, skip) = (given.take("first"), given.take("last"), given.take("skip"));
            let (expand, unique) = (given.take("expandproperty"), given.has("unique"));
            Step::Select(Select { columns: given.columns("property")?, expand, first, last, skip, unique })
        }
        "sort-object" | "sort" => {
            let (down, unique) = (given.has("descending"), given.has("unique"));
            Step::Sort { by: given.columns("property")?, down, unique }
        }
        "measure-object" | "measure" => {
            let sums = [
                ("sum", Figure::Sum),
                ("average", Figure::Average),
                ("minimum", Figure::Minimum),
                ("maximum", Figure::Maximum),
            ];
            let what: Vec<Figure> = sums.into_iter().filter(|(name, _)| given.has(name)).map(|(_, sum)| sum).collect();
            let of = given.first("property").into_iter().collect();
            Step::Measure { of, what }
        }
        "group-object" | "group" => {
            let by = given.columns("property")?;
            if by.is_empty() {
                return Err(given.reader.wrong(given.at, "Group-Object needs a property"));
            }
            Step::Group { by, bare: given.has("noelement") }
        }
        "format-table" | "ft" => Step::Format { list: false, columns: given.columns("property")? },
        "format-list" | "fl" => Step::Format { list: true, columns: given.columns("property")? },
        "export-csv" | "epcsv" => {
            let path = given.needed("path")?;
            let (append, keep) = (given.has("append"), given.has("noclobber"));
            Step::File(File { path, csv: true, delimiter: given.take("delimiter"), append, keep })
        }
        "import-csv" | "ipcsv" => {
            let path = given.needed("path")?;
            Step::Import { path, delimiter: given.take("delimiter") }
        }
        "get-content" | "gc" | "cat" | "type" => Step::Lines(given.needed("path")?),
        "new-object" => {
            let of = given.needed("typename")?;
            let is_object = match &of.what {
                Of::Word(name) => is_object(name),
                Of::Literal(value) => is_object(&value.show()),
                _ => false,
            };
            let map = given.first("property");
            match map {
                Some(map) if is_object && matches!(map.what, Of::Map(_)) => Step::Value(map),
                _ => return Err(given.reader.unknown(of.at, "New-Object").hint("write [pscustomobject]@{Name=value}")),
            }
        }
        "convertto-csv" => Step::Csv { delimiter: given.take("delimiter") },
        "convertto-json" => Step::Json { bare: given.has("compress") },
        "out-file" | "set-content" | "add-content" => {
            if let Some(value) = given.take("value") {
                return Err(given.reader.unknown(value.at, "-value").hint("pipe the text into it"));
            }
            let path = given.needed("filepath")?;
            let (append, keep) = (given.has("append") || name == "add-content", given.has("noclobber"));
            Step::File(File { path, csv: false, delimiter: None, append, keep })
        }
        "write-host" => {
            Step::Say(std::mem::take(&mut given.free).into_iter().chain(given.take("object")).collect(), false)
        }
        "write-warning" => {
            Step::Say(std::mem::take(&mut given.free).into_iter().chain(given.take("message")).collect(), true)
        }
        // They say nothing unless PowerShell is told to listen.
        "write-verbose" | "write-debug" => {
            given.free.clear();
            given.values.clear();
            Step::Give(Vec::new())
        }
        "write-output" | "echo" | "write" => {
            Step::Give(std::mem::take(&mut given.free).into_iter().chain(given.take("object")).collect())
        }
        "get-date" => Step::Date { of: given.first("date"), format: given.take("format") },
        "get-credential" => Step::Credential(given.first("username")),
        "out-null" => Step::Nothing,
        _ => Step::Give(Vec::new()),
    };
    given.done(step)
}
