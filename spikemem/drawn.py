"""Constructors of a projection that draw its synapses, weights and delays."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import connectors
from .cells import STDP
from .checks import (
    Callback,
    Count,
    Instance,
    Kind,
    Name,
    Probability,
    Quantities,
    Quantity,
    check_shape,
    checked,
)
from .connectors import Pairs
from .errors import DescriptionError
from .limits import require_memory
from .population import Population
from .streams import Seed, stream

__all__ = ["Connector", "Drawn", "Receptor"]

Receptor = Literal["excitatory", "inhibitory"]
Connector = Literal["list", "one_to_one", "all_to_all"]

Ends = Annotated[
    Population,
    Instance(Population, remedy="Its size is needed: pass the population itself, not its name."),
]
Step = Annotated[float, Quantity("ms", above=0.0)]
Positions = Annotated[NDArray[np.float64], Quantities(shape=("n_cells", "n_dims"))]

_BYTES = 64
"""Memory that one synapse takes while it is drawn, bytes."""


class PerSynapse(Kind):
    """A number, an array with a value for each synapse, or a ``scipy.stats`` distribution."""

    def __init__(self, unit: str, remedy: str = "") -> None:
        self.unit = unit
        self.values = Quantities(unit, low=0.0, remedy=remedy, shape=("n_synapses",), scalar=True)

    def check(self, value: Any, where: str) -> Any:
        """Return numbers in the unit, or the distribution itself."""
        if connectors.is_distribution(value, where):
            return value
        return self.values.check(value, where)


Weight = Annotated[Any, PerSynapse("nA", "use receptor='inhibitory' for inhibition")]
Delay = Annotated[Any, PerSynapse("ms")]


class Drawn:
    """Constructors of :class:`spikemem.Projection` that draw synapses, or read them from a matrix.

    Pairs, weights and delays are each drawn from their own random stream, named after the
    projection. An additional projection, or another distribution of weights, therefore changes
    nothing else. The result is a list of synapses, ordered by `pre`, then `post`, which every
    backend can run.

    All these constructors have the parameters:

    name : str
        Name of the projection.
    pre, post : Population
        The populations themselves, because their sizes are needed.
    weight : float, array_like of shape (n_synapses,), or distribution
        nA. For a frozen distribution of ``scipy.stats`` a weight is drawn for each synapse. The
        distribution is truncated at 0, or at the plasticity's `w_min` and `w_max`.
    delay : float, array_like of shape (n_synapses,), or distribution
        ms. A distribution is truncated at one step, and its values are rounded to multiples of
        `dt`.
    dt : float, optional
        The network's time step, ms; only needed for a distribution of delays.
    seed : int or numpy.random.Generator
        Seed of the draw.
    allow_self : bool
        False leaves out pairs of equal index.
    receptor, plasticity, record
        As for :class:`spikemem.Projection`.

    A :class:`~spikemem.SpikememWarning` is issued if more than 0.1 % of a distribution is cut off,
    or if the time step is too coarse for a distribution of delays.
    """

    if TYPE_CHECKING:

        def __init__(
            self, name: str, pre: Population, post: Population, **options: Any
        ) -> None: ...

    @classmethod
    @checked
    def fixed_probability(
        cls, name: Annotated[str, Name()], pre: Ends, post: Ends, *,
        p: Annotated[float, Probability()], weight: Weight, delay: Delay, dt: Step | None = None,
        seed: Seed = 0, allow_self: bool = True, receptor: Receptor = "excitatory",
        plasticity: STDP | None = None, record: str | Sequence[str] = (),
    ) -> Self:  # fmt: skip
        """Connect each pair of cells with probability `p`, independently of the others.

        Parameters
        ----------
        p : float
            From 0 to 1. The number of synapses has a binomial distribution.
        name, pre, post, weight, delay, dt, seed, allow_self, receptor, plasticity, record
            As described in :class:`~spikemem.drawn.Drawn`.

        Examples
        --------
        >>> import spikemem as sm, scipy.stats
        >>> exc = sm.Population("exc", 800, sm.LIF())
        >>> e_to_e = sm.Projection.fixed_probability(
        ...     "e_to_e", exc, exc, p=0.02, weight=scipy.stats.norm(0.1, 0.01), delay=1.5, seed=2)
        >>> len(e_to_e.i), round(float(e_to_e.weight.mean()), 2)
        (12771, 0.1)
        """
        _require_room(pre.size * post.size * p, name)
        pairs = connectors.fixed_probability(
            pre.size, post.size, p, _pairs_stream(seed, name), allow_self=allow_self
        )
        chosen = _values(pairs, weight, delay, dt, seed, name, plasticity)
        return cls(name, pre, post, **chosen, receptor=receptor, plasticity=plasticity,
                   record=record)  # fmt: skip

    @classmethod
    @checked
    def fixed_number_in(
        cls, name: Annotated[str, Name()], pre: Ends, post: Ends, *,
        n: Annotated[int, Count(low=0)], weight: Weight, delay: Delay, dt: Step | None = None,
        seed: Seed = 0, allow_self: bool = True, repeat: bool = False,
        receptor: Receptor = "excitatory", plasticity: STDP | None = None,
        record: str | Sequence[str] = (),
    ) -> Self:  # fmt: skip
        """Connect each post-synaptic cell to `n` pre-synaptic cells, drawn at random.

        Parameters
        ----------
        n : int
            Number of synapses of each post-synaptic cell.
        repeat : bool
            Whether a pair can be connected more than once.
        name, pre, post, weight, delay, dt, seed, allow_self, receptor, plasticity, record
            As described in :class:`~spikemem.drawn.Drawn`.

        Examples
        --------
        >>> import spikemem as sm
        >>> exc, out = sm.Population("exc", 9, sm.LIF()), sm.Population("out", 3, sm.LIF())
        >>> drive = sm.Projection.fixed_number_in("drive", exc, out, n=2, weight=0.5, delay=1.0)
        >>> np.bincount(drive.j).tolist()
        [2, 2, 2]
        """
        _require_room(n * post.size, name)
        with _named(f"{cls.__name__}.fixed_number_in"):
            pairs = connectors.fixed_in(
                pre.size, post.size, n, _pairs_stream(seed, name),
                allow_self=allow_self, repeat=repeat,
            )  # fmt: skip
        chosen = _values(pairs, weight, delay, dt, seed, name, plasticity)
        return cls(name, pre, post, **chosen, receptor=receptor, plasticity=plasticity,
                   record=record)  # fmt: skip

    @classmethod
    @checked
    def fixed_number_out(
        cls, name: Annotated[str, Name()], pre: Ends, post: Ends, *,
        n: Annotated[int, Count(low=0)], weight: Weight, delay: Delay, dt: Step | None = None,
        seed: Seed = 0, allow_self: bool = True, repeat: bool = False,
        receptor: Receptor = "excitatory", plasticity: STDP | None = None,
        record: str | Sequence[str] = (),
    ) -> Self:  # fmt: skip
        """Connect each pre-synaptic cell to `n` post-synaptic cells, drawn at random.

        The parameters are those of :meth:`fixed_number_in`; `n` counts the synapses of each
        pre-synaptic cell.

        Examples
        --------
        >>> import spikemem as sm
        >>> exc, out = sm.Population("exc", 3, sm.LIF()), sm.Population("out", 9, sm.LIF())
        >>> drive = sm.Projection.fixed_number_out("drive", exc, out, n=2, weight=0.5, delay=1.0)
        >>> drive.i.tolist()
        [0, 0, 1, 1, 2, 2]
        """
        _require_room(n * pre.size, name)
        with _named(f"{cls.__name__}.fixed_number_out"):
            pairs = connectors.fixed_out(
                pre.size, post.size, n, _pairs_stream(seed, name),
                allow_self=allow_self, repeat=repeat,
            )  # fmt: skip
        chosen = _values(pairs, weight, delay, dt, seed, name, plasticity)
        return cls(name, pre, post, **chosen, receptor=receptor, plasticity=plasticity,
                   record=record)  # fmt: skip

    @classmethod
    @checked
    def distance_dependent(
        cls, name: Annotated[str, Name()], pre: Ends, post: Ends, *,
        p: Annotated[Callable[[NDArray[np.float64]], Any], Callback()], pre_positions: Positions,
        post_positions: Positions | None = None, weight: Weight, delay: Delay,
        dt: Step | None = None, seed: Seed = 0, allow_self: bool = True,
        receptor: Receptor = "excitatory", plasticity: STDP | None = None,
        record: str | Sequence[str] = (),
    ) -> Self:  # fmt: skip
        """Connect each pair of cells with a probability that depends on their distance.

        Parameters
        ----------
        p : callable
            Takes an array of distances and returns an array of probabilities.
        pre_positions, post_positions : array_like of float, shape (n_cells, n_dims)
            Position of each cell, in any unit;
            :func:`spikemem.connectors.grid_positions` places cells on a grid. `post_positions` is
            optional if `pre` and `post` are the same population.
        name, pre, post, weight, delay, dt, seed, allow_self, receptor, plasticity, record
            As described in :class:`~spikemem.drawn.Drawn`.

        Examples
        --------
        >>> import spikemem as sm
        >>> from spikemem.connectors import grid_positions
        >>> ring = sm.Population("line", 4, sm.LIF())
        >>> near = sm.Projection.distance_dependent(
        ...     "near", ring, ring, p=lambda distance: distance < 1.5,
        ...     pre_positions=grid_positions((4,)), weight=0.5, delay=1.0, allow_self=False)
        >>> list(zip(near.i.tolist(), near.j.tolist()))
        [(0, 1), (1, 0), (1, 2), (2, 1), (2, 3), (3, 2)]
        """
        with _named(f"{cls.__name__}.distance_dependent"):
            before, after = _checked_positions(pre, post, pre_positions, post_positions)
            pairs = connectors.distance_dependent(
                before, after, p, _pairs_stream(seed, name), allow_self=allow_self
            )
        chosen = _values(pairs, weight, delay, dt, seed, name, plasticity)
        return cls(name, pre, post, **chosen, receptor=receptor, plasticity=plasticity,
                   record=record)  # fmt: skip

    @classmethod
    @checked
    def from_matrix(
        cls, name: Annotated[str, Name()], pre: Ends, post: Ends, matrix: ArrayLike, *,
        delay: Delay, weight: Weight | None = None, dt: Step | None = None, seed: Seed = 0,
        receptor: Receptor = "excitatory", plasticity: STDP | None = None,
        record: str | Sequence[str] = (),
    ) -> Self:  # fmt: skip
        """Make a synapse for each entry of a matrix that is not 0 or NaN.

        Parameters
        ----------
        matrix : array_like or scipy.sparse array, shape (pre.size, post.size)
            Weights, nA, >= 0; or booleans, if `weight` is given. In a sparse array every stored
            entry is a synapse, even a stored zero.
        weight : float, array_like of shape (n_synapses,), or distribution, optional
            nA; replaces the entries of the matrix.
        name, pre, post, delay, dt, seed, receptor, plasticity, record
            As described in :class:`~spikemem.drawn.Drawn`.

        Examples
        --------
        >>> import spikemem as sm
        >>> a, b = sm.Population("a", 2, sm.LIF()), sm.Population("b", 2, sm.LIF())
        >>> sm.Projection.from_matrix("ab", a, b, [[0, 0.5], [0.2, 0]], delay=1.0).weight.tolist()
        [0.5, 0.2]
        """
        with _named(f"{cls.__name__}.from_matrix"):
            pairs, entries = connectors.from_matrix(matrix, pre.size, post.size)
            values = _entries(matrix, entries) if weight is None else weight
        chosen = _values(pairs, values, delay, dt, seed, name, plasticity)
        return cls(name, pre, post, **chosen, receptor=receptor, plasticity=plasticity,
                   record=record)  # fmt: skip


@contextmanager
def _named(where: str) -> Iterator[None]:
    """Prefix the message of an error with the name of the function."""
    try:
        yield
    except DescriptionError as error:
        raise DescriptionError(f"{where}: {error}") from None


def _pairs_stream(seed: Seed, name: str) -> np.random.Generator:
    return stream(seed, "connectors", name, "pairs")


def _require_room(n_synapses: float, name: str) -> None:
    require_memory(
        _BYTES * n_synapses, f"projection {name!r}: about {n_synapses:.3g} synapses",
        "Use smaller populations, or fewer synapses.",
    )  # fmt: skip


def _values(
    pairs: Pairs, weight: Any, delay: Any, dt: float | None, seed: Seed, name: str,
    rule: STDP | None,
) -> dict[str, Any]:  # fmt: skip
    """Return indices, weights and delays of the synapses, as arguments of a projection."""
    n, where = pairs.i.size, f"projection {name!r}: "
    low, high = (0.0, np.inf) if rule is None else (rule.w_min, rule.w_max)
    weights = connectors.draw_values(
        weight, n, "nA", f"{where}weight", stream(seed, "connectors", name, "weight"),
        low=low, high=high,
    )  # fmt: skip
    if connectors.is_distribution(delay, "delay") and dt is None:
        raise DescriptionError(
            f"{where}dt must be given to draw delays: they are rounded to the network's time step."
        )
    delays = connectors.draw_values(
        delay, n, "ms", f"{where}delay", stream(seed, "connectors", name, "delay"),
        low=0.0 if dt is None else dt, step=dt,
    )  # fmt: skip
    return {"i": pairs.i, "j": pairs.j, "weight": weights, "delay": delays}


def _checked_positions(
    pre: Population, post: Population, before: NDArray[np.float64],
    after: NDArray[np.float64] | None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:  # fmt: skip
    if after is None:
        if pre.name != post.name or pre.size != post.size:
            raise DescriptionError(
                f"post_positions must be given, because {pre.name!r} and {post.name!r} are "
                f"different populations."
            )
        after = before
    for name, array, size in (
        ("pre_positions", before, pre.size),
        ("post_positions", after, post.size),
    ):
        check_shape(array, (size, "n_dims"), name)
    if before.shape[1] != after.shape[1]:
        raise DescriptionError(
            f"pre_positions and post_positions must have the same number of dimensions, got "
            f"{before.shape[1]} and {after.shape[1]}."
        )
    return before, after


def _entries(matrix: Any, entries: NDArray[np.float64]) -> NDArray[np.float64]:
    kind = getattr(matrix, "dtype", None)
    if (np.asarray(matrix).dtype if kind is None else np.dtype(kind)) == np.bool_:
        raise DescriptionError("weight must be given, because the matrix holds booleans.")
    if entries.size and entries.min() < 0:
        raise DescriptionError(
            f"matrix must be >= 0 nA, got {entries.min():g}; make two projections, one from "
            f"np.maximum(matrix, 0) and one from np.maximum(-matrix, 0) with receptor='inhibitory'."
        )
    return entries
