//! Parity with torchvision 0.26, stage by stage, against fixtures that only `make_fixtures.py`
//! writes. Every comparison prints the worst difference of its stage, so that
//! `cargo test -p kestrel-rcnn --test parity -- --nocapture` gives the numbers of PARITY.md.

#![allow(clippy::print_stdout, clippy::unwrap_used)]

mod classifier;
mod compare;
mod detectors;
mod fixture;
mod formula;
mod full_size;
mod losses;
mod names;
mod ops;
mod resnets;
mod stages;
