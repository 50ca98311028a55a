"""Runs a torchvision two-stage detector and keeps what every stage gave.

Shape letters: N images, A anchors a position, R anchors of one image over all levels, L pyramid levels, P proposals of
the whole batch, D detections of the whole batch, K classes with the background.

Nothing of torchvision is replaced: forward hooks and wrapped methods look on.
"""

from contextlib import contextmanager

import torch
from torch import nn
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.rpn import concat_box_prediction_layers


class Stages(dict):
    """Stage name -> what it gave. Only the last run is kept."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self._hook(model.transform, "transform", lambda images, _: images)
        self._hook(model.backbone.body, "body")
        self._hook(model.backbone.fpn, "pyramid")
        self._hook(model.rpn.head, "rpn_head")
        self._hook(model.rpn.anchor_generator, "anchors")
        self._wrap(model.rpn, "filter_proposals")
        self._wrap(model.rpn, "assign_targets_to_anchors")
        self._wrap(model.rpn, "fg_bg_sampler", "rpn_sampler")
        heads = model.roi_heads
        self._wrap(heads, "select_training_samples")
        self._wrap(heads, "assign_targets_to_proposals")
        self._wrap(heads, "subsample")
        self._wrap(heads, "postprocess_detections")
        self._hook(heads.box_roi_pool, "box_pooled")
        self._hook(heads.box_head, "box_features")
        self._hook(heads.box_predictor, "box_predictor")
        if heads.has_mask():
            self._hook(heads.mask_roi_pool, "mask_pooled")
            self._hook(heads.mask_predictor, "mask_logits")

    def _hook(self, module: nn.Module, name: str, pick=None) -> None:
        def keep(_module, _arguments, output):
            self[name] = pick(*output) if pick else output

        module.register_forward_hook(keep)

    def _wrap(self, owner, method: str, name: str | None = None) -> None:
        inner = getattr(owner, method)

        def keep(*arguments):
            self[(name or method) + ".in"] = arguments
            output = inner(*arguments)
            # The caller may change the lists it is given; the recorded ones are copies.
            self[name or method] = tuple(list(part) if isinstance(part, list) else part for part in output)
            return output

        # Past `nn.Module.__setattr__`, which takes no plain function where a module attribute exists.
        object.__setattr__(owner, method, keep)

    def rpn_outputs(self, image_count: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Objectness logits [N, R] and deltas [N, R, 4] in anchor order: level, row, column, anchor."""
        objectness, deltas = concat_box_prediction_layers(*map(list, self["rpn_head"]))
        return objectness.reshape(image_count, -1), deltas.reshape(image_count, -1, 4)

    def anchor_counts(self) -> list[int]:
        """Anchors of one image on each level."""
        return [logits[0].numel() for logits in self["rpn_head"][0]]


def start_from(model: nn.Module, batch: ImageList) -> None:
    """From now on the model's transform gives this batch, whatever images come in."""
    model.transform.forward = lambda _images, targets=None: (batch, targets)


@contextmanager
def first_in_index_order():
    """Samplers take the first k candidates by index: `torch.randperm(n)` is 0, 1, .., n - 1."""
    randperm = torch.randperm
    torch.randperm = lambda count, device=None: torch.arange(count, device=device)
    try:
        yield
    finally:
        torch.randperm = randperm
