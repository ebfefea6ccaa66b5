"""One finding of a check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from .checks import Text, check_fields

__all__ = ["LEVELS", "Problem"]

LEVELS = ("error", "warning", "note")
"""The worst first."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something that a target refuses, changes, or that is worth knowing.

    Attributes
    ----------
    level : {"error", "warning", "note"}
        "error": it is refused, or the result would be meaningless; "warning": the result differs.
    where : str
        Population, projection, or the network.
    what : str
        What happens, and why.
    remedy : str
        What helps.
    rule : str
        Name of the rule that found it.
    """

    level: Literal["error", "warning", "note"]
    where: Annotated[str, Text()]
    what: Annotated[str, Text()]
    remedy: Annotated[str, Text()]
    rule: Annotated[str, Text()] = ""

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def text(self) -> str:
        """Where, what and remedy in one line."""
        return f"{self.where}: {self.what}. {self.remedy[:1].upper()}{self.remedy[1:]}."

    def __str__(self) -> str:
        return f"{self.level}: {self.text}"
