"""`detector_<name>.safetensors`: a full-size detector on two small pictures in one batch, stage by stage.

Names: fasterrcnn_resnet50_fpn, fasterrcnn_resnet50_fpn_v2, maskrcnn_resnet50_fpn, maskrcnn_resnet50_fpn_v2; 91 classes,
formula weights, evaluation mode, float32. The v1 models are what torchvision's builders give for the published weights:
frozen batch norm in the body with eps 0, no `num_batches_tracked`. The v2 models have ordinary batch norm, eps 1e-5.

Keys ("sample" as in fixture_file.py; i = 0, 1 is the image, l = 0..4 the level; order within a level: row, column,
anchor; proposals and detections of the batch: those of image 0, then those of image 1):

    input.image{i}                           uint8 [H, W, 3]; divide by 255 in float32
    transform.sizes                          int64 [2, 2] height, width after the resize, without padding
    transform.pixels                         sample of [2, 3, H, W], normalised, resized, padded
    body.c2 .. body.c5                       samples of the stages' outputs
    pyramid.p2 .. pyramid.p6                 samples; p6 is the level torchvision calls "pool"
    anchors.counts, anchors.strides          int64 [5] per image, int64 [5, 2] (vertical, horizontal)
    anchors.level{l}                         sample of [count, 4]
    rpn.objectness                           float32 [2, anchors], logits, levels one after the other
    rpn.deltas                               sample of [2, anchors, 4]
    proposals.image{i}.boxes, .scores        float32 [P, 4] in resized pixels, [P] probabilities, falling
    box.pooled, box.features                 samples of [P0 + P1, 256, 7, 7] and [P0 + P1, 1024]
    box.class_logits, box.deltas             samples of [P0 + P1, 91] and [P0 + P1, 364]
    detections.image{i}.boxes_in_resized     float32 [D, 4]
    detections.image{i}.boxes_in_original    float32 [D, 4]
    detections.image{i}.scores, .labels      float32 [D] falling, int64 [D]
  and for the mask models
    mask.pooled, mask.logits                 samples of [D0 + D1, 256, 14, 14] and [D0 + D1, 91, 28, 28]
    mask.crops                               sample of [D0 + D1, 28, 28]: probabilities of the label's class
    mask.image{i}.areas                      int64 [D] pixels above 0.5 after pasting into the original image
    mask.image{i}.undecided                  int64 [D] pixels within 1e-4 of 0.5: as many may differ

Metadata, JSON each: `settings` (the arguments that differ from torchvision's defaults), `seeds`, `mask_rle` (a list for
each image of COCO compressed RLE strings, one a detection, of the pasted mask > 0.5), `margins` (margins.py) and
`float64_deviation`: for each stage the largest difference to the same model run in float64 (from the float32 pixels,
so that of `transform.pixels` is the resize's own), over its largest absolute value. It shows how much of a difference
is rounding. The float64 run gave the same proposals and detections in the same order, or no fixture would be written.
"""

from pathlib import Path

import numpy as np
import torch
from pycocotools import mask as coco_mask
from torchvision.models import detection, resnet50
from torchvision.models.detection._utils import overwrite_eps
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import maskrcnn_inference
from torchvision.ops import FrozenBatchNorm2d

import formula
from fixture_file import Fixture, two_digits
from margins import inference_margins, paste_margin
from pictures import draw
from stages import Stages, start_from

SETTINGS = {
    "num_classes": 91,
    "min_size": 224,
    "max_size": 288,
    "rpn_pre_nms_top_n_test": 60,
    "rpn_post_nms_top_n_test": 100,
    "box_detections_per_img": 50,
}
# Of different aspect: the first is governed by min_size (and 150 * 1.75 = 262.5 is floored), the second by max_size.
PICTURE_SIZES = [(128, 150), (150, 100)]
SHAPES_IN_PICTURE = 7
# Found by trying: every decision clears its margin, and RoIs fall on the pyramid levels 2, 3 and 4.
SEEDS = {"v1": 4, "v2": 12}
LEAST_MARGIN = 1e-4
# Order alone: twice the rounding of a probability is far below.
LEAST_ORDER_MARGIN = 1e-6
UNDECIDED = 1e-4


