"""The race of a competitive module: counting cells, on the backend's time grid.

Every active input adds one unit to the potential of a cell, and the ticks of a pacemaker raise all
cells together. The ticks compensate the leak, so that a cell with `u` active synapses exceeds its
threshold, by half a unit, exactly ``n - u`` ticks after the first one. The first spike of a module
tells which of its cells has the largest overlap, and its time tells the size of this overlap.
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
"""Resting potential, and smallest distance from it to the threshold, mV."""

SMALLEST_UNIT = 0.05
"""Smallest change of potential by one unit, mV: more than 1600 steps of SpiNNaker's numbers."""

UNITS = (8.0, 4.0, 2.0)
"""Possible weights of one unit, nA; the largest one that leaves weight steps of 1 nA is used."""

MOST_AT_ONCE = 2.0**15
"""Largest sum of excitatory weights of a cell that SpiNNaker stores in steps of 1 nA."""

PACES = (32.0, 16.0, 8.0, 4.0, 2.0, 1.0)
"""Weights of the cells of the pacemaker, nA; a tick is the sum of the weights that fire."""

SWIFT = 0.1
"""Time constant of synaptic currents, steps; a spike acts only in its step of arrival."""

FORGETS = 0.25
"""Membrane time constant of a detector, steps; less than 2 % remains after a step."""

LARGEST_DRIVE = 6e4
"""Largest synaptic current times the resistance, mV; SpiNNaker's numbers end at 65536."""

SLOW = (16.0, 12.0, 8.0, 6.0, 4.0, 3.0, 2.0, 1.5)
"""Membrane time constants of a cell in units of the longest race."""

MOST_ACTIVE = 400
"""Approximate largest number of active inputs of a mac."""

TimeStep = Annotated[float, Quantity("ms", above=0.0)]


@dataclass(frozen=True, kw_only=True, eq=False)
class Race(Frozen):
    """Cells, weights and tick times of the race of a level.

    Attributes
    ----------
    most : int
        Largest overlap that is distinguished; larger ones also fire at the first tick.
    cell : LIF
        The counting cell.
    unit : float
        Weight of a synapse that adds one unit, nA.
    lag : int
        Steps from the arrival of a spike to the spike that it causes: 0, or 1 with "exact".
    delay : int
        Delay of the spikes that excite the cells, steps.
    first_tick : int
        Time from the arrival of the inputs to the arrival of the first tick, steps.
    ticks : ndarray of bool, shape (n_ticks, 6)
        Cells of the pacemaker that fire at each tick; their weights are :data:`PACES`.
    veto : float
        Inhibition of a module by its winner, nA.
    mute : float
        Inhibition of a mac that is not active, nA.
    reset : float
        Excitation that fires every cell at the end of a frame, nA.
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
        """Steps between ticks, which a spike takes from cell to cell."""
        return 1 + self.lag

    @property
    def n_ticks(self) -> int:
        """Number of ticks after which the cell of the smallest overlap fires."""
        return len(self.ticks)

    @checked
    def tick(self, overlap: Annotated[int, Count(low=0)]) -> int:
        """Return the tick at which a cell with this overlap fires, from 0.

        Raises
        ------
        DescriptionError
            If it is not a whole number.
        """
        return max(self.most - overlap, 0)

    @checked
    def overlap(self, ticks: Annotated[NDArray[np.int64], Indices()]) -> NDArray[np.int64]:
        """Return the overlap of cells that fire at these ticks: :attr:`most` minus the tick.

        Raises
        ------
        DescriptionError
            If the values are not ticks, counted from 0.
        """
        return np.asarray(np.clip(self.most - ticks, 0, self.most), dtype=np.int64)


def _gain(cell: LIF, dt: float, integrator: str) -> float:
    """Return the change of potential by a spike of 1 nA in its step of arrival, mV."""
    hold, fade = math.exp(-dt / float(cell.tau_m)), math.exp(-dt / float(cell.tau_syn_E))
    if integrator == "spinnaker":
        return float(cell.tau_syn_E) / dt * (1 - fade) * float(cell.tau_m) * (1 - hold)
    tau_m, tau_s = float(cell.tau_m), float(cell.tau_syn_E)
    return tau_s * tau_m / (tau_m - tau_s) * (hold - fade)


def _cell(tau_m: float, reach: float, units: float, dt: float, integrator: str) -> LIF:
    """Return a cell that fires if weights of `units` nA arrive at once."""
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
    """Return a cell that fires if at least `count` spikes of 1 nA arrive in one step.

    Parameters
    ----------
    count : float
        Threshold, in spikes; half a spike below a whole number has equal margins on both sides.
    dt, integrator
        As for :func:`spikemem.simulate`.

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
    """Return a cell that adds the spikes of several steps, and fires at `units` spikes.

    Parameters
    ----------
    units : float
        Threshold, in spikes.
    unit : float
        Weight of a spike, nA.
    tau_m : float
        Membrane time constant, ms.
    dt, integrator
        As for :func:`spikemem.simulate`.
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
    """Return cells, weights and ticks of a race for overlaps from `floor` to `most`.

    Parameters
    ----------
    most : int
        Largest overlap that is distinguished.
    largest : int, optional
        Largest number of active inputs of a mac. Default: `most`.
    fan_in : int
        Largest number of synapses of a cell from its inputs.
    muted : int, optional
        Largest number of active inputs of an inactive mac. Default: `largest`.
    storing : bool
        Whether the inputs repeat within a frame, which the storage of a frame needs.
    floor : int
        Smallest overlap with which a cell still fires.
    dt, integrator
        As for :func:`spikemem.simulate`.

    Returns
    -------
    Race

    Raises
    ------
    UnsupportedError
        If there are too many inputs for the numbers of SpiNNaker.

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
    muted_inputs = full if muted is None else min(muted, full)
    for slow in SLOW:
        tau = _representable_tau(slow * length)
        weights = _weights(most, full, muted_inputs, storing, math.exp(-length / tau))
        # Without a refractory time, a cell that fires second receives the winner's inhibition.
        unit = _unit(weights[-1] + 2 * most + fan_in)
        plain = counter(most + 1.0, unit=unit, tau_m=tau * dt, dt=dt, integrator=integrator)
        cell = replace(plain, tau_refrac=0.0)
        reach = float(cell.v_thresh) - float(cell.v_rest)
        if weights[-1] * reach / (most + 1) * tau <= LARGEST_DRIVE or integrator == "exact":
            break
    else:
        raise UnsupportedError(
            f"race: a mac can have about {MOST_ACTIVE} active inputs in the spiking form, and "
            f"fewer if images are stored, got {full}; use a smaller radius or max_active."
        )
    veto, mute, reset = (unit * weight for weight in weights)
    ticks = _ticks(unit, most, max(most - floor, 0) + 1, math.exp(-1.0 / tau), first, hop)
    return Race(most=most, cell=cell, unit=unit, lag=lag, delay=delay, first_tick=first,
                ticks=ticks, veto=veto, mute=mute, reset=reset)  # fmt: skip


