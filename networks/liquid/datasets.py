"""Reads labelled events from files of images, speech or event recordings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...checks import Choice, Count, PathName, checked
from ...container import is_hdf5
from ...data import (
    Recordings,
    read_fsdd,
    read_images,
    read_nmnist,
    read_ntidigits,
    read_shd,
)
from ...errors import DescriptionError, StorageError
from ...files import open_regular
from ...foreign import read_items
from ...progress import Progress
from .events import Events
from .parameters import DenseLiquid
from .sources import cochlea_events, recorded_events, saccade_events

__all__ = ["CAMERA_LIQUID", "COCHLEA_LIQUID", "LabelledEvents", "read_events"]

CAMERA_LIQUID = DenseLiquid()
"""Published liquid for the events of a camera (N-MNIST)."""

COCHLEA_LIQUID = DenseLiquid(decay=0.97, threshold=5.3, constant=0.08)
"""Published liquid for the events of a cochlea (N-TIDIGITS)."""

_STEPS = {"camera": 50, "cochlea": 129}
_CROP = 16
_FOURTH = 4
"""Every fourth image of scikit-learn's digits is a test image: 450 of 1797."""
_ARCHIVES = (".tar", ".xz", ".gz", ".bz2", ".tgz", ".txz")


class LabelledEvents(NamedTuple):
    """Events, with the class of each sample.

    Attributes
    ----------
    events : Events
        Events in steps of 1 ms.
    labels : ndarray of int64, shape (n_samples,)
    source : {"camera", "cochlea"}
        Sensor that the events come from.
    kind : str
        Description of the data in the file.
    """

    events: Events
    labels: NDArray[np.int64]
    source: str
    kind: str

    @property
    def liquid(self) -> DenseLiquid:
        """Published liquid for events of this source."""
        return CAMERA_LIQUID if self.source == "camera" else COCHLEA_LIQUID


class _Part(NamedTuple):
    """Choice of samples of a file."""

    split: str
    first: int
    last: int | None
    per_class: int | None

    def of(self, labels: NDArray[np.int64], where: str) -> NDArray[np.int64]:
        """Return the indices of samples `first` to `last`, limited to `per_class` of each class."""
        chosen = np.arange(len(labels))[self.first : self.last]
        if self.per_class is not None:
            kinds = [chosen[labels[chosen] == name] for name in np.unique(labels[chosen])]
            chosen = np.sort(np.concatenate([rows[: self.per_class] for rows in kinds] or [chosen]))
        if not chosen.size:
            raise DescriptionError(
                f"{where}: there are no samples from first={self.first} to last={self.last}; the "
                f"data has {len(labels)} samples."
            )
        return chosen


@checked
def read_events(
    path: Annotated[str | Path, PathName()],
    *,
    split: Annotated[str, Choice("all", "train", "test")] = "all",
    first: Annotated[int, Count(low=0)] = 0,
    last: Annotated[int, Count(low=0)] | None = None,
    per_class: Annotated[int, Count()] | None = None,
    n_steps: Annotated[int, Count()] | None = None,
    progress: Progress = False,
) -> LabelledEvents:
    """Read labelled events for a liquid; the format of the file is recognised.

    Parameters
    ----------
    path : str or Path
        Images are the word ``digits`` (for the digits of scikit-learn), or an idx or ``.npz`` file:
        a simulated camera records them (16 x 16 pixels, darker events) in 50 steps. Speech is a
        folder or tar archive of the Free Spoken Digit Dataset: a simulated cochlea records it in
        129 steps. Recordings are a folder of classes, or a file, of N-MNIST (.bin), cropped in the
        same way; or HDF5 files of N-TIDIGITS, of the Heidelberg digits, and of the Spiking Speech
        Commands.
    split : {"all", "train", "test"}
        Part of a data set that has a test set: the spoken digits (utterances 0 to 4 are the test
        set), N-TIDIGITS, and the digits (every fourth image is a test image). Other data sets are
        read whole.
    first, last : int
        First sample, and end of the samples (exclusive), counted after the split.
    per_class : int, optional
        Read only this number of samples of each class, the first ones. Default: all.
    n_steps : int, optional
        Steps of each sample. Default: 50 for a camera, 129 for a cochlea.
    progress : bool or callable
        True shows a progress bar; a function is called with the completed fraction.

    Returns
    -------
    LabelledEvents

    Raises
    ------
    StorageError
        If the file or folder does not exist or cannot be read.
    DescriptionError
        If the chosen part has no samples.

    Examples
    --------
    >>> read_events("digits", last=10).events
    Events(6668 events in 10 samples of 256 channels in 50 steps)
    """
    file, part = Path(path), _Part(split, first, last, per_class)
    read = _reader(file)
    return read(file, part, n_steps, progress)


