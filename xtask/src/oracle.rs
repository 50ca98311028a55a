//! `cargo xtask oracle`.
use anyhow::Result;
pub fn compare() -> Result<()> { Ok(()) }
pub fn write_fixtures() -> Result<()> { Ok(()) }
