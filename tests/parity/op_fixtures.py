"""`ops.safetensors`: torchvision's single operations on made-up inputs.

Inputs come from formula.py's stream, but are stored, so nobody needs to make them again. All tensors are in full.
B objects, N boxes, K classes with the background. Boxes are x1, y1, x2, y2.

  resize (transform._resize_image_and_masks)
    resize.sizes                   int64 [cases, 6]: height, width, min_size, max_size -> height, width
    resize.case{c}.image           float32 [3, H, W];  .mask uint8 [1, H, W];  .limits int64 [2] min_size, max_size
    resize.case{c}.image_resized   float32 [3, h, w];  .mask_resized uint8 [1, h, w]
    resize.boxes                   float32 [B, 4] in an image of 120 x 160; .boxes_resized in one of 300 x 333
  anchors (AnchorGenerator, torchvision's sizes and ratios, on the maps of a padded image HxW)
    anchors.{H}x{W}.counts         int64 [5];  .strides int64 [5, 2] vertical, horizontal
    anchors.{H}x{W}.first, .last   float32 [5, 6, 4]: the first and last six anchors of each level
  box coder (BoxCoder; RPN weights 1, 1, 1, 1; RoI weights 10, 10, 5, 5)
    coder.boxes, coder.references  float32 [N, 4]
    coder.encoded_rpn, _roi        float32 [N, 4]: the references as seen from the boxes
    coder.deltas                   float32 [N, 12]: three classes; some dw, dh above the clamp
    coder.decoded_rpn, _roi        float32 [N, 3, 4]
  matcher (Matcher on a quality matrix with ties; a column of zeros; a row of zeros)
    matcher.quality                float32 [B, N]
    matcher.rpn                    int64 [N]: .7 / .3 with low-quality matches; index, -1 below, -2 between
    matcher.roi                    int64 [N]: .5 / .5 without
  losses (with the gradients of their sum)
    box_loss.class_logits [N, K], .deltas [N, 4K], .labels int64 [N], .targets [N, 4]
    box_loss.loss_classifier, .loss_box_reg [];  .gradient.class_logits, .gradient.deltas
    rpn_loss.objectness [2, R], .deltas [2, R, 4], .labels [2, R] (1, 0, -1), .targets [2, R, 4]
    rpn_loss.loss_objectness, .loss_rpn_box_reg [];  .gradient.objectness, .gradient.deltas
                                   sampler: 16 an image, half foreground, first in index order; two images
    mask_loss.logits [N, K, 14, 14], .masks uint8 [B, 60, 80], .boxes [N, 4], .matched int64 [N],
    mask_loss.object_labels int64 [B]
    mask_loss.targets [N, 14, 14] (project_masks_on_boxes);  .loss [];  .gradient.logits
    mask_target.targets28          float32 [N, 28, 28]: the same masks and boxes at 28
  pooler (MultiScaleRoIAlign on four maps of an image of 256 x 320, batch of two; sampling ratio 2)
    pooler.map{l}                  float32 [2, 3, H, W], strides 4, 8, 16, 32
    pooler.boxes0, pooler.boxes1   float32 [N, 4]: all levels, partly outside, some of no area
    pooler.pooled                  float32 [N0 + N1, 3, 7, 7]
    pooler.weights                 float32 [N0 + N1, 3, 7, 7];  pooler.map{l}.gradient: of sum(pooled * weights)
  detections (RoIHeads.postprocess_detections; score > .05, NMS .5, 30 an image)
    post.class_logits [N, 5], .deltas [N, 20], .proposals [N, 4]: 120 of an image of 200 x 260, then 80 of 240 x 180
    post.image{i}.boxes, .scores, .labels
  NMS (batched_nms; boxes, scores, int64 groups)
    nms{N}.boxes, .scores, .groups, .keep int64     N = 900 (groups kept apart by offsets), 1500 (group by group)
  masks (paste_masks_in_image into 96 x 128; probability > .5)
    paste.masks [20, 1, 28, 28], paste.boxes [20, 4], paste.areas int64 [20], paste.undecided int64 [20]
                                   undecided: pixels within 1e-4 of .5; the bits are in the metadata
                                   `paste_rle`, COCO compressed RLE strings

Metadata, JSON: `paste_rle`, and `margins` of the decisions in `post` and the two NMS (see margins.py).
"""

