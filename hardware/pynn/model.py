"""A network in a PyNN simulator, as plain data."""

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
    """A network as objects of a PyNN simulator; :func:`to_pynn` makes one.

    Attributes
    ----------
    network : Network
        The network.
    sim : module
        The PyNN module.
    dialect : Dialect
        Properties of the simulator.
    populations, projections : dict of str to PyNN objects
        PyNN objects by the names of the network. A projection without synapses is left out.
    min_delay : int
        Shortest delay, steps.
    lead : int
        Steps that the simulator runs before time 0, because it cannot fire a source at once.
    weights : dict of str to ndarray, shape (n_synapses,)
        Weights of each plastic projection after :func:`run`, nA.
    n_steps : int
        Number of steps that have run; 0 before :func:`run`.
    undo : list of callable
        Functions that :func:`end` calls, the last first.
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
