"""Makes few Brian2 objects from a network: a group of cells, a group of sources, and synapses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import brian2 as b2
import numpy as np
from numpy.typing import NDArray

from ...cells import STDP
from ...network import Network, Population, Projection
from ...recording import SpikeTrains
from ...units import steps
from . import currents, equations
from .extensions import (
    Added,
    Context,
    Extension,
    Prepared,
    added,
    changing,
    operation,
    prepare,
    require_present,
    to_extensions,
)
from .objects import Brian2Model, Bundle
from .settings import Target, brian2_settings

__all__ = ["build", "gate_changes", "make", "source_events"]

Gates = Mapping[str, NDArray[np.bool_]]
"""Tells for each plastic projection when weights may change, shape (n_steps, tiles)."""


def build(
    network: Network,
    integrator: str = "spinnaker",
    *,
    target: Target = "numpy",
    inputs: Mapping[str, SpikeTrains] | None = None,
    extensions: Sequence[Extension] = (),
) -> Brian2Model:
    """Make the Brian2 objects of a network.

    Parameters
    ----------
    network : Network
        Network to build.
    integrator : {"spinnaker", "exact"}
        Rules of one time step; see ``docs/explanation/semantics.md``.
    target : {"numpy", "cython", "cpp_standalone"}
        Target of the code that makes the synapses. ``brian2.prefs.codegen.target`` sets the target
        of a later ``model.network.run``.
    inputs : mapping of str to SpikeTrains, optional
        Spikes of the sources. Default: the spikes in the network.
    extensions : sequence of Extension
        User-defined code and functions; see :mod:`.extensions`.

    Returns
    -------
    Brian2Model
        The Brian2 objects, ready for ``model.network.run(...)``.

    Examples
    --------
    >>> import spikemem as sm
    >>> net = sm.Network(populations=[sm.Population(name="a", size=2, cell=sm.LIF())])
    >>> build(net).cells.N
    2
    """
    with brian2_settings(target):
        return make(network, integrator, inputs or {}, {}, to_extensions(extensions), target)


def make(
    network: Network,
    integrator: str,
    inputs: Mapping[str, SpikeTrains],
    gates: Gates,
    extensions: Sequence[Extension] = (),
    target: Target = "numpy",
    n_steps: int = 0,
) -> Brian2Model:
    """Make the Brian2 objects as :func:`build` does, with tables of plasticity compiled in.

    With `n_steps` > 0 the currents of that many steps are compiled in as well; otherwise a Python
    function sets them.
    """
    lifs = [pop for pop in network.populations if not pop.is_source]
    origins = [pop for pop in network.populations if pop.is_source]
    slices = {**_slices_of(lifs), **_slices_of(origins)}
    n_cells = sum(pop.size for pop in lifs)
    prepared = prepare(extensions, Context(network, integrator, target, slices, n_cells))
    clock = b2.Clock(network.dt * b2.ms, name="spikemem_clock")
    cells = _cells(lifs, network.dt, integrator, clock, n_steps) if lifs else None
    trains = {pop.name: inputs.get(pop.name, pop.source) for pop in origins}
    sources = _sources(trains, slices, network.dt, integrator, clock) if origins else None
    bundles = []
    for kind, projections in _kinds(network, prepared).items():
        name = f"spikemem_{'_'.join(kind[:3])}" + "".join(f"_extension_{k}" for k in kind[3])
        pre = sources if kind[0] == "source" else cells
        extra = added(prepared, kind[3], [item.name for item in projections], network)
        bundles.append(
            _bundle(name, pre, cells, network, projections, slices, integrator, gates, extra)
        )
    whole = b2.Network(name="spikemem_network")
    whole.schedule = equations.SCHEDULE[integrator]
    whole.add([item for item in (cells, sources) if item is not None])
    whole.add([bundle.synapses for bundle in bundles])
    setter = None if n_steps or not lifs else currents.operation(network, cells, slices, integrator)
    if setter is not None:
        whole.add(setter)
    model = Brian2Model(whole, clock, cells, sources, bundles, slices)
    whole.add([operation(item, model, k) for k, item in enumerate(prepared)])
    return model


def _slices_of(populations: Sequence[Population]) -> dict[str, slice]:
    edges = np.cumsum([0, *(pop.size for pop in populations)]).tolist()
    return {pop.name: slice(edges[k], edges[k + 1]) for k, pop in enumerate(populations)}


def _cells(
    lifs: list[Population], dt: float, integrator: str, clock: b2.Clock, n_steps: int
) -> b2.NeuronGroup:
    table = currents.table(lifs, dt, integrator, n_steps) if n_steps else None
    code, namespace, column = table or ("", {}, None)
    variables = equations.CELL_VARIABLES
    cells = b2.NeuronGroup(
        sum(pop.size for pop in lifs),
        variables if table is None else f"{variables}\ncurrent_column : integer (constant)",
        threshold="fired == 1",
        clock=clock,
        name="spikemem_cells",
        namespace=namespace,
    )
    leakless = any(np.any(np.isinf(pop.lif.tau_m)) for pop in lifs)
    cells.run_regularly(
        code + equations.cell_update(integrator, leakless),
        clock=clock,
        when="groups",
        name="spikemem_cells_update",
    )
    if table is not None:
        cells.current_column = column
    for name, values in equations.coefficients(lifs, dt, integrator).items():
        setattr(cells, name, values)
    cells.v = np.concatenate([pop.initial_v() for pop in lifs])
    return cells


def _sources(
    trains: Mapping[str, SpikeTrains],
    slices: Mapping[str, slice],
    dt: float,
    integrator: str,
    clock: b2.Clock,
) -> b2.SpikeGeneratorGroup:
    ticks, ids = source_events(trains, slices, dt)
    return b2.SpikeGeneratorGroup(
        sum(train.size for train in trains.values()),
        ids,
        ticks * dt * b2.ms,
        clock=clock,
        when="start" if integrator == "exact" else "thresholds",
        sorted=True,
        name="spikemem_sources",
    )


def source_events(
    trains: Mapping[str, SpikeTrains], slices: Mapping[str, slice], dt: float
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return step and index of each spike of some sources, sorted by step, then by index."""
    ticks = np.concatenate([np.empty(0, np.int64), *(steps(t.times, dt) for t in trains.values())])
    ids = np.concatenate(
        [np.empty(0, np.int64), *(t.ids + slices[name].start for name, t in trains.items())]
    )
    order = np.lexsort((ids, ticks))
    return ticks[order], ids[order].astype(np.int32)


