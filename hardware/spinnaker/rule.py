"""What a rule is: something that the machine refuses or changes, found in a network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, Literal, NamedTuple

from ...checks import Callback, Text, check_fields
from ...problem import Problem
from .view import View

__all__ = ["RULES", "Finding", "Level", "Rule", "problems_of", "rule"]

Level = Literal["error", "warning", "note"]


class Finding(NamedTuple):
    """One case of a rule: where, what, what helps, and a level other than the rule's."""

    where: str
    what: str
    remedy: str
    level: Level | None = None


Find = Callable[[View], Iterator[Finding]]


@dataclass(frozen=True, kw_only=True)
class Rule:
    """Something that the machine refuses or changes.

    Parameters
    ----------
    level : {"error", "warning", "note"}
        "error": refused, or the result is meaningless; "warning": the result differs; "note":
        worth knowing.
    reason : str
        Why the machine does so.
    find : callable
        Gives each case in a network.
    """

    level: Level
    reason: Annotated[str, Text()]
    find: Annotated[Find, Callback()]

    def __post_init__(self) -> None:
        check_fields(self)


RULES: dict[str, Rule] = {}
"""Everything that :func:`spikemem.check` looks for, by name."""


def rule(name: str, level: Level, reason: str) -> Callable[[Find], Find]:
    """Enter the function that finds the cases of a rule into :data:`RULES`."""

    def enter(find: Find) -> Find:
        RULES[name] = Rule(level=level, reason=reason, find=find)
        return find

    return enter


def problems_of(view: View, names: Iterable[str]) -> list[Problem]:
    """What some of the rules find in a network, as problems."""
    return [
        Problem(
            level=found.level or RULES[name].level,
            where=found.where,
            what=f"{found.what} ({RULES[name].reason})",
            remedy=found.remedy,
            rule=name,
        )
        for name in names
        for found in RULES[name].find(view)
    ]
