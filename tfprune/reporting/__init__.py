"""What a model costs and gives, measured and written down."""

from tfprune.reporting.comparison import Comparison, compare
from tfprune.reporting.environment import environment
from tfprune.reporting.latency import Latency, measure_latencies, measure_latency
from tfprune.reporting.measurement import Measurement, measure
from tfprune.reporting.run_report import finish

__all__ = [
    "Comparison",
    "Latency",
    "Measurement",
    "compare",
    "environment",
    "finish",
    "measure",
    "measure_latencies",
    "measure_latency",
]
