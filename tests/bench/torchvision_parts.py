"""torchvision's side of the R50-FPN rows of `cargo xtask bench`.

usage: torchvision_parts.py prepare FOLDER       weights (calibration.py) and inputs.safetensors
       torchvision_parts.py ROW FOLDER [DEVICE [BATCH [PRECISION]]]

Rows of whole detectors and of training know other devices than `cpu` and other precisions than `float32`, by autocast;
those of detectors other batches than 1. A row is set up, says so with a line, and then does its work once for each line
it reads; it answers with the seconds that took. The other side is `crates/rcnn/examples/bench_parts.rs`, which takes
the same files.
"""

import sys
import time
from contextlib import nullcontext
from pathlib import Path

import torch
from torchvision.models.detection import roi_heads
from torchvision.ops import nms

sys.path.insert(0, str(Path(__file__).parents[1] / "parity"))
import oracle  # noqa: E402
from fixture_file import Fixture  # noqa: E402
from pictures import draw  # noqa: E402

PICTURES = [draw(f"bench.{name}", 480, 640, 8) for name in ("first", "second")]
IMAGES = [picture.as_input() for picture in PICTURES]
NUM_BOXES, NUM_MASKS, PASTED_SIDE = 20_000, 100, 1600


def random_boxes(count: int, extent: float, largest: float) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    corners = torch.rand(count, 2, generator=generator) * extent
    return torch.cat([corners, corners + 8 + torch.rand(count, 2, generator=generator) * largest], 1)


BOXES = random_boxes(NUM_BOXES, 1000, 200)
SCORES = torch.rand(NUM_BOXES, generator=torch.Generator().manual_seed(1))
PASTED_BOXES = random_boxes(NUM_MASKS, 1200, 400)
MASKS = torch.rand(NUM_MASKS, 1, 28, 28, generator=torch.Generator().manual_seed(2))
ROIS = random_boxes(1000, 640, 300)


def prepare(folder: Path) -> None:
    for name in ("fasterrcnn_resnet50_fpn", "maskrcnn_resnet50_fpn"):
        oracle.save_weights(name, oracle.trained_like(name, IMAGES[:1]), folder)
    inputs = Fixture()
    for image, picture in enumerate(PICTURES):
        target = {key: value for key, value in picture.as_target().items()}
        for key, value in {"pixels": picture.pixels, **target}.items():
            inputs.full(f"{image}.{key}", value)
    for key, value in {"nms.boxes": BOXES, "nms.scores": SCORES, "paste.boxes": PASTED_BOXES, "paste.masks": MASKS}.items():
        inputs.full(key, value)
    inputs.full("rois", ROIS)
    inputs.write(folder / "inputs.safetensors")


def argument(place: int, default: str) -> str:
    return sys.argv[place] if len(sys.argv) > place else default


DEVICE, BATCH, PRECISION = argument(3, "cpu"), int(argument(4, "1")), argument(5, "float32")


def in_precision():
    return nullcontext() if PRECISION == "float32" else torch.autocast(DEVICE, getattr(torch, PRECISION))


def inference(name: str, folder: Path):
    model = oracle.trained_like_from_file(name, folder).eval().to(DEVICE)
    pixels = PICTURES[0].pixels.permute(2, 0, 1).contiguous()

    def work():
        with in_precision():
            found = model([pixels.to(DEVICE).float() / 255 for _ in range(BATCH)])
            # What was found is wanted where it can be printed.
            return [{key: value.cpu() for key, value in of_image.items()} for of_image in found]

    return work


def faster(folder: Path):
    return inference("fasterrcnn_resnet50_fpn", folder)


def mask(folder: Path):
    return inference("maskrcnn_resnet50_fpn", folder)


def parts(folder: Path):
    """The model, its input after resizing, and its pyramid."""
    model = oracle.trained_like_from_file("fasterrcnn_resnet50_fpn", folder).eval()
    batch, _ = model.transform(IMAGES[:1])
    return model, batch, model.backbone(batch.tensors)


def backbone(folder: Path):
    model, batch, _ = parts(folder)
    return lambda: model.backbone(batch.tensors)


def rpn(folder: Path):
    model, batch, pyramid = parts(folder)
    return lambda: model.rpn(batch, pyramid)


def roi_align(folder: Path):
    model, batch, pyramid = parts(folder)
    return lambda: model.roi_heads.box_roi_pool(pyramid, [ROIS], batch.image_sizes)


def roi_align_training(folder: Path):
    model, batch, pyramid = parts(folder)
    leaves = {name: level.detach().requires_grad_() for name, level in pyramid.items()}

    def work():
        with torch.enable_grad():
            crops = model.roi_heads.box_roi_pool(leaves, [ROIS[:512]], batch.image_sizes)
            crops.backward(torch.ones_like(crops))
        for leaf in leaves.values():
            leaf.grad = None

    return work


def suppression(_folder: Path):
    return lambda: nms(BOXES, SCORES, 0.7)


def paste(_folder: Path):
    return lambda: roi_heads.paste_masks_in_image(MASKS, PASTED_BOXES, (PASTED_SIDE, PASTED_SIDE))


def training(folder: Path):
    model = oracle.trained_like_from_file("maskrcnn_resnet50_fpn", folder).train().to(DEVICE)
    parameters = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimiser = torch.optim.SGD(parameters, lr=1e-6, momentum=0.9, weight_decay=1e-4)
    targets = [picture.as_target() for picture in PICTURES]
    pixels = [picture.pixels.permute(2, 0, 1).contiguous() for picture in PICTURES]

    def work():
        images = [image.to(DEVICE).float() / 255 for image in pixels]
        moved = [{key: value.to(DEVICE) for key, value in target.items()} for target in targets]
        with torch.enable_grad():
            with in_precision():
                losses = model(images, moved)
            optimiser.zero_grad()
            sum(losses.values()).backward()
            optimiser.step()
        return [loss.item() for loss in losses.values()]

    return work


ROWS = {
    "faster": faster,
    "mask": mask,
    "backbone": backbone,
    "rpn": rpn,
    "roi-align": roi_align,
    "roi-align-training": roi_align_training,
    "nms": suppression,
    "paste": paste,
    "training": training,
}


def serve(work) -> None:
    work()
    print("ready", flush=True)
    for _ in sys.stdin:
        begin = time.perf_counter()
        work()
        print(time.perf_counter() - begin, flush=True)


if __name__ == "__main__":
    torch.set_num_threads(2)
    what, folder = sys.argv[1], Path(sys.argv[2])
    if what == "prepare":
        prepare(folder)
    else:
        with torch.no_grad():
            serve(ROWS[what](folder))
