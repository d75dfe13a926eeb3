//! Which services of compliance are meant, and how they are.

use super::SCOPED;
use crate::context::Context;
use crate::error::Result;
use crate::jobs::compliance::mail::Mailed;
use crate::jobs::compliance::{Service, Standing, hindrance, services, standing};
use crate::model::counted::counted;
use crate::nouns::reads;
use crate::store::sqlite::Sqlite;

/// The services of the settings as they are now.
pub(super) fn current(cx: &Context<'_>, names: &[String]) -> Result<Vec<Service>> {
    let catalog = reads::no_people(cx)?;
    let names: Vec<String> = names.iter().map(|name| SCOPED.identity(name)).collect::<Result<_>>()?;
    for name in &names {
        SCOPED.named(&catalog, name)?;
    }
    services(&SCOPED.all(&catalog), &names)
}

/// All of them, those of sites as well.
pub(super) fn every(cx: &Context<'_>) -> Result<Vec<Service>> {
    let catalog = reads::no_people(cx)?;
    let all = SCOPED.all(&catalog);
    let name =
        |record: &crate::model::record::Record| record.at(crate::model::field::IDENTITY).unwrap_or_default().to_owned();
    services(&all, &all.iter().map(name).collect::<Vec<_>>())
}

/// What to say of mails that were refused.
pub(super) fn refused(mailed: &Mailed) -> Option<String> {
    let status = mailed.refusal.as_deref().unwrap_or_default();
    (mailed.refused > 0).then(|| format!("{} refused by the relay ({status})", counted(mailed.refused, "mail")))
}

/// How all of these are.
pub(super) fn standings(cx: &Context<'_>, all: &[Service]) -> Result<Vec<(String, Standing)>> {
    let now = (cx.clock)();
    let mut found = cx.session.read(|store| {
        all.iter()
            .map(|service| Ok((service.identity.clone(), standing(store, service, now)?, hindrance(store, service)?)))
            .collect::<Result<Vec<_>>>()
    })?;
    if found.iter().any(|(_, now, doubt)| now.error.is_none() && doubt.is_some()) {
        // A run may have ended between the snapshot and the look at its folder.
        let mut store = Sqlite::snapshot(cx.session.alone()?)?;
        for (service, (_, now, doubt)) in all.iter().zip(&mut found) {
            *doubt = if doubt.is_some() { hindrance(&mut store, service)? } else { None };
            if let (Some(error), None) = (&*doubt, &now.error) {
                (now.state, now.error) = ("failed", Some(error.what().to_owned()));
            }
        }
    }
    Ok(found.into_iter().map(|(identity, now, _)| (identity, now)).collect())
}
