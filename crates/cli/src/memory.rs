//! How the C library keeps memory.

/// Lets the C library's allocator, which libtorch uses, keep blocks of every size instead of giving
/// large ones back.
///
/// Activations are megabytes each. By default each is mapped anew, zeroed by the kernel and faulted
/// in page by page, and unmapped when it is freed: a tenth of a training step, whose blocks are of the
/// same sizes as those of the step before. `KESTREL_MALLOC=system` leaves the allocator alone, for
/// comparison.
pub(crate) fn keep_large_blocks() {
    if std::env::var_os("KESTREL_MALLOC").is_some_and(|choice| choice == "system") {
        return;
    }
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    glibc::keep_large_blocks();
}

/// From a frame of this many bytes on, those that are freed are given back; one of 4K has 25 MB.
const LARGE_FRAME_BYTES: usize = 20_000_000;

/// Lets the allocator give back large frames of so many bytes as soon as they are freed, while smaller
/// blocks are kept as usual.
///
/// Left alone it keeps, after the first of them, up to 32 MB at every end of the heap, of which each
/// thread has its own: 50 MB of 450 with 4K frames. Small frames gain nothing, and activations of their
/// size would be mapped anew for each picture, a seventh of the time.
pub(crate) fn give_back_large_frames(frame_bytes: usize) {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    if frame_bytes >= LARGE_FRAME_BYTES {
        // With half the colours it passes the pipes in half the bytes.
        glibc::map_from(frame_bytes / 2);
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
mod glibc {
    use std::ffi::c_int;

    /// The numbers of `malloc.h`.
    const M_TRIM_THRESHOLD: c_int = -1;
    const M_MMAP_THRESHOLD: c_int = -3;
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

    /// Blocks of so many bytes and more are mapped by themselves, and the number stays. The library
    /// refuses more than half the size of a heap, 32 MB.
    pub(super) fn map_from(num_bytes: usize) {
        let most = 32 << 20;
        // SAFETY: as above.
        unsafe {
            mallopt(M_MMAP_THRESHOLD, num_bytes.min(most) as c_int);
        }
    }
}
