"""Reads HDF5 files of other programs in a separate process.

Damaged bytes can crash the HDF5 library or make it loop forever, and a foreign file has no
checksum. A second process therefore reads the file, with limits on time and memory, and sends the
data back.
"""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any, BinaryIO

import numpy as np

from .errors import StorageError

__all__ = ["read_attributes", "read_items", "read_tree"]

Tree = dict[str, Any]

_CODE = "from spikemem.foreign import main; main()"
_SECONDS = 4
"""Least time limit for a file, s of processor time."""
_SECONDS_OF_DATA = 30
"""Least time limit for a file of data, which can hold many small arrays, s of processor time."""
_BYTES_PER_SECOND = 20_000_000
_WAIT = 60
"""Seconds to wait for each second of processor time, on a busy machine."""


def read_tree(file: BinaryIO, group: str) -> Tree:
    """Read all datasets of one group of an HDF5 file.

    Parameters
    ----------
    file : binary file
        An open regular file.
    group : str
        Name of a top-level group.

    Raises
    ------
    StorageError
        If the file is damaged or too large for the memory, or if
        :func:`spikemem.hdf5.check_tree` refuses it. The message is the reason only.
    """
    return _ask(file, "tree", group)


def read_items(file: BinaryIO, names: Sequence[str]) -> Tree:
    """Read some top-level groups and datasets of an HDF5 file; missing ones are left out.

    A dataset whose rows have different lengths becomes `values` and `lengths`.

    Parameters
    ----------
    file : binary file
        An open regular file.
    names : sequence of str
        Names of groups and datasets.

    Raises
    ------
    StorageError
        As for :func:`read_tree`.
    """
    return _ask(file, "items", json.dumps(list(names)))


def read_attributes(file: BinaryIO) -> Tree:
    """Read the top-level attributes of an HDF5 file; raises as :func:`read_tree`."""
    return _ask(file, "attributes", "")


def _ask(file: BinaryIO, what: str, group: str) -> Tree:
    least = _SECONDS_OF_DATA if what == "items" else _SECONDS
    seconds = least + file.seek(0, io.SEEK_END) // _BYTES_PER_SECOND
    file.seek(0)
    path = os.pathsep.join(entry or os.getcwd() for entry in sys.path)
    environment = os.environ | {
        "PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "HDF5_PLUGIN_PRELOAD": "::",
    }  # fmt: skip
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-c", _CODE, what, group, str(seconds)],
            stdin=file, capture_output=True, env=environment, timeout=seconds * _WAIT, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise StorageError("HDF5 takes too long to read it") from error
    except OSError as error:
        raise StorageError(f"no second Python process can be started: {error}") from error
    if done.returncode == 3:
        raise StorageError(done.stdout.decode("utf-8", "replace"))
    if done.returncode:
        raise StorageError(f"HDF5 cannot read it (status {done.returncode})")
    return _joined(io.BytesIO(done.stdout))


def _joined(stream: BinaryIO) -> Tree:
    """Read the tree that :func:`_send` writes."""
    root: Tree = {}
    for names, value, kind, shape in json.loads(stream.readline()):
        if kind is not None:
            dtype = np.dtype(kind)
            count = int(np.prod(shape, dtype=np.int64))
            content = stream.read(count * dtype.itemsize)
            value = np.frombuffer(bytearray(content), dtype).reshape(shape)
        node = root
        for name in names[:-1]:
            node = node[name]
        node[names[-1]] = value
    return root


def main() -> None:
    """Read the file on standard input; the second process runs this."""
    what, group, seconds = sys.argv[1:]
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        _limit(int(seconds))
        _send(out, what, group)
    except Exception as error:
        from .container import reason

        out.write(f"{reason(error)}".encode("utf-8", "replace"))
        out.flush()
        os._exit(3)
    out.flush()
    # A damaged file may also crash HDF5 when it is closed.
    os._exit(0)


def _limit(seconds: int) -> None:
    """Limit processor time and memory, where the system supports it."""
    try:
        import resource
    except ImportError:
        return
    from .limits import available_memory

    most = available_memory() + 2**30
    for which, limit in (("CPU", seconds), ("CORE", 0), ("AS", most)):
        number = getattr(resource, f"RLIMIT_{which}")
        hard = resource.getrlimit(number)[1]
        limit = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(number, (limit, hard))


def _send(out: BinaryIO, what: str, group: str) -> None:
    """Write one line of JSON that describes the tree, and then the arrays one after the other."""
    import h5py

    from .hdf5 import attributes_of, check_memory, check_tree, item_of, tree_of

    with open(0, "rb", closefd=False) as raw, h5py.File(raw, "r") as file:
        size = os.fstat(0).st_size
        memory = check_tree(file, size, ragged=what == "items")
        if what == "attributes":
            tree = attributes_of(file)
        elif what == "items":
            names = [name for name in json.loads(group) if name in memory]
            # The declared bytes do not include rows of different lengths.
            check_memory(3 * (sum(memory[name] for name in names) + size))
            tree = {name: item_of(file[name], size) for name in names}
        elif group not in file or not isinstance(file[group], h5py.Group):
            raise StorageError(f"it has no group {group!r}")
        else:
            # The data exist in this process, in the pipe, and in the other process.
            check_memory(3 * memory[group])
            tree = tree_of(file[group])
    items = list(_flat(tree, []))
    lines = [
        (names, value, None, None)
        if isinstance(value, dict | str)
        else (names, None, value.dtype.str, value.shape)
        for names, value in items
    ]
    out.write(json.dumps(lines).encode() + b"\n")
    for _, value in items:
        if isinstance(value, np.ndarray):
            out.write(value.tobytes())


def _flat(tree: Tree, names: list[str]) -> Iterator[tuple[list[str], Any]]:
    for name, value in tree.items():
        path = [*names, name]
        if isinstance(value, dict):
            yield path, {}
            yield from _flat(value, path)
        else:
            yield path, value
