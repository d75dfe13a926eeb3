//! Policies: who may use Persistent Chat, and who was granted which policy.

mod grant;

use crate::context::Context;
use crate::error::Result;
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::ids::fold;
use crate::model::record::{Field, Level, Record, Shape};
use crate::nouns::cmdlet::{self, Cmdlet, FORCE, INSTANCE, Kind, LOCAL_STORE, Parameter, Takes, To, identity, option};
use crate::nouns::reads;
use crate::nouns::scoped::{Others, Scoped, text, truth};
use crate::nouns::verb::{Consent, Prepared, Verb};
use clap::{Args, Subcommand};

/// The shape of a policy.
pub static SHAPE: Shape = Shape {
    noun: "policy",
    plural: "policies",
    fields: &[
        Field::of(field::IDENTITY, "identity", 256),
        Field::of(field::DESCRIPTION, "description", 1024),
        Field::of(field::ENABLE_PERSISTENT_CHAT, "enable_persistent_chat", 0),
    ],
    key: &[field::IDENTITY.name],
    identity: &[field::IDENTITY.name],
    levels: &[Level::User],
};

/// The shape of a grant.
pub static GRANT: Shape = Shape {
    noun: "grant",
    plural: "grants",
    fields: &[Field::of(field::IDENTITY, "identity", 256), Field::of(field::POLICY, "policy", 256)],
    key: &[field::IDENTITY.name],
    identity: &[field::IDENTITY.name],
    levels: &[Level::User],
};

