"""A rule finds, in a network, something that the machine refuses or changes."""

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
    """One case of a rule: location, problem, remedy, and a level if it is not the rule's."""

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
        "error": the machine refuses the network, or the result is meaningless; "warning": the
        result differs; "note": information.
    reason : str
        Reason for the behaviour of the machine.
    find : callable
        Yields each case in a network.
    """

    level: Level
    reason: Annotated[str, Text()]
    find: Annotated[Find, Callback()]

    def __post_init__(self) -> None:
        check_fields(self)


RULES: dict[str, Rule] = {}
"""All rules that :func:`spikemem.check` applies, by name."""


def rule(name: str, level: Level, reason: str) -> Callable[[Find], Find]:
    """Decorator: enter a function that finds the cases of a rule into :data:`RULES`."""

    def enter(find: Find) -> Find:
        RULES[name] = Rule(level=level, reason=reason, find=find)
        return find

    return enter


def problems_of(view: View, names: Iterable[str]) -> list[Problem]:
    """Return the cases of the named rules in a network, as problems."""
    return [
        Problem(
            level=finding.level or RULES[name].level,
            where=finding.where,
            what=f"{finding.what} ({RULES[name].reason})",
            remedy=finding.remedy,
            rule=name,
        )
        for name in names
        for finding in RULES[name].find(view)
    ]