def build_v1(architecture):
    """As torchvision's builder does when it is given the published COCO_V1 weights."""
    body = resnet50(weights=None, norm_layer=FrozenBatchNorm2d)
    model = architecture(_resnet_fpn_extractor(body, trainable_layers=3), **SETTINGS)
    overwrite_eps(model, 0.0)
    return model


def build_v2(builder):
    return builder(weights=None, weights_backbone=None, **SETTINGS)


DETECTORS = {
    "fasterrcnn_resnet50_fpn": lambda: build_v1(detection.FasterRCNN),
    "fasterrcnn_resnet50_fpn_v2": lambda: build_v2(detection.fasterrcnn_resnet50_fpn_v2),
    "maskrcnn_resnet50_fpn": lambda: build_v1(detection.MaskRCNN),
    "maskrcnn_resnet50_fpn_v2": lambda: build_v2(detection.maskrcnn_resnet50_fpn_v2),
}


def write_detectors(folder: Path) -> None:
    for name in DETECTORS:
        detector_fixture(name).write(folder / f"detector_{name}.safetensors")


def detector_fixture(name: str) -> Fixture:
    model = formula.fill(DETECTORS[name]().eval())
    seed = SEEDS["v2" if name.endswith("v2") else "v1"]
    pictures = draw_batch(seed)
    stages = Stages(model)
    outputs, tensors = run(model, stages, [picture.as_input() for picture in pictures])
    margins = inference_margins(model, stages)
    if "mask_logits" in stages:
        margins["paste_corner"] = min(paste_margin(output["boxes"]) for output in outputs)
    check_margins(name, margins)
    fixture = Fixture(settings=SETTINGS, seeds={"pictures": seed}, margins=rounded(margins))
    for image, picture in enumerate(pictures):
        fixture.full(f"input.image{image}", picture.pixels)
    write_stages(fixture, stages, tensors, fixture.sample)
    write_detections(fixture, stages, outputs)
    fixture.metadata["float64_deviation"] = deviations(tensors, exact_tensors(model, stages, pictures))
    return fixture


def exact_tensors(model, stages: Stages, pictures) -> dict[str, torch.Tensor]:
    """The stages in float64. All but the pixels themselves start from the float32 pixels.

    The resize computes where to sample in the precision of the image, and at an edge that alone is worth 1e-5.
    """
    batch = stages["transform"]
    images = [picture.as_input().double() for picture in pictures]
    exact_pixels = model.double().transform(images)[0].tensors
    start_from(model, ImageList(batch.tensors.double(), batch.image_sizes))
    _, tensors = run(model, stages, images)
    return {**tensors, "transform.pixels": exact_pixels}


def draw_batch(seed: int):
    return [draw(f"{seed}.{i}", *size, SHAPES_IN_PICTURE) for i, size in enumerate(PICTURE_SIZES)]


def check_margins(name: str, margins: dict[str, float]) -> None:
    for key, margin in margins.items():
        least = LEAST_ORDER_MARGIN if key.endswith("order") else LEAST_MARGIN
        assert margin >= least, f"{name}: {key} is within {margin:.1e} of going the other way; try another seed"


