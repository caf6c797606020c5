"""Score channels by a criterion that is found by its name."""
