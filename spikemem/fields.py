"""Checks that several descriptions make of their fields."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .errors import Problems, unknown_name
from .units import to_tuple

__all__ = ["check_record", "take"]


def take(part: Any, item: str, check: Callable[..., Any], problems: Problems, **how: Any) -> None:
    """Put a field in its plain form, or note what is wrong with it."""
    with problems.noting():
        object.__setattr__(part, item, check(getattr(part, item), item, **how))


def check_record(part: Any, allowed: tuple[str, ...], problems: Problems) -> None:
    """Make ``part.record`` a tuple of some of the allowed names; note what is wrong."""
    record = (part.record,) if isinstance(part.record, str) else part.record
    with problems.noting():
        wanted = to_tuple(record, "record", "names of variables")
        for variable in wanted:
            if not isinstance(variable, str) or variable not in allowed:
                problems.add(f"record: {unknown_name('variable to record', variable, allowed)}")
                return
        object.__setattr__(part, "record", tuple(name for name in allowed if name in wanted))
