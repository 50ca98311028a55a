//! Data sets as people have them, read by looking at the folder.
//!
//! A format is one file here with two functions: `recognises` looks at names only, `read` gives the
//! splits. A record that cannot be understood becomes a [`crate::Finding`] with its place and the
//! rest is read; only when nothing can be read is there an error.

mod assemble;
#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod damage;
mod error;
mod index_png;
#[allow(dead_code)]
mod instance_png;
#[allow(dead_code)]
mod labelme;
mod marked;
mod marking_json;
#[allow(dead_code)]
mod mask_folders;
mod split_folders;
#[allow(dead_code)]
mod via;

pub use error::FormatError;
