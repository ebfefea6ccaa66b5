"""The interface of a simulator for :class:`spikemem.Session`, and functions that find backends."""

from __future__ import annotations

import importlib
import importlib.metadata
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..calls import signature_of, unknown_argument
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
    "require_valid_options",
]

Integrator = Literal["spinnaker", "exact"]
INTEGRATORS: tuple[str, ...] = ("spinnaker", "exact")


class Results(NamedTuple):
    """Results of a run of a backend."""

    spikes: dict[str, SpikeTrains]
    traces: dict[tuple[str, str], NDArray[np.float64]]
    weights: dict[str, NDArray[np.float64]]
    versions: dict[str, Any]


class Backend(Protocol):
    """Interface of a simulator, which is made as ``Backend(network, integrator, **options)``.

    A backend that can continue can also have ``save_state()``, which returns its whole state in a
    form that can be pickled, and ``load_state(state)``, with which a new simulator of the same
    network continues. Then sessions can be copied and pickled between runs.
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
            Spikes of each source in these steps (absolute times in ms).
        gates : mapping of str to ndarray of bool, shape (n_steps, tiles)
            Whether weights of each plastic projection may change in each step.
        progress : callable
            Function that the backend calls with the fraction done, from 0 to 1.
        """

    def set_weights(self, weights: Mapping[str, NDArray[np.float64]]) -> None:
        """Replace the weights (nA, shape (n_synapses,)) of these plastic projections."""

    def snapshot(self) -> Any:
        """Return everything that :meth:`restore` needs to return to the present state."""

    def restore(self, state: Any) -> None:
        """Return to the state of the latest snapshot.

        An interrupt can end this call at any point; a second call must then succeed.
        """

    def close(self) -> None:
        """Free the memory and objects of the backend."""


def load(backend: str) -> Any:
    """Import the class of a backend.

    Raises
    ------
    BackendMissing
        If a package that it needs is not installed.
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
"""Arguments of runs that are not options; a message about an unknown option can suggest them."""


def check_options(make: Any, backend: str, options: Mapping[str, Any]) -> None:
    """Raise an error if the backend lacks an option, unless it checks options itself."""
    signature = signature_of(make, bound=True)
    if not signature.any_keyword:
        require_valid_options(options, signature.names - {*signature.positional[:1]}, backend)


def require_valid_options(
    options: Mapping[str, Any], valid_names: Iterable[str], backend: str
) -> None:
    """Raise an error if an option is not a valid name; the message has the nearest valid one."""
    valid_names = tuple(valid_names)
    for option in options:
        if option not in valid_names:
            text = unknown_argument(option, valid_names, what="option", also=_OF_RUNS)
            raise CallError(f"backend {backend!r}: {text}")


def package_version(name: str) -> str:
    """Return the version of an installed package."""
    return importlib.metadata.version(name)
