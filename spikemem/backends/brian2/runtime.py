"""Steps through a model in Python, like ``brian2.Network.run`` but without its preparation.

``Network.run`` generates all code again for each run (about 0.2 s), turns Ctrl-C into a silent
stop, and cannot change inputs between runs otherwise. Here the code is generated once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import brian2 as b2
import numpy as np
from numpy.typing import NDArray

from ...errors import DescriptionError, UnsupportedError
from ...network import Network
from ...recording import SpikeTrains
from .equations import CELL_STATE
from .interrupts import CtrlC
from .model import Gates, gate_changes, source_events
from .objects import Brian2Model
from .results import Raw
from .settings import Target, brian2_settings

__all__ = ["Stepper"]

_REPORTS = 50


class Stepper:
    """Runs the Brian2 objects of a model step by step.

    Parameters
    ----------
    network : Network
        Network that was built.
    model : Brian2Model
        Its Brian2 objects.
    target : {"numpy", "cython"}
        Target of Brian2's code generation.
    """

    def __init__(self, network: Network, model: Brian2Model, target: Target) -> None:
        self.network, self.model, self.target = network, model, target
        self._prepared: list[Any] = []
        self._prepare()
        self._built = {item.name for item in self._prepared}

    def run(
        self,
        first_step: int,
        n_steps: int,
        inputs: Mapping[str, SpikeTrains],
        gates: Gates,
        progress: Callable[[float], None],
    ) -> Raw:
        """Advance by `n_steps`; see :meth:`spikemem.simulation.Backend.run`."""
        objects = self._prepare()
        spikes = _Inputs(self.model, inputs, self.network.dt, first_step, n_steps)
        plasticity = _PlasticityGates(self.model, gates)
        probes = _Probes(self.network, self.model, n_steps)
        every = max(n_steps // _REPORTS, 1)
        with CtrlC(insist=False):  # the user's code may catch it
            for k in range(n_steps):
                self._set_clock(first_step + k)
                plasticity.set(k)
                probes.before(k)
                spikes.emit(k)
                for item in objects:
                    item.run()
                probes.after(first_step + k)
                if k % every == 0:
                    progress(k / n_steps)
        self._set_clock(first_step + n_steps)
        progress(1.0)
        return probes.raw()

    def _prepare(self) -> list[Any]:
        """Return the objects to run in each step, in order; generate code if some are new."""
        network = self.model.network
        everything = list(network.sorted_objects)
        if everything != self._prepared:
            wrong_clock = [item.name for item in everything if item.clock is not self.model.clock]
            if wrong_clock:
                raise DescriptionError(
                    f"backend 'brian2': objects added to brian2_network must have "
                    f"clock=model.clock, but {wrong_clock[0]!r} has another one."
                )
            with brian2_settings(self.target):
                network.run(0 * b2.ms, namespace={})
            self._prepared = everything
        return [item for item in everything if _acts(item) and item is not self.model.sources]

    def _set_clock(self, step: int) -> None:
        variables = self.model.clock.variables
        variables["timestep"].get_value()[0] = step
        now = step * variables["dt"].get_value()[0]
        variables["t"].get_value()[0] = self.model.network.t_ = now

    def snapshot(self) -> Any:
        """Return copies of everything that changes in a run, including the user's objects."""
        self._prepare()
        step = int(self.model.clock.variables["timestep"].get_value()[0])
        arrays = [array.copy() for array in self._arrays()]
        queues = [pathway.queue._full_state() for pathway in self._pathways()]
        return step, arrays, queues, [(item, item._full_state()) for item in self._others()]

    def restore(self, state: Any) -> None:
        """Return to the state of a snapshot; can be called again after an interrupt."""
        step, arrays, queues, others = state
        self._set_clock(step)
        for array, saved in zip(self._arrays(), arrays, strict=True):
            array[:] = saved
        for pathway, queue in zip(self._pathways(), queues, strict=True):
            pathway.queue._restore_from_full_state(queue)
        for item, saved in others:
            item._restore_from_full_state(saved)

    def save_state(self) -> Any:
        """Return the state for :meth:`load_state` of another stepper of the same network.

        Raises
        ------
        UnsupportedError
            If the user has added objects.
        """
        self._prepare()
        added = [item.name for item in self._prepared if item.name not in self._built]
        if added:
            raise UnsupportedError(
                f"Session: backend 'brian2' cannot be copied or pickled with the object "
                f"{added[0]!r} in its Brian2 network, because the state of such an object cannot "
                f"be read. Make a new Session and add the object there."
            )
        *own, others = self.snapshot()
        return *own, {item.name: state for item, state in others}

    def load_state(self, state: Any) -> None:
        """Continue from a state that :meth:`save_state` returned."""
        *own, others = state
        self.restore((*own, [(item, others[item.name]) for item in self._others()]))

    def _arrays(self) -> list[NDArray[Any]]:
        names = {self.model.cells: (*CELL_STATE, "_spikespace")} if self.model.cells else {}
        names |= {bundle.synapses: bundle.state for bundle in self.model.bundles}
        return [group.variables[name].get_value() for group in names for name in names[group]]

    def _pathways(self) -> list[Any]:
        return [pathway for item in self.model.bundles for pathway in item.synapses._pathways]

    def _others(self) -> list[Any]:
        """Return the objects with a state that the user added."""
        own = {self.model.cells, self.model.sources, *self._pathways()}
        own |= {bundle.synapses for bundle in self.model.bundles}
        return [item for item in self._prepared if item not in own and hasattr(item, "_full_state")]


