//! How the C library keeps memory.

/// Lets the C library's allocator, which libtorch uses, keep blocks of every size instead of giving
/// large ones back.
///
/// Activations are megabytes each. By default each is mapped anew, zeroed by the kernel and faulted
/// in page by page, and unmapped when it is freed: a tenth of a training step. `KESTREL_MALLOC=system`
/// leaves the allocator alone, for comparison.
pub(crate) fn keep_large_blocks() {
    if std::env::var_os("KESTREL_MALLOC").is_some_and(|choice| choice == "system") {
        return;
    }
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    glibc::keep_large_blocks();
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
mod glibc {
    use std::ffi::c_int;

    /// The numbers of `malloc.h`.
    const M_TRIM_THRESHOLD: c_int = -1;
    const M_MMAP_MAX: c_int = -4;

    // libtorch is linked against the same C library, which has had this function since its beginning.
    unsafe extern "C" {
        fn mallopt(parameter: c_int, value: c_int) -> c_int;
    }

    /// No block is mapped by itself, and the end of the heap is not given back. Where the library
    /// refuses, everything works as before.
    pub(super) fn keep_large_blocks() {
        // SAFETY: `mallopt` takes two numbers, locks its own state and keeps no pointer; all blocks
        // handed out before stay valid.
        unsafe {
            mallopt(M_MMAP_MAX, 0);
            mallopt(M_TRIM_THRESHOLD, c_int::MAX);
        }
    }
}
