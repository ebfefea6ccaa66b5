"""Runs the emulated processor until it is idle, and delivers its interrupts."""

from __future__ import annotations

from typing import Any

from . import devices as d
from .raw import call4, call5, compiled

__all__ = ["ASLEEP", "FAULT", "MESSAGE", "PAUSED", "SENT_FULL", "WAITING", "go_on"]

ASLEEP, MESSAGE, WAITING, SENT_FULL, PAUSED, FAULT = range(6)
"""Reasons for which :func:`go_on` returns.

ASLEEP : the processor is idle
MESSAGE : there is a message for the monitor
WAITING : the program waits for the end of a step
SENT_FULL : the buffer of sent packets is full
PAUSED : the processor has run for long
FAULT : an error of the processor
"""

_NOWHERE = 0xFFFFFFF0
_MOST = 1_000_000
_MODE = 0x1F
_IRQ, _FIQ = 0x92, 0xD1
_THUMB = 0x20


@compiled
def _slot(s: Any, pending: int) -> int:
    """Return the index of the first slot whose source is pending, or -1."""
    for k in range(16):
        control = s[d.SLOT_CONTROL + k]
        if control & 0x20 and pending >> (control & 0x1F) & 1:
            return k
    return -1


@compiled
def _enter(s: Any, mode: int, address: int) -> int:
    """Enter a mode for an interrupt; return the address at which to start."""
    s[d.NEXT_CPSR] = mode
    s[d.NEXT_SPSR] = s[d.CPSR]
    s[d.NEXT_LR] = (s[d.PC] + 4) & 0xFFFFFFFF
    call4(s[d.WRITE_FUNCTION], (s[d.PROCESSOR], s[d.SET_NAMES], s[d.SET_PLACES], 3))
    return address


@compiled
def go_on(s: Any, resume: bool) -> int:
    """Deliver interrupts until the core is idle or must stop for another reason; return the reason.

    With `resume` the processor was stopped during its work, and continues there unless an interrupt
    that it does not mask is pending. A processor that waits for an interrupt accepts it even if it
    masks it, since programs mask interrupts, wait, and then unmask them.
    """
    for _ in range(_MOST):
        call4(s[d.READ_FUNCTION], (s[d.PROCESSOR], s[d.GET_NAMES], s[d.GET_PLACES], 2))
        cpsr = s[d.CPSR]
        pending = (s[d.PENDING] | s[d.SOFTWARE]) & s[d.ENABLED]
        fast, slow = pending & s[d.SELECT], pending & ~s[d.SELECT]
        start = -1
        if fast and not (resume and cpsr & 0x40):
            s[d.PENDING] &= ~fast
            start = _enter(s, _FIQ, 0x1C)
        elif slow and not (resume and cpsr & 0x80):
            k = _slot(s, slow)
            if k >= 0:
                s[d.PENDING] &= ~(1 << (s[d.SLOT_CONTROL + k] & 0x1F))
                start = _enter(s, _IRQ, s[d.SLOT_ADDRESS + k])
            else:
                s[d.PENDING] &= ~slow
                start = _enter(s, _IRQ, s[d.DEFAULT_VECTOR])
        elif resume:
            start = s[d.PC] | (1 if cpsr & _THUMB else 0)
        if start < 0:
            return ASLEEP
        resume = False
        s[d.STOPPED] = 0
        s[d.RESUMES] += 1
        s[d.ERROR] = call5(s[d.START_FUNCTION], (s[d.PROCESSOR], start, _NOWHERE, 0, 0))
        if s[d.ERROR]:
            return FAULT
        if s[d.STOPPED]:
            return int(s[d.STOPPED])
    return PAUSED
