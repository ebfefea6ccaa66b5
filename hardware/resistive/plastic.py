"""On-device learning on Brian2: conductance changes that are non-linear, unequal and noisy."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import DescriptionError, Problems, UnsupportedError, unknown_name
from ...frozen import Frozen
from ...simulation import Session
from ...streams import Seed, stream
from ...units import to_float
from .kinds import to_kind, to_names

__all__ = ["ConductanceUpdate", "learn_on_device"]

Array = NDArray[np.float64]

_LARGEST = 20.0


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

    nonlinearity_plus: float = 0.0
    nonlinearity_minus: float = 0.0
    scale_plus: float = 1.0
    scale_minus: float = 1.0
    step_sd: float = 0.0
    device_sd: float = 0.0

    def __post_init__(self) -> None:
        problems = Problems("ConductanceUpdate")
        for item in fields(self):
            with problems.noting():
                value = to_float(getattr(self, item.name), "1", item.name)
                object.__setattr__(self, item.name, value)
                high = _LARGEST if item.name.startswith("nonlin") else np.inf
                if not 0 <= value <= high:
                    allowed = ">= 0" if high == np.inf else f"from 0 to {high:g}"
                    problems.add(f"{item.name} must be {allowed}, got {value:g}")
        problems.raise_if_any()

    def moved(self, x: Array, share: Array) -> Array:
        """Where weights at `x` go when a change by `share` (of the range, signed) is asked for.

        Without noise; not limited to the range.
        """
        up = _moved(x, np.maximum(share, 0.0) * self.scale_plus, self.nonlinearity_plus)
        down = np.maximum(-share, 0.0) * self.scale_minus
        return np.asarray(1.0 - _moved(1.0 - up, down, self.nonlinearity_minus))

    def changed(
        self,
        weight: Array,
        wanted: Array,
        gain: Array,
        low: Any,
        high: Any,
        rng: np.random.Generator,
    ) -> Array:
        """New weights (nA), within their range, when changes by `wanted` are asked for.

        `gain` is each device's own factor.
        """
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
        step = (self.moved(x, wanted / span) - x) * span
        return np.asarray(np.where(wanted == 0, 0.0, step))

    def gains(self, n: int, rng: np.random.Generator) -> Array:
        """Factors of `n` devices."""
        return np.maximum(1.0 + self.device_sd * rng.standard_normal(n), 0.0)


def _moved(x: Array, share: Array, b: float) -> Array:
    if b == 0:
        return x + share
    return np.asarray(np.log(np.exp(b * x) + np.expm1(b) * share) / b)


def learn_on_device(
    session: Session,
    update: ConductanceUpdate,
    *,
    projections: Iterable[str] | None = None,
    seed: Seed = 0,
) -> None:
    """Let the plastic synapses of a session change as devices do.

    Parameters
    ----------
    session : Session
        On backend "brian2" with target "numpy", before its first run.
    update : ConductanceUpdate
        How the devices change.
    projections : sequence of str, optional
        Which plastic projections. Default: all.
    seed : int or Generator
        Of the devices' factors and of the noise of each change.

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
    to_kind(session, Session, "session")
    to_kind(update, ConductanceUpdate, "update")
    simulator: Any = session.simulator
    model = getattr(simulator, "model", None)
    if model is None or getattr(simulator, "target", "") != "numpy":
        raise UnsupportedError(
            f"backend {session.backend!r}: on-device learning enters the code of each synapse; "
            f"use 'brian2' with target 'numpy'."
        )
    if session.time > 0:
        raise DescriptionError("learn_on_device: the session has run already; make a new one.")
    plastic = [item.name for item in session.network.plastic]
    names = plastic if projections is None else to_names(projections, "projections")
    for name in names:
        if name not in plastic:
            raise DescriptionError(
                f"learn_on_device: {unknown_name('plastic projection', name, plastic)}"
            )
    rng = stream(seed, "resistive", "learning")
    if not names:
        return
    for bundle in model.bundles:
        if bundle.plastic and any(name in names for name in bundle.place):
            _enter(bundle, update, names, seed, rng)
    simulator.brian2_network.add(_random_state(model.clock, rng))
    simulator.snapshot()  # makes the code now, so that an error shows here


def _enter(
    bundle: Any, update: ConductanceUpdate, names: list[str], seed: Seed, rng: np.random.Generator
) -> None:
    """Put the device in place of the sums in the code of a bundle of synapses."""
    import brian2 as b2

    synapses = bundle.synapses
    on_device = np.zeros(len(synapses))
    gains = np.ones(len(synapses))
    for name, place in bundle.place.items():
        if name in names:
            on_device[place] = 1.0
            count = gains[place].size
            gains[place] = update.gains(count, stream(seed, "resistive", "devices", name))
    for name, values in (("on_device", on_device), ("device_gain", gains)):
        synapses.variables.add_array(name, size=len(synapses), values=values, constant=True)

    def device_change(weight: Any, wanted: Any, gain: Any, mask: Any, low: Any, high: Any) -> Any:
        plain = np.clip(weight + wanted, low, high)
        return np.where(mask > 0, update.changed(weight, wanted, gain, low, high, rng), plain)

    # "stateless" is what lets Brian2 call it once for all synapses of an event.
    function = b2.Function(device_change, arg_units=[1] * 6, return_unit=1, stateless=True)
    function.implementations.add_numpy_implementation(device_change, discard_units=True)
    synapses.namespace = {**synapses.namespace, "device_change": function}
    arguments = "device_gain, on_device, weight_min, weight_max)"
    for pathway in synapses._pathways:
        for sign, side in (("+", "plus"), ("-", "minus")):
            wanted = f"step_{side}*trace_{side}*int(is_open)"
            plain = f"weight = clip(weight {sign} {wanted}, weight_min, weight_max)"
            device = f"weight = device_change(weight, {sign}{wanted}, {arguments}"
            pathway.code = pathway.code.replace(plain, device)


def _random_state(clock: Any, rng: np.random.Generator) -> Any:
    """An object that does nothing in a step, and takes the generator along when a run is undone."""
    import brian2 as b2

    class Chance(b2.NetworkOperation):  # type: ignore[misc]
        def _full_state(self) -> Any:
            return rng.bit_generator.state

        def _restore_from_full_state(self, state: Any) -> None:
            rng.bit_generator.state = state

    return Chance(lambda: None, clock=clock, when="end")
