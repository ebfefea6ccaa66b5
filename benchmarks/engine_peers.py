"""The networks of ``engine.py`` on each peer; what each is given is the same arrays."""

from __future__ import annotations

import shutil
import tempfile
import time

import numpy as np

CELL = {"tau_m": 20.0, "cm": 0.2, "tau_syn_E": 5.0, "tau_syn_I": 10.0, "v_reset": -60.0,
        "v_thresh": -50.0}  # fmt: skip
CUBA = {**CELL, "v_rest": -49.0, "tau_refrac": 5.0}
QUIET = {**CELL, "v_rest": -60.0, "tau_refrac": 2.0}
W_MAX, A_PLUS, A_MINUS, TAU_STDP = 0.0073, 5e-5, 5.25e-5, 20.0


class Clock:
    """Wall seconds between marks."""

    def __init__(self):
        self.times, self.last = {}, time.perf_counter()

    def mark(self, name):
        """Note the seconds since the last mark under this name."""
        now = time.perf_counter()
        self.times[name] = now - self.last
        self.last = now


def cuba_data(*, quick):
    rng = np.random.default_rng(1)
    n, n_exc = (800, 640) if quick else (4000, 3200)
    i, j = np.nonzero(rng.random((n, n)) < 0.02)
    v = rng.uniform(-60, -50, n)
    return {"n": n, "n_exc": n_exc, "i": i.astype(np.int32), "j": j.astype(np.int32), "v": v,
            "w_e": 0.0162 * 4000 / n, "w_i": 0.09 * 4000 / n, "duration": 1000.0}  # fmt: skip


def stdp_data(*, quick):
    rng = np.random.default_rng(1)
    n, steps = 1000, (1000 if quick else 10000)
    times, ids = np.nonzero(rng.random((steps, n)) < 0.005)
    return {"n": n, "times": times + 1.0, "ids": ids, "v": rng.uniform(-60, -50, n),
            "w": rng.uniform(0, W_MAX, n * n), "duration": steps + 2.0}  # fmt: skip


def recall_data(*, quick):
    rng = np.random.default_rng(1)
    trials, parts = (20 if quick else 200), {}
    for name, n_pre, n_post, count, w in (
        ("ee", 1000, 1000, 100000, 0.06), ("ei", 1000, 200, 40000, 0.06),
        ("ie", 200, 1000, 40000, 0.3),
    ):  # fmt: skip
        pairs = np.sort(rng.choice(n_pre * n_post, count, replace=False))
        parts |= {f"{name}_i": pairs // n_post, f"{name}_j": pairs % n_post,
                  f"{name}_w": rng.uniform(0.5 * w, 1.5 * w, count)}  # fmt: skip
    cues = np.array([np.sort(rng.choice(1000, 100, replace=False)) for _ in range(trials)])
    return {**parts, "cues": cues, "duration": 500.0}


def ca3_data(*, quick):
    return {"n_operations": 12 if quick else 120, "large": not quick}


def cue_trains(cue, size=1000, duration=500.0):
    import spikemem as sm

    times = np.repeat([5.0, 25.0, 45.0], cue.size)
    return sm.SpikeTrains(ids=np.tile(cue, 3), times=times, size=size, duration=duration)


# --- ours


def native_precision(peer):
    return peer.split()[1]


def cuba_native(data, peer):
    import spikemem as sm

    clock, exc = Clock(), data["i"] < int(data["n_exc"])
    projections = [
        sm.Projection(name=name, pre="cells", post="cells", i=data["i"][kind], j=data["j"][kind],
                      weight=float(data[w]), delay=1.0, receptor=name)
        for name, kind, w in (("excitatory", exc, "w_e"), ("inhibitory", ~exc, "w_i"))
    ]  # fmt: skip
    cells = sm.Population(name="cells", size=int(data["n"]), cell=sm.LIF(**CUBA), v_init=data["v"])
    network = sm.Network(populations=[cells], projections=projections, dt=0.1)
    return native_run(clock, network, data, peer, "cells")


def native_run(clock, network, data, peer, name):
    import spikemem as sm

    options = {"integrator": "exact", "precision": native_precision(peer)}
    if "threads" in data:
        options["threads"] = int(data["threads"])
    with sm.Session(network, backend="native", **options) as session:
        clock.mark("set-up")
        recording = session.run(float(data["duration"]))
        clock.mark("first run")
    with sm.Session(network, backend="native", **options) as session:
        clock.last = time.perf_counter()
        session.run(float(data["duration"]))
        clock.mark("next run")
    return {**clock.times, "*spikes": len(recording[name])}


