//! The properties of events, and what their values mean.

use super::lex::Operator;
use super::parse::{Parser, within};
use super::{Complaint, Named, term};
use crate::model::ids::{RoomKey, fold, person_key};
use crate::model::message::Kind;
use crate::model::time::Ticks;
use crate::select::expression::Pattern;
use crate::select::query::{Changed, Field, Node, Place, Rooms, Tagged};
use chrono::{Datelike, Days, Months, NaiveDate};
use std::collections::BTreeSet;
use unicode_normalization::UnicodeNormalization;

/// A property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Property {
    From,
    Participants,
    Present,
    Room,
    Category,
    Sent,
    Kind,
    HasAttachment,
    AttachmentNames,
    Importance,
    Size,
    Edited,
    Deleted,
    Hold,
    Tag,
    Id,
    Subject,
    Text,
}

impl Property {
    pub(super) const ALL: [Property; 18] = [
        Property::From,
        Property::Participants,
        Property::Present,
        Property::Room,
        Property::Category,
        Property::Sent,
        Property::Kind,
        Property::HasAttachment,
        Property::AttachmentNames,
        Property::Importance,
        Property::Size,
        Property::Edited,
        Property::Deleted,
        Property::Hold,
        Property::Tag,
        Property::Id,
        Property::Subject,
        Property::Text,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Property::From => "from",
            Property::Participants => "participants",
            Property::Present => "present",
            Property::Room => "room",
            Property::Category => "category",
            Property::Sent => "sent",
            Property::Kind => "kind",
            Property::HasAttachment => "hasattachment",
            Property::AttachmentNames => "attachmentnames",
            Property::Importance => "importance",
            Property::Size => "size",
            Property::Edited => "edited",
            Property::Deleted => "deleted",
            Property::Hold => "hold",
            Property::Tag => "tag",
            Property::Id => "id",
            Property::Subject => "subject",
            Property::Text => "text",
        }
    }

    pub(super) fn named(name: &str) -> Option<Property> {
        let name = if name == "date" { "sent" } else { name };
        Property::ALL.into_iter().find(|property| property.name() == name)
    }

    /// The texts that its values are looked for in; nothing for other properties.
    pub(super) fn field(self) -> Option<Option<Field>> {
        match self {
            Property::AttachmentNames => Some(Some(Field::Attachments)),
            Property::Subject => Some(Some(Field::Subject)),
            Property::Text => Some(None),
            _ => None,
        }
    }

    /// Does naming it twice mean either?
    pub(super) fn unites(self) -> bool {
        self.field() != Some(None)
    }

    pub(super) fn example(self) -> &'static str {
        match self {
            Property::From => "from:anna@example.com",
            Property::Participants => "participants:anna@example.com",
            Property::Present => "present:anna@example.com",
            Property::Room => "room:\"IT Help Desk\"",
            Property::Category => "category:Trading",
            Property::Sent => "sent:2014-01-01..2014-03-31",
            Property::Kind => "kind:message",
            Property::HasAttachment => "hasattachment:true",
            Property::AttachmentNames => "attachmentnames:budget*",
            Property::Importance => "importance:high",
            Property::Size => "size>=1000",
            Property::Edited => "edited:true",
            Property::Deleted => "deleted:true",
            Property::Hold => "hold:\"Matter 1\"",
            Property::Tag => "tag:privileged",
            Property::Id => "id:4711",
            Property::Subject => "subject:\"weekly report\"",
            Property::Text => "text:/INV-\\d{6}/",
        }
    }
}

type Value = Result<Node, Complaint>;

