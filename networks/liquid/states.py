"""Spikes, states and weights of a liquid, without its readout."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from ...backends import BackendName
from ...checks import AnyValue, Count, Quantity, checked
from ...errors import DescriptionError
from ...limits import require_memory
from ...models import DeviceKind
from ...progress import Progress, progress_callback
from ...streams import Seed, own_seed, stream
from .bodies import Body, DenseBody, NetworkBody, mapped
from .events import Events
from .features import spike_features
from .lowering import Weights
from .trials import EventsLike, events_of

__all__ = ["Age", "LiquidStates"]

Arithmetic = Literal["float64", "spinnaker"]
Noise = Annotated[float, Quantity(low=0.0)]
Age = Annotated[float, Quantity("s", low=0.0)]


class LiquidStates:
    """A liquid without a readout; see :class:`LiquidStateMachine`."""

    n_inputs: int
    n_neurons: int
    body: Body
    features: Literal["counts", "low-pass"]
    bins: int
    tau: float
    n_steps: int | None

    @property
    def plastic(self) -> Mapping[str, str]:
        """Projections that hold the weights, with descriptions."""
        return self.body.plastic

    @property
    def weight_grid(self) -> float:
        """Distance of two possible weights, in units of the threshold; 0 if there is no grid."""
        return self._dense("weight_grid").lowered.grid

    @property
    def weights(self) -> Weights:
        """Weights that the liquid computes with, in units of the threshold."""
        low = self._dense("weights").lowered
        unit = low.grid or 1.0
        return Weights(low.input * unit, low.recurrent * unit)

    def _dense(self, what: str) -> DenseBody:
        if isinstance(self.body, DenseBody):
            return self.body
        raise DescriptionError(f"LiquidStateMachine.{what}: the liquid must be a DenseLiquid.")

    @checked
    def with_weights(
        self,
        input: Annotated[Any, AnyValue()],
        recurrent: Annotated[Any, AnyValue()],
    ) -> Self:
        """Return a copy with other weights and the same readout.

        Parameters
        ----------
        input : array_like of float, shape (n_inputs, n_neurons)
            Input weights, in units of the threshold.
        recurrent : array_like of float, shape (n_neurons, n_neurons)
            Recurrent weights from row to column.

        Raises
        ------
        DescriptionError
            If the weights are not finite or have other shapes, or the liquid is not dense.
        """
        shapes = ((self.n_inputs, self.n_neurons), (self.n_neurons, self.n_neurons))
        arrays = []
        for name, value, shape in zip(("input", "recurrent"), (input, recurrent), shapes,
                                      strict=True):  # fmt: skip
            try:
                array = np.array(value, dtype=np.float64)
            except (TypeError, ValueError):
                array = np.empty(0)
            if array.shape != shape or not np.isfinite(array).all():
                raise DescriptionError(
                    f"LiquidStateMachine.with_weights: {name} must be finite numbers of shape "
                    f"{shape}."
                )
            arrays.append(array)
        body = self._dense("with_weights")
        model = copy.deepcopy(self)
        model.body = DenseBody(body.liquid, Weights(*arrays))
        return model

    @checked
    def on_device(
        self,
        device: Annotated[Any, DeviceKind()],
        *,
        time: Age | None = None,
        seed: Seed = 0,
        **options: Any,
    ) -> Self:
        """Return a copy whose weights are held by a device, with the same readout.

        Parameters
        ----------
        device : Device
            Memory technology; each weight is one differential pair.
        time : float, optional
            Age of the device, s. Default: the earliest age for which it is calibrated.
        seed : int or numpy.random.Generator
            Seed of the device. With the same seed, the same devices can be read at another age.
        **options
            More arguments of the device's ``apply``: ``compensation``, ``faults``, ``draw``, ...

        Raises
        ------
        DescriptionError
            If the device does not take an option, or is not calibrated for the age.
        """
        model = copy.deepcopy(self)
        model.body = self.body.written(device, time, own_seed(seed), **options)
        return model

    def _events(self, events: Any, method: str) -> Events:
        where = f"LiquidStateMachine.{method}: events"
        converted = events_of(events, self.n_inputs, self.n_steps, where)
        return self.body.on_grid(converted, self.n_steps, where)

    def _mapped(self, samples: Events, take: Any, progress: Progress, **options: Any) -> list[Any]:
        seed = options.pop("seed", 0)
        number = own_seed(seed) if options.get("read_noise") else 0

        def seeds(first: int) -> np.random.Generator:
            return stream(number, "liquid", "read noise", first)

        with progress_callback(progress, "liquid") as report:
            return mapped(self.body, samples, take, seeds=seeds, report=report, **options)

    def _features(self, spikes: NDArray[Any]) -> NDArray[np.float32]:
        tau = None if self.features == "counts" else self.tau
        return spike_features(spikes, bins=self.bins, tau=tau)

    @checked
    def spikes(
        self,
        events: EventsLike,
        *,
        backend: BackendName | None = None,
        arithmetic: Arithmetic = "float64",
        read_noise: Noise = 0.0,
        jobs: Annotated[int, Count()] = 1,
        seed: Seed = 0,
        progress: Progress = False,
    ) -> NDArray[Any]:
        """Return the spikes of the liquid in each step.

        Parameters
        ----------
        events : Events, array_like, sequence of SpikeTrains, or Patterns
            Samples; arrays hold 0 and 1, shape (n_samples, n_steps, n_inputs).
        backend : str, optional
            Backend, as in :func:`spikemem.simulate`, for a network with a copy of the liquid for
            each sample. Default: a dense liquid is computed directly, other liquids on "native".
        arithmetic : {"float64", "spinnaker"}
            Numbers of the direct computation: floating point, or SpiNNaker's fixed point.
        read_noise : float
            Standard deviation of the read noise, relative to the weight; it is drawn at each read.
        jobs : int
            Number of threads.
        seed : int or numpy.random.Generator
            Seed of the read noise.
        progress : bool or callable
            True shows a progress bar on a terminal; a callable gets the completed fraction.

        Returns
        -------
        ndarray of int, shape (n_samples, n_steps, n_neurons)

        Raises
        ------
        DescriptionError
            If the events have other channels, or the liquid does not support an option.
        """
        samples = self._events(events, "spikes")
        size = samples.n_samples * self.body.n_steps(samples) * self.n_neurons
        require_memory(3.0 * size, f"LiquidStateMachine.spikes: an array of {size} bytes",
                       "Use fewer samples at a time, or states().")  # fmt: skip
        parts = self._mapped(
            samples, lambda spikes, _: spikes, progress, backend=backend, arithmetic=arithmetic,
            read_noise=read_noise, jobs=jobs, seed=seed,
        )  # fmt: skip
        return np.concatenate(parts)

    @checked
    def states(
        self,
        events: EventsLike,
        *,
        backend: BackendName | None = None,
        arithmetic: Arithmetic = "float64",
        read_noise: Noise = 0.0,
        jobs: Annotated[int, Count()] = 1,
        seed: Seed = 0,
        progress: Progress = False,
    ) -> NDArray[np.float32]:
        """Return the features that the readout uses; the arguments are those of :meth:`spikes`.

        Returns
        -------
        ndarray of float32, shape (n_samples, bins * n_neurons)
            The neurons of the first bin come first.
        """
        samples = self._events(events, "states")
        size = samples.n_samples * self.bins * self.n_neurons
        require_memory(8.0 * size, f"LiquidStateMachine.states: {size} numbers",
                       "Use fewer samples at a time.")  # fmt: skip
        parts = self._mapped(
            samples, lambda spikes, _: self._features(spikes), progress, backend=backend,
            arithmetic=arithmetic, read_noise=read_noise, jobs=jobs, seed=seed,
        )  # fmt: skip
        return np.concatenate(parts)

    @checked
    def transform(self, events: EventsLike) -> NDArray[np.float32]:
        """Return the same as :meth:`states`, for pipelines of scikit-learn."""
        return self.states(events)

    @checked
    def input_states(self, events: EventsLike) -> NDArray[np.float32]:
        """Return the same features of the input alone, shape (n_samples, bins * n_inputs)."""
        samples = self._events(events, "input_states")
        step = self.body.step(samples) if isinstance(self.body, NetworkBody) else samples.dt or 1.0
        parts = []
        for first in range(0, samples.n_samples, 256):
            some = samples[first : min(first + 256, samples.n_samples)]
            parts.append(self._features((some if some.dt == step else some.to_grid(step)).dense()))
        return np.concatenate(parts)