Reader = Callable[[Path, _Part, int | None, Progress], LabelledEvents]


def _reader(file: Path) -> Reader:
    """Return the reader for a path."""
    if str(file) == "digits":
        return _images
    if file.is_dir():
        return _speech if _has_waves(file) else _camera
    if file.suffix.lower() == ".bin":
        return _camera
    name = file.name.lower()
    if (name.endswith(_ARCHIVES) and ".tar" in name) or file.suffix.lower() in (".tgz", ".txz"):
        return _speech
    try:
        with open_regular(file) as raw:
            hdf5 = is_hdf5(raw)
    except OSError as error:
        reason = str(error) if not error.strerror else error.strerror
        raise StorageError(f"read_events: cannot read {str(file)!r}: {reason}.") from error
    return _cochlea if hdf5 else _images


def _has_waves(folder: Path) -> bool:
    try:
        inner = folder / "recordings"
        return any((inner if inner.is_dir() else folder).glob("*.wav"))
    except OSError as error:
        raise StorageError(f"read_events: cannot read {str(folder)!r}: {error}.") from error


def _images(file: Path, part: _Part, n_steps: int | None, progress: Progress) -> LabelledEvents:
    data = read_images(file)
    if str(file) == "digits" and part.split != "all":
        is_test = np.arange(len(data)) % _FOURTH == 0
        data = data[is_test == (part.split == "test")]
    data = data[part.of(data.labels, "read_events")]
    events = saccade_events(data, n_steps=n_steps or _STEPS["camera"], progress=progress)
    return LabelledEvents(events, data.labels, "camera", "images by simulated saccades")


def _speech(file: Path, part: _Part, n_steps: int | None, progress: Progress) -> LabelledEvents:
    data = read_fsdd(file)
    mine = np.arange(len(data))
    if part.split != "all":
        mine = np.flatnonzero(data.is_test == (part.split == "test"))
    chosen = mine[part.of(data.labels[mine], "read_events")]
    events = cochlea_events(
        [data.sounds[k] for k in chosen], rate=data.rate, n_steps=n_steps or _STEPS["cochlea"],
        progress=progress,
    )  # fmt: skip
    return LabelledEvents(events, data.labels[chosen], "cochlea", "speech by a simulated cochlea")


def _camera(file: Path, part: _Part, n_steps: int | None, progress: Progress) -> LabelledEvents:
    whole = part.first == 0 and part.last is None
    recordings = read_nmnist(file, per_class=part.per_class if whole else None)
    return _recorded(recordings, part, n_steps, "camera")


def _cochlea(file: Path, part: _Part, n_steps: int | None, progress: Progress) -> LabelledEvents:
    try:
        with open_regular(file) as raw:
            keys = read_items(raw, ["labels", "train_labels", "test_labels"])
    except OSError as error:
        raise StorageError(f"read_events: cannot read {str(file)!r}: {error}.") from error
    if "labels" in keys:
        recordings = read_shd(file)
    else:
        recordings = read_ntidigits(file, part="test" if part.split == "test" else "train")
    return _recorded(recordings, part, n_steps, "cochlea")


def _recorded(
    recordings: Recordings, part: _Part, n_steps: int | None, source: str
) -> LabelledEvents:
    chosen = recordings.take(part.of(recordings.labels, "read_events").tolist())
    cut = {"polarity": 0, "crop": _CROP} if source == "camera" else {}
    events = recorded_events(chosen, n_steps=n_steps or _STEPS[source], **cut)
    return LabelledEvents(events, chosen.labels, source, f"recordings of a {source}")
