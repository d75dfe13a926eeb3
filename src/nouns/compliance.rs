//! Compliance settings per scope: global, site or service; `service.rs` has the commands of the service.

mod service;

use crate::context::Context;
use crate::error::{Error, Kind as Failure, Result};
use crate::jobs::compliance;
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::ids::fold;
use crate::model::record::{Field, Record, Shape, Value};
use crate::nouns::cmdlet::{self, Cmdlet, FORCE, INSTANCE, Kind, LOCAL_STORE, Parameter, Takes, identity, option};
use crate::nouns::scoped::{Others, Scoped, shown, text, truth};
use crate::nouns::verb::{Consent, Prepared, Verb};
use crate::smtp::Relay;
use clap::{Args, Subcommand};

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
        /// Which [default: global]
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
    Run(service::RunRequest),
    /// Say how far the service is; the exit code says its state
    Status(service::StatusRequest),
    /// Compare a folder of deliveries with the store and with itself
    Verify(service::VerifyRequest),
    /// Make runs again in another folder, byte for byte
    Redeliver(service::RedeliverRequest),
    /// Remove compliance settings; global goes back to its defaults
    Remove {
        /// Which
        #[arg(required = true, value_name = "IDENTITY")]
        names: Vec<String>,
        /// Ask or not.
        #[command(flatten)]
        consent: Consent,
    },
}

/// The adapter that writes the product's XML, under the name its own settings gave it.
const XML: &str = "Microsoft.Rtc.Internal.Chat.Server.Compliance.XmlAdapter,compliance";

/// What may be set.
#[derive(Debug, Clone, Default, Args)]
pub struct Properties {
    /// The name of the adapter
    #[arg(long, value_name = "NAME")]
    adapter_name: Option<String>,
    /// The folder the adapter writes to; each adapter has its own
    #[arg(long, value_name = "FOLDER")]
    adapter_output_directory: Option<String>,
    /// The adapter: XML or its .NET type, Actiance, EML or CSV; '' writes nothing [default of a scope: XML]
    #[arg(long, value_name = "TYPE")]
    adapter_type: Option<String>,
    /// Give the adapter more details of rooms [default of a scope: false]
    #[arg(long, value_name = "true|false")]
    add_chat_room_details: Option<bool>,
    /// Give the adapter more details of people [default of a scope: false]
    #[arg(long, value_name = "true|false")]
    add_user_details: Option<bool>,
    /// Write .ATTACH files that list the files in rooms [default of a scope: false]
    #[arg(long, value_name = "true|false")]
    create_file_attachments_manifest: Option<bool>,
    /// The XSLT stylesheet that makes another format of the output; '' for none
    #[arg(long, value_name = "XSLT")]
    custom_configuration: Option<String>,
    /// A file for each room [default of a scope: false]
    #[arg(long, value_name = "true|false")]
    one_chat_room_per_output_file: Option<bool>,
    /// The time from one file to the next, as 00:15:00 or 1.12:00:00; one minute to 30 days [default of a scope:
    /// 00:15:00]
    #[arg(long, value_name = "SPAN")]
    run_interval: Option<String>,
    /// The relay the EML adapter hands its mails to: smtp://HOST[:PORT]?from=ADDRESS&to=ADDRESS; '' for none
    #[arg(long, value_name = "RELAY")]
    smtp: Option<String>,
}

impl Properties {
    fn apply(&self, record: &mut Record) -> Result<()> {
        text(record, "AdapterName", &self.adapter_name);
        text(record, "AdapterOutputDirectory", &self.adapter_output_directory);
        text(record, "CustomConfiguration", &self.custom_configuration);
        if let Some(kind) = &self.adapter_type {
            record.set(field::ADAPTER_TYPE, adapter(kind)?);
        }
        truth(record, "AddChatRoomDetails", self.add_chat_room_details);
        truth(record, "AddUserDetails", self.add_user_details);
        truth(record, "CreateFileAttachmentsManifest", self.create_file_attachments_manifest);
        truth(record, "OneChatRoomPerOutputFile", self.one_chat_room_per_output_file);
        text(record, "SmtpRelay", &self.smtp);
        if let Some(relay) = self.smtp.as_deref().filter(|relay| !relay.trim().is_empty()) {
            Relay::parse(relay)?;
        }
        if let Some(interval) = &self.run_interval {
            record.set(field::RUN_INTERVAL, span(interval)?.as_str());
        }
        Ok(())
    }
}

