"""Converts images to events with a simulated event camera that makes three saccades.

The camera of N-MNIST [1]_ moves along the three sides of a triangle in front of a still image. A
pixel sends an event when the logarithm of its intensity has changed by a threshold.

.. [1] Orchard, Jayawant, Cohen and Thakor, Frontiers in Neuroscience 9:437 (2015)
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import Count, Indices, Instance, Kind, Quantity, check_fields, checked
from ..errors import DescriptionError, Problems, shown
from ..frozen import Frozen
from ..limits import require_memory
from ..progress import Progress, progress_callback
from .images import Images
from .recordings import EVENT, Recordings
from .references import ORCHARD

__all__ = ["Saccades", "saccade_recordings"]

N_SACCADES = 3
_BLOCK = 16
"""Number of images handled at a time, so that their frames stay in the processor's cache."""
_TYPICAL = 5000
"""Number of events of an image, for the estimate of memory."""


@dataclass(frozen=True, kw_only=True, repr=False)
class Saccades(Frozen):
    """Parameters of a simulated event camera.

    With the default values an image of MNIST gives about 4300 events, as many as a sample of
    N-MNIST.

    Parameters
    ----------
    image : int
        Side length to which images are resized (bilinearly), pixels.
    sensor : int
        Side length of the sensor, pixels; the image is in its middle.
    side : float
        Side length of the equilateral triangle, pixels.
    duration : float
        Duration of each of the three saccades, ms.
    step : float
        Time step of the camera, ms; a pixel sends at most one event in a step.
    threshold : float
        Change of the logarithm of the intensity that causes an event.
    floor : float
        Constant added to the intensity (0 to 1) before the logarithm.

    Raises
    ------
    DescriptionError
        If a value is out of range, an image is larger than the sensor, or the duration is not a
        whole number of steps.

    Examples
    --------
    >>> Saccades().n_steps
    150
    """

    image: Annotated[int, Count(low=2, high=1024)] = 28
    sensor: Annotated[int, Count(low=2, high=1024)] = 34
    side: Annotated[float, Quantity("1", low=0.0, high=1024.0)] = 5.0
    duration: Annotated[float, Quantity("ms", above=0.0, high=1e6)] = 100.0
    step: Annotated[float, Quantity("ms", low=0.001)] = 2.0
    threshold: Annotated[float, Quantity("1", above=0.0)] = 0.3
    floor: Annotated[float, Quantity("1", low=1e-6)] = 0.1

    bibtex: ClassVar[tuple[str, ...]] = (ORCHARD,)

    def __post_init__(self) -> None:
        problems = Problems("Saccades")
        converted = check_fields(self, problems)
        if {"image", "sensor"} <= converted and self.image > self.sensor:
            problems.add(f"image must be at most sensor={self.sensor}, got {self.image}")
        if {"duration", "step"} <= converted:
            steps = self.duration / self.step
            if round(steps) < 1 or abs(steps - round(steps)) > 1e-6:
                problems.add(
                    f"duration must be a whole number of steps of {self.step:g} ms, got "
                    f"{self.duration:g} ms"
                )
            elif steps > 100_000:
                problems.add(f"duration must be at most 100000 steps, got {steps:g}")
        problems.raise_if_any()

    @property
    def n_steps(self) -> int:
        """Number of steps of all three saccades."""
        return N_SACCADES * round(self.duration / self.step)

    @property
    def total(self) -> float:
        """Duration of all three saccades, ms."""
        return N_SACCADES * self.duration

    def path(self) -> NDArray[np.float64]:
        """Return the shift of the image (rows, columns) initially and after each step, pixels.

        Shape (n_steps + 1, 2); the centre of the triangle is (0, 0).
        """
        height = self.side * np.sqrt(3.0) / 2.0
        corners = np.array([[0.0, 0.0], [height, self.side / 2], [0.0, self.side]])
        corners -= corners.mean(axis=0)
        part = (np.arange(self.n_steps + 1) / (self.n_steps // N_SACCADES))[:, None]
        leg = np.minimum(part.astype(np.int64)[:, 0], N_SACCADES - 1)
        start, end = corners[leg], corners[(leg + 1) % N_SACCADES]
        return np.asarray(start + (end - start) * (part - leg[:, None]))


@dataclass(frozen=True)
class Pictures(Kind):
    """Grey images: (n, height, width), whole numbers from 0 to 255 or floats from 0 to 1."""

    def check(self, value: Any, where: str) -> NDArray[np.float32]:
        """Return float32 numbers from 0 to 1, shape (n, height, width)."""
        if isinstance(value, Images):
            value = value.images / np.float32(value.brightest or 255)
        try:
            array = np.asarray(value)
        except Exception:
            array = np.empty(0, object)
        if array.dtype.kind not in "buif" or array.ndim != 3 or min(array.shape[1:], default=0) < 2:
            raise DescriptionError(
                f"{where} must be numbers of shape (n_images, height, width), each at least 2 "
                f"pixels high and wide, got {_what(value, array)}."
            )
        top = 255 if array.dtype.kind in "ui" else 1
        if not array.size:
            return array.astype(np.float32)
        low, high = array.min(), array.max()
        if not (low >= 0 and high <= top):
            raise DescriptionError(
                f"{where} must be from 0 to {top} ({array.dtype}), got {low:g} to {high:g}. Whole "
                f"numbers go from 0 to 255, floats from 0 to 1."
            )
        require_memory(
            4.0 * array.size, f"{where}: {len(array)} images", "Convert fewer images at once."
        )
        return np.asarray(array / np.float32(top), np.float32)


def _what(value: Any, array: NDArray[Any]) -> str:
    return f"shape {array.shape}" if array.dtype.kind in "buif" else shown(value)


@checked
def saccade_recordings(
    images: Annotated[Images | ArrayLike, Pictures()],
    labels: Annotated[ArrayLike, Indices()] | None = None,
    *,
    saccades: Annotated[Saccades, Instance(Saccades)] = Saccades(),
    progress: Progress = False,
) -> Recordings:
    """Record images with a simulated event camera.

    Parameters
    ----------
    images : Images or array_like, shape (n_images, height, width)
        Whole numbers from 0 to 255, or floats from 0 to 1.
    labels : array_like of int, shape (n_images,), optional
        Class of each image. Default: 0.
    saccades : Saccades
        Parameters of the camera.
    progress : bool or callable
        True shows a bar on a terminal; a function is called with the fraction done.

    Returns
    -------
    Recordings
        Recordings of a sensor of shape (2, sensor, sensor). The time of an event is the beginning
        of its step.

    Raises
    ------
    DescriptionError
        If an argument is invalid, or an image gives no event because all its pixels are equal.

    Examples
    --------
    >>> bar = np.zeros((1, 28, 28))
    >>> bar[0, 4:24, 13:16] = 1.0
    >>> saccade_recordings(bar, labels=[1])
    Recordings(1 samples, 2373 events, shape=(2, 34, 34))
    """
    pictures: Any = images
    n = len(pictures)
    require_memory(
        2.0 * n * _TYPICAL * EVENT.itemsize, f"saccade_recordings: the events of {n} images",
        "Convert fewer images at once.",
    )  # fmt: skip
    samples = []
    with progress_callback(progress, "saccades") as report:
        for first, signs in signs_of(pictures, saccades):
            samples += [_events(each, saccades) for each in signs]
            report((first + len(signs)) / n)
    return Recordings(
        samples=tuple(samples),
        shape=(2, saccades.sensor, saccades.sensor),
        labels=np.zeros(n, np.int64) if labels is None else np.asarray(labels),
        durations=np.full(n, saccades.total),
        bibtex=saccades.bibtex,
    )


def _events(signs: NDArray[np.int8], saccades: Saccades) -> NDArray[Any]:
    step, row, column = np.nonzero(signs)
    events = np.empty(step.size, EVENT)
    events["x"], events["y"], events["p"] = column, row, signs[step, row, column] > 0
    events["t"] = np.rint(step * (1000.0 * saccades.step))
    return events


def signs_of(
    images: NDArray[np.float32], saccades: Saccades
) -> Iterator[tuple[int, NDArray[np.int8]]]:
    """Yield the sign of the event of each pixel in each step, for blocks of images.

    Parameters
    ----------
    images : ndarray of float32, shape (n_images, height, width)
        Intensities from 0 to 1.
    saccades : Saccades

    Yields
    ------
    first : int
        Index of the first image of the block.
    signs : ndarray of int8, shape (n_block, n_steps, sensor, sensor)
        -1, 0 or 1.
    """
    path = saccades.path()
    # No shift moves the image out of this margin of zeros.
    margin = int(np.ceil(np.abs(path).max())) + 1
    per_frame = saccades.n_steps * saccades.sensor**2
    block = int(np.clip(2**28 // per_frame, 1, _BLOCK))
    for first in range(0, len(images), block):
        pictures = resized(images[first : first + block], saccades.image)
        yield first, _look(_padded(pictures, saccades.sensor, margin), path, margin, saccades)


def _look(
    padded: NDArray[np.float32], path: NDArray[np.float64], margin: int, saccades: Saccades
) -> NDArray[np.int8]:
    """Move one block of images along the path, and return the events of the pixels."""
    n, size = len(padded), saccades.sensor
    threshold, floor = np.float32(saccades.threshold), np.float32(saccades.floor)
    signs = np.empty((n, saccades.n_steps, size, size), np.int8)
    reference = np.log(_shifted(padded, path[0], margin, size) + floor)
    for k in range(saccades.n_steps):
        intensity = _shifted(padded, path[k + 1], margin, size)
        intensity += floor
        np.log(intensity, out=intensity)
        change = intensity - reference
        brighter, darker = change >= threshold, change <= -threshold
        np.subtract(brighter, darker, out=signs[:, k], dtype=np.int8, casting="unsafe")
        np.copyto(reference, intensity, where=brighter | darker)
    return signs


def _shifted(
    padded: NDArray[np.float32], shift: NDArray[np.float64], margin: int, size: int
) -> NDArray[np.float32]:
    """Return the sensor's view of images shifted by fractions of a pixel (bilinearly)."""
    whole = np.floor(shift).astype(np.int64)
    part = (shift - whole).astype(np.float32)
    row, column = margin - whole

    def view(rows: int, columns: int) -> NDArray[np.float32]:
        top, left = row - rows, column - columns
        return padded[:, top : top + size, left : left + size]

    # Rows are interpolated first, which saves two products.
    upper = view(0, 0) * (1 - part[1])
    upper += view(0, 1) * part[1]
    if part[0]:
        lower = view(1, 0) * (1 - part[1])
        lower += view(1, 1) * part[1]
        lower -= upper
        lower *= part[0]
        upper += lower
    return np.asarray(upper)


def _padded(images: NDArray[np.float32], size: int, margin: int) -> NDArray[np.float32]:
    """Put images into the middle of the sensor, with a margin around it."""
    n, side = images.shape[:2]
    wide = size + 2 * margin
    padded = np.zeros((n, wide, wide), np.float32)
    first = margin + (size - side) // 2
    padded[:, first : first + side, first : first + side] = images
    return padded


def resized(images: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Resize images to a square (bilinearly); corner pixels stay corner pixels."""
    if images.shape[1:] == (side, side):
        return images
    rows, columns = (_weights(length, side) for length in images.shape[1:])
    return np.asarray(rows @ images @ columns.T, np.float32)


def _weights(length: int, side: int) -> NDArray[np.float32]:
    position = np.linspace(0.0, length - 1, side)
    left = np.minimum(position.astype(np.int64), length - 2)
    part = position - left
    weights = np.zeros((side, length), np.float32)
    weights[np.arange(side), left] = 1 - part
    weights[np.arange(side), left + 1] += part.astype(np.float32)
    return weights
