"""The classifier that learns one task after another, in the manner of scikit-learn."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from ...checks import Count, Each, Instance, MappingOf, NameOf, PathName, Quantity, Text, checked
from ...display import Displayed
from ...errors import DescriptionError, Problems, StorageError
from ...frozen import digest, short
from ...limits import require_memory
from ...models import Stored
from ...progress import Progress, progress_callback
from ...storage import load
from ...streams import Seed, own_seed
from .accuracy import AccuracyMatrix
from .arrays import Labels, Rules, Samples, Tests
from .parameters import CubaNeuron, DSRNeuron, LIFNeuron, Neuron, Ranks, SubspaceRule
from .references import MENG, SAHA, XIAO, XIAO_OTTT
from .spiking import OnSpikes
from .storing import Learnt, read_learnt, stored_learnt
from .strategies import STRATEGIES, Batch
from .torches import import_torch, threads
from .trainers import TRAINERS

if TYPE_CHECKING:
    from .learner import Learner, Plan

__all__ = ["HLOPClassifier"]

_NEURONS: dict[str, tuple[type, ...]] = {
    "dsr": (DSRNeuron,),
    "bptt": (LIFNeuron, CubaNeuron),
    "ottt": (LIFNeuron,),
}
_ARGUMENTS = ("layers", "method", "trainer", "neuron", "heads", "feedback", "ranks", "rule",
              "learning_rate", "momentum", "batch", "epochs", "dtype", "options",
              "seed")  # fmt: skip


class HLOPClassifier(OnSpikes, Displayed):
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
    view: ClassVar[str] = "spikemem.networks.hlop.view:learner_view"
    panels: ClassVar[str] = "spikemem.networks.hlop.panels:learner_panels"

    @checked
    def __init__(
        self,
        layers: Annotated[tuple[int, ...], Each(Count(high=10**6), "layers", least=2)] = (
            784,
            800,
            800,
            10,
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
    ) -> None:
        import_torch("HLOPClassifier")
        if neuron is None:
            neuron = DSRNeuron() if trainer == "dsr" else LIFNeuron()
        self.layers, self.method, self.trainer, self.neuron = layers, method, trainer, neuron
        self.heads, self.feedback = heads, feedback
        shared = len(layers) - (2 if heads == "task" else 1)
        self.ranks = Ranks.scaled(layers[:-1]) if ranks is None else ranks
        self.rule = _published_rules(len(layers) - 1) if rule is None else rule
        self.learning_rate, self.momentum = learning_rate, momentum
        self.batch, self.epochs, self.dtype = batch, epochs, dtype
        self.options = dict(options or {})
        self.seed = own_seed(seed)
        self._check(shared, ranks is not None)
        size = sum(n_in * n_out for n_in, n_out in itertools.pairwise(layers))
        bytes_each = 8 if dtype == "float64" else 4
        require_memory(3.0 * size * bytes_each, "HLOPClassifier: weights", "take smaller layers")
        self._learnt = self._untrained()

    def _check(self, shared: int, own_ranks: bool) -> None:
        """Compare the arguments with each other."""
        problems = Problems("HLOPClassifier")
        wanted = _NEURONS[self.trainer]
        if not isinstance(self.neuron, wanted):
            names = " or ".join(f"{cls.__name__}()" for cls in wanted)
            problems.add(f"trainer {self.trainer!r} needs the neuron {names}, got {self.neuron}.")
        if own_ranks and len(self.ranks.first) not in (shared, len(self.layers) - 1):
            problems.add(f"ranks must have {shared} numbers for each task, one for each layer that "
                         f"all tasks share, got {len(self.ranks.first)}.")  # fmt: skip
        for k, (rank, size) in enumerate(zip(self.ranks.first, self.layers, strict=False)):
            if k < shared and rank > size:
                problems.add(f"ranks: {rank} rows for layer {k} are more than the {size} "
                             f"dimensions of its input; take smaller ranks.")  # fmt: skip
        if isinstance(self.rule, tuple) and len(self.rule) not in (shared, len(self.layers) - 1):
            problems.add(f"rule must be one SubspaceRule or {shared} of them, got "
                         f"{len(self.rule)}.")  # fmt: skip
        problems.raise_if_any()

    @property
    def _plan(self) -> Plan:
        from .learner import Plan

        n = len(self.layers) - 1
        rules = self.rule if isinstance(self.rule, tuple) else (self.rule,) * n
        names = [name for name in Plan._fields if name != "rules"]
        return Plan(rules=rules, **{name: getattr(self, name) for name in names})

    def _untrained(self) -> Learnt:
        from .learner import initial_weights

        learnt = Learnt(tuple(initial_weights(self._plan)), {})
        self._learner(learnt)  # says what is wrong with the options
        return learnt

    def _learner(self, learnt: Learnt | None = None) -> Learner:
        from .learner import Learner

        found = self._learnt if learnt is None else learnt
        return Learner(self._plan, list(found.weights), found.kept, found.n_learnt)

    def __repr__(self) -> str:
        sizes = "-".join(map(str, self.layers))
        return (
            f"HLOPClassifier({sizes}, method {self.method!r}, trainer {self.trainer!r}, "
            f"{self.n_learnt} tasks learnt)"
        )

    @property
    def weights_(self) -> list[NDArray[Any]]:
        """Weights of each layer, copies of shape (n_out, n_in)."""
        return [array.copy() for array in self._learnt.weights]

    @property
    def kept_(self) -> dict[str, NDArray[Any]]:
        """Copies of what the method keeps, such as rows of subspaces, by name."""
        return {name: array.copy() for name, array in self._learnt.kept.items()}

    @property
    def matrix_(self) -> AccuracyMatrix | None:
        """Accuracies after each task, if tests were given."""
        return self._learnt.matrix

    @property
    def R_(self) -> NDArray[np.float64]:
        """Accuracies, shape (n_learnt, n_tasks).

        Raises
        ------
        DescriptionError
            No tests were given to :meth:`learn_task`.
        """
        if self.matrix_ is None:
            raise DescriptionError("HLOPClassifier.R_: nothing was measured; give test= to "
                                   "learn_task.")  # fmt: skip
        return self.matrix_.R

    @property
    def n_learnt(self) -> int:
        """Tasks learnt so far."""
        return self._learnt.n_learnt

    @property
    def n_heads(self) -> int:
        """Output layers; 1 if all tasks share one."""
        return len(self._learnt.weights[-1]) // self.layers[-1]

    def facts(self) -> dict[str, Any]:
        """Sizes, method, measures and memory as plain data, ready for JSON."""
        found = super().facts() | {
            "layers": list(self.layers), "neuron": type(self.neuron).__name__,
            "n_learnt": self.n_learnt, "memory_bytes": self.memory_bytes(),
        }  # fmt: skip
        return found | ({} if self.matrix_ is None else {"accuracy": self.matrix_.facts()})

    @checked
    def learn_task(
        self,
        x: Samples,
        y: Labels,
        *,
        task: Annotated[int, Count(low=0, high=10_000)] | None = None,
        test: Tests | None = None,
        checkpoint: Annotated[str | Path, PathName()] | None = None,
        n_threads: Annotated[int, Count(high=1024)] = 1,
        progress: Progress = False,
    ) -> Self:
        """Learn one task, after those that were learnt before.

        Parameters
        ----------
        x : array_like, shape (n_samples, n_inputs)
            Samples; for a :class:`CubaNeuron` from 0 to 1.
        y : array_like of int, shape (n_samples,)
            Classes, 0 to ``layers[-1] - 1``.
        task : int, optional
            Number of the task. Default: the number of tasks learnt so far. A task that comes back
            has its old number.
        test : sequence of (x, y), optional
            Test samples of each task, in the order of their numbers. A row of accuracies on them
            joins :attr:`matrix_`; before the first task the untrained network is measured too.
        checkpoint : str or Path, optional
            File that the model is saved to at the end (:meth:`resume`).
        n_threads : int
            Threads of PyTorch. The results of different numbers may differ in the last digits.
        progress : bool or callable
            True shows a bar on a terminal; a callable is given the fraction done.

        Returns
        -------
        HLOPClassifier
            Itself. After an interruption or an error it is as it was before the call.

        Raises
        ------
        DescriptionError
            Samples of another width, classes out of range, not one class a sample, or no rank is
            left for the task.
        SimulationError
            The loss is not finite.
        StorageError
            The checkpoint can't be written; the task is learnt all the same.
        """
        number = self.n_learnt if task is None else task
        self._check_pair(x, y, "learn_task")
        if not len(y):
            raise DescriptionError("HLOPClassifier.learn_task: needs at least one sample, got 0.")
        for k, pair in enumerate(test or ()):
            self._check_pair(*pair, f"learn_task: test[{k}]")
        self._check_test(test, number)
        with threads(n_threads), progress_callback(progress, f"task {number}") as report:
            learner = self._learner()
            before = self._with_baseline(learner, test)
            data = Batch(x, y, np.full(len(y), number, dtype=np.int64))
            learner.learn_task(data, number, report)
            matrix = before
            if test is not None:
                learner.grow_heads(len(test))
                row = [_accuracy(learner, *pair, k) for k, pair in enumerate(test)]
                matrix = _with_row(before, row, number)
            weights = tuple(weight.numpy().copy() for weight in learner.weights)
            kept = {name: array.copy() for name, array in learner.strategy.arrays().items()}
        self._learnt = Learnt(weights, kept, matrix, self.n_learnt + 1)
        if checkpoint is not None:
            self.save(checkpoint)
        return self

    def _check_test(self, test: Any, task: int) -> None:
        """Tests must be of all tasks that were measured before, and of this one."""
        if self.matrix_ is not None and test is None:
            raise DescriptionError("HLOPClassifier.learn_task: test is needed, as for the tasks "
                                   "before.")  # fmt: skip
        if test is None:
            return
        least = task + 1 if self.matrix_ is None else max(task + 1, self.matrix_.n_tasks)
        if len(test) < least:
            raise DescriptionError(
                f"HLOPClassifier.learn_task: test must have at least {least} pairs (x, y), one for "
                f"each task so far, got {len(test)}."
            )
        if self.matrix_ is None and self.n_learnt:
            raise DescriptionError("HLOPClassifier.learn_task: test must be given from the first "
                                   "task on, or not at all.")  # fmt: skip

    def _with_baseline(self, learner: Learner, test: Any) -> AccuracyMatrix | None:
        if test is None or self.matrix_ is not None:
            return self.matrix_
        learner.grow_heads(len(test))
        found = [_accuracy(learner, x, y, k) for k, (x, y) in enumerate(test)]
        return AccuracyMatrix(np.zeros((0, len(test))), np.array(found), np.zeros(0, np.int64))

    def _check_pair(self, x: NDArray[Any], y: NDArray[np.int64], where: str) -> None:
        self._check_samples(x, where)
        if len(x) != len(y):
            raise DescriptionError(
                f"HLOPClassifier.{where}: there must be one label for each sample, got {len(x)} "
                f"samples and {len(y)} labels."
            )
        if len(y) and y.max() >= self.layers[-1]:
            raise DescriptionError(
                f"HLOPClassifier.{where}: labels must be in 0..{self.layers[-1] - 1}, the outputs "
                f"of the network, got {y.max()}."
            )

    def _check_samples(self, x: NDArray[Any], where: str) -> None:
        width = int(np.prod(x.shape[1:]))
        if width != self.layers[0]:
            raise DescriptionError(
                f"HLOPClassifier.{where}: samples must have {self.layers[0]} values, the inputs of "
                f"the network, got {width}."
            )
        is_coded = isinstance(self.neuron, CubaNeuron)
        if is_coded and x.size and (x.min() < 0 or x.max() > 1):
            worst = x.min() if x.min() < 0 else x.max()
            raise DescriptionError(
                f"HLOPClassifier.{where}: samples must be in 0..1, the probability of a spike in "
                f"each step, got {worst:g}."
            )

    def _head(self, task: int | None, method: str) -> int | None:
        if self.heads == "domain":
            return None
        if task is None and self.n_heads > 1:
            raise DescriptionError(
                f"HLOPClassifier.{method}: each task has its own outputs; give task=, the number "
                f"of the task, 0..{self.n_heads - 1}."
            )
        if (task or 0) >= self.n_heads:
            raise DescriptionError(
                f"HLOPClassifier.{method}: task must be in 0..{self.n_heads - 1}, got {task}."
            )
        return task or 0

    @checked
    def decision_function(
        self, x: Samples, task: Annotated[int, Count(low=0)] | None = None
    ) -> NDArray[Any]:
        """Outputs of the network, shape (n_samples, n_classes).

        Raises
        ------
        DescriptionError
            As :meth:`predict`.
        """
        return self._outputs(x, task, "decision_function")

    def _outputs(self, x: NDArray[Any], task: int | None, method: str) -> NDArray[Any]:
        self._check_samples(x, method)
        head = self._head(task, method)
        with threads(1):
            return self._learner().logits(x, head)

    @checked
    def responses(
        self, x: Samples, task: Annotated[int, Count(low=0)] | None = None
    ) -> dict[str, NDArray[Any]]:
        """Mean activity of each hidden layer, and the outputs; for :func:`layer_drift`.

        Parameters
        ----------
        x : array_like, shape (n_samples, n_inputs)
            Samples.
        task : int, optional
            As in :meth:`predict`.

        Returns
        -------
        dict of str to ndarray (n_samples, n_units)
            ``"layer 1"``, ..., ``"output"``.
        """
        outputs = self._outputs(x, task, "responses")
        with threads(1):
            hidden = [trace.numpy() for trace in self._learner().traces(x)[1:]] if len(x) else []
        return {f"layer {k + 1}": part for k, part in enumerate(hidden)} | {"output": outputs}

    @checked
    def predict(
        self, x: Samples, task: Annotated[int, Count(low=0)] | None = None
    ) -> NDArray[np.int64]:
        """Class of each sample, shape (n_samples,).

        Parameters
        ----------
        x : array_like, shape (n_samples, n_inputs)
            Samples.
        task : int, optional
            Task that they belong to; needed if each task has its own outputs.

        Raises
        ------
        DescriptionError
            Samples of another width, or no such task.
        """
        found: NDArray[np.int64] = self._outputs(x, task, "predict").argmax(axis=1)
        return found

    @checked
    def score(
        self, x: Samples, y: Labels, task: Annotated[int, Count(low=0)] | None = None
    ) -> float:
        """Fraction of samples whose class is predicted.

        Raises
        ------
        DescriptionError
            As :meth:`predict`, not one label for each sample, or no sample.
        """
        self._check_pair(x, y, "score")
        if not len(y):
            raise DescriptionError("HLOPClassifier.score: needs at least one sample, got 0.")
        return float(np.mean(self._outputs(x, task, "score").argmax(axis=1) == y))

    @checked
    def resume(self, checkpoint: Annotated[str | Path, PathName()]) -> Self:
        """Continue from a checkpoint of :meth:`learn_task`; without a file nothing happens.

        All that learning depends on is in it: weights, what the method keeps, the accuracies, and
        the number of tasks, which names the random streams. The momentum starts anew with each
        task. So the tasks that follow are learnt exactly as without the interruption.

        Raises
        ------
        StorageError
            The file is no checkpoint, or one of a network with other arguments.
        """
        if not Path(checkpoint).exists():
            return self
        where = f"HLOPClassifier.resume: {str(checkpoint)!r}"
        found = load(checkpoint, "model")
        if not isinstance(found, HLOPClassifier):
            raise StorageError(f"{where} holds a {type(found).__name__}.")
        mine, theirs = self.arguments(), found.arguments()
        other = [name for name in _ARGUMENTS if digest(mine[name]) != digest(theirs[name])]
        if other:
            texts = [f"{name} {short(theirs[name])} instead of {short(mine[name])}"
                     for name in other]  # fmt: skip
            raise StorageError(f"{where} is a checkpoint of another network: {', '.join(texts)}.")
        self._learnt = found._learnt
        return self

    def memory_bytes(self) -> dict[str, int]:
        """Bytes of the weights, and of what the method keeps beside them."""
        return {
            "weights": sum(array.nbytes for array in self._learnt.weights),
            "method": self._learner().strategy.memory_bytes,
        }

    def arguments(self) -> dict[str, Any]:
        """What the constructor takes."""
        return {name: getattr(self, name) for name in _ARGUMENTS}

    def arrays(self) -> dict[str, Stored]:
        """Weights, what the method keeps, and accuracies."""
        return stored_learnt(self._learnt)

    @classmethod
    def restored(cls, arguments: Mapping[str, Any], arrays: h5py.Group) -> Self:
        """The model with this state; see :meth:`arrays`."""
        layers = arguments.get("layers")
        if not isinstance(layers, tuple) or not all(isinstance(n, int) for n in layers):
            raise StorageError("its layers are not whole numbers")
        # Before the model takes memory for as many weights as the file says.
        heads, dtype = arguments.get("heads"), arguments.get("dtype")
        if heads not in ("domain", "task") or dtype not in ("float32", "float64"):
            raise StorageError("its heads or its dtype are not known")
        learnt = read_learnt(arrays, layers, heads, dtype)
        made = cls(**arguments)
        made._learner(learnt)
        made._learnt = learnt
        return made


def _published_rules(n: int) -> tuple[SubspaceRule, ...]:
    """Rules of all layers: a smaller learning rate in the first."""
    return (SubspaceRule(learning_rate=0.001), *[SubspaceRule()] * (n - 1))


def _accuracy(learner: Learner, x: NDArray[Any], y: NDArray[np.int64], task: int) -> float:
    return float(np.mean(learner.logits(x, task).argmax(axis=1) == y))


def _with_row(matrix: AccuracyMatrix | None, row: list[float], task: int) -> AccuracyMatrix:
    """The matrix with one more row, and with new columns where there are more tests than before."""
    if matrix is None:
        raise DescriptionError("HLOPClassifier.learn_task: there is no matrix of accuracies.")
    more = len(row) - matrix.n_tasks
    if more:
        values = np.pad(matrix.R, ((0, 0), (0, more)), constant_values=np.nan)
        base = matrix.baseline
        wide = None if base is None else np.pad(base, (0, more), constant_values=np.nan)
        matrix = AccuracyMatrix(values, wide, matrix.order)
    return matrix.with_row(row, task)
