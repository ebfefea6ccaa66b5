"""Makes sure that Ctrl-C ends the work of Brian2.

Without this, Ctrl-C can be lost in two ways. Python drops an error that is raised in the callback
of a weak reference or in a ``__del__``, and Brian2 spends a good part of its set-up there. And
during a simulation, Brian2's own handler turns the first Ctrl-C into a request to stop, which our
code does not read.
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
    """Context that handles SIGINT in its block; it does nothing outside the main thread.

    It calls the previous handler. Where Python would drop the handler's error, it calls the
    handler at the end of the block instead.

    Parameters
    ----------
    insist : bool
        True raises an error of the previous handler again at the end, if it was dropped
        nevertheless.

    Attributes
    ----------
    held : bool
        True delays Ctrl-C until it is False again or the block ends.
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
            if isinstance(outer, CtrlC):  # left over from a block that an interrupt cut short
                outer = outer._outer
            # Brian2's handler would first check whether one of its own simulations runs.
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
        """Stop delaying Ctrl-C, and handle one that was delayed."""
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
    """Tell whether Python would drop an error that is raised in this frame of Brian2."""
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if frame.f_code.co_name in ("__del__", "remove") and module.startswith("brian2."):
            return True
        frame = frame.f_back
    return False


def _is_brian2s(handler: Any) -> bool:
    return handler is not None and handler is getattr(b2, "_int_handler", None)


def keep_ignored() -> None:
    """Restore the previous setting of SIGINT if it is a constant, not a function.

    Brian2 calls the handler that was set when it was imported. In a program that runs in the
    background of a script, that is the constant for ignoring SIGINT, which cannot be called.
    """
    handler: Any = signal.getsignal(signal.SIGINT)
    before = handler.previous_handler if _is_brian2s(handler) else None
    if isinstance(before, signal.Handlers):
        with contextlib.suppress(ValueError):  # outside the main thread
            signal.signal(signal.SIGINT, before)
