"""Measurements of the library against its floor and its peer; not part of what is installed."""
