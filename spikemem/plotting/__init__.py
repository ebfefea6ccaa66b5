"""Pictures of recordings, weights and recalled patterns; every function returns its Axes."""

from .activity import raster, traces
from .axes import COLORS, plain
from .patterns import images
from .synapses import weight_matrix, weights

__all__ = ["COLORS", "images", "plain", "raster", "traces", "weight_matrix", "weights"]
