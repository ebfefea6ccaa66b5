"""Numba with a cache on disk that notices changes in any file of the engine."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import FunctionType
from typing import Any, cast

from numba import njit

__all__ = ["kernel", "specialise"]


def _digest(files: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for file in sorted(files):
        total.update(file.read_bytes())
    return total.hexdigest()[:12]


_ENGINE = _digest(Path(__file__).parent.glob("*.py"))


def kernel(function: Callable[..., Any], *, tag: str = "") -> Any:
    """Compile when first called, and keep the machine code on disk.

    Numba files the code of a function under its qualified name and renews it when the function's
    own file changes, but not when one that it calls does. So the name is given the digest of all
    files of the engine.
    """
    plain = cast(FunctionType, function)
    plain.__qualname__ = f"{plain.__name__}_{tag}{_ENGINE}"
    return njit(cache=bool(tag), nogil=True, error_model="numpy")(plain)


def specialise(
    functions: Iterable[Callable[..., Any]], bindings: Mapping[str, Any], name: str
) -> dict[str, Any]:
    """Compile generic functions with some of their global names bound to other functions.

    Parameters
    ----------
    functions : iterable of function
        Plain functions in the order of their calls, innermost first; each may call those before
        it, and the names in `bindings`, as globals.
    bindings : mapping of str to object
        What these names mean: the functions of a number system.
    name : str
        Distinguishes the copies on disk, together with the files of `bindings`.

    Returns
    -------
    dict of str to dispatcher
    """
    sources = {Path(inspect.getfile(item.py_func)) for item in bindings.values()}
    tag = f"{name}_{_digest(sources)}_"
    bound = dict(bindings)
    for function in functions:
        plain = cast(FunctionType, function)
        copy = FunctionType(plain.__code__, {**plain.__globals__, **bound}, plain.__name__)
        bound[plain.__name__] = kernel(copy, tag=tag)
    return bound
