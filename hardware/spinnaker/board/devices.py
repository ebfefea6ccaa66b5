"""Devices of a core: compiled functions for the reads and writes of its program.

The state of all devices of a core is one array of 64-bit integers, whose indices are named here.
The emulated processor calls the functions of :data:`DEVICES` with the address of that array, so
that an access runs no Python code.
"""

from __future__ import annotations

from typing import Any

import numba
from numba import types

from .raw import call1, call4, compiled, copy_bytes, for_c, load8, load32, store8, store32

__all__ = ["DEVICES", "PLACES", "SOURCES"]

# Interrupt controller
PENDING, SOFTWARE, ENABLED, SELECT, DEFAULT_VECTOR = 0, 1, 2, 3, 4
SLOT_ADDRESS, SLOT_CONTROL = 16, 32
# Communications controller
PACKET_KEY, PACKET_PAYLOAD, PACKET_STATUS = 5, 6, 7
TX_CONTROL, TX_PAYLOAD, TX_HAS_PAYLOAD = 8, 9, 10
SENT, SENT_BUFFER, SENT_ROOM = 48, 49, 50
# DMA controller
DMA_SYSTEM, DMA_TCM, DMA_DONE, DMA_ERRORS, DMA_DESCRIPTION = 51, 52, 53, 54, 55
# Timers: load, control, count
T1_LOAD, T1_CONTROL, T1_COUNT, T2_LOAD, T2_CONTROL, T2_COUNT, T2_READS, T1_ZEROS = range(56, 64)
# Addresses of the memories on this computer
SDRAM, SDRAM_SIZE, SYSTEM_RAM, ITCM, DTCM = range(64, 69)
# The processor, functions that stop it, and reasons for a stop
PROCESSOR, STOP, MONITOR, VIRTUAL_CORE, SYNC_WORD, STOPPED, LAST_WAIT = range(69, 76)
T2_IDLE = 76
# Registers at the last stop, and those with which the processor continues
PC, CPSR, NEXT_CPSR, NEXT_SPSR, NEXT_LR = range(77, 82)
GET_NAMES, GET_PLACES, SET_NAMES, SET_PLACES = range(82, 86)
START_FUNCTION, READ_FUNCTION, WRITE_FUNCTION, ERROR, RESUMES = range(86, 91)
# Work: instructions so far, blocks of instructions before the next pause, table of their widths
INSTRUCTIONS, BLOCKS_LEFT, WIDTHS = range(91, 94)
PLACES = 96
"""Length of the array."""

SOFTWARE_SOURCE, TIMER_SOURCE, PACKET_SOURCE, DMA_SOURCE, MAILBOX_SOURCE = 1, 4, 24, 12, 18
SOURCES = {
    "software": SOFTWARE_SOURCE,
    "timer": TIMER_SOURCE,
    "packet": PACKET_SOURCE,
    "DMA": DMA_SOURCE,
    "mailbox": MAILBOX_SOURCE,
}

_ALL = 0xFFFFFFFF
_WAIT_READS = 4
"""Successive reads of the second timer's count after which the processor is stopped as waiting."""

_carray: Any = numba.carray  # type: ignore[attr-defined]
_pointer: Any = types.CPointer
_STATE = _pointer(types.int64)
_BLOCK = types.void(types.int64, types.int64, types.int32, _STATE)
_READ = types.int64(types.int64, types.int64, types.int32, _STATE)
_WRITE = types.void(types.int64, types.int64, types.int32, types.int64, _STATE)


@compiled
def _stop(s: Any, reason: int) -> None:
    """Stop the processor at this access, which it repeats when it continues."""
    s[STOPPED] = reason
    call1(s[STOP], (s[PROCESSOR],))


@compiled
def _host_address(s: Any, address: int, size: int) -> int:
    """Return the address on this computer of an address of the core, or 0."""
    if 0x60000000 <= address < 0x80000000:
        offset = address & 0x0FFFFFFF
        return int(s[SDRAM] + offset) if offset + size <= s[SDRAM_SIZE] else 0
    if address >= 0x400000 and address + size <= 0x410000:
        return int(s[DTCM] + address - 0x400000)
    if address + size <= 0x8000:
        return int(s[ITCM] + address)
    if 0xE5000000 <= address < 0xE5008000 or 0xF5000000 <= address < 0xF5008000:
        offset = address & 0xFFFF
        return int(s[SYSTEM_RAM] + offset) if offset + size <= 0x8000 else 0
    return 0


