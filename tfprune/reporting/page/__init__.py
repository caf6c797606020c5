"""The page that a pruning run ends with: one file to read and to pass on, and its tables."""

from tfprune.reporting.page.document import document, write_page

__all__ = ["document", "write_page"]
