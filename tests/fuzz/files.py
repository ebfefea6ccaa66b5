"""Damages files of every kind and reads them.

``python tests/fuzz/files.py --n 20000 --seed 1`` prints the outcomes and ends with 1 if a file
crashed the process, took more than 5 s, raised an error that is not spikemem's, was read with
another value although it has a checksum, or led to other files.

Two ways of damage: bytes (flipped, overwritten, cut, added), and content (values, types, shapes,
names, links and attributes, changed with HDF5 itself; files of ours then get a new checksum).
"""

from __future__ import annotations

import argparse
import functools
import io
import json
import os
import pickle
import random
import sys
import tempfile
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

HERE = Path(__file__).resolve()
if __name__ == "__main__":
    # In place of this folder, whose names are those of other modules.
    sys.path[0:1] = [str(HERE.parents[2]), str(HERE.parents[1])]

import h5py
import numpy as np
from samples import small_network, small_recording

import spikemem as sm
from fuzz import hlop, liquid_readout, stress, workers
from spikemem import container, storage
from spikemem.codes import random_patterns
from spikemem.errors import SpikememError
from spikemem.hardware import resistive
from spikemem.networks.ca3 import CA3Memory, RecallCue
from spikemem.networks.dendrites import ActiveDendriteNeurons, TemporalMemory
from spikemem.networks.sparsey import Level, Plasticity, Sparsey

TOWER_INPUT = np.random.default_rng(1).random((2, 3, 6, 6)) < 0.4
from spikemem.networks.liquid import ContrastiveProjection


class Sample(NamedTuple):
    """A good file."""

    content: bytes
    form: str
    """Word of its seal; "" for a file without one."""
    read: Callable[[Path], Any]
    use: Callable[[Any], Any]
    """Uses what was read; returns what must be equal if the file is."""


def state(thing: Any) -> bytes:
    return pickle.dumps(thing)


def use_network(network: sm.Network) -> Any:
    network.summary()
    return network.content_hash


def use_recording(recording: sm.Recording) -> Any:
    repr(recording)
    spikes = {name: (trains.ids, trains.times) for name, trains in recording.spikes.items()}
    parts = spikes, dict(recording.traces), dict(recording.weights), dict(recording.provenance)
    return state((*parts, recording.dt, recording.start, recording.stop))


def use_memory(memory: CA3Memory) -> Any:
    memory.build([RecallCue(0)])
    return state((memory.weights, memory.contents, memory.time, memory.arguments()))


def use_neurons(neurons: ActiveDendriteNeurons) -> Any:
    # With 2**31 inputs a detection takes long, whether the neurons come from a file or not.
    if 4 <= neurons.n_inputs < 10**7:
        neurons.detect([0, 1, 2, 3])
    held = neurons.segments.cells, neurons.segments.permanences, neurons.n_patterns, neurons.used
    return state((neurons.arguments(), held, neurons.clock))


def use_sequences(memory: TemporalMemory) -> Any:
    held = memory.segments.cells, memory.segments.permanences, memory.owner, memory.clock
    found = state((memory.arguments(), held))
    if memory.n_cells < 10**7:
        memory.step([0, 1])
        memory.predicted_columns.tolist()
    return found


def use_tower(tower: Sparsey) -> Any:
    arrays = {name: (stored.values, stored.unit) for name, stored in tower.arrays().items()}
    if tower.n_features_in_ == 36:
        tower.retrieve(TOWER_INPUT)
        if len(tower.classes_):
            tower.predict(TOWER_INPUT)
    return state((tower.arguments(), arrays))


def use_liquid(model: sm.LiquidStateMachine) -> Any:
    # A liquid of very many steps or bins is slow, whether it comes from a file or not.
    if model.n_inputs == 4 and model.n_neurons == 8 and model.bins <= 5:
        dense = np.ones((2, 5, 4), dtype=bool)
        model.predict(dense) if model.is_fitted else model.states(dense)
    held = [stored.values for stored in model.arrays().values()]
    return state((model.arguments(), held))


def use_heads(heads: ContrastiveProjection) -> Any:
    if heads.history.size:
        heads.transform(np.ones((2, len(heads.arrays()["weights_a"].values))))
    held = [stored.values for stored in heads.arrays().values()]
    return state((heads.arguments(), held))


def use_sweep(results: Any) -> Any:
    str(results)
    results.to_json()
    return state([(point.digest(), point.times) for point in results.points])


def use_learner(model: sm.HLOPClassifier) -> Any:
    if model.layers == (5, 6, 3) and model.neuron.steps <= 10:
        model.predict(hlop.X, task=0)
    held = [stored.values for stored in model.arrays().values()]
    return state((model.arguments(), held))


