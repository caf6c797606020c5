"""How long a model takes for a batch, in the runtime that serves it."""

from tfprune.timing.measuring import Latency, latencies, latency
from tfprune.timing.table import LatencyTable
from tfprune.timing.tabulating import latency_table

__all__ = ["Latency", "LatencyTable", "latencies", "latency", "latency_table"]
