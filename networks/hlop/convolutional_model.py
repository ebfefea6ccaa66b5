"""Continual learning with the convolutional networks, with or without projection.

Importing this module imports PyTorch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Literal, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from ...checks import Count, Instance, Quantity, checked
from ...errors import DescriptionError, SimulationError, UnsupportedError
from ...progress import Progress, progress_callback
from ...streams import Seed, own_seed, stream
from .accuracy import AccuracyMatrix
from .arrays import Labels, Samples, Tests
from .baseline_references import HE
from .convolution import Convolution
from .convolutional import SpikingStack, count_bytes, row_length
from .parameters import Ranks, SubspaceRule
from .references import XIAO
from .subspace import Subspace, SVDSubspace
from .torches import threads

__all__ = ["ConvolutionalClassifier"]

_EVALUATED = 128


class ConvolutionalClassifier:
    """A convolutional spiking network that learns one task after another.

    Gradients of convolutions are projected: a row of a subspace is a patch of the mean input maps,
    of (input channels) x (kernel area) numbers. After the first task, batch normalisation and all
    other vectors are frozen. A network with several heads has one for each task; their gradients
    are not projected.

    Parameters
    ----------
    network : SpikingCNN or SpikingResNet18
        Network. It is trained in place.
    method : {"hlop", "naive", "svd"}
        Hebbian subspaces, no subspaces, or subspaces from a singular value decomposition.
    ranks : Ranks, optional
        Number of subspace neurons of each projected layer. Default: the published numbers,
        ``network.ranks``. A layer gets no more neurons when its dimensions are used up.
    rule : SubspaceRule, optional
        Learning rule of the subspaces. Default: ``SubspaceRule()``. Lateral neurons must be linear.
    learning_rate : float
        Learning rate of the gradient descent.
    later_rate : float, optional
        Learning rate after the first task. Default: `learning_rate`.
    momentum : float
        Momentum of the gradient descent; it is reset for each task.
    schedule : {"constant", "cosine"}
        With "cosine", the learning rate rises linearly in the first epochs of a task (at most five,
        and at most a tenth of them), and then falls to 0.
    batch, epochs : int
        Number of samples in a mini-batch, and of passes through the samples of a task.
    seed : int or numpy.random.Generator
        Seed of the order of the samples, and of the initial rows of the subspaces.

    Attributes
    ----------
    matrix_ : AccuracyMatrix or None
        Accuracies on all tests after each task; None without tests.
    subspaces : dict of str to Subspace
        Subspace of each layer, by name.

    Raises
    ------
    DescriptionError
        If ranks are for another number of layers, or exceed the dimensions of a layer.
    UnsupportedError
        If lateral neurons are spiking.

    References
    ----------
    Xiao et al., ICLR 2024, arXiv 2402.11984.
    """

    bibtex: ClassVar[tuple[str, ...]] = (XIAO, HE)

    @checked
    def __init__(
        self,
        network: Annotated[SpikingStack, Instance(SpikingStack)],
        *,
        method: Literal["hlop", "naive", "svd"] = "hlop",
        ranks: Ranks | None = None,
        rule: SubspaceRule | None = None,
        learning_rate: Annotated[float, Quantity(above=0.0, high=1e6)] = 0.01,
        later_rate: Annotated[float, Quantity(above=0.0, high=1e6)] | None = None,
        momentum: Annotated[float, Quantity(low=0.0, below=1.0)] = 0.9,
        schedule: Literal["constant", "cosine"] = "constant",
        batch: Annotated[int, Count(low=2)] = 64,
        epochs: Annotated[int, Count()] = 1,
        seed: Seed = 0,
    ) -> None:
        self.network, self.method = network, method
        rule = SubspaceRule() if rule is None else rule
        self.ranks: Ranks = network.ranks if ranks is None else ranks
        self.learning_rate = learning_rate
        self.later_rate = learning_rate if later_rate is None else later_rate
        self.momentum, self.schedule = momentum, schedule
        self.batch, self.epochs, self.seed = batch, epochs, own_seed(seed)
        self.matrix_: AccuracyMatrix | None = None
        self.n_learnt = 0
        if rule.lateral == "spiking":
            raise UnsupportedError("ConvolutionalClassifier: lateral neurons of convolutions must "
                                   "be linear; use SubspaceRule(lateral='linear').")  # fmt: skip
        self._layers = network.projected_layers()
        if len(self.ranks.first) != len(self._layers):
            raise DescriptionError(
                f"ConvolutionalClassifier: ranks must be for {len(self._layers)} layers "
                f"({', '.join(self._layers)}), got {len(self.ranks.first)}."
            )
        self.subspaces = {} if method == "naive" else self._subspaces(rule)

    def _subspaces(self, rule: SubspaceRule) -> dict[str, Subspace]:
        kind = SVDSubspace if self.method == "svd" else Subspace
        subspaces = {}
        for (name, layer), rank in zip(self._layers.items(), self.ranks.first, strict=True):
            size = row_length(layer)
            if rank > size:
                raise DescriptionError(
                    f"ConvolutionalClassifier: ranks: {rank} rows for layer {name!r} are more than "
                    f"the {size} dimensions of its patches; use smaller ranks."
                )
            own = int(stream(self.seed, "hlop", "subspace", name).integers(2**62))
            subspaces[name] = kind(size, rule, seed=own)
        return subspaces

    def __repr__(self) -> str:
        return (
            f"ConvolutionalClassifier({type(self.network).__name__}, method {self.method!r}, "
            f"{self.n_learnt} tasks learnt)"
        )

    @property
    def n_heads(self) -> int:
        """Number of heads; 1 if all tasks share one."""
        return len(self.network.heads)

    def memory_bytes(self) -> dict[str, int]:
        """Return the bytes of the network, and of the additional data of the method."""
        kept = sum(a.nbytes for part in self.subspaces.values() for a in part.arrays().values())
        return {"weights": count_bytes(self.network), "method": kept}

    @checked
    def learn_task(
        self,
        x: Samples,
        y: Labels,
        *,
        task: Annotated[int, Count(low=0, high=10_000)] | None = None,
        test: Tests | None = None,
        n_threads: Annotated[int, Count(high=1024)] = 1,
        progress: Progress = False,
    ) -> Self:
        """Learn one more task.

        Parameters
        ----------
        x : array_like, shape (n_samples, channels, height, width)
            Images, scaled to about 1.
        y : array_like of int, shape (n_samples,)
            Class of each sample within the task.
        task : int, optional
            Number of the task and of its head. Default: the number of tasks learnt so far.
        test : sequence of (x, y), optional
            Test samples of each task, in the order of their numbers; the accuracies on them are
            added to :attr:`matrix_` as a row.
        n_threads : int
            Number of threads of PyTorch.
        progress : bool or callable
            True shows a progress bar on a terminal; a callable gets the completed fraction.

        Raises
        ------
        DescriptionError
            If images have another shape, labels are out of range, the task has no head, or there
            are fewer than two samples.
        SimulationError
            If the loss is not finite. The network does not change then.
        """
        number = self.n_learnt if task is None else task
        self._check(x, "learn_task", number, y)
        if len(y) < 2:
            raise DescriptionError(
                f"ConvolutionalClassifier.learn_task: there must be at least two samples, got "
                f"{len(y)}."
            )
        for k, (test_x, test_y) in enumerate(test or ()):
            self._check(test_x, f"learn_task: test[{k}]", k, test_y)
        if test is not None and number >= len(test):
            raise DescriptionError(
                f"ConvolutionalClassifier.learn_task: test must have at least {number + 1} pairs "
                f"(x, y), got {len(test)}."
            )
        before = self._state()
        try:
            bar = progress_callback(progress, f"task {number}")
            with threads(n_threads), torch.enable_grad(), bar as report:
                self._train(x, y, number, report)
        except BaseException:
            self._restore(before)
            raise
        if not self.n_learnt:
            self.network.freeze_norms()
        self.n_learnt += 1
        if test is not None:
            self._measure(test, number)
        return self

    def _state(self) -> Any:
        weights = {name: t.clone() for name, t in self.network.state_dict().items()}
        return weights, {name: part.arrays() for name, part in self.subspaces.items()}

    def _restore(self, state: Any) -> None:
        self.network.load_state_dict(state[0])
        for name, arrays in state[1].items():
            self.subspaces[name].restore(arrays)

    def _train(
        self, x: NDArray[Any], y: NDArray[np.int64], task: int, report: Callable[[float], None]
    ) -> None:
        ranks = self.ranks.of_task(self.n_learnt)
        for subspace, n in zip(self.subspaces.values(), ranks, strict=False):
            subspace.grow(min(n, subspace.size - subspace.n_frozen))
        rate = self.later_rate if self.n_learnt else self.learning_rate
        learnt = [w for w in self.network.parameters() if w.requires_grad]
        optimiser = torch.optim.SGD(learnt, lr=rate, momentum=self.momentum)
        images, labels = _tensor(x), torch.from_numpy(np.array(y))
        count = max(round(len(y) / self.batch), 1)
        self.network.train()
        self._listen(True)
        for epoch in range(self.epochs):
            rng = stream(self.seed, "hlop", self.n_learnt, "epoch", epoch)
            for k, chosen in enumerate(np.array_split(rng.permutation(len(y)), count)):
                share = (epoch + k / count) / self.epochs
                for group in optimiser.param_groups:
                    group["lr"] = rate * self._share_of_rate(share)
                indices = torch.from_numpy(chosen)
                loss = functional.cross_entropy(
                    self.network(images[indices], task), labels[indices]
                )
                if not math.isfinite(float(loss.detach())):
                    raise SimulationError(
                        f"ConvolutionalClassifier.learn_task: the loss of epoch {epoch} is "
                        f"{float(loss.detach())}; use a smaller learning_rate."
                    )
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                self._project()
                optimiser.step()
                report((epoch + (k + 1) / count) / self.epochs)
        self._listen(False)
        if not all(bool(torch.isfinite(w).all()) for w in learnt):
            raise SimulationError(
                "ConvolutionalClassifier.learn_task: weights are not finite; use a smaller "
                "learning_rate."
            )
        for subspace in self.subspaces.values():
            subspace.freeze()

    def _share_of_rate(self, done: float) -> float:
        """Return the factor of the learning rate when a fraction of the task is completed."""
        if self.schedule == "constant":
            return 1.0
        warm = min(5 / self.epochs, 0.1)
        if done < warm:
            return max(done / warm, 0.01)
        return 0.5 * (1 + math.cos(math.pi * (done - warm) / (1 - warm)))

    def _listen(self, on: bool) -> None:
        weights = getattr(self.network._last, "weights", None)
        for layer in self.network.modules():
            if isinstance(layer, Convolution):
                layer.listening = on and bool(self.subspaces)
                layer.time_weights = weights if layer.listening else None
                layer.trace = None

    def _project(self) -> None:
        """Project the gradients, and train new rows on this mini-batch."""
        with torch.no_grad():
            for name, subspace in self.subspaces.items():
                layer: Any = self._layers[name]
                grad = layer.weight.grad
                if subspace.n_frozen:
                    grad.copy_(subspace.residual(grad.flatten(1)).view_as(grad))
                rows: Any = (
                    layer.rows() if isinstance(layer, Convolution) else self.network.features
                )
                if len(rows) > 2 * subspace.size and self.method == "hlop":
                    subspace.learn_covariance(rows.T @ rows / len(rows))
                else:
                    subspace.learn(rows, subspace.residual(rows))

    def _measure(self, test: Any, task: int) -> None:
        row = [self.score(x, y, k) for k, (x, y) in enumerate(test)]
        if self.matrix_ is None:
            self.matrix_ = AccuracyMatrix(np.array([row]), order=np.array([task]))
        else:
            self.matrix_ = self.matrix_.with_row(np.array(row), task)

    @checked
    def decision_function(
        self, x: Samples, task: Annotated[int, Count(low=0)] | None = None
    ) -> NDArray[Any]:
        """Return the outputs of the head of a task, shape (n_samples, n_classes)."""
        number = self._head(task)
        self._check(x, "decision_function", number)
        was = self.network.training
        self.network.eval()
        with threads(1):
            parts = [
                self.network(_tensor(x[k : k + _EVALUATED]), number)
                for k in range(0, len(x), _EVALUATED)
            ]
        self.network.train(was)
        return torch.cat(parts).numpy() if parts else np.zeros((0, self.network.n_classes))

    @checked
    def predict(
        self, x: Samples, task: Annotated[int, Count(low=0)] | None = None
    ) -> NDArray[np.int64]:
        """Return the predicted class of each image within its task, shape (n_samples,)."""
        classes: NDArray[np.int64] = self.decision_function(x, task).argmax(axis=1)
        return classes

    @checked
    def score(
        self, x: Samples, y: Labels, task: Annotated[int, Count(low=0)] | None = None
    ) -> float:
        """Return the fraction of images that are classified correctly."""
        self._check(x, "score", self._head(task), y)
        if not len(y):
            raise DescriptionError(
                "ConvolutionalClassifier.score: there must be at least one sample."
            )
        return float((self.predict(x, task) == y).mean())

    def _head(self, task: int | None) -> int:
        if task is None and self.n_heads > 1:
            raise DescriptionError(
                f"ConvolutionalClassifier: each task has its own head; pass task=, the number of "
                f"the task, from 0 to {self.n_heads - 1}."
            )
        return task or 0

    def _check(
        self, x: NDArray[Any], method: str, task: int, y: NDArray[np.int64] | None = None
    ) -> None:
        where = f"ConvolutionalClassifier.{method}"
        shape = self.network.image_shape
        if x.shape[1:] != shape:
            raise DescriptionError(
                f"{where}: x must have shape (n, {', '.join(map(str, shape))}), as the images of "
                f"the network, got {x.shape}."
            )
        if self.n_heads > 1 and task >= self.n_heads:
            raise DescriptionError(
                f"{where}: task must be from 0 to {self.n_heads - 1}, one of the heads, got {task}."
            )
        if y is None:
            return
        if len(x) != len(y):
            raise DescriptionError(
                f"{where}: y must have one label for each sample, got {len(x)} samples and "
                f"{len(y)} labels."
            )
        n_classes = self.network.n_classes
        if len(y) and y.max() >= n_classes:
            raise DescriptionError(
                f"{where}: y must be from 0 to {n_classes - 1}, the outputs of a head, got "
                f"{y.max()}."
            )


def _tensor(x: NDArray[Any]) -> torch.Tensor:
    return torch.from_numpy(np.array(x, dtype=np.float32))
