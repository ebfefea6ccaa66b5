"""Answers of a memory to the probes of one trial, and the costs of the trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..codes import Patterns
from ..errors import DescriptionError

__all__ = ["Answers"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Answers:
    """Answers of one trial, one row for each probe of its script.

    Parameters
    ----------
    right, missing, extra : ndarray of int64, shape (n_probes,)
        Number of active bits of the stored item that the answer contains, number that it lacks,
        and number of active bits of the answer that the item does not have. An answer that is a
        label counts as one bit: right, or missing and extra.
    n_bits : int
        Number of bits of one item, active or not.
    exact : ndarray of bool, shape (n_probes,)
        Whether an answer is right as a whole. Default: no bit is missing and none is extra.
    familiarity : ndarray of float64, shape (n_probes,)
        Familiarity of the item; larger values mean more familiar. NaN where the probe does not ask
        for it.
    first : ndarray of bool, shape (n_probes,)
        For the question "order": whether the model judges that `item` came before `other`.
    costs : mapping of str to float
        Totals over the trial. They have the names of NeuroBench where it defines one: ``spikes``,
        ``synaptic_operations``, ``duration`` (ms of model time), ``operations`` (number of memory
        operations), ``energy`` (J), ``footprint`` (bytes), ``connection_sparsity``,
        ``activation_sparsity``. Costs that the run does not measure are left out.
    numbers : mapping of str to float
        Further measures of the whole trial, by name, such as the memory capacity of a liquid, the
        rank of its states, or the mean accuracy after the last task. Every experiment adds them
        to the measures of the trial.
    wanted, got : Patterns, optional
        Stored patterns and recalled patterns, one row for each probe. They are used for pictures.
    """

    right: NDArray[np.int64]
    missing: NDArray[np.int64]
    extra: NDArray[np.int64]
    n_bits: int
    exact: NDArray[np.bool_] = None  # type: ignore[assignment]
    familiarity: NDArray[np.float64] = None  # type: ignore[assignment]
    first: NDArray[np.bool_] = None  # type: ignore[assignment]
    costs: Mapping[str, float] = field(default_factory=dict)
    numbers: Mapping[str, float] = field(default_factory=dict)
    wanted: Patterns | None = None
    got: Patterns | None = None

    def __post_init__(self) -> None:
        n = len(self.right)
        if self.exact is None:
            object.__setattr__(self, "exact", (self.missing == 0) & (self.extra == 0))
        if self.familiarity is None:
            object.__setattr__(self, "familiarity", np.full(n, np.nan))
        if self.first is None:
            object.__setattr__(self, "first", np.zeros(n, np.bool_))
        names = ("missing", "extra", "exact", "familiarity", "first")
        wrong = [name for name in names if len(getattr(self, name)) != n]
        if wrong:
            raise DescriptionError(
                f"Answers: {', '.join(wrong)} must have {n} rows, one for each probe."
            )

    def __len__(self) -> int:
        return len(self.right)

    @classmethod
    def compared(cls, wanted: Patterns, got: Patterns, **rest: Any) -> Answers:
        """Compare stored and recalled patterns row by row, and count right and wrong bits.

        Examples
        --------
        >>> wanted, got = Patterns([{0, 1}, {2}], size=4), Patterns([{0, 3}, {2}], size=4)
        >>> answers = Answers.compared(wanted, got)
        >>> answers.right.tolist(), answers.extra.tolist(), answers.exact.tolist()
        ([1, 1], [1, 0], [False, True])
        """
        from ..pairing import Bits, paired

        pair = paired("Answers", Bits().check(wanted, "wanted"), Bits().check(got, "got"))
        right = np.asarray(pair.shared, np.int64)
        return cls(
            right=right,
            missing=wanted.counts - right,
            extra=got.counts - right,
            n_bits=wanted.size,
            **{"wanted": wanted, "got": got, **rest},
        )
