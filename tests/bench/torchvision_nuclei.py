"""torchvision's side of `cargo xtask bench`: the built-in model's family as a plain script has it.

usage: torchvision_nuclei.py train FOLDER STEPS [DEVICE]
       torchvision_nuclei.py losses FOLDER STEPS THREADS
       torchvision_nuclei.py detect MODEL.safetensors FOLDER OUT.json

FOLDER holds PNG files and `truth.json`, as `kestrel data synth micrograph` draws them. `train` does STEPS steps of the
recipe in `configs/custom/nuclei.yaml`, `losses` does the first STEPS of 2400 and prints the total loss of each; `detect` writes one JSON
line a picture.
"""

import json
import math
import random
import sys
from pathlib import Path

import numpy as np
import torch
from pycocotools import mask as coco_mask
from torchvision.io import ImageReadMode, decode_image

sys.path.insert(0, str(Path(__file__).parents[1] / "parity"))
from trained import BUILT_IN_SIZES, RECIPE_SIZES, nuclei_model, state_dict  # noqa: E402

BATCH_SIZE, LR, WARMUP_STEPS, MAX_NORM = 4, 0.02, 100, 10.0


def picture(path: Path) -> torch.Tensor:
    return decode_image(str(path), ImageReadMode.RGB).float() / 255


def samples(folder: Path) -> list:
    truth = json.loads((folder / "truth.json").read_text())
    objects = {image["id"]: [] for image in truth["images"]}
    for annotation in truth["annotations"]:
        objects[annotation["image_id"]].append(annotation)
    return [(folder / image["file_name"], objects[image["id"]]) for image in truth["images"]]


def read(path: Path, annotations: list) -> tuple[torch.Tensor, dict]:
    image = picture(path)
    masks = [coco_mask.decode(each["segmentation"]) for each in annotations]
    masks = torch.from_numpy(np.array(masks, np.uint8).reshape(-1, *image.shape[1:]))
    boxes = torch.tensor([each["bbox"] for each in annotations]).reshape(-1, 4)
    boxes[:, 2:] += boxes[:, :2]
    if random.random() < 0.5:
        image, masks = image.flip(2), masks.flip(2)
        boxes[:, [0, 2]] = image.shape[2] - boxes[:, [2, 0]]
    if random.random() < 0.5:
        image, masks = image.flip(1), masks.flip(1)
        boxes[:, [1, 3]] = image.shape[1] - boxes[:, [3, 1]]
    return image, {"boxes": boxes, "masks": masks, "labels": torch.ones(len(boxes), dtype=torch.int64)}


def train(folder: Path, num_steps: int, device: str, planned: int, watch=lambda loss: None) -> None:
    random.seed(0)
    torch.manual_seed(0)
    model = nuclei_model(RECIPE_SIZES).train().to(device)
    optimiser = torch.optim.SGD(model.parameters(), lr=LR, momentum=0.9, weight_decay=1e-4)
    half_cosine = lambda step: (1 + math.cos(math.pi * step / planned)) / 2  # noqa: E731
    warmup = lambda step: min(1.0, 0.01 + 0.99 * step / min(WARMUP_STEPS, planned / 2))  # noqa: E731
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: warmup(step) * half_cosine(step))
    pool, queue = samples(folder), []
    for step in range(num_steps):
        torch.manual_seed(step)  # what is drawn in a step does not depend on how much was drawn before
        if len(queue) < BATCH_SIZE:
            queue = random.sample(pool, len(pool))
        batch, queue = queue[:BATCH_SIZE], queue[BATCH_SIZE:]
        images, targets = zip(*(read(*sample) for sample in batch))
        images = [image.to(device) for image in images]
        targets = [{key: value.to(device) for key, value in target.items()} for target in targets]
        loss = sum(model(images, targets).values())
        optimiser.zero_grad()
        loss.backward()
        watch(loss)
        torch.nn.utils.clip_grad_norm_(model.parameters(), MAX_NORM)
        optimiser.step()
        schedule.step()


def detect(model_file: Path, folder: Path, out: Path) -> None:
    model = nuclei_model(BUILT_IN_SIZES)
    model.load_state_dict({name: value.float() for name, value in state_dict(model_file).items()})
    with torch.no_grad(), out.open("w") as lines:
        for path in sorted(folder.glob("*.png")):
            found = model([picture(path)])[0]
            masks = np.asfortranarray((found["masks"][:, 0] > 0.5).numpy().astype(np.uint8).transpose(1, 2, 0))
            rles = coco_mask.encode(masks)
            detections = [
                {"box": box, "score": score, "mask": rle["counts"].decode()}
                for box, score, rle in zip(found["boxes"].tolist(), found["scores"].tolist(), rles)
            ]
            lines.write(json.dumps({"image": path.name, "detections": detections}) + "\n")


if __name__ == "__main__":
    torch.set_num_threads(2)
    if sys.argv[1] == "train":
        train(Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4] if len(sys.argv) > 4 else "cpu", int(sys.argv[3]))
    elif sys.argv[1] == "losses":
        torch.set_num_threads(int(sys.argv[4]))
        train(Path(sys.argv[2]), int(sys.argv[3]), "cpu", 2400, lambda loss: print(loss.item()))
    else:
        detect(*map(Path, sys.argv[2:5]))
