"""The backend "emulator": what a SpiNNaker machine would compute, to the last bit.

The compiled engine (:mod:`spikemem.backends.native`) with the machine's numbers: membrane and
currents in s16.15, every product rounded down; weights of 16 bits without a sign, whose step is
one for all synapses of a receptor of a population; ring buffers that saturate; STDP by tables, at
the next spike of a synapse's source, from the last 15 spikes of its cell.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...backends.native import fields as f
from ...backends.native.backend import NativeBackend, results_of
from ...checks import AnyValue, MappingOf, checked
from ...errors import DescriptionError, SpikememWarning, UnsupportedError, shown, unknown_name
from ...network import Network, Projection
from ...recording import SpikeTrains
from ...simulation import Results
from ..pynn.gating import traces_are_short
from .arithmetic import weight_lsb
from .board import BoardNumbers
from .copies import n_copies, one_copy, shifts_of_copies
from .layout import Shifts, delay_slots
from .rules import GOOD_STEP, RULES
from .view import View

__all__ = ["EmulatorBackend"]

WINDOWS = ("refuse", "ignore")
COARSE_STEP = 5.0
"""Steps of the weight below which learning is lost in rounding."""

LARGEST_SHIFT = 31
_REFUSED = (
    "one rule per population",
    "number out of range",
    "weight beyond 16 bit",
    "plastic delay of a whole ring",
)
_RECEPTORS = ("excitatory", "inhibitory")


class EmulatorBackend(NativeBackend):
    """A SpiNNaker machine, computed bit by bit on this one.

    The weights of a recording are those that the machine would hold: a post-synaptic spike changes
    a weight only when the synapse's source fires again, so what waits for that is not in them.
    ``Recording.provenance["spinnaker"]`` has the left shift and the smallest step of the weights
    (LSB, nA) for each population and receptor, how many of these steps a pair of spikes changes a
    weight by at most for each plastic projection, how many sums of a cell and step saturated, and
    how many potentiations were lost because a cell had fired more than 15 times since; both counted
    from the start of the session.

    Copies side by side (:meth:`spikemem.Network.tile`) compute what each of them computes alone:
    shifts and ring buffers are those of one copy. sPyNNaker itself would choose shifts for all of
    them together.

    Parameters
    ----------
    network : Network
        What to simulate.
    integrator : {"spinnaker"}
        ``docs/semantics.md``.
    shifts : mapping, optional
        Left shifts of ring buffers, for those that are known: (population, receptor) to int, or
        population to a pair (excitatory, inhibitory). Default: predicted, as sPyNNaker 7.4
        chooses them.
    windows : {"refuse", "ignore"}
        The machine can't switch plasticity. "refuse" takes networks with plasticity windows only
        if both traces are 0 two steps after a spike, "ignore" all; either leaves the windows out.
    allow_coarse : bool
        Simulate even if a pair of spikes changes a weight by less than 5 of its steps.
    weights : bool
        False leaves :attr:`Recording.weights` empty.

    Raises
    ------
    DescriptionError
        An option is not valid.
    UnsupportedError
        The machine would refuse the network, or do something else with it; the message says what.

    Warns
    -----
    SpikememWarning
        A pair of spikes changes a weight by less than 20 of its steps.
    """

    @checked
    def __init__(
        self,
        network: Network,
        integrator: str = "spinnaker",
        *,
        shifts: Annotated[Mapping[Any, Any], MappingOf(AnyValue())] | None = None,
        windows: Literal["refuse", "ignore"] = "refuse",
        allow_coarse: bool = False,
        weights: bool = True,
    ) -> None:
        asked = _asked_shifts(network, shifts or {})
        self.shifts: Shifts = _complete(network, asked)
        self.windows = windows
        for item in network.plastic:
            if item.plasticity is not None and item.plasticity.enabled is not None:
                self._refuse_windows(network, item)
        view = View(one_copy(network, 0, n_copies(network)), self.shifts, COARSE_STEP)
        _refuse(view)
        self.learning_steps = _learning_steps(view, allow_coarse)
        slots = {pop.name: delay_slots(view.network, pop) for pop in view.cells}
        self._set_up(network, BoardNumbers(self.shifts, slots), weights)

    def _refuse_windows(self, network: Network, item: Projection) -> None:
        rule = item.plasticity
        if self.windows == "ignore" or rule is None:
            return
        if not traces_are_short(rule, network.dt):
            raise UnsupportedError(
                f"backend 'emulator': projection {item.name!r} has plasticity windows, and the "
                f"machine can't switch plasticity; its traces outlast two steps, so that weights "
                f"would change outside the windows; windows='ignore' leaves them out."
            )

    def run(
        self,
        first_step: int,
        n_steps: int,
        inputs: Mapping[str, SpikeTrains],
        gates: Mapping[str, NDArray[np.bool_]],
        progress: Callable[[float], None],
    ) -> Results:
        """Advance by `n_steps`; see :class:`spikemem.simulation.Backend`."""
        for item in self.network.plastic:
            if not gates[item.name].all():
                self._refuse_windows(self.network, item)
        opened = {name: np.ones((1, gate.shape[1]), np.bool_) for name, gate in gates.items()}
        run = self.engine.run(first_step, n_steps, inputs, opened, progress)
        results = results_of(self.engine, run, first_step + n_steps, self._weights)
        return results._replace(versions={**results.versions, "spinnaker": self.report()})

    def report(self) -> dict[str, Any]:
        """What :attr:`Recording.provenance` holds under "spinnaker"; see the class."""
        return {
            "shifts": {name: list(pair) for name, pair in self.shifts.items()},
            "lsb": {name: [weight_lsb(k) for k in pair] for name, pair in self.shifts.items()},
            "learning_steps": self.learning_steps,
            "saturated": self.saturated(),
            "forgotten": self.forgotten(),
        }

    def saturated(self) -> dict[str, list[int]]:
        """For each population and receptor, sums of a cell and step that were cut to 16 bits."""
        cells = self.engine.layout.cells
        starts = cells.params.block[:, f.START]
        found = {}
        for name in self.shifts:
            first = cells.start[name]
            inside = (starts >= first) & (starts < first + cells.size[name])
            found[name] = [int(n) for n in self.engine.cells.tally[inside].sum(axis=0)]
        return found

    def forgotten(self) -> dict[str, int]:
        """For each plastic projection, potentiations that were lost with a cell's history."""
        units, table = self.engine.layout.wiring.units, self.engine.plastic.table
        return {
            name: int(table[units[place.units, f.PLASTIC], f.LOST].sum()) if place.units else 0
            for name, place in self.engine.layout.storage.items()
        }


