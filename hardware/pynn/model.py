"""A network as objects of a PyNN simulator: plain data that the other modules read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...network import Network
from .dialects import Dialect

__all__ = ["PyNNModel"]


@dataclass(kw_only=True)
class PyNNModel:
    """What :func:`to_pynn` gives: a network as objects of a PyNN simulator, to be run and read.

    Attributes
    ----------
    network : Network
        What was built.
    sim : module
        The PyNN module.
    dialect : Dialect
        How it differs from the others.
    populations, projections : dict of str to PyNN objects
        By the names of the network; a projection without synapses is left out.
    min_delay : int
        Shortest delay, steps.
    lead : int
        Steps that pass before time 0, where a simulator cannot fire a source at once.
    weights : dict of str to ndarray, shape (n_synapses,)
        After :func:`run`: of each plastic projection, nA.
    n_steps : int
        Steps that it has run; 0 before :func:`run`.
    undo : list of callable
        What :func:`end` calls, the last first.
    """

    network: Network
    sim: Any
    dialect: Dialect
    populations: dict[str, Any] = field(default_factory=dict)
    projections: dict[str, Any] = field(default_factory=dict)
    min_delay: int = 1
    lead: int = 0
    n_steps: int = 0
    weights: dict[str, NDArray[np.float64]] = field(default_factory=dict)
    undo: list[Callable[[], None]] = field(default_factory=list)
