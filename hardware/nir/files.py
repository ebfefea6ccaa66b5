"""Reads and writes NIR files."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, BinaryIO

import numpy as np

from ...checks import PathName, Quantity, checked
from ...container import DAMAGE, is_hdf5, open_sealed, reason, seal
from ...errors import SpikememWarning, StorageError, shown
from ...files import NotRegular, open_regular, to_path, write_atomically
from ...foreign import read_tree
from ...hdf5 import Refused, Tree, check_memory, tree_of
from ...network import Inputs, Network
from ...recording import SpikeTrains
from .common import require_nir
from .exporting import to_nir
from .importing import from_nir
from .neurons import NEURONS

__all__ = ["read", "write"]

_FORM, _VERSION = "spikemem-nir", 1


@checked
def write(
    path: Annotated[str | Path, PathName()], network: Network, *, metadata: bool = True
) -> Path:
    """Write a network to a NIR file (HDF5); see :func:`to_nir`.

    The file starts with a block of 512 bytes that holds its checksum; other readers skip it.

    Raises
    ------
    StorageError
        If the file cannot be written. An existing file is then unchanged.
    """
    nir = require_nir()
    body = io.BytesIO()
    nir.write(body, to_nir(network, metadata=metadata))

    def content(file: BinaryIO) -> None:
        file.write(seal(body.getbuffer(), _FORM, _VERSION))
        file.write(body.getbuffer())

    return write_atomically(path, content, "nir.write")


@checked
def read(
    path: Annotated[str | Path, PathName()],
    dt: Annotated[float, Quantity("ms", above=0.0)] | None = None,
    *,
    inputs: Annotated[Mapping[str, SpikeTrains], Inputs] | None = None,
) -> Network:
    """Read a network from a NIR file; see :func:`from_nir`.

    A file of :func:`write` is compared with its checksum. Any other file is read in a second
    process, since damaged bytes can crash the HDF5 library.

    Warns
    -----
    SpikememWarning
        If neurons have no ``v_reset``, as in files of older versions of NIR. It is then 0. The file
        does not tell whether its author meant a reset that subtracts the threshold, which cells of
        spikemem do not have.

    Raises
    ------
    StorageError
        If the file does not exist, is not a regular file, is damaged or not a NIR file, refers to
        other files, or does not fit into memory.
    """
    nir = require_nir()
    name = str(to_path(path, "nir.read"))
    try:
        tree = _tree(name)
    except FileNotFoundError as error:
        raise StorageError(f"nir.read: no such file: {name!r}.") from error
    except NotRegular as error:
        raise StorageError(f"nir.read: {name!r} is {error}, not a NIR file.") from error
    except Refused as error:
        raise StorageError(f"nir.read: {name!r} is refused: {error}.") from error
    except DAMAGE as error:
        raise _unreadable(name, error) from error
    kind = tree.get("type")
    if not isinstance(kind, str) or kind != "NIRGraph":
        raise _unreadable(name, f"it holds {shown(kind)}, not a graph")
    # This comes first, since the package nir adds missing values to the tree.
    silent = sorted(_without_reset(tree))
    try:
        graph = nir.ir.dict2NIRNode({**tree, "type_check": False})
    except Exception as error:
        # The package nir checks few of its arguments.
        raise _unreadable(name, f"{type(error).__name__}: {reason(error)}") from error
    network = from_nir(graph, dt, inputs=inputs)
    if silent:
        warnings.warn(
            f"nir.read: {name!r}: no v_reset in {', '.join(silent)}: potentials are set to 0 after "
            f"a spike, as NIR specifies; a simulator that subtracts the threshold instead gives "
            f"other spikes.",
            SpikememWarning,
            stacklevel=3,
        )
    return network


def _without_reset(tree: Tree, where: str = "") -> Iterator[str]:
    """Yield the names of neurons without v_reset, in a graph and in graphs inside it."""
    nodes = tree.get("nodes")
    for name, item in nodes.items() if isinstance(nodes, dict) else ():
        if not isinstance(item, dict):
            continue
        kind = item.get("type")
        if not isinstance(kind, str):
            continue
        if kind in NEURONS and "v_reset" not in item:
            yield where + name
        elif kind == "NIRGraph":
            yield from _without_reset(item, f"{where}{name}.")


def _unreadable(name: str, cause: BaseException | str) -> StorageError:
    return StorageError(f"nir.read: {name!r} cannot be read as a NIR file: {reason(cause)}.")


def _tree(name: str) -> dict[str, Any]:
    """Return all data of the graph in a file."""
    with open_sealed(name, _FORM) as opened:
        if opened is not None:
            if opened.version > _VERSION:
                raise StorageError("it was written by a newer version of spikemem; update it")
            check_memory(2 * opened.memory["node"])
            return _plain(tree_of(opened.file["node"]))
    with open_regular(name) as raw:
        if raw.read(8) == b"spikemem":
            raise StorageError("it is another file of spikemem")
        if not is_hdf5(raw):
            raise StorageError("it is not HDF5")
        return _plain(read_tree(raw, "node"))


def _plain(tree: Tree) -> dict[str, Any]:
    """Convert arrays without axes to numbers, as the package nir reads them."""
    return {
        name: _plain(item)
        if isinstance(item, dict)
        else item[()]
        if isinstance(item, np.ndarray)
        else item
        for name, item in tree.items()
    }
