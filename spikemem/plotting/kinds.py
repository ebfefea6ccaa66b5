"""Kinds of the arguments of plotting functions: axes, windows, populations, weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from numpy.typing import ArrayLike

from ..checks import Each, Instance, Kind, Name, Quantities, Quantity, Text
from ..errors import DescriptionError, shown
from ..recording import Recording
from ..units import to_tuple

if TYPE_CHECKING:
    from matplotlib.axes import Axes
else:  # declared without importing matplotlib
    Axes = Annotated[Any, Instance("matplotlib.axes:Axes")]

_MOST = 1e300  # nA; differences of larger weights exceed the range of floats

__all__ = ["Axes", "Labels", "Marks", "Names", "Pair", "Weights", "Window"]


@dataclass(frozen=True)
class Pair(Kind):
    """Two values of one kind; if `rising`, the second must be above the first."""

    kind: Kind
    rising: bool = False

    def check(self, value: Any, where: str) -> tuple[Any, Any]:
        """Return a tuple of two plain values."""
        parts = to_tuple(value, where, "two numbers")
        if len(parts) != 2:
            raise DescriptionError(f"{where} must be two numbers, got {shown(value)}.")
        first, second = (self.kind.check(part, where) for part in parts)
        if self.rising and first >= second:
            raise DescriptionError(f"{where} must be (start, stop) in ms, got {shown(value)}.")
        return first, second


@dataclass(frozen=True)
class NameOrNames(Kind):
    """One name, or a sequence of names."""

    def check(self, value: Any, where: str) -> tuple[str, ...]:
        """Return a tuple of str."""
        return Each(Name(), "names").check([value] if isinstance(value, str) else value, where)


@dataclass(frozen=True)
class AnyLabels(Kind):
    """A sequence of labels, of any type that can be converted to str."""

    def check(self, value: Any, where: str) -> tuple[str, ...]:
        """Return a tuple of str."""
        words = []
        for word in to_tuple(value, where, "str"):
            try:
                words.append(str(word))
            except Exception:
                raise DescriptionError(f"{where} must be str, got {shown(word)}.") from None
        return tuple(words)


@dataclass(frozen=True)
class MarkList(Kind):
    """A sequence of times with names: pairs (time in ms, str)."""

    def check(self, value: Any, where: str) -> tuple[tuple[float, str], ...]:
        """Return a tuple of pairs of float and str."""
        marks = []
        for k, mark in enumerate(to_tuple(value, where, "pairs (time, name)")):
            parts = to_tuple(mark, f"{where}[{k}]", "a pair (time, name)")
            if len(parts) != 2:
                raise DescriptionError(
                    f"{where}[{k}] must be a pair (time, name), got {shown(mark)}."
                )
            time = Quantity("ms").check(parts[0], f"{where}[{k}]: time")
            marks.append((time, Text().check(parts[1], f"{where}[{k}]: name")))
        return tuple(marks)


@dataclass(frozen=True)
class RecordingOrWeights(Kind):
    """A recording, or an array of weights in nA."""

    def check(self, value: Any, where: str) -> Any:
        """Return the recording itself, or a float64 array."""
        if isinstance(value, Recording):
            return value
        return Quantities("nA", low=-_MOST, high=_MOST).check(value, where)


Window = Annotated[tuple[float, float], Pair(Quantity("ms"), rising=True)]
Names = Annotated[str | Sequence[str], NameOrNames()]
Marks = Annotated[Sequence[tuple[float, str]], MarkList()]
Labels = Annotated[Sequence[Any], AnyLabels()]
Weights = Annotated[Recording | ArrayLike, RecordingOrWeights()]
