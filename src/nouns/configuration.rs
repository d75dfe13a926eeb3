//! Settings of the service per scope: global, site or service.

use crate::context::Context;
use crate::error::{Error, Kind as Failure, Result};
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::record::{Field, Record, Shape, Value};
use crate::nouns::cmdlet::{self, Cmdlet, FORCE, INSTANCE, Kind, LOCAL_STORE, Parameter, Takes, identity, option};
use crate::nouns::scoped::{Others, Scoped, text};
use crate::nouns::verb::{Consent, Prepared, Verb};
use clap::{Args, Subcommand};

/// The shape of a configuration.
pub static SHAPE: Shape = Shape {
    noun: "configuration",
    plural: "configurations",
    fields: &[
        Field::of(field::IDENTITY, "identity", 256),
        Field::of(field::DEFAULT_CHAT_HISTORY, "default_chat_history", 0),
        Field::of(field::MAX_FILE_SIZE_KB, "max_file_size_kb", 0),
        Field::of(field::PARTICIPANT_UPDATE_LIMIT, "participant_update_limit", 0),
        Field::of(field::ROOM_MANAGEMENT_URL, "room_management_url", 1024),
    ],
    key: &[field::IDENTITY.name],
    identity: &[field::IDENTITY.name],
    levels: &[],
};

/// Manage service settings: global, of a site or of a server
#[derive(Debug, Subcommand)]
pub enum ConfigurationVerb {
    /// Show settings
    Get {
        /// Only this one: global, site:NAME or service:PersistentChatServer:FQDN
        #[arg(conflicts_with = "filter")]
        identity: Option<String>,
        /// Only identities that match this pattern, with * and ?
        #[arg(long, value_name = "PATTERN")]
        filter: Option<String>,
    },
    /// Create settings for a site or service
    New {
        /// The scope: site:NAME or service:PersistentChatServer:FQDN
        identity: String,
        /// Properties.
        #[command(flatten)]
        properties: Properties,
        /// Show the object and store nothing
        #[arg(long)]
        in_memory: bool,
        /// Ask or not.
        #[command(flatten)]
        consent: Consent,
    },
    /// Change settings
    Set {
        /// The scopes: global, site:NAME or service:PersistentChatServer:FQDN [default: global]
        #[arg(value_name = "IDENTITY")]
        names: Vec<String>,
        /// Properties.
        #[command(flatten)]
        properties: Properties,
        /// Create the scope if it does not exist
        #[arg(long, hide = true)]
        create: bool,
        /// Ask or not.
        #[command(flatten)]
        consent: Consent,
    },
    /// Remove settings; global goes back to its defaults
    Remove {
        /// The scopes: global, site:NAME or service:PersistentChatServer:FQDN
        #[arg(required = true, value_name = "IDENTITY")]
        names: Vec<String>,
        /// Ask or not.
        #[command(flatten)]
        consent: Consent,
    },
}

/// What may be set.
#[derive(Debug, Clone, Default, Args)]
pub struct Properties {
    /// Messages shown when a room is opened, 1 to 500 [default of a scope: 30]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(1..=500))]
    default_chat_history: Option<i64>,
    /// The largest file that may be put into a room, in KB of 1024 bytes [default of a scope: 20000]
    #[arg(long, value_name = "KB", value_parser = clap::value_parser!(i64).range(0..=4_294_967_295))]
    max_file_size_kb: Option<i64>,
    /// Participants of a room above which clients are no longer told who comes and goes [default of a scope: 75]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(i64).range(0..=4_294_967_295))]
    participant_update_limit: Option<i64>,
    /// The page on which a room is managed; '' for the stock one
    #[arg(long, value_name = "URL")]
    room_management_url: Option<String>,
}

impl Properties {
    fn apply(&self, record: &mut Record) -> Result<()> {
        for (field, value) in [
            ("DefaultChatHistory", self.default_chat_history),
            ("MaxFileSizeKB", self.max_file_size_kb),
            ("ParticipantUpdateLimit", self.participant_update_limit),
        ] {
            if let Some(value) = value {
                record.set(field, Value::Int(value));
            }
        }
        if self.room_management_url.as_ref().is_some_and(|url| !url.is_empty() && !is_url(url)) {
            return Err(Error::new(Failure::Refused, "RoomManagementUrl must be an http or https address"));
        }
        text(record, "RoomManagementUrl", &self.room_management_url);
        Ok(())
    }
}

