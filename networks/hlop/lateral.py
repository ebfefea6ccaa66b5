"""The lateral connections of a subspace as spiking cells, which detect novel inputs.

Each signed value is represented by a pair of cells: one fires for positive values, the other for
negative ones. An input x drives the subspace neurons through the rows H. They respond with
``y = H x`` and inhibit the residual neurons through ``-H'``, whose response is ``x - H' y``. The
fraction of the energy that the subspace explains, ``|H x|^2 / |x|^2``, is near 1 for inputs similar
to those that the subspace was learnt from.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Annotated, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...cells import LIF, SpikeSource
from ...checks import AnyValue, Count, Kind, Probability, Quantity, checked
from ...errors import DescriptionError, shown
from ...frozen import read_only
from ...limits import require_memory
from ...models import Stored
from ...network import Network, Population, Projection
from ...recording import Recording
from ...spikes import SpikeTrains
from ...streams import Seed, own_seed, stream
from .arrays import SampleArray

__all__ = ["LateralCircuit", "LateralResponse", "novelty_threshold"]

Real = NDArray[np.float64]

TAU_M = 4096.012
"""Membrane time constant, ms, which is so long that cells hardly leak. For this value, the leak on
SpiNNaker, whose decay has 15 binary digits, is the same to 0.02 %."""

TAU_SYN = 1.0 / 64.0
"""Synaptic time constant of a current that lasts one step, ms."""

THRESHOLD = 10.0
"""Threshold of all cells, mV."""

WEIGHT = 100.0
"""Weight that represents 1, nA."""

MAX_RATE = 0.25
"""Spikes per step of an input cell with the value `x_max`."""

SIGNS = ("+", "-")


class SubspaceRows(Kind):
    """Rows of a subspace: finite numbers (n_rows, n_inputs)."""

    def check(self, value: Any, where: str) -> Real:
        """Return a float64 array with at least one entry that is not 0."""
        array = SampleArray((2,)).check(value, where).astype(np.float64)
        if not array.size or not np.abs(array).max() or np.abs(array).max() > 100.0:
            raise DescriptionError(
                f"{where} must have rows of about unit length, got {shown(value)}."
            )
        return read_only(array)


class LateralResponse(NamedTuple):
    """Response of the circuit to one input."""

    y: Real
    """Responses of the subspace neurons, shape (n_rows,)."""
    residual: Real
    """Responses of the residual neurons, shape (n_inputs,)."""
    energy: float
    """Fraction of the input's energy that the subspace explains; 0 for an input of zeros."""


