"""Run models over data: readers of batches, copies with taps, sums over batches."""
