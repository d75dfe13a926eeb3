//! Events out, cancellation in: how long work is watched and ended from outside.
//!
//! Events are courtesy. No work may depend on whether anybody looks at them.

/// Looks at long work and may end it. Called from several threads, and often: it must be quick.
pub trait Watch: Sync {
    /// Something happened.
    fn event(&self, event: Event);

    /// Whether the work should end. Once true it stays true.
    fn cancelled(&self) -> bool;
}

/// What long work tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A step begins.
    Begin {
        /// What is done, in a word or two.
        step: &'static str,
        /// How much there is to do, if that is known.
        total: Option<u64>,
        /// What is counted, as "events" or "bytes".
        unit: &'static str,
    },
    /// So much more of the step is done.
    Advance(u64),
    /// So many events were met in a step that counts something else.
    Met(u64),
    /// The step is over.
    End,
}

/// Does a step that counts nothing: that it goes on is all there is to tell.
pub fn during<T>(watch: &dyn Watch, step: &'static str, run: impl FnOnce() -> T) -> T {
    watch.event(Event::Begin { step, total: None, unit: "steps" });
    let done = run();
    watch.event(Event::End);
    done
}

/// A watch that ignores events and never cancels.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Watch for Silent {
    fn event(&self, _event: Event) {}

    fn cancelled(&self) -> bool {
        false
    }
}
