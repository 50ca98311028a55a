"""Pictures drawn from a seed: flat, striped and chequered rectangles and ellipses on a sloping ground.

Structured like photographs in what matters here: edges, smooth parts, objects of many sizes. Each shape is also an
object: its class is its filling, its mask the pixels where nothing drawn later covers it.
"""

from dataclasses import dataclass

import numpy as np
import torch

from formula import stream


@dataclass
class Picture:
    pixels: torch.Tensor  # uint8 [H, W, 3]
    masks: torch.Tensor  # uint8 [K, H, W], 0 or 1
    labels: torch.Tensor  # int64 [K], 1..3: flat, striped, chequered

    def as_input(self) -> torch.Tensor:
        """float32 [3, H, W] in 0..1, as torchvision's models take it."""
        return self.pixels.permute(2, 0, 1).float() / 255

    def boxes(self) -> torch.Tensor:
        """float32 [K, 4] corner boxes around the masks: x2 and y2 are one past the last pixel."""
        boxes = torch.zeros(len(self.masks), 4)
        for box, mask in zip(boxes, self.masks):
            rows, columns = torch.where(mask > 0)
            box[:] = torch.tensor([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
        return boxes

    def as_target(self) -> dict[str, torch.Tensor]:
        return {"boxes": self.boxes(), "labels": self.labels, "masks": self.masks}


def draw(
    seed: str, height: int, width: int, shape_count: int, *, largest: float = 0.56, ground_label: int | None = None
) -> Picture:
    """Draws `shape_count` shapes of 0.12 to `largest` times the picture's sides.

    The ones that end up nearly hidden stay in the picture but are no objects. With `ground_label` what is left of the
    ground is the first object: one as large as the picture.
    """
    values = iter(stream(f"picture.{seed}", 16 + 16 * shape_count))
    rows, columns = np.meshgrid(np.arange(height) + 0.5, np.arange(width) + 0.5, indexing="ij")
    pixels = _ground(values, rows / height, columns / width)
    owner = np.full((height, width), -1)
    labels = []
    for index in range(shape_count):
        inside, label = _draw_shape(values, pixels, rows, columns, largest)
        owner[inside] = index
        labels.append(label)
    masks = [owner == index for index in range(shape_count)]
    if ground_label is not None:
        masks.insert(0, owner == -1)
        labels.insert(0, ground_label)
    seen = [index for index, mask in enumerate(masks) if mask.sum() >= 64]
    return Picture(
        pixels=torch.from_numpy(np.clip(np.floor(pixels), 0, 255).astype(np.uint8)),
        masks=torch.from_numpy(np.array([masks[index] for index in seen], dtype=np.uint8).reshape(-1, height, width)),
        labels=torch.tensor([labels[index] for index in seen], dtype=torch.int64),
    )


def _ground(values, row_share: np.ndarray, column_share: np.ndarray) -> np.ndarray:
    pixels = np.empty((*row_share.shape, 3))
    for channel in range(3):
        level, down, across = next(values), next(values), next(values)
        pixels[..., channel] = 110 + 60 * level + 50 * down * row_share + 50 * across * column_share
    return pixels


def _draw_shape(values, pixels, rows, columns, largest: float) -> tuple[np.ndarray, int]:
    height, width = rows.shape
    kind, filling, *rest = [next(values) for _ in range(16)]
    growth = (largest / 2 - 0.06) / 2
    half_height = height * (0.06 + growth * (1 + rest[0]))
    half_width = width * (0.06 + growth * (1 + rest[1]))
    dy = (rows - height * (0.5 + 0.45 * rest[2])) / half_height
    dx = (columns - width * (0.5 + 0.45 * rest[3])) / half_width
    inside = dy * dy + dx * dx < 1 if kind < 0 else np.maximum(abs(dy), abs(dx)) < 1
    label = 1 + min(2, int((filling + 1) * 1.5))
    period = 3 + 4 * (1 + rest[4])
    stripe = np.floor(columns / period) % 2
    check = (stripe + np.floor(rows / period)) % 2
    second_share = [np.zeros_like(rows), stripe, check][label - 1][inside]
    for channel in range(3):
        first, second = 128 + 127 * rest[5 + channel], 128 + 127 * rest[8 + channel]
        pixels[inside, channel] = first + (second - first) * second_share
    return inside, label
