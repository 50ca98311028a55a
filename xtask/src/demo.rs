//! `cargo xtask demo`: draws a micrograph whose nuclei are known, finds them, and compares.
//!
//! Everything it writes lies in `demo-output`, which may be deleted at any time.

use crate::{setup, shell};
use anyhow::{Context, Result};
use serde_json::Value;
use std::fs;

/// Where everything goes, relative to the root of the checkout.
const FOLDER: &str = "demo-output";

/// Draws nuclei that lie alone, that touch, and that the edge cuts.
const SEED: &str = "1";

/// Set-up, build, draw, detect, and say what came of it.
pub fn run() -> Result<()> {
    setup::run()?;
    shell::run(&mut shell::cargo(&["build", "--package", "kestrel"]))?;
    shell::kestrel(&["data", "synth", "micrograph", "--output", FOLDER, "--seed", SEED])?;
    let [picture, found, drawn] =
        ["micrograph-0001.png", "found.json", "drawn"].map(|name| format!("{FOLDER}/{name}"));
    let drawing = ["--save-images", &drawn, "--score", "0.5"];
    shell::kestrel(&[&["detect", &picture, "--output", &found], drawing.as_slice()].concat())?;

    let num_drawn = count("truth.json", "annotations")?;
    let num_found = count("found.json", "detections")?;
    println!("\nnuclei drawn: {num_drawn}, nuclei found: {num_found}");
    println!("the picture   {picture}");
    println!("what is on it {FOLDER}/truth.json");
    println!("found         {found}");
    println!("found, drawn  {drawn}/micrograph-0001.png");
    Ok(())
}

/// The length of the list `key` in a file of one JSON object.
fn count(name: &str, key: &str) -> Result<usize> {
    let path = shell::root().join(FOLDER).join(name);
    let text = fs::read_to_string(&path);
    let text = text.with_context(|| format!("cannot read {}", path.display()))?;
    let value: Value = serde_json::from_str(&text)
        .with_context(|| format!("{}: not one JSON object", path.display()))?;
    let list = value.get(key).and_then(Value::as_array);
    list.map(Vec::len).with_context(|| format!("{}: no list `{key}`", path.display()))
}
