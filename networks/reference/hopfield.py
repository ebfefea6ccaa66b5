"""The Hopfield network: pairwise couplings by Hebb's rule."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from ...checks import checked
from ...limits import require_memory
from .references import AMIT, BOGACZ, HOPFIELD, MCELIECE
from .spins import Cells, Dynamics, Heat, Slope, SpinMemory, Sweeps

__all__ = ["HopfieldNetwork", "PairwiseMemory"]


class PairwiseMemory(SpinMemory):
    """Base of the memories with H = -(1/2N) sum over mu and i != j of xi_i xi_j s_i s_j."""

    def slope(self) -> Slope:
        """Return the identity: the field is the sum over mu of xi_i (z_mu - xi_i s_i)/N."""
        n = self.n_cells
        return Slope(np.arange(-n, n + 1, dtype=np.float64), False, 1.0 / n)

    def _energy(self, products: NDArray[np.float64]) -> NDArray[np.float64]:
        own = np.count_nonzero(self.patterns)  # the terms with i = j are left out
        energy: NDArray[np.float64] = -(np.square(products).sum(axis=1) - own) / (2 * self.n_cells)
        return energy

    def weights(self) -> NDArray[np.float64]:
        """Return the couplings J_ij = (1/N) sum over mu of xi_i xi_j, with 0 on the diagonal.

        Returns
        -------
        ndarray of float64, shape (n_cells, n_cells)

        Raises
        ------
        DescriptionError
            If the matrix does not fit into the computer's memory. A recall does not need it.
        """
        require_memory(16.0 * self.n_cells**2,
                       f"{type(self).__name__}.weights: couplings of {self.n_cells} cells",
                       "A recall does not need them.")  # fmt: skip
        rows = self.patterns.astype(np.float64)
        weights: NDArray[np.float64] = rows.T @ rows / self.n_cells
        np.fill_diagonal(weights, 0.0)
        return weights


class HopfieldNetwork(PairwiseMemory):
    """Hopfield network: stores patterns of -1 and 1 in the couplings of all pairs of cells.

    The memory keeps the patterns, and computes the fields from their overlaps with the state, in
    integers. The dynamics are the same as with the matrix of couplings.

    Parameters
    ----------
    n_cells : int
        Number N of cells (spins).
    dynamics : {"asynchronous", "synchronous"}
        Whether the cells are updated one after another in random order, or all at once.
    temperature : float
        At 0 each cell follows its field. Above 0 the cells follow Glauber dynamics at this
        temperature T. Patterns are never stable at T = 1 or above.
    max_sweeps : int
        Largest number of updates of each cell.

    Raises
    ------
    DescriptionError
        If an argument is not valid.

    References
    ----------
    Hopfield, PNAS 79, 2554 (1982); Amit, Gutfreund, Sompolinsky, Phys. Rev. Lett. 55, 1530 (1985).

    Examples
    --------
    >>> import numpy as np
    >>> patterns = np.random.default_rng(0).choice([-1, 1], (5, 100))
    >>> memory = HopfieldNetwork(100).store(patterns)
    >>> cue = patterns[2].copy()
    >>> cue[:20] *= -1
    >>> bool((memory.recall(cue) == patterns[2]).all())
    True
    """

    bibtex: ClassVar[tuple[str, ...]] = (HOPFIELD, AMIT, MCELIECE, BOGACZ)

    @checked
    def __init__(
        self,
        n_cells: Cells = 1000,
        *,
        dynamics: Dynamics = "asynchronous",
        temperature: Heat = 0.0,
        max_sweeps: Sweeps = 100,
    ) -> None:
        super().__init__(n_cells, dynamics, temperature, max_sweeps)
