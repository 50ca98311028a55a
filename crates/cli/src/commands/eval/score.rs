//! `kestrel eval --model` and `--results`.

use super::model_run::ModelRun;
use super::{gallery, is_standard_output, json_text, open_truth, tables};
use crate::console::counted;
use crate::output::{Destination, write_text};
use crate::place::check_file;
use crate::{Outcome, console, device};
use anyhow::{Result, bail};
use kestrel_args::ScoreArgs;
use kestrel_data::{Dataset, Split};
use kestrel_eval::{
    Annotation, EvalOptions, Evaluation, Fact, ReportExtras, Truth, coco_iou_thresholds, evaluate,
    html, read_results, results_json,
};
use std::collections::BTreeSet;
use tch::Device;

/// Gets results, scores them, and writes what was asked for.
pub(crate) fn run(arguments: &ScoreArgs) -> Result<Outcome> {
    let outputs = [&arguments.json, &arguments.report, &arguments.save_results];
    for path in outputs.into_iter().flatten().filter(|path| !is_standard_output(Some(path))) {
        check_file(path)?;
    }
    // Threads are counted before any of them works.
    let device = device::prepare(&arguments.compute)?;
    let (split, truth) = open_truth(&arguments.truth)?;
    let (results, run) = results(arguments, device, &split.dataset, &truth)?;
    // The page draws single detections again.
    let kept = arguments.report.is_some().then(|| results.clone());
    let evaluation = evaluate(&truth, results, &options(arguments, &split.dataset))?;

    if let Some(path) = &arguments.json {
        write_text(&Destination::from(path.clone()), &json_text(&evaluation)?)?;
    }
    if !is_standard_output(arguments.json.as_deref()) {
        console::print(tables::of_evaluation(&evaluation, !arguments.iou.is_empty()).trim_end())?;
    }
    if let Some(run) = &run {
        console::note(run.summary());
    }
    if let (Some(path), Some(results)) = (&arguments.report, &kept) {
        let extras = ReportExtras {
            title: format!("{} on {}", judged(arguments), arguments.truth.data().display()),
            cost: run.as_ref().map(|run| run.cost.clone()),
            gallery: gallery::draw(&split, &evaluation, results, arguments.worst)?,
            provenance: provenance(arguments, &split, &evaluation),
        };
        write_text(&Destination::from(path.clone()), &html(&evaluation, &extras)?)?;
        console::note(format_args!("the page is {}", path.display()));
    }
    Ok(match run {
        Some(run) if run.num_unreadable > 0 => Outcome::SomeInputsFailed,
        _ => Outcome::Done,
    })
}

/// What a file says, or what a model finds and what that took.
fn results(
    arguments: &ScoreArgs,
    device: Device,
    dataset: &Dataset,
    truth: &Truth,
) -> Result<(Vec<Annotation>, Option<ModelRun>)> {
    match (&arguments.results, &arguments.model) {
        (Some(path), _) => {
            let results = read_results(path, truth)?;
            mention_missing(&results, dataset);
            Ok((results, None))
        }
        (None, Some(model)) => {
            let (results, run) = ModelRun::new(arguments, model, device, dataset)?;
            if let Some(path) = &arguments.save_results {
                write_text(&Destination::from(path.clone()), &results_json(&results))?;
            }
            Ok((results, Some(run)))
        }
        (None, None) => bail!("expected --model or --results; see `kestrel eval --help`"),
    }
}

/// Images without results may be without objects, or may never have been looked at.
fn mention_missing(results: &[Annotation], dataset: &Dataset) {
    let found: BTreeSet<u64> = results.iter().map(|result| result.image_id).collect();
    let missing = dataset.images.iter().filter(|image| !found.contains(&image.id)).count();
    if missing > 0 {
        console::note(format_args!(
            "note: no result for {missing} of {}; their objects count as missed",
            counted(dataset.images.len(), "image")
        ));
    }
}

fn options(arguments: &ScoreArgs, dataset: &Dataset) -> EvalOptions {
    let objects = dataset.images.iter().flat_map(|image| &image.objects);
    let difficult: BTreeSet<u64> =
        objects.filter(|object| object.difficult).map(|object| object.id).collect();
    let iou_thresholds = match arguments.iou.as_slice() {
        [] => coco_iou_thresholds(),
        wanted => wanted.iter().map(|&iou| exact(iou)).collect(),
    };
    EvalOptions {
        iou_thresholds,
        score_threshold: arguments.score.map(exact),
        difficult,
        ..EvalOptions::default()
    }
}

/// The decimal number that was typed: 0.6 as float32 is not 0.6.
fn exact(value: f32) -> f64 {
    value.to_string().parse().unwrap_or_else(|_| f64::from(value))
}

/// What was scored, by its name.
fn judged(arguments: &ScoreArgs) -> String {
    match (&arguments.model, &arguments.results) {
        (Some(model), _) => model.clone(),
        (None, Some(path)) => path.display().to_string(),
        (None, None) => String::new(),
    }
}

fn provenance(arguments: &ScoreArgs, split: &Split, evaluation: &Evaluation) -> Vec<Fact> {
    let fact = |name: &str, value: String| Fact { name: name.into(), value };
    let what = if arguments.model.is_some() { "model" } else { "results" };
    vec![
        fact(what, judged(arguments)),
        fact("data", arguments.truth.data().display().to_string()),
        fact("split", split.name.clone()),
        fact("images in the gallery", format!("the {} of lowest F1", arguments.worst)),
        fact("score threshold", format!("{:.2}", evaluation.finest().score_threshold)),
    ]
}
