"""Makes a randomly initialised torchvision detector behave like a trained one.

Batch norm takes the statistics of the pictures at hand, so activations neither grow nor vanish. The predictors are then
centred and scaled, channel by channel, so that objectness and class scores spread over the pictures, deltas are
moderate, and the score of the background leaves a few dozen detections.
"""

import torch
from torch import nn

from stages import Stages

OBJECTNESS = (-1.0, 1.5)  # mean, standard deviation
RPN_DELTAS = (0.0, 0.25)
CLASS_LOGITS = (0.0, 1.6)
BOX_DELTAS = (0.0, 0.7)  # before division by the weights 10, 10, 5, 5
MASK_LOGITS = (0.0, 2.0)
DETECTIONS_WANTED = 55  # an image, on average
BACKGROUND_STEPS = 12


def measure_batch_norm(model: nn.Module, forward) -> None:
    """Sets every running statistic to what one forward pass of the evaluated model meets."""
    model.eval()
    norms = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    for norm in norms:
        # With momentum 1 the running statistics are the last batch's.
        norm.train()
        norm.momentum = 1.0
    with torch.no_grad():
        forward()
    for norm in norms:
        norm.momentum = 0.1
    model.eval()


def calibrate_detector(model: nn.Module, images: list[torch.Tensor]) -> None:
    heads = model.roi_heads
    measure_batch_norm(model, lambda: model(images))
    stages = Stages(model)

    def outputs(name: str):
        with torch.no_grad():
            model(images)
        return stages[name]

    logits, deltas = outputs("rpn_head")
    rescale(model.rpn.head.cls_logits, channels_last(logits), OBJECTNESS)
    rescale(model.rpn.head.bbox_pred, channels_last(deltas), RPN_DELTAS)
    # The head's batch norm, where there is any, has met other proposals; once more with these.
    measure_batch_norm(heads.box_head, lambda: model(images))
    class_logits, box_deltas = outputs("box_predictor")
    rescale(heads.box_predictor.cls_score, class_logits, CLASS_LOGITS)
    rescale(heads.box_predictor.bbox_pred, box_deltas, BOX_DELTAS)
    outputs("postprocess_detections")
    set_background(heads, stages["postprocess_detections.in"], DETECTIONS_WANTED * len(images))
    if heads.has_mask():
        measure_batch_norm(heads.mask_head, lambda: model(images))
        rescale(heads.mask_predictor.mask_fcn_logits, channels_last([outputs("mask_logits")]), MASK_LOGITS)


def channels_last(maps: list[torch.Tensor]) -> torch.Tensor:
    """Maps [N, C, H, W] of several levels as rows [positions, C]."""
    return torch.cat([value.permute(0, 2, 3, 1).reshape(-1, value.shape[1]) for value in maps])


def rescale(layer: nn.Module, outputs: torch.Tensor, wanted: tuple[float, float]) -> None:
    """Gives each output channel the mean and standard deviation wanted, by the layer's own weight and bias."""
    mean, deviation = wanted
    factor = deviation / outputs.std(dim=0).clamp(min=1e-6)
    with torch.no_grad():
        layer.weight.mul_(factor.reshape(-1, *[1] * (layer.weight.dim() - 1)))
        layer.bias.copy_((layer.bias - outputs.mean(dim=0)) * factor + mean)


def set_background(heads: nn.Module, inputs, wanted: int) -> None:
    """Halves its way to the background bias that leaves about `wanted` detections in all."""
    class_logits, deltas, proposals, sizes = inputs
    low, high = -5.0, 15.0
    for _ in range(BACKGROUND_STEPS):
        shifted = class_logits.clone()
        shifted[:, 0] += (low + high) / 2
        boxes, _, _ = heads.postprocess_detections(shifted, deltas, proposals, sizes)
        if sum(map(len, boxes)) > wanted:
            low = (low + high) / 2
        else:
            high = (low + high) / 2
    with torch.no_grad():
        heads.box_predictor.cls_score.bias[0] += high
