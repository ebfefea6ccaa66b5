"""What a core says about itself, and how the board says that something went wrong."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from ....errors import SimulationError

__all__ = ["BoardFault", "CoreStatus", "RunTimeError", "Signal", "State", "in_words"]


class BoardFault(SimulationError):
    """A core or a chip cannot go on: what a user of a board would find in its log."""


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
    """Signals of the host to all cores of an application."""

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
    """Errors with which a program ends itself."""

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
    """One core as its block of system memory describes it.

    Attributes
    ----------
    x, y, p : int
        Chip and core.
    state : State
    app_id : int
    name : str
        Of the program.
    run_time_error : int
        One of :class:`RunTimeError`; other numbers are the program's own.
    registers : tuple of int
        r0 to r7 at a run-time error.
    psr, sp, lr : int
    user : tuple of int
        The four words by which host and program talk.
    iobuf : str
        What the program has printed.
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
        """Core, state, and in an error what the program and its registers said."""
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
    """What a program printed as numbers, in sPyNNaker's words for it, if it has some."""
    try:
        from spinn_utilities.make_tools.replacer import Replacer

        with Replacer() as replacer:
            return str(replacer.replace(line))
    except Exception:  # Whatever goes wrong there, the numbers remain to be shown.
        return line
