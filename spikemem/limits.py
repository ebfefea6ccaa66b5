"""Checks that data fit into the memory of this computer, before memory is allocated."""

from __future__ import annotations

import contextlib
import functools
import os
from pathlib import Path

from .errors import DescriptionError

__all__ = ["available_memory", "lack_of_memory", "require_memory", "size_text"]

_SMALL = 2**26
"""Size below which the memory of the computer is not checked, bytes."""


@functools.cache
def _physical() -> int:
    """Return the memory of this computer or of its container, bytes."""
    sizes = []
    with contextlib.suppress(AttributeError, OSError, ValueError):
        sizes.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            sizes.append(int((Path("/sys/fs/cgroup") / name).read_text(encoding="ascii")))
        except (OSError, ValueError):
            continue
    return min(sizes, default=2**62)


def _left_of_limit() -> int:
    """Return the bytes that this process can still map (``ulimit -v``)."""
    try:
        import resource

        soft = resource.getrlimit(resource.RLIMIT_AS)[0]
        if soft == resource.RLIM_INFINITY:
            return 2**62
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        return max(soft - pages * os.sysconf("SC_PAGE_SIZE"), 0)
    except (ImportError, OSError, ValueError):
        return 2**62


def available_memory() -> int:
    """Return the largest amount of memory that this process can have, bytes.

    It is limited by the memory of the computer, by its container and by the limit of the process.
    Memory that other programs hold is not subtracted.
    """
    return min(_physical(), _left_of_limit())


def size_text(n_bytes: float) -> str:
    """Return a number of bytes as text with a unit.

    Examples
    --------
    >>> size_text(3 * 2**30), size_text(1500)
    ('3 GiB', '1.46 KiB')
    """
    value = float(n_bytes)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB", "PiB"):
        if value < 1024:
            return f"{value:.3g} {unit}"
        value /= 1024
    return f"{value:.3g} EiB"


def require_memory(n_bytes: float, what: str, remedy: str) -> None:
    """Raise an error if something takes more memory than this computer has.

    Parameters
    ----------
    n_bytes : float
        Memory that is needed at least, bytes.
    what : str
        What takes the memory; the subject of the message.
    remedy : str
        What to do instead, a sentence.

    Raises
    ------
    DescriptionError
        If it does not fit. The message has both numbers.
    """
    problem = lack_of_memory(n_bytes, what)
    if problem:
        raise DescriptionError(f"{problem}. {remedy}")


def lack_of_memory(n_bytes: float, what: str) -> str | None:
    """Return a message if something does not fit into the memory of this computer, or None."""
    if n_bytes < _SMALL or n_bytes <= (available := available_memory()):
        return None
    return (
        f"{what} would take at least {size_text(n_bytes)} of memory, and this computer has "
        f"{size_text(available)}"
    )
