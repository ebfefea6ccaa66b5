"""Events for a liquid: from images, sounds, numbers, and recordings of sensors."""

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
    """Events of a simulated camera that looks at each image in three saccades.

    The same as :func:`recorded_events` of :func:`spikemem.data.saccade_recordings`, with less
    memory. The default values are those of Lin et al. (2025) for N-MNIST.

    Parameters
    ----------
    images : Images or array_like, shape (n_images, height, width)
        Whole numbers from 0 to 255, or floats from 0 to 1.
    n_steps : int
        Steps into which the three saccades are divided; in each a channel has at most one event.
    crop : int, optional
        Side of the square in the middle of the sensor that is kept. None: the whole sensor.
    polarity : int, optional
        Keep the events of pixels that became darker (0) or brighter (1). None: both.
    saccades : Saccades
        How the camera moves and what makes an event.
    progress : bool or callable
        Show a progress bar, or call a function with the fraction done.

    Returns
    -------
    Events
        In steps of 1 ms; an image without events becomes a sample without events.

    Raises
    ------
    DescriptionError
        An argument is not of its kind, no images, or a square larger than the sensor.

    Examples
    --------
    >>> bar = np.zeros((1, 28, 28))
    >>> bar[0, 4:24, 13:16] = 1.0
    >>> saccade_events(bar)
    Events(580 events in 1 samples of 256 channels in 50 steps)
    """
    pictures: Any = images
    if not len(pictures):
        raise DescriptionError("saccade_events: images must be at least one, got none.")
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
    """First of the camera's steps in each step that has any, and which steps these are."""
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
    """Events of an artificial cochlea; each sound is divided into the same number of steps.

    The number of steps and of channels is that of Lin et al. (2025) for N-TIDIGITS.

    Parameters
    ----------
    sounds : sequence of array_like, each of shape (n_samples,)
        Sounds of any lengths and any amplitude.
    rate : float
        Sampling rate of all sounds, Hz.
    n_steps : int
        Steps of each sound, whatever its length; in each a channel has at most one event.
    cochlea : Cochlea
        The filters and cells.
    progress : bool or callable
        Show a progress bar, or call a function with the fraction done.

    Returns
    -------
    Events
        In steps of 1 ms.

    Raises
    ------
    DescriptionError
        As :func:`spikemem.data.cochlea_recordings`; or there are no sounds.

    Examples
    --------
    >>> tone = np.sin(2 * np.pi * 440 * np.arange(4000) / 8000)
    >>> cochlea_events([tone], rate=8000.0).n_steps
    129
    """
    if not sounds:
        raise DescriptionError("cochlea_events: sounds must be at least one, got none.")
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
    """Events at a rate that stands for a number; see :func:`spikemem.data.rate_code`.

    Parameters
    ----------
    values : array_like of float, shape (n_samples, ...)
        Numbers from 0 to 1; the axes after the first are those of the sensor, at most three.
    n_steps, most, method, seed
        As :func:`spikemem.data.rate_code`.

    Returns
    -------
    Events
        In steps of 1 ms.

    Raises
    ------
    DescriptionError
        As :func:`spikemem.data.rate_code`.

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
    """Events of recordings, such as those that the readers of files return.

    Parameters
    ----------
    recordings : Recordings
        Samples of one sensor.
    n_steps : int, optional
        Divide each sample into this number of steps, in each of which a channel has at most one
        event. Default: keep the times as they are.
    crop : int, optional
        Side of the square in the middle of the sensor that is kept. Default: the whole sensor.
    polarity : int, optional
        Keep the events of one polarity. Default: all.

    Returns
    -------
    Events

    Raises
    ------
    DescriptionError
        No samples, or a square or a polarity that the sensor does not have.

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
