//! Retention: how long history is kept before a purge by retention takes it.

use crate::context::Context;
use crate::error::{Error, Kind, Result};
use crate::jobs::purge::retention::{Keep, Rules};
use crate::jobs::selection::{only_category, only_room, room_key};
use crate::jobs::settings;
use crate::model::catalog::Catalog;
use crate::model::field;
use crate::model::ids::fold;
use crate::model::record::{Field, Level, Record, Shape};
use crate::model::reply::{Cell, Reply, Status, Table};
use crate::nouns::reads;
use crate::nouns::verb::{Prepared, Verb};
use crate::rules::holds::{self, Hold};
use clap::{Args, Subcommand};
use std::collections::HashMap;

/// So many holds are named in a note.
const NAMED: usize = 3;

/// The shape of a rule: for a category, a room, or everything that has no rule of its own.
pub static SHAPE: Shape = Shape {
    noun: "retention",
    plural: "retentions",
    fields: &[
        Field::of(field::SCOPE, "scope", 16),
        Field::of(field::TARGET, "target", 1024),
        Field::of(field::KEEP, "keep", 32),
        Field::of(field::REASON, "reason", 1024),
        Field::of(field::SET_BY, "set_by", 256),
        Field::of(field::SET_ON, "set_on", 0),
    ],
    key: &[field::SCOPE.name, field::TARGET.name],
    identity: &[field::SCOPE.name, field::TARGET.name],
    levels: &[Level::Category, Level::RoomDirectory],
};

/// Manage retention rules: how long history is kept before pchat purge --by-retention destroys it
#[derive(Debug, Subcommand)]
pub enum RetentionVerb {
    /// Show the rules, what they let go today, and how many rooms each governs
    Get,
    /// Create or change a rule; destroys nothing
    Set {
        /// What the rule is for.
        #[command(flatten)]
        target: Target,
        /// How long: "90 days", "12 weeks", "18 months", "7 years", or "forever"
        #[arg(long, value_name = "TIME")]
        keep: String,
        /// Why
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
    },
    /// Remove a rule
    Remove {
        /// What the rule is for.
        #[command(flatten)]
        target: Target,
    },
}

/// What a rule is for.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Target {
    /// A category, by name or pool\name
    #[arg(long, value_name = "CATEGORY")]
    category: Option<String>,
    /// A room, by name, pool\name or address
    #[arg(long, value_name = "ROOM")]
    room: Option<String>,
    /// Rooms without a rule of their own
    #[arg(long)]
    everything: bool,
}

impl Target {
    /// Scope and target as a rule keeps them. What is named must exist.
    fn resolve(&self, catalog: &Catalog) -> Result<(&'static str, String)> {
        Ok(match (&self.category, &self.room) {
            (Some(name), _) => ("category", only_category(catalog, name)?.identity()),
            (_, Some(name)) => ("room", room_key(only_room(catalog, name)?).to_string()),
            // No key has an empty part.
            _ => ("everything", "*".to_owned()),
        })
    }

    /// The rule for it. A rule outlives what it was for, and then goes by what it says.
    fn rule<'a>(&self, catalog: &'a Catalog) -> Result<Option<&'a Record>> {
        let typed = match (&self.category, &self.room) {
            (Some(name), _) => Some(("category", name)),
            (_, Some(name)) => Some(("room", name)),
            _ => None,
        };
        if let Some((scope, name)) = typed
            && let Some(found) = find(catalog, scope, name)
        {
            return Ok(Some(found));
        }
        let (scope, target) = self.resolve(catalog)?;
        Ok(find(catalog, scope, &target))
    }
}

fn find<'a>(catalog: &'a Catalog, scope: &str, target: &str) -> Option<&'a Record> {
    let is =
        |rule: &&Record| rule.at(field::SCOPE) == Some(scope) && rule.at(field::TARGET).map(fold) == Some(fold(target));
    catalog.of("retention").find(is)
}

/// A rule in a sentence.
fn named(scope: &str, target: &str) -> String {
    if scope == "everything" { scope.to_owned() } else { format!("{scope} {target}") }
}

impl Verb for RetentionVerb {
    fn change(&self) -> Option<&'static str> {
        match self {
            RetentionVerb::Get => None,
            RetentionVerb::Set { .. } => Some("retention set"),
            RetentionVerb::Remove { .. } => Some("retention remove"),
        }
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        match self {
            RetentionVerb::Get => list(&reads::no_people(cx)?, cx).map(Prepared::Answer),
            other => Prepared::to_do(move |cx| other.run(cx)),
        }
    }
}

