"""Schedules of rehearsal: how often earlier tasks or items are practised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from numpy.typing import NDArray

from .checks import Choice, Count, Quantity, check_fields, checked

__all__ = ["GANDHI", "RehearsalSchedule"]

GANDHI = """\
@misc{gandhi2024powerlaw,
  author = {Gandhi, Atith and Shah, Raj Sanjay and Marupudi, Vijay and Varma, Sashank},
  title = {{Natural Mitigation of Catastrophic Interference: Continual Learning in Power-Law
            Learning Environments}},
  year = {2024},
  eprint = {2401.10393},
  archivePrefix = {arXiv}
}"""
"""BibTeX of the power law of rehearsal."""

_KINDS = ("none", "uniform", "power", "exponential")


@dataclass(frozen=True, kw_only=True)
class RehearsalSchedule:
    """Probability that a task is practised, as a function of the phases since it was new.

    In phase t the task that was new in phase k is practised with the probability

    - ``"power"``: (t - k + 1) to the power of -`exponent`, normalised;
    - ``"exponential"``: exp(-`rate` (t - k)), normalised;
    - ``"uniform"``: 1 / (t + 1);
    - ``"none"``: 1 for the new task, 0 for the others.

    Source: Gandhi, Shah, Marupudi, Varma (2024), arXiv 2401.10393, for the power law and its
    exponential control.

    Parameters
    ----------
    kind : "power", "exponential", "uniform" or "none"
        The law.
    exponent : float > 0
        Exponent of the power law.
    rate : float > 0
        Rate of the exponential, per phase.

    Examples
    --------
    >>> RehearsalSchedule(kind="power").probabilities(2).round(3).tolist()
    [0.182, 0.273, 0.545]
    >>> RehearsalSchedule(kind="uniform").counts(3, 10).tolist()
    [3, 3, 2, 2]
    """

    kind: Annotated[str, Choice(*_KINDS, what="schedule")] = "power"
    exponent: Annotated[float, Quantity(above=0.0, high=100.0)] = 1.0
    rate: Annotated[float, Quantity(above=0.0, high=100.0)] = 1.0

    KINDS: ClassVar[tuple[str, ...]] = _KINDS
    bibtex: ClassVar[tuple[str, ...]] = (GANDHI,)

    def __post_init__(self) -> None:
        check_fields(self)

    @checked
    def probabilities(self, phase: Annotated[int, Count(low=0, high=10**6)]) -> NDArray[np.float64]:
        """Probability of every task in one phase; the last one is the new task.

        Parameters
        ----------
        phase : int
            Number of tasks before the new one.

        Returns
        -------
        float64 (phase + 1,)
            They add up to 1.
        """
        age = np.arange(phase, -1, -1, dtype=np.float64)
        if self.kind == "uniform":
            weights = np.ones(phase + 1)
        elif self.kind == "power":
            weights = (age + 1) ** -self.exponent
        elif self.kind == "exponential":
            weights = np.exp(-self.rate * age)
        else:
            weights = (age == 0).astype(np.float64)
        shares: NDArray[np.float64] = weights / weights.sum()
        return shares

    @checked
    def counts(
        self,
        phase: Annotated[int, Count(low=0, high=10**6)],
        n_samples: Annotated[int, Count(low=0, high=2**40)],
    ) -> NDArray[np.int64]:
        """Number of samples of every task in a phase of `n_samples` samples.

        Shares are rounded so that the counts add up to `n_samples`: those with the largest
        remainders get one more, earlier tasks first where remainders are equal.

        Returns
        -------
        int64 (phase + 1,)
        """
        return shares_of(n_samples, self.probabilities(phase))

    @checked
    def counts_of_old(
        self,
        phase: Annotated[int, Count(low=0, high=10**6)],
        n_samples: Annotated[int, Count(low=0, high=2**40)],
    ) -> NDArray[np.int64]:
        """Number of samples of every earlier task, if the new one has none of `n_samples`.

        Returns
        -------
        int64 (phase,)
            All 0 for ``"none"``.
        """
        old = self.probabilities(phase)[:-1]
        total = old.sum()
        return shares_of(n_samples, old / total) if total > 0 else np.zeros(phase, dtype=np.int64)


def shares_of(n: int, probabilities: NDArray[np.float64]) -> NDArray[np.int64]:
    """Divide `n` samples by probabilities with the method of largest remainders."""
    exact = n * probabilities
    counts = np.floor(exact).astype(np.int64)
    left = n - int(counts.sum())
    # Remainders that differ by rounding alone are equal.
    order = np.argsort(-np.round(exact - counts, 9), kind="stable")
    counts[order[:left]] += 1
    return counts
