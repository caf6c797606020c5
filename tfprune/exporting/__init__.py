"""Models for serving, each format compared with the model by its own runtime."""

from tfprune.exporting.writing import export, require_formats

__all__ = ["export", "require_formats"]
