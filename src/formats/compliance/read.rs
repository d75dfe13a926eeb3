//! The walk over a compliance file: conversations in, units of events out.
//!
//! It holds one page of events at most, whatever the size of the file, and it stops at the first
//! thing it does not understand unless it was asked to go on and list it.

use super::attributes::{self, is_space};
use super::declaration::written;
use super::input::{Input, Spot};
use super::message::{self, Draft, Wrong};
use super::syntax::{self, attribute_fault, damage, is_known, shown};
use crate::error::{Error, Kind as ErrorKind, Result};
use crate::formats::wellformed::{self, Fault};
use crate::formats::{ReadOptions, Remarks, TakeUnit};
use crate::model::ids::RoomKey;
use crate::model::message::{Event, Persona};
use crate::model::unit::{PAGE_BYTES, PAGE_EVENTS, People, RoomHint, Unit};
use quick_xml::events::Event as Markup;
use std::io::BufRead;
use std::sync::Arc;

/// Elements may be nested this deep.
const DEPTH_LIMIT: usize = 32;
/// So many copies of first messages are looked for in one conversation.
const FIRST_LIMIT: usize = 64;

/// The part an open element plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Conversations,
    Conversation,
    Channel,
    Messages,
    Message,
    Sender,
    Time,
    /// Known and not needed, such as the copy in `FirstMessage`; or unknown. With all it holds.
    Skipped,
}

/// The conversation that is being read.
struct Talk {
    start: Spot,
    room: Option<Arc<RoomKey>>,
    title: Option<String>,
    people: People,
    events: Vec<Event>,
    lines: Vec<u64>,
    weight: usize,
    /// Messages met, good or bad.
    met: u64,
    first: bool,
    /// Numbers that `FirstMessage` gave and no message had yet, and whether each was a message's.
    awaited: Vec<(i64, bool)>,
    /// The first number a message had, and the least.
    earliest: Option<(i64, i64)>,
}

/// The message that is being read, or the first thing wrong with it.
struct Open {
    start: Spot,
    draft: Result<Draft, Error>,
}

pub(super) struct Walk<'r, 'e, 'u> {
    options: &'r ReadOptions,
    emit: &'e mut TakeUnit<'u>,
    pub(super) remarks: Remarks,
    stack: Vec<(Part, Spot)>,
    talk: Option<Talk>,
    open: Option<Open>,
    number: u32,
    stopped: bool,
    begun: bool,
    /// The declaration says that every character is one of ASCII.
    pub(super) ascii: bool,
    /// The root element was seen, and whether it is the right one.
    root: Option<bool>,
    wrong_root: Option<Error>,
}

/// Reads a compliance file and hands out its events, room by room, in units of bounded size.
///
/// `input` may be UTF-8 or UTF-16. Units are numbered from 1 in the order of being emitted. With
/// `keep_going` a message that makes no sense is left out and listed; markup that makes no sense
/// ends the reading, with the gap listed and everything before it kept.
pub fn read(input: &mut dyn BufRead, options: &ReadOptions, emit: &mut TakeUnit) -> Result<Remarks> {
    let mut walk = Walk {
        options,
        emit,
        remarks: Remarks::default(),
        stack: Vec::new(),
        talk: None,
        open: None,
        number: 0,
        stopped: false,
        begun: false,
        ascii: false,
        root: None,
        wrong_root: None,
    };
    let file = options.file.as_str();
    let mut xml = quick_xml::Reader::from_reader(Input::new(Box::new(input), file));
    let mut buffer = Vec::new();
    while !walk.stopped {
        buffer.clear();
        xml.get_mut().start();
        let failed = match xml.read_event_into(&mut buffer) {
            Ok(Markup::Eof) => match walk.end(xml.get_ref().spot()) {
                Ok(()) => break,
                Err(error) => error,
            },
            Ok(markup) => match walk.take(&markup, xml.get_ref()) {
                Ok(()) => continue,
                Err(error) => error,
            },
            Err(error) => syntax::explain(error, xml.get_mut(), file, &buffer),
        };
        walk.give_up(failed)?;
        break;
    }
    Ok(walk.remarks)
}

