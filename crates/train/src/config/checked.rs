//! A config as it was read, checked for what the types cannot say, with the place of what is wrong.

use super::{ConfigError, Resolved, TrainConfig};
use kestrel_rcnn::RcnnError;

impl Resolved<TrainConfig> {
    /// Checks what the types cannot.
    ///
    /// # Errors
    /// The first key whose value makes no run, what would, and who said it.
    pub fn validate(&self) -> Result<(), ConfigError> {
        let TrainConfig { model, loader, .. } = &self.value;
        self.value.validate().map_err(|error| self.refusal(error.field, error.to_string()))?;
        loader.validate().map_err(|error| self.refusal("loader", error.to_string()))?;
        model.architecture.validate().map_err(|error| {
            let key = match &error {
                RcnnError::Architecture { field, .. } => format!("model.architecture.{field}"),
                _ => "model.architecture".to_owned(),
            };
            self.refusal(&key, error.to_string())
        })
    }

    fn refusal(&self, key: &str, reason: String) -> ConfigError {
        ConfigError::Setting { place: self.place(key), reason }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::config::{Resolved, Source, TrainConfig, resolve};

    #[test]
    fn what_makes_no_run_is_named_with_its_place() {
        let refusal = |text: &str, sets: &[&str]| {
            let sets: Vec<String> = sets.iter().map(|set| (*set).to_owned()).collect();
            let source = Source::Text { name: "a.yaml", text };
            let resolved: Resolved<TrainConfig> = resolve(source, &sets, &[]).unwrap();
            resolved.validate().unwrap_err().to_string()
        };
        let said = refusal("train:\n  lr: 0\n", &[]);
        assert!(said.starts_with("a.yaml:2: train.lr is 0.0; expected above 0"), "{said}");
        let said = refusal("seed: 1\n", &["train.accumulate=0"]);
        assert!(said.starts_with("--set train.accumulate=0: train.accumulate is 0"), "{said}");
        let anchors = "model:\n  architecture:\n    anchors:\n      sizes: [8.0]\n";
        let said = refusal(anchors, &[]);
        assert!(said.starts_with("a.yaml:4: architecture: anchors.sizes is"), "{said}");
        let said = refusal("loader:\n  augment: [blur: {probability: 2}]\n", &[]);
        assert!(said.starts_with("a.yaml:1: augmentation blur: probability: found 2"), "{said}");
        let said = refusal("loader:\n  threads: 5000\n", &[]);
        assert!(said.starts_with("a.yaml:1: ") && said.contains("threads"), "{said}");
    }
}
