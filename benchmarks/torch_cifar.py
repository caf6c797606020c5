"""The PyTorch twin of the published CIFAR ResNets, with the names of their checkpoints."""

import torch
from torch import Tensor, nn
from torch.nn import functional


class Block(nn.Module):
    """Two 3x3 convolutions; where the width changes, the shortcut is padded ("option A")."""

    def __init__(self, inside: int, outside: int, stride: int):
        super().__init__()
        self.conv1 = nn.Conv2d(inside, outside, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outside)
        self.conv2 = nn.Conv2d(outside, outside, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outside)
        self.stride, self.missing = stride, (outside - inside) // 2

    def forward(self, x: Tensor) -> Tensor:
        """Return relu(branch + shortcut)."""
        branch = self.bn2(self.conv2(torch.relu(self.bn1(self.conv1(x)))))
        if self.stride > 1:
            sides = (0, 0, 0, 0, self.missing, self.missing)
            x = functional.pad(x[:, :, :: self.stride, :: self.stride], sides)
        return torch.relu(branch + x)


class CifarResNet(nn.Module):
    """A network of 6n+2 layers (He et al., CVPR 2016, section 4.2).

    Args:
        depth: 6n+2.
    """

    def __init__(self, depth: int):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16)
        inside = 16
        for stage, width in enumerate((16, 32, 64), 1):
            blocks = []
            for block in range((depth - 2) // 6):
                blocks.append(Block(inside, width, 2 if stage > 1 and block == 0 else 1))
                inside = width
            setattr(self, f"layer{stage}", nn.Sequential(*blocks))
        self.linear = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Return the logits of images [N, 3, 32, 32]."""
        x = torch.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


def published(depth: int, path: str) -> CifarResNet:
    """Return a network with its published weights, for inference.

    Args:
        depth: 6n+2.
        path: the checkpoint.
    """
    # The file holds plain tensors beside Python numbers, so that the safe reader takes it.
    state = torch.load(path, map_location="cpu", weights_only=True)["state_dict"]
    network = CifarResNet(depth)
    network.load_state_dict({name.removeprefix("module."): x for name, x in state.items()})
    return network.eval()