def _acts(item: Any) -> bool:
    """Tell whether an object does anything in a step."""
    idle = type(item).run is b2.BrianObject.run and not item._code_objects
    return bool(item.active) and not idle


class _Inputs:
    """Writes the spikes of the sources to the array that Brian2's synapses read."""

    def __init__(
        self,
        model: Brian2Model,
        inputs: Mapping[str, SpikeTrains],
        dt: float,
        first_step: int,
        n_steps: int,
    ) -> None:
        self._space: Any = None
        if model.sources is not None:
            self._space = model.sources.variables["_spikespace"].get_value()
            ticks, self._ids = source_events(inputs, model.slices, dt)
            edges = np.searchsorted(ticks, first_step + np.arange(n_steps + 1))
            self._edges: list[int] = edges.tolist()

    def emit(self, k: int) -> None:
        if self._space is not None:
            low, high = self._edges[k], self._edges[k + 1]
            self._space[: high - low] = self._ids[low:high]
            self._space[-1] = high - low


class _PlasticityGates:
    """Opens and closes plasticity; steps in which no window begins or ends cost nothing."""

    def __init__(self, model: Brian2Model, gates: Gates) -> None:
        self._changes: dict[int, list[tuple[NDArray[np.bool_], NDArray[np.bool_]]]] = {}
        for bundle in model.bundles:
            for name, part in bundle.slices.items() if bundle.plastic else ():
                array = bundle.synapses.variables["is_open"].get_value()[part]
                for k, row in gate_changes(gates[name]):
                    self._changes.setdefault(k, []).append((array, row))

    def set(self, k: int) -> None:
        for array, row in self._changes.get(k, ()):
            array.reshape(row.size, -1)[:] = row[:, np.newaxis]


class _Probes:
    """Records the spikes and traces that the network asks for."""

    def __init__(self, network: Network, model: Brian2Model, n_steps: int) -> None:
        self._slices = model.slices
        self._space: Any = [0]
        self._ids: list[NDArray[np.int64]] = []
        self._ticks: list[int] = []
        self._weights = {
            name: bundle.synapses.variables["weight"].get_value()[part]
            for bundle in model.bundles
            for name, part in bundle.slices.items()
            if bundle.plastic
        }
        watched = {}
        if model.cells is not None:
            self._space = model.cells.variables["_spikespace"].get_value()
            v = model.cells.variables["v"].get_value()
            for pop in network.populations:
                if "v" in pop.record:
                    watched[pop.name, "v"] = v[model.slices[pop.name]]
        for item in network.plastic:
            if item.record and item.name in self._weights:
                watched[item.name, "weight"] = self._weights[item.name]
        self._rows = {key: np.empty((n_steps, array.size)) for key, array in watched.items()}
        self._watched = [(self._rows[key], array) for key, array in watched.items()]

    def before(self, k: int) -> None:
        for rows, array in self._watched:
            rows[k] = array

    def after(self, step: int) -> None:
        count = self._space[-1]
        if count:
            self._ids.append(self._space[:count].copy())
            self._ticks.append(step)

    def raw(self) -> Raw:
        counts = [len(ids) for ids in self._ids]
        return Raw(
            ticks=np.repeat(np.array(self._ticks, dtype=np.int64), counts),
            ids=np.concatenate([np.empty(0, dtype=np.int64), *self._ids]),
            slices=self._slices,
            traces=self._rows,
            weights={name: array.copy() for name, array in self._weights.items()},
        )
