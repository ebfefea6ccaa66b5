"""Measures of retrieval, and random sequences to store."""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal, NamedTuple

import numpy as np
import scipy.special
from numpy.typing import NDArray

from ...checks import AnyValue, Count, checked
from ...codes import Patterns, swap_bits
from ...errors import DescriptionError, shown
from ...streams import Seed, stream
from .model import Sparsey
from .results import Codes

__all__ = [
    "Recall",
    "measure_recall",
    "n_weights",
    "noisy",
    "random_sequences",
    "recall",
    "to_sequences",
]

_KINDS: tuple[Literal["bottom_up", "horizontal", "top_down"], ...] = (
    *("bottom_up", "horizontal", "top_down"),
)
_Level = Annotated[int, Count(low=-(2**31))]


class Recall(NamedTuple):
    """How well stored items are retrieved.

    Attributes
    ----------
    n_items : int
        Number of stored items: patterns, or sequences of patterns.
    units : float
        Fraction of the winners that equal those of learning.
    frames : float
        Fraction of the frames in which every winner is correct.
    items : float
        Fraction of the items in which every winner of every frame is correct.
    familiarity : float
        Mean G of the frames.
    bits : float
        Information of the stored frames, bits: ``log2 C(n_inputs, n_active)`` for each.
    bits_per_synapse : float
        ``bits * frames / n_weights``; only frames that are retrieved without errors count.
    """

    n_items: int
    units: float
    frames: float
    items: float
    familiarity: float
    bits: float
    bits_per_synapse: float


@checked
def n_weights(model: Sparsey) -> int:
    """Return the number of synapses of a hierarchy, without its class weights.

    A competitive module has no horizontal synapses from its own cells.

    Examples
    --------
    Rinkus' first capacity study: 144 pixels, one mac of Q = 9 and K = 16.

    >>> from spikemem.networks.sparsey import Level
    >>> n_weights(Sparsey((12, 12), [Level(n_modules=9, cells_per_module=16, horizontal_radius=0)]))
    39168
    """
    total = 0
    for k, level in enumerate(model.levels):
        own = level.cells_per_module if level.horizontal_radius is not None else 0
        for mac in range(level.n_macs):
            counts = [model.afferents(k, mac, kind).size for kind in _KINDS]
            total += level.cells_per_mac * (sum(counts) - own)
    return total


@checked
def random_sequences(
    n: Annotated[int, Count()],
    *,
    length: Annotated[int, Count()] = 10,
    size: Annotated[int, Count()] = 144,
    least: Annotated[int, Count()] = 9,
    most: Annotated[int, Count()] = 12,
    seed: Seed = 0,
) -> list[Patterns]:
    """Draw random sequences of frames, as in the capacity studies of a single mac.

    Parameters
    ----------
    n, length : int
        Number of sequences, and number of frames of each.
    size : int
        Number of inputs.
    least, most : int
        Smallest and largest number of active inputs of a frame; the number is drawn uniformly.
    seed : int or numpy.random.Generator
        Seed of the frames.

    Raises
    ------
    DescriptionError
        If `most` is above `size` or below `least`.

    Examples
    --------
    >>> first, second = random_sequences(2, length=3, size=20, least=2, most=2, seed=1)
    >>> len(first), first.counts.tolist()
    (3, [2, 2, 2])
    """
    if not least <= most <= size:
        raise DescriptionError(
            f"random_sequences: least={least}, most={most} and size={size} must be in ascending "
            f"order."
        )
    rng = stream(seed, "sparsey", "sequences")
    return [
        Patterns(
            [
                np.sort(rng.choice(size, size=int(rng.integers(least, most + 1)), replace=False))
                for _ in range(length)
            ],
            size=size,
        )
        for _ in range(n)
    ]


def to_sequences(items: Any, where: str) -> list[Patterns]:
    """Return items as sequences of patterns; a pattern of Patterns is a sequence of one frame."""
    if isinstance(items, Patterns) and len(items):
        return [items[k : k + 1] for k in range(len(items))]
    fits = isinstance(items, list | tuple) and all(isinstance(item, Patterns) for item in items)
    if not fits or not items or len({item.size for item in items}) > 1:
        raise DescriptionError(
            f"{where}: items must be Patterns, or a list of Patterns of equal size, with at least "
            f"one pattern, got {shown(items)}."
        )
    return list(items)


def noisy(sequences: list[Patterns], noise: int, seed: Seed) -> list[Patterns]:
    """Return the sequences with `noise` active inputs of each frame swapped for others."""
    if not noise:
        return sequences
    rng = stream(seed, "sparsey", "noise")
    return [swap_bits(sequence, noise, seed=rng) for sequence in sequences]


@checked
def recall(
    model: Sparsey,
    items: Annotated[Any, AnyValue()],
    learnt: Codes,
    *,
    noise: Annotated[int, Count(low=0)] = 0,
    level: _Level = -1,
    seed: Seed = 0,
) -> Recall:
    """Test how well stored items are retrieved from the same inputs, or from noisy ones.

    Parameters
    ----------
    model : Sparsey
        Hierarchy that has learnt the items; it is unchanged.
    items : Patterns, or list of Patterns
        Patterns, or sequences of patterns.
    learnt : Codes
        Codes that ``model.learn(items)`` returned.
    noise : int
        Number of active inputs of each frame that are swapped for others.
    level : int
        Level whose codes are compared.
    seed : int or numpy.random.Generator
        Seed of the noise.

    Raises
    ------
    DescriptionError
        If the items are not valid, the codes are of other items, or there is no such level.
    """
    sequences = to_sequences(items, "recall")
    if len(learnt) != len(sequences) or learnt.n_frames != sum(map(len, sequences)):
        raise DescriptionError(
            f"recall: learnt must be the codes of the {len(sequences)} items, got {learnt}."
        )
    retrieved = model.retrieve(noisy(sequences, noise, seed))
    return measure_recall(model, sequences, learnt, retrieved, level)


def measure_recall(
    model: Sparsey, sequences: list[Patterns], learnt: Codes, retrieved: Codes, level: int
) -> Recall:
    """Compare retrieved codes with those of learning."""
    right = retrieved.agreement(learnt, level)
    exact = right == 1.0
    whole = np.logical_and.reduceat(exact, learnt.starts[:-1])
    bits = sum(float(_information(item.size, item.counts).sum()) for item in sequences)
    share = float(exact.mean())
    return Recall(
        len(sequences),
        float(right.mean()),
        share,
        float(whole.mean()),
        float(retrieved.mean_familiarity(level).mean()),
        bits,
        bits * share / n_weights(model),
    )


def _information(size: int, active: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the information of a random pattern with this number of active inputs, bits."""
    log = scipy.special.gammaln
    nats = log(size + 1.0) - log(active + 1.0) - log(size - active + 1.0)
    return np.asarray(nats / math.log(2.0))
