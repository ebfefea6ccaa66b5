"""Sequences: horizontal and top-down inputs, persistence, back-off, replay, completion."""

from __future__ import annotations

import numpy as np
import pytest
from sparsey_cases import NEVER_FREEZE, moved, one_mac, sequences

from spikemem.networks.sparsey import BackOff, Level, Plasticity, Selection, Sparsey
from spikemem.networks.sparsey.results import BOTTOM_UP, HORIZONTAL, TOP_DOWN


def right(model, codes, x, **options):
    """Fraction of the winners that are as learnt."""
    return float(np.mean(model.retrieve(x, **options).agreement(codes)))


# The capacity study's mac: 144 pixels, random frames of 9 to 12, ten a sequence


@pytest.mark.parametrize(("n", "noise"), [(16, 0), (8, 2)])
def test_sequences_are_recalled(n, noise):
    found = []
    for seed in range(3):
        x = sequences(n, 10, 144, 9, 12, seed=seed)
        memory = one_mac(seed)
        codes = memory.learn(x)
        found.append(right(memory, codes, moved(x, noise, seed)))
    assert np.mean(found) >= 0.99


def test_sequences_go_on_from_their_first_frame():
    x = sequences(8, 10, 144, 9, 12, seed=0)
    memory = one_mac()
    codes = memory.learn(x)
    replay = memory.replay(x[:, :1], 10)
    assert replay.agreement(codes).mean() >= 0.99
    pixels = memory.read_back(replay).reshape(x.shape)
    assert (pixels[x == 1] > 0.99).mean() > 0.97
    assert (pixels[x == 0] < 0.99).mean() > 0.97


def test_cut_and_untaught_sequences_do_not_go_on():
    x = sequences(8, 10, 144, 9, 12, seed=0)
    taught = one_mac()
    codes = taught.learn(x)
    cut = Sparsey(144, [Level(n_modules=9, cells_per_module=16)], plasticity=NEVER_FREEZE, seed=0)
    cut.learn(x)
    assert not cut.replay(x[:, :1], 10).active()[1:10].any()
    untaught = one_mac()
    untaught.learn(x[:, :1])  # the first frames alone
    assert untaught.replay(x[:, :1], 10).agreement(codes).mean() < 0.3


def test_the_same_frame_has_other_codes_in_other_contexts():
    a, b, c, d = sequences(1, 4, 144, 12, 12, seed=1)[0]
    x = np.array([[a, b, c], [d, b, c]])
    with_context, without = (
        one_mac(),
        Sparsey(144, [Level(n_modules=9, cells_per_module=16)], plasticity=NEVER_FREEZE, seed=0),
    )
    for memory, alike in ((with_context, False), (without, True)):
        codes = memory.learn(x).winners[0].reshape(2, 3, 9)
        shared = (codes[0] == codes[1]).mean(axis=1)
        assert shared[0] < 0.5
        assert (shared[1] > 0.9) == alike


@pytest.mark.parametrize(
    "chosen",
    [np.repeat(np.arange(10), 2), np.arange(0, 10, 2), np.delete(np.arange(10), [3, 4])],
    ids=["half speed", "double speed", "two frames missing"],
)
def test_back_off_recognises_warped_sequences(chosen):
    x = sequences(8, 10, 144, 9, 12, seed=2)
    found = {}
    for name, policy in (("with", BackOff()), ("without", None)):
        memory = one_mac(back_off=policy)
        codes = memory.learn(x).winners[0].reshape(8, 10, 9)[:, chosen]
        recalled = memory.retrieve(x[:, chosen])
        found[name] = float((recalled.winners[0].reshape(codes.shape) == codes).mean())
    assert found["with"] >= 0.99
    assert found["without"] < 0.95
    used = recalled.evidence[0]
    assert set(np.unique(used)) <= {BOTTOM_UP, BOTTOM_UP | HORIZONTAL}


def test_partly_missing_sequences_are_recognised():
    x = sequences(8, 10, 144, 9, 12, seed=2)
    memory = one_mac(back_off=BackOff())
    codes = memory.learn(x)
    halved, blank = x.copy(), x.copy()
    halved[:, 5:, :72] = 0  # half of the pixels is missing from the middle on
    blank[:, 4:6] = 0  # two frames are empty
    assert right(memory, codes, halved) >= 0.99
    recalled = memory.retrieve(blank, context_only=True)
    assert recalled.agreement(codes).mean() >= 0.99
    assert set(recalled.evidence[0].reshape(8, 10)[:, 4:6].ravel()) == {HORIZONTAL}
    assert right(memory, codes, blank) < 0.95  # macs without input are silent otherwise


def test_a_known_order_is_more_familiar_than_a_new_one():
    x = sequences(4, 10, 144, 9, 12, seed=5)
    memory = one_mac()
    memory.learn(x)
    known = memory.retrieve(x).mean_familiarity()
    new = memory.retrieve(x[:, ::-1]).mean_familiarity()
    assert known.mean() == 1.0
    assert new.reshape(4, 10)[:, 1:].mean() < 0.6


