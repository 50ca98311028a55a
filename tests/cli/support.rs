//! A folder to run the program in, what it answered, and the shared data.

use assert_cmd::Command;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The program under test.
pub const PROGRAM: &str = env!("CARGO_BIN_EXE_kestrel");

/// The workspace.
pub fn root() -> PathBuf {
    fs::canonicalize(Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")).unwrap()
}

/// A file or folder of `../shared`, or a line that says what is skipped.
pub fn shared(name: &str) -> Option<PathBuf> {
    let path = root().join("../shared").join(name);
    match fs::canonicalize(&path) {
        Ok(path) => Some(path),
        Err(_) => {
            eprintln!("skipped: no {} here", path.display());
            None
        }
    }
}

/// A temporary folder the program runs in, and that its model cache is in.
pub struct Workplace {
    folder: TempDir,
}

impl Workplace {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// One in which `drawn/` has micrographs of 128x128 pixels, 7 nuclei each.
    pub fn with_micrographs(count: usize) -> Self {
        let work = Self::new();
        let drawing = "data synth micrograph -o drawn --side 128 --nuclei 7 --seed 5 --count";
        work.run(&format!("{drawing} {count}")).done();
        work
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        fs::write(self.path(name), bytes).unwrap();
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Every file and folder at the top, hidden ones included.
    pub fn names(&self) -> BTreeSet<String> {
        names_in(self.folder.path())
    }

    /// The program, to run in this folder.
    pub fn command(&self) -> std::process::Command {
        let mut command = std::process::Command::new(PROGRAM);
        command.current_dir(self.folder.path()).env("KESTREL_CACHE", self.path("cache"));
        // Tests run side by side; threads within each would only wait for one another.
        command.env("OMP_NUM_THREADS", "1");
        for variable in ["COLUMNS", "KESTREL_MODEL_URL", "NO_COLOR", "CLICOLOR_FORCE"] {
            command.env_remove(variable);
        }
        command
    }

    /// Runs the program with these arguments, separated by spaces.
    pub fn run(&self, arguments: &str) -> Answer {
        self.run_with(arguments.split_whitespace())
    }

    /// [`Self::run`] for arguments that may have spaces.
    pub fn run_with<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Answer {
        let mut command = self.command();
        command.args(arguments);
        answer(command)
    }
}

/// Runs a command that is ready.
pub fn answer(command: std::process::Command) -> Answer {
    let output = Command::from_std(command).output().unwrap();
    Answer {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// Every file and folder in `folder`.
pub fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// How a run ended.
#[derive(Debug)]
pub struct Answer {
    /// `None` where a signal ended it.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Answer {
    /// It went well.
    #[track_caller]
    pub fn done(self) -> Self {
        self.ended(0)
    }

    /// Wrong use, config or model: one error, and nothing on standard output.
    #[track_caller]
    pub fn refused(self) -> String {
        let answer = self.ended(2);
        let errors = answer.stderr.lines().filter(|line| line.starts_with("error: "));
        assert_eq!(errors.count(), 1, "{answer:?}");
        assert!(answer.stdout.is_empty(), "{answer:?}");
        answer.stderr
    }

    #[track_caller]
    pub fn ended(self, code: i32) -> Self {
        assert!(self.code == Some(code), "expected exit code {code}: {self:?}");
        assert!(!self.stderr.contains("panicked"), "{self:?}");
        self
    }

    /// Standard error without its notes.
    pub fn errors(&self) -> Vec<&str> {
        self.stderr.lines().filter_map(|line| line.strip_prefix("error: ")).collect()
    }
}
