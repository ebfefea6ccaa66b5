"""Extensions of the Brian2 backend: each hook does what it says, or the backend raises."""

from __future__ import annotations

import copy
import pickle
import re
import shutil
from pathlib import Path

import numpy as np
import pytest

import spikemem as sm
from spikemem.backends.brian2 import HOOKS, Hooks, equations
from spikemem.hardware.resistive import ConductanceUpdate, DeviceLearning

RULE = sm.STDP(tau_plus=2.0, tau_minus=2.0, a_plus=0.2, a_minus=0.1, w_max=10.0)


def network(*, weight: float = 4.0, scale: float = 1.0, rule: sm.STDP = RULE) -> sm.Network:
    """Sources that fire before and after the cells that a driver makes fire."""

    def source(*times: float) -> sm.SpikeSource:
        return sm.SpikeSource(spikes=sm.SpikeTrains.from_lists([list(times)] * 3))

    return sm.Network(
        populations=[
            sm.Population(name="pre", cell=source(5.0, 25.0, 28.0, 45.0)),
            sm.Population(name="drive", cell=source(5.0, 26.0, 46.0)),
            sm.Population(name="post", size=3, cell=sm.LIF(tau_m=1.0, cm=0.1, tau_syn_E=0.1),
                          record=["spikes", "v"]),
        ],
        projections=[
            sm.Projection.one_to_one("driver", "drive", "post", weight=500.0, delay=1.0),
            sm.Projection.one_to_one("static", "pre", "post", weight=0.5 * scale, delay=2.0),
            sm.Projection.one_to_one("p", "pre", "post", weight=weight * scale, delay=1.0,
                                     plasticity=rule),
            sm.Projection.one_to_one("q", "pre", "post", weight=weight * scale, delay=3.0,
                                     plasticity=rule),
        ],
    )  # fmt: skip


class Change:
    """An extension by its hooks."""

    def __init__(self, *projections: str, name: str = "mine", **hooks):
        self.name, self.projections, self.arguments = name, projections, hooks

    def hooks(self, context):
        return Hooks(projections=self.projections, **self.arguments)


def run(net: sm.Network, *extensions, **options) -> sm.Recording:
    return sm.simulate(net, 60.0, extensions=extensions, **options)


def spaced(code: dict[str, str]) -> dict[str, str]:
    return {name: text.replace(" ", "  ") for name, text in code.items()}


def test_spaces_in_the_equations_do_not_switch_a_device_off(monkeypatch):
    original = equations.plastic

    def with_spaces(*args, **options):
        made = original(*args, **options)
        return made._replace(on_pre=spaced(made.on_pre), on_post=spaced(made.on_post))

    monkeypatch.setattr(equations, "plastic", with_spaces)
    net = sm.CA3Memory(4, 8).build([sm.Learn(0, [1])])
    assert sm.simulate(net).weights["W1"].max() == 6.0
    with sm.Session(net) as session:
        sm.hardware.resistive.learn_on_device(session, ConductanceUpdate(scale_plus=0.0))
        assert session.run(30.0).weights["W1"].max() == 0.0


def test_equations_that_leave_a_hook_out_are_refused(monkeypatch):
    original = equations.plastic
    monkeypatch.setattr(
        equations, "plastic", lambda *args, hooks, **options: original(*args, **options)
    )
    device = DeviceLearning(update=ConductanceUpdate(scale_plus=0.0))
    with pytest.raises(sm.DescriptionError, match=r"'weight_update' is missing .* never run"):
        run(network(), device)


@pytest.mark.parametrize("integrator", ["spinnaker", "exact"])
def test_before_delivery_changes_what_is_sent(integrator):
    """Half of each current, by an extension and by the weights themselves."""
    fixed = sm.STDP(tau_plus=2.0, tau_minus=2.0, a_plus=0.0, a_minus=0.0, w_max=10.0)
    names = ("static", "p", "q")
    half = Change(*names, code={"before_delivery": "read = 0.5*read"})
    got = run(network(rule=fixed), half, integrator=integrator)
    expected = run(network(rule=fixed, scale=0.5), integrator=integrator)
    whole = run(network(rule=fixed), integrator=integrator)
    np.testing.assert_array_equal(got.traces["post", "v"], expected.traces["post", "v"])
    assert (got.traces["post", "v"] != whole.traces["post", "v"]).any()
    assert (got.weights["p"] == 4.0).all()
    assert got.provenance["extensions"] == "mine"
    assert "extensions" not in whole.provenance


@pytest.mark.parametrize("integrator", ["spinnaker", "exact"])
def test_the_rule_itself_as_an_update_changes_nothing(integrator):
    plain = run(network(), integrator=integrator)
    same = run(
        network(),
        Change("p", "q", code={"weight_update": "weight + change"}),
        integrator=integrator,
    )
    for name in ("p", "q"):
        assert (plain.weights[name] != 4.0).all()
        np.testing.assert_array_equal(same.weights[name], plain.weights[name])
    np.testing.assert_array_equal(same.traces["post", "v"], plain.traces["post", "v"])


