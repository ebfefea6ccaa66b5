"""Subspaces of the activity of earlier tasks, from Hebbian lateral connections or an SVD."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray

from ...checks import Count, Flag, MappingOf, Text, checked
from ...errors import DescriptionError, StorageError
from ...frozen import Changing
from ...limits import require_memory
from ...streams import Seed, own_seed, stream
from .arrays import Rows
from .parameters import SubspaceRule
from .references import SAHA, XIAO

__all__ = ["SVDSubspace", "Subspace"]

Tensor = torch.Tensor
_DTYPES = {"float32": torch.float32, "float64": torch.float64}


class Subspace(Changing):
    """Rows H that span earlier activity; new rows learn the residual of the frozen ones.

    A task starts with :meth:`grow`. :meth:`update` learns from each mini-batch. At the end,
    :meth:`freeze` makes the new rows orthonormal to the old ones. :meth:`project` removes the
    components along the frozen rows from traces or gradients.

    Parameters
    ----------
    size : int
        Number of dimensions n of the activity.
    rule : SubspaceRule, optional
        Learning rule of new rows. Default: ``SubspaceRule()``.
    dtype : {"float32", "float64"}
        Precision of the rows.
    seed : int or numpy.random.Generator
        Seed of the initial values of new rows.

    Attributes
    ----------
    blocks : tuple of int
        Number of frozen rows of each task, in order.

    References
    ----------
    Xiao et al., ICLR 2024; E. Oja, "Neural networks, principal components, and subspaces",
    International Journal of Neural Systems 1 (1989) 61-68.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> x = rng.normal(size=(4000, 6)) * [3, 2, 0.1, 0.1, 0.1, 0.1]
    >>> subspace = Subspace(6, seed=0).grow(2)
    >>> for k in range(0, 4000, 20):
    ...     subspace.update(x[k:k + 20])
    >>> bool(subspace.freeze().energy(x) > 0.99)
    True
    >>> bool(abs(subspace.project(np.array([[1.0, 1, 0, 0, 0, 0]]))).max() < 0.1)
    True
    """

    bibtex: ClassVar[tuple[str, ...]] = (XIAO,)

    @checked
    def __init__(
        self,
        size: Annotated[int, Count(high=10**6)],
        rule: SubspaceRule | None = None,
        *,
        dtype: Literal["float32", "float64"] = "float32",
        seed: Seed = 0,
    ) -> None:
        self.size, self.dtype = size, dtype
        self.rule = SubspaceRule() if rule is None else rule
        self.seed = own_seed(seed)
        self.blocks: tuple[int, ...] = ()
        self._frozen = torch.zeros((0, size), dtype=_DTYPES[dtype])
        self._new = self._frozen.clone()
        self._moving = self._new.clone()

    def __repr__(self) -> str:
        new = f", {self.n_new} new" if self.n_new else ""
        return f"{type(self).__name__}({self.n_frozen} of {self.size} dimensions{new})"

    @property
    def n_frozen(self) -> int:
        """Number of frozen rows, which no longer learn."""
        return int(self._frozen.shape[0])

    @property
    def n_new(self) -> int:
        """Number of new rows, which learn."""
        return int(self._new.shape[0])

    @property
    def tensors(self) -> Tensor:
        """Frozen rows as a tensor."""
        return self._frozen

    @property
    def rows(self) -> NDArray[Any]:
        """All rows, frozen ones first, shape (n_frozen + n_new, size)."""
        return torch.cat([self._frozen, self._new]).numpy()

    @property
    def projector(self) -> NDArray[Any]:
        """Projector onto the complement of the frozen rows, shape (size, size)."""
        return self.residual(torch.eye(self.size, dtype=self._frozen.dtype)).numpy()

    @checked
    def grow(self, n: Annotated[int, Count(low=0)]) -> Self:
        """Add `n` new rows, which are random and orthonormal to each other.

        Raises
        ------
        DescriptionError
            If there are more rows than dimensions, or the rows of the last task are not frozen yet.
        """
        if self.n_new:
            raise DescriptionError(
                f"{type(self).__name__}.grow: {self.n_new} rows still learn; call freeze first."
            )
        if self.n_frozen + n > self.size:
            raise DescriptionError(
                f"{type(self).__name__}.grow: {self.n_frozen + n} rows ({self.n_frozen} frozen and "
                f"{n} new) are more than the {self.size} dimensions of the activity; use smaller "
                f"ranks."
            )
        rng = stream(self.seed, "hlop", "rows", len(self.blocks))
        drawn = np.linalg.qr(rng.normal(size=(self.size, n)))[0].T
        self._new = torch.tensor(np.ascontiguousarray(drawn), dtype=self._frozen.dtype)
        self._moving = torch.zeros_like(self._new)
        return self

    @checked
    def update(self, traces: Rows) -> None:
        """Train the new rows on activity, an array or tensor of shape (n_samples, size).

        Raises
        ------
        DescriptionError
            If the activity has another size, or is not finite.
        """
        rows = self._taken(traces, "update: traces")
        if len(rows) and self.n_new:
            self.learn(rows, self.residual(rows))

    def learn(self, traces: Tensor, residual: Tensor) -> None:
        """Train as :meth:`update`, on a tensor with its residual, without checks."""
        rule, n = self.rule, len(traces)
        if not n or not self.n_new:
            return
        # With many samples, it is faster to iterate on their covariance.
        if rule.lateral == "linear" and n > 2 * self.size:
            self.learn_covariance(traces.T @ traces / n)
            return
        for _ in range(rule.iterations):
            answer = self._lateral(traces @ self._new.T)
            self._climb(answer.T @ torch.addmm(residual, answer, self._new, alpha=-1.0) / n)

    def learn_covariance(self, own: Tensor) -> None:
        """Train as :meth:`learn`, on the covariance ``own = X' X / n``; needs linear neurons."""
        if not self.n_new:
            return
        both = self.residual(own)
        for _ in range(self.rule.iterations):
            seen = self._new @ own
            self._climb(self._new @ both - (seen @ self._new.T) @ self._new)

    def _climb(self, change: Tensor) -> None:
        rule = self.rule
        change.clamp_(-rule.clip, rule.clip)
        self._moving.lerp_(change, 1.0 - rule.momentum)
        self._new.add_(self._moving, alpha=rule.learning_rate)

    def _lateral(self, answer: Tensor) -> Tensor:
        """Return the responses of the lateral neurons."""
        rule = self.rule
        if rule.lateral == "linear":
            return answer
        step = rule.scale / rule.levels
        return answer.clamp(-rule.scale, rule.scale).div_(step).round_().mul_(step)

    def residual(self, traces: Tensor) -> Tensor:
        """Project as :meth:`project`, a tensor of this precision, without checks."""
        if not self.n_frozen:
            return traces
        answer = self._lateral(traces @ self._frozen.T)
        return torch.addmm(traces, answer, self._frozen, alpha=-1.0)

    @checked
    def project(self, rows: Rows) -> Any:
        """Remove the components along the frozen rows from traces or rows of a gradient.

        Parameters
        ----------
        rows : array or tensor, shape (n, size)
            Rows to project; they do not change.

        Returns
        -------
        array or tensor
            Projected rows, of the same kind, shape and precision.

        Raises
        ------
        DescriptionError
            If the rows have another size, or are not finite.
        """
        left = self.residual(self._taken(rows, "project: rows"))
        if isinstance(rows, Tensor):
            return left.to(rows.dtype) if left is not rows else left.clone()
        return left.numpy().astype(np.result_type(np.asarray(rows).dtype, np.float32))

    def project_factors(self, delta: Tensor, trace: Tensor) -> tuple[Tensor, Tensor]:
        """Return factors of the projected gradient ``delta.T @ trace``, computed the faster way."""
        if not self.n_frozen:
            return delta, trace
        if self.rule.lateral == "linear" and delta.shape[1] < len(delta):
            eye = torch.eye(delta.shape[1], dtype=delta.dtype)
            return eye, self.residual(delta.T @ trace)
        return delta, self.residual(trace)

    @checked
    def freeze(self, exact: Annotated[bool, Flag()] = True) -> Self:
        """End a task: the new rows stop learning.

        Parameters
        ----------
        exact : bool
            Whether the new rows are made orthonormal to the old ones and to each other, by a QR
            decomposition, so that :attr:`projector` is a projector. False keeps them as learnt.
        """
        if self.n_new:
            new = self._basis() if exact else self._new
            self.blocks += (self.n_new,)
            self._frozen = torch.cat([self._frozen, new])
        self._new = self._frozen[:0].clone()
        self._moving = self._new.clone()
        return self

    def _basis(self) -> Tensor:
        both = torch.cat([self._frozen, self._new]).to(torch.float64)
        basis: Tensor = torch.linalg.qr(both.T)[0].T
        return basis[self.n_frozen :].to(self._frozen.dtype).contiguous()

    @checked
    def energy(self, traces: Rows) -> float:
        """Return the fraction of the energy of activity that all rows capture, 0 to 1.

        Rows that are not frozen yet are only nearly orthonormal.

        Raises
        ------
        DescriptionError
            If the activity has another size, or is not finite.
        """
        activity = self._taken(traces, "energy: traces").to(torch.float64)
        rows = torch.cat([self._frozen, self._new]).to(torch.float64)
        total = float((activity**2).sum())
        return float(((activity @ rows.T) ** 2).sum()) / total if total else math.nan

    def _taken(self, value: Any, what: str) -> Tensor:
        """Return rows as a tensor of this precision."""
        if value.shape[1] != self.size:
            raise DescriptionError(
                f"{type(self).__name__}.{what} must have {self.size} columns, got shape "
                f"{tuple(value.shape)}."
            )
        if isinstance(value, Tensor):
            return value.detach().to(self._frozen.dtype)
        return torch.tensor(value.astype(self.dtype))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the state as named arrays, including new rows and their momentum."""
        return {
            "frozen": self._frozen.numpy().copy(),
            "blocks": np.array(self.blocks, dtype=np.int64),
            "new": self._new.numpy().copy(),
            "moving": self._moving.numpy().copy(),
        }

    @checked
    def restore(self, arrays: Annotated[Mapping[str, NDArray[Any]], MappingOf(Text())]) -> None:
        """Restore a state from :meth:`arrays`.

        Raises
        ------
        StorageError
            If arrays are missing, or belong to a subspace of another size.
        """
        restored = {}
        for name in ("frozen", "new", "moving"):
            array: Any = arrays.get(name)
            if not _is_matrix(array, self.size):
                raise StorageError(f"{name} must have {self.size} columns")
            if not np.isfinite(array).all():
                raise StorageError(f"{name} must be finite")
            restored[name] = torch.tensor(array.astype(self.dtype))
        blocks: Any = arrays.get("blocks")
        n_frozen, n_new = len(restored["frozen"]), len(restored["new"])
        is_list = isinstance(blocks, np.ndarray) and blocks.ndim == 1 and blocks.dtype.kind in "iu"
        if not is_list or not (blocks > 0).all() or blocks.sum() != n_frozen:
            raise StorageError("blocks must sum to the number of frozen rows")
        if n_frozen + n_new > self.size or len(restored["moving"]) != n_new:
            raise StorageError("its numbers of rows do not match")
        self.blocks = tuple(int(n) for n in blocks)
        self._frozen, self._new, self._moving = (
            restored["frozen"],
            restored["new"],
            restored["moving"],
        )


def _is_matrix(array: Any, width: int) -> bool:
    is_array = isinstance(array, np.ndarray) and array.dtype.kind == "f"
    return is_array and array.ndim == 2 and array.shape[1] == width


class SVDSubspace(Subspace):
    """Subspace from a singular value decomposition, as in gradient projection memory.

    It has the methods of :class:`Subspace`. :meth:`update` stores the latest `samples` of a task,
    and :meth:`freeze` selects the directions in which their residual is largest.

    Parameters
    ----------
    size, rule, dtype, seed
        As in :class:`Subspace`.
    samples : int
        Number of samples of a task that are stored until :meth:`freeze`.

    References
    ----------
    Saha, Garg, Roy, "Gradient projection memory for continual learning", ICLR 2021. In the paper,
    the number of rows follows from a threshold of the energy; here, :meth:`grow` sets it.
    """

    bibtex: ClassVar[tuple[str, ...]] = (SAHA,)

    @checked
    def __init__(
        self,
        size: Annotated[int, Count(high=10**6)],
        rule: SubspaceRule | None = None,
        *,
        samples: Annotated[int, Count()] = 1000,
        dtype: Literal["float32", "float64"] = "float32",
        seed: Seed = 0,
    ) -> None:
        super().__init__(size, rule, dtype=dtype, seed=seed)
        require_memory(8.0 * samples * size, "SVDSubspace: its samples", "Use fewer samples.")
        self.samples = samples
        self._kept = self._frozen.clone()

    def learn(self, traces: Tensor, residual: Tensor) -> None:
        """Store activity, limited to the latest samples."""
        if self.n_new:
            self._kept = torch.cat([self._kept, traces])[-self.samples :].clone()

    def _basis(self) -> Tensor:
        kept = self._kept.to(torch.float64)
        frozen = self._frozen.to(torch.float64)
        left = kept - (kept @ frozen.T) @ frozen
        directions = torch.linalg.eigh(left.T @ left)[1]
        new = directions.flip(1)[:, : self.n_new].T
        self._new = new.to(self._new.dtype)
        return super()._basis()

    @checked
    def freeze(self, exact: Annotated[bool, Flag()] = True) -> Self:
        """End a task: select the directions of largest residual, and drop the stored samples.

        Parameters
        ----------
        exact : bool
            No effect, since singular vectors are orthonormal.
        """
        super().freeze()
        self._kept = self._frozen[:0].clone()
        return self

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the state as named arrays, including the stored samples."""
        return super().arrays() | {"kept": self._kept.numpy().copy()}

    @checked
    def restore(self, arrays: Annotated[Mapping[str, NDArray[Any]], MappingOf(Text())]) -> None:
        """Restore a state from :meth:`arrays`."""
        super().restore(arrays)
        kept: Any = arrays.get("kept")
        if not _is_matrix(kept, self.size):
            raise StorageError(f"kept must have {self.size} columns")
        self._kept = torch.tensor(kept.astype(self.dtype))
