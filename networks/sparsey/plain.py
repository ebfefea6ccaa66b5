"""NumPy code of the levels, which follows :mod:`.selection` step by step; slow but readable."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .reading import dense_weights, weights_at
from .results import BOTTOM_UP, HORIZONTAL, TOP_DOWN
from .selection import Evidence, is_active, multiplier, normalize, select, uniforms
from .state import NEVER, Bundle, Rules
from .tables import Block, LevelFrames, Tower

__all__ = ["run_macs_plainly"]

_BITS = {"U": BOTTOM_UP, "H": HORIZONTAL, "D": TOP_DOWN}
_Vector = NDArray[np.float64]


class Input(NamedTuple):
    """Input of one kind to a mac."""

    active: _Vector
    """1 for each active afferent cell, by the position of its synapse."""
    factors: _Vector
    """Multiplier of each afferent mac, or a single 1 for pixels."""
    n_features: int
    """Number of active pixels, or of active macs that are not mute."""
    n_cells: int
    """Number of active afferent cells outside of the own module."""
    own: int
    """Position of the mac's own code; -1 if it is not among the input."""


def run_macs_plainly(
    tower: Tower, table: LevelFrames, block: Block, k: int, first: int, last: int
) -> None:
    """Run frames `first` to `last` - 1 of level k, as :func:`.kernels.run_macs` does."""
    n_macs, n_modules = table.winners.shape[1:]
    numbers = uniforms(int(tower.states[k].key), block.first + first, last - first, n_macs,
                       n_modules)  # fmt: skip
    for mac in range(n_macs):
        for f in range(first, last):
            _step(tower, table, block, k, f, mac, numbers[f - first, mac])
            if table.trace.size:
                table.trace[f, mac] = np.count_nonzero(tower.states[k].bottom_up.frozen[mac] >= 0)


def _step(
    tower: Tower, table: LevelFrames, block: Block, k: int, f: int, mac: int, uniform: _Vector
) -> None:
    """Run one mac in one frame: gate, selection, learning."""
    rules, state, row = tower.rules[k], tower.states[k], f + 1
    began = bool(table.starts[f])
    now = block.first + f if block.learning else block.first
    learning = block.learning and bool(table.open[f])
    if began:
        table.ages[mac] = rules.persistence
    inputs = {"U": _bottom_up(rules, state.bottom_up, table, f, mac)}
    if table.ages[mac] < rules.persistence:  # step 1: the code persists
        table.ages[mac] += 1
        for rows in (table.winners, table.factors, table.familiarity, table.hypotheses,
                     table.evidence):  # fmt: skip
            rows[row, mac] = rows[f, mac]
        if learning and inputs["U"].n_features:
            _learn(rules, state.bottom_up, mac, table.winners[row, mac], inputs["U"], now)
        return
    within = is_active(inputs["U"].n_features, rules.low, rules.high)
    if not within:
        del inputs["U"]
    if not began:
        inputs |= _context(tower, table, k, f, mac)
    inputs = {kind: part for kind, part in inputs.items() if part.n_cells}
    if not (within or (table.context_only and inputs)):
        table.ages[mac] = rules.persistence
        return
    bundles = {"U": state.bottom_up, "H": state.horizontal, "D": state.top_down}
    evidence = {
        kind: _evidence(rules, bundles[kind], mac, part, kind, began, now)
        for kind, part in inputs.items()
    }
    choice = select(
        evidence, tower.selections[k],
        uniform=uniform if block.learning else None,
        priority=state.priority[mac].reshape(rules.n_modules, rules.cells),
        back_off=tower.back_off,
        fill=float(state.bottom_up.filled[mac] / (state.bottom_up.widths[mac]
                                                  * rules.n_modules * rules.cells)),
    )  # fmt: skip
    table.ages[mac] = 1
    table.winners[row, mac] = choice.winners
    table.familiarity[row, mac] = choice.familiarity
    table.hypotheses[row, mac] = choice.hypotheses
    table.evidence[row, mac] = sum(_BITS[kind] for kind in choice.evidence)
    table.factors[row, mac] = multiplier(
        choice.hypotheses, rules.zeta_exponent, tower.selections[k].most_hypotheses
    )
    if learning:
        for kind, part in inputs.items():
            _learn(rules, bundles[kind], mac, choice.winners, part, now)


def _bottom_up(rules: Rules, bundle: Bundle, table: LevelFrames, f: int, mac: int) -> Input:
    if rules.below_modules:
        return _codes(bundle, mac, table.below_winners[f + 1], table.below_factors[f + 1],
                      rules.below_cells, NEVER)  # fmt: skip
    sources = bundle.sources[mac]
    active = np.zeros(_positions(bundle))
    active[: sources.size] = np.where(sources >= 0, table.pixels[f][sources], 0)
    n = int(active.sum())
    return Input(active, np.ones(1), n, n, NEVER)