def use_array(array: resistive.ProgrammedArray) -> Any:
    array.read(array.device.ages[0])
    parts = array.device, array.mapping, array.target, array.programmed, dict(array.drawn)
    rest = array.w_max, array.seed, array.name, array.generation, array.writes, array.accepted
    return state((*parts, array.fixed, rest))


def liquid_model() -> sm.LiquidStateMachine:
    """A small liquid on a device, with words as labels."""
    rng = np.random.default_rng(0)
    made = sm.LiquidStateMachine(4, 8, device=resistive.PCM(), n_steps=5)
    return made.fit(rng.random((12, 5, 4)) < 0.4, ["a", "bcd"] * 6)


def from_file(kind: str) -> Callable[[Path], Any]:
    def read(path: Path) -> Any:
        storage.contents(path)
        return storage.load(path, kind)

    return read


def nir_network() -> sm.Network:
    trains = sm.SpikeTrains.from_lists([[1.0], [2.0, 3.0]], duration=30.0)
    cell = sm.LIF(tau_syn_E=3.0, tau_syn_I=3.0, tau_refrac=2.0)
    return sm.Network(
        populations=[
            sm.Population(name="in", cell=sm.SpikeSource(spikes=trains)),
            sm.Population(name="out", size=2, cell=cell),
        ],
        projections=[
            sm.Projection.one_to_one("w", "in", "out", weight=0.5, delay=1.0),
            sm.Projection.all_to_all("r", "out", "out", weight=[0.1, 0.2, 0.3, 0.4], delay=2.0),
        ],
    )


@functools.cache
def samples() -> dict[str, Sample]:
    """A file of every kind."""
    patterns = random_patterns(6, size=64, active=8, seed=1)
    neurons = ActiveDendriteNeurons(64, n_segments=8, synapses_per_segment=6, threshold=4)
    neurons.store(patterns)
    sequences = TemporalMemory(32, cells_per_column=4, synapses_per_segment=6, threshold=3)
    sequences.learn([random_patterns(4, size=32, active=5, seed=2)], passes=4)
    memory = CA3Memory(4, 6, contents={0: [1, 2], 3: [0, 5]})
    tower = Sparsey((6, 6), [
        Level(grid=(2, 2), radius=3.0, n_modules=3, cells_per_module=4, horizontal_radius=0.0,
              plasticity=Plasticity(decay="steps")),
        Level(n_modules=3, cells_per_module=4),
    ])  # fmt: skip
    tower.fit(TOWER_INPUT, ["a", "b"])
    signed = np.random.default_rng(0).uniform(-1, 1, (5, 4))
    measured = resistive.from_measurements([0, 9], mean=[0, 8], sd=[1, 1])
    arrays = {
        "pcm": resistive.program(resistive.PCM(), signed, faults=resistive.Faults(missing=0.1)),
        "measured": resistive.program(measured, np.abs(signed), mapping=resistive.SingleDevice()),
    }
    made: list[tuple[str, str, Any, Callable[[Any], Any]]] = [
        ("network", "network", small_network(), use_network),
        ("recording", "recording", small_recording(), use_recording),
        ("memory", "model", memory, use_memory),
        ("neurons", "model", neurons, use_neurons),
        ("sequences", "model", sequences, use_sequences),
        ("tower", "model", tower, use_tower),
        ("liquid", "model", liquid_model(), use_liquid),
        ("heads", "model", liquid_readout.projection(), use_heads),
        *([("learner", "model", hlop.learner(), use_learner)] if hlop.HAS_TORCH else []),
        *((name, "resistive", array, use_array) for name, array in arrays.items()),
        ("sweep", "sweep", stress.results(), use_sweep),
    ]
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        for array in arrays.values():
            array.save(path)
        for name, kind, thing, use in made:
            content = storage.save(path, **{kind: thing}).read_bytes()
            found[name] = Sample(content, "spikemem", from_file(kind), use)
        found |= nir_samples(path)
    return found


def nir_samples(path: Path) -> dict[str, Sample]:
    try:
        import nir
    except ImportError:
        return {}
    from spikemem.hardware.nir import read, to_nir, write

    body = io.BytesIO()
    nir.write(body, to_nir(nir_network()))
    ours = write(path, nir_network()).read_bytes()
    return {
        "nir": Sample(ours, "spikemem-nir", read, use_network),
        "foreign nir": Sample(body.getvalue(), "", read, use_network),
    }


# -- damage ---------------------------------------------------------------------------------------