# Several levels


def pairs(n, seed):
    """Images of two halves of 12 x 12 pixels, (n, 12, 24)."""
    halves = sequences(n, 2, 144, 14, 14, seed).reshape(n, 2, 12, 12)
    return np.concatenate([halves[:, 0], halves[:, 1]], axis=2)


HALVES = Level(grid=(1, 2), radius=8.5, n_modules=12, cells_per_module=24)


def test_a_second_level_completes_what_no_mac_sees():
    """The missing half comes from the code above; one level alone has nothing to say of it."""
    x = pairs(8, seed=0)
    left = x.copy()
    left[:, :, 9:] = 0  # nothing that the right mac sees
    reads = {}
    for n_levels in (1, 2):
        levels = [HALVES, Level(n_modules=12, cells_per_module=24)][:n_levels]
        memory = Sparsey((12, 24), levels, plasticity=NEVER_FREEZE, seed=0)
        memory.learn(x)
        reads[n_levels] = memory.complete(left)[:, :, 15:] > 0.99  # beyond the left mac
    missing = x[:, :, 15:] > 0
    assert not reads[1].any()
    assert (reads[2] & missing).sum() / (reads[2] | missing).sum() > 0.95


def contexts(n, length, seed):
    """Pairs of sequences that differ at first on the left, and at last on the right."""
    rng = np.random.default_rng(seed)
    x = sequences(n, length, 288, 28, 28, seed).reshape(n, length, 12, 24)
    x = np.repeat(x, 2, axis=0)
    fresh = sequences(2 * n, 2, 144, 14, 14, int(rng.integers(1000))).reshape(2 * n, 2, 12, 12)
    x[:, 0, :, :12], x[:, -1, :, 12:] = fresh[:, 0], fresh[:, 1]
    return x


@pytest.mark.parametrize("seed", range(2))
def test_top_down_input_carries_what_a_mac_does_not_see(seed):
    x = contexts(8, 4, seed)
    found = {}
    for top_down in (True, False):
        low = Level(grid=(1, 2), radius=8.5, n_modules=12, cells_per_module=12,
                    horizontal_radius=0.0, top_down=top_down)  # fmt: skip
        high = Level(n_modules=12, cells_per_module=24, horizontal_radius=0.0, persistence=1)
        memory = Sparsey((12, 24), [low, high], plasticity=NEVER_FREEZE, seed=seed)
        learnt = memory.learn(x).winners[0].reshape(16, 4, 2, 12)
        replay = memory.replay(x[:, :3], 4)
        found[top_down] = (
            replay.winners[0].reshape(16, 4, 2, 12)[:, 3, 1] == learnt[:, 3, 1]
        ).mean()
        used = replay.evidence[0].reshape(16, 4, 2)[:, 3]
        assert set(used.ravel()) == {HORIZONTAL | (TOP_DOWN if top_down else 0)}
    assert found[True] >= 0.95
    assert found[False] <= 0.7  # two sequences of a pair end alike: half is chance


def test_persistence_doubles_from_level_to_level():
    x = sequences(2, 9, 36, 9, 9, seed=1).reshape(2, 9, 6, 6)
    levels = [Level(n_modules=6, cells_per_module=12) for _ in range(3)]
    memory = Sparsey((6, 6), levels, plasticity=NEVER_FREEZE, seed=0)
    codes = memory.learn(x)
    for k, span in enumerate((1, 2, 4)):
        rows = codes.winners[k].reshape(2, 9, 6)
        stays = [(rows[:, t] == rows[:, t - 1]).all() for t in range(1, 9)]
        assert stays == [t % span != 0 for t in range(1, 9)]
    for k in range(3):
        assert memory.retrieve(x).agreement(codes, k).mean() > 0.95


def test_a_persisting_code_learns_all_that_it_meets():
    x = sequences(1, 2, 36, 9, 9, seed=1).reshape(1, 2, 6, 6)
    memory = Sparsey((6, 6), [Level(n_modules=6, cells_per_module=12, persistence=2)],
                     plasticity=NEVER_FREEZE, seed=0)  # fmt: skip
    winners = memory.learn(x).winners[0][0, 0]
    union = (x[0, 0] | x[0, 1]).ravel()
    for q, winner in enumerate(winners):
        np.testing.assert_array_equal(memory.weights(0, 0)[q, winner], 127.0 * union)


def test_mute_macs_send_nothing():
    """A mac with more hypotheses than allowed is active, and silent for the level above."""
    a, b = np.zeros((2, 6, 6), dtype=int)
    a[0], b[3] = 1, 1
    rules = Selection(chi=1e6, g_minus=0.5, v_zeta=0.4, most_hypotheses=1)
    low = Level(n_modules=6, cells_per_module=12, selection=rules)
    memory = Sparsey((6, 6), [low, Level(n_modules=6, cells_per_module=12)],
                     plasticity=NEVER_FREEZE, seed=0)  # fmt: skip
    memory.learn([a, b])
    codes = memory.retrieve([a, a + b])
    assert codes.hypotheses[0].ravel().tolist() == [1, 2]
    assert codes.active(0).ravel().tolist() == [True, True]
    assert codes.active(1).ravel().tolist() == [True, False]


