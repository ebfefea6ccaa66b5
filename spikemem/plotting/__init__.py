"""Draws recordings, weights and recalled patterns; every function returns its Axes."""

from .activity import raster, traces
from .axes import COLORS, new_axes, new_panels, plain, title
from .marks import mark_times
from .patterns import images
from .synapses import weight_matrix, weights

__all__ = [
    "COLORS",
    "images",
    "mark_times",
    "new_axes",
    "new_panels",
    "plain",
    "raster",
    "title",
    "traces",
    "weight_matrix",
    "weights",
]
