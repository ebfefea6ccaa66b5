"""Programs in ``.aplx`` files: lists of memory blocks to copy or to clear."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from .status import BoardFault

__all__ = ["Image"]

_COPY, _CLEAR, _END = 2, 3, 4
_BLOCK = struct.Struct("<4I")
_SIZES = {"ITCM": (0x0, 0x8000), "DTCM": (0x400000, 0x10000)}


@dataclass(frozen=True)
class Image:
    """Contents of a core's two memories before its first instruction.

    Attributes
    ----------
    itcm, dtcm : bytes
        32 KiB of instructions and 64 KiB of data.
    """

    itcm: bytes
    dtcm: bytes

    @classmethod
    def of(cls, binary: bytes) -> Image:
        """Read the image in the bytes of an ``.aplx`` file.

        Raises
        ------
        BoardFault
            If `binary` is not such a file, or does not fit into a core.
        """
        memories = {name: bytearray(size) for name, (_, size) in _SIZES.items()}
        for at in range(0, len(binary) - _BLOCK.size + 1, _BLOCK.size):
            command, a, b, c = _BLOCK.unpack_from(binary, at)
            if command == _END:
                return cls(bytes(memories["ITCM"]), bytes(memories["DTCM"]))
            if command == _COPY and at + b + c <= len(binary):
                _put(memories, a, binary[at + b : at + b + c])
            elif command == _CLEAR:
                _put(memories, a, bytes(min(b, 0x10000)))
            else:
                break
        raise BoardFault(
            "A program for a core must be an .aplx image: its list of blocks is damaged."
        )


def _put(memories: dict[str, bytearray], address: int, data: bytes) -> None:
    for name, (start, size) in _SIZES.items():
        if start <= address and address + len(data) <= start + size:
            memories[name][address - start : address - start + len(data)] = data
            return
    raise BoardFault(
        f"A program of {len(data)} bytes at address {address:#x} does not fit into a core, which "
        "has 32 KiB for instructions and 64 KiB for data."
    )
