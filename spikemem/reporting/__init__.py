"""Reports: one page of HTML about a file or an object, with pictures to zoom into."""

from .writing import report, watch

__all__ = ["report", "watch"]
