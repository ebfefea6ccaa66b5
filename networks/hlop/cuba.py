"""One step of the current-based neuron that every backend has, and the spike code of its input.

NumPy arrays and PyTorch tensors of any precision are taken alike.
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

    ``v = p22 v + p21 i``; a neuron fires if ``v > v_thresh`` and starts again at 0; then
    ``i = p11 i + drive``, so that input of this step moves the potential in the next one.

    Parameters
    ----------
    v, i : array or tensor
        Potential above rest, mV, and synaptic current, nA; of one shape. They stay as they are.
    drive : array or tensor
        Sum of the weights whose spikes arrive in this step, nA.
    neuron : CubaNeuron
        Constants.

    Returns
    -------
    tuple
        New `v` and `i`, and which neurons fire (bool).

    Raises
    ------
    DescriptionError
        Not arrays or tensors of shapes that fit together.
    """
    kinds = {isinstance(part, np.ndarray) for part in (v, i, drive)}
    if len(kinds) > 1 or not v.shape == i.shape == drive.shape:
        raise DescriptionError(
            f"cuba_step: v, i and drive must be of one kind and shape, got {tuple(v.shape)}, "
            f"{tuple(i.shape)} and {tuple(drive.shape)}."
        )
    return advance(v, i, drive, neuron)


class Constants(Protocol):
    """What a step needs of a neuron."""

    @property
    def p11(self) -> Any:
        """What a step leaves of the synaptic current."""

    @property
    def p21(self) -> Any:
        """What a step adds to the potential for each nA."""

    @property
    def p22(self) -> Any:
        """What a step leaves of the potential."""

    @property
    def v_thresh(self) -> Any:
        """Threshold above rest."""


def advance(v: Any, i: Any, drive: Any, neuron: Constants) -> tuple[Any, Any, Any]:
    """As :func:`cuba_step`, of anything with these constants: nothing is checked."""
    v = neuron.p22 * v + neuron.p21 * i
    spikes = v > neuron.v_thresh
    return v * ~spikes, neuron.p11 * i + drive, spikes


def code_levels(neuron: CubaNeuron, n_inputs: int, seed: int) -> NDArray[np.float32]:
    """Levels that :func:`encode` compares samples with, shape (steps, n_inputs).

    They are the same for every sample, so that a sample's spikes don't depend on the others.
    """
    rng = stream(seed, "hlop", "code")
    if neuron.code == "bernoulli":
        return rng.random((neuron.steps, n_inputs), dtype=np.float32)
    return rng.random((1, n_inputs), dtype=np.float32)


def encode(x: Any, levels: Any, neuron: CubaNeuron) -> Any:
    """Spikes of samples, bool of shape (steps, n_samples, n_inputs).

    Parameters
    ----------
    x : array or tensor of shape (n_samples, n_inputs)
        Probability of a spike in each step, 0 to 1.
    levels : array or tensor
        From :func:`code_levels`; or of shape (steps, n_samples, n_inputs), drawn afresh for each
        sample.
    neuron : CubaNeuron
        Number of steps and kind of code.
    """
    if neuron.code == "bernoulli":
        return x[None] > (levels if levels.ndim == 3 else levels[:, None])
    # Fires whenever the sum of the rates, begun at a random phase, passes a whole number.
    phase = levels if levels.ndim == 3 else levels[:, None]
    module: Any = np
    if not isinstance(x, np.ndarray):
        import torch

        module = torch
    sums = [module.floor(phase[0] + x * k) for k in range(neuron.steps + 1)]
    return module.stack([sums[k + 1] > sums[k] for k in range(neuron.steps)])
