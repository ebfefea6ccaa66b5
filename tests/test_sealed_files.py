"""Files that pass the checksum and must not be read: what is in them, and where it leads."""

from __future__ import annotations

import json
import tracemalloc

import h5py
import numpy as np
import pytest
from samples import small_network, small_recording
from test_storage import refused, seal_again

import spikemem as sm
from spikemem import container, hdf5, storage
from spikemem.codes import random_patterns
from spikemem.errors import DescriptionError, StorageError
from spikemem.hardware.resistive import PCM, Faults, program
from spikemem.networks.dendrites import ActiveDendriteNeurons, TemporalMemory


@pytest.fixture
def saved(tmp_path):
    return storage.save(tmp_path / "a.h5", network=small_network(), recording=small_recording())


# -- files that lead out of themselves, or declare more than they hold ----------------------------


@pytest.fixture
def secret(tmp_path):
    with h5py.File(tmp_path / "secret.h5", "w") as file:
        file["a"] = np.arange(4.0)
    (tmp_path / "secret.bin").write_bytes(np.arange(4.0).tobytes())
    return tmp_path / "secret.h5"


def virtual(group, name, secret):
    layout = h5py.VirtualLayout((4,), "f8")
    layout[:] = h5py.VirtualSource(secret, "a", (4,))
    group.create_virtual_dataset(name, layout)


def stored_outside(group, name, secret):
    outside = [(str(secret.with_suffix(".bin")), 0, 32)]
    group.create_dataset(name, (4,), "f8", external=outside)


def unknown_filter(group, name, secret):
    # Number 305 belongs to a filter that is loaded from a library of the user's.
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_chunk((4,))
    plan.set_filter(305, h5py.h5z.FLAG_OPTIONAL, ())
    space = h5py.h5s.create_simple((4,))
    h5py.h5d.create(group.id, name.encode(), h5py.h5t.NATIVE_DOUBLE, space, plan)


def deep(group, name, secret):
    for _ in range(40):
        group = group.create_group("x")


OUTSIDE = {
    "a link to another file": lambda group, name, secret: group.__setitem__(
        name, h5py.ExternalLink(secret, "/a")
    ),
    "a soft link": lambda group, name, secret: group.__setitem__(
        name, h5py.SoftLink("/network/dt")
    ),
    "a virtual dataset": virtual,
    "its data in another file": stored_outside,
    "two links lead to": lambda group, name, secret: group.__setitem__(name, group.file["/"]),
    "packed with filter 305": unknown_filter,
    "neither numbers nor text": lambda group, name, secret: group.create_dataset(
        name, (2,), h5py.ref_dtype
    ),
    "more than 32 groups inside": deep,
    "declares 8 PiB": lambda group, name, secret: group.create_dataset(
        name, (2**50,), "f8", chunks=(1024,), compression="gzip"
    ),
    "declares 80 B, but the file has only 0": lambda group, name, secret: group.create_dataset(
        name, (10,), "f8"
    ),
}


@pytest.mark.parametrize("words", OUTSIDE)
@pytest.mark.parametrize("place", ["recording/traces/out", "network"])
def test_a_file_that_leads_elsewhere_is_refused_unread(saved, secret, words, place, monkeypatch):
    with h5py.File(saved, "r+") as file:
        del file["recording/traces/out/v"]
        OUTSIDE[words](file[place], "v", secret)
    seal_again(saved)

    def read(*args):
        raise AssertionError("data were read")

    monkeypatch.setattr(h5py.Dataset, "__getitem__", read)
    for kind in ("network", "recording"):
        refused(saved, f"is refused: .*({words})", kind)


def test_too_many_objects_are_refused(saved, monkeypatch):
    monkeypatch.setattr(hdf5, "MOST_OBJECTS", 20)
    refused(saved, "is refused: it holds more than 20 objects")


def test_data_that_do_not_fit_into_memory_are_refused_with_their_size(saved, monkeypatch):
    monkeypatch.setattr(hdf5, "available_memory", lambda: 100)
    with pytest.raises(StorageError, match=r"it would take \d+ B of memory.* has 100 B"):
        sm.load_recording(saved)
    assert storage.contents(saved)["kinds"] == ["network", "recording"]


def test_the_memory_of_other_kinds_does_not_count(saved, monkeypatch):
    with h5py.File(saved, "r+") as file:
        file["network"]["ballast"] = np.zeros(50_000)
    seal_again(saved)
    monkeypatch.setattr(hdf5, "available_memory", lambda: 50_000)
    assert sm.load_recording(saved).same_as(small_recording())


