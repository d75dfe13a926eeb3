//! Messages: posting them, what can still be known of one, and their removal or replacement in one room.

mod post;
mod test;

use self::post::{PostRequest, UploadRequest, Who};
use self::test::TestRequest;
use crate::context::Context;
use crate::error::{Error, Kind as Failure, Result};
use crate::jobs::post::What;
use crate::jobs::purge::REPLACEMENT;
use crate::jobs::selection::{Wanted, only_room, room_key};
use crate::jobs::settings;
use crate::model::reply::{Cell, Reply, Table};
use crate::nouns::cmdlet::{self, Cmdlet, FORCE, Kind, Takes, To, option};
use crate::nouns::purge::How;
use crate::nouns::which::What as Chosen;
use crate::nouns::{Prepared, SHAPES};
use crate::store::Corpus;
use crate::store::sqlite::Sqlite;
use clap::{Args, Subcommand};
use std::path::Path;

/// Messages: posting, history, removal, and a test of all of it
#[derive(Debug, Subcommand)]
pub enum MessageVerb {
    /// Show all versions of a message that may still be known
    History {
        /// The room, by name, pool\name or address
        room: String,
        /// The number of the message in its room
        #[arg(allow_negative_numbers = true)]
        number: i64,
    },
    /// Replace the text of messages of a room, or remove them
    Remove(Box<RemoveRequest>),
    /// Write a message in a room, on behalf of a person, under all rules
    Post(PostRequest),
    /// Put a file into a room
    Upload(UploadRequest),
    /// Enter a room
    Join(Who),
    /// Leave a room
    Part(Who),
    /// Test whether two people can use a room; only the record of the test stays
    Test(TestRequest),
}

/// Which messages of a room go, and how.
#[derive(Debug, Args)]
pub struct RemoveRequest {
    /// The room, by name, pool\name or address
    #[arg(long, value_name = "ROOM")]
    room: String,
    #[command(flatten)]
    what: Chosen,
    /// Remove the messages instead of replacing their texts
    #[arg(long)]
    remove: bool,
    /// The text that takes the place of each [default: that of the product]
    #[arg(long, value_name = "TEXT", conflicts_with = "remove")]
    replace_with: Option<String>,
    #[command(flatten)]
    how: How,
}

const NO_REGISTRAR: To = To::Nothing("the store is asked directly: there is no registrar, and nobody signs in");
const NO_VARIABLE: To = To::Nothing("a shell keeps what is printed; --output json keeps all of it");

/// The cmdlets for messages.
pub static CMDLETS: &[Cmdlet] = &[
    cmdlet::changes(
        "Remove-CsPersistentChatMessage",
        &["message", "remove"],
        Takes::Nothing,
        &[
            option("Identity", Kind::Text, "room").needed(),
            option("Remove", Kind::Switch, "remove"),
            option("ReplaceMessage", Kind::Text, "replace-with"),
            option("CaseSensitive", Kind::Bool, "case-sensitive"),
            option("EndDate", Kind::Date, "to"),
            option("Filter", Kind::Text, "filter"),
            option("MatchClause", Kind::Word, "match"),
            option("StartDate", Kind::Date, "from"),
            option("UserUri", Kind::Text, "user"),
        ],
        "Remove-CsPersistentChatMessage -Identity \"atl-persistentchat-001.litwareinc.com\\ITChatRoom\" -EndDate \"4/1/2012\"",
    )
    .apart(&[&["Remove", "ReplaceMessage"]]),
    cmdlet::changes(
        "Test-CsPersistentChatMessage",
        &["message", "test"],
        Takes::Nothing,
        &[
            option("TargetFqdn", Kind::Text, "target").at(2).or(&["t"]),
            option("ReceiverCredential", Kind::Text, "receiver-account").or(&["rc"]),
            option("ReceiverSipAddress", Kind::Text, "receiver").or(&["ra"]),
            option("SenderCredential", Kind::Text, "sender-account").or(&["sc"]),
            option("SenderSipAddress", Kind::Text, "sender").or(&["sa"]),
            option("Authentication", Kind::Text, "").becomes(NO_REGISTRAR).or(&["Ath"]),
            option("ChatRoomUri", Kind::Text, "room").or(&["ChatRoomIdentity"]),
            FORCE,
            option("OutLoggerVariable", Kind::Text, "").becomes(NO_VARIABLE).or(&["olv"]),
            option("OutVerboseVariable", Kind::Text, "").becomes(NO_VARIABLE).or(&["ovv"]),
            option("RegistrarPort", Kind::Number, "").becomes(NO_REGISTRAR).or(&["rp"]),
            option("Setup", Kind::Bool, "setup"),
            option("TestUser1SipAddress", Kind::Text, "user1"),
            option("TestUser2SipAddress", Kind::Text, "user2"),
        ],
        "Test-CsPersistentChatMessage -TargetFqdn atl-cs-001.litwareinc.com -SenderSipAddress \"sip:pilar@litwareinc.com\" -ReceiverSipAddress \"sip:kenmyer@litwareinc.com\"",
    )
    .silent(),
];

