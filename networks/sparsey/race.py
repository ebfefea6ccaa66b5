"""The race of a competitive module: cells that count, on the target's grid of time.

Every active input adds one unit to the potential of a cell, and so does, nearly, each tick of a
pacemaker. A cell with `u` active synapses therefore reaches threshold about ``n - u`` ticks after
the first one: the first spike of a module tells which of its cells has the largest overlap, and
when it comes tells how large that is. Units and ticks are chosen so that two cells whose overlaps
differ never fire at the same tick.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...backends.contract import Integrator
from ...cells import LIF
from ...checks import Choice, Count, Flag, Indices, Optional, Quantity, checked
from ...errors import UnsupportedError
from ...frozen import Frozen
from ...simulation import INTEGRATORS

__all__ = ["MOST_ACTIVE", "Race", "counter", "detector", "race"]

REST, REACH = -65.0, 5.0
"""Resting potential, and the least distance from it to the threshold, mV."""

SMALLEST_UNIT = 0.05
"""Least change of potential for one unit, mV: more than 1600 steps of SpiNNaker's numbers."""

SWIFT = 0.1
"""Decay of the synaptic currents in steps: a spike acts in the step in which it arrives."""

FORGETS = 0.25
"""Membrane time constant of a detector in steps: what is left after a step is less than 2 %."""

LARGEST_DRIVE = 5e4
"""Most of a synaptic current times the resistance, mV; SpiNNaker's numbers end at 65536."""

SLOW = 16.0
"""Membrane time constant of a cell in units of the largest overlap, in steps."""

LEAST_MARGIN = 0.1
"""By how much of a unit one overlap misses the threshold at the tick of the next larger one."""

