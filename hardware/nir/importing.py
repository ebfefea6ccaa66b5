"""From a NIR graph to a network."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...cells import LIF, SpikeSource
from ...checks import Quantity, checked
from ...errors import DescriptionError, UnsupportedError, shown
from ...network import Inputs, Network, Population, Projection
from ...recording import SpikeTrains
from ...units import steps, to_float
from .checking import LARGEST, problems_of_node
from .common import alike, as_lines, free_name, native_parameters, notes_of, place_of, require_nir

__all__ = ["from_nir"]

_MOST_WAYS = 100_000

_PULSE = 50.0
"""A LIF of NIR has no synaptic current: its input lasts for one step, ``dt / tau_syn`` = 50."""


@checked
def from_nir(
    graph: Any,
    dt: Annotated[float, Quantity("ms", above=0.0)] | None = None,
    *,
    inputs: Annotated[Mapping[str, SpikeTrains], Inputs] | None = None,
) -> Network:
    """Convert a NIR graph to a network.

    Read are ``CubaLIF``, ``LIF``, ``Linear``, ``Affine`` without a bias, ``Scale``, ``Delay``,
    ``Input`` and ``Output``. A connection without a ``Delay`` takes one step. Weights of both
    signs in one ``Linear`` become two projections. A ``LIF`` has no synaptic current; it becomes a
    cell whose current has the same charge and lasts for one step (``tau_syn = dt / 50``).

    Parameters
    ----------
    graph : nir.NIRGraph
        In the units of this module.
    dt : float, optional
        Step, ms. Default: what :func:`to_nir` noted.
    inputs : mapping of str to SpikeTrains, optional
        What the ``Input`` nodes of these names fire. Default: what :func:`to_nir` noted, else
        nothing.

    Returns
    -------
    Network

    Raises
    ------
    UnsupportedError
        The graph has nodes or connections that a network can't carry; all reasons at once.
    DescriptionError
        `dt` is needed, `inputs` has names that are no ``Input``, or the values are not valid.
    BackendMissing
        The package nir is not installed.
    """
    nir = require_nir()
    if not isinstance(graph, nir.NIRGraph):
        raise DescriptionError(
            f"from_nir: graph must be a nir.NIRGraph, got {type(graph).__name__}; "
            f"for a file use spikemem.hardware.nir.read(path)."
        )
    if dt is None and "dt" not in notes_of(graph):
        raise DescriptionError("from_nir: dt is needed (ms): the graph does not say it.")
    if inputs is not None and not isinstance(inputs, Mapping):
        raise DescriptionError(
            f"from_nir: inputs must be a mapping of names to SpikeTrains, got {shown(inputs)}."
        )
    strangers = sorted({str(end) for edge in graph.edges for end in edge} - set(graph.nodes))
    if strangers:
        raise UnsupportedError(
            f"from_nir: this graph can't be read: edges name nodes that it does not have: "
            f"{', '.join(strangers)}."
        )
    step = to_float(notes_of(graph)["dt"] if dt is None else dt, "ms", "from_nir: dt")
    reader = _Reader(nir, graph, step, inputs or {})
    # What overflows is not finite, which the network refuses by name.
    with np.errstate(all="ignore"):
        populations = reader.populations()
        projections = reader.projections() if not reader.problems else []
    if reader.problems:
        problems = list(dict.fromkeys(reader.problems))
        raise UnsupportedError("from_nir: this graph can't be read:" + as_lines(problems))
    return Network(populations=populations, projections=projections, dt=step)


@dataclass
class _Path:
    """A way from a spiking node to another: at most one linear map, and delays."""

    pre: str
    post: str = ""
    linear: str = ""
    weight: NDArray[np.float64] | None = None
    before: Any = 0.0
    after: Any = 0.0
    passed: tuple[str, ...] = ()

    def then(self, **changes: Any) -> _Path:
        return _Path(**{**self.__dict__, **changes})


@dataclass
class _Reader:
    """The way from a graph to a network; what can't be read is collected in `problems`."""

    nir: Any
    graph: Any
    dt: float
    inputs: Mapping[str, SpikeTrains]
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.neurons = {
            name: node
            for name, node in self.graph.nodes.items()
            if isinstance(node, self.nir.CubaLIF | self.nir.LIF)
        }
        self.next: dict[str, list[str]] = {name: [] for name in self.graph.nodes}
        for start, stop in self.graph.edges:
            self.next[start].append(stop)
        self.n_ways = 0
        names = [*self.neurons, *self.graph.inputs]
        self.spiking = names
        strangers = set(self.inputs) - set(self.graph.inputs)
        if strangers:
            raise DescriptionError(
                f"from_nir: inputs must name Input nodes ({', '.join(self.graph.inputs)}), "
                f"got {', '.join(sorted(strangers))}."
            )

    def populations(self) -> list[Population]:
        """Every neuron node and every input."""
        known = ("CubaLIF", "LIF", "Linear", "Affine", "Scale", "Delay", "Input", "Output")
        for name, node in self.graph.nodes.items():
            if type(node).__name__ not in known:
                self.problems.append(
                    f"node {name!r}: {type(node).__name__} has no counterpart (read are "
                    f"{', '.join(known)})"
                )
            else:
                self.problems.extend(problems_of_node(name, node))
        if self.problems:
            return []
        self.spiking.sort(key=lambda name: place_of(self.graph.nodes[name]))
        return [
            population
            for name in self.spiking
            if (population := self._population(name, self.graph.nodes[name]))
        ]

    def _population(self, name: str, node: Any) -> Population | None:
        shape = tuple(np.ravel(node.output_type["output"]).astype(int))
        if len(shape) != 1:
            self.problems.append(f"node {name!r}: shape must be (n_cells,), got {shape}")
            return None
        own, size = notes_of(node), int(shape[0])
        recorded = any(isinstance(self.graph.nodes[to], self.nir.Output) for to in self.next[name])
        record = tuple(filter(None, own["record"].split(","))) if "record" in own else ()
        record = record if "record" in own else ("spikes",) * recorded
        if name in self.graph.inputs:
            cell = SpikeSource(spikes=self._trains(name, own, size))
            return Population(name=name, cell=cell, record=record)
        return Population(
            name=name, cell=self._cell(node, own, size), size=size,
            v_init=own.get("v_init"), record=record,
        )  # fmt: skip

    def _trains(self, name: str, own: Mapping[str, Any], size: int) -> SpikeTrains:
        if name in self.inputs:
            return self.inputs[name]
        return SpikeTrains(
            ids=own.get("ids", []), times=own.get("times", []),
            size=size, duration=float(own.get("duration", 0.0)),
        )  # fmt: skip

    def _cell(self, node: Any, own: Mapping[str, Any], size: int) -> LIF:
        """The noted parameters if the node still says the same, else the node's."""
        cuba = isinstance(node, self.nir.CubaLIF)
        noted = own.get("cell", {})
        if noted and cuba:
            cell = LIF(**noted)
            for side in "EI":
                native = native_parameters(cell, size, side, self.dt)
                native.pop("w_in")
                if all(alike(getattr(node, key), value) for key, value in native.items()):
                    return cell
        tau_m = (node.tau_mem if cuba else node.tau) * 1000.0
        tau_syn = node.tau_syn * 1000.0 if cuba else self.dt / _PULSE
        return LIF(
            tau_m=tau_m, cm=tau_m / node.r, v_rest=node.v_leak, v_reset=node.v_reset,
            v_thresh=node.v_threshold, tau_refrac=noted.get("tau_refrac", 0.0),
            tau_syn_E=tau_syn, tau_syn_I=tau_syn,
        )  # fmt: skip

    def projections(self) -> list[Projection]:
        """Every way from a spiking node to a neuron."""
        ways = [way for name in self.spiking for way in self._follow(_Path(pre=name), name)]
        noted: dict[str, list[_Path]] = {}
        plain: list[_Path] = []
        for way in ways:
            name = notes_of(self.graph.nodes[way.linear]).get("projection") if way.linear else None
            noted.setdefault(name, []).append(way) if name else plain.append(way)
        order = sorted(noted, key=lambda name: place_of(self.graph.nodes[noted[name][0].linear]))
        made = []
        for name in order:
            whole = self._as_noted(name, noted[name])
            if whole is not None:
                made.append(whole)
            else:
                plain += noted[name]
        taken = {item.name: item for item in made}
        for way in plain:
            for item in self._plain(way, taken):
                made.append(item)
                taken[item.name] = item
        return made

    def _follow(self, way: _Path, at: str) -> Iterator[_Path]:
        self.n_ways += 1
        if self.n_ways > _MOST_WAYS:
            raise UnsupportedError(
                f"from_nir: this graph can't be read: it has more than {_MOST_WAYS} ways between "
                f"its neurons."
            )
        way = way.then(passed=(*way.passed, at))
        for to in self.next[at]:
            node = self.graph.nodes[to]
            if to in way.passed and to not in self.neurons:
                self.problems.append(f"node {to!r}: a signal that passes it comes back to it")
            elif to in self.neurons:
                if self._fits(way, to):
                    yield way.then(post=to)
            elif isinstance(node, self.nir.Delay):
                key = "after" if way.linear else "before"
                first, delay = getattr(way, key), np.asarray(node.delay) * 1000.0
                if 1 not in (np.size(first), delay.size) and np.size(first) != delay.size:
                    self.problems.append(f"node {to!r}: its delays and those before it differ in "
                                         f"number: {delay.size} and {np.size(first)}")  # fmt: skip
                    continue
                yield from self._follow(way.then(**{key: first + delay}), to)
            elif isinstance(node, self.nir.Linear | self.nir.Affine | self.nir.Scale):
                weight = self._map(way, to, node)
                if weight is not None:
                    yield from self._follow(way.then(linear=to, weight=weight), to)

    def _fits(self, way: _Path, post: str) -> bool:
        pre = self.graph.nodes[way.pre]
        n_pre = int(np.prod(pre.output_type["output"]))
        n_post = int(np.size(self.neurons[post].v_threshold))
        shape = (n_post, n_pre) if way.weight is None else way.weight.shape
        sizes = np.size(way.before), np.size(way.after)
        straight = way.weight is not None or n_pre == n_post
        if way.weight is None and n_pre * n_post > LARGEST:
            self.problems.append(
                f"from node {way.pre!r} to {post!r}: the weights of {n_pre} x {n_post} cells are "
                f"more than {LARGEST:g}"
            )
            return False
        whole = sizes[0] in (1, n_pre) and sizes[1] in (1, n_post)
        if straight and whole and shape == (n_post, n_pre):
            return True
        self.problems.append(
            f"from node {way.pre!r} ({n_pre} cells) to {post!r} ({n_post} cells): the weight has "
            f"shape {shape} and the delays have sizes {sizes[0]} and {sizes[1]}"
        )
        return False

    def _map(self, way: _Path, name: str, node: Any) -> NDArray[np.float64] | None:
        bias = getattr(node, "bias", 0.0)
        if way.linear:
            self.problems.append(f"nodes {way.linear!r} and {name!r}: two linear maps in a row")
        elif np.any(np.asarray(bias) != 0):
            self.problems.append(f"node {name!r}: an Affine must have no bias")
        else:
            scale = isinstance(node, self.nir.Scale)
            weight = np.diag(np.ravel(node.scale)) if scale else np.asarray(node.weight)
            if weight.ndim == 2:
                return weight.astype(np.float64)
            self.problems.append(f"node {name!r}: weight must have two axes, got {weight.shape}")
        return None

    def _gain(self, post: str) -> Any:
        """What a spike of weight 1 adds to the current, shape (n_post,)."""
        node = self.neurons[post]
        if not isinstance(node, self.nir.CubaLIF):
            return _PULSE / -np.expm1(-_PULSE)
        gain = np.asarray(node.w_in) * self.dt / (np.asarray(node.tau_syn) * 1000.0)
        if not np.isfinite(gain).all():
            raise UnsupportedError(
                f"from_nir: this graph can't be read: node {post!r}: w_in / tau_syn is too large."
            )
        return 1.0 if alike(gain, 1.0) else gain

    def _as_noted(self, name: str, ways: Sequence[_Path]) -> Projection | None:
        """The projection that was exported, with the weights that are there now."""
        own = [notes_of(self.graph.nodes[way.linear]) for way in ways]
        if len({(way.pre, way.post) for way in ways}) > 1:
            return None
        rows = np.concatenate([note["rows"] for note in own])
        i, j, delay, weight = np.zeros((4, rows.size))
        position = np.argsort(np.argsort(rows))
        sign = -1.0 if own[0]["receptor"] == "inhibitory" else 1.0
        start = 0
        for way, note in zip(ways, own, strict=True):
            here = position[start : start + note["rows"].size]
            start += note["rows"].size
            full = way.weight
            assert full is not None
            values = sign * np.broadcast_to(self._gain(way.post), full.shape[:1])[:, None] * full
            if not alike(way.before, note["delay"]) or np.any(way.after):
                return None
            here_only = values.copy()
            here_only[note["j"], note["i"]] = 0.0
            if here_only.any() or values.min(initial=0.0) < 0:
                return None
            i[here], j[here], delay[here] = note["i"], note["j"], note["delay"]
            weight[here] = values[note["j"], note["i"]]
        whole = _rebuild(name, ways[0], own[0], i, j, weight, delay)
        assert ways[0].weight is not None
        n_post, n_pre = ways[0].weight.shape
        if whole.n_synapses(n_pre, n_post) != i.size:
            return None
        made = whole.expand(n_pre, n_post)
        return whole if np.array_equal(made.i, i) and np.array_equal(made.j, j) else None

    def _plain(self, way: _Path, taken: Mapping[str, Any]) -> Iterator[Projection]:
        """A list of the synapses that are not 0, one projection for each sign."""
        name = way.linear or f"{way.pre} to {way.post}"
        n_post = int(np.size(self.neurons[way.post].v_threshold))
        weight = np.eye(n_post) if way.weight is None else way.weight
        values = weight * np.broadcast_to(self._gain(way.post), (n_post,))[:, None]
        for receptor, sign in (("excitatory", 1.0), ("inhibitory", -1.0)):
            j, i = np.nonzero(sign * values > 0)
            if not i.size:
                continue
            mixed = sign < 0 < values.max()
            before = np.broadcast_to(way.before, weight.shape[1:])[i]
            delay = before + np.broadcast_to(way.after, (n_post,))[j]
            yield Projection(
                name=free_name(f"{name} inhibitory" if mixed else name, taken),
                pre=way.pre, post=way.post, i=i, j=j,
                weight=np.abs(values[j, i]), delay=self._on_grid(name, delay),
                receptor=receptor,  # type: ignore[arg-type]
            )  # fmt: skip

    def _on_grid(self, name: str, delay: NDArray[np.float64]) -> NDArray[np.float64]:
        late = np.where(delay == 0, 1, steps(delay, self.dt))
        off = (np.abs(late * self.dt - delay) > 1e-6) & (delay != 0)
        if off.any():
            self.problems.append(
                f"node {name!r}: a delay of {delay[off][0]:g} ms is not a multiple of "
                f"dt={self.dt:g} ms"
            )
        return np.asarray(np.maximum(late, 1) * self.dt, np.float64)


def _rebuild(
    name: str, way: _Path, own: Mapping[str, Any], i: Any, j: Any, weight: Any, delay: Any
) -> Projection:
    """A projection as it was, symbolic where its synapses still are those of its connector."""
    if own["scalar_weight"] and np.all(weight == weight[0]):
        weight = float(weight[0])
    if own["scalar_delay"]:
        delay = float(delay[0])
    ends: dict[str, Any] = {"name": name, "pre": way.pre, "post": way.post}
    ends |= {"receptor": str(own["receptor"]), "tiles": int(own["tiles"])}
    if own["connector"] == "list":
        return Projection(**ends, i=i.astype(int), j=j.astype(int), weight=weight, delay=delay)
    return Projection(
        **ends,
        connector=str(own["connector"]),  # type: ignore[arg-type]
        allow_self=bool(own["allow_self"]),
        weight=weight,
        delay=delay,
    )
