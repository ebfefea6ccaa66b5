"""The compiled engine."""

from .backend import NativeBackend

__all__ = ["NativeBackend"]
