//! A running ffmpeg: its pipes, its end, and what it has said.

use super::log::{Log, SourceFacts};
use std::io::{self, BufRead, BufReader};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

/// A child that does not outlive its owner.
#[derive(Debug)]
pub(crate) struct Process {
    child: Arc<Mutex<Child>>,
    pipes: Pipes,
    log: Arc<Mutex<Log>>,
    listener: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Pipes {
    input: Option<ChildStdin>,
    output: Option<ChildStdout>,
}

/// Stops a process from another thread.
#[derive(Clone, Debug)]
pub(crate) struct Stopper {
    child: Arc<Mutex<Child>>,
}

impl Stopper {
    pub fn stop(&self) {
        // One that has ended by itself cannot be stopped, and need not be.
        let _ = locked(&self.child).kill();
    }
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub status: ExitStatus,
    pub log: Log,
}

impl Process {
    /// Starts the command and listens to what it says. Keys pressed on the terminal, such as Ctrl-C,
    /// do not reach it: it ends when its pipes do.
    pub fn start(mut command: Command) -> io::Result<Self> {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.stderr(Stdio::piped()).spawn()?;
        let log = Arc::new(Mutex::new(Log::default()));
        let listener = child.stderr.take().map(|said| listen(said, Arc::clone(&log)));
        let pipes = Pipes { input: child.stdin.take(), output: child.stdout.take() };
        Ok(Self { child: Arc::new(Mutex::new(child)), pipes, log, listener })
    }

    pub fn take_output(&mut self) -> io::Result<ChildStdout> {
        self.pipes.output.take().ok_or_else(|| io::Error::other("it has no output"))
    }

    pub fn take_input(&mut self) -> io::Result<ChildStdin> {
        self.pipes.input.take().ok_or_else(|| io::Error::other("it has no input"))
    }

    pub fn facts(&self) -> SourceFacts {
        locked(&self.log).facts
    }

    pub fn stopper(&self) -> Stopper {
        Stopper { child: Arc::clone(&self.child) }
    }

    /// Waits for its end and its last words.
    pub fn wait(&mut self) -> io::Result<Ended> {
        // Its standard error ends with it, and while it runs a stopper may need the lock.
        if let Some(listener) = self.listener.take() {
            let _ = listener.join();
        }
        let status = locked(&self.child).wait()?;
        Ok(Ended { status, log: locked(&self.log).clone() })
    }
}

impl Ended {
    /// Why it failed, as well as can be told.
    pub fn reason(&self) -> String {
        match self.log.reason() {
            reason if !reason.is_empty() && self.status.code().is_some() => reason,
            _ => format!("it ended with {}", self.status),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stopper().stop();
        let _ = locked(&self.child).wait();
    }
}

/// A thread that panicked leaves nothing half done here.
fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn listen(said: ChildStderr, log: Arc<Mutex<Log>>) -> JoinHandle<()> {
    std::thread::spawn(move || {
        for line in BufReader::new(said).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line);
            locked(&log).read(line.trim_end_matches('\r'));
        }
    })
}
