//! The parts of a report, in its order.

use super::bars::{Bar, bars};
use super::heat_map::heat_map;
use super::plots::{self, Line, LineChart, Point};
use super::text::{base64, duration, escape, memory, number};
use super::{Cost, Fact, GalleryPicture, ReportExtras, tables};
use crate::EvalError;
use crate::evaluation::{Evaluation, Scores};
use crate::numbers::ApAtIou;
use crate::precision_recall::PrecisionRecall;
use crate::tide::{Tide, TideError};

/// The numbers a reader looks for first.
pub(super) fn headline(evaluation: &Evaluation, extras: &ReportExtras) -> String {
    let mut tiles = Vec::new();
    for (name, scores) in evaluation.sections() {
        tiles.push(tile(&format!("AP, {name}"), &number(scores.coco.ap)));
        tiles.push(tile(&format!("AP50, {name}"), &number(scores.coco.ap50)));
    }
    let best = evaluation.finest().f1.overall.as_ref().and_then(|curve| curve.best);
    if let Some(best) = best {
        let name = format!("best F1 of all, at score {:.3}", best.threshold);
        tiles.push(tile(&name, &number(Some(best.f1))));
    }
    let counts = evaluation.counts;
    tiles.push(tile("images", &counts.images.to_string()));
    tiles.push(tile("objects", &counts.objects.to_string()));
    tiles.push(tile("detections", &counts.detections.to_string()));
    if let Some(Cost { secs_per_image, peak_memory_bytes, .. }) = &extras.cost {
        tiles.push(tile("per image", &duration(*secs_per_image)));
        tiles.extend(peak_memory_bytes.map(|bytes| tile("peak memory", &memory(bytes))));
    }
    format!("<div class=\"tiles\">{}</div>", tiles.join(""))
}

fn tile(name: &str, value: &str) -> String {
    format!("<div><b>{}</b><span>{}</span></div>", escape(value), escape(name))
}

/// COCO's twelve numbers.
pub(super) fn coco(evaluation: &Evaluation) -> String {
    let limit = evaluation.options.max_detections;
    let left_out = match &evaluation.masks_left_out {
        Some(reason) => format!(" Masks were not scored: {reason}."),
        None => String::new(),
    };
    section(
        "COCO's numbers",
        &format!(
            "AP is the area under precision over recall, AR the largest recall; both are means over \
             classes and lie in 0 to 1. At most {limit} detections count for each class of an image. A \
             dash: there are no such objects.{left_out}"
        ),
        &tables::coco(evaluation),
    )
}

/// Everything about one way of comparing.
pub(super) fn geometry(
    name: &str,
    scores: &Scores,
    confusion_iou: f64,
) -> Result<String, EvalError> {
    let mut parts = Vec::new();
    for curves in &scores.precision_recall {
        parts.extend(precision_recall(curves)?);
    }
    parts.extend(f1(scores)?);
    parts.extend(calibration(scores)?);
    parts.extend(scores.tide.as_ref().map(tide));
    parts.push(sizes_and_ious(scores));
    Ok(format!(
        "<section><h2>By {name}</h2><div class=\"figures\">{}</div>{}<h3>Classes</h3>{}</section>",
        parts.join(""),
        confusion(scores, confusion_iou),
        tables::classes(scores)
    ))
}

fn confusion(scores: &Scores, iou: f64) -> String {
    let caption = format!(
        "A row for each true class, a column for each predicted one, shaded by the share of the row; \
         the last row holds detections of nothing, the last column objects not found. At score {:.3} \
         and IoU {iou:.2}. Hold the pointer over a cell for its names and count.",
        scores.score_threshold
    );
    figure("Who is taken for whom", &caption, &heat_map(&scores.confusion))
}

fn sizes_and_ious(scores: &Scores) -> String {
    let coco = &scores.coco;
    let bar = |name: &str, note, value| Bar { name: name.into(), note, value, count: None };
    let sizes = [
        bar("small", "below 32² px", coco.ap_small),
        bar("medium", "32² to 96² px", coco.ap_medium),
        bar("large", "above 96² px", coco.ap_large),
    ];
    let at_iou = |at: &ApAtIou| bar(&format!("IoU {:.2}", at.iou), "", at.ap);
    let ious: Vec<Bar> = scores.ap_at_iou.iter().map(at_iou).collect();
    let content = format!("{}{}", bars("AP", &sizes, 1.0), bars("AP", &ious, 1.0));
    let caption = "By the area of the object, and by the overlap asked for; mean over classes.";
    figure("AP by size and by IoU", caption, &content)
}

fn precision_recall(curves: &PrecisionRecall) -> Result<Option<String>, EvalError> {
    let Some(mean) = &curves.mean else { return Ok(None) };
    let line =
        |class: &crate::ClassPrecision| Some((class.class.name.clone(), class.precision.clone()?));
    let classes: Vec<(String, Vec<f64>)> = curves.classes.iter().filter_map(line).collect();
    let lines: Vec<Line<'_>> = classes.iter().map(|(name, ys)| Line { name, ys }).collect();
    let chart = LineChart {
        name: "precision over recall",
        x_label: "recall",
        y_label: "precision",
        xs: &curves.recall,
        main: &Line { name: "mean", ys: mean },
        classes: &lines,
        mark: None,
    };
    let title = format!("Precision over recall, IoU {:.2}", curves.iou);
    Ok(Some(figure(
        &title,
        "At each recall, the best precision there or beyond, interpolated as COCO does.",
        &chart.svg()?,
    )))
}

