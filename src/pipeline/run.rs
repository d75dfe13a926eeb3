//! One run: reader thread, worker pool, ordered sink on the calling thread.
//!
//! Waiting happens in two places only: the reader waits for budget, the caller for results. A
//! worker never waits, for a pool whose threads all wait has nobody left to end the waiting.

use super::budget::{Budget, CloseOnDrop};
use super::{Limits, Sink, Source, Stage, Watch};
use crate::error::{Error, Kind, Result};
use rayon::{ThreadPool, ThreadPoolBuilder};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// How long a cancellation can go unnoticed while nothing arrives.
const GLANCE: Duration = Duration::from_millis(100);

/// Small items travel together, for what it costs to hand one over does not depend on its size: until they weigh so
/// much, or are so many.
const BATCH_BYTES: usize = 1 << 17;
const BATCH_ITEMS: usize = 64;

/// What travels to the caller: an item in its place, or the end of the source.
struct Parcel<T> {
    number: u64,
    weight: usize,
    /// Nothing stands for the end.
    content: Result<Option<T>>,
}

/// Moves everything from the source through the stage into the sink.
///
/// The sink meets items in order, so the first failure is the one with the lowest number whatever
/// the threads do. A panic in any of the three is a failure of kind *Bug*. A failed or cancelled
/// run returns as soon as the source comes back from the item it is working on.
pub fn run<S, T, K>(source: S, stage: T, sink: K, limits: &Limits, watch: &dyn Watch) -> Result<K::Receipt>
where
    S: Source,
    T: Stage<In = S::Item>,
    K: Sink<Item = T::Out>,
{
    let pool = ThreadPoolBuilder::new()
        .num_threads(limits.threads.max(1))
        .thread_name(|number| format!("pchat-worker-{number}"))
        .build()
        .map_err(|error| Error::new(Kind::Io, "cannot start the worker threads").because(error))?;
    let budget = Budget::new(limits.budget);
    let mut sink = sink;
    let (sender, receiver) = channel();
    std::thread::scope(|scope| {
        let _stop = CloseOnDrop(&budget);
        let reader = Reader { pool: &pool, stage: &stage, budget: &budget, watch, sender };
        std::thread::Builder::new()
            .name("pchat-reader".to_owned())
            .spawn_scoped(scope, || reader.run(source))
            .map_err(|error| Error::io("a thread for reading", error))?;
        drain(&mut sink, &receiver, &budget, watch)
    })?;
    // The reader is gone and with it the source, so nothing it holds can be in the way here.
    catch_unwind(AssertUnwindSafe(|| sink.finish())).unwrap_or_else(|_| Err(panicked("finishing the result")))
}

/// The reader thread's side.
struct Reader<'a, T: Stage> {
    pool: &'a ThreadPool,
    stage: &'a T,
    budget: &'a Budget,
    watch: &'a dyn Watch,
    sender: Sender<Vec<Parcel<T::Out>>>,
}

/// Items that wait for company, each with its number and weight.
struct Batch<T> {
    items: Vec<(u64, usize, T)>,
    weight: usize,
}

impl<T> Batch<T> {
    fn new() -> Batch<T> {
        Batch { items: Vec::new(), weight: 0 }
    }

    fn is_full(&self) -> bool {
        self.weight >= BATCH_BYTES || self.items.len() >= BATCH_ITEMS
    }
}

impl<T: Stage> Reader<'_, T> {
    fn run<S: Source<Item = T::In>>(self, source: S) {
        let Reader { pool, stage, budget, watch, sender } = self;
        let sender = &sender;
        pool.in_place_scope_fifo(|scope| {
            let mut count = 0;
            let mut cancelled = false;
            let mut batch = Batch::new();
            let leave = |batch: &mut Batch<T::In>| {
                let items = std::mem::replace(batch, Batch::new()).items;
                if items.is_empty() {
                    return;
                }
                scope.spawn_fifo(move |_| {
                    let done = items.into_iter().filter_map(|(number, weight, item)| {
                        let content = work(stage, item, number, budget)?;
                        Some(Parcel { number, weight, content })
                    });
                    // Nobody listens any more only after the run has failed.
                    let _ = sender.send(done.collect());
                });
            };
            // The source is dropped inside as well: that, too, may panic.
            let read = catch_unwind(AssertUnwindSafe(|| {
                let mut source = source;
                source.read(&mut |item, weight| {
                    cancelled |= watch.cancelled();
                    // Items that hardly weigh anything would be let in in any number, and each is something.
                    let weight = weight.max(budget.least());
                    if cancelled {
                        return ControlFlow::Break(());
                    }
                    if !budget.take_now(weight) {
                        // What is waited for may be lent to the items that wait here.
                        leave(&mut batch);
                        if !budget.take(weight) {
                            return ControlFlow::Break(());
                        }
                    }
                    count += 1;
                    batch.items.push((count, weight, item));
                    batch.weight = batch.weight.saturating_add(weight);
                    if batch.is_full() {
                        leave(&mut batch);
                    }
                    ControlFlow::Continue(())
                })
            }));
            leave(&mut batch);
            let number = count + 1;
            let content = match read {
                _ if cancelled => Err(interrupted()),
                Ok(read) => read.map(|()| None),
                Err(_) => Err(panicked(&format!("reading item {number}"))),
            };
            // As above: a run that has failed already needs no second reason.
            let _ = sender.send(vec![Parcel { number, weight: 0, content }]);
        });
    }
}

/// A task on a worker. Nothing when the run has been stopped; the item is dropped here either way.
fn work<T: Stage>(stage: &T, item: T::In, number: u64, budget: &Budget) -> Option<Result<Option<T::Out>>> {
    let done = catch_unwind(AssertUnwindSafe(|| {
        if budget.is_closed() {
            drop(item);
            return None;
        }
        Some(stage.apply(item).map(Some))
    }));
    done.unwrap_or_else(|_| Some(Err(panicked(&format!("working on item {number}")))))
}

/// The caller's side: puts results in order and hands them to the sink.
fn drain<K: Sink>(
    sink: &mut K,
    receiver: &Receiver<Vec<Parcel<K::Item>>>,
    budget: &Budget,
    watch: &dyn Watch,
) -> Result<()> {
    let mut parked = BTreeMap::new();
    let mut next = 1;
    let mut spent = 0usize;
    loop {
        if watch.cancelled() {
            return Err(interrupted());
        }
        let Some(Parcel { number, weight, content }) = parked.remove(&next) else {
            budget.give(std::mem::take(&mut spent));
            match receiver.recv_timeout(GLANCE) {
                Ok(parcels) => parked.extend(parcels.into_iter().map(|parcel| (parcel.number, parcel))),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::new(Kind::Bug, format!("item {next} was lost on its way")));
                }
            }
            continue;
        };
        let Some(item) = content? else { return Ok(()) };
        catch_unwind(AssertUnwindSafe(|| sink.take(item)))
            .unwrap_or_else(|_| Err(panicked(&format!("storing item {number}"))))?;
        // An item of the whole budget and more was alone, so this cannot overflow.
        spent += weight;
        if spent >= budget.share() {
            budget.give(std::mem::take(&mut spent));
        }
        next += 1;
    }
}

fn interrupted() -> Error {
    Error::new(Kind::Cancelled, "interrupted")
}

/// What a panic says is left out: it may quote the text it tripped over.
fn panicked(doing: &str) -> Error {
    Error::new(Kind::Bug, format!("{doing} failed unexpectedly"))
        .hint("this is a bug in pchat; please report it with the command line")
}
