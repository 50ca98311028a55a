"""Writes full-size reference outputs of torchvision: models as they are published, pictures as people have them.

    python tests/parity/oracle.py OUT_DIR [--only NAME ..] [--threads 2]

`cargo xtask oracle` runs it in a throw-away environment and compares; nothing of it is committed. Wants torch 2.11.0,
torchvision 0.26.0, pycocotools and numpy; about twenty minutes on two cores, 9 GB of memory, 5 GB of disk.

No published weights are needed: a model starts from torchvision's initialisation under a fixed seed and is made to
behave like a trained one (calibration.py): batch norm statistics measured on the pictures, predictors scaled so that
scores spread and a few dozen detections of many classes pass the threshold.

OUT_DIR then holds

    first.png, second.png                        480 x 640 and 500 x 375 (height x width), RGB
    {detector}.pth                               state dict; the four detectors of detector_fixtures.py, 91 classes.
                                                 v1 as the published files are: legacy pickle, the names of 2019
                                                 (`fpn.inner_blocks.0.weight`, `rpn.head.conv.weight`, `mask_fcn1`), no
                                                 `num_batches_tracked`; to be run with frozen batch norm of eps 0.
                                                 v2: zip file, today's names.
    {detector}.expected.safetensors              both pictures in one batch at min_size 800, max_size 1333: the keys of
                                                 detector_fixtures.py, every tensor in full, and `mask_rle`, `margins`
    maskrcnn_resnet50_fpn[_v2].training.safetensors
                                                 one step in training mode at min_size 256 of the same weights: the
                                                 keys of loss_fixtures.py without `empty.`; samplers take the first k
                                                 in index order; every part trains (v1 but for its frozen batch norm)
    resnet{18,34,50,101,152}.pth                 zip file, 1000 classes, ordinary batch norm
    resnet{..}.expected.safetensors              `input` float32 [2, 3, 224, 224], `c2` .. `c5`, `logits` [2, 1000]
    oracle.json                                  for each detector: detections and classes of each picture, margins, the
                                                 largest differences of boxes and scores to the same model in float64
                                                 (from the same float32 pixels) and how many detections it gives
                                                 otherwise (box_px 0.05, score 1e-3); seconds

The training step has two smaller pictures of its own; its targets are the drawn shapes, and pictures, boxes, labels and
masks are in the file.
"""

import argparse
import gc
import json
import time
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn
from torchvision import models
from torchvision.io import write_png
from torchvision.models import detection, resnet50
from torchvision.models.detection._utils import overwrite_eps
from torchvision.models.detection.backbone_utils import _resnet_fpn_extractor
from torchvision.models.detection.image_list import ImageList
from torchvision.ops import FrozenBatchNorm2d, box_iou

import calibration
import loss_fixtures
import resnet_fixtures
from detector_fixtures import rounded, run, write_detections, write_stages
from fixture_file import Fixture, require_versions, two_digits
from margins import inference_margins, paste_margin
from pictures import Picture, draw
from stages import Stages, first_in_index_order, start_from

SEED = 0
PICTURES = {"first": (480, 640), "second": (500, 375)}
SHAPES_IN_PICTURE = 24
DETECTORS = {
    "fasterrcnn_resnet50_fpn": detection.FasterRCNN,
    "fasterrcnn_resnet50_fpn_v2": detection.fasterrcnn_resnet50_fpn_v2,
    "maskrcnn_resnet50_fpn": detection.MaskRCNN,
    "maskrcnn_resnet50_fpn_v2": detection.maskrcnn_resnet50_fpn_v2,
}
RESNETS = ["resnet18", "resnet34", "resnet50", "resnet101", "resnet152"]
TRAINING_MIN_SIZE = 256
TRAINING_PICTURES = [(240, 320), (250, 188)]
# Ten thousand candidate boxes meet two non-maximum suppressions: among so many some decision is always near. Pictures
# are drawn until none is nearer than this, or the last ones are taken.
TRAINING_LEAST_MARGIN = 1e-5
TRAINING_SEEDS = range(12)
# What a reader of the results would call the same detection.
BOX_TOLERANCE, SCORE_TOLERANCE = 0.05, 1e-3
# Boxes of full-size models agree to 5e-3 pixels (Winograd's way rounds otherwise), and at the edge of a mask its
# probability changes by a few tenths within a pixel.
UNDECIDED = 1e-3


