"""`losses_v1.safetensors`, `losses_v2.safetensors`: one training step of the narrow Mask R-CNN of narrow.py.

Formula weights, training mode, float32, trainable body. Chance is fixed: `torch.randperm(n)` is 0 .. n - 1, so each
sampler takes the first k candidates in index order. No optimiser step is taken.

The batch has three pictures of different sizes; the second has no objects: boxes [0, 4], labels [0], masks [0, H, W].

Keys (i = 0, 1, 2 is the image; all tensors in full):

    input.image{i}                     uint8 [H, W, 3]; divide by 255 in float32
    input.image{i}.boxes               float32 [K, 4] in original pixels
    input.image{i}.labels, .masks      int64 [K], uint8 [K, H, W]
    transform.sizes                    int64 [3, 2] height, width after the resize, without padding
    rpn.image{i}.foreground            int64 anchor indices, ascending; likewise .ignored; the others are background
    rpn.image{i}.matched_boxes         float32 [foreground, 4] in resized pixels
    rpn.image{i}.sampled_foreground    int64 anchor indices, ascending; likewise .sampled_background
    proposals.image{i}                 float32 [P, 4] as the RPN gives them, without the appended boxes
    roi.image{i}.matched               int64 [P + K] index of the object; 0 where nothing matched
    roi.image{i}.labels                int64 [P + K]: class, 0 background
    roi.image{i}.sampled               int64 indices into the P + K, ascending
    roi.image{i}.regression_targets    float32 [sampled, 4]
    loss_classifier, loss_box_reg, loss_mask, loss_objectness, loss_rpn_box_reg    float32 []
    gradient.{parameter}               gradient of the sum of the five losses, one for every parameter
  v2 also
    running.{buffer}                   every running_mean and running_var after this forward pass (momentum 0.1)
  and, from the same weights, a batch of the same three pictures where no image has objects
    empty.loss_classifier, ..          float32 []
    empty.gradient_norm.{parameter}    float64 []: the L2 norm; 0 where no gradient flows

Metadata, JSON: `settings`, `seeds`, `margins` (of the proposals, see margins.py; `match` is the least distance of a
deciding IoU to a matcher's threshold), `sampling` (candidates and samples of each image), and `float64_deviation`: for
each loss and gradient the largest difference to the same step in float64, over the largest absolute value. A ReLU whose
input is within rounding of zero may go either way, and one of them can move a gradient by 1e-3 of its largest value.
"""

import math
from pathlib import Path

import torch
from torchvision.ops import box_iou

import formula
from fixture_file import Fixture, two_digits
from margins import level_margin, rpn_margins
from narrow import SETTINGS, narrow_mask_rcnn
from pictures import Picture, draw
from stages import Stages, first_in_index_order

PICTURE_SIZES = [(96, 128), (120, 90), (110, 108)]
# The whole last picture is one object more: without it no object is large enough for the anchors of P5.
GROUND_LABELS = [None, None, 3]
SHAPES_IN_PICTURE = 8
LARGEST_SHAPE = 0.6
WITHOUT_OBJECTS = 1
# Found by trying: every decision clears LEAST_MARGIN, samplers cut, no gradient is zero, RoIs fall on the pyramid
# levels 2, 3 and 4, and the float64 step turns no ReLU that matters the other way.
SEEDS = {"v1": 4, "v2": 55}
LEAST_MARGIN = 2e-5


def write_losses(folder: Path) -> None:
    for variant in ("v1", "v2"):
        loss_fixture(variant).write(folder / f"losses_{variant}.safetensors")


def loss_fixture(variant: str) -> Fixture:
    pictures = draw_batch(SEEDS[variant])
    targets = targets_of(pictures)
    model, stages, losses = step(variant, pictures, targets)
    margins = training_margins(model, stages, targets)
    for key, margin in margins.items():
        assert margin >= LEAST_MARGIN, f"losses_{variant}: {key} is within {margin:.1e} of going the other way"
    fixture = Fixture(
        settings={**SETTINGS, "variant": variant},
        seeds={"pictures": SEEDS[variant]},
        margins={key: two_digits(margin) for key, margin in margins.items()},
        sampling=sampling(stages),
    )
    write_inputs(fixture, pictures, targets)
    write_choices(fixture, stages)
    results = losses_and_gradients(model, losses)
    for key, value in results.items():
        fixture.full(key, value)
    write_running_statistics(fixture, model)
    write_empty_step(fixture, variant, pictures)
    exact_model, _, exact_losses = step(variant, pictures, targets, torch.float64)
    fixture.metadata["float64_deviation"] = deviations(results, losses_and_gradients(exact_model, exact_losses))
    return fixture


def draw_batch(seed: int) -> list[Picture]:
    return [
        draw(f"losses.{seed}.{i}", *size, SHAPES_IN_PICTURE, largest=LARGEST_SHAPE, ground_label=label)
        for i, (size, label) in enumerate(zip(PICTURE_SIZES, GROUND_LABELS))
    ]


def targets_of(pictures: list[Picture]) -> list[dict[str, torch.Tensor]]:
    targets = [picture.as_target() for picture in pictures]
    targets[WITHOUT_OBJECTS] = no_objects(targets[WITHOUT_OBJECTS])
    return targets


