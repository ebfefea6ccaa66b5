"""Reference memories against plain versions of their definitions, and against their laws."""

from __future__ import annotations

import copy
import math
import pickle
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nonsense import nonsense, refusal
from scipy.stats import binom, chi2

import spikemem as sm
from spikemem.citations import bibtex
from spikemem.codes import drop_bits, random_patterns, swap_bits
from spikemem.models import Associative, Model
from spikemem.networks import reference as ref
from spikemem.streams import stream

SPINS = {
    "hopfield": lambda n, **o: ref.HopfieldNetwork(n, **o),
    "p=2": lambda n, **o: ref.DenseAssociativeMemory(n, p=2, **o),
    "p=3": lambda n, **o: ref.DenseAssociativeMemory(n, p=3, **o),
    "p=4": lambda n, **o: ref.DenseAssociativeMemory(n, p=4, **o),
    "p=7": lambda n, **o: ref.DenseAssociativeMemory(n, p=7, **o),
    "exp": lambda n, **o: ref.DenseAssociativeMemory(n, p="exp", **o),
    "multitasking": lambda n, **o: ref.MultitaskingHebbian(n, **o),
}
SMALL = {**SPINS, "willshaw": lambda n: ref.WillshawMemory(n)}


def sums(name, patterns, state, i):
    """What cell i compares: sums of F with the cell at +1 and at -1, as exact fractions."""
    power = {"hopfield": 2, "multitasking": 2}.get(name) or name.removeprefix("p=")
    found = []
    for spin in (1, -1):
        other = [*state]
        other[i] = spin
        z = [sum(int(a) * int(b) for a, b in zip(row, other, strict=True)) for row in patterns]
        if name == "exp":
            found.append(sum(Fraction(math.e) ** x for x in z))
        else:
            found.append(sum(Fraction(x) ** int(power) for x in z))
    return found


def plain_recall(name, patterns, cue, dynamics, seed, max_sweeps=100):
    """The dynamics as they are defined, one cell after the other, from the whole energy."""
    state, rng = [int(s) for s in cue], stream(seed, "reference", "recall", 0)
    for _ in range(max_sweeps):
        before = list(state)
        asynchronous = dynamics == "asynchronous"
        order = rng.permutation(len(state)) if asynchronous else range(len(state))
        for i in order:
            up, down = sums(name, patterns, state if asynchronous else before, i)
            state[i] = state[i] if up == down else 1 if up > down else -1
        if state == before:
            break
    return state


def material(name, n_patterns, n, seed):
    if name == "multitasking":
        return ref.diluted_patterns(n_patterns, n, 0.4, seed=seed)
    return ref.random_spins(n_patterns, n, seed=seed)


@pytest.mark.parametrize("dynamics", ["asynchronous", "synchronous"])
@pytest.mark.parametrize("name", SPINS)
def test_a_recall_is_the_one_of_the_definition(name, dynamics):
    moved = 0
    for seed, n_patterns in enumerate((1, 2, 3, 5, 9)):
        patterns = material(name, n_patterns, 11, seed)
        memory = SPINS[name](11, dynamics=dynamics, max_sweeps=20).store(patterns)
        cue = ref.random_spins(1, 11, seed=100 + seed)[0]
        found = memory.recall(cue, seed=seed)[0]
        assert found.tolist() == plain_recall(name, patterns, cue, dynamics, seed, 20)
        moved += (found != cue).any()
    assert moved >= 3


def test_the_field_is_that_of_the_couplings():
    patterns = ref.random_spins(30, 200, seed=0)
    memory = ref.HopfieldNetwork(200, dynamics="synchronous", max_sweeps=1).store(patterns)
    cue = ref.random_spins(1, 200, seed=1)[0]
    field = np.rint(memory.weights() @ cue * 200)
    assert (field == 0).any()
    expected = np.where(field == 0, cue, np.sign(field))
    assert (memory.recall(cue)[0] == expected).all()


@given(st.sampled_from(sorted(SPINS)), st.integers(0, 40), st.integers(0, 10_000))
@settings(max_examples=60, deadline=None)
def test_energy_never_rises(name, n_patterns, seed):
    memory = SPINS[name](24, max_sweeps=30).store(material(name, n_patterns, 24, seed))
    cues = ref.random_spins(3, 24, seed=seed + 1)
    before, after = memory.energy(cues), memory.energy(memory.recall(cues, seed=seed))
    assert np.all((after <= before + 1e-9 * np.abs(before)) | ~np.isfinite(before))
    assert np.array_equal(memory.familiarity(cues), -before)