/// Manage policies: who may use Persistent Chat
#[derive(Debug, Subcommand)]
pub enum PolicyVerb {
    /// Show policies
    Get {
        /// Only this one: global, site:NAME or the name of a policy for users
        #[arg(conflicts_with = "filter")]
        identity: Option<String>,
        /// Only identities that match this pattern, with * and ?
        #[arg(long, value_name = "PATTERN")]
        filter: Option<String>,
    },
    /// Create a policy for a site or for users
    New {
        /// The scope: site:NAME, or a name for a policy for users
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
    /// Change policies
    Set {
        /// The policies: global, site:NAME or names of policies for users [default: global]
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
    /// Remove policies; global goes back to its defaults
    Remove {
        /// The policies: global, site:NAME or names of policies for users
        #[arg(required = true, value_name = "IDENTITY")]
        names: Vec<String>,
        /// Remove a policy that users have, without asking
        #[arg(long)]
        force: bool,
        /// Ask or not.
        #[command(flatten)]
        consent: Consent,
    },
    /// Give users a policy, or take theirs away
    Grant {
        /// The users, by SIP address, user principal name, domain\\logon, display name or DN
        #[arg(required = true, value_name = "USER")]
        users: Vec<String>,
        /// The policy for users they get; '' takes theirs away
        #[arg(long, value_name = "NAME", default_value = "", hide_default_value = true)]
        policy: String,
        /// Show the users
        #[arg(long)]
        pass_thru: bool,
        /// Ask or not.
        #[command(flatten)]
        consent: Consent,
    },
}

/// What may be set.
#[derive(Debug, Clone, Default, Args)]
pub struct Properties {
    /// Whom it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// True enables Persistent Chat [default of a policy: false]
    #[arg(long, value_name = "true|false", num_args = 0..=1, default_missing_value = "true")]
    enable: Option<bool>,
}

impl Properties {
    fn apply(&self, record: &mut Record) -> Result<()> {
        text(record, "Description", &self.description);
        truth(record, "EnablePersistentChat", self.enable);
        Ok(())
    }
}

fn defaults(record: &mut Record) {
    record.set(field::ENABLE_PERSISTENT_CHAT, false);
}

fn check(_: &Record, _: &Catalog) -> Result<()> {
    Ok(())
}

const SCOPED: &Scoped = &Scoped {
    shape: &SHAPE,
    name: "policy",
    others: Others::Users,
    defaults,
    check,
    actions: ["policy new", "policy set", "policy remove"],
};

/// The grants of a policy.
fn grants(catalog: &Catalog, policy: &Record) -> Vec<Record> {
    let has = |grant: &&Record| grant.at(field::POLICY).map(fold) == Some(fold(&policy.identity()));
    catalog.of("grant").filter(has).cloned().collect()
}

const IDENTITY: Parameter = identity(Kind::Text);
const DESCRIPTION: Parameter = option("Description", Kind::Text, "description");
const ENABLE: Parameter = option("EnablePersistentChat", Kind::Bool, "enable");
const TENANT: Parameter =
    option("Tenant", Kind::Text, "").becomes(To::Nothing("tenants were of the online service; a store has none"));

/// The cmdlets for policies.
pub static CMDLETS: &[Cmdlet] = &[
    cmdlet::shows(
        "Get-CsPersistentChatPolicy",
        &["policy", "get"],
        &[IDENTITY, option("Filter", Kind::Text, "filter"), LOCAL_STORE, TENANT],
        "Get-CsPersistentChatPolicy -Filter \"site:*\"",
    )
    .apart(&[&["Identity", "Filter"]]),
    cmdlet::changes(
        "New-CsPersistentChatPolicy",
        &["policy", "new"],
        Takes::Nothing,
        &[IDENTITY.needed(), DESCRIPTION, ENABLE, FORCE, option("InMemory", Kind::Switch, "in-memory"), TENANT],
        "New-CsPersistentChatPolicy -Identity \"RedmondPersistentChatPolicy\" -EnablePersistentChat $True",
    ),
    cmdlet::changes(
        "Set-CsPersistentChatPolicy",
        &["policy", "set"],
        Takes::Each,
        &[IDENTITY, INSTANCE, DESCRIPTION, ENABLE, FORCE, TENANT],
        "Set-CsPersistentChatPolicy -Identity \"global\" -EnablePersistentChat $True",
    )
    .apart(&[&["Identity", "Instance"]]),
    cmdlet::changes(
        "Remove-CsPersistentChatPolicy",
        &["policy", "remove"],
        Takes::All,
        &[IDENTITY.needed(), option("Force", Kind::Switch, "force"), TENANT],
        "Remove-CsPersistentChatPolicy -Identity \"RedmondPersistentChatPolicy\"",
    ),
    cmdlet::changes(
        "Grant-CsPersistentChatPolicy",
        &["policy", "grant"],
        Takes::All,
        &[
            IDENTITY.needed(),
            option("PolicyName", Kind::Text, "policy").at(2),
            option("DomainController", Kind::Text, "")
                .becomes(To::Nothing("the store knows the users; no domain controller is asked")),
            option("PassThru", Kind::Switch, "pass-thru"),
        ],
        "Grant-CsPersistentChatPolicy -Identity \"sip:kenmyer@litwareinc.com\" -PolicyName \
            \"RedmondPersistentChatPolicy\"",
    ),
];

impl Verb for PolicyVerb {
    fn change(&self) -> Option<&'static str> {
        match self {
            PolicyVerb::Get { .. } | PolicyVerb::New { in_memory: true, .. } => None,
            PolicyVerb::New { consent, .. } => consent.change("policy new"),
            PolicyVerb::Set { consent, .. } => consent.change("policy set"),
            PolicyVerb::Remove { consent, .. } => consent.change("policy remove"),
            PolicyVerb::Grant { consent, .. } => consent.change("policy grant"),
        }
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        match self {
            PolicyVerb::Get { identity, filter } => {
                SCOPED.get(cx, identity.as_deref(), filter.as_deref()).map(Prepared::Answer)
            }
            PolicyVerb::New { identity, properties, in_memory, consent } => {
                SCOPED.make(cx, &identity, in_memory, consent, Box::new(move |record| properties.apply(record)))
            }
            PolicyVerb::Set { names, properties, create, consent } => {
                SCOPED.set(cx, &names, create, consent, Box::new(move |record| properties.apply(record)))
            }
            PolicyVerb::Remove { names, force, consent } => {
                let catalog = reads::no_people(cx)?;
                let mut used = 0;
                for name in &names {
                    used += grants(&catalog, &SCOPED.named(&catalog, name)?).len();
                }
                let asks = used > 0 && !force;
                let prepared = SCOPED.remove(cx, &names, consent, asks, grants)?;
                Ok(match prepared {
                    Prepared::Act(mut action) if used > 0 => {
                        let have = if used == 1 { "1 user has".to_owned() } else { format!("{used} users have") };
                        action.preview.notes.push(format!(
                            "{have} this policy, and fall back to that of their site, or the global one"
                        ));
                        Prepared::Act(action)
                    }
                    other => other,
                })
            }
            PolicyVerb::Grant { users, policy, pass_thru, consent } => {
                grant::grant(cx, users, policy, pass_thru, consent)
            }
        }
    }
}
