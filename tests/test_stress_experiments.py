"""The experiments, on small memories whose answers are known in closed form."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest
import scipy.stats
from hypothesis import given
from hypothesis import strategies as st
from nonsense import nonsense, refusal
from stress_models import COSTS, Fading, Palimpsest, Traces, Willshaw, pooled, trials

from spikemem import metrics
from spikemem.errors import DescriptionError, UnsupportedError
from spikemem.schedules import RehearsalSchedule
from spikemem.stress.conditions import Conditions
from spikemem.stress.experiments.capacity import Capacity
from spikemem.stress.experiments.loading import spaced
from spikemem.stress.experiments.noise import Noise
from spikemem.stress.experiments.order import Order
from spikemem.stress.experiments.recall import Recall
from spikemem.stress.experiments.recognition import Recognition
from spikemem.stress.experiments.rehearsal import Rehearsal
from spikemem.stress.experiments.retention import Retention
from spikemem.stress.measures import MEASURES
from spikemem.stress.subject import Probe, Study
from spikemem.stress.table import EXPERIMENTS, experiment_named

SUBJECTS = {
    "capacity": Willshaw(), "recognition": Traces(), "recall": Willshaw(),
    "retention": Palimpsest(), "order": Traces(), "noise": Fading(), "rehearsal": Palimpsest(),
}  # fmt: skip


def within(successes, attempts, p, *, z=4.0):
    """Whether counts fit probabilities; wrong for one of 16,000 right values at z = 4."""
    successes, attempts, p = (np.asarray(x, float) for x in (successes, attempts, p))
    spread = np.sqrt(attempts * p * (1 - p))
    assert (np.abs(successes - attempts * p) <= z * spread + 1.0).all()


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_outcomes_are_those_that_are_declared(name):
    experiment = experiment_named(name)(load=0.2)
    assert experiment.name == name
    assert experiment.main in experiment.measures
    subject = SUBJECTS[name]
    (outcome,) = trials(experiment, subject, 1, Conditions(backend="native", read_noise=0.1))
    own = {"density"} if isinstance(subject, Willshaw) else set()
    assert set(outcome) == set(experiment.measures) | own
    for key, value in outcome.items():
        measure = experiment.measure(key)
        shape = {"mean": (), "proportion": (2,), "curve": ("n",), "proportions": ("n", 2)}
        assert value.dtype == np.float64
        assert value.ndim == len(shape[measure.kind]), key
        if measure.kind.startswith("proportion"):
            successes, attempts = np.moveaxis(value, -1, 0)
            assert (successes <= attempts).all()
        if measure.against:
            assert len(value) == len(outcome[measure.against])
    assert set(experiment.measures) <= set(MEASURES)
    pool = pooled(experiment, [outcome])
    assert all(isinstance(value, float) for value in experiment.summary(pool).values())
    assert experiment.summary({}) == {}


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_script_follows_from_its_seed_and_studies_each_item_first(name):
    experiment, subject = experiment_named(name)(load=0.3), SUBJECTS[name]
    tasks = [experiment.task(subject, seed) for seed in (1, 1, 2)]
    assert tasks[0] == tasks[1]
    assert tasks[0].script != tasks[2].script
    for task in tasks:
        studied = [event.item for event in task.script if isinstance(event, Study)]
        assert list(dict.fromkeys(studied)) == list(range(15))  # 0.3 of a scale of 50.
        assert all(0 <= event.item < task.n_items for event in task.script)
        assert all(type(event.item) is int for event in task.script)


def test_every_catalogue_entry_says_what_it_is():
    assert all(entry.label and entry.definition.endswith(".") for entry in MEASURES.values())
    used = set().union(*(experiment_named(name).measures for name in EXPERIMENTS))
    assert used == set(MEASURES)


def test_how_many_items():
    for said, n in (({}, 25), ({"load": 0.05}, 3), ({"load": 0.001}, 1), ({"n_items": 7}, 7)):
        script = Capacity(**said).task(Willshaw(size=50), 0).script
        assert len(script) == 2 * n  # 0.05 * 50 = 2.5 is rounded up.
    with pytest.raises(DescriptionError, match="n_items or load, not both"):
        Capacity(n_items=3, load=0.5)
    with pytest.raises(DescriptionError, match="only one of them"):
        Rehearsal(budget=3, load=0.5)
    with pytest.raises(DescriptionError, match="load must be > 0"):
        Capacity(load=0.0)
    with pytest.raises(DescriptionError, match="at least 2 items are needed, got 1"):
        Order(n_items=1).task(Traces(), 0)
    for huge in (
        Capacity(n_items=2 * 10**9), Capacity(load=1e300),
        Recognition(n_items=2, n_novel=2 * 10**9),
        Order(n_items=10**7, n_distances=None, n_pairs=10**7), Rehearsal(budget=2 * 10**9),
        Rehearsal(n_items=10**9, rehearsals=10**6), Retention(n_items=2 * 10**9),
        Recall(n_items=10**9, n_losses=10_000),
    ):  # fmt: skip
        with pytest.raises(DescriptionError, match="Use fewer items"):
            huge.task(Traces(), 0)


@given(st.integers(0, 50), st.integers(0, 500), st.one_of(st.none(), st.integers(1, 600)))
def test_spaced_numbers(first, more, n):
    found = spaced(first, first + more, n)
    assert (np.diff(found) > 0).all()
    assert found[0] == first
    assert len(found) <= (more + 1 if n is None else n)
    if n is None or n > 1:
        assert found[-1] == first + more
    if n is None or n > more:
        assert found.tolist() == list(range(first, first + more + 1))


# -- capacity ------------------------------------------------------------------------------------


def test_capacity_measures_are_those_of_the_metrics():
    subject, experiment = Willshaw(size=24, active=4), Capacity(n_items=20)
    task = experiment.task(subject, 3)
    (answers,) = subject.perform([task], Conditions())
    outcome = experiment.outcome(subject, task, answers)
    # The matrix by hand, and the measures of spikemem.metrics on its answers.
    items = subject.material(task)
    synapses = (items.T.astype(int) @ items) > 0
    order = [event.item for event in task.script if isinstance(event, Probe)]
    got = np.array([synapses[items[k]].all(axis=0) for k in order])
    exact = metrics.exact_recall(items[order], got)
    assert 0 < exact < 1
    assert outcome["exact_recall"].tolist() == [20 * exact, 20]
    assert outcome["information"] == pytest.approx(metrics.information(items[order], got))
    assert outcome["information_per_synapse"] == pytest.approx(
        metrics.information_per_synapse(items[order], got, 24 * 24)
    )
    assert outcome["information_per_neuron"] == pytest.approx(outcome["information"] / 24)
    missing, extra = metrics.bit_errors(items[order], got)
    assert outcome["bit_errors"] == pytest.approx((missing + extra).sum() / got.size)
    assert outcome["precision"] == pytest.approx((items[order] & got).sum() / got.sum())
    assert outcome["bit_recall"] == 1.0  # This memory never loses a bit.
    wrong = (got != items[order]).any(axis=1)
    assert outcome["first_error"] == np.flatnonzero(wrong)[0]
    assert outcome["error_free"].tolist() == [0, 1]


def test_information_of_a_memory_without_errors():
    # Four of sixteen bits are set: H(1/4) = 2 - 3/4 log2 3 = 0.8113 bits for each bit of an item.
    subject = Fading(size=16)
    (outcome,) = trials(Capacity(n_items=10), subject, 1)
    assert outcome["information"] == pytest.approx(10 * 16 * (2 - 0.75 * np.log2(3)))
    assert outcome["first_error"] == 10
    assert outcome["error_free"].tolist() == [1, 1]
    # What is probed is a sample of what is stored.
    (part,) = trials(Capacity(n_items=10, n_probes=2), subject, 1)
    assert part["information"] == pytest.approx(outcome["information"])
    assert part["exact_recall"].tolist() == [2, 2]


def test_probes_of_a_capacity_trial():
    settings = {"n_items": 6, "n_probes": 4}
    kinds = {
        order: [
            event.item
            for event in Capacity(**settings, probe_order=order).task(Willshaw(), 1).script
            if isinstance(event, Probe)
        ]
        for order in ("random", "studied", "reversed")
    }  # fmt: skip
    assert kinds["studied"] == sorted(kinds["random"]) == kinds["reversed"][::-1]
    assert len(set(kinds["random"])) == 4
    probe = Capacity(cue_loss=0.25, wrong_bits=0.5).task(Willshaw(), 0).script[-1]
    assert (probe.cue_loss, probe.wrong_bits, probe.question) == (0.25, 0.5, "recall")


def test_costs_are_means_over_memory_operations():
    (outcome,) = trials(Capacity(n_items=3), Willshaw(), 1)
    for name in ("spikes", "synaptic_operations", "duration", "energy"):
        assert outcome[name] == pytest.approx(COSTS[name] / 30)
    for name in ("footprint", "connection_sparsity", "activation_sparsity"):
        assert outcome[name] == COSTS[name]
    assert 0 < outcome["density"] < 1  # The subject's own number is passed on.
    (without,) = trials(Capacity(n_items=3), Palimpsest(), 1)
    assert np.isnan(without["energy"])


def test_willshaw_fills_as_its_law_says():
    # 1 - (1 - f^2)^P off the diagonal, P = 60 patterns of f = 5/60, with f^2 = 5 * 4/(60 * 59).
    subject = Willshaw(size=60, active=5)
    outcomes = trials(Capacity(n_items=60), subject, 8)
    f2 = 5 * 4 / (60 * 59)
    wanted = (1 - (1 - f2) ** 60) * 59 / 60 + (1 - (1 - 5 / 60) ** 60) / 60
    density = np.array([outcome["density"] for outcome in outcomes])
    # SD of the density of one matrix: below that of independent pairs, sqrt(2 p q / n^2) = 0.011.
    assert abs(density.mean() - wanted) < 4 * 0.011 / 8**0.5


def test_more_active_bits_than_there_are_is_an_error_of_the_subject():
    class Wrong(Fading):
        def trial(self, task, conditions):
            answers = super().trial(task, conditions)
            object.__setattr__(answers, "n_bits", 3)
            return answers

    with pytest.raises(DescriptionError, match="more than the n_bits=3 of each of 2 answers"):
        trials(Capacity(n_items=2), Wrong(), 1)


# -- recognition ---------------------------------------------------------------------------------


@pytest.mark.parametrize("d", [0.0, 1.0, 2.0])
def test_recognition_finds_a_known_sensitivity(d):
    experiment = Recognition(n_items=50)
    outcomes = trials(experiment, Traces(d=d), 40)
    pool = pooled(experiment, outcomes)
    # 2000 studied and as many novel probes. The observer who calls as many items studied as there
    # are has hits Phi(d/2) and false alarms Phi(-d/2) up to the scatter of the threshold.
    n = 2000
    hit = scipy.stats.norm.cdf(d / 2)
    within(pool["hits"][0], n, hit)
    assert pool["hits"][0] + pool["false_alarms"][0] == n
    # SD of d' from two proportions (Gourevitch and Galanter 1967), z = 4.
    density = scipy.stats.norm.pdf(d / 2)
    spread = (2 * hit * (1 - hit) / n) ** 0.5 / density
    summary = experiment.summary(pool)
    assert abs(summary["pooled_d_prime"] - d) < 4 * spread + 0.02
    assert summary["pooled_bias"] == pytest.approx(0.0, abs=1e-12)
    # The area is Phi(d/sqrt 2); its SD is at most sqrt(A (1 - A) / 2000) (Hanley, McNeil 1982).
    area = scipy.stats.norm.cdf(d / 2**0.5)
    assert abs(pool["roc_area"] - area) < 4 * (area * (1 - area) / n) ** 0.5


def test_recognition_with_a_threshold():
    experiment = Recognition(n_items=40, n_novel=80, yes_threshold=1.5)
    pool = pooled(experiment, trials(experiment, Traces(d=1.0), 20))
    within(pool["hits"][0], 800, scipy.stats.norm.cdf(-0.5))
    within(pool["false_alarms"][0], 1600, scipy.stats.norm.cdf(-1.5))
    assert experiment.summary(pool)["pooled_bias"] == pytest.approx(1.0, abs=0.2)


def test_recognition_shows_each_probe_once():
    task = Recognition(n_items=9, n_probes=4).task(Traces(), 5)
    probes = [event.item for event in task.script if isinstance(event, Probe)]
    assert len(set(probes)) == len(probes) == 8
    assert sum(item >= 9 for item in probes) == 4
    assert task.n_items == 13


# -- recall --------------------------------------------------------------------------------------


def test_recall_falls_with_the_cue():
    experiment = Recall(n_items=40, n_losses=6, max_loss=1.0)
    pool = pooled(experiment, trials(experiment, Fading(), 10))
    losses = np.linspace(0, 1, 6)
    np.testing.assert_allclose(pool["cue_loss"], losses)
    assert pool["exact_by_loss"][:, 1].tolist() == [400] * 6
    within(*pool["exact_by_loss"].T, 1 - losses)
    # Of four bits a wrong answer has one.
    exact = pool["exact_by_loss"][:, 0] / 400
    np.testing.assert_allclose(pool["bits_by_loss"], exact + 0.25 * (1 - exact))
    # Where half are recalled: a line of slope -1, whose value has an SD of 0.025.
    assert abs(experiment.summary(pool)["half_loss"] - 0.5) < 4 * 0.025
    whole = Recall(n_items=4, max_loss=0.0)
    assert whole.summary(pooled(whole, trials(whole, Fading(), 1))) == {}


def test_recall_probes_each_item_at_each_loss():
    task = Recall(n_items=8, n_probes=3, n_losses=4, max_loss=0.6, wrong_bits=0.1).task(Fading(), 2)
    asked = [(p.item, round(p.cue_loss, 6)) for p in task.script if isinstance(p, Probe)]
    items = {item for item, _ in asked}
    assert len(items) == 3
    assert sorted(asked) == sorted(itertools.product(items, [0.0, 0.2, 0.4, 0.6]))


# -- retention -----------------------------------------------------------------------------------


@pytest.mark.parametrize("interleaved", [False, True])
@pytest.mark.parametrize("ask", ["recall", "recognise"])
def test_retention_of_a_palimpsest(interleaved, ask):
    slots = 12
    experiment = Retention(n_items=60, interleaved=interleaved, ask=ask, n_lags=12, max_lag=40)
    pool = pooled(experiment, trials(experiment, Palimpsest(size=slots), 150))
    lags = pool["lag"]
    assert lags[0] == 0
    assert lags[-1] == 40
    kept, tried = pool["retained"].T
    assert (tried > 60).all()
    if ask == "recall":
        within(kept, tried, (1 - 1 / slots) ** lags)
        summary = experiment.summary(pool)
        assert summary["exponential_weight"] > 0.99
        wanted = -np.log(1 - 1 / slots)
        assert abs(summary["exponential_b"] - wanted) < 4 * summary["exponential_b_error"]
    else:
        # Familiarity is 0 or 1: what is kept is called studied. In a trial that keeps less than
        # half, all probes are, since this is nearer to as many yes answers as studied items.
        assert pool["hits"][1] == pool["false_alarms"][1]
        assert kept[0] == tried[0]
        assert (kept >= tried * (1 - 1 / slots) ** lags - 4 * np.sqrt(tried / 4)).all()


@pytest.mark.parametrize("law", ["power", "exponential"])
def test_retention_tells_the_laws_apart(law):
    b = {"power": 0.6, "exponential": 0.1}[law]
    experiment = Retention(n_items=50, n_lags=None)
    subject = Fading(law=law, a=0.95, b=b)
    pool = pooled(experiment, trials(experiment, subject, 200))
    within(*pool["retained"].T, subject.chance(pool["lag"]))
    summary = experiment.summary(pool)
    other = {"power": "exponential", "exponential": "power"}[law]
    assert summary[f"{law}_aic"] < summary[f"{other}_aic"] - 10
    assert abs(summary[f"{law}_b"] - b) < 4 * summary[f"{law}_b_error"]
    assert abs(summary[f"{law}_a"] - 0.95) < 4 * summary[f"{law}_a_error"]


@given(
    st.integers(1, 60), st.one_of(st.none(), st.integers(1, 9)), st.booleans(), st.integers(0, 9)
)
def test_a_probe_has_the_lag_that_is_counted(n_items, n_lags, interleaved, seed):
    experiment = Retention(n_items=n_items, n_lags=n_lags, interleaved=interleaved)
    task = experiment.task(Palimpsest(), seed)
    (answers,) = Palimpsest(size=10**6).perform([task], Conditions())
    outcome = experiment.outcome(Palimpsest(), task, answers)
    wanted: dict[int, int] = {}
    for k, event in enumerate(task.script):
        if isinstance(event, Probe):
            before = task.script[:k]
            since = before[before.index(Study(event.item)) + 1 :]
            lag = sum(isinstance(step, Study) for step in since)
            wanted[lag] = wanted.get(lag, 0) + 1
    counted = zip(outcome["lag"], outcome["retained"][:, 1], strict=True)
    assert {int(lag): int(n) for lag, n in counted if n} == wanted
    probes = [event.item for event in task.script if isinstance(event, Probe)]
    assert len(probes) == len(set(probes))


# -- order ---------------------------------------------------------------------------------------


def test_order_is_judged_as_well_as_positions_are_kept():
    blur = 4.0
    experiment = Order(n_items=30, n_pairs=10)
    pool = pooled(experiment, trials(experiment, Traces(blur=blur), 50))
    right, tried = pool["order_by_distance"].T
    within(right, tried, scipy.stats.norm.cdf(pool["distance"] / (2**0.5 * blur)))
    assert pool["order_accuracy"].tolist() == [right.sum(), tried.sum()]
    assert pool["distance"][[0, -1]].tolist() == [1, 29]
    assert tried[-1] == 50  # There is one pair at the largest distance.


@given(st.integers(2, 40), st.integers(1, 6), st.integers(0, 5))
def test_pairs_of_order_are_balanced(n_items, n_pairs, seed):
    script = Order(n_items=n_items, n_pairs=n_pairs).task(Traces(), seed).script
    pairs = [(e.item, e.other) for e in script if isinstance(e, Probe)]
    assert len({frozenset(pair) for pair in pairs}) == len(pairs)
    for distance in {abs(a - b) for a, b in pairs}:
        signs = [np.sign(b - a) for a, b in pairs if abs(a - b) == distance]
        assert abs(sum(signs)) <= 1
        assert len(signs) == min(n_pairs, n_items - distance)


# -- noise ---------------------------------------------------------------------------------------


def test_noise_is_measured_against_the_same_trial():
    experiment, subject = Noise(n_items=40), Fading(a=0.8)
    outcomes = trials(experiment, subject, 20, Conditions(backend="native", read_noise=0.25))
    pool = pooled(experiment, outcomes)
    within(*pool["exact_recall"], 0.8 * 0.75)
    within(*pool["ideal_exact_recall"], 0.8)
    ideal = pooled(experiment, trials(experiment, subject, 20))
    assert ideal["exact_recall"].tolist() == pool["ideal_exact_recall"].tolist()
    assert ideal["recall_lost"] == ideal["bit_errors_added"] == 0
    lost = np.array([outcome["recall_lost"] for outcome in outcomes])
    # An item that is recalled with noise is recalled without: what is lost is 0.2 of the items,
    # and its spread is that of this share alone, not of two independent trials.
    assert (lost >= 0).all()
    within(lost.sum() * 40, 800, 0.2)
    assert pool["bit_errors_added"] == pytest.approx(lost.mean() * 5 / 16)


def test_the_twin_is_ideal_in_all_but_backend_and_integrator():
    point = Conditions(backend="native", integrator="exact", device="PCM", jitter=1.0, stuck=0.1)
    assert Noise().twins(point) == (Conditions(backend="native", integrator="exact"),)
    assert Noise().twins(Conditions(backend="native")) == ()
    assert Capacity().twins(point) == ()


# -- rehearsal -----------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", RehearsalSchedule.KINDS)
@pytest.mark.parametrize("massed", [False, True])
def test_rehearsals_follow_their_schedule(schedule, massed):
    # Items that were studied at least twice are recalled: the share of each age is
    # 1 - prod over later phases of (1 - probability in that phase)^rehearsals.
    n, r = 12, 2
    experiment = Rehearsal(n_items=n, schedule=schedule, rehearsals=r, massed=massed, rate=0.5)
    pool = pooled(experiment, trials(experiment, Fading(least=2), 300))
    law = RehearsalSchedule(kind=schedule, rate=0.5)
    missed = np.ones(n)
    for phase in range(n):
        shares = law.probabilities(phase)
        if not massed:
            shares[-1] = 0
            shares = shares / shares.sum() if shares.any() else shares
        missed[: phase + 1] *= (1 - shares) ** r
    within(*pool["recalled_by_age"].T, 1 - missed[::-1])
    assert pool["age"].tolist() == list(range(n))
    spent = n + (r * n if massed else r * (n - 1)) * (massed or schedule != "none")
    assert pool["studies"] == spent
    assert pool["items_recalled"] == pytest.approx(pool["exact_recall"][0] / 300)
    assert pool["recalled_per_study"] == pytest.approx(pool["items_recalled"] / spent)


@given(
    st.integers(1, 80), st.sampled_from(RehearsalSchedule.KINDS), st.integers(0, 5), st.booleans(),
    st.integers(0, 3),
)  # fmt: skip
def test_a_budget_is_spent(budget, schedule, rehearsals, massed, seed):
    experiment = Rehearsal(budget=budget, schedule=schedule, rehearsals=rehearsals, massed=massed)
    script = experiment.task(Palimpsest(), seed).script
    studies = [event.item for event in script if isinstance(event, Study)]
    n = len(set(studies))
    if n > 1 or massed or schedule == "none":
        assert len(studies) == budget
    assert len(studies) <= budget
    none = schedule == "none" and not massed
    assert n == (
        budget if none else max((budget + (0 if massed else rehearsals)) // (1 + rehearsals), 1)
    )


def test_without_rehearsal_a_palimpsest_forgets_as_in_retention():
    subject = Palimpsest(size=20)
    none = Rehearsal(n_items=20, schedule="none")
    pool = pooled(none, trials(none, subject, 100))
    within(*pool["recalled_by_age"].T, 0.95 ** np.arange(20))


# -- what a model lacks --------------------------------------------------------------------------


@pytest.mark.parametrize(("experiment", "subject", "text"), [
    (Order(), Palimpsest(), "'order' asks the question 'order', which Palimpsest cannot answer"),
    (Recognition(), Willshaw(), "'recognition' asks the question 'recognise', which Willshaw"),
    (Capacity(), Traces(), "'capacity' asks the question 'recall', which Traces cannot answer"),
    (Retention(ask="recognise"), Willshaw(), "'retention' asks the question 'recognise'"),
    (Retention(ask="recognise", interleaved=True), Traces(), "use interleaved=False"),
    (Rehearsal(), Traces(), "'rehearsal' asks the question 'recall'"),
])  # fmt: skip
def test_a_model_that_lacks_what_is_asked(experiment, subject, text):
    with pytest.raises(UnsupportedError, match=text) as caught:
        experiment.check(subject)
    assert "\n" not in str(caught.value)


def test_rehearsal_needs_a_model_that_relearns():
    class Once(Fading):
        relearns = False

    with pytest.raises(UnsupportedError, match="use schedule='none'"):
        Rehearsal().check(Once())
    Rehearsal(schedule="none").check(Once())


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_any_value_of_a_setting_works_or_is_refused(name):
    cls, subject = experiment_named(name), SUBJECTS[name]

    def scripted(field, value):
        task = cls(**{"n_items": 3, field: value}).task(subject, 0)
        assert len(task.script) < 1000

    refused = 0
    for item in dataclasses.fields(cls):
        for value in nonsense():
            said = refusal(scripted, item.name, value)
            if said is not None:
                refused += 1
                assert item.name in said or "Use fewer items" in said
    assert refused > 50


def test_bad_settings_are_refused_by_name():
    for cls, settings, text in (
        (Capacity, {"cue_loss": 1.5}, "cue_loss must be >= 0 and <= 1"),
        (Capacity, {"probe_order": "odd"}, "probe_order"),
        (Recall, {"n_losses": 1}, "n_losses"),
        (Retention, {"ask": "order"}, "'order' is not a question"),
        (Order, {"n_pairs": 0}, "n_pairs"),
        (Rehearsal, {"schedule": "spaced"}, "'spaced' is not a schedule"),
    ):
        with pytest.raises(DescriptionError, match=text):
            cls(**settings)
