"""Which class a model's copy is of."""

import warnings

import keras

_TRAINING = ("train_step", "test_step", "predict_step", "compute_loss", "compile")


def class_of_copy(model: keras.Model, plain: type) -> type:
    """Return the class of a model's copy: a user's own keeps its way of training.

    One whose `__init__` is its own cannot be made from inputs and outputs: it is told, not lost.
    """
    kind = type(model)
    if kind.__module__.startswith("keras."):
        return plain
    if kind.__init__.__module__.startswith("keras."):
        return kind
    own = [name for name in _TRAINING if getattr(kind, name) is not getattr(plain, name)]
    if own:
        warnings.warn(
            f"The copy of model {model.name!r} is a plain {plain.__name__}: {kind.__name__} has an "
            f"__init__ of its own, so that its {', '.join(own)} cannot be carried over. Leave "
            "__init__ to keras.Model, or set up in compile() what training needs.",
            stacklevel=2,
        )
    return plain