def test_only_the_named_projections_change():
    plain = run(network())
    frozen = run(network(), Change("q", code={"weight_update": "weight"}))
    assert (frozen.weights["q"] == 4.0).all()
    np.testing.assert_array_equal(frozen.weights["p"], plain.weights["p"])


def test_constants_and_functions_reach_their_own_synapses():
    gain = np.array([0.0, 1.0, 0.5, 0.25, 0.0, 1.0])
    scaled = Change(
        "q", "p", code={"weight_update": "scaled(weight, change, gain)"},
        constants={"gain": gain}, functions={"scaled": lambda w, change, gain: w + gain * change},
    )  # fmt: skip
    steps = {name: values - 4.0 for name, values in run(network()).weights.items()}
    got = run(network(), scaled).weights
    np.testing.assert_allclose(got["q"] - 4.0, steps["q"] * gain[:3], atol=1e-12)
    np.testing.assert_allclose(got["p"] - 4.0, steps["p"] * gain[3:], atol=1e-12)


def test_a_new_weight_is_limited_to_the_range_of_its_rule():
    high = Change("p", code={"weight_update": "weight + 100"})
    low = Change("q", code={"weight_update": "weight - 100"})
    got = run(network(), high, low).weights
    assert (got["p"] == 10.0).all()
    assert (got["q"] == 0.0).all()


def counter(session: sm.Session, name: str) -> list[float]:
    bundles = session.simulator.model.bundles
    (bundle,) = [item for item in bundles if name in item.slices]
    return bundle.synapses.variables["updates"].get_value()[bundle.slices[name]].tolist()


def fail(fraction):
    if fraction > 0.5:
        raise KeyboardInterrupt


def test_variables_and_generators_belong_to_the_session():
    """Several runs, one of them interrupted, equal one run; a second session starts anew."""
    count = Change(
        "p", code={"after_update": "updates = updates + 1\n"}, variables={"updates": 0.0},
        name="counter",
    )  # fmt: skip
    noisy = DeviceLearning(update=ConductanceUpdate(step_sd=0.5), seed=3)
    whole = run(network(), noisy, count)
    with sm.Session(network(), extensions=[noisy, count]) as session:
        session.run(20.0)
        assert counter(session, "p") == [2.0] * 3  # one spike before, one after the synapse
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                session.run(20.0, progress=fail)
        assert counter(session, "p") == [2.0] * 3
        session.run(20.0)
        last = session.run(20.0)
        assert counter(session, "p") == [4.0 + 3.0] * 3
        np.testing.assert_array_equal(last.weights["p"], whole.weights["p"])
        np.testing.assert_array_equal(session.recording["post"].times, whole["post"].times)
    plain = run(network())
    assert (plain.weights["p"] != whole.weights["p"]).any()


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))])
def test_a_copy_of_a_session_continues_with_its_extensions(copied):
    """Given as an option and added later: weights, variables and random numbers go along."""
    noisy = DeviceLearning(update=ConductanceUpdate(step_sd=0.5), projections=["p"], seed=3)
    later = DeviceLearning(update=ConductanceUpdate(step_sd=0.5), projections=["q"], seed=4)
    with sm.Session(network(), extensions=[noisy]) as session:
        session.simulator.extend(later)
        session.run(30.0)
        with copied(session) as twin:
            got = twin.run(30.0)
        expected = session.run(30.0)
        for name in ("p", "q"):
            np.testing.assert_array_equal(got.weights[name], expected.weights[name])
        np.testing.assert_array_equal(got.traces["post", "v"], expected.traces["post", "v"])
        assert expected.provenance["extensions"] == "on-device learning; on-device learning"


def test_a_function_of_each_step_sees_every_step_once():
    seen: list[tuple[int, int]] = []
    watch = Change(
        "p", each_step=lambda model, step: seen.append((step, model.sources.N)), name="watch"
    )
    with sm.Session(network(), extensions=[watch]) as session:
        session.run(3.0)
        session.run(2.0)
    assert seen == [(k, 6) for k in range(5)]


def test_extend_keeps_weights_and_refuses_what_would_be_lost():
    b2 = pytest.importorskip("brian2")
    never = Change("p", code={"weight_update": "weight"})
    with sm.Session(network()) as session:
        session.set_weights({"p": [1.0, 2.0, 3.0]})
        session.simulator.extend(never)
        assert session.run(60.0).weights["p"].tolist() == [1.0, 2.0, 3.0]
        with pytest.raises(sm.DescriptionError, match="has run already"):
            session.simulator.extend(never)
    with pytest.raises(sm.UnsupportedError, match="open session"):
        session.simulator.extend(never)
    with sm.Session(network()) as session:
        model = session.simulator.model
        session.simulator.brian2_network.add(b2.NetworkOperation(lambda: None, clock=model.clock))
        with pytest.raises(sm.DescriptionError, match="objects that you added"):
            session.simulator.extend(never)