impl MessageVerb {
    /// Its name, if it changes the store.
    pub fn change(&self) -> Option<&'static str> {
        match self {
            MessageVerb::History { .. } => None,
            MessageVerb::Remove(request) => request.how.consent.change("message remove"),
            MessageVerb::Post(_) => Some("message post"),
            MessageVerb::Upload(_) => Some("message upload"),
            MessageVerb::Join(_) => Some("message join"),
            MessageVerb::Part(_) => Some("message part"),
            MessageVerb::Test(_) => Some("message test"),
        }
    }

    /// Does it, or says what it would do.
    pub fn prepare(self, cx: &Context<'_>, store: &Path) -> Result<Prepared> {
        match self {
            MessageVerb::Post(request) => request.run(cx, store).map(Prepared::Answer),
            MessageVerb::Upload(request) => request.run(cx, store).map(Prepared::Answer),
            MessageVerb::Join(who) => who.does(cx, store, What::Join).map(Prepared::Answer),
            MessageVerb::Part(who) => who.does(cx, store, What::Part).map(Prepared::Answer),
            MessageVerb::Test(request) => request.prepare(cx, store),
            MessageVerb::History { room, number } => history(store, &room, number).map(Prepared::Answer),
            MessageVerb::Remove(request) => {
                let RemoveRequest { room, what, remove, replace_with, how } = *request;
                let catalog = settings::read(store, SHAPES)?;
                let room = room_key(only_room(&catalog, &room)?);
                let replacement = (!remove).then(|| replace_with.unwrap_or_else(|| REPLACEMENT.to_owned()));
                let wanted = Wanted { messages_only: true, ..what.wanted(vec![room.to_string()]) };
                let planned = how.plan(store, wanted, replacement)?;
                how.prepared(store, planned)
            }
        }
    }
}

fn history(path: &Path, room: &str, number: i64) -> Result<Reply> {
    let mut store = Sqlite::snapshot(path)?;
    let catalog = store.catalog(SHAPES)?;
    let room = only_room(&catalog, room)?;
    let known = store.versions(&room_key(room), number)?;
    let mut versions = Table {
        title: "versions",
        columns: vec!["Version", "State", "Since", "By", "Text", "Until", "Reason", "Purge"],
        ..Table::default()
    };
    let purge = |number: Option<i64>| number.map_or(Cell::Empty, |number| Cell::Number(number as u64));
    let mut count = 0u64;
    let mut next = || {
        count += 1;
        Cell::Number(count)
    };
    let mut notes = Vec::new();
    if let Some((at, who, text)) = known.now {
        // Who replaced a text wrote the next one.
        let (mut since, mut by) = (at, who);
        for old in known.earlier {
            let state = if old.body.is_some() { "replaced" } else { "destroyed" };
            versions.rows.push(vec![
                next(),
                state.into(),
                Cell::Time(since),
                by.into(),
                old.body.into(),
                Cell::Time(old.on),
                old.reason.into(),
                purge(old.purge),
            ]);
            (since, by) = (old.on, old.by);
        }
        let stands = vec![next(), "stands".into(), Cell::Time(since), by.into(), text.into()];
        versions.rows.push(stands.into_iter().chain([Cell::Empty, Cell::Empty, Cell::Empty]).collect());
    } else if let Some(taken) = known.purged {
        let state = store.purges()?.into_iter().find(|purge| purge.number == taken);
        let reason = state.as_ref().and_then(|purge| {
            let request: serde_json::Value = serde_json::from_str(&purge.request).ok()?;
            Some(request["reason"].as_str()?.to_owned())
        });
        versions.rows.push(vec![
            next(),
            "purged".into(),
            Cell::Empty,
            Cell::Empty,
            Cell::Empty,
            Cell::time(state.map(|purge| purge.started)),
            reason.into(),
            purge(Some(taken)),
        ]);
        notes.push(format!("pchat certificate get {taken} shows how it was destroyed"));
    } else {
        return Err(Error::new(
            Failure::NotFound,
            format!("there never was a message {number} in {}", room.identity()),
        )
        .hint("pchat export --format jsonl shows messages with their numbers"));
    }
    Ok(Reply { tables: vec![versions], notes, ..Reply::default() })
}