def main() -> None:
    parser = argparse.ArgumentParser(description="Write full-size reference outputs of torchvision.")
    parser.add_argument("out_dir", type=Path)
    parser.add_argument("--only", nargs="+", choices=[*DETECTORS, *RESNETS], default=[*RESNETS, *DETECTORS])
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    require_versions()
    torch.set_num_threads(arguments.threads)
    arguments.out_dir.mkdir(parents=True, exist_ok=True)
    pictures = draw_pictures(arguments.out_dir)
    summary_path = arguments.out_dir / "oracle.json"
    summary = json.loads(summary_path.read_text()) if summary_path.exists() else {}
    for name in arguments.only:
        start = time.perf_counter()
        write = write_resnet if name in RESNETS else write_detector
        summary[name] = write(name, pictures, arguments.out_dir)
        summary[name]["seconds"] = round(time.perf_counter() - start)
        print(name, json.dumps(summary[name]), flush=True)
        summary_path.write_text(json.dumps(summary, indent=1) + "\n")
        gc.collect()


def draw_pictures(out_dir: Path) -> list[Picture]:
    pictures = [draw(f"oracle.{name}", *size, SHAPES_IN_PICTURE) for name, size in PICTURES.items()]
    for name, picture in zip(PICTURES, pictures):
        write_png(picture.pixels.permute(2, 0, 1).contiguous(), str(out_dir / f"{name}.png"))
    return pictures


def write_resnet(name: str, _pictures, out_dir: Path) -> dict:
    torch.manual_seed(SEED)
    model = getattr(models, name)(weights=None)
    pixels = resnet_fixtures.network_input(side=224)
    calibration.quiet_residuals(model)
    calibration.measure_batch_norm(model, lambda: model(pixels))
    torch.save(model.state_dict(), out_dir / f"{name}.pth")
    fixture = Fixture(seeds={"torch": SEED})
    fixture.full("input", pixels)
    for key, value in resnet_fixtures.run(model, pixels).items():
        fixture.full(key, value)
    fixture.write(out_dir / f"{name}.expected.safetensors")
    return {}


def write_detector(name: str, pictures: list[Picture], out_dir: Path) -> dict:
    images = [picture.as_input() for picture in pictures]
    model = trained_like(name, images)
    save_weights(name, model, out_dir)
    if name.startswith("mask"):
        write_training_step(name, out_dir)
        # Hooks and the modules they look on refer to each other; gigabytes would wait for the collector.
        gc.collect()
    stages = Stages(model)
    outputs, margins = write_expected(name, model, stages, pictures, out_dir)
    batch = stages["transform"]
    start_from(model, ImageList(batch.tensors.double(), batch.image_sizes))
    with torch.no_grad():
        exact = model.double()([image.double() for image in images])
    return {
        "detections": [len(output["labels"]) for output in outputs],
        "classes": [len(output["labels"].unique()) for output in outputs],
        "scores": [[round(float(s), 4) for s in output["scores"][[0, -1]]] for output in outputs],
        "margins": margins,
        "float64": [agreement(*pair) for pair in zip(outputs, exact)],
    }


def write_expected(name: str, model: nn.Module, stages: Stages, pictures: list[Picture], out_dir: Path):
    """Every stage of the two pictures in one batch; returns the detections and the margins."""
    outputs, tensors = run(model, stages, [picture.as_input() for picture in pictures])
    margins = inference_margins(model, stages)
    if name.startswith("mask"):
        margins["paste_corner"] = min(paste_margin(output["boxes"]) for output in outputs)
    fixture = Fixture(settings={}, seeds={"torch": SEED}, margins=rounded(margins))
    write_stages(fixture, stages, tensors, fixture.full)
    write_detections(fixture, stages, outputs, UNDECIDED)
    for image, picture in enumerate(pictures):
        fixture.full(f"input.image{image}", picture.pixels)
    fixture.write(out_dir / f"{name}.expected.safetensors")
    return outputs, fixture.metadata["margins"]


def save_weights(name: str, model: nn.Module, out_dir: Path) -> None:
    path = out_dir / f"{name}.pth"
    if name.endswith("v2"):
        torch.save(model.state_dict(), path)
    else:
        torch.save(names_of_2019(model.state_dict()), path, _use_new_zipfile_serialization=False)


