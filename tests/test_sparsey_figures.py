"""Pictures of hierarchies: what is drawn where."""

from __future__ import annotations

import numpy as np
import pytest

from spikemem import DescriptionError, random_patterns
from spikemem.networks import sparsey as sp
from spikemem.networks.sparsey import Level, Sparsey


@pytest.fixture(scope="module")
def tower():
    images = np.random.default_rng(0).random((20, 6, 8)) < 0.4
    level = Level(grid=(3, 4), radius=2.0, n_modules=5, cells_per_module=6)
    model = Sparsey((6, 8), [level], seed=0)
    model.learn(images)
    return model


def test_receptive_fields_are_the_weights(tower):
    ax = sp.receptive_fields(tower, 6, mac=5)
    sheet = np.asarray(ax.images[0].get_array())
    weights = tower.weights(0, 5).reshape(30, -1) / 127.0
    order = np.argsort(-weights.sum(axis=1), kind="stable")[:6]
    field = tower.afferents(0, 5)
    for k, cell in enumerate(order):
        row, column = divmod(k, 4)
        tile = sheet[row * 7 + 1 : row * 7 + 7, column * 9 + 1 : column * 9 + 9].ravel()
        np.testing.assert_allclose(tile[field], weights[cell])
        outside = np.setdiff1d(np.arange(48), field)
        assert np.ma.getmaskarray(np.ma.masked_invalid(tile))[outside].all()
    assert "mac 5" in ax.get_title(loc="left")


def test_receptive_fields_of_the_busiest_mac_and_of_several_thresholds():
    grey = np.random.default_rng(1).random((9, 6, 6))
    level = Level(grid=(2, 2), radius=2.5, n_modules=3, cells_per_module=4)
    model = Sparsey((6, 6), [level], threshold=(0.25, 0.5, 0.75), seed=0)
    model.learn(grey)
    ax = sp.receptive_fields(model, 2)
    totals = [model.weights(0, mac).sum() for mac in range(4)]
    assert f"mac {int(np.argmax(totals))}" in ax.get_title(loc="left")
    shades = np.asarray(ax.images[0].get_array())
    shades = np.unique(np.round(3 * shades[np.isfinite(shades)], 9))
    assert set(shades) <= {0.0, 1.0, 2.0, 3.0}


def test_codes_side_by_side_share_their_colours(tower):
    rng = np.random.default_rng(2)
    image = rng.random((6, 8)) < 0.4
    other = image.copy()
    other[:2] = rng.random((2, 8)) < 0.4
    codes = tower.retrieve(np.stack([image, other, ~image]))
    ax = sp.code_grid(codes, (0, 1, 2), mac=5, names=["a", "b$", "c"])
    points = [len(part.get_offsets()) for part in ax.collections]
    winners = codes.winners[0][:, 5]
    same = [(winners[k] == winners[0]).sum() for k in range(3)]
    assert points == [n for k in range(3) for n in (same[k], 5 - same[k])]
    texts = [text.get_text() for text in ax.texts]
    assert texts[0] == "a"
    assert texts[1] == f"b\\$\n{same[1]} shared"


def test_familiarity_is_that_of_the_codes():
    level = Level(n_modules=6, cells_per_module=8, horizontal_radius=0)
    model = Sparsey(60, [level], seed=0)
    items = sp.random_sequences(2, length=4, size=60, least=5, most=5, seed=0)
    new = model.learn(items)
    ax = sp.familiarity_trace(new, label="new")
    sp.familiarity_trace(model.retrieve(items), ax=ax, label="again")
    lines = [line for line in ax.lines if line.get_gid() == "familiarity"]
    np.testing.assert_allclose(lines[0].get_ydata(), new.mean_familiarity())
    np.testing.assert_allclose(lines[1].get_ydata(), 1.0)
    assert lines[0].get_color() != lines[1].get_color()
    borders = [line.get_xdata()[0] for line in ax.lines if line.get_gid() != "familiarity"]
    assert borders == [3.5]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["new", "again"]


def test_familiarity_of_two_levels():
    levels = [Level(grid=(2, 2), radius=2.0, n_modules=3), Level(n_modules=3)]
    codes = Sparsey((4, 4), levels, seed=0).learn(np.ones((3, 4, 4)))
    ax = sp.familiarity_trace(codes)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["level 0", "level 1"]


def test_confusion_matrix():
    ax = sp.confusion_matrix([0, 0, 0, 0, 1, 2], [0, 0, 0, 1, 1, 1])
    np.testing.assert_allclose(ax.images[0].get_array(), [[75, 25, 0], [0, 100, 0], [0, 100, 0]])
    assert sorted(text.get_text() for text in ax.texts) == ["100", "100", "25", "75"]
    words = sp.confusion_matrix(["cat", "dog"], ["dog", "dog"])
    assert [tick.get_text() for tick in words.get_xticklabels()] == ["cat", "dog"]


def test_curves():
    inputs = random_patterns(12, size=60, active=20, seed=1)
    model = Sparsey(60, [Level(n_modules=6, cells_per_module=8)], seed=0)
    curve = sp.similarity_curve(model.learn(inputs), inputs)
    v = np.linspace(0, 1, 11)
    ax = sp.similarity_plot(
        curve, expected=(v, sp.expected_intersection(v, 8)), chance=1 / 8, label="one"
    )
    np.testing.assert_allclose(ax.containers[0][0].get_ydata(), curve.intersection)
    assert ax.get_ylim()[1] > 1.0
    fresh = Sparsey(60, [Level(n_modules=6, cells_per_module=8)], seed=0)
    found = sp.retention(fresh, inputs, tests=3)
    ax = sp.retention_curve(found, bins=4, label="kept")
    np.testing.assert_allclose(ax.lines[0].get_ydata(), found.by_age([0, 3, 6, 9, 12]))


def test_bad_input_is_named(tower):
    codes = tower.retrieve(np.ones((2, 6, 8)))
    with pytest.raises(DescriptionError, match="mac must be from 0 to 11, got 12"):
        sp.receptive_fields(tower, mac=12)
    with pytest.raises(DescriptionError, match="must have rows and columns"):
        sp.receptive_fields(Sparsey(10))
    with pytest.raises(DescriptionError, match="items must be from 0 to 1 and mac from 0 to 11"):
        sp.code_grid(codes, (0, 2))
    with pytest.raises(DescriptionError, match=r"names must have 2 entries, .*, got 1"):
        sp.code_grid(codes, (0, 1), names=["a"])
    with pytest.raises(DescriptionError, match=r"labels must be .* of shape \(2,\)"):
        sp.confusion_matrix([0, 1], [0, 1, 1])
    with pytest.raises(DescriptionError, match="labels must be"):
        sp.confusion_matrix("ab", [0, 1])
    with pytest.raises(DescriptionError, match="labels must have at least one, got none"):
        sp.confusion_matrix([], [])
    inputs = random_patterns(3, size=60, active=20, seed=1)
    model = Sparsey(60, [Level(n_modules=6, cells_per_module=8)], seed=0)
    curve = sp.similarity_curve(model.learn(inputs), inputs)
    with pytest.raises(DescriptionError, match="expected must be two arrays"):
        sp.similarity_plot(curve, expected=3)
