"""Under which conditions a model is tested: backend, device, noise, faults."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Annotated, Any

from ..checks import Choice, Count, Optional, Probability, Quantity, Text, check_fields
from ..errors import DescriptionError, UnsupportedError
from ..models import device_named

__all__ = ["Conditions"]

BACKENDS = ("expected", "brian2", "native", "emulator", "board", "pynn:nest")
"""``"expected"`` is the family's own algorithm, without spikes."""

_GENERIC = ("programming_noise", "read_noise")
_DEVICE = ("device", *_GENERIC, "stuck", "weight_bits")


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """How a network is run, and what is wrong with it; each field is an axis.

    The weights of the model's plastic projections are on a device if `device`,
    `programming_noise`, `read_noise`, `stuck` or `weight_bits` says so. Without `device` it is a
    generic one. A device that is named has noise of its own, so that `programming_noise` and
    `read_noise` are refused beside it; `stuck` and `weight_bits` go with any device.

    Parameters
    ----------
    backend : str
        Where the network runs; "expected" runs the family's own algorithm without spikes, which
        knows neither devices nor disturbances. In a sweep the default is that of the subject
        (:attr:`.Subject.backend`).
    integrator : {"spinnaker", "exact"}
        As :func:`spikemem.simulate`.
    device : str, optional
        Name of a device model (:data:`spikemem.models.DEVICES`) that holds the weights of the
        model's plastic projections. They are written into it once, before the run. What is learnt
        in the run has the error of the device's programming on backend "brian2"; on the others it
        is learnt without an error.
    drift_time : float, optional
        Age of the device `device`, s. Default: the first for which it is calibrated.
    programming_noise, read_noise : float
        Of a generic device: SD of a written conductance over g_max; SD of a read over the
        conductance, drawn once for the run.
    stuck : float
        Fraction of the devices that are stuck, half of them low, half high. A plastic synapse with
        a stuck device does not learn.
    weight_bits : int, optional
        A device takes 2**bits equally spaced conductances.
    synapse_failure : float
        Probability of each plastic synapse to be missing for the whole run: it does not transmit,
        and learning does not bring it back. With one seed, a larger probability fails the same
        synapses and some more.
    jitter : float
        SD of the times of the input spikes, ms, of all spike sources. Times are rounded to the
        steps of the network and stay inside the run; of two spikes that a source has in one step,
        one counts.
    background : float
        Rate of background spikes onto each cell, Hz; Poisson trains, one for each cell.
    background_weight : float
        Weight of such a spike, as a fraction of the weight with which one spike brings the cell
        from rest to its threshold (``spikemem.stress.disturb.threshold_weight``); from 1 on it
        fires alone.
    platform : str, optional
        Where the run's energy is taken from: a platform of
        :func:`spikemem.hardware.resistive.account`, such as "Loihi", or "crossbar" for the device.
    """

    backend: Annotated[str, Choice(*BACKENDS)] = "expected"
    integrator: Annotated[str, Choice("spinnaker", "exact")] = "spinnaker"
    device: Annotated[str, Optional(Text())] | None = None
    drift_time: Annotated[float, Optional(Quantity("s", low=0.0))] | None = None
    programming_noise: Annotated[float, Quantity(low=0.0, high=10.0)] = 0.0
    read_noise: Annotated[float, Quantity(low=0.0, high=10.0)] = 0.0
    stuck: Annotated[float, Probability()] = 0.0
    weight_bits: Annotated[int, Optional(Count(high=24))] | None = None
    synapse_failure: Annotated[float, Probability()] = 0.0
    jitter: Annotated[float, Quantity("ms", low=0.0)] = 0.0
    background: Annotated[float, Quantity("Hz", low=0.0)] = 0.0
    background_weight: Annotated[float, Quantity(low=0.0)] = 0.2
    platform: Annotated[str, Optional(Text())] | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        noisy = [name for name in _GENERIC if getattr(self, name)]
        if self.device is not None and noisy:
            raise DescriptionError(
                f"Conditions: device={self.device!r} has noise of its own, got "
                f"{' and '.join(noisy)} beside it; leave out the device, or the noise."
            )
        if self.drift_time is not None and self.device is None:
            raise DescriptionError(
                f"Conditions: drift_time={self.drift_time:g} s needs a device that drifts; name "
                f"one with device=, e.g. device='PCM'."
            )
        if self.platform == "crossbar" and not self.on_device:
            raise DescriptionError(
                "Conditions: platform='crossbar' needs weights on a device; name one with device=."
            )
        if self.device is not None:
            device_named(self.device)

    def require_ideal(self, *allowed: str) -> None:
        """Refuse noise and faults beside backend "expected", which has nothing to disturb.

        Parameters
        ----------
        *allowed : str
            Fields that the model follows without spikes.

        Raises
        ------
        UnsupportedError
            If any other field differs from its default.
        """
        if self.backend != "expected":
            return
        usual = {item.name: item.default for item in fields(self)}
        free = ("backend", "background_weight", *allowed)
        changed = [k for k, v in usual.items() if k not in free and getattr(self, k) != v]
        if changed:
            raise UnsupportedError(
                f"Conditions: {', '.join(changed)}: backend 'expected' has neither cells nor "
                f"synapses; give a backend that has, e.g. backend='native'."
            )

    @property
    def on_device(self) -> bool:
        """Whether the plastic weights are on a device."""
        return any(getattr(self, name) not in (None, 0.0) for name in _DEVICE)

    def memory_device(self) -> Any:
        """The device that holds the plastic weights; None without one."""
        if not self.on_device:
            return None
        device: Any = device_named(self.device or "Generic")
        changes: dict[str, Any] = {}
        if self.weight_bits is not None:
            changes["levels"] = 2**self.weight_bits
        if self.programming_noise:
            changes["programming_sd"] = self.programming_noise * device.g_max
        if self.read_noise:
            changes["read_noise"] = self.read_noise
        return replace(device, **changes)
