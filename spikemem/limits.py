"""Memory of this machine, and the refusal of sizes that would take more than there is."""

from __future__ import annotations

import os

from .errors import DescriptionError

__all__ = ["machine_memory", "require_memory"]

_GIB = 2.0**30


def machine_memory() -> float:
    """Memory of this machine, bytes; infinite where the system does not say."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES")) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return float("inf")


def require_memory(n_bytes: float, where: str, remedy: str) -> None:
    """Refuse what would take more memory than the machine has, before any is taken.

    Parameters
    ----------
    n_bytes : float
        Memory that would be taken, bytes.
    where : str
        Function and argument; begins the message.
    remedy : str
        What to do instead; a sentence.

    Raises
    ------
    DescriptionError
        The machine has less.

    Examples
    --------
    >>> require_memory(8e3, "tile: n", "Take fewer.")
    """
    have = machine_memory()
    if not n_bytes <= have:
        raise DescriptionError(
            f"{where} would take {n_bytes / _GIB:.3g} GiB of memory; this machine has "
            f"{have / _GIB:.3g} GiB. {remedy}"
        )
