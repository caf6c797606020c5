"""What checkpoints call their modules: one file per layout, found by its name."""
