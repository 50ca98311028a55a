//! Tables of numbers.

use super::text::{escape, number};
use crate::evaluation::{Evaluation, Scores};
use crate::f1::ClassF1;
use crate::numbers::{ClassNumbers, CocoRow};

/// A table from its column names and rows of cells; the first column names the row, the rest are
/// numbers. All cells are escaped here.
pub(super) fn table(columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let head: String =
        columns.iter().map(|name| format!("<th scope=\"col\">{}</th>", escape(name))).collect();
    let row = |cells: Vec<String>| {
        let mut cells = cells.into_iter().map(|cell| escape(&cell));
        let name = cells.next().unwrap_or_default();
        let numbers: String = cells.map(|cell| format!("<td class=\"n\">{cell}</td>")).collect();
        format!("<tr><th scope=\"row\">{name}</th>{numbers}</tr>")
    };
    let body: String = rows.into_iter().map(row).collect();
    format!(
        "<div class=\"wide\"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
}

/// COCO's twelve, boxes and masks side by side.
pub(super) fn coco(evaluation: &Evaluation) -> String {
    let mut columns = vec!["", ""];
    columns.extend(evaluation.sections().map(|(name, _)| name));
    let sections: Vec<[CocoRow; 12]> =
        evaluation.sections().map(|(_, scores)| scores.rows()).collect();
    let row = |(index, row): (usize, &CocoRow)| {
        let values = sections.iter().map(|section| number(section[index].value));
        [row.name.into(), row.meaning.into()].into_iter().chain(values).collect()
    };
    let first = sections.first().map_or(&[][..], |rows| rows.as_slice());
    table(&columns, first.iter().enumerate().map(row).collect::<Vec<_>>())
}

/// AP at each IoU asked for.
pub(super) fn ap_at_iou(scores: &Scores) -> String {
    let row = |at: &crate::ApAtIou| vec![format!("{:.2}", at.iou), number(at.ap)];
    table(&["IoU", "AP"], scores.ap_at_iou.iter().map(row))
}

/// The numbers of each class, with its best score threshold.
pub(super) fn classes(scores: &Scores) -> String {
    let columns =
        ["class", "objects", "detections", "AP", "AP50", "AP75", "AR", "best F1", "at score"];
    let row = |(numbers, f1): (&ClassNumbers, &ClassF1)| {
        let best = f1.curve.as_ref().and_then(|curve| curve.best);
        vec![
            numbers.class.name.clone(),
            numbers.num_objects.to_string(),
            numbers.num_detections.to_string(),
            number(numbers.ap),
            number(numbers.ap50),
            number(numbers.ap75),
            number(numbers.ar),
            number(best.map(|best| best.f1)),
            number(best.map(|best| best.threshold)),
        ]
    };
    table(&columns, scores.classes.iter().zip(&scores.f1.classes).map(row))
}

/// Pascal VOC's numbers of each class.
pub(super) fn voc(evaluation: &Evaluation) -> String {
    let voc = &evaluation.voc;
    let classes = voc.classes.iter().map(|class| {
        vec![
            class.class.name.clone(),
            class.num_objects.to_string(),
            number(class.ap_11_points),
            number(class.ap_area),
        ]
    });
    let objects: usize = voc.classes.iter().map(|class| class.num_objects).sum();
    let mean = vec![
        "mean".into(),
        objects.to_string(),
        number(voc.mean_ap_11_points),
        number(voc.mean_ap_area),
    ];
    let columns = ["class", "objects", "AP, 11 points (2007)", "AP, area (2010)"];
    table(&columns, classes.chain([mean]))
}
