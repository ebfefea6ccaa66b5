"""The multitasking network stores diluted patterns and recalls several at the same time."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ...checks import checked
from ...streams import Seed, stream
from .hopfield import PairwiseMemory
from .references import AGLIARI, AGLIARI_LEARNING
from .spins import Cells, Dynamics, Heat, Sweeps

__all__ = ["MultitaskingHebbian"]


class MultitaskingHebbian(PairwiseMemory):
    """Hebbian network on patterns with blank entries, which leave cells free for other patterns.

    Parameters
    ----------
    n_cells : int
        Number N of cells (spins).
    dynamics, temperature, max_sweeps
        As in :class:`HopfieldNetwork`.

    Raises
    ------
    DescriptionError
        If an argument is not valid.

    References
    ----------
    Agliari et al., Phys. Rev. Lett. 109, 268101 (2012); Agliari et al., arXiv 2308.04106 (2023).

    Examples
    --------
    >>> from spikemem.networks.reference import diluted_patterns
    >>> memory = MultitaskingHebbian(20_000).store(diluted_patterns(4, 20_000, 0.3, seed=0))
    >>> memory.overlaps(memory.recall(memory.hierarchical_state())).round(1).tolist()
    [[0.7, 0.2, 0.1, 0.0]]
    """

    blank: ClassVar[bool] = True
    bibtex: ClassVar[tuple[str, ...]] = (AGLIARI, AGLIARI_LEARNING)

    @checked
    def __init__(
        self,
        n_cells: Cells = 20_000,
        *,
        dynamics: Dynamics = "asynchronous",
        temperature: Heat = 0.0,
        max_sweeps: Sweeps = 100,
    ) -> None:
        super().__init__(n_cells, dynamics, temperature, max_sweeps)

    @checked
    def hierarchical_state(self, *, seed: Seed = 0) -> NDArray[np.int8]:
        """Return the state in which each cell follows the first pattern that is not blank there.

        Parameters
        ----------
        seed : int or numpy.random.Generator
            Seed of the random states of the cells at which every pattern is blank.

        Returns
        -------
        ndarray of int8, shape (n_cells,)
        """
        rng = stream(seed, "reference", "hierarchical state")
        state = np.zeros(self.n_cells, np.int8)
        for pattern in self.patterns:
            state = np.where(state == 0, pattern, state)
        free = rng.choice(np.array([-1, 1], np.int8), self.n_cells)
        return np.where(state == 0, free, state).astype(np.int8)
