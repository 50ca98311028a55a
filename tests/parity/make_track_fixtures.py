"""Tracks and what TrackEval says of them: tests/fixtures/tracks.

Run in an environment of its own: pip install trackeval==1.3.0

Every case is two files of MOTChallenge text; expected.json has TrackEval's CLEAR, Identity and HOTA.

"""

import json
import pathlib

import numpy as np
from trackeval.metrics import CLEAR, HOTA, Identity

FOLDER = pathlib.Path(__file__).parents[1] / "fixtures" / "tracks"


def iou(a, b):
    shared = np.minimum(a[:, None, :2] + a[:, None, 2:], b[None, :, :2] + b[None, :, 2:])
    shared = np.clip(shared - np.maximum(a[:, None, :2], b[None, :, :2]), 0, None).prod(2)
    union = a[:, 2:].prod(1)[:, None] + b[:, 2:].prod(1)[None] - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def clip(rng, frames, objects):
    """Boxes that walk, and what a poor tracker makes of them."""
    truth, found = [], []
    starts = rng.uniform(0, 80, (objects, 2))
    speed = rng.normal(0, 3, (objects, 2))
    sides = rng.uniform(15, 40, (objects, 2))
    numbers = {k: k + 1 for k in range(objects)}
    for t in range(1, frames + 1):
        for k in range(objects):
            if rng.random() < 0.1:
                continue
            box = [*(starts[k] + t * speed[k]), *sides[k]]
            truth.append([t, k + 1, *box])
            if rng.random() < 0.08:
                numbers[k] = int(rng.integers(1, objects + 4))
            used = {row[1] for row in found if row[0] == t}
            if rng.random() < 0.85 and numbers[k] not in used:
                found.append([t, numbers[k], *(np.array(box) + rng.normal(0, 3, 4))])
        if rng.random() < 0.3:
            found.append([t, 90 + int(rng.integers(3)), *rng.uniform(0, 80, 2), 20, 20])
    return rounded(truth), rounded(found)


def rounded(rows):
    """As the files have them; a side is at least 1."""
    return [[r[0], r[1], round(r[2], 2), round(r[3], 2), round(max(r[4], 1), 2), round(max(r[5], 1), 2)]
            for r in map(lambda row: [float(x) if i > 1 else int(x) for i, x in enumerate(row)], rows)]


def trackeval(truth, found):
    gt_ids = {k: i for i, k in enumerate(sorted({r[1] for r in truth}))}
    tr_ids = {k: i for i, k in enumerate(sorted({r[1] for r in found}))}
    data = {"gt_ids": [], "tracker_ids": [], "similarity_scores": []}
    for t in sorted({r[0] for r in truth} | {r[0] for r in found}):
        a = [r for r in truth if r[0] == t]
        b = [r for r in found if r[0] == t]
        data["gt_ids"].append(np.array([gt_ids[r[1]] for r in a], dtype=int))
        data["tracker_ids"].append(np.array([tr_ids[r[1]] for r in b], dtype=int))
        boxes = [np.array([r[2:] for r in side], dtype=float).reshape(-1, 4) for side in (a, b)]
        data["similarity_scores"].append(iou(*boxes))
    data.update(num_timesteps=len(data["gt_ids"]), num_gt_ids=len(gt_ids), num_tracker_ids=len(tr_ids),
                num_gt_dets=len(truth), num_tracker_dets=len(found))
    clear = CLEAR({"PRINT_CONFIG": False}).eval_sequence(data)
    identity = Identity({"PRINT_CONFIG": False}).eval_sequence(data)
    hota = HOTA().eval_sequence(data)
    integers = ["CLR_TP", "CLR_FN", "CLR_FP", "IDSW", "Frag", "MT", "PT", "ML"]
    numbers = {name: int(clear[name]) for name in integers}
    numbers.update(MOTA=float(clear["MOTA"]), MOTP=float(clear["MOTP"]))
    numbers.update({name: int(identity[name]) for name in ["IDTP", "IDFN", "IDFP"]})
    numbers["IDF1"] = float(identity["IDF1"])
    for name in ["HOTA", "DetA", "AssA", "AssRe", "AssPr", "LocA"]:
        numbers[name] = float(np.mean(hota[name]))
    return numbers


def main():
    rng = np.random.default_rng(5)
    cases = {"one": clip(rng, 12, 1), "few": clip(rng, 30, 4), "crowd": clip(rng, 40, 9)}
    truth, found = clip(rng, 10, 3)
    cases["nothing-found"] = (truth, [])
    cases["nothing-there"] = ([], found)
    # Both sides have frames that the other lacks.
    cases["apart"] = (truth, [[r[0] + 6, *r[1:]] for r in found])
    FOLDER.mkdir(exist_ok=True)
    expected = {}
    for name, (truth, found) in cases.items():
        for side, rows in (("truth", truth), ("found", found)):
            lines = [",".join(map(str, row)) + ",1,-1,-1,-1\n" for row in rows]
            (FOLDER / f"{name}.{side}.txt").write_text("".join(lines))
        expected[name] = trackeval(truth, found)
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=1) + "\n")


if __name__ == "__main__":
    main()
