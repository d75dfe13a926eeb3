//! Compliance settings per scope: global, site or service; `service.rs` says which services are meant.

mod properties;
mod redeliver;
mod run;
mod service;
mod status;
mod verify;

use self::properties::{Properties, check, defaults};
use crate::context::Context;
use crate::error::Result;
use crate::model::field;
use crate::model::record::{Field, Shape};
use crate::nouns::cmdlet::{self, Cmdlet, FORCE, INSTANCE, Kind, LOCAL_STORE, Parameter, Takes, identity, option};
use crate::nouns::scoped::{Others, Scoped};
use crate::nouns::verb::{Consent, Prepared, Verb};
use clap::Subcommand;

/// The shape of a compliance.
pub static SHAPE: Shape = Shape {
    noun: "compliance",
    plural: "compliance",
    fields: &[
        Field::of(field::IDENTITY, "identity", 256),
        Field::of(field::ADAPTER_NAME, "adapter_name", 256),
        Field::of(field::ADAPTER_TYPE, "adapter_type", 1024),
        Field::of(field::ADAPTER_OUTPUT_DIRECTORY, "adapter_output_directory", 1024),
        Field::of(field::ADD_CHAT_ROOM_DETAILS, "add_chat_room_details", 0),
        Field::of(field::ADD_USER_DETAILS, "add_user_details", 0),
        Field::of(field::CREATE_FILE_ATTACHMENTS_MANIFEST, "create_file_attachments_manifest", 0),
        Field::of(field::CUSTOM_CONFIGURATION, "custom_configuration", 0),
        Field::of(field::ONE_CHAT_ROOM_PER_OUTPUT_FILE, "one_chat_room_per_output_file", 0),
        Field::of(field::RUN_INTERVAL, "run_interval", 32),
        Field::of(field::SMTP_RELAY, "smtp_relay", 2048),
    ],
    key: &[field::IDENTITY.name],
    identity: &[field::IDENTITY.name],
    levels: &[],
};

/// Manage compliance settings: what is written for archives, where, and how often
#[derive(Debug, Subcommand)]
pub enum ComplianceVerb {
    /// Show compliance settings
    Get {
        /// Only this one: global, site:NAME or service:PersistentChatServer:FQDN
        #[arg(conflicts_with = "filter")]
        identity: Option<String>,
        /// Only identities that match this pattern, with * and ?
        #[arg(long, value_name = "PATTERN")]
        filter: Option<String>,
    },
    /// Create compliance settings for a site or service
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
    /// Change compliance settings
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
    /// Deliver everything that is not delivered yet
    Run(run::RunRequest),
    /// Show how far deliveries are; the exit code says the state
    Status(status::StatusRequest),
    /// Compare a folder of deliveries with the store and with itself
    Verify(verify::VerifyRequest),
    /// Make runs again in another folder, byte for byte
    Redeliver(redeliver::RedeliverRequest),
    /// Remove compliance settings; global goes back to its defaults
    Remove {
        /// The scopes: global, site:NAME or service:PersistentChatServer:FQDN
        #[arg(required = true, value_name = "IDENTITY")]
        names: Vec<String>,
        /// Ask or not.
        #[command(flatten)]
        consent: Consent,
    },
}

const SCOPED: &Scoped = &Scoped {
    shape: &SHAPE,
    name: "compliance",
    others: Others::Services,
    defaults,
    check,
    actions: ["compliance new", "compliance set", "compliance remove"],
};

const IDENTITY: Parameter = identity(Kind::Text);

/// What New and Set share, with Identity and Instance before it.
macro_rules! properties {
    ($($first:expr),*) => {
        &[
            $($first,)*
            option("AdapterName", Kind::Text, "adapter-name"),
            option("AdapterOutputDirectory", Kind::Text, "adapter-output-directory"),
            option("AdapterType", Kind::Text, "adapter-type"),
            option("AddChatRoomDetails", Kind::Bool, "add-chat-room-details"),
            option("AddUserDetails", Kind::Bool, "add-user-details"),
            option("CreateFileAttachmentsManifest", Kind::Bool, "create-file-attachments-manifest"),
            option("CustomConfiguration", Kind::Text, "custom-configuration"),
            FORCE,
            option("OneChatRoomPerOutputFile", Kind::Bool, "one-chat-room-per-output-file"),
            option("RunInterval", Kind::Span, "run-interval"),
        ]
    };
}

/// The cmdlets for compliance settings.
pub static CMDLETS: &[Cmdlet] = &[
    cmdlet::shows(
        "Get-CsPersistentChatComplianceConfiguration",
        &["compliance", "get"],
        &[IDENTITY, option("Filter", Kind::Text, "filter"), LOCAL_STORE],
        "Get-CsPersistentChatComplianceConfiguration -Identity \"site:Redmond\"",
    )
    .apart(&[&["Identity", "Filter"]]),
    cmdlet::changes(
        "New-CsPersistentChatComplianceConfiguration",
        &["compliance", "new"],
        Takes::Nothing,
        properties!(IDENTITY.needed(), option("InMemory", Kind::Switch, "in-memory")),
        "New-CsPersistentChatComplianceConfiguration -Identity \"site:Redmond\" -RunInterval \"00:30:00\"",
    ),
    cmdlet::changes(
        "Set-CsPersistentChatComplianceConfiguration",
        &["compliance", "set"],
        Takes::Each,
        properties!(IDENTITY, INSTANCE),
        "Set-CsPersistentChatComplianceConfiguration -Identity \"global\" -RunInterval \"00:10:00\"",
    )
    .apart(&[&["Identity", "Instance"]]),
    cmdlet::changes(
        "Remove-CsPersistentChatComplianceConfiguration",
        &["compliance", "remove"],
        Takes::All,
        &[IDENTITY.needed(), FORCE],
        "Remove-CsPersistentChatComplianceConfiguration -Identity \"site:Redmond\"",
    ),
];

impl Verb for ComplianceVerb {
    fn change(&self) -> Option<&'static str> {
        match self {
            ComplianceVerb::Get { .. } | ComplianceVerb::New { in_memory: true, .. } => None,
            ComplianceVerb::Status(_) | ComplianceVerb::Verify(_) | ComplianceVerb::Redeliver(_) => None,
            ComplianceVerb::Run(_) => Some("compliance run"),
            ComplianceVerb::New { consent, .. } => consent.change("compliance new"),
            ComplianceVerb::Set { consent, .. } => consent.change("compliance set"),
            ComplianceVerb::Remove { consent, .. } => consent.change("compliance remove"),
        }
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        match self {
            ComplianceVerb::Get { identity, filter } => {
                SCOPED.get(cx, identity.as_deref(), filter.as_deref()).map(Prepared::Answer)
            }
            ComplianceVerb::New { identity, properties, in_memory, consent } => {
                SCOPED.make(cx, &identity, in_memory, consent, Box::new(move |record| properties.apply(record)))
            }
            ComplianceVerb::Set { names, properties, create, consent } => {
                SCOPED.set(cx, &names, create, consent, Box::new(move |record| properties.apply(record)))
            }
            ComplianceVerb::Run(request) => request.prepare(),
            ComplianceVerb::Status(request) => request.prepare(cx),
            ComplianceVerb::Verify(request) => request.prepare(cx),
            ComplianceVerb::Redeliver(request) => request.prepare(),
            ComplianceVerb::Remove { names, consent } => SCOPED.remove(cx, &names, consent, false, |_, _| Vec::new()),
        }
    }
}