@pytest.mark.parametrize("item", ["schema_version", "kinds", "writer", "format"])
@pytest.mark.parametrize("value", [None, -1, np.arange(3), "x"])
def test_attributes_at_the_top_that_are_missing_or_wrong(saved, item, value):
    with h5py.File(saved, "r+") as file:
        del file.attrs[item]
        if value is not None:
            file.attrs[item] = value
    seal_again(saved)
    if item == "writer" and value is not None:
        assert storage.contents(saved)["kinds"] == ["network", "recording"]
    elif item == "kinds" and isinstance(value, str | np.ndarray):
        with pytest.raises(StorageError, match="holds no network"):
            sm.load_network(saved)
    else:
        refused(saved, "damaged")


def test_an_image_of_another_version_says_so_by_its_seal(saved):
    body = saved.read_bytes()[container.BLOCK :]
    saved.write_bytes(container.seal(body, "spikemem", 2) + body)
    refused(saved, "its attributes do not agree with its seal")


def test_a_foreign_file_is_not_opened_in_this_process(tmp_path, monkeypatch):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a"] = [1, 2]

    def opened(*args, **kwargs):
        raise AssertionError("opened here")

    monkeypatch.setattr(h5py, "File", opened)
    refused(tmp_path / "a.h5", "another program")


def test_what_must_be_a_model_is_checked_when_saved(saved):
    with pytest.raises(DescriptionError, match="model must be a StoredModel, got 5"):
        storage.save(saved, model=5)


# -- arrays that pass the checksum and are wrong --------------------------------------------------


def resealed(path, edit):
    with h5py.File(path, "r+") as file:
        edit(file)
    seal_again(path)


def replaced(name, value):
    def edit(file):
        attributes = dict(file[name].attrs)
        new = value(file) if callable(value) else value
        del file[name]
        file[name] = new
        file[name].attrs.update(attributes)

    return edit


def setting(group, attribute, *keys, value):
    """Change one entry of an attribute that holds JSON."""

    def edit(file):
        found = json.loads(file[group].attrs[attribute])
        inner = found
        for key in keys[:-1]:
            inner = inner[key]
        inner[keys[-1]] = value
        file[group].attrs[attribute] = json.dumps(found)

    return edit


def argument(*keys, value):
    return setting("model", "arguments", *keys, value=value)


def ca3():
    from spikemem.networks.ca3 import CA3Memory

    return CA3Memory(4, 6, contents={0: [1, 2], 3: [5]})


def neurons():
    made = ActiveDendriteNeurons(64, n_segments=8, synapses_per_segment=6, threshold=4)
    made.store(random_patterns(6, size=64, active=8, seed=1))
    return made


def sequences():
    made = TemporalMemory(32, cells_per_column=4, synapses_per_segment=6, threshold=3)
    made.learn([random_patterns(4, size=32, active=5, seed=2)], passes=3)
    return made


def array():
    return program(PCM(), np.linspace(-1, 1, 12).reshape(3, 4), faults=Faults(missing=0.2))


def copied(name, place, number):
    """The array with one entry changed."""

    def value(file):
        data = file[name][()]
        data.flat[place] = number
        return data

    return replaced(name, value)


