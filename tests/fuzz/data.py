"""Good calls of the readers and encoders of data, to be spoilt."""

from __future__ import annotations

import functools
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from scipy.io import wavfile

from spikemem import data

TONE = np.sin(np.arange(800) * 0.3)
EVENTS = np.array([(0, 1, 20, 0), (3, 2, 70, 1)], data.EVENT)


def recordings() -> Any:
    """Two samples of a small camera."""
    return data.Recordings(samples=[EVENTS, EVENTS[:1]], shape=(2, 4, 4), labels=[0, 1])


def pictures() -> Any:
    """One image of 28 x 28 pixels."""
    return np.eye(28)[None]


@functools.cache
def folder() -> Path:
    """A file of every format, in a folder that lives as long as the process."""
    _KEPT.append(tempfile.TemporaryDirectory())
    path = Path(_KEPT[0].name)
    data.write_nmnist(path / "nmnist", recordings())
    (path / "fsdd").mkdir()
    wavfile.write(path / "fsdd" / "3_theo_0.wav", 8000, (TONE * 1000).astype(np.int16))
    with h5py.File(path / "shd.h5", "w") as file:
        file["spikes/times"], file["spikes/units"] = [[0.1, 0.2]], [[3, 5]]
        file["labels"] = [0]
    with h5py.File(path / "n.h5", "w") as file:
        for part in ("train", "test"):
            file[f"{part}_labels"] = np.array([b"man-a-1"])
            file[f"{part}_addresses/man-a-1"] = [3]
            file[f"{part}_timestamps/man-a-1"] = [0.1]
    return path


_KEPT: list[Any] = []


def file(name: str) -> Callable[[], str]:
    """Name of one of the files, made when it is asked for."""
    return lambda: str(folder() / name)


def digits() -> Any:
    """The reader's answer for one spoken digit."""
    return data.read_fsdd(folder() / "fsdd")


def report() -> Any:
    """A readout's report."""
    from spikemem.networks.liquid import evaluate_readout

    x, labels = np.eye(4), [0, 0, 1, 1]
    return evaluate_readout(x, labels, x, labels, inputs=x, test_inputs=x)


def streams() -> Any:
    """Streams of bits with two tasks."""
    return data.match_streams([2, 3], 20, seed=0)


SAMPLES: dict[str, Callable[[], Any]] = {
    "BitStreams": streams,
    "Recordings": recordings,
    "SpokenDigits": digits,
    "Saccades": data.Saccades,
    "Cochlea": data.Cochlea,
}
"""A fresh object of each class."""

CONTENTS: dict[str, Callable[[], Any]] = {
    "Pictures": pictures,
    "Sounds": lambda: [TONE],
    "SensorShape": lambda: (2, 4, 4),
    "WindowLengths": lambda: [2, 3],
}
"""A good value of each kind."""

GOOD: dict[str, dict[str, Callable[[], Any]]] = {
    "Recordings": {
        "samples": lambda: [EVENTS, EVENTS], "shape": lambda: (2, 4, 4), "labels": lambda: [0, 1],
        "names": lambda: ["a", "b"], "durations": lambda: [1.0, 2.0],
    },
    "Recordings.take": {"chosen": lambda: [1, 0]},
    "SpokenDigits": {
        "sounds": lambda: (TONE,), "labels": lambda: np.array([3]), "speakers": lambda: ("theo",),
        "numbers": lambda: np.array([0]), "rate": lambda: 8000.0,
    },
    "Saccades": {
        "image": lambda: 28, "sensor": lambda: 34, "side": lambda: 5.0, "duration": lambda: 10.0,
        "step": lambda: 2.0, "threshold": lambda: 0.3, "floor": lambda: 0.1,
    },
    "Cochlea": {
        "channels": lambda: 8, "low": lambda: 100.0, "high": lambda: 3000.0,
        "smoothing": lambda: 4.0, "step": lambda: 1.0, "gain": lambda: 0.1,
    },
    "saccade_recordings": {"labels": lambda: [3]},
    "cochlea_recordings": {"rate": lambda: 8000.0, "labels": lambda: [3]},
    "erb_frequencies": {"low": lambda: 100.0, "high": lambda: 200.0, "n": lambda: 3},
    "rate_code": {"values": lambda: [[0.5, 1.0]], "n_steps": lambda: 4, "most": lambda: 3},
    "read_nmnist": {"path": file("nmnist"), "shape": lambda: (2, 4, 4)},
    "write_nmnist": {"recordings": recordings},
    "read_shd": {"path": file("shd.h5")},
    "read_ntidigits": {"path": file("n.h5")},
    "read_fsdd": {"path": file("fsdd")},
    "saccade_events": {"n_steps": lambda: 5},
    "cochlea_events": {"rate": lambda: 8000.0, "n_steps": lambda: 9},
    "rate_events": {"values": lambda: [[0.5, 1.0]], "n_steps": lambda: 4, "most": lambda: 3},
    "recorded_events": {"recordings": recordings, "n_steps": lambda: 4, "crop": lambda: 2},
    "read_events": {"path": file("nmnist/0/00001.bin"), "n_steps": lambda: 4},
    "class_states": {
        "states": lambda: np.eye(4), "labels": lambda: [0, 0, 1, 1], "classes": lambda: [0, 1],
    },
    "retrieval_matrix": {"labels": lambda: [0, 1], "found": lambda: [1, 1]},
    "BitStreams": {
        "bits": lambda: [[-1, 0, 1]], "windows": lambda: (2,), "labels": lambda: [[1]],
    },
    "transfer_matrix": {
        "states": lambda: np.eye(20), "streams": streams, "test_states": lambda: np.eye(20),
        "test_streams": streams, "strength": lambda: 2.0,
    },
    "accuracy_bars": {"reports": lambda: {"a": report()}},
}  # fmt: skip
"""A good value of each parameter, by class or function."""