def stdp_native(data, peer):
    import spikemem as sm

    clock, n = Clock(), int(data["n"])
    trains = sm.SpikeTrains(ids=data["ids"], times=data["times"], size=n)
    rule = sm.STDP(
        tau_plus=TAU_STDP, tau_minus=TAU_STDP, a_plus=A_PLUS, a_minus=A_MINUS, w_max=W_MAX
    )
    network = sm.Network(
        populations=[sm.Population(name="in", cell=sm.SpikeSource(spikes=trains)),
                     sm.Population(name="cells", size=n, cell=sm.LIF(**QUIET), v_init=data["v"])],
        projections=[sm.Projection.all_to_all("p", "in", "cells", weight=data["w"], delay=1.0,
                                              plasticity=rule)],
    )  # fmt: skip
    return native_run(clock, network, data, peer, "cells")


def recall_network(data):
    import spikemem as sm

    def join(name, pre, post, receptor="excitatory"):
        return sm.Projection(name=name, pre=pre, post=post, i=data[f"{name}_i"],
                             j=data[f"{name}_j"], weight=data[f"{name}_w"], delay=1.0,
                             receptor=receptor)  # fmt: skip

    cell, quiet = sm.LIF(**QUIET), sm.SpikeSource(spikes=sm.SpikeTrains.empty(1000, 500.0))
    return sm.Network(
        populations=[sm.Population(name="in", cell=quiet),
                     sm.Population(name="e", size=1000, cell=cell),
                     sm.Population(name="i", size=200, cell=cell)],
        projections=[sm.Projection.one_to_one("cue", "in", "e", weight=10.0, delay=1.0),
                     join("ee", "e", "e"), join("ei", "e", "i"),
                     join("ie", "i", "e", "inhibitory")],
    )  # fmt: skip


def recall_native(data, peer):
    import spikemem as sm

    clock = Clock()
    network = recall_network(data)
    inputs = [{"in": cue_trains(cue)} for cue in data["cues"]]
    options = {"backend": "native", "integrator": "exact", "precision": native_precision(peer)}
    sm.run_trials(network, inputs[:1], 500.0, **options)
    clock.mark("set-up")
    found = sm.run_trials(network, inputs, 500.0, **options)
    clock.mark("all trials")
    total = sum(len(one["e"]) + len(one["i"]) for one in found)
    return finish_trials(clock, len(inputs), total)


def finish_trials(clock, n, spikes):
    return {"set-up": clock.times["set-up"], "one trial": clock.times["all trials"] / n,
            "*spikes/trial": spikes / n}  # fmt: skip


def ca3(backend, data):
    """Seconds of one operation; 64 memories of 1000x1000 would not fit the memory of a desktop."""
    import spikemem as sm

    times = {}
    sizes = {"5x10": (5, 10, 64), "100x100": (100, 100, 64)}
    if bool(data["large"]):
        sizes |= {"1000x1000": (1000, 1000, 8)}
        if backend != "brian2":
            sizes |= {"10000x4000": (10000, 4000, 1)}
    for label, (n_cues, n_contents, copies) in sizes.items():
        memory = sm.CA3Memory(n_cues, n_contents)
        n_operations = int(data["n_operations"]) * (4 if n_cues == 10000 else 1)
        operations = ca3_schedule(n_cues, n_contents, n_operations)
        network = memory.build(operations)
        for n in (1, copies) if copies > 1 else (1,):
            whole = network.tile(n) if n > 1 else network
            with sm.Session(whole, backend=backend) as session:
                begin = time.perf_counter()
                recording = session.run(float(np.ceil(whole.duration)))
                seconds = time.perf_counter() - begin
            times[f"{label} x{n} op"] = seconds / n_operations / n
            if label == "10000x4000":
                with sm.Session(network, backend=backend, weights=False) as session:
                    begin = time.perf_counter()
                    session.run(float(np.ceil(whole.duration)))
                    seconds = time.perf_counter() - begin
                times["  without final copy"] = seconds / n_operations
            answers = memory.decode(recording.split(n)[0], operations)
            times[f"*{label} right"] = sum(bool(answer) for answer in answers)
        times[f"{label} real time"] = whole.duration / n_operations / 1000
    return times


