//! RoIAlign against what torchvision gives, against a slow reference, and against itself by
//! another route.
#![allow(clippy::unwrap_used)]

mod agreement;
mod detached;
mod golden;
mod gradient;
mod pooler;
mod reference;
mod scene;
