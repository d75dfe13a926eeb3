//! What is done: each file wires one source, its stages and one sink. Jobs neither print nor ask.

pub mod approval;
pub mod archive;
pub mod audit;
pub mod collections;
pub mod compliance;
pub mod diff;
pub mod export;
pub mod holds;
pub mod import;
pub mod intake;
pub mod keys;
pub mod people;
pub mod post;
pub mod principals;
pub mod produce;
pub mod purge;
pub mod query;
pub mod report;
pub mod sealed;
pub mod search;
pub mod seen;
pub mod selection;
pub mod settings;
pub mod stats;
pub mod sums;
pub mod terms;
pub mod verify;

// Under the names that nouns know them by.
pub use crate::rules::{directory, merge as catalog, rights};
