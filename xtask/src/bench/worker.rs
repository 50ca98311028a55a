//! A process that does one kind of work whenever it is asked to.

use super::used::{Used, look};
use anyhow::{Context, Result, bail};
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// It is set up when it has said `ready`, works once for each line it reads, and answers with seconds.
pub(super) struct Worker {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
    name: String,
}

impl Worker {
    /// Starts it and waits until it is ready.
    pub(super) fn start(command: &mut Command) -> Result<Self> {
        let name = format!("{command:?}");
        let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = pipes.spawn().with_context(|| format!("cannot start {name}"))?;
        let (requests, answers) = (process.stdin.take(), process.stdout.take());
        let requests = requests.context("no way to ask the process")?;
        let answers = BufReader::new(answers.context("no way to hear the process")?);
        let mut worker = Self { process, requests, answers, name };
        let said = worker.hear()?;
        if said != "ready" {
            bail!("{} said `{said}`, expected `ready`; run it by hand to see why", worker.name);
        }
        Ok(worker)
    }

    /// One round of work: its time, and the peak memory of the process so far.
    pub(super) fn work(&mut self) -> Result<Used> {
        let before = self.used()?;
        self.requests.write_all(b"\n")?;
        self.requests.flush()?;
        let wall_secs = self.hear()?.parse()?;
        let after = self.used()?;
        Ok(Used { wall_secs, cpu_secs: after.cpu_secs - before.cpu_secs, ..after })
    }

    fn used(&self) -> Result<Used> {
        look(self.process.id()).with_context(|| format!("{} has ended", self.name))
    }

    fn hear(&mut self) -> Result<String> {
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim().to_owned())
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It has nothing to save; one that has ended already is as good.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