class LateralCircuit:
    """Lateral connections of a subspace as a network, for :func:`spikemem.run` on any backend.

    Parameters
    ----------
    rows : array_like, shape (n_rows, n_inputs)
        Rows H of the subspace, for example from ``model.kept_``; they must be nearly orthonormal.
    x_max : float
        Largest magnitude of an input value; larger ones are clipped.
    y_max : float, optional
        Response that `levels` spikes represent. Default: half of the largest possible response,
        ``x_max * sqrt(n_inputs) / 2``.
    levels : int
        Number of spikes of a subspace neuron that responds with `y_max`, and of a residual neuron
        whose value is `x_max`. The resolution is ``y_max / levels``.
    n_steps : int
        Duration of an input, in steps of 1 ms.
    seed : int or numpy.random.Generator
        Seed of the phases of the input spikes.

    Raises
    ------
    DescriptionError
        If rows are not finite numbers, or a value is out of range.

    Notes
    -----
    The circuit does not learn; :class:`~spikemem.networks.hlop.Subspace` learns the rows. Learning
    them on SpiNNaker needs plastic weights that are equal forwards and backwards, and no rule of
    sPyNNaker provides this.

    References
    ----------
    Xiao et al., ICLR 2024, arXiv 2402.11984, section on lateral spiking neurons.

    Examples
    --------
    >>> import spikemem as sm
    >>> circuit = LateralCircuit([[0.5, 0.5, 0.5, 0.5]])
    >>> inputs = [[0.6, 0.5, 0.6, 0.5], [0.5, -0.5, 0.5, -0.5]]
    >>> inside, outside = sm.run(circuit, inputs, backend="native")
    >>> inside.energy > 0.8, outside.energy < 0.1
    (True, True)
    """

    @checked
    def __init__(
        self,
        rows: Annotated[Any, SubspaceRows()],
        *,
        x_max: Annotated[float, Quantity(low=1e-3, high=1e3)] = 1.0,
        y_max: Annotated[float, Quantity(low=1e-3, high=1e6)] | None = None,
        levels: Annotated[int, Count(high=1000)] = 40,
        n_steps: Annotated[int, Count(high=2000)] = 400,
        seed: Seed = 0,
    ) -> None:
        self.rows, self.x_max, self.levels, self.n_steps = rows, x_max, levels, n_steps
        self.y_max = x_max * math.sqrt(rows.shape[1]) / 2.0 if y_max is None else y_max
        self.seed = own_seed(seed)
        if 4 * levels > n_steps:
            raise DescriptionError(
                f"LateralCircuit: n_steps must be at least 4 * levels = {4 * levels}, so that "
                f"there are enough steps for the spikes, got {n_steps}."
            )

    def __repr__(self) -> str:
        n_rows, n_inputs = self.rows.shape
        return f"LateralCircuit({n_rows} rows of {n_inputs} inputs, {self.levels} levels)"

    @property
    def plastic(self) -> Mapping[str, str]:
        """Projections that hold the rows, forwards and backwards."""
        return MappingProxyType(
            {
                f"{name} {receptor}": f"{what} with {receptor} synapses"
                for name, what in (("forward", "rows"), ("backward", "transposed rows"))
                for receptor in ("excitatory", "inhibitory")
            }
        )

    def arguments(self) -> dict[str, Any]:
        """Return the arguments of the constructor."""
        names = ("rows", "x_max", "y_max", "levels", "n_steps", "seed")
        return {name: getattr(self, name) for name in names}

    def arrays(self) -> dict[str, Stored]:
        """Return the state besides the arguments, which is empty."""
        return {}

    @checked
    def after(self, recording: Recording, trials: Annotated[Any, AnyValue()]) -> LateralCircuit:
        """Return the circuit itself, since it learns nothing in a run."""
        return self

    @property
    def _thresholds(self) -> tuple[float, float]:
        """Sums of weighted input spikes at which subspace and residual neurons fire."""
        all_spikes = self.n_steps * MAX_RATE
        return (
            self.y_max / self.x_max * all_spikes / self.levels,
            all_spikes / self.levels,
        )

    @checked
    def build(self, trials: Annotated[Any, AnyValue()]) -> Network:
        """Return a network with one copy of the circuit for each input.

        Parameters
        ----------
        trials : array_like, shape (n_samples, n_inputs)
            Inputs.

        Raises
        ------
        DescriptionError
            If the inputs do not have as many values as the rows.
        """
        x = self._inputs(trials, "build")
        n_rows, n = self.rows.shape
        require_memory(64.0 * len(x) * (8.0 * n_rows * n + self.n_steps * n),
                       f"LateralCircuit.build: {len(x)} inputs", "Use fewer.")  # fmt: skip
        duration = float(self.n_steps + 3)
        source = SpikeSource(spikes=SpikeTrains.empty(2 * n, duration))
        fires_y, fires_x = self._thresholds
        one = Network(
            populations=[
                Population(name="input", cell=source),
                Population(
                    name="subspace", cell=self._cell(fires_y), size=2 * n_rows, v_init=THRESHOLD / 2
                ),
                Population(
                    name="residual", cell=self._cell(fires_x), size=2 * n, v_init=THRESHOLD / 2
                ),
            ],
            projections=[
                *_signed("forward", "input", "subspace", self.rows.T),
                *_signed("backward", "subspace", "residual", -fires_y * self.rows),
                *_signed("copy", "input", "residual", np.eye(n)),
            ],
            dt=1.0,
        )
        sample, cell, step = np.nonzero(self._input_spikes(x))
        trains = SpikeTrains(
            ids=sample.astype(np.int64) * 2 * n + cell, times=step.astype(np.float64),
            size=2 * n * len(x), duration=duration,
        )  # fmt: skip
        return one.tile(len(x)).with_inputs({"input": trains})

    def _cell(self, fires: float) -> LIF:
        """Return a cell that hardly leaks and fires when the sum of its input reaches `fires`."""
        step = -math.expm1(-1.0 / TAU_M) * TAU_SYN * WEIGHT
        resistance = THRESHOLD / fires / step
        return LIF(
            tau_m=TAU_M, cm=TAU_M / resistance, v_rest=0.0, v_reset=0.0, v_thresh=THRESHOLD,
            tau_refrac=0.0, tau_syn_E=TAU_SYN, tau_syn_I=TAU_SYN,
        )  # fmt: skip

    def _input_spikes(self, x: Real) -> NDArray[np.bool_]:
        """Return evenly spaced spikes, with a phase for each cell (n_samples, 2 n, n_steps)."""
        both = np.concatenate([np.maximum(x, 0.0), np.maximum(-x, 0.0)], axis=1)
        rate = np.minimum(both / self.x_max, 1.0) * MAX_RATE
        phase = stream(self.seed, "hlop", "lateral", "phases").random(both.shape[1])
        sums = np.floor(rate[:, :, None] * np.arange(self.n_steps + 1) + phase[:, None])
        return np.diff(sums, axis=2) > 0

    @checked
    def decode(
        self, recording: Recording, trials: Annotated[Any, AnyValue()]
    ) -> list[LateralResponse]:
        """Return the responses to each input, from the spike counts of a recording.

        Raises
        ------
        DescriptionError
            If the recording is not from the network of :meth:`build`, or the inputs are not valid.
        """
        x = self._inputs(trials, "decode")
        fires_y, fires_x = self._thresholds
        unit = self.x_max / (self.n_steps * MAX_RATE)
        # The reset discards the potential above the threshold: on average half the weight of a
        # spike, and half of the other input in the same step.
        weights = np.abs(self.rows)
        lump = (weights**2).sum(axis=1) / np.maximum(weights.sum(axis=1), 1e-9)
        counts = self._counted(recording, "subspace", len(x), len(self.rows))
        y = unit * (fires_y + lump / 2.0) * counts
        counts = self._counted(recording, "residual", len(x), x.shape[1])
        residual = unit * (fires_x + 0.5) * counts
        spikes = self._input_spikes(x).sum(axis=2)
        shown_x = unit * (spikes[:, : x.shape[1]] - spikes[:, x.shape[1] :])
        return _responses(shown_x, y, residual)

    def _counted(self, recording: Recording, name: str, n_samples: int, size: int) -> Real:
        """Return signed numbers of threshold crossings, shape (n_samples, size)."""
        trains = recording[name]
        if trains.size != 2 * size * n_samples:
            raise DescriptionError(
                f"LateralCircuit.decode: {name!r} must have {2 * size * n_samples} cells, got "
                f"{trains.size}."
            )
        counts = np.bincount(trains.ids, minlength=trains.size).reshape(n_samples, 2, size)
        values = counts / (1.0 - np.minimum(counts / self.n_steps, 1.0) / 2.0)
        difference: Real = values[:, 0] - values[:, 1]
        return difference

    @checked
    def expected(self, trials: Annotated[Any, AnyValue()]) -> list[LateralResponse]:
        """Return the responses in closed form: ``H x``, ``x - H' H x``, ``|H x|^2 / |x|^2``."""
        x = np.clip(self._inputs(trials, "expected"), -self.x_max, self.x_max)
        y = x @ self.rows.T
        return _responses(x, y, x - y @ self.rows)

    def _inputs(self, trials: Any, method: str) -> Real:
        where = f"LateralCircuit.{method}: trials"
        x: Real = SampleArray((2,)).check(trials, where).astype(np.float64)
        if not len(x) or x.shape[1] != self.rows.shape[1]:
            raise DescriptionError(
                f"{where} must be inputs of {self.rows.shape[1]} values, got shape {x.shape}."
            )
        return x


