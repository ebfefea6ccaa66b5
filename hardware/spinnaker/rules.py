"""What the machine refuses or silently changes: one rule each, found in a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from ...cells import LIF, STDP
from ..pynn.gating import gating_is_redundant
from .arithmetic import ONE, RING_MAX, s1615
from .layout import MAX_ROW, MAX_ROW_PLASTIC
from .view import View

__all__ = ["RULES", "Finding", "Level", "Rule"]

Level = Literal["error", "warning", "note"]

GOOD_STEP = 20.0
"""Steps of the weight below which learning drifts from floating point by more than about 2 %."""

CHIP_SDRAM = 117 * 2**20
CORES_PER_CHIP, CHIPS_PER_BOARD = 16, 48
LARGEST = 65536.0


class Finding(NamedTuple):
    """One case of a rule: where, what, what helps, and a level other than the rule's."""

    where: str
    what: str
    remedy: str
    level: Level | None = None


Find = Callable[[View], Iterator[Finding]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Something that the machine refuses or changes.

    Parameters
    ----------
    level : {"error", "warning", "note"}
        "error": refused, or the result is meaningless; "warning": the result differs; "note":
        worth knowing.
    reason : str
        Why the machine does so.
    find : callable
        Gives each case in a network.
    """

    level: Level
    reason: str
    find: Find


RULES: dict[str, Rule] = {}
"""Everything that :func:`spikemem.check` looks for, by name."""


def _rule(name: str, level: Level, reason: str) -> Callable[[Find], Find]:
    def enter(find: Find) -> Find:
        RULES[name] = Rule(level=level, reason=reason, find=find)
        return find

    return enter


@_rule("one rule per population", "error", "a core has one set of STDP tables and amplitudes")
def _one_rule(view: View) -> Iterator[Finding]:
    first: dict[str, tuple[str, list[float]]] = {}
    for item in view.plastic:
        values = [getattr(item.plasticity, name) for name in STDP.units]
        name, known = first.setdefault(item.post, (item.name, values))
        if known != values:
            yield Finding(
                f"projection {item.name!r}",
                f"its plasticity differs from that of {name!r} into the same population",
                f"give both the same plasticity, or split population {item.post!r}",
            )


@_rule("row too long", "error", "a row of synapses of one source onto one core has 256 words")
def _rows(view: View) -> Iterator[Finding]:
    for item in view.used:
        most, longest = MAX_ROW_PLASTIC if item.plasticity else MAX_ROW, view.longest_row(item)
        if longest > most:
            yield Finding(
                f"projection {item.name!r}",
                f"one source has {longest} synapses onto one core, at most {most} are possible",
                "use fewer synapses between the same two cells, or split the projection",
            )


@_rule("number out of range", "error", "numbers are s16.15: below 65536, in steps of 2**-15")
def _range(view: View) -> Iterator[Finding]:
    for population in view.cells:
        where = f"population {population.name!r}"
        values = {name: population.lif.array(name, population.size) for name in LIF.units}
        for name, array in values.items():
            if np.abs(array).max() >= LARGEST:
                yield Finding(where, f"{name} reaches {np.abs(array).max():g}", "rescale")
            if name in LIF.positive and s1615(array).min() == 0:
                yield Finding(
                    where, f"{name} = {array.min():g} becomes 0 on the machine", f"raise {name}"
                )
        resistance = values["tau_m"] / values["cm"]
        if resistance.max() >= LARGEST:
            yield Finding(
                where, f"tau_m / cm = {resistance.max():g} MΩ overflows", "raise cm, scale weights"
            )
    for item in view.used:
        rule = item.plasticity
        top = max(rule.w_max, rule.a_plus, rule.a_minus) if rule else float(np.max(item.weight))
        if top >= LARGEST:
            yield Finding(f"projection {item.name!r}", f"{top:g} nA", "rescale cm and weights")


@_rule("weight beyond 16 bit", "error", "weights have 16 bits, what is above is cut off")
def _too_heavy(view: View) -> Iterator[Finding]:
    for item in view.used:
        top = float(np.max(item.weight))
        top = max(top, item.plasticity.w_max) if item.plasticity else top
        if top / view.lsb(item) > RING_MAX + 0.5:
            yield Finding(
                f"projection {item.name!r}",
                f"weights reach {top:g} nA, and a shift of {view.shift(item)} allows "
                f"{RING_MAX * view.lsb(item):g} nA",
                f"raise the shift of {item.post!r}, or leave it to sPyNNaker",
            )


@_rule("weight lost", "error", "all weights of a receptor share steps as large as its total needs")
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


@_rule("weight rounded", "warning", "weights are whole steps")
def _weight_rounded(view: View) -> Iterator[Finding]:
    for item in view.used:
        meant, loaded = view.weights(item)
        if item.plasticity is not None:
            rule = item.plasticity
            kept = np.floor(rule.w_max / view.lsb(item)) * view.lsb(item)
            meant, loaded = np.append(meant, rule.w_max), np.append(loaded, kept)
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


@_rule("learning step", "warning", "a change below one step of the weight is lost or rounded")
def _learning_step(view: View) -> Iterator[Finding]:
    for item in view.plastic:
        rule = item.plasticity
        assert rule is not None
        for name, (change, n) in view.learning_steps(item).items():
            if n >= GOOD_STEP:
                continue
            at_once = change >= rule.w_max - rule.w_min
            yield Finding(
                f"projection {item.name!r}",
                f"{name}: one pair of spikes changes a weight by at most {change:g} nA, which is "
                f"{n:.2g} steps of {view.lsb(item):g} nA (shift {view.shift(item)})",
                f"aim at {GOOD_STEP:g} steps: fewer or weaker synapses onto the {item.receptor} "
                f"receptor of {item.post!r}, a larger {name}, or allow a smaller smallest_step",
                "error" if n < view.smallest_step and not at_once else None,
            )


@_rule(
    "plastic delay of a whole ring", "error", "its delay counts as 0, and its spikes are dropped"
)
def _lost_delay(view: View) -> Iterator[Finding]:
    for item in view.plastic:
        slots = view.slots(item)
        lost = [d for d in view.delays(item) if d % slots == 0]
        if lost:
            yield Finding(
                f"projection {item.name!r}",
                f"a delay of {lost[0] * view.dt:g} ms is as long as the ring buffer of "
                f"{item.post!r} ({slots} steps)",
                f"make it a step shorter, or another delay into {item.post!r} longer than it",
            )


@_rule("plasticity windows", "error", "plasticity can't be switched on the machine")
def _windows(view: View) -> Iterator[Finding]:
    for item in view.plastic:
        rule = item.plasticity
        if rule is None or rule.enabled is None:
            continue
        redundant = gating_is_redundant(rule, view.dt)
        what = "its windows are ignored, weights change at any time"
        if redundant:
            what += "; its traces are 0 two steps after a spike, so that only pairs of spikes in "
            what += "the same or in the next step can change a weight outside the windows"
        yield Finding(
            f"projection {item.name!r}",
            what,
            "run the network without windows on another backend and compare, or leave them out",
            "warning" if redundant else None,
        )


@_rule("longer than the ring", "note", "longer delays go through delay cores")
def _long_delay(view: View) -> Iterator[Finding]:
    for item in view.used:
        slots, longest = view.slots(item), int(view.delays(item).max())
        if longest > slots:
            plastic = item.plasticity is not None
            extra = ", and what is above is axonal for its plasticity" if plastic else ""
            yield Finding(
                f"projection {item.name!r}",
                f"a delay of {longest * view.dt:g} ms needs delay cores: the ring buffers of "
                f"{item.post!r} hold {slots} steps{extra}",
                "shorten it if cores are scarce",
                "warning" if plastic else None,
            )


@_rule("input overflows", "warning", "the sum of a step is a 32-bit number; above, its sign flips")
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
                f"strongest ({top:g} nA) at once overflow 65536 nA and turn into the opposite",
                "make the strongest weights smaller",
            )


@_rule("input saturates", "note", "a ring buffer made for a Poisson process of 30 Hz has 16 bits")
def _saturates(view: View) -> Iterator[Finding]:
    for population in view.cells:
        for side, receptor in enumerate(("excitatory", "inhibitory")):
            room = RING_MAX * 2.0 ** (view.shifts[population.name][side] - 15)
            total = view.largest_sum(population, receptor)
            if total > room:
                yield Finding(
                    f"population {population.name!r}",
                    f"{receptor} weights of one step may add up to {total:g} nA, above {room:g} "
                    f"nA they saturate",
                    "spread the spikes, or ask for a larger shift",
                )


@_rule("reset above threshold", "error", "the machine compares the potential while refractory too")
def _high_reset(view: View) -> Iterator[Finding]:
    for population in view.cells:
        if np.any(np.asarray(population.lif.v_reset) >= np.asarray(population.lif.v_thresh)):
            yield Finding(
                f"population {population.name!r}",
                "v_reset is not below v_thresh: it fires in every step, refractory or not",
                "lower v_reset",
            )


@_rule("parameter rounded", "note", "parameters are s16.15")
def _rounded(view: View) -> Iterator[Finding]:
    for population in view.cells:
        for name in LIF.positive:
            meant = population.lif.array(name, population.size)
            error = np.abs(s1615(meant) / ONE - meant) / meant
            if error.max() > 1e-3 and s1615(meant).min() > 0:
                k = int(error.argmax())
                yield Finding(
                    f"population {population.name!r}",
                    f"{name} = {meant[k]:g} becomes {s1615(meant[k]) / ONE:g}",
                    "scale cm and the weights up together" if name == "cm" else f"raise {name}",
                    "warning" if error.max() > 0.02 else None,
                )


@_rule("recorded weights", "warning", "weights stay in the memory of the machine while it runs")
def _recorded_weights(view: View) -> Iterator[Finding]:
    for item in view.plastic:
        if item.record:
            yield Finding(
                f"projection {item.name!r}",
                "weights can't be recorded in every step, only read at the end",
                "replay the rule on the recorded spikes",
            )


@_rule("short history", "note", "a cell remembers its last 15 spikes for its plastic synapses")
def _history(view: View) -> Iterator[Finding]:
    for post in sorted({item.post for item in view.plastic}):
        yield Finding(
            f"population {post!r}",
            "weights change at the next spike of their source; of more than 15 spikes of a cell "
            "since the source's last one, the oldest are forgotten",
            "let sources fire again soon after what they should learn",
        )


@_rule("small steps of time", "warning", "below 1 ms neurons and synapses are on separate cores")
def _small_dt(view: View) -> Iterator[Finding]:
    if view.dt < 1.0:
        yield Finding(
            "network",
            f"dt = {view.dt:g} ms: the order of plastic events in a step is not the one of "
            f"docs/semantics.md, and the machine may not keep up with real time",
            "use dt = 1 ms",
        )


@_rule("silent source", "note", "sPyNNaker warns of a source without spikes")
def _silent(view: View) -> Iterator[Finding]:
    for population in view.network.populations:
        if population.is_source and not len(population.source):
            yield Finding(
                f"population {population.name!r}", "it never fires", "leave it out if it never will"
            )


@_rule("size of the machine", "note", "a board has 48 chips of 16 cores and 117 MiB")
def _size(view: View) -> Iterator[Finding]:
    cores = sum(view.cores(population) for population in view.network.populations)
    largest = 0
    for population in view.cells:
        here = [view.sdram(item) for item in view.used if item.post == population.name]
        largest = max(largest, sum(here))
        if sum(here) > CHIP_SDRAM:
            yield Finding(
                f"population {population.name!r}",
                f"the synapses onto one of its cores need about {sum(here) / 2**20:.0f} MiB, a "
                f"chip has {CHIP_SDRAM / 2**20:.0f}",
                "use fewer synapses, or spread the population over more cores",
                "error",
            )
    boards = -(-cores // (CORES_PER_CHIP * CHIPS_PER_BOARD))
    yield Finding(
        "network",
        f"about {cores} cores on {boards} board(s), at most {largest / 2**20:.1f} MiB of synapses "
        f"on a core",
        "the exact figures come from map_network",
    )