@compiled
def _interrupts_read(s: Any, offset: int) -> int:
    pending = (s[PENDING] | s[SOFTWARE]) & _ALL
    if offset == 0x00:
        return int(pending & s[ENABLED] & ~s[SELECT])
    if offset == 0x04:
        return int(pending & s[ENABLED] & s[SELECT])
    if offset == 0x08:
        return int(pending)
    if offset == 0x0C:
        return int(s[SELECT])
    if offset == 0x10:
        return int(s[ENABLED])
    if offset == 0x18:
        return int(s[SOFTWARE])
    if 0x100 <= offset < 0x140:
        return int(s[SLOT_ADDRESS + ((offset - 0x100) >> 2)])
    if 0x200 <= offset < 0x240:
        return int(s[SLOT_CONTROL + ((offset - 0x200) >> 2)])
    return int(s[DEFAULT_VECTOR]) if offset in (0x30, 0x34) else 0


@compiled
def _interrupts_write(s: Any, offset: int, value: int) -> None:
    if offset == 0x0C:
        s[SELECT] = value
    elif offset == 0x10:
        s[ENABLED] |= value
    elif offset == 0x14:
        s[ENABLED] &= ~value
    elif offset == 0x18:
        s[SOFTWARE] |= value
    elif offset == 0x1C:
        s[SOFTWARE] &= ~value
    elif offset == 0x34:
        s[DEFAULT_VECTOR] = value
    elif 0x100 <= offset < 0x140:
        s[SLOT_ADDRESS + ((offset - 0x100) >> 2)] = value
    elif 0x200 <= offset < 0x240:
        s[SLOT_CONTROL + ((offset - 0x200) >> 2)] = value


@compiled
def _packets_read(s: Any, offset: int) -> int:
    if offset == 0x00:
        return 0xB0000000
    if offset == 0x0C:
        return int(s[PACKET_STATUS])
    if offset == 0x10:
        return int(s[PACKET_PAYLOAD])
    if offset == 0x14:
        s[PACKET_STATUS] = s[T2_READS] = 0
        s[PENDING] &= ~(1 << PACKET_SOURCE)
        return int(s[PACKET_KEY])
    return 0


@compiled
def _packets_write(s: Any, offset: int, value: int) -> None:
    if offset == 0x00:
        s[TX_CONTROL] = value
    elif offset == 0x04:
        s[TX_PAYLOAD], s[TX_HAS_PAYLOAD] = value, 1
    elif offset == 0x08:
        if s[SENT] >= s[SENT_ROOM]:
            _stop(s, 3)
            return
        at = s[SENT_BUFFER] + 12 * s[SENT]
        store32(at, value)
        store32(at + 4, s[TX_PAYLOAD])
        store32(at + 8, s[TX_HAS_PAYLOAD])
        s[TX_HAS_PAYLOAD] = 0
        s[SENT] += 1


@compiled
def _dma_read(s: Any, offset: int) -> int:
    if offset == 0x04:
        return int(s[DMA_SYSTEM])
    if offset == 0x08:
        return int(s[DMA_TCM])
    if offset == 0x14:
        return int(s[VIRTUAL_CORE] << 24 | 0x400)
    return 0


@compiled
def _dma_write(s: Any, offset: int, value: int) -> None:
    if offset == 0x04:
        s[DMA_SYSTEM] = value
    elif offset == 0x08:
        s[DMA_TCM] = value
    elif offset == 0x0C:
        size = value & 0x1FFFF
        system, tcm = _host_address(s, s[DMA_SYSTEM], size), _host_address(s, s[DMA_TCM], size)
        if system == 0 or tcm == 0:
            s[DMA_ERRORS] += 1
            s[DMA_DESCRIPTION] = value
        elif value & 1 << 19:
            copy_bytes(system, tcm, size)
        else:
            copy_bytes(tcm, system, size)
        s[DMA_DONE] += 1
        s[T2_READS] = 0
        s[PENDING] |= 1 << DMA_SOURCE
    elif offset == 0x10 and value & 8:
        s[PENDING] &= ~(1 << DMA_SOURCE)


@compiled
def _timers_read(s: Any, offset: int) -> int:
    if offset == 0x00 or offset == 0x18:
        return int(s[T1_LOAD])
    if offset == 0x04:
        # Time does not pass within a tick, but a program may wait until the count decreases.
        if s[T1_COUNT] > 0:
            s[T1_COUNT] = max(0, s[T1_COUNT] - max(1, s[T1_LOAD] >> 7))
        else:
            s[T1_ZEROS] += 1
            if s[T1_ZEROS] >= 1024:
                s[T1_ZEROS], s[T1_COUNT] = 0, s[T1_LOAD]
        return int(s[T1_COUNT])
    if offset == 0x08:
        return int(s[T1_CONTROL])
    if offset == 0x20 or offset == 0x38:
        return int(s[T2_LOAD])
    if offset == 0x24:
        s[T2_READS] += 1
        if s[T2_COUNT] > 0 and s[T2_IDLE] and s[T2_READS] >= _WAIT_READS:
            s[T2_READS] = 0
            _stop(s, 2)
        return int(s[T2_COUNT])
    if offset == 0x28:
        return int(s[T2_CONTROL])
    return 0


