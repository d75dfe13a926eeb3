//! Searches as they are saved.

use super::super::COLLECTION;
use super::super::collections::{case_of, is_free, known, text, written};
use super::{identified, salt, state_of, told};
use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::collections::{Found, found};
use crate::jobs::query::understood;
use crate::jobs::selection::Wanted;
use crate::model::counted::counted;
use crate::model::field;
use crate::model::record::Record;
use crate::model::reply::Reply;
use crate::nouns::which;
use crate::store::collections::{Gather, Gathering, gather};

pub(super) fn save(
    cx: &Context<'_>,
    case: &str,
    name: &str,
    description: Option<String>,
    wanted: &Wanted,
) -> Result<Reply> {
    if wanted.is_everything() {
        return Err(
            Error::new(Kind::Usage, "no query given").hint("give a query, as in: --query \"settlement OR rebate\"")
        );
    }
    let cases = known(cx)?;
    let case = case_of(&cases, case)?;
    is_free(&cases, "search", &case, name, "pchat case search run runs it again; give the new one another name")?;
    let salt = salt(cx)?;
    let (record, results) = cx.session.read(|store| {
        let catalog = understood(store, cx.shapes, [wanted])?;
        let sealed = wanted.sealed(&catalog)?;
        let Found { events, digest } = found(store, &sealed.selection(&catalog)?, &salt)?;
        let asked = serde_json::to_string(&sealed)
            .map_err(|error| Error::new(Kind::Bug, "a search cannot be written").because(error))?;
        let record = Record::new(&COLLECTION)
            .with(field::CASE, case.as_str())
            .with(field::KIND, "search")
            .with(field::NAME, name)
            .with(field::DESCRIPTION, description)
            .with(field::ASKED, asked.as_str())
            .with(field::WRITTEN, written(wanted, &catalog)?.as_str());
        Ok((identified(cx, record, (&events, &digest), &state_of(store)?), events))
    })?;
    crate::rules::merge::check_lengths(&record)?;
    let details =
        vec![("asked", text(&record, field::ASKED).to_owned()), ("digest", text(&record, field::DIGEST).to_owned())];
    let entry = cx.entry("case search new", record.identity(), details);
    let salt = Some(salt);
    let change = Gathering { record, how: Gather::Replace, events: &results, salt };
    cx.session.write(|store| gather(store, &change, &entry))?;
    let rooms = counted(results.count_rooms(), "room");
    let mut reply =
        told(format!("search \"{name}\" of case \"{case}\" found {} in {rooms}", counted(results.len(), "event")));
    reply.notes.extend(which::warnings(cx, wanted)?);
    Ok(reply)
}
