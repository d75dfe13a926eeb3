//! What work is given: the clock, the actor, limits, and somebody who watches.

use crate::containers::InputLimits;
use crate::error::{Error, Kind};
use crate::model::time::Ticks;
use crate::pipeline::{Limits, Watch};
use crate::store::{Actor, Ended, Entry};
use std::io::{Read, Write};
use std::path::Path;

/// The clock that is handed in. It is never taken from the environment: a clock that can be set
/// from outside would be a hole in an audit log.
pub type Clock<'a> = &'a (dyn Fn() -> Ticks + Sync);

/// Gives random bytes, for keys. Handed in like the clock, so that everything else is determined.
pub type Random<'a> = &'a (dyn Fn() -> std::io::Result<[u8; 32]> + Sync);

/// Standard input and standard output, handed in, so that `-` can be tried without a process.
#[derive(Clone, Copy)]
pub struct Streams<'a> {
    /// Opens standard input.
    pub stdin: &'a (dyn Fn() -> Box<dyn Read + Send> + Sync),
    /// Opens standard output, for what is delivered there; results go to it in the end, too.
    pub stdout: &'a (dyn Fn() -> Box<dyn Write + Send> + Sync),
}

impl Streams<'_> {
    /// Nothing comes in, and what goes out is lost.
    pub const NONE: Streams<'static> =
        Streams { stdin: &|| Box::new(std::io::empty()), stdout: &|| Box::new(std::io::sink()) };
}

/// The error of an operating system that gives no random bytes.
pub fn no_random(error: std::io::Error) -> Error {
    Error::new(Kind::Io, "no random bytes from the operating system").because(error)
}

/// What every job is given.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Tells the time.
    pub clock: Clock<'a>,
    /// Gives random bytes.
    pub random: Random<'a>,
    /// The file with the key of the store, when it is not beside it.
    pub key: Option<&'a Path>,
    /// Who acts.
    pub actor: &'a Actor,
    /// Threads and memory.
    pub limits: &'a Limits,
    /// Limits of what is read.
    pub input: InputLimits,
    /// Standard input and output.
    pub streams: Streams<'a>,
    /// Sees progress, and may ask to stop.
    pub watch: &'a dyn Watch,
}

impl Context<'_> {
    /// An audit entry of this actor, now.
    pub fn entry(
        &self,
        action: &'static str,
        object: impl Into<String>,
        details: Vec<(&'static str, String)>,
    ) -> Entry {
        let (at, actor, object, outcome) = ((self.clock)(), self.actor.clone(), object.into(), Ended::Done);
        Entry { at, actor, action, object, details, outcome }
    }

    /// Seconds since an instant of the same clock.
    pub fn since(&self, start: Ticks) -> f64 {
        ((self.clock)().0 - start.0) as f64 / 1e7
    }
}
