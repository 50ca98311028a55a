//! The program ffmpeg: where it is, how it is started, and what it says.

mod log;
mod process;

pub(crate) use process::{Ended, Process, Stopper};

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names the program to use, before any other place is looked at.
pub const FFMPEG_VARIABLE: &str = "KESTREL_FFMPEG";

/// Where `cargo xtask setup` puts the program, below the cache folder.
pub const FFMPEG_IN_CACHE: &str = "ffmpeg/ffmpeg";

/// The first version with the option `-fps_mode`.
const OLDEST: Version = Version { major: 5, minor: 1 };

/// The first version that calls a stream's own time base `demux`.
const NAMED_TIME_BASE: Version = Version { major: 6, minor: 1 };

/// An ffmpeg that answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ffmpeg {
    path: PathBuf,
    version: Option<Version>,
    version_text: String,
}

/// A release; builds of a development state have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Version {
    major: u32,
    minor: u32,
}

/// No ffmpeg that can be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum FfmpegError {
    /// Neither on the PATH nor in the cache.
    #[error(
        "found no ffmpeg{}; install it (apt install ffmpeg, brew install ffmpeg), or run `cargo xtask \
         setup` in the checkout, which brings one, or name one with {FFMPEG_VARIABLE}",
        refused.iter().map(|refusal| format!("; {refusal}")).collect::<String>()
    )]
    NotFound {
        /// Those that were found and cannot be used, each with its reason.
        refused: Vec<String>,
    },
    /// The program the user named.
    #[error("{FFMPEG_VARIABLE}: {reason}; name another program or unset it")]
    Named {
        /// What is wrong with it.
        reason: String,
    },
}

impl Ffmpeg {
    /// The program that the variable [`FFMPEG_VARIABLE`] names; else the first on the PATH that is new
    /// enough (5.1) and encodes H.264; else the one set-up put into `cache`.
    ///
    /// # Errors
    /// When there is none of these.
    pub fn find(cache: Option<&Path>) -> Result<Self, FfmpegError> {
        if let Some(named) = std::env::var_os(FFMPEG_VARIABLE).filter(|name| !name.is_empty()) {
            return Self::at(Path::new(&named)).map_err(|reason| FfmpegError::Named { reason });
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        Self::find_among(&path, cache)
    }

    fn find_among(path: &OsStr, cache: Option<&Path>) -> Result<Self, FfmpegError> {
        let name = format!("ffmpeg{}", std::env::consts::EXE_SUFFIX);
        let places = std::env::split_paths(path).map(|folder| folder.join(&name));
        let mut refused = Vec::new();
        let ours = cache.map(|folder| folder.join(FFMPEG_IN_CACHE));
        for place in places.chain(ours).filter(|place| place.is_file()) {
            match Self::at(&place) {
                Ok(found) => return Ok(found),
                Err(reason) => refused.push(reason),
            }
        }
        Err(FfmpegError::NotFound { refused })
    }

    /// Asks the program for its version and encoders.
    fn at(path: &Path) -> Result<Self, String> {
        let said = |argument: &str| {
            let output = Command::new(path).args(["-hide_banner", argument]).output();
            let output = output.map_err(|error| format!("{}: {error}", path.display()))?;
            Ok::<_, String>(String::from_utf8_lossy(&output.stdout).into_owned())
        };
        let first_line = said("-version")?.lines().next().unwrap_or_default().to_owned();
        let Some(version_text) = first_line.strip_prefix("ffmpeg version ") else {
            return Err(format!("{} does not answer as ffmpeg does", path.display()));
        };
        let version_text = version_text.split_whitespace().next().unwrap_or_default().to_owned();
        let version = Version::of(&version_text);
        if version.is_some_and(|version| version < OLDEST) {
            return Err(format!(
                "{} is {version_text}, expected {OLDEST} or later",
                path.display()
            ));
        }
        if !said("-encoders")?.contains(" libx264 ") {
            return Err(format!("{} cannot write H.264 (no libx264)", path.display()));
        }
        Ok(Self { path: path.to_owned(), version, version_text })
    }

    /// Where the program is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it calls its version.
    pub fn version(&self) -> &str {
        &self.version_text
    }

    /// How this version calls a stream's own time base.
    pub(crate) fn own_time_base(&self) -> &'static str {
        match self.version {
            Some(version) if version < NAMED_TIME_BASE => "-1",
            _ => "demux",
        }
    }

    /// The program, told to say only what is needed, and each line with its weight.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.path);
        command.args(["-hide_banner", "-nostats", "-loglevel", "level+info"]);
        command
    }
}

impl Version {
    /// The release in `9.0.2-static`, `n7.1-3-g1f` or `5.1.6-0+deb12u1`.
    fn of(text: &str) -> Option<Self> {
        let mut parts = text.trim_start_matches('n').split(|c: char| !c.is_ascii_digit());
        let major = parts.next()?.parse().ok()?;
        let minor = parts.next().and_then(|minor| minor.parse().ok()).unwrap_or(0);
        Some(Self { major, minor })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_told_from_development_states() {
        let version = |text: &str| Version::of(text).map(|version| version.to_string());
        assert_eq!(version("9.0.2-static").unwrap(), "9.0");
        assert_eq!(version("n9.0.2-17-g2a571b6068-20260930").unwrap(), "9.0");
        assert_eq!(version("5.1.6-0+deb12u1").unwrap(), "5.1");
        assert_eq!(version("7").unwrap(), "7.0");
        assert_eq!(version("N-118000-g1f"), None);
        assert_eq!(version("git-2026"), None);
        assert!(Version::of("4.4.2") < Some(OLDEST));
    }

    #[test]
    fn where_there_is_none_the_message_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let error = Ffmpeg::find_among(folder.path().as_os_str(), Some(folder.path())).unwrap_err();
        let message = error.to_string();
        assert!(message.starts_with("found no ffmpeg; install it"), "{message}");
        assert!(message.contains("cargo xtask setup"), "{message}");
    }

    #[cfg(unix)]
    #[test]
    fn what_cannot_be_used_is_named() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("ffmpeg");
        let message = |script: &str| {
            // Through another file: a program that is open for writing cannot be started.
            let written = folder.path().join("written");
            std::fs::write(&written, script).unwrap();
            std::fs::set_permissions(&written, std::fs::Permissions::from_mode(0o755)).unwrap();
            std::fs::copy(&written, &place).unwrap();
            let error = Ffmpeg::find_among(folder.path().as_os_str(), None);
            error.unwrap_err().to_string()
        };
        let old = message("#!/bin/sh\necho ffmpeg version 4.4.2-0ubuntu0 Copyright\n");
        assert!(old.contains("is 4.4.2-0ubuntu0, expected 5.1 or later"), "{old}");
        let bare = message("#!/bin/sh\necho ffmpeg version 7.1 Copyright\n");
        assert!(bare.contains("cannot write H.264 (no libx264)"), "{bare}");
        let other = message("#!/bin/sh\necho hello\n");
        assert!(other.contains("does not answer as ffmpeg does"), "{other}");
    }
}
