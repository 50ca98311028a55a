//! What the process costs.

use std::fs;

/// Memory the process holds now, in bytes, where the system says so.
pub fn memory_bytes() -> Option<u64> {
    status("VmRSS:")
}

/// The most it has held so far.
pub fn peak_memory_bytes() -> Option<u64> {
    status("VmHWM:")
}

fn status(key: &str) -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(key))?;
    let kilobytes: u64 = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes * 1024)
}
