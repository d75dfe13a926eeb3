//! Approvals: what destroys, or ends what protects, may need a second person. One asks by the command itself, with
//! `--approve-by`; the other looks at the request and approves; then the same command does it, if it still means the
//! same.

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::approval as job;
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::record::{Record, Value};
use crate::model::reply::{Cell, Reply, Status, Table};
use crate::nouns::verb::{Action, Consent, Prepared, Verb};
use crate::rules::approval::{REQUEST, RULE, THE_RULE, is_required, state};
use crate::store::change::parts;
use clap::Subcommand;

/// Manage approval by a second person
#[derive(Debug, Subcommand)]
pub enum ApprovalVerb {
    /// Set whether destruction and the release of holds need a second person
    Set {
        /// True requires a second person
        #[arg(long, value_name = "BOOL")]
        required: Option<bool>,
        /// The second person must use another account of the computer
        #[arg(long, value_name = "BOOL")]
        other_account: Option<bool>,
        /// Hours until a request expires
        #[arg(long, value_name = "HOURS", value_parser = clap::value_parser!(i64).range(1..=8760))]
        hours: Option<i64>,
        /// Ask or not.
        #[command(flatten)]
        consent: Consent,
    },
    /// Show the rule and the requests
    Get {
        /// Only this one, with all that was shown to whoever asked
        number: Option<u64>,
    },
    /// Approve a request, as the person it names
    Give {
        /// Its number
        number: u64,
        /// Ask or not.
        #[command(flatten)]
        consent: Consent,
    },
    /// Withdraw a request, or an approval that was not used
    Withdraw {
        /// Its number
        number: u64,
    },
}

impl Verb for ApprovalVerb {
    fn change(&self) -> Option<&'static str> {
        match self {
            ApprovalVerb::Set { consent, .. } => consent.change("approval set"),
            ApprovalVerb::Get { .. } => None,
            ApprovalVerb::Give { consent, .. } => consent.change("approval give"),
            ApprovalVerb::Withdraw { .. } => Some("approval withdraw"),
        }
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        let catalog = job::catalog(cx)?;
        match self {
            ApprovalVerb::Set { required, other_account, hours, consent } => {
                set(cx, &catalog, required, other_account, hours, consent)
            }
            ApprovalVerb::Get { number } => {
                let one = number.map(|number| job::request(&catalog, number)).transpose()?;
                Ok(Prepared::Answer(list(cx, &catalog, one)))
            }
            ApprovalVerb::Give { number, consent } => {
                let request = job::request(&catalog, number)?;
                job::may_give(cx, &catalog, request)?;
                let question = format!("Approve of request {number}: {}", request.get(field::WHAT.name).show());
                let preview = Reply { tables: vec![shown(request)], ..Reply::default() };
                let act = Box::new(move |cx: &Context<'_>| {
                    job::answer(cx, number, true)?;
                    let note = format!("request {number} is approved; the command it came from, run again, does it");
                    Ok(Reply { notes: vec![note], ..Reply::default() })
                });
                Ok(Prepared::Act(Action { preview, question, consent, destroys: true, parts: Vec::new(), act }))
            }
            ApprovalVerb::Withdraw { number } => Prepared::to_do(move |cx| {
                job::answer(cx, number, false)?;
                Ok(Reply { notes: vec![format!("request {number} is withdrawn")], ..Reply::default() })
            }),
        }
    }
}