UPDATE = {"weight_update": "weight"}


@pytest.mark.parametrize(
    ("extension", "words"),
    [
        (Change("p", code={"weight_updates": "weight"}), "Did you mean 'weight_update'"),
        (Change("z", code=UPDATE), "'z' is not a projection"),
        (Change(code=UPDATE), "projections must have at least 1"),
        (Change("empty", code=UPDATE), "'empty' has no synapses"),
        (Change("static", code=UPDATE), "never run in the static projection 'static'"),
        (Change("p"), "changes nothing"),
        (Change("p", code={"weight_update": " "}), "must be Brian2 code"),
        (
            Change("p", code={"before_delivery": "a = read\nread = a*a"}),
            "'a = read' makes both names",
        ),
        (Change("p", code="weight"), "code must be a mapping"),
        (Change("p", code=UPDATE, constants={"gain": 1.0}), "'gain' does not occur in the code"),
        (Change("p", code=UPDATE, variables={"weight": 1.0}), "'weight' is in use"),
        (Change("p", code=UPDATE, variables={"sent_0": 1.0}), "'sent_0' is in use"),
        (Change("p", code=UPDATE, constants={"a b": 1.0}), "names must be letters"),
        (
            Change("p", code={"weight_update": "gain*weight"}, constants={"gain": [1.0, 2.0]}),
            r"gain must have shape \(3,\), got \(2,\)",
        ),
        (
            Change("p", code={"weight_update": "f(weight)"}, functions={"f": lambda *x: x[0]}),
            "fixed number of arguments",
        ),
        (Change("p", code={"weight_update": "weight +"}), "cannot make code with 'mine'"),
        (Change("p", code={"weight_update": "nothing*weight"}), "cannot make code with 'mine'"),
        (Change("p", code=UPDATE, each_step=3), "each_step must be a function"),
        (Change("p", code=UPDATE, state=[3]), "state"),
        ("x", "a method hooks"),
        (Change, "a method hooks"),
    ],
)
def test_extensions_that_do_not_fit_are_refused(extension, words):
    net = network()
    empty = sm.Projection(
        name="empty", pre="pre", post="post", i=[], j=[], weight=[], delay=[], plasticity=RULE
    )
    net = sm.Network(populations=net.populations, projections=[*net.projections, empty])
    with pytest.raises(sm.DescriptionError, match=words):
        run(net, extension)


def test_two_extensions_of_one_projection():
    one, other = Change("p", code=UPDATE, name="one"), Change("q", "p", code=UPDATE, name="other")
    with pytest.raises(sm.DescriptionError, match="'one' and 'other' both change 'p'"):
        run(network(), one, other)
    code = {"before_delivery": "read = gain*read"}
    one, other = (Change("p", code=code, constants={"gain": 2.0}, name=name) for name in "ab")
    with pytest.raises(sm.DescriptionError, match="both define 'gain'"):
        run(network(), one, other)
    with pytest.raises(sm.DescriptionError, match="hooks\\(\\) must return Hooks"):
        run(network(), type("Odd", (), {"name": "odd", "hooks": lambda self, context: 3})())


def test_targets_and_backends_without_extensions():
    function = Change(
        "p", code={"weight_update": "f(weight)"}, functions={"f": lambda weight: weight}
    )
    with pytest.raises(sm.DescriptionError, match="functions need target 'numpy'"):
        sm.Session(network(), target="cython", extensions=[function])
    with pytest.raises(sm.UnsupportedError, match="'cpp_standalone'"):
        sm.Session(network(), target="cpp_standalone", extensions=[function])
    for backend in ("native", "emulator"):
        with pytest.raises(sm.DescriptionError, match="'extensions' is not a"):
            sm.Session(network(), backend=backend, extensions=[function])


def test_every_hook_is_documented():
    assert set(HOOKS) == {"weight_update", "after_update", "before_delivery"}
    assert all("synapses:" in text for text in HOOKS.values())


def test_the_example_of_the_page():
    page = Path(__file__).resolve().parents[1] / "docs" / "howto" / "brian2_code.md"
    (example,) = re.findall(r"^```python\n(.*?)^```$", page.read_text("utf-8"), re.M | re.S)
    names: dict[str, object] = {}
    exec(example, names)
    assert names["recording"].provenance["extensions"] == "noisy release"


@pytest.mark.slow
@pytest.mark.skipif(not shutil.which("g++"), reason="needs a C++ compiler")
def test_code_alone_also_runs_compiled():
    half = Change("static", "p", "q", code={"before_delivery": "read = 0.5*read"})
    slow = Change("p", "q", code={"weight_update": "weight + 0.5*change"})
    plain, compiled = (run(network(), half, slow, target=target) for target in ("numpy", "cython"))
    np.testing.assert_allclose(compiled.traces["post", "v"], plain.traces["post", "v"], rtol=1e-9)
    np.testing.assert_allclose(compiled.weights["p"], plain.weights["p"], rtol=1e-9)
