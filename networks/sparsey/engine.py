"""Runs frames through the levels, mac by mac where macs are independent."""

from __future__ import annotations

import functools
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from .parameters import Level
from .plain import run_macs_plainly
from .state import LevelState
from .tables import Block, LevelFrames, Tower, Work

__all__ = ["Tower", "run_block"]

FEW_CELL_FRAMES = 2**18
"""Cells times frames below which one thread is faster than several."""

PARTS = 4
"""Parts of a level for each thread, because macs at the border of the input have less work."""


def run_block(tower: Tower, block: Block) -> list[LevelFrames]:
    """Run a block of frames and return the tables of each level; learning changes their states."""
    tables = _allocate(tower, block)
    if all(_is_independent(level, k, tower) for k, level in enumerate(tower.levels)):
        for k in range(len(tower.levels)):
            _open(tower, tables, k, 0, len(block.starts))
            _run_level(tower, tables, block, k, 0, len(block.starts))
    else:
        for f in range(len(block.starts)):
            for k in range(len(tower.levels)):
                _open(tower, tables, k, f, f + 1)
                _run_level(tower, tables, block, k, f, f + 1)
    return tables


def _is_independent(level: Level, k: int, tower: Tower) -> bool:
    """Return whether no mac gets input from other macs of its level or from the level above."""
    sources = tower.states[k].horizontal.sources
    own = np.arange(level.n_macs)[:, None]
    return (
        bool(((sources < 0) | (sources == own)).all())
        and not (tower.states[k].top_down.sources.shape[1])
    )


def _allocate(tower: Tower, block: Block) -> list[LevelFrames]:
    n, levels = len(block.starts), tower.levels
    winners = [np.full((n + 1, a.n_macs, a.n_modules), -1, dtype=np.int16) for a in levels]
    factors = [np.zeros((n + 1, a.n_macs)) for a in levels]
    none_w, none_f = np.zeros((n + 1, 0, 0), dtype=np.int16), np.zeros((n + 1, 0))
    tables = []
    for k, level in enumerate(levels):
        top, rows = k + 1 == len(levels), (n + 1, level.n_macs)
        traced = not top and tower.plasticities[k + 1].progressive is not None and block.learning
        tables.append(LevelFrames(
            pixels=block.pixels if k == 0 else np.zeros((0, 0), dtype=np.uint8),
            starts=block.starts,
            open=np.ones(n, dtype=np.uint8),
            below_winners=winners[k - 1] if k else none_w,
            below_factors=factors[k - 1] if k else none_f,
            winners=winners[k], factors=factors[k],
            familiarity=np.zeros(rows),
            hypotheses=np.zeros(rows, dtype=np.int32),
            evidence=np.zeros(rows, dtype=np.uint8),
            above_winners=none_w if top else winners[k + 1],
            above_factors=none_f if top else factors[k + 1],
            ages=np.zeros(level.n_macs, dtype=np.int64),
            trace=np.zeros((n, level.n_macs) if traced else (0, 0), dtype=np.int64),
            context_only=block.context_only or tower.selections[k].context_only,
        ))  # fmt: skip
    return tables


def _open(tower: Tower, tables: list[LevelFrames], k: int, first: int, last: int) -> None:
    """Enable learning in frames in which enough cells of the level below are frozen."""
    share = tower.plasticities[k].progressive
    if k and share is not None and tables[k - 1].trace.size:
        frozen = tables[k - 1].trace[first:last].sum(axis=1)
        tables[k].open[first:last] = frozen >= share * tower.levels[k - 1].n_cells


def _run_level(
    tower: Tower, tables: list[LevelFrames], block: Block, k: int, first: int, last: int
) -> None:
    """Run frames `first` to `last` - 1 of one level."""
    if not tower.compiled:
        run_macs_plainly(tower, tables[k], block, k, first, last)
        return
    n_macs = tower.levels[k].n_macs
    threads = _threads() if tower.levels[k].n_cells * (last - first) >= FEW_CELL_FRAMES else 1
    run = functools.partial(_run_part, tower, tables[k], block, k, first, last)
    if threads == 1:
        run(0, n_macs)
        return
    edges = np.linspace(0, n_macs, min(PARTS * threads, n_macs) + 1).astype(int).tolist()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(run, edges[:-1], edges[1:]))


def _run_part(
    tower: Tower, table: LevelFrames, block: Block, k: int, first: int, last: int, m0: int, m1: int
) -> None:
    from .kernels import run_macs

    run_macs(tower.rules[k], tower.states[k], table, _work(tower.states[k], k), block.learning,
             block.first, first, last, m0, m1)  # fmt: skip


def _threads() -> int:
    from numba import config

    # numba.get_num_threads would start Numba's threads, with which NEST's kernel crashes.
    return int(config.NUMBA_NUM_THREADS)  # type: ignore[attr-defined]


def _work(state: LevelState, k: int) -> Work:
    n_cells = state.priority.shape[1]
    bundles = (state.bottom_up, state.horizontal, state.top_down)
    words = [max(b.bits.shape[2], b.stamps.shape[2] // 64) for b in bundles]
    weights = [b.sources.shape[1] for b in bundles]
    if k == 0:
        weights[0] = 0
    u_words, h_words, d_words = (np.zeros(n, dtype=np.uint64) for n in words)
    u_weights, h_weights, d_weights = (np.zeros(n) for n in weights)
    return Work(
        u_words, h_words, d_words, u_weights, h_weights, d_weights,
        counts=np.zeros(n_cells, dtype=np.uint32),
        table=np.zeros(64 * words[0] + 1),
        values=np.zeros((3, n_cells)),
        v=np.zeros(n_cells),
        psi=np.zeros(n_cells),
    )  # fmt: skip
