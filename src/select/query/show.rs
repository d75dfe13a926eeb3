//! A query written out in KQL, with all brackets: how it was read, and what can be read again to mean the same.

use super::{Changed, Field, Node, Place, Term};
use crate::model::message::Kind;
use crate::model::time::Ticks;
use std::fmt;

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Node::All => f.write_str("everything"),
            Node::And(nodes) if nodes.is_empty() => f.write_str("everything"),
            Node::Or(nodes) if nodes.is_empty() => f.write_str("nothing"),
            Node::And(nodes) => several(f, nodes, " AND "),
            Node::Or(nodes) => several(f, nodes, " OR "),
            Node::Not(node) => write!(f, "(NOT {node})"),
            Node::Word(word) => f.write_str(word),
            Node::Prefix(start) => write!(f, "{start}*"),
            Node::Wild(pattern) => f.write_str(pattern),
            Node::Spelled(spelling) => write!(f, "a word with /{}/", spelling.text()),
            Node::Phrase { cased: Some(text), .. } => write!(f, "text={}", quoted(text)),
            Node::Phrase { words, cased: None } => f.write_str(&quoted(&words.join(" "))),
            Node::Run(terms) => {
                let shown: Vec<String> = terms.iter().map(pattern).collect();
                f.write_str(&shown.join("/"))
            }
            Node::Near { ordered, distance, left, right } => {
                let name = if *ordered { "ONEAR" } else { "NEAR" };
                write!(f, "({left} {name}({distance}) {right})")
            }
            Node::Within(Field::Attachments, node) => write!(f, "attachmentnames:({node})"),
            Node::Within(Field::Subject, node) => write!(f, "subject:({node})"),
            Node::Regex(pattern) => {
                write!(f, "text{}/{}/", if pattern.case() { '=' } else { ':' }, pattern.text())
            }
            Node::Person(people) if people.is_empty() => f.write_str("nothing"),
            Node::Person(people) => values(f, "from=", people.iter()),
            Node::Named(pattern) => write!(f, "from:{}", quoted(pattern)),
            Node::Present(people) if people.is_empty() => f.write_str("nothing"),
            Node::Present(people) => values(f, "present=", people.iter()),
            Node::Changed(Changed::Edited, _) => f.write_str("edited:true"),
            Node::Changed(Changed::Deleted, _) => f.write_str("deleted:true"),
            Node::Rooms(rooms) => match &rooms.named {
                Some((Place::Room, pattern)) => write!(f, "room:{}", quoted(pattern)),
                Some((Place::Category, pattern)) => write!(f, "category:{}", quoted(pattern)),
                None if rooms.keys.is_empty() => f.write_str("nothing"),
                None => values(f, "room=", rooms.keys.values()),
            },
            Node::Kind(Kind::Part) => f.write_str("kind:leave"),
            Node::Kind(kind) => write!(f, "kind:{}", kind.word()),
            Node::Tagged(tagged) => write!(f, "tag:{}", quoted(&tagged.written)),
            Node::HasFile => f.write_str("hasattachment:true"),
            Node::Sent { from: Ticks::MIN, to: Ticks::MAX } => f.write_str("everything"),
            Node::Sent { from, to: Ticks::MAX } => write!(f, "sent>={from}"),
            Node::Sent { from: Ticks::MIN, to } => write!(f, "sent<={to}"),
            Node::Sent { from, to } => write!(f, "sent:{from}..{to}"),
            Node::Size { from, to: u64::MAX } => write!(f, "size>={from}"),
            Node::Size { from, to } => write!(f, "size:{from}..{to}"),
            Node::Alert(true) => f.write_str("importance:high"),
            Node::Alert(false) => f.write_str("importance:normal"),
            Node::Message(number) => write!(f, "id:{number}"),
            Node::Sequence(sequence) => write!(f, "id:#{sequence}"),
        }
    }
}

fn several(f: &mut fmt::Formatter<'_>, nodes: &[Node], between: &str) -> fmt::Result {
    if let [one] = nodes {
        return write!(f, "{one}");
    }
    let shown: Vec<String> = nodes.iter().map(ToString::to_string).collect();
    write!(f, "({})", shown.join(between))
}

fn values<T: fmt::Display>(f: &mut fmt::Formatter<'_>, name: &str, all: impl Iterator<Item = T>) -> fmt::Result {
    let shown: Vec<String> = all.map(|value| format!("{name}{}", quoted(&value.to_string()))).collect();
    match shown.len() {
        1 => f.write_str(&shown[0]),
        _ => write!(f, "({})", shown.join(" OR ")),
    }
}

fn pattern(term: &Term) -> String {
    match term {
        Term::Word(word) => word.clone(),
        Term::Prefix(start) => format!("{start}*"),
        Term::Wild(pattern) => pattern.clone(),
    }
}

/// In quotation marks; one inside is doubled.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}
