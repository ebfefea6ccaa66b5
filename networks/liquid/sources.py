"""Makes events for a liquid from images, sounds, numbers and sensor recordings."""

from __future__ import annotations

import math
from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...checks import Choice, Count, Instance, Quantities, Quantity, checked
from ...data import (
    Cochlea,
    Images,
    Recordings,
    Saccades,
    cochlea_recordings,
    rate_code,
)
from ...data.cochlea import Sounds
from ...data.saccades import Pictures, signs_of
from ...errors import DescriptionError
from ...progress import Progress, progress_callback
from ...streams import Seed
from ...units import ROUNDING
from .events import Events
from .sensors import cropped_channels

__all__ = ["cochlea_events", "rate_events", "recorded_events", "saccade_events"]

CAMERA, EARS = Saccades(), Cochlea()


@checked
def saccade_events(
    images: Annotated[Images | ArrayLike, Pictures()],
    *,
    n_steps: Annotated[int, Count()] = 50,
    crop: Annotated[int, Count()] | None = 16,
    polarity: Annotated[int, Count(low=0, high=1)] | None = 0,
    saccades: Annotated[Saccades, Instance(Saccades)] = CAMERA,
    progress: Progress = False,
) -> Events:
    """Return the events of a simulated camera that views each image in three saccades.

    The result equals that of :func:`recorded_events` for
    :func:`spikemem.data.saccade_recordings`, but needs less memory. The defaults are those of Lin
    et al. (2025) for N-MNIST.

    Parameters
    ----------
    images : Images or array_like, shape (n_images, height, width)
        Brightness as whole numbers from 0 to 255, or floats from 0 to 1.
    n_steps : int
        Number of steps of the three saccades; a channel has at most one event in each step.
    crop : int, optional
        Side of the square in the middle of the sensor to keep. None keeps the whole sensor.
    polarity : int, optional
        Keep only events of pixels that become darker (0) or brighter (1). None keeps both.
    saccades : Saccades
        Movements of the camera, and thresholds of its events.
    progress : bool or callable
        True shows a progress bar; a function is called with the completed fraction.

    Returns
    -------
    Events
        Events in steps of 1 ms; an image without events becomes a sample without events.

    Raises
    ------
    DescriptionError
        If an argument is not valid, there are no images, or the square is larger than the sensor.

    Examples
    --------
    >>> bar = np.zeros((1, 28, 28))
    >>> bar[0, 4:24, 13:16] = 1.0
    >>> saccade_events(bar)
    Events(580 events in 1 samples of 256 channels in 50 steps)
    """
    pictures: Any = images
    if not len(pictures):
        raise DescriptionError("saccade_events: images must hold at least one image, got none.")
    side, whole = saccades.sensor, saccades.n_steps
    _, shape = cropped_channels((2, side, side), crop or side, None, "saccade_events: crop")
    first = (side - shape[-1]) // 2
    inside = slice(first, first + shape[-1])
    edges = _edges(whole, n_steps)
    parts = []
    with progress_callback(progress, "saccades") as report:
        for start, signs in signs_of(pictures, saccades):
            seen = signs[:, :, inside, inside]
            kinds = (
                [seen < 0, seen > 0] if polarity is None else [seen > 0 if polarity else seen < 0]
            )
            dense = np.stack([np.logical_or.reduceat(kind, edges[0], axis=1) for kind in kinds], 2)
            sample, row, channel = np.nonzero(dense.reshape(*dense.shape[:2], -1))
            parts.append((sample + start, edges[1][row], channel))
            report((start + len(signs)) / len(pictures))
    samples, times, channels = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Events(
        samples=samples.astype(np.int32),
        times=times.astype(np.float64),
        channels=channels.astype(np.int32),
        shape=shape if polarity is None else shape[1:],
        n_samples=len(pictures),
        durations=np.float64(n_steps),  # type: ignore[arg-type]
        dt=1.0,
    )


