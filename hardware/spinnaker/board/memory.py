"""Memory that the cores of a chip share, in the state in which the monitor leaves it."""

from __future__ import annotations

import mmap
import struct

import numpy as np
from numpy.typing import NDArray

from .heap import Heap
from .status import BoardFault, CoreStatus, State

__all__ = ["CORES", "ChipMemory"]

CORES = 18
"""Cores of a chip; number 0 is the monitor."""

_SDRAM, _SDRAM_SIZE = 0x60000000, 128 << 20
_USER_SIZE = 118 << 20
"""Part of the SDRAM for programs and data; tables and buffers are above it."""
_TAGS, _ROUTES, _APPS = 0x67600000, 0x67640000, 0x67650000
_MESSAGES, _BUFFERS, _SYSTEM_HEAP = 0x67660000, 0x67680000, 0x67900000
_SYSTEM, _SYSTEM_SIZE = 0xE5000000, 0x8000
_SYSTEM_RAM_HEAP, _SYSTEM_RAM_HEAP_END = 0xE5001000, 0xE5006000
_VCPU, _VCPU_SIZE = 0xE5007000, 128
_USER = 112
_SV = 0xE5007F00
_VERSION_WORD, _VERSION = 0xE5007FFC, 0x00040000
_BUFFER_WORDS, _IOBUF_SIZE = 32768, 16384
_MESSAGE_SIZE, _N_MESSAGES = 296, 12
_ROUTER_ENTRIES = 1024
_CLOCK, _MEMORY_CLOCK = 200, 130


