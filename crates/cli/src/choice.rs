//! `--score`, `--max-detections`, `--classes`: which detections the user wants.

use anyhow::{Result, bail};
use kestrel_core::{Categories, Detections, Label, closest};
use kestrel_rcnn::Architecture;
use std::num::NonZeroUsize;

/// Which detections the user wants.
pub(crate) struct Choice {
    score: Option<f32>,
    max_detections: usize,
    /// Empty for all.
    labels: Vec<Label>,
}

impl Choice {
    /// What is not asked for is as the model has it.
    pub(crate) fn new(
        score: Option<f32>,
        max_detections: Option<NonZeroUsize>,
        labels: Vec<Label>,
        architecture: &Architecture,
    ) -> Self {
        let wanted = max_detections.map(NonZeroUsize::get);
        let max_detections = wanted.unwrap_or(architecture.box_branch.max_detections);
        Self { score, max_detections, labels }
    }

    /// The labels of classes given by name.
    pub(crate) fn labels(classes: &[String], categories: &Categories) -> Result<Vec<Label>> {
        let label = |name: &String| match categories.label(name) {
            Some(label) => Ok(label),
            None => {
                let names = categories.names().iter().skip(1).map(String::as_str);
                let meant = closest(name, names);
                let hint = meant.map(|meant| format!("; did you mean `{meant}`?"));
                bail!(
                    "--classes: the model has no class `{name}` among its {}{}",
                    categories.len().saturating_sub(1),
                    hint.unwrap_or_default()
                )
            }
        };
        classes.iter().map(label).collect()
    }

    /// The detector is asked for no less than the user wants, so that a choice of classes still
    /// fills up.
    pub(crate) fn applied_to(&self, mut architecture: Architecture) -> Architecture {
        let branch = &mut architecture.box_branch;
        branch.score_thresh = self.score.unwrap_or(branch.score_thresh);
        branch.max_detections = branch.max_detections.max(self.max_detections);
        architecture
    }

    /// Those of the classes that are wanted, and no more than that.
    pub(crate) fn keep(&self, mut detections: Detections) -> Detections {
        if !self.labels.is_empty() {
            detections.objects.retain(|object| self.labels.contains(&object.label));
        }
        detections.objects.truncate(self.max_detections);
        detections
    }
}
