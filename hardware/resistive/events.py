"""Event-driven reads of sparse synapses: only the synapses of inputs that fire are read."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ...checks import Count, Indices, checked
from ...errors import DescriptionError
from ...frozen import Changing
from ...limits import require_memory
from ...streams import Seed, stream
from .array import ProgrammedArray
from .kinds import Age

__all__ = ["EventReader"]


class EventReader(Changing):
    """Sparse synapses in a programmed array, read by spikes with exact read noise.

    Parameters
    ----------
    i, j : array_like of int, shape (n_synapses,)
        Input and output of each synapse.
    array : ProgrammedArray
        Weights of shape (n_synapses,).
    n_in, n_out : int
        Number of inputs and outputs.
    time : float, optional
        Age, s. Default: the first age for which the device is calibrated.
    seed : int or Generator
        Seed of the read noise.

    Examples
    --------
    >>> from spikemem.hardware.resistive import Ideal, program
    >>> array = program(Ideal(), [1.0, 2.0, 4.0])
    >>> EventReader([0, 1, 1], [0, 0, 1], array, n_in=2, n_out=2).read([1])
    array([2., 4.])
    """

    @checked
    def __init__(
        self,
        i: Annotated[Any, Indices()],
        j: Annotated[Any, Indices()],
        array: ProgrammedArray,
        *,
        n_in: Annotated[int, Count()],
        n_out: Annotated[int, Count()],
        time: Age | None = None,
        seed: Seed = 0,
    ) -> None:
        if i.shape != array.shape or j.shape != array.shape:
            raise DescriptionError(
                f"EventReader: i and j must have the array's shape {array.shape}, got "
                f"{i.shape} and {j.shape}."
            )
        self.n_in, self.n_out = n_in, n_out
        for name, index, size in (("i", i, n_in), ("j", j, n_out)):
            if index.size and index.max() >= size:
                raise DescriptionError(
                    f"EventReader: {name} must be from 0 to {size - 1}, got {index.max()}."
                )
        require_memory(
            24.0 * n_in + 32.0 * n_out, f"EventReader: n_in={n_in} and n_out={n_out}",
            "Number the inputs and outputs in use from 0 on.",
        )  # fmt: skip
        age = array.device.first_age if time is None else time
        order = np.argsort(i, kind="stable")
        self._edges = np.concatenate([[0], np.cumsum(np.bincount(i, minlength=n_in))])
        self._j = j[order]
        self._weight = array.weights(age)[order]
        self._variance = (array.weight_sd(age) ** 2)[order]
        self._noisy = bool(self._variance.any())
        self._rng = stream(seed, "resistive", "events")

    @checked
    def read(self, spikes: Annotated[Any, Indices()]) -> NDArray[np.float64]:
        """Return the input to each output when these inputs fire, shape (n_out,), nA."""
        fired = spikes
        if fired.size and fired.max() >= self.n_in:
            raise DescriptionError(f"spikes must be from 0 to {self.n_in - 1}, got {fired.max()}.")
        counts = self._edges[fired + 1] - self._edges[fired]
        shift = np.repeat(self._edges[fired] - (np.cumsum(counts) - counts), counts)
        at = np.arange(shift.size) + shift
        j = self._j[at]
        y: Any = np.bincount(j, self._weight[at], self.n_out)
        if self._noisy:
            spread = np.bincount(j, self._variance[at], self.n_out)
            y = y + np.sqrt(spread) * self._rng.standard_normal(self.n_out)
        return np.asarray(y)
