"""Named random streams: one for each purpose, independent of every other."""

from __future__ import annotations

import numpy as np

from .errors import DescriptionError

__all__ = ["Seed", "stream"]

Seed = int | np.random.Generator
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
        `seed` is neither.

    Examples
    --------
    >>> stream(0, "liquid", "weights").integers(100, size=3).tolist()
    [52, 95, 21]
    """
    if isinstance(seed, np.random.Generator):
        return seed.spawn(1)[0]
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or seed < 0:
        raise DescriptionError(
            f"seed must be an int >= 0 or a numpy.random.Generator, got {seed!r}."
        )
    key = "/".join(str(part) for part in name).encode()
    return np.random.default_rng(np.random.SeedSequence([int(seed), *key]))
