"""Generic devices: with named parameters, without noise, or from the user's measurements."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, ClassVar

import numpy as np

from ....checks import Choice, Kind, Quantities, Quantity, check_fields, checked
from ....errors import DescriptionError, Problems, shown
from ..kinds import Age, Conductance, Conductances, Factor, Generator
from .base import Array, Device, Programmed, ProgrammedCells, check_same_shape

__all__ = ["Generic", "Ideal", "Measured", "from_measurements"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Generic(Device):
    """A device with named parameters.

    Parameters
    ----------
    programming_sd : float
        Programming error (SD) at g_max, uS.
    programming_scaling : {"independent", "proportional", "inverse"}
        Dependence of the SD on the target G: none, as G / g_max, or as g_max / G (at most ten
        times `programming_sd`).
    programming_shape : {"normal", "uniform"}
        Distribution of the error.
    nu, nu_sd : float
        Mean and SD over devices of the drift exponent; 0 means no drift.
    t0 : float
        Time constant of the drift ``((t + t0) / t0)^(-nu)``, s.
    read_noise : float
        SD of a read, divided by the conductance.
    g_max, g_min, levels, extrapolate
        See :class:`Device`.

    Examples
    --------
    >>> Generic(programming_sd=0.2, nu=0.1, nu_sd=0.05).name
    'Generic'
    """

    g_max: Conductance = 25.0
    programming_sd: Conductance = 0.0
    programming_scaling: Annotated[str, Choice("independent", "proportional", "inverse")] = (
        "independent"
    )
    programming_shape: Annotated[str, Choice("normal", "uniform")] = "normal"
    nu: Factor = 0.0
    nu_sd: Factor = 0.0
    t0: Annotated[float, Quantity("s", above=0.0)] = 20.0
    read_noise: Factor = 0.0

    title: ClassVar[str] = "any device, by named parameters"
    source: ClassVar[str] = "the user's parameters"
    validity: ClassVar[str] = "that of the parameters"

    @checked
    def program(self, target: Conductances, rng: Generator) -> ProgrammedCells:
        """Write; see :class:`Device`."""
        if self.programming_shape == "normal":
            error = rng.standard_normal(target.shape)
        else:
            error = rng.uniform(-np.sqrt(3.0), np.sqrt(3.0), target.shape)
        scale: Any = 1.0
        if self.programming_scaling == "proportional":
            scale = target / self.g_max
        elif self.programming_scaling == "inverse":
            scale = np.minimum(self.g_max / np.maximum(target, 1e-12), 10.0)
        programmed = self.clip(target + self.programming_sd * scale * error)
        nu = np.abs(self.nu + self.nu_sd * rng.standard_normal(target.shape))
        return ProgrammedCells(target, programmed, {"nu": nu})

    @checked
    def aged(self, cells: Programmed, time: Age) -> Array:
        """Return conductances after drift by a power law."""
        return np.asarray(cells.programmed * np.exp(-np.log1p(time / self.t0) * cells.kept("nu")))

    @checked
    def read_sd(self, cells: Programmed, aged: Conductances, time: Age) -> Array:
        """Return an SD in proportion to the conductance."""
        check_same_shape(cells, aged)
        return np.asarray(self.read_noise * aged)


@dataclass(frozen=True, kw_only=True, eq=False)
class Ideal(Device):
    """A device without any imperfection.

    Parameters
    ----------
    g_max, g_min, levels, extrapolate
        See :class:`Device`. Only `levels` can make the weight that is read differ from its target.
    """

    g_max: Conductance = 25.0

    title: ClassVar[str] = "no noise, no drift"
    source: ClassVar[str] = "definition"
    validity: ClassVar[str] = "always"

    @checked
    def program(self, target: Conductances, rng: Generator) -> ProgrammedCells:
        """Write exactly the target."""
        return ProgrammedCells(target, target, {})

    @checked
    def aged(self, cells: Programmed, time: Age) -> Array:
        """Return the conductances after writing."""
        return cells.programmed

    @checked
    def read_sd(self, cells: Programmed, aged: Conductances, time: Age) -> Array:
        """Return zeros: there is no read noise."""
        check_same_shape(cells, aged)
        return np.zeros_like(aged)


@dataclass(frozen=True)
class _Rising(Kind):
    """At least one number >= 0, in increasing order."""

    unit: str

    def check(self, value: Any, where: str) -> tuple[float, ...]:
        """Return a tuple of float."""
        array = Quantities(self.unit, low=0.0, shape=(None,)).check(value, where)
        if not array.size or np.any(np.diff(array) <= 0):
            raise DescriptionError(f"{where} must increase, got {shown(value)}.")
        return tuple(array.tolist())


@dataclass(frozen=True)
class _Table(Kind):
    """Conductances for each age and target; one row needs no outer brackets."""

    def check(self, value: Any, where: str) -> tuple[tuple[float, ...], ...]:
        """Return rows as tuples of float, uS."""
        array = np.atleast_2d(Quantities("uS", low=0.0).check(value, where))
        if array.ndim > 2 or not array.size:
            raise DescriptionError(
                f"{where} must have shape (ages, targets), got {np.shape(value)}."
            )
        return tuple(tuple(row) for row in array.tolist())


@dataclass(frozen=True, kw_only=True, eq=False)
class Measured(Device):
    """A device from measured means and SDs; :func:`from_measurements` makes one.

    Parameters
    ----------
    targets : tuple of float
        Target conductances, uS, increasing.
    measured_at : tuple of float
        Ages of the measurements, s, increasing.
    mean, sd : tuple of tuple of float
        Mean and SD for each age and target, uS. They are interpolated linearly in the target and
        in ``log(1 + t)``. Conductances are drawn from the normal distribution that has this mean
        and SD after its values below 0 are set to 0. If the SD is more than nine times the mean,
        no such distribution exists, and the mean of the device is higher.
    read_noise : float
        SD of a read, divided by the conductance.
    """

    g_max: Conductance = 0.0
    targets: Annotated[tuple[float, ...], _Rising("uS")] = ()
    measured_at: Annotated[tuple[float, ...], _Rising("s")] = (0.0,)
    mean: Annotated[tuple[tuple[float, ...], ...], _Table()] = ()
    sd: Annotated[tuple[tuple[float, ...], ...], _Table()] = ()
    read_noise: Factor = 0.0

    title: ClassVar[str] = "a device from measured means and standard deviations"
    source: ClassVar[str] = "the user's measurements"
    validity: ClassVar[str] = "within the measured targets and ages"

    def __post_init__(self) -> None:
        check_fields(self)
        problems = Problems("Measured")
        shape = len(self.measured_at), len(self.targets)
        for item in ("mean", "sd"):
            table = getattr(self, item)
            if (len(table), len(table[0])) != shape:
                problems.add(
                    f"{item} must have shape {shape} (ages, targets), got "
                    f"{(len(table), len(table[0]))}"
                )
        problems.raise_if_any()
        if not self.g_max and len(self.targets) > 1:
            object.__setattr__(self, "g_max", self.targets[-1])
            object.__setattr__(self, "g_min", self.targets[0])
        super().__post_init__()

    @property
    def ages(self) -> tuple[float, float]:  # type: ignore[override]
        """First and last age of the measurements, s."""
        return self.measured_at[0], self.measured_at[-1]

    def _at(self, table: tuple[tuple[float, ...], ...], target: Array, time: float) -> Array:
        logs = np.log1p(self.measured_at)
        columns = zip(*table, strict=True)
        row = [np.interp(np.log1p(time), logs, column) for column in columns]
        return np.asarray(np.interp(target, self.targets, row))

    @checked
    def program(self, target: Conductances, rng: Generator) -> ProgrammedCells:
        """Write; each device keeps one normal number."""
        cells = ProgrammedCells(target, target, {"z": rng.standard_normal(target.shape)})
        return cells._replace(programmed=self.aged(cells, self.ages[0]))

    @checked
    def aged(self, cells: Programmed, time: Age) -> Array:
        """Return the measured mean plus each device's deviation in units of the measured SD."""
        mean, sd = (self._at(table, cells.target, time) for table in (self.mean, self.sd))
        return self.clip(_before_clipping(mean, sd, cells.kept("z")))

    @checked
    def read_sd(self, cells: Programmed, aged: Conductances, time: Age) -> Array:
        """Return an SD in proportion to the conductance."""
        check_same_shape(cells, aged)
        return np.asarray(self.read_noise * aged)


