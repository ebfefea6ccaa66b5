"""Contrastive projection of two modalities into one space, and retrieval across modalities."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from ...checks import Choice, Count, Flag, Quantity, checked
from ...errors import DescriptionError, Problems, StorageError
from ...limits import require_memory
from ...models import Stored, StoredModel
from ...progress import Progress, progress_callback
from ...streams import Seed, own_seed, stream
from .arrays import Features, Labels
from .contrastive import Head, TrainingOptions, train_heads
from .references import LIN

__all__ = ["ContrastiveProjection", "RetrievalAccuracy"]

Modality = Annotated[Literal["a", "b"], Choice("a", "b")]
Loss = Annotated[Literal["infonce", "soft"], Choice("infonce", "soft")]
Positive = Annotated[float, Quantity(above=0.0)]


class RetrievalAccuracy(NamedTuple):
    """Fraction of queries whose nearest neighbour in the other modality has the same label."""

    a_to_b: float
    b_to_a: float
    chance: float
    """Accuracy of randomly drawn neighbours, the mean of both directions."""


class ContrastiveProjection(StoredModel):
    """Two heads that project two modalities into one space, where paired samples are close.

    Each head is a linear layer with a GELU, applied to standardised features. Both are trained
    together with the symmetric InfoNCE loss on the cosines ``s`` of the projections of a batch,

    ``L = -(1 / 2B) sum_ij t_ij (log softmax_j(s_ij / temperature) + log softmax_i(s_ij / ...))``,

    where ``t_ij`` is the same for all samples ``j`` with the label of ``i`` and sums to 1; without
    labels it is 1 for the pair itself. Only the training needs PyTorch (extra ``learn``).

    Parameters
    ----------
    dim : int
        Number of dimensions of the space.
    temperature : float
        Divisor of the similarities; small values weight the nearest neighbours most.
    epochs, batch : int
        Number of passes through the pairs, and of pairs in a batch.
    learning_rate : float
        Learning rate of Adam.
    loss : {"infonce", "soft"}
        "soft" is the loss of a widespread CLIP tutorial, which the paper seems to use: products
        without normalisation, and soft targets from the products within each modality. It exists
        for comparison. Its retrieval is worse, because a few long vectors (hubs) are the nearest
        neighbours of many others.
    project_b : bool
        False uses the features of `b` directly as points of the space, for example vectors of
        attributes; `b` must then have `dim` features.
    seed : int or numpy.random.Generator
        Seed of the initial weights and the order of the pairs. On one computer, the same seed gives
        the same weights for any number of threads of PyTorch.

    Attributes
    ----------
    history : ndarray of float64, shape (epochs,)
        Mean loss of each epoch.

    Examples
    --------
    >>> x = np.eye(4)  # four objects, seen by two sensors that number their channels differently
    >>> projection = ContrastiveProjection(dim=8, epochs=200).fit(x, x[:, ::-1])
    >>> projection.retrieve(x, x[:, ::-1]).ravel().tolist()
    [0, 1, 2, 3]

    References
    ----------
    N. Lin et al., Nature Computational Science 5 (2025) 37-47, arXiv 2307.00771. A. van den Oord
    et al., "Representation learning with contrastive predictive coding", arXiv 1807.03748 (2018).
    A. Radford et al., "Learning transferable visual models from natural language supervision",
    ICML (2021). P. Khosla et al., "Supervised contrastive learning", NeurIPS (2020).
    """

    bibtex = (LIN,)
    panels = "spikemem.networks.liquid.panels:projection_panels"

    @checked
    def __init__(
        self,
        dim: Annotated[int, Count()] = 64,
        *,
        temperature: Positive = 0.07,
        epochs: Annotated[int, Count()] = 60,
        batch: Annotated[int, Count(low=2)] = 128,
        learning_rate: Positive = 1e-3,
        loss: Loss = "infonce",
        project_b: Annotated[bool, Flag()] = True,
        seed: Seed = 0,
    ) -> None:
        self.dim, self.temperature, self.epochs, self.batch = dim, temperature, epochs, batch
        self.learning_rate, self.project_b = learning_rate, project_b
        self.loss: Literal["infonce", "soft"] = loss
        self.seed = own_seed(seed)
        empty = Head(np.empty((0, dim), np.float32), np.empty(0, np.float32))
        self._heads = {"a": empty, "b": empty}
        self.history: NDArray[np.float64] = np.empty(0)

    @checked
    def fit(
        self, a: Features, b: Features, labels: Labels | None = None, *, progress: Progress = False
    ) -> Self:
        """Train both heads on pairs; earlier training is forgotten.

        Parameters
        ----------
        a, b : array_like, shape (n_pairs, n_features)
            Row `k` of `a` and row `k` of `b` are a pair. The modalities can have different numbers
            of features.
        labels : array_like of int or str, shape (n_pairs,), optional
            Classes of the pairs; training then brings all samples of a class close together.
        progress : bool or callable
            True shows a progress bar on a terminal; a callable gets the completed fraction.

        Raises
        ------
        DescriptionError
            If an argument is not valid, there are fewer than two pairs, the lengths differ, or `b`
            is not projected and does not have `dim` features.
        BackendMissing
            If PyTorch is not installed.
        SimulationError
            If the loss is not finite. The projection does not change then.
        """
        self._require_pairs(a, b, labels)
        n_features = a.shape[1] + b.shape[1]
        # Memory holds the weights, their gradients and the two moments of Adam.
        require_memory(16.0 * n_features * self.dim, f"ContrastiveProjection.fit: {n_features} "
                       f"features in {self.dim} dimensions", "Make dim smaller.")  # fmt: skip
        names = np.arange(len(a)) if labels is None else np.unique(labels, return_inverse=True)[1]
        spreads = [_standard(a), _standard(b) if self.project_b else None]
        rows = [_standardised(part, scale) for part, scale in zip((a, b), spreads, strict=True)]
        rng = stream(self.seed, "liquid", "projection")
        first = (_drawn(a.shape[1], self.dim, rng), _drawn(b.shape[1], self.dim, rng))
        options = TrainingOptions(
            self.temperature, self.epochs, self.batch, self.learning_rate, self.loss, self.project_b
        )
        with progress_callback(progress, "projection") as report:
            heads, history = train_heads(
                first, rows[0], rows[1], names.astype(np.int64), options, rng, report
            )
        trained = [_folded(head, spread) for head, spread in zip(heads, spreads, strict=True)]
        self._heads = {"a": trained[0], "b": trained[1]}
        self.history = np.asarray(history)
        return self

    @checked
    def transform(self, x: Features, modality: Modality = "a") -> NDArray[np.float32]:
        """Project samples of one modality into the space; the rows have length 1.

        Parameters
        ----------
        x : array_like, shape (n_samples, n_features)
            Features of the same kind as in :meth:`fit`.
        modality : {"a", "b"}
            Modality of `x`.

        Returns
        -------
        ndarray of float32, shape (n_samples, dim)
            Projected samples. With the loss "soft", they are not normalised.

        Raises
        ------
        DescriptionError
            If the heads are not trained, or the number of features is wrong.
        """
        return self._projected(x, modality, "transform")

    @checked
    def retrieve(
        self, query: Features, pool: Features, *, modality: Modality = "a",
        n: Annotated[int, Count()] = 1,
    ) -> NDArray[np.int64]:  # fmt: skip
        """Find the nearest samples of the other modality.

        Parameters
        ----------
        query : array_like, shape (n_queries, n_features)
            Features of the queries, in one modality.
        pool : array_like, shape (n_pool, n_features)
            Features of the samples to search, in the other modality.
        modality : {"a", "b"}
            Modality of `query`.
        n : int
            Number of samples to find for each query.

        Returns
        -------
        ndarray of int64, shape (n_queries, n)
            Rows of `pool`, the nearest first; equally near rows keep their order.

        Raises
        ------
        DescriptionError
            As in :meth:`transform`, or if the pool has fewer than `n` samples.
        """
        if len(pool) < n:
            raise DescriptionError(
                f"ContrastiveProjection.retrieve: pool must have at least n={n} samples, got "
                f"{len(pool)}."
            )
        other: Modality = "b" if modality == "a" else "a"
        left = self._projected(query, modality, "retrieve")
        right = self._projected(pool, other, "retrieve")
        order = np.argsort(-(left @ right.T), axis=1, kind="stable")
        return order[:, :n].astype(np.int64)

    @checked
    def retrieval_accuracy(
        self, a: Features, b: Features, labels: Labels, labels_b: Labels | None = None
    ) -> RetrievalAccuracy:
        """Return how often the nearest sample of the other modality has the same label.

        Parameters
        ----------
        a, b : array_like, shape (n_samples, n_features)
            Test samples of the two modalities; each modality is the pool for queries of the other.
        labels : array_like of int or str
            Classes of the samples of `a`.
        labels_b : array_like of int or str, optional
            Classes of the samples of `b`. Default: `labels`.

        Raises
        ------
        DescriptionError
            As in :meth:`transform`, or if there are no samples or the number of labels is wrong.
        """
        names = (labels, labels if labels_b is None else labels_b)
        for x, classes in ((a, names[0]), (b, names[1])):
            if len(x) != len(classes) or not len(x):
                raise DescriptionError(
                    f"ContrastiveProjection.retrieval_accuracy: there must be samples, and one "
                    f"label for each, got {len(x)} samples and {len(classes)} labels."
                )
        there = names[1][self.retrieve(a, b, modality="a")[:, 0]] == names[0]
        back = names[0][self.retrieve(b, a, modality="b")[:, 0]] == names[1]
        chance = float(np.mean(names[0][:, None] == names[1][None, :]))
        return RetrievalAccuracy(float(there.mean()), float(back.mean()), chance)

    def _projected(
        self, x: NDArray[Any], modality: Literal["a", "b"], method: str
    ) -> NDArray[np.float32]:
        head = self._heads[modality]
        where = f"ContrastiveProjection.{method}"
        if not self.history.size:
            raise DescriptionError(f"{where}: the projection is not trained yet. Call fit first.")
        n_features = len(head.weights)
        if x.shape[1] != n_features:
            raise DescriptionError(
                f"{where}: samples of modality {modality!r} must have {n_features} features, got "
                f"{x.shape[1]}."
            )
        plain = x.astype(np.float64)
        if modality == "a" or self.project_b:
            plain = _gelu(plain @ head.weights + head.bias)
        if self.loss == "infonce":
            plain = plain / np.maximum(np.linalg.norm(plain, axis=1, keepdims=True), 1e-12)
        return plain.astype(np.float32)

    def _require_pairs(self, a: NDArray[Any], b: NDArray[Any], labels: NDArray[Any] | None) -> None:
        problems = Problems("ContrastiveProjection.fit")
        if len(a) != len(b) or len(a) < 2:
            problems.add(f"a and b must be at least two pairs of samples, got {len(a)} and "
                         f"{len(b)}.")  # fmt: skip
        if labels is not None and len(labels) != len(a):
            problems.add(f"labels must have one entry for each of the {len(a)} pairs, got "
                         f"{len(labels)}.")  # fmt: skip
        if not self.project_b and b.shape[1] != self.dim:
            problems.add(f"b must have dim={self.dim} features, since it is not projected, got "
                         f"{b.shape[1]}.")  # fmt: skip
        problems.raise_if_any()

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        names = ("dim", "temperature", "epochs", "batch", "learning_rate", "loss", "project_b",
                 "seed")  # fmt: skip
        return {name: getattr(self, name) for name in names}

    def arrays(self) -> dict[str, Stored]:
        """Return the weights and biases of both heads, and the loss of each epoch."""
        stored = {"history": Stored(self.history)}
        for name, head in self._heads.items():
            stored |= {f"weights_{name}": Stored(head.weights), f"bias_{name}": Stored(head.bias)}
        return stored

    @classmethod
    def restored(cls, arguments: Mapping[str, Any], arrays: h5py.Group) -> Self:
        """Return a projection with stored weights; see :meth:`arrays`."""
        projection = cls(**arguments)
        values = {name: _read(arrays, name, projection.dim) for name in projection.arrays()}
        projection._heads = {
            name: Head(values[f"weights_{name}"], values[f"bias_{name}"]) for name in ("a", "b")
        }
        projection.history = values["history"].astype(np.float64)
        return projection

    def __repr__(self) -> str:
        learnt = [len(head.weights) for head in self._heads.values()]
        inside = f", from {learnt[0]} and {learnt[1]} features" if self.history.size else ""
        return f"ContrastiveProjection(dim={self.dim}, loss={self.loss!r}{inside})"


def _standard(x: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the mean and standard deviation of each feature; the latter is 1 if constant."""
    plain = x.astype(np.float64)
    spread = plain.std(axis=0)
    return plain.mean(axis=0), np.where(spread > 0, spread, 1.0)


