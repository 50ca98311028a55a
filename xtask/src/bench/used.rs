//! What a process has used, read from /proc while it lives.

use anyhow::{Context, Result, bail};
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// How often a running process is asked what it has used.
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);
/// Ticks a second in /proc/PID/stat, the same on every Linux that Rust runs on.
const TICKS_PER_SEC: f64 = 100.0;

/// Time and memory of a process.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Used {
    pub wall_secs: f64,
    pub cpu_secs: f64,
    pub peak_mib: f64,
}

impl Used {
    /// Time without another run's; memory as it is.
    pub(super) fn less(self, other: Self) -> Self {
        Self {
            wall_secs: self.wall_secs - other.wall_secs,
            cpu_secs: self.cpu_secs - other.cpu_secs,
            ..self
        }
    }
}

/// Runs a command to its end and says what it used.
pub(super) fn used(command: &mut Command) -> Result<Used> {
    let name = command.get_program().to_string_lossy().into_owned();
    let begin = Instant::now();
    let mut child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .with_context(|| format!("cannot start {name}"))?;
    let mut used = Used::default();
    let status = loop {
        if let Some(now) = look(child.id()) {
            used = now;
        }
        match child.try_wait().with_context(|| format!("cannot wait for {name}"))? {
            Some(status) => break status,
            None => std::thread::sleep(BETWEEN_LOOKS),
        }
    };
    if !status.success() {
        bail!("{name} failed with {status}; run it by hand to see why: {command:?}");
    }
    used.wall_secs = begin.elapsed().as_secs_f64();
    Ok(used)
}

/// CPU time and peak memory of a process so far; none once it has ended.
pub(super) fn look(process: u32) -> Option<Used> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    // The name may hold spaces; the fields after it do not.
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    let ticks = |place: usize| fields.get(place)?.parse::<f64>().ok();
    let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    let peak_kib: f64 = peak.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(Used {
        wall_secs: 0.0,
        cpu_secs: (ticks(11)? + ticks(12)?) / TICKS_PER_SEC,
        peak_mib: peak_kib / 1024.0,
    })
}
