"""The quadratic penalty of elastic weight consolidation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["QuadraticPenalty"]

Tensors = dict[str, Any]
"""Tensors by the names of their parameters."""


class QuadraticPenalty:
    """Penalty on the distance from the weights after each task, weighted by Fisher information.

    The penalty is 1/2 sum_k sum_i F_ki (w_i - w_ki)^2, where F_k is the diagonal of the Fisher
    information of task k, and w_k are the weights after it. A sum of parabolas is a parabola, so
    that the sum of all F, the minimum and one constant describe it exactly, and the memory does not
    grow with the number of tasks. With ``decay`` below 1, older terms decay.

    Source: Kirkpatrick et al. (2017), PNAS 114, 3521-3526, equation 3; for the decay, Schwarz et
    al. (2018), Progress & Compress, ICML, equation 9.
    """

    def __init__(self, decay: float = 1.0) -> None:
        self.decay = decay
        self.fisher: Tensors = {}
        self.centre: Tensors = {}
        self.constant = 0.0

    @property
    def n_bytes(self) -> int:
        """Number of bytes of the Fisher information and the minimum."""
        return sum(_bytes(t) for part in (self.fisher, self.centre) for t in part.values())

    def add(self, fisher: Mapping[str, Any], weights: Mapping[str, Any]) -> None:
        """Add the term of one task, also for weights that had no term before."""
        if self.decay != 1.0:
            self.fisher = {name: self.decay * value for name, value in self.fisher.items()}
            self.constant *= self.decay
        for name, new in fisher.items():
            here = weights[name].detach()
            if name not in self.fisher:
                self.fisher[name] = new.detach().clone()
                self.centre[name] = here.clone()
                continue
            self._grow(name, here)
            total = self.fisher[name] + new
            share = (new / total.clamp_min(_TINY)).where(total > 0, new.new_zeros(()))
            gap = here - self.centre[name]
            # Two parabolas sum to a parabola around their weighted mean, plus a constant.
            self.constant += 0.5 * float((self.fisher[name] * share * gap**2).double().sum())
            self.centre[name] = self.centre[name] + share * gap
            self.fisher[name] = total

    def _grow(self, name: str, weights: Any) -> None:
        """Add rows for weights that are newer than the last term, with zero Fisher information."""
        more = weights[len(self.fisher[name]) :]
        if len(more):
            for part, filled in (
                (self.fisher, weights.new_zeros(weights.shape)),
                (self.centre, weights.clone()),
            ):
                filled[: len(part[name])] = part[name]
                part[name] = filled

    def value(self, weights: Mapping[str, Any]) -> float:
        """Return the penalty at some weights."""
        total = self.constant
        for name, fisher in self.fisher.items():
            gap = weights[name].detach()[: len(fisher)] - self.centre[name]
            total += 0.5 * float((fisher * gap**2).double().sum())
        return total

    def gradient(
        self, weights: Mapping[str, Any], *, strength: float = 1.0, most: float = float("inf")
    ) -> Tensors:
        """Return the gradient of `strength` times the penalty, for parameters that have a term.

        The factor of a distance, `strength` times the Fisher information, is limited to `most`.
        Rows of weights that are newer than the penalty have no entry.
        """
        return {
            name: (strength * fisher).clamp_max(most)
            * (weights[name].detach()[: len(fisher)] - self.centre[name])
            for name, fisher in self.fisher.items()
        }


_TINY = 1e-38


def _bytes(tensor: Any) -> int:
    return int(tensor.numel() * tensor.element_size())
