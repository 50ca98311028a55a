//! Tables of numbers.

use super::text::{escape, number};
use crate::evaluation::{Evaluation, Scores};
use crate::f1::ClassF1;
use crate::numbers::{ClassNumbers, CocoRow};
use crate::voc::{Voc, VocClass};

/// A row: what it is, a word more on it, and its numbers.
pub(super) struct Row {
    pub(super) name: String,
    pub(super) note: &'static str,
    pub(super) numbers: Vec<String>,
}

/// A table from its column names, the first that of the rows' names. All text is escaped here.
pub(super) fn table(columns: &[&str], rows: impl IntoIterator<Item = Row>) -> String {
    let head: String =
        columns.iter().map(|name| format!("<th scope=\"col\">{}</th>", escape(name))).collect();
    let body: String = rows.into_iter().map(|row| row.html()).collect();
    format!(
        "<div class=\"wide\"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )
}

impl Row {
    fn html(&self) -> String {
        let number = |number: &String| format!("<td class=\"n\">{}</td>", escape(number));
        let numbers: String = self.numbers.iter().map(number).collect();
        format!("<tr>{}{numbers}</tr>", row_name(&self.name, self.note))
    }
}

/// The first cell of a row.
pub(super) fn row_name(name: &str, note: &str) -> String {
    let note = match note {
        "" => String::new(),
        note => format!("<small>{}</small>", escape(note)),
    };
    format!("<th scope=\"row\">{}{note}</th>", escape(name))
}

/// COCO's twelve, boxes and masks side by side.
pub(super) fn coco(evaluation: &Evaluation) -> String {
    let mut columns = vec![""];
    columns.extend(evaluation.sections().map(|(name, _)| name));
    let sections: Vec<[CocoRow; 12]> =
        evaluation.sections().map(|(_, scores)| scores.rows()).collect();
    let row = |(index, row): (usize, CocoRow)| Row {
        name: row.name.into(),
        note: row.meaning,
        numbers: sections.iter().map(|section| number(section[index].value)).collect(),
    };
    table(&columns, evaluation.boxes.rows().into_iter().enumerate().map(row))
}

/// The numbers of each class, with its best score threshold.
pub(super) fn classes(scores: &Scores) -> String {
    let columns =
        ["class", "objects", "detections", "AP", "AP50", "AP75", "AR", "best F1", "at score"];
    let row = |(numbers, f1): (&ClassNumbers, &ClassF1)| {
        let best = f1.curve.as_ref().and_then(|curve| curve.best);
        let cells = vec![
            numbers.num_objects.to_string(),
            numbers.num_detections.to_string(),
            number(numbers.ap),
            number(numbers.ap50),
            number(numbers.ap75),
            number(numbers.ar),
            number(best.map(|best| best.f1)),
            number(best.map(|best| best.threshold)),
        ];
        Row { name: numbers.class.name.clone(), note: "", numbers: cells }
    };
    table(&columns, scores.classes.iter().zip(&scores.f1.classes).map(row))
}

/// Pascal VOC's numbers of each class.
pub(super) fn voc(voc: &Voc) -> String {
    let row = |name: &str, objects: usize, ap_11_points, ap_area| Row {
        name: name.into(),
        note: "",
        numbers: vec![objects.to_string(), number(ap_11_points), number(ap_area)],
    };
    let class_row = |class: &VocClass| {
        row(&class.class.name, class.num_objects, class.ap_11_points, class.ap_area)
    };
    let objects = voc.classes.iter().map(|class| class.num_objects).sum();
    let mean = row("mean", objects, voc.mean_ap_11_points, voc.mean_ap_area);
    let columns = ["class", "objects", "AP, 11 points (2007)", "AP, area (2010)"];
    table(&columns, voc.classes.iter().map(class_row).chain([mean]))
}