/// Is it an address a browser opens?
pub fn is_url(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let host = lower.strip_prefix("https://").or_else(|| lower.strip_prefix("http://"));
    host.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
        && !text.chars().any(|c| c.is_whitespace() || c.is_control())
}

fn defaults(record: &mut Record) {
    record.set(field::DEFAULT_CHAT_HISTORY, 30);
    record.set(field::MAX_FILE_SIZE_KB, 20_000);
    record.set(field::PARTICIPANT_UPDATE_LIMIT, 75);
}

fn check(_: &Record, _: &Catalog) -> Result<()> {
    Ok(())
}

const SCOPED: &Scoped = &Scoped {
    shape: &SHAPE,
    name: "configuration",
    others: Others::Services,
    defaults,
    check,
    actions: ["configuration new", "configuration set", "configuration remove"],
};

const IDENTITY: Parameter = identity(Kind::Text);
const HISTORY: Parameter = option("DefaultChatHistory", Kind::Number, "default-chat-history");
const SIZE: Parameter = option("MaxFileSizeKB", Kind::Number, "max-file-size-kb");
const LIMIT: Parameter = option("ParticipantUpdateLimit", Kind::Number, "participant-update-limit");
const URL: Parameter = option("RoomManagementUrl", Kind::Text, "room-management-url");

/// The cmdlets for settings of the service.
pub static CMDLETS: &[Cmdlet] = &[
    cmdlet::shows(
        "Get-CsPersistentChatConfiguration",
        &["configuration", "get"],
        &[IDENTITY, option("Filter", Kind::Text, "filter"), LOCAL_STORE],
        "Get-CsPersistentChatConfiguration -Filter \"site:*\"",
    )
    .apart(&[&["Identity", "Filter"]]),
    cmdlet::changes(
        "New-CsPersistentChatConfiguration",
        &["configuration", "new"],
        Takes::Nothing,
        &[IDENTITY.needed(), HISTORY, FORCE, option("InMemory", Kind::Switch, "in-memory"), SIZE, LIMIT, URL],
        "New-CsPersistentChatConfiguration -Identity \"site:Redmond\" -ParticipantUpdateLimit 100",
    ),
    cmdlet::changes(
        "Set-CsPersistentChatConfiguration",
        &["configuration", "set"],
        Takes::Each,
        &[IDENTITY, INSTANCE, HISTORY, FORCE, SIZE, LIMIT, URL],
        "Set-CsPersistentChatConfiguration -Identity \"global\" -DefaultChatHistory 100",
    )
    .apart(&[&["Identity", "Instance"]]),
    cmdlet::changes(
        "Remove-CsPersistentChatConfiguration",
        &["configuration", "remove"],
        Takes::All,
        &[IDENTITY.needed(), FORCE],
        "Remove-CsPersistentChatConfiguration -Identity \"site:Redmond\"",
    ),
];

impl Verb for ConfigurationVerb {
    fn change(&self) -> Option<&'static str> {
        match self {
            ConfigurationVerb::Get { .. } | ConfigurationVerb::New { in_memory: true, .. } => None,
            ConfigurationVerb::New { consent, .. } => consent.change("configuration new"),
            ConfigurationVerb::Set { consent, .. } => consent.change("configuration set"),
            ConfigurationVerb::Remove { consent, .. } => consent.change("configuration remove"),
        }
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        match self {
            ConfigurationVerb::Get { identity, filter } => {
                SCOPED.get(cx, identity.as_deref(), filter.as_deref()).map(Prepared::Answer)
            }
            ConfigurationVerb::New { identity, properties, in_memory, consent } => {
                SCOPED.make(cx, &identity, in_memory, consent, Box::new(move |record| properties.apply(record)))
            }
            ConfigurationVerb::Set { names, properties, create, consent } => {
                SCOPED.set(cx, &names, create, consent, Box::new(move |record| properties.apply(record)))
            }
            ConfigurationVerb::Remove { names, consent } => {
                SCOPED.remove(cx, &names, consent, false, |_, _| Vec::new())
            }
        }
    }
}
