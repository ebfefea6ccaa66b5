"""Sealed HDF5 files: a user block at the beginning holds the checksum of the rest.

The block has 512 bytes and begins with a line ``FORMAT VERSION sha256 DIGEST``, where the digest is
that of everything after the block. Other HDF5 readers skip the block. The checksum is compared
before HDF5 opens the file, because damaged bytes can crash that library or make it loop forever.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

import h5py

from .errors import SpikememError, StorageError, shown
from .files import open_regular
from .hdf5 import check_tree

__all__ = ["BLOCK", "DAMAGE", "Opened", "is_hdf5", "open_sealed", "pack", "reason", "seal"]

BLOCK = 512
"""Length of the user block, bytes."""

DAMAGE = (
    SpikememError, ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError,
    OSError, RuntimeError, TypeError, ValueError,
)  # fmt: skip
"""Exceptions that HDF5, and constructors of objects, raise if the data in a file are invalid."""

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_SEAL = re.compile(rb"(spikemem[a-z-]*) ([1-9]\d{0,8}) sha256 ([0-9a-f]{64})\n\0*")
_PIECE = 1 << 20
_ALL_OBJECTS = h5py.h5f.OBJ_ALL & ~h5py.h5f.OBJ_FILE


class Opened(NamedTuple):
    """An intact sealed file, open for reading."""

    file: h5py.File
    version: int
    """Version of the format, from the seal."""
    memory: dict[str, int]
    """Memory that the data of each top-level object take, bytes."""


def pack(fill: Callable[[h5py.File], object], form: str, version: int) -> memoryview:
    """Build a sealed file in memory.

    Nothing is written to disk meanwhile, because HDF5 does not reliably report a full disk.

    Parameters
    ----------
    fill : callable
        Called with the empty ``h5py.File``.
    form, version : str, int
        Content of the seal: "spikemem" or a word that begins with it, and the version of the
        format, from 1.

    Returns
    -------
    memoryview
        The bytes of the file.
    """
    buffer = io.BytesIO()
    # Older versions of the format cannot hold attributes above 64 kB.
    file = h5py.File(buffer, "w", libver="v110", userblock_size=BLOCK)
    try:
        fill(file)
        file.close()
    finally:
        _close(file)
    content = buffer.getbuffer()
    content[:BLOCK] = seal(content[BLOCK:], form, version)
    return content


def _close(file: h5py.File) -> None:
    """Close open objects after an error: at exit HDF5 would write them into a freed buffer."""
    if file.id.valid:
        for item in (*h5py.h5f.get_obj_ids(file.id, _ALL_OBJECTS), file.id):
            while item.valid:
                h5py.h5i.dec_ref(item)


def seal(body: bytes | memoryview, form: str, version: int) -> bytes:
    """Return the user block for these bytes."""
    return _block(form, version, hashlib.sha256(body).hexdigest())


def _block(form: str, version: int, digest: str) -> bytes:
    return f"{form} {version} sha256 {digest}\n".encode().ljust(BLOCK, b"\0")


@contextlib.contextmanager
def open_sealed(path: str | Path, form: str) -> Iterator[Opened | None]:
    """Open a file that :func:`pack` made, or yield None if it has no seal of this form.

    Parameters
    ----------
    path : str or Path
        File to open.
    form : str
        The word in its seal.

    Raises
    ------
    OSError
        If the file does not exist, cannot be read, or is not a regular file.
    StorageError
        If the content does not match the checksum. The message is the reason only.
    Refused
        If :func:`spikemem.hdf5.check_tree` refuses the file.
    """
    with open_regular(path) as raw:
        version = _check_seal(raw, form)
        if version is None:
            yield None
            return
        with h5py.File(raw, "r") as file:
            yield Opened(file, version, check_tree(file, raw.seek(0, io.SEEK_END)))


def _check_seal(raw: BinaryIO, form: str) -> int | None:
    """Return the version in the seal of an intact file, or None without a seal of this form."""
    block = raw.read(BLOCK)
    match = _SEAL.fullmatch(block) if len(block) == BLOCK else None
    if match is None and (block.startswith(form.encode()) or b" sha256 " in block):
        raise StorageError("its seal is damaged")
    if match is None or match[1] != form.encode():
        return None
    digest = hashlib.sha256()
    while piece := raw.read(_PIECE):
        digest.update(piece)
    if digest.hexdigest().encode() != match[3]:
        raise StorageError("its content does not match its checksum")
    return int(match[2])


def is_hdf5(raw: BinaryIO) -> bool:
    """Tell whether an open file has the signature of HDF5 at one of the allowed offsets."""
    offset, size = 0, raw.seek(0, io.SEEK_END)
    while offset < size:
        raw.seek(offset)
        if raw.read(len(_SIGNATURE)) == _SIGNATURE:
            return True
        offset = max(2 * offset, BLOCK)
    return False


def reason(error: BaseException | str) -> str:
    """Return the first line of an error's message, or its type if it has no message."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, KeyError) and error.args:
        return f"there is no {shown(error.args[0])}"
    return (str(error) or type(error).__name__).splitlines()[0]