def damaged_bytes(content: bytes, rng: random.Random) -> bytes:
    data = bytearray(content)
    # The user block and the first groups are a small part of the file and decide most.
    size = rng.choice([len(data), len(data), 2048, 512])
    at = rng.randrange(size)
    way = rng.choice(["flip", "bytes", "run", "cut", "add", "move"])
    if way == "flip":
        data[at] ^= 1 << rng.randrange(8)
    elif way == "bytes":
        for _ in range(rng.randrange(1, 20)):
            data[rng.randrange(size)] = rng.randrange(256)
    elif way == "run":
        filler = rng.choice([0, 255, rng.randrange(256)])
        data[at : at + rng.randrange(1, 64)] = bytes([filler]) * rng.randrange(1, 64)
    elif way == "cut":
        del data[at:]
    elif way == "add":
        data[at:at] = rng.randbytes(rng.randrange(1, 600))
    else:
        other = rng.randrange(len(data))
        data[at : at + 64] = data[other : other + 64]
    return bytes(data)


VALUES: list[Any] = [
    *(0, 1, -1, 2, 1e9, 2**31 - 1, 2**31, 2**40, -(2**40), 1e308, float("nan"), float("inf"), 0.5),
    *("", "x", "{", "[]", "{}", "null", '{"a": 1}', "PCM", "../../x", b"\xff\xfe", "[" * 3000),
    *([], [1, 2], [1.5], ["a"], [["a"]], True, np.zeros((2, 0)), np.zeros((1, 1, 1))),
    *(np.datetime64, h5py.Empty("f"), np.array([1 + 2j]), np.array([True, False])),
]


def changed(value: Any, rng: random.Random) -> Any:
    """A value like the one that is there, or any other."""
    if isinstance(value, str) and value[:1] in "{[" and rng.random() < 0.8:
        try:
            return json.dumps(changed_json(json.loads(value), rng))
        except ValueError:
            pass
    array = np.asarray(value)
    if array.dtype.kind not in "iuf" or rng.random() < 0.2:
        return rng.choice(VALUES)
    way = rng.choice(["one", "one", "type", "shape", "size", "order"])
    if way == "one" and array.size:
        array = array.copy()
        array.flat[rng.randrange(array.size)] = (
            rng.choice([np.nan, np.inf, -1.0, -1e30, 1e30, 0.25])
            if array.dtype.kind == "f"
            else rng.choice([0, 1, 7, np.iinfo(array.dtype).max, np.iinfo(array.dtype).min])
        )
    elif way == "type":
        with np.errstate(all="ignore"):
            array = array.astype(rng.choice(["f8", "f4", "i8", "i2", "u1", "f2", "S3"]))
    elif way == "shape":
        array = array[np.newaxis] if rng.random() < 0.5 else array.ravel()
    elif way == "size":
        array = np.resize(array, rng.choice([0, 1, array.size + 1, 3 * array.size]))
    else:
        array = array[::-1] if array.ndim else array
    return array


def changed_json(value: Any, rng: random.Random) -> Any:
    plain = [v for v in VALUES if isinstance(v, int | float | str | list) or v is None]
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(list(value))
        new = dict(value)
        if rng.random() < 0.15:
            del new[key]
        elif rng.random() < 0.15:
            new[rng.choice(["x", "1", "-1", "backend", "type"])] = rng.choice([*plain, None])
        else:
            new[key] = changed_json(value[key], rng)
        return new
    if isinstance(value, list) and value and rng.random() < 0.8:
        k = rng.randrange(len(value))
        return [*value[:k], changed_json(value[k], rng), *value[k + 1 :]]
    return rng.choice([*plain, None])


def set_value(parent: h5py.Group, name: str, value: Any) -> None:
    unit = dict(parent[name].attrs)
    del parent[name]
    parent[name] = value
    parent[name].attrs.update(unit)


def change_content(file: h5py.File, rng: random.Random) -> str:
    """Change one thing; returns "reach" if the file now leads out of itself, else ""."""
    objects: list[str] = []
    file.visit(objects.append)
    target = file[rng.choice(objects)]
    parent = target.parent
    name = target.name.rpartition("/")[2]
    attributes = [(item, key) for item in (file, target, parent) for key in item.attrs]
    way = rng.choice(["value"] * 6 + ["attribute"] * 4 + ["delete", "link", "huge", "rename"])
    if way == "attribute" and attributes:
        item, key = rng.choice(attributes)
        if rng.random() < 0.2:
            del item.attrs[key]
        else:
            item.attrs[key] = changed(item.attrs[key], rng)
    elif way == "delete":
        del parent[name]
    elif way == "link":
        return link_out(file, parent, name, rng)
    elif way == "huge":
        huge(parent, name, rng)
    elif way == "rename":
        parent.move(name, rng.choice(["x", "..x", "é\n", "a" * 300, "\ufffd", name + "2"]))
    elif isinstance(target, h5py.Dataset):
        value = target[()]
        value = value.decode() if isinstance(value, bytes) else value
        set_value(parent, name, changed(value, rng))
    else:
        set_value(parent, name, rng.choice(VALUES))
    return ""


