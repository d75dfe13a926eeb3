//! Messages: posting them, what can still be known of one, and their removal or replacement, in one room or by address.

mod get;
mod history;
mod post;
mod test;

use self::get::{FindRequest, GetRequest};
use self::post::{PostRequest, UploadRequest, Who};
use self::test::TestRequest;
use crate::context::Context;
use crate::error::{Error, Result};
use crate::jobs::post::What;
use crate::jobs::purge::{self, REPLACEMENT};
use crate::jobs::selection::{Wanted, only_room, room_key};
use crate::nouns::cmdlet::{self, Cmdlet, FORCE, Kind, Takes, To, option};
use crate::nouns::data::asked::{Asked, switch};
use crate::nouns::purge::How;
use crate::nouns::reads;
use crate::nouns::verb::{Prepared, Verb};
use crate::nouns::which::{self, What as Chosen};
use clap::{Args, Subcommand};

/// Find, show, post and remove messages of rooms; test that people can use them
#[derive(Debug, Subcommand)]
pub enum MessageVerb {
    /// Show events by their addresses, with everything that is known about them
    Get(GetRequest),
    /// Find messages by words, people and dates
    Find(Box<FindRequest>),
    /// Show all versions of a message, or of whatever else happened, that may still be known
    History {
        /// The room, by name, pool\name or address; with #sequence behind it the address of an event
        room: String,
        /// The number of the message in its room; not with the address of an event
        #[arg(allow_negative_numbers = true)]
        number: Option<i64>,
    },
    /// Replace the text of messages of a room, or remove them
    Remove(Box<RemoveRequest>),
    /// Post a message in a room on behalf of a person, under all rules
    Post(PostRequest),
    /// Upload a file to a room
    Upload(UploadRequest),
    /// Join a room
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
    #[arg(long, value_name = "ROOM", required_unless_present = "event")]
    room: Option<String>,
    /// The event at this address: pool\address#sequence, or a room as it is named and #sequence
    #[arg(long, value_name = "ADDRESS", conflicts_with_all = [
        "room", "user", "from", "to", "timezone", "filter", "query", "query_file", "explain", "matching",
        "case_sensitive"])]
    event: Vec<String>,
    #[command(flatten)]
    what: Chosen,
    /// Remove the messages instead of replacing their texts
    #[arg(long)]
    remove: bool,
    /// The text that replaces each [default: Lync's]
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
        "Remove-CsPersistentChatMessage -Identity \"atl-persistentchat-001.litwareinc.com\\ITChatRoom\" -EndDate \
            \"4/1/2012\"",
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
        "Test-CsPersistentChatMessage -TargetFqdn atl-cs-001.litwareinc.com -SenderSipAddress \
            \"sip:pilar@litwareinc.com\" -ReceiverSipAddress \"sip:kenmyer@litwareinc.com\"",
    )
    .silent(),
];

impl Verb for MessageVerb {
    fn change(&self) -> Option<&'static str> {
        match self {
            MessageVerb::Get(_) | MessageVerb::Find(_) | MessageVerb::History { .. } => None,
            MessageVerb::Remove(request) if request.what.explain => None,
            MessageVerb::Remove(request) => request.how.consent.change("message remove"),
            MessageVerb::Post(_) => Some("message post"),
            MessageVerb::Upload(_) => Some("message upload"),
            MessageVerb::Join(_) => Some("message join"),
            MessageVerb::Part(_) => Some("message part"),
            MessageVerb::Test(_) => Some("message test"),
        }
    }

    fn refused(&self, cx: &Context<'_>, error: &Error) {
        if let MessageVerb::Remove(request) = self {
            request.asked(cx).refused(cx, error);
        }
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        match self {
            MessageVerb::Post(request) => Prepared::to_do(move |cx| request.run(cx)),
            MessageVerb::Upload(request) => Prepared::to_do(move |cx| request.run(cx)),
            MessageVerb::Join(who) => Prepared::to_do(move |cx| who.does(cx, What::Join)),
            MessageVerb::Part(who) => Prepared::to_do(move |cx| who.does(cx, What::Part)),
            MessageVerb::Test(request) => request.prepare(cx),
            MessageVerb::Get(request) => request.run(cx).map(Prepared::Answer),
            MessageVerb::Find(request) => request.prepare(cx),
            MessageVerb::History { room, number } => {
                cx.session.read(|store| history::show(store, &room, number)).map(Prepared::Answer)
            }
            MessageVerb::Remove(request) => {
                let asked = request.asked(cx).checked()?;
                let prepared = request.ready(cx);
                asked.follow(cx, prepared)
            }
        }
    }
}

impl RemoveRequest {
    fn asked(&self, cx: &Context<'_>) -> Asked {
        let mut options = vec![("room", self.room.clone().unwrap_or_default()), ("event", self.event.join(", "))];
        options.extend(self.what.given());
        options.push(("remove", switch(self.remove)));
        self.how.asked(cx, "message remove", options)
    }

    fn ready(self, cx: &Context<'_>) -> Result<Prepared> {
        let explains = self.what.explain;
        let RemoveRequest { room, event, what, remove, replace_with, how } = self;
        let parts = match room {
            None => purge::events(cx.session.alone()?, &event, !remove, cx.shapes)?,
            Some(room) => {
                let catalog = reads::no_people(cx)?;
                let room = room_key(only_room(&catalog, &room)?);
                vec![Wanted { messages_only: true, ..what.wanted(cx, vec![room.to_string()])? }]
            }
        };
        if explains && let [part] = &*parts {
            return which::explain(cx, part).map(Prepared::Answer);
        }
        let replacement = (!remove).then(|| replace_with.unwrap_or_else(|| REPLACEMENT.to_owned()));
        let warnings = parts.first().map(|part| which::warnings(cx, part)).transpose()?;
        let planned = how.plan(cx, parts, replacement)?;
        how.prepared(cx, planned).map(|prepared| which::warned(prepared, warnings.unwrap_or_default()))
    }
}