impl Walk<'_, '_, '_> {
    pub(super) fn file(&self) -> &str {
        &self.options.file
    }

    fn take(&mut self, markup: &Markup<'_>, input: &Input<'_>) -> Result<()> {
        let mark = input.mark();
        let first = !std::mem::replace(&mut self.begun, true);
        if self.ascii && !written(markup).is_ascii() {
            return Err(damage(self.file(), mark, "the declaration says US-ASCII, and the file is not", ""));
        }
        match markup {
            Markup::Start(tag) => self.tag(tag, tag.name().as_ref(), mark),
            Markup::Empty(tag) => {
                self.tag(tag, tag.name().as_ref(), mark)?;
                self.close()
            }
            Markup::End(_) => self.close(),
            Markup::Text(text) => {
                self.well_formed(mark, "", text, wellformed::text(text))?;
                self.text(text, mark)
            }
            Markup::CData(_) if self.stack.is_empty() => self.text(".", mark),
            Markup::CData(text) => {
                self.well_formed(mark, "<![CDATA[", text, wellformed::characters(text))?;
                self.text(text, mark)
            }
            Markup::GeneralRef(name) => {
                let written = format!("&{};", &**name);
                attributes::reference(&written, 0)
                    .map_err(|fault| damage(self.file(), mark, fault.what, fault.hint))?;
                self.text(".", mark)
            }
            Markup::Comment(inside) => syntax::check_comment(self.file(), mark, inside),
            Markup::Decl(declaration) if first => self.declaration(declaration, mark, input),
            Markup::Decl(_) => {
                let hint = "remove what stands before it, white space included";
                Err(damage(self.file(), mark, "the XML declaration must be the very first thing", hint))
            }
            Markup::DocType(_) => Err(syntax::document_type(self.file(), mark)),
            Markup::PI(inside) => self.well_formed(mark, "<?", inside, wellformed::instruction(inside)).map(|_| ()),
            Markup::Eof => Ok(()),
        }
    }

    /// What another reader of XML would refuse of `text`, which stands behind `before`, the beginning of the markup.
    pub(super) fn well_formed<T>(&self, mark: Spot, before: &str, text: &str, found: Result<T, Fault>) -> Result<T> {
        found.map_err(|fault| {
            let spot = mark.after(before.as_bytes()).after(&text.as_bytes()[..fault.at]);
            damage(self.file(), spot, fault.what, fault.hint)
        })
    }

    fn text(&mut self, text: &str, mark: Spot) -> Result<()> {
        let Some(at) = text.bytes().position(|byte| !is_space(byte)) else { return Ok(()) };
        let spot = mark.after(&text.as_bytes()[..at]);
        match self.stack.last() {
            None if self.root.is_none() => {
                Err(damage(self.file(), spot, "this is not XML: it does not begin with `<`", "name a compliance file"))
            }
            None => Err(damage(self.file(), spot, "text after the end of the root element", "remove it")),
            Some((Part::Skipped, _)) => Ok(()),
            Some(_) => {
                self.remarks.note("texts between elements were skipped; compliance files have none");
                Ok(())
            }
        }
    }

    fn tag(&mut self, tag: &str, name: &str, mark: Spot) -> Result<()> {
        syntax::check_name(self.file(), mark, tag, name)?;
        // quick-xml takes a `<` for a part of the name; the scan tells it as what it is.
        let name = name.split('<').next().unwrap_or_default();
        let rest = &tag[name.len()..];
        let before = || format!("<{name}");
        let found =
            attributes::scan(rest).map_err(|fault| attribute_fault(self.file(), mark, &before(), rest, &fault))?;
        if self.stack.len() >= DEPTH_LIMIT {
            let what = format!("elements are nested more than {DEPTH_LIMIT} deep");
            return Err(damage(self.file(), mark, what, "compliance files have only five levels"));
        }
        let part = self.part(name, mark)?;
        if part == Part::Skipped && name == "FirstMessage" {
            self.first(&found);
        } else if part != Part::Skipped {
            message::note_references(&found, &mut self.remarks);
        }
        self.stack.push((part, mark));
        let place = |wrong: Wrong| {
            let spot = wrong.at.map_or(mark, |at| mark.after(before().as_bytes()).after(&rest.as_bytes()[..at]));
            damage(&self.options.file, spot, wrong.what, "")
        };
        match part {
            Part::Conversation => {
                self.talk = Some(Talk {
                    start: mark,
                    room: None,
                    title: None,
                    people: People::default(),
                    events: Vec::new(),
                    lines: Vec::new(),
                    weight: 0,
                    met: 0,
                    first: false,
                    awaited: Vec::new(),
                    earliest: None,
                });
                Ok(())
            }
            Part::Channel => match message::channel(&found, &mut self.remarks) {
                Ok(channel) => self.channel(channel, mark),
                Err(wrong) => Err(place(wrong)),
            },
            Part::Message => {
                if let (Some(number), Some(talk)) = (message::number(&found), &mut self.talk) {
                    talk.awaited.retain(|(other, _)| *other != number);
                    let (first, least) = talk.earliest.unwrap_or((number, number));
                    talk.earliest = Some((first, least.min(number)));
                }
                let draft = Draft::read(&found, &mut self.remarks).map_err(place);
                self.open = Some(Open { start: mark, draft });
                Ok(())
            }
            Part::Sender => {
                let persona = message::persona(&found, &mut self.remarks).map_err(place);
                self.amend(mark, persona, |draft| &mut draft.persona, "a message has two senders");
                Ok(())
            }
            Part::Time => {
                let at = message::time(&found, &mut self.remarks).map_err(place);
                self.amend(mark, at, |draft| &mut draft.at, "a message has two times");
                Ok(())
            }
            Part::Conversations | Part::Messages | Part::Skipped => Ok(()),
        }
    }

    /// The part the element plays where it stands.
    fn part(&mut self, name: &str, mark: Spot) -> Result<Part> {
        let Some((parent, _)) = self.stack.last() else { return self.root(name, mark) };
        let part = match (parent, name) {
            (Part::Conversations, "Conversation") => Part::Conversation,
            (Part::Conversation, "Channel") => Part::Channel,
            (Part::Conversation, "Messages") => Part::Messages,
            (Part::Conversation, "FirstMessage") => {
                if let Some(talk) = &mut self.talk {
                    talk.first = true;
                }
                Part::Skipped
            }
            (Part::Conversation, "StartTimeUTC" | "EndTimeUTC") => Part::Skipped,
            (Part::Conversations, "Sender" | "DateTimeUTC") => Part::Skipped,
            (Part::Messages, "Message") => Part::Message,
            (Part::Message, "Sender") => Part::Sender,
            (Part::Message, "DateTimeUTC") => Part::Time,
            (Part::Skipped, _) => Part::Skipped,
            // What holds messages is never skipped because it stands in an odd place.
            (_, "Conversations" | "Conversation" | "Channel" | "Messages" | "Message" | "Sender" | "DateTimeUTC") => {
                return Err(damage(self.file(), mark, format!("{} does not belong here", shown(name)), ""));
            }
            _ => {
                self.remarks.note("elements that are not in the published schema were skipped with all they hold");
                Part::Skipped
            }
        };
        Ok(part)
    }

    /// Remembers the number of a copy. One that stands behind the messages, where the schema does not have it, is held
    /// against the first and the least number only: all of them would have no bound.
    fn first(&mut self, found: &[attributes::Attribute<'_>]) {
        let (Some(number), Some(talk)) = (message::number(found), &mut self.talk) else { return };
        let met = talk.earliest.is_some_and(|(first, least)| number == first || number == least);
        let known = talk.awaited.iter().any(|(other, _)| *other == number);
        if !met && !known && talk.awaited.len() < FIRST_LIMIT {
            talk.awaited.push((number, message::is_chat(found)));
        }
    }

    fn root(&mut self, name: &str, mark: Spot) -> Result<Part> {
        if self.root.is_some() {
            return Err(damage(self.file(), mark, "a second root element", "a file holds one `Conversations`"));
        }
        self.root = Some(name == "Conversations");
        if name == "Conversations" {
            return Ok(Part::Conversations);
        }
        let error = if name == "FileDump" {
            let what = "this is not a compliance file but what the published stylesheet makes of one";
            let hint = "it has lost names, message numbers and exact times; import the file it was made from";
            damage(self.file(), mark, what, hint)
        } else if is_known(name) {
            let what = format!("this is a piece of a compliance file: its root element is `{name}`");
            damage(self.file(), mark, what, "put it back inside `Conversations`")
        } else {
            damage(self.file(), mark, "this is not a compliance file: its root element is not `Conversations`", "")
        };
        if !is_known(name) {
            return Err(error);
        }
        // A pasted piece is read to its end, because a typing mistake in it is the better news.
        self.wrong_root = Some(error);
        Ok(Part::Skipped)
    }

    /// Puts what was read into the open message, or the first thing that is wrong with it.
    fn amend<T>(&mut self, mark: Spot, read: Result<T>, field: fn(&mut Draft) -> &mut Option<T>, twice: &str) {
        let file = &self.options.file;
        let Some(open) = &mut self.open else { return };
        let Ok(draft) = &mut open.draft else { return };
        match read {
            Ok(value) if field(draft).is_none() => *field(draft) = Some(value),
            Ok(_) => open.draft = Err(damage(file, mark, twice, "")),
            Err(error) => open.draft = Err(error),
        }
    }

    fn channel(&mut self, channel: message::Channel, mark: Spot) -> Result<()> {
        let host = message::host(&channel.uri);
        let pool = self.options.pool.as_deref().or(host).unwrap_or("unknown").to_owned();
        let room = RoomKey { pool, uri: channel.uri };
        let Some(talk) = &mut self.talk else { return Ok(()) };
        match &talk.room {
            Some(known) if **known != room => {
                Err(damage(self.file(), mark, "a second `Channel` names another room than the first", ""))
            }
            Some(_) => Ok(()),
            None => {
                talk.room = Some(Arc::new(room));
                talk.title = channel.title;
                Ok(())
            }
        }
    }

    fn close(&mut self) -> Result<()> {
        match self.stack.pop() {
            Some((Part::Message, _)) => self.close_message(),
            Some((Part::Conversation, _)) => self.close_talk(),
            _ => Ok(()),
        }
    }

    fn close_message(&mut self) -> Result<()> {
        let Some(Open { start, draft }) = self.open.take() else { return Ok(()) };
        let file = &self.options.file;
        let finish =
            |draft: Draft| draft.finish(&mut self.remarks).map_err(|wrong| damage(file, start, wrong.what, ""));
        let Some(talk) = &mut self.talk else { return Ok(()) };
        talk.met += 1;
        match draft.and_then(finish) {
            Ok((mut event, persona)) => {
                event.who = talk.people.index(&persona);
                talk.weight += event.weight() + weight(&persona);
                talk.events.push(event);
                talk.lines.push(start.line);
            }
            Err(error) if self.options.keep_going => self.remarks.gap(error),
            Err(error) => return Err(error),
        }
        if talk.events.len() < PAGE_EVENTS && talk.weight < PAGE_BYTES {
            return Ok(());
        }
        if talk.room.is_none() {
            let hint = "put `Channel` first in each `Conversation`";
            return Err(damage(file, start, "a long conversation whose `Channel` does not come first", hint));
        }
        self.flush();
        Ok(())
    }

    fn close_talk(&mut self) -> Result<()> {
        self.flush();
        let Some(talk) = self.talk.take() else { return Ok(()) };
        if talk.first && talk.met == 0 {
            self.remarks.note("conversations with a `FirstMessage` but no messages; the copy is not counted");
        }
        if talk.met > 0 {
            for _ in &talk.awaited {
                self.remarks
                    .note("`FirstMessage` gives a number no `Message` of its conversation has: one may be missing");
            }
        }
        if let Some(room) = &talk.room {
            let greatest = talk.awaited.iter().filter(|(_, chat)| *chat).map(|(number, _)| number).max();
            greatest.into_iter().for_each(|number| self.remarks.state((**room).clone(), *number));
            return Ok(());
        }
        if talk.met == 0 {
            self.remarks.note("conversations without a room and without messages were skipped");
            return Ok(());
        }
        let error = damage(self.file(), talk.start, "`Conversation` without `Channel`: its room is not known", "");
        if self.options.keep_going {
            self.remarks.gap(error);
            return Ok(());
        }
        Err(error)
    }

    /// Hands out what was gathered, if the room is known.
    fn flush(&mut self) {
        let Some(talk) = &mut self.talk else { return };
        let Some(room) = &talk.room else { return };
        if talk.events.is_empty() || self.stopped {
            return;
        }
        self.number += 1;
        let mut unit = Unit::new(Arc::clone(room), self.number);
        unit.hint = RoomHint { title: talk.title.clone(), ..RoomHint::default() };
        unit.people = talk.people.take();
        unit.put(std::mem::take(&mut talk.events), std::mem::take(&mut talk.lines));
        talk.weight = 0;
        self.stopped = (self.emit)(unit).is_break();
    }

    /// Checks that the file ended where it may.
    fn end(&mut self, spot: Spot) -> Result<()> {
        if let Some((_, start)) = self.stack.last() {
            let what = format!("the file ends inside the element that starts in line {}", start.line);
            return Err(damage(self.file(), spot, what, "get a complete copy of the file"));
        }
        if let Some(error) = self.wrong_root.take() {
            return Err(error);
        }
        if self.root.is_none() {
            return Err(damage(self.file(), spot, "this is not a compliance file: it holds no element", ""));
        }
        Ok(())
    }

    /// Ends the reading, or lists the gap and keeps what came before it.
    fn give_up(&mut self, error: Error) -> Result<()> {
        if !self.options.keep_going || self.root != Some(true) || error.kind() != ErrorKind::Damaged {
            return Err(error);
        }
        self.flush();
        let lost = self.talk.take().filter(|talk| talk.room.is_none() && !talk.events.is_empty());
        if let Some(talk) = lost {
            let what = "`Conversation` without `Channel`: its room is not known";
            let gap = damage(self.file(), talk.start, what, "");
            self.remarks.gap(gap);
        }
        let what = format!("{}; nothing after this place was read", error.what());
        let mut gap = Error::new(error.kind(), what);
        if let Some(place) = error.place() {
            gap = gap.at(place.clone());
        }
        if let Some(hint) = error.hint_text() {
            gap = gap.hint(hint);
        }
        self.remarks.gap(gap);
        Ok(())
    }
}

fn weight(persona: &Persona) -> usize {
    let texts = [persona.name.as_ref(), persona.email.as_ref()];
    persona.uri.len() + texts.into_iter().flatten().map(String::len).sum::<usize>()
}
