"""A hierarchy of one level with settings for images."""

from __future__ import annotations

from typing import Annotated, Literal

from ...checks import Count, Optional, Quantity, checked
from ...streams import Seed
from .model import Sparsey
from .parameters import Level, Plasticity, Selection

__all__ = ["image_tower"]

LARGE = 16
"""Smallest height and width of large images, pixels."""

_Side = Annotated[int, Count(high=4096)]


@checked
def image_tower(
    height: _Side,
    width: _Side,
    *,
    brightest: Annotated[float, Quantity(above=0.0)] = 255.0,
    grey: Annotated[int | None, Optional(Count(high=100))] = None,
    pitch: Annotated[float, Quantity(low=0.1)] = 1.0,
    radius: Annotated[float | None, Optional(Quantity(above=0.0))] = None,
    modules: Annotated[int, Count(high=2**16)] = 8,
    cells: Annotated[int, Count(high=2**15 - 1)] = 64,
    min_active: Annotated[int, Count()] = 12,
    saturation: Annotated[float, Quantity(low=0.0, high=1.0)] = 0.2,
    readout: Literal["binary", "clip3", "clip7"] = "binary",
    seed: Seed = 0,
) -> Sparsey:
    """Return a hierarchy of one level for classifying grey images.

    The settings for large images were chosen on the first 10,000 training images of MNIST;
    ``docs/explanation/sparsey.md`` lists the effect of each.

    Parameters
    ----------
    height, width : int
        Size of the images, pixels.
    brightest : float
        Brightness of white.
    grey : int, optional
        Number of evenly spaced brightness thresholds; each adds one binary input for every pixel.
        Default: 1 for images of at least 16 x 16 pixels, otherwise 4.
    pitch : float
        Distance between neighbouring macs, pixels.
    radius : float, optional
        Radius of a receptive field, pixels. Default: 6.3 for images of at least 16 x 16 pixels,
        otherwise 3.2.
    modules, cells : int
        Q competitive modules of K cells in each mac.
    min_active : int
        Number of active inputs that activate a mac.
    saturation : float
        Fraction of increased synapses above which the synapses of a cell freeze; 1 means never.
    readout : {"binary", "clip3", "clip7"}
        Class weights, as for :class:`Sparsey`.
    seed : int or numpy.random.Generator
        Seed of the draws of codes.

    Raises
    ------
    DescriptionError
        If values are out of range, or receptive fields have too few pixels.

    Examples
    --------
    >>> tower = image_tower(8, 8, brightest=16)
    >>> tower.threshold, tower.levels[0].grid, tower.levels[0].radius
    ((3.2, 6.4, 9.6, 12.8), (8, 8), 3.2)
    """
    large = min(height, width) >= LARGE
    n = grey if grey is not None else (1 if large else 4)
    level = Level(
        grid=(max(1, round(height / pitch)), max(1, round(width / pitch))),
        n_modules=modules,
        cells_per_module=cells,
        radius=radius if radius is not None else (6.3 if large else 3.2),
        min_active=min_active,
    )
    thresholds = tuple(round(brightest * (i + 1) / (n + 1), 9) for i in range(n))
    return Sparsey(
        (height, width),
        [level],
        selection=Selection(sigma3=0.85 if n == 1 else 0.9),
        plasticity=Plasticity(saturation=saturation if saturation < 1 else None),
        threshold=thresholds,
        readout=readout,
        seed=seed,
    )
