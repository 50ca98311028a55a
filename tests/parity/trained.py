"""A model that Kestrel trained, in torchvision: every weight is taken (`strict=True`), and it finds what
`kestrel detect` found.

usage: trained.py MODEL.safetensors PICTURES FOUND.json

The model is one of `configs/custom/nuclei.yaml`; FOUND.json is what `kestrel detect` wrote for the PNG files in
PICTURES.
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np
import torch
from pycocotools import mask as coco_mask
from torchvision.io import ImageReadMode, decode_image
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.resnet import BasicBlock, ResNet

TYPES = {"F32": np.float32, "F16": np.float16}
# What is asked of any weights, see PARITY.md.
BOX_PX, SCORE, MASK_IOU = 0.05, 1e-3, 0.99


# Of pictures, shorter and longer side: in `models/nuclei.yaml` and in `configs/custom/nuclei.yaml`.
BUILT_IN_SIZES, RECIPE_SIZES = (416, 832), (256, 512)


def nuclei_model(sizes: tuple[int, int]) -> MaskRCNN:
    """`models/nuclei.yaml` in torchvision's words."""
    backbone = BackboneWithFPN(
        ResNet(BasicBlock, [1, 1, 1, 1]),
        return_layers={f"layer{stage + 1}": str(stage) for stage in range(4)},
        in_channels_list=[64, 128, 256, 512],
        out_channels=64,
    )
    return MaskRCNN(
        backbone,
        min_size=sizes[0],
        max_size=sizes[1],
        rpn_anchor_generator=AnchorGenerator(tuple((8 << level,) for level in range(5)), ((0.5, 1.0, 2.0),) * 5),
        rpn_pre_nms_top_n_train=1000,
        rpn_post_nms_top_n_train=500,
        rpn_pre_nms_top_n_test=1000,
        rpn_post_nms_top_n_test=500,
        box_head=TwoMLPHead(64 * 7 * 7, 256),
        box_predictor=FastRCNNPredictor(256, 2),
        mask_head=MaskRCNNHeads(64, [64, 64], 1),
        mask_predictor=MaskRCNNPredictor(64, 64, 2),
        box_batch_size_per_image=128,
        box_detections_per_img=300,
    ).eval()


def state_dict(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file of floats: a length, a header in JSON, the numbers."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    header.pop("__metadata__", None)
    tensors = {}
    for name, info in header.items():
        begin, end = (8 + length + offset for offset in info["data_offsets"])
        values = np.frombuffer(data[begin:end], TYPES[info["dtype"]]).reshape(info["shape"])
        tensors[name] = torch.from_numpy(values.copy())
    return tensors


def worst(expected: dict, found: list) -> tuple[float, float, float]:
    """The largest differences of boxes and scores and the smallest overlap of masks, in the order of scores."""
    boxes = np.array([each["box"] for each in found], np.float32).reshape(-1, 4)
    scores = np.array([each["score"] for each in found], np.float32)
    masks = [coco_mask.decode(each["mask"]) for each in found]
    theirs = (expected["masks"][:, 0] > 0.5).numpy()
    assert len(found) == len(expected["scores"]), f"{len(found)} found, torchvision {len(expected['scores'])}"
    overlaps = [(a & b).sum() / max((a | b).sum(), 1) for a, b in zip(theirs, (mask > 0 for mask in masks))]
    box = np.abs(boxes - expected["boxes"].numpy()).max(initial=0.0)
    score = np.abs(scores - expected["scores"].numpy()).max(initial=0.0)
    return float(box), float(score), float(min(overlaps, default=1.0))


def main() -> None:
    model_file, pictures, found_file = map(Path, sys.argv[1:])
    model = nuclei_model(RECIPE_SIZES)
    model.load_state_dict(state_dict(model_file), strict=True)
    num_detections, rows = 0, []
    for line in found_file.read_text().splitlines():
        entry = json.loads(line)
        picture = decode_image(str(pictures / Path(entry["image"]).name), ImageReadMode.RGB)
        with torch.no_grad():
            expected = model([picture.float() / 255])[0]
        rows.append(worst(expected, entry["detections"]))
        num_detections += len(entry["detections"])
    box, score, _ = (max(column) for column in zip(*rows))
    mask = min(row[2] for row in rows)
    print(f"a model trained here, in torchvision: {num_detections} detections on {len(rows)} pictures")
    print(f"worst box {box:.1e} px, score {score:.1e}, mask IoU {mask:.4f}")
    assert num_detections > 0 and box <= BOX_PX and score <= SCORE and mask >= MASK_IOU


if __name__ == "__main__":
    main()
