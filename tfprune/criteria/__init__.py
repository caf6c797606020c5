"""Criteria: one module each, found by its name, with a function that scores channels.

A criterion is a file here, or a package, with two names:

    METHOD = Method(scope="global", comparable=False, samples=200)

    def score(graph, data, *, own options):
        return {layer: float64 [C], higher = keep}

- `METHOD`, a `tfprune.scoring.method.Method`, says how the scores are used unless the caller says
  otherwise: the selector, the scope, the amount, the number of images, what coupled layers are
  judged by.
- graph: the `ChannelGraph`; `graph.producers` are the layers that make channels. A layer that the
  criterion cannot judge is left out of what it returns.
- data: in any form; `tfprune.passes.reader` reads it. A criterion that needs none says so by
  `samples=None`, and gives `data` the default None.
- own options: arguments with defaults. They are options of `tfprune.score` and `tfprune.prune`, and
  of prune.py, which itself fills in `seed`, `cache_dir` and `progress`.

Scores are each layer's own: `tfprune.score` combines those of coupled layers. A criterion with an
argument `coupled` does that itself.

Modules with an underscore are parts of criteria.
"""