def gate_changes(gate: NDArray[np.bool_]) -> list[tuple[int, NDArray[np.bool_]]]:
    """Return the first row of a gate and each row that differs from the one before, with steps."""
    changed = np.flatnonzero((gate[1:] != gate[:-1]).any(axis=1)) + 1
    return [(int(k), gate[k]) for k in (0, *changed)]


_Kind = tuple[str, str, str, tuple[int, ...]]


def _kinds(network: Network, prepared: Sequence[Prepared]) -> dict[_Kind, list[Projection]]:
    """Group projections by origin, receptor, plasticity and extensions; leave out empty ones."""
    kinds: dict[_Kind, list[Projection]] = {}
    for projection in network.projections:
        if network.count(projection.name):
            origin = "source" if network.population(projection.pre).is_source else "cell"
            change = "plastic" if projection.plasticity else "static"
            kind = (origin, projection.receptor, change, changing(prepared, projection.name))
            kinds.setdefault(kind, []).append(projection)
    return kinds


def _bundle(
    name: str,
    pre: b2.Group,
    cells: b2.NeuronGroup,
    network: Network,
    projections: list[Projection],
    slices: Mapping[str, slice],
    integrator: str,
    gates: Gates,
    extra: Added,
) -> Bundle:
    parts = [network.synapses(projection.name) for projection in projections]
    starts = [(slices[item.pre].start, slices[item.post].start) for item in projections]
    wires = _Wires(
        name=name,
        pre=pre,
        post=cells,
        i=np.concatenate(
            [part.i + offset for part, (offset, _) in zip(parts, starts, strict=True)]
        ),
        j=np.concatenate(
            [part.j + offset for part, (_, offset) in zip(parts, starts, strict=True)]
        ),
        delay=np.concatenate([steps(part.delay, network.dt) for part in parts]),
        receptor=projections[0].receptor,
        dt=network.dt,
        integrator=integrator,
        extra=extra,
    )
    rules = [item.plasticity for item in projections if item.plasticity]
    counts = [part.i.size for part in parts]
    tables = [gates[item.name] for item in projections if item.name in gates]
    synapses = wires.plastic(rules, counts, tables) if rules else wires.static()
    synapses.weight = np.concatenate([part.weight for part in parts])
    edges = np.cumsum([0, *counts]).tolist()
    members = {item.name: slice(edges[k], edges[k + 1]) for k, item in enumerate(projections)}
    for item, values in extra.arrays.items():
        setattr(synapses, item, values)
    require_present(synapses, extra.code)
    sent = [item for item in synapses.variables if item.startswith("sent_")]
    state = (*equations.PLASTIC_STATE, *sent) if rules else ()
    return Bundle(synapses, members, bool(rules), (*state, *extra.state))


