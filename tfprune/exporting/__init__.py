"""Formats for serving: one module per format, found by its name.

A format module has:

- `FILE`: the name of what it writes below the directory;
- `TOLERANCE`: the largest accepted difference, as a share of the output's largest value;
- `refuse(model)`: raise `PruningError` for what the format cannot hold;
- `write(model, path)`: write the model to `path`;
- `run(path, model, inputs)`: load the artefact and compute its outputs, both as flat lists of
  arrays in the order of `model.inputs` and `model.outputs`.
"""
