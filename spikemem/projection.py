"""Synapses from one population to another: a list, or a structure expanded on demand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .cells import STDP, Parameter
from .checks import Count, Indices, Quantities, Some, check_fields, checked
from .drawn import Connector, Drawn, Receptor
from .errors import Problems, shown
from .frozen import Frozen, short
from .limits import require_memory
from .population import End, PartName, Population, PopulationName

__all__ = ["Projection", "Synapses"]

_INHIBITION = "use receptor='inhibitory' for inhibition"
_VARIABLE = "variable to record"


def _per_synapse(unit: str, *, low: float, remedy: str = "") -> Quantities:
    return Quantities(unit, low=low, remedy=remedy, shape=("n_synapses",), scalar=True)


class Synapses(NamedTuple):
    """Expanded synapses of a projection; each array has shape (n_synapses,)."""

    i: NDArray[np.int32]
    j: NDArray[np.int32]
    weight: NDArray[np.float64]
    delay: NDArray[np.float64]

    def __repr__(self) -> str:
        return f"Synapses({self.i.size}, weight={short(self.weight)}, delay={short(self.delay)})"


@dataclass(frozen=True, kw_only=True, eq=False)
class Projection(Drawn, Frozen):
    """Synapses from one population to another.

    A projection is either a list of synapses (`i` and `j`), or a structured connector that is
    expanded only when it is needed: :meth:`one_to_one`, :meth:`all_to_all`. A list can be drawn at
    random with :meth:`fixed_probability`, :meth:`fixed_number_in`, :meth:`fixed_number_out` or
    :meth:`distance_dependent`, or read from a matrix with :meth:`from_matrix`.

    Parameters
    ----------
    name : str
        Name, unique in the network, without "/".
    pre, post : str or Population
        Pre- and post-synaptic population; only their names are stored.
    i, j : array_like of int, shape (n_synapses,), optional
        Index of the pre- and of the post-synaptic cell of each synapse.
    weight : float or array_like, shape (n_synapses,)
        Weight, nA, >= 0 (the receptor gives the sign).
    delay : float or array_like, shape (n_synapses,)
        Delay, ms, a multiple of the network's ``dt`` and at least one step.
    receptor : {"excitatory", "inhibitory"}
        Synaptic current of the post-synaptic cell that the synapses drive.
    plasticity : STDP, optional
        Learning rule. Default: static weights.
    connector : {"list", "one_to_one", "all_to_all"}, optional
        Structure of the synapses; "list" if `i` and `j` are given.
    allow_self : bool
        ``all_to_all`` only: False leaves out pairs of equal index (within each tile).
    tiles : int
        Number of equal tiles that the populations and the synapses consist of, one after the
        other. A structured connector connects only cells of the same tile (see
        :meth:`Network.tile`).
    record : sequence of str
        ``("weight",)`` records every weight of a plastic projection at every step.

    Raises
    ------
    DescriptionError
        If an argument has the wrong type, shape or range. The message lists all problems.
    """

    name: PartName
    pre: Annotated[str, PopulationName()]
    post: Annotated[str, PopulationName()]
    i: Annotated[NDArray[np.integer[Any]], Indices(dtype="int32")] | None = None
    j: Annotated[NDArray[np.integer[Any]], Indices(dtype="int32")] | None = None
    weight: Annotated[Parameter, _per_synapse("nA", low=0.0, remedy=_INHIBITION)]
    delay: Annotated[Parameter, _per_synapse("ms", low=0.0)]
    receptor: Receptor = "excitatory"
    plasticity: STDP | None = None
    connector: Connector = "list"
    allow_self: bool = True
    tiles: Annotated[int, Count()] = 1
    record: Annotated[tuple[str, ...], Some("weight", what=_VARIABLE)] = ()

    def __init__(
        self, name: str, pre: str | Population, post: str | Population, *,
        i: ArrayLike | None = None, j: ArrayLike | None = None, weight: ArrayLike,
        delay: ArrayLike, receptor: Receptor = "excitatory", plasticity: STDP | None = None,
        connector: Connector = "list", allow_self: bool = True, tiles: int = 1,
        record: str | Sequence[str] = (),
    ) -> None:  # fmt: skip
        values = {
            "name": name, "pre": pre, "post": post, "i": i, "j": j, "weight": weight,
            "delay": delay, "receptor": receptor, "plasticity": plasticity,
            "connector": connector, "allow_self": allow_self, "tiles": tiles, "record": record,
        }  # fmt: skip
        for item, value in values.items():
            object.__setattr__(self, item, value)
        self._check()

    def _check(self) -> None:
        problems = Problems(f"projection {shown(self.name)}")
        converted = check_fields(self, problems)
        if {"i", "j", "connector"} <= converted:
            self._check_indices(problems)
        for item in ("weight", "delay"):
            value = getattr(self, item)
            if not {"i", item} <= converted or self.i is None or not np.ndim(value):
                continue
            if len(value) != len(self.i):
                problems.add(
                    f"{item} must be a float or have shape ({len(self.i)},), got {value.shape}"
                )
        if "record" in converted and self.record and self.plasticity is None:
            problems.add("record: only plastic weights can be recorded; this projection is static")
        if not problems.found and self.plasticity is not None:
            self._check_plastic(self.plasticity, problems)
        problems.raise_if_any()

    def _check_indices(self, problems: Problems) -> None:
        if self.connector != "list":
            if self.i is not None or self.j is not None:
                problems.add(f"i and j must be left out with connector={self.connector!r}")
            return
        if self.i is None or self.j is None:
            problems.add(
                "i and j are needed for a list of synapses; "
                "for a structured one use Projection.one_to_one or Projection.all_to_all"
            )
            return
        self.i.flags.writeable = self.j.flags.writeable = False
        if self.i.shape != self.j.shape:
            problems.add(f"i and j must have equal lengths, got {self.i.size} and {self.j.size}")

    def _check_plastic(self, rule: STDP, problems: Problems) -> None:
        if np.size(self.weight) and (
            np.min(self.weight) < rule.w_min or np.max(self.weight) > rule.w_max
        ):
            problems.add(
                f"weight must be within [w_min, w_max] = [{rule.w_min:g}, {rule.w_max:g}] nA, "
                f"got {np.min(self.weight):g} to {np.max(self.weight):g}"
            )
        if rule.last_tile >= self.tiles:
            problems.add(
                f"plasticity.enabled: tile must be from 0 to {self.tiles - 1}, got {rule.last_tile}"
            )

    @classmethod
    @checked
    def one_to_one(cls, name: PartName, pre: End, post: End, **options: Any) -> Self:
        """Connect cell k to cell k of a population of the same size; options: `Projection`."""
        return cls(name, pre, post, connector="one_to_one", **options)

    @classmethod
    @checked
    def all_to_all(cls, name: PartName, pre: End, post: End, **options: Any) -> Self:
        """Connect every cell to every cell, ordered by pre, then post; options: `Projection`."""
        return cls(name, pre, post, connector="all_to_all", **options)

    @checked
    def n_synapses(self, n_pre: Annotated[int, Count()], n_post: Annotated[int, Count()]) -> int:
        """Return the number of synapses between populations of these sizes."""
        if self.i is not None:
            return int(self.i.size)
        if self.connector == "one_to_one":
            return n_pre
        total = n_pre * n_post // self.tiles
        return total if self.allow_self else total - min(n_pre, n_post)

    @checked
    def expand(self, n_pre: Annotated[int, Count()], n_post: Annotated[int, Count()]) -> Synapses:
        """Return arrays of all synapses, each of shape (n_synapses,).

        Raises
        ------
        DescriptionError
            If the arrays take more memory than this computer has.
        """
        if self.i is None:
            count = self.n_synapses(n_pre, n_post)
            require_memory(
                24 * count, f"projection {self.name!r}: a list of its {count} synapses",
                "Use smaller populations, or a list of fewer synapses (i= and j=).",
            )  # fmt: skip
        if self.i is not None and self.j is not None:
            i, j = self.i.astype(np.int32, copy=False), self.j.astype(np.int32, copy=False)
        elif self.connector == "one_to_one":
            i = j = np.arange(n_pre, dtype=np.int32)
        else:
            i, j = self._all_pairs(n_pre // self.tiles, n_post // self.tiles)
        full = (i.size,)
        weight = np.broadcast_to(np.asarray(self.weight, dtype=np.float64), full)
        return Synapses(i, j, weight, np.broadcast_to(np.asarray(self.delay, np.float64), full))

    def _all_pairs(self, n_pre: int, n_post: int) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        i = np.repeat(np.arange(n_pre, dtype=np.int32), n_post)
        j = np.tile(np.arange(n_post, dtype=np.int32), n_pre)
        if not self.allow_self:
            i, j = i[i != j], j[i != j]
        tile = np.repeat(np.arange(self.tiles, dtype=np.int32), i.size)
        return np.tile(i, self.tiles) + tile * n_pre, np.tile(j, self.tiles) + tile * n_post
