"""Reports the progress of long work: a bar on a terminal, or the caller's own function."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any

from .checks import Kind
from .errors import DescriptionError, shown
from .units import to_flag

__all__ = ["Progress", "progress_callback"]


@dataclass(frozen=True)
class ProgressReport(Kind):
    """True, False, or a function that is called with the fraction done."""

    def check(self, value: Any, where: str) -> Any:
        """Return a bool, or the function itself."""
        if callable(value) and not isinstance(value, type):
            return value
        try:
            return to_flag(value, where)
        except DescriptionError:
            raise DescriptionError(
                f"{where} must be True, False or a function of the fraction done, got "
                f"{shown(value)}."
            ) from None


Progress = Annotated[bool | Callable[[float], None], ProgressReport()]
"""Type of every ``progress`` argument."""


@contextmanager
def progress_callback(progress: Progress, label: str) -> Iterator[Callable[[float], None]]:
    """Yield a function to call with the fraction done, from 0 to 1.

    A bar is written to stderr, and only if it is a terminal.
    """
    if callable(progress):
        yield progress
        return
    if not progress:
        yield lambda fraction: None
        return
    with warnings.catch_warnings():
        # tqdm warns in notebooks without ipywidgets, where it shows the bar as text.
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm

    shape = "{desc}: {percentage:3.0f} %|{bar}| {elapsed}<{remaining}"
    with tqdm(total=1.0, desc=label, disable=None, leave=False, bar_format=shape) as bar:
        yield lambda fraction: (bar.update(max(fraction - bar.n, 0.0)), None)[1]
