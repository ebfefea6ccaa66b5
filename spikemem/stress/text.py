"""Results of a sweep as text: what was tested, a table of the main measure, failed trials."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .table import model_of

__all__ = ["aligned", "summary"]

_MOST_ROWS = 200
_MOST_FAILURES = 5


def summary(results: Any) -> str:
    """Lines of text for :class:`.Results`."""
    plan = results.plan
    whole = results.n_points
    n = len(results.points)
    count = f"{n} points" if whole in (None, n) else f"{n} of {whole} points"
    tested = f"{plan['experiment']} of {model_of(plan['subject'])}"
    head = f"{tested}: {count}, {plan['trials']} trials each, seed {plan['seed']}"
    lines = [head, "", *_table(results)]
    if results.bisected is not None:
        lines += ["", *_capacities(results)]
    return "\n".join([*lines, *_failures(results)])


def _table(results: Any) -> list[str]:
    axes, main = list(results.axes), results.main
    kind = results.measures[main].kind if main in results.measures else "mean"
    rows = [[*axes, main, "95 % interval", "trials", "failed"]]
    for point in results.points[:_MOST_ROWS]:
        found = results.pooled(point, main, kind, 0.95)
        curve = getattr(found.value, "ndim", 0) > 0
        shown = ["curve", ""] if curve else [
            number(found.value), f"{number(found.low)} to {number(found.high)}"
        ]  # fmt: skip
        counts = [str(len(point.done)), str(len(point.failures))]
        rows.append([*(number(point.values[name]) for name in axes), *shown, *counts])
    left = len(results.points) - _MOST_ROWS
    return [*aligned(rows), *([f"... and {left} more points"] if left > 0 else [])]


def _capacities(results: Any) -> list[str]:
    search = results.axes[str(results.bisected)]
    lines = []
    for found in results.capacities():
        others = ", ".join(f"{name} {number(value)}" for name, value in found.values.items())
        value = found.note or (
            f"{number(found.value)} ({number(found.low)} to {number(found.high)})"
        )
        at = f" at {others}" if others else ""
        lines.append(
            f"{found.axis} at which {results.main} crosses {search.criterion:g}{at}: {value}"
        )
    return lines


def _failures(results: Any) -> list[str]:
    failed = [(p.values, failure) for p in results.points for failure in p.failures]
    if not failed:
        return []
    trials = sum(len(p.done) + len(p.failures) for p in results.points)
    lines = ["", f"{len(failed)} of {trials} trials failed:"]
    seen: dict[str, tuple[int, dict[str, Any]]] = {}
    for values, failure in failed:
        count, first = seen.get(failure.error, (0, values))
        seen[failure.error] = count + 1, first
    for error, (count, values) in list(seen.items())[:_MOST_FAILURES]:
        at = ", ".join(f"{name} {number(value)}" for name, value in values.items())
        text = " ".join(error.split())
        lines.append(f"  {count}, first at {at}: {text}" if at else f"  {count}: {text}")
    if len(seen) > _MOST_FAILURES:
        lines.append(f"  ... and {len(seen) - _MOST_FAILURES} other errors")
    return lines


def number(value: Any) -> str:
    """A number with four digits; anything else as it is."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a table, its columns to the right."""
    widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
    return [
        "  ".join(cell.rjust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
