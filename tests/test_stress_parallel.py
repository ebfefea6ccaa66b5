"""Sweeps in processes and on a Dask cluster: the same results, and dead processes are noticed."""

from __future__ import annotations

import os
import random
import signal

import pytest
from stress_cases import Deadly, Failing, Filling, Slow, Willshaw

from spikemem.errors import BackendMissing, DescriptionError, SimulationError
from spikemem.stress import Bisect, Sweep, load

GRID = {"load": [0.25, 0.5, 1.0], "n": [20, 30]}


def sweep(model=Willshaw, vary=GRID, **options):
    return Sweep(model, Filling, **{"vary": vary, "trials": 4, **options})


def test_the_results_do_not_depend_on_the_number_of_processes(tmp_path):
    for model, vary, fixed in (
        (Failing, GRID, {"odd": True}),
        (Willshaw, {"load": Bisect(0.1, 3.0, criterion=0.7), "n": [20, 30]}, {}),
    ):
        one = sweep(model, vary, fixed=fixed).run()
        path = tmp_path / f"{model.__name__}.h5"
        two = sweep(model, vary, fixed=fixed).run(path, jobs=2)
        assert two.equal(one)
        assert load(path).equal(one)


@pytest.mark.slow
def test_the_trials_of_a_single_point_are_shared():
    found = sweep(Slow, {"load": [0.5]}, fixed={"sleep": 0.3}).run(jobs=2)
    assert found.points[0].times.processes == 2
    assert found.equal(sweep(Slow, {"load": [0.5]}, fixed={"sleep": 0.3}).run())


def test_a_process_that_dies_is_noticed_and_its_point_tried_again(tmp_path):
    once = str(tmp_path / "once")
    found = sweep(Deadly, {"k": [2, 3, 4]}, fixed={"once": once}).run(jobs=2)
    assert os.path.exists(once)
    assert found.equal(sweep(Deadly, {"k": [2, 3, 4]}, fixed={"once": once}).run())


def test_a_point_whose_process_always_dies_is_recorded_as_failed(tmp_path):
    path = tmp_path / "x.h5"
    found = sweep(Deadly, {"k": [2, 3, 4]}, fixed={"deadly": 3}).run(path, jobs=2)
    good = sweep(Deadly, {"k": [2, 4]}, fixed={"deadly": 3}).run()
    assert [p.digest() for p in found.points if not p.failures] == [p.digest() for p in good.points]
    failed = [point for point in found.points if point.failures]
    assert [point.values["k"] for point in failed] == [3]
    assert [failure.trial for failure in failed[0].failures] == [0, 1, 2, 3]
    assert "died 3 times without an error" in failed[0].failures[0].error
    assert load(path).equal(found)


def test_processes_have_one_thread_each():
    from joblib.externals.loky import ProcessPoolExecutor

    from spikemem.stress.execute import _ONE_THREAD

    with ProcessPoolExecutor(1, env=_ONE_THREAD) as pool:
        assert pool.submit(os.getenv, "OMP_NUM_THREADS").result() == "1"
        assert pool.submit(os.getenv, "NUMBA_NUM_THREADS").result() == "1"


@pytest.mark.parametrize("cluster", [3, [], b"tcp://x", "here"])
def test_what_is_no_cluster(cluster):
    with pytest.raises(DescriptionError, match="cluster must be an address"):
        sweep().run(cluster=cluster)


def test_without_dask(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(BackendMissing, match=r"\.\[cluster\]"):
        sweep().run(cluster="tcp://127.0.0.1:1")


@pytest.fixture
def dask_draws():
    """Dask draws from the global generator of `random`, whose state is put back here."""
    before = random.getstate()
    yield
    random.setstate(before)


@pytest.fixture
def cluster(dask_draws):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as made:
        yield made


@pytest.mark.filterwarnings("ignore")
def test_a_cluster_one_of_whose_two_workers_is_killed(cluster, tmp_path):
    import distributed

    vary = {"load": [0.2, 0.4, 0.6, 0.8, 1.0, 1.2], "n": [20, 30]}
    plan = sweep(Slow, vary, fixed={"sleep": 0.05})
    killed = []

    def kill_one(fraction):
        if fraction > 0.2 and not killed:
            with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
                pids = client.run(os.getpid)
            killed.append(next(iter(pids.values())))
            os.kill(killed[0], signal.SIGKILL)

    found = plan.run(tmp_path / "x.h5", cluster=cluster.scheduler_address, progress=kill_one)
    assert killed
    assert not any(point.failures for point in found.points)
    assert found.equal(plan.run())
    assert load(tmp_path / "x.h5").equal(found)

    # A client stays open, and errors travel.
    with distributed.Client(cluster.scheduler_address, set_as_default=False) as client:
        failing = sweep(Failing, GRID, fixed={"odd": True})
        assert failing.run(cluster=client).equal(failing.run())
        assert client.status == "running"


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_does_not_answer(dask_draws):
    pytest.importorskip("distributed")
    with pytest.raises(SimulationError, match="no Dask scheduler answers at"):
        sweep().run(cluster="tcp://127.0.0.1:1")


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_cluster_that_ends_in_the_middle(tmp_path, dask_draws):
    distributed = pytest.importorskip("distributed")
    plan = sweep(Slow, {"load": [k / 10 for k in range(1, 30)]}, fixed={"sleep": 0.05})
    made = distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    )

    def end(fraction):
        if fraction > 0.2 and made.status.name == "running":
            made.close()

    with made, pytest.raises(SimulationError, match="run the same sweep again"):
        plan.run(tmp_path / "x.h5", cluster=made.scheduler_address, progress=end)
    assert len(load(tmp_path / "x.h5").points) >= 5
    assert plan.run(tmp_path / "x.h5").equal(plan.run())
