//! What the program says: what was asked for on standard output, everything else on standard error.
//!
//! `println!` panics when the reader goes away; these do not.

use crate::place::named;
use anyhow::Result;
use std::fmt::Display;
use std::io::{self, Write};

/// Writes a line to standard output.
///
/// # Errors
/// When it cannot be written, see [`crate::place::is_broken_pipe`] for the one that is no failure.
pub(crate) fn print(line: impl Display) -> Result<()> {
    let text = printable_lines(&line.to_string());
    named("standard output", writeln!(io::stdout(), "{text}"))
}

/// Writes a line to standard error; whoever closed it does not want to hear.
pub(crate) fn note(line: impl Display) {
    let _ = writeln!(io::stderr(), "{}", printable_lines(&line.to_string()));
}

/// What went wrong, with each cause said once: some messages quote theirs.
pub(crate) fn message(error: &anyhow::Error) -> String {
    let mut message = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !message.contains(&cause) {
            message += ": ";
            message += &cause;
        }
    }
    message
}

/// Text without characters that would move the cursor or start a new line: names come from files.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

fn printable_lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

/// `1 object`, `2 objects`.
pub(crate) fn counted(count: usize, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::anyhow;

    #[test]
    fn names_cannot_steer_the_terminal() {
        assert_eq!(printable("a\u{1b}[2J\nb"), "a\u{fffd}[2J\u{fffd}b");
        assert_eq!(printable_lines("a\rb\nc\n"), "a\u{fffd}b\nc\n");
    }

    #[test]
    fn a_cause_is_said_once() {
        let error = anyhow!("no space");
        assert_eq!(message(&error), "no space");
        assert_eq!(message(&error.context("cannot write")), "cannot write: no space");
        let quoted = anyhow!("no space").context("cannot write: no space; make room");
        assert_eq!(message(&quoted), "cannot write: no space; make room");
    }

    #[test]
    fn one_thing_has_no_s() {
        let texts = [0, 1, 2].map(|count| counted(count, "picture"));
        assert_eq!(texts, ["0 pictures", "1 picture", "2 pictures"]);
    }
}
