//! The pipeline: order, errors, panics, cancellation and the memory bound, on one, two and eight
//! threads with budgets down to a single byte.

use pchat::error::{Error, Kind, Result};
use pchat::pipeline::{Emit, Event, Limits, Silent, Sink, Source, Stage, Watch, run};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::mpsc;
use std::time::{Duration, Instant};

const THREADS: [usize; 3] = [1, 2, 8];
const BUDGETS: [usize; 4] = [0, 1, 7, 1000];

/// Runs `test` with every number of threads and every budget; a deadlock fails instead of hanging.
fn everywhere(test: impl Fn(Limits) + Send + Clone + 'static) {
    for threads in THREADS {
        for budget in BUDGETS {
            let test = test.clone();
            in_time(move || test(Limits { threads, budget }));
        }
    }
}

fn in_time(test: impl FnOnce() + Send + 'static) {
    let (done, wait) = mpsc::channel();
    let runner = std::thread::spawn(move || {
        test();
        let _ = done.send(());
    });
    let late = wait.recv_timeout(Duration::from_secs(30)) == Err(mpsc::RecvTimeoutError::Timeout);
    assert!(!late, "the run did not end");
    if let Err(panic) = runner.join() {
        std::panic::resume_unwind(panic);
    }
}

/// The numbers from 1, weighing 1 to 5 bytes; then whatever `end` does.
struct Numbers<E: FnMut() -> Result<()>> {
    count: u64,
    end: E,
}

fn numbers(count: u64) -> Numbers<fn() -> Result<()>> {
    Numbers { count, end: || Ok(()) }
}

fn weight(number: u64) -> usize {
    (number % 5) as usize + 1
}

impl<E: FnMut() -> Result<()> + Send> Source for Numbers<E> {
    type Item = u64;

    fn read(&mut self, emit: &mut Emit<'_, u64>) -> Result<()> {
        for number in 1..=self.count {
            if emit(number, weight(number)).is_break() {
                return Ok(());
            }
        }
        (self.end)()
    }
}

/// A source that is a function.
struct Read<F>(F);

impl<F: FnMut(&mut Emit<'_, u64>) -> Result<()> + Send> Source for Read<F> {
    type Item = u64;

    fn read(&mut self, emit: &mut Emit<'_, u64>) -> Result<()> {
        (self.0)(emit)
    }
}

/// Work that finishes out of order: every third item takes a while.
struct Work<F: Fn(u64) -> Result<u64>>(F);

impl<F: Fn(u64) -> Result<u64> + Sync> Stage for Work<F> {
    type In = u64;
    type Out = u64;

    fn apply(&self, item: u64) -> Result<u64> {
        if item.is_multiple_of(3) {
            std::thread::sleep(Duration::from_micros(200));
        }
        (self.0)(item)
    }
}

/// Collects what it takes and notes how it ended.
struct Collect<'a, F: FnMut(u64) -> Result<()>> {
    taken: &'a mut Vec<u64>,
    finished: &'a AtomicBool,
    each: F,
}

impl<F: FnMut(u64) -> Result<()>> Sink for Collect<'_, F> {
    type Item = u64;
    type Receipt = usize;

    fn take(&mut self, item: u64) -> Result<()> {
        (self.each)(item)?;
        self.taken.push(item);
        Ok(())
    }

    fn finish(self) -> Result<usize> {
        self.finished.store(true, SeqCst);
        Ok(self.taken.len())
    }
}

/// How a run ended: its result, what the sink took, and whether it was asked to finish.
struct Outcome {
    result: Result<usize>,
    taken: Vec<u64>,
    finished: bool,
}

impl Outcome {
    /// Asserts that the run failed with `kind` after the items up to `last` were taken.
    fn failed(&self, kind: Kind, last: u64) -> &Error {
        assert_eq!(self.taken, (1..=last).collect::<Vec<_>>());
        assert!(!self.finished);
        let Err(error) = &self.result else { unreachable!("the run did not fail") };
        assert_eq!(error.kind(), kind);
        error
    }
}

