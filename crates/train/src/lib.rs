//! A YAML file, or nothing but a folder, becomes a run; a run becomes a model file.

pub mod record;
