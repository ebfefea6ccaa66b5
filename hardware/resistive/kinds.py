"""Kinds of arguments of this package, and short names for frequent ones."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...checks import (
    Choice,
    Count,
    Flag,
    Instance,
    Kind,
    Name,
    Probability,
    Quantities,
    Quantity,
    SeedNumber,
)
from ...errors import DescriptionError, shown
from ...frozen import read_only
from ...streams import Seed, stream
from ...units import to_array, to_float, to_tuple

__all__ = [
    "Age",
    "Compensation",
    "Conductance",
    "Conductances",
    "Draw",
    "Factor",
    "Fraction",
    "Generator",
    "Names",
    "Numbers",
    "OneOf",
    "Scale",
    "Scales",
    "SomeAxes",
    "Stored",
    "Switch",
    "Voltage",
    "Weights",
    "Wires",
    "to_number",
]

Age = Annotated[float, Quantity("s", low=0.0)]
"""Age of an array, s. :meth:`.Device.check_time` checks whether a device is calibrated for it."""

Conductance = Annotated[float, Quantity("uS", low=0.0)]
Voltage = Annotated[float, Quantity("V")]
Scale = Annotated[float, Quantity("nA", above=0.0)]
"""Weight of the largest conductance, nA."""

Factor = Annotated[float, Quantity(low=0.0)]
Fraction = Annotated[float, Probability()]
Switch = Annotated[bool, Flag()]
Draw = Annotated[int, Count(low=0)]
"""Number of a read, from 0."""

Compensation = Annotated[str, Choice("none", "global", "column")]
Weights = Annotated[Any, Quantities("nA")]
Wires = Annotated[tuple[float, float], Quantities("Ohm", low=0.0, shape=(2,))]
"""Resistances of a piece of row wire and of column wire, Ohm."""

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    SomeAxes = Annotated[Axes, Instance("matplotlib.axes:Axes")]
else:
    SomeAxes = Annotated[Any, Instance("matplotlib.axes:Axes")]


@dataclass(frozen=True)
class _NameList(Kind):
    """One name, or a sequence of names."""

    def check(self, value: Any, where: str) -> list[str]:
        """Return a list without repetitions."""
        names = to_tuple((value,) if isinstance(value, str) else value, where, "names")
        for name in names:
            if not isinstance(name, str):
                raise DescriptionError(
                    f"{where} must be a sequence of names, got {shown(name)} in it."
                )
        return list(dict.fromkeys(names))


Names = Annotated[Iterable[str], _NameList()]


@dataclass(frozen=True)
class _Numbers(Kind):
    """An array of real numbers or flags; its values are not checked."""

    def check(self, value: Any, where: str) -> NDArray[Any]:
        """Return an array; an array is not copied."""
        try:
            array = None if isinstance(value, np.ma.MaskedArray) else np.asarray(value)
        except (TypeError, ValueError, OverflowError):
            array = None
        if array is None or array.dtype.kind not in "biuf":
            raise DescriptionError(f"{where} must be an array of numbers, got {shown(value)}.")
        return array


Numbers = Annotated[Any, _Numbers()]


@dataclass(frozen=True)
class _Finite(Kind):
    """Finite numbers in a unit, in any shape; a float64 array is not copied."""

    unit: str

    def check(self, value: Any, where: str) -> NDArray[np.float64]:
        """Return a float64 array."""
        plain = type(value) is np.ndarray and value.dtype == np.float64
        if plain and np.isfinite(value).all():
            return value  # type: ignore[no-any-return]
        return to_array(value, self.unit, where)


Conductances = Annotated[NDArray[np.float64], _Finite("uS")]
Generator = Annotated[np.random.Generator, Instance(np.random.Generator)]


@dataclass(frozen=True)
class Stored(Kind):
    """A float64 array; `gaps` allows NaN. A read-only array is not copied."""

    gaps: bool = False

    def check(self, value: Any, where: str) -> NDArray[np.float64]:
        """Return a read-only array."""
        array = _Numbers().check(value, where)
        if array.dtype.kind == "b":
            raise DescriptionError(f"{where} must be an array of numbers, got {shown(value)}.")
        array = array.astype(np.float64, copy=False)
        bad = np.isinf(array) if self.gaps else ~np.isfinite(array)
        if bad.any():
            raise DescriptionError(f"{where} must be finite, got {array[bad].flat[0]:g}.")
        return read_only(array)


@dataclass(frozen=True)
class OneOf(Kind):
    """One of a few numbers."""

    valid: tuple[float, ...]

    def __init__(self, *valid: float) -> None:
        object.__setattr__(self, "valid", valid)

    def check(self, value: Any, where: str) -> float:
        """Return the entry of `valid` that equals the number."""
        number = to_float(value, "1", where)
        for one in self.valid:
            if one == number:
                return one
        *most, last = (f"{one:g}" for one in self.valid)
        raise DescriptionError(f"{where} must be {', '.join(most)} or {last}, got {shown(value)}.")


@dataclass(frozen=True)
class _ScaleOrScales(Kind):
    """One weight for all projections, or a mapping of projections to weights; nA."""

    def check(self, value: Any, where: str) -> Any:
        """Return a float, or a dict of floats."""
        scale = Quantity("nA", above=0.0)
        if not isinstance(value, Mapping):
            return scale.check(value, where)
        return {
            Name().check(name, f"{where}: key"): scale.check(entry, f"{where}[{name!r}]")
            for name, entry in value.items()
        }


Scales = Annotated[float | Mapping[str, float], _ScaleOrScales()]


def to_number(seed: Seed) -> int:
    """Return a seed as an int, which can be stored; a generator yields its next number."""
    plain = SeedNumber().check(seed, "seed")
    return plain if isinstance(plain, int) else int(stream(plain).integers(2**63))