def _standardised(
    x: NDArray[Any], scaling: tuple[NDArray[np.float64], NDArray[np.float64]] | None
) -> NDArray[np.float32]:
    plain = x.astype(np.float64) if scaling is None else (x - scaling[0]) / scaling[1]
    return plain.astype(np.float32)


def _folded(head: Head, scaling: tuple[NDArray[np.float64], NDArray[np.float64]] | None) -> Head:
    """Return an equivalent head for features that are not standardised."""
    if scaling is None:
        return head
    weights = head.weights / scaling[1][:, None]
    bias = head.bias - scaling[0] @ weights
    return Head(weights.astype(np.float32), bias.astype(np.float32))


def _drawn(n_features: int, dim: int, rng: np.random.Generator) -> Head:
    """Draw initial weights, uniform within 1 / sqrt(n_features), as PyTorch's linear layers do."""
    limit = 1.0 / np.sqrt(n_features)
    weights = rng.uniform(-limit, limit, (n_features, dim))
    return Head(weights.astype(np.float32), rng.uniform(-limit, limit, dim).astype(np.float32))


def _gelu(x: NDArray[np.float64]) -> NDArray[np.float64]:
    from scipy.special import ndtr

    return np.asarray(x * ndtr(x), dtype=np.float64)


def _read(arrays: h5py.Group, name: str, dim: int) -> NDArray[Any]:
    """Return an array of a file; it has `dim` columns if the heads are trained, else it is empty.

    The array `history` has one axis of any length.
    """
    values = np.asarray(arrays[name][()])
    ndim = 2 if name.startswith("weights") else 1
    fits = values.ndim == ndim and values.dtype.kind == "f" and np.isfinite(values).all()
    if fits and name != "history":
        trained = arrays["history"].size > 0
        fits = values.shape[-1] == dim and values.size > 0 if trained else values.size == 0
    if not fits:
        raise StorageError(f"{name} does not fit a projection of {dim} dimensions")
    return values
