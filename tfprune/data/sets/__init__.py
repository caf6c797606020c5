"""One data set per module, found by its name."""
