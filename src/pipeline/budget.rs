//! The byte budget: it bounds memory by making the reader wait, and it is where a run is stopped.
//!
//! Only the reader waits here, and it takes in the order of the items. So the item the sink needs
//! next always has its share, however small the budget is.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Bytes that are lent to items on their way.
#[derive(Debug)]
pub(super) struct Budget {
    total: usize,
    lent: Mutex<usize>,
    returned: Condvar,
    closed: AtomicBool,
}

impl Budget {
    pub(super) fn new(total: usize) -> Budget {
        Budget { total, lent: Mutex::new(0), returned: Condvar::new(), closed: AtomicBool::new(false) }
    }

    /// Takes `weight` bytes if that needs no waiting.
    pub(super) fn take_now(&self, weight: usize) -> bool {
        let mut lent = self.lock();
        let free = !self.is_closed() && self.is_free(*lent, weight);
        if free {
            *lent += weight;
        }
        free
    }

    fn is_free(&self, lent: usize, weight: usize) -> bool {
        lent == 0 || weight <= self.total.saturating_sub(lent)
    }

    /// Waits for `weight` bytes. An item heavier than the whole budget waits until it is alone.
    /// False when the budget was closed.
    pub(super) fn take(&self, weight: usize) -> bool {
        let mut lent = self.lock();
        loop {
            if self.is_closed() {
                return false;
            }
            if self.is_free(*lent, weight) {
                // No overflow: the sum is within the budget, or this item is alone.
                *lent += weight;
                return true;
            }
            lent = self.returned.wait(lent).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// What an item weighs at least: of the usual budget 4 KiB.
    pub(super) fn least(&self) -> usize {
        (self.total >> 13).max(1)
    }

    /// A share of the budget that is worth waking the reader for.
    pub(super) fn share(&self) -> usize {
        self.total / 8
    }

    /// Gives back what was taken for items.
    pub(super) fn give(&self, weight: usize) {
        *self.lock() -= weight;
        self.returned.notify_one();
    }

    /// Ends the run: the reader gets nothing more, and tasks that look here leave their work.
    pub(super) fn close(&self) {
        // Under the lock, so that a reader between looking and waiting cannot miss it.
        let _lent = self.lock();
        self.closed.store(true, Ordering::Release);
        self.returned.notify_one();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    fn lock(&self) -> MutexGuard<'_, usize> {
        self.lent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes the budget when dropped, so that no way out of a run leaves its reader waiting.
#[derive(Debug)]
pub(super) struct CloseOnDrop<'a>(pub(super) &'a Budget);

impl Drop for CloseOnDrop<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heavy_item_enters_alone_and_a_closed_budget_lends_nothing() {
        let budget = Budget::new(10);
        assert!(budget.take(usize::MAX));
        budget.give(usize::MAX);
        assert!(budget.take(4) && budget.take(6));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| budget.take(1));
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(!waiting.is_finished());
            budget.give(4);
            assert!(waiting.join().unwrap());
            let waiting = scope.spawn(|| budget.take(100));
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(!waiting.is_finished());
            budget.close();
            assert!(!waiting.join().unwrap());
        });
        assert!(!budget.take(0));
    }
}