from pathlib import Path

import torch
from torch import nn
from torchvision.models.detection._utils import BoxCoder, Matcher
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import _default_anchorgen
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import (
    RoIHeads,
    fastrcnn_loss,
    maskrcnn_loss,
    paste_masks_in_image,
    project_masks_on_boxes,
)
from torchvision.models.detection.rpn import RegionProposalNetwork
from torchvision.models.detection.transform import _resize_image_and_masks, resize_boxes
from torchvision.ops import MultiScaleRoIAlign, batched_nms

import formula
from detector_fixtures import UNDECIDED, compressed_rle
from fixture_file import Fixture, two_digits
from margins import detection_margins, level_margin, nms_margin, paste_margin
from stages import first_in_index_order

PADDED_SIZES = [(800, 1088), (800, 1344), (256, 320)]
RESIZE_CASES = [(37, 53, 64, 100), (61, 40, 32, 48), (48, 64, 48, 64), (33, 90, 50, 70), (7, 5, 20, 40)]
RESIZE_SIZES = [(100, 298, 800, 1333), (480, 640, 800, 1333), (427, 640, 800, 1333), (1080, 1920, 800, 1333)]
RPN_WEIGHTS, ROI_WEIGHTS = (1.0, 1.0, 1.0, 1.0), (10.0, 10.0, 5.0, 5.0)
NMS_COUNTS = [900, 1500]
LEAST_MARGIN = 1e-5


def write_ops(folder: Path) -> None:
    fixture = Fixture(margins={})
    parts = [resize, anchors, box_coder, matcher, box_loss, rpn_loss, mask_loss, pooler, detections, nms, paste]
    for part in parts:
        part(fixture)
    assert min(fixture.metadata["margins"].values()) >= LEAST_MARGIN, fixture.metadata["margins"]
    fixture.write(folder / "ops.safetensors")


def uniform(name: str, shape, low: float, high: float) -> torch.Tensor:
    return formula.tensor(f"ops.{name}", shape, (low + high) / 2, (high - low) / 2)


def integers(name: str, shape, count: int) -> torch.Tensor:
    """int64 in 0 .. count - 1."""
    return uniform(name, shape, 0, count).floor().clamp(0, count - 1).long()


def boxes_within(name: str, count: int, height: float, width: float, least: float, most: float) -> torch.Tensor:
    """Boxes with centres in the image and sides of `least` to `most` of it; some reach outside."""
    center = uniform(f"{name}.center", (count, 2), 0, 1)
    # Squared, so that small boxes are many, as among real ones.
    side = least + (most - least) * uniform(f"{name}.side", (count, 2), 0, 1) ** 2
    return torch.cat([center - side / 2, center + side / 2], dim=1) * torch.tensor([width, height, width, height])


def resize(fixture: Fixture) -> None:
    odd = torch.cat([integers("resize.sides", (60, 2), 700) + 20, torch.tensor([[800, 1333]]).expand(60, 2)], dim=1)
    cases = [*RESIZE_SIZES, *odd.tolist(), *RESIZE_CASES]
    rows = []
    for height, width, min_size, max_size in cases:
        resized, _ = _resize_image_and_masks(torch.zeros(1, height, width), min_size, max_size)
        rows.append([height, width, min_size, max_size, *resized.shape[-2:]])
    fixture.full("resize.sizes", torch.tensor(rows))
    for case, (height, width, min_size, max_size) in enumerate(RESIZE_CASES):
        image = uniform(f"resize.image{case}", (3, height, width), -2, 2)
        mask = integers(f"resize.mask{case}", (1, height, width), 2).byte()
        resized, target = _resize_image_and_masks(image, min_size, max_size, {"masks": mask})
        fixture.full(f"resize.case{case}.limits", torch.tensor([min_size, max_size]))
        fixture.full(f"resize.case{case}.image", image)
        fixture.full(f"resize.case{case}.mask", mask)
        fixture.full(f"resize.case{case}.image_resized", resized)
        fixture.full(f"resize.case{case}.mask_resized", target["masks"])
    boxes = boxes_within("resize.boxes", 12, 120, 160, 0.05, 0.5)
    fixture.full("resize.boxes", boxes)
    fixture.full("resize.boxes_resized", resize_boxes(boxes, [120, 160], [300, 333]))


