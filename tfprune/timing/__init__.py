"""How long a model takes for a batch, in the runtime that serves it."""

from tfprune.timing.measuring import Latency, latencies, latency

__all__ = ["Latency", "latencies", "latency"]
