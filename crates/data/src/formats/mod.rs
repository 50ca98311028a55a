//! Data sets as people have them, read by looking at the folder.
//!
//! A format is one file here with two functions: `recognises` looks at names only, `read` gives the
//! splits. A record that cannot be understood becomes a [`crate::Finding`] with its place and the
//! rest is read; only when nothing can be read is there an error.

mod error;

pub use error::FormatError;
