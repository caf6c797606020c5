"""Tiny configurations of keras-hub's backbones: 20 words, two blocks, images of 64 x 64."""

IMAGE = (None, 64, 64, 3)
_TEXT = {"vocabulary_size": 20, "num_layers": 2, "num_heads": 8, "hidden_dim": 32,
         "intermediate_dim": 128}  # fmt: skip
_IMAGES = {"image_shape": IMAGE[1:]}

_BLOCKS = _TEXT | {"max_sequence_length": 24}
_GROUPED = {"vocabulary_size": 20, "num_layers": 2, "num_query_heads": 8, "num_key_value_heads": 4,
            "hidden_dim": 32, "intermediate_dim": 64}  # fmt: skip

BACKBONES = {
    "Bert": _BLOCKS,
    "Roberta": _BLOCKS,
    "DistilBert": _BLOCKS,
    "Albert": _BLOCKS | {"embedding_dim": 16},
    "DebertaV3": _BLOCKS | {"bucket_size": 8},
    "Electra": {
        "vocab_size": 20, "num_layers": 2, "num_heads": 8, "hidden_dim": 32, "embedding_dim": 16,
        "intermediate_dim": 128, "max_sequence_length": 24,
    },
    "ESM": _BLOCKS,
    "FNet": {
        "vocabulary_size": 20, "num_layers": 2, "hidden_dim": 32, "intermediate_dim": 128,
        "max_sequence_length": 24,
    },
    "RoformerV2": _TEXT | {"head_size": 4},
    "XLMRoberta": _BLOCKS,
    "Bart": _BLOCKS,
    "T5": _TEXT,
    "GPT2": _BLOCKS,
    "Bloom": _TEXT,
    "Falcon": {
        "vocabulary_size": 20, "num_layers": 2, "num_attention_heads": 8, "hidden_dim": 32,
        "intermediate_dim": 128,
    },
    "GPTNeoX": _BLOCKS | {"rotary_percentage": 0.5},
    "OPT": _BLOCKS,
    "Gemma": _GROUPED | {"head_dim": 4},
    "Gemma3": _GROUPED | {"head_dim": 4, "image_size": 16},
    "Llama": _GROUPED,
    "Mistral": _GROUPED,
    "Phi3": _GROUPED,
    "Qwen": _GROUPED,
    "Qwen3": _GROUPED | {"head_dim": 4},
    "SmolLM3": {
        "vocabulary_size": 20, "num_layers": 2, "hidden_dim": 32, "intermediate_dim": 64,
        "num_attention_heads": 8, "num_key_value_heads": 4, "attention_bias": False,
        "attention_dropout": 0.0, "rope_layer_enabled_list": [True, False],
        "layer_types": ["full_attention"] * 2, "mlp_bias": False, "layer_norm_epsilon": 1e-5,
        "max_position_embeddings": 64, "rope_theta": 1e4, "partial_rotary_factor": 1.0,
    },
    "GptOss": _GROUPED | {"num_experts": 3, "top_k": 2, "sliding_window": 16, "head_dim": 4},
    "Mixtral": _GROUPED | {"num_experts": 3, "top_k": 2, "sliding_window": 16},
    "RWKV7": {
        "vocabulary_size": 20, "num_layers": 2, "hidden_size": 32, "head_size": 8,
        "intermediate_dim": 64, "gate_lora": 8, "mv_lora": 4, "aaa_lora": 4, "decay_lora": 4,
    },
    "XLNet": _TEXT,
    "Whisper": _TEXT | {"num_mels": 8, "max_encoder_sequence_length": 480},
    "ViT": _IMAGES | {
        "patch_size": 8, "num_layers": 4, "num_heads": 8, "hidden_dim": 32, "mlp_dim": 128,
    },
    "DeiT": _IMAGES | {
        "patch_size": 8, "num_layers": 4, "num_heads": 8, "hidden_dim": 32,
        "intermediate_dim": 128,
    },
    "DINOV2": _IMAGES | {
        "patch_size": 8, "num_layers": 2, "num_heads": 8, "hidden_dim": 32,
        "intermediate_dim": 128, "position_embedding_shape": (64, 64, 3),
    },
    "ViTDet": _IMAGES | {
        "hidden_size": 32, "num_layers": 2, "intermediate_dim": 128, "num_heads": 8,
        "global_attention_layer_indices": [1], "window_size": 4, "patch_size": 8,
        "num_output_channels": 16,
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
    "CSPNet": _IMAGES | {
        "stem_filters": 16, "stem_kernel_size": 3, "stem_strides": 1, "stackwise_depth": [1, 2],
        "stackwise_strides": [2, 2], "stackwise_num_filters": [16, 32],
        "block_type": "dark_block", "stage_type": "dark",
    },
    "SegFormer": {"image_encoder": "MiT", "projection_filters": 16},
    "DeepLabV3": _IMAGES | {
        "image_encoder": "ResNet", "spatial_pyramid_pooling_key": "P3", "upsampling_size": 2,
        "dilation_rates": [6, 12, 18], "low_level_feature_key": "P2", "projection_filters": 8,
    },
    "RetinaNet": _IMAGES | {
        "image_encoder": "ResNet", "min_level": 2, "max_level": 4, "use_p5": False,
    },
    "DepthAnything": {
        "image_encoder": "DINOV2", "reassemble_factors": [4, 2], "neck_hidden_dims": [16, 16],
        "fusion_hidden_dim": 16, "head_hidden_dim": 8, "head_in_index": -1,
        "feature_keys": ["stage1", "stage2"],
    },
    "MobileNetV5": _IMAGES | {
        "stackwise_block_types": [["er"], ["uir", "mqa"]], "stackwise_num_blocks": [1, 2],
        "stackwise_num_filters": [[16], [32, 32]], "stackwise_strides": [[2], [2, 1]],
        "stackwise_act_layers": [["relu"], ["relu", "relu"]],
        "stackwise_exp_ratios": [[4.0], [4.0, 1.0]], "stackwise_se_ratios": [[0.0], [0.0, 0.0]],
        "stackwise_dw_kernel_sizes": [[0], [5, 0]],
        "stackwise_dw_start_kernel_sizes": [[0], [3, 0]],
        "stackwise_dw_end_kernel_sizes": [[0], [0, 0]],
        "stackwise_exp_kernel_sizes": [[3], [0, 0]], "stackwise_pw_kernel_sizes": [[1], [0, 0]],
        "stackwise_num_heads": [[0], [0, 4]], "stackwise_key_dims": [[0], [0, 8]],
        "stackwise_value_dims": [[0], [0, 8]], "stackwise_kv_strides": [[0], [0, 1]],
        "stackwise_use_cpe": [[False], [False, False]], "num_features": 32,
        "use_msfa": False,
    },
}  # fmt: skip
