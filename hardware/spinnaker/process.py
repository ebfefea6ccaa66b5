"""Environment of separate processes for sPyNNaker, which keeps global state."""

from __future__ import annotations

import os
from pathlib import Path

from ... import _version

__all__ = ["environment"]


def environment(**more: str) -> dict[str, str]:
    """Return environment variables with which a process imports this spikemem, and `more`."""
    root = str(Path(_version.__file__).resolve().parents[1])
    path = os.environ.get("PYTHONPATH")
    return {**os.environ, "PYTHONPATH": os.pathsep.join([root, path] if path else [root]), **more}
