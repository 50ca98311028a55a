//! The allocator of the program and of libtorch: jemalloc, which keeps what it has.
//!
//! Activations are megabytes each, and those of a picture or a step have the sizes of the one before.
//! The C library maps each anew, which is a quarter of a training step; told to keep them, it fills the
//! gaps badly. A step of Mask R-CNN R50-FPN with two pictures takes 3.3 GB and 9.0 s, with the C
//! library keeping blocks 5.9 GB and 9.7 s. `MALLOC_CONF` overrides the settings, for comparison:
//! jemalloc's own are `narenas:8,oversize_threshold:8388608,dirty_decay_ms:10000`.

/// From a frame of this many bytes on, what is freed is given back; one of 4K has 25 MB.
const LARGE_FRAME_BYTES: usize = 20_000_000;

/// Lets the allocator give back memory soon after it is freed where frames are of so many bytes.
///
/// With 4K frames that is 70 MB of 450. With small ones nothing is gained, and activations would be
/// mapped anew for each picture, a seventh of the time.
pub(crate) fn give_back_large_frames(frame_bytes: usize) {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    if frame_bytes >= LARGE_FRAME_BYTES {
        jemalloc::give_back_soon();
    }
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
mod jemalloc {
    use std::ptr::{from_mut, null_mut};
    use tikv_jemallocator::Jemalloc;

    #[global_allocator]
    static ALLOCATOR: Jemalloc = Jemalloc;

    /// One arena, so that a block one thread has freed serves any other; large blocks as all others;
    /// nothing is given back.
    // SAFETY: this is the name under which jemalloc looks for a pointer to its settings, a text that
    // ends with 0; a reference to an array is such a pointer.
    #[unsafe(export_name = "malloc_conf")]
    static SETTINGS: &[u8; 49] = b"narenas:1,oversize_threshold:0,dirty_decay_ms:-1\0";

    /// How long freed memory stays in hand, in milliseconds.
    const SOON: isize = 1000;

    /// Where jemalloc refuses, everything works as before.
    pub(super) fn give_back_soon() {
        let mut millis = SOON;
        // SAFETY: the name is a text that ends with 0, nothing is asked for, and the new value is an
        // `ssize_t`, which this setting is, of the size given.
        unsafe {
            tikv_jemalloc_sys::mallctl(
                c"arena.0.dirty_decay_ms".as_ptr(),
                null_mut(),
                null_mut(),
                from_mut(&mut millis).cast(),
                size_of::<isize>(),
            );
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use std::ffi::CStr;

        fn setting<T: Default>(name: &CStr) -> T {
            let (mut value, mut len) = (T::default(), size_of::<T>());
            // SAFETY: the name is a text that ends with 0, there is room for the value, whose size is
            // given, and nothing is set.
            let refused = unsafe {
                let place = from_mut(&mut value).cast();
                tikv_jemalloc_sys::mallctl(name.as_ptr(), place, &mut len, null_mut(), 0)
            };
            assert_eq!((refused, len), (0, size_of::<T>()), "{name:?}");
            value
        }

        /// Both go by names that nothing else checks.
        #[test]
        fn settings_arrive() {
            assert_eq!(setting::<u32>(c"opt.narenas"), 1);
            assert_eq!(setting::<isize>(c"arena.0.dirty_decay_ms"), -1);
            give_back_soon();
            assert_eq!(setting::<isize>(c"arena.0.dirty_decay_ms"), SOON);
        }
    }
}
