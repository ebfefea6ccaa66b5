"""Small programs for a core of SpiNNaker, assembled here word by word, and the shipped ones."""

from __future__ import annotations

import importlib.util
import struct
from pathlib import Path

_BASE = 0x100
_IRQ_HANDLER, _FIQ_HANDLER = 0x200, 0x240
_VIC, _PACKETS, _TIMER = 0x2F000000, 0x20000000, 0x21000000


def shipped(name: str) -> bytes:
    """A program out of sPyNNaker's wheel."""
    spec = importlib.util.find_spec("spynnaker")
    assert spec is not None
    assert spec.origin is not None
    return (Path(spec.origin).parent / "pyNN" / "model_binaries" / name).read_bytes()


def aplx(words: dict[int, list[int]]) -> bytes:
    """An image that puts words at addresses."""
    blocks, data = [], b""
    start = 16 * (len(words) + 1)
    for k, (address, values) in enumerate(sorted(words.items())):
        blocks.append((2, address, start + len(data) - 16 * k, 4 * len(values)))
        data += struct.pack(f"<{len(values)}I", *values)
    return b"".join(struct.pack("<4I", *b) for b in [*blocks, (4, 0, 0, 0)]) + data


def _mov_word(register: int, value: int) -> list[int]:
    """mov and three orr: a whole word into a register."""
    out = []
    for k in range(4):
        byte, rotation = value >> (8 * k) & 0xFF, (16 - 4 * k) % 16
        opcode = 0xE3A00000 if k == 0 else 0xE3800000 | register << 16
        out.append(opcode | register << 12 | rotation << 8 | byte)
    return out


def _store(value: int, address: int) -> list[int]:
    """str value, [address] through r4 and r5."""
    return [*_mov_word(4, address), *_mov_word(5, value), 0xE5845000]


_WAIT = [0xEE070F90, 0xEAFFFFFD]  # mcr p15, 0, r0, c7, c0, 4; b to it


def echo(add: int = 1) -> bytes:
    """On a packet: sends its key plus `add`. On a tick: sends key 0x100. Sleeps in between."""
    main = [
        *_store(1 << 24, _VIC + 0x0C),  # packets are a fast interrupt
        *_store(_IRQ_HANDLER, _VIC + 0x100),
        *_store(0x20 | 4, _VIC + 0x200),
        *_store(1 << 24 | 1 << 4, _VIC + 0x10),
        *_store(0x80, _TIMER + 8),
        *_mov_word(6, 0),  # r6 counts ticks
        0xE321F01F,  # msr cpsr_c, #0x1f
        *_WAIT,
    ]
    tick = [*_store(0x100, _PACKETS + 8), 0xE2866001, 0xE25EF004]  # add r6; subs pc, lr, #4
    packet = [
        *_mov_word(8, _PACKETS),
        0xE5989014,  # ldr r9, [r8, #0x14]
        0xE2899000 | add,  # add r9, r9, #add
        0xE5889008,  # str r9, [r8, #8]
        0xE25EF004,
    ]
    vectors = [0xEA000000 | ((_BASE - 8) >> 2)]  # b _BASE
    fast = [0xEA000000 | ((_FIQ_HANDLER - 0x1C - 8) >> 2)]
    return aplx({0: vectors, 0x1C: fast, _BASE: main, _IRQ_HANDLER: tick, _FIQ_HANDLER: packet})


def spin() -> bytes:
    """Never rests."""
    return aplx({0: [0xEAFFFFFE]})


def bad_read() -> bytes:
    """Reads an address that isn't there."""
    start = [0xEA000000 | ((_BASE - 8) >> 2)]
    main = [*_mov_word(4, 0x90000000), 0xE5945000, *_WAIT]
    return aplx({0: start, 0x10: _WAIT, _BASE: main})
