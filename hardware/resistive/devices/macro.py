"""Random resistive memory: the 40 nm macro in which dielectric breakdown makes the weights."""

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
"""Most axes of an array that is drawn: a pair of them needs one more, and NumPy allows 32."""


@dataclass(frozen=True)
class _Shape(Kind):
    """Length of one axis, or a sequence of lengths."""

    def check(self, value: Any, where: str) -> tuple[int, ...]:
        """Return a tuple of int."""
        sizes = (value,) if isinstance(value, int | np.integer) else value
        shape = Each(Count(), "sizes", most=_MOST_AXES).check(sizes, where)
        require_memory(
            26.0 * math.prod(shape), f"{where}: an array of shape {shape}", "Draw smaller arrays."
        )
        return shape


Sizes = Annotated[tuple[int, ...], _Shape()]


@dataclass(frozen=True, kw_only=True, eq=False)
class RandomRRAM(Device):
    """40 nm random resistive memory: which cells conduct, and how well, is left to chance.

    A cell is formed with the probability ``Phi((V - 3.433) / 0.114)``; the others stay at about
    10 MOhm, taken as 0. Formed cells follow a lognormal distribution, shifted so that mean 12.34,
    SD 1.84 and skewness 0.54 are those that were measured (it is not a normal distribution), or
    the normal one N(14.2473, 2.4624) of the group's own simulator. Nothing can be written; use
    :meth:`draw` where a model wants random weights.

    Parameters
    ----------
    voltage : float, optional
        Forming voltage, V, from 3.14 to 3.70; 3.433 forms half of the cells.
    distribution : {"measured", "normal"}
        Of the formed cells.
    read_noise : float
        SD of a read over its conductance; not in the published data, 1 % is assumed.
    cell_yield : float
        Fraction of cells that work at all; the others are open. Not published, 1 is assumed.

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
        """Conductances of an array that has been formed, uS, 0 where it has not."""
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
        """Differential weights: the difference of two such arrays, times `scale` (nA/uS)."""
        pair = self.draw((2, *shape), seed)
        return np.asarray(scale * (pair[0] - pair[1]))

    @checked
    def program(self, target: Conductances, rng: Generator) -> ProgrammedCells:
        """Refused."""
        raise DescriptionError(
            "RandomRRAM: its conductances are left to chance and can't be written; use .draw() or "
            ".weights() for random weights, or another device."
        )

    @checked
    def aged(self, cells: Programmed, time: Age) -> Array:
        """As formed."""
        return cells.programmed

    @checked
    def read_sd(self, cells: Programmed, aged: Conductances, time: Age) -> Array:
        """In proportion to the conductance."""
        check_same_shape(cells, aged)
        return np.asarray(self.read_noise * aged)


def _shifted_lognormal(z: Array) -> Array:
    """Normal numbers to the lognormal distribution with the three measured moments."""
    mean, sd, skewness = _MEASURED
    # With w = exp(s^2) the skewness is (w + 2) sqrt(w - 1): a cubic in w, with one real root.
    roots = np.roots([1.0, 3.0, 0.0, -4.0 - skewness**2])
    w = float(roots[np.isreal(roots)].real.max())
    spread = np.sqrt(np.log(w))
    scale = sd / np.sqrt(w * (w - 1.0))
    return np.asarray(np.maximum(scale * (np.exp(spread * z) - np.sqrt(w)) + mean, 0.0))


@checked
def formed_fraction(voltage: Voltage) -> float:
    """Fraction of cells that a forming voltage (V) breaks down.

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
    """Forming voltage (V) that breaks down this fraction of the cells.

    Raises
    ------
    DescriptionError
        `density` is not between 0 and 1.
    """
    from scipy.special import ndtri

    mean, sd = _BREAKDOWN
    return float(mean + sd * ndtri(density))
