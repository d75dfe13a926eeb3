//! The tokens of a line put together. From tight to loose: NEAR and ONEAR, NOT, AND and blanks, OR.

use super::lex::{Is, Operator, Token, tokens};
use super::value::{self, Property};
use super::{Complaint, Fault, Named, Names, foreign, notes, term};
use crate::select::query::{Field, Node};

/// Brackets are no deeper.
const DEEPEST: u32 = 64;
/// So many words stand near each other at most.
const CHAIN: usize = 16;

/// A line that was read.
pub(super) struct Line {
    pub(super) node: Node,
    pub(super) faults: Vec<Fault>,
    /// With the column of each.
    pub(super) warnings: Vec<(usize, String)>,
    pub(super) people: Vec<Named>,
}

/// Reads a line.
pub(super) fn line(line: &str, case: bool, names: &dyn Names) -> Line {
    let mut parser = Parser {
        line,
        tokens: tokens(line),
        at: 0,
        depth: 0,
        case,
        names,
        within: None,
        faults: Vec::new(),
        warnings: Vec::new(),
        people: Vec::new(),
    };
    let mut node = parser.or();
    while parser.at < parser.tokens.len() {
        parser.fault("this bracket closes nothing", "leave it out, or open it before");
        parser.at += 1;
        node = Node::And(vec![node, parser.or()]);
    }
    for (at, note) in notes::of(line, &parser.tokens) {
        parser.warn(at, note);
    }
    parser.faults.sort_by_key(|fault| fault.at.start);
    Line { node, faults: parser.faults, warnings: parser.warnings, people: parser.people }
}

/// A part of a run of parts without operators between them, and the property it is about.
type Part = (Node, Option<Property>);

pub(super) struct Parser<'a> {
    line: &'a str,
    tokens: Vec<Token>,
    at: usize,
    depth: u32,
    pub(super) case: bool,
    pub(super) names: &'a dyn Names,
    /// The property whose values stand in the brackets around.
    within: Option<(Property, Operator)>,
    faults: Vec<Fault>,
    warnings: Vec<(usize, String)>,
    pub(super) people: Vec<Named>,
}

