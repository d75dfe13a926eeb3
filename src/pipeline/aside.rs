//! Work beside the calling thread: a value lives on a thread of its own, and what is to be done with it is sent there,
//! in order.

use crate::error::{Error, Kind, Result};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

type Task<S> = Box<dyn FnOnce(&mut S) + Send>;

/// A value on a thread of its own.
pub struct Aside<S> {
    tasks: SyncSender<Task<S>>,
    thread: JoinHandle<S>,
}

impl<S: Send + 'static> Aside<S> {
    /// Takes the value there.
    pub fn new(mut value: S) -> Result<Aside<S>> {
        // One task waits while another is done, so what is on its way stays bounded.
        let (tasks, received) = sync_channel::<Task<S>>(1);
        let thread = Builder::new()
            .name("pchat-aside".to_owned())
            .spawn(move || {
                received.into_iter().for_each(|task| task(&mut value));
                value
            })
            .map_err(|error| Error::io("a thread for the index", error))?;
        Ok(Aside { tasks, thread })
    }

    /// Has something done with the value, after all that was sent before. Waits when too much is on its way.
    pub fn send(&self, task: impl FnOnce(&mut S) + Send + 'static) -> Result<()> {
        self.tasks.send(Box::new(task)).map_err(|_| failed())
    }

    /// The value, after all that was sent.
    pub fn finish(self) -> Result<S> {
        drop(self.tasks);
        self.thread.join().map_err(|_| failed())
    }
}

/// What a panic says is left out: it may quote the text it tripped over.
fn failed() -> Error {
    Error::new(Kind::Bug, "work beside the calling thread failed unexpectedly")
        .hint("this is a bug in pchat; please report it with the command line")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tasks_are_done_in_order() {
        let aside = Aside::new(Vec::new()).unwrap();
        (0..1000).for_each(|n| aside.send(move |list: &mut Vec<u32>| list.push(n)).unwrap());
        assert_eq!(aside.finish().unwrap(), (0..1000).collect::<Vec<_>>());
    }

    #[test]
    fn a_panic_is_an_error() {
        let aside = Aside::new(0).unwrap();
        aside.send(|_| panic!("secret")).unwrap();
        let error = aside.finish().unwrap_err();
        assert!(error.kind() == Kind::Bug && !error.to_string().contains("secret"));
    }
}
