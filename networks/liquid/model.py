"""Liquid state machines: a fixed liquid with a linear readout, used like a classifier."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from ...checks import AnyValue, Count, Instance, Quantity, checked
from ...display import Displayed
from ...errors import DescriptionError, StorageError
from ...hdf5 import read_array
from ...models import OnDevice, Stored, StoredModel
from ...network import Network
from ...progress import Progress
from ...recording import Recording
from ...streams import Seed, own_seed
from ...units import to_int
from .arrays import Labels
from .bodies import Body, DenseBody, NetworkBody
from .circuit import draw_weights
from .grid import GRID_PLASTIC, grid_liquid
from .parameters import DenseLiquid, MaassLiquid, NetworkLiquid
from .readout import LinearReadout, ReadoutReport, report_of, require_pairs
from .references import LIN, MAASS
from .restoring import read_readout, read_weights, stored_readout
from .states import Age, LiquidStates
from .trials import EventsLike

__all__ = ["LiquidStateMachine"]

Liquid = DenseLiquid | MaassLiquid | NetworkLiquid

_LIQUID = Instance(
    DenseLiquid, MaassLiquid, NetworkLiquid,
    remedy="NetworkLiquid(network=..., inputs=..., liquid=...) makes a liquid from any network.",
)  # fmt: skip

Integrator = Literal["spinnaker", "exact"]
Answer = Literal["label", "counts", "states"]
Tau = Annotated[float, Quantity("1", above=0.0)]


class LiquidStateMachine(LiquidStates, StoredModel, Displayed):
    """A fixed random network driven by events, with a trained linear readout.

    Parameters
    ----------
    n_inputs : int
        Number of channels of the events.
    n_neurons : int, optional
        Number of neurons. Default: that of the liquid; 200 for a :class:`DenseLiquid`.
    liquid : DenseLiquid, MaassLiquid or NetworkLiquid, optional
        Kind and parameters of the liquid. Default: ``DenseLiquid()``, the published one.
    device : Device, optional
        Memory technology that holds the weights; each weight is one differential pair.
    time : float, optional
        Age of the device, s. Default: the earliest age for which it is calibrated.
    readout : {"ridge", "logistic"}
        Linear classifier of scikit-learn.
    features : {"counts", "low-pass"}
        Input of the readout: spike counts, or spike trains that are low-passed with `tau`.
    bins : int
        Number of equal time bins of a sample. Spikes are counted in each bin, or states are read
        at its end.
    tau : float
        Time constant of the low-pass, steps.
    n_steps : int, optional
        Number of steps into which each sample is divided, whatever its duration. Default: the
        steps of the events. A pattern is a burst of this number of steps (default 10).
    seed : int or numpy.random.Generator
        Seed of the weights, the device, and the choice of the readout's penalty.

    Attributes
    ----------
    readout_, baseline_ : LinearReadout
        Readout of the liquid, and the same readout of the input alone, with the same bins.
    classes_ : ndarray
        Sorted labels; available after :meth:`fit`.

    Raises
    ------
    DescriptionError
        If arguments are not valid or contradict each other.

    References
    ----------
    Lin et al., Nature Computational Science 5 (2025) 37-47; Maass, Natschläger, Markram, Neural
    Computation 14 (2002) 2531-2560.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = np.arange(60) % 2
    >>> rate = np.where(labels[:, None, None] == np.arange(32) % 2, 0.3, 0.1)
    >>> events = rng.random((60, 20, 32)) < rate
    >>> model = LiquidStateMachine(n_inputs=32, n_neurons=100, seed=0).fit(events[:40], labels[:40])
    >>> model.score(events[40:], labels[40:])
    1.0
    """

    bibtex: ClassVar[tuple[str, ...]] = (LIN, MAASS)
    view: ClassVar[str] = "spikemem.networks.liquid.views:liquid_view"
    panels: ClassVar[str] = "spikemem.networks.liquid.panels:liquid_panels"

    @checked
    def __init__(
        self,
        n_inputs: Annotated[int, Count()],
        n_neurons: Annotated[int, Count()] | None = None,
        *,
        liquid: Annotated[Liquid, _LIQUID] | None = None,
        device: OnDevice = None,
        time: Age | None = None,
        readout: Literal["ridge", "logistic"] = "ridge",
        features: Literal["counts", "low-pass"] = "counts",
        bins: Annotated[int, Count()] = 1,
        tau: Tau = 30.0,
        n_steps: Annotated[int, Count()] | None = None,
        seed: Seed = 0,
    ) -> None:
        self.n_inputs = n_inputs
        self.liquid: Liquid = DenseLiquid() if liquid is None else liquid
        self.n_neurons = _size(self.liquid, n_inputs, n_neurons)
        self.device, self.time = device, time
        self.readout, self.features = readout, features
        self.bins, self.tau, self.n_steps = bins, tau, n_steps
        self.seed = own_seed(seed)
        self.body = self._body()
        if device is not None:
            self.body = self.body.written(device, time, self.seed)
        elif time is not None:
            raise DescriptionError("LiquidStateMachine: time is the age of a device, so it needs "
                                   "device=.")  # fmt: skip
        self._reset()

    def _body(self) -> Body:
        if isinstance(self.liquid, DenseLiquid):
            weights = draw_weights(self.liquid, self.n_inputs, self.n_neurons, self.seed)
            return DenseBody(self.liquid, weights)
        if isinstance(self.liquid, MaassLiquid):
            network = grid_liquid(self.liquid, self.n_inputs, self.seed)
            return NetworkBody(network, GRID_PLASTIC)
        return NetworkBody(self.liquid)

    def _reset(self) -> None:
        options: dict[str, Any] = {"seed": self.seed}
        self.readout_ = LinearReadout(self.readout, **options)
        self.baseline_ = LinearReadout(self.readout, **options)
        self.n_train = 0

    def __repr__(self) -> str:
        kind, held = type(self.liquid).__name__, "" if self.device is None else ", on a device"
        learnt = f": {len(self.classes_)} classes" if self.is_fitted else ""
        return (
            f"LiquidStateMachine({self.n_inputs} inputs, {self.n_neurons} neurons, {kind}, "
            f"{self.features} in {self.bins} bins{held}{learnt})"
        )

    def facts(self) -> dict[str, Any]:
        """Return the sizes, the readout and the numbers as plain data, ready for JSON."""
        values = super().facts() | {"liquid": type(self.liquid).__name__, "fitted": self.is_fitted}
        if isinstance(self.body, DenseBody):
            low = self.body.lowered
            values |= {"weight_grid": low.grid, "decay": low.keep}
        return values

    @property
    def is_fitted(self) -> bool:
        """Whether the readout is trained."""
        return bool(self.readout_.classes.size)

    @property
    def classes_(self) -> NDArray[Any]:
        """Sorted labels."""
        return self.readout_.classes

    @checked
    def fit(self, events: EventsLike, labels: Labels, *, progress: Progress = False) -> Self:
        """Train the readout of the liquid, and that of the input alone.

        Parameters
        ----------
        events : Events, or array_like of shape (n_samples, n_steps, n_inputs)
            Samples.
        labels : array_like of int or str, shape (n_samples,)
            Class of each sample; there must be at least two classes.
        progress : bool or callable
            True shows a progress bar on a terminal; a callable gets the completed fraction.

        Returns
        -------
        LiquidStateMachine
            The model itself. Earlier training is forgotten.

        Raises
        ------
        DescriptionError
            If the events have other channels, the number of labels is wrong, or there is only one
            class. The readout does not change then.
        """
        samples = self._events(events, "fit")
        require_pairs("LiquidStateMachine.fit", np.empty(samples.n_samples), labels)
        states = self.states(samples, progress=progress)
        options: dict[str, Any] = {"seed": self.seed}
        fresh = LinearReadout(self.readout, **options)
        plain = LinearReadout(self.readout, **options)
        fresh.fit(states, labels)
        plain.fit(self.input_states(samples), labels)
        self.readout_, self.baseline_, self.n_train = fresh, plain, samples.n_samples
        return self

    def _require_fitted(self, method: str) -> None:
        if not self.is_fitted:
            raise DescriptionError(f"LiquidStateMachine.{method}: the readout is not trained yet. "
                                   f"Call fit first.")  # fmt: skip

    @checked
    def predict(self, events: EventsLike) -> NDArray[Any]:
        """Return the predicted class of each sample, shape (n_samples,).

        Raises
        ------
        DescriptionError
            If the readout is not trained, or the events have other channels.
        """
        self._require_fitted("predict")
        return self.readout_.predict(self.states(self._events(events, "predict")))

    @checked
    def score(self, events: EventsLike, labels: Labels) -> float:
        """Return the fraction of samples that are classified correctly.

        Raises
        ------
        DescriptionError
            As in :meth:`predict`, or if the number of labels is wrong.
        """
        return self.report(events, labels).accuracy

    @checked
    def baseline_score(self, events: EventsLike, labels: Labels) -> float:
        """Return the fraction of samples that the readout of the input classifies correctly."""
        return self.report(events, labels).input_accuracy

    @checked
    def report(self, events: EventsLike, labels: Labels) -> ReadoutReport:
        """Return the accuracies from the liquid and from the input alone, and compare them.

        Raises
        ------
        DescriptionError
            As in :meth:`score`.
        """
        self._require_fitted("report")
        samples = self._events(events, "report")
        require_pairs("LiquidStateMachine.report", np.empty(samples.n_samples), labels, classes=1)
        states, inputs = self.states(samples), self.input_states(samples)
        predictions = [(self.readout_, self.readout_.predict(states)),
                 (self.baseline_, self.baseline_.predict(inputs))]  # fmt: skip
        tau = None if self.features == "counts" else self.tau
        result = report_of(
            predictions, np.empty(self.n_train), labels, self.readout, self.bins, tau
        )
        return result

    @checked
    def build(
        self,
        trials: Annotated[Iterable[Any], AnyValue()],
        *,
        answer: Answer | None = None,
        integrator: Integrator = "spinnaker",
    ) -> Network:
        """Return a network with one copy of the liquid for each sample.

        Parameters
        ----------
        trials : Events, array_like, sequence of SpikeTrains, or Patterns
            Samples. A pattern is a burst: its cells fire in each of `n_steps` steps (default 10).
        answer : {"label", "counts", "states"}, optional
            Not used here; see :meth:`decode`.
        integrator : {"spinnaker", "exact"}
            Integration of the backend; "exact" for NEST.

        Raises
        ------
        DescriptionError
            If the samples have other channels.
        """
        return self.body.network(self._events(trials, "build"), integrator)

    @checked
    def decode(
        self,
        recording: Recording,
        trials: Annotated[Iterable[Any], AnyValue()],
        *,
        answer: Answer | None = None,
        integrator: Integrator = "spinnaker",
    ) -> list[Any]:
        """Return the answer to each sample, from a recording of the network of :meth:`build`.

        Parameters
        ----------
        recording : Recording
            Recording of the network that was built for these samples.
        trials, integrator
            As in :meth:`build`.
        answer : {"label", "counts", "states"}, optional
            Class, spike count of each neuron, or features that the readout uses. Default: the class
            if the readout is trained, else counts.

        Returns
        -------
        list
            A label for each sample, or an array of shape (n_neurons,) or (bins * n_neurons,).

        Raises
        ------
        DescriptionError
            If the recording is of another network, or `answer` is a label and the readout is not
            trained.
        """
        samples = self._events(trials, "decode")
        return self._answers(self.body.recorded(recording, samples), answer, "decode")

    def _answers(self, spikes: NDArray[Any], answer: str | None, method: str) -> list[Any]:
        if answer == "counts" or (answer is None and not self.is_fitted):
            return list(spikes.sum(axis=1, dtype=np.int64))
        states = self._features(spikes)
        if answer == "states":
            return list(states)
        self._require_fitted(method)
        labels: list[Any] = self.readout_.predict(states).tolist()
        return labels

    @checked
    def expected(
        self,
        trials: Annotated[Iterable[Any], AnyValue()],
        *,
        answer: Answer | None = None,
    ) -> list[Any]:
        """Return the answers as :meth:`decode`, computed without a network."""
        samples = self._events(trials, "expected")
        parts = self._mapped(
            samples, lambda spikes, _: self._answers(spikes, answer, "expected"), False,
            backend=None, arithmetic="float64", read_noise=0.0, jobs=1,
        )  # fmt: skip
        return [each for part in parts for each in part]

    @checked
    def after(self, recording: Recording, trials: Annotated[Iterable[Any], AnyValue()]) -> Self:
        """Return the model itself, since a liquid learns nothing in a run."""
        return self

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        names = ("n_inputs", "n_neurons", "liquid", "device", "time", "readout", "features",
                 "bins", "tau", "n_steps", "seed")  # fmt: skip
        return {name: getattr(self, name) for name in names}

    def arrays(self) -> dict[str, Stored]:
        """Return the weights of a dense liquid, and the readouts if they are trained."""
        stored: dict[str, Stored] = {}
        if isinstance(self.body, DenseBody):
            stored["input weights"] = Stored(self.body.weights.input)
            stored["recurrent weights"] = Stored(self.body.weights.recurrent)
        if self.is_fitted:
            stored["n_train"] = Stored(np.array(self.n_train))
            stored |= stored_readout("readout", self.readout_)
            stored |= stored_readout("baseline", self.baseline_)
        return stored

    @classmethod
    def restored(cls, arguments: Mapping[str, Any], arrays: h5py.Group) -> Self:
        """Return a model with stored weights and readouts; see :meth:`arrays`."""
        weights = None
        if isinstance(arguments.get("liquid"), DenseLiquid):
            # Checked here, before the model draws weights of the sizes in the file.
            sizes = (to_int(arguments.get(name), name) for name in ("n_inputs", "n_neurons"))
            weights = read_weights(arrays, *sizes)
        model = cls(**arguments)
        if weights is not None and isinstance(model.body, DenseBody):
            model.body = DenseBody(model.body.liquid, weights)
        if "n_train" in arrays:
            model.n_train = int(read_array(arrays, "n_train", "int", (), low=1))
            width = model.bins
            read_readout(arrays, "readout", model.readout_, width * model.n_neurons)
            read_readout(arrays, "baseline", model.baseline_, width * model.n_inputs)
            if len(model.readout_.classes) != len(model.baseline_.classes):
                raise StorageError("its two readouts must have the same classes")
        return model


def _size(liquid: Liquid, n_inputs: int, n_neurons: int | None) -> int:
    """Return the number of neurons of a model, checked against its liquid."""
    if isinstance(liquid, DenseLiquid):
        return 200 if n_neurons is None else n_neurons
    if n_neurons not in (None, liquid.n_neurons):
        raise DescriptionError(
            f"LiquidStateMachine: n_neurons must be {liquid.n_neurons}, as in the liquid, or be "
            f"left out, got {n_neurons}."
        )
    if isinstance(liquid, NetworkLiquid) and liquid.n_inputs != n_inputs:
        raise DescriptionError(
            f"LiquidStateMachine: n_inputs must be {liquid.n_inputs}, the number of source cells "
            f"of the liquid, got {n_inputs}."
        )
    return liquid.n_neurons
