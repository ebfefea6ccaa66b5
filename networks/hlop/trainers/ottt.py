"""Online training through time: each step has its own loss, and errors do not go back in time."""

from __future__ import annotations

from typing import ClassVar

import torch

from ..parameters import LIFNeuron
from .base import Step, Tensor, Trainer, loss_of
from .bptt import surrogate

__all__ = ["OTTT"]


class OTTT(Trainer):
    """Online training through time (Xiao et al. 2022), with the loss of each step divided by T.

    Each synapse has a trace of its input, ``r = decay r + s``. In every step, the gradient is the
    error of this step times the trace. The last layer has no membrane, so that its trace is its
    input. The gradients of all steps are summed, and the outputs are averaged over the steps.
    """

    neurons: ClassVar[tuple[type, ...]] = (LIFNeuron,)

    def step(
        self, weights: list[Tensor], x: Tensor, y: Tensor, allowed: Tensor | None = None
    ) -> Step:
        """Return the loss, factors and traces; see :class:`Trainer`."""
        neuron, last = self.neuron, len(weights) - 1
        state = _State(weights, x, neuron)
        deltas: list[list[Tensor]] = [[] for _ in weights]
        inputs: list[list[Tensor]] = [[] for _ in weights]
        loss, sums = 0.0, [torch.zeros_like(each) for each in state.spikes]
        gain = 0.0
        first = torch.zeros_like(state.v[0]) if state.v else None
        for _ in range(neuron.steps):
            state.advance(weights)
            gain = 1.0 + neuron.decay * gain
            part, delta = loss_of(state.read(weights), y, allowed)
            loss += part / neuron.steps
            delta /= neuron.steps
            deltas[last].append(delta)
            inputs[last].append(state.spikes[-1] if state.spikes else x)
            for k in range(last - 1, -1, -1):
                delta = surrogate(state.before[k], neuron) * (delta @ self.back(weights, k + 1))
                if k:
                    deltas[k].append(delta)
                    inputs[k].append(state.traces[k - 1].clone())
                elif first is not None:  # The trace of a constant input is a multiple of it.
                    first.add_(delta, alpha=gain)
            for total, spikes in zip(sums, state.spikes, strict=True):
                total.add_(spikes)
        factors = [
            (torch.cat(d), torch.cat(r)) for d, r in zip(deltas[1:], inputs[1:], strict=True)
        ]
        if first is None:
            factors = [(torch.stack(deltas[0]).sum(0), x)]
        else:
            factors.insert(0, (first, x))
        return Step(loss, factors, [x, *(total / neuron.steps for total in sums)])

    def activity(self, weights: list[Tensor], x: Tensor) -> list[Tensor]:
        """Return the mean input rates of each layer."""
        state = _State(weights, x, self.neuron)
        sums = [torch.zeros_like(each) for each in state.spikes]
        for _ in range(self.neuron.steps):
            state.advance(weights)
            for total, spikes in zip(sums, state.spikes, strict=True):
                total.add_(spikes)
        return [x, *(total / self.neuron.steps for total in sums)]


class _State:
    """Membranes, spikes and traces of all hidden layers."""

    def __init__(self, weights: list[Tensor], x: Tensor, neuron: LIFNeuron) -> None:
        self.neuron = neuron
        self.x = x
        self.static = x @ weights[0].T if len(weights) > 1 else x
        shapes = [(len(x), len(weight)) for weight in weights[:-1]]
        self.v = [x.new_zeros(shape) for shape in shapes]
        self.before = [x.new_zeros(shape) for shape in shapes]
        self.spikes = [x.new_zeros(shape) for shape in shapes]
        self.traces = [x.new_zeros(shape) for shape in shapes]

    def advance(self, weights: list[Tensor]) -> None:
        """Advance all layers by one time step, from the first to the last."""
        neuron = self.neuron
        for k in range(len(self.v)):
            current = self.static if k == 0 else self.spikes[k - 1] @ weights[k].T
            self.before[k] = torch.add(current, self.v[k], alpha=neuron.decay)
            self.spikes[k] = (self.before[k] >= neuron.v_thresh).to(current.dtype)
            if neuron.reset == "soft":
                self.v[k] = self.before[k] - neuron.v_thresh * self.spikes[k]
            else:
                self.v[k] = self.before[k] * (1 - self.spikes[k])
            self.traces[k].mul_(neuron.decay).add_(self.spikes[k])

    def read(self, weights: list[Tensor]) -> Tensor:
        """Return the outputs of this step."""
        return (self.spikes[-1] if self.spikes else self.x) @ weights[-1].T
