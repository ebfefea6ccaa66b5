"""One step of the current-based neuron of all backends, and the spike code of its input.

All functions accept NumPy arrays and PyTorch tensors of any precision.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ...checks import checked
from ...errors import DescriptionError
from ...streams import stream
from .arrays import State
from .parameters import CubaNeuron

__all__ = ["advance", "code_levels", "cuba_step", "encode"]


@checked
def cuba_step(v: State, i: State, drive: State, neuron: CubaNeuron) -> tuple[Any, Any, Any]:
    """Advance neurons by one time step.

    The step is ``v = p22 v + p21 i``; a neuron fires if ``v > v_thresh`` and is reset to 0; then
    ``i = p11 i + drive``. The input of this step therefore changes the potential in the next one.

    Parameters
    ----------
    v, i : array or tensor
        Potential above rest, mV, and synaptic current, nA, of the same shape. They do not change.
    drive : array or tensor
        Sum of the weights whose spikes arrive in this step, nA.
    neuron : CubaNeuron
        Constants of the neuron.

    Returns
    -------
    tuple
        New `v`, new `i`, and the spikes (bool).

    Raises
    ------
    DescriptionError
        If the arguments are not arrays or tensors of the same shape.
    """
    kinds = {isinstance(part, np.ndarray) for part in (v, i, drive)}
    if len(kinds) > 1 or not v.shape == i.shape == drive.shape:
        raise DescriptionError(
            f"cuba_step: v, i and drive must be all arrays or all tensors, of the same shape, got "
            f"shapes {tuple(v.shape)}, {tuple(i.shape)} and {tuple(drive.shape)}."
        )
    return advance(v, i, drive, neuron)


class Constants(Protocol):
    """Constants of a neuron that a step uses."""

    @property
    def p11(self) -> Any:
        """Fraction of the synaptic current that remains after a step."""

    @property
    def p21(self) -> Any:
        """Increase of the potential in a step for each nA."""

    @property
    def p22(self) -> Any:
        """Fraction of the potential that remains after a step."""

    @property
    def v_thresh(self) -> Any:
        """Threshold above rest, mV."""


def advance(v: Any, i: Any, drive: Any, neuron: Constants) -> tuple[Any, Any, Any]:
    """Advance neurons as :func:`cuba_step`, without checks, for any object with the constants."""
    v = neuron.p22 * v + neuron.p21 * i
    spikes = v > neuron.v_thresh
    return v * ~spikes, neuron.p11 * i + drive, spikes


def code_levels(neuron: CubaNeuron, n_inputs: int, seed: int) -> NDArray[np.float32]:
    """Draw the levels that :func:`encode` compares samples with, shape (steps, n_inputs).

    They are the same for all samples, so that the spikes of a sample do not depend on the others.
    """
    rng = stream(seed, "hlop", "code")
    if neuron.code == "bernoulli":
        return rng.random((neuron.steps, n_inputs), dtype=np.float32)
    return rng.random((1, n_inputs), dtype=np.float32)


def encode(x: Any, levels: Any, neuron: CubaNeuron) -> Any:
    """Return the spikes that encode samples, bool of shape (steps, n_samples, n_inputs).

    Parameters
    ----------
    x : array or tensor of shape (n_samples, n_inputs)
        Probability of a spike in each step, 0 to 1.
    levels : array or tensor
        Levels from :func:`code_levels`, or of shape (steps, n_samples, n_inputs), drawn separately
        for each sample.
    neuron : CubaNeuron
        Number of steps and kind of code.
    """
    if neuron.code == "bernoulli":
        return x[None] > (levels if levels.ndim == 3 else levels[:, None])
    # An input fires when the running sum of its rate, from a random phase, passes a whole number.
    phase = levels if levels.ndim == 3 else levels[:, None]
    module: Any = np
    if not isinstance(x, np.ndarray):
        import torch

        module = torch
    sums = [module.floor(phase[0] + x * k) for k in range(neuron.steps + 1)]
    return module.stack([sums[k + 1] > sums[k] for k in range(neuron.steps)])
