"""The classifier that learns one task after another, with the interface of scikit-learn."""

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
from .spiking import SpikingClassifier
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


class HLOPClassifier(SpikingClassifier, Displayed):
    """Spiking network that learns one task after another without forgetting earlier ones.

    Hebbian and anti-Hebbian lateral connections learn subspaces of the presynaptic activity of
    earlier tasks, and changes of the weights are projected onto their orthogonal complement.

    Parameters
    ----------
    layers : sequence of int
        Numbers of inputs, of neurons in each hidden layer, and of classes of a task. There are no
        biases.
    method : {"hlop", "naive", "svd", ...}
        Method that preserves earlier tasks, a name in
        :data:`~spikemem.networks.hlop.strategies.STRATEGIES`. "naive" does nothing; "svd" computes
        the subspaces by singular value decomposition.
    trainer : {"dsr", "bptt", "ottt"}
        Differentiation on spike representation, backpropagation through time with surrogate
        gradients, or online training through time.
    neuron : DSRNeuron, LIFNeuron or CubaNeuron, optional
        Parameters of the neurons. Default: ``DSRNeuron()`` for "dsr", ``LIFNeuron()`` for the other
        trainers.
    heads : {"domain", "task"}
        One output layer for all tasks, or one for each task. With "task", predictions need the
        number of the task.
    feedback : {"backprop", "sign", "alignment"}
        Matrices that propagate errors back: the weights, their signs, or fixed random ones.
    ranks : Ranks, optional
        Number of subspace neurons of each layer. Default: the published numbers, scaled to the
        layers.
    rule : SubspaceRule or sequence of SubspaceRule, optional
        One rule for all layers, or one for each layer. Default: ``SubspaceRule()``, with a learning
        rate of 0.001 in the first layer.
    learning_rate, momentum : float
        Learning rate and momentum of the gradient descent. The momentum is reset for each task.
    batch, epochs : int
        Number of samples in a mini-batch, and of passes through the samples of a task.
    dtype : {"float32", "float64"}
        Precision of the numbers.
    options : mapping, optional
        Options of the method.
    seed : int or numpy.random.Generator
        Seed of the weights, of the order of the samples, and of the initial rows of subspaces.

    Attributes
    ----------
    weights_ : list of ndarray (n_out, n_in)
        Weights of each layer. With ``heads="task"``, the last array holds the rows of all heads.
    matrix_ : AccuracyMatrix or None
        Accuracies on all tests after each task; None without tests.
    n_learnt : int
        Number of tasks learnt so far.

    Raises
    ------
    DescriptionError
        If arguments are not valid or contradict each other.
    BackendMissing
        If PyTorch is not installed.

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
        require_memory(3.0 * size * bytes_each, "HLOPClassifier: weights", "Use smaller layers.")
        self._learnt = self._untrained()

    def _check(self, shared: int, own_ranks: bool) -> None:
        """Check the arguments against each other."""
        problems = Problems("HLOPClassifier")
        allowed = _NEURONS[self.trainer]
        if not isinstance(self.neuron, allowed):
            names = " or ".join(f"{cls.__name__}()" for cls in allowed)
            problems.add(f"trainer {self.trainer!r} needs the neuron {names}, got {self.neuron}.")
        if own_ranks and len(self.ranks.first) not in (shared, len(self.layers) - 1):
            problems.add(f"ranks must have {shared} numbers for each task, one for each layer that "
                         f"all tasks share, got {len(self.ranks.first)}.")  # fmt: skip
        for k, (rank, size) in enumerate(zip(self.ranks.first, self.layers, strict=False)):
            if k < shared and rank > size:
                problems.add(f"ranks: {rank} rows for layer {k} are more than the {size} "
                             f"dimensions of its input; use smaller ranks.")  # fmt: skip
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
        self._learner(learnt)  # Raises an error if options are wrong.
        return learnt

    def _learner(self, learnt: Learnt | None = None) -> Learner:
        from .learner import Learner

        state = self._learnt if learnt is None else learnt
        return Learner(self._plan, list(state.weights), state.kept, state.n_learnt)

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
        """Copies of the state of the method, such as rows of subspaces, by name."""
        return {name: array.copy() for name, array in self._learnt.kept.items()}

    @property
    def matrix_(self) -> AccuracyMatrix | None:
        """Accuracies after each task; None without tests."""
        return self._learnt.matrix

    @property
    def R_(self) -> NDArray[np.float64]:
        """Accuracies, shape (n_learnt, n_tasks).

        Raises
        ------
        DescriptionError
            If :meth:`learn_task` was called without tests.
        """
        if self.matrix_ is None:
            raise DescriptionError("HLOPClassifier.R_: no accuracy was measured; pass test= to "
                                   "learn_task.")  # fmt: skip
        return self.matrix_.R

    @property
    def n_learnt(self) -> int:
        """Number of tasks learnt so far."""
        return self._learnt.n_learnt

    @property
    def n_heads(self) -> int:
        """Number of output layers; 1 if all tasks share one."""
        return len(self._learnt.weights[-1]) // self.layers[-1]

    def facts(self) -> dict[str, Any]:
        """Return the sizes, method, measures and memory as plain data, ready for JSON."""
        values = super().facts() | {
            "layers": list(self.layers), "neuron": type(self.neuron).__name__,
            "n_learnt": self.n_learnt, "memory_bytes": self.memory_bytes(),
        }  # fmt: skip
        return values | ({} if self.matrix_ is None else {"accuracy": self.matrix_.facts()})

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
        """Learn one more task.

        Parameters
        ----------
        x : array_like, shape (n_samples, n_inputs)
            Samples; with a :class:`CubaNeuron`, values must be from 0 to 1.
        y : array_like of int, shape (n_samples,)
            Class of each sample, 0 to ``layers[-1] - 1``.
        task : int, optional
            Number of the task. Default: the number of tasks learnt so far. A task that is learnt
            again keeps its number.
        test : sequence of (x, y), optional
            Test samples of each task, in the order of their numbers. The accuracies on them are
            added to :attr:`matrix_` as a row. Before the first task, the untrained network is
            tested too.
        checkpoint : str or Path, optional
            File to which the model is saved at the end; see :meth:`resume`.
        n_threads : int
            Number of threads of PyTorch. Results can depend on it in the last digits.
        progress : bool or callable
            True shows a progress bar on a terminal; a callable gets the completed fraction.

        Returns
        -------
        HLOPClassifier
            The model itself. After an interruption or an error it is unchanged.

        Raises
        ------
        DescriptionError
            If samples have another width, classes are out of range, the number of classes is wrong,
            or no dimensions are left for the task.
        SimulationError
            If the loss is not finite.
        StorageError
            If the checkpoint cannot be written. The task is learnt nevertheless.
        """
        number = self.n_learnt if task is None else task
        self._check_pair(x, y, "learn_task")
        if not len(y):
            raise DescriptionError(
                "HLOPClassifier.learn_task: there must be at least one sample, got 0."
            )
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
        """Raise an error if a task that was tested before, or this one, has no test."""
        if self.matrix_ is not None and test is None:
            raise DescriptionError("HLOPClassifier.learn_task: test is required, because earlier "
                                   "tasks had tests.")  # fmt: skip
        if test is None:
            return
        least = task + 1 if self.matrix_ is None else max(task + 1, self.matrix_.n_tasks)
        if len(test) < least:
            raise DescriptionError(
                f"HLOPClassifier.learn_task: test must have at least {least} pairs (x, y), one for "
                f"each task so far, got {len(test)}."
            )
        if self.matrix_ is None and self.n_learnt:
            raise DescriptionError("HLOPClassifier.learn_task: pass test for the first task and "
                                   "all others, or for none.")  # fmt: skip

    def _with_baseline(self, learner: Learner, test: Any) -> AccuracyMatrix | None:
        if test is None or self.matrix_ is not None:
            return self.matrix_
        learner.grow_heads(len(test))
        accuracies = [_accuracy(learner, x, y, k) for k, (x, y) in enumerate(test)]
        return AccuracyMatrix(np.zeros((0, len(test))), np.array(accuracies), np.zeros(0, np.int64))

    def _check_pair(self, x: NDArray[Any], y: NDArray[np.int64], where: str) -> None:
        self._check_samples(x, where)
        if len(x) != len(y):
            raise DescriptionError(
                f"HLOPClassifier.{where}: there must be one label for each sample, got {len(x)} "
                f"samples and {len(y)} labels."
            )
        if len(y) and y.max() >= self.layers[-1]:
            raise DescriptionError(
                f"HLOPClassifier.{where}: labels must be from 0 to {self.layers[-1] - 1}, the "
                f"outputs of the network, got {y.max()}."
            )

    def _check_samples(self, x: NDArray[Any], where: str) -> None:
        width = int(np.prod(x.shape[1:]))
        if width != self.layers[0]:
            raise DescriptionError(
                f"HLOPClassifier.{where}: samples must have {self.layers[0]} values, one for each "
                f"input of the network, got {width}."
            )
        is_coded = isinstance(self.neuron, CubaNeuron)
        if is_coded and x.size and (x.min() < 0 or x.max() > 1):
            worst = x.min() if x.min() < 0 else x.max()
            raise DescriptionError(
                f"HLOPClassifier.{where}: samples must be from 0 to 1, the probability of a spike "
                f"in each step, got {worst:g}."
            )

    def _head(self, task: int | None, method: str) -> int | None:
        if self.heads == "domain":
            return None
        if task is None and self.n_heads > 1:
            raise DescriptionError(
                f"HLOPClassifier.{method}: each task has its own outputs; pass task=, the number "
                f"of the task, from 0 to {self.n_heads - 1}."
            )
        if (task or 0) >= self.n_heads:
            raise DescriptionError(
                f"HLOPClassifier.{method}: task must be from 0 to {self.n_heads - 1}, got {task}."
            )
        return task or 0

    @checked
    def decision_function(
        self, x: Samples, task: Annotated[int, Count(low=0)] | None = None
    ) -> NDArray[Any]:
        """Return the outputs of the network, shape (n_samples, n_classes).

        Raises
        ------
        DescriptionError
            As in :meth:`predict`.
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
        """Return the mean activity of each hidden layer, and the outputs.

        :func:`layer_drift` compares them.

        Parameters
        ----------
        x : array_like, shape (n_samples, n_inputs)
            Samples.
        task : int, optional
            As in :meth:`predict`.

        Returns
        -------
        dict of str to ndarray (n_samples, n_units)
            Activity by the names ``"layer 1"``, ..., ``"output"``.
        """
        outputs = self._outputs(x, task, "responses")
        with threads(1):
            hidden = [trace.numpy() for trace in self._learner().traces(x)[1:]] if len(x) else []
        return {f"layer {k + 1}": part for k, part in enumerate(hidden)} | {"output": outputs}

    @checked
    def predict(
        self, x: Samples, task: Annotated[int, Count(low=0)] | None = None
    ) -> NDArray[np.int64]:
        """Return the predicted class of each sample, shape (n_samples,).

        Parameters
        ----------
        x : array_like, shape (n_samples, n_inputs)
            Samples.
        task : int, optional
            Task that the samples belong to; required if each task has its own outputs.

        Raises
        ------
        DescriptionError
            If samples have another width, or there is no such task.
        """
        classes: NDArray[np.int64] = self._outputs(x, task, "predict").argmax(axis=1)
        return classes

    @checked
    def score(
        self, x: Samples, y: Labels, task: Annotated[int, Count(low=0)] | None = None
    ) -> float:
        """Return the fraction of samples that are classified correctly.

        Raises
        ------
        DescriptionError
            As in :meth:`predict`, or if there are no samples or the number of labels is wrong.
        """
        self._check_pair(x, y, "score")
        if not len(y):
            raise DescriptionError(
                "HLOPClassifier.score: there must be at least one sample, got 0."
            )
        return float(np.mean(self._outputs(x, task, "score").argmax(axis=1) == y))

    @checked
    def resume(self, checkpoint: Annotated[str | Path, PathName()]) -> Self:
        """Continue from a checkpoint of :meth:`learn_task`; do nothing if there is no file.

        The checkpoint holds everything that learning depends on: the weights, the state of the
        method, the accuracies, and the number of tasks, which names the random streams. Later tasks
        are therefore learnt exactly as without the interruption.

        Raises
        ------
        StorageError
            If the file is not a checkpoint, or belongs to a network with other arguments.
        """
        if not Path(checkpoint).exists():
            return self
        where = f"HLOPClassifier.resume: {str(checkpoint)!r}"
        saved = load(checkpoint, "model")
        if not isinstance(saved, HLOPClassifier):
            raise StorageError(f"{where} holds a {type(saved).__name__}.")
        mine, theirs = self.arguments(), saved.arguments()
        other = [name for name in _ARGUMENTS if digest(mine[name]) != digest(theirs[name])]
        if other:
            texts = [f"{name} {short(theirs[name])} instead of {short(mine[name])}"
                     for name in other]  # fmt: skip
            raise StorageError(f"{where} is a checkpoint of another network: {', '.join(texts)}.")
        self._learnt = saved._learnt
        return self

    def memory_bytes(self) -> dict[str, int]:
        """Return the bytes of the weights, and of the additional data of the method."""
        return {
            "weights": sum(array.nbytes for array in self._learnt.weights),
            "method": self._learner().strategy.memory_bytes,
        }

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        return {name: getattr(self, name) for name in _ARGUMENTS}

    def arrays(self) -> dict[str, Stored]:
        """Return the weights, the state of the method, and the accuracies."""
        return stored_learnt(self._learnt)

    @classmethod
    def restored(cls, arguments: Mapping[str, Any], arrays: h5py.Group) -> Self:
        """Return a model with a stored state; see :meth:`arrays`."""
        layers = arguments.get("layers")
        if not isinstance(layers, tuple) or not all(isinstance(n, int) for n in layers):
            raise StorageError("its layers are not whole numbers")
        # Checked here, before the model allocates weights of the sizes in the file.
        heads, dtype = arguments.get("heads"), arguments.get("dtype")
        if heads not in ("domain", "task") or dtype not in ("float32", "float64"):
            raise StorageError("its heads or its dtype are not valid")
        learnt = read_learnt(arrays, layers, heads, dtype)
        model = cls(**arguments)
        model._learner(learnt)
        model._learnt = learnt
        return model


def _published_rules(n: int) -> tuple[SubspaceRule, ...]:
    """Return the rules of all layers, with a smaller learning rate in the first layer."""
    return (SubspaceRule(learning_rate=0.001), *[SubspaceRule()] * (n - 1))


def _accuracy(learner: Learner, x: NDArray[Any], y: NDArray[np.int64], task: int) -> float:
    return float(np.mean(learner.logits(x, task).argmax(axis=1) == y))


def _with_row(matrix: AccuracyMatrix | None, row: list[float], task: int) -> AccuracyMatrix:
    """Return the matrix with one more row, and with new columns if there are more tests."""
    if matrix is None:
        raise DescriptionError("HLOPClassifier.learn_task: there is no matrix of accuracies.")
    more = len(row) - matrix.n_tasks
    if more:
        values = np.pad(matrix.R, ((0, 0), (0, more)), constant_values=np.nan)
        base = matrix.baseline
        wide = None if base is None else np.pad(base, (0, more), constant_values=np.nan)
        matrix = AccuracyMatrix(values, wide, matrix.order)
    return matrix.with_row(row, task)
