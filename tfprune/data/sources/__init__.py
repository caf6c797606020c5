"""Where the samples of a split come from: one module for each kind of source."""

from tfprune.data.sources._source import Source
from tfprune.data.sources.arrays import Arrays
from tfprune.data.sources.masks import Masks
from tfprune.data.sources.pictures import Pictures

__all__ = ["Arrays", "Masks", "Pictures", "Source"]