fn set(
    cx: &Context<'_>,
    catalog: &Catalog,
    required: Option<bool>,
    other_account: Option<bool>,
    hours: Option<i64>,
    consent: Consent,
) -> Result<Prepared> {
    let old = job::rule(catalog);
    let was = |field| *old.map_or(&Value::Null, |rule| rule.get(field)) == Value::Bool(true);
    if required.is_none() && other_account.is_none() && hours.is_none() {
        return Err(Error::new(Kind::Usage, "no setting given")
            .hint("--required true, --other-account true, --hours HOURS; pchat approval get shows what is"));
    }
    let mut rule = Record::new(&RULE).with(field::IDENTITY.name, THE_RULE);
    rule.set(field::REQUIRED.name, Value::Bool(required.unwrap_or(was("Required"))));
    rule.set(field::OTHER_ACCOUNT.name, Value::Bool(other_account.unwrap_or(was("OtherAccount"))));
    rule.set(field::HOURS.name, Value::Int(hours.unwrap_or(job::hours(old))));
    let rule = rule.with(field::SET_BY.name, Some(cx.actor.name())).with(field::SET_ON.name, (cx.clock)());
    let what = in_words(Some(&rule));
    let parts = parts(std::slice::from_ref(&rule), &[]);
    let preview = Reply { notes: vec![format!("until now: {}", in_words(old))], ..Reply::default() };
    let act = Box::new(move |cx: &Context<'_>| {
        let note = in_words(Some(&rule));
        job::set(cx, rule)?;
        Ok(Reply { notes: vec![note], ..Reply::default() })
    });
    // Only where a second person is wanted is it a loss.
    let destroys = is_required(old);
    let question = format!("From now on: {what}?");
    Ok(Prepared::Act(Action { preview, question, consent, destroys, parts, act }))
}

/// What the store wants.
fn in_words(rule: Option<&Record>) -> String {
    if !is_required(rule) {
        return "destruction needs no second person".to_owned();
    }
    let account = match rule.map(|rule| rule.get(field::OTHER_ACCOUNT.name)) {
        Some(Value::Bool(true)) => ", under another account,",
        _ => "",
    };
    let hours = job::hours(rule);
    let hours = if hours == 1 { "1 hour".to_owned() } else { format!("{hours} hours") };
    format!("what destroys, or ends what protects, needs a second person{account} within {hours}")
}

fn list(cx: &Context<'_>, catalog: &Catalog, one: Option<&Record>) -> Reply {
    let now = (cx.clock)();
    let mut table = Table {
        title: "requests",
        columns: vec![
            "Request",
            "State",
            "What",
            "RequestedBy",
            "RequestedOn",
            "Approver",
            "ValidUntil",
            "ApprovedBy",
            "ApprovedOn",
        ],
        aside: vec!["RequestedBy", "ApprovedBy"],
        ..Table::default()
    };
    let mut requests: Vec<&Record> =
        catalog.of(REQUEST.noun).filter(|request| one.is_none_or(|one| one == *request)).collect();
    requests.sort_by_key(|request| request.identity().parse::<u64>().unwrap_or_default());
    for request in requests {
        let mut row: Vec<Cell> = vec![request.identity().into(), state(request, now).word().into()];
        let rest = ["What", "RequestedBy", "RequestedOn", "Approver", "ValidUntil", "ApprovedBy", "ApprovedOn"];
        row.extend(rest.map(|field| Cell::from(request.get(field))));
        table.rows.push(row);
    }
    let mut reply = Reply { notes: vec![in_words(job::rule(catalog))], ..Reply::default() };
    if table.rows.is_empty() {
        reply.notes.push("nothing waits for approval, and nothing ever did".to_owned());
        reply.status = Status::Nothing;
    }
    reply.tables.push(table);
    reply.tables.extend(one.map(shown));
    reply
}

/// What a request is for, line by line.
fn shown(request: &Record) -> Table {
    let mut rows = vec![vec!["What".into(), request.get(field::WHAT.name).into()]];
    for field in ["RequestedBy", "RequestedOn", "Approver", "ValidUntil"] {
        rows.push(vec![field.into(), request.get(field).into()]);
    }
    for (name, field) in [("Shown", "Told"), ("Part", "Parts"), ("Done", "Used")] {
        if let Value::List(lines) = request.get(field) {
            rows.extend(lines.iter().map(|line| vec![name.into(), line.into()]));
        }
    }
    Table { rows, ..Table::facts() }
}
