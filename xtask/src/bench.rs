//! `cargo xtask bench`: Kestrel and torchvision do the same work in turns, as whole processes, on the
//! same pictures and weights.
//!
//! Machines are noisy, so each pair of runs gives a ratio, and the median of the ratios counts. What is
//! measured of a process is read from /proc until it ends: Linux only.

use crate::{oracle, setup, shell};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Pairs of runs of each row.
const NUM_PAIRS: usize = 5;
/// How often a running process is asked what it has used.
const BETWEEN_LOOKS: Duration = Duration::from_millis(10);
/// Ticks a second in /proc/PID/stat, the same on every Linux that Rust runs on.
const TICKS_PER_SEC: f64 = 100.0;
/// Drawn pictures: enough for a batch order, and to make start-up a small part.
const NUM_PICTURES: &str = "100";
/// Steps of a training run; the shorter run is taken off, and with it the start-up.
const NUM_STEPS: [&str; 2] = ["4", "24"];

/// What a process has used.
#[derive(Clone, Copy, Debug, Default)]
struct Used {
    wall_secs: f64,
    cpu_secs: f64,
    peak_mib: f64,
}

/// Prints a row for each kind of work.
pub fn run() -> Result<()> {
    setup::run()?;
    shell::run(&mut shell::cargo(&["build", "--package", "kestrel"]))?;
    let python = oracle::environment()?;
    let folder = shell::root().join("target/bench");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    let place = |name: &str| folder.join(name).display().to_string();
    let [pictures, ours, theirs, run] = ["pictures", "ours.json", "theirs.json", "run"].map(place);
    if !Path::new(&pictures).exists() {
        let count = ["--count", NUM_PICTURES];
        shell::kestrel(&[&["data", "synth", "micrograph", "-o", &pictures], &count[..]].concat())?;
    }
    let script = shell::root().join("tests/bench/torchvision_nuclei.py").display().to_string();
    let model = shell::root().join("models/nuclei.safetensors").display().to_string();
    let kestrel = |arguments: &[&str]| {
        let mut command = Command::new(shell::root().join("target/debug/kestrel"));
        command.args(arguments);
        command
    };
    let torchvision = |arguments: &[&str]| {
        let mut command = Command::new(&python);
        command.arg(&script).args(arguments);
        command
    };

    println!(
        "\n{NUM_PAIRS} pairs of runs; ratios are Kestrel / torchvision: median (least to most)\n"
    );
    println!("{:34} {:>22} {:>22} {:>15}", "", "wall time", "CPU time", "peak memory");
    pairs(
        &format!("nuclei, {NUM_PICTURES} PNG files to JSON"),
        || used(&mut kestrel(&["detect", &pictures, "--model", &model, "-o", &ours])),
        || used(&mut torchvision(&["detect", &model, &pictures, &theirs])),
    )?;
    let train = |steps: &str| {
        let _ = fs::remove_dir_all(&run);
        let steps = format!("train.steps={steps}");
        let alone = ["--set", "data.val_share=0", "--set", &steps];
        let recipe = ["train", "custom/nuclei.yaml", "--data", &pictures, "-o", &run];
        used(&mut kestrel(&[&recipe[..], &alone].concat()))
    };
    pairs(
        "nuclei recipe, 20 training steps",
        || Ok(train(NUM_STEPS[1])?.less(train(NUM_STEPS[0])?)),
        || {
            let steps = |steps: &str| used(&mut torchvision(&["train", &pictures, steps]));
            Ok(steps(NUM_STEPS[1])?.less(steps(NUM_STEPS[0])?))
        },
    )?;
    println!("\nnot run: R50-FPN, its parts, CUDA; criterion rows run with `cargo bench`");
    Ok(())
}

/// Runs both in turns and prints what came of it.
fn pairs(
    name: &str,
    ours: impl Fn() -> Result<Used>,
    theirs: impl Fn() -> Result<Used>,
) -> Result<()> {
    let mut ratios: [Vec<f64>; 3] = Default::default();
    let mut last = [Used::default(); 2];
    for _ in 0..NUM_PAIRS {
        last = [ours()?, theirs()?];
        let [a, b] = last;
        ratios[0].push(a.wall_secs / b.wall_secs);
        ratios[1].push(a.cpu_secs / b.cpu_secs);
        ratios[2].push(a.peak_mib / b.peak_mib);
    }
    let [wall, cpu, memory] = ratios.map(summary);
    println!("{name:34} {wall:>22} {cpu:>22} {memory:>22}");
    for (who, used) in ["Kestrel", "torchvision"].iter().zip(last) {
        let Used { wall_secs, cpu_secs, peak_mib } = used;
        println!(
            "  last run of {who:20} {wall_secs:>22.2} s {cpu_secs:>20.2} s {peak_mib:>9.0} MiB"
        );
    }
    Ok(())
}

fn summary(mut ratios: Vec<f64>) -> String {
    ratios.sort_by(f64::total_cmp);
    let (least, most) = (ratios[0], ratios[ratios.len() - 1]);
    format!("{:.2} ({least:.2} to {most:.2})", ratios[ratios.len() / 2])
}

impl Used {
    /// Time without another run's; memory as it is.
    fn less(self, other: Self) -> Self {
        Self {
            wall_secs: self.wall_secs - other.wall_secs,
            cpu_secs: self.cpu_secs - other.cpu_secs,
            ..self
        }
    }
}

/// Runs a command to its end and says what it used.
fn used(command: &mut Command) -> Result<Used> {
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
fn look(process: u32) -> Option<Used> {
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
