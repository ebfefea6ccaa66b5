"""Types of values on the command line; each value is checked before the command runs."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import click

from .. import checks
from ..errors import DescriptionError

__all__ = ["FILE", "NUMBER", "PATH", "NumberRange"]


class _Finite(click.types.FloatParamType):
    """A number that is neither NaN nor infinite; click's own types accept both."""

    name = "float"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number: float = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{number} is not a finite number.", param, ctx)
        return number


class Number(_Finite):
    """A finite number."""


class NumberRange(click.FloatRange, _Finite):
    """A finite number within limits."""


class PathName(click.Path):
    """A path whose names are short enough for a file system; a file to read must be regular."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        try:
            checks.PathName().check(value, "path")
        except DescriptionError as error:
            self.fail(str(error), param, ctx)
        except UnicodeEncodeError:
            self.fail(f"{os.fspath(value)!a} is not the name of a file.", param, ctx)
        path = Path(os.fsdecode(super().convert(value, param, ctx)))
        if self.exists and not path.is_file():
            self.fail(f"{str(path)!r} is not a regular file.", param, ctx)
        return path


FILE = PathName(exists=True, dir_okay=False, path_type=Path)
"""A file to read."""

PATH = PathName(path_type=Path)
"""A file or folder to write."""

NUMBER = Number()
