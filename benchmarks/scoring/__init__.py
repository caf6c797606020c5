"""What scoring costs: one module per measurement, run as `python -m benchmarks.scoring NAME`."""
