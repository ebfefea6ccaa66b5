"""Reads pickles of plain data without running code: numbers, text, containers, byte arrays.

A pickle is a program, and ``pickle.load`` runs it with any function that it names. This reader
executes only the instructions that plain data needs, replaces the few names that NumPy's arrays
need by its own objects, and refuses everything else.
"""

from __future__ import annotations

import pickletools
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["NotPlain", "PackedArray", "read_plain_pickle"]

_TYPES = frozenset({"u1", "i1", "u2", "i2", "u4", "i4", "u8", "i8", "f4", "f8", "b1"})

_CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_VALUES = frozenset({
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT",
    "UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8",
    "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8",
})  # fmt: skip
_OLD_TEXT = frozenset({"STRING", "BINSTRING", "SHORT_BINSTRING"})
_NAMES = {
    **{f"{core}.multiarray _reconstruct": "array" for core in ("numpy.core", "numpy._core")},
    **{f"{core}.numeric _frombuffer": "buffer" for core in ("numpy.core", "numpy._core")},
    "numpy ndarray": "ndarray",
    "numpy dtype": "dtype",
    "_codecs encode": "encode",
    **{f"{module} bytes": "bytes" for module in ("__builtin__", "builtins")},
}
_MARK = object()


class NotPlain(ValueError):
    """A pickle that holds more than plain data, or is damaged; the message is the reason only."""


@dataclass
class PackedArray:
    """An array of numbers, as stored in the file."""

    shape: tuple[int, ...] = ()
    kind: str = ""
    fortran: bool = False
    content: bytes = b""

    def array(self) -> NDArray[Any]:
        """Return the array.

        Raises
        ------
        NotPlain
            If the content does not fit the shape, or its type is not numeric.
        """
        if self.kind[1:] not in _TYPES:
            raise NotPlain(f"it has an array of type {self.kind!r:.40}, which is not numeric")
        flat = np.frombuffer(self.content, np.dtype(self.kind)) if self._fits() else None
        if flat is None:
            raise NotPlain(f"it has an array of shape {self.shape!s:.80} without its content")
        order: Any = "F" if self.fortran else "C"
        return flat.reshape(self.shape, order=order)

    def _fits(self) -> bool:
        n = int(self.kind[2:])
        for length in self.shape:
            n *= length
        return n == len(self.content)


@dataclass
class _Constructor:
    """A function or class of NumPy that a pickle of arrays calls."""

    name: str


@dataclass
class _Kind:
    """Type of the entries of an array."""

    name: str = ""
    order: str = "|"


@dataclass
class _Machine:
    """Stack and memory of the program."""

    stack: list[Any] = field(default_factory=list)
    memo: dict[int, Any] = field(default_factory=dict)

    def pop(self) -> Any:
        if not self.stack or self.stack[-1] is _MARK:
            raise NotPlain("it is damaged (a value is missing)")
        return self.stack.pop()

    def pop_to_mark(self) -> list[Any]:
        for k in range(len(self.stack) - 1, -1, -1):
            if self.stack[k] is _MARK:
                entries = self.stack[k + 1 :]
                del self.stack[k:]
                return entries
        raise NotPlain("it is damaged (the beginning of a list is missing)")

    def top(self, kind: type) -> Any:
        if not self.stack or not isinstance(self.stack[-1], kind):
            raise NotPlain(f"it is damaged (a {kind.__name__} is missing)")
        return self.stack[-1]


def read_plain_pickle(content: bytes) -> Any:
    """Read a pickle that holds plain data.

    Parameters
    ----------
    content : bytes
        Content of the file, in any version of the format.

    Returns
    -------
    object
        Numbers, text, bytes, None, bool, list, tuple, dict, and :class:`PackedArray` for arrays.
        Text that Python 2 wrote becomes bytes.

    Raises
    ------
    NotPlain
        If the pickle names anything but arrays of NumPy, uses an instruction that plain data does
        not need, or is damaged.

    Examples
    --------
    >>> import pickle
    >>> read_plain_pickle(pickle.dumps({"a": [1, 2.5, None]}))
    {'a': [1, 2.5, None]}
    >>> read_plain_pickle(pickle.dumps(print))
    Traceback (most recent call last):
    ...
    spikemem.data.plain_pickle.NotPlain: it would call 'builtins print', which data does not need
    """
    machine = _Machine()
    try:
        for opcode, argument, _ in pickletools.genops(content):
            if opcode.name == "STOP":
                return machine.pop()
            _step(machine, opcode.name, argument)
    except NotPlain:
        raise
    except (ValueError, TypeError, OverflowError, IndexError) as error:
        raise NotPlain(f"it is damaged ({' '.join(str(error).split())[:100]})") from error
    raise NotPlain("it is damaged (it has no end)")


