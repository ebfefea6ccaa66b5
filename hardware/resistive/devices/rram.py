"""Oxide memories: NeuRRAM (Wan), CMO/HfOx, and Milo's filamentary cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np

from ....checks import checked
from ....errors import DescriptionError
from ..kinds import Age, Conductance, Conductances, Factor, Generator, OneOf
from .base import (
    DAY,
    YEAR,
    Array,
    Device,
    Programmed,
    ProgrammedCells,
    check_same_shape,
    polynomial,
)
from .references import FALCONE, MILO, WAN

__all__ = ["CMOHfOx", "MiloRRAM", "WanRRAM"]


@dataclass(frozen=True, kw_only=True, eq=False)
class WanRRAM(Device):
    """HfOx memory of the NeuRRAM chip after Wan et al. 2022.

    The SD around the target (programming error and relaxation together) is a polynomial of fourth
    degree in x = g_target / g_max at 1 s, 1 day and 2 days. Between these ages it is interpolated
    linearly in the logarithm of the age. Each device keeps one standard normal number, so that its
    deviation keeps its sign and scales with the SD; the correlation between ages is not published.

    Parameters
    ----------
    read_noise : float
        SD of a read, divided by the conductance. It is not in the data; 1 % is a common assumption.
    g_max, g_min, levels, extrapolate
        See :class:`Device`. The noise is in proportion to g_max / 40 uS.

    References
    ----------
    Wan et al., "A compute-in-memory chip based on resistive random-access memory", Nature 608:504
    (2022).
    """

    g_max: Conductance = 40.0
    read_noise: Factor = 0.01

    reference: ClassVar[float] = 40.0
    title: ClassVar[str] = "HfOx memory of the NeuRRAM chip, 130 nm"
    source: ClassVar[str] = "Wan et al., Nature 608:504 (2022)"
    bibtex: ClassVar[tuple[str, ...]] = (WAN,)
    validity: ClassVar[str] = "1 s, 1 day, 2 days; interpolated in log time between them"
    ages: ClassVar[tuple[float, float]] = (1.0, 2 * DAY)
    calibrated: ClassVar[tuple[float, ...]] = (1.0, DAY, 2 * DAY)
    coefficients: ClassVar[tuple[tuple[float, ...], ...]] = (
        (0.348, 16.030, -43.853, 45.393, -16.815),
        (0.701, 22.086, -50.773, 47.095, -16.458),
        (0.782, 20.274, -43.507, 37.062, -11.934),
    )

    @checked
    def sd(self, target: Conductances, time: Age) -> Array:
        """Return the SD around `target` (uS) at the age `time` (s), before clipping at 0."""
        age = np.log(np.clip(time, self.calibrated[0], self.calibrated[-1]))
        logs = np.log(self.calibrated)
        mixed = [np.interp(age, logs, column) for column in zip(*self.coefficients, strict=True)]
        sd = polynomial(target / self.g_max, *(float(value) for value in mixed))
        return np.asarray(np.maximum(sd, 0.0) * (self.g_max / self.reference))

    @checked
    def interpolated(self, time: Age) -> bool:
        """Tell whether `time` (s) lies between two calibrated ages."""
        return not any(np.isclose(time, age) for age in self.calibrated)

    @checked
    def program(self, target: Conductances, rng: Generator) -> ProgrammedCells:
        """Write; `programmed` is the conductance after 1 s."""
        z = rng.standard_normal(target.shape)
        programmed = np.maximum(target + z * self.sd(target, 1.0), 0.0)
        return ProgrammedCells(target, programmed, {"z": z})

    @checked
    def aged(self, cells: Programmed, time: Age) -> Array:
        """Return the target plus each device's deviation."""
        return np.maximum(cells.target + cells.kept("z") * self.sd(cells.target, time), 0.0)

    @checked
    def read_sd(self, cells: Programmed, aged: Conductances, time: Age) -> Array:
        """Return an SD in proportion to the conductance."""
        check_same_shape(cells, aged)
        return np.asarray(self.read_noise * aged)


