"""The periphery of a crossbar: what comes in, what goes out, and what that adds."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import Problems
from ...frozen import Frozen
from ...units import to_choice, to_flag, to_float

__all__ = ["Converters", "quantise"]

RANGES = ("fixed", "calibrated", "granular", "max")


@dataclass(frozen=True, kw_only=True, eq=False)
class Converters(Frozen):
    """Digital-to-analogue and analogue-to-digital converters, and the noise beside them.

    Inputs and outputs are in units of the largest input and of w_max times it. The defaults are
    those that aihwkit has for an inference tile (``IOParameters``).

    Parameters
    ----------
    inp_bound, out_bound : float
        Largest input and output; beyond it they saturate.
    inp_res, out_res : float
        One step over the whole range from minus to plus the bound; 0: no steps.
    inp_noise, out_noise : float
        SD of the noise added to each input and to each output.
    weight_noise : float
        SD of a further read noise of normalised weights, beside that of the device.
    weight_noise_kind : {"constant", "pcm"}
        Whether it is the same for all weights, or its variance in proportion to their size.
    scale_inputs : bool
        Divide each vector by its largest size and multiply the result by it; for spikes, False.
    repeat_saturated : bool
        Halve the inputs of a vector whose output saturates and read again, up to ten times.
    adc_range : {"fixed", "calibrated", "granular", "max"}
        Output range: `out_bound`; what :meth:`.Crossbar.calibrate` measured for each tile; that,
        rounded up to a power of two; or the largest output that is possible.

    Raises
    ------
    DescriptionError
        A value out of range; all problems at once.
    """

    inp_bound: float = 1.0
    inp_res: float = 1 / 126
    out_bound: float = 12.0
    out_res: float = 1 / 510
    inp_noise: float = 0.0
    out_noise: float = 0.06
    weight_noise: float = 0.0
    weight_noise_kind: str = "constant"
    scale_inputs: bool = True
    repeat_saturated: bool = True
    adc_range: str = "fixed"

    def __post_init__(self) -> None:
        problems = Problems("Converters")
        for item in fields(self):
            value = getattr(self, item.name)
            with problems.noting():
                if str(item.type) == "bool":
                    to_flag(value, item.name)
                elif str(item.type) == "float":
                    number = to_float(value, "1", item.name)
                    object.__setattr__(self, item.name, number)
                    if number < 0 or (number == 0 and item.name.endswith("bound")):
                        least = ">" if item.name.endswith("bound") else ">="
                        problems.add(f"{item.name} must be {least} 0, got {number:g}")
        with problems.noting():
            to_choice(self.adc_range, "adc_range", RANGES)
        with problems.noting():
            to_choice(self.weight_noise_kind, "weight_noise_kind", ("constant", "pcm"))
        problems.raise_if_any()

    @classmethod
    def hardware_aware(cls, **changes: Any) -> Converters:
        """The settings with which aihwkit trains for hardware: 254 steps, range 10, less noise."""
        settings: dict[str, Any] = {
            "inp_res": 1 / 254, "out_res": 1 / 254, "out_bound": 10.0, "out_noise": 0.04,
            "weight_noise": 0.0175, "weight_noise_kind": "pcm",
        }  # fmt: skip
        return cls(**{**settings, **changes})

    @classmethod
    def bits(cls, dac: int, adc: int, **changes: Any) -> Converters:
        """Converters of so many bits without further noise, the range calibrated."""
        settings: dict[str, Any] = {
            "inp_res": 1 / (2**dac - 2), "out_res": 1 / (2**adc - 2), "out_noise": 0.0,
            "repeat_saturated": False, "adc_range": "calibrated",
        }  # fmt: skip
        return cls(**{**settings, **changes})


def quantise(values: NDArray[Any], bound: Any, res: float) -> NDArray[Any]:
    """Round to steps of ``2 bound res`` and clip to the bound, in place.

    Examples
    --------
    >>> quantise(np.array([-2.0, 0.2, 0.3]), 1.0, 0.25).tolist()
    [-1.0, 0.0, 0.5]
    """
    if res > 0:
        step = np.asarray(2.0 * bound * res, dtype=values.dtype)
        values *= 1 / step
        np.rint(values, out=values)
        values *= step
    top = np.asarray(bound, dtype=values.dtype)
    np.minimum(values, top, out=values)
    np.maximum(values, -top, out=values)
    return values
