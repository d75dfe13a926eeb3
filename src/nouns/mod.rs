//! What is managed: one file per noun. Here is the list of nouns, in the order archives and reports follow.

pub mod addin;
pub mod audit;
pub mod case;
pub mod category;
pub mod change;
pub mod cmdlet;
pub mod compliance;
pub mod configuration;
pub mod data;
pub mod endpoint;
pub mod hold;
pub mod message;
pub mod policy;
pub mod pool;
pub mod principal;
pub mod purge;
pub mod retention;
pub mod roles;
pub mod room;
pub mod scoped;
pub mod server;
pub mod state;
pub mod store;
pub mod which;

use crate::context::Context;
use crate::error::Result;
use crate::model::record::Shape;
use crate::model::reply::{Reply, Status, Table};

/// What a command has become before anything was changed.
pub enum Prepared {
    /// There is nothing to ask.
    Answer(Reply),
    /// It waits for a yes.
    Act(Action),
}

/// Something that waits for a yes, if it destroys or was told to ask.
pub struct Action {
    /// What would happen.
    pub preview: Reply,
    /// The question, which is answered with yes or no.
    pub question: String,
    /// What was said on the command line.
    pub consent: Consent,
    /// It asks unless it was told not to.
    pub destroys: bool,
    /// Does it.
    pub act: Act,
}

/// Does what was shown.
pub type Act = Box<dyn FnOnce(&Context<'_>) -> Result<Reply>>;

/// What was said on the command line before anybody asked.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct Consent {
    /// Say what would happen, and change nothing
    #[arg(long, alias = "dry-run")]
    pub what_if: bool,
    /// Do it without asking
    #[arg(long, short)]
    pub yes: bool,
    /// Ask before doing it
    #[arg(long, conflicts_with = "yes")]
    pub confirm: bool,
}

/// Managed objects as a reply.
pub fn objects(table: Table, none: &str) -> Reply {
    let mut reply = Reply { objects: true, ..Reply::default() };
    if table.rows.is_empty() {
        reply.notes.push(none.to_owned());
        reply.status = Status::Nothing;
    }
    reply.tables.push(table);
    reply
}

impl Consent {
    /// The name of a command, if it changes something.
    fn change(self, name: &'static str) -> Option<&'static str> {
        (!self.what_if).then_some(name)
    }
}

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
    &retention::SHAPE,
];
