"""Converters at the inputs and outputs of a crossbar: range, steps and noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...checks import Choice, Count, Quantity, check_fields, checked
from ...frozen import Frozen
from .kinds import Factor, Switch

__all__ = ["Converters", "quantise"]

_Bound = Annotated[float, Quantity(above=0.0)]
_Bits = Annotated[int, Count(low=2, high=32)]


@dataclass(frozen=True, kw_only=True, eq=False)
class Converters(Frozen):
    """Digital-to-analogue and analogue-to-digital converters of a crossbar, with their noise.

    Inputs are in units of the largest input, and outputs in units of w_max times that input. The
    defaults are those of aihwkit's inference tile (``IOParameters``).

    Parameters
    ----------
    inp_bound, out_bound : float
        Largest input and output; larger ones saturate.
    inp_res, out_res : float
        One step, as a fraction of the range from minus to plus the bound; 0: no steps.
    inp_noise, out_noise : float
        SD of the noise added to each input and to each output.
    weight_noise : float
        SD of read noise on the normalised weights, in addition to that of the device.
    weight_noise_kind : {"constant", "pcm"}
        "constant": the same noise for all weights; "pcm": a variance in proportion to their size.
    scale_inputs : bool
        Divide each vector by its largest absolute entry and multiply the result by it. Use False
        for spikes.
    repeat_saturated : bool
        If the output of a vector saturates, halve its inputs and read again, up to ten times.
    adc_range : {"fixed", "calibrated", "granular", "max"}
        Output range: `out_bound`; the range that :meth:`.Crossbar.calibrate` measured for each
        tile; that range, rounded up to a power of two; or the largest possible output.

    Raises
    ------
    DescriptionError
        If a value is out of range. The message lists all problems.
    """

    inp_bound: _Bound = 1.0
    inp_res: Factor = 1 / 126
    out_bound: _Bound = 12.0
    out_res: Factor = 1 / 510
    inp_noise: Factor = 0.0
    out_noise: Factor = 0.06
    weight_noise: Factor = 0.0
    weight_noise_kind: Annotated[str, Choice("constant", "pcm")] = "constant"
    scale_inputs: Switch = True
    repeat_saturated: Switch = True
    adc_range: Annotated[str, Choice("fixed", "calibrated", "granular", "max")] = "fixed"

    def __post_init__(self) -> None:
        check_fields(self)

    @classmethod
    def hardware_aware(cls, **changes: Any) -> Converters:
        """Make aihwkit's settings for hardware-aware training: 254 steps, range 10, less noise."""
        settings: dict[str, Any] = {
            "inp_res": 1 / 254, "out_res": 1 / 254, "out_bound": 10.0, "out_noise": 0.04,
            "weight_noise": 0.0175, "weight_noise_kind": "pcm",
        }  # fmt: skip
        return cls(**{**settings, **changes})

    @classmethod
    @checked
    def bits(cls, dac: _Bits, adc: _Bits, **changes: Any) -> Converters:
        """Make noiseless converters of `dac` and `adc` bits (2 to 32) with a calibrated range."""
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
