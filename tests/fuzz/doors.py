"""Every public callable of the package, with the kinds that its parameters declare.

`doors` walks the public names; `Drawer` draws values that a kind accepts, and values near its
limits that it must refuse or handle.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import importlib
import inspect
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import spikemem as sm
from fuzz import (
    data,
    dendrites,
    hlop,
    hlop_baselines,
    hlop_face,
    hlop_spikes,
    liquid,
    liquid_readout,
    reference,
    reports,
    resistive,
    sparsey,
    stress,
    stress_measures,
    stress_running,
)
from spikemem import checks
from spikemem.errors import SpikememError

PACKAGES = (
    "spikemem",
    "spikemem.metrics",
    "spikemem.codes",
    "spikemem.data",
    "spikemem.streams",
    "spikemem.plotting",
    "spikemem.panels",
    "spikemem.networks.ca3",
    "spikemem.networks.dendrites",
    "spikemem.networks.sparsey",
    "spikemem.networks.hlop",
    "spikemem.networks.liquid",
    "spikemem.networks.reference",
    "spikemem.hardware.spinnaker",
    "spikemem.hardware.pynn",
    "spikemem.hardware.nir",
    "spikemem.hardware.resistive",
    "spikemem.stress",
    *stress_measures.PACKAGES,
    *stress_running.PACKAGES,
)

LEFT_OUT = {
    # They start other programs, need a board, or take seconds by themselves.
    "spikemem.hardware.spinnaker.map_network": "runs sPyNNaker's tool chain",
    "spikemem.hardware.spinnaker.SpinnakerBackend": "needs a board",
    "spikemem.hardware.pynn.PyNNModel": "made by to_pynn",
    # Called by models, with the number of cells and the beginning of the message.
    "spikemem.codes.as_pattern": "called by a model",
    "spikemem.codes.as_patterns": "called by a model",
    "spikemem.codes.is_one_pattern": "called by a model",
    # They always raise: these memories have no network.
    **{
        f"spikemem.networks.reference.{name}.{method}": "always refuses"
        for name in reference.SAMPLES
        for method in ("build", "decode", "after")
    },
    # Called by a session alone, with its own state.
    "spikemem.hardware.resistive.DeviceLearning.hooks": "called by a session of Brian2",
    "spikemem.hardware.resistive.ReadNoise.hooks": "called by a session of Brian2",
    "spikemem.networks.liquid.DynamicSynapses.hooks": "called by a session of Brian2",
    "spikemem.networks.liquid.ReadoutReport": "made by evaluate_readout",
    "spikemem.networks.liquid.ReadoutReport.facts": "made by evaluate_readout",
    **hlop.LEFT_OUT,
    **hlop_face.LEFT_OUT,
    **hlop_baselines.LEFT_OUT,
    **stress.LEFT_OUT,
    **stress_measures.LEFT_OUT,
    **stress_running.LEFT_OUT,
}
"""Callables that are not called, and why."""

FILE_CALLS = ("restored",)
"""What only a reader of files calls, with what a file holds; ``files.py`` spoils that."""

BACKEND_CALLS = ("run", "snapshot", "restore", "load_state", "close", "set_weights")
"""What only a session calls, with values that it has checked."""


@dataclass(frozen=True)
class Door:
    """One public callable."""

    name: str
    call: Callable[..., Any]
    owner: type | None
    """Class of the object that it is called on; None for functions and constructors."""

    @property
    def family(self) -> str:
        """Package that it is public in."""
        return self.name.rpartition(":")[0]

    @functools.cached_property
    def kinds(self) -> dict[str, checks.Kind]:
        """Declared kind of each parameter that has one."""
        return kinds(self.call)

    @functools.cached_property
    def parameters(self) -> list[inspect.Parameter]:
        """The parameters, without `self`."""
        found = list(inspect.signature(self.call).parameters.values())
        return found[1:] if self.owner is not None else found


def kinds(call: Any) -> dict[str, checks.Kind]:
    """Kinds of a function, of a constructor, or of the fields of a dataclass."""
    if not inspect.isclass(call):
        return _declared(call)
    found = _declared(call) if dataclasses.is_dataclass(call) else {}
    return {**found, **_declared(call.__init__)}


def _declared(call: Any) -> dict[str, checks.Kind]:
    try:
        return checks.kinds_of(call)
    except NameError:  # Types that are imported for type checkers only.
        return {}


def doors() -> list[Door]:
    """Every public function, constructor and method; each once."""
    found: dict[int, Door] = {}
    for package in PACKAGES:
        module = importlib.import_module(package)
        for name in module.__all__:
            for door in _doors_of(package, name, getattr(module, name)):
                found.setdefault(_identity(door), door)
    return sorted(found.values(), key=lambda door: door.name)


def _identity(door: Door) -> int:
    return id(inspect.unwrap(getattr(door.call, "__func__", door.call)))


def _doors_of(package: str, name: str, thing: Any) -> Iterator[Door]:
    if f"{package}.{name}" in LEFT_OUT or not getattr(thing, "__module__", "").startswith(
        "spikemem"
    ):
        return
    if inspect.isfunction(thing):
        yield Door(f"{package}:{name}", thing, None)
    elif inspect.isclass(thing) and not issubclass(thing, BaseException | checks.Kind):
        if not inspect.isabstract(thing) and not issubclass(thing, tuple):
            yield Door(f"{package}:{name}", thing, None)
        backend = name.endswith("Backend")
        for item, attribute in _methods(thing):
            if (
                item in FILE_CALLS
                or (backend and item in BACKEND_CALLS)
                or f"{package}.{name}.{item}" in LEFT_OUT
            ):
                continue
            static = isinstance(attribute, staticmethod | classmethod)
            call = getattr(thing, item) if static else attribute
            yield Door(f"{package}:{name}.{item}", call, None if static else thing)


def _methods(cls: type) -> Iterator[tuple[str, Any]]:
    seen = set()
    for base in cls.__mro__:
        if not base.__module__.startswith("spikemem"):
            continue
        for name, attribute in vars(base).items():
            plain = getattr(attribute, "__func__", attribute)
            abstract = getattr(plain, "__isabstractmethod__", False)
            if name.startswith("_") or name in seen or abstract or not inspect.isfunction(plain):
                continue
            seen.add(name)
            yield name, attribute


class Impossible(Exception):
    """No good value is known."""


def small_network() -> sm.Network:
    """A source, a cell, one static and one plastic projection; potentials are recorded."""
    source = sm.SpikeSource(spikes=sm.SpikeTrains(ids=[0, 1], times=[1.0, 2.0], size=2))
    rule = sm.STDP(a_plus=1.0, a_minus=1.0, w_max=6.0)
    return sm.Network(
        populations=[
            sm.Population(name="in", cell=source),
            sm.Population(name="out", cell=sm.LIF(), size=2, record=("spikes", "v")),
        ],
        projections=[
            sm.Projection.one_to_one("fixed", "in", "out", weight=1.0, delay=1.0),
            sm.Projection.all_to_all("learnt", "in", "out", weight=1.0, delay=1.0, plasticity=rule),
        ],
    )


def static_network() -> sm.Network:
    """The same without its plastic projection."""
    network = small_network()
    return sm.Network(populations=network.populations, projections=network.projections[:1])


@functools.cache
def _recording() -> sm.Recording:
    return sm.simulate(small_network(), 5.0, backend="native")


def _memory() -> Any:
    memory = sm.CA3Memory(2, 3, backend="native", contents={0: [1]})
    memory.recall(cue=0)
    return memory


def _axes() -> Any:
    from matplotlib.figure import Figure

    return Figure().add_subplot()


def _pynn_model() -> Any:
    pynn = importlib.import_module("spikemem.hardware.pynn")
    return pynn.to_pynn(static_network(), importlib.import_module("pyNN.mock"))


SAMPLES: dict[str, Callable[[], Any]] = {
    "PyNNModel": lambda: _pynn_model(),
    "Axes": lambda: _axes(),
    "StepCurrent": lambda: sm.StepCurrent(times=[1.0, 3.0], amplitudes=[0.1, 0.2]),
    "Network": small_network,
    "SpikeTrains": lambda: sm.SpikeTrains(ids=[0, 1], times=[1.0, 2.0], size=2),
    "Recording": lambda: _recording(),
    "STDP": lambda: sm.STDP(a_plus=1.0, a_minus=1.0, w_max=6.0),
    "LIF": sm.LIF,
    "SpikeSource": lambda: small_network().population("in").cell,
    "Population": lambda: small_network().population("out"),
    "Projection": lambda: small_network().projection("learnt"),
    "Session": lambda: sm.Session(small_network(), backend="native"),
    "CA3Memory": _memory,
    "HippocampalMemory": lambda: sm.HippocampalMemory(2, 3, backend="native"),
    "Patterns": lambda: sm.Patterns([[0, 1], [2]], size=4),
    "Images": lambda: sm.data.Images([[[0, 1]], [[2, 3]]], [0, 1]),
    "Device": lambda: importlib.import_module("spikemem.hardware.resistive").Ideal(),
    "WeightMapping": lambda: importlib.import_module("spikemem.hardware.resistive").SingleDevice(),
    "Problem": lambda: sm.Problem(level="note", where="a", what="b", remedy="c"),
    **data.SAMPLES,
    **dendrites.SAMPLES,
    **sparsey.SAMPLES,
    **hlop.SAMPLES,
    **hlop_spikes.SAMPLES,
    **hlop_face.SAMPLES,
    **hlop_baselines.SAMPLES,
    **liquid.SAMPLES,
    **liquid_readout.SAMPLES,
    **stress.SAMPLES,
    **reference.SAMPLES,
    **resistive.samples(small_network),
}
"""A fresh object of each class that no declared kinds can make."""

_DRAWN: dict[str, Callable[[], Any]] = {"weight": lambda: 1.0, "delay": lambda: 1.0}

GOOD: dict[str, dict[str, Callable[[], Any]]] = {
    "Projection.fixed_probability": _DRAWN,
    "Projection.fixed_number_in": {**_DRAWN, "n": lambda: 2},
    "Projection.fixed_number_out": {**_DRAWN, "n": lambda: 2},
    "Projection.distance_dependent": {
        **_DRAWN, "p": lambda: np.exp, "pre_positions": lambda: [[-1.0], [-9.0]],
    },
    "Projection.from_matrix": {**_DRAWN, "matrix": lambda: [[0.0, 1.0], [1.0, 0.5]]},
    "SpikeSource.poisson": {"rate": lambda: 5.0, "duration": lambda: 10.0, "dt": lambda: 1.0},
    "SpikeSource.regular": {"rate": lambda: 5.0, "duration": lambda: 10.0, "dt": lambda: 1.0},
    "SpikeSource.from_neo": {"source": lambda: _recording().to_neo()},
    "Recording.from_neo": {"source": lambda: _recording().to_neo()},
    "SpikeTrains": {"ids": lambda: [0, 1], "times": lambda: [1.0, 2.0], "size": lambda: 2},
    "STDP": {"a_plus": lambda: 1.0, "a_minus": lambda: 1.0, "w_max": lambda: 6.0},
    "Projection": {
        "i": lambda: [0], "j": lambda: [1], "weight": lambda: 1.0, "delay": lambda: 1.0,
    },
    "Projection.one_to_one": {"options": lambda: {"weight": 1.0, "delay": 1.0}},
    "Projection.all_to_all": {"options": lambda: {"weight": 1.0, "delay": 1.0}},
    "Images": {"images": lambda: [[[0, 1]], [[2, 3]]], "labels": lambda: [0, 1]},
    "read_images": {"path": lambda: "digits"},
    "Population": {"size": lambda: 2, "cell": sm.LIF},
    "Network": {
        "populations": lambda: small_network().populations,
        "projections": lambda: small_network().projections,
    },
    "Network.population": {"name": lambda: "in"},
    "Network.projection": {"name": lambda: "learnt"},
    "Network.synapses": {"name": lambda: "learnt"},
    "Network.weights": {"name": lambda: "learnt"},
    "Network.count": {"name": lambda: "learnt"},
    "Network.with_weights": {"weights": lambda: {"learnt": 2.0}},
    "LIF.array": {"name": lambda: "cm"},
    "Recording.split": {"n": lambda: 2},
    "SpikeTrains.select": {"cells": lambda: [1]},
    "Session": {"backend": lambda: "native"},
    "Session.set_weights": {"weights": lambda: {"learnt": 2.0}},
    "Session.run": {"duration": lambda: 3.0},
    "simulate": {"duration": lambda: 3.0, "backend": lambda: "native"},
    "CA3Memory": {"backend": lambda: "native"},
    "HippocampalMemory": {"backend": lambda: "native"},
    "CA3Memory.recall": {"cue": lambda: 0},
    "CA3Memory.set_weights": {"weights": lambda: {"W1": np.zeros((2, 3))}},
    "HippocampalMemory.set_weights": {"weights": lambda: {"W1": np.zeros((2, 3))}},
    "CA3Memory.decode": {"recording": lambda: _memory().recording},
    "write": {"network": static_network},
    "to_nir": {"network": static_network},
    "export": {"target": lambda: "spinnaker"},
    "raster": {"recording": lambda: _recording()},
    "traces": {"recording": lambda: _recording(), "population": lambda: "out"},
    "weights": {"recording": lambda: [1.0, 2.0]},
    "weight_matrix": {"network": small_network, "projection": lambda: "learnt"},
    "images": {
        "stored": lambda: [[1, 0]], "recalled": lambda: [[1, 1]], "shape": lambda: (1, 2),
    },
    **data.GOOD,
    **dendrites.good_values(),
    **sparsey.good_values(),
    **hlop.good_values(),
    **hlop_spikes.good_values(),
    **hlop_face.good_values(),
    **hlop_baselines.good_values(),
    **liquid.good_values(),
    **liquid_readout.good_values(),
    **reference.good_values(),
    **resistive.good_values(small_network, _recording),
    **resistive.report_values(),
    **stress.good_values(),
    **stress_measures.good_values(),
    **stress_running.good_values(small_network, _recording),
    **reports.good_values(small_network),
}  # fmt: skip
"""Good values of parameters that must fit together, by class or method."""

CONTENTS: dict[str, Callable[[], Any]] = {
    "PerSynapse": lambda: 1.0,
    "PopulationName": lambda: small_network()["out"],
    "Content": lambda: [1],
    "MatchNumber": lambda: "any",
    "Windows": lambda: [(1.0, 3.0)],
    "Trains": lambda: [[1.0, 3.0], []],
    "Bits": lambda: [1, 0, 1],
    "Floats": lambda: np.zeros(4),
    "TraceName": lambda: ("out", "v"),
    "ProgressReport": lambda: False,
    "ParameterName": lambda: "cm",
    "AnyValue": lambda: 1,
    "_CellsKind": resistive.cells,
    "_Finite": lambda: np.full(2, 10.0),
    "Text": lambda: "a title",
    **data.CONTENTS,
    **reference.CONTENTS,
    **reports.CONTENTS,
}
"""A good value of the kinds that a family defines."""


BY_NAME: dict[str, Callable[[], Any]] = {
    "integrator": lambda: "spinnaker",
    "network": lambda: small_network(),
    "recording": lambda: _recording(),
    "sim": lambda: importlib.import_module("pyNN.mock"),
    "stored": lambda: [[1, 0], [0, 1]],
    "recalled": lambda: [[1, 0], [0, 1]],
    "shape": lambda: (1, 2),
    "projection": lambda: "learnt",
    "population": lambda: "out",
    "name": lambda: "a",
    "where": lambda: "a",
    "values": lambda: [1, 0],
    "w_max": lambda: 6.0,
    "target": lambda: np.full(2, 10.0),
    "frames": lambda: [[0, 1], [1, 2]],
    "patterns": lambda: [[0, 1], [1, 2]],
    "cells": lambda: [0, 1],
    "weight": lambda: np.ones(2),
    "x": lambda: np.full(2, 0.5),
    "n": lambda: 2,
    "time": lambda: 1.0,
    "rng": lambda: np.random.default_rng(0),
    "path": lambda: "nothing.h5",
}
"""A good value of parameters that declare no kind, by name."""


def _made(name: str) -> Any:
    return SAMPLES[name]()


@dataclass
class Drawer:
    """Draws good and bad values of kinds; paths lie in `folder`."""

    rng: np.random.Generator
    folder: Any
    depth: int = 0

    def good(self, kind: checks.Kind) -> Any:
        """A value that the kind accepts."""
        name = type(kind).__name__
        if name in CONTENTS:
            return CONTENTS[name]()
        method = getattr(self, f"_{name.lower()}", None)
        return self._some_value(kind) if method is None else method(kind)

    def _some_value(self, kind: checks.Kind) -> Any:
        """The first of some usual values that a family's own kind accepts."""
        for value in (1.0, [1.0], 1, [1], [[1.0]], "a", ["a"], {}, None, *map(_made, SAMPLES)):
            with contextlib.suppress(Exception):
                kind.check(value, "it")
                return value
        raise Impossible(f"no good value of kind {type(kind).__name__}")

    def boundary(self, kind: checks.Kind) -> Any:
        """A value at, or just past, a limit of the kind; any number where it has none."""
        kind = getattr(kind, "kind", kind) if isinstance(kind, checks.Optional) else kind
        values: list[Any] = [0, -1, 1, 2**31 - 1, 2**31, 2**63, -(2**63), 1e-300, 1e300, -0.0]
        for item in ("low", "high", "above", "below"):
            limit = getattr(kind, item, None)
            if limit is not None:
                edges = (float(limit), np.nextafter(limit, np.inf), np.nextafter(limit, -np.inf))
                values += [limit, limit - 1, limit + 1, *edges] * 3
        return values[int(self.rng.integers(len(values)))]

    def call(self, door: Door) -> dict[str, Any]:
        """Arguments of a good call, by name; optional ones are mostly left out."""
        name = door.name.rpartition(":")[2]
        known = GOOD.get(name, {})
        arguments = {}
        for parameter in door.parameters:
            if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
                continue
            if parameter.name in known:
                arguments[parameter.name] = known[parameter.name]()
            elif parameter.default is parameter.empty:
                arguments[parameter.name] = self._required(door, parameter)
        if "options" in known:
            arguments.update(known["options"]())
        return arguments

    def _required(self, door: Door, parameter: inspect.Parameter) -> Any:
        if parameter.name in door.kinds:
            return self.good(door.kinds[parameter.name])
        if parameter.name in BY_NAME:
            return BY_NAME[parameter.name]()
        raise Impossible(f"{door.name}: {parameter.name} declares no kind")

    def owner(self, cls: type) -> Any:
        """A fresh object of a class."""
        if cls.__name__ in SAMPLES:
            return SAMPLES[cls.__name__]()
        if self.depth > 4:
            raise Impossible(f"no object of {cls.__name__}")
        inner = dataclasses.replace(self, depth=self.depth + 1)
        try:
            return cls(**inner.call(Door(f":{cls.__name__}", cls, None)))
        except (SpikememError, TypeError) as error:
            raise Impossible(f"no object of {cls.__name__}: {error}") from error

    def _quantity(self, kind: Any) -> float:
        low = max((x for x in (kind.low, kind.above) if x is not None), default=None)
        high = min((x for x in (kind.high, kind.below) if x is not None), default=None)
        if low is None:
            return 1.0 if high is None else min(1.0, high - 1.0)
        return low + 1.0 if high is None or low + 1.0 < high else (low + high) / 2

    def _quantities(self, kind: Any) -> Any:
        number = self._quantity(kind)
        if kind.scalar:
            return number
        shape = kind.shape or (2,)
        free = max(2, kind.least)
        return np.full([n if isinstance(n, int) else free for n in shape], number)

    def _probability(self, kind: Any) -> float:
        return 0.5

    def _count(self, kind: Any) -> int:
        return int(min(kind.low + int(self.rng.integers(2)), kind.high))

    def _indices(self, kind: Any) -> list[int]:
        return [0]

    def _flag(self, kind: Any) -> bool:
        return bool(self.rng.integers(2))

    def _seednumber(self, kind: Any) -> int:
        return 1

    def _name(self, kind: Any) -> str:
        return "a"

    def _choice(self, kind: Any) -> str:
        return str(kind.valid[0])

    def _some(self, kind: Any) -> tuple[str, ...]:
        return (kind.valid[0],)

    def _nameof(self, kind: Any) -> str:
        return "native" if "native" in kind.table else str(next(iter(kind.table)))

    def _pathname(self, kind: Any) -> str:
        return str(self.folder / f"f{int(self.rng.integers(10**9))}")

    def _callback(self, kind: Any) -> Callable[..., None]:
        return lambda *_: None

    def _optional(self, kind: Any) -> Any:
        return self.good(kind.kind) if self.rng.integers(2) else None

    def _each(self, kind: Any) -> list[Any]:
        return [self.good(kind.kind) for _ in range(max(kind.least, 1))]

    def _mappingof(self, kind: Any) -> dict[Any, Any]:
        return {}

    def _instance(self, kind: Any) -> Any:
        item = kind.types[0]
        if isinstance(item, str):
            module, _, name = item.partition(":")
            item = getattr(importlib.import_module(module), name)
        if typing.get_origin(item) is not None:
            raise Impossible(str(item))
        return self.owner(item)
