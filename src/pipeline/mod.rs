//! How it moves: a source pushes items, a stage changes them on workers, a sink takes them in order.
//!
//! The only code with threads. It knows nothing about chat, and nothing that flows through it may
//! come to depend on how many threads there are.

mod aside;
mod budget;
mod run;
mod wait;
mod watch;

pub use aside::Aside;
pub use run::run;
pub use wait::wait;
pub use watch::{Event, Silent, Watch, during};

use crate::error::Result;
use std::ops::ControlFlow;

/// Takes an item of a source with its weight in bytes; `Break` asks the source to stop.
pub type Emit<'a, T> = dyn FnMut(T, usize) -> ControlFlow<()> + 'a;

/// Where items come from. It runs on a thread of its own.
pub trait Source: Send {
    /// What it makes.
    type Item: Send;

    /// Pushes all items into `emit`, in order, and returns early when that says `Break`.
    ///
    /// A failure counts as the item after the last one: everything before it still arrives.
    fn read(&mut self, emit: &mut Emit<'_, Self::Item>) -> Result<()>;
}

/// What happens to each item, on any worker and in any order: so it must depend on the item only.
pub trait Stage: Sync {
    /// What goes in.
    type In: Send;
    /// What comes out.
    type Out: Send;

    /// Makes one into the other.
    fn apply(&self, item: Self::In) -> Result<Self::Out>;
}

/// Where items go, in the order of the source and on the thread that called [`run`].
pub trait Sink {
    /// What it takes.
    type Item;
    /// What it has to say at the end.
    type Receipt;

    /// Takes the next item.
    fn take(&mut self, item: Self::Item) -> Result<()>;

    /// Completes the work. Not called after any failure: then the sink is only dropped.
    fn finish(self) -> Result<Self::Receipt>;
}

/// What a run may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Workers beside the reader and the calling thread; none counts as one.
    pub threads: usize,
    /// Bytes of items between the source and the end of the sink, by the weights the source gives.
    /// A heavier item is let in alone.
    pub budget: usize,
}
