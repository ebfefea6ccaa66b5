"""The race of a competitive module: cells that count, on the target's grid of time.

Every active input adds one unit to the potential of a cell, and the ticks of a pacemaker raise all
cells together. They make up for the leak, so that a cell with `u` active synapses reaches threshold
exactly ``n - u`` ticks after the first one, half a unit above it: the first spike of a module tells
which of its cells has the largest overlap, and its time tells how large that is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from ...backends.contract import Integrator
from ...cells import LIF
from ...checks import Choice, Count, Flag, Indices, Optional, Quantity, checked
from ...errors import UnsupportedError
from ...frozen import Frozen
from ...simulation import INTEGRATORS

__all__ = ["MOST_ACTIVE", "PACES", "Race", "counter", "detector", "race"]

REST, REACH = -65.0, 5.0
"""Resting potential, and the least distance from it to the threshold, mV."""

SMALLEST_UNIT = 0.05
"""Least change of potential for one unit, mV: more than 1600 steps of SpiNNaker's numbers."""

UNITS = (8.0, 4.0, 2.0)
"""Weights of a synapse that adds one unit, nA; the largest that leaves room for steps of 1 nA."""

MOST_AT_ONCE = 2.0**15
"""Sum of all excitatory weights of a cell up to which SpiNNaker holds them in steps of 1 nA."""

PACES = (32.0, 16.0, 8.0, 4.0, 2.0, 1.0)
"""Weights of the cells of the pacemaker, nA: a tick is the sum of those that fire."""

SWIFT = 0.1
"""Decay of the synaptic currents in steps: a spike acts in the step in which it arrives."""

FORGETS = 0.25
"""Membrane time constant of a detector in steps: what is left after a step is less than 2 %."""

LARGEST_DRIVE = 6e4
"""Most of a synaptic current times the resistance, mV; SpiNNaker's numbers end at 65536."""

SLOW = (16.0, 12.0, 8.0, 6.0, 4.0, 3.0, 2.0, 1.5)
"""Membrane time constants of a cell in units of the longest race."""

MOST_ACTIVE = 400
"""About the most active inputs of a mac."""

TimeStep = Annotated[float, Quantity("ms", above=0.0)]


@dataclass(frozen=True, kw_only=True, eq=False)
class Race(Frozen):
    """What the cells of a level are like, and when they fire.

    Attributes
    ----------
    most : int
        Largest overlap that is told apart; larger ones fire at the first tick too.
    cell : LIF
        The counting cell.
    unit : float
        Weight of a synapse that adds one unit, nA.
    lag : int
        Steps from the arrival of a spike to the spike that it causes: 0, or 1 with "exact".
    delay : int
        Of the spikes that excite the cells, in steps.
    first_tick : int
        Arrival of the first tick after that of the inputs, in steps.
    ticks : ndarray of bool, shape (n_ticks, 6)
        Cells of the pacemaker that fire at each tick; their weights are :data:`PACES`.
    veto : float
        Inhibition of a module by its winner, nA.
    mute : float
        Inhibition of a mac that is not active, nA.
    reset : float
        What makes every cell fire at the end of a frame, nA.
    """

    most: int
    cell: LIF
    unit: float
    lag: int
    delay: int
    first_tick: int
    ticks: NDArray[np.bool_]
    veto: float
    mute: float
    reset: float

    @property
    def hop(self) -> int:
        """Steps from tick to tick: those that a spike takes from cell to cell."""
        return 1 + self.lag

    @property
    def n_ticks(self) -> int:
        """Ticks after which a cell of the smallest overlap fires too."""
        return len(self.ticks)

    @checked
    def tick(self, overlap: Annotated[int, Count(low=0)]) -> int:
        """Tick at which a cell with this overlap fires, from 0.

        Raises
        ------
        DescriptionError
            Not a whole number.
        """
        return max(self.most - overlap, 0)

    @checked
    def overlap(self, ticks: Annotated[NDArray[np.int64], Indices()]) -> NDArray[np.int64]:
        """Overlap of cells that fire at these ticks, :attr:`most` less the tick.

        Raises
        ------
        DescriptionError
            Not ticks, counted from 0.
        """
        return np.asarray(np.clip(self.most - ticks, 0, self.most), dtype=np.int64)


