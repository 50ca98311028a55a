"""Writes one `.safetensors` file, byte for byte the same on every run.

The library's own writer keeps metadata in a hash map, whose order changes from run to run; hence this one.

Large tensors are kept as a *sample*. Of a tensor `k` in row-major (NCHW) order the file then holds

    k#shape    int64   [rank]
    k#norm     float64 [1]                 the L2 norm of the whole tensor, summed in float64
    k#values   float32 [min(512, numel)]   elements at the flat indices floor(j * numel / 512), j = 0..511;
                                           all elements in order when numel <= 512
"""

import hashlib
import json
import struct
import sys
from pathlib import Path

import numpy as np
import torch
import torchvision

SAMPLE_COUNT = 512
REFERENCE = {"torch": "2.11.0", "torchvision": "0.26.0"}
DTYPE_NAMES = {"float64": "F64", "float32": "F32", "int64": "I64", "uint8": "U8"}


def sample_indices(numel: int) -> torch.Tensor:
    if numel <= SAMPLE_COUNT:
        return torch.arange(numel)
    return torch.arange(SAMPLE_COUNT) * numel // SAMPLE_COUNT


class Fixture:
    """Tensors and metadata on their way to one file."""

    def __init__(self, **metadata):
        self.tensors: dict[str, np.ndarray] = {}
        self.metadata = {**versions(), **metadata}

    def full(self, key: str, value) -> None:
        array = np.asarray(torch.as_tensor(value).detach().numpy(), order="C")
        assert key not in self.tensors, key
        assert array.dtype.name in DTYPE_NAMES, (key, array.dtype)
        self.tensors[key] = array

    def sample(self, key: str, value: torch.Tensor) -> None:
        flat = value.detach().reshape(-1)
        self.full(f"{key}#shape", torch.tensor(value.shape, dtype=torch.int64))
        self.full(f"{key}#norm", flat.double().norm().reshape(1))
        self.full(f"{key}#values", flat[sample_indices(flat.numel())].float())

    def write(self, path: Path) -> None:
        # Wide types first, as the format's own writer does: every tensor then starts at a multiple of its width.
        order = sorted(self.tensors, key=lambda key: (-self.tensors[key].itemsize, key))
        header = {"__metadata__": {key: _as_text(value) for key, value in sorted(self.metadata.items())}}
        end = 0
        for key in order:
            array = self.tensors[key]
            start, end = end, end + array.nbytes
            header[key] = {
                "dtype": DTYPE_NAMES[array.dtype.name],
                "shape": list(array.shape),
                "data_offsets": [start, end],
            }
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        digest = hashlib.sha256()
        with path.open("wb") as file:
            for block in (struct.pack("<Q", len(text)), text, *(self.tensors[key].data for key in order)):
                file.write(block)
                digest.update(block)
        size = path.stat().st_size / 1000
        print(f"{path.name}: {size:.0f} kB, {len(order)} tensors, sha256 {digest.hexdigest()[:12]}", flush=True)


def _as_text(value) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def versions() -> dict[str, str]:
    """Without the build's suffix: 2.11.0+cpu is 2.11.0."""
    return {module.__name__: module.__version__.split("+")[0] for module in (torch, torchvision)}


def require_versions() -> None:
    if versions() != REFERENCE:
        sys.exit(f"nothing written: found {versions()}, expected {REFERENCE}; install those")


def two_digits(value: float) -> float:
    """Measured margins and deviations are kept to two digits: they say how large, not exactly what."""
    return float(f"{value:.1e}")
