//! Rooms, their settings and their role lists. Lengths are those of the product's tables (tblNode).

mod get;
mod remove;
mod new;
mod rules;
mod set;

use crate::context::Context;
use crate::error::{Error, Result};
use crate::model::field;
use crate::model::record::{Field, Level, Shape};
use crate::nouns::change::{Manner, Stamp, prepared};
use crate::nouns::cmdlet::{self, Cmdlet, FORCE, INSTANCE, Kind, Parameter, Takes, identity, option};
use crate::nouns::data::asked::Asked;
use crate::nouns::purge::How;
use crate::nouns::verb::{Prepared, Verb};
use clap::{Subcommand, ValueEnum};

/// The shape of a room.
pub static SHAPE: Shape = Shape {
    noun: "room",
    plural: "rooms",
    fields: &[
        Field::of(field::POOL, "pool", 256),
        Field::of(field::NAME, "name", 256),
        Field::of(field::URI, "uri", 1024),
        Field::of(field::DESCRIPTION, "description", 256),
        Field::of(field::CATEGORY, "category", 256),
        Field::of(field::TYPE, "type", 16),
        Field::of(field::PRIVACY, "privacy", 16),
        Field::of(field::ROOM_INVITATIONS, "invitations", 16),
        Field::of(field::DISABLED, "disabled", 0),
        Field::of(field::ADDIN, "addin", 50),
        Field::of(field::MEMBERS, "members", 384),
        Field::of(field::MANAGERS, "managers", 384),
        Field::of(field::PRESENTERS, "presenters", 384),
        Field::of(field::FORMER_NAMES, "former_names", 0),
        Field::of(field::GUID, "guid", 64),
        Field::of(field::CREATED_BY, "created_by", 256),
        Field::of(field::CREATED_ON, "created_on", 0),
        Field::of(field::UPDATED_BY, "updated_by", 256),
        Field::of(field::UPDATED_ON, "updated_on", 0),
    ],
    key: &[field::POOL.name, field::URI.name],
    identity: &[field::POOL.name, field::NAME.name],
    levels: &[Level::RoomDirectory],
};

/// Who may post in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TypeName {
    /// Every member
    #[value(name = "Normal")]
    Normal,
    /// Only presenters
    #[value(name = "Auditorium")]
    Auditorium,
}

/// Who finds and enters a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PrivacyName {
    /// Whoever the category lets in
    #[value(name = "Open")]
    Open,
    /// Everybody finds it, members enter
    #[value(name = "Closed")]
    Closed,
    /// Members find and enter it
    #[value(name = "Secret")]
    Secret,
}

/// Whether members are invited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InvitationsName {
    /// As the category says
    #[value(name = "Inherit")]
    Inherit,
    /// No
    #[value(name = "False")]
    False,
}

