"""Values of settings as they are written on a command line."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import DescriptionError
from .bisection import Bisect

__all__ = ["assignments", "read_bisection", "read_range", "read_value"]

_WORDS = {"none": None, "true": True, "false": False}
_FORMS = (
    "values as 0.1,0.2,0.5, equal steps as START:STOP:COUNT, or equal ratios as "
    "START:STOP:COUNT:log"
)
MOST = 100_000
"""Most values of one range."""


def assignments(texts: Sequence[str], option: str) -> dict[str, str]:
    """Names and texts of options of the form ``NAME=TEXT``.

    Raises
    ------
    DescriptionError
        One has another form, or a name comes twice.

    Examples
    --------
    >>> assignments(["load=0.5", "n_cues=16"], "--set")
    {'load': '0.5', 'n_cues': '16'}
    """
    found: dict[str, str] = {}
    for text in texts:
        name, sign, rest = text.partition("=")
        if not sign or not name.strip() or not rest.strip():
            raise DescriptionError(f"{option} must have the form NAME=VALUE, got {text!r}.")
        if name.strip() in found:
            raise DescriptionError(f"{option} {name.strip()} is given twice.")
        found[name.strip()] = rest.strip()
    return found


def read_value(text: str) -> Any:
    """One value: a number, a word, or a list in brackets.

    Examples
    --------
    >>> read_value("16"), read_value("0.5"), read_value("pcm"), read_value("[4, 8]")
    (16, 0.5, 'pcm', [4, 8])
    """
    plain = text.strip()
    if plain.lower() in _WORDS:
        return _WORDS[plain.lower()]
    for kind in (int, float):
        try:
            return kind(plain)
        except ValueError:
            continue
    if plain.startswith("["):
        try:
            return json.loads(plain)
        except ValueError as error:
            raise DescriptionError(f"{text!r} is not a list such as [4, 8].") from error
    return plain


def read_range(name: str, text: str) -> list[Any]:
    """Values of an axis: a list, equal steps, or equal ratios.

    Raises
    ------
    DescriptionError
        The text is not of one of these forms, or the range is empty.

    Examples
    --------
    >>> read_range("load", "0.25,0.5,1"), read_range("n_cues", "4:16:4")
    ([0.25, 0.5, 1], [4, 8, 12, 16])
    >>> read_range("drift_time", "1:1000:4:log")
    [1, 10, 100, 1000]
    """
    if ":" in text and not text.startswith("["):
        return _spaced(name, text)
    values = _split(text)
    if not values:
        raise DescriptionError(f"{name}: the range {text!r} is empty; give {_FORMS}.")
    return [read_value(entry) for entry in values]


def _split(text: str) -> list[str]:
    """Split at commas that stand outside brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter == "[") - (letter == "]")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part for part in parts if part.strip()]


def _spaced(name: str, text: str) -> list[Any]:
    start, stop, count, log = _ends(name, text)
    if log and (start <= 0 or stop <= 0):
        raise DescriptionError(f"{name}: equal ratios need values above 0, got {text!r}.")
    values = np.geomspace(start, stop, count) if log else np.linspace(start, stop, count)
    # The steps of a range are written as a reader would write them.
    rounded = [float(f"{value:.10g}") for value in values]
    whole = all(value == int(value) for value in rounded)
    return [int(value) for value in rounded] if whole else rounded


def _ends(name: str, text: str) -> tuple[float, float, int, bool]:
    parts = text.split(":")
    try:
        numbers = float(parts[0]), float(parts[1]), int(parts[2])
    except (ValueError, IndexError) as error:
        raise DescriptionError(f"{name}: the range {text!r} must be {_FORMS}.") from error
    if len(parts) > 4 or (len(parts) == 4 and parts[3] != "log") or not np.isfinite(numbers).all():
        raise DescriptionError(f"{name}: the range {text!r} must be {_FORMS}.")
    if not 1 <= numbers[2] <= MOST:
        raise DescriptionError(
            f"{name}: the range is empty or too long: COUNT must be from 1 to {MOST}, got "
            f"{numbers[2]}."
        )
    return *numbers, len(parts) == 4


def read_bisection(
    name: str, text: str, criterion: float, tolerance: float | None, measure: str | None
) -> Bisect:
    """A bisection written as ``LOW:HIGH``, or ``LOW:HIGH:log``.

    Raises
    ------
    DescriptionError
        The text has another form, or the ends do not fit each other.
    """
    parts = text.split(":")
    try:
        low, high = float(parts[0]), float(parts[1])
    except (ValueError, IndexError) as error:
        raise DescriptionError(
            f"{name}: a bisection is LOW:HIGH or LOW:HIGH:log, got {text!r}."
        ) from error
    if len(parts) > 3 or (len(parts) == 3 and parts[2] != "log"):
        raise DescriptionError(f"{name}: a bisection is LOW:HIGH or LOW:HIGH:log, got {text!r}.")
    scale = "log" if len(parts) == 3 else "linear"
    return Bisect(low, high, criterion, tolerance, measure, scale)
