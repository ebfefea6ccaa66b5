"""The backend "emulator": what a SpiNNaker machine would compute, to the last bit.

The compiled engine (:mod:`spikemem.backends.native`) with the machine's numbers: membrane and
currents in s16.15, every product rounded down; weights of 16 bits without a sign, whose step is
one for all synapses of a receptor of a population; ring buffers that saturate; STDP by tables, at
the next spike of a synapse's source, from the last 15 spikes of its cell.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ...backends.native import fields as f
from ...backends.native.backend import NativeBackend, results_of
from ...backends.native.engine import Engine
from ...checks import AnyValue, MappingOf, checked
from ...errors import SpikememWarning, UnsupportedError
from ...network import Network
from ...recording import SpikeTrains
from ...simulation import Results
from ...support import raise_errors
from ...tiling import one_copy
from .admission import admit, windows_matter
from .arithmetic import weight_lsb
from .emulated import BoardNumbers
from .emulated_log import TIMES, Y_ROWS
from .machine_layout import delay_slots
from .view import SMALLEST_STEP, View

__all__ = ["EmulatorBackend"]


class EmulatorBackend(NativeBackend):
    """A SpiNNaker machine, computed bit by bit on this one.

    The weights of a recording are those that the machine would hold: a post-synaptic spike changes
    a weight only when the synapse's source fires again, so what waits for that is not in them.
    ``Recording.provenance["spinnaker"]`` has the left shift and the smallest step of the weights
    (LSB, nA) for each population and receptor, how many of these steps a pair of spikes changes a
    weight by at most for each plastic projection, how many sums of a cell and step saturated, and
    how many potentiations were lost because a cell had fired more than 15 times since; both counted
    from the start of the session. Below 1 ms it also counts the changes of weights that depend on
    the order in which packets arrive ("disputed"): cells and synapses are on separate cores, and a
    spike that arrives earlier displaces the oldest of a cell's last 15. The emulator takes it to be
    the first of its step.

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
        The machine cannot switch plasticity. "refuse" takes networks with plasticity windows only
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
        A pair of spikes changes a weight by less than 20 of its steps; below 1 ms, spikes count
        several times or not at all, or a run has found changes that depend on the order of packets.
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
        seen = admit(network, shifts=shifts, windows=windows, allow_coarse=allow_coarse)
        raise_errors(seen.problems, "emulator")
        for problem in seen.problems:
            warnings.warn(f"backend 'emulator': {problem.text}", SpikememWarning, stacklevel=5)
        assert seen.view is not None
        self.shifts, self.windows = seen.shifts, windows
        self.learning_steps = seen.learning_steps
        slots = {pop.name: delay_slots(seen.view.network, pop) for pop in seen.view.cells}
        counted = counted_spikes(network, {item.post for item in seen.view.plastic})
        most = max((int(times.max(initial=1)) for times in counted.values()), default=1)
        self._set_up(network, BoardNumbers(self.shifts, slots, most), weights)
        self._disputed = dict.fromkeys(self.engine.tables.storage, 0)
        _tell(self.engine, counted)

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
            if self.windows == "ignore" or gates[item.name].all():
                continue
            what = windows_matter(self.network, item.name)
            if what:
                raise UnsupportedError(
                    f"backend 'emulator': projection {item.name!r}: {what}; windows='ignore' "
                    f"leaves them out."
                )
        opened = {name: np.ones((1, gate.shape[1]), np.bool_) for name, gate in gates.items()}
        run = self.engine.run(first_step, n_steps, inputs, opened, progress)
        results = results_of(self.engine, run, first_step + n_steps, self._weights)
        self._warn_of_order()
        return results._replace(versions={**results.versions, "spinnaker": self.report()})

    def report(self) -> dict[str, Any]:
        """What :attr:`Recording.provenance` holds under "spinnaker"; see the class."""
        return {
            "shifts": {name: list(pair) for name, pair in self.shifts.items()},
            "lsb": {name: [weight_lsb(k) for k in pair] for name, pair in self.shifts.items()},
            "learning_steps": self.learning_steps,
            "saturated": self.saturated(),
            "forgotten": self.forgotten(),
            "disputed": self.disputed(),
        }

    def _warn_of_order(self) -> None:
        """Warn where more changes of weights than before depend on the order of packets."""
        found = self.disputed()
        for name, n in found.items():
            if n > self._disputed[name]:
                warnings.warn(
                    f"backend 'emulator': projection {name!r}: {n - self._disputed[name]} changes "
                    f"of weights depend on the order in which packets arrive at a core, since its "
                    f"cells fire more than 15 times between two spikes of a source; a board may "
                    f"learn other weights.",
                    SpikememWarning,
                    stacklevel=5,
                )
        self._disputed = found

    def saturated(self) -> dict[str, list[int]]:
        """For each population and receptor, sums of a cell and step that were cut to 16 bits."""
        cells = self.engine.tables.cells
        starts = cells.params.block[:, f.START]
        found = {}
        for name in self.shifts:
            first = cells.start[name]
            inside = (starts >= first) & (starts < first + cells.size[name])
            found[name] = [int(n) for n in self.engine.cells.tally[inside].sum(axis=0)]
        return found

    def forgotten(self) -> dict[str, int]:
        """For each plastic projection, potentiations that were lost with a cell's history."""
        return self._sums(f.LOST)

    def disputed(self) -> dict[str, int]:
        """For each plastic projection, changes of weights that depend on the order of packets."""
        return self._sums(f.DISPUTED)

    def _sums(self, column: int) -> dict[str, int]:
        units, table = self.engine.tables.wiring.units, self.engine.plastic.table
        return {
            name: int(table[units[place.units, f.PLASTIC], column].sum()) if place.units else 0
            for name, place in self.engine.tables.storage.items()
        }


def counted_spikes(network: Network, names: Iterable[str]) -> dict[str, NDArray[np.int64]]:
    """How often each cell's spike counts for plasticity, for these populations of all copies.

    Copies may differ in their delays, and so in what goes through delay cores.
    """
    loops = [item for item in network.projections if item.pre == item.post]
    alike = not any(np.ndim(item.delay) for item in loops)
    copies = [one_copy(network, k) for k in range(1 if alike else network.copies)]
    views = [View(copy, {}, SMALLEST_STEP) for copy in copies]
    n = network.copies if alike else 1
    return {name: np.concatenate([view.counted(name) for view in views] * n) for name in names}


def _tell(engine: Engine, counted: Mapping[str, NDArray[np.int64]]) -> None:
    """Put into the engine how often spikes count; they count by packets below 1 ms."""
    units, plastic, start = engine.tables.wiring.units, engine.plastic, engine.tables.cells.start
    times = plastic.y.reshape(Y_ROWS, -1)[TIMES]
    for place in engine.tables.storage.values():
        name = place.projection.post
        for unit in units[place.units]:
            table = plastic.table[unit[f.PLASTIC]]
            first, n = unit[f.POST] - start[name], unit[f.N_POST]
            times[table[f.Y] : table[f.Y] + n] = counted[name][first : first + n]
            if engine.network.dt < 1.0:
                table[f.MOST] = max(1, counted[name].max())
