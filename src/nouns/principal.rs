//! Principals: users, groups and what they lie in. Lengths are those of the product's tables (tblPrincipal).

mod eligible;
mod get;
mod sync;

use self::eligible::EligibleRequest;
use self::get::GetRequest;
pub(super) use self::get::container;
use self::sync::SyncRequest;
use crate::context::Context;
use crate::error::{Error, Kind as Failure, Result};
use crate::jobs::principals::{self, Agreed, Counts, Incoming};
use crate::model::counted::counted;
use crate::model::field;
use crate::model::record::{Field, Level, Shape};
use crate::model::reply::{Reply, Table};
use crate::nouns::cmdlet::{self, Cmdlet, Kind, Parameter, To, identity, option};
use crate::nouns::data::asked::{Asked, switch};
use crate::nouns::verb::{Action, Consent, Prepared, Verb};
use clap::{Args, Subcommand};
use std::path::PathBuf;

/// The shape of a principal. `Uri` tells two apart: the SIP address of whoever has one, else `ma-grp://` and the
/// identity the directory gave it, else the DN. `Affiliations` are the DNs of the groups it is in directly; units
/// follow from its own DN. `Disabled` is 0, or 1 for an address that is switched off, or 2 for what the directory no
/// longer has. `Attributes` are other attributes, each as `name=value`.
pub static SHAPE: Shape = Shape {
    noun: "principal",
    plural: "principals",
    fields: &[
        Field::of(field::URI, "uri", 384).names(),
        Field::of(field::TYPE, "type", 16),
        Field::of(field::NAME, "name", 256).names(),
        Field::of(field::DISPLAY_NAME, "display_name", 256).names(),
        Field::of(field::COMPANY, "company", 256),
        Field::of(field::EMAIL, "email", 256).names(),
        Field::of(field::DIRECTORY_PATH, "directory_path", 384).names(),
        Field::of(field::USER_PRINCIPAL_NAME, "user_principal_name", 1024).names(),
        Field::of(field::LOGON, "logon", 512).names(),
        Field::of(field::OBJECT_CLASS, "object_class", 256),
        Field::of(field::ATTRIBUTES, "attributes", 0),
        Field::of(field::GUID, "guid", 64),
        Field::of(field::ACCOUNT_STATE, "disabled", 0),
        Field::of(field::SITE, "site", 256),
        Field::of(field::POOL, "pool", 256),
        Field::of(field::AFFILIATIONS, "affiliations", 384),
        Field::of(field::VERIFIED_ON, "verified_on", 0),
        Field::of(field::CREATED_BY, "created_by", 256),
        Field::of(field::CREATED_ON, "created_on", 0),
        Field::of(field::UPDATED_BY, "updated_by", 256),
        Field::of(field::UPDATED_ON, "updated_on", 0),
    ],
    key: &[field::URI.name],
    identity: &[field::URI.name],
    levels: &[Level::User],
};

/// Import and show users, groups and the units they are in
#[derive(Debug, Subcommand)]
pub enum PrincipalVerb {
    /// Show principals
    Get(Box<GetRequest>),
    /// Show who may be given a role in a category or room
    Eligible(EligibleRequest),
    /// Import principals from LDIF or CSV, as ldifde and csvde write them
    Import(ImportRequest),
    /// Import principals from a live directory (LDAP)
    Sync(Box<SyncRequest>),
}

/// What is taken in.
#[derive(Debug, Args)]
pub struct ImportRequest {
    /// Files of LDIF or CSV
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Mark principals below --base that are not in the files as deleted
    #[arg(long, requires = "base")]
    missing_deleted: bool,
    /// Subtrees these files cover completely, by DN
    #[arg(long, value_name = "DN", requires = "missing_deleted")]
    base: Vec<String>,
    /// Write a report; .json makes it JSON, anything else HTML
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    #[command(flatten)]
    consent: Consent,
}

const RESULT_SIZE: Parameter = option("ResultSize", Kind::Number, "limit");
const NO_CONTROLLER: To = To::Nothing("the store answers, not a domain controller; pchat principal sync asks one");

/// What the two cmdlets that list the directory share.
const LISTING: &[Parameter] = &[
    identity(Kind::Text),
    option("Credential", Kind::Text, "").becomes(NO_CONTROLLER),
    option("DomainController", Kind::Text, "").becomes(NO_CONTROLLER),
    option("Filter", Kind::Condition, "filter"),
    option("LDAPFilter", Kind::Text, "ldap-filter").or(&["LdapFilter"]),
    option("OU", Kind::Text, "ou"),
    RESULT_SIZE,
];

/// The cmdlets for principals.
pub static CMDLETS: &[Cmdlet] = &[
    cmdlet::shows(
        "Get-CsAdPrincipal",
        &["principal", "get"],
        LISTING,
        "Get-CsAdPrincipal -Filter {SipAddress -eq \"sip:RedmondMeetingRoom@litwareinc.com\"}",
    ),
    cmdlet::shows("Get-CsUser", &["principal", "get"], LISTING, "Get-CsUser -LdapFilter \"Department=IT\"")
        .always(&["--type=User"]),
    cmdlet::shows(
        "Get-CsPersistentChatEligiblePrincipal",
        &["principal", "eligible"],
        &[
            option("Category", Kind::Text, "category"),
            option("Room", Kind::Text, "room"),
            option("Filter", Kind::Text, "filter"),
            option("PersistentChatPoolFqdn", Kind::Text, "pool"),
            option("Presenters", Kind::Switch, "presenters"),
            RESULT_SIZE,
        ],
        "Get-CsPersistentChatEligiblePrincipal -PersistentChatPoolFqdn \"atl-cs-001.litwareinc.com\" -Category \
            \"ITChat\"",
    )
    .one_of(&["Category", "Room"])
    .apart(&[&["Category", "Room"], &["Category", "Presenters"]]),
];

