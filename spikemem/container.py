"""The sealed container: an HDF5 file behind a user block that holds its checksum.

The block has 512 bytes and begins with a line ``FORMAT VERSION sha256 DIGEST``; the digest is that
of everything behind the block. Other HDF5 readers skip the block. The checksum is compared before
HDF5 sees a file, since damaged bytes can crash that library or make it loop without end.
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
"""What HDF5, and code that makes objects of what it read, raise when the data make no sense."""

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_SEAL = re.compile(rb"(spikemem[a-z-]*) ([1-9]\d{0,8}) sha256 ([0-9a-f]{64})\n\0*")
_PIECE = 1 << 20
_ALL_OBJECTS = h5py.h5f.OBJ_ALL & ~h5py.h5f.OBJ_FILE


class Opened(NamedTuple):
    """A sealed file that is whole, open for reading."""

    file: h5py.File
    version: int
    """Version of the format, from the seal."""
    memory: dict[str, int]
    """Bytes of memory that the data of each object at the top take."""


def pack(fill: Callable[[h5py.File], object], form: str, version: int) -> memoryview:
    """Build a sealed file in memory.

    Nothing is written to the disk meanwhile: HDF5 can't be trusted to report a full one.

    Parameters
    ----------
    fill : callable
        Called with the empty ``h5py.File``.
    form, version : str, int
        What the seal says: "spikemem" or a word that begins with it, and the version of the
        format, from 1.

    Returns
    -------
    memoryview
        The bytes of the file.
    """
    buffer = io.BytesIO()
    # Older versions of the format can't hold attributes above 64 kB.
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
    """Close what is still open after an error: at exit HDF5 would write it into a dead buffer."""
    if file.id.valid:
        for item in (*h5py.h5f.get_obj_ids(file.id, _ALL_OBJECTS), file.id):
            while item.valid:
                h5py.h5i.dec_ref(item)


def seal(body: bytes | memoryview, form: str, version: int) -> bytes:
    """The user block for these bytes."""
    return _block(form, version, hashlib.sha256(body).hexdigest())


def _block(form: str, version: int, digest: str) -> bytes:
    return f"{form} {version} sha256 {digest}\n".encode().ljust(BLOCK, b"\0")


@contextlib.contextmanager
def open_sealed(path: str | Path, form: str) -> Iterator[Opened | None]:
    """Open a file that :func:`pack` made; None stands for a file without a seal of this form.

    Parameters
    ----------
    path : str or Path
        A file.
    form : str
        The word in its seal.

    Raises
    ------
    OSError
        There is no such file, it can't be read, or it is not a regular file.
    StorageError
        The content does not match the checksum; the message is the reason alone.
    Refused
        The file has something that :func:`spikemem.hdf5.check_tree` refuses.
    """
    with open_regular(path) as raw:
        version = _check_seal(raw, form)
        if version is None:
            yield None
            return
        with h5py.File(raw, "r") as file:
            yield Opened(file, version, check_tree(file, raw.seek(0, io.SEEK_END)))


def _check_seal(raw: BinaryIO, form: str) -> int | None:
    """Version in the seal of a file that is whole; None without a seal of this form."""
    block = raw.read(BLOCK)
    found = _SEAL.fullmatch(block) if len(block) == BLOCK else None
    if found is None and (block.startswith(form.encode()) or b" sha256 " in block):
        raise StorageError("its seal is damaged")
    if found is None or found[1] != form.encode():
        return None
    digest = hashlib.sha256()
    while piece := raw.read(_PIECE):
        digest.update(piece)
    if digest.hexdigest().encode() != found[3]:
        raise StorageError("its content does not match its checksum")
    return int(found[2])


def is_hdf5(raw: BinaryIO) -> bool:
    """Whether an open file has the signature of HDF5 where that may stand."""
    place, size = 0, raw.seek(0, io.SEEK_END)
    while place < size:
        raw.seek(place)
        if raw.read(len(_SIGNATURE)) == _SIGNATURE:
            return True
        place = max(2 * place, BLOCK)
    return False


def reason(error: BaseException | str) -> str:
    """The first line of what an error says, or its type."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    if isinstance(error, KeyError) and error.args:
        return f"there is no {shown(error.args[0])}"
    return (str(error) or type(error).__name__).splitlines()[0]
