"""In-memory products: tiles of devices with converters, read by vectors or by spikes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...checks import Choice, Count, Kind, Quantities, Quantity, checked
from ...errors import DescriptionError, shown
from ...frozen import Changing
from ...streams import Seed, stream
from ...units import to_array, to_int
from .array import ProgrammedArray, Verify, program
from .compensation import drift_scale
from .converters import Converters, quantise
from .devices.base import Array, Device
from .faults import Faults
from .irdrop import G_RATIO, approximate_drop, effective_conductances
from .kinds import Age, Factor, Fraction, Numbers, Scale, Wires
from .weight_mapping import DifferentialPair, WeightMapping

__all__ = ["Crossbar"]


@dataclass(frozen=True)
class _Tile(Kind):
    """Rows and columns of a tile."""

    def check(self, value: Any, where: str) -> tuple[int, int]:
        """Return two integers >= 1."""
        entries = value.tolist() if isinstance(value, np.ndarray) else value
        if not isinstance(entries, list | tuple) or len(entries) != 2:
            raise DescriptionError(f"{where} must be (rows, columns), got {shown(value)}.")
        return to_int(entries[0], where), to_int(entries[1], where)


class Crossbar(Changing):
    """A matrix in devices that multiplies vectors, at any age.

    Parameters
    ----------
    device : Device
        Model of the devices.
    weights : array_like, shape (n_in, n_out)
        The matrix, nA; ``matvec(x)`` approximates ``x @ weights``.
    w_max, mapping, seed, faults, verify
        See :func:`program`.
    tile : (int, int), optional
        Rows and columns of a tile. Each tile has its own converters, and partial sums are added
        digitally. Default: one tile for the whole matrix.
    converters : Converters, optional
        Converters of each tile. Default: exact inputs and outputs.
    reads : {"redrawn", "frozen", "none"}
        Read noise: drawn anew for each vector, drawn once, or none.
    ir_drop : float
        Strength of the approximate voltage drop along the wires: 1 is the full drop, 0 is none.
    g_ratio : float
        Conductance of a piece of wire divided by that of the largest weight, for `ir_drop`.
    wires : (float, float), optional
        Resistance (Ohm) of a piece of row wire and of column wire, for the exact voltage drop.
    spare_columns : int
        Number of spare columns, which replace the columns with the most broken devices.
    compensation : {"none", "global", "column", "exact"}
        Factor against drift. "global" and "column" compare reads of unit vectors at the first age
        and now, and make one factor for all outputs or one for each; "exact" compares the weights
        themselves and makes one factor.
    time : float, optional
        Age, s. Default: the first age for which the device is calibrated.
    dtype : {"float64", "float32"}
        Floating-point type of the arithmetic.

    Raises
    ------
    DescriptionError
        If an argument has the wrong type, shape or range.

    Examples
    --------
    >>> from spikemem.hardware.resistive import Ideal
    >>> Crossbar(Ideal(), [[1.0, -2.0], [0.5, 0.0]]).matvec([1.0, 2.0])
    array([ 2., -2.])
    """

    @checked
    def __init__(
        self,
        device: Device,
        weights: Annotated[Any, Quantities("nA", shape=(None, None))],
        *,
        w_max: Scale | None = None,
        mapping: WeightMapping | None = None,
        seed: Seed = 0,
        faults: Faults | None = None,
        verify: Verify | None = None,
        tile: Annotated[tuple[int, int], _Tile()] | None = None,
        converters: Converters | None = None,
        reads: Annotated[str, Choice("redrawn", "frozen", "none")] = "redrawn",
        ir_drop: Factor = 0.0,
        g_ratio: Annotated[float, Quantity(above=0.0)] = G_RATIO,
        wires: Wires | None = None,
        spare_columns: Annotated[int, Count(low=0)] = 0,
        compensation: Annotated[str, Choice("none", "global", "column", "exact")] = "none",
        time: Age | None = None,
        dtype: Annotated[str, Choice("float64", "float32")] = "float64",
    ) -> None:
        if not weights.size:
            raise DescriptionError(
                f"Crossbar: weights must have shape (n_in, n_out), got {weights.shape}."
            )
        self.ir_drop, self.g_ratio = ir_drop, g_ratio
        self.wires = None if wires is None else (float(wires[0]), float(wires[1]))
        self.array: ProgrammedArray = _programmed(
            device, weights, spare_columns, w_max=w_max, mapping=mapping or DifferentialPair(),
            seed=seed, faults=faults, verify=verify,
        )  # fmt: skip
        self.converters, self.reads, self.compensation = converters, reads, compensation
        self.dtype = np.dtype(dtype)
        self.shape: tuple[int, int] = weights.shape
        self.tiles = _tiles(self.shape, tile)
        self.bounds = self._fixed_bounds()
        self._rng = stream(self.array.seed, "resistive", "crossbar", "reads")
        self.time = 0.0
        self.age(device.first_age if time is None else time)

    def __repr__(self) -> str:
        n_in, n_out = self.shape
        device = self.array.device.name
        return f"Crossbar({device}, {n_in} inputs × {n_out} outputs, {self.time:g} s old)"

    @checked
    def age(self, time: Age) -> Crossbar:
        """Set the age of the array (s); returns the crossbar itself."""
        self.time = self.array.device.check_time(time)
        self._weights, self._variance = self._state(self.time)
        self._scale: Any = self.dtype.type(1.0)
        if self.compensation != "none":
            self._scale = self._compensated()
        return self

    def _state(self, time: float) -> tuple[NDArray[Any], NDArray[Any] | None]:
        """Return normalised weights and variances of a read at an age."""
        array, w_max = self.array, self.array.w_max
        if self.wires is None:
            weights = array.weights(time, 0 if self.reads == "frozen" else None)
        else:
            weights = self._wired(time)
        variance = None
        if self.reads == "redrawn":
            variance = (array.weight_sd(time) / w_max) ** 2
        io = self.converters
        if io is not None and io.weight_noise > 0:
            size = np.abs(weights) / w_max if io.weight_noise_kind == "pcm" else 1.0
            extra = np.broadcast_to(io.weight_noise**2 * size, self.shape)
            variance = extra if variance is None else variance + extra
        if variance is not None and not variance.any():
            variance = None
        cast = None if variance is None else np.ascontiguousarray(variance, dtype=self.dtype)
        return np.ascontiguousarray(weights / w_max, dtype=self.dtype), cast

    def _wired(self, time: float) -> Array:
        """Return the effective weights behind resistive wires, for each tile and device plane."""
        assert self.wires is not None
        array = self.array
        g = array.read(time) if self.reads == "frozen" else array.conductances(time)
        effective = np.empty_like(g)
        for rows, columns in self.tiles:
            for k, plane in enumerate(g):
                effective[k, rows, columns] = effective_conductances(
                    plane[rows, columns], *self.wires
                )
        readout = array.mapping.readout(array.w_max, array.device.g_min, array.device.g_max)
        return np.asarray(np.tensordot(readout.factors, effective, axes=1) + readout.constant)

    def _compensated(self) -> Any:
        first = self.array.device.first_age
        if self.compensation == "exact":
            before, now = self.array.weights(first), self.array.weights(self.time)
            return drift_scale(before.ravel(), now.ravel()).astype(self.dtype)
        aged = self._weights, self._variance
        unit = np.eye(self.shape[0], dtype=self.dtype)
        self._weights, self._variance = self._state(first)
        before = np.abs(self._products(unit)).mean(axis=0)
        self._weights, self._variance = aged
        now = np.abs(self._products(unit)).mean(axis=0)
        columns = None if self.compensation == "global" else np.arange(before.size)
        return drift_scale(before, now, columns).astype(self.dtype)

    @property
    def matrix(self) -> Array:
        """Weights at the present age without read noise, nA."""
        return np.asarray(self._weights * self._scale, dtype=np.float64) * self.array.w_max

    @checked
    def matvec(self, x: Numbers) -> NDArray[Any]:
        """Multiply vectors with the matrix.

        Parameters
        ----------
        x : array_like, shape (n_in,) or (n_vectors, n_in)
            Input vectors.

        Returns
        -------
        ndarray, shape (n_out,) or (n_vectors, n_out)
            Products, of the crossbar's dtype.
        """
        if x.ndim not in (1, 2) or x.shape[-1] != self.shape[0]:
            raise DescriptionError(
                f"matvec: x must have shape ({self.shape[0]},) or (n, {self.shape[0]}), got "
                f"{x.shape}."
            )
        vectors = np.atleast_2d(x).astype(self.dtype, copy=False)
        if not np.isfinite(vectors.sum()):
            to_array(x, "1", "x")
        y = self._products(vectors)
        y *= self._scale * self.dtype.type(self.array.w_max)
        return y[0] if x.ndim == 1 else y

    @checked
    def read(self, spikes: Numbers) -> NDArray[Any]:
        """Sum the rows of the inputs that fire; the work is in proportion to their number.

        Parameters
        ----------
        spikes : array_like of int, shape (n_spikes,), or of bool, shape (n_in,)
            Indices of the inputs that fire, or a mask.

        Returns
        -------
        ndarray, shape (n_out,)
            The sums. One normal number for each output replaces one for each synapse; the
            distribution is the same.
        """
        fired = spikes
        if fired.dtype == bool and fired.shape == (self.shape[0],):
            fired = np.flatnonzero(fired)
        whole = fired.dtype.kind in "iu" or not fired.size
        if fired.ndim != 1 or not whole or (fired.size and not self._are_inputs(fired)):
            raise DescriptionError(
                f"read: spikes must be indices from 0 to {self.shape[0] - 1} or a mask of shape "
                f"({self.shape[0]},), got {shown(spikes)}."
            )
        fired = fired.astype(np.int64)
        if self.converters is not None or self.ir_drop:
            mask = np.bincount(fired, minlength=self.shape[0]).astype(self.dtype)
            return np.asarray(self.matvec(mask))
        y = self._weights[fired].sum(axis=0)
        if self._variance is not None:
            noise = self._rng.standard_normal(self.shape[1], dtype=self.dtype.type)
            y += np.sqrt(self._variance[fired].sum(axis=0)) * noise
        return np.asarray(y * (self._scale * self.dtype.type(self.array.w_max)))

    def _are_inputs(self, fired: NDArray[Any]) -> bool:
        return bool(fired.min() >= 0 and fired.max() < self.shape[0])

    def _products(self, vectors: NDArray[Any]) -> NDArray[Any]:
        """Return products with the normalised weights, summed over tiles."""
        if len(self.tiles) == 1:
            return self._tile(0, vectors)
        y = np.zeros((len(vectors), self.shape[1]), dtype=self.dtype)
        for k, (rows, columns) in enumerate(self.tiles):
            y[:, columns] += self._tile(k, vectors[:, rows])
        return y

    def _tile(self, k: int, vectors: NDArray[Any]) -> NDArray[Any]:
        io = self.converters
        if io is None:
            return self._analogue(k, vectors, 0.0)
        scale = np.ones((len(vectors), 1), dtype=self.dtype)
        if io.scale_inputs:
            scale = np.maximum(vectors.max(axis=1), -vectors.min(axis=1))[:, np.newaxis]
            scale = np.where(scale > 0, scale, 1).astype(self.dtype)
        y, over = self._converted(k, vectors / scale)
        for _ in range(10):
            if not io.repeat_saturated or not over.any():
                break
            again = np.flatnonzero(over)
            scale[again] *= 2
            y[again], still = self._converted(k, vectors[again] / scale[again])
            over[again] = still
        y *= scale
        return y

    def _converted(self, k: int, x: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Read once through the converters; also return which vectors saturated. Overwrites `x`."""
        io = self.converters
        assert io is not None
        quantise(x, io.inp_bound, io.inp_res)
        if io.inp_noise > 0:
            x += io.inp_noise * self._rng.standard_normal(x.shape, dtype=x.dtype)
        y = self._analogue(k, x, io.out_noise)
        bound = self.bounds[k]
        over = np.zeros(len(y), dtype=np.bool_)
        if io.repeat_saturated:
            over = np.maximum(y.max(axis=1), -y.min(axis=1)) > bound
        return quantise(y, bound, io.out_res), over

    def _analogue(self, k: int, x: NDArray[Any], out_noise: float) -> NDArray[Any]:
        """Return the signals on a tile's columns: product, voltage drop and noise."""
        at = self.tiles[k]
        weights = self._weights[at]
        y = x @ weights
        if self.ir_drop:
            y -= self.dtype.type(self.ir_drop) * approximate_drop(weights, x, y, self.g_ratio)
        if self._variance is None and not out_noise:
            return np.asarray(y)
        noise = self._rng.standard_normal(y.shape, dtype=self.dtype.type)
        if self._variance is None:
            noise *= self.dtype.type(out_noise)
        else:
            spread = (x * x) @ self._variance[at]
            spread += self.dtype.type(out_noise**2)
            noise *= np.sqrt(spread, out=spread)
        y += noise
        return np.asarray(y)

    def _fixed_bounds(self) -> Array:
        """Return the output range of each tile before calibration."""
        io = self.converters
        if io is None or io.adc_range != "max":
            return np.full(len(self.tiles), 12.0 if io is None else io.out_bound)
        wanted = np.abs(self.array.wanted()) / self.array.w_max
        return np.array([wanted[at].sum(axis=0).max() * io.inp_bound for at in self.tiles])

    @checked
    def calibrate(self, x: Annotated[Any, Quantities()], quantile: Fraction = 1.0) -> Crossbar:
        """Set the output range of each tile from sample inputs; returns the crossbar itself.

        Parameters
        ----------
        x : array_like, shape (n_vectors, n_in)
            Sample inputs, like those of later reads.
        quantile : float
            Fraction of the outputs that the range must cover.

        Raises
        ------
        DescriptionError
            If ``adc_range`` is neither "calibrated" nor "granular".
        """
        io = self.converters
        if io is None or io.adc_range not in ("calibrated", "granular"):
            raise DescriptionError(
                "calibrate: the converters must have adc_range='calibrated' or 'granular'."
            )
        vectors = np.atleast_2d(x).astype(self.dtype)
        if vectors.ndim != 2 or not vectors.size or vectors.shape[1] != self.shape[0]:
            raise DescriptionError(
                f"calibrate: x must have shape (n_vectors, {self.shape[0]}), got {x.shape}."
            )
        if io.scale_inputs:
            size = np.abs(vectors).max(axis=1, keepdims=True)
            vectors = vectors / np.where(size > 0, size, 1)
        for k, (rows, _) in enumerate(self.tiles):
            y = np.abs(self._analogue(k, vectors[:, rows], io.out_noise))
            bound = max(float(np.quantile(y, quantile)), 1e-12)
            self.bounds[k] = 2.0 ** np.ceil(np.log2(bound)) if io.adc_range == "granular" else bound
        return self.age(self.time)


