"""Write the fixtures with PyTorch: python tests/weights/make_fixtures.py (torch, safetensors).

What the repository holds was written by torch 2.13.0 and safetensors 0.8.0 on a CPU.
"""

import argparse
import gzip
import json
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch
import torch_twins as twins
from safetensors.torch import save_file

FOLDER = Path(__file__).parent / "fixtures"
INCEPTIONS = {
    "a3": (64, 96, 128, 16, 32, 32),
    "b3": (128, 128, 192, 32, 96, 64),
    "a4": (192, 96, 208, 16, 48, 64),
    "b4": (160, 112, 224, 24, 64, 64),
    "c4": (128, 128, 256, 24, 64, 64),
    "d4": (112, 144, 288, 32, 64, 64),
    "e4": (256, 160, 320, 32, 128, 128),
    "a5": (256, 160, 320, 32, 128, 128),
    "b5": (384, 192, 384, 48, 128, 128),
}


def resnet(depth, **how):
    """A full-size network."""
    counts = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3)}
    counts = counts.get(depth, (3, 8, 36, 3))
    return twins.ResNet(counts, depth >= 50, 64, (64, 128, 256, 512), **how)


def vgg(depth, norm):
    counts = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
    return twins.Vgg(counts[depth], (64, 128, 256, 512, 512), 4096, norm, 1000)


def deeplab(depth):
    return twins.DeepLabV3(resnet(depth, dilated=(3, 4)), 1024, 2048, 256, 256, 21)


def full_size():
    """The networks whose names and shapes are kept, without numbers."""
    yield from ((f"resnet{d}", resnet(d, classes=1000)) for d in (18, 34, 50, 101, 152))
    for depth in (11, 13, 16, 19):
        yield f"vgg{depth}_imagenet", vgg(depth, norm=False)
        yield f"vgg{depth}_bn_imagenet", vgg(depth, norm=True)
    yield from ((f"deeplabv3_resnet{d}", deeplab(d)) for d in (50, 101))
    yield "vgg16_fmc", twins.HRankVgg((64, 128, 256, 512, 512), 512, 10)
    yield "resnet56_a", twins.HRankResNet(9, (16, 32, 64), "fc", 10)
    yield "resnet110_a", twins.HRankResNet(18, (16, 32, 64), "linear", 10)
    yield "densenet40_24", twins.HRankDenseNet(24, 12, 12, 10)
    yield "googlenet", twins.HRankGoogLeNet(192, INCEPTIONS, 10)


