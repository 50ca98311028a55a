"""Writes the parity fixtures of `tests/fixtures` from torchvision. Nothing else may write them.

    python tests/parity/make_fixtures.py [--only resnets|classifier|detectors|losses|ops] [--into FOLDER]

Wants torch 2.11.0, torchvision 0.26.0, pycocotools, pillow 12.0.0 and numpy; takes two to three minutes on one core. One thread and
deterministic kernels: on one machine two runs write the same bytes. On another kind of processor the last digits of
float32 results may differ.

What each file holds is said at the top of the module that makes it:

    resnet_logits.safetensors       resnet_fixtures.py
    classifier.safetensors          classifier_fixtures.py
    detector_{name}.safetensors     detector_fixtures.py
    losses_{v1,v2}.safetensors      loss_fixtures.py      (the model: narrow.py)
    ops.safetensors                 op_fixtures.py

    every file                      fixture_file.py       (what a "sample" of a tensor is)
    the weights                     formula.py            (made by a formula, so not stored)

Every file's metadata names the versions `torch` and `torchvision`.
"""

import argparse
import time
from pathlib import Path

import torch

from classifier_fixtures import write_classifier
from detector_fixtures import write_detectors
from fixture_file import require_versions
from loss_fixtures import write_losses
from op_fixtures import write_ops
from resnet_fixtures import write_resnets

WRITERS = {
    "ops": write_ops,
    "losses": write_losses,
    "resnets": write_resnets,
    "classifier": write_classifier,
    "detectors": write_detectors,
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the parity fixtures from torchvision.")
    parser.add_argument("--only", choices=WRITERS)
    parser.add_argument("--into", type=Path, default=Path(__file__).resolve().parent.parent / "fixtures")
    arguments = parser.parse_args()
    require_versions()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    arguments.into.mkdir(parents=True, exist_ok=True)
    for name, write in WRITERS.items():
        if arguments.only in (None, name):
            start = time.perf_counter()
            write(arguments.into)
            print(f"{name}: {time.perf_counter() - start:.0f} s", flush=True)


if __name__ == "__main__":
    main()
