//! Whole runs of a tiny detector on drawn shapes: going on after an interruption, and data that
//! leaves something to be desired.

#![allow(clippy::unwrap_used)]

mod data;
mod resume;
mod scene;
mod stops;
