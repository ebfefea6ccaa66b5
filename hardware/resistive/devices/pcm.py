"""Phase-change memory: programming error, drift by a power law, and 1/f read noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from ....checks import check_fields, checked
from ..kinds import Age, Conductance, Conductances, Generator, OneOf
from .base import YEAR, Array, Device, Programmed, ProgrammedCells, check_same_shape, polynomial
from .references import LE_GALLO, NANDAKUMAR

__all__ = ["HERMES", "PCM"]


@dataclass(frozen=True, kw_only=True, eq=False)
class PhaseChange(Device):
    """Base of the two phase-change models; x is the target divided by g_max."""

    reference: ClassVar[float] = 25.0
    t0: ClassVar[float] = 20.0
    t_read: ClassVar[float] = 250e-9
    ages: ClassVar[tuple[float, float]] = (0.0, YEAR)

    def _programming_sd(self, x: Array) -> Array:
        """Return the programming SD at ``g_max = reference``, uS."""
        raise NotImplementedError

    def _exponents(self, x: Array) -> tuple[Array, Array]:
        """Return the mean and SD of the drift exponent."""
        raise NotImplementedError

    def _q(self, x: Array) -> Array:
        """Return the relative read noise; x is the conductance after writing over g_max."""
        raise NotImplementedError

    @property
    def _first_t0(self) -> float:
        return self.t0

    @property
    def _reference(self) -> float:
        return self.reference

    @checked
    def program(self, target: Conductances, rng: Generator) -> ProgrammedCells:
        """Write; see :class:`Device`."""
        x = target / self.g_max
        programmed = rng.standard_normal(x.shape)
        programmed *= self._programming_sd(x) * (self.g_max / self._reference)
        programmed += target
        np.maximum(programmed, 0.0, out=programmed)
        nu = rng.standard_normal(x.shape)
        mean, sd = self._exponents(x)
        nu *= sd
        nu += mean
        return ProgrammedCells(target, programmed, {"nu": np.abs(nu, out=nu)})

    @checked
    def aged(self, cells: Programmed, time: Age) -> Array:
        """Return conductances after drift: ``g_P ((t + t0) / t0)^(-nu)``."""
        log = np.log1p(time / self._first_t0)
        return np.asarray(cells.programmed * np.exp(-log * cells.kept("nu")))

    @checked
    def read_sd(self, cells: Programmed, aged: Conductances, time: Age) -> Array:
        """Return the SD of the 1/f noise accumulated since programming, uS."""
        check_same_shape(cells, aged)
        growth = np.sqrt(np.log((time + self._first_t0 + self.t_read) / (2 * self.t_read)))
        return np.asarray(aged * self._q(cells.programmed / self.g_max) * growth)


@dataclass(frozen=True, kw_only=True, eq=False)
class PCM(PhaseChange):
    """Phase-change memory after Nandakumar et al. 2019.

    Let x = g_target / g_max.

    * Programming SD: ``0.26348 + 1.9650 x - 1.1731 x^2`` uS at g_max = 25 uS, and in proportion to
      g_max otherwise.
    * Drift exponent, drawn once for each device: ``|N(mu, sd)|`` with
      ``mu = clip(0.0244 - 0.0155 ln x, 0.049, 0.1)`` and
      ``sd = clip(-0.0059 - 0.0125 ln x, 0.008, 0.045)``. Drift starts 20 s after programming.
    * Read noise: ``g Q sqrt(ln((t + t0 + t_r) / 2 t_r))`` with t_r = 250 ns and
      ``Q = min(0.2, 0.0088 / x_P^0.65)``.

    The age is counted from the end of programming.

    Parameters
    ----------
    g_max, g_min, levels, extrapolate
        See :class:`Device`.

    References
    ----------
    Nandakumar, Boybat, Joshi, Piveteau, Le Gallo, Rajendran, Sebastian, Eleftheriou, "Phase-change
    memory models for deep learning training and inference", ICECS 2019.

    Examples
    --------
    >>> cells = PCM().program(np.array([25.0]), np.random.default_rng(0))
    >>> PCM().aged(cells, 0.0) == cells.programmed
    array([ True])
    """

    g_max: Conductance = 25.0

    title: ClassVar[str] = "phase-change memory, doped Ge2Sb2Te5 mushroom cells, 90 nm"
    source: ClassVar[str] = "Nandakumar et al., ICECS 2019"
    bibtex: ClassVar[tuple[str, ...]] = (NANDAKUMAR,)
    validity: ClassVar[str] = "0 to 25 uS (the noise grows with g_max), from 0 s to 1 year"

    def _programming_sd(self, x: Array) -> Array:
        return polynomial(x, 0.26348, 1.9650, -1.1731)

    def _exponents(self, x: Array) -> tuple[Array, Array]:
        log = np.log(np.maximum(x, 1e-7))
        mean = np.clip(0.0244 - 0.0155 * log, 0.049, 0.1)
        return mean, np.clip(-0.0059 - 0.0125 * log, 0.008, 0.045)

    def _q(self, x: Array) -> Array:
        return np.minimum(0.0088 / np.maximum(x**0.65, 1e-3), 0.2)


@dataclass(frozen=True, kw_only=True, eq=False)
class HERMES(PhaseChange):
    """Phase-change memory of the HERMES chip, one or two devices for each polarity.

    The programming error is a cubic polynomial of x = g_target / g_max. Drift starts 200 s (one
    device) or 300 s (two devices) after programming. Read noise has t_r = 512 ns. The drift
    exponent and Q are polynomials of x above a break point, and logarithms below it.

    Parameters
    ----------
    devices : {2, 1}
        Parallel devices for each polarity.
    g_max : float, optional
        Conductance of the largest weight, uS; the noise is in proportion to it. Default: 10.35 for
        one device, 20.7 for two.

    References
    ----------
    Le Gallo et al., "A 64-core mixed-signal in-memory compute chip based on phase-change memory
    for deep neural network inference", Nature Electronics 6:680 (2023).
    """

    g_max: Conductance = 0.0
    devices: Annotated[int, OneOf(1, 2)] = 2

    t_read: ClassVar[float] = 512e-9
    title: ClassVar[str] = "phase-change memory of the HERMES chip, 14 nm"
    source: ClassVar[str] = "Le Gallo et al., Nature Electronics 2023"
    bibtex: ClassVar[tuple[str, ...]] = (LE_GALLO,)
    validity: ClassVar[str] = "0 to 10.35 uS a device, from 0 s to 1 year"

    def __post_init__(self) -> None:
        check_fields(self)
        if self.g_max == 0:
            object.__setattr__(self, "g_max", self._reference)
        super().__post_init__()

    @property
    def _reference(self) -> float:
        return 10.35 * self.devices

    @property
    def _first_t0(self) -> float:
        return 200.0 if self.devices == 1 else 300.0

    def _programming_sd(self, x: Array) -> Array:
        if self.devices == 1:
            return polynomial(x, 0.15781817, 2.32443916, -2.16310839, 0.68841818)
        return polynomial(x, 0.16603222, 4.71806468, -8.48101252, 4.68961419)

    def _exponents(self, x: Array) -> tuple[Array, Array]:
        log = np.log(np.maximum(x, 1e-7))
        low = np.clip(-0.0387 * log - 0.0182, 0.072, 0.13)
        mean = np.where(x >= 0.0945, polynomial(x, 0.0736, -0.0126, -0.0436), low)
        if self.devices == 1:
            near, low = polynomial(x, 0.0104, 0.0116, -0.0165), -0.0120 * log - 0.0023
            return mean, np.where(x < 0.3039, np.clip(low, 0.0124, 0.04), near)
        near, low = polynomial(x, 0.0073, 0.0093, -0.0118), -0.0117 * log - 0.0057
        return mean, np.where(x < 0.3055, np.clip(low, 0.0091, 0.04), near)

    def _q(self, x: Array) -> Array:
        log = np.log(np.maximum(x, 1e-7))
        if self.devices == 1:
            near = polynomial(x, 0.0088, 0.0768, -0.1352, 0.0664)
            return np.where(x < 0.1591, np.clip(-0.0078 * log + 0.0038, 0.0179, 0.04), near)
        near = polynomial(x, 0.0123, 0.0211, -0.0280, 0.0069)
        return np.where(x < 0.16, np.clip(-0.0117 * log - 0.0069, 0.015, 0.04), near)