def no_objects(target: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    return {key: value[:0] for key, value in target.items()}


def step(variant: str, pictures, targets, dtype=torch.float32):
    """A fresh model, its stages and its losses after one forward pass in training mode."""
    model = formula.fill(narrow_mask_rcnn(variant).train()).to(dtype)
    stages = Stages(model)
    with first_in_index_order():
        losses = model(
            [picture.as_input().to(dtype) for picture in pictures],
            [{**target, "boxes": target["boxes"].to(dtype)} for target in targets],
        )
    return model, stages, losses


def losses_and_gradients(model, losses) -> dict[str, torch.Tensor]:
    sum(losses.values()).backward()
    gradients = {f"gradient.{name}": parameter.grad for name, parameter in model.named_parameters()}
    return {**{name: loss.detach() for name, loss in losses.items()}, **gradients}


def write_inputs(fixture: Fixture, pictures, targets) -> None:
    for image, (picture, target) in enumerate(zip(pictures, targets)):
        fixture.full(f"input.image{image}", picture.pixels)
        for key, value in target.items():
            fixture.full(f"input.image{image}.{key}", value)


def write_choices(fixture: Fixture, stages: Stages) -> None:
    fixture.full("transform.sizes", torch.tensor(stages["transform"].image_sizes))
    labels, matched_boxes = stages["assign_targets_to_anchors"]
    for image, (chosen, boxes) in enumerate(zip(labels, matched_boxes)):
        fixture.full(f"rpn.image{image}.foreground", torch.where(chosen > 0)[0])
        fixture.full(f"rpn.image{image}.ignored", torch.where(chosen < 0)[0])
        fixture.full(f"rpn.image{image}.matched_boxes", boxes[chosen > 0])
    for name, masks in zip(("foreground", "background"), stages["rpn_sampler"]):
        for image, mask in enumerate(masks):
            fixture.full(f"rpn.image{image}.sampled_{name}", torch.where(mask)[0])
    matched, labels = stages["assign_targets_to_proposals"]
    for image in range(len(matched)):
        fixture.full(f"proposals.image{image}", stages["filter_proposals"][0][image])
        fixture.full(f"roi.image{image}.matched", matched[image])
        fixture.full(f"roi.image{image}.labels", labels[image])
        fixture.full(f"roi.image{image}.sampled", stages["subsample"][image])
        fixture.full(f"roi.image{image}.regression_targets", stages["select_training_samples"][3][image])


def write_running_statistics(fixture: Fixture, model) -> None:
    live = {name for name, module in model.named_modules() if isinstance(module, torch.nn.BatchNorm2d)}
    for name, buffer in model.named_buffers():
        owner, _, kind = name.rpartition(".")
        if owner in live and kind in ("running_mean", "running_var"):
            fixture.full(f"running.{name}", buffer)


def write_empty_step(fixture: Fixture, variant: str, pictures) -> None:
    model, _, losses = step(variant, pictures, [no_objects(target) for target in targets_of(pictures)])
    sum(losses.values()).backward()
    for name, loss in losses.items():
        fixture.full(f"empty.{name}", loss)
    for name, parameter in model.named_parameters():
        norm = parameter.grad.double().norm() if parameter.grad is not None else torch.zeros((), dtype=torch.float64)
        fixture.full(f"empty.gradient_norm.{name}", norm)


def training_margins(model, stages: Stages, targets) -> dict[str, float]:
    margins = rpn_margins(model.rpn, stages)
    # The sampled RoIs are a set: their order decides nothing.
    margins.pop("proposal_order")
    margins["pyramid_level"] = min(map(level_margin, stages["select_training_samples"][0]))
    margins["match"] = margins["best_anchor"] = math.inf
    proposals, boxes, _ = stages["assign_targets_to_proposals.in"]
    anchors = stages["anchors"]
    for image, objects in enumerate(boxes):
        if len(objects):
            roi_iou = box_iou(objects, proposals[image]).double().max(dim=0).values
            each_iou = box_iou(objects, anchors[image]).double()
            margins["best_anchor"] = min(margins["best_anchor"], best_anchor_margin(each_iou))
            anchor_iou = each_iou.max(dim=0).values
            for iou, thresholds in ((roi_iou, [0.5]), (anchor_iou, [0.3, 0.7])):
                margin = float((iou[:, None] - torch.tensor(thresholds)).abs().min())
                margins["match"] = min(margins["match"], margin)
    return margins


def best_anchor_margin(iou: torch.Tensor) -> float:
    """Least distance from an object's largest IoU to its next one; ties are exact where the arithmetic is the same."""
    best = iou.max(dim=1, keepdim=True).values
    return float((best - iou)[iou < best].min())


def sampling(stages: Stages) -> dict[str, list[list[int]]]:
    """For each sampler and image: candidates in the foreground and background, then how many of each were taken."""

    def counts(labels, foreground, background):
        return [
            [int((l > 0).sum()), int((l == 0).sum()), int(f), int(b)] for l, f, b in zip(labels, foreground, background)
        ]

    anchor_labels = stages["assign_targets_to_anchors"][0]
    roi_labels = stages["assign_targets_to_proposals"][1]
    taken = [labels[chosen] for labels, chosen in zip(roi_labels, stages["subsample"])]
    return {
        "rpn": counts(anchor_labels, *[[mask.sum() for mask in masks] for masks in stages["rpn_sampler"]]),
        "roi": counts(roi_labels, [(l > 0).sum() for l in taken], [(l == 0).sum() for l in taken]),
    }


def deviations(measured: dict[str, torch.Tensor], exact: dict[str, torch.Tensor]) -> dict[str, float]:
    result = {}
    for key, value in measured.items():
        size = max(float(exact[key].abs().max()), 1e-30)
        result[key] = two_digits(float((value - exact[key]).abs().max()) / size)
        assert result[key] < 1e-2, f"{key}: float32 and float64 differ by {result[key]}; try another seed"
    return result
