"""The description of a network: immutable data that every simulator and exporter takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

from .cells import LIF, STDP, Parameter, SpikeSource
from .checks import (
    Count,
    Each,
    Instance,
    MappingOf,
    Name,
    PathName,
    Quantities,
    Quantity,
    check_fields,
    checked,
)
from .currents import problem_on_grid
from .display import Displayed
from .errors import DescriptionError, Problems, unknown_name
from .frozen import LATER, Frozen, digest
from .population import PartName, Population
from .projection import Projection, Synapses
from .spikes import SpikeTrains
from .units import (
    GRID,
    LARGEST,
    off_grid,
    steps,
)

__all__ = [
    "LIF",
    "STDP",
    "Network",
    "Population",
    "Projection",
    "SpikeSource",
    "Synapses",
    "load_network",
]

_FIELDS = ("populations", "projections", "dt", "copies")
_NETWORK = Instance("spikemem.network:Network")

Inputs = MappingOf(Name(), Instance(SpikeTrains))
"""Kind of the spike trains of sources, by name."""

WeightsByName = MappingOf(Name(), Quantities("nA", low=0.0, shape=("n_synapses",), scalar=True))
"""Kind of the weights of projections, by name."""

_Named = TypeVar("_Named", "Population", "Projection")


@dataclass(frozen=True, kw_only=True, eq=False)
class Network(Frozen, Displayed):
    """Populations and the projections between them, on one time grid.

    Parameters
    ----------
    populations : sequence of Population
        Populations with unique names.
    projections : sequence of Projection
        Projections with unique names, between populations of the network.
    dt : float
        Time step, ms.
    copies : int
        Number of networks of the same structure that lie side by side in this one, as made by
        :meth:`stack` and :meth:`tile`. Each population and projection consists of as many equal
        parts.

    Raises
    ------
    DescriptionError
        If names are unknown or repeated, indices are out of range, delays are below `dt` or off
        its time grid, or source spikes or steps of a current are off the grid. The message lists
        all problems.

    Examples
    --------
    >>> import spikemem as sm
    >>> source = sm.Population("in", sm.SpikeSource.from_lists([[1.0]]))
    >>> out = sm.Population("out", 1, sm.LIF(tau_m=3.0, cm=0.27))
    >>> drive = sm.Projection.one_to_one("drive", source, out, weight=60.0, delay=1.0)
    >>> net = Network([source, out], [drive], dt=1.0)
    >>> net.n_neurons, net.n_synapses, net["out"].size, "drive" in net
    (1, 1, 1, True)
    """

    populations: Annotated[tuple[Population, ...], Each(Instance(Population), "Population objects")]
    projections: Annotated[
        tuple[Projection, ...], Each(Instance(Projection), "Projection objects")
    ] = ()
    dt: Annotated[float, Quantity("ms", above=0.0)] = 1.0
    copies: Annotated[int, Count()] = field(default=1, metadata={LATER: True})

    view: ClassVar[str] = "spikemem.plotting.views:network_view"
    panels: ClassVar[str] = "spikemem.reporting.networks:network_panels"

    def __init__(
        self,
        populations: Iterable[Population],
        projections: Iterable[Projection] = (),
        *,
        dt: Any = 1.0,
        copies: Any = 1,
    ) -> None:
        for name, value in zip(_FIELDS, (populations, projections, dt, copies), strict=True):
            object.__setattr__(self, name, value)
        problems = Problems("network is not valid")
        if "populations" in check_fields(self, problems) and not self.populations:
            problems.add("needs at least one population, got none")
        problems.raise_if_any()
        _check_unique("population", self.populations, problems)
        _check_unique("projection", self.projections, problems)
        for population in self.populations:
            self._check_source(population, problems)
            self._check_current(population, problems)
        for projection in self.projections:
            self._check_projection(projection, problems)
        self._check_copies(problems)
        problems.raise_if_any()

    def _check_copies(self, problems: Problems) -> None:
        parts = {f"population {pop.name!r}": pop.size for pop in self.populations}
        parts |= {f"projection {item.name!r}": item.tiles for item in self.projections}
        for where, count in parts.items():
            if count % self.copies:
                what = "cells" if where.startswith("population") else "tiles"
                problems.add(
                    f"{where}: copies={self.copies} must divide its {what}, got {count}; put "
                    f"networks side by side with Network.stack"
                )

    def _check_source(self, population: Population, problems: Problems) -> None:
        if not population.is_source or not len(population.source):
            return
        trains = population.source
        off = off_grid(trains.times, self.dt)
        if off.any():
            problems.add(
                f"population {population.name!r}: spike time {trains.times[off][0]:g} ms is not "
                f"a multiple of dt={self.dt:g} ms (at most {LARGEST} of them); "
                f"round with spikes.to_grid({self.dt:g})"
            )
            return
        codes = steps(trains.times, self.dt) * trains.size + trains.ids
        if np.unique(codes).size < codes.size:
            problems.add(
                f"population {population.name!r}: a source fires twice in one step; merge with "
                f"spikes.to_grid({self.dt:g})"
            )

    def _check_current(self, population: Population, problems: Problems) -> None:
        current = None if population.is_source else population.lif.current
        problem = None if current is None else problem_on_grid(current, self.dt)
        if problem:
            problems.add(f"population {population.name!r}: cell.i_offset: {problem}")

    def _check_projection(self, projection: Projection, problems: Problems) -> None:
        where = f"projection {projection.name!r}"
        sizes = {population.name: population.size for population in self.populations}
        missing = [end for end in ("pre", "post") if getattr(projection, end) not in sizes]
        for end in missing:
            name = getattr(projection, end)
            problems.add(f"{where}: {end}={unknown_name('population', name, sizes)}")
        self._check_delay(projection, problems)
        if missing:
            return
        n_pre, n_post = sizes[projection.pre], sizes[projection.post]
        if self.population(projection.post).is_source:
            problems.add(f"{where}: post={projection.post!r} is a SpikeSource and takes no input")
        if projection.connector == "one_to_one" and n_pre != n_post:
            problems.add(f"{where}: one_to_one needs equal sizes, got {n_pre} and {n_post}")
        if n_pre % projection.tiles or n_post % projection.tiles:
            problems.add(
                f"{where}: tiles={projection.tiles} must divide the sizes {n_pre} and {n_post}"
            )
        elif projection.tiles > 1 and not _within_tiles(projection, n_pre, n_post):
            problems.add(
                f"{where}: the list of synapses must consist of tiles={projection.tiles} parts of "
                f"equal length, each within its tile"
            )
        for end, index, size in (("i", projection.i, n_pre), ("j", projection.j, n_post)):
            if index is not None and index.size and index.max() >= size:
                problems.add(f"{where}: {end} must be from 0 to {size - 1}, got {index.max()}")
        if projection.i is None:
            n = projection.n_synapses(n_pre, n_post)
            for item in ("weight", "delay"):
                shape = np.shape(getattr(projection, item))
                if shape not in ((), (n,)):
                    problems.add(
                        f"{where}: {item} must be a float or have shape ({n},), got {shape}"
                    )

    def _check_delay(self, projection: Projection, problems: Problems) -> None:
        delay = np.atleast_1d(projection.delay)
        if not delay.size:
            return
        where = f"projection {projection.name!r}"
        if delay.min() < self.dt - GRID:
            problems.add(
                f"{where}: delay must be at least one step (dt={self.dt:g} ms), got {delay.min():g}"
            )
            return
        off = off_grid(delay, self.dt)
        if off.any():
            problems.add(
                f"{where}: delay {delay[off][0]:g} ms is not a multiple of dt={self.dt:g} ms "
                f"(at most {LARGEST} of them)"
            )

    def __getitem__(self, name: str) -> Any:
        """Return the population or projection of this name; an unknown name raises an error."""
        parts: tuple[Population | Projection, ...] = (*self.populations, *self.projections)
        matches = [part for part in parts if isinstance(name, str) and part.name == name]
        if len(matches) > 1:
            raise DescriptionError(
                f"Network: {name!r} is a population and a projection; use "
                f"network.population({name!r}) or network.projection({name!r})."
            )
        if not matches:
            what = "population or projection"
            raise DescriptionError(f"Network: {unknown_name(what, name, self._names())}")
        return matches[0]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._names()

    __iter__ = None
    """A network cannot be iterated over, although its parts can be looked up by name."""

    def population(self, name: PartName) -> Population:
        """Return the population of this name; an unknown name raises an error."""
        return _by_name("population", name, self.populations)

    def projection(self, name: PartName) -> Projection:
        """Return the projection of this name; an unknown name raises an error."""
        return _by_name("projection", name, self.projections)

    def synapses(self, name: PartName) -> Synapses:
        """Return the synapses of one projection as arrays."""
        projection = self.projection(name)
        return projection.expand(*self._sizes(projection))

    def weights(self, name: PartName) -> NDArray[np.float64]:
        """Return the initial weights of one projection, nA, shape (n_synapses,), read-only."""
        weight = np.asarray(self.projection(name).weight, dtype=np.float64)
        return np.broadcast_to(weight, (self.count(name),))

    def count(self, name: PartName) -> int:
        """Return the number of synapses of one projection."""
        projection = self.projection(name)
        return projection.n_synapses(*self._sizes(projection))

    def _names(self) -> list[str]:
        return [pop.name for pop in self.populations] + [item.name for item in self.projections]

    def _sizes(self, projection: Projection) -> tuple[int, int]:
        return self.population(projection.pre).size, self.population(projection.post).size

    @property
    def n_neurons(self) -> int:
        """Number of cells that are not spike sources."""
        return sum(pop.size for pop in self.populations if not pop.is_source)

    @property
    def n_synapses(self) -> int:
        """Number of synapses of all projections."""
        return sum(self.count(projection.name) for projection in self.projections)

    @property
    def plastic(self) -> tuple[Projection, ...]:
        """The projections with plasticity."""
        return tuple(item for item in self.projections if item.plasticity is not None)

    @property
    def duration(self) -> float:
        """Length of the longest spike source, ms; 0 if there is no source."""
        lengths = [pop.source.duration for pop in self.populations if pop.is_source]
        return max(lengths, default=0.0)

    @checked
    def replace(
        self,
        *parts: Annotated[Population | Projection, Instance(Population, Projection)],
        dt: Annotated[float, Quantity("ms", above=0.0)] | None = None,
        copies: Annotated[int, Count()] | None = None,
    ) -> Network:
        """Return a copy in which parts of the same name replace populations or projections."""
        populations = {pop.name: pop for pop in self.populations}
        projections = {item.name: item for item in self.projections}
        for part in parts:
            if isinstance(part, Population):
                self.population(part.name)
                populations[part.name] = part
            else:
                self.projection(part.name)
                projections[part.name] = part
        return Network(
            populations=populations.values(),
            projections=projections.values(),
            dt=self.dt if dt is None else dt,
            copies=self.copies if copies is None else copies,
        )

    @checked
    def with_inputs(self, inputs: Annotated[Mapping[str, SpikeTrains], Inputs]) -> Network:
        """Return a copy in which the spike sources of these names fire other spike trains."""
        changed = []
        for name, trains in inputs.items():
            self.population(name).source  # noqa: B018  (raises an error unless it is a source)
            changed.append(replace(self.population(name), cell=SpikeSource(spikes=trains)))
        return self.replace(*changed)

    @checked
    def with_weights(self, weights: Annotated[Mapping[str, Any], WeightsByName]) -> Network:
        """Return a copy with other initial weights (nA) in the projections of these names."""
        changed = [replace(self.projection(name), weight=w) for name, w in weights.items()]
        return self.replace(*changed)

    @checked
    def tile(self, n: Annotated[int, Count()]) -> Network:
        """Return a network of `n` independent copies side by side.

        See :meth:`stack`, and :meth:`Recording.split` for the recordings of the copies.
        """
        for population in self.populations:
            if population.size * n > LARGEST:
                raise DescriptionError(
                    f"Network.tile: {n} copies of population {population.name!r} have "
                    f"{population.size * n} cells; at most {LARGEST} are possible."
                )
        return Network.stack([self] * n)

    @staticmethod
    @checked
    def stack(
        networks: Annotated[Sequence[Network], Each(_NETWORK, "networks", least=1)],
    ) -> Network:
        """Put networks of the same structure side by side, so that one simulation runs all.

        Names, cell types, sizes, connectors and plasticity must agree. Spike trains, weights,
        delays, plasticity windows and cell parameters can differ.

        Raises
        ------
        DescriptionError
            If there are no networks, or their structures differ. The message names the first
            difference.
        """
        from .tiling import stack

        return stack(networks)

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 of the whole description; equal networks have equal hashes."""
        return digest(self)

    def summary(self) -> str:
        """Return populations and projections as a readable table."""
        n_plastic = sum(self.count(item.name) for item in self.plastic)
        lines = [
            f"{len(self.populations)} populations, {self.n_neurons} neurons, "
            f"{self.n_synapses} synapses ({n_plastic} plastic), "
            f"dt = {self.dt:g} ms"
        ]
        wide = max(len(name) for name in self._names())
        for pop in self.populations:
            kind = f"{type(pop.cell).__name__}{_cell_notes(pop)}"
            lines.append(f"  {pop.name:<{wide}}  {pop.size:>8} {kind}")
        for item in self.projections:
            kind = "plastic" if item.plasticity else "static"
            lines.append(
                f"  {item.name:<{wide}}  {self.count(item.name):>8} {kind} {item.receptor} "
                f"{item.connector}, {_span(item.weight)} nA, {_span(item.delay)} ms"
            )
        return "\n".join(lines)

    def describe(self) -> str:
        """Return the :meth:`summary`, with the hash and the length of the input."""
        return f"{self.summary()}\nhash {self.content_hash[:12]}, input for {self.duration:g} ms"

    def facts(self) -> dict[str, Any]:
        """Return sizes, parts and hash as plain data for JSON."""
        return {
            "dt_ms": self.dt,
            "duration_ms": self.duration,
            "neurons": self.n_neurons,
            "synapses": self.n_synapses,
            "hash": self.content_hash,
            "copies": self.copies,
            "populations": {
                item.name: {"size": item.size, "cell": type(item.cell).__name__}
                for item in self.populations
            },
            "projections": {
                item.name: {
                    "pre": item.pre, "post": item.post, "receptor": item.receptor,
                    "connector": item.connector, "synapses": self.count(item.name),
                    "plastic": item.plasticity is not None,
                }
                for item in self.projections
            },
        }  # fmt: skip

    def __repr__(self) -> str:
        return (
            f"Network({len(self.populations)} populations, {self.n_neurons} neurons, "
            f"{len(self.projections)} projections, {self.n_synapses} synapses, dt={self.dt:g} ms)"
        )

    @checked
    def save(self, path: Annotated[str | Path, PathName()]) -> Path:
        """Write the network to an HDF5 file; see :func:`spikemem.storage.save`."""
        from .storage import save

        return save(path, network=self)

    @staticmethod
    @checked
    def load(path: Annotated[str | Path, PathName()]) -> Network:
        """Read a network from an HDF5 file; see :func:`spikemem.load_network`."""
        return load_network(path)


