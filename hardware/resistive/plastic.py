"""On-device learning on Brian2: conductance changes that are non-linear, asymmetric and noisy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...checks import Count, Quantities, Quantity, check_fields, checked
from ...errors import DescriptionError, UnsupportedError, shown, unknown_name
from ...frozen import Frozen
from ...limits import require_memory
from ...network import Network
from ...simulation import Session
from ...streams import Seed, stream
from .devices.base import Device
from .kinds import Factor, Generator, Names, Weights, to_number

__all__ = ["ConductanceUpdate", "DeviceLearning", "device_learning", "learn_on_device"]

Array = NDArray[np.float64]

_Nonlinearity = Annotated[float, Quantity(low=0.0, high=20.0)]
_Plain = Annotated[Array, Quantities()]
_Limit = Annotated[Any, Quantities("nA", scalar=True)]


@dataclass(frozen=True, kw_only=True, eq=False)
class ConductanceUpdate(Frozen):
    """Response of a device to the weight change that a learning rule requests.

    Let x be the position of a weight in its range, from 0 to 1, and s the requested change as a
    fraction of the range. Potentiation moves the weight to ``ln(exp(b x) + (exp(b) - 1) s) / b``,
    and depression is its mirror image. Many small changes have the same effect as one change of
    their sum, and changes that sum to 1 lead from one end of the range to the other for every b.

    Parameters
    ----------
    nonlinearity_plus, nonlinearity_minus : float
        b of potentiation and of depression, from 0 (linear) to 20.
    scale_plus, scale_minus : float
        Factors of the requested changes; unequal factors make the device asymmetric.
    step_sd : float
        SD of each change from event to event, divided by the size of the change.
    device_sd : float
        SD from device to device of a factor of all changes; it is drawn once and is at least 0.

    Raises
    ------
    DescriptionError
        If a value is out of range. The message lists all problems.

    References
    ----------
    Chen, Peng, Yu, "NeuroSim+", IEDM 2017 (exponential saturation).

    Examples
    --------
    >>> update = ConductanceUpdate(nonlinearity_plus=3.0)
    >>> np.round(update.moved(np.array([0.0, 0.5]), np.array([0.1, 0.1])), 3)
    array([0.356, 0.618])
    """

    nonlinearity_plus: _Nonlinearity = 0.0
    nonlinearity_minus: _Nonlinearity = 0.0
    scale_plus: Factor = 1.0
    scale_minus: Factor = 1.0
    step_sd: Factor = 0.0
    device_sd: Factor = 0.0

    def __post_init__(self) -> None:
        check_fields(self)

    @checked
    def moved(self, x: _Plain, share: _Plain) -> Array:
        """Return the new positions of weights at `x` after requested changes `share`.

        Positions and changes are fractions of the range; changes are signed. There is no noise,
        and the result is not limited to the range.

        Raises
        ------
        DescriptionError
            If a number is not finite, or the shapes do not fit together.
        """
        _check_shapes(x=x, share=share)
        return self._moved(x, share)

    def _moved(self, x: Array, share: Array) -> Array:
        up = _moved(x, np.maximum(share, 0.0) * self.scale_plus, self.nonlinearity_plus)
        down = np.maximum(-share, 0.0) * self.scale_minus
        return np.asarray(1.0 - _moved(1.0 - up, down, self.nonlinearity_minus))

    @checked
    def changed(
        self,
        weight: Weights,
        wanted: Weights,
        gain: _Plain,
        low: _Limit,
        high: _Limit,
        rng: Generator,
    ) -> Array:
        """Return the new weights (nA) after requested changes `wanted` (nA), within their range.

        `gain` is the factor of each device; `low` and `high` are the limits of the range, nA.

        Raises
        ------
        DescriptionError
            If a number is not finite, the shapes do not fit together, or `low` is not below
            `high`.
        """
        _check_shapes(weight=weight, wanted=wanted, gain=gain, low=low, high=high)
        if np.any(np.greater_equal(low, high)):
            raise DescriptionError(
                f"ConductanceUpdate.changed: low must be below high, got {shown(low)} and "
                f"{shown(high)} nA."
            )
        return self._changed(weight, wanted, gain, low, high, rng)

    def _changed(
        self,
        weight: Array,
        wanted: Array,
        gain: Array,
        low: Any,
        high: Any,
        rng: np.random.Generator,
    ) -> Array:
        weight, wanted = np.broadcast_arrays(
            np.asarray(weight, dtype=np.float64), np.asarray(wanted, dtype=np.float64)
        )
        step = self._step(weight, wanted * gain, low, high)
        if self.step_sd:
            step = step * (1.0 + self.step_sd * rng.standard_normal(np.shape(step)))
        return np.clip(weight + step, low, high)

    def _step(self, weight: Array, wanted: Array, low: Any, high: Any) -> Array:
        if not self.nonlinearity_plus and not self.nonlinearity_minus:
            scale = np.where(wanted > 0, self.scale_plus, self.scale_minus)
            return np.asarray(wanted * scale)
        span = np.asarray(high - low)
        x = (weight - low) / span
        step = (self._moved(x, wanted / span) - x) * span
        return np.asarray(np.where(wanted == 0, 0.0, step))

    @checked
    def gains(self, n: Annotated[int, Count(low=0)], rng: Generator) -> Array:
        """Draw the factors of `n` devices, shape (n,).

        Raises
        ------
        DescriptionError
            If `n` is not an integer >= 0, or the factors do not fit into memory.
        """
        require_memory(24.0 * n, f"ConductanceUpdate.gains: n={n} factors", "Use fewer devices.")
        return np.maximum(1.0 + self.device_sd * rng.standard_normal(n), 0.0)


def _check_shapes(**arrays: Any) -> None:
    """Raise an error if arrays do not broadcast against each other."""
    try:
        np.broadcast_shapes(*(np.shape(array) for array in arrays.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {np.shape(array)}" for name, array in arrays.items())
        raise DescriptionError(
            f"ConductanceUpdate: {' and '.join(arrays)} must have one shape or be numbers, got "
            f"{shapes}."
        ) from None


def _moved(x: Array, share: Array, b: float) -> Array:
    if b == 0:
        return x + share
    return np.asarray(np.log(np.exp(b * x) + np.expm1(b) * share) / b)


@dataclass(frozen=True, kw_only=True, eq=False)
class DeviceLearning(Frozen):
    """Extension of the backend "brian2": plastic synapses change as devices do.

    Pass it as ``simulate(network, extensions=[DeviceLearning(update=...)])``. It needs the target
    "numpy". The stream of random numbers continues from run to run of a session.

    Parameters
    ----------
    update : ConductanceUpdate
        Response of the devices.
    projections : sequence of str, optional
        Names of plastic projections. Default: all that have synapses.
    seed : int or Generator
        Seed of the devices' factors and of the noise of each change.

    Raises
    ------
    DescriptionError
        If, at the start of a session, a projection is unknown or static, or no plastic synapses
        exist.

    Examples
    --------
    >>> import spikemem as sm
    >>> network = sm.CA3Memory(4, 8).build([sm.Learn(0, [1])])
    >>> never = DeviceLearning(update=ConductanceUpdate(scale_plus=0.0))
    >>> float(sm.simulate(network, extensions=[never]).weights["W1"].max())
    0.0
    """

    update: ConductanceUpdate
    projections: Names | None = None
    seed: Seed = 0

    name: ClassVar[str] = "on-device learning"

    def __post_init__(self) -> None:
        check_fields(self)
        object.__setattr__(self, "seed", to_number(self.seed))

    def hooks(self, context: Any) -> Any:
        """Return the changes to a session; see :class:`spikemem.backends.brian2.Extension`."""
        from ...backends.brian2 import Hooks

        network: Network = context.network
        names = self._names(network)
        rng = stream(self.seed, "resistive", "learning")
        update, counts = self.update, [network.count(name) for name in names]
        gains = [
            update.gains(count, stream(self.seed, "resistive", "devices", name))
            for name, count in zip(names, counts, strict=True)
        ]

        def device_change(weight: Any, wanted: Any, gain: Any, low: Any, high: Any) -> Any:
            return update._changed(weight, wanted, gain, low, high, rng)

        changed = "device_change(weight, change, device_gain, weight_min, weight_max)"
        return Hooks(
            projections=names,
            code={"weight_update": changed},
            constants={"device_gain": np.concatenate(gains)},
            functions={"device_change": device_change},
            state=[rng],
        )

    def _names(self, network: Network) -> list[str]:
        plastic = [item.name for item in network.plastic]
        if self.projections is None:
            names = [name for name in plastic if network.count(name)]
            if not names:
                raise DescriptionError("DeviceLearning: the network has no plastic synapses.")
            return names
        for name in self.projections:
            if name not in plastic:
                raise DescriptionError(
                    f"DeviceLearning: {unknown_name('plastic projection', name, plastic)}"
                )
        return list(self.projections)


@checked
def device_learning(device: Device, projections: Names, seed: Seed = 0) -> DeviceLearning | None:
    """Return learning in which each weight change has the programming error of a device.

    The SD of a change, divided by its size, is the root mean square programming error divided by
    the conductance window. The error is measured on 21 x 500 devices that are written once.

    Parameters
    ----------
    device : Device
        Model of the devices.
    projections : sequence of str
        Names of the plastic projections on the device.
    seed : int or Generator
        Seed of the noise of each change.

    Returns
    -------
    DeviceLearning or None
        None if the device has no programming error.
    """
    levels = np.repeat(np.linspace(device.g_min, device.g_max, 21), 500)
    cells = device.program(levels, stream(0, "resistive", "programming error"))
    error = device.aged(cells, device.first_age) - levels
    relative = float(np.sqrt(np.mean(error**2)) / (device.g_max - device.g_min))
    if not relative:
        return None
    return DeviceLearning(
        update=ConductanceUpdate(step_sd=relative), projections=projections, seed=seed
    )


@checked
def learn_on_device(
    session: Session,
    update: ConductanceUpdate,
    *,
    projections: Names | None = None,
    seed: Seed = 0,
) -> None:
    """Add a :class:`DeviceLearning` to a session.

    Parameters
    ----------
    session : Session
        Session on the backend "brian2" with target "numpy", before its first run.
    update, projections, seed
        See :class:`DeviceLearning`.

    Raises
    ------
    DescriptionError
        If a projection is unknown or static, or the session has run.
    UnsupportedError
        If the session has another backend or target.

    Examples
    --------
    >>> import spikemem as sm
    >>> network = sm.CA3Memory(4, 8).build([sm.Learn(0, [1])])
    >>> with sm.Session(network) as session:
    ...     learn_on_device(session, ConductanceUpdate(scale_plus=0.0))
    ...     float(session.run(30.0).weights["W1"].max())
    0.0
    """
    learning = DeviceLearning(update=update, projections=projections, seed=seed)
    simulator: Any = session.simulator
    if getattr(simulator, "model", None) is None or getattr(simulator, "target", "") != "numpy":
        raise UnsupportedError(
            f"backend {session.backend!r}: on-device learning changes the code of the synapses; "
            f"use backend 'brian2' with target 'numpy'."
        )
    if session.time > 0:
        raise DescriptionError("learn_on_device: the session has already run; make a new one.")
    simulator.extend(learning)
