"""Several threads of the compiled engine: results do not depend on their number."""

from __future__ import annotations

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
from cases import assert_same
from hypothesis import HealthCheck, given, settings
from interrupts import thin, traced
from test_native import FAST, RULE, cells, grid, native, networks, small, source, spikes

import spikemem as sm
from spikemem.backends.native import threads as threads_module
from spikemem.backends.native.engine import Engine
from spikemem.backends.native.fields import ME
from spikemem.backends.native.numbers import Floats
from spikemem.backends.native.rows import sort_rows
from spikemem.network import Network, Projection

BOTH = pytest.mark.parametrize("integrator", ["spinnaker", "exact"])


def parts(session):
    return len(session.simulator.engine._shares)


def compare(network, duration, counts=(2, 3), **options):
    """Simulate with one thread and with more; everything must be equal, to the last bit."""
    alone = native(network, duration, threads=1, **options)
    for n in counts:
        assert native(network, duration, threads=n, **options).same_as(alone)
    return alone


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(networks())
def test_random_networks(case):
    network, duration = case
    for integrator in ("spinnaker", "exact"):
        compare(network, duration, integrator=integrator)


@BOTH
@pytest.mark.parametrize("n", [17, 60])
def test_every_kind_of_projection(n, integrator):
    network = small(n, n=n)
    with sm.Session(network, backend="native", integrator=integrator, threads=3) as session:
        assert parts(session) == 3
    found = compare(network, 60.0, (2, 3, 5), integrator=integrator)
    assert all(len(found[name]) > n for name in ("a", "b"))
    assert any(np.ptp(found.weights[item.name]) > 0.5 for item in network.plastic)


@BOTH
def test_several_copies_side_by_side(integrator):
    compare(small(3, n=9).tile(7), 60.0, integrator=integrator)


@BOTH
@pytest.mark.parametrize("precision", ["f8", "f4"])
def test_weights_that_do_not_add_up_exactly(integrator, precision):
    """Sums of such weights depend on the order of their terms, and traces on when they decay."""
    rng = np.random.default_rng(5)
    n, steps = 90, 300
    i, j = rng.integers(0, n, (2, 3000))
    rule = replace(RULE, a_plus=0.013, a_minus=0.017, tau_plus=7.1, tau_minus=9.3, w_min=0.0)
    weak = {"delay": rng.integers(3, 40, 3000) / 10, "weight": rng.uniform(0.0, 0.6, 3000)}
    network = Network(
        populations=[source("in", spikes(rng, n, steps, 0.1, 0.02)), cells("c", n, FAST)],
        projections=[
            Projection(name="in", pre="in", post="c", i=i, j=j, plasticity=rule, **weak),
            Projection(name="on", pre="c", post="c", i=j, j=i, **weak),
            Projection.all_to_all("all", "c", "c", weight=rng.uniform(0.0, 0.05, n * (n - 1)),
                                  delay=0.5, plasticity=rule, allow_self=False),
            Projection.all_to_all("less", "c", "c", weight=0.0137, delay=0.7, allow_self=False,
                                  receptor="inhibitory"),
        ],
        dt=0.1,
    )  # fmt: skip
    options = {"integrator": integrator, "precision": precision}
    found = compare(network, 30.0, **options)
    assert len(found["c"]) > 3 * n


def test_cells_with_parameters_of_their_own_and_traces():
    rng = np.random.default_rng(7)
    n = 50
    cell = replace(FAST, tau_m=rng.uniform(2.0, 4.0, n), v_thresh=rng.uniform(-58.0, -56.0, n))
    network = Network(
        populations=[source("in", spikes(rng, n, 40)), cells("a", n, cell), cells("b", n)],
        projections=[
            Projection.one_to_one("in", "in", "a", weight=grid(rng, n), delay=1.0),
            Projection.all_to_all("on", "a", "b", weight=grid(rng, n * n, high=0.5), delay=2.0),
        ],
    )
    found = compare(network, 40.0)
    assert found.traces["a", "v"].shape == (40, n)


def test_currents_that_change_over_time():
    """They change between two chunks, for all threads at once."""
    rng = np.random.default_rng(9)
    n, moments = 40, np.array([3.0, 4.0, 17.0])
    each = sm.StepCurrent(times=moments, amplitudes=rng.uniform(0.0, 0.6, (3, n)))
    same = sm.StepCurrent(times=moments, amplitudes=[0.2, 0.5, 0.1])
    parts = [
        cells("a", n, replace(FAST, i_offset=each)),
        cells("b", n, replace(FAST, i_offset=same)),
    ]
    on = Projection.all_to_all("on", "a", "b", weight=grid(rng, n * n, high=0.3), delay=2.0)
    found = compare(Network(populations=parts, projections=[on]), 40.0)
    assert all(len(found[name]) > n for name in "ab")


def test_recorded_weights():
    network = small(4, n=20)
    shown = [replace(item, record=("weight",)) for item in network.plastic]
    compare(network.replace(*shown), 30.0)


def test_a_full_buffer_of_spikes(monkeypatch):
    """The buffer is emptied in the middle of a chunk, at the same step in every thread."""
    network = small(6, n=30)
    wanted = native(network, 60.0, threads=1)
    monkeypatch.setattr(Engine, "_room", lambda self: 20 * self.cells.fired.size)
    drained = []
    for n in (1, 3):
        with sm.Session(network, backend="native", threads=n) as session:
            session.simulator.engine._chunk = 1000
            recording = session.run(60.0)
            drained.append(recording)
    assert all(got.same_as(wanted) for got in drained)


