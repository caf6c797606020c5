"""One pass over data: its reader, micro-batches, a model with named sites, ordered sums."""