_SHIFT = np.linspace(-2.0, 6.0, 8001)
"""Means of normal distributions with SD 1; from 6 on, clipping at 0 has no effect."""


@cache
def _clipped_moments() -> tuple[Array, Array]:
    """Return the mean and SD of max(0, N(shift, 1)) for each entry of :data:`_SHIFT`."""
    from scipy.special import ndtr

    density = np.exp(-(_SHIFT**2) / 2) / np.sqrt(2 * np.pi)
    mean = _SHIFT * ndtr(_SHIFT) + density
    square = (_SHIFT**2 + 1) * ndtr(_SHIFT) + _SHIFT * density
    return mean, np.sqrt(square - mean**2)


def _before_clipping(mean: Array, sd: Array, z: Array) -> Array:
    """Scale normal numbers `z` so that `mean` and `sd` hold after negative values become 0."""
    clipped_mean, clipped_sd = _clipped_moments()
    ratio = mean / np.where(sd > 0, sd, 1.0)
    near = (sd > 0) & (ratio < _SHIFT[-1])
    shift = np.interp(ratio, clipped_mean / clipped_sd, _SHIFT)
    scale = sd / np.interp(shift, _SHIFT, clipped_sd)
    return np.asarray(np.where(near, scale * (shift + z), mean + sd * z))


