//! What needs a second person: it is asked for, approved of, withdrawn; and the setting that wants it.

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::ids::join_key;
use crate::model::record::{Record, Value};
use crate::model::reply::{Cell, Reply};
use crate::model::time::Ticks;
use crate::rules::approval::{self, REQUEST, RULE, State, THE_RULE, Who};
use crate::store::{Amendment, Corpus, change};

/// How long a request waits, and an approval holds, unless the store says otherwise.
pub const HOURS: i64 = 72;

/// So many rows of what was shown are kept with a request.
const ROWS: usize = 200;

/// Rule and requests as they are.
pub fn catalog(cx: &Context<'_>) -> Result<Catalog> {
    cx.session.read(|store| store.catalog(&[&RULE, &REQUEST]))
}

/// The rule, if one was ever set.
pub fn rule(catalog: &Catalog) -> Option<&Record> {
    catalog.get(RULE.noun, &join_key([THE_RULE]))
}

/// The request of this number.
pub fn request(catalog: &Catalog, number: u64) -> Result<&Record> {
    catalog.get(REQUEST.noun, &join_key([number.to_string().as_str()])).ok_or_else(|| {
        Error::new(Kind::NotFound, format!("no approval request {number}")).hint("pchat approval get lists all of them")
    })
}

/// Before something is done that destroys, or ends what protects: the number of the request that was approved for
/// exactly this; nothing where the store wants no second person. Otherwise it is refused, and with `--approve-by` asked
/// for.
pub fn settle(cx: &Context<'_>, parts: &[String], what: &str, preview: &Reply) -> Result<Option<String>> {
    if parts.is_empty() && cx.approve_by.is_none() {
        return Ok(None);
    }
    let found = catalog(cx)?;
    if parts.is_empty() || !approval::is_required(rule(&found)) {
        return match cx.approve_by {
            None => Ok(None),
            Some(_) if parts.is_empty() => Err(unasked()),
            Some(_) => Err(Error::new(Kind::Usage, "--approve-by: this store requires no second person")
                .hint("pchat approval set --required true requires one; without --approve-by it is done at once")),
        };
    }
    let (person, account, now) = (cx.actor.person(), cx.actor.account(), (cx.clock)());
    let who = Who { person: &person, account: &account };
    let mut mine: Vec<&Record> =
        found.of(REQUEST.noun).filter(|request| approval::is_for(request, who, parts)).collect();
    mine.sort_by_key(|request| number(request));
    let of = |states: &[State]| mine.iter().rev().find(|request| states.contains(&approval::state(request, now)));
    if let Some(request) = of(&[State::Approved, State::Begun]) {
        return Ok(Some(request.identity()));
    }
    let same = |request: &&&Record| {
        let asked = request.get(field::APPROVER.name).show();
        cx.approve_by.is_none_or(|name| approval::name_key(name) == approval::name_key(&asked))
    };
    if let Some(request) = of(&[State::Waiting]).filter(same) {
        return Err(approval::waits(request));
    }
    let Some(approver) = cx.approve_by else { return Err(approval::nobody_named()) };
    approval::may_ask(who, approver)?;
    let approver = approver.split_whitespace().collect::<Vec<_>>().join(" ");
    let request = Record::new(&REQUEST)
        .with(field::WHAT.name, what)
        .with(field::TOLD.name, told(preview))
        .with(field::PARTS.name, parts.to_vec())
        .with(field::REQUESTED_BY.name, Some(cx.actor.name()))
        .with(field::REQUESTER.name, person.as_str())
        .with(field::ACCOUNT.name, account.as_str())
        .with(field::REQUESTED_ON.name, now)
        .with(field::APPROVER.name, approver.as_str())
        .with(
            field::VALID_UNTIL.name,
            Ticks(now.0.saturating_add(hours(rule(&found)).saturating_mul(36_000_000_000))).min(Ticks::MAX),
        );
    let request = ask(cx, request)?;
    Err(approval::waits(&request))
}

/// What is said where nothing is done that a second person approves of.
pub fn unasked() -> Error {
    Error::new(Kind::Usage, "this needs no approval: it destroys nothing and ends no protection")
        .hint("leave out --approve-by")
}

