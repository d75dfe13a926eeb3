//! What is managed: one file per noun. Here is the list of nouns, in the order archives and reports follow.

pub mod addin;
pub mod case;
pub mod category;
pub mod compliance;
pub mod configuration;
pub mod data;
pub mod endpoint;
pub mod hold;
pub mod policy;
pub mod pool;
pub mod principal;
pub mod room;
pub mod server;
pub mod state;
pub mod store;

use crate::model::record::Shape;

/// Every noun that is kept as a record. Holds come first wherever the order matters for safety.
pub static SHAPES: &[&Shape] = &[
    &hold::SHAPE,
    &case::SHAPE,
    &pool::SHAPE,
    &category::SHAPE,
    &addin::SHAPE,
    &room::SHAPE,
    &principal::SHAPE,
    &policy::SHAPE,
    &policy::GRANT,
    &configuration::SHAPE,
    &compliance::SHAPE,
    &endpoint::SHAPE,
    &state::SHAPE,
    &server::SHAPE,
];
