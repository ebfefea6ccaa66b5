"""Sweeps: axes, points, seeds, pooled measures, failed trials, what is refused at the door."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import pytest
from stress_cases import Failing, Filling, Slow, Willshaw

import spikemem as sm
from spikemem.checks import Count
from spikemem.errors import BackendMissing, DescriptionError, UnsupportedError
from spikemem.stress import Bisect, Sweep
from spikemem.stress.axes import Axes
from spikemem.stress.conditions import Conditions
from spikemem.stress.results import Results

GRID = {"load": [0.25, 0.5, 1.0], "n": [20, 30]}


@dataclass(frozen=True, kw_only=True)
class Spiking(Willshaw):
    """The same, said to have a network."""

    spiking: ClassVar[bool] = True


def sweep(model=Willshaw, vary=GRID, **options):
    return Sweep(model, Filling, **{"vary": vary, "trials": 4, **options})


@pytest.fixture(scope="module")
def results():
    return sweep().run()


def by_hand(trials, load, n, cue_loss=0.0):
    """Outcomes of a point, computed without a sweep."""
    plan = sweep(vary={"load": [load], "n": [n]}, trials=trials).plan
    subject, experiment = Willshaw(n=n), Filling(load=load, cue_loss=cue_loss)
    tasks = [experiment.task(subject, seed) for seed in plan.seeds({"load": load, "n": n})]
    answers = subject.perform(tasks, Conditions())
    return [experiment.outcome(subject, *pair) for pair in zip(tasks, answers, strict=True)]


def test_points_are_the_product_of_the_axes():
    points = sweep().points()
    assert points == [{"load": load, "n": n} for load in (0.25, 0.5, 1.0) for n in (20, 30)]
    assert sweep(vary={}).points() == [{}]


def test_measures_are_pooled_over_the_trials(results):
    for row in results.rows():
        found = by_hand(4, row["load"], row["n"])
        k, n = np.sum([outcome["exact"] for outcome in found], axis=0)
        assert row["exact"] == k / n
        assert 0 <= row["exact_low"] <= row["exact"] <= row["exact_high"] <= 1
        errors = np.array([outcome["errors"] for outcome in found])
        assert row["errors"] == pytest.approx(errors.mean(), rel=1e-12)
        spread = errors.std(ddof=1) / 2 * 3.182446  # Student's t, 3 degrees of freedom.
        assert row["errors_high"] - row["errors"] == pytest.approx(spread, rel=1e-6, abs=1e-12)
        curve = np.mean([outcome["curve"] for outcome in found], axis=0)
        np.testing.assert_allclose(row["curve"], curve)
        assert row["share"] == row["exact"]
        assert row["brought"] == 2 * round(row["load"] * row["n"])
        assert (row["trials"], row["failed"]) == (4, 0)
        assert row["wall_time"] > 0


def test_wilson_interval_of_a_point(results):
    row = results.rows()[4]
    k = round(row["exact"] * 4 * 20)
    z, n = 1.959963984540054, 80
    middle = (k + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(k * (n - k) / n + z * z / 4)
    assert row["exact_low"] == pytest.approx(middle - half, abs=1e-9)
    assert row["exact_high"] == pytest.approx(middle + half, abs=1e-9)


def test_arrays_have_the_shape_of_the_axes(results):
    rows = results.rows()
    found = results.array("exact")
    assert found.shape == (3, 2)
    np.testing.assert_array_equal(found.ravel(), [row["exact"] for row in rows])
    low = results.array("exact", "low")
    np.testing.assert_array_equal(low.ravel(), [row["exact_low"] for row in rows])
    assert results.array("curve").shape == (3, 2, 3)
    with pytest.raises(DescriptionError, match=r"'exat' is not a measure .*Did you mean 'exact'"):
        results.array("exat")
    with pytest.raises(DescriptionError, match="bound"):
        results.array("exact", "middle")


def test_curves_of_different_lengths():
    found = sweep(vary={"load": [0.05, 0.5]}, fixed={"n": 20}).run()
    assert [len(row["curve"]) for row in found.rows()] == [1, 3]
    assert np.isnan(found.array("curve")[0, 1:]).all()


def test_a_point_does_not_depend_on_the_others(results):
    alone = sweep(vary={"load": [1.0], "n": [30]}).run()
    assert alone.points[0].digest() == results.points[5].digest()
    fixed = sweep(vary={}, fixed={"load": 1.0, "n": 30}).run()
    assert fixed.rows()[0]["exact"] == results.rows()[5]["exact"]


def test_the_first_trials_of_more_are_the_same():
    few, many = (sweep(vary={}, trials=trials).plan.seeds({}) for trials in (3, 8))
    assert many[:3] == few


def test_seeds_differ_between_points_trials_and_sweeps():
    plan = sweep().plan
    seeds = [seed for values in sweep().points() for seed in plan.seeds(values)]
    assert len(set(seeds)) == 24
    other = sweep(seed=1).plan.seeds(sweep().points()[0])
    assert not set(other) & set(seeds)


def test_backends_are_compared_on_the_same_trials():
    plan = sweep(Spiking, vary={"backend": ["expected", "native"]}).plan
    assert plan.seeds({"backend": "expected"}) == plan.seeds({"backend": "native"})


def test_the_seed_may_be_an_axis():
    found = sweep(vary={"seed": [0, 1]}, fixed={"load": 1.0}).run()
    alone = sweep(vary={}, fixed={"load": 1.0}, seed=1).run()
    assert found.rows()[1]["exact"] == alone.rows()[0]["exact"]
    assert found.rows()[0]["exact"] != found.rows()[1]["exact"]


@pytest.mark.parametrize("batch", [1, 3, 7])
def test_the_batch_does_not_matter(batch, monkeypatch):
    from spikemem.stress import schedule

    whole = sweep(trials=7, vary={"load": [0.5]}).run()
    monkeypatch.setattr(schedule, "TRIALS", batch)
    assert sweep(trials=7, vary={"load": [0.5]}).run().equal(whole)


def test_a_large_memory_runs_its_trials_in_small_batches(monkeypatch):
    from spikemem.stress import schedule

    sizes = []
    monkeypatch.setattr(schedule, "SYNAPSES", 3 * 40**2 + 1)
    plain = Willshaw.perform
    monkeypatch.setattr(
        Willshaw,
        "perform",
        lambda self, tasks, c: (sizes.append(len(tasks)), plain(self, tasks, c))[1],
    )
    sweep(trials=7, vary={}).run()
    assert sizes == [3, 3, 1]


def test_failed_trials_are_recorded_and_the_others_stay():
    found = sweep(Failing, vary={"odd": [False, True]}, trials=12, fixed={"load": 0.2}).run()
    good, mixed = found.points
    seeds = sweep(Failing, vary={"odd": [False, True]}, trials=12, fixed={"load": 0.2}).plan.seeds(
        mixed.values
    )
    odd = [k for k, seed in enumerate(seeds) if seed % 2]
    assert 0 < len(odd) < 12
    assert [failure.trial for failure in mixed.failures] == odd
    assert len(good.failures) == 0
    assert mixed.failures[0].error == "ValueError: this memory is broken"
    assert "in one" in mixed.failures[0].traceback
    row = found.rows()[1]
    assert (row["trials"], row["failed"]) == (12 - len(odd), len(odd))
    assert not math.isnan(row["exact"])
    text = str(found)
    assert f"{len(odd)} of 24 trials failed" in text
    assert "this memory is broken" in text


def test_a_point_whose_trials_all_fail():
    found = sweep(Failing, vary={"bad": [False, True]}).run()
    assert math.isnan(found.rows()[1]["exact"])
    assert json.loads(found.to_json())["rows"][1]["exact"] is None
    assert len(json.loads(found.to_json())["failures"]) == 4


def test_aliases_and_subjects_with_settings():
    named = sweep(vary={"size": [20]}, fixed={"load": 0.5}).run()
    assert named.points[0].values == {"n": 20}
    made = sweep(Willshaw(n=20), vary={"load": [0.5]}).run()
    assert made.rows()[0]["exact"] == named.rows()[0]["exact"]
    made = Sweep(Willshaw, Filling(load=0.5), vary={"n": [20]}, trials=4).run()
    assert made.equal(named)


def test_functions_vary_sequences_and_fix_values():
    found = sm.stress.capacity(Willshaw, load=[0.25, 0.5], n=20, trials=3)
    assert [point.values for point in found.points] == [{"load": 0.25}, {"load": 0.5}]
    same = Sweep(Willshaw, "capacity", vary={"load": [0.25, 0.5]}, fixed={"n": 20}, trials=3).run()
    assert found.equal(same)
    for given in ((0.25, 0.5), np.array([0.25, 0.5])):
        assert sm.stress.capacity(Willshaw, load=given, n=20, trials=3).equal(found)
    assert len(sm.stress.capacity(Willshaw, n=range(20, 23), trials=1).points) == 3


BAD = [
    ({"vary": {"laod": [1.0]}}, r"'laod' is not an axis \(have: .*cue_loss.*Did you mean 'load'"),
    ({"vary": {"load": []}}, "load: the range is empty"),
    ({"vary": {"load": 0.5}}, "load is varied: a sequence of values or a Bisect is needed"),
    ({"vary": {"load": [0.5, -1.0]}}, "load must be > 0, got -1"),
    ({"vary": {"load": [0.5, 0.5]}}, "load: the value 0.5 comes twice"),
    ({"vary": {"n": [10.5]}}, "n must be"),
    ({"vary": {"load": "abc"}}, "load is varied"),
    ({"vary": {"n": [10], "size": [20]}}, "given twice"),
    ({"vary": {"n": [10]}, "fixed": {"n": 20}}, "given twice"),
    ({"fixed": {"load": [0.5]}}, "load"),
    ({"fixed": {"load": Bisect(0.1, 1.0)}}, "load is fixed"),
    ({"vary": {"trials": [1, 2]}}, "trials cannot be varied"),
    ({"trials": 0}, "trials must be an int >= 1, got 0"),
    ({"vary": {"backend": ["expected", "brain2"]}}, "'brain2' is not a.*Did you mean 'brian2'"),
    ({"vary": {"load": Bisect(0.1, 1.0, criterion=1.5)}}, "criterion must be from 0 to 1"),
    ({"vary": {"load": Bisect(0.1, 1.0, criterion=-0.1)}}, "criterion must be from 0 to 1"),
    ({"vary": {"load": Bisect(0.1, 1.0, measure="curve")}}, "'curve' is not a measure of one"),
    ({"vary": {"load": Bisect(0.1, 1.0), "n": Bisect(10, 20)}}, "only one axis can be bisected"),
    ({"vary": {"backend": Bisect(0.1, 1.0)}}, "backend cannot be bisected"),
    ({"vary": {"n": Bisect(10.5, 20)}}, "n takes whole numbers"),
    ({"vary": {"n": Bisect(2, 20)}}, "n must be an int >= 4"),
    ({"vary": {"load": [k + 1.0 for k in range(1001)], "n": range(4, 1004)}}, "at most 1000000"),
]  # fmt: skip


@pytest.mark.parametrize(("given", "said"), BAD, ids=[said[:30] for _, said in BAD])
def test_bad_input_is_one_clear_line_at_the_door(given, said):
    with pytest.raises(DescriptionError, match=said) as caught:
        sweep(**{"vary": {}, **given})
    assert "\n" not in str(caught.value)


def test_the_default_backend_is_that_of_the_subject():
    class OnSpikes(Spiking):
        backend = "native"

    class Mistaken(Spiking):
        backend = "nativ"

    def plan(subject, **fixed):
        return sweep(subject, vary={}, fixed=fixed).plan

    assert plan(Spiking).parts({}).conditions.backend == "expected"
    assert plan(OnSpikes).parts({}).conditions.backend == "native"
    assert plan(OnSpikes, backend="expected").parts({}).conditions.backend == "expected"
    assert plan(OnSpikes).facts()["settings"]["backend"] == "native"
    assert plan(OnSpikes).seeds({}) == plan(OnSpikes, backend="expected").seeds({})
    # A device needs a network: refused on the algorithm, taken where the network is the default.
    with pytest.raises(UnsupportedError, match="neither cells nor synapses"):
        plan(Spiking, device="PCM")
    assert plan(OnSpikes, device="PCM").parts({}).conditions.on_device
    with pytest.raises(DescriptionError, match=r"Mistaken\.backend: .nativ. is not"):
        plan(Mistaken)


def test_a_model_that_lacks_what_the_experiment_needs():
    class Ordering(Filling):
        question = "order"

    with pytest.raises(UnsupportedError, match="'order', which Willshaw cannot answer"):
        Sweep(Willshaw, Ordering)
    with pytest.raises(UnsupportedError, match="no spiking network; use backend='expected'"):
        sweep(vary={"backend": ["expected", "native"]})


def test_unknown_models_and_experiments():
    with pytest.raises(DescriptionError, match=r"'CA4Memory' is not a model .*CA3Memory"):
        Sweep("CA4Memory")
    with pytest.raises(DescriptionError, match="stress: model must be"):
        Sweep(3)
    with pytest.raises(DescriptionError, match="Did you mean 'capacity'"):
        Sweep(Willshaw, "capcity")
    with pytest.raises(DescriptionError, match="experiment must be a name"):
        Sweep(Willshaw, 3)


def test_bisect_says_what_is_wrong():
    for given, said in [
        ((2.0, 1.0), "low must be below high"),
        ((0.0, 1.0, 0.9, None, None, "log"), "low must be > 0"),
        ((0.0, 1.0, 0.9, 0.0), "tolerance must be > 0"), ((0.0, math.inf), "high must be"),
        ((0.0, 1.0, 0.9, None, None, "lin"), "scale"),
    ]:  # fmt: skip
        with pytest.raises(DescriptionError, match=said):
            Bisect(*given)


def test_the_three_name_spaces_are_disjoint():
    @dataclass(frozen=True, kw_only=True)
    class Twice(Willshaw):
        stuck: Annotated[int, Count()] = 1

    with pytest.raises(DescriptionError, match=r"Conditions\.stuck has the name of a setting"):
        Axes.of(Twice, Filling)


def test_an_outcome_of_another_shape_is_refused():
    class Wrong(Filling):
        def outcome(self, subject, task, answers):
            return {"exact": np.zeros(3)}

    with pytest.raises(DescriptionError, match=r"'exact' is of kind 'proportion'.*got \(3,\)"):
        Sweep(Willshaw, Wrong, trials=1).run()


def test_twins_run_the_same_tasks():
    class Compared(Filling):
        def twins(self, conditions):
            return (Conditions(),)

        def outcome(self, subject, task, answers, twin):
            assert answers.right.tolist() == twin.right.tolist()
            return super().outcome(subject, task, answers)

    assert len(Sweep(Willshaw, Compared, trials=3).run().points[0].done) == 3


def test_text_json_frame(results, tmp_path):
    text = str(results)
    assert text.startswith("filling of Willshaw: 6 points, 4 trials each, seed 0")
    assert len(text.splitlines()) == 2 + 1 + 6
    told = json.loads(results.to_json(tmp_path / "x.json"))
    assert told == json.loads((tmp_path / "x.json").read_text())
    assert told["rows"][3]["exact"] == results.rows()[3]["exact"]
    assert told["sweep"]["axes"] == {"load": [0.25, 0.5, 1.0], "n": [20, 30]}
    assert "6 of 6 points" in repr(results)


def test_frame(results, monkeypatch):
    import sys

    class Frame(list):
        def __init__(self, rows):
            super().__init__(rows)

    monkeypatch.setitem(sys.modules, "pandas", type("pandas", (), {"DataFrame": Frame}))
    assert len(results.frame()) == 6
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(BackendMissing, match="pip install pandas"):
        results.frame()


def test_facts_of_a_point(results):
    facts = results.points[0].facts
    assert (facts["scale"], facts["n_synapses"], facts["n_neurons"]) == (20.0, 400, 20)
    assert facts["theory"] == {"load: made up": 1.0}


def test_equal_ignores_times(results):
    again = sweep().run()
    assert again.points[0].times != results.points[0].times
    assert again.equal(results)
    assert not sweep(seed=1).run().equal(results)


def test_progress_grows_to_one():
    seen: list[float] = []
    sweep().run(progress=seen.append)
    assert seen[0] == 0.0
    assert seen[-1] == 1.0
    assert seen == sorted(seen)
    seen.clear()
    sweep(vary={"load": Bisect(0.1, 3.0), "n": [20, 30]}).run(progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_an_interrupt_says_how_to_go_on(tmp_path):
    def stop(fraction):
        if fraction > 0.4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt, match=r"3 finished points are in .*run the same sweep"):
        sweep().run(tmp_path / "x.h5", progress=stop)
    assert len(sm.load(tmp_path / "x.h5").points) == 3
    assert not (tmp_path / "x.h5.journal").exists()
    with pytest.raises(KeyboardInterrupt, match="give out="):
        sweep().run(progress=stop)


def test_results_are_made_of_a_record():
    with pytest.raises(DescriptionError, match="record must be"):
        Results(3)
    assert "Slow" in repr(sweep(Slow))
