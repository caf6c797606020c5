"""What a reconstruction did to each layer, and to the model's outputs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class LayerFit:
    """What became of one layer.

    Args:
        layer: its name.
        skipped: why it was not fitted; empty where it was.
        shape: (groups, columns, outputs) of its matrix.
        rows: positions that were looked at.
        ridge: share of the diagonal that was added; None: the layer keeps its weights, which no
            other ones beat on samples that were held out.
        before: error on those samples, as a share of the wanted outputs' spread.
        after: the same with the new weights.
    """

    layer: str
    skipped: str = ""
    shape: tuple[int, ...] = ()
    rows: int = 0
    ridge: float | None = None
    before: float = 0.0
    after: float = 0.0


@dataclass(frozen=True, repr=False)
class Reconstruction:
    """What a reconstruction did.

    Args:
        layers: what became of each layer, in the order in which they were fitted.
        before: squared difference of the outputs from the original's, on samples held out, as a
            share of the outputs' spread.
        after: the same with the new weights.
        samples: how many samples were looked at.
        seconds: how long it took.
        observations: what is worth knowing, e.g. that the samples do not suit the original.
    """

    layers: tuple[LayerFit, ...]
    before: float
    after: float
    samples: int
    seconds: float
    observations: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return (
            f"<Reconstruction of {len(self.layers)} layers: outputs differ by {self.after:.2%} of "
            f"their variance, {self.before:.2%} before>"
        )

    def __str__(self) -> str:
        fitted = [fit for fit in self.layers if fit.ridge is not None]
        skipped = [f"{fit.layer}: {fit.skipped}" for fit in self.layers if fit.skipped]
        worst = max(fitted, key=lambda fit: fit.after, default=None)
        hardest = f"; hardest: {worst.layer}, {worst.after:.1%}" if worst else ""
        return "\n".join(
            [
                f"{len(fitted)} of {len(self.layers)} layers solved anew from {self.samples} "
                f"samples in {self.seconds:.1f} s",
                f"outputs differ from the original's by {self.after:.2%} of their variance, "
                f"{self.before:.2%} before{hardest}",
                *skipped,
                *self.observations,
            ]
        )
