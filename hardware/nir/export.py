"""The export target "nir"."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from ...checks import PathName, checked
from ...network import Network
from .files import write

__all__ = ["export_file"]


@checked
def export_file(
    network: Network, path: Annotated[str | Path, PathName()], *, metadata: bool = True
) -> Path:
    """Write a network to a NIR file for :func:`spikemem.export`; see :func:`write`."""
    return write(path, network, metadata=metadata)
