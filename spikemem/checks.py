"""Checks arguments against the kinds that parameters and fields declare.

A kind (:mod:`spikemem.kinds`, :mod:`spikemem.compound`) is the metadata of
:data:`typing.Annotated`. :func:`checked` reads the kinds of a function's parameters, and
:func:`check_fields` those of a dataclass's fields. Both convert each value, and report all
problems of one call together.
"""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, ParamSpec, TypeVar

from .calls import Signature, require_call, signature_of, unknown_argument
from .compound import Each, MappingOf, Optional
from .errors import CallError, DescriptionError, Problems
from .kinds import (
    AnyValue,
    Callback,
    Choice,
    Count,
    Flag,
    Indices,
    Instance,
    Kind,
    Name,
    NameOf,
    PathName,
    Probability,
    Quantities,
    Quantity,
    SeedNumber,
    Some,
    Text,
    check_shape,
)

__all__ = [
    "AnyValue",
    "Callback",
    "Choice",
    "Count",
    "Each",
    "Flag",
    "Indices",
    "Instance",
    "Kind",
    "MappingOf",
    "Name",
    "NameOf",
    "Optional",
    "PathName",
    "Probability",
    "Quantities",
    "Quantity",
    "SeedNumber",
    "Some",
    "Text",
    "check_fields",
    "check_shape",
    "checked",
    "kinds_of",
    "require_arguments",
    "require_options",
]

P = ParamSpec("P")
R = TypeVar("R")


def kinds_of(owner: Any) -> dict[str, Kind]:
    """Return the declared kind of each parameter of a function, or of each field of a dataclass.

    Some types declare a kind without metadata: ``bool`` declares a :class:`Flag`, a ``Literal`` of
    words a :class:`Choice`, and a class of spikemem an :class:`Instance`. Parameters without a
    kind are left out.

    Examples
    --------
    >>> def wait(time: typing.Annotated[float, Quantity("s", low=0.0)]) -> None: ...
    >>> kinds_of(wait)
    {'time': Quantity(unit='s', low=0.0, high=None, above=None, below=None, remedy='')}
    """
    plain = owner.__func__ if isinstance(owner, types.MethodType) else owner
    return dict(_kinds(inspect.unwrap(plain)))


@functools.cache
def _kinds(owner: Any) -> dict[str, Kind]:
    hints = typing.get_type_hints(owner, include_extras=True)
    names = [item.name for item in fields(owner)] if isinstance(owner, type) else list(hints)
    kinds = {name: _kind_of(hints[name]) for name in names if name in hints and name != "return"}
    return {name: kind for name, kind in kinds.items() if kind is not None}


def _kind_of(hint: Any) -> Kind | None:
    """Return the kind that a type hint declares by its metadata or by its type, or None."""
    if hint is bool:
        return Flag()
    if typing.get_origin(hint) is typing.Literal:
        words = typing.get_args(hint)
        return Choice(*words) if all(isinstance(word, str) for word in words) else None
    for entry in getattr(hint, "__metadata__", ()):
        if isinstance(entry, Kind):
            return entry
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        entries = typing.get_args(hint)
        kinds = [_kind_of(entry) for entry in entries if entry is not type(None)]
        if len(kinds) == 1 and kinds[0] is not None:
            return Optional(kinds[0]) if type(None) in entries else kinds[0]
        return None
    ours = isinstance(hint, type) and hint.__module__.partition(".")[0] == "spikemem"
    return Instance(hint) if ours and not getattr(hint, "_is_protocol", False) else None


