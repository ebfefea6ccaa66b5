"""Operations per second of CA3 memories on Brian2, beside a plain Brian2 script.

The plain script makes one ``NeuronGroup`` for each population and one ``Synapses`` for each
projection, and runs them with ``Network.run``: what one writes by hand. Both do the same operations
on the same circuit, with Brian2's numpy target, in this process, one after the other; answers are
compared. What ``Network.run`` prepares counts as run, what a session prepares as set-up: the last
column has both. "64 side by side" are 64 memories in one simulation; the plain script's figure is
that of one memory, since it would do 64 of them one after the other.

    python benchmarks/ca3_brian2.py [--quick]
"""

from __future__ import annotations

import argparse
import time
from typing import NamedTuple

import brian2 as b2
import numpy as np

import spikemem as sm

SIZES = {"5x10": (5, 10), "100x100": (100, 100), "1000x1000": (1000, 1000)}
COPIES = {"5x10": 64, "100x100": 64, "1000x1000": 1}
"""64 memories of 1000x1000 have 128 million plastic synapses, too many for Brian2 in 24 GiB."""


class Timing(NamedTuple):
    """Wall seconds, and how many operations they were for."""

    setup: float
    run: float
    operations: int

    @property
    def rate(self) -> float:
        """Operations per second of the run."""
        return self.operations / self.run

    @property
    def total_rate(self) -> float:
        """Operations per second, set-up included."""
        return self.operations / (self.setup + self.run)


