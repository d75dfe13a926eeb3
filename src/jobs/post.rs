//! What people do in rooms, one thing at a time: enter, leave, write, put a file. Everything is asked in the
//! transaction that keeps it: policy, category, room. Also the test that two people can do it.

use crate::context::{Context, no_random};
use crate::error::{Error, Kind as Failure, Place, Result, quoted};
use crate::jobs::selection::{only_room, room_key};
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::ids::{EventId, RoomKey, fold, person_key};
use crate::model::message::{Attachment, Content, Event, Kind, More, Persona};
use crate::model::record::Record;
use crate::model::time::Ticks;
use crate::model::unit::Unit;
use crate::rules::directory::Directory;
use crate::rules::holds;
use crate::rules::rights::{self, Deed};
use crate::store::block::Prepared;
use crate::store::sqlite::Sqlite;
use crate::store::{Intake, Store, Wanted};
use sha2::{Digest, Sha256};
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

/// The longest text a message may have, in characters.
pub const LONGEST: usize = 100_000;

/// What somebody does.
#[derive(Debug)]
pub enum What {
    /// Writes a message.
    Message {
        /// The text.
        text: String,
        /// High importance.
        alert: bool,
    },
    /// Puts a file into the room.
    Upload(PathBuf),
    /// Enters.
    Join,
    /// Leaves.
    Part,
}

/// What became of it.
#[derive(Debug)]
pub struct Posted {
    /// The room.
    pub room: Record,
    /// The number of the message in its room.
    pub number: Option<i64>,
    /// Its address, when it was kept.
    pub event: Option<EventId>,
    /// When.
    pub at: Ticks,
    /// The category keeps history, so it was kept.
    pub kept: bool,
}

impl What {
    fn deed(&self) -> Deed {
        match self {
            What::Message { .. } => Deed::Post,
            What::Upload(_) => Deed::Upload,
            What::Join => Deed::Enter,
            What::Part => Deed::Leave,
        }
    }

    fn action(&self) -> &'static str {
        match self {
            What::Message { .. } => "message post",
            What::Upload(_) => "message upload",
            What::Join => "message join",
            What::Part => "message part",
        }
    }
}

/// Does it on behalf of a person, if the rules allow it.
pub fn post(cx: &Context<'_>, wanted: &Wanted<'_>, room: &str, person: &str, what: &What) -> Result<Posted> {
    cx.session.take_in(|store| post_in(cx, store, wanted, room, person, what))
}

