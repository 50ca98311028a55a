//! `cargo xtask demo`.
use anyhow::Result;
pub fn run() -> Result<()> {
    crate::setup::run().map(drop)
}