def _step(machine: _Machine, name: str, argument: Any) -> None:
    """Execute one instruction."""
    stack = machine.stack
    if name in _VALUES:
        stack.append(argument)
    elif name in _OLD_TEXT:
        stack.append(argument.encode("latin-1"))
    elif name in _CONSTANTS:
        stack.append(_CONSTANTS[name])
    elif name == "MARK":
        stack.append(_MARK)
    elif name in ("PUT", "BINPUT", "LONG_BINPUT"):
        machine.memo[argument] = machine.top(object)
    elif name == "MEMOIZE":
        machine.memo[len(machine.memo)] = machine.top(object)
    elif name in ("GET", "BINGET", "LONG_BINGET"):
        if argument not in machine.memo:
            raise NotPlain("it is damaged (it uses a value that it has not stored)")
        stack.append(machine.memo[argument])
    elif name == "GLOBAL":
        stack.append(_constructor(argument))
    elif name == "STACK_GLOBAL":
        item, module = machine.pop(), machine.pop()
        stack.append(_constructor(f"{module} {item}"))
    elif name == "REDUCE":
        arguments = machine.pop()
        stack.append(_called(machine.pop(), arguments))
    elif name == "BUILD":
        _build(machine)
    elif name not in ("PROTO", "FRAME"):
        _containers(machine, name)


def _containers(machine: _Machine, name: str) -> None:
    """Make or fill a list, a tuple or a dict."""
    stack = machine.stack
    if name in ("EMPTY_LIST", "EMPTY_TUPLE", "EMPTY_DICT"):
        stack.append({"EMPTY_LIST": list, "EMPTY_TUPLE": tuple, "EMPTY_DICT": dict}[name]())
    elif name in ("TUPLE1", "TUPLE2", "TUPLE3"):
        entries = [machine.pop() for _ in range(int(name[-1]))]
        stack.append(tuple(reversed(entries)))
    elif name == "LIST":
        stack.append(machine.pop_to_mark())
    elif name == "TUPLE":
        stack.append(tuple(machine.pop_to_mark()))
    elif name == "DICT":
        stack.append(_pairs(machine.pop_to_mark()))
    elif name == "APPEND":
        entry = machine.pop()
        machine.top(list).append(entry)
    elif name == "APPENDS":
        entries = machine.pop_to_mark()
        machine.top(list).extend(entries)
    elif name == "SETITEM":
        pair = [machine.pop(), machine.pop()][::-1]
        machine.top(dict).update(_pairs(pair))
    elif name == "SETITEMS":
        entries = machine.pop_to_mark()
        machine.top(dict).update(_pairs(entries))
    elif name == "POP":
        machine.pop()
    elif name == "POP_MARK":
        machine.pop_to_mark()
    else:
        raise NotPlain(f"it has the instruction {name}, which data does not need")


def _pairs(entries: list[Any]) -> dict[Any, Any]:
    keys, values = entries[::2], entries[1::2]
    if len(keys) != len(values) or not all(isinstance(key, str | bytes | int) for key in keys):
        raise NotPlain("it is damaged (a dict without its keys)")
    return dict(zip(keys, values, strict=True))


def _constructor(name: str) -> _Constructor:
    if name not in _NAMES:
        raise NotPlain(f"it would call {name!r:.80}, which data does not need")
    return _Constructor(_NAMES[name])


def _called(what: Any, arguments: Any) -> Any:
    """Return our object for a call of one of NumPy's names."""
    if isinstance(what, _Constructor) and isinstance(arguments, tuple):
        if what.name == "array":
            return PackedArray()
        if what.name == "buffer" and len(arguments) == 4:
            content, kind, shape, order = arguments
            return _packed(shape, kind, order == "F", content)
        if what.name == "dtype" and arguments:
            return _Kind(_text(arguments[0]))
        if what.name == "bytes" and not arguments:
            return b""
        if what.name == "encode" and len(arguments) == 2 and arguments[1] == "latin1":
            return str(arguments[0]).encode("latin-1")
    raise NotPlain("it calls something that is not a constructor of an array")


def _build(machine: _Machine) -> None:
    """Fill an array, or the byte order of a type."""
    state = machine.pop()
    target = machine.top(object)
    if isinstance(target, _Kind) and isinstance(state, tuple) and len(state) >= 2:
        target.order = _text(state[1])
    elif isinstance(target, PackedArray) and isinstance(state, tuple) and len(state) == 5:
        _, shape, kind, fortran, content = state
        target.__dict__.update(vars(_packed(shape, kind, bool(fortran), content)))
    else:
        raise NotPlain("it sets the state of something that is not an array")


def _packed(shape: Any, kind: Any, fortran: bool, content: Any) -> PackedArray:
    plain = isinstance(shape, tuple) and all(
        isinstance(length, int) and length >= 0 for length in shape
    )
    if not plain or not isinstance(kind, _Kind) or not isinstance(content, bytes | bytearray):
        raise NotPlain("it has an array without numbers, or a damaged one")
    order = kind.order if kind.order in "<>" else "|"
    return PackedArray(shape, f"{order}{kind.name}", fortran, bytes(content))


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode("latin-1")
    if isinstance(value, str):
        return value
    raise NotPlain("it has a type of array without a name")