def run(model, stages: Stages, images) -> tuple[list[dict], dict[str, torch.Tensor]]:
    """The detections, and the floating-point stages by their key."""
    with torch.no_grad():
        outputs = model(images)
    tensors = {"transform.pixels": stages["transform"].tensors}
    for level, value in enumerate(stages["body"].values()):
        tensors[f"body.c{level + 2}"] = value
    for level, value in enumerate(stages["pyramid"].values()):
        tensors[f"pyramid.p{level + 2}"] = value
    tensors["rpn.objectness"], tensors["rpn.deltas"] = stages.rpn_outputs(len(images))
    for image, (boxes, scores) in enumerate(zip(*stages["filter_proposals"])):
        tensors[f"proposals.image{image}.boxes"], tensors[f"proposals.image{image}.scores"] = boxes, scores
    tensors["box.pooled"], tensors["box.features"] = stages["box_pooled"], stages["box_features"]
    tensors["box.class_logits"], tensors["box.deltas"] = stages["box_predictor"]
    boxes_in_resized, scores, labels = stages["postprocess_detections"]
    for image, output in enumerate(outputs):
        tensors[f"detections.image{image}.boxes_in_resized"] = boxes_in_resized[image]
        tensors[f"detections.image{image}.boxes_in_original"] = output["boxes"]
        tensors[f"detections.image{image}.scores"] = scores[image]
    if "mask_logits" in stages:
        tensors["mask.pooled"], tensors["mask.logits"] = stages["mask_pooled"], stages["mask_logits"]
        tensors["mask.crops"] = torch.cat(maskrcnn_inference(stages["mask_logits"], labels))[:, 0]
    return outputs, tensors


def write_stages(fixture: Fixture, stages: Stages, tensors: dict[str, torch.Tensor], keep_large) -> None:
    """`keep_large` is the fixture's `sample` or `full`."""
    small = ("rpn.objectness", "proposals.", "detections.")
    for key, value in tensors.items():
        (fixture.full if key.startswith(small) else keep_large)(key, value)
    batch = stages["transform"]
    fixture.full("transform.sizes", torch.tensor(batch.image_sizes))
    padded_height, padded_width = batch.tensors.shape[-2:]
    grids = [value.shape[-2:] for value in stages["pyramid"].values()]
    counts = stages.anchor_counts()
    fixture.full("anchors.counts", torch.tensor(counts))
    fixture.full("anchors.strides", torch.tensor([[padded_height // h, padded_width // w] for h, w in grids]))
    for level, anchors in enumerate(stages["anchors"][0].split(counts)):
        keep_large(f"anchors.level{level}", anchors)


def write_detections(fixture: Fixture, stages: Stages, outputs: list[dict], undecided: float = UNDECIDED) -> None:
    """A pixel whose probability is less than `undecided` from one half may be either."""
    rle = []
    for image, output in enumerate(outputs):
        fixture.full(f"detections.image{image}.labels", output["labels"])
        if "masks" in output:
            probabilities = output["masks"][:, 0]
            fixture.full(f"mask.image{image}.areas", (probabilities > 0.5).sum((1, 2)))
            fixture.full(f"mask.image{image}.undecided", ((probabilities - 0.5).abs() < undecided).sum((1, 2)))
            rle.append(compressed_rle(probabilities > 0.5))
    if rle:
        fixture.metadata["mask_rle"] = rle


def compressed_rle(masks: torch.Tensor) -> list[str]:
    """COCO compressed RLE strings of bool masks [D, H, W]."""
    columns_first = np.asfortranarray(masks.permute(1, 2, 0).numpy().astype(np.uint8))
    return [encoded["counts"].decode() for encoded in coco_mask.encode(columns_first)]


def deviations(measured: dict[str, torch.Tensor], exact: dict[str, torch.Tensor]) -> dict[str, float]:
    result = {}
    for key, value in measured.items():
        assert value.shape == exact[key].shape, f"{key}: float32 and float64 decide differently; try another seed"
        result[key] = two_digits(float((value - exact[key]).abs().max() / exact[key].abs().max()))
        assert result[key] < 1e-3, f"{key}: float32 and float64 differ by {result[key]}; try another seed"
    return result


def rounded(margins: dict[str, float]) -> dict[str, float | str]:
    return {key: two_digits(margin) if margin < float("inf") else "no cut" for key, margin in margins.items()}
