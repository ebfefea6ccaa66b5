"""Imports PyTorch when it is needed, and sets its number of threads."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ...errors import BackendMissing

__all__ = ["import_torch", "threads"]


def import_torch(user: str) -> Any:
    """Import PyTorch and return the module.

    Raises
    ------
    BackendMissing
        If PyTorch is not installed. The message begins with `user`.
    """
    try:
        import torch
    except ImportError:
        raise BackendMissing.of(user, "torch", extra="learn") from None
    return torch


@contextlib.contextmanager
def threads(n: int) -> Iterator[None]:
    """Use `n` threads in PyTorch; their number affects how sums are rounded."""
    torch = import_torch("HLOPClassifier")
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        with torch.no_grad():
            yield
    finally:
        torch.set_num_threads(before)
