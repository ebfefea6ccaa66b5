"""Rules about the ranges of numbers on the machine."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from ...cells import LIF
from .arithmetic import ONE, RING_MAX, TRACE_ONE, divide, s1615
from .machine_layout import neurons_per_core
from .rule import Finding, rule
from .view import View

__all__ = ["RANGES"]

RANGES = (
    "time step",
    "cell without a leak",
    "number out of range",
    "time constant out of range",
    "table too long",
)
"""Rules that are checked first; if one of them finds a problem, the others cannot be computed."""

LARGEST = 65536.0
DTCM = 64 * 1024
_MAX_TRACE = 16
_WORDS = 2
"""Words of 4 bytes for each change of a current: time and amplitude."""


def _too_large(values: Any) -> bool:
    """Tell whether any value is too large for s16.15."""
    array = np.asarray(values)
    most = max(array.max(initial=0.0), -array.min(initial=0.0))
    return bool(most >= LARGEST - 0.5 / ONE)


@rule("time step", "error", "sPyNNaker rounds the time step up to whole µs")
def _time_step(view: View) -> Iterator[Finding]:
    dt = view.dt
    if dt >= LARGEST:
        yield Finding("network", f"dt = {dt:g} ms is too long", "use dt = 1 ms")
        return
    if dt <= 0.001:
        # Tested with sPyNNaker's programs; a time step of 2 µs works.
        what = f"dt = {dt:g} ms: no spike arrives at a cell"
        yield Finding("network", what, "use dt = 0.002 ms or more")
        return
    whole = math.ceil(dt * 1000.0) / 1000.0
    if abs(whole - dt) > 1e-9 * dt:
        yield Finding("network", f"dt = {dt:g} ms becomes {whole:g} ms", f"use dt = {whole:g} ms")


@rule("cell without a leak", "error", "the machine holds tau_m / cm as a number below 65536")
def _no_leak(view: View) -> Iterator[Finding]:
    for population in view.cells:
        n = int(np.count_nonzero(np.isinf(population.lif.array("tau_m", population.size))))
        if n:
            yield Finding(
                f"population {population.name!r}",
                f"{n} of its cells have no leak (tau_m is infinite)",
                "use backend 'native' or 'brian2', or a long tau_m",
            )


@rule("number out of range", "error", "numbers are s16.15: below 65536, with steps of 2**-15")
def _range(view: View) -> Iterator[Finding]:
    for population in view.cells:
        where = f"population {population.name!r}"
        cell, current = population.lif.steady, population.lif.current
        values = {name: cell.array(name, population.size) for name in LIF.units}
        leaky = np.isfinite(values["tau_m"])
        values["tau_m"] = values["tau_m"][leaky]
        if current is not None:
            values["i_offset"] = current.amplitudes
        for name, array in {**values, "v_init": population.initial_v()}.items():
            if _too_large(array):
                yield Finding(where, f"{name} reaches {np.abs(array).max():g}", "rescale")
            elif name in LIF.positive and array.size and s1615(array).min() == 0:
                yield Finding(
                    where, f"{name} = {array.min():g} becomes 0 on the machine", f"raise {name}"
                )
        with np.errstate(over="ignore"):
            resistance = values["tau_m"] / values["cm"][leaky]
        if _too_large(resistance):
            yield Finding(
                where,
                f"tau_m / cm = {resistance.max():g} MΩ overflows",
                "raise cm, and scale the weights",
            )
    for item in view.used:
        law = item.plasticity
        top = max(law.w_max, law.a_plus, law.a_minus) if law else float(np.max(item.weight))
        if _too_large(top):
            yield Finding(f"projection {item.name!r}", f"{top:g} nA", "rescale cm and weights")


@rule("time constant out of range", "error", "quotients with the time step are also s16.15")
def _time_constants(view: View) -> Iterator[Finding]:
    if _too_large(view.dt) or not s1615(view.dt):
        return
    step = int(s1615(view.dt))
    for population in view.cells:
        where = f"population {population.name!r}"
        for name in ("tau_m", "tau_syn_E", "tau_syn_I", "tau_refrac"):
            array = population.lif.array(name, population.size)
            array = array[np.isfinite(array)]
            if _too_large(array) or not array.size:
                continue
            longest, shortest = int(s1615(array).max()), int(s1615(array).min())
            if name == "tau_refrac":
                if divide(longest, step) != (longest << 15) // step:
                    steps = f"{array.max() / view.dt:g} steps; at most 65535 can be counted"
                    yield Finding(where, f"{name} is {steps}", f"shorten {name}")
                continue
            if longest and divide(step, longest) == 0:
                steps = f"{array.max() / view.dt:g} steps; above 32768 its decay is lost"
                yield Finding(where, f"{name} is {steps}", f"shorten {name}, or use a larger dt")
            if shortest and divide(step, shortest) != (step << 15) // shortest:
                steps = f"{array.min() / view.dt:g} steps, and its decay cannot be computed"
                yield Finding(where, f"{name} is {steps}", f"raise {name}")


@rule("table too long", "error", "the tables of STDP share the 64 KiB of a core")
def _tables(view: View) -> Iterator[Finding]:
    for item in view.plastic:
        law = item.plasticity
        assert law is not None
        entries = {
            name: math.log(TRACE_ONE) * getattr(law, name) / view.dt
            for name in ("tau_plus", "tau_minus")
        }
        where = f"projection {item.name!r}"
        for name, tau in (("tau_plus", law.tau_plus), ("tau_minus", law.tau_minus)):
            if not math.isfinite(view.dt / tau):
                yield Finding(where, f"{name} = {tau:g} ms is too short", f"raise {name}")
        if 2 * sum(entries.values()) > DTCM:
            name = max(entries, key=lambda name: entries[name])
            yield Finding(
                where,
                f"its tables have {sum(entries.values()):.3g} entries of 2 bytes",
                f"shorten {name}, or use a larger dt",
            )


@rule("current too long", "error", "the steps of currents share the 64 KiB of a core")
def _currents(view: View) -> Iterator[Finding]:
    for population in view.cells:
        current = population.lif.current
        if current is None:
            continue
        size = min(population.size, neurons_per_core(view.network, population))
        n = min(len(current.alike(population.size)), size)
        needed = n * _WORDS * 4 * (len(current.times) + 2)
        if needed > DTCM:
            yield Finding(
                f"population {population.name!r}",
                f"i_offset has {len(current.times)} changes in {n} different time courses, which "
                f"need {needed / 1024:.3g} KiB",
                "use fewer changes, the same current for more cells, or a spike source",
            )


@rule("change overflows", "error", "a weight plus amplitude times trace has 32 bits")
def _changes(view: View) -> Iterator[Finding]:
    for item in view.plastic:
        law = item.plasticity
        assert law is not None
        for name, tau in (("a_plus", law.tau_plus), ("a_minus", law.tau_minus)):
            trace = min(_MAX_TRACE, -1.0 / math.expm1(-view.dt / tau))
            most = getattr(law, name) * trace
            if most + law.w_max >= LARGEST:
                yield Finding(
                    f"projection {item.name!r}",
                    f"{name} times the largest trace is {most:g} nA; its sum with w_max = "
                    f"{law.w_max:g} nA exceeds {LARGEST:g} nA, where the sign flips",
                    f"make {name} smaller",
                )


@rule("weight beyond 16 bit", "error", "weights have 16 bits; higher bits are cut off")
def _too_heavy(view: View) -> Iterator[Finding]:
    for item in view.used:
        top = float(np.max(item.weight))
        top = max(top, item.plasticity.w_max) if item.plasticity else top
        if top / view.lsb(item) > RING_MAX + 0.5:
            yield Finding(
                f"projection {item.name!r}",
                f"weights reach {top:g} nA, and a shift of {view.shift(item)} allows "
                f"{RING_MAX * view.lsb(item):g} nA",
                f"raise the shift of {item.post!r}, or leave it to sPyNNaker",
            )


@rule("parameter rounded", "note", "parameters are s16.15")
def _rounded(view: View) -> Iterator[Finding]:
    for population in view.cells:
        for name in LIF.positive:
            meant = population.lif.array(name, population.size)
            error = np.abs(s1615(meant) / ONE - meant) / meant
            if error.max() > 1e-3 and s1615(meant).min() > 0:
                k = int(error.argmax())
                yield Finding(
                    f"population {population.name!r}",
                    f"{name} = {meant[k]:g} becomes {s1615(meant[k]) / ONE:g}",
                    "scale cm and the weights up together" if name == "cm" else f"raise {name}",
                    "warning" if error.max() > 0.02 else None,
                )