def _asked_shifts(network: Network, shifts: Mapping[Any, Any]) -> dict[tuple[str, str], int]:
    """The option `shifts`, checked, by population and receptor."""
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
    """All shifts; those that were not asked for are predicted."""
    names = [pop.name for pop in network.populations if not pop.is_source]
    wanted = [(name, receptor) for name in names for receptor in _RECEPTORS]
    known = {} if all(key in asked for key in wanted) else shifts_of_copies(network)
    chosen = {
        (name, receptor): asked.get((name, receptor), known.get(name, (0, 0))[side])
        for name in names
        for side, receptor in enumerate(_RECEPTORS)
    }
    return {name: (chosen[name, "excitatory"], chosen[name, "inhibitory"]) for name in names}


def _refuse(view: View) -> None:
    """Raise if the machine would refuse the network or change its meaning."""
    for name in _REFUSED:
        for found in RULES[name].find(view):
            raise UnsupportedError(
                f"backend 'emulator': {found.where}: {found.what} ({RULES[name].reason}); "
                f"{found.remedy}."
            )


def _learning_steps(view: View, allow_coarse: bool) -> dict[str, dict[str, float]]:
    """Most steps of the weight that a pair of spikes is worth; refuses or warns if they are few."""
    found: dict[str, dict[str, float]] = {}
    for item in view.plastic:
        rule = item.plasticity
        assert rule is not None
        found[item.name] = {}
        for name, (change, n) in view.learning_steps(item).items():
            found[item.name][name] = n
            if n >= GOOD_STEP or change >= rule.w_max - rule.w_min:
                continue
            text = (
                f"backend 'emulator': projection {item.name!r}: {name}: a pair of spikes changes a "
                f"weight by at most {change:g} nA, {n:.2g} steps of {view.lsb(item):g} nA (shift "
                f"{view.shift(item)})"
            )
            if n < COARSE_STEP and not allow_coarse:
                raise UnsupportedError(
                    f"{text}, so that learning is lost in rounding; use fewer or weaker synapses "
                    f"onto {item.post!r}, or allow_coarse=True."
                )
            warnings.warn(
                f"{text}; weights will drift from floating point.", SpikememWarning, stacklevel=4
            )
    return found
