"""Compiles and runs one C++ program for one run, in a folder that is removed afterwards."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import brian2 as b2
import numpy as np
from brian2.devices.device import all_devices, get_device, reset_device, set_device

from ...errors import DescriptionError
from ...network import Network
from ...recording import SpikeTrains
from .model import Gates, make
from .objects import Brian2Model
from .results import Raw
from .settings import brian2_settings

__all__ = ["run"]


def run(
    network: Network,
    integrator: str,
    n_steps: int,
    inputs: Mapping[str, SpikeTrains],
    gates: Gates,
    progress: Callable[[float], None],
) -> Raw:
    """Generate, compile and run a program; see :meth:`spikemem.simulation.Backend.run`."""
    progress(0.0)
    with _device() as folder, brian2_settings("cpp_standalone"):
        model = make(network, integrator, inputs, _needed(gates), n_steps=n_steps)
        probes = _Probes(network, model)
        model.network.run(n_steps * network.dt * b2.ms, namespace={})
        get_device().build(directory=folder, with_output=False)
        raw = probes.raw(n_steps)
    progress(1.0)
    return raw


@contextlib.contextmanager
def _device() -> Iterator[str]:
    """Set a new standalone device, yield its folder, and restore the previous device."""
    own = all_devices["cpp_standalone"]
    if get_device() is own:
        raise DescriptionError(
            "backend 'brian2': target='cpp_standalone' needs the standalone device, which this "
            "program has set itself; call brian2.set_device('runtime') first."
        )
    with tempfile.TemporaryDirectory(prefix="spikemem_", ignore_cleanup_errors=True) as folder:
        set_device("cpp_standalone", build_on_run=False)
        try:
            yield folder
        finally:
            own.reinit()
            reset_device()


def _needed(gates: Gates) -> Gates:
    """Return the tables, or an empty mapping if plasticity is always open."""
    return {} if all(table.all() for table in gates.values()) else gates


class _Probes:
    """Brian2 monitors for the spikes and traces that the network records."""

    def __init__(self, network: Network, model: Brian2Model) -> None:
        self._network, self._model = network, model
        self._spikes = None
        if model.cells is not None:
            self._spikes = self._add(b2.SpikeMonitor(model.cells, name="spikemem_spikes"))
        self._traces: dict[tuple[str, str], Any] = {}
        for pop in network.populations:
            if "v" in pop.record:
                self._watch((pop.name, "v"), model.cells, model.slices[pop.name])
        for bundle in model.bundles:
            for name, part in bundle.slices.items():
                if "weight" in network.projection(name).record:
                    self._watch((name, "weight"), bundle.synapses, part)

    def _watch(self, key: tuple[str, str], group: Any, part: slice) -> None:
        monitor = b2.StateMonitor(
            group,
            key[1],
            record=np.arange(part.start, part.stop),
            clock=self._model.clock,
            when="start",
            order=-1,
            name=f"spikemem_trace_{len(self._traces)}",
        )
        self._traces[key] = self._add(monitor)

    def _add(self, monitor: Any) -> Any:
        self._model.network.add(monitor)
        return monitor

    def raw(self, n_steps: int) -> Raw:
        spikes, dt = self._spikes, self._network.dt
        ids = np.array(spikes.i[:], dtype=np.int64) if spikes else np.empty(0, np.int64)
        times = np.asarray(spikes.t_[:]) * 1e3 if spikes else np.empty(0)
        return Raw(
            ticks=np.rint(times / dt).astype(np.int64),
            ids=ids,
            slices=self._model.slices,
            traces={
                key: np.array(getattr(item, key[1])).T.reshape(n_steps, -1)
                for key, item in self._traces.items()
            },
            weights={
                name: np.array(bundle.synapses.weight[part])
                for bundle in self._model.bundles
                for name, part in bundle.slices.items()
                if bundle.plastic
            },
        )
