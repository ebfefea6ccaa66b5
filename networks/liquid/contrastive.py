"""Trains two projection heads with a contrastive loss, in PyTorch (extra ``learn``)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...errors import BackendMissing, SimulationError

__all__ = ["Head", "TrainingOptions", "train_heads"]


class Head(NamedTuple):
    """Weights (n_features, dim) and bias (dim,) of one modality, float32."""

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]


class TrainingOptions(NamedTuple):
    """Options of the training; see :class:`ContrastiveProjection`."""

    temperature: float
    epochs: int
    batch: int
    learning_rate: float
    loss: str
    project_b: bool


def _torch() -> Any:
    try:
        import torch
    except ImportError:
        raise BackendMissing.of("ContrastiveProjection.fit", "torch", extra="learn") from None
    return torch


@contextlib.contextmanager
def _one_thread(torch: Any) -> Iterator[None]:
    """Use one thread, because the number of threads changes how sums are rounded."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def train_heads(
    heads: tuple[Head, Head],
    a: NDArray[np.float32],
    b: NDArray[np.float32],
    classes: NDArray[np.int64],
    options: TrainingOptions,
    rng: np.random.Generator,
    report: Callable[[float], None],
) -> tuple[tuple[Head, Head], list[float]]:
    """Train two heads on pairs of rows of `a` and `b`; return them and the loss of each epoch.

    All random numbers come from `rng`; the global state of PyTorch does not change.

    Raises
    ------
    BackendMissing
        If PyTorch is not installed.
    SimulationError
        If the loss is not finite because the learning rate is too large.
    """
    torch = _torch()
    parts = [[torch.tensor(np.array(array)) for array in head] for head in heads]
    learnt = [tensor for part in parts[: 2 if options.project_b else 1] for tensor in part]
    for tensor in learnt:
        tensor.requires_grad_(True)
    rows = (torch.tensor(a), torch.tensor(b))
    names = torch.tensor(classes)
    history = []
    with _one_thread(torch):
        optimiser = torch.optim.Adam(learnt, lr=options.learning_rate)
        for epoch in range(options.epochs):
            losses = []
            for chosen in _batches(len(a), options.batch, rng):
                indices = torch.tensor(chosen)
                left = _head(torch, rows[0][indices], parts[0])
                right = rows[1][indices]
                if options.project_b:
                    right = _head(torch, right, parts[1])
                loss = _loss(torch, left, right, names[indices], options)
                optimiser.zero_grad()
                loss.backward()
                optimiser.step()
                losses.append(float(loss.detach()))
            history.append(float(np.mean(losses)))
            if not np.isfinite(history[-1]):
                raise SimulationError(
                    f"ContrastiveProjection.fit: the loss of epoch {epoch} is {history[-1]}; use "
                    f"a smaller learning_rate, or a larger temperature."
                )
            report((epoch + 1) / options.epochs)
    trained = [Head(*(tensor.detach().numpy().copy() for tensor in part)) for part in parts]
    return (trained[0], trained[1]), history


def _batches(n: int, size: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    """Return all rows in random order, in batches of similar size with at least two rows."""
    count = max(1, min(round(n / size), n // 2))
    return np.array_split(rng.permutation(n), count)


def _head(torch: Any, rows: Any, part: list[Any]) -> Any:
    return torch.nn.functional.gelu(rows @ part[0] + part[1])


def _loss(torch: Any, left: Any, right: Any, names: Any, options: TrainingOptions) -> Any:
    """Return the symmetric cross-entropy of the similarities of a batch and their targets."""
    if options.loss == "infonce":
        left, right = (torch.nn.functional.normalize(part, dim=1) for part in (left, right))
        same = (names[:, None] == names[None, :]).to(left.dtype)
        targets = same / same.sum(dim=1, keepdim=True)
    else:
        alike = (left @ left.T + right @ right.T) / 2 * options.temperature
        targets = torch.softmax(alike, dim=1)
    logits = left @ right.T / options.temperature
    there = -(targets * torch.log_softmax(logits, dim=1)).sum(dim=1)
    back = -(targets.T * torch.log_softmax(logits.T, dim=1)).sum(dim=1)
    return (there + back).mean() / 2