WRONG = {
    "CA3Memory": [
        replaced("model/arrays/W1", np.zeros((6, 4))),
        replaced("model/arrays/W1", np.zeros((4, 6), int)),
        copied("model/arrays/W2", 0, np.nan),
        copied("model/arrays/W2", 0, 99.0),
        copied("model/arrays/W2", 0, -1.0),
        copied("model/arrays/contents", 0, 9),
        copied("model/arrays/contents", 1, 6),
        copied("model/arrays/contents", 2, -1),
        replaced("model/arrays/contents", np.zeros((2, 2), int)),
        replaced("model/arrays/time", 0.5),
        replaced("model/arrays/time", -1.0),
        replaced("model/arrays/time", np.zeros(2)),
        argument("n_cues", value=2**31 - 1),
        argument("n_cues", value=True),
        argument("w_max", value=float("nan")),
        argument("w_max", value=1.0),
        argument("backend", value="nest"),
        argument("preset", value={"type": "PCM", "settings": {}}),
        lambda file: file["model"].attrs.__setitem__("type", "Network"),
        lambda file: file["model"].attrs.__setitem__("type", "os:system"),
        lambda file: file["model"].attrs.__setitem__("arguments", "[1]"),
    ],
    "ActiveDendriteNeurons": [
        replaced("model/arrays/cells", np.zeros((8, 6))),
        replaced("model/arrays/cells", np.zeros(48, int)),
        copied("model/arrays/cells", 0, 64),
        copied("model/arrays/cells", 0, -2),
        replaced("model/arrays/cells", np.full((8, 6), 3)),
        copied("model/arrays/permanences", 3, np.nan),
        copied("model/arrays/permanences", 3, 1.5),
        copied("model/arrays/permanences", 3, -0.1),
        replaced("model/arrays/n_patterns", np.zeros(7, int)),
        replaced("model/arrays/n_patterns", np.zeros(8)),
        copied("model/arrays/used", 0, -1),
        replaced("model/arrays/clock", -1),
        replaced("model/arrays/clock", [1, 2]),
        argument("n_segments", value=10**8),
        argument("n_neurons", value="8"),
        argument("n_inputs", value=2.5),
        argument("x", value=1),
        argument("rule", "settings", "connect", value=2.0),
        argument("rule", "type", value="PCM"),
        argument("rule", "type", value="Path"),
        lambda file: file["model"].attrs.__setitem__("arguments", "[" * 5000),
    ],
    "TemporalMemory": [
        copied("model/arrays/owner", 0, 128),
        copied("model/arrays/owner", 0, -1),
        replaced("model/arrays/owner", np.zeros(3, int)),
        copied("model/arrays/permanences", 0, np.inf),
        copied("model/arrays/cells", 0, 128),
        argument("n_columns", value=2**31),
        argument("synapses_per_segment", value=5),
        argument("learning_threshold", value=0),
    ],
    "resistive": [
        setting("resistive", "device", "type", value="from_measurements"),
        setting("resistive", "device", "type", value="Device"),
        setting("resistive", "device", "type", value="YEAR"),
        setting("resistive", "device", "type", value="Offset"),
        setting("resistive", "mapping", "type", value="Mapping"),
        setting("resistive", "mapping", "type", value="np"),
        setting("resistive", "mapping", "type", value="SingleDevice"),
        setting("resistive", "device", "settings", "g_max", value=-1.0),
        setting("resistive", "plain", "w_max", value=float("nan")),
        setting("resistive", "plain", "w_max", value=0.0),
        setting("resistive", "plain", "seed", value=-1),
        setting("resistive", "plain", "name", value=5),
        setting("resistive", "plain", "generation", value=0.5),
        setting("resistive", "plain", "accepted", value=2.0),
        setting("resistive", "plain", "fixed", value=2.0),
        copied("resistive/target", 0, np.nan),
        copied("resistive/target", 0, -1.0),
        copied("resistive/programmed", 0, np.inf),
        # A device that works, and one that is missing.
        *(copied("resistive/programmed", place, -1.0) for place in range(24)),
        replaced("resistive/programmed", np.zeros((2, 4, 3))),
        copied("resistive/fixed", 0, np.inf),
        replaced("resistive/fixed", np.zeros(3)),
        copied("resistive/drawn/nu", 0, np.nan),
        replaced("resistive/drawn/nu", np.zeros((2, 3, 4), int)),
        lambda file: file["resistive/drawn"].__delitem__("nu"),
        lambda file: file["resistive/drawn"].__setitem__("more", np.zeros((2, 3, 4))),
    ],
}
MAKE = {
    "CA3Memory": ca3, "ActiveDendriteNeurons": neurons, "TemporalMemory": sequences,
    "resistive": array,
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_sealed_arrays_that_are_wrong_are_refused(tmp_path, what):
    thing, kind = MAKE[what](), "resistive" if what == "resistive" else "model"
    good = thing.save(tmp_path / "good.h5")
    assert type(storage.load(good, kind)) is type(thing)
    for k, edit in enumerate(WRONG[what]):
        path = tmp_path / f"{k}.h5"
        path.write_bytes(good.read_bytes())
        resealed(path, edit)
        with pytest.raises(StorageError, match=rf"^load: the {kind} in .* is damaged \(") as caught:
            storage.load(path, kind)
        assert "\n" not in str(caught.value), k


def test_a_declared_size_takes_no_memory(tmp_path):
    path = neurons().save(tmp_path / "a.h5")
    resealed(path, argument("n_segments", value=10**8))
    tracemalloc.start()
    try:
        with pytest.raises(StorageError, match=r"cells must have shape \(100000000, 6\)"):
            storage.load(path, "model")
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


def test_a_device_of_the_users_is_refused_when_saved(tmp_path):
    class Own(PCM):
        pass

    with pytest.raises(StorageError, match="a device of type Own cannot be stored"):
        program(Own(), [[0.5, 1.0]]).save(tmp_path / "a.h5")
    assert list(tmp_path.iterdir()) == []
