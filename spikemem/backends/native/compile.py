"""Compiles with Numba; the cache on disk depends on all files of the engine."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Container, Iterable, Mapping
from pathlib import Path
from types import FunctionType
from typing import Any, cast

import numba
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

__all__ = ["kernel", "prefetch", "select", "specialise"]


def _digest(files: Iterable[Path]) -> str:
    total = hashlib.sha256()
    for file in sorted(files):
        total.update(file.read_bytes())
    return total.hexdigest()[:12]


_njit: Any = numba.njit
_intrinsic: Any = intrinsic
_tools: Any = cgutils

# Kernels only use arrays that their caller owns, so references need not be counted (_nrt). This
# makes both the compiler and the short kernels faster.
_OPTIONS: dict[str, Any] = {
    "nogil": True,
    "error_model": "numpy",
    "no_cfunc_wrapper": True,
    "_nrt": False,
}


def kernel(function: Callable[..., Any]) -> Any:
    """Compile a function that only other compiled functions call."""
    return _njit(no_cpython_wrapper=True, **_OPTIONS)(function)


@_intrinsic  # type: ignore[untyped-decorator]
def select(context: Any, condition: Any, yes: Any, no: Any) -> Any:
    """Return `yes` if `condition` else `no`; both are computed and must have the same type.

    Python's conditional expression becomes a branch, which LLVM can turn into slow masked stores.
    """

    def generate(target: Any, builder: Any, signature: Any, values: Any) -> Any:
        chosen = target.cast(builder, values[0], condition, types.boolean)
        return builder.select(chosen, values[1], values[2])

    return yes(condition, yes, yes), generate


@_intrinsic  # type: ignore[untyped-decorator]
def prefetch(context: Any, array: Any, index: Any) -> Any:
    """Prefetch the cache line of ``array[index]``, which is read soon."""

    def generate(target: Any, builder: Any, signature: Any, values: Any) -> Any:
        kind = signature.args[0]
        struct = target.make_array(kind)(target, builder, values[0])
        pointer = _tools.get_item_pointer(target, builder, kind, struct, [values[1]])
        byte, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        shape = ir.FunctionType(ir.VoidType(), [byte, number, number, number])
        call = _tools.get_or_insert_function(builder.module, shape, "llvm.prefetch.p0")
        hints = [ir.Constant(number, n) for n in (0, 3, 1)]  # to read, into all caches, data
        builder.call(call, [builder.bitcast(pointer, byte), *hints])
        return target.get_dummy_value()

    return types.void(array, types.intp), generate


def specialise(
    functions: Iterable[Callable[..., Any]],
    bindings: Mapping[str, Any],
    name: str,
    entries: Container[str],
) -> dict[str, Any]:
    """Compile generic functions with some of their global names bound to other functions.

    Numba stores machine code under the qualified name of a function, and recompiles it if the
    function's own file changes, but not if a function that it calls changes. The names of the
    entries therefore contain the digest of all files in the folders of the engine and of the
    bindings.

    Parameters
    ----------
    functions : iterable of function
        Plain functions, innermost first; each can call those before it, and the names in
        `bindings`, as globals.
    bindings : mapping of str to object
        Functions of a number system, by the names with which they are called.
    name : str
        Name of the number system, which distinguishes the copies on disk.
    entries : container of str
        Functions that Python calls; their machine code is stored on disk.

    Returns
    -------
    dict of str to dispatcher
    """
    folders = {Path(inspect.getfile(item.py_func)).parent for item in bindings.values()}
    folders.add(Path(__file__).parent)
    digest = _digest(file for folder in folders for file in folder.glob("*.py"))
    bound = dict(bindings)
    for function in functions:
        plain = cast(FunctionType, function)
        copy = FunctionType(plain.__code__, {**plain.__globals__, **bound}, plain.__name__)
        if plain.__name__ in entries:
            copy.__qualname__ = f"{plain.__name__}_{name}_{digest}"
            bound[plain.__name__] = _njit(cache=True, **_OPTIONS)(copy)
        else:
            bound[plain.__name__] = kernel(copy)
    return bound