fn f1(scores: &Scores) -> Result<Option<String>, EvalError> {
    let Some(overall) = &scores.f1.overall else { return Ok(None) };
    let line =
        |class: &crate::ClassF1| Some((class.class.name.clone(), class.curve.as_ref()?.f1.clone()));
    let classes: Vec<(String, Vec<f64>)> = scores.f1.classes.iter().filter_map(line).collect();
    let lines: Vec<Line<'_>> = classes.iter().map(|(name, ys)| Line { name, ys }).collect();
    let chart = LineChart {
        name: "F1 over the score threshold",
        x_label: "score threshold",
        y_label: "F1",
        xs: &scores.f1.thresholds,
        main: &Line { name: "all classes together", ys: &overall.f1 },
        classes: &lines,
        mark: overall.best.map(|best| Point { x: best.threshold, y: best.f1 }),
    };
    let caption = match overall.best {
        Some(best) => format!(
            "Best at score {:.3}: F1 {:.3}, precision {:.3}, recall {:.3}.",
            best.threshold, best.f1, best.precision, best.recall
        ),
        None => "There are no detections.".into(),
    };
    Ok(Some(figure("F1 over the score threshold, IoU 0.50", &caption, &chart.svg()?)))
}

fn tide(tide: &Tide) -> String {
    let bar = |error: &TideError| Bar {
        name: error.kind.name().into(),
        note: error.kind.meaning(),
        value: Some(error.delta_ap),
        count: Some(error.count),
    };
    let rows: Vec<Bar> = tide.errors.iter().map(bar).collect();
    let caption = format!(
        "How much AP at IoU 0.50, now {:.3}, would gain were one kind of error mended (TIDE). The \
         gains overlap and do not sum up.",
        tide.ap
    );
    figure("What AP is lost to", &caption, &bars("AP gain", &rows, 0.01))
}

fn calibration(scores: &Scores) -> Result<Option<String>, EvalError> {
    let Some(found) = &scores.calibration else { return Ok(None) };
    let caption = format!(
        "Bars: the share of hits at IoU 0.50 among detections of similar score; dots: at their mean \
         score. On the diagonal a score is a probability. Expected calibration error {:.3}, largest \
         {:.3}, {} detections.",
        found.expected_error, found.largest_error, found.num_detections
    );
    Ok(Some(figure("Calibration", &caption, &plots::calibration(found)?)))
}

/// Pascal VOC's numbers.
pub(super) fn voc(evaluation: &Evaluation) -> String {
    let text = format!(
        "Boxes at IoU 0.50, as the development kits of 2007 and 2010 compute AP. {} objects are marked \
         difficult and passed over.",
        evaluation.voc.num_difficult
    );
    section("Pascal VOC's numbers", &text, &tables::voc(&evaluation.voc))
}

/// The pictures.
pub(super) fn gallery(pictures: &[GalleryPicture], score_threshold: f64) -> String {
    if pictures.is_empty() {
        return String::new();
    }
    let picture = |picture: &GalleryPicture| {
        let caption = escape(&picture.caption);
        format!(
            "<figure><img src=\"data:{};base64,{}\" alt=\"{caption}\"><figcaption>{caption}\
             </figcaption></figure>",
            picture.format.media_type(),
            base64(&picture.bytes)
        )
    };
    let pictures: String = pictures.iter().map(picture).collect();
    let gallery = format!("<div class=\"gallery\">{pictures}</div>");
    let text = format!("By rising F1 at IoU 0.50 and score {score_threshold:.3}.");
    section("Worst images", &text, &gallery)
}

/// What was evaluated, with what.
pub(super) fn provenance(evaluation: &Evaluation, extras: &ReportExtras) -> String {
    let options = &evaluation.options;
    let fact = |name: &str, value: String| Fact { name: name.into(), value };
    let mut facts = vec![fact("Kestrel", evaluation.kestrel_version.into())];
    facts.extend(extras.provenance.iter().cloned());
    if let Some(device) = extras.cost.as_ref().and_then(|cost| cost.device.clone()) {
        facts.push(fact("device", device));
    }
    facts.push(fact(
        "detections counted for each class of an image",
        options.max_detections.to_string(),
    ));
    facts.push(fact("IoU of the confusion matrix", options.confusion_iou.to_string()));
    facts.push(fact("crowds passed over", evaluation.counts.crowds.to_string()));
    let row = |Fact { name, value }: &Fact| {
        format!("<dt>{}</dt><dd>{}</dd>", escape(name), escape(value))
    };
    let rows: String = facts.iter().map(row).collect();
    section("Where this comes from", "", &format!("<dl>{rows}</dl>"))
}

/// Title and text are escaped here; `content` is HTML.
fn section(title: &str, text: &str, content: &str) -> String {
    let text = match text {
        "" => String::new(),
        text => format!("<p>{}</p>", escape(text)),
    };
    format!("<section><h2>{}</h2>{text}{content}</section>", escape(title))
}

/// Title and caption are escaped here; `content` is HTML.
fn figure(title: &str, caption: &str, content: &str) -> String {
    let (title, caption) = (escape(title), escape(caption));
    format!("<figure><h3>{title}</h3>{content}<figcaption>{caption}</figcaption></figure>")
}
