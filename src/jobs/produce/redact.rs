//! Redaction: what a query means in an event is replaced by a mark before any format sees it, or all that the event
//! says.

use crate::model::addresses::Addresses;
use crate::model::message::{Content, Event};
use crate::model::unit::Unit;
use crate::select::matches::{Subject, leaves, marks, matches};
use crate::select::query::Node;
use crate::select::texts::searched_texts;
use std::collections::BTreeMap;
use std::ops::Range;

/// What stands in the place of what was taken out.
pub(super) const MARK: &str = "[REDACTED]";

/// What is taken out of which events.
#[derive(Debug, Default)]
pub(super) struct Redactor {
    /// What is looked for.
    pub(super) queries: Vec<Node>,
    /// Events that may have some of it.
    pub(super) met: Addresses,
    /// Events all of whose texts go.
    pub(super) whole: Addresses,
    /// Where a query means an event, all of its texts go.
    pub(super) always_whole: bool,
}

impl Redactor {
    /// Does it change anything?
    pub(super) fn is_empty(&self) -> bool {
        self.met.is_empty() && self.whole.is_empty()
    }

    /// The events it may change.
    pub(super) fn events(&self) -> Addresses {
        let mut all = self.met.clone();
        all.extend(&self.whole);
        all
    }

    /// Changes an event of a unit. Gives the texts that were taken out, none when it stays; and whether that is all it
    /// says.
    pub(super) fn apply(&self, unit: &mut Unit, at: usize) -> (Vec<String>, bool) {
        let event = &unit.events[at];
        let mut whole = self.whole.has(&unit.room, event.sequence);
        let mut places: BTreeMap<usize, Vec<Range<usize>>> = BTreeMap::new();
        if !whole && self.met.has(&unit.room, event.sequence) {
            let subject = Subject::new(&unit.room, &unit.people[event.who as usize], event);
            for node in &self.queries {
                if !matches(node, &subject) {
                    continue;
                }
                let found = marks(&leaves(node), event);
                // What has no place in a text, such as an author, or a pattern in a text of other bytes, is all of it.
                whole |= self.always_whole || found.is_empty() || found.iter().any(|mark| mark.bytes.is_empty());
                for mark in found {
                    places.entry(mark.text).or_default().extend(mark.bytes);
                }
            }
        }
        if !whole && places.is_empty() {
            return (Vec::new(), false);
        }
        let mut taken: Vec<String> = Vec::new();
        let texts: Vec<String> = searched_texts(event).map(std::borrow::Cow::into_owned).collect();
        let event = &mut unit.events[at];
        if whole {
            taken.extend(texts.into_iter().filter(|text| !text.is_empty()));
            all(event, &mut taken);
            return (taken, true);
        }
        for (number, ranges) in &mut places {
            ranges.sort_unstable_by_key(|range| (range.start, range.end));
            if let Some(text) = texts.get(*number) {
                taken.extend(ranges.iter().filter_map(|range| text.get(range.clone())).map(str::to_owned));
            }
        }
        if let Some(ranges) = places.get(&0) {
            event.body = cut(&event.body, ranges);
        }
        let mut named = 0;
        for file in &mut event.more_mut().files {
            named += usize::from(file.name.is_some());
            let hit = file.name.is_some() && places.contains_key(&named);
            // Its content goes, too, so it bears the mark in any case.
            file.name = Some(match file.name.take().filter(|_| !hit) {
                Some(name) => format!("{MARK} {name}"),
                None => MARK.to_owned(),
            });
        }
        let rest = places.keys().any(|number| *number > named);
        beside(event, rest, &texts, &mut taken);
        (taken, false)
    }
}

/// All that an event says.
fn all(event: &mut Event, taken: &mut Vec<String>) {
    if !event.body.is_empty() {
        event.body = MARK.to_owned();
    }
    if let Some(more) = &mut event.more {
        for file in &mut more.files {
            file.name = Some(MARK.to_owned());
        }
        more.word = more.word.take().map(|_| MARK.to_owned());
    }
    beside(event, true, &[], taken);
}

/// What says the same in another form, or cannot be taken apart: RTF, other keys, contents of attachments.
fn beside(event: &mut Event, rest: bool, texts: &[String], taken: &mut Vec<String>) {
    let Some(more) = &mut event.more else { return };
    if more.rtf.is_some() {
        more.rtf = Some(format!("{{\\rtf1\\ansi {MARK}}}"));
    }
    if more.extra.is_some() {
        more.extra = Some(format!("{{\"redacted\":\"{MARK}\"}}"));
    }
    if rest {
        let named = more.files.iter().filter(|file| file.name.is_some()).count();
        taken.extend(texts.iter().skip(1 + named).cloned());
        more.word = more.word.take().map(|_| MARK.to_owned());
    }
    for file in &mut more.files {
        // What the source kept it as has its name in it; a hash would confirm a guess.
        (file.link, file.size, file.sha256, file.content) = (None, None, None, Content::Absent);
    }
}

/// A text with marks in the place of these ranges.
fn cut(text: &str, ranges: &[Range<usize>]) -> String {
    let (mut out, mut from) = (String::with_capacity(text.len()), 0);
    for range in ranges {
        if range.end <= from {
            continue;
        }
        if range.start >= from {
            out.push_str(text.get(from..range.start).unwrap_or_default());
            out.push_str(MARK);
        }
        from = range.end;
    }
    out.push_str(text.get(from..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_that_overlap_are_one_mark() {
        assert_eq!(cut("one two three", &[0..3, 2..7, 4..7]), "[REDACTED] three");
        assert_eq!(cut("one two", std::slice::from_ref(&(4..7))), "one [REDACTED]");
        assert_eq!(cut("é", std::slice::from_ref(&(0..2))), MARK);
    }
}
