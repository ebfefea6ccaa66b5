"""Exponentials and quotients in fixed point, for processors without floating point.

Numbers are integers: s16.15 counts units of 2**-15, and u0.32 units of 2**-32. The results equal
those of the C library of SpiNNaker's kernels to the last bit.
"""

from __future__ import annotations

import math

__all__ = ["ONE", "divide", "expk", "expulr"]

ONE = 1 << 15
"""1.0 in s16.15."""

_U32 = 1 << 32
_EXP_HIGH = [round(math.exp(k) * _U32) for k in range(-13, 0)]
_EXP_UNDERFLOW = -340695
_EXP_MIDDLE = [round(-math.expm1(-k / 16) * _U32) for k in range(16)]
_EXP_SERIES = (5294, 4293434720, 2081624032)


def divide(a: int, b: int) -> int:
    """Divide two positive s16.15 numbers, rounding down, in signed 32 bits (``kdivk``)."""
    return ((a << 15) // b + 2**31) % 2**32 - 2**31


def _scale(x: int, y: int) -> int:
    low = (x % _U32) * y
    return (low >> 32) + (low % _U32 >= 2**31 - 1) + (x >> 32) * y


def _exponential(n: int) -> int:
    """Return exp(n / 2**15) * 2**32 for -340695 <= n <= 0, with the machine's rounding."""
    whole, part = n >> 15, n & 0x7FFF
    if part == 0:
        return _EXP_HIGH[13 + whole] if whole < 0 else _U32
    part = 0x8000 - part
    result = _EXP_HIGH[14 + whole] if whole < -1 else _U32
    result -= _scale(result, _EXP_MIDDLE[part >> 11])
    rest = (part & 0x7FF) << 17
    series = ((_EXP_SERIES[1] - (_EXP_SERIES[2] * rest >> 32)) * rest >> 32) + _EXP_SERIES[0]
    return result - _scale(result, series)


def expk(n: int) -> int:
    """Exponential of an s16.15 number <= 0, in s16.15."""
    return 0 if n < _EXP_UNDERFLOW else _exponential(n) >> 17


def expulr(n: int) -> int:
    """Exponential of an s16.15 number < 0, in u0.32 (1.0 wraps to 0)."""
    return 0 if n < _EXP_UNDERFLOW else _exponential(n) % _U32