/// The word that is kept.
fn word(value: impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// Manage rooms
#[derive(Debug, Subcommand)]
pub enum RoomVerb {
    /// Show rooms
    Get(Box<get::GetRequest>),
    /// Create a room
    New(Box<new::NewRequest>),
    /// Change rooms
    Set(Box<set::SetRequest>),
    /// Destroy everything in rooms up to a date
    Clear {
        /// The rooms, by name, pool\name or address
        #[arg(required = true, value_name = "ROOM")]
        rooms: Vec<String>,
        /// Last date, which counts whole, or time
        #[arg(long, value_name = "DATE")]
        to: String,
        /// Time zone of dates, as Europe/Berlin, "W. Europe Standard Time" or +02:00 [default: UTC]
        #[arg(long, value_name = "ZONE", allow_hyphen_values = true)]
        timezone: Option<String>,
        /// How.
        #[command(flatten)]
        how: How,
    },
    /// Destroy the whole history of rooms, then remove the rooms
    Remove {
        /// The rooms, by name, pool\name or address
        #[arg(required = true, value_name = "ROOM")]
        rooms: Vec<String>,
        /// How.
        #[command(flatten)]
        how: How,
    },
}

const POOL: Parameter = option("PersistentChatPoolFqdn", Kind::Text, "pool");
const ADDIN: Parameter = option("Addin", Kind::Text, "addin");
const AS_OBJECT: Parameter = option("AsObject", Kind::Switch, "as-object");
const DESCRIPTION: Parameter = option("Description", Kind::Text, "description");
const DISABLED: Parameter = option("Disabled", Kind::Bool, "disabled");
const INVITATIONS: Parameter = option("Invitations", Kind::Word, "invitations");
const PRIVACY: Parameter = option("Privacy", Kind::Word, "privacy");
const TYPE: Parameter = option("Type", Kind::Word, "type");

/// The cmdlets for rooms.
pub static CMDLETS: &[Cmdlet] = &[
    cmdlet::shows(
        "Get-CsPersistentChatRoom",
        &["room", "get"],
        &[
            identity(Kind::Text),
            ADDIN,
            AS_OBJECT,
            option("Category", Kind::Text, "category"),
            option("ChatContentExceedsMB", Kind::Number, "larger-than"),
            DISABLED,
            option("Filter", Kind::Condition, "filter"),
            INVITATIONS,
            option("Manager", Kind::Text, "manager"),
            option("Member", Kind::Text, "member"),
            POOL,
            PRIVACY,
            option("ResultSize", Kind::Number, "limit"),
            option("SearchDescription", Kind::Switch, "search-description"),
            TYPE,
        ],
        "Get-CsPersistentChatRoom -Filter {Name -like \"IT*\"}",
    ),
    cmdlet::changes(
        "New-CsPersistentChatRoom",
        &["room", "new"],
        Takes::Nothing,
        &[
            option("Category", Kind::Text, "category").needed(),
            option("Name", Kind::Text, "name").needed(),
            ADDIN,
            DESCRIPTION,
            DISABLED,
            INVITATIONS,
            POOL,
            PRIVACY,
            TYPE,
        ],
        "New-CsPersistentChatRoom -Name \"ITChatRoom\" -PersistentChatPoolFqdn \"atl-cs-001.litwareinc.com\" \
            -Category \"IT\"",
    )
    .silent(),
    cmdlet::changes(
        "Set-CsPersistentChatRoom",
        &["room", "set"],
        Takes::Each,
        &[
            identity(Kind::Text).needed(),
            INSTANCE,
            ADDIN,
            AS_OBJECT,
            option("Category", Kind::Text, "category"),
            DESCRIPTION,
            DISABLED,
            FORCE,
            INVITATIONS,
            option("Managers", Kind::Changes, "managers"),
            option("Members", Kind::Changes, "members"),
            option("Name", Kind::Text, "name"),
            option("Presenters", Kind::Changes, "presenters"),
            PRIVACY,
            TYPE,
        ],
        "Set-CsPersistentChatRoom -Identity \"atl-cs-001.litwareinc.com\\ITChatRoom\" -Members \
            @{Add=\"sip:kenmyer@litwareinc.com\"}",
    )
    .apart(&[&["Identity", "Instance"]]),
    cmdlet::changes(
        "Clear-CsPersistentChatRoom",
        &["room", "clear"],
        Takes::All,
        &[identity(Kind::Text).needed(), INSTANCE, option("EndDate", Kind::Date, "to").needed()],
        "Clear-CsPersistentChatRoom -Identity \"atl-cs-001.litwareinc.com\\ITChatRoom\" -EndDate \"3/1/2018\"",
    )
    .apart(&[&["Identity", "Instance"]]),
    cmdlet::changes(
        "Remove-CsPersistentChatRoom",
        &["room", "remove"],
        Takes::All,
        &[identity(Kind::Text).needed(), INSTANCE, FORCE],
        "Remove-CsPersistentChatRoom -Identity \"atl-cs-001.litwareinc.com\\ITChatRoom\"",
    )
    .apart(&[&["Identity", "Instance"]]),
];

impl Verb for RoomVerb {
    fn change(&self) -> Option<&'static str> {
        match self {
            RoomVerb::Get(_) => None,
            RoomVerb::New(request) => request.consent.change("room new"),
            RoomVerb::Set(request) => request.consent.change("room set"),
            RoomVerb::Clear { how, .. } => how.consent.change("room clear"),
            RoomVerb::Remove { how, .. } => how.consent.change("room remove"),
        }
    }

    fn refused(&self, cx: &Context<'_>, error: &Error) {
        if let Some(asked) = self.report(cx) {
            asked.refused(cx, error);
        }
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        match self {
            RoomVerb::Get(request) => request.run(cx).map(Prepared::Answer),
            RoomVerb::New(request) => {
                let stamp = Stamp::new(cx)?;
                let (name, consent) = (request.name.clone(), request.consent);
                let manner = Manner { action: "room new", destroys: false, consent, shows: Some(get::listed) };
                let question = format!("Create room {name}?");
                let reads = request.reads(cx);
                prepared(cx, reads, manner, &question, format!("created room {name}"), move |catalog| {
                    request.decide(catalog, &stamp)
                })
            }
            RoomVerb::Set(request) => {
                let stamp = Stamp::new(cx)?;
                let (what, consent) = (request.rooms.join(", "), request.consent);
                let manner = Manner { action: "room set", destroys: false, consent, shows: None };
                let question = format!("Change room {what}?");
                let reads = request.reads(cx);
                prepared(cx, reads, manner, &question, format!("changed room {what}"), move |catalog| {
                    request.decide(catalog, &stamp)
                })
            }
            RoomVerb::Clear { .. } | RoomVerb::Remove { .. } => self.ends(cx),
        }
    }
}

impl RoomVerb {
    /// The report of what destroys.
    fn report(&self, cx: &Context<'_>) -> Option<Asked> {
        match self {
            RoomVerb::Clear { rooms, to, timezone, how } => {
                let timezone = timezone.clone().unwrap_or_default();
                let options = vec![("rooms", rooms.join(", ")), ("to", to.clone()), ("timezone", timezone)];
                Some(how.asked(cx, "room clear", options))
            }
            RoomVerb::Remove { rooms, how } => Some(how.asked(cx, "room remove", vec![("rooms", rooms.join(", "))])),
            RoomVerb::Get(_) | RoomVerb::New(_) | RoomVerb::Set(_) => None,
        }
    }

    fn ends(self, cx: &Context<'_>) -> Result<Prepared> {
        let asked = self.report(cx).map(Asked::checked).transpose()?;
        let prepared = match self {
            RoomVerb::Clear { rooms, to, timezone, how } => remove::clear(cx, &rooms, to, timezone, how),
            RoomVerb::Remove { rooms, how } => remove::remove(cx, &rooms, how),
            other => return other.prepare(cx),
        };
        match asked {
            Some(asked) => asked.follow(cx, prepared),
            None => prepared,
        }
    }
}
