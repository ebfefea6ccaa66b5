"""On-device learning on Brian2: conductance changes that are non-linear, unequal and noisy."""

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
    """How a device answers to a change of weight that a rule asks for.

    With x the place of a weight in its range, from 0 to 1, and a change by the share s of the
    range, potentiation leads to ``ln(exp(b x) + (exp(b) - 1) s) / b`` and depression to its
    mirror image: small changes in sum, and one as large as all of them, end at the same place,
    and changes of 1 in sum lead from one end of the range to the other, whatever b is.

    Parameters
    ----------
    nonlinearity_plus, nonlinearity_minus : float
        b of potentiation and depression, 0 (linear) to 20.
    scale_plus, scale_minus : float
        Factors of the changes asked for; unequal ones make the device asymmetric.
    step_sd : float
        SD of each change over its size (from event to event).
    device_sd : float
        SD over devices of a factor of the changes, drawn once, not below 0.

    Raises
    ------
    DescriptionError
        A value out of range; all problems at once.

    References
    ----------
    The exponential saturation is that of Chen, Peng, Yu, "NeuroSim+", IEDM 2017.

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
        """Where weights at `x` go when a change by `share` (of the range, signed) is asked for.

        Without noise; not limited to the range.

        Raises
        ------
        DescriptionError
            Not finite numbers, or shapes that do not fit together.
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
        """New weights (nA), within their range, when changes by `wanted` are asked for.

        `gain` is each device's own factor.

        Raises
        ------
        DescriptionError
            Not finite numbers, shapes that do not fit together, or `low` not below `high`.
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
        """Factors of `n` devices.

        Raises
        ------
        DescriptionError
            `n` is no number of devices, or more than the memory holds.
        """
        require_memory(24.0 * n, f"ConductanceUpdate.gains: n={n} factors", "Take fewer devices.")
        return np.maximum(1.0 + self.device_sd * rng.standard_normal(n), 0.0)


def _check_shapes(**arrays: Any) -> None:
    """Refuse arrays that do not broadcast against each other."""
    try:
        np.broadcast_shapes(*(np.shape(array) for array in arrays.values()))
    except ValueError:
        shapes = ", ".join(f"{name} {np.shape(array)}" for name, array in arrays.items())
        raise DescriptionError(
            f"ConductanceUpdate: {' and '.join(arrays)} must have one shape, or be numbers; got "
            f"{shapes}."
        ) from None


def _moved(x: Array, share: Array, b: float) -> Array:
    if b == 0:
        return x + share
    return np.asarray(np.log(np.exp(b * x) + np.expm1(b) * share) / b)


@dataclass(frozen=True, kw_only=True, eq=False)
class DeviceLearning(Frozen):
    """Extension of backend "brian2": plastic synapses change as devices do.

    Pass it as ``simulate(network, extensions=[DeviceLearning(update=...)])``; it needs target
    "numpy". The noise of each change goes on from run to run of a session.

    Parameters
    ----------
    update : ConductanceUpdate
        How the devices change.
    projections : sequence of str, optional
        Which plastic projections. Default: all that have synapses.
    seed : int or Generator
        Of the devices' factors and of the noise of each change.

    Raises
    ------
    DescriptionError
        When a session starts: an unknown or static projection, or none to change.

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
        """What it changes in a session; see :class:`spikemem.backends.brian2.Extension`."""
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
    """How synapses on a device learn: each change has the error of the device's programming.

    The SD of a change over its size is that of a written conductance over the window, root mean
    square over the window, measured on 21 x 500 devices that are written once.

    Parameters
    ----------
    device : Device
        Holds the weights.
    projections : sequence of str
        Plastic projections on it.
    seed : int or Generator
        Of the noise of each change.

    Returns
    -------
    DeviceLearning or None
        None for a device that is written without an error.
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
    """Let the plastic synapses of a session change as devices do: adds a :class:`DeviceLearning`.

    Parameters
    ----------
    session : Session
        On backend "brian2" with target "numpy", before its first run.
    update, projections, seed
        As :class:`DeviceLearning`.

    Raises
    ------
    DescriptionError
        An unknown or static projection, or a session that has run.
    UnsupportedError
        Another backend or target.

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
            f"backend {session.backend!r}: on-device learning enters the code of each synapse; "
            f"use 'brian2' with target 'numpy'."
        )
    if session.time > 0:
        raise DescriptionError("learn_on_device: the session has run already; make a new one.")
    simulator.extend(learning)
