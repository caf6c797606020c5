"""Criteria: one module each, with `score(graph, batches, **options) -> {layer: float64 [C]}`.

A module may also say `SELECTOR`, the selector that belongs to its scores ("ranking"), `SCOPE`,
whether its paper ranks within each layer ("layer") or over all of them ("global"), and
`COMPARABLE`, whether scores of different layers can be ranked as they are (True).
"""