fn outcome<S: Source<Item = u64>>(
    source: S,
    work: impl Fn(u64) -> Result<u64> + Sync,
    each: impl FnMut(u64) -> Result<()>,
    limits: Limits,
    watch: &dyn Watch,
) -> Outcome {
    let mut taken = Vec::new();
    let finished = AtomicBool::new(false);
    let sink = Collect { taken: &mut taken, finished: &finished, each };
    let result = run(source, Work(work), sink, &limits, watch);
    Outcome { result, taken, finished: finished.into_inner() }
}

fn refused(what: &str) -> Error {
    Error::new(Kind::Refused, what)
}

struct Switch(AtomicBool);

impl Watch for Switch {
    fn event(&self, _event: Event) {}

    fn cancelled(&self) -> bool {
        self.0.load(SeqCst)
    }
}

#[test]
fn everything_arrives_once_and_in_order() {
    everywhere(|limits| {
        for count in [0, 1, 200] {
            let end = outcome(numbers(count), |n| Ok(n * 10), |_| Ok(()), limits, &Silent);
            assert_eq!(end.result.unwrap(), count as usize);
            assert_eq!(end.taken, (1..=count).map(|n| n * 10).collect::<Vec<_>>());
            assert!(end.finished);
        }
    });
}

#[test]
fn no_threads_count_as_one() {
    in_time(|| {
        let limits = Limits { threads: 0, budget: 10 };
        assert_eq!(outcome(numbers(20), Ok, |_| Ok(()), limits, &Silent).result.unwrap(), 20);
    });
}

#[test]
fn the_first_error_is_the_lowest_number_not_the_earliest() {
    everywhere(|limits| {
        // The later item fails at once, the earlier one only after a while.
        let work = |n| match n {
            10 => {
                std::thread::sleep(Duration::from_millis(20));
                Err(refused("item 10"))
            }
            11.. => Err(refused("later")),
            _ => Ok(n),
        };
        let end = outcome(numbers(100), work, |_| Ok(()), limits, &Silent);
        assert_eq!(end.failed(Kind::Refused, 9).what(), "item 10");
    });
}

#[test]
fn a_panic_in_the_stage_names_the_item() {
    everywhere(|limits| {
        let work = |n| if n == 7 { panic!("the text of a message") } else { Ok(n) };
        let end = outcome(numbers(50), work, |_| Ok(()), limits, &Silent);
        let error = end.failed(Kind::Bug, 6).to_string();
        assert!(error.contains("item 7"), "{error}");
        assert!(!error.contains("the text"), "a panic may quote what nobody should read: {error}");
    });
}

#[test]
fn a_panic_in_the_source_comes_after_what_it_read() {
    everywhere(|limits| {
        let source = Numbers { count: 12, end: || panic!("source") };
        let end = outcome(source, Ok, |_| Ok(()), limits, &Silent);
        let error = end.failed(Kind::Bug, 12).to_string();
        assert!(error.contains("item 13"), "{error}");
    });
}

#[test]
fn a_panic_in_the_sink_is_an_error_as_well() {
    everywhere(|limits| {
        let each = |n| if n == 5 { panic!("sink") } else { Ok(()) };
        let end = outcome(numbers(1000), Ok, each, limits, &Silent);
        let error = end.failed(Kind::Bug, 4).to_string();
        assert!(error.contains("item 5"), "{error}");
    });
}

#[test]
fn an_error_of_the_source_comes_after_what_it_read() {
    everywhere(|limits| {
        let source = Numbers { count: 30, end: || Err(refused("unreadable")) };
        let end = outcome(source, Ok, |_| Ok(()), limits, &Silent);
        assert_eq!(end.failed(Kind::Refused, 30).what(), "unreadable");
    });
}

#[test]
fn an_error_of_an_item_comes_before_that_of_the_source() {
    everywhere(|limits| {
        let source = Numbers { count: 30, end: || Err(refused("unreadable")) };
        let work = |n| {
            if n == 30 {
                std::thread::sleep(Duration::from_millis(20));
                return Err(refused("item"));
            }
            Ok(n)
        };
        let end = outcome(source, work, |_| Ok(()), limits, &Silent);
        assert_eq!(end.failed(Kind::Refused, 29).what(), "item");
    });
}

#[test]
fn an_error_of_the_sink_stops_an_endless_source() {
    everywhere(|limits| {
        let each = |n| if n == 20 { Err(refused("full")) } else { Ok(()) };
        let end = outcome(numbers(u64::MAX), Ok, each, limits, &Silent);
        assert_eq!(end.failed(Kind::Refused, 19).what(), "full");
    });
}