@pytest.mark.parametrize("name", SPINS)
def test_temperature_is_that_of_the_energy(name):
    """Glauber dynamics end in Boltzmann's distribution; false alarms: 1e-4 for each memory."""
    patterns, heat, n = material(name, 3, 4, 3), 0.7, 2500
    memory = SPINS[name](4, temperature=heat, max_sweeps=15).store(patterns)
    ends = memory.recall(np.ones((n, 4), np.int8), seed=5)
    every = np.array([[1 if k >> bit & 1 else -1 for bit in range(4)] for k in range(16)])
    weights = np.exp(-memory.energy(every) / heat)
    expected = n * weights / weights.sum()
    counts = np.bincount(((ends > 0) << np.arange(4)).sum(axis=1), minlength=16)
    common = expected >= 5
    rare = (expected[~common].sum(), counts[~common].sum())
    parts = [*zip(expected[common], counts[common], strict=True), *([rare] if rare[0] > 1 else [])]
    statistic = sum((seen - wanted) ** 2 / wanted for wanted, seen in parts)
    assert statistic < chi2.ppf(1 - 1e-4, len(parts) - 1)


def test_the_exponential_form_neither_overflows_nor_underflows():
    patterns = ref.random_spins(40, 3000, seed=0)
    memory = ref.DenseAssociativeMemory(3000, p="exp").store(patterns)
    cues = ref.flip_spins(patterns, 0.4, seed=1)
    assert (memory.recall(cues) == patterns).all()
    # A cue that is far from all patterns: every exp(z) is 0 in float64.
    far = ref.DenseAssociativeMemory(3000, p="exp").store(patterns[0])
    start = -patterns[0]
    start[:10] *= -1
    assert (far.recall(start)[0] == patterns[0]).all()
    assert np.isfinite(memory.energy(cues)).all()


def test_large_powers_stay_in_range():
    patterns = ref.random_spins(5, 2000, seed=0)
    cues = ref.flip_spins(patterns, 0.4, seed=1)
    memory = ref.DenseAssociativeMemory(2000, p=100).store(patterns)
    assert (memory.recall(cues) == patterns).all()
    warm = ref.DenseAssociativeMemory(2000, p=100, temperature=0.01).store(patterns)
    assert (warm.recall(patterns) == patterns).all()  # the field is about 1 there
    assert (warm.recall(cues) != patterns).mean() > 0.4  # and about 0.2 ** 99 here


def test_a_dense_memory_holds_what_a_pairwise_one_cannot():
    patterns = ref.random_spins(120, 60, seed=0)
    cues = ref.flip_spins(patterns, 0.1, seed=1)
    right = {
        p: (ref.DenseAssociativeMemory(60, p=p).store(patterns).recall(cues) == patterns)
        .all(axis=1).mean()
        for p in (2, 3, 4, "exp")
    }  # fmt: skip
    assert right[2] < 0.01
    assert right[3] > 0.9
    assert min(right[4], right["exp"]) == 1.0


def test_without_dilution_multitasking_is_hopfield():
    patterns, cues = ref.random_spins(40, 200, seed=0), ref.random_spins(5, 200, seed=1)
    one = ref.MultitaskingHebbian(200).store(patterns)
    other = ref.HopfieldNetwork(200).store(patterns)
    assert (one.recall(cues, seed=3) == other.recall(cues, seed=3)).all()
    assert (one.hierarchical_state() == patterns[0]).all()


def test_the_hierarchical_state_follows_the_first_pattern_that_is_not_blank():
    memory = ref.MultitaskingHebbian(6).store([[1, 0, 0, -1, 0, 0], [-1, -1, 0, 1, 1, 0]])
    states = np.stack([memory.hierarchical_state(seed=k) for k in range(30)])
    assert (states[:, [0, 1, 3, 4]] == [1, -1, -1, 1]).all()
    assert set(states[:, 2]) == {-1, 1}  # false alarm: 2 ** -29


