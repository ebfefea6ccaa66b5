"""Dense associative memory, whose energy grows faster than the square of an overlap."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...checks import Count, Kind, checked
from ...errors import DescriptionError, shown
from ...limits import require_memory
from .references import DEMIRCIGIL, DENSE_HEBBIAN, HOPFIELD, KROTOV
from .spins import Cells, Dynamics, Heat, Slope, SpinMemory, Sweeps

__all__ = ["DenseAssociativeMemory", "Power", "PowerKind"]

_LARGEST = 100  # N^(p - 1) stays within the range of a float below N = 900,000.


@dataclass(frozen=True)
class PowerKind(Kind):
    """Power of an energy: a whole number of at least 2, or "exp"."""

    def check(self, value: Any, where: str) -> int | str:
        """Return an int or "exp"."""
        if isinstance(value, str):
            if value == "exp":
                return "exp"
            raise DescriptionError(f'{where} must be a whole number or "exp", got {shown(value)}.')
        return Count(low=2, high=_LARGEST).check(value, where)


Power = Annotated[Any, PowerKind()]
"""Declared kind of the argument ``p``."""


class DenseAssociativeMemory(SpinMemory):
    """Dense associative memory: E = -sum over mu of F(xi_mu · s), F(z) = z^p or exp(z).

    A cell becomes +1 if the energy is smaller with the cell at +1 than at -1. The overlaps leave
    out the terms of the cell itself.

    Parameters
    ----------
    n_cells : int
        Number N of cells (spins).
    p : int or "exp"
        Power of the energy, from 2 (the Hopfield network) to 100, or the exponential form. The
        exponential form is computed with logarithms and cannot overflow.
    dynamics : {"asynchronous", "synchronous"}
        Whether the cells are updated one after another in random order, or all at once.
    temperature : float
        At 0 each cell follows its field. Above 0 the cells follow Glauber dynamics in the energy
        -(N/p) sum over mu of (z_mu/N)^p, or -ln(sum over mu of exp z_mu).
    max_sweeps : int
        Largest number of updates of each cell.

    Raises
    ------
    DescriptionError
        If an argument is not valid.

    References
    ----------
    Krotov, Hopfield, NeurIPS 29 (2016); Demircigil et al., J. Stat. Phys. 168, 288 (2017).

    Examples
    --------
    >>> import numpy as np
    >>> patterns = np.random.default_rng(0).choice([-1, 1], (500, 40))
    >>> memory = DenseAssociativeMemory(40, p="exp").store(patterns)
    >>> cues = patterns.copy()
    >>> cues[:, :4] *= -1
    >>> bool((memory.recall(cues) == patterns).all())
    True
    """

    bibtex: ClassVar[tuple[str, ...]] = (KROTOV, DEMIRCIGIL, DENSE_HEBBIAN, HOPFIELD)

    @checked
    def __init__(
        self,
        n_cells: Cells = 100,
        *,
        p: Power = 3,
        dynamics: Dynamics = "asynchronous",
        temperature: Heat = 0.0,
        max_sweeps: Sweeps = 100,
    ) -> None:
        super().__init__(n_cells, dynamics, temperature, max_sweeps)
        self.p = p

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return super().arguments() | {"p": self.p}

    def slope(self) -> Slope:
        """Return a table of F(r + 1) - F(r - 1). Values below 2^53 are exact."""
        n, p = self.n_cells, self.p
        if p == "exp":
            return Slope(np.exp(-np.arange(2 * n + 3, dtype=np.float64)), True, 1.0)
        digits = p * math.log2(n + 1) / 8
        require_memory(2.0 * n * (100.0 + 2.0 * digits),
                       f"DenseAssociativeMemory: the table for n_cells={n} and p={p}",
                       "Use fewer cells.")  # fmt: skip
        # Half of the difference, in whole numbers. Dividing by a power of two keeps it in range.
        half = [((r + 1) ** p - (r - 1) ** p) // 2 for r in range(-n, n + 1)]
        shift = 1 << max(max(half).bit_length() - 900, 0)
        table = np.array([value / shift for value in half], dtype=np.float64)
        unit = float(shift / (p * n ** (p - 1)))
        return Slope(table, False, unit)

    def _energy(self, products: NDArray[np.float64]) -> NDArray[np.float64]:
        if self.p == "exp":
            largest = products.max(axis=1, initial=-np.inf)
            rest = np.exp(products - largest[:, None]).sum(axis=1)
            with np.errstate(divide="ignore"):
                return np.asarray(-(largest + np.log(rest)))
        terms = (products / self.n_cells) ** self.p
        return np.asarray(-terms.sum(axis=1) * self.n_cells / self.p)