def anchors(fixture: Fixture) -> None:
    generator: AnchorGenerator = _default_anchorgen()
    for height, width in PADDED_SIZES:
        grids = [(height // stride, width // stride) for stride in (4, 8, 16, 32)]
        # The extra level keeps every second pixel, the first included.
        grids.append(((grids[-1][0] + 1) // 2, (grids[-1][1] + 1) // 2))
        maps = [torch.zeros(1, 1, *grid) for grid in grids]
        [boxes] = generator(ImageList(torch.zeros(1, 3, height, width), [(height, width)]), maps)
        counts = [3 * h * w for h, w in grids]
        levels = boxes.split(counts)
        key = f"anchors.{height}x{width}"
        fixture.full(f"{key}.counts", torch.tensor(counts))
        fixture.full(f"{key}.strides", torch.tensor([[height // h, width // w] for h, w in grids]))
        fixture.full(f"{key}.first", torch.stack([level[:6] for level in levels]))
        fixture.full(f"{key}.last", torch.stack([level[-6:] for level in levels]))


def box_coder(fixture: Fixture) -> None:
    boxes = boxes_within("coder.boxes", 64, 300, 400, 0.02, 0.6)
    references = boxes_within("coder.references", 64, 300, 400, 0.02, 0.6)
    deltas = uniform("coder.deltas", (64, 12), -1.5, 1.5)
    # Every eighth box: large enough for the clamp of dw, dh at ln(1000 / 16) under both sets of weights.
    deltas[::8] *= 20
    for key, value in (("boxes", boxes), ("references", references), ("deltas", deltas)):
        fixture.full(f"coder.{key}", value)
    for name, weights in (("rpn", RPN_WEIGHTS), ("roi", ROI_WEIGHTS)):
        coder = BoxCoder(weights)
        fixture.full(f"coder.encoded_{name}", coder.encode([references], [boxes])[0])
        fixture.full(f"coder.decoded_{name}", coder.decode(deltas, [boxes]))


def matcher(fixture: Fixture) -> None:
    # Twentieths make ties, and values exactly at the thresholds.
    quality = (uniform("matcher.quality", (6, 60), 0, 20).floor() / 20).clamp(0, 1)
    quality[:, 7] = 0
    quality[4] = quality[4] * 0.3
    quality[5] = 0
    fixture.full("matcher.quality", quality)
    fixture.full("matcher.rpn", Matcher(0.7, 0.3, allow_low_quality_matches=True)(quality.clone()))
    fixture.full("matcher.roi", Matcher(0.5, 0.5, allow_low_quality_matches=False)(quality.clone()))


def box_loss(fixture: Fixture) -> None:
    logits = uniform("box_loss.logits", (24, 5), -3, 3).requires_grad_()
    deltas = uniform("box_loss.deltas", (24, 20), -1, 1).requires_grad_()
    labels = integers("box_loss.labels", (24,), 5)
    targets = uniform("box_loss.targets", (24, 4), -1, 1)
    losses = fastrcnn_loss(logits, deltas, [labels], [targets])
    sum(losses).backward()
    for key, value in (("class_logits", logits), ("deltas", deltas), ("labels", labels), ("targets", targets)):
        fixture.full(f"box_loss.{key}", value)
    fixture.full("box_loss.loss_classifier", losses[0])
    fixture.full("box_loss.loss_box_reg", losses[1])
    fixture.full("box_loss.gradient.class_logits", logits.grad)
    fixture.full("box_loss.gradient.deltas", deltas.grad)


def rpn_loss(fixture: Fixture) -> None:
    objectness = uniform("rpn_loss.objectness", (2, 50), -3, 3).requires_grad_()
    deltas = uniform("rpn_loss.deltas", (2, 50, 4), -1, 1).requires_grad_()
    targets = uniform("rpn_loss.targets", (2, 50, 4), -1, 1)
    labels = integers("rpn_loss.labels", (2, 50), 3).float() - 1
    # The second image has fewer foreground anchors than the sampler would take.
    labels[1, 10:][labels[1, 10:] > 0] = 0
    network = RegionProposalNetwork(_default_anchorgen(), nn.Identity(), 0.7, 0.3, 16, 0.5, {}, {}, 0.7)
    with first_in_index_order():
        losses = network.compute_loss(objectness.reshape(-1, 1), deltas.reshape(-1, 4), list(labels), list(targets))
    sum(losses).backward()
    for key, value in (("objectness", objectness), ("deltas", deltas), ("labels", labels), ("targets", targets)):
        fixture.full(f"rpn_loss.{key}", value)
    fixture.full("rpn_loss.loss_objectness", losses[0])
    fixture.full("rpn_loss.loss_rpn_box_reg", losses[1])
    fixture.full("rpn_loss.gradient.objectness", objectness.grad)
    fixture.full("rpn_loss.gradient.deltas", deltas.grad)


def mask_loss(fixture: Fixture) -> None:
    rows, columns = torch.arange(60)[:, None], torch.arange(80)[None, :]
    disc = ((rows - 25) / 17) ** 2 + ((columns - 30) / 24) ** 2 < 1
    masks = torch.stack([disc, (rows > 30) & (columns > 40) & (rows + columns < 120)]).byte()
    boxes = boxes_within("mask_loss.boxes", 6, 60, 80, 0.1, 0.9).clamp(min=0)
    matched, object_labels = integers("mask_loss.matched", (6,), 2), torch.tensor([3, 1])
    logits = uniform("mask_loss.logits", (6, 4, 14, 14), -2, 2).requires_grad_()
    loss = maskrcnn_loss(logits, [boxes], [masks], [object_labels], [matched])
    loss.backward()
    inputs = {"logits": logits, "masks": masks, "boxes": boxes, "matched": matched, "object_labels": object_labels}
    for key, value in inputs.items():
        fixture.full(f"mask_loss.{key}", value)
    fixture.full("mask_loss.targets", project_masks_on_boxes(masks, boxes, matched, 14))
    fixture.full("mask_loss.loss", loss)
    fixture.full("mask_loss.gradient.logits", logits.grad)
    fixture.full("mask_target.targets28", project_masks_on_boxes(masks, boxes, matched, 28))


def pooler(fixture: Fixture) -> None:
    maps = {}
    for level in range(4):
        shape = (2, 3, 64 >> level, 80 >> level)
        maps[str(level)] = uniform(f"pooler.map{level}", shape, -1, 1).requires_grad_()
    batches = []
    for image in range(2):
        boxes = boxes_within(f"pooler.boxes{image}", 20, 256, 320, 0.02, 2.5)
        boxes[0] = torch.tensor([40.0, 50.0, 40.0, 50.0])
        boxes[1] = torch.tensor([-90.0, -80.0, -20.0, -30.0])
        boxes[2] = torch.tensor([0.0, 0.0, 224.0, 224.0])
        batches.append(boxes)
    # Box 2 has side 224 and lies on the border of two levels, where the specification is exact.
    others = torch.cat([batches[0][3:], batches[1][3:]])
    fixture.metadata["margins"]["pooler.pyramid_level"] = two_digits(level_margin(others))
    pooled = MultiScaleRoIAlign(["0", "1", "2", "3"], 7, 2)(maps, batches, [(256, 320), (250, 300)])
    weights = uniform("pooler.weights", tuple(pooled.shape), -1, 1)
    (pooled * weights).sum().backward()
    for level, value in maps.items():
        fixture.full(f"pooler.map{level}", value)
        fixture.full(f"pooler.map{level}.gradient", value.grad)
    for image, boxes in enumerate(batches):
        fixture.full(f"pooler.boxes{image}", boxes)
    fixture.full("pooler.pooled", pooled)
    fixture.full("pooler.weights", weights)


def detections(fixture: Fixture) -> None:
    nothing = nn.Identity()
    heads = RoIHeads(nothing, nothing, nothing, 0.5, 0.5, 512, 0.25, None, 0.05, 0.5, 30)
    logits = uniform("post.logits", (200, 5), -3, 3)
    # Sure background, as most proposals are.
    logits[::3, 0] += 4
    deltas = uniform("post.deltas", (200, 20), -1, 1)
    sizes = [(200, 260), (240, 180)]
    parts = zip(["post.first", "post.second"], [120, 80], sizes)
    proposals = [boxes_within(name, count, *size, 0.05, 0.7) for name, count, size in parts]
    results = heads.postprocess_detections(logits, deltas, proposals, sizes)
    fixture.full("post.class_logits", logits)
    fixture.full("post.deltas", deltas)
    fixture.full("post.proposals", torch.cat(proposals))
    for key, values in zip(("boxes", "scores", "labels"), results):
        for image, value in enumerate(values):
            fixture.full(f"post.image{image}.{key}", value)
    margins = detection_margins(heads, {"postprocess_detections.in": (logits, deltas, proposals, sizes)})
    fixture.metadata["margins"].update({f"post.{key}": two_digits(value) for key, value in margins.items()})


def nms(fixture: Fixture) -> None:
    for count in NMS_COUNTS:
        name = f"nms{count}"
        boxes = boxes_within(name, count, 300, 400, 0.05, 0.4)
        scores, groups = uniform(f"{name}.scores", (count,), 0, 1), integers(f"{name}.groups", (count,), 6)
        keep = batched_nms(boxes, scores, groups, 0.5)
        fixture.full(f"{name}.boxes", boxes)
        fixture.full(f"{name}.scores", scores)
        fixture.full(f"{name}.groups", groups)
        fixture.full(f"{name}.keep", keep)
        fixture.metadata["margins"][name] = two_digits(nms_margin(boxes, scores, groups, keep, 0.5))


def paste(fixture: Fixture) -> None:
    coarse = uniform("paste.masks", (20, 1, 7, 7), 0, 1)
    masks = nn.functional.interpolate(coarse, size=(28, 28), mode="bilinear", align_corners=False)
    boxes = boxes_within("paste.boxes", 20, 96, 128, 0.02, 1.3)
    boxes[0] = torch.tensor([30.2, 40.7, 30.6, 40.9])  # less than a pixel
    boxes[1] = torch.tensor([-60.0, -50.0, 260.0, 200.0])  # around the whole image
    # A box wholly outside is not here: torchvision fails on one (negative slice ends).
    boxes[2] = torch.tensor([-40.5, 10.2, 3.4, 60.1])  # a strip inside
    boxes[3] = torch.tensor([126.9, 94.8, 140.0, 120.0])  # one corner inside
    fixture.metadata["margins"]["paste.paste_corner"] = two_digits(paste_margin(boxes))
    pasted = paste_masks_in_image(masks, boxes, (96, 128))[:, 0]
    fixture.full("paste.masks", masks)
    fixture.full("paste.boxes", boxes)
    fixture.full("paste.areas", (pasted > 0.5).sum((1, 2)))
    fixture.full("paste.undecided", ((pasted - 0.5).abs() < UNDECIDED).sum((1, 2)))
    fixture.metadata["paste_rle"] = compressed_rle(pasted > 0.5)
