"""Make the pictures in ``docs/images/``: example of README, network, demonstration, timing, ...

python docs/make_images.py
"""

from __future__ import annotations

import json
import os
import runpy
import shutil
import tempfile
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import spikemem as sm
from spikemem.networks.ca3 import demo

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
LARGEST = 100_000
"""Size that no picture may exceed, bytes."""


def example() -> None:
    """Run the first Python block of the README, which writes ``raster.png``."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    code = text.split("```python\n")[1].split("```")[0]
    with tempfile.TemporaryDirectory() as folder:
        before = Path.cwd()
        os.chdir(folder)
        try:
            exec(code, {})
        finally:
            os.chdir(before)
        shutil.copy(Path(folder) / "raster.png", IMAGES / "raster.png")


def demonstration() -> None:
    """Stored and recalled digits of ``spikemem demo``."""
    with tempfile.TemporaryDirectory() as folder:
        demo.run(Path(folder))
        shutil.copy(Path(folder) / "digits.png", IMAGES / "digits.png")


def timing() -> None:
    """One operation of each kind, of both presets."""
    from matplotlib.ticker import MultipleLocator

    from spikemem.networks.ca3 import figures

    cells = ["INcue", "INcont", "CueCue", "ContCue", "ContCond", "ContCont", "CueCont", "OUTcue",
             "OUTcont", "INerase"]  # fmt: skip
    schedule = [sm.Learn(3, [2, 7]), sm.RecallCue(3), sm.RecallContent([5, 6])]
    panels = sm.plotting.new_panels(10.0, 5.2, columns=2)
    for ax, preset in zip(panels, ("published", "robust"), strict=True):
        memory = sm.CA3Memory(5, 10, preset=preset, contents={3: [4, 5, 6], 4: [1, 5, 6]})
        answers = memory.run(schedule)
        there = [name for name in cells if name in memory.recording.spikes]
        figures.raster(memory.recording, answers, there, (-1.0, memory.time), ax)
        ax.xaxis.set_major_locator(MultipleLocator(4.0))
        sm.plotting.title(ax, f'preset="{preset}"')
    panels[0].figure.savefig(IMAGES / "ca3_timing.png", dpi=100)


def sequences() -> None:
    """Two sequences with a shared middle, in the spiking form of a sequence memory."""
    from spikemem.networks.dendrites import TemporalMemory, sequence_activity

    a, b, c, d, x, y = ([5 * k + m for m in range(5)] for k in range(6))
    memory = TemporalMemory(30, cells_per_column=4, synapses_per_segment=5, threshold=4, seed=0)
    trials = [[a, b, c, d], [x, b, c, y]]
    memory.learn(trials, passes=20)
    recording = sm.simulate(memory.build(trials), backend="native")
    ax = sm.plotting.new_axes(9.0, 4.6)
    sequence_activity(memory, recording, labels=["ABCD", "XBCY"], ax=ax)
    ax.figure.savefig(IMAGES / "sequences.png", dpi=100)


def hierarchies() -> None:
    """How codes of one mac follow their inputs, and three codes side by side."""
    import numpy as np

    from spikemem.networks import sparsey

    rules = sparsey.Selection(g_minus=0.0, gamma=2.0, chi=10.0, sigma2=20.0, sigma3=0.6)
    mac = [sparsey.Level(n_modules=64, cells_per_module=16)]
    never = sparsey.Plasticity(saturation=None)
    prototype = sm.random_patterns(1, size=200, active=30, seed=0)
    found = []
    for swapped in range(0, 31, 3):
        shared = []
        for seed in range(40):
            memory = sm.Sparsey(200, mac, selection=rules, plasticity=never, seed=seed)
            first = memory.learn(prototype)
            second = memory.learn(sm.codes.swap_bits(prototype, swapped, seed=seed))
            shared.append(float((first.winners[0] == second.winners[0]).mean()))
        found.append((1 - swapped / 30, np.mean(shared), np.std(shared) / np.sqrt(40), 40))
    points = np.array(found).T
    curve = sparsey.SimilarityCurve(*points[:3], points[3].astype(int), 1.0)
    overlap = np.linspace(0, 1, 101)
    panels = sm.plotting.new_panels(10.0, 3.4, columns=2)
    sparsey.similarity_plot(
        curve,
        expected=(overlap, sparsey.expected_intersection(overlap, 16, rules)),
        chance=1 / 16,
        ax=panels[0],
    )
    sm.plotting.title(panels[0], "one stored pattern, 40 memories; line: closed form")
    memory = sm.Sparsey(200, mac, selection=rules, plasticity=never, seed=0)
    noisy = sm.codes.swap_bits(prototype, 8, seed=1)
    other = sm.random_patterns(1, size=200, active=30, seed=5)
    codes = memory.learn(sm.Patterns([prototype[0], noisy[0], other[0]], size=200))
    names = ["a pattern", "8 of 30 swapped", "another pattern"]
    sparsey.code_grid(codes, (0, 1, 2), names=names, ax=panels[1])
    panels[0].figure.savefig(IMAGES / "sparsey.png", dpi=100)


def by_hand() -> None:
    """The raster of ``docs/howto/networks.md``, made by the first blocks of that page."""
    text = (ROOT / "docs" / "howto" / "networks.md").read_text(encoding="utf-8")
    names: dict[str, object] = {}
    for part in text.split("```python\n")[1:3]:
        exec(part.split("```")[0], names)
    ax = sm.plotting.raster(names["recording"], ["exc", "inh"], window=(500.0, 700.0))
    ax.figure.savefig(IMAGES / "networks.png", dpi=100)


def trained_spikes() -> None:
    """Spikes of one digit in a trained classifier."""
    from sklearn.datasets import load_digits

    from spikemem.networks.hlop import CubaNeuron, digit_raster

    data = load_digits()
    x, y = data.data / 16.0, data.target
    model = sm.HLOPClassifier((64, 128, 64, 10), trainer="bptt", neuron=CubaNeuron.halving(),
                              batch=32, epochs=10, seed=0)  # fmt: skip
    model.learn_task(x[:1000], y[:1000])
    panels = digit_raster(model, x[1003])
    panels[0].figure.savefig(IMAGES / "hlop_spikes.png", dpi=80)


def liquid() -> None:
    """A digit in a liquid, states of two classes, accuracies beside the input alone."""
    import numpy as np

    from spikemem.networks import liquid as family

    digits = sm.data.read_images("digits")
    events, labels = family.saccade_events(digits), digits.labels
    order = np.random.default_rng(0).permutation(len(digits))
    train, test = order[:1347], order[1347:]
    models = {
        bins: sm.LiquidStateMachine(256, 200, bins=bins, n_steps=50, seed=0).fit(
            events[train], labels[train]
        )
        for bins in (1, 2, 5)
    }
    left, middle, right = sm.plotting.new_panels(12.5, 4.2, columns=3)
    family.liquid_raster(models[1].spikes(events[:1]), events[:1].dense(), ax=left)
    states = models[1].states(events[test])
    family.class_states(states, labels[test], classes=[3, 8], ax=middle)
    family.accuracy_bars(
        {
            f"{bins} bin{'s' * (bins > 1)}": model.report(events[test], labels[test])
            for bins, model in models.items()
        },
        ax=right,
    )
    right.figure.savefig(IMAGES / "liquid.png", dpi=80)


def continual() -> None:
    """Five permutations of the digits with projection and without, and what subspaces hold."""
    from spikemem.networks import hlop

    tasks = hlop.PermutedImages(sm.data.read_images("digits"), 5)
    found, energy = {}, {}
    for name, method in (("projection", "hlop"), ("plain", "naive")):
        model = sm.HLOPClassifier((64, 200, 200, 10), method=method, epochs=8, batch=32, seed=0)
        found[name] = hlop.learn_tasks(model, tasks).matrix
        if method == "hlop":
            old = tasks[0].test_x
            energy["Hebbian"] = hlop.captured_energy(model, old)
            energy["best of\nthis rank"] = hlop.captured_energy(model, old, best=True)
    left, middle, right = sm.plotting.new_panels(14.0, 3.4, columns=3)
    hlop.accuracy_matrix(found["projection"], ax=left)
    hlop.mean_accuracy_curves(found, ax=middle)
    hlop.energy_bars(energy, ax=right)
    left.figure.get_layout_engine().set(wspace=0.12)
    right.figure.savefig(IMAGES / "hlop.png", dpi=80)


def reference_memories() -> None:
    """Reference memories beside their laws, from the committed results of the study."""
    study = runpy.run_path(str(ROOT / "benchmarks" / "studies" / "reference_memories.py"))
    results = json.loads(study["RESULTS"].read_text(encoding="utf-8"))
    for name, figure in study["draw"](results).items():
        figure.savefig(IMAGES / f"{name}.png", dpi=90)


def capacity() -> None:
    """Exact recall of Hopfield networks against load: the picture of the page on stress tests."""
    loads = [0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.14, 0.17, 0.2]
    results = sm.stress.capacity("HopfieldNetwork", load=loads, n_cells=[100, 200, 400], trials=20)
    results.plot().figure.savefig(IMAGES / "stress_capacity.png", dpi=90)


def main() -> None:
    """Make them all."""
    IMAGES.mkdir(exist_ok=True)
    for make in (example, by_hand, demonstration, timing, sequences, hierarchies, liquid,
                 continual, trained_spikes, reference_memories, capacity):  # fmt: skip
        make()
    for picture in sorted(IMAGES.iterdir()):
        size = picture.stat().st_size
        print(f"{picture.relative_to(ROOT)}  {size / 1000:.0f} kB")
        assert size < LARGEST


if __name__ == "__main__":
    main()