def narrow(width, factor):
    return max(2, width // factor)


def small():
    """Yield name, network, image size: what tests/weights/keras_twins.py builds in Keras."""
    widths = [narrow(w, 32) for w in (64, 128, 256, 512, 512)]
    yield "resnet_basic", twins.ResNet((2, 1, 1, 1), False, 2, (2, 4, 8, 16), 5), (41, 56)
    yield "resnet_bottleneck", twins.ResNet((1, 2, 1, 1), True, 2, (2, 4, 8, 16), 5), (40, 56)
    yield "vgg", twins.Vgg((1, 1, 2, 2, 2), widths, 8, False, 5), (64, 96)
    yield "vgg_bn", twins.Vgg((1, 1, 2, 2, 2), widths, 8, True, 5), (224, 224)
    backbone = twins.ResNet((3, 4, 6, 3), True, 2, (2, 4, 8, 16), dilated=(3, 4))
    yield "deeplabv3", twins.DeepLabV3(backbone, 32, 64, 8, 2, 3), (65, 96)
    yield "hrank_vgg", twins.HRankVgg(widths, 16, 5), (32, 32)
    yield "hrank_resnet", twins.HRankResNet(1, (2, 2, 2), "linear", 5), (32, 24)
    yield "hrank_densenet", twins.HRankDenseNet(8, 4, 2, 5), (16, 16)
    inceptions = {k: [narrow(w, 32) for w in widths] for k, widths in INCEPTIONS.items()}
    yield "hrank_googlenet", twins.HRankGoogLeNet(6, inceptions, 5), (32, 32)


def randomise(network):
    """Give every parameter and statistic a value that shows when it goes astray."""
    for name, tensor in network.state_dict().items():
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
        elif name.endswith("running_mean") or tensor.ndim == 1:
            tensor.normal_(0.0, 0.2)
        if name.endswith("weight") and tensor.ndim == 1:
            tensor.add_(1.0)
        if tensor.ndim > 1:
            tensor.normal_(0.0, tensor[0].numel() ** -0.5 * 1.4)
    network.half().float()  # so that half-precision files hold the same numbers
    return network.eval()


def images(size):
    """The input that the tests make too: [2, H, W, 3]."""
    return np.random.default_rng(0).standard_normal((2, *size, 3)).astype("float32")


def save(name, state):
    """Each network in another format."""
    half = OrderedDict((k, v.half() if v.is_floating_point() else v) for k, v in state.items())
    path = FOLDER / f"{name}.pth"
    if name in ("resnet_basic", "hrank_vgg", "hrank_googlenet"):
        torch.save(state, path, _use_new_zipfile_serialization=False)
    elif name == "deeplabv3":
        save_file({k: v.contiguous() for k, v in half.items()}, path.with_suffix(".safetensors"))
    elif name == "hrank_resnet":
        best = torch.ones(())
        torch.save({"state_dict": prefixed(state), "epoch": 3, "best_top1_acc": best}, path)
    elif name == "vgg_bn":
        torch.save(half, path)
    else:
        torch.save(state, path)


def prefixed(state):
    return OrderedDict((f"module.{name}", tensor) for name, tensor in state.items())


def write_networks():
    for seed, (name, network, size) in enumerate(small()):
        torch.manual_seed(seed)
        randomise(network)
        with torch.no_grad():
            outputs = network(torch.from_numpy(images(size).transpose(0, 3, 1, 2)))
        save(name, network.state_dict())
        outputs = outputs if isinstance(outputs, dict) else {"out": outputs}
        if name == "deeplabv3":  # the maps are large: every fifth place will do
            outputs = {key: value[:, :, ::5, ::5] for key, value in outputs.items()}
        np.savez_compressed(FOLDER / f"{name}.npz", **{k: v.numpy() for k, v in outputs.items()})


def write_index():
    with torch.device("meta"):
        index = {
            name: {key: list(value.shape) for key, value in network.state_dict().items()}
            for name, network in full_size()
        }
    text = json.dumps(index, separators=(",", ":")).encode()
    (FOLDER / "index.json.gz").write_bytes(gzip.compress(text, mtime=0))


def tensors():
    """Every kind of tensor that a state dict may hold."""
    base = torch.arange(24, dtype=torch.float32).reshape(2, 3, 4)
    return OrderedDict(
        base=base,
        transposed=base.permute(2, 0, 1),
        offset=base[1, 1:, ::2],
        expanded=base[0, :1].expand(5, 4),
        parameter=torch.nn.Parameter(torch.tensor([1.5, -2.0])),
        float64=torch.tensor([0.1], dtype=torch.float64),
        float16=torch.tensor([0.5, 65504.0], dtype=torch.float16),
        bfloat16=torch.tensor([1.0, -2.5, 3.140625], dtype=torch.bfloat16),
        int64=torch.tensor(7),
        int32=torch.tensor([-1, 2], dtype=torch.int32),
        int16=torch.tensor([-1, 2], dtype=torch.int16),
        int8=torch.tensor([-1, 2], dtype=torch.int8),
        uint8=torch.tensor([255], dtype=torch.uint8),
        bool=torch.tensor([True, False]),
        empty=torch.zeros(0, 3),
        scalar=torch.tensor(2.5),
    )


def write_tensors():
    torch.save(tensors(), FOLDER / "tensors.pth")
    torch.save(tensors(), FOLDER / "tensors_legacy.pth", _use_new_zipfile_serialization=False)
    plain = {k: v.detach().clone().contiguous() for k, v in tensors().items()}
    save_file(plain, FOLDER / "tensors.safetensors", metadata={"format": "pt"})


def write_training():
    """A checkpoint as torchvision's reference scripts write it, after one step."""
    torch.manual_seed(0)
    layer = torch.nn.Linear(3, 2)
    optimizer = torch.optim.SGD(layer.parameters(), 0.1, momentum=0.9)
    schedule = torch.optim.lr_scheduler.MultiStepLR(optimizer, [1, 2])
    layer(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    schedule.step()
    with torch.no_grad():
        layer.bias.copy_(torch.tensor([1.0, 2.0]))
    checkpoint = {
        "model": layer.state_dict(),
        "optimizer": optimizer.state_dict(),
        "lr_scheduler": schedule.state_dict(),
        "epoch": 1,
        "args": argparse.Namespace(lr=0.1),
    }
    torch.save(checkpoint, FOLDER / "training.pth")


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    write_networks()
    write_index()
    write_tensors()
    write_training()
