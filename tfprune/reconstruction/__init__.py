"""Solve the kernels of a pruned model anew, so that it computes what the original computed.

samples: what is looked at; pair and lazy_run: both models in step; plan: order and sums; forms: a
layer as a matrix; normal_equations: least squares from sums; goals: what is aimed at.
"""

from tfprune.reconstruction.reconstructing import reconstruct
from tfprune.reconstruction.report import LayerFit, Reconstruction

__all__ = ["LayerFit", "Reconstruction", "reconstruct"]
