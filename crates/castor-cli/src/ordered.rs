//! Work by several threads whose results are taken in the order of the work, as soon as their turn comes.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Results that may wait for one before them, for each thread: enough that a slow form stops nobody for long, few enough
/// that what waits stays small.
const AHEAD: usize = 8;

/// Does work `0..count` on `jobs` threads and hands the results to `take` in order, one at a time. A result is dropped
/// once taken, and no thread runs far ahead of the one that all wait for. The first error of `take` ends the work.
///
/// # Errors
/// What `take` gave.
pub(crate) fn in_order<T: Send, E: Send>(
    count: usize,
    jobs: usize,
    work: impl Fn(usize) -> T + Sync,
    take: impl FnMut(T) -> Result<(), E> + Send,
) -> Result<(), E> {
    let jobs = jobs.clamp(1, count.max(1));
    let claimed = AtomicUsize::new(0);
    let moved = Condvar::new();
    let queue = Mutex::new(Queue {
        next: 0,
        waiting: BTreeMap::new(),
        failed: None,
        take,
    });
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let index = claimed.fetch_add(1, Ordering::Relaxed);
                    let too_far = |q: &mut Queue<T, E, _>| q.failed.is_none() && index >= q.next + jobs * AHEAD;
                    let before = moved
                        .wait_while(lock(&queue), too_far)
                        .unwrap_or_else(PoisonError::into_inner);
                    if index >= count || before.failed.is_some() {
                        return;
                    }
                    drop(before);
                    let result = work(index);
                    lock(&queue).arrive(index, result);
                    moved.notify_all();
                }
            });
        }
    });
    let queue = queue.into_inner().unwrap_or_else(PoisonError::into_inner);
    queue.failed.map_or(Ok(()), Err)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Results that wait for their turn.
struct Queue<T, E, F> {
    next: usize,
    waiting: BTreeMap<usize, T>,
    failed: Option<E>,
    take: F,
}

impl<T, E, F: FnMut(T) -> Result<(), E>> Queue<T, E, F> {
    fn arrive(&mut self, index: usize, result: T) {
        self.waiting.insert(index, result);
        while let Some(result) = self.waiting.remove(&self.next) {
            self.next += 1;
            if self.failed.is_none() {
                self.failed = (self.take)(result).err();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{AHEAD, in_order};
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread::sleep;
    use std::time::Duration;

    #[test]
    fn results_come_in_order_whoever_is_slow() {
        let mut taken = Vec::new();
        let slow = |i: usize| {
            sleep(Duration::from_millis(u64::try_from(i * 7 % 5).unwrap()));
            i
        };
        in_order(50, 4, slow, |i| {
            taken.push(i);
            Ok::<(), ()>(())
        })
        .unwrap();
        assert!(taken.into_iter().eq(0..50));
    }

    #[test]
    fn nobody_runs_far_ahead_of_a_slow_one() {
        let (taken, furthest) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let work = |i: usize| {
            if i == 0 {
                sleep(Duration::from_millis(100));
            }
            furthest.fetch_max(i - taken.load(Ordering::SeqCst).min(i), Ordering::SeqCst);
        };
        in_order(200, 2, work, |()| {
            taken.fetch_add(1, Ordering::SeqCst);
            Ok::<(), ()>(())
        })
        .unwrap();
        let furthest = furthest.into_inner();
        assert!(furthest <= 2 * AHEAD, "{furthest}");
    }

    #[test]
    fn the_first_error_ends_the_work() {
        let done = AtomicUsize::new(0);
        let work = |i: usize| {
            done.fetch_add(1, Ordering::SeqCst);
            i
        };
        let outcome = in_order(10_000, 3, work, |i| if i == 5 { Err(i) } else { Ok(()) });
        assert_eq!(outcome, Err(5));
        assert!(done.into_inner() < 100);
    }

    #[test]
    fn no_work_is_done_at_once() {
        assert_eq!(in_order(0, 4, |i| i, |_| Err::<(), _>(())), Ok(()));
    }
}
