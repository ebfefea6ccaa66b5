"""Status of a core, and the error that the board raises."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from ....errors import SimulationError

__all__ = ["BoardFault", "CoreStatus", "RunTimeError", "Signal", "State", "in_words"]


class BoardFault(SimulationError):
    """A core or a chip cannot continue; the message holds what a board would write to its log."""


class State(IntEnum):
    """States of a core, as the monitor processor reads them."""

    DEAD = 0
    POWERED_DOWN = 1
    RUN_TIME_EXCEPTION = 2
    WATCHDOG = 3
    INITIALISING = 4
    READY = 5
    C_MAIN = 6
    RUNNING = 7
    SYNC0 = 8
    SYNC1 = 9
    PAUSED = 10
    FINISHED = 11
    SPARE_12 = 12
    SPARE_13 = 13
    SPARE_14 = 14
    IDLE = 15


class Signal(IntEnum):
    """Signals from the host to all cores of an application."""

    INITIALISE = 0
    POWER_DOWN = 1
    STOP = 2
    START = 3
    SYNC0 = 4
    SYNC1 = 5
    PAUSE = 6
    CONTINUE = 7
    EXIT = 8
    TIMER = 9
    USER_0 = 10
    USER_1 = 11
    USER_2 = 12
    USER_3 = 13


class RunTimeError(IntEnum):
    """Run-time errors of a program."""

    NONE = 0
    RESET = 1
    UNDEF = 2
    SVC = 3
    PABT = 4
    DABT = 5
    IRQ = 6
    FIQ = 7
    VIC = 8
    ABORT = 9
    MALLOC = 10
    DIVBY0 = 11
    EVENT = 12
    SWERR = 13
    IOBUF = 14
    ENABLE = 15
    NULL = 16
    PKT = 17
    TIMER = 18
    API = 19
    VERSION = 20


@dataclass(frozen=True, kw_only=True)
class CoreStatus:
    """Status of one core, from its block of system memory.

    Attributes
    ----------
    x, y, p : int
        Chip and core.
    state : State
        State of the core.
    app_id : int
        Number of the application.
    name : str
        Name of the program.
    run_time_error : int
        Number of a :class:`RunTimeError`, or another number that the program defines.
    registers : tuple of int
        Registers r0 to r7 at a run-time error.
    psr, sp, lr : int
        Program status register, stack pointer and link register at a run-time error.
    user : tuple of int
        Four words with which host and program communicate.
    iobuf : str
        Text that the program has printed.
    """

    x: int
    y: int
    p: int
    state: State
    app_id: int
    name: str
    run_time_error: int
    registers: tuple[int, ...]
    psr: int
    sp: int
    lr: int
    user: tuple[int, ...]
    iobuf: str

    def __str__(self) -> str:
        """Return core and state; after an error also the registers and the last printed line."""
        where = f"core ({self.x}, {self.y}, {self.p}) {self.name!r}"
        if self.state is not State.RUN_TIME_EXCEPTION:
            return f"{where}: {self.state.name}"
        try:
            error = RunTimeError(self.run_time_error).name
        except ValueError:
            error = str(self.run_time_error)
        words = " ".join(f"r{i}={value:#x}" for i, value in enumerate(self.registers))
        lines = self.iobuf.strip().splitlines()
        said = f"; it printed last: {in_words(lines[-1]).strip()!r}" if lines else ""
        return f"{where}: run-time error {error} ({words} sp={self.sp:#x} lr={self.lr:#x}){said}"


def in_words(line: str) -> str:
    """Replace the number of a message that a program printed by sPyNNaker's text, if it has one."""
    try:
        from spinn_utilities.make_tools.replacer import Replacer

        with Replacer() as replacer:
            return str(replacer.replace(line))
    except Exception:  # The line with numbers is still useful.
        return line
