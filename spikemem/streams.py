"""Named random streams: one for each purpose, independent of every other."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from .checks import SeedNumber
from .errors import DescriptionError, shown

__all__ = ["Seed", "own_seed", "stream"]

Seed = Annotated[int | np.random.Generator, SeedNumber()]
"""What every ``seed`` argument takes."""


def stream(seed: Seed, *name: str | int) -> np.random.Generator:
    """Random generator for one named purpose.

    The name's bytes enter the seed, so that a further stream changes no other one and the result
    is the same in every process.

    Parameters
    ----------
    seed : int >= 0 or numpy.random.Generator
        A generator is spawned from: it yields a new independent stream at each call.
    *name : str or int
        The purpose, from the general to the particular.

    Raises
    ------
    DescriptionError
        `seed` is neither, or a part of the name is neither a str nor an int.

    Examples
    --------
    >>> stream(0, "liquid", "weights").integers(100, size=3).tolist()
    [81, 29, 2]
    """
    if isinstance(seed, np.random.Generator):
        try:
            return seed.spawn(1)[0]
        except TypeError as error:
            raise DescriptionError(
                f"seed: this generator has no SeedSequence to spawn from, got {shown(seed)}; "
                f"make one with numpy.random.default_rng(seed)."
            ) from error
    number: int = SeedNumber().check(seed, "seed")
    for part in name:
        if not isinstance(part, str) and not _is_int(part):
            raise DescriptionError(f"stream: a name is made of str and int, got {shown(part)}.")
    key = "/".join(str(part) for part in name).encode(errors="surrogatepass")
    return np.random.default_rng(np.random.SeedSequence([number, *key]))


def own_seed(seed: Seed) -> int:
    """A seed that can be saved: the number itself, or one that is drawn from a generator."""
    if isinstance(seed, np.random.Generator):
        return int(stream(seed).integers(2**62))
    number: int = SeedNumber().check(seed, "seed")
    return number


def _is_int(value: Any) -> bool:
    return isinstance(value, int | np.integer)