fn number(request: &Record) -> u64 {
    request.identity().parse().unwrap_or_default()
}

/// How long requests are good for.
pub fn hours(rule: Option<&Record>) -> i64 {
    match rule.map(|rule| rule.get(field::HOURS.name)) {
        Some(Value::Int(hours)) => *hours,
        _ => HOURS,
    }
}

/// Records a request under the next number.
fn ask(cx: &Context<'_>, request: Record) -> Result<Record> {
    let mut made = None;
    cx.session.write(|store| {
        change::amend(store, &[&REQUEST][..], &mut |catalog| {
            let next = catalog.of(REQUEST.noun).map(number).max().unwrap_or_default() + 1;
            let request = request.clone().with(field::IDENTITY.name, next.to_string().as_str());
            let show = |field| request.get(field).show();
            let details = vec![
                ("what", show("What")),
                ("parts", show("Parts")),
                ("approver", show("Approver")),
                ("until", show("ValidUntil")),
            ];
            let entry = cx.entry("approval request", request.identity(), details);
            made = Some(request.clone());
            Ok(Some(Amendment::put([request], entry)))
        })
    })?;
    made.ok_or_else(|| Error::new(Kind::Bug, "a request was not made"))
}

/// Approves of a request, or withdraws it.
pub fn answer(cx: &Context<'_>, wanted: u64, gives: bool) -> Result<()> {
    cx.session.write(|store| {
        change::amend(store, &[&RULE, &REQUEST][..], &mut |catalog| {
            let request = request(catalog, wanted)?;
            let (who, when) = if gives { ("ApprovedBy", "ApprovedOn") } else { ("WithdrawnBy", "WithdrawnOn") };
            let done = request.clone().with(who, Some(cx.actor.name())).with(when, (cx.clock)());
            let action = if gives { "approval give" } else { "approval withdraw" };
            let show = |field| request.get(field).show();
            let details = vec![("what", show("What")), ("parts", show("Parts")), ("requested by", show("RequestedBy"))];
            Ok(Some(Amendment::put([done], cx.entry(action, request.identity(), details))))
        })
    })?;
    Ok(())
}

/// Refuses what [`answer`] would refuse, before anybody is asked.
pub fn may_give(cx: &Context<'_>, catalog: &Catalog, request: &Record) -> Result<()> {
    let (person, account) = (cx.actor.person(), cx.actor.account());
    approval::may_give(request, rule(catalog), Who { person: &person, account: &account }, (cx.clock)())
}

/// Sets the rule.
pub fn set(cx: &Context<'_>, rule: Record) -> Result<()> {
    let details = ["Required", "OtherAccount", "Hours"].map(|field| (field, rule.get(field).show()));
    let entry = cx.entry("approval set", "store", details.into());
    cx.session.write(|store| change::change(store, Amendment::put([rule], entry)))
}

/// What was shown to whoever asked, as lines for whoever approves.
fn told(preview: &Reply) -> Vec<String> {
    let mut lines = preview.notes.clone();
    for table in &preview.tables {
        for row in table.rows.iter().take(ROWS) {
            let cells = table.columns.iter().zip(row);
            let cells = cells.filter_map(|(column, cell)| Some(format!("{column} {}", shown(cell)?)));
            lines.push(format!("{}: {}", table.title, cells.collect::<Vec<_>>().join("; ")));
        }
        if let Some(more) = table.rows.len().checked_sub(ROWS).filter(|more| *more > 0) {
            lines.push(format!("{}: and {more} more", table.title));
        }
    }
    lines
}

fn shown(cell: &Cell) -> Option<String> {
    Some(match cell {
        Cell::Empty => return None,
        Cell::Text(text) | Cell::Marked(text, _) => text.clone(),
        Cell::Number(number) | Cell::Bytes(number) => number.to_string(),
        Cell::Time(at) | Cell::Moment(at) => at.to_string(),
        Cell::Bool(is) => is.to_string(),
        Cell::List(items) => items.join(", "),
    })
}
