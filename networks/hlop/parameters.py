"""Parameters of continual learners: neurons, the learning rule of subspaces, and their ranks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from ...checks import Choice, Count, Each, Quantity, check_fields, checked
from ...errors import DescriptionError
from ...frozen import Frozen
from .references import MENG, XIAO, XIAO_OTTT

__all__ = ["CubaNeuron", "DSRNeuron", "LIFNeuron", "Neuron", "Ranks", "SubspaceRule"]

_Positive = Annotated[float, Quantity(above=0.0)]
_Millivolts = Annotated[float, Quantity("mV", above=0.0)]
_Time = Annotated[float, Quantity("ms", above=0.0)]
_Steps = Annotated[int, Count(high=10_000)]


@dataclass(frozen=True, kw_only=True)
class DSRNeuron(Frozen):
    """Leaky neuron of the trainer "dsr", driven by constant currents (Meng et al. 2022).

    In each step ``v = beta v + (1 - beta) I`` with ``beta = exp(-dt / tau)``. The neuron fires if
    ``v >= alpha * v_thresh``; its spike has the height ``v_thresh / dt``, and `v_thresh` is
    subtracted from the potential, which can become negative.

    Parameters
    ----------
    steps : int
        Number of time steps T of a sample.
    tau, dt : float
        Membrane time constant and time step, in the same unit.
    v_thresh : float
        Decrease of the potential at a spike.
    alpha : float
        Fraction of `v_thresh` at which the neuron fires.

    Raises
    ------
    DescriptionError
        If a value is out of range.
    """

    steps: _Steps = 20
    tau: _Positive = 1.0
    dt: _Positive = 0.05
    v_thresh: _Positive = 0.3
    alpha: _Positive = 0.3

    bibtex: ClassVar[tuple[str, ...]] = (MENG,)

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def beta(self) -> float:
        """Fraction of the potential that remains after a step."""
        return math.exp(-self.dt / self.tau)

    @property
    def height(self) -> float:
        """Height of a spike, which is also the largest rate."""
        return self.v_thresh / self.dt


@dataclass(frozen=True, kw_only=True)
class LIFNeuron(Frozen):
    """Leaky neuron of the trainers "bptt" and "ottt", driven by constant currents.

    In each step ``v = (1 - 1 / tau) v + I``. The neuron fires if ``v >= v_thresh``; then `v_thresh`
    is subtracted from the potential (soft reset), or the potential is set to 0 (hard reset). The
    reset is not differentiated. The derivative of a spike is that of
    ``sigmoid(slope * (v - v_thresh))``.

    Parameters
    ----------
    steps : int
        Number of time steps T of a sample.
    tau : float
        Membrane time constant, steps, >= 1.
    v_thresh : float
        Threshold.
    reset : {"soft", "hard"}
        Reset of the potential after a spike.
    slope : float
        Steepness of the surrogate gradient.

    Raises
    ------
    DescriptionError
        If a value is out of range.
    """

    steps: _Steps = 6
    tau: Annotated[float, Quantity(low=1.0)] = 2.0
    v_thresh: _Positive = 1.0
    reset: Annotated[str, Choice("soft", "hard")] = "soft"
    slope: _Positive = 4.0

    bibtex: ClassVar[tuple[str, ...]] = (XIAO_OTTT,)

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def decay(self) -> float:
        """Fraction of the potential that remains after a step."""
        return 1.0 - 1.0 / self.tau


@dataclass(frozen=True, kw_only=True)
class CubaNeuron(Frozen):
    """Current-based leaky neuron with hard reset, which every backend can simulate.

    This is PyNN's ``IF_curr_exp``, solved exactly over a step
    (:func:`spikemem.networks.hlop.cuba_step`). Samples are encoded as spikes. A model with this
    neuron is trained by "bptt" and can be built as a :class:`spikemem.Network`.

    Parameters
    ----------
    steps : int
        Number of time steps T of a sample.
    tau_m, tau_syn, dt : float
        Membrane time constant, synaptic time constant and time step, ms. The two time constants
        must differ.
    cm : float
        Membrane capacitance, nF.
    v_thresh : float
        Threshold above rest, mV; the neuron fires if ``v > v_thresh`` and is reset to 0.
    slope : float
        Steepness of the surrogate gradient, in units of ``1 / v_thresh``.
    code : {"bernoulli", "regular"}
        Spike code of a sample, whose values, 0 to 1, are the probability of a spike in a step.
        "regular" spaces the spikes evenly.

    Raises
    ------
    DescriptionError
        If a value is out of range, or the time constants are equal.
    """

    steps: _Steps = 16
    tau_m: _Time = 10.0
    tau_syn: _Time = 5.0
    dt: _Time = 1.0
    cm: Annotated[float, Quantity("nF", above=0.0)] = 1.0
    v_thresh: Annotated[float, Quantity("mV", above=0.0)] = 1.0
    slope: _Positive = 4.0
    code: Annotated[str, Choice("bernoulli", "regular")] = "bernoulli"

    bibtex: ClassVar[tuple[str, ...]] = (XIAO,)

    def __post_init__(self) -> None:
        check_fields(self)
        if self.tau_m == self.tau_syn:
            raise DescriptionError(
                f"CubaNeuron: tau_m and tau_syn must differ, got {self.tau_m:g} ms for both."
            )

    @classmethod
    @checked
    def halving(
        cls, *, steps: _Steps = 16, v_thresh: _Millivolts = 0.25, slope: _Positive = 4.0,
        code: Literal["bernoulli", "regular"] = "bernoulli",
    ) -> CubaNeuron:  # fmt: skip
        """Return a neuron whose potential halves in each step, and whose currents last one step.

        A spike with a weight of 1 nA changes the potential by 1 mV. The spikes of a trained network
        are then the same on every backend, for any input (``docs/explanation/hlop_spikes.md``).

        Examples
        --------
        >>> neuron = CubaNeuron.halving()
        >>> neuron.p22, round(neuron.p21, 12), neuron.p11 < 1e-20
        (0.5, 1.0, True)
        """
        tau_m, tau_syn = 1.0 / math.log(2.0), 1.0 / 64.0
        charge = tau_m * tau_syn / (tau_m - tau_syn) * (0.5 - math.exp(-1.0 / tau_syn))
        return cls(steps=steps, tau_m=tau_m, tau_syn=tau_syn, cm=charge, v_thresh=v_thresh,
                   slope=slope, code=code)  # fmt: skip

    @property
    def p11(self) -> float:
        """Fraction of the synaptic current that remains after a step."""
        return math.exp(-self.dt / self.tau_syn)

    @property
    def p22(self) -> float:
        """Fraction of the potential that remains after a step."""
        return math.exp(-self.dt / self.tau_m)

    @property
    def p21(self) -> float:
        """Increase of the potential in a step for each nA of synaptic current, mV."""
        resistance = self.tau_m / self.cm
        ratio = self.tau_syn / (self.tau_syn - self.tau_m)
        return resistance * ratio * (self.p11 - self.p22)


Neuron = DSRNeuron | LIFNeuron | CubaNeuron
"""Neurons that a :class:`HLOPClassifier` can have."""


@dataclass(frozen=True, kw_only=True)
class SubspaceRule(Frozen):
    """Learning rule of a subspace: Oja's subspace rule with a residual (Xiao et al. 2024).

    See the appendix of the paper. For a mini-batch X with B rows, the rule repeats these steps
    `iterations` times. The new rows respond with ``Y = X H'``. With R, the residual of X after the
    frozen rows, ``G = Y' (R - Y H) / B``, with entries clipped to ``-clip..clip``. Then
    ``M = momentum M + (1 - momentum) G`` and ``H += learning_rate M``.

    Parameters
    ----------
    learning_rate : float
        Learning rate of the rule.
    momentum : float
        Fraction of the running mean of G that remains after an iteration, 0 <= momentum < 1.
    iterations : int
        Number of iterations for each mini-batch.
    clip : float
        Largest magnitude of an entry of G.
    lateral : {"linear", "spiking"}
        With "spiking", responses take only the values that a rate code with `levels` steps can
        represent.
    scale, levels : float, int
        A spiking response is clipped to ``-scale..scale`` and rounded to multiples of
        ``scale / levels``.

    Raises
    ------
    DescriptionError
        If a value is out of range.
    """

    learning_rate: Annotated[float, Quantity(above=0.0)] = 0.01
    momentum: Annotated[float, Quantity(low=0.0, below=1.0)] = 0.9
    iterations: Annotated[int, Count(high=10_000)] = 5
    clip: _Positive = 10.0
    lateral: Annotated[str, Choice("linear", "spiking")] = "linear"
    scale: _Positive = 20.0
    levels: Annotated[int, Count()] = 40

    bibtex: ClassVar[tuple[str, ...]] = (XIAO,)

    def __post_init__(self) -> None:
        check_fields(self)


_Rank = Annotated[int, Count(low=0)]
PMNIST_FIRST = (80, 200, 100)
PMNIST_FURTHER = tuple((more,) * 3 for more in (70, 70, 50, 50, 50, 30, 30, 30, 10))


@dataclass(frozen=True, kw_only=True)
class Ranks(Frozen):
    """Numbers of new subspace neurons of each layer, for the first task and for later ones.

    Parameters
    ----------
    first : sequence of int
        Numbers for the first task, for the input of each layer in order. Default: the numbers
        published for PMNIST.
    further : sequence of sequences of int
        Numbers for each later task; the last entry holds for all tasks that follow.

    Raises
    ------
    DescriptionError
        If entries have different lengths.
    """

    first: Annotated[tuple[int, ...], Each(Count(low=0), "numbers of rows", least=1)] = PMNIST_FIRST
    further: Annotated[
        tuple[tuple[int, ...], ...], Each(Each(Count(low=0), "numbers of rows"), "tasks", least=1)
    ] = PMNIST_FURTHER

    bibtex: ClassVar[tuple[str, ...]] = (XIAO,)

    def __post_init__(self) -> None:
        check_fields(self)
        wrong = [row for row in self.further if len(row) != len(self.first)]
        if wrong:
            raise DescriptionError(
                f"Ranks: each entry of further must have {len(self.first)} numbers, like first, "
                f"got {wrong[0]}."
            )

    @checked
    def of_task(self, task: Annotated[int, Count(low=0)]) -> tuple[int, ...]:
        """Return the number of new rows of each layer for one task, counted from 0."""
        if task == 0:
            return self.first
        return self.further[min(task, len(self.further)) - 1]

    @classmethod
    @checked
    def scaled(cls, sizes: Annotated[Sequence[int], Each(Count(), "sizes", least=1)]) -> Ranks:
        """Return the published ranks, scaled to the number of inputs of each layer.

        Parameters
        ----------
        sizes : sequence of int
            Number of inputs of each layer. The first and the last layer use ranks published for
            them.
        """
        published = [80 / 784, *[200 / 800] * (len(sizes) - 2), 100 / 800]
        rows = [
            max(round(share * n), 1)
            for share, n in zip(published[-len(sizes) :], sizes, strict=True)
        ]
        further = [
            tuple(
                max(round(more[0] / (784 if k == 0 else 800) * n), 0) for k, n in enumerate(sizes)
            )
            for more in PMNIST_FURTHER
        ]
        return cls(first=tuple(rows), further=tuple(further))


Method = Literal["hlop", "svd", "naive", "joint", "replay", "ewc"]
