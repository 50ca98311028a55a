//! The parts of a backbone, by the names of their variables.

/// What the backbone's names start with in a detector; a classifier is nothing but the backbone.
pub(crate) const BACKBONE: &str = "backbone.body.";

/// What names start with, from the input on.
const STAGES: [&[&str]; 5] =
    [&["conv1.", "bn1."], &["layer1."], &["layer2."], &["layer3."], &["layer4."]];

/// The stem and four layers.
pub(crate) const NUM_STAGES: usize = STAGES.len();

/// The part a variable of a detector or a classifier belongs to, from the input on: 0 is the stem. `None`
/// for what is no part of the backbone.
pub(crate) fn stage_of(name: &str) -> Option<usize> {
    let inner = name.strip_prefix(BACKBONE).unwrap_or(name);
    STAGES.iter().position(|starts| starts.iter().any(|start| inner.starts_with(start)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_detectors_and_classifiers() {
        assert_eq!(stage_of("backbone.body.bn1.weight"), Some(0));
        assert_eq!(stage_of("layer4.0.conv1.weight"), Some(4));
        assert_eq!(stage_of("backbone.fpn.layer_blocks.0.0.weight"), None);
        assert_eq!(stage_of("rpn.head.conv.0.0.weight"), None);
    }
}
