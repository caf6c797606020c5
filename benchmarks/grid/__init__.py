"""What each method is worth: every criterion, amount and scope on paired draws, as one CSV table.

python -m benchmarks.grid run --weights=DIR --data_dir=DIR goes on where docs/grid.csv ends.
"""
