//! The program `kestrel` as its user meets it: started with a command line, judged by its exit
//! code, its two streams and the files it leaves.
//!
//! Every test has a folder of its own and none needs the internet. Tests on the pictures and the
//! reference model of `../shared` say that they were skipped where that folder is absent.

#![allow(clippy::print_stderr, clippy::unwrap_used)]

mod classify;
mod config;
mod data;
mod detect;
mod devices;
mod errors;
mod eval;
mod help;
mod images;
mod model;
mod outputs;
mod results;
mod streams;
mod support;
mod synth;
mod video;
mod weights;