@pytest.mark.parametrize("name", SPINS)
def test_an_answer_depends_on_its_row_and_the_seed_alone(name):
    memory = SPINS[name](40, temperature=0.5, max_sweeps=5).store(material(name, 9, 40, 0))
    cues = ref.random_spins(4, 40, seed=2)
    whole = memory.recall(cues, seed=7)
    assert (memory.recall(cues[:2], seed=7) == whole[:2]).all()
    assert (memory.recall(cues, seed=8) != whole).any()
    rng = np.random.default_rng(3)
    assert (memory.recall(cues, seed=rng) != memory.recall(cues, seed=rng)).any()


@pytest.mark.parametrize("name", SPINS)
def test_nothing_stored_changes_nothing(name):
    cues = ref.random_spins(3, 20, seed=0)
    assert (SPINS[name](20).recall(cues) == cues).all()
    assert SPINS[name](20).recall(cues[:0]).shape == (0, 20)


def test_spins_are_taken_as_arrays_masks_and_patterns():
    bits = random_patterns(3, size=30, active=15, seed=0)
    dense = bits.to_dense()
    stored = [
        ref.HopfieldNetwork(30).store(form).patterns.tolist()
        for form in (bits, dense, 2 * dense.astype(int) - 1, (2.0 * dense - 1).tolist())
    ]
    assert stored[0] == stored[1] == stored[2] == stored[3]


@pytest.mark.parametrize("name", SMALL)
def test_models_answer_to_the_contract(name, tmp_path):
    memory = SMALL[name](30)
    items = random_patterns(3, size=30, active=6, seed=1)
    memory.store(items)
    assert isinstance(memory, Model)
    assert isinstance(memory, Associative)
    expected = memory.recall(items)
    for other in (copy.copy(memory), pickle.loads(pickle.dumps(memory)), sm.load(memory.save(
            tmp_path / "memory.h5"), "model")):  # fmt: skip
        assert type(other) is type(memory)
        again = other.recall(items)
        assert again == expected if name == "willshaw" else (again == expected).all()
        assert other.facts() == memory.facts()
        other.store(random_patterns(5, size=30, active=6, seed=2))
    assert memory.n_patterns == 3
    assert [list(row) for row in memory.expected(items)] == [list(row) for row in expected]
    for call in (lambda: memory.build(items), lambda: sm.run(memory, items)):
        with pytest.raises(sm.UnsupportedError, match=r"has no spiking cells.*call recall"):
            call()
    assert len(bibtex(memory)) > 400
    assert "<img" in memory._repr_html_()
    assert str(memory.n_patterns) in repr(memory)


def test_a_recall_tells_stored_patterns_from_new_ones():
    patterns = ref.random_spins(200, 200, seed=0)  # far beyond the capacity for recall
    memory = ref.HopfieldNetwork(200).store(patterns[:100])
    known, new = memory.familiarity(patterns[:100]), memory.familiarity(patterns[100:])
    assert known.min() > np.median(new)
    assert (known[:, None] > new).mean() > 0.97


def test_bad_arguments_are_refused_and_nothing_is_stored():
    memory = ref.HopfieldNetwork(4).store([1, -1, 1, 1])
    for value in nonsense():
        assert refusal(memory.store, value) is not None or memory.n_patterns == 1
        assert refusal(memory.recall, value) is not None or len(np.ravel(value)) in (0, 4)
    assert memory.n_patterns == 1
    assert "0 and 1 as bool" in refusal(memory.store, [1, 0, 1, 1])
    assert "shape (4,)" in refusal(memory.recall, [1, -1])
    assert "-1, 0 and 1" in refusal(ref.MultitaskingHebbian(2).store, [[2, 0]])
    assert '"exp"' in refusal(ref.DenseAssociativeMemory, 5, p="log")
    assert "n_outputs" in refusal(ref.WillshawMemory, 5, 5, steps=2)
    assert "needs contents" in refusal(ref.WillshawMemory(5, 5).store, [{1}])
    assert "takes no contents" in refusal(ref.WillshawMemory(5).store, [{1}], [{1}])
    assert "one for each pattern" in refusal(ref.WillshawMemory(5, 5).store, [{1}, {2}], [{1}])
    assert "Use fewer cells" in refusal(ref.WillshawMemory, 10**7, 10**7)


def naive_willshaw(inputs, outputs, cue, size):
    """Cells to which every active cell of the cue has a synapse."""
    pairs = {(i, j) for x, y in zip(inputs, outputs, strict=True) for i in x for j in y}
    return {j for j in range(size) if all((int(i), j) in pairs for i in cue)}


