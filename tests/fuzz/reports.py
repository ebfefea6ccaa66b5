"""Good calls of reports and of what objects show in them, to be spoilt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from spikemem import panels


def good_values(network: Callable[[], Any]) -> dict[str, dict[str, Callable[[], Any]]]:
    """Good values of parameters that must fit together."""
    series = [panels.Series("a", [1.0, 2.0], [3.0, 4.0])]
    return {
        "report": {"thing": network, "out": lambda: "page.html"},
        "Series": {"x": lambda: [1.0, 2.0], "y": lambda: [3.0, 4.0]},
        "Curves": {"series": lambda: series},
        "Band": {"size": lambda: 2, "ids": lambda: [0, 1], "times": lambda: [1.0, 2.0]},
        "Raster": {"bands": lambda: [panels.Band("a", 2, [0, 1], [1.0, 2.0])]},
        "Heat": {"values": lambda: np.eye(3)},
        "Histogram": {"values": lambda: {"a": np.arange(3.0)}},
        "Graph": {"columns": lambda: [[panels.Box("a")]], "arrows": list},
    }  # fmt: skip


CONTENTS: dict[str, Callable[[], Any]] = {
    "Numbers": lambda: np.zeros(2),
    "Limits": lambda: (0.0, 1.0),
    "MarkPairs": lambda: [(1.0, "here")],
    "TableRows": lambda: [("name",), ("a",)],
}
"""A good value of the kinds that panels define."""
