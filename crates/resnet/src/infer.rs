//! The ResNet behind a state dict, read off its names and shapes.

use crate::{BlockKind, ResNetConfig};
use kestrel_layers::NormConfig;
use kestrel_weights::StateDict;

/// Weights that are not those of a ResNet, or do not tell which.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotAResNet {
    /// A weight every ResNet has.
    #[error("`{name}` is missing")]
    Missing {
        /// Its name.
        name: String,
    },
    /// A filter of another shape than a filter's.
    #[error("`{name}` has shape {found:?}, expected four dimensions, none of them 0")]
    Shape {
        /// Its name.
        name: String,
        /// Its shape.
        found: Vec<i64>,
    },
    /// A norm that keeps no statistics.
    #[error("`{name}` is missing, so its norm is a group norm, whose groups leave no trace")]
    GroupNorm {
        /// The statistic that batch norm has.
        name: String,
    },
}

/// The ResNet whose weights lie under `prefix`, with batch norm: `backbone.body.` in a detector,
/// nothing in a classifier. Whether the guess is right is decided by a strict load.
///
/// # Errors
/// When the names are not those of a ResNet, or the norm cannot be told.
pub fn infer_resnet(weights: &StateDict, prefix: &str) -> Result<ResNetConfig, NotAResNet> {
    let filter = |name: &str| filter(weights, format!("{prefix}{name}"));
    let has = |name: &str| weights.get(&format!("{prefix}{name}")).is_some();
    let [base_channels, ..] = filter("conv1.weight")?;
    let [inner, inner_of_group, ..] = filter("layer1.0.conv2.weight")?;
    if !has("bn1.running_mean") {
        return Err(NotAResNet::GroupNorm { name: format!("{prefix}bn1.running_mean") });
    }
    let is_bottleneck = has("layer1.0.conv3.weight");
    let (groups, width_per_group) = if is_bottleneck {
        let groups = (inner / inner_of_group).max(1);
        (groups, inner * 64 / (base_channels * groups))
    } else {
        (1, 64)
    };
    let num_blocks = |stage: usize| {
        let is_there = |block: &usize| has(&format!("layer{stage}.{block}.conv1.weight"));
        (0..).take_while(is_there).count()
    };
    Ok(ResNetConfig {
        block: if is_bottleneck { BlockKind::Bottleneck } else { BlockKind::Basic },
        blocks: [1, 2, 3, 4].map(num_blocks),
        base_channels,
        groups,
        width_per_group,
        norm: NormConfig::Batch,
        zero_init_residual: false,
    })
}

fn filter(weights: &StateDict, name: String) -> Result<[i64; 4], NotAResNet> {
    let Some(found) = weights.get(&name).map(tch::Tensor::size) else {
        return Err(NotAResNet::Missing { name });
    };
    match <[i64; 4]>::try_from(found.as_slice()) {
        Ok(shape) if shape.iter().all(|&length| length > 0) => Ok(shape),
        _ => Err(NotAResNet::Shape { name, found }),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::{Classifier, Variant};
    use std::collections::BTreeMap;
    use tch::{Device, Kind, Tensor, nn};

    fn weights(config: &ResNetConfig, prefix: &str) -> StateDict {
        let store = nn::VarStore::new(Device::Cpu);
        Classifier::new(&store.root(), config, 3);
        let named = store.variables().into_iter();
        let named = named.map(|(name, tensor)| (format!("{prefix}{name}"), tensor));
        StateDict::from_tensors(named, BTreeMap::new()).unwrap()
    }

    #[test]
    fn every_kind_of_body_is_told() {
        let narrow = |variant: Variant| ResNetConfig {
            base_channels: 16,
            blocks: [1, 2, 1, 1],
            ..variant.config()
        };
        for (variant, prefix) in [
            (Variant::ResNet18, ""),
            (Variant::ResNet50, "backbone.body."),
            (Variant::WideResNet50, ""),
            (Variant::ResNeXt50Groups32x4, ""),
        ] {
            let config = narrow(variant);
            assert_eq!(infer_resnet(&weights(&config, prefix), prefix).unwrap(), config);
        }
    }

    #[test]
    fn what_is_none_is_named() {
        let group = Variant::ResNet18.config().with_norm(NormConfig::Group { groups: 8 });
        let error = infer_resnet(&weights(&group, ""), "").unwrap_err();
        assert!(matches!(error, NotAResNet::GroupNorm { .. }), "{error}");
        let error = infer_resnet(&weights(&group, "a."), "").unwrap_err();
        assert_eq!(error.to_string(), "`conv1.weight` is missing");
        let flat = Tensor::zeros([4, 0], (Kind::Float, Device::Cpu));
        let flat = StateDict::from_tensors([("conv1.weight".into(), flat)], BTreeMap::new());
        let error = infer_resnet(&flat.unwrap(), "").unwrap_err();
        assert!(error.to_string().contains("[4, 0]"), "{error}");
    }
}
