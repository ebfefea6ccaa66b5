"""Cells that do not work: stuck, missing, or on a broken line."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from ...errors import Problems
from ...frozen import Frozen
from ...streams import stream
from ...units import to_float
from .devices.base import Device

__all__ = ["Faults"]

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Faults(Frozen):
    """What fraction of an array does not work; each from 0 to 1.

    The same seed with a larger fraction breaks the same cells and some more.

    Parameters
    ----------
    missing : float
        Devices that are open: 0 uS.
    stuck_low, stuck_high : float
        Devices stuck at g_min or g_max. They neither age nor have read noise.
    open_rows, open_columns : float
        Broken lines: all devices of an input, or of an output's device, are open.

    Raises
    ------
    DescriptionError
        A fraction out of range, or more than all cells in sum.
    """

    missing: float = 0.0
    stuck_low: float = 0.0
    stuck_high: float = 0.0
    open_rows: float = 0.0
    open_columns: float = 0.0

    def __post_init__(self) -> None:
        problems = Problems("Faults")
        for item in fields(self):
            with problems.noting():
                value = to_float(getattr(self, item.name), "1", item.name)
                object.__setattr__(self, item.name, value)
                if not 0 <= value <= 1:
                    problems.add(f"{item.name} must be from 0 to 1, got {value:g}")
        problems.raise_if_any()
        total = self.missing + self.stuck_low + self.stuck_high
        if total > 1 + 1e-12:
            problems.add(f"missing, stuck_low and stuck_high must sum to at most 1, got {total:g}")
        problems.raise_if_any()

    @property
    def any(self) -> bool:
        """Whether anything is broken."""
        return any(getattr(self, item.name) > 0 for item in fields(self))

    def fixed(
        self,
        device: Device,
        rows: NDArray[np.integer],
        columns: NDArray[np.integer],
        n_devices: int,
        seed: int,
        name: str,
    ) -> Array | None:
        """Conductances that can't be changed.

        Parameters
        ----------
        device : Device
            For g_min and g_max.
        rows, columns : ndarray of int, any shape
            Input and output of each weight.
        n_devices : int
            Devices for each weight.
        seed : int
            Of the array.
        name : str
            Of the array.

        Returns
        -------
        ndarray, shape (n_devices, *rows.shape), or None
            uS; NaN where a device works. None if all do.
        """
        if not self.any:
            return None
        chance = stream(seed, "resistive", name, "faults").random((n_devices, *rows.shape))
        edges = np.cumsum([self.missing, self.stuck_low, self.stuck_high])
        kind = np.searchsorted(edges, chance, side="right")
        fixed = np.array([0.0, device.g_min, device.g_max, np.nan])[kind]
        if rows.size and self.open_rows:
            lines = stream(seed, "resistive", name, "rows").random(int(rows.max()) + 1)
            fixed[:, lines[rows] < self.open_rows] = 0.0
        if columns.size and self.open_columns:
            rng = stream(seed, "resistive", name, "columns")
            lines = rng.random((int(columns.max()) + 1, n_devices)).T
            fixed[lines[:, columns] < self.open_columns] = 0.0
        return fixed
