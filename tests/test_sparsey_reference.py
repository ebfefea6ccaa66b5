"""The compiled path against the equations in plain NumPy: same random numbers, same winners."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sparsey_reference import ReferenceTower

from spikemem.networks.sparsey import Level, Plasticity, Selection, Sparsey

SELECTIONS = st.builds(
    Selection,
    normalization=st.sampled_from(["count", "bound"]),
    g_minus=st.sampled_from([0.0, 0.2, 0.5]),
    gamma=st.sampled_from([1.0, 2.0, 8.0]),
    chi=st.sampled_from([0.0, 3.0, 100.0]),
    form=st.sampled_from(["2014", "2010", "ratchet"]),
    sigma1=st.sampled_from([0.5, 1.0]),
    sigma2=st.sampled_from([10.0, 40.0]),
    sigma3=st.sampled_from([0.5, 0.85]),
    sigma4=st.sampled_from([1.0, 2.0]),
    lambda_u=st.sampled_from([1.0, 0.5]),
    lambda_h=st.sampled_from([1.0, 2.0]),
    lambda_d=st.sampled_from([1.0, 0.5]),
    lambda_u_start=st.sampled_from([1.0, 2.0]),
    v_low=st.sampled_from([0.0, 0.2]),
    v_high=st.sampled_from([1.0, 0.8]),
    v_zeta=st.sampled_from([0.5, 0.95]),
    zeta_exponent=st.sampled_from([0.0, 0.5]),
    most_hypotheses=st.sampled_from([None, 2, 3]),
)

PLASTICITIES = st.builds(
    Plasticity,
    w_max=st.sampled_from([1.0, 127.0]),
    saturation=st.sampled_from([None, 0.2, 0.5]),
    freeze=st.sampled_from(["cell", "mac"]),
    decay=st.sampled_from(["none", "none", "steps", "convex"]),
    lifetimes=st.sampled_from([(5, 9), (8,), (3, 6, 12)]),
    convexity=st.sampled_from([0.5, 2.0]),
)


@st.composite
def towers(draw):
    """Small towers: one to three levels, one mac or several, with and without H and D."""
    n_levels = draw(st.integers(1, 3))
    levels = []
    for k in range(n_levels):
        grid = draw(st.sampled_from([(1, 1), (2, 2)] if k == 0 else [(1, 1), (1, 2)]))
        levels.append(
            Level(
                grid=grid,
                n_modules=draw(st.integers(1, 4)),
                cells_per_module=draw(st.integers(1, 5)),
                radius=draw(st.sampled_from([None, 3.0])) if k == 0 else None,
                min_active=draw(st.integers(1, 3)) if k == 0 else 1,
                max_active=draw(st.sampled_from([None, 9])) if k == 0 else None,
                persistence=draw(st.sampled_from([None, 1, 2])),
                horizontal_radius=draw(st.sampled_from([None, 0.0, 10.0])),
                top_down=draw(st.booleans()),
                min_horizontal=draw(st.sampled_from([None, 1])),
                min_top_down=draw(st.sampled_from([None, 1])),
            )
        )
    return Sparsey(
        (5, 5),
        levels,
        selection=draw(SELECTIONS),
        plasticity=draw(PLASTICITIES),
        seed=draw(st.integers(0, 10**6)),
    )


def frames(model, seed, n_sequences=5, length=4):
    """Sequences in which each frame makes a mac active, so that none is refused."""
    rng = np.random.default_rng(seed)
    most = model.levels[0].max_active or 12
    own = [model.afferents(0, m) for m in range(model.levels[0].n_macs)]
    made = []
    while len(made) < n_sequences * length:
        frame = np.zeros(25, bool)
        frame[rng.permutation(25)[: rng.integers(model.levels[0].min_active, 13)]] = True
        counts = [int(frame[cells].sum()) for cells in own]
        if any(model.levels[0].min_active <= n <= most for n in counts):
            made.append(frame)
    return list(np.array(made).reshape(n_sequences, length, 25))


def compare(model, codes, expected):
    for f, levels in enumerate(expected):
        for k, row in enumerate(levels):
            for m, drawn in enumerate(row):
                where = f"frame {f}, level {k}, mac {m}"
                if drawn is None:
                    assert (codes.winners[k][f, m] == -1).all(), where
                    continue
                assert codes.winners[k][f, m].tolist() == drawn.winners.tolist(), where
                assert codes.familiarity[k][f, m] == pytest.approx(drawn.familiarity), where
                assert codes.hypotheses[k][f, m] == drawn.hypotheses, where


@settings(max_examples=40)
@given(model=towers(), seed=st.integers(0, 1000))
def test_same_random_numbers_same_winners(model, seed):
    reference = ReferenceTower.like(model)
    sequences = frames(model, seed)
    compare(model, model.learn(sequences), reference.run(sequences, True))
    again = [sequence[:3] for sequence in sequences]
    compare(model, model.retrieve(again), reference.run(again, False))
    for k, row in enumerate(reference.macs):
        for m, mac in enumerate(row):
            mac.now = model.n_frames_learnt
            for kind in mac.sizes:
                scale = (model.levels[k].plasticity or model.plasticity).w_max
                np.testing.assert_allclose(
                    model.weights(k, m, kind), scale * mac.weight(kind), rtol=1e-12
                )
    further = frames(model, seed + 1, 2)
    compare(model, model.learn(further), reference.run(further, True))


def test_the_reference_notices_another_rule():
    """A tower with another sigmoid, or without freezing, draws other winners."""
    level = Level(n_modules=4, cells_per_module=5)
    base = {"selection": Selection(sigma2=10.0, chi=10.0, gamma=1.0), "plasticity": Plasticity()}
    others = [
        {**base, "selection": Selection(sigma2=40.0, chi=10.0, gamma=1.0)},
        {**base, "plasticity": Plasticity(saturation=None)},
    ]
    model = Sparsey((5, 5), [level], **base, seed=3)
    sequences = [row[None] for row in np.concatenate(frames(model, 1, 15))]
    expected = ReferenceTower.like(model).run(sequences, True)
    compare(model, model.learn(sequences), expected)
    for other in others:
        changed = Sparsey((5, 5), [level], **other, seed=3)
        with pytest.raises(AssertionError):
            compare(changed, changed.learn(sequences), expected)
