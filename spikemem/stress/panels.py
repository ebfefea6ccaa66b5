"""What a report shows of a sweep: how far it is, its measures against its axes, its failures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..panels import Curves, Done, Heat, Panel, Rows, Series
from .figures import lines_of
from .records import CURVES
from .text import number

__all__ = ["sweep_panels"]

_CONFIDENCE = 0.95
_MOST = 12
