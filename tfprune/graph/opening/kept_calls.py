"""The calls of layers and operations that stay as they are."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import keras

from tfprune.graph.keras_private import output_spec, outside_calls
from tfprune.graph.memory_copies import uncalled_copy
from tfprune.graph.opening.following import follow
from tfprune.graph.opening.names import Names
from tfprune.graph.opening.scopes import Scope, Scopes
from tfprune.graph.opening.sizes import Sizes
from tfprune.graph.opening.stock import settle
from tfprune.graph.opening.symbolic import call_layer, call_operation, complete
from tfprune.surgery.keras_faults import misread_activation


class KeptCalls:
    """Calls copies of layers and operations, so that the model's own know nothing of the trace.

    Args:
        sizes: what stands for the model's open sizes.
        scopes: which composite layers' calls are running.
    """

    def __init__(self, sizes: Sizes, scopes: Scopes):
        self.sizes, self.scopes = sizes, scopes
        self.busy = False  # while Keras works by itself
        self.names = Names()
        self.weights: set[int] = set()  # ids of the weights of the layers that were called
        self.activations: dict[int, Callable] = {}  # by the layer; see `misread_activation`
        self._copies: dict[int, tuple[Any, Any]] = {}  # the originals are held, lest ids return

    @contextmanager
    def working(self) -> Iterator[None]:
        """Let Keras work by itself."""
        before, self.busy = self.busy, True
        try:
            with outside_calls():
                yield
        finally:
            self.busy = before

    def call(self, operation: Any, args: tuple, kwargs: dict) -> Any:
        """Return what the copy of a layer or operation makes of symbolic tensors.

        An activation that its config would lose is left to the caller, in `activations`.
        """
        copy = self._copy(operation)
        with self.working():
            if not isinstance(operation, keras.Layer):
                outputs = call_operation(copy, *args, **kwargs)
                follow(self.sizes, outputs, copy.compute_output_spec, args, kwargs)
                return outputs
            self.weights.update(map(id, operation.weights))
            outputs = call_layer(copy, *args, **kwargs)
            if self.sizes.all_stand_in:
                complete(outputs, copy.call, args, kwargs)
                follow(self.sizes, outputs, partial(output_spec, copy.call), args, kwargs)
                settle(copy, outputs, self.sizes.is_open)
            return outputs

    def _copy(self, operation: Any) -> Any:
        if id(operation) not in self._copies:
            name = self.names.unique(*self.scopes.path_of(operation))
            copy = uncalled_copy(operation, name=name)
            with self.working():
                activation = misread_activation(operation)
            if activation is not None:
                self.activations[id(operation)] = activation
                copy.activation = keras.activations.linear
            self._copies[id(operation)] = operation, copy
        return self._copies[id(operation)][1]

    def adopt(self, layer: keras.Layer) -> None:
        """Let a layer that was made for the opened model be called itself."""
        self._copies[id(layer)] = layer, layer

    def zero(self) -> Any:
        """Return a symbolic zero that hangs on the model's inputs."""
        with self.scopes.within(Scope(self.scopes.model, ("zero",))):
            return self.sizes.zero()

    def known(self) -> tuple[set[int], int]:
        """Return the ids of all that was called, and how many sizes were made of open ones."""
        return set(self._copies), self.sizes.known()

    def give_up(self, known: tuple[set[int], int]) -> None:
        """Forget operations that were called since; layers are found again by the next try.

        Args:
            known: what `known` returned then.
        """
        ids, sizes = known
        self.sizes.give_up(sizes)
        for key in set(self._copies) - ids:
            operation, copy = self._copies[key]
            if not isinstance(operation, keras.Layer):
                del self._copies[key]
                self.names.forget({copy.name})
