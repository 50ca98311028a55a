//! What a run leaves behind beside its checkpoints.

mod memory;
mod metrics;

pub use memory::memory_bytes;
pub use metrics::Metric;
