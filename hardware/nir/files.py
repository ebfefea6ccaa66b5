"""NIR files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from ...checks import PathName, Quantity, checked
from ...errors import StorageError
from ...network import Inputs, Network
from ...recording import SpikeTrains
from .common import require_nir
from .exporting import to_nir
from .importing import from_nir

__all__ = ["read", "write"]


@checked
def write(
    path: Annotated[str | Path, PathName()], network: Network, *, metadata: bool = True
) -> Path:
    """Write a network to a NIR file (HDF5); see :func:`to_nir`.

    Raises
    ------
    StorageError
        The file can't be written.
    """
    nir = require_nir()
    graph = to_nir(network, metadata=metadata)
    target = Path(path)
    partial = target.with_name(f".{target.name}.partial")
    try:
        nir.write(partial, graph)
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise StorageError(
            f"{target} can't be written: {error.strerror or error}. "
            f"Choose a folder that exists and may be written to."
        ) from error
    return target


@checked
def read(
    path: Annotated[str | Path, PathName()],
    dt: Annotated[float, Quantity("ms", above=0.0)] | None = None,
    *,
    inputs: Annotated[Mapping[str, SpikeTrains], Inputs] | None = None,
) -> Network:
    """Read a network from a NIR file; see :func:`from_nir`.

    Raises
    ------
    StorageError
        No such file, or not a NIR file.
    """
    nir = require_nir()
    try:
        graph = nir.read(Path(path), type_check=False)
    except FileNotFoundError as error:
        raise StorageError(f"{path}: no such file.") from error
    except (OSError, KeyError, ValueError, TypeError, AssertionError, AttributeError) as error:
        raise StorageError(
            f"{path} can't be read as a NIR file: {type(error).__name__}: {error}."
        ) from error
    return from_nir(graph, dt, inputs=inputs)