impl Parser<'_> {
    fn peek(&self) -> Option<&Is> {
        self.tokens.get(self.at).map(|token| &token.is)
    }

    fn place(&self, at: usize) -> std::ops::Range<usize> {
        let end = self.line.trim_end().len();
        self.tokens.get(at).map_or(end..end, |token| token.at.clone())
    }

    /// Something is wrong with the token at hand.
    fn fault(&mut self, what: &str, hint: &str) {
        self.complain(self.at, Complaint::new(what, hint));
    }

    fn complain(&mut self, at: usize, complaint: Complaint) {
        let at = self.place(at);
        self.faults.push(Fault { at, what: complaint.what, hint: complaint.hint });
    }

    fn warn(&mut self, at: usize, what: String) {
        let column = self.line[..self.place(at).start].chars().count() + 1;
        self.warnings.push((column, what));
    }

    fn or(&mut self) -> Node {
        let mut nodes = Vec::new();
        loop {
            match self.and() {
                Some(node) => nodes.push(node),
                None if self.peek() == Some(&Is::Or) && nodes.is_empty() => {
                    self.fault("there is nothing before this OR", "OR stands between two words");
                }
                None if self.at > 0 && self.tokens[self.at - 1].is == Is::Or => {
                    self.complain(
                        self.at - 1,
                        Complaint::new("there is nothing after this OR", "OR stands between two words"),
                    );
                }
                None if self.at > 0 && self.tokens[self.at - 1].is == Is::Open => {
                    self.complain(
                        self.at - 1,
                        Complaint::new("there is nothing in these brackets", "write words between them"),
                    );
                }
                None if self.faults.is_empty() => {
                    self.fault("empty query", "write at least one word");
                }
                None => {}
            }
            if self.peek() != Some(&Is::Or) {
                break;
            }
            self.at += 1;
        }
        match nodes.len() {
            1 => nodes.remove(0),
            _ => Node::Or(nodes),
        }
    }

    fn and(&mut self) -> Option<Node> {
        let mut runs: Vec<Vec<Part>> = vec![Vec::new()];
        loop {
            match self.peek() {
                None | Some(Is::Close | Is::Or) => break,
                Some(Is::And) => {
                    let hint = "AND stands between two words";
                    let first = runs.iter().all(Vec::is_empty);
                    if first {
                        self.fault("there is nothing before this AND", hint);
                    }
                    self.at += 1;
                    if !first && matches!(self.peek(), None | Some(Is::Close | Is::Or | Is::And)) {
                        self.complain(self.at - 1, Complaint::new("there is nothing after this AND", hint));
                    }
                    runs.push(Vec::new());
                }
                Some(Is::Plus) => {
                    self.at += 1;
                    runs.push(Vec::new());
                }
                Some(_) => {
                    let part = self.unless();
                    if let Some(run) = runs.last_mut() {
                        run.push(part);
                    }
                }
            }
        }
        let values = self.within.is_some_and(|(property, _)| property.field().is_none());
        let mut nodes: Vec<Node> = Vec::new();
        for run in runs {
            nodes.extend(if values { any(run).into_iter().collect() } else { united(run) });
        }
        match nodes.len() {
            0 => None,
            1 => nodes.pop(),
            _ => Some(Node::And(nodes)),
        }
    }

    /// With any number of NOTs before it.
    fn unless(&mut self) -> Part {
        let (mut not, mut first) = (false, None);
        while matches!(self.peek(), Some(Is::Not | Is::Minus)) {
            not = !not;
            first.get_or_insert(self.at);
            self.at += 1;
        }
        if let Some(first) = first
            && matches!(self.peek(), None | Some(Is::Close | Is::And | Is::Or))
        {
            self.complain(
                first,
                Complaint::new("there is nothing after this NOT", "NOT stands before what is left out"),
            );
            return (Node::All, None);
        }
        let (node, property) = self.near();
        if not { (Node::Not(Box::new(node)), None) } else { (node, property.filter(|_| first.is_none())) }
    }

    fn near(&mut self) -> Part {
        let (mut node, mut property) = self.primary();
        let mut words = 1;
        while let Some(Is::Near { ordered, distance }) = self.peek() {
            let (ordered, distance, at) = (*ordered, *distance, self.at);
            self.at += 1;
            words += 1;
            if matches!(self.peek(), None | Some(Is::Close | Is::And | Is::Or | Is::Not | Is::Minus | Is::Plus)) {
                let hint = "NEAR stands between two words, as in a NEAR(5) b";
                self.complain(at, Complaint::new("there is no word after this NEAR", hint));
                continue;
            }
            let (right, _) = self.primary();
            let complaint = match () {
                () if words > CHAIN => Some((format!("more than {CHAIN} words stand near each other"), "use fewer")),
                () if self.case => Some((
                    "distances are measured without the case of letters".to_owned(),
                    "leave --case-sensitive out, or write text=/.../ with a regular expression",
                )),
                () if matches!(right, Node::Near { .. }) => Some((
                    "a row of words cannot stand in brackets after NEAR".to_owned(),
                    "write a NEAR(5) b NEAR(5) c: each stands near the one before it",
                )),
                () if !(is_term(&node) || matches!(node, Node::Near { .. })) || !is_term(&right) => Some((
                    "only words, phrases and several of them with OR stand near each other".to_owned(),
                    "write properties, AND and NOT outside, as in (a NEAR(5) b) from:anna",
                )),
                () => None,
            };
            if let Some((what, hint)) = complaint.filter(|_| self.faults.is_empty()) {
                self.complain(at, Complaint::new(what, hint));
            }
            node = Node::Near { ordered, distance, left: Box::new(node), right: Box::new(right) };
            property = None;
        }
        (node, property)
    }

    fn primary(&mut self) -> Part {
        let at = self.at;
        let Some(token) = self.tokens.get(at).cloned() else { return (Node::All, None) };
        self.at += 1;
        match token.is {
            Is::Open => (self.brackets(at), None),
            Is::Property { name, operator, blank } => self.property(at, &name, operator, blank),
            Is::Word(text) => (self.value(at, &text, false), None),
            Is::Phrase(text) => (self.value(at, &text, true), None),
            Is::Wrong(what, hint) => {
                self.complain(at, Complaint::new(what, hint));
                (Node::All, None)
            }
            Is::Near { .. } => {
                let hint = "NEAR stands between two words, as in a NEAR(5) b";
                self.complain(at, Complaint::new("there is no word before this NEAR", hint));
                (Node::All, None)
            }
            // What follows a NEAR that should have been a word was told there.
            Is::Close | Is::And | Is::Or | Is::Not | Is::Plus | Is::Minus | Is::Regex(_) => (Node::All, None),
        }
    }

    fn brackets(&mut self, at: usize) -> Node {
        if self.depth == DEEPEST {
            let what = format!("there are more than {DEEPEST} brackets inside each other");
            self.complain(at, Complaint::new(what, "write it with fewer brackets"));
            self.at = self.tokens.len();
            return Node::All;
        }
        self.depth += 1;
        let node = self.or();
        self.depth -= 1;
        match self.peek() {
            Some(Is::Close) => self.at += 1,
            _ if self.at < self.tokens.len() || self.depth < DEEPEST && !self.is_too_deep() => {
                self.complain(at, Complaint::new("this bracket is never closed", "close it with a second bracket"));
            }
            _ => {}
        }
        node
    }

    fn is_too_deep(&self) -> bool {
        self.faults.iter().any(|fault| fault.what.starts_with("there are more than"))
    }

    /// A word or phrase by itself, or as a value of the property whose brackets it stands in.
    fn value(&mut self, at: usize, text: &str, quoted: bool) -> Node {
        let read = match self.within {
            Some((property, operator)) if property.field().is_none() => {
                value::node(self, property, operator, text, quoted)
            }
            _ if quoted => term::phrase(text, self.case),
            _ => term::bare(text, self.case),
        };
        read.unwrap_or_else(|complaint| {
            self.complain(at, complaint);
            Node::All
        })
    }

    fn property(&mut self, at: usize, name: &str, operator: Operator, blank: bool) -> Part {
        let known = Property::named(name);
        if let Some((outer, _)) = self.within {
            let what = format!("a property cannot stand in the brackets of {}", outer.name());
            self.complain(at, Complaint::new(what, "write it outside of them"));
        }
        let Some(property) = known else {
            let here = foreign::property(name).and_then(Property::named);
            let here = here.map(|here| format!("it is called {} here, as in {}; ", here.name(), here.example()));
            let hint = format!(
                "{}the properties are {}; to search for the text itself put it in quotation marks",
                here.unwrap_or_default(),
                Property::ALL.map(Property::name).join(" ")
            );
            self.complain(at, Complaint::new(format!("unknown property \"{name}\""), hint));
            self.skip_value(blank);
            return (Node::All, None);
        };
        if blank {
            let Some(Is::Word(_) | Is::Phrase(_)) = self.peek() else {
                let hint = format!("write the value right after it, as in {}", property.example());
                self.complain(at, Complaint::new(format!("{name} has no value"), hint));
                return (Node::All, None);
            };
            self.warn(at, format!("a blank follows {name}, so the next word is searched for by itself"));
            return self.primary();
        }
        let start = self.at;
        let token = self.tokens.get(start).map(|token| token.is.clone());
        self.at += 1;
        let read = match token {
            Some(Is::Open) => {
                let outer = self.within.replace((property, operator));
                let node = self.brackets(start);
                self.within = outer;
                match property.field() {
                    Some(field) => within(node, field).and_then(|node| value::not_if(node, property, operator)),
                    None => Ok(node),
                }
            }
            Some(Is::Regex(pattern)) => value::regex(&pattern, operator, self.case),
            Some(Is::Word(text)) => value::node(self, property, operator, &text, false),
            Some(Is::Phrase(text)) => value::node(self, property, operator, &text, true),
            Some(Is::Wrong(what, hint)) => Err(Complaint { what, hint }),
            _ => Err(Complaint::new(format!("{name} has no value"), format!("write {}", property.example()))),
        };
        let united = matches!(operator, Operator::Contains | Operator::Equal).then_some(property);
        match read {
            Ok(node) => (node, united),
            Err(complaint) => {
                self.complain(start, complaint);
                (Node::All, None)
            }
        }
    }

    /// Leaves out the value of a property that does not exist.
    fn skip_value(&mut self, blank: bool) {
        if blank {
            return;
        }
        match self.peek() {
            Some(Is::Open) => {
                let at = self.at;
                self.at += 1;
                self.brackets(at);
            }
            Some(Is::Word(_) | Is::Phrase(_) | Is::Regex(_)) => self.at += 1,
            _ => {}
        }
    }
}