impl RetentionVerb {
    fn run(self, cx: &Context<'_>) -> Result<Reply> {
        let catalog = reads::no_people(cx)?;
        match self {
            RetentionVerb::Get => list(&catalog, cx),
            RetentionVerb::Set { target, keep, reason } => {
                Keep::parse(&keep)?;
                let (scope, target) = target.resolve(&catalog)?;
                let before = find(&catalog, scope, &target).map(|rule| rule.value(field::KEEP).show());
                let rule = Record::new(&SHAPE)
                    .with(field::SCOPE, scope)
                    .with(field::TARGET, target.as_str())
                    .with(field::KEEP, keep.trim())
                    .with(field::REASON, reason)
                    .with(field::SET_BY, Some(cx.actor.name()))
                    .with(field::SET_ON, (cx.clock)());
                let mut details = vec![("keep", keep.trim().to_owned())];
                details.extend(before.as_ref().map(|before| ("before", before.clone())));
                settings::put(cx, &rule, "retention set", details)?;
                let before = before.map_or_else(String::new, |before| format!("; before, it was {before}"));
                let note = format!("{} is kept for {}{before}", named(scope, &target), keep.trim());
                let mut notes = vec![note.replace("for forever", "forever")];
                notes.extend(held_longer(catalog, rule)?);
                Ok(Reply { notes, ..Reply::default() })
            }
            RetentionVerb::Remove { target } => {
                let Some(rule) = target.rule(&catalog)? else {
                    let (scope, target) = target.resolve(&catalog)?;
                    return Err(Error::new(Kind::NotFound, format!("no rule for {}", named(scope, &target)))
                        .hint("pchat retention get lists all of them"));
                };
                let (scope, target) = (rule.value(field::SCOPE).show(), rule.value(field::TARGET).show());
                let details = vec![("keep", rule.value(field::KEEP).show())];
                settings::remove(cx, rule, "retention remove", details)?;
                let notes = vec![format!("removed the rule for {}", named(&scope, &target))];
                Ok(Reply { notes, ..Reply::default() })
            }
        }
    }
}

/// Which holds in force reach rooms that a new rule governs: it lets nothing go of what they protect.
fn held_longer(mut catalog: Catalog, new: Record) -> Result<Option<String>> {
    if Keep::parse(new.at(field::KEEP).unwrap_or_default())? == Keep::Forever {
        return Ok(None);
    }
    catalog.put(new.clone());
    let (holds, places) = match holds::of_catalog(&catalog) {
        Ok(found) => found,
        Err(error) => return Ok(Some(error.what().to_owned())),
    };
    let (rooms, rules) = (catalog.of("room").zip(&places), Rules::of(&catalog));
    let governed: Vec<i64> =
        rooms.filter(|(room, _)| rules.rule(room) == Some(&new)).map(|(_, place)| place.number).collect();
    let reaches = |hold: &&Hold| governed.iter().any(|room| hold.touches(*room));
    let mut names: Vec<String> =
        holds.list.iter().filter(reaches).map(|hold| format!("\"{}\"", hold.identity)).collect();
    let (word, reach, what) = match names.len() {
        0 => return Ok(None),
        1 => ("hold", "reaches", "it protects"),
        _ => ("holds", "reach", "they protect"),
    };
    let more = names.len().saturating_sub(NAMED);
    names.truncate(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let names = names.join(", ");
    Ok(Some(format!("{word} {names}{more} {reach} into it: what {what} is kept longer; see pchat hold report")))
}

fn list(catalog: &Catalog, cx: &Context<'_>) -> Result<Reply> {
    let now = (cx.clock)();
    let mut rules = Table {
        title: "rules",
        columns: vec!["Scope", "Target", "Keep", "Cutoff", "Rooms", "Reason", "SetBy", "SetOn"],
        aside: vec!["SetBy"],
        ..Table::default()
    };
    let governing = Rules::of(catalog);
    let mut rooms: HashMap<Option<usize>, u64> = HashMap::new();
    catalog.of("room").for_each(|room| *rooms.entry(governing.number(room)).or_default() += 1);
    for (number, found) in catalog.of("retention").enumerate() {
        let governed = rooms.get(&Some(number)).copied().unwrap_or_default();
        let keep = found.value(field::KEEP).show();
        rules.rows.push(vec![
            found.value(field::SCOPE).into(),
            found.value(field::TARGET).into(),
            keep.as_str().into(),
            Cell::time(Keep::parse(&keep)?.cutoff(now)),
            governed.into(),
            found.value(field::REASON).into(),
            found.value(field::SET_BY).into(),
            found.value(field::SET_ON).into(),
        ]);
    }
    let mut reply = Reply::default();
    let free = rooms.get(&None).copied().unwrap_or_default();
    if rules.rows.is_empty() {
        reply.notes.push("no retention rule; everything is kept".to_owned());
        reply.status = Status::Nothing;
    } else if free > 0 {
        let (rooms, have) = if free == 1 { ("room", "has") } else { ("rooms", "have") };
        reply.notes.push(format!("{free} {rooms} {have} no rule, and what is in them is kept"));
    }
    reply.tables.push(rules);
    Ok(reply)
}