def build(name: str, norm=None) -> nn.Module:
    """v1 with the norm layer given, at first an ordinary one to be measured, then the frozen one of the published."""
    architecture = DETECTORS[name]
    if name.endswith("v2"):
        return architecture(weights=None, weights_backbone=None)
    body = resnet50(weights=None, norm_layer=norm)
    model = architecture(_resnet_fpn_extractor(body, trainable_layers=5), num_classes=91)
    overwrite_eps(model, 0.0)
    return model


def trained_like(name: str, images: list[torch.Tensor]) -> nn.Module:
    torch.manual_seed(SEED)
    measured = build(name, nn.BatchNorm2d)
    calibration.calibrate_detector(measured, images)
    model = build(name, FrozenBatchNorm2d).eval()
    # Frozen batch norm drops `num_batches_tracked` itself.
    model.load_state_dict(measured.state_dict())
    return model


def trained_like_from_file(name: str, out_dir: Path) -> nn.Module:
    """From the file, by torchvision's own loading: the old names are read as torchvision reads the published files."""
    model = build(name, FrozenBatchNorm2d)
    model.load_state_dict(torch.load(out_dir / f"{name}.pth", weights_only=True))
    return model


def names_of_2019(state: dict[str, torch.Tensor]) -> OrderedDict:
    result = OrderedDict()
    for name, value in state.items():
        for block in ("inner_blocks", "layer_blocks"):
            for level in range(4):
                name = name.replace(f"fpn.{block}.{level}.0.", f"fpn.{block}.{level}.")
        name = name.replace("rpn.head.conv.0.0.", "rpn.head.conv.")
        for layer in range(4):
            name = name.replace(f"mask_head.{layer}.0.", f"mask_head.mask_fcn{layer + 1}.")
        result[name] = value
    return result


def write_training_step(name: str, out_dir: Path) -> None:
    for seed in TRAINING_SEEDS:
        model = trained_like_from_file(name, out_dir).train()
        model.transform.min_size = (TRAINING_MIN_SIZE,)
        stages = Stages(model)
        pictures = [
            draw(f"oracle.training.{seed}.{i}", *size, SHAPES_IN_PICTURE) for i, size in enumerate(TRAINING_PICTURES)
        ]
        targets = [picture.as_target() for picture in pictures]
        with first_in_index_order():
            losses = model([picture.as_input() for picture in pictures], targets)
        margins = loss_fixtures.training_margins(model, stages, targets)
        if min(margins.values()) >= TRAINING_LEAST_MARGIN:
            break
    fixture = Fixture(
        settings={"min_size": TRAINING_MIN_SIZE},
        seeds={"torch": SEED, "pictures": seed},
        margins=rounded(margins),
        sampling=loss_fixtures.sampling(stages),
    )
    loss_fixtures.write_inputs(fixture, pictures, targets)
    loss_fixtures.write_choices(fixture, stages)
    for key, value in loss_fixtures.losses_and_gradients(model, losses).items():
        fixture.full(key, value)
    loss_fixtures.write_running_statistics(fixture, model)
    fixture.write(out_dir / f"{name}.training.safetensors")


def agreement(measured: dict, exact: dict) -> dict:
    """Each detection against the float64 detection of its class that overlaps it most."""
    found, box_difference, score_difference = 0, 0.0, 0.0
    for box, score, label in zip(measured["boxes"].double(), measured["scores"].double(), measured["labels"]):
        same = torch.where(exact["labels"] == label)[0]
        if len(same) == 0:
            continue
        partner = same[box_iou(box[None], exact["boxes"][same])[0].argmax()]
        of_box = float((exact["boxes"][partner] - box).abs().max())
        of_score = float((exact["scores"][partner] - score).abs())
        if of_box < BOX_TOLERANCE and of_score < SCORE_TOLERANCE:
            found += 1
            box_difference, score_difference = max(box_difference, of_box), max(score_difference, of_score)
    return {
        "detections": len(exact["labels"]),
        "otherwise": max(len(measured["labels"]), len(exact["labels"])) - found,
        "box_difference_px": two_digits(box_difference),
        "score_difference": two_digits(score_difference),
    }


if __name__ == "__main__":
    main()
