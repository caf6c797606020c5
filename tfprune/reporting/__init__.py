"""What a model costs and gives, measured before and after pruning."""

from tfprune.reporting.comparison import Comparison
from tfprune.reporting.latency import Latency, measure_latency
from tfprune.reporting.measurement import Measurement, measure

__all__ = ["Comparison", "Latency", "Measurement", "measure", "measure_latency"]