/// What a value of a property means.
pub(super) fn node(parser: &mut Parser<'_>, property: Property, is: Operator, text: &str, quoted: bool) -> Value {
    let compares = matches!(property, Property::Sent | Property::Size);
    if !compares && !matches!(is, Operator::Contains | Operator::Equal | Operator::Different) {
        let what = format!("{} has no order, so it is compared with : = or <> only", property.name());
        return Err(Complaint::new(what, format!("write {}", property.example())));
    }
    if text.trim().is_empty() {
        let what = format!("{} has no value", property.name());
        return Err(Complaint::new(what, format!("write {}", property.example())));
    }
    let node = match property {
        Property::Sent => return sent(parser, is, text),
        Property::Size => return size(is, text),
        Property::From => from(parser, is, text),
        Property::Participants => participants(parser, is, text),
        Property::Present => present(parser, is, text)?,
        Property::Room | Property::Category => rooms(parser, property, is, text)?,
        Property::Kind => kind(text)?,
        Property::HasAttachment => truth(Node::HasFile, property, text)?,
        Property::Importance => match &*fold(text) {
            "high" | "urgent" | "2" => Node::Alert(true),
            "normal" | "1" => Node::Alert(false),
            _ => {
                let what = "importance must be high or normal";
                return Err(Complaint::new(what, "write importance:high or importance:normal"));
            }
        },
        Property::Id => id(text)?,
        Property::Edited => truth(Node::Changed(Changed::Edited, None), property, text)?,
        Property::Deleted => truth(Node::Changed(Changed::Deleted, None), property, text)?,
        Property::Tag => {
            let keys = parser.names.tags(text);
            // A query that is kept knows no day, and means the tags that there are, if any.
            if keys.is_empty() && parser.names.today().is_some() {
                let hint = "pchat case tag get lists them; one of several of a name is written tag:\"case\\name\"";
                return Err(Complaint::new("no case has a tag of this name", hint));
            }
            Node::Tagged(Tagged { written: text.trim().to_owned(), keys, events: None })
        }
        Property::Hold => parser.names.hold(text).ok_or_else(|| {
            let what = "no hold of this name can be used in a query";
            Complaint::new(what, "pchat hold get lists all holds; those by words or a query cannot be asked for")
        })?,
        Property::AttachmentNames | Property::Subject | Property::Text => {
            let case = parser.case || is == Operator::Equal;
            let node = match quoted {
                // As it is written, stars and all.
                true if is == Operator::Equal => Node::phrase(text, true).map_or_else(|| term::phrase("", true), Ok),
                true => term::phrase(text, case),
                false => term::bare(text, case),
            };
            within(node?, property.field().flatten())?
        }
    };
    not_if(node, property, is)
}

/// Turned round when the property must be different.
pub(super) fn not_if(node: Node, property: Property, is: Operator) -> Value {
    match is {
        Operator::Different => Ok(Node::Not(Box::new(node))),
        Operator::Contains | Operator::Equal => Ok(node),
        _ => Err(Complaint::new(format!("{} has no order", property.name()), format!("write {}", property.example()))),
    }
}

/// A regular expression; with `=` it compares the case of letters.
pub(super) fn regex(text: &str, is: Operator, case: bool) -> Value {
    let pattern: String = text.nfc().collect();
    let hint = "write it as in text:/INV-\\d{6}/; a slash inside is written \\/";
    let read = Pattern::new(&pattern, case || is == Operator::Equal).map_err(|what| Complaint::new(what, hint))?;
    not_if(Node::Regex(read), Property::Text, is)
}

/// The people of a name: addresses as written, and whom the directory and the history know.
fn people(parser: &mut Parser<'_>, is: Operator, name: &str) -> BTreeSet<String> {
    let name = name.trim();
    // A query that is kept names everybody by address, and by nothing that a name could add.
    let is_address = parser.names.today().is_some()
        && !name.contains('*')
        && (name.contains('@') || name.to_ascii_lowercase().starts_with("sip"));
    let mut keys = BTreeSet::new();
    if is == Operator::Equal || is_address {
        keys.insert(person_key(name));
    }
    if is != Operator::Equal {
        let (known, by_word) = parser.names.known(name);
        let found = parser.names.people(name);
        keys.extend(found.iter().chain(&known).map(|uri| person_key(uri)));
        let named = Named { name: name.to_owned(), people: keys.iter().cloned().collect(), by_word };
        if !parser.people.contains(&named) {
            parser.people.push(named);
        }
    }
    keys
}

fn from(parser: &mut Parser<'_>, is: Operator, name: &str) -> Node {
    let keys = people(parser, is, name);
    if is == Operator::Equal {
        return Node::Person(keys);
    }
    let named = Node::Named(fold(name.trim()));
    if keys.is_empty() { named } else { Node::Or(vec![Node::Person(keys), named]) }
}

/// Who did it, or whose address stands in it.
fn participants(parser: &mut Parser<'_>, is: Operator, name: &str) -> Node {
    let did = from(parser, is, name);
    let keys = people(parser, is, name);
    let mut nodes = vec![did];
    nodes.extend(keys.iter().filter_map(|key| Node::phrase(key, false)));
    if nodes.len() == 1 { nodes.remove(0) } else { Node::Or(nodes) }
}

