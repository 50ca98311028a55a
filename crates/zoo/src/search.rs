//! From what a user typed to a model.

use crate::{MODELS, Model};
use std::fmt;

/// A name no model has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct UnknownModel {
    /// What was asked for.
    pub name: String,
    /// The model that was probably meant.
    pub nearest: Option<&'static str>,
}

impl fmt::Display for UnknownModel {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "model `{}`: not a published one; ", self.name)?;
        match self.nearest {
            Some(nearest) => write!(out, "did you mean `{nearest}`?"),
            None => write!(out, "`kestrel model list` shows their names"),
        }
    }
}

/// The model of a name. Case and the choice between `-`, `_` and nothing do not matter, and `-v1`
/// may be said.
///
/// # Errors
/// When there is none; the error carries the nearest name.
///
/// ```
/// assert_eq!(kestrel_zoo::find("ResNet50_V2")?.name, "resnet50-v2");
/// assert_eq!(kestrel_zoo::find("resnet5").unwrap_err().nearest, Some("resnet50"));
/// # Ok::<(), kestrel_zoo::UnknownModel>(())
/// ```
pub fn find(name: &str) -> Result<&'static Model, UnknownModel> {
    let wanted = key(name);
    MODELS
        .iter()
        .find(|model| key(model.name) == wanted)
        .ok_or_else(|| UnknownModel { name: name.to_owned(), nearest: nearest(&wanted) })
}

/// What is left of a name when everything that does not matter is gone.
fn key(name: &str) -> String {
    let kept = |c: &char| !matches!(c, '-' | '_' | ' ');
    let key: String = name.to_lowercase().chars().filter(kept).collect();
    key.strip_suffix("v1").map_or(key.clone(), str::to_owned)
}

fn nearest(wanted: &str) -> Option<&'static str> {
    // A third of the letters wrong: further off, a guess is noise.
    let most = wanted.chars().count() / 3;
    let begun = MODELS.iter().find(|model| most > 0 && key(model.name).starts_with(wanted));
    let misspelt = || {
        let distances = MODELS.iter().map(|model| (edit_distance(wanted, &key(model.name)), model));
        distances.filter(|(distance, _)| *distance <= most).min_by_key(|(distance, _)| *distance)
    };
    begun.or_else(|| misspelt().map(|(_, model)| model)).map(|model| model.name)
}

/// How many letters have to be put in, taken out or replaced to turn `a` into `b` (Levenshtein).
fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    // Row i holds the distances of a's first i letters to every beginning of b.
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_model_is_found_under_its_own_name() {
        for model in &MODELS {
            assert_eq!(find(model.name).unwrap(), model);
            assert_eq!(find(&model.name.to_uppercase().replace('_', "-")).unwrap(), model);
        }
    }

    #[test]
    fn v1_is_the_name_without_v2() {
        assert_eq!(find("resnet50-v1").unwrap().name, "resnet50");
        assert_eq!(find("v1").unwrap_err().nearest, None);
    }

    #[test]
    fn a_misspelling_gets_the_nearest_name() {
        let nearest = |name| find(name).unwrap_err().nearest;
        assert_eq!(nearest("resnt50"), Some("resnet50"));
        assert_eq!(nearest("maskrcnn_resnet50_fnp_v2"), Some("maskrcnn_resnet50_fpn_v2"));
        assert_eq!(nearest("Mask-RCNN"), Some("maskrcnn_resnet50_fpn"));
        assert_eq!(nearest("wideresnet101"), Some("wide_resnet101_2"));
        for nothing_like_it in ["", "r", "yolov8", "größer", "vit_b_16"] {
            assert_eq!(nearest(nothing_like_it), None, "{nothing_like_it}");
        }
    }

    #[test]
    fn messages_say_what_to_do() {
        assert_eq!(
            find("resnet5").unwrap_err().to_string(),
            "model `resnet5`: not a published one; did you mean `resnet50`?"
        );
        assert_eq!(
            find("yolo").unwrap_err().to_string(),
            "model `yolo`: not a published one; `kestrel model list` shows their names"
        );
    }

    #[test]
    fn distances_by_hand() {
        assert_eq!(edit_distance("", "abc"), 3);
        assert_eq!(edit_distance("abc", ""), 3);
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(edit_distance("flaw", "lawn"), 2);
        assert_eq!(edit_distance("same", "same"), 0);
    }
}
