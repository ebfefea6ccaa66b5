"""Converts quantities of Brian2, quantities and neo to plain numbers; other units are refused."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import DescriptionError, shown

__all__ = ["in_unit"]

_BRIAN2_NAME = {
    "nF": "nfarad", "uS": "usiemens", "S": "siemens", "Hz": "hertz", "s": "second", "V": "volt",
    "A": "amp", "K": "kelvin", "J": "joule", "Ohm": "ohm", "nm": "nmetre",
}  # fmt: skip
_QUANTITIES_NAME = {"Ohm": "ohm", "1": "dimensionless"}
_PLAIN = frozenset({
    float, int, bool, complex, str, bytes, type(None), np.float64, np.float32, np.int64, np.int32,
    np.bool_,
})  # fmt: skip
"""Types of values that carry no unit."""

_DEEPEST = 32
"""Deepest nesting of lists that is searched; it equals NumPy's limit on dimensions."""


def in_unit(value: Any, unit: str, where: str, *, depth: int = _DEEPEST) -> Any:
    """Convert a number with a unit, or an array or a list of them, to plain numbers.

    Parameters
    ----------
    value : object
        A number, an array, a quantity of Brian2, ``quantities`` or neo, or a sequence of these.
        Anything without a unit is returned unchanged.
    unit : str
        One of :data:`spikemem.units.UNITS`, or "1" for numbers without a unit.
    where : str
        The argument's name, for the message.
    depth : int
        Levels of nested sequences that are searched.

    Raises
    ------
    DescriptionError
        If the quantity has another dimension, its unit is that of another package, or values are
        masked.

    Examples
    --------
    >>> in_unit(20.0, "ms", "tau_m")
    20.0
    """
    kind = type(value)
    if kind in _PLAIN or depth < 0:
        return value
    if kind is np.ndarray:
        return in_unit(value.tolist(), unit, where) if value.dtype == object else value
    brian2 = sys.modules.get("brian2")
    if brian2 is not None:
        if isinstance(value, brian2.core.variables.VariableView):
            value = value[:]
        if isinstance(value, brian2.Quantity):
            return _from_brian2(brian2, value, unit, where)
    quantities = sys.modules.get("quantities")
    if quantities is not None and isinstance(value, quantities.Quantity):
        return _from_quantities(quantities, value, unit, where)
    _refuse_foreign(value, unit, where)
    _refuse_masked(value, where)
    if not _is_sequence(value):
        return value
    entries = _entries(value, where)
    if not entries or set(map(type, entries)) <= _PLAIN:
        return value
    return [in_unit(entry, unit, where, depth=depth - 1) for entry in entries]


def _is_sequence(value: Any) -> bool:
    """Tell whether NumPy would read the value entry by entry."""
    if isinstance(value, str | bytes | bytearray | memoryview | range | np.ndarray | Mapping):
        return False
    kind = type(value)
    return (
        hasattr(kind, "__len__")
        and hasattr(kind, "__getitem__")
        and not hasattr(kind, "__array__")
        and not isinstance(value, type)
    )


def _entries(value: Any, where: str) -> list[Any]:
    try:
        return list(value)
    except Exception as error:
        raise DescriptionError(f"{where}: its entries cannot be read: {shown(error)}.") from error


def _refuse_masked(value: Any, where: str) -> None:
    if isinstance(value, np.ma.MaskedArray) and np.any(value.mask):
        raise DescriptionError(
            f"{where} has {np.count_nonzero(value.mask)} masked values, which would be read as "
            f"numbers. Leave them out (compressed()), or fill them in (filled(value))."
        )


def _refuse_foreign(value: Any, unit: str, where: str) -> None:
    """Raise an error for a quantity of another package; its attributes identify it."""
    if isinstance(value, type) or not any(
        _attribute(value, name) is not None for name in ("__array__", "__float__", "magnitude")
    ):
        return
    attributes = _attribute(value, "attrs")
    candidates = [_attribute(value, name) for name in ("units", "unit", "dimensionality")]
    if isinstance(attributes, Mapping):
        candidates += [attributes.get(name) for name in ("units", "unit")]
    units = [item for item in candidates if item is not None and not inspect.isroutine(item)]
    if units:
        kind = f"{type(value).__module__.partition('.')[0]}'s {type(value).__name__}"
        raise DescriptionError(
            f"{where} has a unit that is not understood: {shown(str(units[0]))} ({kind}). Pass "
            f"{_plain_numbers(unit)}, or a quantity of Brian2 or of the package quantities."
        )


def _attribute(value: Any, name: str) -> Any:
    try:
        return getattr(value, name, None)
    except Exception:
        return None


def _plain_numbers(unit: str) -> str:
    return "numbers without a unit" if unit == "1" else f"plain numbers in {unit}"


def _wrong_dimension(unit: str, where: str, kind: str, value: Any) -> DescriptionError:
    if unit == "1":
        return DescriptionError(
            f"{where} must have no unit, got the {kind} quantity {shown(value)}. "
            f"Pass {_plain_numbers(unit)}."
        )
    return DescriptionError(
        f"{where} must be in {unit}, got the {kind} quantity {shown(value)}. "
        f"Pass a quantity of the dimension of {unit}, or a float in {unit}."
    )


def _from_brian2(brian2: Any, value: Any, unit: str, where: str) -> Any:
    target = 1.0 if unit == "1" else getattr(brian2, _BRIAN2_NAME.get(unit, unit))
    if not brian2.have_same_dimensions(value, target):
        raise _wrong_dimension(unit, where, "Brian2", value)
    scale = float(target)
    return _shortest(
        np.asarray(value, dtype=np.float64),
        lambda array: array / scale,
        lambda array: array * scale,
    )[()]


def _shortest(
    value: NDArray[np.float64],
    convert: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    back: Callable[[NDArray[np.float64]], NDArray[np.float64]],
) -> NDArray[np.float64]:
    """Convert numbers; use 15 digits where they convert back to the same number."""
    with np.errstate(over="ignore"):
        plain = np.asarray(convert(value))
        rounded = np.array([float(f"{number:.15g}") for number in plain.flat]).reshape(plain.shape)
        return np.where(back(rounded) == value, rounded, plain)


def _from_quantities(quantities: Any, value: Any, unit: str, where: str) -> Any:
    name = _QUANTITIES_NAME.get(unit, unit)
    one = quantities.Quantity(1.0, value.dimensionality)
    try:
        factor = float(one.rescale(name).magnitude)
    except ValueError as error:
        raise _wrong_dimension(unit, where, "quantities", value) from error
    _refuse_masked(value, where)
    plain = np.asarray(value)
    if factor == 1.0 or plain.dtype.kind not in "iuf":
        return plain[()]
    power = int(np.rint(np.log10(factor)))
    numbers = plain.astype(np.float64)
    if abs(factor - 10.0**power) > 1e-12 * factor:
        return (numbers * factor)[()]
    # By decimals, so that 0.3 ms written in seconds is the same float as 0.3.
    shifted = [float(Decimal(repr(number)).scaleb(power)) for number in numbers.ravel().tolist()]
    return np.array(shifted, dtype=np.float64).reshape(numbers.shape)[()]
