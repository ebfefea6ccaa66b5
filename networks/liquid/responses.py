"""Liquids that a measure accepts: a function of spikes, a model, or a network with sources."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...checks import Kind
from ...errors import DescriptionError, shown
from ...network import Network
from .arrays import NumberArray
from .features import low_passed_states

__all__ = ["LiquidFunction", "LiquidLike", "respond", "states_at"]

LiquidFunction = Callable[[NDArray[Any]], NDArray[Any]]
"""Maps spikes (n_samples, n_steps, n_inputs) to spikes (n_samples, n_steps, n_neurons)."""

_SPIKES = NumberArray((3,), negative=False)


@dataclass(frozen=True)
class LiquidKind(Kind):
    """A liquid: a function of spikes, an object with a method ``spikes``, or a network.

    For a network, all sources are the input, one after the other, and all populations that record
    spikes are read. A step of the samples is 1 ms.
    """

    def check(self, value: Any, where: str) -> LiquidFunction:
        """Return a function of spikes."""
        if isinstance(value, Network):
            return _of_network(value, where)
        method = None if isinstance(value, type) else getattr(value, "spikes", None)
        if callable(method):
            method_of_spikes: LiquidFunction = method
            return method_of_spikes
        if callable(value) and not isinstance(value, type) and _takes_one(value):
            called: LiquidFunction = value
            return called
        raise DescriptionError(
            f"{where} must be a function of spikes (one argument), a LiquidStateMachine or a "
            f"Network, got {shown(value)}."
        )


def _takes_one(function: Callable[..., Any]) -> bool:
    """Tell whether a function can be called with the spikes as its only argument."""
    try:
        inspect.signature(function).bind(None)
    except ValueError:  # Some compiled functions have no signature.
        return True
    except TypeError:
        return False
    return True


LiquidLike = Annotated[Any, LiquidKind()]
"""A liquid that a measure accepts."""


def respond(liquid: LiquidFunction, spikes: NDArray[Any], where: str) -> NDArray[Any]:
    """Return the spikes of a liquid, shape (n_samples, n_steps, n_neurons).

    Raises
    ------
    DescriptionError
        If the spikes have another shape. The message begins with `where`.
    """
    answer = _SPIKES.check(liquid(spikes), f"{where}: the answer of the liquid")
    if answer.shape[:2] != spikes.shape[:2]:
        raise DescriptionError(
            f"{where}: the answer of the liquid must have shape ({spikes.shape[0]}, "
            f"{spikes.shape[1]}, n_neurons), like its input, got {answer.shape}."
        )
    return answer


def states_at(
    liquid: LiquidFunction, spikes: NDArray[Any], tau: float, step: int | None, where: str
) -> NDArray[np.float64]:
    """Return the low-passed state of every sample after one step (default: the last), in rows."""
    length = spikes.shape[1]
    last = length - 1 if step is None else step
    if last >= length:
        raise DescriptionError(
            f"{where}: step must be from 0 to {length - 1}, the last step of a sample, got {last}."
        )
    answer = respond(liquid, spikes, where)
    return low_passed_states(answer, tau=tau, steps=[last])[:, 0]


def _of_network(network: Network, where: str) -> LiquidFunction:
    """Return a function that drives the sources of a network and reads its recorded spikes."""
    from .model import LiquidStateMachine
    from .parameters import NetworkLiquid

    sources = [part for part in network.populations if part.is_source]
    read = [p.name for p in network.populations if not p.is_source and "spikes" in p.record]
    if not sources or not read:
        raise DescriptionError(
            f"{where}: the network must have a population of spike sources and one that records "
            f"its spikes, got {len(sources)} and {len(read)}."
        )
    parameters = NetworkLiquid(
        network=network, inputs=tuple(part.name for part in sources), liquid=tuple(read)
    )
    liquid: LiquidFunction = LiquidStateMachine(parameters.n_inputs, liquid=parameters).spikes
    return liquid
