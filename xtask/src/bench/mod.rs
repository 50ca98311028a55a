//! `cargo xtask bench`: Kestrel and torchvision do the same work in turns, on the same pictures and
//! weights, with two threads each.
//!
//! Machines are noisy, so each pair of rounds gives a ratio, and the median of the ratios counts. Parts
//! of R50-FPN detectors are timed within two processes that live side by side; the rest are whole
//! processes, start-up included. Linux only.

mod used;
mod worker;

use crate::{oracle, setup, shell};
use anyhow::{Context, Result, bail};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use used::{Used, used};
use worker::Worker;

/// Drawn pictures: enough to make start-up a small part.
const NUM_PICTURES: usize = 100;
/// Steps of a training run; the shorter run is taken off, and with it the start-up.
const NUM_STEPS: [&str; 2] = ["4", "24"];

/// A kind of work.
struct Row {
    name: &'static str,
    what: &'static str,
    /// Pairs of rounds.
    pairs: usize,
    /// A device, a batch and a precision, where it is not one picture in float32 on the CPU.
    how: &'static [&'static str],
}

const fn row(name: &'static str, what: &'static str, pairs: usize) -> Row {
    Row { name, what, pairs, how: &[] }
}

/// Rows of a graphics card, which run when asked for by this name.
const CARD: &str = "cuda";

const fn on_card(name: &'static str, what: &'static str, how: &'static [&'static str]) -> Row {
    Row { name, what, pairs: 9, how }
}

const ON_CARD: [Row; 10] = [
    on_card("faster", "Faster R-CNN, 1 at once, float32", &[CARD, "1", "float32"]),
    on_card("faster", "Faster R-CNN, 1 at once, bfloat16", &[CARD, "1", "bfloat16"]),
    on_card("faster", "Faster R-CNN, 16 at once, float32", &[CARD, "16", "float32"]),
    on_card("faster", "Faster R-CNN, 16 at once, bfloat16", &[CARD, "16", "bfloat16"]),
    on_card("faster", "Faster R-CNN, 16 at once, float16", &[CARD, "16", "float16"]),
    on_card("mask", "Mask R-CNN, 1 at once, float32", &[CARD, "1", "float32"]),
    on_card("mask", "Mask R-CNN, 16 at once, float32", &[CARD, "16", "float32"]),
    on_card("mask", "Mask R-CNN, 16 at once, bfloat16", &[CARD, "16", "bfloat16"]),
    on_card("training", "training step of two pictures, float32", &[CARD, "2", "float32"]),
    on_card("training", "training step of two pictures, bfloat16", &[CARD, "2", "bfloat16"]),
];

/// Within a process that is set up: see `tests/bench/torchvision_parts.py`.
const PARTS: [Row; 9] = [
    row("faster", "Faster R-CNN R50-FPN, 640x480 to detections", 7),
    row("mask", "Mask R-CNN R50-FPN, 640x480 to detections", 7),
    row("backbone", "backbone and pyramid, 800x1088", 7),
    row("rpn", "proposals", 9),
    row("roi-align", "RoIAlign, 1000 RoIs 7x7, 256 channels", 15),
    row("roi-align-training", "RoIAlign both ways, 512 RoIs", 15),
    row("nms", "suppression, 20,000 boxes, IoU 0.7", 15),
    row("paste", "100 masks into 1600x1600", 15),
    row("training", "training step, Mask R-CNN R50-FPN, batch 2", 5),
];

/// Whole processes: see `tests/bench/torchvision_nuclei.py`.
const WHOLE: [Row; 3] = [
    row("nuclei", "built-in model, drawn PNG files to JSON", 5),
    row("tiles", "built-in model, 199 real tiles to JSON", 3),
    row("nuclei-training", "nuclei recipe, 20 training steps", 5),
];

/// Prints a line for each row, or for each one `wanted`.
pub fn run(wanted: &[&str]) -> Result<()> {
    let known = || PARTS.iter().chain(&WHOLE).map(|row| row.name).chain([CARD]);
    if let Some(stranger) = wanted.iter().find(|name| !known().any(|known| known == **name)) {
        bail!("no row `{stranger}`; there are {}", known().collect::<Vec<_>>().join(", "));
    }
    setup::run()?;
    shell::run(&mut shell::cargo(&["build", "--package", "kestrel"]))?;
    let example = ["build", "--package", "kestrel-rcnn", "--example", "bench_parts"];
    shell::run(&mut shell::cargo(&example))?;
    let bench = Bench::prepare()?;
    println!(
        "\nKestrel / torchvision, {} threads: median of the ratios (least to most); seconds and MiB \
         of Kestrel, torchvision\n",
        bench.threads
    );
    println!("| work | wall | CPU | memory | wall s | CPU s | peak MiB |");
    println!("| --- | --- | --- | --- | --- | --- | --- |");
    let is_wanted = |row: &&Row| wanted.is_empty() || wanted.contains(&row.name);
    for row in PARTS.iter().filter(is_wanted) {
        bench.part(row)?;
    }
    for row in WHOLE.iter().filter(is_wanted) {
        bench.whole(row)?;
    }
    if !wanted.contains(&CARD) {
        println!(
            "\nnot run: rows of a graphics card; `cargo xtask bench {CARD}` where there is one"
        );
        return Ok(());
    }
    ON_CARD.iter().try_for_each(|row| bench.part(row))
}

/// Where everything lies.
struct Bench {
    folder: PathBuf,
    python: PathBuf,
    threads: &'static str,
}

