"""Sets Brian2's global state temporarily: preferences, device, logging."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from brian2 import prefs
from brian2.devices.device import get_device, reset_device, runtime_device, set_device

from .interrupts import CtrlC

__all__ = ["TARGETS", "Target", "brian2_settings"]

Target = Literal["numpy", "cython", "cpp_standalone"]
TARGETS: tuple[str, ...] = ("numpy", "cython", "cpp_standalone")

_PLAIN_ARITHMETIC = ["-w", "-O3", "-std=c++11", "-ffp-contract=off"]
"""Compiler options without Brian2's -ffast-math, which makes results depend on the compiler."""


@contextmanager
def brian2_settings(target: Target) -> Iterator[None]:
    """Set Brian2's global preferences, and restore them at the end.

    Ctrl-C is delayed while settings change, and is not lost.
    """
    wanted: dict[str, Any] = {"codegen.loop_invariant_optimisations": True}
    if target != "cpp_standalone":
        wanted["codegen.target"] = target
    if os.name == "posix":
        wanted["codegen.cpp.extra_compile_args"] = _PLAIN_ARITHMETIC
    log = logging.getLogger("brian2")
    foreign = target != "cpp_standalone" and get_device() is not runtime_device
    with CtrlC() as ctrl_c:
        ctrl_c.held = True
        before, level = {name: prefs[name] for name in wanted}, log.level
        if foreign:
            set_device("runtime")
        try:
            log.setLevel(logging.ERROR)
            for name, value in wanted.items():
                prefs[name] = value
            ctrl_c.release()
            yield
        finally:
            ctrl_c.held = True
            for name, value in before.items():
                prefs[name] = value
            log.setLevel(level)
            if foreign:
                reset_device()
