"""How near each discrete decision of a detector was to going the other way.

Rounding moves scores by about 1e-6 and boxes by about 1e-5 px between two correct programs. A decision whose margin is
far above that is the same in both, and a fixture made of such decisions can be compared number by number.

    rpn_top_k          relative gap of the objectness logit between the last kept and the first dropped, per level
    rpn_nms            distance to the threshold of the largest IoU with a kept higher-scored box of the level, any box
    rpn_post_nms       relative gap of the score at the cut to `post_nms_top_n`
    score_threshold    relative distance of a class score to `score_thresh`
    box_nms            as rpn_nms, per class
    detections         relative gap of the score at the cut to `detections_per_img`
    pyramid_level      distance of 4 + log2(sqrt(area) / 224) + 1e-6 to a whole number inside 2..5, any RoI or detection
    paste_corner       distance in px of a corner of a widened box to the whole number that truncation would step over
    proposal_order     least relative gap between neighbours in the list of proposals (order only, nothing is dropped)
    detection_order    the same for detections
"""

import math

import torch
from torchvision.ops import batched_nms, box_iou, clip_boxes_to_image, remove_small_boxes
from torchvision.models.detection.roi_heads import RoIHeads, expand_boxes
from torchvision.models.detection.rpn import RegionProposalNetwork

from stages import Stages


def relative_gap(a, b) -> float:
    a, b = float(a), float(b)
    return abs(a - b) / max(abs(a), abs(b), 1e-30)


def gap_at_cut(scores: torch.Tensor, kept: int) -> float:
    ranked = scores.double().sort(descending=True).values
    return relative_gap(ranked[kept - 1], ranked[kept]) if 0 < kept < len(ranked) else math.inf


def least_gap(scores: torch.Tensor) -> float:
    return min(map(relative_gap, scores[:-1], scores[1:]), default=math.inf)


def nms_margin(boxes, scores, groups, keep, threshold: float) -> float:
    """The deciding IoU of a box is its largest with a kept box of its group that has a higher score."""
    worst = math.inf
    for group in groups.unique():
        member = torch.where(groups == group)[0]
        kept = keep[groups[keep] == group]
        iou = box_iou(boxes[member].double(), boxes[kept].double())
        iou[scores[member][:, None] >= scores[kept][None, :]] = 0
        if iou.numel():
            worst = min(worst, float((iou.max(dim=1).values - threshold).abs().min()))
    return worst


def rpn_margins(rpn: RegionProposalNetwork, stages: Stages) -> dict[str, float]:
    proposals, objectness, sizes, level_counts = stages["filter_proposals.in"]
    objectness = objectness.detach().reshape(len(sizes), -1)
    result = {"rpn_top_k": math.inf, "rpn_nms": math.inf, "rpn_post_nms": math.inf, "proposal_order": math.inf}
    for image, size in enumerate(sizes):
        chosen, levels, start = [], [], 0
        for level, count in enumerate(level_counts):
            logits = objectness[image, start : start + count]
            kept = min(rpn.pre_nms_top_n(), count)
            result["rpn_top_k"] = min(result["rpn_top_k"], gap_at_cut(logits, kept))
            chosen.append(logits.topk(kept).indices + start)
            levels.append(torch.full((kept,), level))
            start += count
        chosen, levels = torch.cat(chosen), torch.cat(levels)
        boxes = clip_boxes_to_image(proposals[image, chosen], size)
        scores = objectness[image, chosen].sigmoid()
        large = remove_small_boxes(boxes, rpn.min_size)
        boxes, scores, levels = boxes[large], scores[large], levels[large]
        keep = batched_nms(boxes, scores, levels, rpn.nms_thresh)
        result["rpn_nms"] = min(result["rpn_nms"], nms_margin(boxes, scores, levels, keep, rpn.nms_thresh))
        result["rpn_post_nms"] = min(result["rpn_post_nms"], gap_at_cut(scores[keep], rpn.post_nms_top_n()))
        result["proposal_order"] = min(result["proposal_order"], least_gap(scores[keep][: rpn.post_nms_top_n()]))
    return result


def detection_margins(heads: RoIHeads, stages: Stages) -> dict[str, float]:
    logits, deltas, proposals, sizes = stages["postprocess_detections.in"]
    counts = [len(boxes) for boxes in proposals]
    all_boxes = heads.box_coder.decode(deltas, proposals).split(counts)
    all_scores = logits.softmax(-1).split(counts)
    result = {"score_threshold": math.inf, "box_nms": math.inf, "detections": math.inf, "detection_order": math.inf}
    for boxes, scores, size in zip(all_boxes, all_scores, sizes):
        boxes = clip_boxes_to_image(boxes, size)[:, 1:].reshape(-1, 4)
        labels = torch.arange(1, scores.shape[1]).expand(len(scores), -1).reshape(-1)
        scores = scores[:, 1:].reshape(-1)
        near = (scores.double() - heads.score_thresh).abs().min() / heads.score_thresh
        result["score_threshold"] = min(result["score_threshold"], float(near))
        high = scores > heads.score_thresh
        boxes, scores, labels = boxes[high], scores[high], labels[high]
        large = remove_small_boxes(boxes, 1e-2)
        boxes, scores, labels = boxes[large], scores[large], labels[large]
        keep = batched_nms(boxes, scores, labels, heads.nms_thresh)
        result["box_nms"] = min(result["box_nms"], nms_margin(boxes, scores, labels, keep, heads.nms_thresh))
        result["detections"] = min(result["detections"], gap_at_cut(scores[keep], heads.detections_per_img))
        result["detection_order"] = min(result["detection_order"], least_gap(scores[keep][: heads.detections_per_img]))
    return result


def level_margin(boxes: torch.Tensor) -> float:
    """Only the borders between levels 2|3, 3|4 and 4|5 decide anything."""
    if len(boxes) == 0:
        return math.inf
    width, height = (boxes[:, 2:] - boxes[:, :2]).double().unbind(1)
    level = 4 + torch.log2((width * height).sqrt() / 224) + 1e-6
    return float((level[:, None] - torch.tensor([3.0, 4.0, 5.0])).abs().min())


def paste_margin(boxes_in_original: torch.Tensor, mask_side: int = 28) -> float:
    """Truncation is towards zero, so zero itself is no border."""
    widened = expand_boxes(boxes_in_original, (mask_side + 2) / mask_side).double()
    nearest = widened.round()
    distance = (widened - nearest).abs()[nearest != 0]
    return float(distance.min()) if distance.numel() else math.inf


def inference_margins(model, stages: Stages) -> dict[str, float]:
    boxes = [*stages["filter_proposals"][0], *stages["postprocess_detections"][0]]
    return {
        **rpn_margins(model.rpn, stages),
        **detection_margins(model.roi_heads, stages),
        "pyramid_level": min(map(level_margin, boxes)),
    }
