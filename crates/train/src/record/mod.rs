//! What a run leaves behind beside its checkpoints.
//!
//! `metrics.jsonl` is the record; TensorBoard's events and the curves are made of it, and made anew
//! when a run is taken up again, so that they never disagree with it.

mod curves;
mod events;
mod log;
mod memory;
mod metrics;
mod recorder;
mod sheet;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;

pub use curves::draw_curves;
pub use log::{Log, Measured, read_log};
pub use memory::{memory_bytes, peak_memory_bytes};
pub use metrics::Metric;
pub use recorder::{CURVES_FILE, LOG_FILE, Recorder, SHEET_FILE};
pub use sheet::{Looked, draw_sheet};