def _responses(x: Real, y: Real, residual: Real) -> list[LateralResponse]:
    total = (x**2).sum(axis=1)
    explained = (y**2).sum(axis=1)
    energy = np.divide(explained, total, out=np.zeros_like(total), where=total > 0)
    return [LateralResponse(*each) for each in zip(y, residual, energy.tolist(), strict=True)]


def _signed(name: str, pre: str, post: str, matrix: Real) -> Iterator[Projection]:
    """Yield the synapses between pairs of cells: equal signs excite, opposite signs inhibit.

    `matrix` has the shape (n_pre, n_post). The cells for negative values follow those for positive
    values.
    """
    both = np.block([[matrix, -matrix], [-matrix, matrix]])
    for sign, receptor in ((1, "excitatory"), (-1, "inhibitory")):
        i, j = np.nonzero(sign * both > 0)
        yield Projection(
            name=f"{name} {receptor}", pre=pre, post=post, i=i, j=j,
            weight=np.abs(both[i, j]) * WEIGHT, delay=1.0,
            receptor=receptor,  # type: ignore[arg-type]
        )  # fmt: skip


class Energies(Kind):
    """Fractions of energy: finite numbers, shape (n,), at least one."""

    def check(self, value: Any, where: str) -> Real:
        """Return a float64 array."""
        array = SampleArray((1,)).check(value, where).astype(np.float64)
        if not array.size:
            raise DescriptionError(f"{where} must hold at least one number.")
        return array


@checked
def novelty_threshold(
    familiar: Annotated[Any, Energies()],
    false_alarms: Annotated[float, Probability()] = 0.05,
) -> float:
    """Return the energy below which an input is classified as novel.

    Parameters
    ----------
    familiar : array_like, shape (n,)
        Energies of familiar inputs (:attr:`LateralResponse.energy`).
    false_alarms : float
        Fraction of the familiar inputs that is classified as novel.

    Examples
    --------
    >>> novelty_threshold([0.8, 0.9, 1.0, 0.7, 0.6], false_alarms=0.5)
    0.8
    """
    return float(np.quantile(familiar, false_alarms))
