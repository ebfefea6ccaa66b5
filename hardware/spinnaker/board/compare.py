"""Compares the predictions, the emulator and the board in software on one network."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import numpy as np

from ....checks import Optional, Quantity, check_fields, checked
from ....errors import SpikememWarning, UnsupportedError
from ....network import Network
from ....problem import Problem
from ....progress import Progress
from ....recording import Recording
from ....simulation import simulate
from ....streams import Seed
from ....units import steps
from ..check import check_spinnaker

__all__ = ["BoardComparison", "Difference", "compare_with_board"]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Differences between the emulator and the board in one kind of values.

    Attributes
    ----------
    what : {"spikes", "v", "weights"}
        Kind of values.
    name : str
        Population or projection.
    n : int
        Number of values that differ; for spikes, the number of spikes that only one of the two has.
    total : int
        Number of values on the board.
    first : str
        Description of the first difference.
    step : int
        Step of the first difference; -1 for weights, which are compared at the end.
    """

    what: str
    name: str
    n: int
    total: int
    first: str
    step: int

    def __str__(self) -> str:
        return f"{self.what} of {self.name!r}: {self.n} of {self.total} differ, first {self.first}"


@dataclass(frozen=True, kw_only=True)
class BoardComparison:
    """Comparison of a run on the board and on the emulator; :func:`compare_with_board` makes one.

    Attributes
    ----------
    predicted : list of Problem
        Problems that ``check(network, "spinnaker")`` lists.
    refused : str or None
        Reason why the emulator refuses the network; nothing is compared then. None if it does not.
    spikes : int
        Number of recorded spikes on the board.
    samples : int
        Number of recorded potentials on the board.
    weights : int
        Number of plastic weights on the board.
    differences : list of Difference
        Differences, the earliest first; empty if both agree to the last bit.
    disputed : dict of str to int
        Number of weight changes that depend on the order of packets (time step below 1 ms), for
        each plastic projection. They can cause differences.
    board : dict
        Number of chips, cores, ticks, packets and instructions, and seconds.
    recording : Recording
        Recording of the board.
    """

    predicted: list[Problem]
    refused: str | None
    spikes: int
    samples: int
    weights: int
    differences: list[Difference]
    disputed: dict[str, int] = field(default_factory=dict)
    board: dict[str, Any] = field(default_factory=dict)
    recording: Recording

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def same(self) -> bool:
        """Whether the emulator accepts the network and agrees with the board to the last bit."""
        return self.refused is None and not self.differences

    def facts(self) -> dict[str, Any]:
        """Return everything except the recording as plain data for JSON."""
        return {
            "same": self.same,
            "predicted": [vars(problem) for problem in self.predicted],
            "refused": self.refused,
            "compared": {"spikes": self.spikes, "v": self.samples, "weights": self.weights},
            "differences": [vars(item) for item in self.differences],
            "disputed": self.disputed,
            "board": self.board,
        }

    def __str__(self) -> str:
        lines = [f"predicted  {problem}" for problem in self.predicted]
        lines += [
            f"board      {self.spikes} spikes, {self.samples} potentials, {self.weights} weights"
        ]
        if self.refused:
            lines.append(f"emulator   refuses it: {self.refused}")
        elif self.same:
            lines.append("emulator   identical to the last bit")
        lines += [f"emulator   {item}" for item in self.differences]
        lines += [
            f"emulator   {n} weight changes of {name!r} depend on the order of packets"
            for name, n in self.disputed.items()
            if n
        ]
        return "\n".join(lines)


@checked
def compare_with_board(
    network: Network,
    duration: Annotated[Any, Optional(Quantity("ms"))] = None,
    *,
    seed: Seed = 0,
    progress: Progress = False,
) -> BoardComparison:
    """Run a network on the board in software and on the emulator, and compare.

    Parameters
    ----------
    network : Network
        Network to simulate. Its recorded variables are compared.
    duration : float, optional
        Simulated time, ms; for the default see :func:`spikemem.simulate`.
    seed : int
        Seed of the order in which the packets of a tick arrive at the board.
    progress : bool or callable
        Progress of the board; see :func:`spikemem.simulate`.

    Returns
    -------
    BoardComparison

    Raises
    ------
    BackendMissing
        If sPyNNaker or unicorn is not installed.
    SimulationError
        If the board cannot run the network.
    """
    predicted = check_spinnaker(network)
    board = simulate(network, duration, backend="board", seed=seed, force=True, progress=progress)
    refused, differing, disputed = None, [], {}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SpikememWarning)
            emulated = simulate(network, board.duration, backend="emulator", allow_coarse=True)
        differing = differences(board, emulated, network.dt)
        disputed = emulated.provenance["spinnaker"]["disputed"]
    except UnsupportedError as error:
        refused = str(error)
    return BoardComparison(
        predicted=predicted,
        refused=refused,
        spikes=sum(len(trains) for trains in board.spikes.values()),
        samples=sum(trace.size for trace in board.traces.values()),
        weights=sum(weights.size for weights in board.weights.values()),
        differences=differing,
        disputed=disputed,
        board=dict(board.provenance["board"]),
        recording=board,
    )


def differences(board: Recording, emulated: Recording, dt: float) -> list[Difference]:
    """Return all differences between two recordings, the earliest first."""
    items = [_spikes(name, board, emulated, dt) for name in board.spikes]
    items += [_trace(key, board, emulated, dt) for key in board.traces]
    items += [_weights(name, board.weights, emulated.weights) for name in board.weights]
    last = np.iinfo(np.int64).max
    kept = [item for item in items if item is not None]
    return sorted(kept, key=lambda item: last if item.step < 0 else item.step)


def _spikes(name: str, board: Recording, emulated: Recording, dt: float) -> Difference | None:
    ours, theirs = (
        {*zip(steps(run[name].times, dt).tolist(), run[name].ids.tolist(), strict=True)}
        for run in (board, emulated)
    )
    if ours == theirs:
        return None
    step, cell = first = min(ours ^ theirs)
    who = "board" if first in ours else "emulator"
    return Difference(
        what="spikes", name=name, n=len(ours ^ theirs), total=len(ours), step=int(step),
        first=f"cell {cell} at {step * dt:g} ms, on the {who} only",
    )  # fmt: skip


def _trace(key: Any, board: Recording, emulated: Recording, dt: float) -> Difference | None:
    name, variable = key
    ours, theirs = board.traces[key], emulated.traces[key]
    # The first row is the initial potential of the network.
    away = np.argwhere(ours[1:] != theirs[1:])
    if not away.size:
        return None
    step, cell = int(away[0, 0]) + 1, int(away[0, 1])
    return Difference(
        what=variable, name=name, n=len(away), total=ours.size, step=step,
        first=f"cell {cell} at {step * dt:g} ms: board {float(ours[step, cell])!r}, emulator "
        f"{float(theirs[step, cell])!r} mV",
    )  # fmt: skip


def _weights(name: str, board: Mapping[str, Any], emulated: Mapping[str, Any]) -> Difference | None:
    ours, theirs = board[name], emulated[name]
    away = np.flatnonzero(ours != theirs)
    if not away.size:
        return None
    k = int(away[0])
    return Difference(
        what="weights", name=name, n=len(away), total=ours.size, step=-1,
        first=f"synapse {k}: board {float(ours[k])!r}, emulator {float(theirs[k])!r} nA",
    )  # fmt: skip
