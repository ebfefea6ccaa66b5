"""The classifier as a network for any backend: building, decoding, and exact spikes."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Annotated, Any, Literal, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ...checks import AnyValue, Count, checked
from ...codes import Patterns
from ...errors import DescriptionError, UnsupportedError
from ...limits import require_memory
from ...models import StoredModel
from ...network import Network
from ...recording import Recording
from .arrays import SampleArray
from .circuit import (
    SampleLayout,
    arrange,
    circuit,
    pass_layers,
    plastic_names,
    recorded_spikes,
)
from .cuba import code_levels, encode
from .lowering import LoweredLayer, lower_layer
from .parameters import CubaNeuron, Neuron
from .storing import Learnt

__all__ = ["SpikeMargin", "SpikingClassifier", "spikes_of_input"]

Answer = Literal["label", "scores", "counts"]
Arrangement = Literal["side by side", "in turn"]
Integrator = Literal["spinnaker", "exact"]
Spikes = NDArray[np.bool_]
_Trials = Annotated[Any, AnyValue()]
_Task = Annotated[int, Count(low=0)] | None


class SpikeMargin(NamedTuple):
    """Whether a hidden layer has the same spikes in floating point and on SpiNNaker."""

    margin: float
    """Smallest distance of a potential from the threshold, as a fraction of the threshold."""
    error: float
    """Largest error of a potential on SpiNNaker, as a fraction of the threshold."""
    is_proven: bool
    """Whether the spikes are proven to be the same for any input."""

    @property
    def is_identical(self) -> bool:
        """Whether the spikes are proven to be the same for these samples."""
        return self.is_proven or self.margin > self.error


class _Encoded(NamedTuple):
    """Trials as input spikes, with the hidden layers."""

    layers: list[LoweredLayer]
    spikes: Spikes
    """Input spikes, shape (steps, n_samples, n_inputs)."""
    steps: int


class SpikingClassifier(StoredModel):
    """Base of models with a :class:`CubaNeuron`, which can run on any backend."""

    layers: tuple[int, ...]
    neuron: Neuron
    dtype: str
    seed: int
    _learnt: Learnt

    def _head(self, task: int | None, method: str) -> int | None:
        raise NotImplementedError

    def _check_samples(self, x: NDArray[Any], where: str) -> None:
        raise NotImplementedError

    @property
    def plastic(self) -> Mapping[str, str]:
        """Projections that hold the weights of the hidden layers; empty without a spiking form.

        The last layer has no synapses: its weights are applied to spike counts outside the network.
        """
        return plastic_names(len(self.layers) - 2) if self._is_spiking else {}

    @property
    def _is_spiking(self) -> bool:
        return isinstance(self.neuron, CubaNeuron) and len(self.layers) > 2

    @checked
    def build(
        self,
        trials: _Trials,
        *,
        samples: Arrangement = "side by side",
        integrator: Integrator = "spinnaker",
        answer: Answer = "label",
        task: _Task = None,
    ) -> Network:
        """Return a network whose input sends samples.

        A step of the neuron is 1 ms. Populations are "input", "hidden 1", "hidden 2", ...

        Parameters
        ----------
        trials : array_like of shape (n_samples, n_inputs), or Patterns
            Samples, 0 to 1, the probability of a spike in each step; patterns are 0 and 1.
        samples : {"side by side", "in turn"}
            "side by side" makes one copy of the circuit for each sample. "in turn" makes one
            circuit, which gets one sample after the other, with a silent gap between them in which
            all potentials decay to 0; it needs a smaller machine.
        integrator : {"spinnaker", "exact"}
            Integration of the backend; "exact" for NEST.
        answer, task
            Not used here; see :meth:`decode`.

        Raises
        ------
        UnsupportedError
            If simulators do not have the neuron, or there is no hidden layer.
        DescriptionError
            If samples do not fit the inputs, or 16 bits cannot hold the weights.
        """
        encoded = self._encoded(trials, "build")
        layout = _layout(encoded, samples)
        return circuit(encoded.layers, encoded.spikes, layout, integrator)

    @checked
    def decode(
        self,
        recording: Recording,
        trials: _Trials,
        *,
        samples: Arrangement = "side by side",
        integrator: Integrator = "spinnaker",
        answer: Answer = "label",
        task: _Task = None,
    ) -> list[Any]:
        """Return the answer to each sample, from a recording of the network of :meth:`build`.

        Parameters
        ----------
        recording : Recording
            Recording of the network that was built for these samples.
        trials, samples, integrator
            As in :meth:`build`.
        answer : {"label", "scores", "counts"}
            Class, outputs of the last layer, or spike counts of the last hidden layer.
        task : int, optional
            Task whose outputs are read; required if each task has its own outputs.

        Returns
        -------
        list
            An int for each sample, or an array of shape (n_classes,) or (n_neurons,).

        Raises
        ------
        DescriptionError
            If the recording is of another network, or `task` is required and missing.
        """
        encoded = self._encoded(trials, "decode")
        spikes = recorded_spikes(
            recording, _layout(encoded, samples), len(encoded.layers), integrator
        )
        return self._answers(spikes, answer, task, "decode")

    @checked
    def expected(
        self, trials: _Trials, *, answer: Answer = "label", task: _Task = None
    ) -> list[Any]:
        """Return the answers as :meth:`decode`, computed in float64 without a simulator."""
        encoded = self._encoded(trials, "expected")
        passed = pass_layers(encoded.layers, encoded.spikes)
        return self._answers(passed.spikes, answer, task, "expected")

    @checked
    def after(self, recording: Recording, trials: _Trials) -> Self:
        """Return the model itself, since weights change only in :meth:`learn_task`."""
        return self

    @checked
    def hidden_spikes(self, trials: _Trials) -> list[Spikes]:
        """Compute the spikes of each hidden layer, shape (steps, n_samples, n_neurons).

        They are computed without a simulator and equal those of the network of :meth:`build`, whose
        weights are on a grid.
        """
        encoded = self._encoded(trials, "hidden_spikes")
        return pass_layers(encoded.layers, encoded.spikes).spikes

    @checked
    def recorded_spikes(
        self,
        recording: Recording,
        trials: _Trials,
        *,
        samples: Arrangement = "side by side",
        integrator: Integrator = "spinnaker",
    ) -> list[Spikes]:
        """Return the spikes of each hidden layer in a recording, as :meth:`hidden_spikes` does."""
        encoded = self._encoded(trials, "recorded_spikes")
        return recorded_spikes(
            recording, _layout(encoded, samples), len(encoded.layers), integrator
        )

    @checked
    def spike_margins(self, trials: _Trials) -> list[SpikeMargin]:
        """Return how close potentials come to the threshold in each hidden layer.

        Examples
        --------
        >>> from spikemem.networks.hlop import CubaNeuron, HLOPClassifier
        >>> model = HLOPClassifier((4, 6, 2), trainer="bptt", neuron=CubaNeuron.halving(steps=8))
        >>> [layer.is_proven for layer in model.spike_margins([[0.2, 0.9, 0.4, 0.6]])]
        [True]
        """
        encoded = self._encoded(trials, "spike_margins")
        passed = pass_layers(encoded.layers, encoded.spikes)
        return [
            SpikeMargin(margin / layer.v_thresh, layer.error / layer.v_thresh, layer.is_proven)
            for layer, margin in zip(encoded.layers, passed.margins, strict=True)
        ]

    def on_grid(self) -> Self:
        """Return a copy whose hidden weights are rounded to the grid of :meth:`build`.

        Its :meth:`score` shows the effect of the rounding.
        """
        weights = [layer.weights.astype(self.dtype) for layer in self._lowered("on_grid")]
        model = copy.copy(self)
        model._learnt = self._learnt._replace(weights=(*weights, self._learnt.weights[-1]))
        return model

    def _lowered(self, method: str) -> list[LoweredLayer]:
        neuron = _require_spiking(self, method)
        return [
            lower_layer(weights, neuron, f"hidden layer {k + 1}")
            for k, weights in enumerate(self._learnt.weights[:-1])
        ]

    def _encoded(self, trials: Any, method: str) -> _Encoded:
        neuron = _require_spiking(self, method)
        where = f"{type(self).__name__}.{method}: trials"
        x = (
            trials.to_dense()
            if isinstance(trials, Patterns)
            else SampleArray().check(trials, where)
        )
        self._check_samples(x, method)
        if not len(x):
            raise DescriptionError(f"{where} must hold at least one sample, got 0.")
        require_memory(2.0 * neuron.steps * len(x) * sum(self.layers), where,
                       "Pass fewer samples at a time.")  # fmt: skip
        rows = np.asarray(x, dtype=self.dtype).reshape(len(x), -1)
        levels = code_levels(neuron, self.layers[0], self.seed)
        return _Encoded(self._lowered(method), encode(rows, levels, neuron), neuron.steps)

    def _answers(
        self, spikes: list[Spikes], answer: str, task: int | None, method: str
    ) -> list[Any]:
        counts = spikes[-1].sum(axis=0, dtype=np.int64)
        if answer == "counts":
            return list(counts)
        head, size = self._head(task, method), self.layers[-1]
        weights = self._learnt.weights[-1].astype(np.float64)
        if head is not None:
            weights = weights[head * size : (head + 1) * size]
        scores = counts @ weights.T / len(spikes[-1])
        return list(scores) if answer == "scores" else scores.argmax(axis=1).tolist()


def _require_spiking(model: SpikingClassifier, method: str) -> CubaNeuron:
    """Return the neuron; raise an error if simulators do not have it."""
    where = f"{type(model).__name__}.{method}"
    if not isinstance(model.neuron, CubaNeuron):
        raise UnsupportedError(
            f"{where}: simulators have no cell like {type(model.neuron).__name__}, whose input is "
            f"a constant current, or whose reset subtracts from the potential. Train with "
            f"trainer='bptt', neuron=CubaNeuron.halving()."
        )
    if len(model.layers) < 3:
        raise UnsupportedError(
            f"{where}: the network has no hidden layer, and so no spiking cells; make it with at "
            f"least three layers."
        )
    return model.neuron


def spikes_of_input(model: SpikingClassifier, trials: Any) -> Spikes:
    """Return the spikes of the input, shape (steps, n_samples, n_inputs)."""
    return model._encoded(trials, "build").spikes


def _layout(encoded: _Encoded, samples: Arrangement) -> SampleLayout:
    return arrange(encoded.spikes.shape[1], encoded.steps, encoded.layers, samples)
