"""How many items an experiment stores, and which of them it probes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...checks import Count, Optional, Quantity
from ...errors import DescriptionError
from ...limits import require_memory
from ..subject import Subject, own_rng
from .base import Experiment

__all__ = ["DEFAULT_LOAD", "Loaded", "probed", "require_script", "spaced"]

DEFAULT_LOAD = 0.5
"""Load of an experiment that is given neither a load nor a number of items."""

_EVENT = 200.0
"""Memory that an event of a script and its answer take, bytes."""


@dataclass(frozen=True, kw_only=True)
class Loaded(Experiment):
    """An experiment that stores a number of items.

    Parameters
    ----------
    n_items : int, optional
        Number of items that are studied.
    load : float, optional
        The same as a multiple of ``subject.scale``, rounded, at least one item. Give one of both;
        the default is a load of 0.5.
    """

    n_items: Annotated[int, Optional(Count())] | None = None
    load: Annotated[float, Optional(Quantity(above=0.0))] | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.n_items is not None and self.load is not None:
            raise DescriptionError(
                f"{type(self).__name__}: give n_items or load, not both, got "
                f"n_items={self.n_items} and load={self.load:g}."
            )

    def count(self, subject: Subject, *, probes: float = 1.0, least: int = 1) -> int:
        """Number of items that are studied.

        Parameters
        ----------
        subject : Subject
            Its scale is load 1.
        probes : float
            Further events of the script for each item.
        least : int
            Smallest number of items that the experiment can do with.

        Raises
        ------
        DescriptionError
            Fewer than `least`, or a script that memory has no room for.
        """
        n: float
        if self.n_items is not None:
            n = self.n_items
        else:
            load = DEFAULT_LOAD if self.load is None else self.load
            n = max(np.floor(load * subject.scale + 0.5), 1.0)
        require_script(self.name, n * (1.0 + probes))
        if n < least:
            raise DescriptionError(
                f"{type(self).__name__}: at least {least} items are needed, got {n:.0f}; give "
                f"n_items={least} or more, or a larger load (load 1 is {subject.scale:g} "
                f"{subject.unit})."
            )
        return int(n)


def require_script(experiment: str, n_events: float) -> None:
    """Refuse a script that memory has no room for."""
    what = f"experiment {experiment!r}: a script of {n_events:.3g} studies and probes"
    require_memory(_EVENT * n_events, what, "Use fewer items, a smaller load, or fewer probes.")


def probed(n_items: int, n_probes: int | None, seed: int, order: str = "random") -> NDArray[Any]:
    """Items that are probed, in the order of the probes; each at most once.

    Parameters
    ----------
    n_items : int
        Number of items that were studied.
    n_probes : int, optional
        How many of them are probed, at random; default: all.
    seed : int
        Of the trial.
    order : {"random", "studied", "reversed"}
        Order of the probes.
    """
    items = own_rng(seed, "probes").permutation(n_items)[
        : n_items if n_probes is None else n_probes
    ]
    if order == "random":
        return items
    items.sort()
    return items if order == "studied" else items[::-1]


def spaced(first: int, last: int, n: int | None) -> NDArray[np.int64]:
    """Whole numbers from `first` to `last`: all, or at most `n` in about equal ratios."""
    if n is None or n > last - first:
        return np.arange(first, last + 1, dtype=np.int64)
    found = np.geomspace(1.0, last - first + 1.0, n) if n > 1 else np.ones(1)
    return np.unique(np.round(found).astype(np.int64)) + first - 1
