"""Parameters of liquids: the paper's dense network, Maass's grid, or any network."""

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
    and a neuron fires, ``S[t] = 1``, if ``U[t] > threshold``; its potential is then reset to 0.
    There is no refractory period and no synaptic filter. Every neuron connects to every neuron,
    including itself.

    Parameters
    ----------
    decay : float
        Fraction of the potential that remains after a step, 0.01 to 0.998.
    threshold : float
        Potential above which a neuron fires, > 0.
    constant : float
        Factor that scales all weights.
    input_mean, input_sd, recurrent_mean, recurrent_sd : float
        Mean and standard deviation of the normally distributed weights, before they are scaled by
        `constant`. Defaults: values of the published software model, where weights are differences
        of conductances.
    recurrent_scale : {"sqrt", "none"}
        "sqrt" multiplies the recurrent weights by ``sqrt(200 / n_neurons)``, so that the recurrent
        input does not grow with the number of neurons; the paper uses 200.
    numbers : {"spinnaker", "float"}
        "spinnaker" rounds the decay to a multiple of 2**-15, and the weights to a grid that 16-bit
        synapses can hold (:attr:`LiquidStateMachine.weight_grid`), so that every backend computes
        with the same numbers. "float" does not round.

    Raises
    ------
    DescriptionError
        If a value is out of range.
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
    """Integrate-and-fire neurons on a grid, connected with a probability by distance.

    Neurons at a distance D are connected with probability ``c * exp(-(D / lam)**2)`` (Maass et al.
    2002). Weights follow a gamma distribution whose standard deviation equals its mean. Synapses
    are static and respond as rested ones (the weight A times the mean of U), unless
    :class:`DynamicSynapses` is passed to a run on the backend "brian2".

    Parameters
    ----------
    shape : tuple of int
        Number of neurons along the three axes of the grid.
    lam : float
        Length constant of the connection probability, in grid distances.
    inhibitory : float
        Fraction of inhibitory neurons, which are drawn at random.
    c_EE, c_EI, c_IE, c_II : float
        Connection probability at distance 0; EI is from an excitatory to an inhibitory neuron.
    a_EE, a_EI, a_IE, a_II : float
        Mean of the weight A, nA: the response of a synapse with all its resources.
    a_input_E, a_input_I : float
        Mean weight of the input onto excitatory and inhibitory neurons, nA.
    p_input : float
        Probability that a channel connects to a neuron.
    tau_m, tau_syn_E, tau_syn_I, tau_refrac_E, tau_refrac_I : float
        Time constants and refractory periods, ms.
    resistance : float
        Membrane resistance, MΩ.
    v_thresh, v_reset : float
        Threshold and reset potential above rest, mV. The initial potential is drawn between them.
    i_background : float
        Constant background current, nA.
    delay_EE, delay_other : float
        Synaptic delays, ms.
    dt : float
        Time step, ms; the delays are multiples of it.

    Raises
    ------
    DescriptionError
        If a value is out of range.
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
        """Number of neurons on the grid."""
        return self.shape[0] * self.shape[1] * self.shape[2]


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkLiquid(Frozen):
    """Any network as a liquid: its sources send the events, and some populations are read.

    Parameters
    ----------
    network : Network
        The liquid. Events replace the spikes of its sources in `inputs`.
    inputs : sequence of str
        Names of populations of spike sources. Their cells are the channels, one population after
        the other.
    liquid : sequence of str
        Names of the populations that are read; they must record spikes.

    Raises
    ------
    DescriptionError
        If a population does not exist, is not of the required kind, or records no spikes.
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
                    what = "spike sources" if kind == "inputs" else "cells, not spike sources"
                    raise DescriptionError(f"NetworkLiquid: {kind}: {name!r} must be {what}.")
        for name in self.liquid:
            if "spikes" not in self.network.population(name).record:
                raise DescriptionError(
                    f"NetworkLiquid: liquid: {name!r} must record its spikes; make it with "
                    f"record=('spikes',)."
                )

    @property
    def n_inputs(self) -> int:
        """Number of channels."""
        return sum(self.network.population(name).size for name in self.inputs)

    @property
    def n_neurons(self) -> int:
        """Number of neurons that are read."""
        return sum(self.network.population(name).size for name in self.liquid)
