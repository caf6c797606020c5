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

IMAGE = (None, 64, 64, 3)
_TEXT = {"vocabulary_size": 20, "num_layers": 2, "num_heads": 8, "hidden_dim": 32,
         "intermediate_dim": 128}  # fmt: skip
_IMAGES = {"image_shape": IMAGE[1:]}

_BLOCKS = _TEXT | {"max_sequence_length": 24}

BACKBONES = {
    "Bert": _BLOCKS,
    "Roberta": _BLOCKS,
    "DistilBert": _BLOCKS,
    "GPT2": _BLOCKS,
    "OPT": _BLOCKS,
    "Gemma": {
        "vocabulary_size": 20, "num_layers": 2, "num_query_heads": 8, "num_key_value_heads": 4,
        "hidden_dim": 32, "intermediate_dim": 64, "head_dim": 4,
    },
    "Llama": {
        "vocabulary_size": 20, "num_layers": 2, "num_query_heads": 8, "num_key_value_heads": 4,
        "hidden_dim": 32, "intermediate_dim": 64,
    },
    "ViT": _IMAGES | {
        "patch_size": 8, "num_layers": 4, "num_heads": 8, "hidden_dim": 32, "mlp_dim": 128,
    },
    "DeiT": _IMAGES | {
        "patch_size": 8, "num_layers": 4, "num_heads": 8, "hidden_dim": 32,
        "intermediate_dim": 128,
    },
    "SwinTransformer": _IMAGES | {
        "patch_size": 4, "embed_dim": 16, "depths": [2, 2], "num_heads": [2, 4], "window_size": 4,
    },
    "MiT": _IMAGES | {
        "layerwise_depths": [2, 2], "num_layers": 2, "layerwise_num_heads": [1, 2],
        "layerwise_sr_ratios": [8, 4], "max_drop_path_rate": 0.1,
        "layerwise_patch_sizes": [7, 3], "layerwise_strides": [4, 2], "hidden_dims": [16, 32],
    },
    "ResNet": _IMAGES | {
        "input_conv_filters": [64], "input_conv_kernel_sizes": [7],
        "stackwise_num_filters": [64, 96], "stackwise_num_blocks": [2, 2],
        "stackwise_num_strides": [1, 2], "block_type": "basic_block",
    },
    "MobileNet": _IMAGES | {
        "stackwise_expansion": [[40, 56], [64, 144, 144]], "stackwise_num_blocks": [2, 3],
        "stackwise_num_filters": [[16, 16], [24, 24, 24]],
        "stackwise_kernel_size": [[3, 3], [5, 5, 5]], "stackwise_num_strides": [[2, 1], [2, 1, 1]],
        "stackwise_se_ratio": [[None, None], [0.25, 0.25, 0.25]],
        "stackwise_activation": [["relu", "relu"], ["hard_swish"] * 3],
        "stackwise_padding": [[1, 1], [2, 2, 2]], "output_num_filters": 32,
        "depthwise_filters": 8, "depthwise_stride": 2, "depthwise_residual": False,
        "last_layer_filter": 32, "squeeze_and_excite": 0.5,
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
    "HGNetV2": _IMAGES | {
        "depths": [1, 1], "embedding_size": 8, "hidden_sizes": [16, 32],
        "stem_channels": [3, 8, 8], "hidden_act": "relu", "use_learnable_affine_block": False,
        "stackwise_stage_filters": [[8, 8, 16, 1, 3, 3], [16, 16, 32, 1, 3, 3]],
        "apply_downsample": [False, True], "use_lightweight_conv_block": [False, True],
    },
    "VGG": _IMAGES | {"stackwise_num_repeats": [1, 2], "stackwise_num_filters": [8, 16]},
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


def random_masks(graph: tfprune.ChannelGraph, share: float) -> dict[str, np.ndarray]:
    """Return keep masks under which about this share of the free units is gone."""
    rng = np.random.default_rng(0)
    removed = ~graph.is_pinned & (rng.random(len(graph.is_pinned)) < share)
    axes = [*graph.producers.values(), *(x for o in graph.owners.values() for x in o.needed)]
    for ids in axes:  # none may lose all
        if removed[graph.unit[ids]].all():
            removed[graph.unit[ids[0]]] = False
    return {name: ~removed[graph.units_of(name)] for name in graph.producers}


def measured(name: str) -> dict[str, Any]:
    """Return what is to be told of one backbone."""
    model = build(name)
    start = time.perf_counter()
    graph = tfprune.analyse(model)
    seconds = time.perf_counter() - start
    # Every free unit but one of each layer goes: what is left may not.
    left = tfprune.rebuild(graph, random_masks(graph, 1.0)).count_params()
    keep = random_masks(graph, 0.5)
    small = tfprune.rebuild(graph, keep)
    check = tfprune.verify(graph, keep, small)
    with tempfile.TemporaryDirectory() as folder:
        small.save(Path(folder) / "small.keras")
        again = keras.models.load_model(Path(folder) / "small.keras")
    stock = all(type(x).__module__.startswith("keras.src") for x in again.layers)
    total = model.count_params()
    whole = [line.partition("left whole: ")[2] for line in str(graph).splitlines()]
    return {
        "backbone": name,
        "weights": f"{total:,}",
        "may go": f"{1 - left / total:.0%}",
        "left of half": f"{small.count_params() / total:.0%}",
        "proven": "yes" if check.proven else f"no: {check}",
        "reloads as stock Keras": "yes" if stock else "no",
        "seconds to analyse": f"{seconds:.1f}",
        "left whole": "; ".join(filter(None, whole)) or "-",
    }


def main(names: Sequence[str]) -> None:
    """Print a table with a line for each backbone."""
    title = ["backbone", "weights", "may go", "left of half", "proven", "reloads as stock Keras",
             "seconds to analyse", "left whole"]  # fmt: skip
    print("|", " | ".join(title), "|\n|" + "---|" * len(title))
    for name in names or BACKBONES:
        try:
            print("|", " | ".join(measured(name).values()), "|", flush=True)
        except Exception as error:  # a family that fails is a line of the table
            line = (str(error) or type(error).__name__).splitlines()[0]
            print(f"| {name} | {type(error).__name__}: {line} |", flush=True)
        keras.backend.clear_session()


if __name__ == "__main__":
    main(sys.argv[1:])
