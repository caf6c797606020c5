"""What the tests of the networks share."""

import dataclasses

import pytest

from models import resnet


@pytest.fixture
def short_backbone(monkeypatch):
    """A ResNet-50 below DeepLabV3 with one narrow block to a stage."""
    short = dataclasses.replace(
        resnet.CONFIGURATIONS["resnet50"], blocks_per_stage=(1, 1, 1, 1), bottleneck=False
    )
    monkeypatch.setattr(resnet, "CONFIGURATIONS", {"resnet50": short})
