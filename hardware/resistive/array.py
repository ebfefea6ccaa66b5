"""A programmed array: drawn once and kept, read at any age, written anew on request."""

from __future__ import annotations

from collections.abc import Mapping as Table
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ...errors import DescriptionError, Problems
from ...frozen import Frozen, read_only
from ...storage import load, save
from ...streams import Seed, stream
from ...units import to_array, to_float, to_int
from . import mapping as mappings
from .devices.base import Array, Cells, Device
from .faults import Faults
from .kinds import to_kind
from .mapping import DifferentialPair, Mapping, check_weights

__all__ = ["ProgrammedArray", "Verify", "load_array", "program"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Verify(Frozen):
    """Write, read, and write again what is too far off.

    Parameters
    ----------
    tolerance : float
        Largest accepted distance from the target, uS, > 0.
    rounds : int
        How often a device is written at most.
    """

    tolerance: float
    rounds: int = 10

    def __post_init__(self) -> None:
        problems = Problems("Verify")
        with problems.noting():
            object.__setattr__(self, "tolerance", to_float(self.tolerance, "uS", "tolerance"))
            if self.tolerance <= 0:
                problems.add(f"tolerance must be > 0 uS, got {self.tolerance:g}")
        with problems.noting():
            to_int(self.rounds, "rounds")
        problems.raise_if_any()


@dataclass(frozen=True, kw_only=True, eq=False)
class ProgrammedArray(Frozen):
    """Devices that hold weights; made by :func:`program`.

    Nothing in it is random any more: the same array ages, it is not drawn anew.

    Parameters
    ----------
    device : Device
        What the array is made of.
    mapping : Mapping
        How weights become conductances.
    w_max : float
        Weight of the largest conductance, nA.
    seed : int
        From which the array was drawn, and its read noise is.
    name : str
        Name of its random streams.
    target, programmed : ndarray, shape (n_devices, *weights.shape)
        Conductances that were asked for and that came out, uS.
    drawn : mapping of str to ndarray
        What else each device keeps, e.g. its drift exponent "nu".
    fixed : ndarray or None
        Conductances of devices that do not work, NaN elsewhere, uS.
    generation : int
        How often it was written before.
    writes : int
        How many times a device was written, in all.
    accepted : float
        Fraction of the devices that met the tolerance when they were written (1 without one).
    """

    device: Device
    mapping: Mapping
    w_max: float
    seed: int
    name: str
    target: Array
    programmed: Array
    drawn: Table[str, Array]
    fixed: Array | None = None
    generation: int = 0
    writes: int = 0
    accepted: float = 1.0

    def __post_init__(self) -> None:
        for item in ("target", "programmed"):
            object.__setattr__(self, item, read_only(getattr(self, item)))
        drawn = {name: read_only(array) for name, array in self.drawn.items()}
        object.__setattr__(self, "drawn", drawn)

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the weights."""
        return tuple(self.target.shape[1:])

    @property
    def cells(self) -> Cells:
        """All that is kept of each device."""
        return Cells(self.target, self.programmed, dict(self.drawn))

    def conductances(self, time: Any = 0.0) -> Array:
        """Conductances at the age `time` (s) without read noise, shape (n_devices, ...), uS."""
        aged = self.device.aged(self.cells, self.device.check_time(time))
        return aged if self.fixed is None else np.where(np.isnan(self.fixed), aged, self.fixed)

    def read_sd(self, time: Any = 0.0) -> Array:
        """SD of one read of each device at the age `time` (s), uS."""
        age = self.device.check_time(time)
        aged = self.device.aged(self.cells, age)
        sd = self.device.read_sd(self.cells, aged, age)
        return sd if self.fixed is None else np.where(np.isnan(self.fixed), sd, 0.0)

    def read(self, time: Any = 0.0, draw: int = 0) -> Array:
        """Conductances with the noise of one read, uS.

        Parameters
        ----------
        time : float
            Age, s.
        draw : int
            Which read: the same number gives the same normal deviations at any age.
        """
        index = to_int(draw, "draw", low=0)
        noise = stream(self.seed, "resistive", self.name, "read", self.generation, index)
        sd = self.read_sd(time)
        read = self.device.clip(
            self.conductances(time) + sd * noise.standard_normal(self.target.shape)
        )
        return read if self.fixed is None else np.where(np.isnan(self.fixed), read, self.fixed)

    @property
    def _readout(self) -> mappings.Readout:
        return self.mapping.readout(self.w_max, self.device.g_min, self.device.g_max)

    def weights(self, time: Any = 0.0, draw: int | None = None) -> Array:
        """Weights at the age `time` (s), nA; of one read if `draw` is given, else without it."""
        g = self.conductances(time) if draw is None else self.read(time, draw)
        readout = self._readout
        return np.asarray(np.tensordot(readout.factors, g, axes=1) + readout.constant)

    def weight_sd(self, time: Any = 0.0) -> Array:
        """SD of one read of each weight at the age `time` (s), nA."""
        squares = self._readout.factors**2
        return np.asarray(np.sqrt(np.tensordot(squares, self.read_sd(time) ** 2, axes=1)))

    def wanted(self) -> Array:
        """The weights as they were meant to be, after mapping and levels, nA."""
        readout = self._readout
        return np.asarray(np.tensordot(readout.factors, self.target, axes=1) + readout.constant)

    def reprogram(self, weights: Any = None, *, verify: Verify | None = None) -> ProgrammedArray:
        """Write the array again: broken devices stay broken, all else is drawn anew at age 0.

        Parameters
        ----------
        weights : array_like, optional
            nA, of the same shape. Default: the old targets.
        verify : Verify, optional
            Write again what is too far off.
        """
        to_kind(verify, Verify, "verify", optional=True)
        if weights is None:
            target = self.target
        else:
            values, _ = check_weights(weights, self.w_max)
            if values.shape != self.shape:
                raise DescriptionError(
                    f"reprogram: weights must have shape {self.shape}, got {values.shape}."
                )
            target = _targets(self.device, self.mapping, values, self.w_max)
        return _written(
            device=self.device, mapping=self.mapping, w_max=self.w_max, seed=self.seed,
            name=self.name, target=target, fixed=self.fixed, verify=verify,
            generation=self.generation + 1,
        )  # fmt: skip

    def save(self, path: str | Path) -> Path:
        """Write to an HDF5 file; :func:`load_array` reads it."""
        from . import files  # noqa: F401 - makes the kind known

        return save(path, resistive=self)


def program(
    device: Device,
    weights: Any,
    *,
    w_max: float | None = None,
    mapping: Mapping | None = None,
    seed: Seed = 0,
    name: str = "array",
    faults: Faults | None = None,
    verify: Verify | None = None,
    rows: Any = None,
    columns: Any = None,
    fixed: Array | None = None,
) -> ProgrammedArray:
    """Write weights into devices.

    Parameters
    ----------
    device : Device
        What to write into.
    weights : array_like, any shape
        nA.
    w_max : float, optional
        Weight of the largest conductance, nA. Default: the largest size of a weight.
    mapping : Mapping, optional
        Default: one differential pair for each weight.
    seed : int or Generator
        The same int gives the same array in any process.
    name : str
        Arrays of different names are independent.
    faults : Faults, optional
        What does not work.
    verify : Verify, optional
        Write again what is too far off.
    rows, columns : array_like of int, optional
        Input and output of each weight, for broken lines. Default: the two axes of a matrix.
    fixed : ndarray, shape (n_devices, *weights.shape), optional
        Instead of `faults`: conductances of broken devices, uS, NaN elsewhere.

    Raises
    ------
    DescriptionError
        Weights that are not finite, all zero without `w_max`, or that the mapping can't write; a
        device that can't be written.

    Examples
    --------
    >>> from spikemem.hardware.resistive import PCM
    >>> array = program(PCM(), [[0.5, -1.0]], seed=3)
    >>> array.weights(3600.0).shape
    (1, 2)
    """
    to_kind(device, Device, "device")
    to_kind(mapping, Mapping, "mapping", optional=True)
    to_kind(faults, Faults, "faults", optional=True)
    to_kind(verify, Verify, "verify", optional=True)
    values = to_array(weights, "nA", "weights")
    if w_max is None:
        w_max = float(np.abs(values).max(initial=0.0))
        if w_max == 0:
            raise DescriptionError(
                "program: all weights are 0 nA, so that their scale is unknown; give w_max."
            )
    how = DifferentialPair() if mapping is None else mapping
    number = int(seed) if isinstance(seed, int | np.integer) else _number(seed)
    stream(number)
    if not device.writable:
        device.program(values, stream(number))
    broken = fixed
    if faults is not None:
        at_rows, at_columns = _lines(values, rows, columns)
        broken = faults.fixed(device, at_rows, at_columns, how.n_devices, number, name)
    return _written(
        device=device, mapping=how, w_max=to_float(w_max, "nA", "w_max"), seed=number, name=name,
        target=_targets(device, how, values, w_max), fixed=broken, verify=verify, generation=0,
    )  # fmt: skip


def _number(seed: Seed) -> int:
    """A generator's next int, so that an array can say and save what it was drawn from."""
    return int(stream(seed).integers(2**63))


def _lines(values: Array, rows: Any, columns: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    if rows is None or columns is None:
        if values.ndim == 2:
            at = np.indices(values.shape)
            return at[0], at[1]
        return np.zeros(values.shape, np.int64), np.arange(values.size).reshape(values.shape)
    return np.asarray(rows), np.asarray(columns)


def _targets(device: Device, how: Mapping, weights: Array, w_max: float) -> Array:
    return device.check_target(how.targets(weights, w_max, device.g_min, device.g_max))


def _written(*, target: Array, verify: Verify | None, **known: Any) -> ProgrammedArray:
    device: Device = known["device"]
    rng = stream(known["seed"], "resistive", known["name"], "write", known["generation"])
    cells = device.program(target, rng)
    writes, accepted = target.size, 1.0
    if verify is not None:
        cells, writes, accepted = _verified(device, cells, verify, rng)
    return ProgrammedArray(
        target=target, programmed=cells.programmed, drawn=cells.drawn, writes=writes,
        accepted=accepted, **known,
    )  # fmt: skip


def _verified(
    device: Device, cells: Cells, verify: Verify, rng: np.random.Generator
) -> tuple[Cells, int, float]:
    """Write what is off again, as often as allowed; also the number of writes."""
    programmed = cells.programmed.copy()
    drawn = {name: array.copy() for name, array in cells.drawn.items()}
    writes = programmed.size
    off = np.abs(programmed - cells.target) > verify.tolerance
    for _ in range(verify.rounds - 1):
        if not off.any():
            break
        again = device.program(cells.target[off], rng)
        writes += again.programmed.size
        programmed[off] = again.programmed
        for name, array in drawn.items():
            array[off] = again.drawn[name]
        off = np.abs(programmed - cells.target) > verify.tolerance
    accepted = 1.0 - float(off.mean()) if off.size else 1.0
    return Cells(cells.target, programmed, drawn), writes, accepted


def load_array(path: str | Path) -> ProgrammedArray:
    """Read a :class:`ProgrammedArray` from an HDF5 file.

    Raises
    ------
    StorageError
        No such file, damaged, not spikemem's, newer than this version, or without an array.
    """
    from . import files  # noqa: F401 - makes the kind known

    return cast(ProgrammedArray, load(path, "resistive"))
