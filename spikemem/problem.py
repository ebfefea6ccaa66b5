"""A problem that a check reports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from .checks import Text, check_fields

__all__ = ["LEVELS", "Problem"]

LEVELS = ("error", "warning", "note")
"""Levels of a problem, the most severe first."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A property of a network that a target refuses or changes, or that users should know.

    Attributes
    ----------
    level : {"error", "warning", "note"}
        "error": the target refuses the network, or the result would be meaningless. "warning":
        the result differs. "note": information.
    where : str
        Population, projection, or the network.
    what : str
        What happens, and why.
    remedy : str
        What to do about it.
    rule : str
        Name of the rule that reports it.
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
        """The place, the problem and the remedy in one line."""
        return f"{self.where}: {self.what}. {self.remedy[:1].upper()}{self.remedy[1:]}."

    def __str__(self) -> str:
        return f"{self.level}: {self.text}"
