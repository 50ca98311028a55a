"""`classifier.safetensors`: pictures through torchvision's classification transform and a small ResNet.

The reference is `ImageClassification` of torchvision on PIL pictures (`Image.open` in a user's program) with Pillow
12.0.0, and
`ResNet(BasicBlock, [1, 1, 1, 1])` with 10 classes and formula weights, evaluation mode.

Keys, for each `case` of metadata `cases` (JSON: name -> [height, width, resized_side, crop_side]):

    {case}.picture         uint8 [H, W, 3]: a drawn picture
    {case}.square          uint8 [crop_side, crop_side, 3]: resized and cut out of the middle
    {case}.input           a sample (see fixture_file.py) of float32 [3, crop_side, crop_side]: normalised
    {case}.logits          float32 [10]
    {case}.top             int64 [3]: the three likeliest classes, likeliest first
    {case}.scores          float32 [3]: their probabilities
"""

from pathlib import Path

import numpy as np
import torch
from PIL import Image, __version__ as pillow_version
from torchvision.models.resnet import BasicBlock, ResNet
from torchvision.transforms import functional
from torchvision.transforms._presets import ImageClassification

import formula
from fixture_file import Fixture
from pictures import draw

# Shrunk, enlarged, long and high, odd margins on both sides of a half, and the published 256/224.
CASES = {
    "shrunk": (97, 150, 36, 32),
    "enlarged": (20, 31, 72, 64),
    "high": (130, 40, 37, 32),
    "square": (64, 64, 64, 64),
    "odd": (51, 77, 45, 32),
    "published": (120, 161, 256, 224),
}
SEED = "classifier"


def write_classifier(folder: Path) -> None:
    # Pillow 13 resizes some pictures down first and then across, which moves a value by a level.
    assert pillow_version == "12.0.0", pillow_version
    model = formula.fill(ResNet(BasicBlock, [1, 1, 1, 1], num_classes=10).eval())
    cases = {name: list(case) for name, case in CASES.items()}
    fixture = Fixture(seeds={"pictures": SEED}, pillow=pillow_version, cases=cases)
    for name, (height, width, resized_side, crop_side) in CASES.items():
        pixels = draw(f"{SEED}.{name}", height, width, 6).pixels
        picture = Image.fromarray(pixels.numpy())
        square = functional.center_crop(functional.resize(picture, [resized_side]), [crop_side])
        values = ImageClassification(crop_size=crop_side, resize_size=resized_side)(picture)
        with torch.no_grad():
            logits = model(values[None])[0]
        scores, top = logits.softmax(0).topk(3)
        fixture.full(f"{name}.picture", pixels)
        fixture.full(f"{name}.square", torch.from_numpy(np.array(square)))
        fixture.sample(f"{name}.input", values)
        fixture.full(f"{name}.logits", logits)
        fixture.full(f"{name}.top", top)
        fixture.full(f"{name}.scores", scores)
    fixture.write(folder / "classifier.safetensors")