SECRET = "secret.h5"


def link_out(file: h5py.File, parent: h5py.Group, name: str, rng: random.Random) -> str:
    way = rng.choice(["external", "soft", "hard", "virtual", "storage", "cycle"])
    if way == "external":
        del parent[name]
        parent[name] = h5py.ExternalLink(SECRET, "/a")
    elif way == "soft":
        del parent[name]
        parent[name] = h5py.SoftLink(rng.choice(["/", "/x", parent.name, ".", "../x"]))
    elif way == "hard":
        parent[name + "x"] = parent[name]
    elif way == "cycle":
        parent["x"] = file["/"]
    elif way == "virtual":
        layout = h5py.VirtualLayout((4,), "f8")
        layout[:] = h5py.VirtualSource(SECRET, "a", (4,))
        del parent[name]
        parent.create_virtual_dataset(name, layout)
    else:
        del parent[name]
        external = [(os.path.abspath(SECRET), 0, 32)]
        parent.create_dataset(name, (4,), "f8", external=external)
    return "reach"


def huge(parent: h5py.Group, name: str, rng: random.Random) -> None:
    shape = rng.choice([(2**50,), (10**8, 20), (2**40, 2**20), (10**10,)])
    unit = dict(parent[name].attrs)
    del parent[name]
    packed = rng.choice([None, "gzip"])
    data = parent.create_dataset(
        name, shape, rng.choice(["f8", "i4"]), chunks=True, compression=packed
    )
    data.attrs.update(unit)


def damaged_content(sample: Sample, rng: random.Random) -> tuple[bytes, bool]:
    """The changed file, and whether it leads out of itself."""
    buffer = io.BytesIO(sample.content)
    with h5py.File(buffer, "r+") as file:
        try:
            reach = change_content(file, rng) == "reach"
        except (TypeError, ValueError, OSError, KeyError, RuntimeError, OverflowError):
            # HDF5 can't make this change.
            return sample.content, False
    content = buffer.getvalue()
    if sample.form:
        body = content[container.BLOCK :]
        content = container.seal(body, sample.form, 1) + body
    return content, reach


# -- outcome --------------------------------------------------------------------------------------


def choose(rng: random.Random) -> str:
    """A kind of file; foreign ones are rarer, since each needs a process."""
    names = sorted(samples())
    return rng.choices(names, [1 if name == "foreign nir" else 3 for name in names])[0]


@functools.cache
def expected(name: str) -> Any:
    path = Path("good")
    path.write_bytes(samples()[name].content)
    return samples()[name].use(samples()[name].read(path))


def case(k: int, seed: int, show: bool = False) -> str:
    """Outcome of one damaged file."""
    rng = random.Random(f"{seed}:{k}")
    name = choose(rng)
    sample, wanted = samples()[name], expected(name)
    by_bytes, reach = rng.random() < 0.4, False
    if by_bytes:
        content = damaged_bytes(sample.content, rng)
    else:
        content, reach = damaged_content(sample, rng)
    path = Path("damaged")
    path.write_bytes(content)
    way = f"{name}, {'bytes' if by_bytes else 'content'}: "
    try:
        found = sample.use(sample.read(path))
    except Exception as error:
        if show:
            traceback.print_exc()
        if isinstance(error, SpikememError):
            return way + "refused"
        return f"BAD {name}: {type(error).__name__}: {error}"[:300]
    if reach:
        return f"BAD {name}: a file that leads out of itself was read"
    if found == wanted:
        return way + "read, same value"
    if by_bytes and sample.form:
        return f"BAD {name}: another value was read"
    return way + "read, another value that is valid"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--n", type=int, default=20_000, help="number of files")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after them")
    parser.add_argument("--worker", nargs=2, type=int, help=argparse.SUPPRESS)
    parser.add_argument("--show", type=int, help="run one case here, and show its error")
    chosen = parser.parse_args()
    warnings.simplefilter("error")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        with h5py.File(SECRET, "w") as file:
            file["a"] = np.arange(4.0)
        if chosen.show is not None:
            print(case(chosen.show, chosen.seed, show=True))
        elif chosen.worker:
            workers.serve(case, *chosen.worker, chosen.seed)
        else:
            report = workers.run(HERE, chosen.n, chosen.seed, chosen.jobs, minutes=chosen.minutes)
            print(report.table())
            return 1 if report.bad else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
