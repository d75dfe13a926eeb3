//! Managed objects from the command line: each rule of the product has a test that bears its name.

mod addresses;
mod cases;
mod completeness;
mod data;
mod filters;
mod found;
mod messages;
mod rooms;
mod settings;

use crate::harness::{Desk, Run};
use serde_json::Value;

/// Runs a whole line in the spelling of the cmdlets.
fn line(desk: &Desk, line: &str) -> Run {
    desk.args(&[line, "--store", "@s.db"])
}

/// What a cmdlet shows.
#[track_caller]
fn objects(desk: &Desk, text: &str) -> Vec<Value> {
    let run = desk.args(&[text, "--store", "@s.db", "--output", "json"]);
    assert!(matches!(run.code, 0 | 4), "{run:?}");
    run.json().as_array().unwrap().clone()
}

/// The only object a cmdlet shows.
#[track_caller]
fn one(desk: &Desk, text: &str) -> Value {
    let all = objects(desk, text);
    assert_eq!(all.len(), 1, "{all:?}");
    all[0].clone()
}

/// One property of all objects.
#[track_caller]
fn each(desk: &Desk, text: &str, property: &str) -> Vec<String> {
    objects(desk, text).iter().map(|object| object[property].as_str().unwrap_or_default().to_owned()).collect()
}
