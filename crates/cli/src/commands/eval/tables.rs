//! An evaluation and a comparison as text for a terminal.

use crate::console::{counted, printable};
use crate::output::table;
use kestrel_eval::{Counts, Evaluation, Scores};

/// Classes listed before "... and 7 more".
const MAX_CLASSES: usize = 40;

/// The tables of an evaluation; AP at single overlaps is one of them where it was asked for.
pub(super) fn of_evaluation(evaluation: &Evaluation, with_ious: bool) -> String {
    let sections: Vec<(&str, &Scores)> = evaluation.sections().collect();
    let mut text = counts(&evaluation.counts);
    if let Some(reason) = &evaluation.masks_left_out {
        text += &format!("boxes only: {reason}\n");
    }
    text += &format!("\n{}", coco(&sections));
    if with_ious {
        text += &format!("\n{}", ap_at_iou(&sections));
    }
    text += &format!("\n{}", classes(&sections));
    text += &format!("\n{}", tide(&sections));
    for (name, scores) in &sections {
        text += &operating_point(name, scores);
    }
    let voc = &evaluation.voc;
    text += &format!(
        "Pascal VOC, boxes: AP {} (area), {} (11 points)\n",
        number(voc.mean_ap_area),
        number(voc.mean_ap_11_points)
    );
    text
}

fn counts(counts: &Counts) -> String {
    format!(
        "{} with {} of {}{}; {}\n",
        counted(counts.images, "image"),
        counted(counts.objects, "object"),
        counts.classes,
        if counts.classes == 1 { " class" } else { " classes" },
        counted(counts.detections, "detection")
    )
}

fn coco(sections: &[(&str, &Scores)]) -> String {
    let names = sections[0].1.rows();
    let columns: Vec<_> = sections.iter().map(|(_, scores)| scores.rows()).collect();
    let row = |place: usize| {
        let mut cells = vec![names[place].name.to_owned(), names[place].meaning.to_owned()];
        cells.extend(columns.iter().map(|column| number(column[place].value)));
        cells
    };
    let rows: Vec<Vec<String>> = (0..names.len()).map(row).collect();
    let mut header = vec!["COCO", ""];
    header.extend(sections.iter().map(|(name, _)| *name));
    table(&header, &rows, 2..header.len())
}

fn ap_at_iou(sections: &[(&str, &Scores)]) -> String {
    let mut header = vec!["AP at IoU"];
    header.extend(sections.iter().map(|(name, _)| *name));
    let row = |place: usize| {
        let mut cells = vec![format!("{:.2}", sections[0].1.ap_at_iou[place].iou)];
        cells.extend(sections.iter().map(|(_, scores)| number(scores.ap_at_iou[place].ap)));
        cells
    };
    let rows: Vec<Vec<String>> = (0..sections[0].1.ap_at_iou.len()).map(row).collect();
    table(&header, &rows, 1..header.len())
}

fn classes(sections: &[(&str, &Scores)]) -> String {
    let mut header = vec!["class".to_owned(), "objects".to_owned()];
    for (name, _) in sections {
        header.extend(["AP", "AP50", "AP75", "AR"].map(|number| format!("{number} {name}")));
    }
    let all = &sections[0].1.classes;
    let row = |place: usize| {
        let class = &all[place];
        let mut cells = vec![printable(&class.class.name), class.num_objects.to_string()];
        for (_, scores) in sections {
            let class = &scores.classes[place];
            cells.extend([class.ap, class.ap50, class.ap75, class.ar].map(number));
        }
        cells
    };
    let rows: Vec<Vec<String>> = (0..all.len().min(MAX_CLASSES)).map(row).collect();
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let mut text = table(&header, &rows, 1..header.len());
    if all.len() > MAX_CLASSES {
        text += &format!("... and {} more; --json has them all\n", all.len() - MAX_CLASSES);
    }
    text
}

/// What keeps AP at IoU 0.5 from being higher.
fn tide(sections: &[(&str, &Scores)]) -> String {
    let mut header = vec!["AP50 gained without", ""];
    header.extend(sections.iter().map(|(name, _)| *name));
    let splits: Vec<_> = sections.iter().filter_map(|(_, scores)| scores.tide.as_ref()).collect();
    let Some(first) = splits.first() else { return String::new() };
    let row = |place: usize| {
        let kind = first.errors[place].kind;
        let mut cells = vec![kind.name().to_owned(), kind.meaning().to_owned()];
        cells.extend(splits.iter().map(|tide| number(Some(tide.errors[place].delta_ap))));
        cells
    };
    let rows: Vec<Vec<String>> = (0..first.errors.len()).map(row).collect();
    table(&header, &rows, 2..header.len())
}

fn operating_point(name: &str, scores: &Scores) -> String {
    let best = scores.f1.overall.as_ref().and_then(|curve| curve.best);
    let point = best.map(|best| {
        format!(
            "{name}: F1 is best, {:.3}, at --score {:.2} (precision {:.3}, recall {:.3})",
            best.f1, best.threshold, best.precision, best.recall
        )
    });
    let calibration = scores.calibration.as_ref();
    let error = calibration.map(|found| format!("; calibration error {:.3}", found.expected_error));
    point.map_or(String::new(), |point| point + &error.unwrap_or_default() + "\n")
}

/// Three digits, as COCO's own table has them.
pub(super) fn number(value: Option<f64>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.3}"))
}
