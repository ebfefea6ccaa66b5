"""The module name of sPyNNaker before version 6, for scripts of that time.

``import spynnaker8 as sim`` imports today's names. One of them is changed: the method ``set`` of a
population also sets initial values, as ``set(v=-60.0)`` did.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__all__ = ["allow_old_names"]

_OLD, _NEW = "spynnaker8", "spynnaker.pyNN"


class _OldNames:
    """Import hook that loads ``spynnaker8`` and its submodules from today's modules."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Return a module with the old name if one with the new name exists."""
        if name != _OLD and not name.startswith(f"{_OLD}."):
            return None
        if importlib.util.find_spec(_NEW + name.removeprefix(_OLD)) is None:
            return None
        return ModuleSpec(name, self, is_package=True)  # type: ignore[arg-type]

    def create_module(self, spec: ModuleSpec) -> None:
        """Return None, so that Python makes an empty module."""

    def exec_module(self, module: ModuleType) -> None:
        """Fill the module with the names of today's module."""
        now = importlib.import_module(_NEW + module.__name__.removeprefix(_OLD))
        names = {key: value for key, value in vars(now).items() if not key.startswith("__")}
        vars(module).update(names)
        if module.__name__ == _OLD:
            module.Population = _population(now.Population)  # type: ignore[attr-defined]
        module.__doc__ = now.__doc__
        if hasattr(now, "__all__"):
            module.__all__ = now.__all__  # type: ignore[attr-defined]


def _population(today: Any) -> Any:
    class Population(today):  # type: ignore[misc]
        def set(self, **parameters: Any) -> None:
            """Set parameters, and the initial values of state variables."""
            states = set(getattr(self._vertex, "get_state_variables", set)())
            for name, value in parameters.items():
                act = self.initialize if name in states else super().set
                act(**{name: value})

    return Population


def allow_old_names() -> None:
    """Let ``import spynnaker8`` import today's sPyNNaker, unless a package has that name."""
    if importlib.util.find_spec(_OLD) is None:
        sys.meta_path.append(_OldNames())
