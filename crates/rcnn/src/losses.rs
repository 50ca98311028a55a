//! The losses of a training step. Their total is the plain sum, as in torchvision.

use tch::{Kind, Reduction, Tensor};

/// From where on the smooth L1 loss is linear.
const SMOOTH_L1_BETA: f64 = 1.0 / 9.0;

/// Losses of the region proposal network, scalars.
#[derive(Debug)]
pub struct RpnLosses {
    /// Object or background (`loss_objectness`).
    pub objectness: Tensor,
    /// Where (`loss_rpn_box_reg`).
    pub box_reg: Tensor,
}

/// Losses of the box branch, scalars.
#[derive(Debug)]
pub struct BoxLosses {
    /// Which class (`loss_classifier`).
    pub classifier: Tensor,
    /// Where (`loss_box_reg`).
    pub box_reg: Tensor,
}

/// All losses of one step.
#[derive(Debug)]
pub struct Losses {
    /// Of the region proposal network.
    pub rpn: RpnLosses,
    /// Of the box branch.
    pub boxes: BoxLosses,
    /// Of the mask branch (`loss_mask`), where there is one.
    pub mask: Option<Tensor>,
}

impl Losses {
    /// Every loss under torchvision's name, in a fixed order.
    pub fn named(&self) -> Vec<(&'static str, &Tensor)> {
        let mut named = vec![
            ("loss_classifier", &self.boxes.classifier),
            ("loss_box_reg", &self.boxes.box_reg),
            ("loss_objectness", &self.rpn.objectness),
            ("loss_rpn_box_reg", &self.rpn.box_reg),
        ];
        named.extend(self.mask.iter().map(|mask| ("loss_mask", mask)));
        named
    }

    /// The sum of the proposal network's.
    pub(crate) fn of_proposals(&self) -> Tensor {
        &self.rpn.objectness + &self.rpn.box_reg
    }

    /// The sum of those that come from crops.
    pub(crate) fn of_branches(&self) -> Tensor {
        let boxes = &self.boxes.classifier + &self.boxes.box_reg;
        self.mask.as_ref().map_or_else(|| boxes.shallow_clone(), |mask| &boxes + mask)
    }

    /// The sum, to be differentiated.
    pub fn total(&self) -> Tensor {
        let losses: Vec<&Tensor> = self.named().into_iter().map(|(_, loss)| loss).collect();
        Tensor::stack(&losses, 0).sum(Kind::Float)
    }
}

/// Smooth L1 over all numbers of both, added up.
pub(crate) fn smooth_l1_sum(predicted: &Tensor, wanted: &Tensor) -> Tensor {
    predicted.smooth_l1_loss(wanted, Reduction::Sum, SMOOTH_L1_BETA)
}
