"""Selectors: one module each, with `keep_masks(graph, scores, request) -> {layer: bool [C]}`."""
