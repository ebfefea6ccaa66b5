"""Linear readouts of scikit-learn, compared with the same readout of the input alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ...checks import Choice, Count, Each, Quantity, checked
from ...errors import DescriptionError, Problems
from ...frozen import Changing, Frozen, read_only
from ...readouts import linear_readout
from ...streams import Seed, own_seed, stream
from .arrays import Features, Labels, SpikesOrFeatures
from .features import Tau, spike_features

__all__ = ["LinearReadout", "ReadoutReport", "evaluate_readout"]

STRENGTHS = (3.0, 30.0, 300.0, 3000.0)
"""Default strengths of the penalty to choose from."""

ReadoutKind = Annotated[Literal["ridge", "logistic"], Choice("ridge", "logistic")]
Strengths = Annotated[Sequence[float], Each(Quantity(above=0.0), least=1)]
HeldOut = Annotated[float, Quantity(above=0.0, below=1.0)]


class LinearReadout(Changing):
    """A linear classifier on standardised features, trained by scikit-learn.

    It is ``RidgeClassifier`` or ``LogisticRegression`` after ``StandardScaler``. Of several
    strengths of the L2 penalty, the readout uses the one that classifies a held-out part of the
    training samples best; it is then trained on all of them. Only weights and biases are kept.

    Parameters
    ----------
    kind : {"ridge", "logistic"}
        Classifier of scikit-learn.
    strengths : sequence of float
        Strengths to choose from (``alpha``; ``C`` is its inverse). A single one is used directly.
    held_out : float
        Fraction of the training samples that is held out to choose the strength, the same in each
        class.
    seed : int or numpy.random.Generator
        Seed for the choice of those samples.

    Attributes
    ----------
    classes : ndarray, shape (n_classes,)
        Sorted labels.
    weights : ndarray of float64, shape (n_features, n_classes)
    bias : ndarray of float64, shape (n_classes,)
        The scores of the classes are ``features @ weights + bias``.
    strength : float
        Chosen strength of the penalty.
    held_out_accuracy : float
        Accuracy of the chosen strength on the held-out samples. It is nan if there is no choice:
        with a single strength, or with too few samples (the middle strength is used then).

    Examples
    --------
    >>> readout = LinearReadout().fit([[0.0], [1.0], [4.0], [5.0]], [0, 0, 1, 1])
    >>> readout.predict([[0.5], [4.5]]).tolist()
    [0, 1]
    """

    @checked
    def __init__(
        self,
        kind: ReadoutKind = "ridge",
        *,
        strengths: Strengths = STRENGTHS,
        held_out: HeldOut = 0.2,
        seed: Seed = 0,
    ) -> None:
        self.kind: Literal["ridge", "logistic"] = kind
        self.strengths = tuple(strengths)
        self.held_out = held_out
        self.seed = own_seed(seed)
        self.classes: NDArray[Any] = np.empty(0, dtype=np.int64)
        self.weights: NDArray[np.float64] = np.empty((0, 0))
        self.bias: NDArray[np.float64] = np.empty(0)
        self.strength = self.held_out_accuracy = float("nan")

    @checked
    def fit(self, features: Features, labels: Labels) -> Self:
        """Train the readout; earlier training is forgotten.

        Parameters
        ----------
        features : array_like, shape (n_samples, n_features)
            Features of the training samples.
        labels : array_like of int or str, shape (n_samples,)
            Class of each sample; there must be at least two classes.

        Raises
        ------
        DescriptionError
            If an argument is not valid, the lengths differ, or there is only one class. The readout
            does not change then.
        """
        require_pairs("LinearReadout.fit", features, labels)
        classes, counts = np.unique(labels, return_counts=True)
        strength, accuracy = self._choose(features, labels, counts)
        pipeline = linear_readout(self.kind, strength=strength).fit(_floating(features), labels)
        scaler, classifier = pipeline[0], pipeline[-1]
        weights = (np.atleast_2d(classifier.coef_) / scaler.scale_).T.astype(np.float64)
        bias = np.atleast_1d(classifier.intercept_) - scaler.mean_ @ weights
        if len(classes) == 2:
            weights, bias = np.hstack([-weights, weights]), np.concatenate([-bias, bias])
        self.classes, self.weights, self.bias = classes, weights, bias
        self.strength, self.held_out_accuracy = strength, accuracy
        return self

    def _choose(
        self, features: NDArray[Any], labels: NDArray[Any], counts: NDArray[Any]
    ) -> tuple[float, float]:
        """Return the strength that classifies held-out samples best, and its accuracy."""
        out = round(self.held_out * len(labels))
        least = min(out, len(labels) - out)
        if len(self.strengths) == 1 or counts.min() < 2 or least < len(counts):
            return self.strengths[len(self.strengths) // 2], float("nan")
        from sklearn.model_selection import GridSearchCV, StratifiedShuffleSplit

        state = int(stream(self.seed, "liquid", "held out").integers(2**31))
        split = StratifiedShuffleSplit(1, test_size=out, random_state=state)
        plain = linear_readout(self.kind)
        name = "ridgeclassifier__alpha" if self.kind == "ridge" else "logisticregression__C"
        values = {s if self.kind == "ridge" else 1.0 / s: s for s in self.strengths}
        search = GridSearchCV(plain, {name: list(values)}, cv=split, refit=False)
        search.fit(_floating(features), labels)
        return values[search.best_params_[name]], float(search.best_score_)

    @checked
    def scores(self, features: Features) -> NDArray[np.float64]:
        """Return the score of each class for each sample, shape (n_samples, n_classes).

        Raises
        ------
        DescriptionError
            If the readout is not trained, or the number of features is wrong.
        """
        self._require(features, "scores")
        return np.asarray(features @ self.weights + self.bias, dtype=np.float64)

    @checked
    def predict(self, features: Features) -> NDArray[Any]:
        """Return the predicted class of each sample, shape (n_samples,).

        Raises
        ------
        DescriptionError
            As in :meth:`scores`.
        """
        self._require(features, "predict")
        predicted: NDArray[Any] = self.classes[self.scores(features).argmax(axis=1)]
        return predicted

    @checked
    def score(self, features: Features, labels: Labels) -> float:
        """Return the fraction of samples that are classified correctly.

        Raises
        ------
        DescriptionError
            As in :meth:`scores`, or if the number of labels is wrong.
        """
        self._require(features, "score")
        require_pairs("LinearReadout.score", features, labels, classes=1)
        return float(np.mean(self.predict(features) == labels))

    def _require(self, features: NDArray[Any], method: str) -> None:
        if not self.classes.size:
            raise DescriptionError(
                f"LinearReadout.{method}: the readout is not trained yet. Call fit first."
            )
        if features.shape[1] != len(self.weights):
            raise DescriptionError(
                f"LinearReadout.{method}: features must have shape (n_samples, "
                f"{len(self.weights)}), got {features.shape}."
            )

    def __repr__(self) -> str:
        learnt = f", {self.weights.shape[0]} features, {len(self.classes)} classes"
        return f"LinearReadout({self.kind!r}{learnt if self.classes.size else ''})"


class Interval(NamedTuple):
    """95 % interval of a fraction."""

    low: float
    high: float


@dataclass(frozen=True, kw_only=True, repr=False)
class ReadoutReport(Frozen):
    """Accuracy of a readout of a liquid, compared with the same readout of its input.

    Attributes
    ----------
    accuracy, input_accuracy : float
        Fraction of test samples that are classified correctly from the liquid and from the input.
    interval, input_interval : Interval
        95 % intervals of the accuracies, by Wilson's formula.
    p_value : float
        Exact McNemar test of the two readouts on the same test samples: the probability of at least
        this difference if both classify equally well.
    kind, bins, tau
        Arguments of the evaluation.
    strength, input_strength : float
        Chosen strengths of the penalty.
    n_train, n_test, n_classes, n_features, n_input_features : int
        Numbers of samples, classes and features.
    predicted, input_predicted : ndarray, shape (n_test,)
        Predicted classes of the test samples.
    """

    accuracy: float
    input_accuracy: float
    interval: Interval
    input_interval: Interval
    p_value: float
    kind: str
    bins: int
    tau: float | None
    strength: float
    input_strength: float
    n_train: int
    n_test: int
    n_classes: int
    n_features: int
    n_input_features: int
    predicted: NDArray[Any]
    input_predicted: NDArray[Any]

    @property
    def gain(self) -> float:
        """Accuracy from the liquid minus accuracy from the input alone."""
        return self.accuracy - self.input_accuracy

    @property
    def verdict(self) -> str:
        """Whether the liquid improves the accuracy, at a significance level of 5 %."""
        if self.p_value >= 0.05:
            return "the liquid adds nothing that these samples show"
        return "the liquid helps" if self.gain > 0 else "the input alone is read better"

    def facts(self) -> dict[str, Any]:
        """Return the numbers of the report as plain data, ready for JSON."""
        names = ("accuracy", "input_accuracy", "gain", "p_value", "verdict", "kind", "bins", "tau",
                 "strength", "input_strength", "n_train", "n_test", "n_classes", "n_features",
                 "n_input_features")  # fmt: skip
        ends = {"interval": list(self.interval), "input_interval": list(self.input_interval)}
        return {name: getattr(self, name) for name in names} | ends

    def __str__(self) -> str:
        low, high = self.interval
        return (
            f"accuracy {self.accuracy:.3f} ({low:.3f} to {high:.3f}), input alone "
            f"{self.input_accuracy:.3f}: {self.verdict} (p = {self.p_value:.2g})"
        )

    __repr__ = __str__


@checked
def evaluate_readout(
    states: SpikesOrFeatures,
    labels: Labels,
    test_states: SpikesOrFeatures,
    test_labels: Labels,
    *,
    inputs: SpikesOrFeatures,
    test_inputs: SpikesOrFeatures,
    kind: ReadoutKind = "ridge",
    bins: Annotated[int, Count()] = 1,
    tau: Tau | None = None,
    strengths: Strengths = STRENGTHS,
    held_out: HeldOut = 0.2,
    seed: Seed = 0,
) -> ReadoutReport:
    """Train and test a readout of a liquid, and the same readout of its input.

    Parameters
    ----------
    states, test_states : array_like
        Spikes of the liquid, shape (n_samples, n_steps, n_neurons), from which
        :func:`spike_features` computes features; or features, shape (n_samples, n_features).
    labels, test_labels : array_like of int or str, shape (n_samples,)
        Classes of the samples.
    inputs, test_inputs : array_like
        Input of the same samples, as spikes or as features.
    kind, strengths, held_out, seed
        As in :class:`LinearReadout`.
    bins, tau
        As in :func:`spike_features`, for the liquid and its input; used for spikes only.

    Returns
    -------
    ReadoutReport
        Its text shows both accuracies and whether the liquid improves the accuracy.

    Raises
    ------
    DescriptionError
        If an argument is not valid, shapes do not match, or there is only one class.

    Examples
    --------
    >>> x = np.array([[0.0], [1.0], [4.0], [5.0]] * 9)
    >>> print(evaluate_readout(x, [0, 0, 1, 1] * 9, x, [0, 0, 1, 1] * 9, inputs=0 * x,
    ...                        test_inputs=0 * x))
    accuracy 1.000 (0.904 to 1.000), input alone 0.500: the liquid helps (p = 7.6e-06)
    """
    problems = Problems("evaluate_readout")
    for what, train, test in (("states", states, test_states), ("inputs", inputs, test_inputs)):
        if train.ndim != test.ndim or train.shape[1:] != test.shape[1:]:
            problems.add(f"{what} and test_{what} must have samples of the same shape, got "
                         f"{train.shape[1:]} and {test.shape[1:]}.")  # fmt: skip
        if len(train) != len(labels) or len(test) != len(test_labels):
            problems.add(f"{what}: there must be one label for each sample, got {len(train)} "
                         f"samples and {len(labels)} labels for training, {len(test)} and "
                         f"{len(test_labels)} for testing.")  # fmt: skip
    problems.raise_if_any()
    numbers = own_seed(seed)
    fitted = []
    for train, test in ((states, test_states), (inputs, test_inputs)):
        x, tests = (_features(part, bins, tau) for part in (train, test))
        readout = LinearReadout(kind, strengths=strengths, held_out=held_out, seed=numbers)
        fitted.append((readout.fit(x, labels), readout.predict(tests)))
    return report_of(fitted, labels, test_labels, kind, bins, tau)


def report_of(
    fitted: list[tuple[LinearReadout, NDArray[Any]]],
    labels: NDArray[Any],
    test_labels: NDArray[Any],
    kind: str,
    bins: int,
    tau: float | None,
) -> ReadoutReport:
    from scipy.stats import binomtest

    if not len(test_labels):
        raise DescriptionError("evaluate_readout: there must be at least one test sample, got 0.")
    (liquid, predicted), (plain, input_predicted) = fitted
    right, input_right = predicted == test_labels, input_predicted == test_labels
    better, worse = int(np.sum(right & ~input_right)), int(np.sum(~right & input_right))
    return ReadoutReport(
        accuracy=float(right.mean()), input_accuracy=float(input_right.mean()),
        interval=interval_of(right), input_interval=interval_of(input_right),
        p_value=float(binomtest(better, better + worse).pvalue) if better + worse else 1.0,
        kind=kind, bins=bins, tau=tau, strength=liquid.strength, input_strength=plain.strength,
        n_train=len(labels), n_test=len(test_labels), n_classes=len(liquid.classes),
        n_features=len(liquid.weights), n_input_features=len(plain.weights),
        predicted=read_only(predicted), input_predicted=read_only(input_predicted),
    )  # fmt: skip


def interval_of(right: NDArray[np.bool_]) -> Interval:
    """Return the 95 % interval of the fraction of correct answers, by Wilson's formula."""
    from scipy.stats import binomtest

    interval = binomtest(int(right.sum()), right.size).proportion_ci(method="wilson")
    return Interval(float(interval.low), float(interval.high))


def require_pairs(
    where: str, features: NDArray[Any], labels: NDArray[Any], classes: int = 2
) -> None:
    """Raise an error if there is not one label for each sample, or there are too few classes.

    Raises
    ------
    DescriptionError
        If so; the message begins with `where`.
    """
    if len(features) != len(labels):
        raise DescriptionError(
            f"{where}: there must be one label for each sample, got {len(features)} samples and "
            f"{len(labels)} labels."
        )
    present = np.unique(labels)
    if len(present) < classes:
        only = f", all of them {present[0]!r}" if len(present) else ""
        needed = "at least two classes" if classes == 2 else "at least one sample"
        raise DescriptionError(
            f"{where}: labels must have {needed}, got {len(labels)} labels{only}."
        )


def _features(part: NDArray[Any], bins: int, tau: float | None) -> NDArray[Any]:
    return spike_features(part, bins=bins, tau=tau) if part.ndim == 3 else part


def _floating(features: NDArray[Any]) -> NDArray[Any]:
    """Return features as floats; whole numbers become float32, which holds every count."""
    return features if features.dtype.kind == "f" else features.astype(np.float32)
