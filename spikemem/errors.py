"""Exceptions. Each message tells where, what, the value, what is allowed, and the remedy."""

from __future__ import annotations

import difflib
import reprlib
from collections.abc import Iterable, Sequence
from types import TracebackType

__all__ = [
    "BackendMissing",
    "CallError",
    "DescriptionError",
    "Problems",
    "SimulationError",
    "SpikememError",
    "SpikememWarning",
    "StorageError",
    "UnsupportedError",
    "VirtualRunError",
    "shown",
    "unknown_name",
]


_MOST = 20
"""Largest number of problems of one value that a message lists."""


class SpikememError(Exception):
    """Base of every exception that spikemem raises on purpose."""


class DescriptionError(SpikememError, ValueError):
    """An invalid argument, network or model.

    Attributes
    ----------
    problems : tuple of str
        The sentences of the message, if a single value has several problems.
    """

    problems: tuple[str, ...] = ()

    @classmethod
    def of(cls, problems: Sequence[str]) -> DescriptionError:
        """Return the error for one value with several problems."""
        if len(problems) > _MOST:
            problems = [*problems[:_MOST], f"... and {len(problems) - _MOST} more."]
        error = cls("; ".join(problems))
        error.problems = tuple(problems)
        return error


class CallError(DescriptionError, TypeError):
    """A call with an unknown argument, or without a required one."""

    @classmethod
    def of_call(cls, where: str, problems: Sequence[str]) -> CallError:
        """Return the error for one call; `where` is the name of the function."""
        lines = f" {problems[0]}" if len(problems) == 1 else "".join(f"\n  - {p}" for p in problems)
        return cls(f"{where}:{lines}")


class UnsupportedError(SpikememError, NotImplementedError):
    """A backend or target cannot do what is asked; the message gives the reason."""


class BackendMissing(SpikememError, ImportError):
    """A required package is not installed; the message gives the command that installs it."""

    @classmethod
    def of(cls, user: str, package: str, extra: str) -> BackendMissing:
        """Return the error for a package of one of the extras in setup.cfg.

        The command in the message works in a clone of the repository; spikemem is not on PyPI.
        """
        return cls(
            f"{user} needs the package {package!r}, which is not installed: run "
            f'pip install ".[{extra}]" in the folder of spikemem that holds setup.cfg.'
        )


class VirtualRunError(SpikememError, RuntimeError):
    """A run on a virtual machine, which cannot return a recording."""


class SimulationError(SpikememError, RuntimeError):
    """A backend failed during a run; the session keeps its state from before that run."""


class StorageError(SpikememError, OSError):
    """A file that cannot be read or written, for example because it is damaged or too new."""


class SpikememWarning(UserWarning):
    """A result differs from what a user may expect; the message tells how."""


class Problems:
    """Collects problems, so that all of them are reported at once.

    Parameters
    ----------
    where : str
        Name of the checked object; the message begins with it.

    Examples
    --------
    >>> problems = Problems("LIF")
    >>> problems.add("tau_m must be > 0 ms, got -1.0")
    >>> problems.raise_if_any()
    Traceback (most recent call last):
    ...
    spikemem.errors.DescriptionError: LIF: tau_m must be > 0 ms, got -1.0
    """

    def __init__(self, where: str) -> None:
        self.where = where
        self.found: list[str] = []

    def add(self, problem: str) -> None:
        """Add one problem (one sentence)."""
        self.found.append(problem)

    def extend(self, problems: Iterable[str]) -> None:
        """Add several problems."""
        self.found.extend(problems)

    def collecting(self) -> _Collecting:
        """Return a context that catches a :class:`DescriptionError` and adds its problems."""
        return _Collecting(self)

    def raise_if_any(self) -> None:
        """Raise :class:`DescriptionError` with all problems, if there are any."""
        if len(self.found) == 1:
            raise DescriptionError(f"{self.where}: {self.found[0]}")
        if self.found:
            lines = "".join(f"\n  - {problem}" for problem in self.found)
            raise DescriptionError(f"{self.where}: {len(self.found)} problems:{lines}")


class _Collecting:
    """Context manager that :meth:`Problems.collecting` returns."""

    def __init__(self, problems: Problems) -> None:
        self.problems = problems

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> bool:
        if isinstance(error, DescriptionError):
            self.problems.extend(error.problems or [str(error)])
            return True
        return False


def shown(value: object) -> str:
    """Return any value as one short line of text.

    Examples
    --------
    >>> shown(list(range(1000)))
    '[0, 1, 2, 3, 4, 5, ...]'
    """
    return " ".join(_SHORT.repr(value).split())


class _Short(reprlib.Repr):
    """Shortens long values, and writes the type of a value that has no text."""

    def repr_instance(self, x: object, level: int) -> str:
        try:
            text = repr(x)
        except Exception:
            text = f"<{type(x).__name__}>"
        return text if len(text) <= self.maxother else f"{text[: self.maxother - 3]}..."


_SHORT = _Short()
_SHORT.maxother = _SHORT.maxstring = 80


def unknown_name(kind: str, name: object, valid: Iterable[str]) -> str:
    """Return a message about an unknown name: the valid names, and the nearest one.

    Examples
    --------
    >>> unknown_name("population", "CA4", ["CA3", "DG"])
    "'CA4' is not a population (have: CA3, DG). Did you mean 'CA3'?"
    """
    names = sorted(set(valid))
    have = ", ".join(names) if names else "none"
    article = "an" if kind[0] in "aeiou" else "a"
    text = f"{shown(name)} is not {article} {kind} (have: {have})."
    close = difflib.get_close_matches(name, names, n=1) if isinstance(name, str) else []
    return f"{text} Did you mean {close[0]!r}?" if close else text
