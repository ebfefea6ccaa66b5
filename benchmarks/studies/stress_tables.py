"""Tables and numbers of the capacity studies, in one form."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).parent
IMAGES = HERE.parents[1] / "docs" / "images"


def plain(value: Any) -> Any:
    """A value as JSON has it, floats to five digits; NaN and infinity as None."""
    if isinstance(value, Mapping):
        return {str(name): plain(entry) for name, entry in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(entry) for entry in np.asarray(value, dtype=object).tolist()]
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.5g}") if np.isfinite(value) else None
    return value


def kept(name: str, make: Any, *, again: bool) -> Any:
    """Numbers of a study: those in its file, or new ones, which are then written there."""
    path = HERE / "results" / f"{name}.json"
    if path.exists() and not again:
        return json.loads(path.read_text(encoding="utf-8"))
    found = plain(make())
    path.parent.mkdir(exist_ok=True)
    path.write_text(dump(found) + "\n", encoding="utf-8")
    return found


def dump(value: Any) -> str:
    """JSON with one line for each row of a table."""
    if isinstance(value, dict) and any(isinstance(v, list | dict) for v in value.values()):
        parts = [f"{json.dumps(name)}: {dump(entry)}" for name, entry in value.items()]
        return "{\n" + ",\n".join(parts) + "\n}"
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(json.dumps(row) for row in value) + "\n]"
    return json.dumps(value)


def rows_of(results: Any, *measures: str) -> list[dict[str, Any]]:
    """Axes, measures with their intervals, and times of each point."""
    found = []
    for row in results.rows():
        mine = {name: row[name] for name in results.axes}
        for name in measures:
            mine |= {key: row[key] for key in (name, f"{name}_low", f"{name}_high") if key in row}
        found.append(mine | {"failed": row["failed"], "cpu_time": row["cpu_time"]})
    return found


def table(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> str:
    """A table in Markdown; `columns` are its keys and heads."""
    lines = ["| " + " | ".join(columns.values()) + " |", "|" + "---|" * len(columns)]
    for row in rows:
        lines.append("| " + " | ".join(_cell(row.get(key)) for key in columns) + " |")
    return "\n".join(lines)


def _cell(value: Any) -> str:
    if value is None:
        return "-"
    return (
        f"{value:.3g}" if isinstance(value, float) and not isinstance(value, bool) else f"{value}"
    )


def series(rows: Sequence[Mapping[str, Any]], x: str, y: str, **where: Any) -> tuple[Any, ...]:
    """Sorted x, y and interval of the rows that have these values."""
    mine = [row for row in rows if all(row[key] == value for key, value in where.items())]
    mine.sort(key=lambda row: row[x])

    def column(name: str) -> Any:
        values = [row.get(name) for row in mine]
        return np.array([np.nan if value is None else value for value in values], dtype=float)

    return column(x), column(y), column(f"{y}_low"), column(f"{y}_high")


def save_figure(panels: Sequence[Any], name: str) -> Path:
    """Write a figure below docs/images, in few colours."""
    import io

    from PIL import Image

    data = io.BytesIO()
    panels[0].figure.savefig(data, dpi=100)
    path = IMAGES / f"{name}.png"
    Image.open(data).convert("RGB").quantize(96).save(path, optimize=True)
    return path
