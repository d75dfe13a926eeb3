//! Events by their addresses, with everything that is known of them; and messages by words, people and dates.

use crate::context::Context;
use crate::error::{Error, Kind as Failure, Result};
use crate::jobs::search::How;
use crate::jobs::selection::event_id;
use crate::model::field;
use crate::model::hash;
use crate::model::ids::EventId;
use crate::model::message::{Event, Persona};
use crate::model::reply::{Cell, Reply, Table};
use crate::nouns::search::list;
use crate::nouns::verb::{Prepared, objects};
use crate::nouns::which::Which;
use crate::nouns::{reads, room};
use crate::select::scope::{Scope, Selection};
use crate::store::Corpus;
use clap::Args;
use std::ops::ControlFlow;

/// Which events.
#[derive(Debug, Args)]
pub struct GetRequest {
    /// The address of an event: pool\address#sequence, or a room as it is named and #sequence
    #[arg(value_name = "ADDRESS", required = true)]
    event: Vec<String>,
}

/// Which messages.
#[derive(Debug, Args)]
pub struct FindRequest {
    /// A query in KQL, as with --query
    #[arg(value_name = "QUERY", group = "words")]
    text: Option<String>,
    #[command(flatten)]
    which: Which,
    /// At most N messages [default: all; 50 at a terminal]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Only messages that come after the event at this address
    #[arg(long, value_name = "ADDRESS")]
    after: Option<String>,
}

impl FindRequest {
    pub(super) fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        let explains = self.which.explains();
        let wanted = self.which.with_query(self.text).wanted(cx, true)?;
        if explains {
            return crate::nouns::which::explain(cx, &wanted).map(Prepared::Answer);
        }
        let how = How { limit: self.limit, after: self.after, ..How::default() };
        Ok(Prepared::Stream(Box::new(move |cx, pages| list(cx, &wanted, how, pages))))
    }
}

impl GetRequest {
    pub(super) fn run(self, cx: &Context<'_>) -> Result<Reply> {
        let columns = vec![
            "Event",
            "Room",
            "Time",
            "Person",
            "PersonName",
            "Email",
            "Kind",
            "Number",
            "Importance",
            "Text",
            "Rtf",
            "Word",
            "Extra",
            "Attachments",
            "Versions",
            "Source",
        ];
        let aside = vec!["Email", "Rtf", "Word", "Extra", "Source", "PersonName", "Number", "Importance", "Versions"];
        let mut table = Table { title: "events", columns, aside, ..Table::default() };
        let reads = reads::Reads::of(&[&room::SHAPE]);
        cx.session.read(|store| {
            let catalog = store.settings(&reads.wanted())?;
            for address in &self.event {
                let id = event_id(&catalog, address)?;
                let name = catalog.room(&id.room).and_then(|room| room.at(field::NAME)).unwrap_or(&id.room.uri);
                let known = store.versions(&id.room, crate::model::ids::EventNumber::Sequence(id.sequence))?;
                let scope = Scope { rooms: Some([(id.room.key(), id.room.clone())].into()), ..Scope::all() };
                let (from, to) = known.now.as_ref().map_or((scope.from, scope.to), |(at, ..)| (*at, *at));
                let scope = Scope { from, to, ..scope };
                let selection = Selection { sequences: Some([id.sequence].into()), ..Selection::of(scope) };
                let mut row = None;
                if known.now.is_some() {
                    store.units(&selection, &mut |unit, _| {
                        if let Some(event) = unit.events.first() {
                            let versions = known.earlier.len() as u64 + 1;
                            let source = known.source.clone();
                            row = Some(of(&id, name, &unit.people[event.who as usize], event, (versions, source)));
                        }
                        ControlFlow::Break(())
                    })?;
                }
                table.rows.push(row.ok_or_else(|| {
                    match known.purged {
                        Some(purge) => Error::new(Failure::NotFound, format!("the event {address} was purged"))
                            .hint(format!("pchat certificate get {purge} shows how it was destroyed")),
                        None => Error::new(Failure::NotFound, format!("no event {address}"))
                            .hint("pchat message find shows messages with their addresses: --output csv"),
                    }
                })?);
            }
            Ok(())
        })?;
        Ok(objects(table, "no event matches"))
    }
}

fn of(id: &EventId, room: &str, persona: &Persona, event: &Event, more: (u64, Option<String>)) -> Vec<Cell> {
    let (versions, source) = more;
    let extra = event.more();
    let files = extra.files.iter().map(|file| {
        let name = file.name.as_deref().or(file.link.as_deref()).unwrap_or("without a name");
        let size = file.size.map(|size| format!(", {size} bytes")).unwrap_or_default();
        let sum = file.sha256.map(|sum| format!(", SHA-256 {}", hash::hex(&sum))).unwrap_or_default();
        format!("{name}{size}{sum}")
    });
    let files: Vec<String> = files.collect();
    vec![
        id.to_string().into(),
        room.into(),
        Cell::Moment(event.at),
        persona.uri.as_str().into(),
        persona.name.clone().into(),
        persona.email.clone().into(),
        event.kind.word().into(),
        event.chat.map_or(Cell::Empty, |chat| u64::try_from(chat).map_or(chat.to_string().into(), Cell::Number)),
        event.alert.map(|alert| if alert { "high" } else { "normal" }.to_owned()).into(),
        event.body.as_str().into(),
        extra.rtf.clone().into(),
        extra.word.clone().into(),
        extra.extra.clone().into(),
        if files.is_empty() { Cell::Empty } else { Cell::List(files.into()) },
        versions.into(),
        source.into(),
    ]
}
