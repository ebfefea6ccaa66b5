"""Working-memory tasks on streams of bits: N-parity and delayed match to sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..checks import Count, Each, Kind, Probability, Quantities, Quantity, check_fields, checked
from ..errors import DescriptionError
from ..frozen import Frozen, read_only
from ..limits import require_memory
from ..readouts import linear_readout
from ..streams import Seed, stream
from ..units import to_tuple
from .references import KHAJEHABDOLLAHI

__all__ = ["BitStreams", "match_streams", "parity_streams", "transfer_matrix"]

_LONGEST = 10**4


@dataclass(frozen=True)
class WindowLengths(Kind):
    """One or more lengths of a window, whole numbers of at least `low`."""

    low: int = 1

    def check(self, value: Any, where: str) -> tuple[int, ...]:
        """Return a tuple of different integers."""
        one = isinstance(value, int | np.integer) and not isinstance(value, bool)
        values = (value,) if one else to_tuple(value, where, "whole numbers")
        number = Count(low=self.low, high=_LONGEST)
        lengths = tuple(number.check(item, where) for item in values)
        if not lengths or len(set(lengths)) < len(lengths):
            raise DescriptionError(f"{where} must be one or more different numbers, got {lengths}.")
        return lengths


@dataclass(frozen=True, kw_only=True, eq=False)
class BitStreams(Frozen):
    """Streams of bits that end together, and the right answers at their end.

    Parameters
    ----------
    bits : ndarray of int64, shape (n_streams, n_bits)
        Bits 0 and 1, right-aligned. Entries before the beginning of a stream are -1.
    windows : tuple of int
        Length N of each task.
    labels : ndarray of int64, shape (n_streams, n_tasks)
        Right answer of each task, 0 or 1.

    Raises
    ------
    DescriptionError
        If a value is not allowed, or if the shapes do not fit.
    """

    bibtex: ClassVar[tuple[str, ...]] = (KHAJEHABDOLLAHI,)

    bits: Annotated[NDArray[np.int64], Quantities(low=-1.0, high=1.0, shape=(None, None))]
    windows: Annotated[tuple[int, ...], Each(Count(high=_LONGEST), "windows", least=1)]
    labels: Annotated[NDArray[np.int64], Quantities(low=0.0, high=1.0, shape=(None, None))]

    def __post_init__(self) -> None:
        check_fields(self)
        shape = (len(self.bits), len(self.windows))
        if self.labels.shape != shape:
            raise DescriptionError(
                f"BitStreams: labels must have shape {shape}, got {self.labels.shape}."
            )
        for name in ("bits", "labels"):
            whole = getattr(self, name).astype(np.int64)
            if (whole != getattr(self, name)).any():
                raise DescriptionError(f"BitStreams: {name} must be whole numbers.")
            object.__setattr__(self, name, read_only(whole))

    @property
    def lengths(self) -> NDArray[np.int64]:
        """Number of bits of each stream, shape (n_streams,)."""
        counts: NDArray[np.int64] = np.count_nonzero(self.bits >= 0, axis=1)
        return counts

    def __len__(self) -> int:
        return len(self.bits)

    @checked
    def spikes(
        self,
        *,
        n_channels: Annotated[int, Count(low=2)] = 16,
        hold: Annotated[int, Count()] = 5,
        p: Annotated[float, Probability()] = 0.4,
        seed: Seed = 0,
    ) -> NDArray[np.bool_]:
        """Show the streams as random spikes: one half of the channels stands for 1, one for 0.

        Parameters
        ----------
        n_channels : int
            Number of input channels; the first half stands for 1.
        hold : int
            Steps for which a bit is shown.
        p : float
            Probability of a spike of a channel in a step while its bit is shown.
        seed : int or numpy.random.Generator
            Seed of the spikes.

        Returns
        -------
        ndarray of bool, shape (n_streams, n_bits * hold, n_channels)
            Silent before a stream begins; all end with the last step.

        Raises
        ------
        DescriptionError
            If an argument is not valid, or if the spikes do not fit into the computer's memory.
        """
        size = float(self.bits.size) * hold * n_channels
        require_memory(10.0 * size, "BitStreams.spikes", "Show fewer streams at once.")
        shown = np.repeat(self.bits, hold, axis=1)[:, :, None]
        means = np.arange(n_channels) < n_channels // 2
        chance = stream(seed, "working memory", "spikes").random((*shown.shape[:2], n_channels))
        spikes: NDArray[np.bool_] = (shown == means) & (chance < p)
        return spikes


@checked
def parity_streams(
    n: Annotated[Any, WindowLengths()],
    n_streams: Annotated[int, Count()],
    *,
    seed: Seed = 0,
) -> BitStreams:
    """Draw streams for N-parity: whether an odd number of the last N bits is 1.

    Parameters
    ----------
    n : int or sequence of int
        Length N of the window; several make one task each, on the same streams.
    n_streams : int
        Number of streams. The number of bits of each is drawn from N + 2 to 4 N + 1, with the
        largest N, and so is its own probability of a 1, from 0 to 1.
    seed : int or numpy.random.Generator
        For the draw.

    Raises
    ------
    DescriptionError
        If an argument is not valid, or if the bits do not fit into the computer's memory.

    References
    ----------
    Khajehabdollahi et al., arXiv 2309.12927 (2023).

    Examples
    --------
    >>> streams = parity_streams([2, 3], 100, seed=0)
    >>> streams.bits.shape, bool((streams.labels[:, 0] == streams.bits[:, -2:].sum(1) % 2).all())
    ((100, 13), True)
    """
    rng = stream(seed, "working memory", "parity")
    bits = _drawn(n, n_streams, rng, "parity_streams", biased=True)
    labels = np.stack([bits[:, -window:].sum(axis=1) % 2 for window in n], axis=1)
    return BitStreams(bits=bits, windows=n, labels=labels)


@checked
def match_streams(
    n: Annotated[Any, WindowLengths(2)],
    n_streams: Annotated[int, Count()],
    *,
    seed: Seed = 0,
) -> BitStreams:
    """Draw streams for delayed match to sample: whether the last bit equals that N - 1 before it.

    Parameters
    ----------
    n : int or sequence of int
        Length N of the window whose ends are compared, 2 or more.
    n_streams : int
        Number of streams, of N + 2 to 4 N + 1 bits; both bits are equally likely.
    seed : int or numpy.random.Generator
        For the draw.

    Raises
    ------
    DescriptionError
        If an argument is not valid, or if the bits do not fit into the computer's memory.

    References
    ----------
    Khajehabdollahi et al., arXiv 2309.12927 (2023).

    Examples
    --------
    >>> streams = match_streams(3, 5, seed=0)
    >>> (streams.bits[:, -3] == streams.bits[:, -1]).astype(int).tolist() == [
    ...     int(label) for label in streams.labels[:, 0]]
    True
    """
    rng = stream(seed, "working memory", "match")
    bits = _drawn(n, n_streams, rng, "match_streams", biased=False)
    labels = np.stack([bits[:, -window] == bits[:, -1] for window in n], axis=1)
    return BitStreams(bits=bits, windows=n, labels=labels.astype(np.int64))


def _drawn(
    windows: tuple[int, ...], count: int, rng: np.random.Generator, where: str, *, biased: bool
) -> NDArray[np.int64]:
    """Return the bits of streams of random lengths, right-aligned."""
    largest = max(windows)
    longest = 4 * largest + 1
    require_memory(40.0 * count * longest, f"{where}: {count} streams of up to {longest} bits",
                   "Draw fewer or shorter streams.")  # fmt: skip
    lengths = rng.integers(largest + 2, longest + 1, size=count)
    bias = rng.random(count) if biased else np.full(count, 0.5)
    bits = (rng.random((count, longest)) < bias[:, None]).astype(np.int64)
    bits[np.arange(longest) < longest - lengths[:, None]] = -1
    return bits


@checked
def transfer_matrix(
    states: Annotated[Any, Quantities(shape=("n_streams", "n_features"))],
    streams: BitStreams,
    test_states: Annotated[Any, Quantities(shape=("n_streams", "n_features"))],
    test_streams: BitStreams,
    *,
    strength: Annotated[float, Quantity(above=0.0)] = 1.0,
) -> NDArray[np.float64]:
    """Return the accuracy of a linear readout that learns one task and is tested on each.

    Parameters
    ----------
    states, test_states : array_like, shapes (n_streams, n_features)
        States of a network at the end of each stream: those that the readouts learn from, and
        others.
    streams, test_streams : BitStreams
        The streams, with the same tasks.
    strength : float
        Strength of the readout's L2 penalty.

    Returns
    -------
    ndarray of float64, shape (n_tasks, n_tasks)
        Row: the task that is learnt; column: the task that is tested. The diagonal says how much
        the states remember, and the other entries how much of it serves other tasks.

    Raises
    ------
    DescriptionError
        If the shapes do not fit, or if a task has the same answer for all streams.
    """
    where = "transfer_matrix"
    if streams.windows != test_streams.windows:
        raise DescriptionError(
            f"{where}: test_streams must have the windows of streams, {streams.windows}, got "
            f"{test_streams.windows}."
        )
    for name, rows, streams_of_rows in (
        ("states", states, streams),
        ("test_states", test_states, test_streams),
    ):
        if len(rows) != len(streams_of_rows) or rows.shape[1] != states.shape[1] or not rows.size:
            raise DescriptionError(
                f"{where}: {name} must have a row for each of {len(streams_of_rows)} streams and "
                f"{states.shape[1]} features, got shape {rows.shape}."
            )
    for k, window in enumerate(streams.windows):
        if len(np.unique(streams.labels[:, k])) < 2:
            raise DescriptionError(
                f"{where}: streams must have both answers for N = {window}; draw more streams."
            )
    answers = [
        linear_readout(strength=strength).fit(states, labels).predict(test_states)
        for labels in streams.labels.T
    ]
    right = np.stack(answers)[:, :, None] == test_streams.labels[None]
    return np.asarray(right.mean(axis=1))