fn present(parser: &mut Parser<'_>, is: Operator, name: &str) -> Value {
    let mut keys = people(parser, is, name);
    if is != Operator::Equal {
        let seen = parser.names.named(name);
        if let Some(named) = parser.people.iter_mut().find(|named| named.name == name.trim()) {
            named.people.extend(seen.iter().cloned());
            named.people.sort();
            named.people.dedup();
        }
        keys.extend(seen);
    }
    match keys.is_empty() {
        true => Err(Complaint::new("no person matches this name", "give an address, as in present:anna@example.com")),
        false => Ok(Node::Present(keys)),
    }
}

fn rooms(parser: &Parser<'_>, property: Property, is: Operator, name: &str) -> Value {
    let name = name.trim();
    if is == Operator::Equal && property == Property::Room {
        let Some((pool, uri)) = name.split_once('\\') else {
            let what = "room= compares the whole address of a room";
            return Err(Complaint::new(what, "write room: for a name, or room=\"pool\\address\""));
        };
        let key = RoomKey { pool: pool.to_owned(), uri: uri.to_owned() };
        return Ok(Node::Rooms(Rooms { named: None, keys: [(key.key(), key)].into() }));
    }
    let (place, found) = match property {
        Property::Category => (Place::Category, parser.names.category(name)),
        _ => (Place::Room, parser.names.rooms(name)),
    };
    // A query that is kept knows no day, and means the rooms that there are, if any.
    if found.is_empty() && parser.names.today().is_some() {
        let noun = property.name();
        let what = format!("there is no {noun} of this name");
        return Err(Complaint::new(what, "pchat store info lists what is there; * stands for anything"));
    }
    let keys = found.into_iter().map(|key| (key.key(), key)).collect();
    Ok(Node::Rooms(Rooms { named: Some((place, name.to_owned())), keys }))
}

fn kind(text: &str) -> Value {
    let of = |kinds: &[Kind]| match kinds {
        [one] => Node::Kind(*one),
        several => Node::Or(several.iter().map(|kind| Node::Kind(*kind)).collect()),
    };
    Ok(match &*fold(text) {
        "message" | "messages" | "chat" | "im" => of(&[Kind::Chat]),
        "leave" | "part" => of(&[Kind::Part]),
        "file" | "files" => of(&[Kind::Upload, Kind::Download]),
        "history" | "view" => of(&[Kind::Backchat]),
        word => of(&[Kind::from_word(word).ok_or_else(|| {
            let words: Vec<&str> =
                Kind::ALL.iter().map(|kind| if *kind == Kind::Part { "leave" } else { kind.word() }).collect();
            Complaint::new("unknown kind of event", format!("the kinds are {} file", words.join(" ")))
        })?]),
    })
}

fn truth(node: Node, property: Property, text: &str) -> Value {
    match &*fold(text) {
        "true" | "yes" | "1" => Ok(node),
        "false" | "no" | "0" => Ok(Node::Not(Box::new(node))),
        _ => Err(Complaint::new(
            format!("{} must be true or false", property.name()),
            format!("write {}", property.example()),
        )),
    }
}

/// A number of a message, an address of an event, or the sequence of one.
fn id(text: &str) -> Value {
    let wrong = || {
        let hint = "write id:4711 for a message of any room, or id:\"pool\\address#sequence\" for an event";
        Complaint::new("neither a message number nor an event address", hint)
    };
    let Some((room, sequence)) = text.rsplit_once('#') else {
        return text.trim().parse().map(Node::Message).map_err(|_| wrong());
    };
    let sequence = Node::Sequence(sequence.parse().map_err(|_| wrong())?);
    if room.is_empty() {
        return Ok(sequence);
    }
    let (pool, uri) = room.split_once('\\').ok_or_else(wrong)?;
    let key = RoomKey { pool: pool.to_owned(), uri: uri.to_owned() };
    let room = Node::Rooms(Rooms { named: None, keys: [(key.key(), key)].into() });
    Ok(Node::And(vec![room, sequence]))
}

fn size(is: Operator, text: &str) -> Value {
    let number = |text: &str| {
        text.trim()
            .parse::<u64>()
            .map_err(|_| Complaint::new("not a number of bytes", "write digits alone, as in size>=1000 or size:10..20"))
    };
    if let Some((from, to)) = text.split_once("..").filter(|_| matches!(is, Operator::Contains | Operator::Equal)) {
        return bounded(number(from)?, number(to)?, |from, to| Node::Size { from, to });
    }
    let n = number(text)?;
    let between = |from, to| Node::Size { from, to };
    Ok(match is {
        Operator::Contains | Operator::Equal => between(n, n),
        Operator::Different => Node::Not(Box::new(between(n, n))),
        Operator::Less => n.checked_sub(1).map_or(Node::Or(Vec::new()), |to| between(0, to)),
        Operator::LessOrEqual => between(0, n),
        Operator::Greater => n.checked_add(1).map_or(Node::Or(Vec::new()), |from| between(from, u64::MAX)),
        Operator::GreaterOrEqual => between(n, u64::MAX),
    })
}

