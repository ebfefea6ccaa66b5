"""Conversion of weights to conductances and back, without noise.

In every mapping a weight is a linear function of the conductances of its devices,
``w = c_0 + sum_k c_k g_k``. The mappings differ in their target conductances.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...checks import Choice, Count, Each, Quantities, Quantity, check_fields, checked
from ...errors import DescriptionError
from ...frozen import Frozen
from .kinds import Conductance, Scale, Switch, Weights

__all__ = ["BitSlices", "DifferentialPair", "Offset", "Readout", "SingleDevice", "WeightMapping"]

Array = NDArray[np.float64]


class Readout(NamedTuple):
    """Coefficients of ``weight = constant + factors @ g``; nA and nA/uS."""

    factors: Array
    constant: float


@dataclass(frozen=True, kw_only=True, eq=False)
class WeightMapping(Frozen, ABC):
    """Conversion between weights and the conductances of their devices (base class)."""

    @property
    @abstractmethod
    def n_devices(self) -> int:
        """Number of devices for each weight."""

    @property
    def signed(self) -> bool:
        """Whether negative weights can be written."""
        return True

    @abstractmethod
    def _targets(self, share: Array, low: float, span: float) -> Array:
        """Return target conductances for weights in units of w_max, shape (n_devices, ...)."""

    @abstractmethod
    def readout(self, w_max: Scale, g_min: Conductance, g_max: Conductance) -> Readout:
        """Return the coefficients that convert conductances to weights."""

    @checked
    def targets(
        self, weight: Weights, w_max: Scale, g_min: Conductance, g_max: Conductance
    ) -> Array:
        """Return the target conductances of weights.

        Parameters
        ----------
        weight : array_like, any shape
            Weights, nA, with absolute values of at most `w_max`.
        w_max : float
            Weight of the largest conductance, nA, > 0.
        g_min, g_max : float
            Conductance range of the device, uS.

        Returns
        -------
        ndarray, shape (n_devices, *weight.shape)
            Target conductances, uS.

        Raises
        ------
        DescriptionError
            If a weight is not finite, is too large, or has a sign that cannot be written.
        """
        self._check_range(g_min, g_max)
        size = float(np.abs(weight).max(initial=0.0))
        if size > w_max * (1 + 1e-12):
            raise DescriptionError(
                f"weight must be at most w_max={w_max:g} nA in size, got {size:g}; pass a larger "
                f"w_max."
            )
        if not self.signed and weight.size and weight.min() < 0:
            raise DescriptionError(
                f"{type(self).__name__}: weights must be >= 0, got {weight.min():g} nA; use a "
                f"DifferentialPair or an Offset for both signs."
            )
        return self._targets(weight / w_max, g_min, g_max - g_min)

    @checked
    def weights(
        self,
        conductance: Annotated[Any, Quantities("uS")],
        w_max: Scale,
        g_min: Conductance,
        g_max: Conductance,
    ) -> Array:
        """Return the weights (nA) of conductances (uS) of shape (n_devices, ...)."""
        self._check_range(g_min, g_max)
        if conductance.shape[:1] != (self.n_devices,):
            raise DescriptionError(
                f"{type(self).__name__}: conductance must have shape ({self.n_devices}, ...), got "
                f"{conductance.shape}."
            )
        readout = self.readout(w_max, g_min, g_max)
        return np.asarray(np.tensordot(readout.factors, conductance, axes=1) + readout.constant)

    def _check_range(self, g_min: float, g_max: float) -> None:
        if g_min >= g_max:
            raise DescriptionError(
                f"{type(self).__name__}: g_min must be below g_max, got {g_min:g} and {g_max:g} uS."
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class DifferentialPair(WeightMapping):
    """Weights as differences of two conductances, in one or several pairs.

    In a one-sided pair a positive weight raises g+ and leaves g- at g_min, and a negative weight
    raises g- instead. In a balanced pair both devices start in the middle of the range and move
    apart.

    Parameters
    ----------
    factors : sequence of float
        Significance of each pair, > 0.
    fill : {"lowest", "alike"}
        Division of a weight among pairs: "lowest" fills the pair of lowest significance first,
        "alike" fills all pairs equally.
    balanced : bool
        True for balanced pairs, False for one-sided pairs.

    Examples
    --------
    >>> pair = DifferentialPair()
    >>> pair.targets([3.0, -6.0], 6.0, 0.0, 25.0)
    array([[12.5,  0. ],
           [ 0. , 25. ]])
    """

    factors: Annotated[tuple[float, ...], Each(Quantity(above=0.0), "numbers", least=1)] = (1.0,)
    fill: Annotated[str, Choice("lowest", "alike")] = "lowest"
    balanced: Switch = False

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def n_devices(self) -> int:
        """Number of devices for each weight: two for each pair, first all g+, then all g-."""
        return 2 * len(self.factors)

    def _shares(self, share: Array) -> Array:
        """Return the part of each pair's range in use, from -1 to 1, shape (n_pairs, ...)."""
        factors = np.array(self.factors)
        if self.fill == "alike" or factors.size == 1:
            return np.broadcast_to(share, (factors.size, *share.shape))
        rest, filled = np.abs(share) * factors.sum(), np.empty((factors.size, *share.shape))
        for k in np.argsort(factors, kind="stable"):
            part = np.minimum(rest, factors[k])
            filled[k] = part / factors[k]
            rest = rest - part
        return np.asarray(filled * np.sign(share))

    def _targets(self, share: Array, low: float, span: float) -> Array:
        filled = self._shares(share)
        if self.balanced:
            middle = low + span / 2
            return np.concatenate([middle + filled * (span / 2), middle - filled * (span / 2)])
        n = len(filled)
        both = np.empty((2 * n, *share.shape))
        np.maximum(filled, 0.0, out=both[:n])
        np.subtract(both[:n], filled, out=both[n:])
        both *= span
        both += low
        return both

    @checked
    def readout(self, w_max: Scale, g_min: Conductance, g_max: Conductance) -> Readout:
        """Return the coefficients; see :class:`WeightMapping`."""
        self._check_range(g_min, g_max)
        factors = np.array(self.factors)
        unit = w_max / ((g_max - g_min) * factors.sum())
        return Readout(np.concatenate([unit * factors, -unit * factors]), 0.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class SingleDevice(WeightMapping):
    """Weights >= 0 in one device: 0 nA is g_min, w_max is g_max; g_min is subtracted digitally."""

    @property
    def n_devices(self) -> int:
        """Number of devices for each weight: one."""
        return 1

    @property
    def signed(self) -> bool:
        """Whether negative weights can be written: no."""
        return False

    def _targets(self, share: Array, low: float, span: float) -> Array:
        return np.asarray(low + share * span)[np.newaxis]

    @checked
    def readout(self, w_max: Scale, g_min: Conductance, g_max: Conductance) -> Readout:
        """Return the coefficients; see :class:`WeightMapping`."""
        self._check_range(g_min, g_max)
        unit = w_max / (g_max - g_min)
        return Readout(np.array([unit]), -unit * g_min)


@dataclass(frozen=True, kw_only=True, eq=False)
class Offset(WeightMapping):
    """Weights of both signs in one device: 0 nA is the middle of the range.

    Parameters
    ----------
    reference : {"digital", "device"}
        Reference that is subtracted: a number, or a second device for each weight, which is set to
        the middle of the range and has its own noise.
    """

    reference: Annotated[str, Choice("digital", "device")] = "digital"

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def n_devices(self) -> int:
        """Number of devices for each weight: one, and the reference if it is a device."""
        return 1 if self.reference == "digital" else 2

    def _targets(self, share: Array, low: float, span: float) -> Array:
        middle = low + span / 2
        own = np.asarray(middle + share * (span / 2))
        if self.reference == "digital":
            return own[np.newaxis]
        return np.stack([own, np.full_like(own, middle)])

    @checked
    def readout(self, w_max: Scale, g_min: Conductance, g_max: Conductance) -> Readout:
        """Return the coefficients; see :class:`WeightMapping`."""
        self._check_range(g_min, g_max)
        unit = 2 * w_max / (g_max - g_min)
        if self.reference == "digital":
            return Readout(np.array([unit]), -unit * (g_min + g_max) / 2)
        return Readout(np.array([unit, -unit]), 0.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class BitSlices(WeightMapping):
    """Absolute weights as integers of `bits` bits, with `per_device` bits in each device.

    Differential pairs hold the sign. A weight is rounded to the nearest of the ``2^bits - 1``
    steps from 0 to w_max.

    Parameters
    ----------
    bits, per_device : int
        Bits of a weight and of a device. `bits` must be a multiple of `per_device`, at most 24.
    """

    bits: Annotated[int, Count(high=24)] = 8
    per_device: Annotated[int, Count(high=24)] = 2

    def __post_init__(self) -> None:
        check_fields(self)
        if self.bits % self.per_device:
            raise DescriptionError(
                f"BitSlices: bits must be a multiple of per_device={self.per_device}, got "
                f"{self.bits}."
            )

    @property
    def _n(self) -> int:
        return self.bits // self.per_device

    @property
    def n_devices(self) -> int:
        """Number of devices for each weight: two for each slice.

        First come all g+, from the lowest slice on, then all g-.
        """
        return 2 * self._n

    def _targets(self, share: Array, low: float, span: float) -> Array:
        whole = np.rint(np.abs(share) * (2**self.bits - 1)).astype(np.int64)
        base = 2**self.per_device
        significance = base ** np.arange(self._n).reshape(-1, *(1,) * share.ndim)
        digits = (whole // significance) % base / (base - 1)
        both = [np.where(share > 0, digits, 0.0), np.where(share < 0, digits, 0.0)]
        return np.asarray(low + span * np.concatenate(both))

    @checked
    def readout(self, w_max: Scale, g_min: Conductance, g_max: Conductance) -> Readout:
        """Return the coefficients; see :class:`WeightMapping`."""
        self._check_range(g_min, g_max)
        base = 2**self.per_device
        unit = w_max / (2**self.bits - 1) * (base - 1) / (g_max - g_min)
        factors = unit * base ** np.arange(self._n, dtype=np.float64)
        return Readout(np.concatenate([factors, -factors]), 0.0)