def _edges(whole: int, n_steps: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the camera's first step in each step of the events that has any, and these steps."""
    step = np.floor(np.arange(whole) * (n_steps / whole) + ROUNDING).astype(np.int64)
    steps, first = np.unique(step, return_index=True)
    return first, steps


@checked
def cochlea_events(
    sounds: Annotated[Any, Sounds()],
    *,
    rate: Annotated[float, Quantity("Hz", low=100.0, high=1e6)],
    n_steps: Annotated[int, Count()] = 129,
    cochlea: Annotated[Cochlea, Instance(Cochlea)] = EARS,
    progress: Progress = False,
) -> Events:
    """Return the events of an artificial cochlea, with the same number of steps for each sound.

    The default numbers of steps and channels are those of Lin et al. (2025) for N-TIDIGITS.

    Parameters
    ----------
    sounds : sequence of array_like, each of shape (n_samples,)
        Sounds of any length and amplitude.
    rate : float
        Sampling rate of all sounds, Hz.
    n_steps : int
        Number of steps of each sound, whatever its length; a channel has at most one event in each.
    cochlea : Cochlea
        Filters and cells of the cochlea.
    progress : bool or callable
        True shows a progress bar; a function is called with the completed fraction.

    Returns
    -------
    Events
        Events in steps of 1 ms.

    Raises
    ------
    DescriptionError
        As in :func:`spikemem.data.cochlea_recordings`, or if there are no sounds.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(4000) / 8000)
    >>> cochlea_events([tone], rate=8000.0).n_steps
    129
    """
    if not sounds:
        raise DescriptionError("cochlea_events: sounds must hold at least one sound, got none.")
    recordings = cochlea_recordings(sounds, rate=rate, cochlea=cochlea, progress=progress)
    return recorded_events(recordings, n_steps=n_steps)


@checked
def rate_events(
    values: Annotated[ArrayLike, Quantities("1", low=0.0, high=1.0)],
    n_steps: Annotated[int, Count()],
    *,
    most: Annotated[int, Count()] | None = None,
    method: Annotated[str, Choice("regular", "random")] = "regular",
    seed: Seed = 0,
) -> Events:
    """Return events whose rate encodes a number; see :func:`spikemem.data.rate_code`.

    Parameters
    ----------
    values : array_like of float, shape (n_samples, ...)
        Numbers from 0 to 1; the axes after the first one are axes of the sensor, at most three.
    n_steps, most, method, seed
        As in :func:`spikemem.data.rate_code`.

    Returns
    -------
    Events
        Events in steps of 1 ms.

    Raises
    ------
    DescriptionError
        As in :func:`spikemem.data.rate_code`.

    Examples
    --------
    >>> rate_events([[0.5, 1.0]], 4).counts().tolist()
    [[2, 4]]
    """
    array: Any = values
    spikes = rate_code(array, n_steps, most=most, method=method, seed=seed)
    shape = array.shape[1:] if len(array.shape) <= 4 else (math.prod(array.shape[1:]),)
    return Events.from_dense(spikes, shape=shape)


@checked
def recorded_events(
    recordings: Annotated[Recordings, Instance("spikemem.data.recordings:Recordings")],
    *,
    n_steps: Annotated[int, Count()] | None = None,
    crop: Annotated[int, Count()] | None = None,
    polarity: Annotated[int, Count(low=0, high=1)] | None = None,
) -> Events:
    """Return the events of recordings, for example from the readers of :mod:`spikemem.data`.

    Parameters
    ----------
    recordings : Recordings
        Samples of one sensor.
    n_steps : int, optional
        Divide each sample into this number of steps, with at most one event per channel in each.
        Default: times stay continuous.
    crop : int, optional
        Side of the square in the middle of the sensor to keep. Default: the whole sensor.
    polarity : int, optional
        Keep only the events of one polarity. Default: all.

    Returns
    -------
    Events

    Raises
    ------
    DescriptionError
        If there are no samples, or the sensor does not have the square or the polarity.

    Examples
    --------
    >>> from spikemem.data import EVENT
    >>> sample = np.array([(3, 0, 100, 1), (1, 2, 250, 0)], dtype=EVENT)
    >>> recordings = Recordings(samples=[sample], shape=(2, 4, 4), labels=[7])
    >>> recorded_events(recordings, polarity=0).channels.tolist()
    [9]
    """
    if not len(recordings):
        raise DescriptionError("recorded_events: recordings must have at least one sample.")
    events = Events.from_structured(
        recordings.samples, shape=recordings.shape, durations=np.asarray(recordings.durations)
    )
    if polarity is not None:
        events = events.polarity(polarity)
    if crop is not None:
        events = events.crop(crop)
    return events if n_steps is None else events.bin(n_steps)
