"""Problems for which the emulator refuses a network or warns; ``check`` reads the same list."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ...errors import DescriptionError, UnsupportedError, shown, unknown_name
from ...network import Network
from ...problem import Problem
from ...ranges import too_much_memory
from ...tiling import one_copy
from .check import check_spinnaker
from .gating import traces_are_short
from .machine_layout import Shifts, shifts_of_copies
from .rules import GOOD_STEP, RANGES, find_problems
from .view import SMALLEST_STEP, View

__all__ = ["Admission", "admit", "admit_board", "windows_matter"]

WINDOWS = ("refuse", "ignore")
LARGEST_SHIFT = 31
_REFUSED = (
    "one rule per population",
    "weight beyond 16 bit",
    "plastic delay of a whole ring",
    "change overflows",
    "current too long",
)
_REPRODUCED = ("unseen spikes", "repeated spikes")
"""Rules about differences between network and machine that the emulator reproduces."""
_RECEPTORS = ("excitatory", "inhibitory")


@dataclass
class Admission:
    """Result of the emulator's checks of a network.

    Attributes
    ----------
    problems : list of Problem
        Errors, for which the emulator refuses the network, and warnings.
    shifts : dict of str to (int, int)
        Left shifts of the ring buffers of each population.
    view : View or None
        One copy of the network; None if a number is out of range.
    learning_steps : dict
        Largest weight change by one pair of spikes, in steps of the weight, for each plastic
        projection and amplitude.
    """

    problems: list[Problem] = field(default_factory=list)
    shifts: Shifts = field(default_factory=dict)
    view: View | None = None
    learning_steps: dict[str, dict[str, float]] = field(default_factory=dict)


def admit(
    network: Network,
    *,
    shifts: Mapping[Any, Any] | None = None,
    windows: str = "refuse",
    allow_coarse: bool = False,
) -> Admission:
    """Check a network for the emulator; for the options see the backend.

    Raises
    ------
    DescriptionError
        If an option is invalid.
    """
    if windows not in WINDOWS:
        raise DescriptionError(
            f"backend 'emulator': {unknown_name('value of windows', windows, WINDOWS)}"
        )
    asked = _asked_shifts(network, shifts or {})
    out_of_range = find_problems(View(network, {}, SMALLEST_STEP), RANGES)
    out_of_range += too_much_memory(network)
    if out_of_range:
        return Admission(out_of_range)
    admission = Admission(_windows(network, windows))
    try:
        admission.shifts = _complete(network, asked)
    except UnsupportedError as error:
        remedy = "pass shifts=, or run the copies separately"
        admission.problems.append(_problem("network", str(error), remedy))
        return admission
    admission.view = View(one_copy(network, 0), admission.shifts, SMALLEST_STEP)
    admission.problems += [
        replace(problem, level="warning") if problem.rule in _REPRODUCED else problem
        for problem in find_problems(admission.view, _REFUSED + _REPRODUCED)
    ]
    _check_learning(admission, admission.view, allow_coarse)
    return admission


def admit_board(
    network: Network, *, shifts: Mapping[Any, Any] | None = None, force: bool = False
) -> Admission:
    """Check a network for the backend "board"; for the options see the backend."""
    if force:
        return Admission()
    return Admission(check_spinnaker(network, shifts=dict(shifts) if shifts else None))


def _problem(where: str, what: str, remedy: str, level: Any = "error", rule: str = "") -> Problem:
    return Problem(level=level, where=where, what=what, remedy=remedy, rule=rule)


def windows_matter(network: Network, name: str) -> str | None:
    """Return why the plasticity windows of a projection cannot be left out, or None if they can."""
    rule = network.projection(name).plasticity
    if rule is None or traces_are_short(rule, network.dt):
        return None
    return (
        "it has plasticity windows, and the machine cannot switch plasticity on and off; its "
        "traces last longer than two steps, so that weights would change outside the windows"
    )


def _windows(network: Network, windows: str) -> list[Problem]:
    if windows == "ignore":
        return []
    problems = []
    for item in network.plastic:
        what = windows_matter(network, item.name)
        if what and item.plasticity and item.plasticity.enabled is not None:
            where, remedy = f"projection {item.name!r}", "windows='ignore' leaves them out"
            problems.append(_problem(where, what, remedy, rule="plasticity windows"))
    return problems


def _check_learning(admission: Admission, view: View, allow_coarse: bool) -> None:
    """Check that one pair of spikes changes a weight by enough steps."""
    for item in view.plastic:
        rule = item.plasticity
        assert rule is not None
        admission.learning_steps[item.name] = {}
        for name, (change, n) in view.learning_steps(item).items():
            admission.learning_steps[item.name][name] = n
            if n >= GOOD_STEP or change >= rule.w_max - rule.w_min:
                continue
            what = (
                f"{name}: a pair of spikes changes a weight by at most {change:g} nA, {n:.2g} "
                f"steps of {view.lsb(item):g} nA (shift {view.shift(item)})"
            )
            remedy = f"use fewer or weaker synapses onto {item.post!r}"
            if n < SMALLEST_STEP and not allow_coarse:
                what += ", so that learning is lost in rounding"
                remedy += ", or allow_coarse=True"
                level = "error"
            else:
                what += "; weights drift away from those in floating point"
                level = "warning"
            where = f"projection {item.name!r}"
            admission.problems.append(_problem(where, what, remedy, level, "learning step"))


def _asked_shifts(network: Network, shifts: Mapping[Any, Any]) -> dict[tuple[str, str], int]:
    """Check the option `shifts`, and return it by population and receptor."""
    where = "backend 'emulator': shifts"
    if not isinstance(shifts, Mapping):
        raise DescriptionError(f"{where} must be a mapping, got {shown(shifts)}.")
    names = [pop.name for pop in network.populations if not pop.is_source]
    asked: dict[tuple[str, str], int] = {}
    for key, value in shifts.items():
        name, *receptor = key if isinstance(key, tuple) else (key,)
        if name not in names:
            raise DescriptionError(f"{where}: {unknown_name('population', name, names)}")
        if receptor and (len(receptor) > 1 or receptor[0] not in _RECEPTORS):
            raise DescriptionError(f"{where}: {unknown_name('receptor', receptor[0], _RECEPTORS)}")
        values = [value] if receptor else value
        if not isinstance(values, list | tuple) or len(values) != (1 if receptor else 2):
            raise DescriptionError(
                f"{where}[{key!r}] must be a pair (excitatory, inhibitory), got {shown(value)}."
            )
        for side, shift in zip(receptor or _RECEPTORS, values, strict=True):
            if isinstance(shift, bool) or not isinstance(shift, int | np.integer):
                raise DescriptionError(f"{where}[{key!r}] must be an int, got {shown(shift)}.")
            if not 0 <= shift <= LARGEST_SHIFT:
                raise DescriptionError(
                    f"{where}[{key!r}] must be from 0 to {LARGEST_SHIFT}, got {shift}."
                )
            asked[name, side] = int(shift)
    return asked


def _complete(network: Network, asked: Mapping[tuple[str, str], int]) -> Shifts:
    """Return the shifts of all populations: those of the option, and predictions for the others."""
    names = [pop.name for pop in network.populations if not pop.is_source]
    needed = [(name, receptor) for name in names for receptor in _RECEPTORS]
    predicted = {} if all(key in asked for key in needed) else shifts_of_copies(network)
    chosen = {
        (name, receptor): asked.get((name, receptor), predicted.get(name, (0, 0))[side])
        for name in names
        for side, receptor in enumerate(_RECEPTORS)
    }
    return {name: (chosen[name, "excitatory"], chosen[name, "inhibitory"]) for name in names}
