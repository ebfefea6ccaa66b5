"""Pictures of recordings, weights and recalled patterns; every function gives back its Axes."""

from .activity import raster, traces
from .axes import COLORS
from .patterns import images
from .synapses import weight_matrix, weights

__all__ = ["COLORS", "images", "raster", "traces", "weight_matrix", "weights"]