def _gain(cell: LIF, dt: float, integrator: str) -> float:
    """Change of potential by a spike of 1 nA, in the step in which it arrives, mV."""
    hold, fade = math.exp(-dt / float(cell.tau_m)), math.exp(-dt / float(cell.tau_syn_E))
    if integrator == "spinnaker":
        return float(cell.tau_syn_E) / dt * (1 - fade) * float(cell.tau_m) * (1 - hold)
    tau_m, tau_s = float(cell.tau_m), float(cell.tau_syn_E)
    return tau_s * tau_m / (tau_m - tau_s) * (hold - fade)


def _cell(tau_m: float, reach: float, units: float, dt: float, integrator: str) -> LIF:
    """Cell whose threshold is a weight of `units` nA that arrives at once."""
    plain = LIF(
        tau_m=tau_m, cm=1.0, tau_syn_E=SWIFT * dt, tau_syn_I=SWIFT * dt, v_rest=REST,
        v_reset=REST, v_thresh=REST + reach, tau_refrac=dt,
    )  # fmt: skip
    return replace(plain, cm=_gain(plain, dt, integrator) * units / reach)


@checked
def detector(
    count: Annotated[float, Quantity(above=0.0)],
    *,
    dt: TimeStep = 1.0,
    integrator: Annotated[Integrator, Choice(*INTEGRATORS)] = "spinnaker",
) -> LIF:
    """Cell that fires if at least `count` spikes of 1 nA arrive in one step, and then forgets.

    Parameters
    ----------
    count : float
        Threshold, in spikes; half a spike below a whole number leaves the same margin on both
        sides.
    dt, integrator
        As :func:`spikemem.simulate`.

    Examples
    --------
    >>> detector(2.5).tau_m
    0.25
    """
    return _cell(FORGETS * dt, REACH, count, dt, integrator)


@checked
def counter(
    units: Annotated[float, Quantity(above=0.0)],
    *,
    unit: Annotated[float, Quantity("nA", above=0.0)] = 1.0,
    tau_m: Annotated[float, Quantity("ms", above=0.0)],
    dt: TimeStep = 1.0,
    integrator: Annotated[Integrator, Choice(*INTEGRATORS)] = "spinnaker",
) -> LIF:
    """Cell that adds up the spikes of several steps, and fires at `units` of them.

    Parameters
    ----------
    units : float
        Threshold, in spikes.
    unit : float
        Weight of a spike, nA.
    tau_m : float
        Membrane time constant, ms.
    dt, integrator
        As :func:`spikemem.simulate`.
    """
    return _cell(tau_m, max(REACH, SMALLEST_UNIT * units), unit * units, dt, integrator)


