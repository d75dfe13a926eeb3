//! Categories: they bound who may be in their rooms, and say what rooms may do. Lengths are those of the product's
//! tables (Persistent Chat database schema, tblNode).

mod get;
mod new;
mod remove;
mod set;

use crate::context::Context;
use crate::error::{Error, Kind as Failure, Result};
use crate::jobs::settings::Decision;
use crate::model::field;
use crate::model::record::{Field, Level, Shape};
use crate::nouns::change::{Manner, Stamp, prepared};
use crate::nouns::cmdlet::{self, Cmdlet, INSTANCE, Kind, Parameter, Takes, identity, option};
use crate::nouns::reads::Reads;
use crate::nouns::verb::{Consent, Prepared, Verb};
use clap::{Args, Subcommand};

/// The shape of a category.
pub static SHAPE: Shape = Shape {
    noun: "category",
    plural: "categories",
    fields: &[
        Field::of(field::POOL, "pool", 256),
        Field::of(field::NAME, "name", 256),
        Field::of(field::DESCRIPTION, "description", 256),
        Field::of(field::INVITATIONS, "invitations", 0),
        Field::of(field::FILE_UPLOAD, "file_upload", 0),
        Field::of(field::CHAT_HISTORY, "chat_history", 0),
        Field::of(field::ALLOWED_MEMBERS, "allowed_members", 384),
        Field::of(field::DENIED_MEMBERS, "denied_members", 384),
        Field::of(field::CREATORS, "creators", 384),
        Field::of(field::GUID, "guid", 64),
        Field::of(field::CREATED_BY, "created_by", 256),
        Field::of(field::CREATED_ON, "created_on", 0),
        Field::of(field::UPDATED_BY, "updated_by", 256),
        Field::of(field::UPDATED_ON, "updated_on", 0),
    ],
    key: &[field::POOL.name, field::NAME.name],
    identity: &[field::POOL.name, field::NAME.name],
    levels: &[Level::Category, Level::RoomDirectory],
};

/// Which list is changed, and how items are written.
#[derive(Debug, Default, Args)]
pub struct Lists {
    /// Who may be let into the rooms: +ENTRY adds, -ENTRY removes, entries without a sign replace the list, '' empties
    /// it
    #[arg(long, value_name = "ENTRY", allow_hyphen_values = true)]
    allowed_members: Vec<String>,
    /// Who is kept out, in the same form; wins over the allowed members
    #[arg(long, value_name = "ENTRY", allow_hyphen_values = true)]
    denied_members: Vec<String>,
    /// Who may create rooms, in the same form
    #[arg(long, value_name = "ENTRY", allow_hyphen_values = true)]
    creators: Vec<String>,
}

/// Manage categories, which limit who may be in their rooms
#[derive(Debug, Subcommand)]
pub enum CategoryVerb {
    /// Show categories
    Get {
        /// Only this one, by name or pool\name
        #[arg(conflicts_with = "pool")]
        name: Option<String>,
        /// Only those of this pool
        #[arg(long, value_name = "FQDN")]
        pool: Option<String>,
        /// Show people by display name instead of SIP address
        #[arg(long)]
        as_object: bool,
    },
    /// Create a category
    New {
        /// Its name, up to 256 characters; no other category of the pool has it
        #[arg(long)]
        name: String,
        /// Its pool [default: the only one]
        #[arg(long, value_name = "FQDN")]
        pool: Option<String>,
        /// What it is for, up to 256 characters
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// Members of its rooms are invited, unless a room says otherwise
        #[arg(long)]
        invitations: bool,
        /// Allow files to be uploaded to its rooms
        #[arg(long)]
        file_upload: bool,
        /// Its rooms keep no history
        #[arg(long)]
        no_chat_history: bool,
        /// Ask or not.
        #[command(flatten)]
        consent: Consent,
    },
    /// Change categories
    Set {
        /// The categories, by name or pool\name
        #[arg(required = true, value_name = "CATEGORY")]
        names: Vec<String>,
        /// Another name
        #[arg(long)]
        name: Option<String>,
        /// What it is for
        #[arg(long, value_name = "TEXT")]
        description: Option<String>,
        /// Whether members are invited
        #[arg(long, value_name = "true|false")]
        invitations: Option<bool>,
        /// True allows files to be uploaded to its rooms
        #[arg(long, value_name = "true|false")]
        file_upload: Option<bool>,
        /// True keeps the history of its rooms
        #[arg(long, value_name = "true|false")]
        chat_history: Option<bool>,
        /// Lists.
        #[command(flatten)]
        lists: Lists,
        /// People are named by display name instead of SIP address
        #[arg(long)]
        as_object: bool,
        /// Ask or not.
        #[command(flatten)]
        consent: Consent,
    },
    /// Remove empty categories
    Remove {
        /// The categories, by name or pool\name
        #[arg(required = true, value_name = "CATEGORY")]
        names: Vec<String>,
        /// Ask or not.
        #[command(flatten)]
        consent: Consent,
    },
}