def _context(tower: Tower, table: LevelFrames, k: int, f: int, mac: int) -> dict[str, Input]:
    """Return horizontal and top-down inputs, the codes of the previous frame."""
    rules, state = tower.rules[k], tower.states[k]
    return {
        "H": _codes(state.horizontal, mac, table.winners[f], table.factors[f], rules.cells, mac),
        "D": _codes(state.top_down, mac, table.above_winners[f], table.above_factors[f],
                    rules.above_cells, NEVER),
    }  # fmt: skip


def _codes(
    bundle: Bundle,
    mac: int,
    winners: NDArray[np.int16],
    factors: _Vector,
    cells: int,
    itself: int,
) -> Input:
    """Return the input from codes of macs; modules of mac `itself` have no own synapses."""
    active = np.zeros(_positions(bundle))
    step = 64 * -(-winners.shape[1] * cells // 64)
    multipliers = np.zeros(bundle.sources.shape[1])
    n, own = 0, NEVER
    for slot, source in enumerate(bundle.sources[mac].tolist()):
        if source < 0 or winners[source, 0] < 0 or factors[source] == 0.0:
            continue
        n += 1
        own = slot * step if source == itself else own
        modules = np.arange(winners.shape[1]) * cells
        active[slot * step + modules + winners[source]] = 1.0
        multipliers[slot] = factors[source]
    return Input(active, multipliers, n, n * winners.shape[1] - (own >= 0), own)


def _positions(bundle: Bundle) -> int:
    return int(max(64 * bundle.bits.shape[2], bundle.stamps.shape[2]))


def _evidence(
    rules: Rules, bundle: Bundle, mac: int, mac_input: Input, kind: str, began: bool, now: int
) -> Evidence:
    """Return normalised weighted sums (steps 2, 3 and 6)."""
    weights = dense_weights(rules, bundle, mac, now) * mac_input.active
    parts = weights.reshape(len(weights), mac_input.factors.size, -1)
    if rules.decay:
        total = np.cumsum((parts * mac_input.factors[:, None]).reshape(len(weights), -1), axis=1)
    else:
        total = np.cumsum(parts.sum(axis=2) * mac_input.factors, axis=1)
    sums = total[:, -1].reshape(rules.n_modules, rules.cells)
    bound = {"U": rules.u_bound, "H": rules.h_bound, "D": rules.d_bound}[kind]
    unit = rules.w_max if rules.decay else 1.0
    exponent = {"U": rules.lambda_u_start if began else rules.lambda_u, "H": rules.lambda_h,
                "D": rules.lambda_d}[kind]  # fmt: skip
    return Evidence(normalize(sums, mac_input.n_cells, bound, unit), exponent)


def _learn(
    rules: Rules, bundle: Bundle, mac: int, winners: NDArray[np.integer], mac_input: Input, now: int
) -> None:
    """Increase the synapses of the winners (Hebbian), and end critical periods."""
    for q in range(rules.n_modules):
        cell = q * rules.cells + int(winners[q])
        on = mac_input.active > 0
        if mac_input.own >= 0:
            on[mac_input.own + q * rules.cells : mac_input.own + (q + 1) * rules.cells] = False
        if bundle.frozen[mac, cell] < 0:
            n_increased = _strengthen(rules, bundle, mac, cell, on, now)
            if not rules.freeze_mac and n_increased > rules.saturation * bundle.widths[mac]:
                bundle.frozen[mac, cell] = now
    everything = bundle.widths[mac] * bundle.frozen.shape[1]
    full = bundle.filled[mac] > rules.saturation * everything
    if rules.freeze_mac and full and bundle.frozen[mac, 0] < 0:
        bundle.frozen[mac] = now


def _strengthen(
    rules: Rules, bundle: Bundle, mac: int, cell: int, on: NDArray[np.bool_], now: int
) -> int:
    """Increase the synapses of one cell, and return how many of its weights are above 0."""
    if not rules.decay:
        words = np.packbits(on, bitorder="little").view("<u8").astype(np.uint64)
        before = np.bitwise_count(bundle.bits[mac, cell]).sum()
        bundle.bits[mac, cell] |= words
        n_increased = int(np.bitwise_count(bundle.bits[mac, cell]).sum())
        bundle.filled[mac] += n_increased - int(before)
        return n_increased
    stamps, levels = bundle.stamps[mac, cell], bundle.permanence[mac, cell]
    weights = weights_at(rules, levels, np.maximum(now - stamps, 0))
    alive = (stamps >= 0) & (weights > 0)
    bundle.filled[mac] += int(np.count_nonzero(on & (stamps < 0)))
    higher = np.minimum(levels.astype(np.int64) + 1, rules.lifetimes.size)
    levels[on] = np.where(alive, higher, 0)[on]
    stamps[on] = now
    return int(np.count_nonzero(alive | on))