@checked
def race(
    most: Annotated[int, Count()],
    *,
    largest: Annotated[int | None, Optional(Count())] = None,
    fan_in: Annotated[int, Count(low=0)] = 0,
    muted: Annotated[int | None, Optional(Count(low=0))] = None,
    storing: Annotated[bool, Flag()] = False,
    floor: Annotated[int, Count(low=0)] = 0,
    dt: TimeStep = 1.0,
    integrator: Annotated[Integrator, Choice(*INTEGRATORS)] = "spinnaker",
) -> Race:
    """Choose cells, weights and ticks for overlaps from `floor` to `most`.

    Parameters
    ----------
    most : int
        Largest overlap that is told apart.
    largest : int, optional
        Most active inputs of a mac. Default: `most`.
    fan_in : int
        Most synapses of a cell from its inputs.
    muted : int, optional
        Most active inputs of a mac that is not active. Default: `largest`.
    storing : bool
        Whether the inputs of a frame come again while it runs, as they do when it is stored.
    floor : int
        Smallest overlap with which a cell still fires.
    dt, integrator
        As :func:`spikemem.simulate`.

    Returns
    -------
    Race

    Raises
    ------
    UnsupportedError
        Too many inputs for the numbers of SpiNNaker.

    Examples
    --------
    >>> made = race(20)
    >>> [made.tick(20), made.tick(19), made.tick(0)]
    [0, 1, 20]
    >>> made.overlap(np.array([0, 1, 20])).tolist()
    [20, 19, 0]
    """
    lag = 0 if integrator == "spinnaker" else 1
    hop, delay = 1 + lag, 3 + 2 * lag
    first = 2 * delay if storing else 0
    length = first + hop * most + (10 * delay if storing else delay)
    full = max(most, largest or most)
    hushed = full if muted is None else min(muted, full)
    for slow in SLOW:
        tau = _held(slow * length)
        weights = _weights(most, full, hushed, storing, math.exp(-length / tau))
        # Without a refractory time a cell that fires second does not miss the winner's inhibition.
        unit = _unit(weights[-1] + 2 * most + fan_in)
        plain = counter(most + 1.0, unit=unit, tau_m=tau * dt, dt=dt, integrator=integrator)
        cell = replace(plain, tau_refrac=0.0)
        reach = float(cell.v_thresh) - float(cell.v_rest)
        if weights[-1] * reach / (most + 1) * tau <= LARGEST_DRIVE or integrator == "exact":
            break
    else:
        raise UnsupportedError(
            f"race: a mac can have about {MOST_ACTIVE} active inputs in the spiking form, and "
            f"fewer where images are stored, got {full}; use a smaller radius or max_active."
        )
    veto, mute, reset = (unit * weight for weight in weights)
    ticks = _ticks(unit, most, max(most - floor, 0) + 1, math.exp(-1.0 / tau), first, hop)
    return Race(most=most, cell=cell, unit=unit, lag=lag, delay=delay, first_tick=first,
                ticks=ticks, veto=veto, mute=mute, reset=reset)  # fmt: skip


def _held(longest: float) -> float:
    """Time constant of at most about so many steps whose decay SpiNNaker computes right.

    It holds the decay in steps of 2**-15, and rounds ``exp(-n / 2**15)`` to ``1 - (n + 1) / 2**15``
    up to n = 40.
    """
    lost = math.ceil(2.0**15 / longest)
    if lost <= 40:
        return 2.0**15 / lost * 1.0003
    return -1.0 / math.log1p(-max(lost, 50) / 2.0**15)


def _unit(total: float) -> float:
    """Weight of a unit for cells whose excitatory weights add up to so many units."""
    fitting = [unit for unit in UNITS if unit * total + sum(PACES) <= MOST_AT_ONCE]
    return fitting[0] if fitting else UNITS[-1]


def _weights(most: int, full: int, hushed: int, storing: bool, kept: float) -> tuple[int, int, int]:
    """Inhibition by a winner, of a mac, and the reset, in units.

    `kept` is what is left of a potential at the end of a frame.
    """
    # The ticks of a race raise a cell by at most its threshold; what is stored comes twice more,
    # and a kick brings one threshold.
    extra = 2 * full + most + 2 if storing else 0
    veto = math.ceil((most + 2 + extra) / kept) + 2
    mute = math.ceil((most + 2 + hushed + extra) / kept) + 2
    return veto, mute, mute + most + 3


def _ticks(
    unit: float, most: int, n_ticks: int, hold: float, first: int, hop: int
) -> NDArray[np.bool_]:
    """Cells of the pacemaker that fire at each tick.

    At tick j the cell of overlap ``most - j`` shall be half a unit above the threshold of
    ``most + 1``, and the next one half a unit below it: with P the potential that the ticks have
    built up and a the fraction that is left of the inputs, ``P = most + 1 - a * (most - j - 1/2)``.
    """
    weights = np.array(PACES)
    fires = np.zeros((n_ticks, weights.size), dtype=np.bool_)
    built = 0.0
    for j in range(n_ticks):
        built *= hold**hop
        wanted = most + 1 - hold ** (first + hop * j) * (most - j - 0.5)
        left = int(max(round((wanted - built) * unit), 0))
        built += left / unit
        for k, weight in enumerate(weights):
            fires[j, k] = left >= weight
            left -= int(weight) * int(fires[j, k])
    return fires
