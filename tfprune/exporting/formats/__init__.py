"""Formats for serving: one module per format, found by its name.

A format module has:

- `target(directory)`: the path of what it writes;
- `TOLERANCE`: the largest accepted difference, as a share of the output's largest value;
- `refuse(model)`: raise `PruningError` for what the format cannot hold;
- `write(model, path)`: write the model to `path`;
- `run(path, model, inputs)`: load what was written by its own runtime and compute the outputs, both
  as flat lists of arrays in the order of `model.inputs` and `model.outputs`;
- if the format can hold preprocessing, `serve(model, path, preprocessing)` in place of `write`,
  which writes the model with it, and `check(path, model, preprocessing)`, which refuses what does
  not compute the same.
"""
