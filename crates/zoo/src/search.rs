//! From what a user typed to a model.

use crate::{MODELS, Model};
use kestrel_core::closest;
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
    let keys: Vec<String> = MODELS.iter().map(|model| key(model.name)).collect();
    // A beginning of two letters fits too many names to be a hint.
    let begun = keys.iter().find(|key| wanted.chars().count() > 2 && key.starts_with(wanted));
    let meant =
        begun.map(String::as_str).or_else(|| closest(wanted, keys.iter().map(String::as_str)));
    let place = keys.iter().position(|key| Some(key.as_str()) == meant)?;
    Some(MODELS[place].name)
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
}
