"""The page that a pruning run ends with: one file to read and to pass on, and its tables."""

from tfprune.reporting.page.document import document, write_page
from tfprune.reporting.page.model_card import model_card

__all__ = ["document", "model_card", "write_page"]