@compiled
def _timers_write(s: Any, offset: int, value: int) -> None:
    if offset == 0x00:
        s[T1_LOAD] = s[T1_COUNT] = value
    elif offset == 0x18:
        s[T1_LOAD] = value
    elif offset == 0x08:
        s[T1_CONTROL] = value
    elif offset == 0x0C:
        s[PENDING] &= ~(1 << TIMER_SOURCE)
    elif offset == 0x20:
        s[T2_LOAD] = s[T2_COUNT] = value
        s[T2_READS] = 0
    elif offset == 0x38:
        s[T2_LOAD] = value
    elif offset == 0x28:
        s[T2_CONTROL] = value


@compiled
def _system_read(s: Any, offset: int) -> int:
    if offset == 0x58:
        return int(load32(s[SYNC_WORD]))
    return 0


@compiled
def _system_write(s: Any, offset: int, value: int) -> None:
    if offset == 0x08:
        s[MONITOR] = 1 - s[MONITOR]
        if s[MONITOR]:
            _stop(s, 1)
    elif offset == 0x0C:
        s[PENDING] &= ~(1 << MAILBOX_SOURCE)
    elif offset == 0x58:
        store32(s[SYNC_WORD], value)


# Numba cannot cache functions for C that are generated from others, so that each is written out.
@for_c(_READ)
def _read_interrupts(processor: int, offset: int, size: int, state: Any) -> int:
    return _interrupts_read(_carray(state, (PLACES,)), offset)


@for_c(_WRITE)
def _write_interrupts(processor: int, offset: int, size: int, value: int, state: Any) -> None:
    _interrupts_write(_carray(state, (PLACES,)), offset, value)


@for_c(_READ)
def _read_packets(processor: int, offset: int, size: int, state: Any) -> int:
    return _packets_read(_carray(state, (PLACES,)), offset)


@for_c(_WRITE)
def _write_packets(processor: int, offset: int, size: int, value: int, state: Any) -> None:
    _packets_write(_carray(state, (PLACES,)), offset, value)


@for_c(_READ)
def _read_dma(processor: int, offset: int, size: int, state: Any) -> int:
    return _dma_read(_carray(state, (PLACES,)), offset)


@for_c(_WRITE)
def _write_dma(processor: int, offset: int, size: int, value: int, state: Any) -> None:
    _dma_write(_carray(state, (PLACES,)), offset, value)


@for_c(_READ)
def _read_timers(processor: int, offset: int, size: int, state: Any) -> int:
    return _timers_read(_carray(state, (PLACES,)), offset)


@for_c(_WRITE)
def _write_timers(processor: int, offset: int, size: int, value: int, state: Any) -> None:
    _timers_write(_carray(state, (PLACES,)), offset, value)


@for_c(_READ)
def _read_system(processor: int, offset: int, size: int, state: Any) -> int:
    return _system_read(_carray(state, (PLACES,)), offset)


@for_c(_WRITE)
def _write_system(processor: int, offset: int, size: int, value: int, state: Any) -> None:
    _system_write(_carray(state, (PLACES,)), offset, value)


@for_c(_READ)
def _read_zero(processor: int, offset: int, size: int, state: Any) -> int:
    return 0


@for_c(_WRITE)
def _write_nothing(processor: int, offset: int, size: int, value: int, state: Any) -> None:
    return


@for_c(_BLOCK)
def count_block(processor: int, address: int, size: int, state: Any) -> None:
    """Count the instructions of a block before it runs, and pause after many blocks."""
    s = _carray(state, (PLACES,))
    entry = s[WIDTHS] + ((address & 0x7FFF) >> 1)
    width = load8(entry)
    if width == 0:
        call4(s[READ_FUNCTION], (processor, s[GET_NAMES], s[GET_PLACES], 2))
        width = 2 if s[CPSR] & 0x20 else 4
        store8(entry, width)
    s[INSTRUCTIONS] += size // width
    s[BLOCKS_LEFT] -= 1
    if s[BLOCKS_LEFT] == 0:
        _stop(s, 4)


_SMALL = 0x1000
DEVICES: tuple[tuple[tuple[int, ...], int, Any, Any], ...] = (
    ((0x10000000, 0x20000000), _SMALL, _read_packets, _write_packets),
    ((0x11000000, 0x21000000), _SMALL, _read_timers, _write_timers),
    ((0x1F000000, 0x2F000000, 0xFFFFF000), _SMALL, _read_interrupts, _write_interrupts),
    ((0x30000000, 0x40000000), _SMALL, _read_dma, _write_dma),
    ((0xE2000000, 0xF2000000), _SMALL, _read_system, _write_system),
    ((0xE1000000, 0xF1000000), 0x20000, _read_zero, _write_nothing),
    ((0xE3000000, 0xF3000000), _SMALL, _read_zero, _write_nothing),
    ((0xE0000000, 0xF0000000), _SMALL, _read_zero, _write_nothing),
)
"""Addresses, size, read function and write function of every device."""
