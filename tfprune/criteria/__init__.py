"""Criteria: one module each, found by its name, with a function that scores channels.

`score(graph, batches, **options) -> {layer: float64 [C]}`, higher = keep; a layer that the
criterion cannot judge is missing. `batches` without a default means that it needs data, `labelled`
and its like in `tfprune.passes.batches` read them. Its other arguments are options of
`tfprune.score` and `tfprune.prune`, and of prune.py, which itself fills in `seed`, `cache_dir` and
`progress`.

Scores are each layer's own: `tfprune.score` combines those of coupled layers. A criterion with an
argument `coupled` does that itself.

A module may also say:

- `SELECTOR` ("ranking"): the selector that belongs to its scores.
- `SCOPE` ("layer"): whether its paper ranks within each layer, or over all of them ("global").
- `COMPARABLE` (True): whether scores of different layers can be ranked as they are.
- `COUPLED` ("mean"): what its paper judges coupled layers by; `SHARES` (False): whether each of
  them is divided by its sum before.
- `AMOUNT` (none): how much its paper prunes, e.g. {"ratio": 0.7}.
- `SAMPLES` (500): on how many images it scores in prune.py, 0 for all; `BATCH` (as in training): on
  how many at a time, where scores depend on it.
- `SCHEDULE` ("one_shot"): when its channels go in prune.py.

Modules with an underscore are parts of criteria.
"""
