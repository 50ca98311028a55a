//! Threads that make batches ahead, at most so many at once, handed out in order.
//!
//! A batch in the making and a batch that waits each hold a permit; there are as many as batches may
//! exist. A permit is taken together with the batch's number, so the batch that is waited for always
//! has one, and a slow batch holds the others back instead of letting them pile up.

use super::Loaded;
use super::error::LoaderError;
use super::feed::Feed;
use super::make::Maker;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

pub(super) struct Pool<B, E> {
    shared: Arc<Shared<B, E>>,
    threads: Vec<JoinHandle<()>>,
    /// Number of the batch to hand out next.
    next_ticket: u64,
}

struct Shared<B, E> {
    maker: Maker<B, E>,
    state: Mutex<State<B, E>>,
    /// A permit is free, or the pool is stopped.
    work: Condvar,
    /// A batch is made, or no more will be.
    made: Condvar,
}

struct State<B, E> {
    feed: Feed,
    free_permits: usize,
    /// Number of the next batch to be begun.
    next_ticket: u64,
    /// The feed is empty.
    ended: bool,
    /// Nobody waits any more.
    stopped: bool,
    made: BTreeMap<u64, Loaded<B, E>>,
}

impl<B: Send + 'static, E: Send + 'static> Pool<B, E> {
    /// # Errors
    /// When the system gives no thread.
    pub fn new(
        maker: Maker<B, E>,
        feed: Feed,
        num_threads: usize,
        max_batches: usize,
    ) -> Result<Self, LoaderError> {
        let state = State {
            feed,
            free_permits: max_batches,
            next_ticket: 0,
            ended: false,
            stopped: false,
            made: BTreeMap::new(),
        };
        let (work, made) = (Condvar::new(), Condvar::new());
        let shared = Arc::new(Shared { maker, state: Mutex::new(state), work, made });
        // What was started is stopped with the pool, should a later thread fail.
        let mut pool = Self { shared, threads: Vec::new(), next_ticket: 0 };
        for thread in 1..=num_threads {
            let shared = Arc::clone(&pool.shared);
            let handle = thread::Builder::new()
                .name(format!("loader-{thread}"))
                .spawn(move || shared.work())
                .map_err(|source| LoaderError::Thread { thread, source })?;
            pool.threads.push(handle);
        }
        Ok(pool)
    }

    /// The next batch in order, waited for; `None` after the last.
    pub fn next(&mut self) -> Option<Loaded<B, E>> {
        let mut state = self.shared.lock();
        loop {
            if let Some(loaded) = state.made.remove(&self.next_ticket) {
                self.next_ticket += 1;
                state.free_permits += 1;
                self.shared.work.notify_one();
                return Some(loaded);
            }
            if state.ended && self.next_ticket == state.next_ticket {
                return None;
            }
            state = self.shared.made.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

impl<B, E> Shared<B, E> {
    /// A thread that dies while it holds the lock leaves the state as sound as any other moment.
    fn lock(&self) -> MutexGuard<'_, State<B, E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes batches until there are no more or the pool is dropped.
    fn work(&self) {
        while let Some((ticket, task)) = self.take_task() {
            let Some(loaded) = self.maker.make(&task, || self.lock().stopped) else { return };
            self.lock().made.insert(ticket, loaded);
            self.made.notify_one();
        }
    }

    fn take_task(&self) -> Option<(u64, super::make::Task)> {
        let mut state = self.lock();
        while !state.stopped && !state.ended && state.free_permits == 0 {
            state = self.work.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.stopped || state.ended {
            return None;
        }
        let Some(task) = state.feed.task() else {
            state.ended = true;
            self.work.notify_all();
            self.made.notify_one();
            return None;
        };
        let ticket = state.next_ticket;
        state.next_ticket += 1;
        state.free_permits -= 1;
        Some((ticket, task))
    }
}

impl<B, E> Drop for Pool<B, E> {
    /// Waits for the sample each thread is at, not for its batch.
    fn drop(&mut self) {
        self.shared.lock().stopped = true;
        self.shared.work.notify_all();
        for thread in self.threads.drain(..) {
            // A thread that panicked has nothing left to say.
            let _ = thread.join();
        }
    }
}
