"""Writes the fixtures of `tests/fixtures/eval` from pycocotools. Nothing else may write them.

    python tests/parity/make_eval_fixtures.py [--into FOLDER] [--instances FILE]

Wants pycocotools 2.0.11 and numpy. A fixture is a folder with

    truth.json      ground truth in COCO's format
    results.json    a results list made from it: objects found with jittered boxes and masks, found twice, taken for
                    another class or not found, and detections of nothing; scores in steps, so that many are equal
    expected.json   pycocotools' numbers on the two, in full precision, boxes and masks; and the versions and the seed

The ground truth of the fixtures is invented here: discs and rectangles on small images, among them crowds, images
without objects, a class without objects, sparse ids, polygons and run lengths. With `--instances` it is that of a COCO
file instead, and one folder `instances` is written: for a check that stores nothing of that file, name a temporary
folder with `--into` and then in KESTREL_EVAL_ORACLE for `cargo test -p kestrel-eval`.

pycocotools takes the area of a detection from its box where the list has boxes. Masks are scored on a list without
boxes here, as torchvision and detectron2 do, so that areas are those of the masks.
"""

import argparse
import contextlib
import copy
import importlib.metadata
import io
import json
from pathlib import Path

import numpy as np
from pycocotools import mask as masks
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

PYCOCOTOOLS = "2.0.11"

# Ids with gaps; nothing is ever annotated as "unseen".
CATEGORIES = [(1, "disc"), (3, "slab"), (7, "rod"), (8, "dot"), (90, "unseen")]

# Name: seed, images, most objects an image, share of crowds, steps of the scores.
CASES = {
    "ties": (11, 20, 8, 0.0, 5),
    "crowds": (12, 16, 8, 0.25, 20),
    "many": (13, 4, 40, 0.05, 10),
}


def main() -> None:
    parser = argparse.ArgumentParser(description="Write the evaluation fixtures from pycocotools.")
    parser.add_argument("--into", type=Path, default=Path(__file__).resolve().parent.parent / "fixtures" / "eval")
    parser.add_argument("--instances", type=Path, help="a COCO file to take the ground truth from")
    arguments = parser.parse_args()
    found = importlib.metadata.version("pycocotools")
    if found != PYCOCOTOOLS:
        raise SystemExit(f"found pycocotools {found}, expected {PYCOCOTOOLS}")
    if arguments.instances:
        truth = json.loads(arguments.instances.read_text())
        write(arguments.into / "instances", truth, seed=14, score_steps=20)
        return
    for name, (seed, num_images, max_objects, crowd_share, score_steps) in CASES.items():
        truth = invented(np.random.default_rng(seed), num_images, max_objects, crowd_share)
        write(arguments.into / name, truth, seed, score_steps)


def write(folder: Path, truth: dict, seed: int, score_steps: int) -> None:
    found = results(np.random.default_rng(seed + 1000), truth, score_steps)
    without_boxes = [{key: value for key, value in row.items() if key != "bbox"} for row in found]
    expected = {
        "pycocotools": PYCOCOTOOLS,
        "numpy": np.__version__,
        "seed": seed,
        "boxes": numbers(truth, found, "bbox"),
        "masks": numbers(truth, without_boxes, "segm"),
    }
    folder.mkdir(parents=True, exist_ok=True)
    for name, value in [("truth", truth), ("results", found), ("expected", expected)]:
        (folder / f"{name}.json").write_text(json.dumps(value, separators=(",", ":")) + "\n")
    print(f"{folder.name}: {len(found)} results, box AP {expected['boxes']['stats'][0]:.3f}")


def invented(random: np.random.Generator, num_images: int, max_objects: int, crowd_share: float) -> dict:
    images, annotations = [], []
    for index in range(num_images):
        height, width = int(random.integers(90, 150)), int(random.integers(110, 190))
        image_id = 5 + 3 * index
        images.append({"id": image_id, "file_name": f"{image_id:04}.png", "height": height, "width": width})
        # Every fifth image has no objects.
        for _ in range(0 if index % 5 == 4 else int(random.integers(1, max_objects + 1))):
            bitmap, polygon = shape(random, height, width)
            crowd = random.random() < crowd_share
            runs = masks.encode(np.asfortranarray(bitmap))
            segmentation = uncompressed(bitmap) if crowd else polygon or text(runs)
            if not crowd and polygon:
                runs = masks.merge(masks.frPyObjects(polygon, height, width))
            annotations.append(
                {
                    "id": 100 + 2 * len(annotations),
                    "image_id": image_id,
                    "category_id": CATEGORIES[int(random.integers(0, len(CATEGORIES) - 1))][0],
                    "bbox": [float(value) for value in masks.toBbox(runs)],
                    "area": float(masks.area(runs)),
                    "iscrowd": int(crowd),
                    "segmentation": segmentation,
                }
            )
    categories = [{"id": id, "name": name} for id, name in CATEGORIES]
    return {"images": images, "annotations": annotations, "categories": categories}