@BOTH
def test_going_on_from_where_a_run_stopped(integrator):
    network = small(8, n=20)
    whole = native(network, 60.0, integrator=integrator, threads=1)
    with sm.Session(network, backend="native", integrator=integrator, threads=3) as session:
        for length in (1.0, 7.0, 20.0, 32.0):
            session.run(length)
        assert session.recording.same_as(whole)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))])
def test_a_copy_goes_on_as_the_original(copied):
    network = small(8, n=20)
    with sm.Session(network, backend="native", threads=2) as session:
        session.run(20.0)
        other = copied(session)
        assert parts(other) == parts(session) == 2
        assert other.run(30.0).same_as(session.run(30.0))


def test_a_state_goes_on_where_there_are_other_cores(monkeypatch):
    """The usual number of threads belongs to the machine, the layout of a saved state does not."""
    network = small(8, n=20)
    monkeypatch.setattr("spikemem.backends.native.backend.usual_threads", lambda n: 3)
    with sm.Session(network, backend="native") as session:
        assert parts(session) == 3
        session.run(20.0)
        saved = pickle.dumps(session)
        monkeypatch.setattr("spikemem.backends.native.backend.usual_threads", lambda n: 1)
        assert pickle.loads(saved).run(30.0).same_as(session.run(30.0))


def test_small_networks_have_one_thread():
    assert threads_module.usual_threads(threads_module.MANY_SYNAPSES - 1) == 1
    assert threads_module.usual_threads(threads_module.MANY_SYNAPSES) >= 1
    with sm.Session(small(), backend="native") as session:
        assert parts(session) == 1


@pytest.mark.parametrize("wrong", [0, -1, 1.5, True, "two", 10_000])
def test_a_wrong_number_of_threads(wrong):
    with pytest.raises(sm.DescriptionError, match="threads"):
        sm.Session(small(), backend="native", threads=wrong)


# -- interrupts -----------------------------------------------------------------------------------


@BOTH
def test_after_an_interrupt_the_session_is_as_before(integrator):
    network = small(5, n=20)

    def interrupt(fraction):
        raise KeyboardInterrupt

    with sm.Session(network, backend="native", integrator=integrator, threads=3) as session:
        session.run(20.0)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                session.run(30.0, progress=interrupt)
        session.run(40.0)
        wanted = native(network, 60.0, integrator=integrator, threads=1)
        assert session.recording.same_as(wanted)


def test_an_interrupt_at_any_line():
    """Also between the start of the threads and the caller's own part."""
    network = small(5, n=12)
    got, wanted = (sm.Session(network, backend="native", threads=n) for n in (2, 1))
    places, _ = traced(lambda: got.run(2.0))
    wanted.run(2.0)
    done = 0
    for at in thin(places, ("threads.py", "engine.py", "backend.py", "simulation.py")):
        time = got.time
        _, error = traced(lambda: got.run(2.0), at)
        done += error is not None
        assert got.time in (time, time + 2.0)
        if got.time == time:
            got.run(2.0)
        wanted.run(2.0)
        for name, weights in wanted.weights.items():
            np.testing.assert_array_equal(got.weights[name], weights)
    assert done > 100
    assert any(place[0].co_qualname.startswith("Crew.") for place in places)
    assert_same(got.recording, wanted.recording)


def test_a_thread_that_fails(monkeypatch):
    network = small(5, n=20)
    with sm.Session(network, backend="native", threads=2) as session:
        session.run(20.0)
        engine = session.simulator.engine
        advance = engine._advance

        def fail(*arguments):
            if arguments[5].plan[ME] == 1:
                raise MemoryError("no memory")
            return advance(*arguments)

        monkeypatch.setattr(engine, "_advance", fail)
        with pytest.raises(sm.SimulationError, match="thread") as caught:
            session.run(20.0)
        assert isinstance(caught.value.__cause__, MemoryError)
        monkeypatch.setattr(engine, "_advance", advance)
        session.run(40.0)
        assert session.recording.same_as(native(network, 60.0, threads=1))


# -- layout ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1000, 200_000])
@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("n_parts", [1, 3])
def test_rows_are_sorted_by_part_and_cell(n, ordered, n_parts):
    rng = np.random.default_rng(1)
    i = rng.integers(0, 50, n, dtype=np.int32)
    i = np.sort(i) if ordered else i
    target = rng.integers(0, 90, n, dtype=np.int32)
    bounds = np.array([0, 20, 65, 90] if n_parts == 3 else [0, 90])
    order, edges = sort_rows(i, target, 50, bounds)
    part = np.searchsorted(bounds, target, side="right") - 1
    wanted = np.lexsort((np.arange(n), i, part))
    np.testing.assert_array_equal(np.arange(n) if order is None else order, wanted)
    counts = [np.count_nonzero((part == p) & (i == k)) for p in range(n_parts) for k in range(50)]
    np.testing.assert_array_equal(np.diff(edges), counts)


def test_parts_have_about_as_many_synapses():
    engine = Engine(small(1, n=400), Floats(), 2)
    units = engine.tables.wiring.units
    assert engine.tables.bounds.size == 3
    assert units.shape[0] > 8
    load = np.diff(engine.tables.bounds) / engine.tables.cells.n_cells
    assert np.all((load > 0.2) & (load < 0.8))
