"""Model weights made by a formula, so that no weights are stored beside the fixtures.

Any program can make them; the Rust side does. Everything is exact integer arithmetic modulo 2^64 and one
float64 expression, so the two sides agree to the last bit.

For a tensor called `name` (its name in the torch state dict, UTF-8) and an element's flat row-major index i:

    state = FNV1a64(name) + (i + 1) * 0x9E3779B97F4A7C15        FNV: offset 0xCBF29CE484222325, prime 0x100000001B3
    z = state
    z = (z xor (z >> 30)) * 0xBF58476D1CE4E5B9
    z = (z xor (z >> 27)) * 0x94D049BB133111EB
    z =  z xor (z >> 31)
    u = (z >> 40) / 2^23 - 1                                     in [-1, 1), exact in float32
    value = float32(center + scale * u)                          computed in float64: one product, one sum, no fma

(`z` is the output function of SplitMix64; the multiplications, like the additions, wrap.)

To check an implementation: FNV1a64("conv1.weight") is 0x69A29A2CEE47D254; for that name z >> 40 is 9144840, 12501739
and 3351013 at i = 0, 1 and 9407; the first value of the tensor "conv1.weight" [64, 3, 7, 7] is 0.018213026225566864.

`center` and `scale` come from `recipe.json`: the first rule of `rules` that matches wins. A rule matches a name that
ends with its `suffix` and has its `contains` somewhere (each is "" where absent). It gives `center` and `scale`, or
`fan_in_gain` g, which means center 0 and scale = g * sqrt(3 / fan_in) in float64, with fan_in the product of shape[1:]
(standard deviation g / sqrt(fan_in)). A transposed convolution [in, out, k, k] is read the same way. Integer tensors
(`num_batches_tracked`) have no rule and stay 0. A float tensor without a rule is an error.
"""

import json
import math
from pathlib import Path

import numpy as np
import torch
from torch import nn

RECIPE_PATH = Path(__file__).with_name("recipe.json")


def fnv1a64(text: str) -> int:
    digest = 0xCBF29CE484222325
    for byte in text.encode():
        digest = ((digest ^ byte) * 0x100000001B3) & (2**64 - 1)
    return digest


def stream(name: str, count: int) -> np.ndarray:
    """The first `count` values of u for `name`: float64 [count] in [-1, 1)."""
    z = np.arange(1, count + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z += np.uint64(fnv1a64(name))
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return (z >> np.uint64(40)).astype(np.float64) / 2.0**23 - 1.0


def tensor(name: str, shape, center: float = 0.0, scale: float = 1.0) -> torch.Tensor:
    """A float32 tensor of the formula, for the inputs of single operations."""
    values = center + scale * stream(name, math.prod(shape))
    return torch.from_numpy(values.astype(np.float32)).reshape(shape)


def center_and_scale(name: str, shape, rules) -> tuple[float, float]:
    for rule in rules:
        if name.endswith(rule.get("suffix", "")) and rule.get("contains", "") in name:
            if "fan_in_gain" in rule:
                return 0.0, rule["fan_in_gain"] * math.sqrt(3.0 / math.prod(shape[1:]))
            return rule["center"], rule["scale"]
    raise ValueError(f"no weight recipe: the tensor {name!r} matches no rule; add one to {RECIPE_PATH.name}")


def fill(model: nn.Module) -> nn.Module:
    """Overwrites every float tensor of the model's state dict by the formula; returns the model."""
    rules = json.loads(RECIPE_PATH.read_text())["rules"]
    with torch.no_grad():
        for name, target in model.state_dict().items():
            if target.is_floating_point():
                center, scale = center_and_scale(name, target.shape, rules)
                target.copy_(tensor(name, tuple(target.shape), center, scale))
    return model
