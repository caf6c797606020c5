"""Formats for serving: one module per format, found by its name.

A format module has:

- `target(directory)`: the path of what it writes;
- `NUMBERED`, True where that is a folder of which each export makes a new one, the number its name;
- `TOLERANCE`: the largest accepted difference, as a share of the output's largest value;
- `refuse(model)`: raise `PruningError` for what the format cannot hold;
- `write(model, path)`: write the model to `path`;
- `MEASURES`, True where ranges of values must be measured: `write(model, path, samples)` then takes
  flat inputs, too, and what it writes is judged by the answers it gives;
- `load(path, model, threads=None)`: load what was written by its own runtime, and return a function
  from inputs to outputs, both flat lists of arrays in the order of `model.inputs` and
  `model.outputs`; it computes with so many threads, None for the runtime's own choice;
- if many small models cost less together than one by one, `parts(models, threads=None)`: such a
  function for each, of models with one output; if handing over arrays takes time there that layers
  within a model do not take, `placed(inputs)`: them as these functions take them;
- if it runs models as they are, `direct(model, threads=None)`: the same function without a file;
- if the format can hold preprocessing, `serve(model, path, preprocessing)` in place of `write`,
  which writes the model with it, and `check(path, model, preprocessing, tolerance)`, which refuses
  what does not compute the same;
- `hold(path, text)`: put metadata, a JSON text, into what was written; `held(path)`: return it,
  None where there is none or what lies at `path` is of another format.
"""
