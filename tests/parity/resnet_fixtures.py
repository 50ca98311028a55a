"""`resnet_logits.safetensors`: the ten ResNets of torchvision as classifiers, evaluation mode, formula weights.

Keys ("sample" as in fixture_file.py; `name` as torchvision spells the builder):

    input                  float32 [2, 3, 64, 64]: two drawn pictures, (pixel / 255 - mean) / std as for ImageNet
    {name}.logits          float32 [2, 1000]
    {name}.c2 .. .c5       samples of the outputs of layer1 .. layer4

Metadata: `seeds`, and `float64_deviation`, JSON: for each key the largest difference to the same network run in
float64, over the largest absolute value. It shows how much of a difference is rounding.
"""

from pathlib import Path

import torch
from torch import nn
from torchvision import models

import formula
from fixture_file import Fixture, two_digits
from pictures import draw

NAMES = [
    "resnet18",
    "resnet34",
    "resnet50",
    "resnet101",
    "resnet152",
    "resnext50_32x4d",
    "resnext101_32x8d",
    "resnext101_64x4d",
    "wide_resnet50_2",
    "wide_resnet101_2",
]
SEED = "resnet"


def write_resnets(folder: Path) -> None:
    pixels = network_input(side=64)
    fixture = Fixture(seeds={"pictures": SEED}, float64_deviation={})
    fixture.full("input", pixels)
    for name in NAMES:
        model = formula.fill(getattr(models, name)().eval())
        outputs, exact = run(model, pixels), run(model.double(), pixels.double())
        for stage, value in outputs.items():
            (fixture.full if stage == "logits" else fixture.sample)(f"{name}.{stage}", value)
            deviation = (value - exact[stage]).abs().max() / exact[stage].abs().max()
            fixture.metadata["float64_deviation"][f"{name}.{stage}"] = two_digits(float(deviation))
    fixture.write(folder / "resnet_logits.safetensors")


def network_input(side: int) -> torch.Tensor:
    pixels = torch.stack([draw(f"{SEED}.{i}", side, side, 5).as_input() for i in range(2)])
    mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    return (pixels - mean[:, None, None]) / std[:, None, None]


def run(model: nn.Module, pixels: torch.Tensor) -> dict[str, torch.Tensor]:
    with torch.no_grad():
        x = model.maxpool(model.relu(model.bn1(model.conv1(pixels))))
        outputs = {}
        for stage in range(1, 5):
            x = getattr(model, f"layer{stage}")(x)
            outputs[f"c{stage + 1}"] = x
        outputs["logits"] = model(pixels)
    return outputs
