"""Real servers for an exported SavedModel, each a program for an interpreter of its own."""