impl Verb for PrincipalVerb {
    fn change(&self) -> Option<&'static str> {
        match self {
            PrincipalVerb::Get(_) | PrincipalVerb::Eligible(_) => None,
            PrincipalVerb::Import(request) => request.consent.change("principal import"),
            PrincipalVerb::Sync(request) => request.consent.change("principal sync"),
        }
    }

    fn refused(&self, cx: &Context<'_>, error: &Error) {
        match self {
            PrincipalVerb::Get(_) | PrincipalVerb::Eligible(_) => {}
            PrincipalVerb::Import(request) => request.asked(cx).refused(cx, error),
            PrincipalVerb::Sync(request) => request.asked(cx).refused(cx, error),
        }
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        match self {
            PrincipalVerb::Get(request) => Ok(Prepared::Stream(Box::new(move |cx, pages| request.run(cx, pages)))),
            PrincipalVerb::Eligible(request) => Ok(Prepared::Stream(Box::new(move |cx, pages| request.run(cx, pages)))),
            PrincipalVerb::Sync(request) => {
                let asked = request.asked(cx).checked()?;
                asked.follow(cx, request.prepare(cx))
            }
            PrincipalVerb::Import(request) => {
                let asked = request.asked(cx).checked()?;
                asked.follow(cx, request.prepare(cx))
            }
        }
    }
}

impl ImportRequest {
    fn asked(&self, cx: &Context<'_>) -> Asked {
        let options = vec![
            ("files", self.names()),
            ("missing-deleted", switch(self.missing_deleted)),
            ("base", self.base.join("; ")),
        ];
        report(cx, ("principal import", &self.report), self.consent, options, &self.files)
    }

    fn names(&self) -> String {
        let names: Vec<String> = self.files.iter().map(|file| file.display().to_string()).collect();
        names.join("; ")
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        let bases = bases(&self.base)?;
        let mut incoming = principals::read(&SHAPE, &self.files)?;
        incoming.complete()?;
        incoming.bases = bases;
        taken(cx, incoming, ("principal import", self.names()), self.consent)
    }
}

/// The report of what a directory has given.
fn report(
    cx: &Context<'_>,
    (job, path): (&'static str, &Option<PathBuf>),
    consent: Consent,
    options: Vec<(&'static str, String)>,
    sources: &[PathBuf],
) -> Asked {
    let mut all = vec![("store", cx.session.path().display().to_string())];
    all.extend(options);
    all.push(("what-if", switch(consent.what_if)));
    Asked {
        path: path.clone(),
        job,
        what_if: consent.what_if,
        options: all,
        sources: sources.to_vec(),
        started: (cx.clock)(),
    }
}

/// Takes them in, or asks first where so many would be gone that it may be a mistake.
fn taken(cx: &Context<'_>, incoming: Incoming, action: (&'static str, String), consent: Consent) -> Result<Prepared> {
    let missing = !incoming.bases.is_empty();
    let take = move |cx: &Context<'_>, agreed| principals::take(cx, &incoming, action.clone(), agreed);
    if consent.what_if {
        return take(cx, Agreed::WhatIf).map(|counts| Prepared::Answer(told(counts, missing, true)));
    }
    if missing || consent.confirm {
        let counts = take(cx, Agreed::WhatIf)?;
        if counts.asks() || consent.confirm {
            let mut preview = told(counts, missing, true);
            preview.notes.pop();
            let question = match counts.deleted {
                0 => "Change the principals of this store?".to_owned(),
                gone => {
                    let all = counted(counts.present, "principal");
                    format!("{gone} of {all} would be marked as deleted. Continue?")
                }
            };
            let act = move |cx: &Context<'_>| Ok(told(take(cx, Agreed::To(counts.deleted))?, missing, false));
            let destroys = counts.asks();
            return Ok(Prepared::Act(Action {
                preview,
                question,
                consent,
                destroys,
                parts: Vec::new(),
                act: Box::new(act),
            }));
        }
    }
    take(cx, Agreed::Usual).map(|counts| Prepared::Answer(told(counts, missing, false)))
}

/// Names below which something is looked for.
fn bases(names: &[String]) -> Result<Vec<String>> {
    for name in names {
        if crate::model::dn::key(name).is_none() {
            return Err(Error::new(Failure::Usage, format!("{name:?} is not a DN")).hint("as OU=IT,DC=example,DC=com"));
        }
    }
    Ok(names.to_vec())
}

fn told(counts: Counts, missing: bool, what_if: bool) -> Reply {
    let columns = vec!["New", "Changed", "Unchanged", "Deleted", "PassedOver"];
    let row = [counts.new, counts.changed, counts.unchanged, counts.deleted, counts.passed].map(Into::into);
    let mut notes = Vec::new();
    if counts.passed > 0 {
        notes.push("entries passed over are computers and others that can be in no room".to_owned());
    }
    if counts.references > 0 {
        let nobody = if missing { ", so nobody is marked as deleted" } else { "" };
        let references = counted(counts.references, "reference");
        notes.push(format!("the directory gave {references} to other directories, which were not asked{nobody}"));
    }
    if counts.barren {
        notes.push("no entry lies below one of the names of --base: is it spelled right?".to_owned());
    }
    if what_if {
        notes.push("nothing was changed: this is what would happen".to_owned());
    }
    let table = Table { title: "principals", columns, rows: vec![row.into()], ..Table::default() };
    Reply { tables: vec![table], notes, ..Reply::default() }
}