MOST_ACTIVE = 300
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
        The counting cell; one input of 1 nA is one unit.
    pace : float
        Weight of a tick, nA.
    threshold : float
        Of the cell, in units.
    lag : int
        Steps from the arrival of a spike to the spike that it causes: 0, or 1 with "exact".
    delay : int
        Of the spikes that excite the cells, in steps.
    first_tick : int
        Arrival of the first tick after that of the inputs, in steps.
    levels : ndarray of float64, shape (n_ticks,)
        Overlap that just reaches the threshold at each tick; falls from tick to tick.
    veto : float
        Inhibition of a module by its winner, nA.
    mute : float
        Inhibition of a mac that is not active, nA.
    reset : float
        What makes every cell fire at the end of a frame, nA.
    """

    most: int
    cell: LIF
    pace: float
    threshold: float
    lag: int
    delay: int
    first_tick: int
    levels: NDArray[np.float64]
    veto: float
    mute: float
    reset: float

    @property
    def hop(self) -> int:
        """Steps from tick to tick: those that a spike takes from cell to cell."""
        return 1 + self.lag

    @property
    def n_ticks(self) -> int:
        """Ticks after which a cell without active synapses fires too."""
        return int(self.levels.size)

    @checked
    def tick(self, overlap: Annotated[int, Count(low=0)]) -> int:
        """Tick at which a cell with this overlap fires, from 0.

        Raises
        ------
        DescriptionError
            Not a whole number.
        """
        return int(np.argmax(self.levels <= min(overlap, self.most)))

    @checked
    def overlap(self, ticks: Annotated[NDArray[np.int64], Indices()]) -> NDArray[np.int64]:
        """Overlap of cells that fire at these ticks: the inverse of :meth:`tick`, in closed form.

        Raises
        ------
        DescriptionError
            Not ticks of the race.
        """
        return overlaps_at(self, ticks)


def overlaps_at(race: Race, ticks: NDArray[np.int64]) -> NDArray[np.int64]:
    """Smallest whole overlap that reaches the threshold at each tick."""
    kept = np.clip(ticks, 0, race.n_ticks - 1)
    found = np.ceil(race.levels[kept] - 1e-9)
    return np.clip(found, 0, race.most).astype(np.int64)


def _gain(cell: LIF, dt: float, integrator: str) -> float:
    """Change of potential by a spike of 1 nA, in the step in which it arrives, mV."""
    hold, fade = math.exp(-dt / float(cell.tau_m)), math.exp(-dt / float(cell.tau_syn_E))
    if integrator == "spinnaker":
        return float(cell.tau_syn_E) / dt * (1 - fade) * float(cell.tau_m) * (1 - hold)
    tau_m, tau_s = float(cell.tau_m), float(cell.tau_syn_E)
    return tau_s * tau_m / (tau_m - tau_s) * (hold - fade)


def _cell(tau_m: float, reach: float, units: float, dt: float, integrator: str) -> LIF:
    """Cell whose threshold is `units` spikes of 1 nA that arrive at once."""
    plain = LIF(
        tau_m=tau_m, cm=1.0, tau_syn_E=SWIFT * dt, tau_syn_I=SWIFT * dt, v_rest=REST,
        v_reset=REST, v_thresh=REST + reach, tau_refrac=dt,
    )  # fmt: skip
    return LIF(**{**_fields(plain), "cm": _gain(plain, dt, integrator) * units / reach})


def _fields(cell: LIF) -> dict[str, Any]:
    return {name: getattr(cell, name) for name in LIF.units}


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
    tau_m: Annotated[float, Quantity("ms", above=0.0)],
    dt: TimeStep = 1.0,
    integrator: Annotated[Integrator, Choice(*INTEGRATORS)] = "spinnaker",
) -> LIF:
    """Cell that adds up the spikes of several steps, and fires at `units` of them.

    Parameters
    ----------
    units : float
        Threshold, in spikes of 1 nA.
    tau_m : float
        Membrane time constant, ms.
    dt, integrator
        As :func:`spikemem.simulate`.
    """
    return _cell(tau_m, max(REACH, SMALLEST_UNIT * units), units, dt, integrator)


def _leak(most: int, strength: float, integrator: str) -> tuple[float, float] | None:
    """Membrane time constant in units of `most` steps, and weight of a tick in units."""
    for slow in (SLOW, 12.0, 8.0, 6.0, 5.0, 4.0, 3.0, 2.5):
        drive = strength * max(REACH / most, SMALLEST_UNIT) * most * slow * most
        if drive <= LARGEST_DRIVE or integrator == "exact":
            loss = (1.0 if integrator == "spinnaker" else 2.0) / slow
            for pace in np.arange(14, 4, -1) / 16.0:
                # At the last tick a unit has shrunk to 1 - loss / pace; the growth is pace - loss.
                if (1 - loss / pace) - (pace - loss) >= LEAST_MARGIN:
                    return slow, float(pace)
    return None


@checked
def race(
    most: Annotated[int, Count()],
    *,
    largest: Annotated[int | None, Optional(Count())] = None,
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
    storing : bool
        Whether the inputs of a frame can come again while it runs, as they do when it is stored.
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
    [0, 1, 23]
    >>> made.overlap(np.array([0, 1, 23])).tolist()
    [20, 19, 0]
    """
    # Ticks add up to a little more than `most`; what is stored comes twice more.
    full = max(most, largest or most)
    extra = 2 if storing else 0
    veto = math.ceil(1.3 * most) + 3 + extra * full
    mute = veto + (1 + extra) * full
    reset = mute + 2 * most + 3
    lag = 0 if integrator == "spinnaker" else 1
    hop = 1 + lag
    found = _leak(most, reset / most, integrator) if most <= 4 * MOST_ACTIVE else None
    if found is None:
        raise UnsupportedError(
            f"race: a mac can have at most about {MOST_ACTIVE} active inputs in the spiking form "
            f"(fewer where patterns are stored), got {most}; use a smaller radius or max_active."
        )
    slow, pace = found
    delay = 3 + 2 * lag
    first = 2 * delay if storing else 0
    cell = counter(most, tau_m=slow * most * dt, dt=dt, integrator=integrator)
    threshold, levels = _threshold(most, floor, pace, math.exp(-1.0 / (slow * most)), first, hop)
    cell = LIF(**{**_fields(cell), "v_thresh": REST + threshold * _unit(cell, most)})
    return Race(
        most=most, cell=cell, pace=pace, threshold=threshold, lag=lag, delay=delay,
        first_tick=first, levels=levels, veto=float(veto), mute=float(mute), reset=float(reset),
    )  # fmt: skip


def _unit(cell: LIF, most: int) -> float:
    return (float(cell.v_thresh) - float(cell.v_rest)) / most


def _threshold(
    most: int, floor: int, pace: float, hold: float, first: int, hop: int
) -> tuple[float, NDArray[np.float64]]:
    """Threshold in units that no overlap comes near to, and the overlap that reaches it."""
    best, found = -1.0, (0.0, np.empty(0))
    full = most * hold**first
    for threshold in full + pace * np.linspace(0.2, 0.8, 121):
        levels = _levels(threshold, floor, pace, hold, first, hop)
        whole = np.arange(floor, most + 1)
        margin = float(np.abs(levels[:, None] - whole[None, :]).min())
        if margin > best and levels[0] <= most:
            best, found = margin, (float(threshold), levels)
    return found


def _levels(
    threshold: float, floor: int, pace: float, hold: float, first: int, hop: int
) -> NDArray[np.float64]:
    """Overlap that just reaches the threshold at each tick, until that of `floor` does."""
    levels: list[float] = []
    ticks = 0.0
    while not levels or levels[-1] > floor:
        ticks = ticks * hold**hop + pace
        levels.append((threshold - ticks) / hold ** (first + hop * len(levels)))
    return np.array(levels)
