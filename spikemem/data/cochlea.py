"""Converts sounds to spikes with an artificial cochlea.

Each channel is a gammatone filter [1]_ on the scale of equivalent rectangular bandwidths. Its
output is half-wave rectified, low-passed, compressed by a square root, and drives an
integrate-and-fire cell without a leak, with the threshold 1.

.. [1] Slaney, Apple Technical Report 35 (1993); Glasberg and Moore, Hearing Research 47 (1990)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import Count, Indices, Instance, Kind, Quantity, check_fields, checked
from ..errors import DescriptionError, Problems, shown
from ..frozen import Frozen
from ..progress import Progress, progress_callback
from .recordings import EVENT, Recordings
from .references import SLANEY

__all__ = ["Cochlea", "cochlea_recordings", "erb_frequencies"]

_EAR_Q, _MIN_BANDWIDTH = 9.26449, 24.7
"""Glasberg and Moore's quality factor, and smallest bandwidth, Hz."""

_LONGEST = 600.0
"""Longest sound, s."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Cochlea(Frozen):
    """An artificial cochlea.

    Parameters
    ----------
    channels : int
        Number of channels, from low to high frequencies.
    low, high : float
        Centre frequencies of the first and the last channel, Hz.
    smoothing : float
        Time constant of the low-pass filter after the rectifier, ms.
    step : float
        Time step of the integrate-and-fire cells, ms; a cell fires at most once in a step.
    gain : float
        Spikes per step of a channel whose compressed output is 1. Each sound is first scaled so
        that the largest output of all channels is 1.

    Raises
    ------
    DescriptionError
        If a value is out of range, or `low` is not below `high`.
    """

    channels: Annotated[int, Count(high=4096)] = 64
    low: Annotated[float, Quantity("Hz", low=1.0, high=1e6)] = 100.0
    high: Annotated[float, Quantity("Hz", low=1.0, high=1e6)] = 3600.0
    smoothing: Annotated[float, Quantity("ms", above=0.0, high=1e4)] = 4.0
    step: Annotated[float, Quantity("ms", low=0.01, high=1e4)] = 1.0
    gain: Annotated[float, Quantity("1", above=0.0, high=1.0)] = 0.106

    bibtex: ClassVar[tuple[str, ...]] = (SLANEY,)

    def __post_init__(self) -> None:
        problems = Problems("Cochlea")
        converted = check_fields(self, problems)
        if {"low", "high"} <= converted and self.low >= self.high:
            problems.add(f"low must be below high={self.high:g} Hz, got {self.low:g} Hz")
        problems.raise_if_any()

    @property
    def frequencies(self) -> NDArray[np.float64]:
        """Centre frequency of each channel, Hz, shape (channels,)."""
        return erb_frequencies(self.low, self.high, self.channels)


@checked
def erb_frequencies(
    low: Annotated[float, Quantity("Hz", low=0.0)],
    high: Annotated[float, Quantity("Hz", low=0.0)],
    n: Annotated[int, Count(high=100_000)],
) -> NDArray[np.float64]:
    """Return frequencies with equal distances on the scale of equivalent rectangular bandwidths.

    Parameters
    ----------
    low, high : float
        First and last frequency, Hz.
    n : int
        Number of frequencies.

    Returns
    -------
    ndarray of float64, shape (n,)
        Frequencies, Hz, ascending.

    Examples
    --------
    >>> erb_frequencies(100.0, 3600.0, 4).round().tolist()
    [100.0, 516.0, 1460.0, 3600.0]
    """
    if high < low:
        raise DescriptionError(f"erb_frequencies: high must be >= low={low:g} Hz, got {high:g} Hz.")
    corner = _EAR_Q * _MIN_BANDWIDTH
    return np.asarray(np.geomspace(low + corner, high + corner, n) - corner)


@dataclass(frozen=True)
class Sounds(Kind):
    """A sequence of sounds, each a one-dimensional array of numbers."""

    def check(self, value: Any, where: str) -> list[NDArray[np.float64]]:
        """Return one float64 array for each sound."""
        if isinstance(value, str | bytes | dict | set) or not hasattr(value, "__iter__"):
            raise DescriptionError(f"{where} must be a sequence of arrays, got {shown(value)}.")
        try:
            entries = list(value)
        except Exception as error:
            raise DescriptionError(f"{where} cannot be iterated over: {error}.") from error
        return [_sound(entry, f"{where}[{k}]") for k, entry in enumerate(entries)]


def _sound(entry: Any, where: str) -> NDArray[np.float64]:
    try:
        array = np.asarray(entry)
    except Exception:
        array = np.empty(0, object)
    if array.dtype.kind not in "iuf" or array.ndim != 1 or not array.size:
        raise DescriptionError(
            f"{where} must be a one-dimensional array of at least one number, got "
            f"{f'shape {array.shape}' if array.dtype.kind in 'iuf' else shown(entry)}."
        )
    plain = array.astype(np.float64)
    if not np.isfinite(plain).all():
        raise DescriptionError(f"{where} must be finite numbers.")
    largest = np.abs(plain).max()
    if not largest:
        raise DescriptionError(f"{where} must be a sound, got silence (all values are 0).")
    return np.asarray(plain / largest)


@checked
def cochlea_recordings(
    sounds: Annotated[Any, Sounds()],
    labels: Annotated[ArrayLike, Indices()] | None = None,
    *,
    rate: Annotated[float, Quantity("Hz", low=100.0, high=1e6)],
    cochlea: Annotated[Cochlea, Instance(Cochlea)] = Cochlea(),
    progress: Progress = False,
) -> Recordings:
    """Record sounds with an artificial cochlea.

    Parameters
    ----------
    sounds : sequence of array_like, each of shape (n_samples,)
        Sounds of any length and amplitude.
    labels : array_like of int, shape (n_sounds,), optional
        Class of each sound. Default: 0.
    rate : float
        Sampling rate of all sounds, Hz.
    cochlea : Cochlea
        The filters and cells.
    progress : bool or callable
        True shows a bar on a terminal; a function is called with the fraction done.

    Returns
    -------
    Recordings
        Recordings of a sensor of shape (channels,); ``x`` is the channel.

    Raises
    ------
    DescriptionError
        If an argument is invalid, a filter is above half of the sampling rate, or a sound is
        silent or gives no spike.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(4000) / 8000)
    >>> heard = cochlea_recordings([tone], rate=8000.0, cochlea=Cochlea(channels=16))
    >>> channel = np.bincount(heard.samples[0]["x"], minlength=16).argmax()
    >>> round(Cochlea(channels=16).frequencies[channel])
    404
    """
    if cochlea.high >= rate / 2:
        raise DescriptionError(
            f"cochlea_recordings: cochlea.high must be below half of the sampling rate "
            f"({rate / 2:g} Hz), got {cochlea.high:g} Hz."
        )
    bank = _bank(cochlea, rate)
    parts, lengths = [], []
    with progress_callback(progress, "cochlea") as report:
        for k, sound in enumerate(sounds):
            if sound.size > _LONGEST * rate:
                raise DescriptionError(
                    f"cochlea_recordings: sounds[{k}] must be at most {_LONGEST:g} s long, got "
                    f"{sound.size / rate:g} s."
                )
            drive = _drive(sound, bank, cochlea, rate)
            parts.append(_spikes(drive, cochlea))
            lengths.append(max(1000.0 * sound.size / rate, cochlea.step * drive.shape[1]))
            report((k + 1) / len(sounds))
    return Recordings(
        samples=tuple(parts),
        shape=(cochlea.channels,),
        labels=np.zeros(len(parts), np.int64) if labels is None else np.asarray(labels),
        durations=np.array(lengths),
        bibtex=cochlea.bibtex,
    )


def _bank(cochlea: Cochlea, rate: float) -> list[tuple[Any, Any]]:
    from scipy.signal import gammatone

    return [gammatone(frequency, "iir", fs=rate) for frequency in cochlea.frequencies]


def _drive(
    sound: NDArray[np.float64], bank: list[tuple[Any, Any]], cochlea: Cochlea, rate: float
) -> NDArray[np.float64]:
    """Return the compressed output of each channel at each step, shape (channels, n_steps)."""
    from scipy.signal import lfilter

    output = np.stack([lfilter(b, a, sound) for b, a in bank])
    np.maximum(output, 0.0, out=output)
    decay = np.exp(-1000.0 / (rate * cochlea.smoothing))
    output = lfilter([1.0 - decay], [1.0, -decay], output, axis=1)
    n_steps = max(int(sound.size / rate * 1000.0 / cochlea.step), 1)
    # A step uses the output at its end.
    last = np.ceil((np.arange(n_steps) + 1) * cochlea.step * rate / 1000.0 - 1e-9) - 1
    drive = np.sqrt(output[:, np.minimum(last.astype(np.int64), sound.size - 1)])
    return np.asarray(drive / max(drive.max(), np.finfo(float).tiny))


def _spikes(drive: NDArray[np.float64], cochlea: Cochlea) -> NDArray[Any]:
    """Return the events of integrate-and-fire cells without a leak.

    After a spike, the threshold is subtracted from the potential.
    """
    reached = np.floor(np.cumsum(cochlea.gain * drive, axis=1) + 1e-9)
    fired = np.diff(reached, axis=1, prepend=0.0) > 0
    step, channel = np.nonzero(fired.T)
    events = np.zeros(step.size, EVENT)
    events["x"], events["t"] = channel, np.rint(step * (1000.0 * cochlea.step))
    return events
