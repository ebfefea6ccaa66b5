"""The barrier at which the threads of one run wait for each other, in compiled code.

``sync`` is an int64 array that the threads share. The entry `COUNT` counts the arrivals of
threads, and `STOP` is not 0 if threads must no longer wait. They are a cache line apart.
"""

from __future__ import annotations

from typing import Any

import llvmlite.binding
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from .compile import kernel

__all__ = ["COUNT", "N_SYNC", "STOP", "wait_for_all"]

COUNT, STOP, N_SYNC = 0, 16, 32

_SPINS = 500
"""Number of reads of the counter before the core is offered to other programs."""

_intrinsic: Any = intrinsic
_tools: Any = cgutils  # It has no types.
_YIELD = next(
    (name for name in ("sched_yield", "SwitchToThread")
     if llvmlite.binding.address_of_symbol(name)), None,
)  # fmt: skip


def _address(context: Any, builder: Any, signature: Any, values: Any) -> Any:
    """Return the pointer to ``array[index]``."""
    kind = signature.args[0]
    array = context.make_array(kind)(context, builder, values[0])
    return _tools.get_item_pointer(context, builder, kind, array, [values[1]])


@_intrinsic  # type: ignore[untyped-decorator]
def _look(context: Any, array: Any, index: Any) -> Any:
    """Read ``array[index]`` from memory, after everything that its writer wrote before."""

    def generate(target: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.load_atomic(_address(target, builder, signature, values), "acquire", 8)

    return types.int64(array, types.intp), generate


@_intrinsic  # type: ignore[untyped-decorator]
def _add_one(context: Any, array: Any, index: Any) -> Any:
    """Do ``array[index] += 1`` as one atomic operation."""

    def generate(target: Any, builder: Any, signature: Any, values: Any) -> Any:
        pointer = _address(target, builder, signature, values)
        return builder.atomic_rmw("add", pointer, ir.Constant(ir.IntType(64), 1), "seq_cst")

    return types.int64(array, types.intp), generate


@_intrinsic  # type: ignore[untyped-decorator]
def _offer_core(context: Any) -> Any:
    """Let other threads have the core."""

    def generate(target: Any, builder: Any, signature: Any, values: Any) -> Any:
        if _YIELD is not None:
            kind = ir.FunctionType(ir.IntType(32), [])
            builder.call(_tools.get_or_insert_function(builder.module, kind, _YIELD), [])
        return target.get_dummy_value()

    return types.void(), generate


@kernel
def wait_for_all(sync, n):  # type: ignore[no-untyped-def]
    """Wait until threads have arrived `n` times in total; return False if told to stop."""
    _add_one(sync, COUNT)
    spins = 0
    while _look(sync, COUNT) < n:
        if _look(sync, STOP) != 0:
            return False
        spins += 1
        if spins > _SPINS:
            _offer_core()
    return True
