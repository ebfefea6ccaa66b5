"""Processes of their own for sPyNNaker, which keeps its state in the process."""

from __future__ import annotations

import os
from pathlib import Path

from ... import _version

__all__ = ["environment"]


def environment(**more: str) -> dict[str, str]:
    """Variables for a process that is to find this spikemem, and `more` of them."""
    root = str(Path(_version.__file__).resolve().parents[1])
    spare = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([root, spare] if spare else [root]), **more}
