"""Memory: what would not fit into this computer is refused before any of it is taken."""

from __future__ import annotations

import contextlib
import functools
import os
from pathlib import Path

from .errors import DescriptionError

__all__ = ["available_memory", "lack_of_memory", "require_memory", "size_text"]

_SMALL = 2**26
"""Bytes below which the memory of the computer is not looked at."""


@functools.cache
def _physical() -> int:
    """Bytes of this computer's memory, or of the part that the container may use."""
    found = []
    with contextlib.suppress(AttributeError, OSError, ValueError):
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for name in ("memory.max", "memory/memory.limit_in_bytes"):
        try:
            found.append(int((Path("/sys/fs/cgroup") / name).read_text(encoding="ascii")))
        except (OSError, ValueError):
            continue
    return min(found, default=2**62)


def _left_of_limit() -> int:
    """Bytes that this process may still map (``ulimit -v``)."""
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
    """Bytes of memory that this process can have at most.

    That is the memory of the computer, or of its container, or what a limit of the process
    leaves; what other programs hold is not subtracted.
    """
    return min(_physical(), _left_of_limit())


def size_text(n_bytes: float) -> str:
    """Number of bytes in words.

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
    """Refuse what takes more memory than this computer has.

    Parameters
    ----------
    n_bytes : float
        Memory that it takes at least, bytes.
    what : str
        What takes it; the subject of the message.
    remedy : str
        What to do instead, a sentence.

    Raises
    ------
    DescriptionError
        It does not fit; the message has both numbers.
    """
    said = lack_of_memory(n_bytes, what)
    if said:
        raise DescriptionError(f"{said}. {remedy}")


def lack_of_memory(n_bytes: float, what: str) -> str | None:
    """Say that something does not fit into the memory of this computer; None if it does."""
    if n_bytes < _SMALL or n_bytes <= (available := available_memory()):
        return None
    return (
        f"{what} would take at least {size_text(n_bytes)} of memory, and this computer has "
        f"{size_text(available)}"
    )
