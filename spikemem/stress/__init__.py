"""Stress tests of memories: capacity, failure modes and cost.

Each name is imported when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .answers import Answers as Answers
    from .bisection import Bisect as Bisect
    from .conditions import Conditions as Conditions
    from .crossing import Capacity as Capacity
    from .experiments.base import Experiment as Experiment
    from .experiments.base import Measure as Measure
    from .functions import capacity as capacity
    from .functions import noise as noise
    from .functions import order as order
    from .functions import recall as recall
    from .functions import recognition as recognition
    from .functions import rehearsal as rehearsal
    from .functions import retention as retention
    from .results import Results as Results
    from .results import load as load
    from .subject import Probe as Probe
    from .subject import Study as Study
    from .subject import Subject as Subject
    from .subject import Task as Task
    from .sweep import Sweep as Sweep

_NAMES_BY_MODULE = {
    "answers": "Answers",
    "bisection": "Bisect",
    "conditions": "Conditions",
    "crossing": "Capacity",
    "experiments.base": "Experiment Measure",
    "functions": "capacity noise order recall recognition rehearsal retention",
    "results": "Results load",
    "subject": "Probe Study Subject Task",
    "sweep": "Sweep",
}
_MODULE_OF = {name: module for module, names in _NAMES_BY_MODULE.items() for name in names.split()}

__all__ = sorted(_MODULE_OF)


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module 'spikemem.stress' has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_MODULE_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
