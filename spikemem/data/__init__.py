"""Readers of data sets, from the files that their authors publish. No data set is shipped."""

from .images import Images as Images
from .images import read_images as read_images

__all__ = ["Images", "read_images"]