def checked(function: Callable[P, R]) -> Callable[P, R]:
    """Decorator: convert every argument that has a declared kind, before the function runs.

    The default of a parameter is not checked. All problems of a call are reported at once, in a
    message that begins with the name of the function; for a class method, it is the name of the
    class on which the method is called.

    Raises
    ------
    DescriptionError
        The decorated function raises it if an argument is not of its kind.
    CallError
        The decorated function raises it if an argument is unknown, missing or given twice.

    Examples
    --------
    >>> @checked
    ... def wait(time: typing.Annotated[float, Quantity("s", low=0.0)] = 1.0) -> float:
    ...     return time
    >>> wait(2)
    2.0
    >>> wait(-1)
    Traceback (most recent call last):
    ...
    spikemem.errors.DescriptionError: wait: time must be >= 0 s, got -1.
    """
    name_of = function.__qualname__.rpartition("<locals>.")[2].removesuffix(".__init__")
    signature = signature_of(function)
    hidden = 1 if signature.positional[:1] in (("self",), ("cls",)) else 0
    parameters = inspect.signature(function).parameters.values()
    positional = [item.name for item in parameters if item.kind <= item.POSITIONAL_OR_KEYWORD]
    var_positional = next((p.name for p in parameters if p.kind == p.VAR_POSITIONAL), "")
    var_keyword = next((p.name for p in parameters if p.kind == p.VAR_KEYWORD), "")
    defaults = {item.name: item.default for item in parameters}

    def require_names(args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
        """Raise an error if names of arguments are wrong; return the name of the function."""
        where = name_of
        if signature.positional[:1] == ("cls",) and args and isinstance(args[0], type):
            where = f"{args[0].__name__}.{function.__name__}"
        require_call(signature, where, args, kwargs, lambda: _units(_kinds(function)), hidden)
        return where

    @functools.wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        kinds = _kinds(function)
        problems: list[str] = []
        plain: list[Any] = list(args)
        named: dict[str, Any] = dict(kwargs)
        for k, value in enumerate(args):
            name = positional[k] if k < len(positional) else var_positional
            if name in kinds and value is not defaults[name]:
                plain[k] = _checked(kinds[name], value, name, problems)
        for name, value in kwargs.items():
            kind = kinds.get(name if name in defaults else var_keyword)
            if kind is not None and value is not defaults.get(name, _NO_DEFAULT):
                named[name] = _checked(kind, value, name, problems)
        if problems:
            noted = Problems(require_names(args, kwargs))
            noted.extend(problems)
            noted.raise_if_any()
        try:
            return function(*plain, **named)
        except TypeError:
            # Names are checked only after a failure, so that valid calls stay fast.
            require_names(args, kwargs)
            raise

    return call


_NO_DEFAULT = object()


def _checked(kind: Kind, value: Any, name: str, problems: list[str]) -> Any:
    try:
        return kind.check(value, name)
    except DescriptionError as error:
        problems.extend(error.problems or [str(error)])
        return value


def check_fields(part: Any, problems: Problems | None = None) -> set[str]:
    """Convert every field of a dataclass that has a declared kind.

    Parameters
    ----------
    part : dataclass instance
        Its fields are replaced by the converted values, even if it is frozen.
    problems : Problems, optional
        Collects the problems, so that the caller can add more and raise. Default: an error is
        raised at once.

    Returns
    -------
    set of str
        Names of the fields that were converted; the others keep their values.

    Raises
    ------
    DescriptionError
        If values are not of their kinds. The message lists all of them.
    """
    noted = Problems(type(part).__name__) if problems is None else problems
    converted = set()
    cls: Any = type(part)
    for name, kind in _kinds(cls).items():
        try:
            value = kind.check(getattr(part, name), name)
        except DescriptionError as error:
            noted.extend(error.problems or [str(error)])
        else:
            object.__setattr__(part, name, value)
            converted.add(name)
    if problems is None:
        noted.raise_if_any()
    return converted


def require_arguments(cls: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
    """Raise an error if arguments of a dataclass's constructor are unknown or missing.

    Raises
    ------
    CallError
        The message has the nearest valid name of each unknown one.
    """
    signature = _signature_of_class(cls)
    require_call(signature, cls.__name__, args, kwargs, lambda: _units(_kinds(cls)))


@functools.cache
def _signature_of_class(cls: Any) -> Signature:
    return signature_of(cls.__init__, bound=True)


def _units(kinds: Mapping[str, Kind]) -> dict[str, str]:
    """Return the unit of each parameter that has one."""
    plain = {name: getattr(kind, "kind", kind) for name, kind in kinds.items()}
    return {name: kind.unit for name, kind in plain.items() if hasattr(kind, "unit")}


def require_options(function: Callable[..., Any], options: Mapping[str, Any], where: str) -> None:
    """Raise an error if an option is not a keyword of a function.

    Raises
    ------
    CallError
        The message begins with `where`, and lists the valid options.
    """
    parameters = inspect.signature(function).parameters.values()
    valid_names = [item.name for item in parameters if item.kind == item.KEYWORD_ONLY]
    for option in options:
        if option not in valid_names:
            raise CallError(f"{where}: {unknown_argument(option, valid_names, what='option')}")
