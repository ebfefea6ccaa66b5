"""Named random streams: one for each purpose, independent of all others."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np

from .checks import SeedNumber
from .errors import DescriptionError, shown

__all__ = ["Seed", "own_seed", "stream"]

Seed = Annotated[int | np.random.Generator, SeedNumber()]
"""Type of every ``seed`` argument."""


def stream(seed: Seed, *name: str | int) -> np.random.Generator:
    """Return the random generator for one named purpose.

    The bytes of the name are part of the seed. An additional stream therefore changes no other
    one, and the result is the same in every process.

    Parameters
    ----------
    seed : int >= 0 or numpy.random.Generator
        Seed. From a generator a new independent stream is spawned at each call.
    *name : str or int
        The purpose, from the general to the specific.

    Raises
    ------
    DescriptionError
        If `seed` is neither, or a part of the name is neither a str nor an int.

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
            raise DescriptionError(
                f"stream: a part of a name must be a str or an int, got {shown(part)}."
            )
    key = "/".join(str(part) for part in name).encode(errors="surrogatepass")
    return np.random.default_rng(np.random.SeedSequence([number, *key]))


def own_seed(seed: Seed) -> int:
    """Return a seed that can be saved: the number itself, or one drawn from the generator."""
    if isinstance(seed, np.random.Generator):
        return int(stream(seed).integers(2**62))
    number: int = SeedNumber().check(seed, "seed")
    return number


def _is_int(value: Any) -> bool:
    return isinstance(value, int | np.integer)
