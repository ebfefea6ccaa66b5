"""Material of the trials: distinct patterns, and incomplete patterns as cues."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ..checks import Count, Indices, Instance, Text, checked
from ..codes import Patterns, random_patterns
from ..errors import DescriptionError
from ..limits import require_memory
from ..streams import Seed, stream
from .subject import Probe, Task

__all__ = ["distinct_patterns", "fragment", "require_items"]


@checked
def distinct_patterns(
    n_items: Annotated[int, Count(low=0)],
    *,
    size: Annotated[int, Count()],
    active: Annotated[int, Count()],
    shared: Annotated[int, Count(low=0)] = 0,
    seed: Seed = 0,
    where: Annotated[str, Text()] = "distinct_patterns",
) -> Patterns:
    """Draw distinct patterns with `active` of `size` bits active, each equally likely.

    Parameters
    ----------
    n_items : int
        Number of patterns.
    size, active : int
        Number of bits, and number of active bits of each pattern.
    shared : int
        Number of active bits that all patterns have in common, in addition to chance overlap.
    seed : int or numpy.random.Generator
        Seed of the draw.
    where : str
        Beginning of error messages.

    Raises
    ------
    DescriptionError
        If there are fewer than `n_items` different patterns.

    Examples
    --------
    >>> len(set(distinct_patterns(6, size=4, active=2).to_sets()))
    6
    """
    if not shared <= active <= size:
        raise DescriptionError(
            f"{where}: active must be from shared={shared} to size={size}, got {active}."
        )
    free, own = size - shared, active - shared
    items = f"{n_items} items of {active} of {size} bits"
    require_memory(
        16.0 * size + 24.0 * n_items * active, f"{where}: {items}", "Draw fewer, or smaller ones."
    )
    there_are = _number_of_subsets(free, own, n_items)
    if there_are < n_items:
        raise DescriptionError(
            f"{where}: there are only {there_are} different items of {active} of {size} "
            f"bits with {shared} shared ones, got {n_items}; give more bits, or less overlap."
        )
    rng = stream(seed, "stress", "material")
    order = rng.permutation(size)
    core, rest = order[:shared], order[shared:]
    rows: dict[bytes, NDArray[np.int64]] = {}
    while len(rows) < n_items:
        for row in random_patterns(n_items - len(rows), size=free, active=own, seed=rng):
            rows.setdefault(row.tobytes(), np.sort(np.concatenate([core, rest[row]])))
    return Patterns(list(rows.values()), size=size)


def _number_of_subsets(n: int, k: int, enough: int) -> int:
    """Return the number of subsets of `k` of `n`; counting stops once it reaches `enough`."""
    found = 1
    for step in range(min(k, n - k)):
        found = found * (n - step) // (step + 1)
        if found >= enough:
            break
    return found


@checked
def fragment(
    content: Annotated[NDArray[np.integer[Any]], Indices()],
    probe: Annotated[Probe, Instance(Probe)],
    size: Annotated[int, Count()],
    rng: Annotated[np.random.Generator, Instance(np.random.Generator)],
) -> NDArray[np.int64]:
    """Return the active bits of a cue: the bits that remain of a pattern, and the wrong bits.

    The numbers of remaining bits and of wrong bits are rounded to the nearest whole number.

    Raises
    ------
    DescriptionError
        If there are more wrong bits than the pattern has silent bits.

    Examples
    --------
    >>> probe = Probe(0, cue_loss=0.5, wrong_bits=0.25)
    >>> bits = fragment(np.arange(8), probe, 20, np.random.default_rng(0))
    >>> bits.size, bits[bits < 8].size
    (6, 4)
    """
    require_memory(32.0 * size, f"stress: cues of {size} bits", "Take smaller ones.")
    kept = round(content.size * (1.0 - probe.cue_loss))
    wrong = round(content.size * probe.wrong_bits)
    bits = content if kept == content.size else rng.permutation(content)[:kept]
    if wrong:
        silent = np.setdiff1d(np.arange(size), content)
        if wrong > silent.size:
            raise DescriptionError(
                f"stress: wrong_bits={probe.wrong_bits:g} needs {wrong} silent bits of the item, "
                f"and there are {silent.size}."
            )
        bits = np.concatenate([bits, rng.choice(silent, wrong, replace=False)])
    return np.sort(bits).astype(np.int64)


@checked
def require_items(task: Annotated[Task, Instance(Task)], name: Annotated[str, Text()]) -> None:
    """Raise an error if a script names an item that its material does not have.

    Raises
    ------
    DescriptionError
        If an item is out of range. The message begins with `name`.
    """
    for event in task.script:
        others = [event.other] if isinstance(event, Probe) and event.question == "order" else []
        for item in (event.item, *others):
            if not 0 <= item < task.n_items:
                raise DescriptionError(
                    f"{name}: item must be from 0 to {task.n_items - 1} (n_items={task.n_items}), "
                    f"got {item}."
                )