const POOL: Parameter = option("PersistentChatPoolFqdn", Kind::Text, "pool");

/// The cmdlets for categories.
pub static CMDLETS: &[Cmdlet] = &[
    cmdlet::shows(
        "Get-CsPersistentChatCategory",
        &["category", "get"],
        &[identity(Kind::Text), POOL, option("AsObject", Kind::Switch, "as-object")],
        "Get-CsPersistentChatCategory -PersistentChatPoolFqdn \"atl-cs-001.litwareinc.com\"",
    )
    .apart(&[&["Identity", "PersistentChatPoolFqdn"]]),
    cmdlet::changes(
        "New-CsPersistentChatCategory",
        &["category", "new"],
        Takes::Nothing,
        &[
            option("Name", Kind::Text, "name").needed(),
            option("Description", Kind::Text, "description"),
            option("EnableFileUpload", Kind::Switch, "file-upload"),
            option("EnableInvitations", Kind::Switch, "invitations"),
            POOL,
            option("RemoveChatHistory", Kind::Switch, "no-chat-history"),
        ],
        "New-CsPersistentChatCategory -Name \"HelpDesk\" -PersistentChatPoolFqdn \"atl-cs-001.litwareinc.com\" \
            -EnableFileUpload",
    )
    .silent(),
    cmdlet::changes(
        "Set-CsPersistentChatCategory",
        &["category", "set"],
        Takes::Each,
        &[
            identity(Kind::Text).needed(),
            INSTANCE,
            option("AllowedMembers", Kind::Changes, "allowed-members"),
            option("AsObject", Kind::Switch, "as-object"),
            option("ChatHistory", Kind::Bool, "chat-history"),
            option("Creators", Kind::Changes, "creators"),
            option("DeniedMembers", Kind::Changes, "denied-members"),
            option("Description", Kind::Text, "description"),
            option("FileUpload", Kind::Bool, "file-upload").or(&["EnableFileUpload"]),
            option("Invitations", Kind::Bool, "invitations").or(&["EnableInvitations"]),
            option("Name", Kind::Text, "name"),
        ],
        "Set-CsPersistentChatCategory -Identity \"atl-cs-001.litwareinc.com\\helpdesk\" -FileUpload $False",
    )
    .apart(&[&["Identity", "Instance"]]),
    cmdlet::changes(
        "Remove-CsPersistentChatCategory",
        &["category", "remove"],
        Takes::All,
        &[identity(Kind::Text).needed(), INSTANCE],
        "Remove-CsPersistentChatCategory -Identity \"atl-cs-001.litwareinc.com\\helpdesk\"",
    )
    .apart(&[&["Identity", "Instance"]]),
];

impl Verb for CategoryVerb {
    fn change(&self) -> Option<&'static str> {
        match self {
            CategoryVerb::Get { .. } => None,
            CategoryVerb::New { consent, .. } => consent.change("category new"),
            CategoryVerb::Set { consent, .. } => consent.change("category set"),
            CategoryVerb::Remove { consent, .. } => consent.change("category remove"),
        }
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        match self {
            CategoryVerb::Get { name, pool, as_object } => get::get(cx, name.as_deref(), pool.as_deref(), as_object),
            CategoryVerb::New { name, pool, description, invitations, file_upload, no_chat_history, consent } => {
                let new = new::New { name, pool, description, invitations, file_upload, no_chat_history };
                new.prepare(cx, consent)
            }
            CategoryVerb::Set {
                names,
                name,
                description,
                invitations,
                file_upload,
                chat_history,
                lists,
                as_object,
                consent,
            } => {
                if name.is_some() && names.len() > 1 {
                    return Err(Error::new(Failure::Usage, "--name renames one category, and several are given"));
                }
                let stamp = Stamp::new(cx)?;
                let manner = Manner { action: "category set", destroys: false, consent, shows: None };
                let what = names.join(", ");
                let set = set::Set {
                    names,
                    name,
                    description,
                    invitations,
                    file_upload,
                    chat_history,
                    lists,
                    as_object,
                    stamp,
                };
                prepared(
                    cx,
                    set.reads(cx),
                    manner,
                    &format!("Change category {what}?"),
                    format!("changed category {what}"),
                    move |catalog| set.decide(catalog),
                )
            }
            CategoryVerb::Remove { names, consent } => {
                let manner = Manner { action: "category remove", destroys: true, consent, shows: None };
                let what = names.join(", ");
                prepared(
                    cx,
                    Reads::no_people(cx),
                    manner,
                    &format!("Remove category {what}?"),
                    format!("removed category {what}"),
                    move |catalog| {
                        let removes = names.iter().map(|name| remove::free(catalog, name)).collect::<Result<_>>()?;
                        Ok(Decision { removes, ..Decision::default() })
                    },
                )
            }
        }
    }
}
