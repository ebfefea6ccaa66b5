"""Base class of device models: writing, ageing and reading of resistive devices."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, fields
from typing import Annotated, Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ....checks import Count, Kind, check_fields, checked
from ....errors import DescriptionError, Problems, shown
from ....frozen import Frozen
from ....streams import Seed
from ..kinds import Age, Conductance, Conductances, Generator, Names, Numbers, Switch

__all__ = [
    "DAY",
    "YEAR",
    "Array",
    "Device",
    "Programmed",
    "ProgrammedCells",
    "check_same_shape",
    "polynomial",
]

Array = NDArray[np.float64]

DAY = 86400.0
YEAR = 365.0 * DAY
_SLACK = 1.0 + 1e-3


class ProgrammedCells(NamedTuple):
    """Devices that have been written, with all properties that are drawn once.

    Attributes
    ----------
    target : ndarray
        Target conductances, uS.
    programmed : ndarray
        Conductances after writing, uS.
    drawn : dict of str to ndarray
        Further permanent properties of each device, e.g. its drift exponent "nu".
    """

    target: Array
    programmed: Array
    drawn: dict[str, Array]

    def kept(self, name: str) -> Array:
        """Return one property of each device, by its name in `drawn`.

        Raises
        ------
        DescriptionError
            If the name is unknown, or its array does not have the shape of `programmed`.
        """
        values = self.drawn.get(name)
        if isinstance(values, np.ndarray) and values.shape == self.programmed.shape:
            return values
        raise DescriptionError(
            f"cells must keep {name!r} in an array of shape {self.programmed.shape}, got "
            f"{shown(values)}; pass cells that a device of the same type has written."
        )


@dataclass(frozen=True)
class _CellsKind(Kind):
    """Devices that have been written; their values are not checked."""

    def check(self, value: Any, where: str) -> ProgrammedCells:
        """Return the cells themselves."""
        fits = isinstance(value, ProgrammedCells) and isinstance(value.drawn, dict)
        for array in value[:2] if fits else ():
            is_array = isinstance(array, np.ndarray) and array.dtype.kind == "f"
            fits = fits and is_array and array.shape == value[0].shape
        if fits:
            return value  # type: ignore[no-any-return]
        raise DescriptionError(
            f"{where} must be ProgrammedCells with arrays of one shape, got {shown(value)}; pass "
            f"the value that Device.program returns."
        )


Programmed = Annotated[ProgrammedCells, _CellsKind()]


def check_same_shape(cells: ProgrammedCells, aged: Array) -> None:
    """Check that aged conductances have the shape of the cells.

    Raises
    ------
    DescriptionError
        If the shapes differ.
    """
    if aged.shape != cells.programmed.shape:
        raise DescriptionError(
            f"aged must have the cells' shape {cells.programmed.shape}, got {aged.shape}."
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Device(Frozen, ABC):
    """A model of a resistive device (base class).

    Parameters
    ----------
    g_max : float
        Conductance of the largest weight, uS.
    g_min : float
        Conductance of a weight of zero, uS, >= 0.
    levels : int, optional
        Number of equally spaced target conductances. Default: every target is possible.
    extrapolate : bool
        Allow ages and conductances outside the calibrated range. Equations are used unchanged
        there; tables (NeuRRAM, SONOS, measured devices) keep their last values.

    Raises
    ------
    DescriptionError
        If ``g_min < 0``, ``g_min >= g_max``, or a value is outside the calibrated range.
    """

    g_max: Conductance
    g_min: Conductance = 0.0
    levels: Annotated[int, Count(low=2)] | None = None
    extrapolate: Switch = False

    title: ClassVar[str] = ""
    """Description in one line."""
    source: ClassVar[str] = ""
    """Source of the equations and constants."""
    bibtex: ClassVar[tuple[str, ...]] = ()
    """BibTeX of that source, for :func:`spikemem.citation`."""
    validity: ClassVar[str] = ""
    """Range in which the model is valid."""
    ages: ClassVar[tuple[float, float]] = (0.0, np.inf)
    """First and last calibrated age, s."""
    range: ClassVar[tuple[float, float]] = (0.0, np.inf)
    """Smallest and largest calibrated conductance, uS."""
    redrawn: ClassVar[str] = "programming error and drift: once; read noise: at every read"
    """Times at which the random properties are drawn."""
    writable: ClassVar[bool] = True
    """Whether target conductances can be written."""

    def __post_init__(self) -> None:
        check_fields(self)
        problems = Problems(self.name)
        self._check_range(problems)
        problems.raise_if_any()

    def _check_range(self, problems: Problems) -> None:
        if self.g_min >= self.g_max:
            problems.add(
                f"g_min must be below g_max, got g_min={self.g_min:g} and g_max={self.g_max:g} uS"
            )
        low, high = self.range
        outside = self.g_min < low / _SLACK or self.g_max > high * _SLACK
        if outside and not self.extrapolate:
            problems.add(
                f"g_min and g_max must lie in the calibrated range {low:g} to {high:g} uS, got "
                f"{self.g_min:g} to {self.g_max:g}; pass extrapolate=True to go beyond it"
            )

    @property
    def name(self) -> str:
        """Name of the model."""
        return type(self).__name__

    @property
    def first_age(self) -> float:
        """Smallest calibrated age, s."""
        return self.ages[0]

    @checked
    def check_time(self, time: Age) -> float:
        """Return an age (s) after a check against the calibrated ages.

        Raises
        ------
        DescriptionError
            If the age is negative, not finite, or outside :attr:`ages` without ``extrapolate``.
        """
        first, last = self.ages
        if not self.extrapolate and not first <= time <= last * _SLACK:
            raise DescriptionError(
                f"{self.name}: time must lie in the calibrated ages {first:g} to {last:g} s, got "
                f"{time:g}; pass extrapolate=True to the device to go beyond them."
            )
        return time

    @checked
    def check_target(self, target: Conductances) -> Array:
        """Return target conductances (uS), rounded to a level.

        Raises
        ------
        DescriptionError
            If a target is not finite, or not between `g_min` and `g_max`.
        """
        slack = 1e-9 * self.g_max
        if target.size and (target.min() < self.g_min - slack or target.max() > self.g_max + slack):
            raise DescriptionError(
                f"{self.name}: target must lie in [g_min, g_max] = [{self.g_min:g}, "
                f"{self.g_max:g}] uS, got {target.min():g} to {target.max():g}."
            )
        if self.levels is None:
            return target
        step = (self.g_max - self.g_min) / (self.levels - 1)
        return np.asarray(self.g_min + np.rint((target - self.g_min) / step) * step)

    @abstractmethod
    def program(self, target: Conductances, rng: Generator) -> ProgrammedCells:
        """Write `target` (uS); all permanent random properties of the devices are drawn here."""

    @abstractmethod
    def aged(self, cells: Programmed, time: Age) -> Array:
        """Return the conductance of each device at the age `time` (s), no read noise, uS."""

    @abstractmethod
    def read_sd(self, cells: Programmed, aged: Conductances, time: Age) -> Array:
        """Return the standard deviation of one read of each device at the age `time` (s), uS."""

    @checked
    def clip(self, conductance: Numbers) -> Array:
        """Clip conductances to physical values; by default they must be >= 0."""
        return np.asarray(np.maximum(conductance, 0.0))

    def apply(self, network: Any, **options: Any) -> Any:
        """Return the network with its weights written into devices; see :func:`.writing.apply`."""
        from ..writing import apply

        return apply(self, network, **options)

    def write(self, network: Any, **options: Any) -> Any:
        """Write the weights of a network into devices; see :func:`.writing.write`."""
        from ..writing import write

        return write(self, network, **options)

    @checked
    def learning(self, projections: Names, seed: Seed = 0) -> Any:
        """Return learning with the device's errors; see :func:`.plastic.device_learning`."""
        from ..plastic import device_learning

        return device_learning(self, projections, seed)

    def describe(self) -> str:
        """Return the model, its source and its validity as text."""
        settings = ", ".join(
            f"{item.name}={shown(getattr(self, item.name))}" for item in fields(self)
        )
        first, last = self.ages
        return (
            f"{self.name}: {self.title}\n  source    {self.source}\n  validity  {self.validity}\n"
            f"  ages      {first:g} to {last:g} s\n  drawn     {self.redrawn}\n"
            f"  settings  {settings}"
        )


def polynomial(x: Array, *coefficients: float) -> Array:
    """Return ``c0 + c1 x + c2 x^2 + ...``.

    Examples
    --------
    >>> polynomial(np.array([2.0]), 1.0, 0.0, 3.0)
    array([13.])
    """
    value = np.full(x.shape, coefficients[-1])
    for coefficient in coefficients[-2::-1]:
        value *= x
        value += coefficient
    return value