@given(st.integers(0, 10_000), st.integers(1, 40))
@settings(max_examples=40, deadline=None)
def test_willshaw_against_its_definition(seed, n):
    words = random_patterns(n, size=21, active=3, seed=seed)
    meanings = random_patterns(n, size=13, active=2, seed=seed + 1)
    memory = ref.WillshawMemory(21, 13).store(words[: n // 2], meanings[: n // 2])
    memory.store(words[n // 2 :], meanings[n // 2 :])
    cues = drop_bits(words, 0.34, seed=seed)
    pairs = [row.tolist() for row in words], [row.tolist() for row in meanings]
    for cue, found in zip(cues, memory.recall(cues).to_sets(), strict=True):
        assert found == naive_willshaw(*pairs, cue, 13)
    recalled = memory.recall(words)
    assert (recalled.overlaps(meanings).diagonal() == meanings.counts).all()
    assert (memory.familiarity(words) == 1.0).all()
    weights = memory.weights()
    assert memory.density == weights.mean()
    assert weights.sum() == len({(i, j) for x, y in zip(*pairs, strict=True) for i in x for j in y})


def test_winners_tolerate_wrong_bits_and_the_cue_threshold_does_not():
    items = random_patterns(300, size=1000, active=12, seed=0)
    cues = swap_bits(items, 3, seed=1)
    strict = ref.WillshawMemory(1000).store(items)
    winners = ref.WillshawMemory(1000, threshold="winners", n_winners=12, steps=5).store(items)
    assert sm.metrics.exact_recall(items, strict.recall(cues)) < 0.01
    assert sm.metrics.exact_recall(items, winners.recall(cues)) > 0.98


def test_winners_with_the_same_sum_are_all_active():
    memory = ref.WillshawMemory(4, 6, threshold="winners", n_winners=2)
    memory.store([[0, 1], [0, 2]], [[0, 1, 2], [2, 3]])
    assert memory.recall([[0, 1]]).to_sets() == [{0, 1, 2}]
    assert memory.recall([[3]]).to_sets() == [set()]
    assert memory.recall([[]]).to_sets() == [set()]


def test_faults_spoil_as_many_synapses_as_they_say():
    memory = ref.WillshawMemory(500, 400).store(
        random_patterns(2000, size=500, active=8), random_patterns(2000, size=400, active=6, seed=9)
    )
    n, set_ones = 500 * 400, int(memory.weights().sum())
    spoilt = memory.with_faults(failed=0.2, seed=1).weights()
    assert not (spoilt & ~memory.weights()).any()
    # False alarm of each count: 1e-6.
    low, high = binom.ppf([5e-7, 1 - 5e-7], set_ones, 0.2)
    assert low <= set_ones - spoilt.sum() <= high
    stuck = memory.with_faults(stuck=0.1, seed=1).weights()
    for value, count in ((True, set_ones), (False, n - set_ones)):
        low, high = binom.ppf([5e-7, 1 - 5e-7], count, 0.05)
        assert low <= ((memory.weights() == value) & (stuck != value)).sum() <= high
    assert (memory.with_faults(stuck=0.1, seed=1).weights() == stuck).all()
    assert memory.with_faults(seed=3).recall([[1]]) == memory.recall([[1]])


def test_false_bits_of_a_willshaw_memory_follow_the_exact_probability():
    """Means over 400 networks; false alarm of each point: 1e-5 (normal approximation)."""
    for n_pairs, active in ((60, 3), (90, 4)):
        counts = []
        for seed in range(400):
            words = random_patterns(n_pairs, size=40, active=active, seed=2 * seed)
            meanings = random_patterns(n_pairs, size=30, active=3, seed=2 * seed + 1)
            memory = ref.WillshawMemory(40, 30).store(words, meanings)
            counts.append(memory.recall(words[:1]).counts[0] - 3)
        sizes = {"n_inputs": 40, "n_outputs": 30, "input_active": active, "output_active": 3}
        exact = ref.willshaw_false_bits(n_pairs, **sizes, exact=True)
        error = np.std(counts) / 20
        assert abs(np.mean(counts) - exact) < 4.42 * error
        assert abs(exact - ref.willshaw_false_bits(n_pairs, **sizes)) > 0.02


def test_the_exact_probability_in_a_case_that_can_be_enumerated():
    # Two inputs of three, one output of two, two pairs; the cue is pair 0. The other output cell
    # is falsely active if pair 1 has it (1/2) and the same two inputs (1/3).
    sizes = {"n_inputs": 3, "n_outputs": 2, "input_active": 2, "output_active": 1}
    assert ref.willshaw_false_bits(2, **sizes, exact=True) == pytest.approx(1 / 6, abs=1e-15)
    assert ref.willshaw_false_bits(1, **sizes, exact=True) == 0.0
    assert ref.willshaw_false_bits(0, **sizes) == 0.0
    many = dict.fromkeys(("n_inputs", "n_outputs", "input_active", "output_active"), 2000)
    assert "at most 1000" in refusal(ref.willshaw_false_bits, 5, **many, exact=True)


def test_bits_per_synapse_approach_ln_2():
    best = []
    for k in (8, 12, 16, 20, 25, 30):
        n = 2**k
        half = ref.willshaw_capacity(k / n, k / n)
        sizes = {"n_inputs": n, "n_outputs": n, "input_active": k, "output_active": k}
        loads = [round(half * load) for load in np.linspace(0.5, 2.0, 31)]
        best.append(max(ref.willshaw_bits_per_synapse(pairs, **sizes) for pairs in loads))
    assert best == sorted(best)
    assert best[-1] < ref.WILLSHAW_BITS_PER_SYNAPSE == pytest.approx(0.6931, abs=1e-4)
    assert best[-1] > 0.62


def test_laws_at_published_values():
    # Krotov and Hopfield: p = 2 is N/(2 ln N), p = 3 is N^2/(6 ln N), p = 4 is N^3/(30 ln N).
    for n in (10, 100, 1000):
        assert ref.dense_capacity(n, 2) == pytest.approx(ref.hopfield_error_free_capacity(n))
        assert ref.dense_capacity(n, 3) == pytest.approx(n**2 / (6 * math.log(n)))
        assert ref.dense_capacity(n, 4) == pytest.approx(n**3 / (30 * math.log(n)))
    assert ref.dense_capacity(20, "exp") == 1024.0
    assert ref.dense_capacity(10_000, "exp") == math.inf
    assert ref.hopfield_capacity(1000) == 138.0
    # Amit, Gutfreund, Sompolinsky: retrieval ends at 0.138 with an overlap of 0.967.
    loads = np.linspace(0.13, 0.145, 1501)
    last = loads[np.array([ref.hopfield_overlap(load) for load in loads]) > 0][-1]
    assert last == pytest.approx(0.1379, abs=1e-4)
    assert ref.hopfield_overlap(last) == pytest.approx(0.967, abs=2e-3)
    assert ref.hopfield_overlap(0.0) == ref.hopfield_overlap(1e-300) == 1.0
    assert ref.hopfield_overlap(1e308) == 0.0
    assert ref.willshaw_capacity(1e-200, 1e-200) == math.inf
    assert ref.diluted_magnetisations(4, 0.1).tolist() == pytest.approx([0.9, 0.09, 0.009, 0.0009])
    assert ref.diluted_magnetisations(3, 0.0).tolist() == [1.0, 0.0, 0.0]
    assert ref.data_set_entropy(1.0, 5) == 0.0
    assert ref.data_set_entropy(0.5, 1, p=3, learning="unsupervised") == pytest.approx(63.0)
    assert ref.willshaw_density(10**6, 0.01, 0.01) == pytest.approx(1.0)
    assert ref.willshaw_density(0, 1.0, 1.0) == 0.0
    assert ref.willshaw_density(3, 1.0, 1.0) == 1.0


def test_the_example_of_the_page():
    page = Path(__file__).resolve().parents[1] / "docs" / "explanation" / "reference_memories.md"
    text = page.read_text(encoding="utf-8")
    names: dict[str, object] = {}
    exec(text.split("```python\n")[1].split("```")[0], names)
    memory, patterns = names["memory"], names["patterns"]
    assert memory.overlaps(names["answers"]).diagonal().min() == 1.0
    assert (names["answers"] == patterns).all()
    dense, pairs = names["dense"], names["pairs"]
    assert (dense.recall(dense.patterns[:50]) == dense.patterns[:50]).all()
    assert pairs.density == pytest.approx(ref.willshaw_density(5000, 0.01, 0.01), rel=0.01)
