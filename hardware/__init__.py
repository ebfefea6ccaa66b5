"""Neuromorphic machines, PyNN simulators, models of memory devices, and the NIR format."""

from __future__ import annotations

import importlib
from types import ModuleType

__all__ = ["nir", "pynn", "resistive", "spinnaker"]


def __getattr__(name: str) -> ModuleType:
    if name in __all__:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
