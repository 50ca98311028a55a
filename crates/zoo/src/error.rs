//! Why a model did not arrive.

use std::fmt;
use std::io;
use std::path::PathBuf;

/// Why a model did not arrive. What did arrive stays in the `.part` file unless the message says
/// otherwise.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The file system refused.
    #[error(
        "{}: cannot {action}: {cause}; free space, allow writing, or set KESTREL_CACHE to another \
         folder",
        path.display()
    )]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What was to be done with it.
        action: Action,
        /// What the system said.
        cause: io::Error,
    },
    /// The server has no such file, or refuses to give it.
    #[error(
        "download of {url}: the server answered {status}, expected 200; {}",
        status_remedy(*status)
    )]
    Status {
        /// The address asked.
        url: String,
        /// The HTTP status.
        status: u16,
    },
    /// The server could not be reached, or the connection broke.
    #[error(
        "download of {url}: {cause}, after {received} bytes; check the connection and the proxy \
         variables and run the same command again, it goes on from there"
    )]
    Network {
        /// The address asked.
        url: String,
        /// Bytes of the file that are kept.
        received: u64,
        /// What went wrong.
        cause: Box<ureq::Error>,
    },
    /// The server ended the file early without breaking the connection.
    #[error(
        "download of {url}: the server sent {received} bytes, expected {total}; run the same \
         command again, it goes on from there"
    )]
    Short {
        /// The address asked.
        url: String,
        /// Bytes of the file that are kept.
        received: u64,
        /// Bytes of the whole file.
        total: u64,
    },
    /// The server sent more than the file has.
    #[error(
        "download of {url}: the server sent more than {limit} bytes, so it is another file; what came is \
         removed; check the address, or the mirror, and run the command again"
    )]
    Long {
        /// The address asked.
        url: String,
        /// More than the published file has.
        limit: u64,
    },
    /// The server did not continue where it was asked to.
    #[error(
        "download of {url}: asked for the file from byte {asked}, the server answered `{found}`; \
         what was there is removed, run the same command again to start anew"
    )]
    Range {
        /// The address asked.
        url: String,
        /// The first byte asked for.
        asked: u64,
        /// The answer: its `Content-Range`.
        found: String,
    },
    /// What arrived is not the published file.
    #[error(
        "download of {url}: found a file of SHA-256 {found}, expected one beginning with \
         {expected}; the file is removed, try again or set KESTREL_MODEL_URL to another server"
    )]
    WrongHash {
        /// The address asked.
        url: String,
        /// The SHA-256 of what arrived, in hexadecimal.
        found: String,
        /// How the published one begins.
        expected: String,
    },
}

/// What is done with a file in the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Make the folder.
    CreateFolder,
    /// Keep other processes out.
    Lock,
    /// Open or make the file.
    Open,
    /// Read it back.
    Read,
    /// Add to it, or empty it.
    Write,
    /// Give it its final name.
    Rename,
    /// Remove it.
    Remove,
}

impl fmt::Display for Action {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Self::CreateFolder => "create the folder",
            Self::Lock => "lock the file",
            Self::Open => "open the file",
            Self::Read => "read the file",
            Self::Write => "write to the file",
            Self::Rename => "rename the file",
            Self::Remove => "remove the file",
        })
    }
}

impl FetchError {
    /// Whether the same request may well succeed in a moment.
    pub(crate) fn is_passing(&self) -> bool {
        match self {
            Self::Network { cause, .. } => is_dropped_connection(cause),
            Self::Status { status, .. } => matches!(status, 408 | 425 | 429 | 500..=599),
            Self::Short { .. } | Self::Range { .. } => true,
            Self::Long { .. } | Self::File { .. } | Self::WrongHash { .. } => false,
        }
    }
}

/// A connection that was there and is gone; a server that cannot be reached at all is another
/// matter, and no reason to keep a user waiting.
fn is_dropped_connection(cause: &ureq::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, TimedOut, UnexpectedEof};
    match cause {
        ureq::Error::Timeout(phase) => {
            !matches!(phase, ureq::Timeout::Connect | ureq::Timeout::Resolve)
        }
        ureq::Error::Io(error) => matches!(
            error.kind(),
            BrokenPipe | ConnectionAborted | ConnectionReset | TimedOut | UnexpectedEof
        ),
        _ => false,
    }
}

fn status_remedy(status: u16) -> &'static str {
    match status {
        404 | 410 => "KESTREL_MODEL_URL, where it is set, must name a folder that has this file",
        401 | 403 | 407 => "check the proxy variables and KESTREL_MODEL_URL",
        _ => "try again later, or set KESTREL_MODEL_URL to another server",
    }
}