def shape(random: np.random.Generator, height: int, width: int) -> tuple[np.ndarray, list | None]:
    """A disc as a bitmap, or a rectangle as a bitmap and a polygon. From 4 pixels to larger than 96 x 96."""
    size = float(np.exp(random.uniform(np.log(4), np.log(130))))
    h, w = min(height - 2, size * random.uniform(0.7, 1.4)), min(width - 2, size * random.uniform(0.7, 1.4))
    y, x = random.uniform(0, height - h), random.uniform(0, width - w)
    rows, columns = np.mgrid[:height, :width] + 0.5
    if random.random() < 0.5:
        x1, y1, x2, y2 = (round(value, 1) for value in (x, y, x + w, y + h))
        inside = (rows > y1) & (rows < y2) & (columns > x1) & (columns < x2)
        return inside.astype(np.uint8), [[x1, y1, x2, y1, x2, y2, x1, y2]]
    inside = ((rows - y - h / 2) / (h / 2)) ** 2 + ((columns - x - w / 2) / (w / 2)) ** 2 <= 1
    return inside.astype(np.uint8), None


def results(random: np.random.Generator, truth: dict, score_steps: int) -> list[dict]:
    coco = quietly(COCO)
    coco.dataset = truth
    quietly(coco.createIndex)
    category_ids = [category["id"] for category in truth["categories"]]
    found = []

    def add(image_id: int, category_id: int, bitmap: np.ndarray, box: np.ndarray) -> None:
        found.append(
            {
                "image_id": image_id,
                "category_id": category_id,
                "bbox": [round(float(value), 2) for value in box],
                "score": int(random.integers(1, score_steps + 1)) / score_steps,
                "segmentation": text(masks.encode(np.asfortranarray(bitmap))),
            }
        )

    for annotation in truth["annotations"]:
        bitmap, box = coco.annToMask(annotation), np.array(annotation["bbox"])
        for _ in range(int(random.choice([0, 1, 1, 1, 2, 3]))):
            category_id = annotation["category_id"]
            if random.random() < 0.15:
                category_id = int(random.choice(category_ids))
            # From exact to far off, so that every IoU threshold parts some.
            spread = float(random.choice([0.0, 0.02, 0.06, 0.15, 0.4]))
            steps = np.round(random.normal(0, spread, 2) * box[2:]).astype(int)
            add(annotation["image_id"], category_id, shifted(bitmap, *steps), jittered(random, box, spread))
    for image in truth["images"]:
        for _ in range(int(random.integers(0, 4))):
            bitmap, _ = shape(random, image["height"], image["width"])
            box = masks.toBbox(masks.encode(np.asfortranarray(bitmap)))
            add(image["id"], int(random.choice(category_ids)), bitmap, jittered(random, box, 0.1))
    # More detections of one class in an image than are counted, and an empty mask and box.
    image = truth["images"][0]
    for _ in range(110):
        bitmap, _ = shape(random, image["height"], image["width"])
        add(image["id"], category_ids[0], bitmap, masks.toBbox(masks.encode(np.asfortranarray(bitmap))))
    add(image["id"], category_ids[0], np.zeros((image["height"], image["width"]), np.uint8), np.zeros(4))
    return [found[index] for index in random.permutation(len(found))]


def jittered(random: np.random.Generator, box: np.ndarray, spread: float) -> np.ndarray:
    x, y, w, h = box
    dx, dy, dw, dh = random.normal(0, spread, 4)
    return np.array([x + dx * w, y + dy * h, w * max(0.1, 1 + dw), h * max(0.1, 1 + dh)])


def shifted(bitmap: np.ndarray, columns: int, rows: int) -> np.ndarray:
    height, width = bitmap.shape
    moved = np.zeros_like(bitmap)
    y1, y2 = max(rows, 0), min(height + rows, height)
    x1, x2 = max(columns, 0), min(width + columns, width)
    if y1 < y2 and x1 < x2:
        moved[y1:y2, x1:x2] = bitmap[y1 - rows : y2 - rows, x1 - columns : x2 - columns]
    return moved


def text(runs: dict) -> dict:
    return {"size": [int(side) for side in runs["size"]], "counts": runs["counts"].decode()}


def uncompressed(bitmap: np.ndarray) -> dict:
    pixels = bitmap.flatten(order="F")
    ends = np.flatnonzero(np.diff(np.concatenate([[0], pixels, [2]]))).tolist()
    counts = np.diff([0, *ends]).tolist()
    return {"size": list(bitmap.shape), "counts": counts}


def numbers(truth: dict, found: list[dict], iou_type: str) -> dict:
    coco = quietly(COCO)
    coco.dataset = copy.deepcopy(truth)
    quietly(coco.createIndex)
    evaluation = COCOeval(coco, quietly(coco.loadRes, copy.deepcopy(found)), iou_type)
    for step in (evaluation.evaluate, evaluation.accumulate, evaluation.summarize):
        quietly(step)
    # IoU, recall, class; all sizes, 100 detections.
    precision = evaluation.eval["precision"][:, :, :, 0, 2]
    recall = evaluation.eval["recall"][:, :, 0, 2]
    return {
        "stats": [float(value) for value in evaluation.stats],
        "class_ap": [mean(precision[:, :, k]) for k in range(precision.shape[2])],
        "class_ar": [mean(recall[:, k]) for k in range(recall.shape[1])],
        "ap_at_iou": [mean(precision[t]) for t in range(len(precision))],
    }


def mean(values: np.ndarray) -> float | None:
    computed = values[values > -1]
    return float(np.mean(computed)) if computed.size else None


def quietly(function, *arguments):
    with contextlib.redirect_stdout(io.StringIO()):
        return function(*arguments)


if __name__ == "__main__":
    main()
