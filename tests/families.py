"""The families of models as rows of the contract's test: a small model of each, and its trials."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np

import spikemem as sm
from spikemem.codes import random_patterns
from spikemem.networks.dendrites import TemporalMemory
from spikemem.networks.hlop import CubaNeuron
from spikemem.networks.liquid import Events
from spikemem.networks.sparsey import Level, Sparsey

BACKENDS = ("brian2", "native", "emulator", "board", "pynn:nest")

NOT_EXACT = 'no: it needs `integrator="spinnaker"`'


class Family(NamedTuple):
    """One row: how to make a model that has learnt, one that has not, and what to ask them."""

    name: str
    trained: Callable[[], Any]
    untrained: Callable[[], Any]
    trials: list[Any]
    cut: str
    """Projection without which the answers must be wrong."""
    page: str
    """Page about it, from the root of the repository."""
    unsupported: Mapping[str, str] = MappingProxyType({})
    """For each backend that can't run it what README says there."""
    integrators: Mapping[str, dict[str, Any]] = MappingProxyType({})
    """For a backend the arguments of ``sm.run`` that it needs."""


SCHEDULE = [
    sm.RecallCue(0),
    sm.Learn(1, [3, 4]),
    sm.RecallCue(1),
    sm.RecallContent([2, 5], match="any"),
    sm.RecallContent([1, 2, 4], match="best"),
    sm.Forget(0),
    sm.RecallCue(0),
    sm.Learn(1, [0]),
    sm.RecallCue(1),
]

A, B, C, D, X, Y = random_patterns(6, size=60, active=8, seed=1)
SEQUENCES = [[A, B, C, D], [X, B, C, Y]]

EXACT = {"pynn:nest": {"integrator": "exact", "build": {"integrator": "exact"}}}


def neurons() -> sm.ActiveDendriteNeurons:
    """Three neurons of four segments, without patterns."""
    return sm.ActiveDendriteNeurons(
        60, n_neurons=3, n_segments=4, synapses_per_segment=6, threshold=5, seed=0
    )


def sequence_memory() -> TemporalMemory:
    """A sequence memory without sequences."""
    return TemporalMemory(60, cells_per_column=4, synapses_per_segment=6, threshold=5, seed=0)


def with_patterns() -> sm.ActiveDendriteNeurons:
    """Neurons that have stored four patterns."""
    made = neurons()
    made.store([A, B, C, D])
    return made


def with_sequences() -> TemporalMemory:
    """A memory that has learnt two sequences with a shared middle."""
    made = sequence_memory()
    made.learn(SEQUENCES, passes=20)
    return made


def hierarchy() -> Sparsey:
    """Four macs with overlapping fields below one mac, without anything learnt."""
    levels = [
        Level(grid=(2, 2), n_modules=3, cells_per_module=4, radius=3.0, min_active=2, max_active=9),
        Level(n_modules=4, cells_per_module=5, min_active=2),
    ]
    return Sparsey((6, 10), levels, seed=0)


def with_images() -> Sparsey:
    """A hierarchy that has learnt four images."""
    return hierarchy().fit([A, B, C, D])


def liquid() -> sm.LiquidStateMachine:
    """A liquid of 30 neurons without a readout."""
    return sm.LiquidStateMachine(16, 30, bins=2, seed=0)


def event_samples(n: int) -> Events:
    """Samples of two classes: the even or the odd channels are more active."""
    rng = np.random.default_rng(4)
    odd = np.arange(n)[:, None, None] % 2 == np.arange(16) % 2
    return Events.from_dense(rng.random((n, 12, 16)) < np.where(odd, 0.4, 0.05))


def with_readout() -> sm.LiquidStateMachine:
    """A liquid whose readout tells the two classes apart."""
    return liquid().fit(event_samples(40), ["even", "odd"] * 20)


def classifier() -> sm.HLOPClassifier:
    """A network of two hidden layers that has learnt nothing."""
    neuron = CubaNeuron.halving(steps=10)
    return sm.HLOPClassifier(
        (12, 8, 6, 3), trainer="bptt", neuron=neuron, batch=10, epochs=5, seed=0
    )


def bars(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Samples of three classes, one after the other: every third value is larger."""
    rng = np.random.default_rng(5)
    labels = np.arange(n) % 3
    return 0.3 * rng.random((n, 12)) + 0.6 * (np.arange(12) % 3 == labels[:, None]), labels


def with_tasks() -> sm.HLOPClassifier:
    """A classifier that has learnt the three classes, and then others."""
    x, labels = bars(300)
    return classifier().learn_task(x, labels).learn_task(x[:, ::-1], labels)


FAMILIES = [
    Family(
        "CA3Memory",
        lambda: sm.CA3Memory(4, 8, contents={0: [1, 2], 2: [2, 5]}),
        lambda: sm.CA3Memory(4, 8),
        SCHEDULE,
        "W1",
        "docs/explanation/ca3.md",
        {"pynn:nest": NOT_EXACT},
    ),
    Family(
        "HippocampalMemory",
        lambda: sm.HippocampalMemory(5, 8, contents={0: [1, 2], 2: [2, 5]}),
        lambda: sm.HippocampalMemory(5, 8),
        [sm.RecallCue(0), sm.Learn(1, [3, 4]), sm.RecallCue(1), sm.RecallCue(2)],
        "W1",
        "docs/explanation/ca3.md",
        {"pynn:nest": NOT_EXACT},
    ),
    Family(
        "ActiveDendriteNeurons",
        with_patterns,
        neurons,
        [A, B, [], C[1:], X, range(60), D],
        "synapses",
        "docs/explanation/dendrites.md",
        integrators=EXACT,
    ),
    Family(
        "TemporalMemory",
        with_sequences,
        sequence_memory,
        [*SEQUENCES, [B, C], [A, [], B]],
        "synapses",
        "docs/explanation/dendrites.md",
        integrators=EXACT,
    ),
    Family(
        "Sparsey",
        with_images,
        hierarchy,
        [A, B, [], C[1:], X, np.ones(60, bool), D],
        "bottom_up 0",
        "docs/explanation/sparsey.md",
        integrators=EXACT,
    ),
    Family(
        "LiquidStateMachine",
        with_readout,
        liquid,
        list(event_samples(6)),
        "input excitatory",
        "docs/explanation/liquid.md",
        integrators=EXACT,
    ),
    Family(
        "HLOPClassifier",
        with_tasks,
        classifier,
        list(bars(6)[0]),
        "layer 1 excitatory",
        "docs/explanation/hlop.md",
        integrators=EXACT,
    ),
]


def same(a: Any, b: Any) -> bool:
    """Whether two answers, or lists of answers, are equal."""
    if isinstance(a, frozenset | str) or not isinstance(a, list | tuple | np.ndarray):
        return bool(a == b)
    if isinstance(a, np.ndarray):
        return np.array_equal(a, b)
    return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))


def table() -> str:
    """README's table of models and backends."""
    head = ["model", *(f"`{name}`" for name in BACKENDS), "resistive devices"]
    rows = [head, ["---"] * len(head)]
    for family in FAMILIES:
        cells = [family.unsupported.get(name, "yes") for name in BACKENDS]
        rows.append([f"[`{family.name}`]({family.page})", *cells, "yes"])
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)
