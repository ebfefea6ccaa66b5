"""The published and specified figures of the reference memories, at a reduced number of trials.

The specification states means, but no number of trials. Each curve is compared as a whole: the sum
of the squared deviations, in units of their standard errors, is chi-squared if the curves agree.
The standard deviations of a trial are those of the committed study (400 trials). The bound of each
curve is that of a false alarm of 1e-5, as far as means of 30 trials are normal.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import chi2

from spikemem.networks import reference as ref

STUDY = Path(__file__).resolve().parents[1] / "benchmarks" / "studies" / "reference_memories.py"
TRIALS, SPECIFIED = 30, 10
"""Trials of a point here, and those that are taken for the figures of the specification."""

FLOOR = 0.004
"""Smallest standard deviation of a trial: where no error was seen, one is still possible."""


@pytest.fixture(scope="module")
def study():
    spec = importlib.util.spec_from_file_location("reference_study", STUDY)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def committed(study):
    return json.loads(study.RESULTS.read_text(encoding="utf-8"))


def deviation(found, wanted, sd, *trials):
    """Sum of squared deviations, and its bound."""
    error = np.maximum(sd, FLOOR) * np.sqrt(sum(1 / n for n in trials))
    squares = ((np.asarray(found) - wanted) / error) ** 2
    return squares.sum(), chi2.ppf(1 - 1e-5, squares.size)


def column(rows, name):
    return np.array([row[name] for row in rows], dtype=float)


def means(trial, points, first=1000):
    """Means of fresh trials: their seeds are not those of the study."""
    return [np.mean([trial(*p, seed) for seed in range(first, first + TRIALS)]) for p in points]


@pytest.mark.parametrize("n", [500, 1000])
def test_overlaps_of_hopfield_networks(study, committed, n):
    rows = [row for row in committed["hopfield"] if row["cells"] == n]
    found = means(study.overlap, [(n, row["load"]) for row in rows])
    sd = column(rows, "sd")
    for wanted, trials in (
        (column(rows, "mean"), rows[0]["trials"]),
        (list(study.HOPFIELD[n].values()), SPECIFIED),
    ):
        value, bound = deviation(found, wanted, sd, TRIALS, trials)
        assert value < bound


@pytest.mark.parametrize("p", [2, 3, 4])
def test_right_bits_of_dense_memories(study, committed, p):
    rows = [row for row in committed["dense"] if row["p"] == p]
    n = rows[0]["cells"]
    found = means(study.right_bits, [(p, n, row["factor"]) for row in rows])
    sd = column(rows, "sd")
    for wanted, trials in (
        (column(rows, "mean"), rows[0]["trials"]),
        (study.DENSE[p, n], SPECIFIED),
    ):
        value, bound = deviation(found, wanted, sd, TRIALS, trials)
        assert value < bound
    # The knee is at K*: above 0.85 up to there, far below beyond.
    assert min(found[:2]) > 0.85 > 0.8 > max(found[3:])


@pytest.mark.parametrize("dilution", [0.1, 0.3, 0.5, 0.7, 0.9])
def test_magnetisations_of_multitasking_networks(study, committed, dilution):
    """The specified values are those of one network of 20,000 cells."""
    (row,) = [row for row in committed["multitasking"] if row["dilution"] == dilution]
    found = np.mean([study.magnetisations(dilution, 1000 + k) for k in range(10)], axis=0)
    sd = np.array(row["sd"])
    for wanted, trials in ((row["mean"], row["trials"]), (study.MULTITASKING[dilution], 1)):
        value, bound = deviation(found, wanted, sd, 10, trials)
        assert value < bound
    theory = ref.diluted_magnetisations(4, dilution)
    drift = np.abs(found - theory).max()
    # At d = 0.7 the hierarchical state gives way to the parallel one, elsewhere it is stable.
    assert drift > 0.02 if dilution == 0.7 else drift < 0.01


def test_willshaw_memories_follow_the_exact_theory(study, committed):
    """Ten networks of 100 cells at each load, 300 probes at most; and the committed results."""
    rows = [row for row in committed["willshaw"] if row["cells"] == 100]
    found = np.array(
        [
            np.mean([study.willshaw(100, row["load"], 1000 + k) for k in range(10)], axis=0)
            for row in rows
        ]
    )
    sd = np.array([row["sd"] for row in rows])
    for part in (1, 2):  # false bits, bits per synapse
        theory = [row["theory"][part - 1] for row in rows]
        spread = sd[:, part]
        # The expected bits are those at the expected false bits: equal up to second order.
        margin = 0.0 if part == 1 else 0.004
        error = np.maximum(spread, FLOOR) / np.sqrt(10) + margin
        assert np.all(np.abs(found[:, part] - theory) < 4.42 * error)
    for row in committed["willshaw"]:
        assert row["mean"][2] == pytest.approx(row["theory"][1], abs=0.008)
    best = {}
    for row in committed["willshaw"]:
        best[row["cells"]] = max(best.get(row["cells"], 0.0), row["mean"][2])
    # Above one half at 100 cells, and closer to ln 2 with each size.
    assert list(best.values()) == sorted(best.values())
    assert 0.5 < best[100] < 0.51
    assert 0.63 < best[10_000] < ref.WILLSHAW_BITS_PER_SYNAPSE


def test_the_committed_study_has_every_point(study, committed):
    assert {(row["cells"], row["load"]): row["specification"] for row in committed["hopfield"]} == {
        (n, load): value for n, loads in study.HOPFIELD.items() for load, value in loads.items()
    }
    assert len(committed["dense"]) == 15
    assert len(committed["multitasking"]) == 5
    assert len(committed["willshaw"]) == len(study.WILLSHAW) * len(study.LOADS)
    assert min(row["trials"] for row in committed["hopfield"] + committed["dense"]) >= 400


def test_the_comparison_notices_other_dynamics(study, committed):
    """One synchronous step instead of a relaxation fails the comparison of p = 2."""
    rows = [row for row in committed["dense"] if row["p"] == 2]
    found = []
    for row in rows:
        values = []
        for seed in range(TRIALS):
            patterns = ref.random_spins(round(row["factor"] * 11), 100, seed=seed)
            memory = ref.DenseAssociativeMemory(100, p=2, dynamics="synchronous", max_sweeps=1)
            cue = ref.flip_spins(patterns[0], 0.1, seed=seed)
            answer = memory.store(patterns).recall(cue)
            values.append((answer[0] == patterns[0]).mean())
        found.append(np.mean(values))
    value, bound = deviation(found, study.DENSE[2, 100], column(rows, "sd"), TRIALS, SPECIFIED)
    assert value > bound