def _representable_tau(longest: float) -> float:
    """Return a time constant of about `longest` steps or less that SpiNNaker represents well.

    SpiNNaker stores the decay in steps of 2**-15, and rounds ``exp(-n / 2**15)`` to
    ``1 - (n + 1) / 2**15`` up to n = 40.
    """
    lost = math.ceil(2.0**15 / longest)
    if lost <= 40:
        return 2.0**15 / lost * 1.0003
    return -1.0 / math.log1p(-max(lost, 50) / 2.0**15)


def _unit(total: float) -> float:
    """Return the weight of a unit for cells with a sum of excitatory weights of `total` units."""
    fitting = [unit for unit in UNITS if unit * total + sum(PACES) <= MOST_AT_ONCE]
    return fitting[0] if fitting else UNITS[-1]


def _weights(
    most: int, full: int, muted_inputs: int, storing: bool, remaining: float
) -> tuple[int, int, int]:
    """Return the inhibition by a winner, the inhibition of a mac, and the reset, in units.

    `remaining` is the fraction of a potential that remains at the end of a frame.
    """
    # The ticks of a race raise a cell by at most its threshold. In storage, the inputs repeat
    # twice, and a kick adds one threshold.
    extra = 2 * full + most + 2 if storing else 0
    veto = math.ceil((most + 2 + extra) / remaining) + 2
    mute = math.ceil((most + 2 + muted_inputs + extra) / remaining) + 2
    return veto, mute, mute + most + 3


def _ticks(
    unit: float, most: int, n_ticks: int, hold: float, first: int, hop: int
) -> NDArray[np.bool_]:
    """Return the cells of the pacemaker that fire at each tick.

    At tick j, the cell of overlap ``most - j`` must be half a unit above the threshold of
    ``most + 1``, and the next one half a unit below it. With the potential P from the ticks so far,
    and the fraction a of the inputs that remains, ``P = most + 1 - a * (most - j - 1/2)``.
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
