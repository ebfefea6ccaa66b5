"""The lateral connections of a subspace as spiking cells, and how novel they find an input.

Values are signed and cells are not, so that each has a pair of cells: one fires for positive
values, one for negative ones. An input x drives subspace neurons with the rows H; these
respond with ``y = H x`` and inhibit the residual neurons through ``-H'``, which are left with
``x - H' y``. The part of the energy that the subspace explains, ``|H x|^2 / |x|^2``, is near 1
for inputs like those that it was learnt from.
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
"""Time constant of the membrane, ms: so long that cells hardly leak. SpiNNaker's decay, which has
15 binary digits, leaks as much for this one to 0.02 %."""

TAU_SYN = 1.0 / 64.0
"""Time constant of a current that lasts one step, ms."""

THRESHOLD = 10.0
"""Threshold of all cells, mV."""

WEIGHT = 100.0
"""Weight that stands for 1, nA."""

MAX_RATE = 0.25
"""Spikes in a step of an input cell whose value is `x_max`."""

SIGNS = ("+", "-")


class RowArray(Kind):
    """Rows of a subspace: finite numbers (n_rows, n_inputs)."""

    def check(self, value: Any, where: str) -> Real:
        """Return float64, with at least one row and one entry that is not 0."""
        array = SampleArray((2,)).check(value, where).astype(np.float64)
        if not array.size or not np.abs(array).max() or np.abs(array).max() > 100.0:
            raise DescriptionError(
                f"{where} must have rows of about unit length, got {shown(value)}."
            )
        return read_only(array)


class LateralResponse(NamedTuple):
    """What the circuit says of one input."""

    y: Real
    """Responses of the subspace neurons, shape (n_rows,)."""
    residual: Real
    """What is left of the input, shape (n_inputs,)."""
    energy: float
    """Part of the energy of the input that the subspace explains; 0 for an input of zeros."""


class LateralCircuit:
    """Lateral connections of a subspace as a network, for :func:`spikemem.run` on any backend.

    Parameters
    ----------
    rows : array_like, shape (n_rows, n_inputs)
        Rows H of the subspace, for example of ``model.kept_``; nearly orthonormal.
    x_max : float
        Largest magnitude of a value of the input; larger ones are limited to it.
    y_max : float, optional
        Response that `levels` spikes stand for. Default: half of the largest possible one,
        ``x_max * sqrt(n_inputs) / 2``.
    levels : int
        Spikes of a subspace neuron that responds with `y_max`, and of a residual neuron whose
        value is `x_max`: the resolution is ``y_max / levels``.
    n_steps : int
        Steps of 1 ms that an input lasts.
    seed : int or numpy.random.Generator
        For the phases of the input's spikes.

    Raises
    ------
    DescriptionError
        Rows that are not finite numbers, or values out of range.

    Notes
    -----
    Learning the rows on a machine would need plastic weights that are tied forwards and backwards;
    no rule of sPyNNaker does this. The rows are learnt by
    :class:`~spikemem.networks.hlop.Subspace`, and the circuit only responds.

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
        rows: Annotated[Any, RowArray()],
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
                f"spikes do not crowd, got {n_steps}."
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
        """What the constructor takes."""
        names = ("rows", "x_max", "y_max", "levels", "n_steps", "seed")
        return {name: getattr(self, name) for name in names}

    def arrays(self) -> dict[str, Stored]:
        """State beside the arguments: none."""
        return {}

    @checked
    def after(self, recording: Recording, trials: Annotated[Any, AnyValue()]) -> LateralCircuit:
        """The circuit itself: it learns nothing in a run."""
        return self

    @property
    def _thresholds(self) -> tuple[float, float]:
        """Sums of input spikes for which a subspace and a residual neuron fires."""
        all_spikes = self.n_steps * MAX_RATE
        return (
            self.y_max / self.x_max * all_spikes / self.levels,
            all_spikes / self.levels,
        )

    @checked
    def build(self, trials: Annotated[Any, AnyValue()]) -> Network:
        """The network with a copy of the circuit for each input.

        Parameters
        ----------
        trials : array_like, shape (n_samples, n_inputs)
            Inputs.

        Raises
        ------
        DescriptionError
            Not inputs of as many values as the rows have.
        """
        x = self._inputs(trials, "build")
        n_rows, n = self.rows.shape
        require_memory(64.0 * len(x) * (8.0 * n_rows * n + self.n_steps * n),
                       f"LateralCircuit.build: {len(x)} inputs", "Give fewer.")  # fmt: skip
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
        """A cell that fires when the sum of its input reaches `fires`, and hardly leaks."""
        step = -math.expm1(-1.0 / TAU_M) * TAU_SYN * WEIGHT
        resistance = THRESHOLD / fires / step
        return LIF(
            tau_m=TAU_M, cm=TAU_M / resistance, v_rest=0.0, v_reset=0.0, v_thresh=THRESHOLD,
            tau_refrac=0.0, tau_syn_E=TAU_SYN, tau_syn_I=TAU_SYN,
        )  # fmt: skip

    def _input_spikes(self, x: Real) -> NDArray[np.bool_]:
        """Evenly spaced spikes with a phase for each cell, shape (n_samples, 2 n, n_steps)."""
        both = np.concatenate([np.maximum(x, 0.0), np.maximum(-x, 0.0)], axis=1)
        rate = np.minimum(both / self.x_max, 1.0) * MAX_RATE
        phase = stream(self.seed, "hlop", "lateral", "phases").random(both.shape[1])
        sums = np.floor(rate[:, :, None] * np.arange(self.n_steps + 1) + phase[:, None])
        return np.diff(sums, axis=2) > 0

    @checked
    def decode(
        self, recording: Recording, trials: Annotated[Any, AnyValue()]
    ) -> list[LateralResponse]:
        """Responses to each input, from the spike counts of a recording.

        Raises
        ------
        DescriptionError
            Not a recording of the network of :meth:`build`, or not such inputs.
        """
        x = self._inputs(trials, "decode")
        fires_y, fires_x = self._thresholds
        unit = self.x_max / (self.n_steps * MAX_RATE)
        # The reset forgets what came above the threshold: half of a spike's weight on average, and
        # half of what more arrives in the same step.
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
        """Signed numbers of threshold crossings, shape (n_samples, size)."""
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
        """Responses in closed form: ``H x``, ``x - H' H x`` and ``|H x|^2 / |x|^2``."""
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
    """Synapses between pairs of cells: equal signs drive, opposite signs inhibit each other.

    `matrix` has the shape (n_pre, n_post); the cells for negative values follow the others.
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
    """Parts of energies: finite numbers, shape (n,), at least one."""

    def check(self, value: Any, where: str) -> Real:
        """Return float64."""
        array = SampleArray((1,)).check(value, where).astype(np.float64)
        if not array.size:
            raise DescriptionError(f"{where} must hold at least one number.")
        return array


@checked
def novelty_threshold(
    familiar: Annotated[Any, Energies()],
    false_alarms: Annotated[float, Probability()] = 0.05,
) -> float:
    """Energy below which an input is called novel.

    Parameters
    ----------
    familiar : array_like, shape (n,)
        Energies of familiar inputs (:attr:`LateralResponse.energy`).
    false_alarms : float
        Part of the familiar inputs that may be called novel.

    Examples
    --------
    >>> novelty_threshold([0.8, 0.9, 1.0, 0.7, 0.6], false_alarms=0.5)
    0.8
    """
    return float(np.quantile(familiar, false_alarms))