@dataclass(frozen=True, eq=False, kw_only=True)
class _Wires:
    """The cells that the synapses of one bundle connect, and their delays (steps)."""

    name: str
    pre: b2.Group
    post: b2.NeuronGroup
    i: NDArray[np.int32]
    j: NDArray[np.int32]
    delay: NDArray[np.int64]
    receptor: str
    dt: float
    integrator: str
    extra: Added

    @property
    def under_way(self) -> NDArray[np.int64]:
        """Brian2's delay in steps; under "spinnaker" synapses act after the step of the cells."""
        return self.delay if self.integrator == "exact" else self.delay - 1

    def static(self) -> b2.Synapses:
        code = {"deliver": equations.static(self.receptor, self.extra.code)}
        return self._connect(equations.STATIC_VARIABLES, code, {}, {"deliver": self.under_way}, {})

    def plastic(
        self, rules: Sequence[STDP], counts: Sequence[int], tables: Sequence[NDArray[np.bool_]]
    ) -> b2.Synapses:
        values = {
            name: np.array([value(rule, self.dt) for rule in rules])
            for name, value in equations.RULE.items()
        }
        shared = {name for name, array in values.items() if (array == array[0]).all()}
        code = equations.plastic(
            self.receptor, self.under_way, self.integrator, shared, scheduled=bool(tables),
            hooks=self.extra.code,
        )  # fmt: skip
        delays = {"potentiate": self.delay, "count": self.delay, "deliver": self.under_way}
        namespace = {"gate": self._gate(tables)} if tables else {}
        synapses = self._connect(code.variables, code.on_pre, code.on_post, delays, namespace)
        for pathway in (*code.on_pre, *code.on_post):
            getattr(synapses, pathway).order = code.order[pathway]
        for name, array in values.items():
            setattr(synapses, name, array[0] if name in shared else np.repeat(array, counts))
        if "steps_under_way" in synapses.variables:
            synapses.steps_under_way = self.under_way
        if tables:
            synapses.gate_column = _columns(tables, counts)
        else:
            synapses.is_open = True
        return synapses

    def _gate(self, tables: Sequence[NDArray[np.bool_]]) -> b2.TimedArray:
        values = np.concatenate(tables, axis=1).astype(np.float64)
        return b2.TimedArray(values, dt=self.dt * b2.ms, name=f"{self.name}_gate")

    def _connect(
        self,
        variables: str,
        on_pre: Mapping[str, str],
        on_post: Mapping[str, str],
        delays: Mapping[str, NDArray[np.int64]],
        namespace: dict[str, Any],
    ) -> b2.Synapses:
        used = {name: delays[name] for name in (*on_pre, *on_post) if name in delays}
        equal = {name: array for name, array in used.items() if (array == array[0]).all()}
        synapses = b2.Synapses(
            self.pre,
            self.post,
            f"{variables}\n{self.extra.declarations}",
            on_pre=dict(on_pre),
            on_post=dict(on_post) or None,
            delay={name: array[0] * self.dt * b2.ms for name, array in equal.items()},
            clock=self.post.clock,
            name=self.name,
            namespace={**namespace, **self.extra.functions},
        )
        synapses.connect(i=self.i, j=self.j)
        for name in used.keys() - equal.keys():
            getattr(synapses, name).delay = used[name] * self.dt * b2.ms
        return synapses


def _columns(tables: Sequence[NDArray[np.bool_]], counts: Sequence[int]) -> NDArray[np.int64]:
    """Return the column of each synapse's tile in the joined tables."""
    tiles = [table.shape[1] for table in tables]
    lengths = np.repeat([n // tile for n, tile in zip(counts, tiles, strict=True)], tiles)
    return np.repeat(np.arange(sum(tiles)), lengths)