#[test]
fn queued_work_is_left_undone_after_a_failure() {
    in_time(|| {
        // One worker, and all items in its queue before the first one is done.
        let read = AtomicBool::new(false);
        let worked = AtomicUsize::new(0);
        let source = Numbers {
            count: 1000,
            end: || {
                read.store(true, SeqCst);
                Ok(())
            },
        };
        let work = |n| {
            while !read.load(SeqCst) {
                std::thread::yield_now();
            }
            worked.fetch_add(1, SeqCst);
            // The sink needs some time to say stop; without falling through this takes ten seconds.
            std::thread::sleep(Duration::from_millis(10));
            Ok(n)
        };
        let each = |_| Err(refused("full"));
        let end = outcome(source, work, each, Limits { threads: 1, budget: usize::MAX }, &Silent);
        end.failed(Kind::Refused, 0);
        assert!(worked.into_inner() < 500);
    });
}

#[test]
fn cancelling_ends_the_run_before_the_next_item() {
    everywhere(|limits| {
        let switch = Switch(AtomicBool::new(false));
        let each = |n| {
            switch.0.store(n == 10, SeqCst);
            Ok(())
        };
        let end = outcome(numbers(u64::MAX), Ok, each, limits, &switch);
        end.failed(Kind::Cancelled, 10);
    });
}

#[test]
fn a_run_that_is_cancelled_beforehand_does_nothing() {
    everywhere(|limits| {
        let switch = Switch(AtomicBool::new(true));
        for count in [0, 5] {
            outcome(numbers(count), Ok, |_| Ok(()), limits, &switch).failed(Kind::Cancelled, 0);
        }
    });
}

#[test]
fn cancelling_is_noticed_while_nothing_arrives() {
    in_time(|| {
        let switch = Switch(AtomicBool::new(false));
        let released = AtomicBool::new(false);
        // The first item is worked on until the sink is gone, so only a glance can end the run.
        let work = |n| {
            switch.0.store(true, SeqCst);
            while !released.load(SeqCst) {
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(n)
        };
        let source = Read(|emit: &mut Emit<'_, u64>| {
            // With a budget of one byte the second item waits until the run is stopped.
            let _ = emit(1, 1);
            assert!(emit(2, 1).is_break());
            released.store(true, SeqCst);
            Ok(())
        });
        let begun = Instant::now();
        let end = outcome(source, work, |_| Ok(()), Limits { threads: 1, budget: 1 }, &switch);
        end.failed(Kind::Cancelled, 0);
        assert!(begun.elapsed() < Duration::from_secs(5));
    });
}

#[test]
fn cancelling_ends_reading_while_the_sink_is_busy() {
    in_time(|| {
        let switch = Switch(AtomicBool::new(false));
        let ended = AtomicBool::new(false);
        let source = Read(|emit: &mut Emit<'_, u64>| {
            while emit(1, 1).is_continue() {
                std::thread::sleep(Duration::from_micros(100));
            }
            ended.store(true, SeqCst);
            Ok(())
        });
        let each = |_| {
            switch.0.store(true, SeqCst);
            // Only the reader itself can notice, since the caller is here.
            while !ended.load(SeqCst) {
                std::thread::sleep(Duration::from_millis(1));
            }
            Ok(())
        };
        let limits = Limits { threads: 2, budget: usize::MAX };
        outcome(source, Ok, each, limits, &switch).failed(Kind::Cancelled, 1);
    });
}

#[test]
fn a_slow_sink_holds_the_source_back() {
    for threads in THREADS {
        for budget in [1, 7, 40] {
            in_time(move || {
                // Weight that was let in and not yet taken, and the most there ever was.
                let flying = AtomicUsize::new(0);
                let most = AtomicUsize::new(0);
                let source = Read(|emit: &mut Emit<'_, u64>| {
                    for number in 1..=150 {
                        // Counted before it is let in: that is the one item beyond the budget.
                        let now = flying.fetch_add(weight(number), SeqCst) + weight(number);
                        most.fetch_max(now, SeqCst);
                        if emit(number, weight(number)).is_break() {
                            break;
                        }
                    }
                    Ok(())
                });
                let each = |n| {
                    std::thread::sleep(Duration::from_micros(300));
                    flying.fetch_sub(weight(n), SeqCst);
                    Ok(())
                };
                let limits = Limits { threads, budget };
                let end = outcome(source, Ok, each, limits, &Silent);
                assert_eq!(end.result.unwrap(), 150);
                let most = most.into_inner();
                // A heavier item than the budget is let in alone, with the next one waiting.
                assert!(most <= budget.max(5) + 5, "{most} bytes under way with a budget of {budget}");
                assert!(most >= budget.min(10), "the budget was not used: {most} of {budget}");
            });
        }
    }
}

