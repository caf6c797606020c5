"""How much of keras-hub's backbones may go, each in a tiny configuration.

    python -m benchmarks.hub [NAME ...]       (keras-hub installed: pip install keras-hub)

Each backbone is opened, half of its free units are removed at random, and the result is compared
with the masked original, reloaded without keras-hub's classes, and run on a batch of another size.
"""

import importlib
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

import tfprune
from tests.masks import random_masks

IMAGE = (None, 64, 64, 3)
_TEXT = {"vocabulary_size": 50, "num_layers": 2, "num_heads": 4, "hidden_dim": 16,
         "intermediate_dim": 32}  # fmt: skip
_IMAGES = {"image_shape": IMAGE[1:]}

BACKBONES = {
    "Bert": _TEXT | {"max_sequence_length": 24},
    "Roberta": _TEXT | {"max_sequence_length": 24},
    "DistilBert": _TEXT | {"max_sequence_length": 24},
    "GPT2": _TEXT | {"max_sequence_length": 24},
    "Gemma": {
        "vocabulary_size": 50, "num_layers": 2, "num_query_heads": 4, "num_key_value_heads": 2,
        "hidden_dim": 16, "intermediate_dim": 32, "head_dim": 4,
    },
    "ViT": _IMAGES | {
        "patch_size": 16, "num_layers": 2, "num_heads": 4, "hidden_dim": 16, "mlp_dim": 32,
    },
    "DeiT": _IMAGES | {
        "patch_size": 16, "num_layers": 2, "num_heads": 4, "hidden_dim": 16,
        "intermediate_dim": 32,
    },
    "ResNet": _IMAGES | {
        "input_conv_filters": [16], "input_conv_kernel_sizes": [7],
        "stackwise_num_filters": [16, 32], "stackwise_num_blocks": [2, 2],
        "stackwise_num_strides": [1, 2], "block_type": "basic_block",
    },
    "MobileNet": _IMAGES | {
        "stackwise_expansion": [[40, 56], [64, 144, 144]], "stackwise_num_blocks": [2, 3],
        "stackwise_num_filters": [[16, 16], [24, 24, 24]],
        "stackwise_kernel_size": [[3, 3], [5, 5, 5]], "stackwise_num_strides": [[2, 1], [2, 1, 1]],
        "stackwise_se_ratio": [[None, None], [0.25, 0.25, 0.25]],
        "stackwise_activation": [["relu", "relu"], ["hard_swish"] * 3],
        "stackwise_padding": [[1, 1], [2, 2, 2]], "output_num_filters": 32,
        "input_activation": "hard_swish", "output_activation": "hard_swish",
        "input_num_filters": 16,
    },
    "EfficientNet": _IMAGES | {
        "stackwise_width_coefficients": [0.5] * 3, "stackwise_depth_coefficients": [0.5] * 3,
        "stackwise_kernel_sizes": [3, 3, 5], "stackwise_num_repeats": [1, 2, 2],
        "stackwise_input_filters": [32, 16, 24], "stackwise_output_filters": [16, 24, 40],
        "stackwise_expansion_ratios": [1, 6, 6], "stackwise_strides": [1, 2, 2],
        "stackwise_squeeze_and_excite_ratios": [0.25] * 3,
        "stackwise_block_types": ["v1"] * 3, "stackwise_force_input_filters": [0] * 3,
        "stackwise_nores_option": [False] * 3,
    },
    "DenseNet": _IMAGES | {
        "stackwise_num_repeats": [2, 2], "compression_ratio": 0.5, "growth_rate": 8,
    },
    "CSPDarkNet": _IMAGES | {
        "stem_filters": 8, "stackwise_depth": [1, 1], "stackwise_num_filters": [16, 32],
        "block_type": "basic_block",
    },
    "VGG": _IMAGES | {"stackwise_num_repeats": [1, 2], "stackwise_num_filters": [8, 16]},
    "MiT": _IMAGES | {
        "layerwise_depths": [2, 2], "num_layers": 2, "layerwise_num_heads": [1, 2],
        "layerwise_sr_ratios": [8, 4], "max_drop_path_rate": 0.1,
        "layerwise_patch_sizes": [7, 3], "layerwise_strides": [4, 2],
        "hidden_dims": [16, 32],
    },
    "Swin": {
        "image_shape": IMAGE[1:], "patch_size": 4, "embed_dim": 16, "depths": [2, 2],
        "num_heads": [2, 4], "window_size": 4,
    },
    "HGNetV2": _IMAGES | {
        "depths": [1, 1], "embedding_size": 8, "hidden_sizes": [16, 32],
        "stem_channels": [3, 8, 8], "hidden_act": "relu", "use_learnable_affine_block": False,
        "stackwise_stage_filters": [[8, 8, 16, 1, 3, 3], [16, 16, 32, 1, 3, 3]],
        "apply_downsample": [False, True], "use_lightweight_conv_block": [False, True],
    },
    "Xception": _IMAGES | {
        "stackwise_conv_filters": [[8, 8], [16, 16], [24, 24]],
        "stackwise_pooling": [True, True, False],
    },
}  # fmt: skip


def build(name: str) -> keras.Model:
    """Return a tiny backbone with weights that are no constants."""
    kind = getattr(importlib.import_module("keras_hub").models, f"{name}Backbone")
    keras.utils.set_random_seed(0)
    model = kind(**BACKBONES[name])
    rng = np.random.default_rng(1)
    for weight in model.weights:
        if "float" in weight.dtype:
            value = np.asarray(weight) + rng.normal(0, 0.05, weight.shape)
            weight.assign(np.abs(value) if "variance" in weight.path else value)
    return model


def measured(name: str) -> dict[str, Any]:
    """Return what is to be told of one backbone."""
    model = build(name)
    start = time.perf_counter()
    graph = tfprune.analyse(model)
    seconds = time.perf_counter() - start
    # Every free unit but one of each layer goes: what is left may not.
    left = tfprune.rebuild(graph, random_masks(graph, 1.0, 0)).count_params()
    keep = random_masks(graph, 0.5, 0)
    small = tfprune.rebuild(graph, keep)
    check = tfprune.verify(graph, keep, small)
    with tempfile.TemporaryDirectory() as folder:
        small.save(Path(folder) / "small.keras")
        again = keras.models.load_model(Path(folder) / "small.keras")
    stock = all(type(x).__module__.startswith("keras.src") for x in again.layers)
    total = model.count_params()
    return {
        "backbone": name,
        "weights": total,
        "may go": f"{1 - left / total:.0%}",
        "half": f"{small.count_params() / total:.0%}",
        "difference": f"{check.relative:.1e}",
        "stock": stock,
        "seconds": f"{seconds:.1f}",
        "left whole": "; ".join(line for line in str(graph).splitlines() if "left whole" in line),
    }


def main(names: Sequence[str]) -> None:
    """Print a line for each backbone."""
    for name in names or BACKBONES:
        try:
            print("|", " | ".join(map(str, measured(name).values())), "|", flush=True)
        except Exception as error:
            line = (str(error) or type(error).__name__).splitlines()[0]
            print(f"| {name} | {type(error).__name__}: {line[:700]} |", flush=True)
        keras.backend.clear_session()


if __name__ == "__main__":
    main(sys.argv[1:])