@checked
def load_network(path: Annotated[str | Path, PathName()]) -> Network:
    """Read a :class:`Network` from an HDF5 file.

    Raises
    ------
    StorageError
        If the file does not exist, is damaged, is not a spikemem file, was written by a newer
        version, or holds no network.
    """
    from .storage import load

    return cast(Network, load(path, "network"))


def _within_tiles(projection: Projection, n_pre: int, n_post: int) -> bool:
    """Tell whether a list of synapses is ordered by tile, and each synapse stays in its tile."""
    if projection.i is None or projection.j is None:
        return True
    count, rest = divmod(projection.i.size, projection.tiles)
    if rest:
        return False
    tile = np.repeat(np.arange(projection.tiles), count)
    widths = n_pre // projection.tiles, n_post // projection.tiles
    return all(
        np.array_equal(index // width, tile)
        for index, width in zip((projection.i, projection.j), widths, strict=True)
    )


def _check_unique(kind: str, parts: Sequence[Any], problems: Problems) -> None:
    names = [part.name for part in parts]
    for name in sorted({name for name in names if names.count(name) > 1}):
        problems.add(f"{kind} name {name!r} is used {names.count(name)} times")


def _by_name(kind: str, name: Any, parts: Sequence[_Named]) -> _Named:
    for part in parts:
        if isinstance(name, str) and part.name == name:
            return part
    raise DescriptionError(f"Network: {unknown_name(kind, name, [part.name for part in parts])}")


def _cell_notes(population: Population) -> str:
    if population.is_source:
        return ""
    leaky, current = np.isfinite(population.lif.tau_m), population.lif.current
    notes = "" if np.all(leaky) else f" without a leak{' in some cells' if np.any(leaky) else ''}"
    if current is None:
        return notes
    return (
        f"{notes}, i_offset {_span(current.amplitudes)} nA in {len(current.times)} step(s) at "
        f"{_span(current.times)} ms"
    )


def _span(values: Parameter) -> str:
    low, high = (np.min(values), np.max(values)) if np.size(values) else (0.0, 0.0)
    return f"{low:g}" if low == high else f"{low:g}..{high:g}"
