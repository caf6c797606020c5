"""How long a model takes for a batch, in the runtime that serves it."""

from tfprune.costs.timing.measuring import Latency, latencies, latency
from tfprune.costs.timing.table import LatencyTable
from tfprune.costs.timing.tabulating import latency_table

__all__ = ["Latency", "LatencyTable", "latencies", "latency", "latency_table"]
