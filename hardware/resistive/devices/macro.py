"""Random resistive memory: a 40 nm macro whose weights come from random dielectric breakdown."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np

from ....checks import Choice, Count, Each, Kind, Quantity, checked
from ....errors import DescriptionError
from ....limits import require_memory
from ....streams import Seed, stream
from ..kinds import Age, Conductance, Conductances, Factor, Fraction, Generator, Voltage
from .base import Array, Device, Programmed, ProgrammedCells, check_same_shape
from .references import WANG

__all__ = ["RandomRRAM", "formed_fraction", "forming_voltage"]

_BREAKDOWN = (3.433, 0.114)
"""Mean and SD of the breakdown voltage, V (20 x 20 cells, 3.14 to 3.70 V)."""

_MEASURED = (12.34, 1.84, 0.54)
"""Mean (uS), SD (uS) and skewness of 1430 formed cells."""

_SIMULATOR = (14.2473, 2.4624)
_VOLTAGES = (3.14, 3.70)

_MOST_AXES = 30
"""Largest number of axes of an array; a pair of arrays needs one more, and NumPy allows 32."""


@dataclass(frozen=True)
class _Shape(Kind):
    """Length of one axis, or a sequence of lengths."""

    def check(self, value: Any, where: str) -> tuple[int, ...]:
        """Return a tuple of integers."""
        sizes = (value,) if isinstance(value, int | np.integer) else value
        shape = Each(Count(), "sizes", most=_MOST_AXES).check(sizes, where)
        require_memory(
            26.0 * math.prod(shape), f"{where}: an array of shape {shape}", "Draw smaller arrays."
        )
        return shape


Sizes = Annotated[tuple[int, ...], _Shape()]


@dataclass(frozen=True, kw_only=True, eq=False)
class RandomRRAM(Device):
    """40 nm random resistive memory: chance decides which cells conduct, and how well.

    A cell is formed with the probability ``Phi((V - 3.433) / 0.114)``. The other cells stay at
    about 10 MOhm, which the model takes as 0 uS. The conductances of formed cells follow a shifted
    lognormal distribution with the measured mean 12.34 uS, SD 1.84 uS and skewness 0.54, or the
    normal distribution N(14.2473, 2.4624) of the group's own simulator. Weights cannot be written;
    use :meth:`draw` or :meth:`weights` for random weights.

    Parameters
    ----------
    voltage : float, optional
        Forming voltage, V, from 3.14 to 3.70; 3.433 forms half of the cells.
    distribution : {"measured", "normal"}
        Distribution of the conductances of formed cells.
    read_noise : float
        SD of a read, divided by the conductance. It is not published; 1 % is assumed.
    cell_yield : float
        Fraction of cells that work; the others are open. It is not published; 1 is assumed.

    References
    ----------
    Wang et al., "Echo state graph neural networks with analogue random resistive memory arrays",
    Nature Machine Intelligence 5:104 (2023), with its source data; Lin et al. (2025) on the same
    macro.

    Examples
    --------
    >>> g = RandomRRAM(voltage=3.433).draw((1000, 100), seed=0)
    >>> abs((g > 0).mean() - 0.5) < 0.01
    np.True_
    """

    g_max: Conductance = 25.0
    voltage: Voltage = 3.433
    distribution: Annotated[str, Choice("measured", "normal")] = "measured"
    read_noise: Factor = 0.01
    cell_yield: Fraction = 1.0

    title: ClassVar[str] = "random resistive memory, 40 nm macro of 256 Kb"
    source: ClassVar[str] = "Wang et al., Nature Machine Intelligence 5:104 (2023), source data"
    bibtex: ClassVar[tuple[str, ...]] = (WANG,)
    validity: ClassVar[str] = "forming voltage 3.14 to 3.70 V; one age, no drift was published"
    redrawn: ClassVar[str] = "which cells are formed, and their conductance: once; read noise: " \
        "at every read"  # fmt: skip
    writable: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        low, high = _VOLTAGES
        if not low <= self.voltage <= high and not self.extrapolate:
            raise DescriptionError(
                f"{self.name}: voltage must lie in the measured range {low:g} to {high:g} V, got "
                f"{self.voltage:g}; pass extrapolate=True to go beyond it."
            )

    @checked
    def draw(self, shape: Sizes, seed: Seed = 0) -> Array:
        """Draw the conductances of an array after forming, uS; 0 for cells that are not formed."""
        rng = stream(seed, "resistive", "random macro")
        formed = rng.random(shape) < formed_fraction(self.voltage) * self.cell_yield
        if self.distribution == "normal":
            mean, sd = _SIMULATOR
            values = np.maximum(mean + sd * rng.standard_normal(shape), 0.0)
        else:
            values = _shifted_lognormal(rng.standard_normal(shape))
        return np.where(formed, values, 0.0)

    @checked
    def weights(
        self, shape: Sizes, seed: Seed = 0, *, scale: Annotated[float, Quantity()] = 1.0
    ) -> Array:
        """Draw differential weights: the difference of two arrays times `scale` (nA/uS)."""
        pair = self.draw((2, *shape), seed)
        return np.asarray(scale * (pair[0] - pair[1]))

    @checked
    def program(self, target: Conductances, rng: Generator) -> ProgrammedCells:
        """Raise an error: the device cannot be written."""
        raise DescriptionError(
            "RandomRRAM: its conductances are random and cannot be written; use .draw() or "
            ".weights() for random weights, or another device."
        )

    @checked
    def aged(self, cells: Programmed, time: Age) -> Array:
        """Return the conductances after forming."""
        return cells.programmed

    @checked
    def read_sd(self, cells: Programmed, aged: Conductances, time: Age) -> Array:
        """Return an SD in proportion to the conductance."""
        check_same_shape(cells, aged)
        return np.asarray(self.read_noise * aged)


def _shifted_lognormal(z: Array) -> Array:
    """Convert normal numbers to the lognormal distribution with the measured moments."""
    mean, sd, skewness = _MEASURED
    # With w = exp(s^2) the skewness is (w + 2) sqrt(w - 1): a cubic in w, with one real root.
    roots = np.roots([1.0, 3.0, 0.0, -4.0 - skewness**2])
    w = float(roots[np.isreal(roots)].real.max())
    spread = np.sqrt(np.log(w))
    scale = sd / np.sqrt(w * (w - 1.0))
    return np.asarray(np.maximum(scale * (np.exp(spread * z) - np.sqrt(w)) + mean, 0.0))


@checked
def formed_fraction(voltage: Voltage) -> float:
    """Return the fraction of cells that a forming voltage (V) breaks down.

    Examples
    --------
    >>> formed_fraction(3.433)
    0.5
    """
    from scipy.special import ndtr

    mean, sd = _BREAKDOWN
    return float(ndtr((voltage - mean) / sd))


@checked
def forming_voltage(density: Annotated[float, Quantity(above=0.0, below=1.0)]) -> float:
    """Return the forming voltage (V) that breaks down a fraction `density` of the cells.

    Raises
    ------
    DescriptionError
        If `density` is not between 0 and 1.
    """
    from scipy.special import ndtri

    mean, sd = _BREAKDOWN
    return float(mean + sd * ndtri(density))
