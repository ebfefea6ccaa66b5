"""Dense arrays of synapses, and the conversion of codes back to pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .state import Bundle, Rules
from .tables import Tower

__all__ = ["afferent_cells", "dense_weights", "positions", "read_down", "read_pixels"]

Weights = NDArray[np.float64]


def weights_at(rules: Rules, permanence: NDArray[np.uint8], age: NDArray[np.int64]) -> Weights:
    """Return the weights of synapses after passive decay."""
    table = np.append(rules.lifetimes, 1)
    span = table[np.minimum(permanence, rules.lifetimes.size)]
    left = np.maximum(span - age, 1)
    if rules.decay == 2:
        weight = rules.w_max * ((1.0 + rules.convexity / span) / (1.0 + rules.convexity / left))
    else:
        share = np.where(4 * age < 3 * span, 120.0, 50.0)
        weight = np.where(2 * age < span, rules.w_max, rules.w_max * share / 127.0)
    weight = np.where(age >= span, 0.0, weight)
    return np.asarray(np.where(permanence >= rules.lifetimes.size, rules.w_max, weight))


def dense_weights(rules: Rules, bundle: Bundle, mac: int, now: int) -> Weights:
    """Return the weights of a mac, (Q * K, positions); without decay they are in units of w_max."""
    if not rules.decay:
        words = np.ascontiguousarray(bundle.bits[mac])
        if not words.size:
            return np.zeros((len(words), 0))
        synapses = np.unpackbits(words.astype("<u8").view(np.uint8), axis=1, bitorder="little")
        return synapses.astype(np.float64)
    frozen = bundle.frozen[mac][:, None]
    age = np.where(frozen >= 0, frozen, now) - bundle.stamps[mac]
    values = weights_at(rules, bundle.permanence[mac], np.maximum(age, 0))
    return np.where(bundle.stamps[mac] >= 0, values, 0.0)


def positions(bundle: Bundle, mac: int, modules: int, cells: int) -> NDArray[np.int64]:
    """Return the positions of the synapses of a mac, the columns of :func:`dense_weights`.

    `modules` and `cells` are those of the afferent macs; 0 means that the afferents are pixels.
    """
    valid: NDArray[np.int64] = np.flatnonzero(bundle.sources[mac] >= 0)
    if not modules:
        return valid
    step = 64 * -(-modules * cells // 64)
    return np.asarray((valid[:, None] * step + np.arange(modules * cells)).ravel())


def afferent_cells(bundle: Bundle, mac: int, modules: int, cells: int) -> NDArray[np.int64]:
    """Return the pixels at these positions, or the cells ``(mac * Q + module) * K + cell``."""
    sources = bundle.sources[mac].astype(np.int64)
    valid: NDArray[np.int64] = sources[sources >= 0]
    if not modules:
        return valid
    n = modules * cells
    return np.asarray((valid[:, None] * n + np.arange(n)).ravel())


def read_down(tower: Tower, k: int, winners: NDArray[np.int16], now: int) -> Weights:
    """Return the support of each cell below by the codes of level k, (n_frames, n_cells), 0 to 1.

    The support is the mean weight from the cell to the winners of all active macs to which it
    projects, in units of w_max; bottom-up synapses are read against their direction.
    """
    rules, bundle = tower.rules[k], tower.states[k].bottom_up
    below = tower.levels[k - 1].n_cells if k else tower.n_pixels
    total, weight = np.zeros((len(winners), below)), np.zeros((len(winners), below))
    first = np.arange(rules.n_modules) * rules.cells
    scale = rules.w_max if rules.decay else 1.0
    for mac in range(len(bundle.sources)):
        rows = np.flatnonzero(winners[:, mac, 0] >= 0)
        if not rows.size:
            continue
        size = (rules.below_modules, rules.below_cells)
        synapses = dense_weights(rules, bundle, mac, now)[:, positions(bundle, mac, *size)] / scale
        cells = afferent_cells(bundle, mac, *size)
        support = synapses[winners[rows, mac] + first].mean(axis=1)
        total[np.ix_(rows, cells)] += support
        weight[np.ix_(rows, cells)] += 1.0
    mean: Weights = total / np.maximum(weight, 1.0)
    return mean


def read_pixels(tower: Tower, k: int, winners: NDArray[np.int16], now: int) -> Weights:
    """Return the support of each pixel by the codes of level k, read down level by level.

    A mac of an intermediate level counts as active if the best supported cells of its modules have
    a mean support of at least one half; these cells are its code.
    """
    support = read_down(tower, k, winners, now)
    for below in range(k - 1, -1, -1):
        level = tower.levels[below]
        cells = support.reshape(len(winners), level.n_macs, level.n_modules, level.cells_per_module)
        code = cells.argmax(axis=3).astype(np.int16)
        active = cells.max(axis=3).mean(axis=2) >= 0.5
        code[~active] = -1
        support = read_down(tower, below, code, now)
    return support
