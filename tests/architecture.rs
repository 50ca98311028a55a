//! The shape of the workspace: which crate may use which, and how long a file may be.
//!
//! The arrows are those of ARCHITECTURE.md. A new crate fails here until it has a row.

#![allow(clippy::unwrap_used)]

use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A crate of the toolkit and the crates of the toolkit it may use, `kestrel-` left out.
const ARROWS: [(&str, &[&str]); 18] = [
    ("core", &[]),
    ("slices", &[]),
    ("threads", &[]),
    ("winograd", &["threads"]),
    ("layers", &["slices", "winograd"]),
    ("weights", &["core"]),
    ("data", &["core"]),
    ("draw", &["core"]),
    ("eval", &["core"]),
    ("zoo", &["core"]),
    ("roi-align", &["core", "slices", "threads"]),
    ("resnet", &["core", "layers", "weights"]),
    ("fpn", &["layers"]),
    ("rcnn", &["core", "fpn", "layers", "resnet", "roi-align", "weights"]),
    ("video", &["core", "data", "draw"]),
    ("args", &["video"]),
    ("train", &["core", "data", "draw", "eval", "layers", "rcnn", "resnet", "weights"]),
    (
        "cli",
        &[
            "args", "core", "data", "draw", "eval", "rcnn", "resnet", "train", "video", "weights",
            "zoo",
        ],
    ),
];

/// Crates that build and run without libtorch.
const WITHOUT_TENSORS: [&str; 10] =
    ["args", "core", "data", "draw", "eval", "threads", "video", "winograd", "zoo", "xtask"];

/// The aim is 400; this leaves room for a table or an attribute.
const MAX_LINES: usize = 450;

/// A package of the workspace.
struct Package {
    /// Its folder below `crates`, or its own name where it lies elsewhere.
    name: String,
    folder: PathBuf,
    /// What it links to: development dependencies are its tests' own affair.
    dependencies: BTreeSet<String>,
}

impl Package {
    fn read(value: &Value) -> Self {
        let manifest = Path::new(value["manifest_path"].as_str().unwrap());
        let is_linked = |dependency: &&Value| dependency["kind"] != "dev";
        let dependencies = value["dependencies"].as_array().unwrap().iter().filter(is_linked);
        let name = |value: &Value| value["name"].as_str().unwrap().to_owned();
        let folder = manifest.parent().unwrap().to_owned();
        Self {
            name: folder.file_name().unwrap().to_str().unwrap().to_owned(),
            folder,
            dependencies: dependencies.map(name).collect(),
        }
    }

    fn uses(&self) -> impl Iterator<Item = &str> {
        self.dependencies.iter().filter_map(|name| name.strip_prefix("kestrel-"))
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn packages() -> Vec<Package> {
    let metadata = ["metadata", "--no-deps", "--format-version", "1", "--offline"];
    let output = Command::new(env!("CARGO")).args(metadata).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().iter().map(Package::read).collect()
}

#[test]
fn no_arrow_turns_round() {
    let mut wrong = Vec::new();
    for package in packages().iter().filter(|package| package.name != "xtask") {
        let row = ARROWS.iter().find(|(name, _)| *name == package.name);
        let Some((name, allowed)) = row else {
            wrong.push(format!("{}: no row in ARROWS", package.name));
            continue;
        };
        let surplus = package.uses().filter(|used| !allowed.contains(used));
        wrong.extend(surplus.map(|used| format!("{name} -> {used}")));
    }
    assert!(wrong.is_empty(), "not allowed: {}", wrong.join(", "));
}

#[test]
fn every_row_is_a_crate() {
    let found: BTreeSet<String> = packages().into_iter().map(|package| package.name).collect();
    let rows = ARROWS.iter().map(|(name, _)| *name);
    for name in rows.chain(WITHOUT_TENSORS) {
        assert!(found.contains(name), "{name}: no such crate");
    }
}

#[test]
fn pictures_and_files_need_no_tensors() {
    for package in packages() {
        let free = WITHOUT_TENSORS.contains(&package.name.as_str());
        assert!(!free || !package.dependencies.contains("tch"), "{} -> tch", package.name);
    }
}

#[test]
fn no_file_is_too_long() {
    let mut folders: Vec<PathBuf> = packages().into_iter().map(|package| package.folder).collect();
    folders.push(root().join("tests"));
    let files: Vec<PathBuf> = folders.iter().flat_map(|folder| rust_files(folder)).collect();
    assert!(files.len() > folders.len(), "found only {files:?}");
    for file in files {
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        assert!(lines <= MAX_LINES, "{}: {lines} lines, at most {MAX_LINES}", file.display());
    }
}

/// All files below `folder` that end in `.rs`.
fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
