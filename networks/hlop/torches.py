"""PyTorch, imported when it is needed, and how many threads it may use."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from ...errors import BackendMissing

__all__ = ["import_torch", "threads"]


def import_torch(user: str) -> Any:
    """PyTorch itself.

    Raises
    ------
    BackendMissing
        It is not installed; the message begins with `user`.
    """
    try:
        import torch
    except ImportError:
        raise BackendMissing.of(user, "torch", extra="learn") from None
    return torch


@contextlib.contextmanager
def threads(n: int) -> Iterator[None]:
    """Let PyTorch use `n` threads: how many there are changes how sums are rounded."""
    torch = import_torch("HLOPClassifier")
    before = torch.get_num_threads()
    torch.set_num_threads(n)
    try:
        with torch.no_grad():
            yield
    finally:
        torch.set_num_threads(before)
