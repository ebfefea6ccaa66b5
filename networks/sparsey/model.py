"""A hierarchy of macs that learns images and sequences in one pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import Annotated, Any, ClassVar, Literal, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from ...checks import Count, Each, Instance, Optional, checked
from ...display import Displayed
from ...errors import DescriptionError, shown
from ...hdf5 import read_array
from ...models import Stored
from ...progress import Progress, progress_callback
from ...streams import Seed, own_seed
from .arguments import InputShape, LabelArray, Thresholds
from .frames import Frames
from .geometry import wire
from .hierarchy import Items, Report, report_nothing
from .lowering import OnSpikes
from .parameters import BackOff, Level, Plasticity, Selection
from .readout import LARGEST_WEIGHT, Counts, add_labels, class_sums, grown, new_counts
from .state import make_rules, make_state
from .storing import check_sizes, label_arrays, read_counts, read_labels, read_state, state_arrays
from .tables import LevelFrames, Tower

__all__ = ["Sparsey"]

_Labels = Annotated[Any, LabelArray()]


class Sparsey(OnSpikes, Displayed):
    r"""Hierarchy of macs with sparse distributed codes, an associative memory of one-shot learning.

    Each mac has Q competitive modules of K binary cells. Its code is one winner in each module.
    Codes are selected so that similar inputs have similar codes, and are learnt in one trial.

    In all methods that use images or sequences, `x` is one of these:

    - images: an array (n, \*input_shape) or (n, n_pixels), or :class:`~spikemem.codes.Patterns`;
    - sequences: an array (n, T, \*input_shape), or a list with one array (T, \*input_shape) or
      one :class:`~spikemem.codes.Patterns` for each sequence.

    Parameters
    ----------
    input_shape : int or tuple of int
        Number of pixels; or rows and columns; or rows, columns and channels.
    levels : sequence of Level
        Levels from the lowest to the highest.
    selection, plasticity : optional
        Parameters of the levels that do not have their own.
    back_off : BackOff, optional
        Thresholds for retrieval with fewer kinds of input. Default: all kinds of input count.
    threshold : float or sequence of float, optional
        A pixel is on if its value is larger. With several thresholds (a thermometer code), each
        pixel becomes several binary inputs. Default: the values must be binary.
    readout : {"binary", "clip3", "clip7"}
        Class weights: 1 if a cell and a class coincided, or the number of coincidences, up to 3
        or 7. More states of a weight are better if there are more items of a class.
    readout_levels : sequence of int, optional
        Levels whose cells project to the class nodes. Default: the highest.
    compiled : bool
        Whether the levels run compiled; the slower NumPy code computes the same.
    seed : int or numpy.random.Generator
        Seed of the draws in learning, and of the priorities that break ties in retrieval.

    Attributes
    ----------
    classes_ : ndarray, shape (n_classes,)
        Learnt labels, in order.
    n_features_in_ : int
        Number of pixels of an image.
    familiarity_ : float64, shape (n_frames, n_levels)
        Familiarity G of the frames of the last learning call, the mean over the active macs.
    n_frames_learnt : int
        Number of frames learnt so far; the ageing of weights uses it as time.

    Raises
    ------
    DescriptionError
        If sizes are not valid, a mac has no inputs, or the synapses do not fit into memory.

    References
    ----------
    Rinkus, Front. Comput. Neurosci. 8:160 (2014).

    Examples
    --------
    >>> from spikemem.codes import random_patterns
    >>> patterns = random_patterns(8, size=144, active=20, seed=1)
    >>> memory = Sparsey(144, [Level(n_modules=24, cells_per_module=8)], seed=0)
    >>> codes = memory.learn(patterns)
    >>> recalled = memory.retrieve(patterns)
    >>> recalled == codes, float(recalled.mean_familiarity().min())
    (True, 1.0)
    """

    view: ClassVar[str] = "spikemem.networks.sparsey.view:hierarchy_view"
    panels: ClassVar[str] = "spikemem.networks.sparsey.panels:hierarchy_panels"
    _estimator_type: ClassVar[str] = "classifier"

    @checked
    def __init__(
        self,
        input_shape: Annotated[Any, InputShape()],
        levels: Annotated[Sequence[Level], Each(Instance(Level), "levels", least=1, most=30)] = (
            Level(),
        ),
        *,
        selection: Selection | None = None,
        plasticity: Plasticity | None = None,
        back_off: BackOff | None = None,
        threshold: Annotated[Any, Thresholds()] = None,
        readout: Literal["binary", "clip3", "clip7"] = "binary",
        readout_levels: Annotated[
            Sequence[int] | None, Optional(Each(Count(low=0), "levels", least=1))
        ] = None,
        compiled: bool = True,
        seed: Seed = 0,
    ) -> None:
        self.input_shape = InputShape().check(input_shape, "Sparsey: input_shape")
        self.levels = tuple(levels)
        self.selection, self.plasticity = selection, plasticity
        self.back_off, self.threshold = back_off, threshold
        self.readout, self.readout_levels, self.compiled = readout, readout_levels, compiled
        self.seed = own_seed(seed)
        self._read = _read_levels(readout_levels, len(self.levels))
        self._tower = self._empty()
        self._forget()

    def _empty(self) -> Tower:
        """Return all levels in their initial state."""
        shape = (*self.input_shape, 1, 1) if len(self.input_shape) > 1 else (1, *self.input_shape)
        channels = (*shape, 1)[2] * len(self._thresholds or (0,))
        wiring = wire(self.levels, (shape[0], shape[1], channels))
        selections = tuple(a.selection or self.selection or Selection() for a in self.levels)
        rules = tuple(a.plasticity or self.plasticity or Plasticity() for a in self.levels)
        backs = None if self.back_off is None else astuple(self.back_off)
        steps = range(len(self.levels))
        return Tower(
            self.levels, selections, rules, self.back_off,
            tuple(make_state(self.levels, wiring, k, rules[k], self.seed) for k in steps),
            tuple(make_rules(self.levels, k, selections[k], rules[k], backs) for k in steps),
            self.compiled, shape[0] * shape[1] * channels,
        )  # fmt: skip

    def _forget(self) -> None:
        self.n_frames_learnt = 0
        self.classes_: NDArray[Any] = np.zeros(0, dtype=np.int64)
        self.familiarity_ = np.zeros((0, len(self.levels)))
        self._drawn: Counts | None = None
        self._retrieved: Counts | None = None

    def facts(self) -> dict[str, Any]:
        """Return sizes, synapses, classes and number of learnt frames, as plain data for JSON."""
        return super().facts() | {"n_classes": len(self.classes_)}

    def _winners(self, tables: list[LevelFrames]) -> list[NDArray[np.int16]]:
        return [tables[k].winners[1:] for k in self._read]

    def _label_indices(self, y: NDArray[Any], n_items: int, where: str) -> NDArray[np.int64]:
        """Return the index in `classes_` of each label; new labels are added."""
        if y.size != n_items:
            raise DescriptionError(
                f"Sparsey.{where}: y must have one label for each of {n_items} items, got {y.size}."
            )
        old = self.classes_
        if old.size and (old.dtype.kind == "U") != (y.dtype.kind == "U"):
            raise DescriptionError(
                f"Sparsey.{where}: y must be labels of the type learnt earlier, such as "
                f"{shown(old[0].item())}, got {shown(y[0].item())}."
            )
        labels = np.unique(np.concatenate([old, y])) if old.size else np.unique(y)
        if self._drawn is None:
            self._drawn = new_counts(self._read_sizes, len(labels))
        elif len(labels) > len(old):
            columns = np.searchsorted(labels, old)
            self._drawn = grown(self._drawn, columns, len(labels))
            if self._retrieved is not None:
                self._retrieved = grown(self._retrieved, columns, len(labels))
        self.classes_ = labels
        return np.searchsorted(labels, y).astype(np.int64)

    @property
    def _read_sizes(self) -> tuple[int, ...]:
        return tuple(self.levels[k].n_cells for k in self._read)

    @property
    def _read_cells(self) -> list[int]:
        return [self.levels[k].cells_per_module for k in self._read]

    @checked
    def fit(
        self,
        x: Items,
        y: Annotated[Any, Optional(LabelArray())] = None,
        *,
        second_pass: bool = True,
        progress: Progress = False,
    ) -> Self:
        """Learn images or sequences in one pass, after forgetting everything.

        Parameters
        ----------
        x : images or sequences
            As for :class:`Sparsey`; each item is learnt once, in this order.
        y : array_like, shape (n_items,), optional
            Class of each item. Default: learning without classes.
        second_pass : bool
            Whether class weights are also learnt from the codes that the items retrieve after
            learning; :meth:`predict` then uses these.
        progress : bool or callable
            As for :func:`spikemem.simulate`.

        Returns
        -------
        Sparsey
            The hierarchy itself.

        Raises
        ------
        DescriptionError
            If items or labels are not valid, or a frame activates no mac. The model is unchanged
            then.
        """
        frames = self._to_learn(x, "fit")
        if y is not None and y.size != frames.n_items:
            self._label_indices(y, frames.n_items, "fit")
        self._tower = self._empty()
        self._forget()
        return self._fit(frames, y, second_pass, progress, "fit")

    @checked
    def partial_fit(
        self,
        x: Items,
        y: Annotated[Any, Optional(LabelArray())] = None,
        *,
        classes: Annotated[Any, Optional(LabelArray())] = None,
        second_pass: bool = True,
        progress: Progress = False,
    ) -> Self:
        """Learn more images or sequences, also of new classes.

        Several calls learn the same codes as one call.

        Parameters
        ----------
        x, y, second_pass, progress
            As for :meth:`fit`. Without `second_pass`, class weights of earlier second passes are
            discarded, because they lack the new items.
        classes : array_like, optional
            All labels, including those of later calls. They are not required.

        Returns
        -------
        Sparsey
            The hierarchy itself.

        Raises
        ------
        DescriptionError
            As for :meth:`fit`.
        """
        frames = self._to_learn(x, "partial_fit")
        if y is not None and classes is not None:
            missing = np.setdiff1d(y, classes) if y.dtype.kind == classes.dtype.kind else y
            if missing.size:
                raise DescriptionError(
                    f"Sparsey.partial_fit: classes must have every label of y, but "
                    f"{shown(missing[0].item())} is missing."
                )
            if y.size == frames.n_items:
                self._label_indices(classes, classes.size, "partial_fit")
        return self._fit(frames, y, second_pass, progress, "partial_fit")

    def _fit(
        self,
        frames: Frames,
        y: NDArray[Any] | None,
        second_pass: bool,
        progress: Progress,
        where: str,
    ) -> Self:
        labels = None if y is None else self._label_indices(y, frames.n_items, where)
        twice = labels is not None and second_pass
        with progress_callback(progress, "Sparsey") as report:
            for part, tables in self._run(frames, True, report, (0.0, 0.6 if twice else 1.0)):
                if labels is not None and self._drawn is not None:
                    add_labels(self._drawn, self._winners(tables), self._read_cells,
                                       labels[frames.owners[part]])  # fmt: skip
            if labels is not None and twice:
                self._read_again(frames, labels, report, (0.6, 1.0))
        if labels is not None and not second_pass:
            self._retrieved = None
        return self

    def _read_again(
        self, frames: Frames, labels: NDArray[np.int64], report: Report, span: tuple[float, float]
    ) -> None:
        """Learn class weights from retrieved codes."""
        if self._retrieved is None:
            self._retrieved = new_counts(self._read_sizes, len(self.classes_))
        for part, tables in self._run(frames, False, report, span):
            owners = frames.owners[part]
            add_labels(self._retrieved, self._winners(tables), self._read_cells,
                               labels[owners])  # fmt: skip

    @checked
    def fit_readout(self, x: Items, y: _Labels) -> Self:
        """Replace the class weights by new ones from retrieved codes; nothing else is learnt.

        Parameters
        ----------
        x : images or sequences
            As for :class:`Sparsey`.
        y : array_like, shape (n_items,)
            Class of each item.

        Returns
        -------
        Sparsey
            The hierarchy itself.

        Raises
        ------
        DescriptionError
            As for :meth:`fit`.
        """
        frames = self._to_learn(x, "fit_readout")
        labels = self._label_indices(y, frames.n_items, "fit_readout")
        self._retrieved = None
        self._read_again(frames, labels, report_nothing, (0.0, 1.0))
        return self

    @checked
    def class_scores(self, x: Items, *, single_pass: bool = False) -> NDArray[np.float64]:
        """Return summed class weights of the cells of each item's codes, (n_items, n_classes).

        Parameters
        ----------
        x : images or sequences
            As for :class:`Sparsey`; the sums include all frames of a sequence.
        single_pass : bool
            Whether to use the class weights of the codes drawn in learning, even if there are
            some of a second pass.

        Raises
        ------
        DescriptionError
            If the items are not valid, a frame activates no mac, or no classes were learnt.
        """
        return self._scores(x, single_pass, "class_scores")

    def _scores(self, x: Any, single_pass: bool, where: str) -> NDArray[np.float64]:
        counts = self._drawn if single_pass or self._retrieved is None else self._retrieved
        if counts is None:
            raise DescriptionError(
                f"Sparsey.{where}: the model has learnt no classes; call fit with y first."
            )
        frames = self._frames(x, where)
        self._require_active(frames, where)
        scores = [np.zeros((0, len(self.classes_)))]
        for part, tables in self._run(frames, False, report_nothing, (0.0, 1.0)):
            owners = frames.owners[part]
            owners = owners - owners[0]
            scores.append(class_sums(
                counts, self._winners(tables), self._read_cells,
                LARGEST_WEIGHT[self.readout], owners, int(owners[-1]) + 1,
            ))  # fmt: skip
        return np.concatenate(scores)

    @checked
    def predict(self, x: Items, *, single_pass: bool = False) -> NDArray[Any]:
        """Return the class with the largest sum for each item, shape (n_items,).

        Parameters
        ----------
        x, single_pass
            As for :meth:`class_scores`.

        Raises
        ------
        DescriptionError
            As for :meth:`class_scores`.
        """
        return np.asarray(self.classes_[self._scores(x, single_pass, "predict").argmax(axis=1)])

    @checked
    def score(self, x: Items, y: _Labels, *, single_pass: bool = False) -> float:
        """Return the fraction of items with the correct class.

        Parameters
        ----------
        x, single_pass
            As for :meth:`class_scores`.
        y : array_like, shape (n_items,)
            Class of each item.

        Raises
        ------
        DescriptionError
            As for :meth:`class_scores`, or if the number of labels is wrong.
        """
        predicted = self.classes_[self._scores(x, single_pass, "score").argmax(axis=1)]
        if y.size != predicted.size or not y.size:
            raise DescriptionError(
                f"Sparsey.score: y must have one label for each of {predicted.size} items, at "
                f"least one, got {y.size}."
            )
        return float(np.mean(predicted == y))

    def arguments(self) -> dict[str, Any]:
        """Return the constructor's arguments."""
        names = ("input_shape", "levels", "selection", "plasticity", "back_off", "threshold",
                 "readout", "readout_levels", "compiled", "seed")  # fmt: skip
        return {name: getattr(self, name) for name in names}

    def arrays(self) -> dict[str, Stored]:
        """Return synapses, class weights, and the number of frames learnt."""
        arrays = state_arrays(self._tower.states) | label_arrays(self.classes_)
        arrays["n_frames_learnt"] = Stored(np.array(self.n_frames_learnt))
        arrays["familiarity"] = Stored(self.familiarity_)
        for name, counts in (("drawn", self._drawn), ("retrieved", self._retrieved)):
            for k, table in enumerate(counts or ()):
                arrays[f"{name}_{k}"] = Stored(table)
        return arrays

    @classmethod
    def restored(cls, arguments: Mapping[str, Any], arrays: h5py.Group) -> Self:
        """Rebuild a hierarchy from its arguments and arrays; see :meth:`arrays`."""
        check_sizes(arguments.get("levels"), arrays)
        model = cls(**arguments)
        model.n_frames_learnt = int(
            read_array(arrays, "n_frames_learnt", "int", (), low=0, high=2**62)
        )
        read_state(model._tower.states, arrays, model.n_frames_learnt)
        model.familiarity_ = read_array(
            arrays, "familiarity", "float", (None, len(model.levels)), low=0.0, high=1.0
        )
        model.classes_ = read_labels(arrays)
        size = len(model.classes_)
        model._drawn = read_counts(arrays, "drawn", model._read_sizes, size)
        model._retrieved = read_counts(arrays, "retrieved", model._read_sizes, size)
        return model

    @checked
    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the constructor's arguments; a method of scikit-learn's estimators."""
        return self.arguments()

    @checked
    def set_params(self, **params: Any) -> Self:
        """Change arguments of the constructor, and forget everything.

        Raises
        ------
        DescriptionError
            If there is no such argument, or its value is not valid. The model is unchanged then.
        """
        made = type(self)(**(self.arguments() | params))
        self.__dict__.update(made.__dict__)
        return self

    def __sklearn_clone__(self) -> Self:
        return type(self)(**self.arguments())

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier", target_tags=TargetTags(required=False),
            classifier_tags=ClassifierTags(), input_tags=InputTags(three_d_array=True),
        )  # fmt: skip


def _read_levels(chosen_levels: Sequence[int] | None, n_levels: int) -> tuple[int, ...]:
    """Return the levels that project to the class nodes."""
    chosen = (n_levels - 1,) if chosen_levels is None else tuple(sorted(set(chosen_levels)))
    if chosen[-1] >= n_levels:
        raise DescriptionError(
            f"Sparsey: readout_levels must be from 0 to {n_levels - 1}, got {chosen[-1]}."
        )
    return chosen
