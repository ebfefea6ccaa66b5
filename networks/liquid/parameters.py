"""What a liquid is made of: the paper's dense network, Maass's grid, or any network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

from ...checks import Choice, Count, Each, Name, Probability, Quantity, check_fields
from ...errors import DescriptionError
from ...frozen import Frozen
from ...network import Network
from .references import LIN, MAASS

__all__ = ["DenseLiquid", "MaassLiquid", "NetworkLiquid"]

_Positive = Annotated[float, Quantity(above=0.0)]
_Time = Annotated[float, Quantity("ms", above=0.0)]
_Current = Annotated[float, Quantity("nA", low=0.0)]


@dataclass(frozen=True, kw_only=True)
class DenseLiquid(Frozen):
    """Discrete leaky neurons with dense random weights of both signs (Lin et al. 2025).

    In step t the potential is ``U[t] = decay * U[t-1] * (1 - S[t-1]) + W_in x[t] + W_rec S[t-1]``,
    and a neuron fires, ``S[t] = 1``, if ``U[t] > threshold``; then it starts again at 0. There is
    no refractory time and no synaptic filter, every pair of neurons is joined, and every neuron
    with itself.

    Parameters
    ----------
    decay : float
        What a step leaves of the potential, 0.01 to 0.998.
    threshold : float
        Potential above which a neuron fires, > 0.
    constant : float
        Factor of all weights.
    input_mean, input_sd, recurrent_mean, recurrent_sd : float
        Mean and standard deviation of the normal distribution of the weights, before `constant`.
        Defaults: those of the published software model, which are differences of conductances.
    recurrent_scale : {"sqrt", "none"}
        "sqrt" multiplies the recurrent weights by ``sqrt(200 / n_neurons)``, so that the recurrent
        input does not grow with the number of neurons; the paper has 200.
    numbers : {"spinnaker", "float"}
        "spinnaker" rounds the decay to a multiple of 2**-15 and the weights to a grid that 16-bit
        synapses hold, so that every backend computes with the same numbers
        (:attr:`LiquidStateMachine.weight_grid`). "float" leaves them as they are.

    Raises
    ------
    DescriptionError
        A value out of range.
    """

    decay: Annotated[float, Quantity(low=0.01, high=0.998)] = 0.9
    threshold: _Positive = 5.0
    constant: _Positive = 0.07
    input_mean: Annotated[float, Quantity()] = 0.00156
    input_sd: Annotated[float, Quantity(low=0.0)] = 6.61329
    recurrent_mean: Annotated[float, Quantity()] = 0.00606
    recurrent_sd: Annotated[float, Quantity(low=0.0)] = 6.67268
    recurrent_scale: Annotated[str, Choice("sqrt", "none")] = "sqrt"
    numbers: Annotated[str, Choice("spinnaker", "float")] = "spinnaker"

    bibtex: ClassVar[tuple[str, ...]] = (LIN,)

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, kw_only=True)
class MaassLiquid(Frozen):
    """Integrate-and-fire neurons on a grid, joined by distance (Maass et al. 2002).

    Neurons at the distance D are joined with the probability ``c * exp(-(D / lam)**2)``. Weights
    follow a gamma distribution whose standard deviation is its mean. Synapses are static, with the
    response of rested ones (the weight A times the mean of U), unless the run is given
    :class:`DynamicSynapses`, which backend "brian2" has.

    Parameters
    ----------
    shape : tuple of int
        Neurons along the three axes of the grid.
    lam : float
        Length over which neurons are joined, in distances of the grid.
    inhibitory : float
        Fraction of the neurons that is inhibitory, drawn at random.
    c_EE, c_EI, c_IE, c_II : float
        Probability at distance 0; EI: from an excitatory neuron to an inhibitory one.
    a_EE, a_EI, a_IE, a_II : float
        Mean of the weight A, nA: what a synapse with all its resources would send.
    a_input_E, a_input_I : float
        Mean weight of the input onto excitatory and inhibitory neurons, nA.
    p_input : float
        Probability that a channel is joined with a neuron.
    tau_m, tau_syn_E, tau_syn_I, tau_refrac_E, tau_refrac_I : float
        Time constants and refractory times, ms.
    resistance : float
        Of the membrane, MΩ.
    v_thresh, v_reset : float
        Above rest, mV. The initial potential is drawn between them.
    i_background : float
        Constant current, nA.
    delay_EE, delay_other : float
        Delays, ms.
    dt : float
        Time step, ms; the delays are multiples of it.

    Raises
    ------
    DescriptionError
        A value out of range.
    """

    shape: Annotated[tuple[int, ...], Each(Count(), "lengths", least=3, most=3)] = (15, 3, 3)
    lam: Annotated[float, Quantity(low=0.0)] = 2.0
    inhibitory: Annotated[float, Probability()] = 0.2
    c_EE: Annotated[float, Probability()] = 0.3
    c_EI: Annotated[float, Probability()] = 0.2
    c_IE: Annotated[float, Probability()] = 0.4
    c_II: Annotated[float, Probability()] = 0.1
    a_EE: _Current = 30.0
    a_EI: _Current = 60.0
    a_IE: _Current = 19.0
    a_II: _Current = 19.0
    a_input_E: _Current = 18.0
    a_input_I: _Current = 9.0
    p_input: Annotated[float, Probability()] = 0.3
    tau_m: _Time = 30.0
    tau_syn_E: _Time = 3.0
    tau_syn_I: _Time = 6.0
    tau_refrac_E: _Time = 3.0
    tau_refrac_I: _Time = 2.0
    resistance: _Positive = 1.0
    v_thresh: Annotated[float, Quantity("mV", above=0.0)] = 15.0
    v_reset: Annotated[float, Quantity("mV", low=0.0)] = 13.5
    i_background: _Current = 13.5
    delay_EE: _Time = 1.5
    delay_other: _Time = 0.8
    dt: _Time = 0.1

    bibtex: ClassVar[tuple[str, ...]] = (MAASS,)

    def __post_init__(self) -> None:
        check_fields(self)
        if self.v_reset >= self.v_thresh:
            raise DescriptionError(
                f"MaassLiquid: v_reset must be below v_thresh={self.v_thresh:g} mV, got "
                f"{self.v_reset:g} mV."
            )

    @property
    def n_neurons(self) -> int:
        """Neurons of the grid."""
        return self.shape[0] * self.shape[1] * self.shape[2]


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkLiquid(Frozen):
    """Any network as a liquid: events go into its sources, some of its populations are read.

    Parameters
    ----------
    network : Network
        The liquid. What its sources of the names in `inputs` fire is replaced by the events.
    inputs : sequence of str
        Populations of spike sources, whose cells are the channels, one population after the other.
    liquid : sequence of str
        Populations that are read; they record spikes.

    Raises
    ------
    DescriptionError
        A population that is not there, no source, or without recorded spikes.
    """

    network: Network
    inputs: Annotated[tuple[str, ...], Each(Name(), "names", least=1)]
    liquid: Annotated[tuple[str, ...], Each(Name(), "names", least=1)]

    bibtex: ClassVar[tuple[str, ...]] = ()

    def __post_init__(self) -> None:
        check_fields(self)
        for kind, names in (("inputs", self.inputs), ("liquid", self.liquid)):
            if len(set(names)) < len(names):
                raise DescriptionError(f"NetworkLiquid: {kind} must name each population once, "
                                       f"got {', '.join(names)}.")  # fmt: skip
            for name in names:
                population = self.network.population(name)
                if population.is_source != (kind == "inputs"):
                    what = "spike sources" if kind == "inputs" else "cells, no spike sources"
                    raise DescriptionError(f"NetworkLiquid: {kind}: {name!r} must be {what}.")
        for name in self.liquid:
            if "spikes" not in self.network.population(name).record:
                raise DescriptionError(
                    f"NetworkLiquid: liquid: {name!r} must record its spikes; give it "
                    f"record=('spikes',)."
                )

    @property
    def n_inputs(self) -> int:
        """Channels."""
        return sum(self.network.population(name).size for name in self.inputs)

    @property
    def n_neurons(self) -> int:
        """Neurons that are read."""
        return sum(self.network.population(name).size for name in self.liquid)
