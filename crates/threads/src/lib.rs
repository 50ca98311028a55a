//! Work on the threads that libtorch computes with.
//!
//! libtorch's threads, OpenMP's, wait for their next piece of work without sleeping, for some
//! milliseconds. Threads of our own would have to share the cores with them: 199 small pictures took
//! 13.0 s with convolutions on rayon's threads right after convolutions on OpenMP's. So our kernels ask
//! the same OpenMP for its threads. Where there is none, as in a program without libtorch, it is rayon's.
#![allow(unsafe_code)]

use std::ffi::{CStr, c_int, c_uint, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{LazyLock, Mutex, PoisonError};

/// `GOMP_parallel(function, data, threads, flags)`: each thread of a team calls the function; 0 threads
/// stands for as many as libtorch has been told to use.
type GompParallel =
    unsafe extern "C" fn(unsafe extern "C" fn(*mut c_void), *mut c_void, c_uint, c_uint);

/// Of the OpenMP library that libtorch has brought into this process.
// SAFETY: a function of this name is part of the interface between GCC's code and its OpenMP library,
// which other libraries keep to; its signature has been the same since GCC 4.9.
static PARALLEL: LazyLock<Option<GompParallel>> =
    LazyLock::new(|| unsafe { of_process(c"GOMP_parallel") });

/// How many threads the next team has at the most.
// SAFETY: a function of OpenMP's standard, with that signature.
static MAX_THREADS: LazyLock<Option<unsafe extern "C" fn() -> c_int>> =
    LazyLock::new(|| unsafe { of_process(c"omp_get_max_threads") });

/// The function of a library that the program depends on, which is therefore never unloaded.
///
/// # Safety
/// `F` is the type of the function of that name.
unsafe fn of_process<F: Copy>(name: &CStr) -> Option<F> {
    let program = libloading::os::unix::Library::this();
    // SAFETY: as the caller promises.
    unsafe { program.get::<F>(name.to_bytes_with_nul()) }.ok().map(|symbol| *symbol)
}

/// As many threads as share what is given to [`for_each_init`].
pub fn num_threads() -> usize {
    match *MAX_THREADS {
        // SAFETY: it reads a number of this thread's.
        Some(max_threads) => unsafe { max_threads() }.max(1) as usize,
        None => rayon::current_num_threads(),
    }
}

/// Gives every item to `work`, in no certain order. Each thread makes what `init` returns once, and lends
/// it to its items one after another.
///
/// # Panics
/// When `init` or `work` does.
pub fn for_each_init<T: Send, S>(
    items: Vec<T>,
    init: impl Fn() -> S + Sync,
    work: impl Fn(&mut S, T) + Sync,
) {
    let is_single = items.len() < 2;
    let queue = Mutex::new(items.into_iter());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let on_a_thread = || {
        let Some(first) = next() else { return };
        let mut state = init();
        work(&mut state, first);
        while let Some(item) = next() {
            work(&mut state, item);
        }
    };
    if is_single {
        return on_a_thread();
    }
    match *PARALLEL {
        Some(parallel) => on_openmp(parallel, &on_a_thread),
        None => drop(rayon::broadcast(|_| on_a_thread())),
    }
}

/// What the threads of a team share.
struct Team<'a> {
    work: &'a (dyn Fn() + Sync),
    has_panicked: AtomicBool,
}

fn on_openmp(parallel: GompParallel, work: &(dyn Fn() + Sync)) {
    let team = Team { work, has_panicked: AtomicBool::new(false) };
    // SAFETY: the function is the one of that name, see above. It returns when every thread has returned
    // from `member`, so `team` outlives its use; what it refers to may be shared between threads.
    unsafe { parallel(member, (&raw const team).cast_mut().cast(), 0, 0) };
    assert!(!team.has_panicked.into_inner(), "a thread of a kernel has panicked, see above");
}

/// # Safety
/// `team` points to a `Team`.
unsafe extern "C" fn member(team: *mut c_void) {
    // SAFETY: as the caller promises; it is only read.
    let team = unsafe { &*team.cast::<Team<'_>>() };
    // A panic must not pass through OpenMP's code.
    if catch_unwind(AssertUnwindSafe(team.work)).is_err() {
        team.has_panicked.store(true, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn every_item_is_worked_on_once() {
        for count in [0, 1, 2, 1000] {
            let seen: Vec<AtomicUsize> = (0..count).map(|_| AtomicUsize::new(0)).collect();
            for_each_init(
                (0..count).collect(),
                || (),
                |(), item| {
                    seen[item].fetch_add(1, Ordering::Relaxed);
                },
            );
            assert!(seen.iter().all(|seen| seen.load(Ordering::Relaxed) == 1));
        }
    }

    #[test]
    fn there_is_a_thread() {
        assert!(num_threads() >= 1);
    }

    #[test]
    fn a_team_is_one_thread_at_the_least_and_a_panic_comes_back() {
        unsafe extern "C" fn alone(
            member: unsafe extern "C" fn(*mut c_void),
            data: *mut c_void,
            _: c_uint,
            _: c_uint,
        ) {
            // SAFETY: what OpenMP does with a team of one.
            unsafe { member(data) };
        }
        let calls = AtomicUsize::new(0);
        on_openmp(alone, &|| {
            calls.fetch_add(1, Ordering::Relaxed);
        });
        assert_eq!(calls.into_inner(), 1);
        assert!(catch_unwind(|| on_openmp(alone, &|| panic!("on purpose"))).is_err());
    }
}