fn post_in(
    cx: &Context<'_>,
    store: &mut Sqlite,
    wanted: &Wanted<'_>,
    room: &str,
    person: &str,
    what: &What,
) -> Result<Posted> {
    let mut intake = store.intake(false)?;
    let catalog = intake.settings(wanted)?;
    let directory = Directory::new(&catalog);
    let room = only_room(&catalog, room)?.clone();
    let persona = persona(&directory, person)?;
    let kept = rights::check(&catalog, &directory, &room, &persona.uri, what.deed())?;
    let key = room_key(&room);
    let most = rights::largest_file(&catalog, &room, &persona.uri);
    let (event, file) = event(cx, most, what, || intake.next_chat(&key))?;
    if !kept {
        holds::may_be_dropped(&catalog, &key, &persona, &event)?;
    }
    let number = event.chat;
    let (at, sha256) = (event.at, event.more().files.first().and_then(|file| file.sha256));
    // Who wrote what is kept with it; the audit log knows where and which.
    let mut details: Vec<(&'static str, String)> =
        number.iter().map(|number| ("message", number.to_string())).collect();
    let mut address = None;
    if kept {
        let sequence = take(cx, &mut *intake, &key, persona, event)?;
        address = sequence.map(|sequence| EventId { room: key, sequence });
        details.extend(address.iter().map(|address| ("event", address.to_string())));
        if let (Some(sha256), Some(file)) = (sha256, file) {
            let mut opened = crate::files::open(&file).map_err(|e| Error::io(file.display(), e))?;
            intake.content(&sha256, &mut opened)?;
        }
        intake.commit(cx.entry(what.action(), room.identity(), details))?;
    } else {
        intake.abandon()?;
        drop(intake);
        store.record(cx.entry(what.action(), room.identity(), vec![("kept", "no".to_owned())]))?;
    }
    Ok(Posted { room, number: number.filter(|_| kept), event: address, at, kept })
}

/// A person as history names them.
fn persona(directory: &Directory<'_>, person: &str) -> Result<Persona> {
    if person.contains(['*', '?']) {
        return Err(Error::new(Failure::Usage, format!("{} is a pattern; a message has one sender", quoted(person)))
            .hint("give a SIP address, as in --user sip:user@example.com"));
    }
    let uri = directory.entry(person, false)?;
    if !uri.contains('@') {
        return Err(Error::new(Failure::Usage, "the sender has no SIP address")
            .hint("give a SIP address, as in --user sip:user@example.com"));
    }
    let shown = directory.shown(&uri, true);
    let name = (person_key(&shown) != person_key(&uri)).then_some(shown);
    let uri = if fold(&uri).starts_with("sip:") { uri } else { format!("sip:{uri}") };
    Ok(Persona { uri, name, internal: Some(true), ..Persona::default() })
}

fn event(
    cx: &Context<'_>,
    most: u64,
    what: &What,
    number: impl FnOnce() -> Result<i64>,
) -> Result<(Event, Option<PathBuf>)> {
    let plain = |kind| Event::new((cx.clock)(), kind);
    Ok(match what {
        What::Join => (plain(Kind::Join), None),
        What::Part => (plain(Kind::Part), None),
        What::Message { text, alert } => {
            if text.trim().is_empty() {
                return Err(Error::new(Failure::Usage, "a message needs text"));
            }
            if text.chars().count() > LONGEST {
                return Err(Error::new(Failure::Refused, format!("a message has at most {LONGEST} characters")));
            }
            (Event { chat: Some(number()?), body: text.clone(), alert: Some(*alert), ..plain(Kind::Chat) }, None)
        }
        What::Upload(path) => {
            let told = |e| Error::io(path.display(), e);
            let mut file = crate::files::open(path).map_err(told)?;
            let (mut hash, mut size, mut buffer) = (Sha256::new(), 0u64, vec![0; 1 << 16]);
            loop {
                let read = file.read(&mut buffer).map_err(told)?;
                if read == 0 {
                    break;
                }
                size += read as u64;
                if size > most {
                    return Err(Error::new(
                        Failure::Refused,
                        format!("files can have at most {} KB here", most / 1024),
                    )
                    .at(Place::file(path.display().to_string()))
                    .hint("pchat configuration set --max-file-size-kb changes that"));
                }
                hash.update(&buffer[..read]);
            }
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
            let attachment = Attachment {
                name,
                link: None,
                size: Some(size),
                sha256: Some(hash.finalize().into()),
                content: Content::Kept,
            };
            let more = More { files: vec![attachment], ..More::default() };
            (Event { more: Some(Box::new(more)), ..plain(Kind::Upload) }, Some(path.clone()))
        }
    })
}

fn take(
    cx: &Context<'_>,
    intake: &mut dyn Intake,
    key: &RoomKey,
    persona: Persona,
    event: Event,
) -> Result<Option<u64>> {
    let mut unit = Unit::new(Arc::new(key.clone()), 1);
    unit.people.push(persona);
    unit.events.push(event);
    let prepared = Prepared::of(&unit, &mut || (cx.random)()).map_err(no_random)?;
    intake.take(&unit, prepared, 0).map(|outcome| outcome.sequence)
}

/// Two people who test a room.
#[derive(Debug, Default)]
pub struct Trial {
    /// The room; without one, the first in which both may write.
    pub room: Option<String>,
    /// The pool in which to look for one, if it is one of the store's.
    pub target: Option<String>,
    /// Who writes first, by address.
    pub sender: String,
    /// Who answers, by address.
    pub receiver: String,
}

/// How a trial went.
#[derive(Debug)]
pub struct Tried {
    /// The room, as far as it got.
    pub room: Option<String>,
    /// Ticks from the first step to the last.
    pub ticks: i64,
    /// Why it failed.
    pub failed: Option<Error>,
}

/// Lets two people enter a room, exchange messages and leave, through the same rules and the same store as everybody;
/// then takes it all back. Only the record of the test stays.
pub fn trial(cx: &Context<'_>, wanted: &Wanted<'_>, trial: &Trial) -> Result<Tried> {
    cx.session.write(|store| trial_in(cx, store, wanted, trial))
}

fn trial_in(cx: &Context<'_>, store: &mut Sqlite, wanted: &Wanted<'_>, trial: &Trial) -> Result<Tried> {
    let start = (cx.clock)();
    let mut intake = store.intake(false)?;
    let mut room = None;
    let done = exchange(cx, &mut *intake, wanted, trial, &mut room);
    let ticks = (cx.clock)().0 - start.0;
    intake.abandon()?;
    drop(intake);
    let result = if done.is_ok() { "success" } else { "failure" };
    let why = done.as_ref().err().map(|error| ("why", error.what().to_owned()));
    let details = std::iter::once(("result", result.to_owned())).chain(why).collect();
    store.record(cx.entry("message test", room.clone().unwrap_or_default(), details))?;
    Ok(Tried { room, ticks, failed: done.err() })
}

fn exchange(
    cx: &Context<'_>,
    intake: &mut dyn Intake,
    wanted: &Wanted<'_>,
    trial: &Trial,
    tried: &mut Option<String>,
) -> Result<()> {
    let catalog = intake.settings(wanted)?;
    let directory = Directory::new(&catalog);
    let people = [persona(&directory, &trial.sender)?, persona(&directory, &trial.receiver)?];
    for person in &people {
        rights::enabled(&catalog, &person.uri)?;
    }
    let room = match &trial.room {
        Some(name) => only_room(&catalog, name)?,
        None => some_room(&catalog, &directory, trial, &people)?,
    };
    *tried = Some(room.identity());
    let key = room_key(room);
    for person in &people {
        rights::check(&catalog, &directory, room, &person.uri, Deed::Enter)?;
        let (event, _) = event(cx, 0, &What::Join, || Ok(0))?;
        take(cx, intake, &key, person.clone(), event)?;
    }
    let texts = ["pchat tests this room", "pchat has tested this room"];
    for (person, text) in people.iter().zip(texts) {
        let kept = rights::check(&catalog, &directory, room, &person.uri, Deed::Post)?;
        let message = What::Message { text: text.to_owned(), alert: false };
        let (event, _) = event(cx, 0, &message, || intake.next_chat(&key))?;
        let number = event.chat.unwrap_or_default();
        if !kept {
            continue;
        }
        take(cx, intake, &key, person.clone(), event)?;
        let found = intake.message(&key, number)?;
        if found != Some((person.uri.clone(), text.to_owned())) {
            return Err(Error::new(Failure::Damaged, "a posted message differs when it is read back")
                .hint("pchat store check looks at the whole store"));
        }
    }
    for person in people {
        let (event, _) = event(cx, 0, &What::Part, || Ok(0))?;
        take(cx, intake, &key, person, event)?;
    }
    Ok(())
}

fn some_room<'a>(
    catalog: &'a Catalog,
    directory: &Directory<'_>,
    trial: &Trial,
    people: &[Persona],
) -> Result<&'a Record> {
    let target = trial.target.as_deref().map(fold);
    let is_pool = target.is_some() && catalog.of("pool").any(|pool| Some(fold(&pool.identity())) == target);
    let mut last = None;
    for room in catalog.of("room") {
        if is_pool && room.at(field::POOL).map(fold) != target {
            continue;
        }
        match people.iter().try_for_each(|p| rights::check(catalog, directory, room, &p.uri, Deed::Post).map(|_| ())) {
            Ok(()) => return Ok(room),
            Err(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| Error::new(Failure::NotFound, "no room").hint("pchat room new makes one")))
}
