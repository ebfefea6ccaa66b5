"""Devices that do not work: stuck, missing, or on a broken line."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...checks import Count, Kind, Name, check_fields, checked
from ...errors import DescriptionError, shown
from ...frozen import Frozen
from ...limits import require_memory
from ...streams import Seed, stream
from ...units import to_integers
from .devices.base import Device
from .kinds import Fraction

__all__ = ["Faults", "Lines"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class _Lines(Kind):
    """Indices of lines of an array, in any shape."""

    def check(self, value: Any, where: str) -> NDArray[np.int64]:
        """Return an int64 array."""
        try:
            array = np.asarray(value) if isinstance(value, np.ndarray | list | tuple) else None
        except (TypeError, ValueError, OverflowError):
            array = None
        if array is None or isinstance(value, np.ma.MaskedArray):
            raise DescriptionError(f"{where} must be an array of integers, got {shown(value)}.")
        return to_integers(array.ravel(), where).reshape(array.shape)


Lines = Annotated[Any, _Lines()]


@dataclass(frozen=True, kw_only=True, eq=False)
class Faults(Frozen):
    """Fractions of an array that do not work, each from 0 to 1.

    With the same seed, a larger fraction breaks the same devices and some more.

    Parameters
    ----------
    missing : float
        Devices that are open (0 uS).
    stuck_low, stuck_high : float
        Devices stuck at g_min or g_max. They neither age nor have read noise.
    open_rows, open_columns : float
        Broken lines. All devices on a broken row (input) or column (one device of an output) are
        open.

    Raises
    ------
    DescriptionError
        If a fraction is out of range, or `missing`, `stuck_low` and `stuck_high` sum to more
        than 1.
    """

    missing: Fraction = 0.0
    stuck_low: Fraction = 0.0
    stuck_high: Fraction = 0.0
    open_rows: Fraction = 0.0
    open_columns: Fraction = 0.0

    def __post_init__(self) -> None:
        check_fields(self)
        total = self.missing + self.stuck_low + self.stuck_high
        if total > 1 + 1e-12:
            raise DescriptionError(
                f"Faults: missing, stuck_low and stuck_high must sum to at most 1, got {total:g}."
            )

    @property
    def any(self) -> bool:
        """Whether any fraction is above 0."""
        return any(getattr(self, item.name) > 0 for item in fields(self))

    @checked
    def fixed(
        self,
        device: Device,
        rows: Lines,
        columns: Lines,
        n_devices: Annotated[int, Count()],
        seed: Seed,
        name: Annotated[str, Name()],
    ) -> Array | None:
        """Draw the broken devices and return their conductances.

        Parameters
        ----------
        device : Device
            Model of the devices, for g_min and g_max.
        rows, columns : ndarray of int, any shape
            Input and output of each weight.
        n_devices : int
            Number of devices for each weight.
        seed : int or Generator
            Seed of the array.
        name : str
            Name of the array.

        Returns
        -------
        ndarray, shape (n_devices, *rows.shape), or None
            Conductances, uS; NaN for devices that work. None if all devices work.
        """
        if rows.shape != columns.shape:
            raise DescriptionError(
                f"Faults.fixed: rows and columns must have one shape, got {rows.shape} and "
                f"{columns.shape}."
            )
        if not self.any:
            return None
        require_memory(
            32.0 * n_devices * rows.size,
            f"Faults.fixed: rows, columns: {rows.size} weights of n_devices={n_devices}",
            "Use fewer of either.",
        )
        chance = stream(seed, "resistive", name, "faults").random((n_devices, *rows.shape))
        edges = np.cumsum([self.missing, self.stuck_low, self.stuck_high])
        kind = np.searchsorted(edges, chance, side="right")
        fixed = np.array([0.0, device.g_min, device.g_max, np.nan])[kind]
        if rows.size and self.open_rows:
            n_lines = _lines_of(rows, "rows", 1)
            lines = stream(seed, "resistive", name, "rows").random(n_lines)
            fixed[:, lines[rows] < self.open_rows] = 0.0
        if columns.size and self.open_columns:
            rng = stream(seed, "resistive", name, "columns")
            lines = rng.random((_lines_of(columns, "columns", n_devices), n_devices)).T
            fixed[lines[:, columns] < self.open_columns] = 0.0
        return fixed


def _lines_of(index: NDArray[np.int64], where: str, n_devices: int) -> int:
    """Return the number of lines of an array: its largest index plus 1."""
    largest = int(index.max())
    require_memory(
        8.0 * n_devices * (largest + 1),
        f"Faults.fixed: {where}: broken lines up to the index {largest}",
        "Number the lines in use from 0 on.",
    )
    return largest + 1
