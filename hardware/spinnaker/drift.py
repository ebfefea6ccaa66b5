"""Compares a run with SpiNNaker's arithmetic with a run in floating point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np

from ...checks import Optional, Quantity, check_fields, checked
from ...network import Network
from ...recording import Recording
from ...simulation import simulate

__all__ = ["DriftReport", "WeightDrift", "drift"]


@dataclass(frozen=True, kw_only=True)
class WeightDrift:
    """Final weights of a plastic projection on the emulator and in floating point.

    Attributes
    ----------
    mean, mean_float : float
        Mean weight on the emulator and in floating point, nA.
    mean_difference, max_difference : float
        Mean and largest absolute difference between the two, nA.
    lsb : float
        Smallest step of a weight on the machine, nA.
    correlation : float
        Correlation between the two weight changes since the start; NaN if nothing changed.
    """

    mean: float
    mean_float: float
    mean_difference: float
    max_difference: float
    lsb: float
    correlation: float

    @property
    def relative(self) -> float:
        """Difference of the means, divided by the mean in floating point."""
        return (self.mean - self.mean_float) / self.mean_float if self.mean_float else 0.0


@dataclass(frozen=True, kw_only=True)
class DriftReport:
    """Differences between the emulator and floating point; :func:`drift` returns one.

    Attributes
    ----------
    weights : dict of str to WeightDrift
        Comparison of the weights of each plastic projection.
    n_spikes, n_spikes_float : int
        Number of recorded spikes on the emulator and in floating point.
    first : tuple of (str, float) or None
        Population and time (ms) of the first spike that only one run has; None if there is none.
    recording : Recording
        Recording of the emulator.
    """

    weights: dict[str, WeightDrift]
    n_spikes: int
    n_spikes_float: int
    first: tuple[str, float] | None
    recording: Recording

    def __post_init__(self) -> None:
        check_fields(self)

    def __str__(self) -> str:
        lines = [
            f"{name}: mean {item.mean:.4g} nA, {item.relative:+.1%} from floating point; they "
            f"differ by {item.mean_difference:.2g} nA, at most {item.max_difference:.2g}"
            for name, item in self.weights.items()
        ]
        if self.first is None:
            lines.append(f"spikes: {self.n_spikes}, all the same")
        else:
            lines.append(
                f"spikes: {self.n_spikes}, in floating point {self.n_spikes_float}; they first "
                f"differ in {self.first[0]} at {self.first[1]:g} ms"
            )
        return "\n".join(lines)


@checked
def drift(
    network: Network, duration: Annotated[Any, Optional(Quantity("ms"))] = None, **options: Any
) -> DriftReport:
    """Run a network on the emulator and in floating point (backend "native"), and compare.

    Plasticity windows, if the emulator accepts them, apply in floating point only. Weight changes
    that wait for the next spike of a source are included in floating point only.

    Parameters
    ----------
    network : Network
        Network to simulate.
    duration : float, optional
        Simulated time, ms; for the default see :func:`spikemem.simulate`.
    **options
        Options of the emulator.

    Returns
    -------
    DriftReport
    """
    board = simulate(network, duration, backend="emulator", **options)
    real = simulate(network, duration, backend="native")
    weights = {item.name: _weights(network, item.name, board, real) for item in network.plastic}
    return DriftReport(
        weights=weights,
        n_spikes=sum(len(trains) for trains in board.spikes.values()),
        n_spikes_float=sum(len(trains) for trains in real.spikes.values()),
        first=_first(board, real),
        recording=board,
    )


def _weights(network: Network, name: str, board: Recording, real: Recording) -> WeightDrift:
    ours, theirs = board.weights[name], real.weights[name]
    item = network.projection(name)
    lsb = board.provenance["spinnaker"]["lsb"][item.post]
    away = np.abs(ours - theirs) if ours.size else np.zeros(1)
    start = np.asarray(item.weight, dtype=np.float64)
    return WeightDrift(
        mean=float(ours.mean()) if ours.size else 0.0,
        mean_float=float(theirs.mean()) if ours.size else 0.0,
        mean_difference=float(away.mean()),
        max_difference=float(away.max()),
        lsb=float(lsb[item.receptor == "inhibitory"]),
        correlation=_correlation(ours - start, theirs - start),
    )


def _correlation(a: Any, b: Any) -> float:
    if a.size < 2 or not np.ptp(a) or not np.ptp(b):
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def _first(board: Recording, real: Recording) -> tuple[str, float] | None:
    candidates = []
    for name in board.spikes:
        ours, theirs = (
            {*zip(run[name].times.tolist(), run[name].ids.tolist(), strict=True)}
            for run in (board, real)
        )
        if ours != theirs:
            candidates.append((min(ours ^ theirs)[0], name))
    return (min(candidates)[1], min(candidates)[0]) if candidates else None
