"""The classifier that learns one task after another, in the manner of scikit-learn."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from ...checks import Count, Each, Instance, MappingOf, NameOf, PathName, Quantity, Text, checked
from ...display import Displayed
from ...errors import DescriptionError, StorageError
from ...frozen import digest
from ...models import Stored, StoredModel
from ...progress import Progress, progress_callback
from ...storage import load
from ...streams import Seed, own_seed
from .accuracy import AccuracyMatrix
from .arrays import Labels, Rules, Samples, Tests
from .parameters import CubaNeuron, DSRNeuron, LIFNeuron, Neuron, Ranks, SubspaceRule
from .references import MENG, SAHA, XIAO, XIAO_OTTT
from .storing import read_learnt, stored_learnt
from .strategies import STRATEGIES, Batch
from .torches import import_torch, threads
from .trainers import TRAINERS

__all__ = ["HLOPClassifier"]

_NEURONS: dict[str, tuple[type, ...]] = {
    "dsr": (DSRNeuron,),
    "bptt": (LIFNeuron, CubaNeuron),
    "ottt": (LIFNeuron,),
}
_ARGUMENTS = ("layers", "method", "trainer", "neuron", "heads", "feedback", "ranks", "rule",
              "learning_rate", "momentum", "batch", "epochs", "dtype", "options", "seed")  # fmt: skip


class HLOPClassifier(StoredModel, Displayed):
    """Spiking network that learns one task after another and keeps the old ones.

    Subspaces of the presynaptic activity of old tasks are learnt by Hebbian and anti-Hebbian
    lateral connections, and changes of the weights are projected away from them.

    Parameters
    ----------
    layers : sequence of int
        Inputs, neurons of each hidden layer, and classes of a task. Without biases.
    method : {"hlop", "naive", "svd", ...}
        What keeps old tasks; a name in :data:`~spikemem.networks.hlop.strategies.STRATEGIES`.
        "naive" does nothing; "svd" finds the subspaces by singular value decomposition.
    trainer : {"dsr", "bptt", "ottt"}
        Differentiation on spike representation, backpropagation through time with surrogate
        gradients, or online training through time.
    neuron : DSRNeuron, LIFNeuron or CubaNeuron, optional
        Default: ``DSRNeuron()`` for "dsr", ``LIFNeuron()`` for the other trainers.
    heads : {"domain", "task"}
        One output layer for all tasks, or one for each task, whose number must then be given.
    feedback : {"backprop", "sign", "alignment"}
        Matrices that carry errors back: the weights, their signs, or fixed random ones.
    ranks : Ranks, optional
        Subspace neurons of each layer. Default: the published ones, in proportion to the layers.
    rule : SubspaceRule or sequence of SubspaceRule, optional
        For all layers, or for each. Default: ``SubspaceRule()``, with a learning rate of 0.001 in
        the first layer.
    learning_rate, momentum : float
        Of the gradient descent. The momentum starts anew with each task.
    batch, epochs : int
        Samples of a mini-batch, and how often each sample of a task is seen.
    dtype : {"float32", "float64"}
        Precision.
    options : mapping, optional
        Settings of the method.
    seed : int or numpy.random.Generator
        For weights, the order of the samples, and subspaces before they learn.

    Attributes
    ----------
    weights_ : list of ndarray (n_out, n_in)
        Of each layer. With ``heads="task"`` the heads stand below each other in the last.
    matrix_ : AccuracyMatrix or None
        Accuracies on the tests of all tasks after each task, if tests were given.
    n_learnt : int
        Tasks learnt so far.

    Raises
    ------
    DescriptionError
        Arguments that are not valid or do not fit together.
    BackendMissing
        PyTorch is not installed.

    References
    ----------
    Xiao et al., ICLR 2024, arXiv 2402.11984.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> y = rng.integers(0, 2, 400)
    >>> x = rng.normal(size=(400, 12)) + 2 * np.eye(12)[y]
    >>> model = HLOPClassifier((12, 20, 2), batch=10, seed=0).learn_task(x[:300], y[:300])
    >>> model.score(x[300:], y[300:]) > 0.8
    True
    """

    bibtex: ClassVar[tuple[str, ...]] = (XIAO, MENG, XIAO_OTTT, SAHA)

    @checked
    def __init__(
        self,
        layers: Annotated[tuple[int, ...], Each(Count(high=10**6), "layers", least=2)] = (
            784, 800, 800, 10,
        ),
        *,
        method: Annotated[str, NameOf(STRATEGIES, "method")] = "hlop",
        trainer: Annotated[str, NameOf(TRAINERS, "trainer")] = "dsr",
        neuron: Annotated[Neuron, Instance(DSRNeuron, LIFNeuron, CubaNeuron)] | None = None,
        heads: Literal["domain", "task"] = "domain",
        feedback: Literal["backprop", "sign", "alignment"] = "backprop",
        ranks: Ranks | None = None,
        rule: Rules | None = None,
        learning_rate: Annotated[float, Quantity(above=0.0)] = 0.1,
        momentum: Annotated[float, Quantity(low=0.0, below=1.0)] = 0.0,
        batch: Annotated[int, Count()] = 64,
        epochs: Annotated[int, Count()] = 1,
        dtype: Literal["float32", "float64"] = "float32",
        options: Annotated[Mapping[str, Any], MappingOf(Text())] | None = None,
        seed: Seed = 0,
    ) -> None: ...

    def learn_task(
        self,
        x: Samples,
        y: Labels,
        *,
        task: Annotated[int, Count(low=0)] | None = None,
        test: Tests | None = None,
        checkpoint: Annotated[str | Path, PathName()] | None = None,
        n_threads: Annotated[int, Count(high=1024)] = 1,
        progress: Progress = False,
    ) -> Self:
        """Learn one task, after those that were learnt before.

        `test` are pairs (x, y), one for each task in the order of the tasks; a row of accuracies
        on them joins :attr:`matrix_`. The model is then saved to `checkpoint`. If learning is
        interrupted, the model is as it was before the call.
        """
        raise NotImplementedError

    def predict(self, x: Samples, task: Annotated[int, Count(low=0)] | None = None) -> NDArray[np.int64]:
        """Class of each sample, shape (n_samples,)."""
        raise NotImplementedError

    def score(self, x: Samples, y: Labels, task: Annotated[int, Count(low=0)] | None = None) -> float:
        """Fraction of samples whose class is predicted."""
        raise NotImplementedError

    def resume(self, checkpoint: Annotated[str | Path, PathName()]) -> Self:
        """Continue from a checkpoint, if there is one; raises for one of another network."""
        raise NotImplementedError

    def memory_bytes(self) -> dict[str, int]:
        """Bytes of the weights, and of what the method keeps beside them."""
        raise NotImplementedError
