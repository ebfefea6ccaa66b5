"""Rules about everything that the machine refuses or silently changes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from ...cells import STDP
from ...problem import LEVELS, Problem
from . import ranges
from .arithmetic import RING_MAX
from .gating import gating_is_redundant
from .machine_layout import MAX_ROW, MAX_ROW_PLASTIC, shortened
from .rule import RULES, Finding, Level, Rule, problems_of, rule
from .view import View

__all__ = ["RANGES", "RULES", "Finding", "Level", "Rule", "find_problems"]

RANGES = ranges.RANGES

GOOD_STEP = 20.0
"""Weight change, in steps, below which learning differs from floating point by more than 2 %."""

CHIP_SDRAM = 117 * 2**20
CORES_PER_CHIP, CHIPS_PER_BOARD = 16, 48
LARGEST = ranges.LARGEST


@rule("one rule per population", "error", "a core has one set of STDP tables and amplitudes")
def _one_rule(view: View) -> Iterator[Finding]:
    first: dict[str, tuple[str, list[float]]] = {}
    for item in view.plastic:
        values = [getattr(item.plasticity, name) for name in STDP.units]
        name, first_values = first.setdefault(item.post, (item.name, values))
        if first_values != values:
            yield Finding(
                f"projection {item.name!r}",
                f"its plasticity differs from that of {name!r} onto the same population",
                f"give both the same plasticity, or split population {item.post!r}",
            )


@rule("row too long", "error", "a row of synapses of one source onto one core has 256 words")
def _rows(view: View) -> Iterator[Finding]:
    for item in view.used:
        most, longest = MAX_ROW_PLASTIC if item.plasticity else MAX_ROW, view.longest_row(item)
        if longest > most:
            yield Finding(
                f"projection {item.name!r}",
                f"one source has {longest} synapses onto one core; at most {most} are possible",
                "use fewer synapses between the same two cells, or split the projection",
            )


@rule("weight lost", "error", "all weights of a receptor share one step, which their sum requires")
def _weight_lost(view: View) -> Iterator[Finding]:
    for item in view.used:
        meant, loaded = view.weights(item)
        if item.plasticity is None and np.any(loaded == 0):
            yield Finding(
                f"projection {item.name!r}",
                f"a weight of {meant[loaded == 0].max():g} nA becomes 0: the steps of "
                f"{item.receptor} weights onto {item.post!r} are {view.lsb(item):g} nA "
                f"(shift {view.shift(item)})",
                "make the strongest weights, or the number of synapses, onto this receptor smaller",
            )


@rule("weight rounded", "warning", "weights are whole numbers of steps")
def _weight_rounded(view: View) -> Iterator[Finding]:
    for item in view.used:
        meant, loaded = view.weights(item)
        if item.plasticity is not None:
            law = item.plasticity
            kept = np.floor(law.w_max / view.lsb(item)) * view.lsb(item)
            meant, loaded = np.append(meant, law.w_max), np.append(loaded, kept)
        error = np.abs(loaded - meant) / np.maximum(meant, 1e-300)
        if not error.size or error.max() <= 0.01 or np.any((loaded == 0) & (meant > 0)):
            continue
        worst = int(error.argmax())
        yield Finding(
            f"projection {item.name!r}",
            f"a weight of {meant[worst]:g} nA becomes {loaded[worst]:g} nA (steps of "
            f"{view.lsb(item):g} nA, shift {view.shift(item)})",
            "choose multiples of the step, or make the largest input to this receptor smaller",
            "note" if error.max() <= 0.05 else None,
        )


@rule("learning step", "warning", "a change below one step of the weight is lost or rounded")
def _learning_step(view: View) -> Iterator[Finding]:
    for item in view.plastic:
        law = item.plasticity
        assert law is not None
        for name, (change, n) in view.learning_steps(item).items():
            if n >= GOOD_STEP:
                continue
            at_once = change >= law.w_max - law.w_min
            yield Finding(
                f"projection {item.name!r}",
                f"{name}: one pair of spikes changes a weight by at most {change:g} nA, which is "
                f"{n:.2g} steps of {view.lsb(item):g} nA (shift {view.shift(item)})",
                f"aim at {GOOD_STEP:g} steps: use fewer or weaker synapses onto the "
                f"{item.receptor} receptor of {item.post!r}, a larger {name}, or a smaller "
                f"smallest_step",
                "error" if n < view.smallest_step and not at_once else None,
            )


# Below 1 ms such a network also depends on the order in which packets arrive, since a core for
# synapses learns of post-synaptic spikes by packets.
@rule("plastic delay of a whole ring", "error", "its delay counts as 0, and its spikes are dropped")
def _lost_delay(view: View) -> Iterator[Finding]:
    for item in view.plastic:
        slots = view.slots(item)
        lost = [d for d in view.delays(item) if d % slots == 0]
        if lost:
            yield Finding(
                f"projection {item.name!r}",
                f"a delay of {lost[0] * view.dt:g} ms is as long as the ring buffer of "
                f"{item.post!r} ({slots} steps)",
                f"make it one step shorter, or make another delay onto {item.post!r} longer",
            )


@rule("unseen spikes", "error", "below 1 ms their spikes change no weight")
def _unseen_spikes(view: View) -> Iterator[Finding]:
    """Below 1 ms a core for synapses drops all spikes that have no synapse on it."""
    for name in sorted({item.post for item in view.plastic}):
        unseen = np.flatnonzero(view.counted(name) == 0)
        if len(unseen):
            yield Finding(
                f"population {name!r}",
                f"it has a projection onto itself, and {len(unseen)} of its cells (the first is "
                f"{unseen[0]}) have no synapse onto the cells of their own core, or only one whose "
                f"delay is longer than the ring buffer",
                "add such a synapse to each of them, leave out the recurrent projections, or use "
                "dt = 1 ms",
            )


@rule("repeated spikes", "error", "below 1 ms each spike counts as several spikes")
def _repeated_spikes(view: View) -> Iterator[Finding]:
    """Below 1 ms a core for synapses counts a spike once for each table of synapses."""
    for name in sorted({item.post for item in view.plastic}):
        most = int(view.counted(name).max(initial=0))
        if most > 1:
            yield Finding(
                f"population {name!r}",
                f"it has {most} projections onto itself, and its spikes count {most} times",
                "merge these projections into one, or use dt = 1 ms",
            )


@rule("plasticity windows", "error", "the machine cannot switch plasticity on and off")
def _windows(view: View) -> Iterator[Finding]:
    for item in view.plastic:
        law = item.plasticity
        if law is None or law.enabled is None:
            continue
        redundant = gating_is_redundant(law, view.dt)
        what = "its windows are ignored, so that weights change at any time"
        if redundant:
            what += "; its traces are 0 two steps after a spike, so that only pairs of spikes in "
            what += "the same or in the next step can change a weight outside the windows"
        yield Finding(
            f"projection {item.name!r}",
            what,
            "run the network without windows on another backend and compare, or leave them out",
            "warning" if redundant else None,
        )


@rule("longer than the ring", "note", "longer delays go through delay cores")
def _long_delay(view: View) -> Iterator[Finding]:
    for item in view.used:
        slots, longest = view.slots(item), int(view.delays(item).max())
        if longest > slots:
            plastic = item.plasticity is not None
            extra = "; the delay beyond is axonal for plasticity" if plastic else ""
            yield Finding(
                f"projection {item.name!r}",
                f"a delay of {longest * view.dt:g} ms needs delay cores: the ring buffers of "
                f"{item.post!r} hold {slots} steps{extra}",
                "shorten it if cores are scarce",
                "warning" if plastic else None,
            )


@rule("input overflows", "warning", "the sum of a step has 32 bits; a larger sum changes its sign")
def _overflow(view: View) -> Iterator[Finding]:
    for population in view.cells:
        for receptor in ("excitatory", "inhibitory"):
            inputs = list(view.fan_in(population, receptor))
            if not inputs or view.largest_sum(population, receptor) < LARGEST:
                continue
            top = max(float(np.max(item.weight)) for item, _ in inputs)
            most = int(LARGEST // top) if top else 0
            yield Finding(
                f"population {population.name!r}",
                f"{receptor} weights of one step may add up to "
                f"{view.largest_sum(population, receptor):g} nA; more than {most} of the "
                f"strongest ({top:g} nA) at once exceed 65536 nA, and the sum changes its sign",
                "make the strongest weights smaller",
            )


@rule("input saturates", "note", "a ring buffer made for a Poisson process of 30 Hz has 16 bits")
def _saturates(view: View) -> Iterator[Finding]:
    for population in view.cells:
        for side, receptor in enumerate(("excitatory", "inhibitory")):
            room = RING_MAX * 2.0 ** (view.shifts[population.name][side] - 15)
            total = view.largest_sum(population, receptor)
            if total > room:
                yield Finding(
                    f"population {population.name!r}",
                    f"{receptor} weights of one step may add up to {total:g} nA; above {room:g} "
                    f"nA they saturate",
                    "spread the spikes over time, or request a larger shift",
                )


@rule("reset above threshold", "error", "the threshold also applies while a cell is refractory")
def _high_reset(view: View) -> Iterator[Finding]:
    for population in view.cells:
        if np.any(np.asarray(population.lif.v_reset) >= np.asarray(population.lif.v_thresh)):
            yield Finding(
                f"population {population.name!r}",
                "v_reset is not below v_thresh: cells fire in every step, refractory or not",
                "lower v_reset",
            )


@rule("delay shortened", "note", "the machine rounds down the product of delay and steps per ms")
def _shortened(view: View) -> Iterator[Finding]:
    for item in view.used:
        made = shortened(item, view.dt)
        if made is not None:
            meant, n = int(view.delays(item)[0]), view.network.count(item.name)
            yield Finding(
                f"projection {item.name!r}",
                f"a delay of {meant * view.dt:g} ms would become {made} steps instead of {meant}; "
                f"it is therefore exported as a list of {n} synapses, which the host loads "
                f"(at least {4 * n / 2**20:.2g} MiB)",
                "if loading takes too long, use another delay, such as 0.5 ms",
            )


@rule("recorded weights", "error", "weights stay in the machine's memory during a run")
def _recorded_weights(view: View) -> Iterator[Finding]:
    for item in view.plastic:
        if item.record:
            yield Finding(
                f"projection {item.name!r}",
                "weights cannot be recorded in every step; they are read at the end only",
                "leave out record=('weight',), and apply the rule to the recorded spikes",
            )


@rule("short history", "note", "a cell remembers its last 15 spikes for its plastic synapses")
def _history(view: View) -> Iterator[Finding]:
    split = "; below 1 ms the order of packets decides whether a spike of the same step already "
    split += "counts as one of the 15"
    for post in sorted({item.post for item in view.plastic}):
        yield Finding(
            f"population {post!r}",
            "weights change at the next spike of their source; if a cell has fired more than 15 "
            f"times since the source's last spike, its oldest spikes are forgotten"
            f"{split * (view.dt < 1.0)}",
            "let sources fire again soon after the spikes to be learnt",
        )


@rule("small steps of time", "note", "below 1 ms neurons and synapses are on separate cores")
def _small_dt(view: View) -> Iterator[Finding]:
    if view.dt < 1.0:
        yield Finding(
            "network",
            f"dt = {view.dt:g} ms: separate cores compute what one core does, except for the "
            f"problems listed for plastic synapses; the machine may not keep up with real time",
            "use dt = 1 ms",
        )


@rule("silent source", "note", "sPyNNaker warns about a source without spikes")
def _silent(view: View) -> Iterator[Finding]:
    for population in view.network.populations:
        if population.is_source and not len(population.source):
            yield Finding(f"population {population.name!r}", "it never fires", "leave it out")


@rule("size of the machine", "note", "a board has 48 chips of 16 cores and 117 MiB")
def _size(view: View) -> Iterator[Finding]:
    cores = sum(view.cores(population) for population in view.network.populations)
    largest = 0
    for population in view.cells:
        here = [view.sdram(item) for item in view.used if item.post == population.name]
        largest = max(largest, sum(here))
        if sum(here) > CHIP_SDRAM:
            yield Finding(
                f"population {population.name!r}",
                f"the synapses onto one of its cores need about {sum(here) / 2**20:.0f} MiB; a "
                f"chip has {CHIP_SDRAM / 2**20:.0f} MiB",
                "use fewer synapses, or spread the population over more cores",
                "error",
            )
    boards = -(-cores // (CORES_PER_CHIP * CHIPS_PER_BOARD))
    yield Finding(
        "network",
        f"about {cores} cores on {boards} board(s), at most {largest / 2**20:.1f} MiB of synapses "
        f"on a core",
        "map_network returns the exact figures",
    )


def find_problems(view: View, names: Iterable[str] = ()) -> list[Problem]:
    """Return the problems that the named rules (default: all) find, the most serious first.

    If a number is out of range, only such problems are reported, since the other rules cannot be
    computed.
    """
    problems = problems_of(view, RANGES)
    if not problems:
        problems = problems_of(view, [name for name in names or RULES if name not in RANGES])
    return sorted(problems, key=lambda problem: LEVELS.index(problem.level))