#[test]
fn items_without_weight_do_not_escape_the_budget() {
    in_time(|| {
        let flying = AtomicUsize::new(0);
        let source = Read(|emit: &mut Emit<'_, u64>| {
            for number in 1..=100 {
                flying.fetch_add(1, SeqCst);
                if emit(number, 0).is_break() {
                    break;
                }
            }
            Ok(())
        });
        let each = |_| {
            std::thread::sleep(Duration::from_micros(300));
            assert!(flying.fetch_sub(1, SeqCst) <= 4 + 1);
            Ok(())
        };
        let end = outcome(source, Ok, each, Limits { threads: 2, budget: 4 }, &Silent);
        assert_eq!(end.result.unwrap(), 100);
    });
}

#[test]
fn the_heaviest_possible_items_pass_one_by_one() {
    everywhere(|limits| {
        let source = Read(|emit: &mut Emit<'_, u64>| {
            for number in 1..=20 {
                if emit(number, usize::MAX).is_break() {
                    break;
                }
            }
            Ok(())
        });
        assert_eq!(outcome(source, Ok, |_| Ok(()), limits, &Silent).result.unwrap(), 20);
    });
}

#[test]
fn an_error_of_finish_is_the_error_of_the_run() {
    struct Unfinished;
    impl Sink for Unfinished {
        type Item = u64;
        type Receipt = ();
        fn take(&mut self, _item: u64) -> Result<()> {
            Ok(())
        }
        fn finish(self) -> Result<()> {
            Err(refused("no room for the manifest"))
        }
    }
    let limits = Limits { threads: 2, budget: 100 };
    let error = run(numbers(3), Work(Ok), Unfinished, &limits, &Silent).unwrap_err();
    assert_eq!(error.what(), "no room for the manifest");
}

#[test]
fn inputs_are_dropped_on_workers() {
    static ON_WORKERS: AtomicUsize = AtomicUsize::new(0);
    static ELSEWHERE: AtomicUsize = AtomicUsize::new(0);
    static READ: AtomicBool = AtomicBool::new(false);
    struct Item(u64);
    impl Drop for Item {
        fn drop(&mut self) {
            let worker = std::thread::current().name().is_some_and(|name| name.starts_with("pchat-worker"));
            if worker { &ON_WORKERS } else { &ELSEWHERE }.fetch_add(1, SeqCst);
        }
    }
    struct Items;
    impl Source for Items {
        type Item = Item;
        fn read(&mut self, emit: &mut Emit<'_, Item>) -> Result<()> {
            for number in 1..=200 {
                assert!(emit(Item(number), 1).is_continue());
            }
            READ.store(true, SeqCst);
            Ok(())
        }
    }
    struct Open;
    impl Stage for Open {
        type In = Item;
        type Out = u64;
        fn apply(&self, item: Item) -> Result<u64> {
            // All items are let in before anything fails; those after the failure fall through.
            while !READ.load(SeqCst) {
                std::thread::yield_now();
            }
            if item.0 == 100 { Err(refused("item 100")) } else { Ok(item.0) }
        }
    }
    in_time(|| {
        let mut taken = Vec::new();
        let finished = AtomicBool::new(false);
        let sink = Collect { taken: &mut taken, finished: &finished, each: |_| Ok(()) };
        let error = run(Items, Open, sink, &Limits { threads: 2, budget: usize::MAX }, &Silent).unwrap_err();
        assert_eq!(error.what(), "item 100");
        assert_eq!(taken.len(), 99);
        assert_eq!((ON_WORKERS.load(SeqCst), ELSEWHERE.load(SeqCst)), (200, 0));
    });
}
