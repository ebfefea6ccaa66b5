"""Reads the Free Spoken Digit Dataset from a folder of wave files, or from an archive."""

from __future__ import annotations

import io
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..checks import PathName, checked
from ..errors import DescriptionError, StorageError
from ..files import open_regular
from .references import JACKSON

__all__ = ["SpokenDigits", "read_fsdd"]

_NAME = re.compile(r"(\d)_([a-z]+)_(\d+)\.wav$", re.IGNORECASE)
_LARGEST = 2**26
"""Largest wave file that is read, bytes."""

N_TEST = 5
"""Number of utterances of each speaker and digit in the official test set (numbers 0 to 4)."""


@dataclass(frozen=True, eq=False)
class SpokenDigits:
    """Spoken digits, sorted by digit, speaker and number of the utterance.

    Attributes
    ----------
    sounds : tuple of ndarray of float64
        Wave of each utterance, from -1 to 1.
    labels : ndarray of int64, shape (n,)
        Digit of each utterance.
    speakers : tuple of str
        Name of the speaker of each utterance.
    numbers : ndarray of int64, shape (n,)
        Number of each utterance, among those of its speaker and digit.
    rate : float
        Sampling rate, Hz.
    """

    bibtex: ClassVar[tuple[str, ...]] = (JACKSON,)

    sounds: tuple[NDArray[np.float64], ...]
    labels: NDArray[np.int64]
    speakers: tuple[str, ...]
    numbers: NDArray[np.int64]
    rate: float

    @property
    def is_test(self) -> NDArray[np.bool_]:
        """Whether each utterance belongs to the official test set (numbers 0 to 4)."""
        return self.numbers < N_TEST

    def __len__(self) -> int:
        return len(self.sounds)

    def __repr__(self) -> str:
        n = len(set(self.speakers))
        return f"SpokenDigits({len(self)} utterances of {n} speakers, {self.rate:g} Hz)"


@checked
def read_fsdd(path: Annotated[str | Path, PathName()]) -> SpokenDigits:
    """Read the Free Spoken Digit Dataset.

    Parameters
    ----------
    path : str or Path
        A folder of files ``digit_speaker_number.wav``, a folder that contains such a folder
        ``recordings``, or a tar archive of it, which is not unpacked to disk.

    Returns
    -------
    SpokenDigits

    Raises
    ------
    StorageError
        If the folder or archive does not exist or has no such files, a file is damaged, or
        sampling rates differ.
    """
    source = Path(path)
    utterances: dict[tuple[int, str, int], tuple[str, float, NDArray[np.float64]]] = {}
    try:
        entries = _from_folder(source) if source.is_dir() else _from_archive(source)
        for name, content in entries:
            match = _NAME.search(name)
            assert match is not None
            key = (int(match[1]), match[2].lower(), int(match[3]))
            utterances[key] = (name, *_wave(content, f"read_fsdd: {str(source)!r}: {name}"))
    except (OSError, tarfile.TarError, EOFError, ValueError) as error:
        if isinstance(error, StorageError | DescriptionError):
            raise
        raise StorageError(f"read_fsdd: cannot read {str(source)!r}: {_reason(error)}.") from error
    if not utterances:
        raise StorageError(
            f"read_fsdd: {str(source)!r} has no files like '3_george_0.wav'; give the folder or "
            f"the tar archive of the Free Spoken Digit Dataset."
        )
    rates = {rate for _, rate, _ in utterances.values()}
    if len(rates) > 1:
        raise StorageError(
            f"read_fsdd: all files in {str(source)!r} must have the same sampling rate, got "
            f"{', '.join(f'{rate:g}' for rate in sorted(rates))} Hz."
        )
    keys = sorted(utterances)
    return SpokenDigits(
        sounds=tuple(utterances[key][2] for key in keys),
        labels=np.array([key[0] for key in keys], np.int64),
        speakers=tuple(key[1] for key in keys),
        numbers=np.array([key[2] for key in keys], np.int64),
        rate=rates.pop(),
    )


def _from_folder(folder: Path) -> Iterator[tuple[str, bytes]]:
    inner = folder / "recordings"
    for file in sorted((inner if inner.is_dir() else folder).iterdir()):
        if _NAME.search(file.name):
            with open_regular(file) as raw:
                yield file.name, _content(raw, file.name)


def _from_archive(path: Path) -> Iterator[tuple[str, bytes]]:
    with open_regular(path) as raw, tarfile.open(fileobj=raw, mode="r:*") as archive:
        for entry in archive:
            if entry.isreg() and _NAME.search(entry.name):
                raw_entry = archive.extractfile(entry)
                assert raw_entry is not None
                yield Path(entry.name).name, _content(raw_entry, entry.name)


def _content(raw: BinaryIO | Any, name: str) -> bytes:
    content: bytes = raw.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise StorageError(f"read_fsdd: {name} is larger than {_LARGEST // 2**20} MiB.")
    return content


def _wave(content: bytes, where: str) -> tuple[float, NDArray[np.float64]]:
    """Return the sampling rate, and the first channel as floats from -1 to 1."""
    import warnings

    from scipy.io import wavfile

    try:
        with warnings.catch_warnings():
            # Without this, SciPy only warns about a truncated file.
            warnings.simplefilter("error")
            rate, data = wavfile.read(io.BytesIO(content))
    except Exception as error:
        raise StorageError(f"{where} is not a complete wave file: {_reason(error)}.") from error
    wave = np.asarray(data)
    wave = wave[:, 0] if wave.ndim == 2 else wave
    if wave.dtype.kind == "u":
        wave = (wave.astype(np.float64) - 128.0) / 128.0
    elif wave.dtype.kind == "i":
        wave = wave / -float(np.iinfo(wave.dtype).min)
    if not wave.size or not np.isfinite(wave).all() or rate <= 0:
        raise StorageError(f"{where} must hold at least one sample, and only finite ones.")
    return float(rate), np.asarray(wave, np.float64)


def _reason(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0].rstrip(".")
