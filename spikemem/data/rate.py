"""Rate coding: converts numbers to spikes."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..checks import Choice, Count, Quantities, checked
from ..errors import DescriptionError
from ..limits import require_memory
from ..streams import Seed, stream

__all__ = ["rate_code"]


@checked
def rate_code(
    values: Annotated[ArrayLike, Quantities("1", low=0.0, high=1.0)],
    n_steps: Annotated[int, Count()],
    *,
    most: Annotated[int, Count()] | None = None,
    method: Annotated[str, Choice("regular", "random")] = "regular",
    seed: Seed = 0,
) -> NDArray[np.bool_]:
    """Encode numbers from 0 to 1 as spike rates.

    Parameters
    ----------
    values : array_like of float, shape (n_samples, ...)
        Numbers from 0 to 1, such as the pixels of images.
    n_steps : int
        Number of time steps; a channel spikes at most once in a step.
    most : int, optional
        Number of spikes for the value 1, at most `n_steps`. Default: `n_steps`.
    method : {"regular", "random"}
        "regular" makes ``round(value * most)`` spikes at equal distances; "random" makes a spike
        with the probability ``value * most / n_steps`` in each step.
    seed : int or numpy.random.Generator
        Seed of the method "random".

    Returns
    -------
    ndarray of bool, shape (n_samples, n_steps, n_channels)

    Raises
    ------
    DescriptionError
        If values are out of range or have no samples, `most` is above `n_steps`, or the spikes do
        not fit into memory.

    Examples
    --------
    >>> rate_code([[0.0, 0.5, 1.0]], 4)[0].astype(int).tolist()
    [[0, 0, 1], [0, 1, 1], [0, 0, 1], [0, 1, 1]]
    """
    array: Any = values
    if array.ndim < 2 or not array.size:
        raise DescriptionError(
            f"rate_code: values must have shape (n_samples, n_channels), at least one of each, got "
            f"{array.shape}."
        )
    top = n_steps if most is None else most
    if top > n_steps:
        raise DescriptionError(f"rate_code: most must be at most n_steps={n_steps}, got {top}.")
    flat = array.reshape(len(array), -1)
    require_memory(16.0 * flat.size * n_steps, f"rate_code: {flat.size} values in {n_steps} steps",
                   "Convert fewer samples at once.")  # fmt: skip
    if method == "random":
        drawn = stream(seed, "data", "rate").random((len(flat), n_steps, flat.shape[1]))
        return np.asarray(drawn < flat[:, None, :] * (top / n_steps))
    counts = np.rint(flat * top).astype(np.int64)[:, None, :]
    step = np.arange(n_steps)[None, :, None]
    # The k-th of n spikes falls on the step that contains k n_steps / n.
    return np.asarray((step + 1) * counts // n_steps > step * counts // n_steps)
