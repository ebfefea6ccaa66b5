"""Exceptions: each message says where, what, what came, what is allowed, and the remedy."""

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
"""Largest number of problems of one value that a message names."""


class SpikememError(Exception):
    """Base of every exception that spikemem raises on purpose."""


class DescriptionError(SpikememError, ValueError):
    """A value, a model or a network that can't be what it claims to be.

    Attributes
    ----------
    problems : tuple of str
        The sentences of the message, where a single value has several things wrong with it.
    """

    problems: tuple[str, ...] = ()

    @classmethod
    def of(cls, problems: Sequence[str]) -> DescriptionError:
        """Error of one value with several problems; a caller's list names each of them."""
        if len(problems) > _MOST:
            problems = [*problems[:_MOST], f"... and {len(problems) - _MOST} more."]
        error = cls("; ".join(problems))
        error.problems = tuple(problems)
        return error


class CallError(DescriptionError, TypeError):
    """A call with an argument that the function does not have, or without one that it needs."""

    @classmethod
    def of_call(cls, where: str, problems: Sequence[str]) -> CallError:
        """Error of one call; `where` names the function."""
        lines = f" {problems[0]}" if len(problems) == 1 else "".join(f"\n  - {p}" for p in problems)
        return cls(f"{where}:{lines}")


class UnsupportedError(SpikememError, NotImplementedError):
    """A backend or target can't do what was asked; the message gives the reason."""


class BackendMissing(SpikememError, ImportError):
    """A package that a backend needs is not installed; the message gives the command."""

    @classmethod
    def of(cls, user: str, package: str, extra: str) -> BackendMissing:
        """Error for a package of one of the extras in setup.cfg.

        Its command works in a clone of the repository; nothing is on PyPI.
        """
        return cls(
            f"{user} needs the package {package!r}, which is not installed: run "
            f'pip install ".[{extra}]" in the folder of spikemem that holds setup.cfg.'
        )


class VirtualRunError(SpikememError, RuntimeError):
    """A recording was asked of a machine that is only virtual."""


class SimulationError(SpikememError, RuntimeError):
    """A backend failed in the middle of a run; the session is as it was before that run."""


class StorageError(SpikememError, OSError):
    """A file can't be read or written: damaged, foreign, newer, or no permission."""


class SpikememWarning(UserWarning):
    """A result that will differ from what one might expect; the message says in what."""


class Problems:
    """Collects what is wrong, so that everything is reported at once.

    Parameters
    ----------
    where : str
        What is being checked; it begins the message.

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
        """Note one problem (one sentence)."""
        self.found.append(problem)

    def extend(self, problems: Iterable[str]) -> None:
        """Note several problems."""
        self.found.extend(problems)

    def noting(self) -> _Noting:
        """Context that notes the :class:`DescriptionError` of a check, and goes on after it."""
        return _Noting(self)

    def raise_if_any(self) -> None:
        """Raise :class:`DescriptionError` with all problems, if there are any."""
        if len(self.found) == 1:
            raise DescriptionError(f"{self.where}: {self.found[0]}")
        if self.found:
            lines = "".join(f"\n  - {problem}" for problem in self.found)
            raise DescriptionError(f"{self.where}: {len(self.found)} problems:{lines}")


class _Noting:
    """What :meth:`Problems.noting` gives."""

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
    """Write any value on one short line.

    Examples
    --------
    >>> shown(list(range(1000)))
    '[0, 1, 2, 3, 4, 5, ...]'
    """
    return " ".join(_SHORT.repr(value).split())


class _Short(reprlib.Repr):
    """Long values shortened, and a thing that can't be written named by its type."""

    def repr_instance(self, x: object, level: int) -> str:
        try:
            text = repr(x)
        except Exception:
            text = f"<{type(x).__name__}>"
        return text if len(text) <= self.maxother else f"{text[: self.maxother - 3]}..."


_SHORT = _Short()
_SHORT.maxother = _SHORT.maxstring = 80


def unknown_name(kind: str, name: object, valid: Iterable[str]) -> str:
    """Say that a name is unknown, what is known, and the nearest match.

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
