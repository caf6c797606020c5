"""Selectors turn scores into keep masks: one module each, found by its name.

A selector is a file here with `keep_masks(graph, scores, request, *, own options)`:

- graph: the `ChannelGraph`; `graph.producers` are the layers that make channels.
- scores: the `tfprune.Scores`, by default {layer: float64 [C], higher = keep}; a layer that the
  criterion cannot judge is missing.
- request: the `tfprune.selection.request.Request`: its one amount (`request.amount` names it),
  scope, min_channels, round_to, include and exclude. What a selector cannot obey it refuses.
- own options: keywords with defaults; `tfprune.select` and `tfprune.prune` take them by name.

It returns ({layer: bool [C], True = kept} for every layer that makes channels, notes). Pinned
channels stay, those of one unit share their fate, and of each of `owner.needed` one stays. The
notes, a line for each guard of the method that held or none, end up in the report.

A selector may have `check(graph, request, *, own options)` too: what it refuses whatever the
scores, e.g. an amount that it does not know. It runs before anything is scored, which may take
minutes, and always before `keep_masks`. The request's scope is as the caller gave it.

`tfprune.selection._cut_plan` sees to all that for a selector that removes the lowest scores of each
group of coupled layers, so that only how many is left to say (`check_plan` has its refusals):

    check = check_plan

    def keep_masks(graph, scores, request):
        plan = cut_plan(graph, scores, request)
        return plan.masks(plan.cuts.whole // 2), []  # per group, of those that may go

`OF_PAIRS = True` in a selector says that scores are of pairs of channels, [C, C], which no schedule
in steps can follow. Modules with an underscore are parts of selectors. A criterion names its
selector in its `METHOD`; own scores do so in `tfprune.Scores(name, values, selector=...)`.
"""
