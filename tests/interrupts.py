"""Interrupts at chosen places: a trace function raises KeyboardInterrupt in our own code."""

from __future__ import annotations

import sys
from pathlib import Path

import spikemem as sm

ROOT = Path(sm.__file__).resolve().parent.parent
OURS = tuple(str(ROOT / name) for name in ("spikemem", "networks", "hardware"))


class Interrupter:
    """Notes where our code passes: at each line, and at the end of each function.

    Parameters
    ----------
    at : int, optional
        Number of the place, counted from 0, where KeyboardInterrupt is raised. Default: nowhere.
    """

    def __init__(self, at=None):
        self.at = at
        self.places = []

    def __call__(self, frame, event, arg):
        if not frame.f_code.co_filename.startswith(OURS):
            return None
        if event in ("line", "return"):
            self.places.append((frame.f_code, frame.f_lineno, event))
            if len(self.places) - 1 == self.at:
                raise KeyboardInterrupt(f"{frame.f_code.co_qualname}:{frame.f_lineno} {event}")
        return self

    def begin_here(self):
        """Trace from now on, in the functions that are running already too."""
        frame = sys._getframe(1)
        while frame is not None:
            if frame.f_code.co_filename.startswith(OURS):
                frame.f_trace = self
            frame = frame.f_back
        sys.settrace(self)


def isolated(call):
    """Call something in a generator, which has its own "error being handled".

    Where the trace function raises at the end of a ``with`` block, CPython 3.11 forgets to
    clear that, and later errors would be shown as if they came while the interrupt was handled.
    """

    def body():
        yield call()

    return next(body())


def traced(call, at=None):
    """Do something with an interrupt at place `at`; returns the places and the interrupt, if any.

    Python stops to trace when the trace function raises, so that one call has one interrupt.
    """
    tracer = Interrupter(at)
    before = sys.gettrace()
    error = None
    sys.settrace(tracer)
    try:
        isolated(call)
    except KeyboardInterrupt as caught:
        error = caught
    finally:
        sys.settrace(before)
    return tracer.places, error


TRANSACTION = ("simulation.py", "live.py", "memory.py")
SIMULATOR = ("engine.py", "backend.py", "runtime.py", "interrupts.py", "recording.py")


def thin(places, files=TRANSACTION + SIMULATOR, stride=10):
    """Numbers of the places in some files, each line once, and of some of the others."""
    first = {place: k for k, place in reversed(list(enumerate(places)))}
    inside = [k for p, k in first.items() if Path(p[0].co_filename).name in files]
    others = sorted(set(first.values()) - set(inside))
    return sorted([*inside, *others[::stride]])


def thinner(places):
    """Only the lines where a session and a memory change, and some of the others."""
    return thin(places, TRANSACTION)
