//! A source file as the rules see it: without comments, texts and tests, with its lines where they were.

/// A source file.
pub(super) struct Source {
    /// Its name, relative to the root.
    pub(super) name: String,
    /// The code: comments, texts and what is under `cfg(test)` are spaces.
    pub(super) code: String,
}

impl Source {
    pub(super) fn new(name: &str, text: &str) -> Source {
        Source { name: name.to_owned(), code: without_tests(&without_texts(text)) }
    }

    /// The module of the first row below the root it belongs to: `store` for `src/store/sqlite/read.rs`.
    pub(super) fn module(&self) -> String {
        let path = self.name.trim_start_matches("src/");
        path.split('/').next().unwrap_or_default().trim_end_matches(".rs").to_owned()
    }

    /// How many modules deep this file is: 1 for `src/error.rs` and `src/store/mod.rs`.
    fn depth(&self) -> usize {
        let path = self.name.trim_start_matches("src/").trim_end_matches(".rs").trim_end_matches("/mod");
        path.split('/').count()
    }

    /// The lines, counted from 1, in which these letters stand and no name goes on to their left.
    pub(super) fn lines_with(&self, letters: &str) -> Vec<usize> {
        let found = self.places(letters);
        found.into_iter().map(|at| self.line(at)).collect()
    }

    fn line(&self, at: usize) -> usize {
        self.code[..at].matches('\n').count() + 1
    }

    fn places(&self, letters: &str) -> Vec<usize> {
        let begins = |at: usize| {
            let before = self.code[..at].chars().next_back().unwrap_or(' ');
            !(letters.starts_with(is_name) && is_name(before))
        };
        self.code.match_indices(letters).map(|(at, _)| at).filter(|at| begins(*at)).collect()
    }

    /// The modules of the crate this file names, with lines: `crate::x`, `crate::{x, y::z}`, `pchat::x`, and `super` as
    /// often as it takes to get to the root.
    pub(super) fn modules_used(&self) -> Vec<(String, usize)> {
        let root = "super::".repeat(self.depth());
        let mut used = Vec::new();
        for prefix in ["crate::", "pchat::", &root] {
            for at in self.places(prefix) {
                let rest = &self.code[at + prefix.len()..];
                let names = match rest.strip_prefix('{') {
                    Some(group) => first_names(group),
                    None => vec![rest.chars().take_while(|c| is_name(*c)).collect()],
                };
                let line = self.line(at);
                used.extend(
                    names.into_iter().filter(|name| !matches!(name.as_str(), "" | "super")).map(|name| (name, line)),
                );
            }
        }
        used
    }

    /// The lines in which an outside package is named: at the start of a path, unless a module here has the same name.
    pub(super) fn package_used(&self, package: &str) -> Vec<usize> {
        let own = self.code.contains(&format!("mod {package};"));
        let path = format!("{package}::");
        let mut places = self.places(&path);
        places.extend(self.places(&format!("use {package};")));
        places.retain(|at| {
            let before = &self.code[..*at];
            match before.strip_suffix("::") {
                // `::zip::…` is the package; `containers::zip::…` is a module.
                Some(left) => !left.ends_with(is_name) && !left.ends_with('>'),
                None => !own,
            }
        });
        places.into_iter().map(|at| self.line(at)).collect()
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The first names of the paths of a group: `x` and `y` of `x, y::{a, b}}`.
fn first_names(group: &str) -> Vec<String> {
    let (mut names, mut depth, mut fresh, mut name) = (Vec::new(), 0, true, String::new());
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                names.push(std::mem::take(&mut name));
                fresh = true;
                continue;
            }
            _ => {}
        }
        if depth == 0 && fresh && is_name(c) {
            name.push(c);
        } else if !name.is_empty() {
            fresh = false;
        }
    }
    names.push(name);
    names
}

/// Comments and the insides of texts become spaces; line ends stay.
fn without_texts(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut code = String::with_capacity(text.len());
    let mut at = 0;
    let blank =
        |code: &mut String, part: &[char]| code.extend(part.iter().map(|c| if *c == '\n' { '\n' } else { ' ' }));
    while at < chars.len() {
        let rest = &chars[at..];
        let length = match rest {
            ['/', '/', ..] => rest.iter().position(|c| *c == '\n').unwrap_or(rest.len()),
            ['/', '*', ..] => block_comment(rest),
            ['r', '"' | '#', ..] if !code.ends_with(is_name) => raw_text(rest),
            ['"', ..] => quoted(rest, '"'),
            // A life time is no character: 'a' is closed, 'a is not.
            ['\'', '\\', ..] | ['\'', _, '\'', ..] => quoted(rest, '\''),
            _ => 0,
        };
        match length {
            0 => {
                code.push(chars[at]);
                at += 1;
            }
            length => {
                blank(&mut code, &rest[..length]);
                at += length;
            }
        }
    }
    code
}

fn block_comment(rest: &[char]) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at < rest.len() {
        match &rest[at..] {
            ['/', '*', ..] => (depth, at) = (depth + 1, at + 2),
            ['*', '/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at
}

/// The length of a text in quotes, or of the rest.
fn quoted(rest: &[char], mark: char) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            '\\' => at += 2,
            c if c == mark => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

/// The length of `r"…"` or `r#"…"#`; 0 for a raw name such as `r#type`.
fn raw_text(rest: &[char]) -> usize {
    let marks = rest[1..].iter().take_while(|c| **c == '#').count();
    if rest.get(1 + marks) != Some(&'"') {
        return 0;
    }
    let end: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', marks)).collect();
    let body = &rest[marks + 2..];
    body.windows(end.len()).position(|part| part == end).map_or(rest.len(), |at| marks + 2 + at + end.len())
}

/// What stands under `cfg(test)` becomes spaces, up to the end of its braces.
fn without_tests(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find("#[cfg(test)]") {
        kept.push_str(&rest[..at]);
        let (mut depth, mut end) = (0usize, rest.len());
        for (place, c) in rest.char_indices().skip(at + 12) {
            match c {
                '{' => depth += 1,
                '}' if depth <= 1 => {
                    end = place + 1;
                    break;
                }
                '}' => depth -= 1,
                ';' if depth == 0 => {
                    end = place + 1;
                    break;
                }
                _ => {}
            }
        }
        kept.extend(rest[at..end].chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
        rest = &rest[end..];
    }
    kept + rest
}

#[test]
fn a_source_is_read_as_the_compiler_reads_it() {
    let text = "//! crate::a\nuse crate::{b, c::{d, e}};\nlet x = \"crate::f // \\\"\"; /* crate::g /* */ crate::h */ let y = 'a';\n\
                fn z<'a>(q: &'a str) { crate::i::j(r#\"crate::k\"#) }\n#[cfg(test)]\nmod tests { use crate::l; }\nuse super::super::m;\n\
                ::zip::x(); a::zip::y(); zip::z(); not_crate::n();";
    let source = Source::new("src/store/sqlite/mod.rs", text);
    let used: Vec<(String, usize)> = source.modules_used();
    let expected = [("b", 2), ("c", 2), ("i", 4), ("m", 7)].map(|(name, line)| (name.to_owned(), line));
    assert_eq!(used, expected);
    assert_eq!(source.package_used("zip"), [8, 8]);
    assert_eq!(source.module(), "store");
}
