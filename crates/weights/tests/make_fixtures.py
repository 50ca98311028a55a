"""Writes the small weight files in `fixtures/`. Needs PyTorch 2.11 and safetensors 0.8.

What the files hold is checked by `suite/read.rs`. The numbers are multiples of 1/2, so that every
floating-point type holds them exactly.
"""

import io
import os
import pickle
import struct
import tarfile
from collections import OrderedDict
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

FIXTURES = Path(__file__).parent / "fixtures"


def state_dict():
    """Some tensors under a ResNet's names, one of them a scalar and one of them empty."""
    return OrderedDict(
        [
            ("conv1.weight", (torch.arange(8) * 0.5 - 1).reshape(2, 1, 2, 2)),
            ("bn1.running_mean", torch.tensor([1.5, -2.0])),
            ("bn1.num_batches_tracked", torch.tensor(7)),
            ("fc.weight", torch.zeros(0, 3)),
        ]
    )


def save(name, value, **options):
    torch.save(value, FIXTURES / name, **options)


def containers():
    save("zip.pth", state_dict())
    save("legacy.pth", state_dict(), _use_new_zipfile_serialization=False)
    write_tar("tar.pth", state_dict())
    save_file(state_dict(), FIXTURES / "python.safetensors", metadata={"format": "pt", "note": "größe"})
    save("whole_model.pth", OrderedDict(fc=nn.Linear(2, 1).requires_grad_(False)))
    torch.jit.script(nn.Linear(2, 1)).save(str(FIXTURES / "torch_script.pt"))


def write_tar(name, tensors):
    """The container of PyTorch before 0.1.10, which no later version writes."""
    types = {torch.float32: (torch.FloatStorage, "FloatTensor"), torch.int64: (torch.LongStorage, "LongTensor")}
    storages, records = io.BytesIO(), io.BytesIO()
    for out in (storages, records):
        pickle.dump(len(tensors), out, 2)
    keys = {}
    for key, (tensor_name, tensor) in enumerate(tensors.items()):
        storage_type, tensor_type = types[tensor.dtype]
        pickle.dump((100 + key, "cpu", storage_type), storages, 2)
        storages.write(struct.pack("<q", tensor.numel()) + tensor.numpy().tobytes())
        records.write(b"\x80\x02(K" + bytes([key]) + b"K" + bytes([100 + key]))
        records.write(b"ctorch\n" + tensor_type.encode() + b"\nt.")
        records.write(struct.pack("<ii", tensor.dim(), 0))
        records.write(struct.pack(f"<{2 * tensor.dim() + 1}q", *tensor.shape, *tensor.stride(), 0))
        keys[id(tensor)] = key
    pickle.dump([], storages, 2)

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            return str(keys[id(value)]) if isinstance(value, torch.Tensor) else None

    root = io.BytesIO()
    Pickler(root, 2).dump(tensors)
    info = {"protocol_version": 1000, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 8}}
    members = {"sys_info": pickle.dumps(info, 2), "storages": storages.getvalue(), "tensors": records.getvalue()}
    members["pickle"] = root.getvalue()
    with tarfile.open(FIXTURES / name, "w", format=tarfile.USTAR_FORMAT) as archive:
        for member, content in members.items():
            entry = tarfile.TarInfo(member)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    read_back = torch.load(FIXTURES / name, weights_only=False)
    assert all(torch.equal(read_back[key], tensors[key]) for key in tensors)


def nestings():
    momentum = {"state": {0: {"momentum_buffer": torch.ones(3)}}, "param_groups": [{"lr": 0.1}]}
    save("nested.pth", {"model": state_dict(), "optimizer": momentum, "epoch": 3})
    parallel = OrderedDict((f"module.{name}", tensor) for name, tensor in state_dict().items())
    save("data_parallel.pth", parallel)
    save("nested_parallel.pth", {"state_dict": parallel, "best": 0.5})


def layouts():
    shared = torch.arange(12) * 0.5
    grid = shared.reshape(3, 4)
    views = {"transposed": grid.t(), "tail": shared[10:], "column": grid[:, 1], "repeated": shared[3].expand(2, 2)}
    save("views.pth", views)
    kinds = [torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.int32, torch.int16, torch.int8]
    kinds += [torch.uint8, torch.bool]
    save("kinds.pth", {str(kind).removeprefix("torch."): torch.tensor([0, 1, 3]).to(kind) for kind in kinds})
    save("fractions.pth", {"half": torch.tensor([-1.5, 0.25]).half(), "bfloat": torch.tensor([-1.5, 0.25]).bfloat16()})
    save("unsigned.pth", {"weight": torch.tensor([1, 2], dtype=torch.uint16)})


def old_names():
    names = ["backbone.body.conv1.weight", "backbone.fpn.inner_blocks.0.weight", "backbone.fpn.layer_blocks.3.bias"]
    names += ["rpn.head.conv.weight", "roi_heads.mask_head.mask_fcn1.weight", "roi_heads.mask_head.mask_fcn4.bias"]
    tensors = OrderedDict((name, torch.tensor([float(place)])) for place, name in enumerate(names))
    save("v1_names.pth", tensors, _use_new_zipfile_serialization=False)


class Call:
    """Asks whoever unpickles it to run a command."""

    def __reduce__(self):
        return os.system, ("touch kestrel_was_here",)


def hostile():
    save("hostile_beside.pth", {"fc.bias": torch.tensor([1.5]), "callback": Call()})
    save("hostile_root.pth", Call())
    (FIXTURES / "hostile.pkl").write_bytes(pickle.dumps(Call(), 2))
    save("expanding.pth", {"fc.bias": torch.zeros(1).expand(2**31)})


def without_weights():
    save("list.pth", [0.5, 1.5])
    save("no_tensors.pth", {"lr": 0.1})


if __name__ == "__main__":
    torch.manual_seed(0)
    FIXTURES.mkdir(exist_ok=True)
    for write in (containers, nestings, layouts, old_names, hostile, without_weights):
        write()
    for path in sorted(FIXTURES.iterdir()):
        print(f"{path.stat().st_size:6} {path.name}")