@checked
def from_measurements(
    targets: Annotated[Any, _Rising("uS")],
    mean: Annotated[Any, _Table()] | None = None,
    sd: Annotated[Any, _Table()] | None = None,
    *,
    samples: Annotated[Any, Quantities("uS", low=0.0)] | None = None,
    ages: Annotated[Any, _Rising("s")] = (0.0,),
    **options: Any,
) -> Measured:
    """Make a device from measurements.

    Parameters
    ----------
    targets : array_like, shape (n_targets,)
        Target conductances, uS, increasing; the first is g_min, the last is g_max.
    mean, sd : array_like, shape (n_targets,) or (n_ages, n_targets)
        Measured mean and SD, uS.
    samples : array_like, shape (n_targets, n_devices) or (n_ages, n_targets, n_devices), optional
        Measured conductances in place of `mean` and `sd`, uS.
    ages : array_like, shape (n_ages,)
        Ages of the measurements, s.
    **options
        ``read_noise``, ``g_max``, ``g_min``, ``levels``, ``extrapolate`` of :class:`Measured`.

    Raises
    ------
    DescriptionError
        If both or neither of `samples` and `mean` with `sd` are passed, the shapes do not fit, or a
        conductance is negative.

    Examples
    --------
    >>> device = from_measurements([0.0, 10.0, 20.0], mean=[0.1, 10.0, 19.5], sd=[0.1, 0.5, 0.8])
    >>> device.g_max
    20.0
    """
    if (samples is None) == (mean is None or sd is None):
        raise DescriptionError("from_measurements: pass either mean= and sd=, or samples=.")
    if samples is not None:
        if samples.ndim not in (2, 3) or samples.shape[-1] < 2:
            raise DescriptionError(
                f"from_measurements: samples must have shape (n_targets, n_devices) or (n_ages, "
                f"n_targets, n_devices) with at least two devices, got {samples.shape}."
            )
        mean, sd = samples.mean(axis=-1), samples.std(axis=-1, ddof=1)
    tables: dict[str, Any] = {"mean": mean, "sd": sd}
    return Measured(targets=targets, measured_at=ages, **tables, **options)
