"""The backend "emulator": computes what a SpiNNaker machine computes, to the last bit.

It is the compiled engine (:mod:`spikemem.backends.native`) with the machine's numbers. Membrane
potentials and currents are s16.15, and every product is rounded down. Weights have 16 bits without
a sign, and all synapses of a receptor of a population share one weight step. Ring buffers saturate.
STDP uses tables; a weight changes at the next spike of the synapse's source, by the last 15 spikes
of its cell.
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
    """A SpiNNaker machine, emulated bit by bit.

    The weights of a recording are those in the machine's memory. A post-synaptic spike changes a
    weight only when the synapse's source fires again; changes that still wait are not included.

    ``Recording.provenance["spinnaker"]`` holds:

    * "shifts", "lsb": left shift and smallest step of the weights (nA) for each population and
      receptor;
    * "learning_steps": largest weight change by one pair of spikes, in these steps, for each
      plastic projection;
    * "saturated": number of sums of a cell and step that saturated;
    * "forgotten": number of potentiations that were lost because the cell had fired more than 15
      times since;
    * "disputed": with a time step below 1 ms, number of weight changes that depend on the order in
      which packets arrive. Cells and synapses are then on separate cores, and a spike that arrives
      earlier displaces the oldest of the cell's last 15 spikes. The emulator delivers it first.

    All counts start with the session.

    Copies side by side (:meth:`spikemem.Network.tile`) compute what each copy computes alone, with
    the shifts and ring buffers of one copy. sPyNNaker would choose shifts for all copies together.

    Parameters
    ----------
    network : Network
        Network to simulate.
    integrator : {"spinnaker"}
        Integrator; see ``docs/explanation/semantics.md``.
    shifts : mapping, optional
        Known left shifts of ring buffers: (population, receptor) to int, or population to a pair
        (excitatory, inhibitory). Default: predictions of sPyNNaker 7.4's choice.
    windows : {"refuse", "ignore"}
        The machine cannot switch plasticity on and off, so that plasticity windows are left out.
        "refuse" accepts a network with windows only if both traces are 0 two steps after a spike;
        "ignore" accepts every network.
    allow_coarse : bool
        Simulate even if a pair of spikes changes a weight by less than 5 of its steps.
    weights : bool
        False leaves :attr:`Recording.weights` empty.

    Raises
    ------
    DescriptionError
        If an option is invalid.
    UnsupportedError
        If the machine would refuse the network or compute something else. The message states the
        reason.

    Warns
    -----
    SpikememWarning
        If a pair of spikes changes a weight by less than 20 of its steps; with a time step below
        1 ms, also if spikes count several times or not at all, or if weight changes depend on the
        order of packets.
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
        admission = admit(network, shifts=shifts, windows=windows, allow_coarse=allow_coarse)
        raise_errors(admission.problems, "emulator")
        for problem in admission.problems:
            warnings.warn(f"backend 'emulator': {problem.text}", SpikememWarning, stacklevel=5)
        view = admission.view
        assert view is not None
        self.shifts, self.windows = admission.shifts, windows
        self.learning_steps = admission.learning_steps
        slots = {pop.name: delay_slots(view.network, pop) for pop in view.cells}
        counted = counted_spikes(network, {item.post for item in view.plastic})
        most = max((int(times.max(initial=1)) for times in counted.values()), default=1)
        self._set_up(network, BoardNumbers(self.shifts, slots, most), weights)
        self._disputed = dict.fromkeys(self.engine.tables.storage, 0)
        _set_counts(self.engine, counted)

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
        """Return the entry "spinnaker" of :attr:`Recording.provenance`; see the class."""
        return {
            "shifts": {name: list(pair) for name, pair in self.shifts.items()},
            "lsb": {name: [weight_lsb(k) for k in pair] for name, pair in self.shifts.items()},
            "learning_steps": self.learning_steps,
            "saturated": self.saturated(),
            "forgotten": self.forgotten(),
            "disputed": self.disputed(),
        }

    def _warn_of_order(self) -> None:
        """Warn if further weight changes depend on the order of packets."""
        counts = self.disputed()
        for name, n in counts.items():
            if n > self._disputed[name]:
                warnings.warn(
                    f"backend 'emulator': projection {name!r}: {n - self._disputed[name]} weight "
                    f"changes depend on the order in which packets arrive at a core, since its "
                    f"cells fire more than 15 times between two spikes of a source; a board may "
                    f"learn other weights.",
                    SpikememWarning,
                    stacklevel=5,
                )
        self._disputed = counts

    def saturated(self) -> dict[str, list[int]]:
        """Return, by population and receptor, the number of sums of a step that saturated."""
        cells = self.engine.tables.cells
        starts = cells.params.block[:, f.START]
        counts = {}
        for name in self.shifts:
            first = cells.start[name]
            inside = (starts >= first) & (starts < first + cells.size[name])
            counts[name] = [int(n) for n in self.engine.cells.tally[inside].sum(axis=0)]
        return counts

    def forgotten(self) -> dict[str, int]:
        """Return the number of potentiations lost with a cell's history, by plastic projection."""
        return self._sums(f.LOST)

    def disputed(self) -> dict[str, int]:
        """Return the number of changes that depend on packet order, by plastic projection."""
        return self._sums(f.DISPUTED)

    def _sums(self, column: int) -> dict[str, int]:
        units, table = self.engine.tables.wiring.units, self.engine.plastic.table
        return {
            name: int(table[units[item.units, f.PLASTIC], column].sum()) if item.units else 0
            for name, item in self.engine.tables.storage.items()
        }


def counted_spikes(network: Network, names: Iterable[str]) -> dict[str, NDArray[np.int64]]:
    """Return how many times a spike of each cell counts for plasticity, for these populations.

    The arrays hold all copies. Copies may differ in their delays, and so in the use of delay cores.
    """
    loops = [item for item in network.projections if item.pre == item.post]
    alike = not any(np.ndim(item.delay) for item in loops)
    copies = [one_copy(network, k) for k in range(1 if alike else network.copies)]
    views = [View(copy, {}, SMALLEST_STEP) for copy in copies]
    n = network.copies if alike else 1
    return {name: np.concatenate([view.counted(name) for view in views] * n) for name in names}


def _set_counts(engine: Engine, counted: Mapping[str, NDArray[np.int64]]) -> None:
    """Tell the engine how many times spikes count; below 1 ms the packets decide that."""
    units, plastic, start = engine.tables.wiring.units, engine.plastic, engine.tables.cells.start
    times = plastic.y.reshape(Y_ROWS, -1)[TIMES]
    for item in engine.tables.storage.values():
        name = item.projection.post
        for unit in units[item.units]:
            table = plastic.table[unit[f.PLASTIC]]
            first, n = unit[f.POST] - start[name], unit[f.N_POST]
            times[table[f.Y] : table[f.Y] + n] = counted[name][first : first + n]
            if engine.network.dt < 1.0:
                table[f.MOST] = max(1, counted[name].max())
