"""What a simulator must offer to :class:`spikemem.Session`, and how backends are found."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..calls import shape_of, unknown_argument
from ..errors import BackendMissing, CallError
from ..recording import SpikeTrains
from . import BACKENDS

__all__ = [
    "BACKENDS",
    "INTEGRATORS",
    "Backend",
    "Integrator",
    "Results",
    "check_options",
    "load",
    "package_version",
    "require_known",
]

Integrator = Literal["spinnaker", "exact"]
INTEGRATORS: tuple[str, ...] = ("spinnaker", "exact")


class Results(NamedTuple):
    """What a backend hands back after a run."""

    spikes: dict[str, SpikeTrains]
    traces: dict[tuple[str, str], NDArray[np.float64]]
    weights: dict[str, NDArray[np.float64]]
    versions: dict[str, Any]


class Backend(Protocol):
    """What a simulator must offer; it is made as ``Backend(network, integrator, **options)``.

    A backend that can continue may also have ``save_state()``, which returns its whole state in a
    form that can be pickled, and ``load_state(state)``, which a new simulator of the same network
    takes; sessions can then be copied and pickled between runs.
    """

    can_continue: bool

    def run(
        self,
        first_step: int,
        n_steps: int,
        inputs: Mapping[str, SpikeTrains],
        gates: Mapping[str, NDArray[np.bool_]],
        progress: Callable[[float], None],
    ) -> Results:
        """Advance by `n_steps`.

        Parameters
        ----------
        first_step : int
            Number of steps done so far.
        n_steps : int
            Number of steps to do.
        inputs : mapping of str to SpikeTrains
            For each spike source its spikes of these steps (absolute times in ms).
        gates : mapping of str to ndarray of bool, shape (n_steps, tiles)
            For each plastic projection whether weights may change in each step.
        progress : callable
            To be called with the fraction done, from 0 to 1.
        """

    def set_weights(self, weights: Mapping[str, NDArray[np.float64]]) -> None:
        """Replace the weights (nA, shape (n_synapses,)) of these plastic projections."""

    def snapshot(self) -> Any:
        """Everything that :meth:`restore` needs to return to the present state."""

    def restore(self, state: Any) -> None:
        """Return to the state of the latest snapshot.

        An interrupt can end it at any point; called again, it must then still succeed.
        """

    def close(self) -> None:
        """Free what the backend holds."""


def load(backend: str) -> Any:
    """Import the class of a backend.

    Raises
    ------
    BackendMissing
        A package that it needs is not installed.
    """
    module, name = BACKENDS[backend].split(":")
    try:
        return getattr(importlib.import_module(module), name)
    except ImportError as error:
        if isinstance(error, BackendMissing) or (error.name or "").startswith("spikemem"):
            raise
        raise BackendMissing(
            f"backend {backend!r} needs the package {error.name!r}, which is not installed: "
            f"pip install {error.name}"
        ) from error


_OF_RUNS = ("backend", "duration", "integrator", "progress", "start")
"""What takes a network to a recording and is not an option; named where an option is unknown."""


def check_options(make: Any, backend: str, options: Mapping[str, Any]) -> None:
    """Refuse an option that the backend does not have, unless it looks at all of them itself."""
    shape = shape_of(make, bound=True)
    if not shape.others:
        require_known(options, shape.names - {*shape.positional[:1]}, backend)


def require_known(options: Mapping[str, Any], known: Iterable[str], backend: str) -> None:
    """Refuse an option that is not one of the known ones; the message names the nearest."""
    known = tuple(known)
    for option in options:
        if option not in known:
            text = unknown_argument(option, known, what="option", also=_OF_RUNS)
            raise CallError(f"backend {backend!r}: {text}")


def package_version(name: str) -> str:
    """Version of an installed package."""
    return importlib.metadata.version(name)