fn bounded<T: PartialOrd>(from: T, to: T, node: impl Fn(T, T) -> Node) -> Value {
    match from <= to {
        true => Ok(node(from, to)),
        false => Err(Complaint::new("this range ends before it begins", "write the smaller bound first")),
    }
}

fn sent(parser: &Parser<'_>, is: Operator, text: &str) -> Value {
    let between = |from, to| Node::Sent { from, to };
    if let Some((from, to)) = text.split_once("..").filter(|_| matches!(is, Operator::Contains | Operator::Equal)) {
        return bounded(period(parser, from)?.0, period(parser, to)?.1, between);
    }
    let (from, to) = period(parser, text)?;
    let before = Ticks(from.0.saturating_sub(1));
    let after = Ticks(to.0.saturating_add(1));
    Ok(match is {
        Operator::Contains | Operator::Equal => between(from, to),
        Operator::Different => Node::Not(Box::new(between(from, to))),
        Operator::Less => between(Ticks::MIN, before),
        Operator::LessOrEqual => between(Ticks::MIN, to),
        Operator::Greater => between(after, Ticks::MAX),
        Operator::GreaterOrEqual => between(from, Ticks::MAX),
    })
}

/// The first and the last instant of what a date, a month, a year, a time or words such as `today` stand for.
fn period(parser: &Parser<'_>, text: &str) -> Result<(Ticks, Ticks), Complaint> {
    let text = text.trim();
    let wrong = || {
        let hint = "write YYYY-MM-DD, YYYY-MM, YYYY, a time as YYYY-MM-DDTHH:MM:SSZ, or today, yesterday, \"this week\", \
                    \"last week\", \"this month\", \"last month\", \"this year\", \"last year\"; a range is \
                    sent:2014-01-01..2014-03-31, an open one sent>=2014-01-01";
        Complaint::new("not a date", hint)
    };
    let days = match relative(parser.names.today(), &fold(text)) {
        Some(days) => Some(days),
        None => whole(text),
    };
    let (first, last) = match days {
        Some((first, last)) => (first.format("%Y-%m-%d").to_string(), last.format("%Y-%m-%d").to_string()),
        None => (text.to_owned(), text.to_owned()),
    };
    let bound = |text: &str, end| parser.names.bound(text, end).ok_or_else(wrong);
    Ok((bound(&first, false)?, bound(&last, true)?))
}

/// A month or a year.
fn whole(text: &str) -> Option<(NaiveDate, NaiveDate)> {
    let number = |text: &str, digits| (text.len() == digits).then(|| text.parse::<u32>().ok()).flatten();
    let (year, month) = match text.split_once('-') {
        Some((year, month)) => (number(year, 4)?, Some(number(month, 2)?)),
        None => (number(text, 4)?, None),
    };
    let first = NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month.unwrap_or(1), 1)?;
    let next = first.checked_add_months(Months::new(if month.is_some() { 1 } else { 12 }))?;
    Some((first, next.pred_opt()?))
}

/// Days as people call them. A week begins on Monday.
fn relative(today: Option<NaiveDate>, text: &str) -> Option<(NaiveDate, NaiveDate)> {
    let today = today?;
    let month = today.with_day(1)?;
    let year = month.with_month(1)?;
    let week = today.checked_sub_days(Days::new(u64::from(today.weekday().num_days_from_monday())))?;
    let to = |first: NaiveDate, months| Some((first, first.checked_add_months(Months::new(months))?.pred_opt()?));
    match text {
        "today" => Some((today, today)),
        "yesterday" => Some((today.pred_opt()?, today.pred_opt()?)),
        "this week" => Some((week, week.checked_add_days(Days::new(6))?)),
        "last week" => Some((week.checked_sub_days(Days::new(7))?, week.pred_opt()?)),
        "this month" => to(month, 1),
        "last month" => to(month.checked_sub_months(Months::new(1))?, 1),
        "this year" => to(year, 12),
        "last year" => to(year.checked_sub_months(Months::new(12))?, 12),
        _ => None,
    }
}
