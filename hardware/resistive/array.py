"""A programmed array: drawn once and kept, read at any age, written anew on request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

import numpy as np
from numpy.typing import NDArray

from ...checks import (
    Count,
    MappingOf,
    Name,
    PathName,
    Quantity,
    SeedNumber,
    check_fields,
    checked,
)
from ...errors import DescriptionError, Problems
from ...frozen import Frozen
from ...storage import load, save
from ...streams import Seed, stream
from .devices.base import Array, Device, ProgrammedCells
from .faults import Faults, Lines
from .kinds import Age, Draw, Fraction, Scale, Stored, Weights, to_number
from .weight_mapping import DifferentialPair, Readout, WeightMapping

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

    tolerance: Annotated[float, Quantity("uS", above=0.0)]
    rounds: Annotated[int, Count()] = 10

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, kw_only=True, eq=False)
class ProgrammedArray(Frozen):
    """Devices that hold weights; made by :func:`program`.

    Nothing in it is random any more: the same array ages, it is not drawn anew.

    Parameters
    ----------
    device : Device
        What the array is made of.
    mapping : WeightMapping
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
    mapping: WeightMapping
    w_max: Scale
    seed: Annotated[int, SeedNumber()]
    name: Annotated[str, Name()]
    target: Annotated[Array, Stored()]
    programmed: Annotated[Array, Stored()]
    drawn: Annotated[Mapping[str, Array], MappingOf(Name(), Stored())]
    fixed: Annotated[Array, Stored(gaps=True)] | None = None
    generation: Annotated[int, Count(low=0)] = 0
    writes: Annotated[int, Count(low=0, high=2**63)] = 0
    accepted: Fraction = 1.0

    def __post_init__(self) -> None:
        check_fields(self)
        problems = Problems("ProgrammedArray")
        shape = (self.mapping.n_devices, *self.target.shape[1:])
        arrays = {"target": self.target, "programmed": self.programmed, **self.drawn}
        for name, array in arrays.items():
            if array.shape != shape:
                problems.add(f"{name} must have shape {shape} (n_devices, ...), got {array.shape}")
        if self.fixed is not None and self.fixed.shape != shape:
            problems.add(f"fixed must have shape {shape} (n_devices, ...), got {self.fixed.shape}")
        problems.raise_if_any()

    def facts(self) -> dict[str, Any]:
        """Device, mapping and size as plain data, ready for JSON."""
        return {
            "device": type(self.device).__name__,
            "mapping": type(self.mapping).__name__,
            "shape": list(self.shape),
            "devices": int(self.target.size),
            "writes": self.writes,
        }

    def describe(self) -> str:
        """Device, mapping and size as lines of text."""
        return f"{self.shape} weights by {type(self.mapping).__name__}\n{self.device.describe()}"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the weights."""
        return tuple(self.target.shape[1:])

    @property
    def cells(self) -> ProgrammedCells:
        """All that is kept of each device."""
        return ProgrammedCells(self.target, self.programmed, dict(self.drawn))

    @checked
    def conductances(self, time: Age = 0.0) -> Array:
        """Conductances at the age `time` (s) without read noise, shape (n_devices, ...), uS."""
        aged = self.device.aged(self.cells, self.device.check_time(time))
        return aged if self.fixed is None else np.where(np.isnan(self.fixed), aged, self.fixed)

    @checked
    def read_sd(self, time: Age = 0.0) -> Array:
        """SD of one read of each device at the age `time` (s), uS."""
        age = self.device.check_time(time)
        aged = self.device.aged(self.cells, age)
        sd = self.device.read_sd(self.cells, aged, age)
        return sd if self.fixed is None else np.where(np.isnan(self.fixed), sd, 0.0)

    @checked
    def read(self, time: Age = 0.0, draw: Draw = 0) -> Array:
        """Conductances with the noise of one read, uS.

        Parameters
        ----------
        time : float
            Age, s.
        draw : int
            Which read: the same number gives the same normal deviations at any age.
        """
        noise = stream(self.seed, "resistive", self.name, "read", self.generation, draw)
        sd = self.read_sd(time)
        read = self.device.clip(
            self.conductances(time) + sd * noise.standard_normal(self.target.shape)
        )
        return read if self.fixed is None else np.where(np.isnan(self.fixed), read, self.fixed)

    @property
    def _readout(self) -> Readout:
        return self.mapping.readout(self.w_max, self.device.g_min, self.device.g_max)

    @checked
    def weights(self, time: Age = 0.0, draw: Draw | None = None) -> Array:
        """Weights at the age `time` (s), nA; of one read if `draw` is given, else without it."""
        g = self.conductances(time) if draw is None else self.read(time, draw)
        readout = self._readout
        return np.asarray(np.tensordot(readout.factors, g, axes=1) + readout.constant)

    @checked
    def weight_sd(self, time: Age = 0.0) -> Array:
        """SD of one read of each weight at the age `time` (s), nA."""
        squares = self._readout.factors**2
        return np.asarray(np.sqrt(np.tensordot(squares, self.read_sd(time) ** 2, axes=1)))

    def wanted(self) -> Array:
        """The weights as they were meant to be, after mapping and levels, nA."""
        readout = self._readout
        return np.asarray(np.tensordot(readout.factors, self.target, axes=1) + readout.constant)

    @checked
    def reprogram(
        self, weights: Weights | None = None, *, verify: Verify | None = None
    ) -> ProgrammedArray:
        """Write the array again: broken devices stay broken, all else is drawn anew at age 0.

        Parameters
        ----------
        weights : array_like, optional
            nA, of the same shape. Default: the old targets.
        verify : Verify, optional
            Write again what is too far off.
        """
        if weights is None:
            target = self.target
        else:
            if weights.shape != self.shape:
                raise DescriptionError(
                    f"reprogram: weights must have shape {self.shape}, got {weights.shape}."
                )
            target = _targets(self.device, self.mapping, weights, self.w_max)
        return _written(
            device=self.device, mapping=self.mapping, w_max=self.w_max, seed=self.seed,
            name=self.name, target=target, fixed=self.fixed, verify=verify,
            generation=self.generation + 1,
        )  # fmt: skip

    @checked
    def save(self, path: Annotated[str | Path, PathName()]) -> Path:
        """Write to an HDF5 file; :func:`load_array` reads it."""
        return save(path, resistive=self)


@checked
def program(
    device: Device,
    weights: Weights,
    *,
    w_max: Scale | None = None,
    mapping: WeightMapping | None = None,
    seed: Seed = 0,
    name: Annotated[str, Name()] = "array",
    faults: Faults | None = None,
    verify: Verify | None = None,
    rows: Lines | None = None,
    columns: Lines | None = None,
    fixed: Annotated[Array, Stored(gaps=True)] | None = None,
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
    mapping : WeightMapping, optional
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
    if w_max is None:
        w_max = float(np.abs(weights).max(initial=0.0))
        if w_max == 0:
            raise DescriptionError(
                "program: all weights are 0 nA, so that their scale is unknown; give w_max."
            )
    if mapping is None:
        mapping = DifferentialPair()
    number = to_number(seed)
    if not device.writable:
        device.program(weights, stream(number))
    broken = fixed
    if faults is not None:
        at_rows, at_columns = _lines(weights, rows, columns)
        broken = faults.fixed(device, at_rows, at_columns, mapping.n_devices, number, name)
    return _written(
        device=device, mapping=mapping, w_max=w_max, seed=number, name=name,
        target=_targets(device, mapping, weights, w_max), fixed=broken, verify=verify, generation=0,
    )  # fmt: skip


def _lines(values: Array, rows: Any, columns: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    if rows is None or columns is None:
        if values.ndim == 2:
            at = np.indices(values.shape)
            return at[0], at[1]
        return np.zeros(values.shape, np.int64), np.arange(values.size).reshape(values.shape)
    if rows.shape != values.shape or columns.shape != values.shape:
        raise DescriptionError(
            f"program: rows and columns must have the weights' shape {values.shape}, got "
            f"{rows.shape} and {columns.shape}."
        )
    return rows, columns


def _targets(device: Device, mapping: WeightMapping, weights: Array, w_max: float) -> Array:
    return device.check_target(mapping.targets(weights, w_max, device.g_min, device.g_max))


def _written(*, target: Array, verify: Verify | None, **settings: Any) -> ProgrammedArray:
    device: Device = settings["device"]
    rng = stream(settings["seed"], "resistive", settings["name"], "write", settings["generation"])
    cells = device.program(target, rng)
    writes, accepted = target.size, 1.0
    if verify is not None:
        cells, writes, accepted = _verified(device, cells, verify, rng)
    return ProgrammedArray(
        target=target, programmed=cells.programmed, drawn=cells.drawn, writes=writes,
        accepted=accepted, **settings,
    )  # fmt: skip


def _verified(
    device: Device, cells: ProgrammedCells, verify: Verify, rng: np.random.Generator
) -> tuple[ProgrammedCells, int, float]:
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
    return ProgrammedCells(cells.target, programmed, drawn), writes, accepted


@checked
def load_array(path: Annotated[str | Path, PathName()]) -> ProgrammedArray:
    """Read a :class:`ProgrammedArray` from an HDF5 file.

    Raises
    ------
    StorageError
        No such file, damaged, not spikemem's, newer than this version, or without an array.
    """
    return cast(ProgrammedArray, load(path, "resistive"))