/// Parts with blanks between them: the same property twice means either, all else means both.
fn united(run: Vec<Part>) -> Vec<Node> {
    let mut found: Vec<(Option<Property>, Vec<Node>)> = Vec::new();
    for (node, property) in run {
        match found.iter_mut().find(|(of, _)| property.is_some_and(|p| p.unites()) && *of == property) {
            Some((_, nodes)) => nodes.push(node),
            None => found.push((property, vec![node])),
        }
    }
    found.into_iter().flat_map(|(_, nodes)| one_of(nodes)).collect()
}

fn any(run: Vec<Part>) -> Option<Node> {
    one_of(run.into_iter().map(|(node, _)| node).collect())
}

fn one_of(mut nodes: Vec<Node>) -> Option<Node> {
    if nodes.len() < 2 { nodes.pop() } else { Some(Node::Or(nodes)) }
}

/// Is it a condition on one text that has a place in it by itself?
fn is_term(node: &Node) -> bool {
    match node {
        Node::Word(_) | Node::Prefix(_) | Node::Wild(_) | Node::Run(_) => true,
        Node::Phrase { cased, .. } => cased.is_none(),
        Node::Or(nodes) => nodes.iter().all(is_term),
        _ => false,
    }
}

/// A condition on texts, for some of the texts only.
pub(super) fn within(node: Node, field: Option<Field>) -> Result<Node, Complaint> {
    let Some(field) = field else { return Ok(node) };
    let all = |nodes: Vec<Node>| nodes.into_iter().map(|node| within(node, Some(field))).collect::<Result<_, _>>();
    Ok(match node {
        Node::And(nodes) => Node::And(all(nodes)?),
        Node::Or(nodes) => Node::Or(all(nodes)?),
        Node::Not(node) => Node::Not(Box::new(within(*node, Some(field))?)),
        node => Node::Within(field, Box::new(node)),
    })
}