def _tiles(shape: tuple[int, int], tile: Any) -> list[tuple[slice, slice]]:
    n_in, n_out = shape
    height, width = shape if tile is None else tile
    return [
        (slice(i, min(i + height, n_in)), slice(j, min(j + width, n_out)))
        for i in range(0, n_in, height)
        for j in range(0, n_out, width)
    ]


def _programmed(
    device: Device, matrix: Array, spare: int, *, faults: Faults | None, **options: Any
) -> ProgrammedArray:
    """Write a matrix; spare columns replace those with the most broken devices."""
    if not spare or faults is None or not faults.any:
        return program(device, matrix, faults=faults, **options)
    n_out = matrix.shape[1]
    wide = np.pad(matrix, ((0, 0), (0, spare)))
    w_max = options.pop("w_max") or float(np.abs(matrix).max())
    fixed = program(device, wide, faults=faults, w_max=w_max, **options).fixed
    assert fixed is not None
    broken = (~np.isnan(fixed)).sum(axis=(0, 1))
    chosen = np.arange(n_out)
    worst = np.argsort(-broken[:n_out], kind="stable")
    best = n_out + np.argsort(broken[n_out:], kind="stable")
    for old, new in zip(worst, best, strict=False):
        if broken[new] >= broken[old]:
            break
        chosen[old] = new
    return program(device, matrix, w_max=w_max, fixed=fixed[:, :, chosen], **options)
