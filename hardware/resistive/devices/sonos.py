"""Charge-trap (SONOS) transistors below threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from ....checks import checked
from ..kinds import Age, Conductance, Conductances, Generator
from .base import DAY, Array, Device, Programmed, ProgrammedCells, check_same_shape, polynomial
from .references import AGRAWAL

__all__ = ["SONOS"]

_NANOAMPERE = 100.0
"""Current in nA for a conductance of 1 uS, since the cells are read at 0.1 V."""

_SPREAD = (
    (19.88665, 176.3115), (25.59102, 186.85544), (28.72753, 193.56834),
    (31.04318, 198.90332), (33.76214, 204.77023), (34.57909, 207.34309),
)  # fmt: skip
"""A and B (nA) of ``A (1 - exp(-I / B))`` after 0 to 5 days."""

_SHIFT = (
    (0.0,) * 11,
    (6.83650e-01, 6.51250e-03, -4.03163e-04, 3.37944e-06, -1.87435e-08, 5.88902e-11,
     -1.07685e-13, 1.17751e-16, -7.60016e-20, 2.67255e-23, -3.94954e-27),
    (6.60925e-01, 8.60627e-03, -1.72936e-04, 7.44096e-07, -5.94866e-09, 2.36734e-11,
     -4.83740e-14, 5.56072e-17, -3.65397e-20, 1.28405e-23, -1.87450e-27),
    (1.15821e00, 1.96116e-02, -4.70807e-04, 3.67510e-06, -2.08786e-08, 6.59752e-11,
     -1.19499e-13, 1.28435e-16, -8.11574e-20, 2.78802e-23, -4.02057e-27),
    (8.72216e-01, 1.70926e-02, -2.23370e-04, 1.57526e-06, -1.32779e-08, 5.08256e-11,
     -1.01251e-13, 1.14633e-16, -7.46124e-20, 2.60559e-23, -3.78724e-27),
    (1.15294e00, 1.03149e-02, -6.05199e-05, 1.76086e-08, -6.46690e-09, 3.39044e-11,
     -7.53872e-14, 8.98185e-17, -6.00346e-20, 2.12615e-23, -3.11099e-27),
)  # fmt: skip
"""Mean change of the current (nA) as a polynomial of the current, after 0 to 5 days."""

_READ = (12.58037, 215.36557)


@dataclass(frozen=True, kw_only=True, eq=False)
class SONOS(Device):
    """40 nm SONOS memory after Agrawal et al. 2022, from 0 to 16 uS.

    The mean drift is a tenth-degree polynomial of the current I, and the SD over devices is
    ``A (1 - exp(-I / B))``. Both were fitted after 0, 1, ... 5 days, and are interpolated linearly
    in time. The read SD has the same form and is constant in time. Each device keeps one normal
    number.

    References
    ----------
    Agrawal et al., "Subthreshold operation of SONOS analog memory to enable accurate low-power
    neural network inference", IEDM 2022, 21.7, figs. 10 and 11; fits published with CrossSim.
    """

    g_max: Conductance = 16.0

    title: ClassVar[str] = "SONOS charge-trap memory, 40 nm"
    source: ClassVar[str] = "Agrawal et al., IEDM 2022, 21.7; fits published with CrossSim"
    bibtex: ClassVar[tuple[str, ...]] = (AGRAWAL,)
    validity: ClassVar[str] = "0 to 16 uS (1600 nA at 0.1 V), from 0 s to 5 days"
    ages: ClassVar[tuple[float, float]] = (0.0, 5 * DAY)
    range: ClassVar[tuple[float, float]] = (0.0, 16.0)

    @checked
    def program(self, target: Conductances, rng: Generator) -> ProgrammedCells:
        """Write; see :class:`Device`."""
        cells = ProgrammedCells(target, target, {"z": rng.standard_normal(target.shape)})
        return cells._replace(programmed=self.aged(cells, 0.0))

    @checked
    def aged(self, cells: Programmed, time: Age) -> Array:
        """Return the drifted mean plus each device's deviation."""
        day = min(time / DAY, 5.0)
        k = min(int(day), 4)
        current = cells.target * _NANOAMPERE
        early, late = (polynomial(current, *_SHIFT[k + step]) for step in (0, 1))
        mean = current + early + (day - k) * (late - early)
        a, b = (np.interp(day, range(6), column) for column in zip(*_SPREAD, strict=True))
        sd = np.maximum(a * -np.expm1(-mean / b), 0.0)
        return np.asarray(np.maximum(mean + sd * cells.kept("z"), 0.0) / _NANOAMPERE)

    @checked
    def read_sd(self, cells: Programmed, aged: Conductances, time: Age) -> Array:
        """Return an SD that saturates with the current and is constant in time."""
        check_same_shape(cells, aged)
        a, b = _READ
        return np.asarray(a * -np.expm1(-aged * _NANOAMPERE / b) / _NANOAMPERE)