/// The type of an adapter as it is kept.
fn adapter(kind: &str) -> Result<Option<String>> {
    let folded = fold(kind.trim());
    if ["akonix", "assentor", "facetime"].contains(&folded.as_str()) {
        return Err(Error::new(
            Failure::Refused,
            format!("AdapterType {} is a vendor's adapter, which pchat does not include", kind.trim()),
        )
        .hint("AdapterType XML writes Lync's own format"));
    }
    if folded == "xml" || folded == fold(XML) {
        return Ok(Some(XML.to_owned()));
    }
    let own = match compliance::adapter(kind) {
        Some("actiance") => Some("Actiance"),
        Some("eml") => Some("EML"),
        Some("csv") => Some("CSV"),
        _ => None,
    };
    if let Some(own) = own {
        return Ok(Some(own.to_owned()));
    }
    // Those of others are named by their .NET type.
    if !kind.trim().is_empty() && !kind.contains(['.', ',']) {
        return Err(Error::new(Failure::Refused, format!("AdapterType {:?} is not an adapter of pchat", kind.trim()))
            .hint("AdapterType is XML, Actiance, EML or CSV, or the .NET type of another adapter"));
    }
    Ok(Some(kind.trim().to_owned()).filter(|kind| !kind.is_empty()))
}

/// A duration `days.hours:minutes:seconds` as it is kept.
fn span(text: &str) -> Result<String> {
    let wrong = || {
        Error::new(Failure::Refused, format!("RunInterval {text:?} must be from 00:01:00 to 30.00:00:00"))
            .hint("write days.hours:minutes:seconds, as 00:15:00 or 1.12:00:00")
    };
    let (days, clock) = text.trim().split_once('.').map_or(("0", text.trim()), |(days, clock)| (days, clock));
    let number = |text: &str| text.bytes().all(|b| b.is_ascii_digit()).then(|| text.parse::<u64>().ok()).flatten();
    let parts = clock.split(':').map(number).collect::<Option<Vec<u64>>>().ok_or_else(wrong)?;
    let (Some(days), &[hours, minutes, seconds]) = (number(days), parts.as_slice()) else { return Err(wrong()) };
    if hours > 23 || minutes > 59 || seconds > 59 || days > 30 {
        return Err(wrong());
    }
    if !(60..=30 * 86_400).contains(&(days * 86_400 + hours * 3600 + minutes * 60 + seconds)) {
        return Err(wrong());
    }
    let clock = format!("{hours:02}:{minutes:02}:{seconds:02}");
    Ok(if days > 0 { format!("{days}.{clock}") } else { clock })
}

fn defaults(record: &mut Record) {
    record.set(field::ADAPTER_TYPE, XML);
    for field in ["AddChatRoomDetails", "AddUserDetails", "CreateFileAttachmentsManifest", "OneChatRoomPerOutputFile"] {
        record.set(field, Value::Bool(false));
    }
    record.set(field::RUN_INTERVAL, "00:15:00");
}

/// Two adapters that write to one folder would mix their files.
fn check(record: &Record, catalog: &Catalog) -> Result<()> {
    let folder = |record: &Record| {
        record.at(field::ADAPTER_OUTPUT_DIRECTORY).map(|path| fold(path.trim_end_matches(['/', '\\'])))
    };
    let Some(own) = folder(record) else { return Ok(()) };
    let mut others = catalog.of("compliance").filter(|other| other.key() != record.key());
    match others.find(|other| folder(other).as_ref() == Some(&own)) {
        None => Ok(()),
        Some(other) => {
            let what = format!("compliance {} already uses this AdapterOutputDirectory", shown(&other.identity()));
            Err(Error::new(Failure::Refused, what).hint("AdapterOutputDirectory must be different for each scope"))
        }
    }
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
