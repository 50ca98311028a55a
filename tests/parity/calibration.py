"""Makes a randomly initialised torchvision detector behave like a trained one.

Batch norm takes the statistics of the pictures at hand, so activations neither grow nor vanish. The predictors are then
centred and scaled, channel by channel, so that objectness and class scores spread over the pictures, deltas are
moderate, and the score of the background leaves a few dozen detections.
"""

import torch
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck

from stages import Stages

OBJECTNESS = (-3.0, 1.2)  # mean, standard deviation
RPN_DELTAS = (0.0, 0.25)
CLASS_LOGITS = (0.0, 1.6)
BOX_DELTAS = (0.0, 0.7)  # before division by the weights 10, 10, 5, 5
MASK_LOGITS = (0.0, 2.0)
DETECTIONS_WANTED = 55  # an image, on average
BACKGROUND_STEPS = 12
BIASES_TRIED = 64
# Trained residual branches add little to what they are added to; at 1 rounding grows tenfold in every stage.
RESIDUAL_WEIGHT = 0.25


def quiet_residuals(model: nn.Module) -> None:
    for block in model.modules():
        if isinstance(block, BasicBlock | Bottleneck):
            last = block.bn3 if isinstance(block, Bottleneck) else block.bn2
            nn.init.constant_(last.weight, RESIDUAL_WEIGHT)


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
    """Three forward passes: each stage is calibrated on what the stages before it, already calibrated, give."""
    heads = model.roi_heads
    stages = Stages(model)
    quiet_residuals(model)
    measure_batch_norm(model, lambda: model(images))
    logits, deltas = stages["rpn_head"]
    rescale(model.rpn.head.cls_logits, channels_last(logits), OBJECTNESS)
    rescale(model.rpn.head.bbox_pred, channels_last(deltas), RPN_DELTAS)
    measure_batch_norm(heads.box_head, lambda: model(images))
    class_logits, box_deltas = stages["box_predictor"]
    class_logits = rescale(heads.box_predictor.cls_score, class_logits, CLASS_LOGITS)
    box_deltas = rescale(heads.box_predictor.bbox_pred, box_deltas, BOX_DELTAS)
    _, _, proposals, sizes = stages["postprocess_detections.in"]
    set_background(heads, class_logits, box_deltas, proposals, sizes)
    if heads.has_mask():
        measure_batch_norm(heads.mask_head, lambda: model(images))
        rescale(heads.mask_predictor.mask_fcn_logits, channels_last([stages["mask_logits"]]), MASK_LOGITS)


def channels_last(maps: list[torch.Tensor]) -> torch.Tensor:
    """Maps [N, C, H, W] of several levels as rows [positions, C]."""
    return torch.cat([value.permute(0, 2, 3, 1).reshape(-1, value.shape[1]) for value in maps])


def rescale(layer: nn.Module, outputs: torch.Tensor, wanted: tuple[float, float]) -> torch.Tensor:
    """Gives each output channel the mean and standard deviation wanted, by the layer's own weight and bias.

    Returns the outputs [.., C] as they are then.
    """
    mean, deviation = wanted
    factor = deviation / outputs.std(dim=0).clamp(min=1e-6)
    center = outputs.mean(dim=0)
    with torch.no_grad():
        layer.weight.mul_(factor.reshape(-1, *[1] * (layer.weight.dim() - 1)))
        layer.bias.copy_((layer.bias - center) * factor + mean)
    return (outputs - center) * factor + mean


def set_background(heads: nn.Module, class_logits, deltas, proposals, sizes) -> None:
    """Halves its way to the background bias that leaves about the detections wanted.

    Of the biases around it the one is taken that keeps every score furthest from the threshold.
    """

    def shifted(bias: float) -> torch.Tensor:
        return torch.cat([class_logits[:, :1] + bias, class_logits[:, 1:]], dim=1)

    def distance_to_threshold(bias: float) -> float:
        return float((shifted(bias).softmax(dim=1)[:, 1:] - heads.score_thresh).abs().min())

    low, high = -5.0, 15.0
    for _ in range(BACKGROUND_STEPS):
        boxes, _, _ = heads.postprocess_detections(shifted((low + high) / 2), deltas, proposals, sizes)
        if sum(map(len, boxes)) > DETECTIONS_WANTED * len(sizes):
            low = (low + high) / 2
        else:
            high = (low + high) / 2
    with torch.no_grad():
        nearby = [high + 0.002 * step for step in range(BIASES_TRIED)]
        heads.box_predictor.cls_score.bias[0] += max(nearby, key=distance_to_threshold)
