"""Ctrl-C while Brian2 works: it always arrives, and it ends the work.

Without this it can be lost in two ways. Python drops an error that a weak reference's callback or
a ``__del__`` raises, and Brian2 spends a good part of its set-up in such callbacks. And while
Brian2 believes that a simulation runs, its own handler turns the first Ctrl-C into a request to
stop, which nothing here reads.
"""

from __future__ import annotations

import contextlib
import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self

import brian2 as b2

__all__ = ["CtrlC", "keep_ignored"]


class CtrlC:
    """Within ``with``, the handler of SIGINT; does nothing in another thread than the main one.

    It calls the handler that was there before, but not from where an error would be dropped: then
    it calls it at the end of the block.

    Parameters
    ----------
    insist : bool
        True raises an error of that handler again at the end if it was dropped all the same.

    Attributes
    ----------
    held : bool
        True keeps back Ctrl-C until it is False again or the block ends.
    """

    def __init__(self, *, insist: bool = True) -> None:
        self.held = False
        self._insist = insist
        self._pressed = False
        self._raised: BaseException | None = None
        self._outer: Any = None
        self._before: Any = None
        self._running = False

    def __enter__(self) -> Self:
        self._running = b2.Network._globally_running
        if threading.current_thread() is threading.main_thread():
            outer: Any = signal.getsignal(signal.SIGINT)
            if isinstance(outer, CtrlC):  # of a block that an interrupt ended before its end
                outer = outer._outer
            # Brian2's handler would first ask whether a simulation of its own runs.
            self._before = outer.previous_handler if _is_brian2s(outer) else outer
            self._outer = outer
            if callable(self._before):
                signal.signal(signal.SIGINT, self)
        return self

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal."""
        if self.held or _is_dropped(frame):
            self._pressed = True
            return
        try:
            self._before(number, frame)
        except BaseException as error:
            self._raised = error if self._insist else None
            raise

    def release(self) -> None:
        """Let Ctrl-C through again, and handle one that was held back."""
        self.held = False
        if self._pressed:
            self._pressed = False
            self._before(signal.SIGINT, None)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        b2.Network._globally_running = self._running
        now: Any = signal.getsignal(signal.SIGINT)
        if now is self:
            signal.signal(signal.SIGINT, self._outer)
        if kind is GeneratorExit:
            return
        if self._pressed:
            self._before(signal.SIGINT, None)
        raised, self._raised = self._raised, None
        if raised is not None and (error is None or isinstance(error, Exception)):
            raise raised


def _is_dropped(frame: FrameType | None) -> bool:
    """Whether an error that is raised in a frame of Brian2 would be dropped by Python."""
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if frame.f_code.co_name in ("__del__", "remove") and module.startswith("brian2."):
            return True
        frame = frame.f_back
    return False


def _is_brian2s(handler: Any) -> bool:
    return handler is not None and handler is getattr(b2, "_int_handler", None)


def keep_ignored() -> None:
    """Put back what was set for SIGINT if it was no function.

    Brian2 calls what it found when it was imported. In a program that a script started in the
    background SIGINT is ignored, and the constant that says so can't be called.
    """
    handler: Any = signal.getsignal(signal.SIGINT)
    before = handler.previous_handler if _is_brian2s(handler) else None
    if isinstance(before, signal.Handlers):
        with contextlib.suppress(ValueError):  # in another thread than the main one
            signal.signal(signal.SIGINT, before)
