//! What fits a model and what does not.

use crate::advice;
use std::collections::BTreeMap;
use std::fmt;
use tch::Tensor;

/// Names shown of each list; a wrong file has hundreds.
const SHOWN_NAMES: usize = 8;

/// A tensor whose shape is not the model's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MisShaped {
    /// Its name.
    pub name: String,
    /// Its shape in the file.
    pub found: Vec<i64>,
    /// Its shape in the model.
    pub expected: Vec<i64>,
}

/// The comparison of a file with a model, by name and shape; each list is sorted by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Of the same name and shape in both. These are loaded, unless loading was strict and
    /// failed.
    pub loaded: Vec<String>,
    /// In the model only.
    pub missing: Vec<String>,
    /// In the file only.
    pub unused: Vec<String>,
    /// In both, of different shapes.
    pub mis_shaped: Vec<MisShaped>,
    /// Why they differ and what to do about it, a sentence each; empty where nothing is known.
    pub advice: Vec<String>,
}

impl LoadReport {
    pub(crate) fn compare(
        model: &BTreeMap<String, Tensor>,
        weights: &BTreeMap<String, Tensor>,
    ) -> Self {
        let mut report = Self::default();
        for (name, variable) in model {
            let expected = variable.size();
            match weights.get(name).map(Tensor::size) {
                None => report.missing.push(name.clone()),
                Some(found) if found == expected => report.loaded.push(name.clone()),
                Some(found) => {
                    report.mis_shaped.push(MisShaped { name: name.clone(), found, expected });
                }
            }
        }
        let unknown = weights.keys().filter(|name| !model.contains_key(*name));
        report.unused = unknown.cloned().collect();
        report.advice = advice::of(&report, model, weights);
        report
    }

    /// Whether file and model are exactly alike.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.unused.is_empty() && self.mis_shaped.is_empty()
    }
}

impl fmt::Display for LoadReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let of_model = self.loaded.len() + self.missing.len() + self.mis_shaped.len();
        write!(f, "{} of the model's {of_model} tensors fit", self.loaded.len())?;
        write_list(f, "missing in the file", &self.missing)?;
        write_list(f, "unknown to the model", &self.unused)?;
        write_list(f, "of another shape", &self.mis_shaped)?;
        self.advice.iter().try_for_each(|sentence| write!(f, "\n  {sentence}"))
    }
}

impl fmt::Display for MisShaped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, found, expected } = self;
        write!(f, "{name} {found:?}, expected {expected:?}")
    }
}

fn write_list<T: fmt::Display>(
    f: &mut fmt::Formatter<'_>,
    heading: &str,
    items: &[T],
) -> fmt::Result {
    if items.is_empty() {
        return Ok(());
    }
    write!(f, "\n  {heading} ({}):", items.len())?;
    for (place, item) in items.iter().take(SHOWN_NAMES).enumerate() {
        write!(f, "{} {item}", if place == 0 { "" } else { "," })?;
    }
    match items.len().saturating_sub(SHOWN_NAMES) {
        0 => Ok(()),
        more => write!(f, ", and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Device, Kind};

    fn tensors(shapes: &[(&str, &[i64])]) -> BTreeMap<String, Tensor> {
        let zeros = |shape: &[i64]| Tensor::zeros(shape, (Kind::Float, Device::Cpu));
        shapes.iter().map(|&(name, shape)| (name.to_owned(), zeros(shape))).collect()
    }

    #[test]
    fn every_name_lands_in_one_list() {
        let model = tensors(&[("both", &[2]), ("model", &[1]), ("shape", &[1, 3])]);
        let weights = tensors(&[("both", &[2]), ("file", &[1]), ("shape", &[3])]);
        let report = LoadReport::compare(&model, &weights);
        assert_eq!(report.loaded, ["both"]);
        assert_eq!(report.missing, ["model"]);
        assert_eq!(report.unused, ["file"]);
        assert_eq!(
            (&report.mis_shaped[0].found[..], &report.mis_shaped[0].expected[..]),
            (&[3][..], &[1, 3][..])
        );
        assert!(!report.is_complete());
        let text = "1 of the model's 3 tensors fit\n  missing in the file (1): model\n  \
                    unknown to the model (1): file\n  of another shape (1): shape [3], expected \
                    [1, 3]";
        assert_eq!(report.to_string(), text);
    }

    #[test]
    fn long_lists_are_cut() {
        let missing = (0..11).map(|place| format!("n{place:02}")).collect();
        let report = LoadReport { missing, ..LoadReport::default() };
        assert!(report.to_string().ends_with("n06, n07, and 3 more"), "{report}");
    }

    #[test]
    fn nothing_and_nothing_are_alike() {
        let report = LoadReport::compare(&tensors(&[]), &tensors(&[]));
        assert!(report.is_complete());
        assert_eq!(report.to_string(), "0 of the model's 0 tensors fit");
    }
}