class ChipMemory:
    """SDRAM and system RAM of one chip.

    Parameters
    ----------
    x, y : int
        Coordinates of the chip, which programs read.

    Attributes
    ----------
    sdram, system : array of uint8
        SDRAM (128 MiB) and system RAM (32 KiB). Unused pages take no memory.
    sync : array of uint32
        Word of the system controller with which the host starts the cores.
    heap, system_heap : Heap
        Blocks of SDRAM for programs and data, and for the monitor and its buffers.
    """

    def __init__(self, x: int, y: int) -> None:
        self.x, self.y = x, y
        self.sdram: NDArray[np.uint8] = np.frombuffer(mmap.mmap(-1, _SDRAM_SIZE), np.uint8)
        self.system: NDArray[np.uint8] = np.frombuffer(mmap.mmap(-1, _SYSTEM_SIZE), np.uint8)
        self.sync: NDArray[np.uint32] = np.zeros(1, np.uint32)
        self.heap = Heap(self, _SDRAM, _SDRAM + _USER_SIZE, _TAGS)
        self.system_heap = Heap(self, _SYSTEM_HEAP, _SDRAM + _SDRAM_SIZE, _TAGS)
        Heap(self, _SYSTEM_RAM_HEAP, _SYSTEM_RAM_HEAP_END, _TAGS)
        self._write_variables()
        self._write_router()
        for i in range(_N_MESSAGES):
            at = _MESSAGES + i * _MESSAGE_SIZE
            self.put(at, "<I", at + _MESSAGE_SIZE if i + 1 < _N_MESSAGES else 0)

    def _write_variables(self) -> None:
        self.put(_SV, "<2B", self.y, self.x)
        self.put(_SV + 0x24, "<2H", _CLOCK, _MEMORY_CLOCK)
        self.put(_SV + 0x48, "<5I", _SYSTEM_RAM_HEAP, _SDRAM, _IOBUF_SIZE, _BUFFERS, _BUFFER_WORDS)
        self.put(_SV + 0x68, "<I", _MESSAGES)
        self.write(_SV + 0x94, bytes(range(CORES)))
        self.write(_SV + 0xA8, bytes(range(CORES)))
        self.put(_SV + 0xBC, "<2B", CORES, CORES - 1)
        self.put(_SV + 0xC0, "<3I", _SDRAM, _SYSTEM, _BUFFERS)
        self.put(_SV + 0xCC, "<3I", _VCPU, _SYSTEM_HEAP, _ROUTES)
        self.put(_SV + 0xDC, "<2H", _TAGS & 0xFFFF, _TAGS >> 16)
        self.put(_SV + 0xE4, "<2I", _APPS, _MESSAGES)
        self.put(_VERSION_WORD, "<I", _VERSION)
        self.set_state(0, State.RUNNING)
        for p in range(1, CORES):
            self.set_state(p, State.IDLE)

    def _write_router(self) -> None:
        for entry in range(_ROUTER_ENTRIES + 1):
            self.put(_ROUTES + 16 * entry, "<2H3I", 0, 0, 0xFF000000, 0xFFFFFFFF, 0)
        self.put(_ROUTES + 16, "<2H", _ROUTER_ENTRIES, 0)
        self.put(_SV + 0xE0, "<H", 1)

    # Bytes at addresses of the chip
    def _block(self, address: int, size: int) -> tuple[NDArray[np.uint8], int]:
        high, offset = address >> 28, address & 0x0FFFFFFF
        if size >= 0 and high in (0x6, 0x7) and offset + size <= self.sdram.size:
            return self.sdram, offset
        system = high in (0xE, 0xF) and address & 0x0FFF0000 == 0x05000000
        offset = address & 0xFFFF
        if size >= 0 and system and offset + size <= self.system.size:
            return self.system, offset
        raise BoardFault(
            f"Chip ({self.x}, {self.y}) has no {size} bytes of shared memory at {address:#x}: "
            "SDRAM is at 0x60000000 (128 MiB) and system RAM at 0xe5000000 (32 KiB)."
        )

    def read(self, address: int, size: int) -> bytes:
        """Return bytes at an address of the chip."""
        # An empty region of a program has address 0.
        if not size:
            return b""
        block, offset = self._block(address, size)
        return block[offset : offset + size].tobytes()

    def write(self, address: int, data: bytes) -> None:
        """Write bytes at an address of the chip."""
        block, offset = self._block(address, len(data))
        block[offset : offset + len(data)] = np.frombuffer(data, np.uint8)

    def get(self, address: int, form: str) -> tuple[int, ...]:
        """Return numbers at an address, in a format of :mod:`struct`."""
        return struct.unpack(form, self.read(address, struct.calcsize(form)))

    def word(self, address: int) -> int:
        """Return one word."""
        return self.get(address, "<I")[0]

    def put(self, address: int, form: str, *values: int) -> None:
        """Write numbers in a format of :mod:`struct`."""
        self.write(address, struct.pack(form, *values))

    # Blocks of cores
    def vcpu(self, p: int) -> int:
        """Return the address of the block with which core `p` and the monitor communicate."""
        return _VCPU + _VCPU_SIZE * p

    def state(self, p: int) -> State:
        """Return the state of core `p`, which its program sets."""
        return State(int(self.system[self.vcpu(p) - _SYSTEM + 46]) & 15)

    def set_state(self, p: int, state: State) -> None:
        """Set the state of core `p`."""
        self.system[self.vcpu(p) - _SYSTEM + 46] = state

    def clear_core(self, p: int) -> None:
        """Clear the block of core `p`, except its user words."""
        self.write(self.vcpu(p), bytes(_USER))
        self.set_state(p, State.IDLE)

    def status(self, p: int) -> CoreStatus:
        """Return the status of core `p`."""
        data = self.read(self.vcpu(p), _VCPU_SIZE)
        words = struct.unpack("<32I", data)
        return CoreStatus(
            x=self.x,
            y=self.y,
            p=p,
            state=self.state(p),
            app_id=data[47],
            name=data[72:88].split(b"\0")[0].decode("ascii", "replace"),
            run_time_error=data[44],
            registers=words[:8],
            psr=words[8],
            sp=words[9],
            lr=words[10],
            user=words[28:32],
            iobuf=self._iobuf(words[22]),
        )

    def _iobuf(self, address: int) -> str:
        text = b""
        while address and len(text) < 1 << 22:
            address, _, _, size = (at := address, *self.get(address, "<4I"))[1:]
            text += self.read(at + 16, size)
        return text.decode("ascii", "replace")

    # Messages
    def take_buffer(self) -> int:
        """Take a message buffer from the shared pool; return its address, or 0 if none is free."""
        at = self.word(_SV + 0x68)
        if at:
            self.put(_SV + 0x68, "<I", self.word(at))
        return at

    def free_buffer(self, at: int) -> None:
        """Return a buffer to the pool."""
        self.put(at, "<I", self.word(_SV + 0x68))
        self.put(_SV + 0x68, "<I", at)

    def post(self, p: int, message: bytes) -> bool:
        """Put a message for core `p` in its mailbox; return False if mailbox or pool is full."""
        vcpu = self.vcpu(p)
        at = 0 if self.read(vcpu + 56, 1)[0] else self.take_buffer()
        if not at:
            return False
        self.put(at + 4, "<2H", len(message), 0)
        self.write(at + 8, message)
        self.put(vcpu + 48, "<I", at)
        self.write(vcpu + 56, b"\x01")
        return True

    def collect(self, p: int) -> bytes | None:
        """Take the message of core `p` for the monitor; return None if there is none."""
        vcpu = self.vcpu(p)
        if not self.read(vcpu + 57, 1)[0]:
            return None
        at = self.word(vcpu + 52)
        message = self.read(at + 8, self.get(at + 4, "<H")[0])
        self.free_buffer(at)
        self.write(vcpu + 57, b"\x00")
        self.put(_SV + 0xEC, "<I", 0)
        return message

    def signal(self, p: int, signal: int) -> None:
        """Put a signal in the mailbox of core `p`."""
        vcpu = self.vcpu(p)
        self.put(vcpu + 48, "<I", signal)
        self.write(vcpu + 56, b"\x03")

    # Routes, in the monitor's copy of the router's table
    def routes(self) -> list[tuple[int, int, int, int, int]]:
        """Return the entries in use as (index, application, route, key, mask)."""
        table = np.frombuffer(self.read(_ROUTES, 16 * (_ROUTER_ENTRIES + 1)), "<u4").reshape(-1, 4)
        used = np.flatnonzero(table[:, 1] < 0xFF000000)
        return [
            (int(i), int(table[i, 0]) >> 16 & 0xFF, *(int(v) for v in table[i, 1:]))  # type: ignore[misc]
            for i in used
            if 0 < i < _ROUTER_ENTRIES + 1
        ]

    def add_routes(self, entries: list[tuple[int, int, int]], app_id: int) -> None:
        """Add successive entries (key, mask, route); raise BoardFault if the table is full."""
        if not entries:
            return
        n, before, at = len(entries), 0, self.get(_SV + 0xE0, "<H")[0]
        while at:
            end, free = self.get(_ROUTES + 16 * at, "<2H")
            if end - at >= n:
                break
            before, at = at, free
        else:
            raise BoardFault(
                f"The router of chip ({self.x}, {self.y}) has no room for {n} more entries: it "
                f"holds {_ROUTER_ENTRIES - 1}. Compress the routing tables, or use "
                "fewer populations."
            )
        if end - at > n:
            self.put(_ROUTES + 16 * (at + n), "<2H", end, free)
            free = at + n
        self.put(_ROUTES + 16 * before + 2 if before else _SV + 0xE0, "<H", free)
        for i, (key, mask, route) in enumerate(entries):
            self.put(
                _ROUTES + 16 * (at + i), "<2H3I", at + n if i == 0 else 0, app_id, route, key, mask
            )

    def clear_routes(self, app_id: int | None) -> None:
        """Remove the entries of one application, or all; the others move to the front."""
        keep = [e for e in self.routes() if app_id is not None and e[1] != app_id]
        self._write_router()
        for _, app, route, key, mask in keep:
            self.add_routes([(key, mask, route)], app)
