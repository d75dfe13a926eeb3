//! What a command is once it was parsed: it says whether it changes the store, and prepares what it does. Nothing is
//! changed, asked or printed before all of it is prepared.

use crate::context::Context;
use crate::error::{Error, Result};
use crate::model::counted::counted;
use crate::model::reply::{Cell, Reply, Status, Table};
use std::ops::ControlFlow;

/// A command with its options.
pub trait Verb {
    /// Its name, if it changes the store.
    fn change(&self) -> Option<&'static str>;

    /// It uses the key, though it may change nothing.
    fn signs(&self) -> bool {
        false
    }

    /// It may change the store although a pool is failed over.
    fn while_failed_over(&self) -> bool {
        false
    }

    /// What it delivers goes to standard output; nothing else may be mixed in.
    fn takes_stdout(&self) -> bool {
        false
    }

    /// It was refused before it was prepared: a report that was asked for is written all the same.
    fn refused(&self, _: &Context<'_>, _: &Error) {}

    /// Says what would be done, and what does it.
    fn prepare(self, cx: &Context<'_>) -> Result<Prepared>;
}

impl<V: Verb> Verb for Box<V> {
    fn change(&self) -> Option<&'static str> {
        V::change(self)
    }

    fn signs(&self) -> bool {
        V::signs(self)
    }

    fn while_failed_over(&self) -> bool {
        V::while_failed_over(self)
    }

    fn takes_stdout(&self) -> bool {
        V::takes_stdout(self)
    }

    fn refused(&self, cx: &Context<'_>, error: &Error) {
        V::refused(self, cx, error);
    }

    fn prepare(self, cx: &Context<'_>) -> Result<Prepared> {
        (*self).prepare(cx)
    }
}

/// What a command has become before anything was changed.
pub enum Prepared {
    /// There is nothing to do but to say this.
    Answer(Reply),
    /// It is done without a question.
    Do(Act),
    /// It waits for a yes.
    Act(Action),
    /// It has more to say than fits in memory, and says it while it finds it. It changes no content.
    Stream(Flow),
}

/// Hands out the rows of one table as they are found, and then says the rest.
pub type Flow = Box<dyn FnOnce(&Context<'_>, &mut Pages<'_>) -> Result<Reply>>;

/// Where rows go that are handed out as they are found.
pub struct Pages<'a> {
    /// As many rows as people look at, if it is people who look.
    pub most: Option<u64>,
    /// Takes some rows under the same columns as before, until nobody reads any more. An empty table says what the
    /// columns are.
    pub take: &'a mut dyn FnMut(Table) -> Result<ControlFlow<()>>,
}

/// So many rows are one table; when there are more they are printed page by page.
const FIRST: usize = 1_000;
/// So many are looked at for somebody who sees only the first of them.
const LOOKED_AT: usize = 10_000;

/// Managed objects on their way out, of which there may be very many.
pub struct Listing<'a, 'p> {
    empty: fn() -> Table,
    table: Table,
    pages: &'a mut Pages<'p>,
    begun: bool,
    stopped: bool,
    /// How many are not looked at any more.
    more: u64,
}

impl<'a, 'p> Listing<'a, 'p> {
    /// None yet.
    pub fn new(empty: fn() -> Table, pages: &'a mut Pages<'p>) -> Listing<'a, 'p> {
        Listing { empty, table: empty(), pages, begun: false, stopped: false, more: 0 }
    }

    /// Does nobody read any more?
    pub fn is_stopped(&self) -> bool {
        self.stopped
    }

    /// One more, which is only made when it is shown. Was it?
    pub fn add(&mut self, row: impl FnOnce() -> Vec<Cell>) -> Result<bool> {
        if self.stopped {
            return Ok(false);
        }
        if self.pages.most.is_some() && self.table.rows.len() >= LOOKED_AT {
            self.more += 1;
            return Ok(false);
        }
        self.table.rows.push(row());
        if self.pages.most.is_none() && self.table.rows.len() > FIRST {
            self.pass()?;
        }
        Ok(true)
    }

    fn pass(&mut self) -> Result<()> {
        let full = std::mem::replace(&mut self.table, (self.empty)());
        self.begun = true;
        self.stopped = (self.pages.take)(full)?.is_break();
        Ok(())
    }

    /// What is left to be said: `none` when there are none, and how many of these things were not looked at.
    pub fn end(mut self, none: &str, thing: &str) -> Result<Reply> {
        if self.begun {
            if !self.table.rows.is_empty() && !self.stopped {
                self.pass()?;
            }
            return Ok(Reply { objects: true, ..Reply::default() });
        }
        let mut reply = objects(self.table, none);
        if self.more > 0 {
            reply.notes.push(format!("{} not looked at; --all shows all of them", counted(self.more, thing)));
        }
        Ok(reply)
    }
}

impl Prepared {
    /// Something that is done without a question.
    pub fn to_do(act: impl FnOnce(&Context<'_>) -> Result<Reply> + 'static) -> Result<Prepared> {
        Ok(Prepared::Do(Box::new(act)))
    }
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
    /// What of it a second person approves of, where the store wants one.
    pub parts: Vec<String>,
    /// Does it.
    pub act: Act,
}

/// Does what was shown.
pub type Act = Box<dyn FnOnce(&Context<'_>) -> Result<Reply>>;

/// What was said on the command line before anybody asked.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct Consent {
    /// Show what would happen, and change nothing
    #[arg(long, alias = "dry-run")]
    pub what_if: bool,
    /// Do not ask for confirmation
    #[arg(long, short)]
    pub yes: bool,
    /// Ask for confirmation
    #[arg(long, conflicts_with = "yes")]
    pub confirm: bool,
}

impl Consent {
    /// The name of a command, if it changes something.
    pub(super) fn change(self, name: &'static str) -> Option<&'static str> {
        (!self.what_if).then_some(name)
    }
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