def ca3_schedule(n_cues, n_contents, n):
    import spikemem as sm

    rng, size, operations = np.random.default_rng(0), max(n_contents // 10, 3), []
    for _ in range(n // 3):
        cue, bits = int(rng.integers(n_cues)), rng.choice(n_contents, size, replace=False)
        operations += [sm.Learn(cue, bits), sm.RecallCue(cue), sm.RecallContent(bits[:1])]
    return operations


def ca3_native(data, peer):
    return ca3("native", data)


def ca3_emulator(data, peer):
    return ca3("emulator", data)


def ca3_brian2(data, peer):
    return ca3("brian2", data)


# --- NEST


def nest_kernel(peer, dt):
    import nest

    nest.verbosity = nest.VerbosityLevel.ERROR
    nest.ResetKernel()
    threads = int(peer.split()[1]) if peer.split()[1].isdigit() else 1
    nest.set(resolution=dt, local_num_threads=threads, print_time=False)
    return nest


def nest_cell(p):
    return {"tau_m": p["tau_m"], "C_m": 1000 * p["cm"], "E_L": p["v_rest"],
            "t_ref": p["tau_refrac"], "V_reset": p["v_reset"], "V_th": p["v_thresh"],
            "tau_syn_ex": p["tau_syn_E"], "tau_syn_in": p["tau_syn_I"]}  # fmt: skip


def nest_run(nest, clock, recorder, duration):
    nest.Prepare()
    clock.mark("set-up")
    nest.Run(duration)
    clock.mark("first run")
    spikes = recorder.n_events
    clock.last = time.perf_counter()
    nest.Run(duration)
    clock.mark("next run")
    nest.Cleanup()
    return {**clock.times, "*spikes": spikes}


def cuba_nest(data, peer):
    clock = Clock()
    nest = nest_kernel(peer, 0.1)
    n = int(data["n"])
    cells = nest.Create("iaf_psc_exp", n, params=nest_cell(CUBA))
    cells.V_m = data["v"]
    weight = 1000 * np.where(data["i"] < data["n_exc"], data["w_e"], -data["w_i"])
    nest_list(nest, cells, cells, data["i"], data["j"], weight)
    recorder = nest.Create("spike_recorder")
    nest.Connect(cells, recorder)
    return nest_run(nest, clock, recorder, float(data["duration"]))


def nest_list(nest, pre, post, i, j, weight, model="static_synapse"):
    pre, post = np.array(pre.tolist()), np.array(post.tolist())
    nest.Connect(pre[i], post[j], "one_to_one",
                 {"synapse_model": model, "weight": weight, "delay": np.ones(i.size)})  # fmt: skip


def stdp_nest(data, peer):
    clock, n = Clock(), int(data["n"])
    nest = nest_kernel(peer, 1.0)
    sources, relays = nest.Create("spike_generator", n), nest.Create("parrot_neuron", n)
    order = np.argsort(data["ids"], kind="stable")
    edges = np.searchsorted(data["ids"][order], np.arange(1, n))
    nest.SetStatus(sources, [{"spike_times": t} for t in np.split(data["times"][order], edges)])
    nest.Connect(sources, relays, "one_to_one", {"delay": 1.0})
    cells = nest.Create("iaf_psc_exp", n, params={**nest_cell(QUIET), "tau_minus": TAU_STDP})
    cells.V_m = data["v"]
    nest.CopyModel("stdp_synapse", "plastic", {
        "tau_plus": TAU_STDP, "lambda": A_PLUS / W_MAX, "alpha": A_MINUS / A_PLUS, "mu_plus": 0.0,
        "mu_minus": 0.0, "Wmax": 1000 * W_MAX, "delay": 1.0})  # fmt: skip
    weight = 1000 * data["w"].reshape(n, n).T
    nest.Connect(relays, cells, "all_to_all", {"synapse_model": "plastic", "weight": weight})
    recorder = nest.Create("spike_recorder")
    nest.Connect(cells, recorder)
    times = nest_run(nest, clock, recorder, float(data["duration"]))
    del times["next run"]  # its sources are silent by then
    return times


def recall_nest(data, peer):
    """One network; for each trial the potentials are put back and the sources given new times."""
    clock = Clock()
    nest = nest_kernel(peer, 1.0)
    cells = nest.Create("iaf_psc_exp", 1200, params=nest_cell(QUIET))
    cells.V_m = QUIET["v_rest"]
    exc, inhibitory = cells[:1000], cells[1000:]
    sources = nest.Create("spike_generator", 1000)
    nest.Connect(sources, exc, "one_to_one", {"weight": 10000.0, "delay": 1.0})
    for name, pre, post, sign in (
        ("ee", exc, exc, 1),
        ("ei", exc, inhibitory, 1),
        ("ie", inhibitory, exc, -1),
    ):
        i, j, w = (data[f"{name}_{part}"] for part in "ijw")
        nest_list(nest, pre, post, i, j, 1000 * sign * w)
    recorder = nest.Create("spike_recorder")
    nest.Connect(cells, recorder)
    clock.mark("set-up")
    trials = data["cues"][:20]
    for k, cue in enumerate(trials):
        cells.V_m = QUIET["v_rest"]
        now, none = 500.0 * k, np.zeros(0)
        chosen = np.isin(np.arange(1000), cue)
        times = now + np.array([5.0, 25.0, 45.0])
        sources.set([{"spike_times": times if on else none} for on in chosen])
        nest.Simulate(500.0)
    clock.mark("all trials")
    return finish_trials(clock, len(trials), recorder.n_events)


# --- Brian2

MEMBRANE = """
dv/dt = (v_rest - v)/tau_m + (ie - ii)/c : volt (unless refractory)
die/dt = -ie/tau_e : amp
dii/dt = -ii/tau_i : amp
"""
STDP_MODEL = """
w : amp
dx/dt = -x/tau_s : 1 (event-driven)
dy/dt = -y/tau_s : 1 (event-driven)
"""


def brian2_cells(b2, n, p, v):
    """Brian2 holds a cell for one step less than its refractory time."""
    constants = {"v_rest": p["v_rest"] * b2.mV, "tau_m": p["tau_m"] * b2.ms, "c": p["cm"] * b2.nF,
                 "tau_e": p["tau_syn_E"] * b2.ms, "tau_i": p["tau_syn_I"] * b2.ms,
                 "v_t": p["v_thresh"] * b2.mV, "v_r": p["v_reset"] * b2.mV}  # fmt: skip
    cells = b2.NeuronGroup(n, MEMBRANE, threshold="v >= v_t", reset="v = v_r", method="exact",
                           refractory=p["tau_refrac"] * b2.ms + b2.defaultclock.dt,
                           namespace=constants)  # fmt: skip
    cells.v = v * b2.mV
    return cells


def brian2_start(peer, dt):
    import brian2 as b2

    b2.defaultclock.dt = dt * b2.ms
    if "C++" in peer:
        folder = tempfile.mkdtemp()
        b2.set_device("cpp_standalone", build_on_run=False, directory=folder)
        return b2, folder
    b2.prefs.codegen.target = "cython"
    return b2, None


def brian2_run(b2, folder, clock, network, monitor, duration):
    """Cython: set-up includes the first code objects; C++: generating and compiling."""
    length = duration * b2.ms
    if folder is None:
        network.store()
        network.run(b2.defaultclock.dt)
        network.restore()
        clock.mark("set-up")
        network.run(length)
        clock.mark("first run")
        spikes = monitor.num_spikes
        network.restore()
        clock.last = time.perf_counter()
        network.run(length)
        clock.mark("next run")
        return {**clock.times, "*spikes": spikes}
    network.run(length)
    b2.device.build(run=False, directory=folder)
    clock.mark("set-up")
    b2.device.run()
    clock.mark("first run")
    spikes = monitor.num_spikes
    clock.last = time.perf_counter()
    b2.device.run()
    clock.mark("next run")
    shutil.rmtree(folder, ignore_errors=True)
    return {**clock.times, "*spikes": spikes}


def cuba_brian2(data, peer):
    clock = Clock()
    b2, folder = brian2_start(peer, 0.1)
    cells = brian2_cells(b2, int(data["n"]), CUBA, data["v"])
    parts, exc = [cells], data["i"] < int(data["n_exc"])
    for kind, target, w in ((exc, "ie", "w_e"), (~exc, "ii", "w_i")):
        synapses = b2.Synapses(cells, cells, on_pre=f"{target} += w", delay=1 * b2.ms,
                               namespace={"w": float(data[w]) * b2.nA})  # fmt: skip
        synapses.connect(i=data["i"][kind], j=data["j"][kind])
        parts.append(synapses)
    monitor = b2.SpikeMonitor(cells)
    network = b2.Network(*parts, monitor)
    return brian2_run(b2, folder, clock, network, monitor, float(data["duration"]))


def stdp_brian2(data, peer):
    clock, n = Clock(), int(data["n"])
    b2, folder = brian2_start(peer, 1.0)
    cells = brian2_cells(b2, n, QUIET, data["v"])
    sources = b2.SpikeGeneratorGroup(n, data["ids"], data["times"] * b2.ms)
    constants = {"tau_s": TAU_STDP * b2.ms, "a_plus": A_PLUS * b2.nA, "a_minus": A_MINUS * b2.nA,
                 "w_max": W_MAX * b2.nA}  # fmt: skip
    synapses = b2.Synapses(
        sources, cells, STDP_MODEL, namespace=constants, delay=1 * b2.ms,
        on_pre="w = clip(w - a_minus*y, 0*amp, w_max)\nx += 1\nie += w",
        on_post="w = clip(w + a_plus*x, 0*amp, w_max)\ny += 1",
    )  # fmt: skip
    synapses.connect()
    synapses.w = data["w"] * b2.nA
    monitor = b2.SpikeMonitor(cells)
    network = b2.Network(cells, sources, synapses, monitor)
    return brian2_run(b2, folder, clock, network, monitor, float(data["duration"]))


def recall_brian2(data, peer):
    """20 copies in one network, so that a run does 20 trials."""
    clock, copies = Clock(), 20
    b2, _ = brian2_start(peer, 1.0)
    cells = brian2_cells(b2, 1200 * copies, QUIET, np.full(1200 * copies, QUIET["v_rest"]))
    sources = b2.SpikeGeneratorGroup(1000 * copies, [], [] * b2.ms)
    shift = np.arange(copies)[:, None]
    cue = b2.Synapses(sources, cells, on_pre="ie += 10*nA", delay=1 * b2.ms)
    place = np.arange(1000)
    cue.connect(i=(place + 1000 * shift).ravel(), j=(place + 1200 * shift).ravel())
    parts = [cells, sources, cue]
    for name, first, target, post in (
        ("ee", 0, "ie", 0),
        ("ei", 0, "ie", 1000),
        ("ie", 1000, "ii", 0),
    ):
        i, j, w = (data[f"{name}_{part}"] for part in "ijw")
        synapses = b2.Synapses(cells, cells, "w : amp", on_pre=f"{target} += w", delay=1 * b2.ms)
        synapses.connect(i=(i + first + 1200 * shift).ravel(), j=(j + post + 1200 * shift).ravel())
        synapses.w = np.tile(w, copies) * b2.nA
        parts.append(synapses)
    monitor = b2.SpikeMonitor(cells, record=False)
    network = b2.Network(*parts, monitor)
    network.run(1 * b2.ms)
    network.store()
    clock.mark("set-up")
    rounds = data["cues"][: len(data["cues"]) // copies * copies].reshape(-1, copies, 100)[:3]
    spikes = 0
    for cues in rounds:
        network.restore()
        ids = np.concatenate([np.tile(cue, 3) + 1000 * k for k, cue in enumerate(cues)])
        times = np.tile(np.repeat([5.0, 25.0, 45.0], 100), copies)
        sources.set_spikes(ids, (times + 1.0) * b2.ms)
        network.run(500 * b2.ms)
        spikes += monitor.num_spikes
    clock.mark("all trials")
    return finish_trials(clock, rounds.shape[0] * copies, spikes)


DATA = {"a": cuba_data, "b": stdp_data, "c": recall_data, "d": ca3_data}
PEERS = {
    ("a", "native"): cuba_native, ("a", "NEST"): cuba_nest, ("a", "Brian2"): cuba_brian2,
    ("b", "native"): stdp_native, ("b", "NEST"): stdp_nest, ("b", "Brian2"): stdp_brian2,
    ("c", "native"): recall_native, ("c", "NEST"): recall_nest, ("c", "Brian2"): recall_brian2,
    ("d", "native"): ca3_native, ("d", "emulator"): ca3_emulator, ("d", "brian2"): ca3_brian2,
}  # fmt: skip
