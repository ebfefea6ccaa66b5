"""NIR files."""

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

    The file begins with a block of 512 bytes that holds its checksum. Other readers skip it.

    Raises
    ------
    StorageError
        The file cannot be written. A file that was there is unchanged.
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

    A file that :func:`write` wrote is compared with its checksum. Any other file is read in a
    second process, since damaged bytes can crash the HDF5 library.

    Warns
    -----
    SpikememWarning
        Neurons have no ``v_reset``, as in files of older versions of NIR; it is 0. The file cannot
        say whether its author meant a reset that subtracts the threshold, which no cell here has.

    Raises
    ------
    StorageError
        No such file, or not a regular one; not a NIR file or damaged; it refers to other files; or
        it needs more memory than there is.
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
    # The package nir adds what is missing to the tree itself.
    silent = sorted(_without_reset(tree))
    try:
        graph = nir.ir.dict2NIRNode({**tree, "type_check": False})
    except Exception as error:
        # The package nir checks little of what it is given.
        raise _unreadable(name, f"{type(error).__name__}: {reason(error)}") from error
    network = from_nir(graph, dt, inputs=inputs)
    if silent:
        warnings.warn(
            f"nir.read: {name!r}: no v_reset in {', '.join(silent)}: potentials are set to 0 after "
            f"a spike, as NIR says; a simulator that subtracts the threshold instead gives other "
            f"spikes.",
            SpikememWarning,
            stacklevel=3,
        )
    return network


def _without_reset(tree: Tree, where: str = "") -> Iterator[str]:
    """Names of the neurons of a graph, and of the graphs inside it, that have no v_reset."""
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


def _unreadable(name: str, why: BaseException | str) -> StorageError:
    return StorageError(f"nir.read: {name!r} cannot be read as a NIR file: {reason(why)}.")


def _tree(name: str) -> dict[str, Any]:
    """All data of the graph."""
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
    """Numbers instead of arrays without axes, as the package nir reads them."""
    return {
        name: _plain(item)
        if isinstance(item, dict)
        else item[()]
        if isinstance(item, np.ndarray)
        else item
        for name, item in tree.items()
    }
