"""Arguments at every door: units are converted or refused, and each kind is checked at once."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from fuzz.doors import Drawer, Impossible, doors
from nonsense import Unprintable, refusal

import spikemem as sm
from spikemem import checks
from spikemem.errors import SpikememError
from spikemem.frozen import Frozen, digest
from spikemem.hardware.pynn import Dialect
from spikemem.hardware.spinnaker import Rule
from spikemem.plotting import plain

OTHER = {"ms": ("s", 1e-3), "s": ("ms", 1e3), "mV": ("V", 1e-3), "nA": ("A", 1e-9),
         "nF": ("uF", 1e-3), "uS": ("nS", 1e3), "Hz": ("kHz", 1e-3), "V": ("mV", 1e3),
         "Ohm": ("kohm", 1e-3), "nm": ("m", 1e-9), "1": ("percent", 1e2)}  # fmt: skip
"""Another unit of the same dimension, and the number of it that one of ours is."""

WRONG = "mol"


def plain_kind(kind):
    return kind.kind if isinstance(kind, checks.Optional) else kind


UNITS = [
    pytest.param(door, name, plain_kind(kind), id=f"{door.name}-{name}")
    for door in doors()
    for name, kind in door.kinds.items()
    if isinstance(plain_kind(kind), checks.Quantity | checks.Quantities)
]


def test_many_parameters_have_units():
    assert len(UNITS) > 50
    assert {kind.unit for _, _, kind in (param.values for param in UNITS)} >= {"ms", "nA", "mV"}


@pytest.mark.parametrize(("door", "name", "kind"), UNITS)
def test_a_value_in_another_unit_is_the_same_value(door, name, kind, tmp_path):
    pq = pytest.importorskip("quantities")
    drawer = Drawer(np.random.default_rng(0), tmp_path)
    number = drawer.good(kind)
    unit, scale = OTHER[kind.unit]
    given = pq.Quantity(np.asarray(number) * scale, unit)
    expected = kind.check(number, name)
    np.testing.assert_allclose(kind.check(given, name), expected, rtol=1e-12)
    wrong = pq.Quantity(np.asarray(number), WRONG)
    with pytest.raises(sm.DescriptionError, match=f"{name} must"):
        kind.check(wrong, name)
    try:
        refused, ours, theirs = (answer(door, drawer, {name: v}) for v in (wrong, number, given))
    except Impossible:
        return
    assert isinstance(refused, sm.DescriptionError)
    assert f"{name} must" in str(refused)
    assert type(ours) is type(theirs)
    if isinstance(ours, Frozen | np.ndarray | float | int | tuple):
        assert digest(ours) == digest(theirs)


def answer(door, drawer, values):
    """What a call gives, or the error that it raises."""
    arguments = {**drawer.call(door), **values}
    bound = [] if door.owner is None else [drawer.owner(door.owner)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return door.call(*bound, **arguments)
        except SpikememError as error:
            return error


@pytest.mark.parametrize("unit", ["s", "ms", "us"])
def test_a_run_of_quantities_is_the_run_of_floats(unit):
    pq = pytest.importorskip("quantities")

    def run(ms, mV, nF, nA):
        source = sm.SpikeSource(spikes=sm.SpikeTrains(ids=[0], times=np.array([1.0]) * ms, size=1))
        cell = sm.LIF(tau_m=3.0 * ms, cm=0.27 * nF, v_thresh=-52.0 * mV, i_offset=0.1 * nA)
        network = sm.Network(
            populations=[
                sm.Population(name="in", cell=source),
                sm.Population(name="out", cell=cell, size=1, record=["spikes", "v"]),
            ],
            projections=[
                sm.Projection.one_to_one("p", "in", "out", weight=60.0 * nA, delay=2.0 * ms)
            ],
        )
        return sm.simulate(network, 9.0 * ms, backend="native")

    factor = {"s": 1e-3, "ms": 1.0, "us": 1e3}[unit]
    theirs = run(pq.Quantity(factor, unit), 1e-3 * pq.V, 1e-9 * pq.F, 1e-9 * pq.A)
    ours = run(1.0, 1.0, 1.0, 1.0)
    assert ours.same_as(theirs)
    assert len(ours["out"]) > 0


def memory(**options):
    return sm.CA3Memory(3, 4, **{"backend": "native", **options})


BAD = {
    "contents of nothing": (lambda: memory(contents=3), "contents must be a mapping"),
    "contents of a wrong bit": (lambda: memory(contents={0: "x"}), "contents"),
    "a preset that is none": (lambda: memory(preset=["robust"]), "preset"),
    "weights of nothing": (lambda: memory().set_weights(None), "weights must be a mapping"),
    "weights of text": (lambda: memory().set_weights({"W1": "x"}), "weights"),
    "a schedule of nothing": (lambda: memory().build(3), "schedule must be a sequence"),
    "a schedule of numbers": (lambda: memory().run([1]), r"schedule\[0\]"),
    "a recording of nothing": (lambda: memory().decode("x", []), "recording must be a Recording"),
    "a flag by truth": (lambda: memory().run([], safe="no"), "safe must be True or False"),
    "a backend by number": (lambda: memory(backend=7), "backend: 7 is not a backend"),
    "a seed by truth": (lambda: sm.streams.stream(True), "seed"),
    "a negative tolerance": (lambda: compare(tolerance=-1), "tolerance must be >= 0 ms"),
    "a time for a number": (lambda: sm.CA3Memory(np.timedelta64(3, "s"), 4), "n_cues"),
    "ragged lists": (lambda: sm.Learn(0, [[1], [2, 3]]), "content"),
    "masked times": (
        lambda: sm.SpikeTrains(ids=[0], times=np.ma.array([1.0], mask=[True]), size=1),
        "times has 1 masked",
    ),
    "a long path": (lambda: network().save("x" * 300), "path must have at most"),
    "a path of many folders": (lambda: sm.load_network("a/" * 3000), "path must have at most"),
    "a path of bytes": (lambda: sm.export(network(), "nir", b"x"), "folder must be a str or Path"),
    "a target that is none": (lambda: sm.check(network(), ["nir"]), "target"),
    "an option that is none": (lambda: sm.check(network(), shfts={}), "'shfts' is not an option"),
    "an option of an export": (
        lambda: sm.export(network(), "spinnaker", "x", force="no"),
        "force must be True or False",
    ),
    "operations that are none": (lambda: sm.RecallCue(1.5), "cue must be an int >= 0, got 1.5"),
    "a part that is none": (lambda: network().replace(3), "parts must be a Population"),
}


def network():
    return memory().build([sm.Learn(0, [1])])


def compare(**options):
    recording = sm.Recording(spikes={})
    return sm.metrics.compare(recording, recording, **options)


@pytest.mark.parametrize(("call", "message"), BAD.values(), ids=BAD)
def test_bad_arguments_are_refused_at_the_door(call, message, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(sm.DescriptionError, match=message):
        call()
    assert list(Path().iterdir()) == []


def test_operations_are_plain_data():
    content = [5, 1]
    learn = sm.Learn(np.int8(3), content, at=2)
    content.append(7)
    assert learn == sm.Learn(3, (5, 1), at=2.0)
    assert hash(learn) == hash(sm.Learn(3, (5, 1), at=2.0))
    assert (type(learn.cue), type(learn.at)) == (int, float)
    mask = np.array([False, True])
    assert sm.RecallContent(mask).content == (False, True)
    assert refusal(sm.RecallContent, [1], match=0)


def test_missing_and_unknown_arguments_are_named():
    with pytest.raises(TypeError, match="simulate: network must be given"):
        sm.simulate()
    with pytest.raises(TypeError, match="'until'"):
        sm.SpikeTrains.empty(1, until=3)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: sm.Problem(level="bad", where="a", what="b", remedy="c"), "level: 'bad'"),
        (lambda: sm.Problem(level="note", where="a", what="b", remedy=3), "remedy must be a str"),
        (lambda: sm.Recall([1], operation=None, cues=3), "cues must be whole numbers, got 3"),
        (lambda: sm.Recall(["a"], operation=None), "answer must be whole numbers"),
        (lambda: Dialect(module="m", extra="e", backend="b", integrator="exact", refractory="1"),
         "refractory must be an int"),
        (lambda: Rule(level="bad", reason="r", find=print), "level: 'bad'"),
        (lambda: Rule(level="note", reason="r", find=3), "find must be a function"),
    ],
)  # fmt: skip
def test_reports_refuse_what_is_not_of_their_kinds(call, words):
    with pytest.raises(sm.DescriptionError, match=words):
        call()


def test_a_label_that_cannot_be_written_is_named_by_its_type():
    assert plain(Unprintable()) == "<Unprintable>"
    assert plain(3) == "3"
