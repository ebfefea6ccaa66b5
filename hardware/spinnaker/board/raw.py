"""Access to memory and functions by their address, for compiled code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numba
from llvmlite import ir
from numba.core import types
from numba.extending import intrinsic

__all__ = [
    "call1",
    "call4",
    "call5",
    "compiled",
    "copy_bytes",
    "for_c",
    "load8",
    "load16",
    "load32",
    "store8",
    "store16",
    "store32",
]

F = TypeVar("F", bound=Callable[..., Any])

_intrinsic: Any = intrinsic
_tuple: Any = types.UniTuple
_njit: Any = numba.njit
_cfunc: Any = numba.cfunc


def compiled(function: F) -> F:
    """Compile a function for calls by compiled functions; the result is cached on disk."""
    made: F = _njit(cache=True)(function)
    return made


def for_c(signature: Any) -> Callable[[Callable[..., Any]], Any]:
    """Compile a function that C calls; the result has an address."""
    made: Callable[[Callable[..., Any]], Any] = _cfunc(signature, cache=True)
    return made


def _load(bits: int) -> Any:
    def load(typing_context: Any, address: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            pointer = builder.inttoptr(arguments[0], ir.IntType(bits).as_pointer())
            return builder.zext(builder.load(pointer, align=1), ir.IntType(64))

        return types.int64(types.int64), code

    return _intrinsic(load)


def _store(bits: int) -> Any:
    def store(typing_context: Any, address: Any, value: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            pointer = builder.inttoptr(arguments[0], ir.IntType(bits).as_pointer())
            builder.store(builder.trunc(arguments[1], ir.IntType(bits)), pointer, align=1)
            return context.get_dummy_value()

        return types.void(types.int64, types.int64), code

    return _intrinsic(store)


load8, load16, load32 = _load(8), _load(16), _load(32)
store8, store16, store32 = _store(8), _store(16), _store(32)


def _caller(n: int) -> Any:
    """Return a function that calls the C function ``int f(...)`` of `n` words at an address."""

    def call(typing_context: Any, function: Any, arguments: Any) -> Any:
        def code(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            word = ir.IntType(64)
            kind = ir.FunctionType(ir.IntType(32), [word] * n)
            pointer = builder.inttoptr(values[0], kind.as_pointer())
            words = [builder.extract_value(values[1], i) for i in range(n)]
            return builder.sext(builder.call(pointer, words), word)

        return types.int64(types.int64, _tuple(types.int64, n)), code

    return _intrinsic(call)


call1, call4, call5 = _caller(1), _caller(4), _caller(5)


@compiled
def copy_bytes(target: int, source: int, size: int) -> None:
    """Copy memory that does not overlap: words first, then the remaining bytes."""
    done = 0
    while done + 4 <= size:
        store32(target + done, load32(source + done))
        done += 4
    while done < size:
        store8(target + done, load8(source + done))
        done += 1
