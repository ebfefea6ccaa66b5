"""What a measure takes as a liquid: a function of spikes, a model, or a network with an input."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...checks import Kind, Quantity, checked
from ...errors import DescriptionError, shown
from ...network import Network, SpikeSource
from ...simulation import simulate
from ...spikes import SpikeTrains
from .arrays import NumberArray
from .features import low_passed_states

__all__ = ["Liquid", "LiquidLike", "network_liquid", "respond", "states_at"]

Liquid = Callable[[NDArray[Any]], NDArray[Any]]
"""From spikes (n_samples, n_steps, n_inputs) to spikes (n_samples, n_steps, n_neurons)."""

_SPIKES = NumberArray((3,), negative=False)


@dataclass(frozen=True)
class LiquidKind(Kind):
    """A liquid: a function of spikes, an object with a method ``spikes``, or a network."""

    def check(self, value: Any, where: str) -> Liquid:
        """Return a function of spikes."""
        if isinstance(value, Network):
            return network_liquid(value)
        method = None if isinstance(value, type) else getattr(value, "spikes", None)
        if callable(method):
            found: Liquid = method
            return found
        if callable(value) and not isinstance(value, type):
            called: Liquid = value
            return called
        raise DescriptionError(
            f"{where} must be a function of spikes, a LiquidStateMachine or a Network, got "
            f"{shown(value)}."
        )


LiquidLike = Annotated[Any, LiquidKind()]
"""What a measure takes as a liquid."""


def respond(liquid: Liquid, spikes: NDArray[Any], where: str) -> NDArray[Any]:
    """Spikes of a liquid, shape (n_samples, n_steps, n_neurons).

    Raises
    ------
    DescriptionError
        They are of another shape; the message begins with `where`.
    """
    answer = _SPIKES.check(liquid(spikes), f"{where}: the answer of the liquid")
    if answer.shape[:2] != spikes.shape[:2]:
        raise DescriptionError(
            f"{where}: the answer of the liquid must have shape ({spikes.shape[0]}, "
            f"{spikes.shape[1]}, n_neurons), as its input, got {answer.shape}."
        )
    return answer


def states_at(
    liquid: Liquid, spikes: NDArray[Any], tau: float, step: int | None, where: str
) -> NDArray[np.float64]:
    """Low-passed states after one step of every sample (default: the last), a row for each."""
    length = spikes.shape[1]
    last = length - 1 if step is None else step
    if last >= length:
        raise DescriptionError(
            f"{where}: step must be from 0 to {length - 1}, the steps of a sample, got {last}."
        )
    answer = respond(liquid, spikes, where)
    return low_passed_states(answer, tau=tau, steps=[last])[:, 0]


@checked
def network_liquid(
    network: Network,
    *,
    dt: Annotated[float, Quantity("ms", above=0.0)] | None = None,
    backend: str = "native",
) -> Liquid:
    """Make a liquid of a network: its source is replaced by the samples.

    All samples run side by side in one simulation. The neurons are those of all populations that
    record spikes, in their order.

    Parameters
    ----------
    network : Network
        With one population of spike sources, and others that record their spikes.
    dt : float, optional
        Length of a step of the samples, ms. Default: the network's own step.
    backend : str
        As :func:`spikemem.simulate`.

    Returns
    -------
    function
        From spikes (n_samples, n_steps, n_inputs) to counts (n_samples, n_steps, n_neurons).

    Raises
    ------
    DescriptionError
        The network has no source or several, or records no spikes.

    Examples
    --------
    >>> import spikemem as sm
    >>> source = sm.Population("in", 1, sm.SpikeSource(spikes=sm.SpikeTrains.empty(1)))
    >>> cell = sm.Population("out", 1, sm.LIF(), record=("spikes",))
    >>> strong = sm.Projection.one_to_one("p", "in", "out", weight=20.0, delay=1.0)
    >>> liquid = network_liquid(sm.Network([source, cell], [strong]))
    >>> liquid(np.array([[[1], [0], [0], [0]]])).ravel().tolist()
    [0, 1, 0, 0]
    """
    sources = [part for part in network.populations if part.is_source]
    read = [p.name for p in network.populations if not p.is_source and "spikes" in p.record]
    if len(sources) != 1 or not read:
        raise DescriptionError(
            f"network_liquid: the network must have one population of spike sources and others "
            f"that record spikes, got {len(sources)} and {len(read)}."
        )
    length = network.dt if dt is None else dt
    inside = sources[0]

    def liquid(spikes: NDArray[Any]) -> NDArray[Any]:
        given = _SPIKES.check(spikes, "network_liquid: spikes")
        samples, steps, n = given.shape
        if n != inside.size:
            raise DescriptionError(
                f"network_liquid: spikes must be of {inside.size} channels, the cells of "
                f"{inside.name!r}, got {n}."
            )
        each = [_shown(network, inside.name, sample, length) for sample in given]
        duration = steps * length
        run = simulate(Network.stack(each), duration, backend=backend)
        return np.concatenate([_dense(run[name], samples, steps, length) for name in read], axis=2)

    return liquid


def _shown(network: Network, source: str, sample: NDArray[Any], length: float) -> Network:
    """The network with the spikes of one sample in its source."""
    step, channel = np.nonzero(sample)
    trains = SpikeTrains(ids=channel, times=step * length, size=sample.shape[1])
    parts = [
        replace(part, cell=SpikeSource(spikes=trains)) if part.name == source else part
        for part in network.populations
    ]
    return Network(populations=parts, projections=network.projections, dt=network.dt)


def _dense(trains: SpikeTrains, samples: int, steps: int, length: float) -> NDArray[np.int64]:
    """Spikes of cells that lie side by side for each sample, as counts in the steps."""
    n = trains.size // samples
    step = np.minimum((trains.times / length + 1e-9).astype(np.int64), steps - 1)
    sample, cell = np.divmod(trains.ids.astype(np.int64), n)
    flat = (sample * steps + step) * n + cell
    return np.bincount(flat, minlength=samples * steps * n).reshape(samples, steps, n)