def test_competing_hypotheses_are_boosted():
    """Of two codes that the input supports alike, each is active by half; F = zeta makes it up."""
    a, b = np.zeros((2, 6, 6), dtype=int)
    a[0], b[3] = 1, 1
    found = {}
    for exponent in (0.0, 1.0):
        rules = Selection(chi=1e6, g_minus=0.5, v_zeta=0.4, zeta_exponent=exponent)
        low = Level(n_modules=8, cells_per_module=40, selection=rules)
        memory = Sparsey((6, 6), [low, Level(n_modules=8, cells_per_module=40)],
                         plasticity=NEVER_FREEZE, seed=0)  # fmt: skip
        stored = memory.learn([a, b]).winners
        codes = memory.retrieve([a + b])
        assert codes.hypotheses[0].item() == 2
        halves = (codes.winners[0] == stored[0]).mean(axis=(1, 2))
        assert halves.sum() == 1.0
        found[exponent] = codes.familiarity[1].item()
        # A cell of either code above hears the modules in which its own code has won.
        expected = min(1.0, max(halves) * 2.0**exponent)
        assert found[exponent] == pytest.approx(expected)
    assert found[1.0] > found[0.0]


# Ages, permanence, critical periods


def test_weights_decay_in_steps_and_by_the_convex_law():
    x = np.zeros((12, 1, 8), dtype=int)
    x[0, 0, :4], x[1:, 0, 4:] = 1, 1
    for decay in ("steps", "convex"):
        rule = Plasticity(decay=decay, lifetimes=(8,), convexity=2.0, saturation=None)
        memory = Sparsey((1, 8), [Level(n_modules=1, cells_per_module=40)], plasticity=rule, seed=0)
        cell = int(memory.learn(x[:1]).winners[0][0, 0, 0])
        seen = [memory.weights(0, 0)[0, cell, 0]]
        for item in x[1:9]:
            memory.learn([item])
            seen.append(memory.weights(0, 0)[0, cell, 0])
        ages = np.arange(1, 10)
        if decay == "steps":
            expected = np.select([ages < 4, ages < 6, ages < 8], [127.0, 120.0, 50.0], 0.0)
        else:
            law = (1 + 2 / 8) / (1 + 2 / np.maximum(8 - ages, 1))
            expected = np.where(ages < 8, 127 * law, 0.0)
        np.testing.assert_allclose(seen, expected)


def test_a_pairing_that_comes_again_in_time_becomes_permanent():
    image, other = np.zeros((2, 1, 8), dtype=int)
    image[0, :4], other[0, 4:] = 1, 1
    rule = Plasticity(decay="steps", lifetimes=(8,), saturation=None)
    for gap, stays in ((3, True), (9, False)):
        memory = Sparsey((1, 8), [Level(n_modules=1, cells_per_module=1)], plasticity=rule, seed=0)
        memory.learn([image] + [other] * gap + [image] + [other] * 40)
        assert (memory.weights(0, 0)[0, 0, :4] == (127.0 if stays else 0.0)).all()


def test_retrieval_does_not_age():
    x = sequences(4, 3, 144, 9, 12, seed=1)
    memory = one_mac(plasticity=Plasticity(decay="convex", lifetimes=(30, 60), saturation=None))
    memory.learn(x)
    first = memory.retrieve(x)
    assert memory.retrieve(x) == first
    assert memory.n_frames_learnt == 12


def test_a_cell_freezes_above_the_saturation():
    image = np.eye(8, dtype=int).reshape(8, 1, 8)
    memory = Sparsey((1, 8), [Level(n_modules=1, cells_per_module=1)],
                     plasticity=Plasticity(saturation=0.5), seed=0)  # fmt: skip
    memory.learn(image)
    # The fifth synapse is above half of eight: the later three are never increased.
    assert memory.weights(0, 0)[0, 0].tolist() == [127.0] * 5 + [0.0] * 3
    assert memory.facts()["levels"][0]["frozen_cells"] == 1.0


def test_critical_periods_end_from_the_bottom_up():
    x = sequences(60, 1, 36, 9, 9, seed=1).reshape(60, 6, 6)
    rule = Plasticity(saturation=0.3, progressive=0.5)
    low = Level(n_modules=4, cells_per_module=5)
    memory = Sparsey((6, 6), [low, Level(n_modules=4, cells_per_module=50)], plasticity=rule,
                     seed=0)  # fmt: skip
    for image in x:
        below, above = memory.facts()["levels"]
        memory.learn([image])
        if below["frozen_cells"] < 0.4:
            assert above["increased"] == 0.0
    below, above = memory.facts()["levels"]
    assert below["frozen_cells"] >= 0.5
    assert above["increased"] > 0.0