@dataclass(frozen=True, kw_only=True, eq=False)
class CMOHfOx(Device):
    """Conductive-metal-oxide/HfOx memory (IBM Zurich), 9 to 88.2 uS in one device.

    * Programming SD: linear in the conductance G, for each acceptance of the write-verify loop.
    * Relaxation after t seconds, independent of G: mean shift ``-0.08900206 ln t`` uS, and SD
      ``0.41183342 + 0.04201137 ln t`` uS. Each device keeps one normal number.
    * Read SD: ``0.0277316483 log10(G) sqrt(ln((t + 1e-6) / 2e-6))`` uS.

    A conductance may lie outside the range of the targets, since the published means and SDs are
    those of the whole distribution.

    Parameters
    ----------
    acceptance : {0.002, 0.02}
        Relative error at which the write-verify loop stops.
    g_max, g_min, levels, extrapolate
        See :class:`Device`. The noise depends on G, so that g_max does not scale it.

    References
    ----------
    Falcone et al., "All-in-one analog AI hardware: on-chip training and inference with
    conductive-metal-oxide/HfOx ReRAM devices", Advanced Functional Materials (2025).
    """

    g_max: Conductance = 88.2
    g_min: Conductance = 9.0
    acceptance: Annotated[float, OneOf(0.002, 0.02)] = 0.02

    title: ClassVar[str] = "CMO/HfOx memory, 130 nm"
    source: ClassVar[str] = "Falcone et al., Advanced Functional Materials 2025 (IBM Zurich)"
    bibtex: ClassVar[tuple[str, ...]] = (FALCONE,)
    validity: ClassVar[str] = "9 to 88.2 uS, just programmed (0 s) and from 1 s to 1 year"
    ages: ClassVar[tuple[float, float]] = (0.0, YEAR)
    range: ClassVar[tuple[float, float]] = (9.0, 88.2)
    programming: ClassVar[dict[float, tuple[float, float]]] = {
        0.002: (0.00081107, 0.00106879), 0.02: (0.0112185391, 0.01129027418),
    }  # fmt: skip

    def check_time(self, time: Age) -> float:
        """Return an age (s) after a check; between 0 and 1 s nothing was measured."""
        age = super().check_time(time)
        if 0 < age < 1 and not self.extrapolate:
            raise DescriptionError(
                f"{self.name}: time must be 0 or at least 1 s, got {age:g}; pass extrapolate=True "
                f"to the device to treat an age below 1 s as 0 s."
            )
        return age

    @checked
    def program(self, target: Conductances, rng: Generator) -> ProgrammedCells:
        """Write; see :class:`Device`."""
        sd = polynomial(target, *self.programming[self.acceptance])
        programmed = self.clip(target + sd * rng.standard_normal(target.shape))
        return ProgrammedCells(target, programmed, {"z": rng.standard_normal(target.shape)})

    @checked
    def aged(self, cells: Programmed, time: Age) -> Array:
        """Return conductances after relaxation with the logarithm of the age."""
        if time < 1:
            return cells.programmed
        log = np.log(time)
        spread = (0.41183342 + 0.04201137 * log) * cells.kept("z")
        return self.clip(cells.programmed - 0.08900206 * log + spread)

    @checked
    def read_sd(self, cells: Programmed, aged: Conductances, time: Age) -> Array:
        """Return the SD of the 1/f noise, uS; 0 at age 0."""
        check_same_shape(cells, aged)
        growth = np.sqrt(max(np.log((time + 1e-6) / 2e-6), 0.0))
        return np.asarray(0.0277316483 * np.log10(np.maximum(aged, 1.0)) * growth)


@dataclass(frozen=True, kw_only=True, eq=False)
class MiloRRAM(Device):
    """Filamentary memory after Milo et al. 2021: programming error only.

    The programming SD is ``max(0, 4.782321 - 0.009107 G)`` uS between 50 and 225 uS, for the
    incremental algorithm of the paper. Drift and read noise are not modelled: an age above 0 is an
    error without ``extrapolate``, and has no effect with it.

    References
    ----------
    Milo et al., "Accurate program/verify schemes of resistive switching memory (RRAM) for
    in-memory neural network circuits", IEEE Trans. Electron Devices 68:3832 (2021), fig. 4.
    """

    g_max: Conductance = 225.0
    g_min: Conductance = 50.0

    title: ClassVar[str] = "HfO2 memory, program-verify scheme of Milo et al."
    source: ClassVar[str] = "Milo et al., IEEE Trans. Electron Devices 68:3832 (2021)"
    bibtex: ClassVar[tuple[str, ...]] = (MILO,)
    validity: ClassVar[str] = "50 to 225 uS, just programmed"
    ages: ClassVar[tuple[float, float]] = (0.0, 0.0)
    range: ClassVar[tuple[float, float]] = (50.0, 225.0)

    @checked
    def program(self, target: Conductances, rng: Generator) -> ProgrammedCells:
        """Write; see :class:`Device`."""
        sd = np.maximum(4.782321 - 0.009107 * target, 0.0)
        programmed = np.maximum(target + sd * rng.standard_normal(target.shape), 0.0)
        return ProgrammedCells(target, programmed, {})

    @checked
    def aged(self, cells: Programmed, time: Age) -> Array:
        """Return the conductances after writing."""
        return cells.programmed

    @checked
    def read_sd(self, cells: Programmed, aged: Conductances, time: Age) -> Array:
        """Return zeros: read noise is not modelled."""
        check_same_shape(cells, aged)
        return np.zeros_like(aged)
