"""Programmed arrays: devices that are written once and can be read at any age."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar, cast

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
    """Write-verify loop: writes a device again while its conductance is too far from the target.

    Parameters
    ----------
    tolerance : float
        Largest accepted distance from the target, uS, > 0.
    rounds : int
        Largest number of times that a device is written.
    """

    tolerance: Annotated[float, Quantity("uS", above=0.0)]
    rounds: Annotated[int, Count()] = 10

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, kw_only=True, eq=False)
class ProgrammedArray(Frozen):
    """Devices that hold weights; :func:`program` makes one.

    All random properties of the devices are drawn when the array is written, so that every age
    shows the same devices.

    Parameters
    ----------
    device : Device
        Model of the devices.
    mapping : WeightMapping
        Conversion between weights and conductances.
    w_max : float
        Weight of the largest conductance, nA.
    seed : int
        Seed of the array and of its read noise.
    name : str
        Name of the array's random streams.
    target, programmed : ndarray, shape (n_devices, *weights.shape)
        Target conductances, and conductances after writing, uS.
    drawn : mapping of str to ndarray
        Further properties of each device, e.g. its drift exponent "nu".
    fixed : ndarray or None
        Conductances of devices that do not work, uS; NaN for those that work.
    generation : int
        Number of times that the array was rewritten.
    writes : int
        Total number of writes, summed over devices.
    accepted : float
        Fraction of the devices that met the tolerance of the write-verify loop; 1 without one.
    """

    panels: ClassVar[str] = "spikemem.hardware.resistive.panels:array_panels"

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
        """Return device, mapping and size as plain data for JSON."""
        return {
            "device": type(self.device).__name__,
            "mapping": type(self.mapping).__name__,
            "shape": list(self.shape),
            "devices": int(self.target.size),
            "writes": self.writes,
        }

    def describe(self) -> str:
        """Return device, mapping and size as text."""
        return f"{self.shape} weights by {type(self.mapping).__name__}\n{self.device.describe()}"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the weights."""
        return tuple(self.target.shape[1:])

    @property
    def cells(self) -> ProgrammedCells:
        """Targets, conductances after writing, and further properties of each device."""
        return ProgrammedCells(self.target, self.programmed, dict(self.drawn))

    @checked
    def conductances(self, time: Age = 0.0) -> Array:
        """Return conductances (uS) at the age `time` (s), no read noise, shape (n_devices, ...)."""
        aged = self.device.aged(self.cells, self.device.check_time(time))
        return aged if self.fixed is None else np.where(np.isnan(self.fixed), aged, self.fixed)

    @checked
    def read_sd(self, time: Age = 0.0) -> Array:
        """Return the SD of one read of each device at the age `time` (s), uS."""
        age = self.device.check_time(time)
        aged = self.device.aged(self.cells, age)
        sd = self.device.read_sd(self.cells, aged, age)
        return sd if self.fixed is None else np.where(np.isnan(self.fixed), sd, 0.0)

    @checked
    def read(self, time: Age = 0.0, draw: Draw = 0) -> Array:
        """Return conductances with the noise of one read, uS.

        Parameters
        ----------
        time : float
            Age, s.
        draw : int
            Number of the read. The same number gives the same normal deviates at any age.
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
        """Return weights (nA) at the age `time` (s); with read noise only if `draw` is given."""
        g = self.conductances(time) if draw is None else self.read(time, draw)
        readout = self._readout
        return np.asarray(np.tensordot(readout.factors, g, axes=1) + readout.constant)

    @checked
    def weight_sd(self, time: Age = 0.0) -> Array:
        """Return the SD of one read of each weight at the age `time` (s), nA."""
        squares = self._readout.factors**2
        return np.asarray(np.sqrt(np.tensordot(squares, self.read_sd(time) ** 2, axes=1)))

    def wanted(self) -> Array:
        """Return the target weights, nA: those of exactly programmed devices."""
        readout = self._readout
        return np.asarray(np.tensordot(readout.factors, self.target, axes=1) + readout.constant)

    @checked
    def reprogram(
        self, weights: Weights | None = None, *, verify: Verify | None = None
    ) -> ProgrammedArray:
        """Return the array written again, at age 0; broken devices stay broken.

        Parameters
        ----------
        weights : array_like, optional
            New weights of the same shape, nA. Default: the old targets.
        verify : Verify, optional
            Write-verify loop. Default: each device is written once.
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
        """Write the array to an HDF5 file; :func:`load_array` reads it."""
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
        Model of the devices.
    weights : array_like, any shape
        Weights, nA.
    w_max : float, optional
        Weight of the largest conductance, nA. Default: the largest absolute weight.
    mapping : WeightMapping, optional
        Conversion of weights to conductances. Default: one differential pair for each weight.
    seed : int or Generator
        Seed of the array. The same int gives the same array in any process.
    name : str
        Name of the array. Arrays with different names are independent.
    faults : Faults, optional
        Fractions of broken devices and lines. Default: none.
    verify : Verify, optional
        Write-verify loop. Default: each device is written once.
    rows, columns : array_like of int, optional
        Input and output of each weight, for broken lines. Default: the two axes of a matrix.
    fixed : ndarray, shape (n_devices, *weights.shape), optional
        Conductances of broken devices in place of `faults`, uS; NaN for devices that work.

    Raises
    ------
    DescriptionError
        If weights are not finite, are all zero without `w_max`, or cannot be written with the
        mapping; or if the device cannot be written.

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
                "program: all weights are 0 nA, so that their scale is unknown; pass w_max."
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
    """Write devices outside the tolerance again; also return the writes and the accepted share."""
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
        If the file does not exist, is damaged, is not a file of spikemem, was written by a newer
        version, or holds no array.
    """
    return cast(ProgrammedArray, load(path, "resistive"))