def schedule(n_cues: int, n_contents: int, n: int, seed: int) -> list:
    """Learn, recall by cue and by one bit, in turn; contents are 10 % dense."""
    rng = np.random.default_rng(seed)
    size = max(n_contents // 10, 3)
    operations: list = []
    for _ in range(n // 3):
        cue, bits = int(rng.integers(n_cues)), rng.choice(n_contents, size, replace=False)
        operations += [sm.Learn(cue, bits), sm.RecallCue(cue), sm.RecallContent(bits[:1])]
    return operations


def ours(networks: list[sm.Network], n: int) -> tuple[Timing, list[sm.Recording]]:
    begin = time.perf_counter()
    whole = sm.Network.stack(networks) if len(networks) > 1 else networks[0]
    with sm.Session(whole) as session:
        ready = time.perf_counter()
        recording = session.run(np.ceil(whole.duration))
        done = time.perf_counter()
    timing = Timing(ready - begin, done - ready, n * len(networks))
    return timing, recording.split(len(networks))


CELL = """
v : 1
ie : 1
ii : 1
in_e : 1
in_i : 1
pause : 1
free : 1
"""
STEP = """
ie += g0*in_e
ii += g0*in_i
in_e = 0
in_i = 0
free = int(pause == 0)
goal = rest + res*(ie - ii)
v = free*(goal - leak*(goal - v)) + (1 - free)*v
pause = pause - (1 - free)
ie = keep*ie
ii = keep*ii
"""
PLASTIC = """
w : 1
x : 1
y : 1
last : 1
"""
DECAY = """
x = x*exp((last - t/ms)/tau_x)
y = y*exp((last - t/ms)/tau_y)
last = t/ms
"""


def plain(network: sm.Network, n: int) -> tuple[Timing, dict[str, sm.SpikeTrains]]:
    begin = time.perf_counter()
    b2.start_scope()
    clock = b2.Clock(1 * b2.ms)
    groups = {pop.name: plain_group(pop, clock) for pop in network.populations}
    wires = [plain_synapses(network, item, groups, clock) for item in network.projections]
    monitors = {name: b2.SpikeMonitor(group) for name, group in groups.items()}
    whole = b2.Network(*groups.values(), *wires, *monitors.values())
    ready = time.perf_counter()
    whole.run(np.ceil(network.duration) * b2.ms)
    done = time.perf_counter()
    spikes = {
        name: sm.SpikeTrains(
            ids=np.array(monitor.i), times=np.rint(monitor.t / b2.ms), size=groups[name].N
        )
        for name, monitor in monitors.items()
    }
    return Timing(ready - begin, done - ready, n), spikes


def plain_group(pop: sm.Population, clock: b2.Clock) -> b2.Group:
    if pop.is_source:
        times = pop.source.times * b2.ms
        return b2.SpikeGeneratorGroup(pop.size, pop.source.ids, times, clock=clock)
    cell = pop.lif
    keep = np.exp(-1.0 / cell.tau_syn_E)
    constants = {
        "rest": cell.v_rest, "res": cell.tau_m / cell.cm, "leak": np.exp(-1.0 / cell.tau_m),
        "keep": keep, "g0": cell.tau_syn_E * (1 - keep), "limit": cell.v_thresh,
        "hold": np.ceil(cell.tau_refrac),
    }  # fmt: skip
    group = b2.NeuronGroup(
        pop.size, CELL, threshold="free == 1 and v >= limit", reset="v = rest\npause = hold",
        clock=clock, namespace=constants,
    )  # fmt: skip
    group.run_regularly(STEP, clock=clock, when="groups")
    group.v = cell.v_rest
    return group


def plain_synapses(
    network: sm.Network, item: sm.Projection, groups: dict[str, b2.Group], clock: b2.Clock
) -> b2.Synapses:
    table, rule = network.synapses(item.name), item.plasticity
    target = "in_e_post" if item.receptor == "excitatory" else "in_i_post"
    pre, post = groups[item.pre], groups[item.post]
    delay = float(table.delay[0]) * b2.ms
    if rule is None:
        wire = b2.Synapses(pre, post, "w : 1", on_pre=f"{target} += w", clock=clock,
                           delay=delay - 1 * b2.ms)  # fmt: skip
    else:
        windows = rule.gate(np.arange(np.ceil(network.duration)))[:, 0].astype(float)
        names = {
            "tau_x": rule.tau_plus, "tau_y": rule.tau_minus, "a_x": rule.a_plus,
            "a_y": rule.a_minus, "top": rule.w_max, "gate": b2.TimedArray(windows, 1 * b2.ms),
        }  # fmt: skip
        wire = b2.Synapses(
            pre, post, PLASTIC, clock=clock, namespace=names, delay={"post": delay},
            on_pre=DECAY + f"w = clip(w - gate(t)*a_y*y, 0, top)\nx += 1\n{target} += w",
            on_post=DECAY + "w = clip(w + gate(t)*a_x*x, 0, top)\ny += 1",
        )  # fmt: skip
        wire.post.order = -1
    wire.connect(i=table.i, j=table.j)
    wire.w = table.weight
    return wire


def compare(name: str, n: int) -> None:
    memory = sm.CA3Memory(*SIZES[name])
    plans = [schedule(*SIZES[name], n, seed) for seed in range(COPIES[name])]
    networks = [memory.build(plan) for plan in plans]
    one, recordings = ours(networks[:1], n)
    base, spikes = plain(networks[0], n)
    for pop, trains in spikes.items():
        assert trains == recordings[0][pop], f"the plain script disagrees in {pop}"
    rows = [("plain script, one memory", base), ("spikemem, one memory", one)]
    if COPIES[name] > 1:
        rows.append((f"spikemem, {COPIES[name]} side by side", ours(networks, n)[0]))
    for label, timing in rows:
        run, total = timing.rate / base.rate, timing.total_rate / base.total_rate
        print(
            f"{name:>10}  {label:<28} set-up {timing.setup:6.2f} s  run {timing.run:6.2f} s  "
            f"{timing.rate:9.1f} operations/s  x{run:6.1f} (run)  x{total:6.1f} (with set-up)"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, few operations")
    quick = parser.parse_args().quick
    b2.prefs.codegen.target = "numpy"
    print("CA3 memory, preset robust: learn, recall by cue, recall by one bit, in turn")
    for name in SIZES:
        if not quick or name == "5x10":
            compare(name, 9 if quick else 240 if name == "5x10" else 60)


if __name__ == "__main__":
    main()
