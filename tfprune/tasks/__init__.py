"""What a model is for: the form of its outputs and labels, and what follows from it."""