impl Bench {
    fn prepare() -> Result<Self> {
        let folder = shell::root().join("target/bench");
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        let bench = Self { folder, python: oracle::environment()?, threads: "2" };
        if !bench.folder.join("inputs.safetensors").exists() {
            let script = bench.script("torchvision_parts.py");
            shell::run(Command::new(&bench.python).args([&script, "prepare"]).arg(&bench.folder))?;
        }
        if !bench.folder.join("pictures").exists() {
            let (pictures, count) = (bench.place("pictures"), NUM_PICTURES.to_string());
            let synth = ["data", "synth", "micrograph", "-o", &pictures, "--count", &count];
            shell::kestrel(&synth)?;
        }
        Ok(bench)
    }

    fn part(&self, row: &Row) -> Result<()> {
        let folder = self.place("");
        let arguments = [&[row.name, &folder], row.how].concat();
        let mut ours = self.kestrel("examples/bench_parts", &arguments);
        let mut theirs = self.torchvision("torchvision_parts.py", &arguments);
        let (mut ours, mut theirs) = (Worker::start(&mut ours)?, Worker::start(&mut theirs)?);
        in_turns(row, || ours.work(), || theirs.work())
    }

    fn whole(&self, row: &Row) -> Result<()> {
        match row.name {
            "nuclei" => self.detection(row, &self.place("pictures")),
            "tiles" => {
                let tiles = shell::root().join("../shared/data/nuclei256/val");
                if tiles.exists() {
                    return self.detection(row, &tiles.display().to_string());
                }
                println!("| {} | not run: no {} |", row.what, tiles.display());
                Ok(())
            }
            _ => self.training(row),
        }
    }

    fn detection(&self, row: &Row, pictures: &str) -> Result<()> {
        let model = shell::root().join("models/nuclei.safetensors").display().to_string();
        let [ours, theirs] = ["ours.json", "theirs.json"].map(|name| self.place(name));
        let script = "torchvision_nuclei.py";
        in_turns(
            row,
            || used(&mut self.kestrel("kestrel", &["detect", pictures, "-m", &model, "-o", &ours])),
            || used(&mut self.torchvision(script, &["detect", &model, pictures, &theirs])),
        )
    }

    fn training(&self, row: &Row) -> Result<()> {
        let [pictures, run] = ["pictures", "run"].map(|name| self.place(name));
        let ours = |steps: &str| {
            if Path::new(&run).exists() {
                fs::remove_dir_all(&run).with_context(|| format!("cannot empty {run}"))?;
            }
            let steps = format!("train.steps={steps}");
            let alone = ["--set", "data.val_share=0", "--set", &steps];
            let recipe = ["train", "custom/nuclei.yaml", "--data", &pictures, "-o", &run];
            used(&mut self.kestrel("kestrel", &[&recipe[..], &alone].concat()))
        };
        let theirs = |steps: &str| {
            let arguments = ["train", &pictures, steps];
            used(&mut self.torchvision("torchvision_nuclei.py", &arguments))
        };
        let [few, many] = NUM_STEPS;
        in_turns(row, || Ok(ours(many)?.less(ours(few)?)), || Ok(theirs(many)?.less(theirs(few)?)))
    }

    fn place(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    fn script(&self, name: &str) -> String {
        shell::root().join("tests/bench").join(name).display().to_string()
    }

    fn kestrel(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(shell::root().join("target/debug").join(program));
        command.args(arguments).current_dir(shell::root());
        command.env("RAYON_NUM_THREADS", self.threads).env("OMP_NUM_THREADS", self.threads);
        command
    }

    fn torchvision(&self, script: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(self.script(script)).args(arguments).env("OMP_NUM_THREADS", self.threads);
        command
    }
}

/// Lets both work in turns and prints what came of it.
fn in_turns(
    row: &Row,
    mut ours: impl FnMut() -> Result<Used>,
    mut theirs: impl FnMut() -> Result<Used>,
) -> Result<()> {
    let mut pairs = Vec::with_capacity(row.pairs);
    for _ in 0..row.pairs {
        pairs.push([ours()?, theirs()?]);
    }
    let parts: [fn(&Used) -> f64; 3] = [|u| u.wall_secs, |u| u.cpu_secs, |u| u.peak_mib];
    let ratios = parts.map(|part| {
        // A round shorter than a tick of the clock may have used nothing.
        let mut ratios: Vec<f64> = pairs.iter().map(|[a, b]| part(a) / part(b).max(1e-9)).collect();
        ratios.sort_by(f64::total_cmp);
        let (least, most) = (ratios[0], ratios[ratios.len() - 1]);
        format!("{:.3} ({least:.3} to {most:.3})", ratios[ratios.len() / 2])
    });
    let of_both = |part: fn(&Used) -> f64, digits: usize| {
        let [a, b] = [0, 1].map(|who| {
            let mut values: Vec<f64> = pairs.iter().map(|pair| part(&pair[who])).collect();
            values.sort_by(f64::total_cmp);
            values[values.len() / 2]
        });
        format!("{a:.digits$}, {b:.digits$}")
    };
    let [wall, cpu, memory] = ratios;
    let [wall_secs, cpu_secs] = [of_both(parts[0], 3), of_both(parts[1], 2)];
    let peak = of_both(parts[2], 0);
    println!("| {} | {wall} | {cpu} | {memory} | {wall_secs} | {cpu_secs} | {peak} |", row.what);
    Ok(())
}
