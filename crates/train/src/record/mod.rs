//! What a run leaves behind beside its checkpoints.

mod metrics;

pub use metrics::Metric;
