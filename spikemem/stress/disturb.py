"""Disturbances of a network: failed synapses, jitter of input spikes, background spikes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from ..cells import LIF, SpikeSource
from ..checks import Choice, Count, Each, Instance, Name, Probability, Quantity, checked
from ..errors import UnsupportedError
from ..limits import require_memory
from ..network import Network, Population, Projection
from ..runs import steps_needed
from ..spikes import SpikeTrains
from ..streams import Seed, stream
from ..units import steps

__all__ = ["background", "fail_synapses", "jitter", "threshold_weight"]

_Net = Annotated[Network, Instance(Network)]
_Step = Annotated[float, Quantity("ms", above=0.0)]


@checked
def fail_synapses(
    network: _Net,
    projections: Annotated[Sequence[str], Each(Name(), "names")],
    fraction: Annotated[float, Probability()],
    *,
    seed: Seed = 0,
    remove: bool = False,
) -> Network:
    """Return the network with some synapses of these projections failed.

    A failed synapse does not transmit. If it is plastic, it is removed from its projection, so
    that learning cannot restore it; the projection becomes a list of synapses. If its weight never
    changes, it gets weight 0, which keeps the structure.

    Parameters
    ----------
    network : Network
    projections : sequence of str
        Projections whose synapses can fail. The draw for one projection does not depend on the
        others.
    fraction : float
        Probability that a synapse fails, independently of the others. With the same seed, a larger
        probability fails the same synapses and more.
    seed : int or numpy.random.Generator
        Seed of the draw.
    remove : bool
        Whether failed synapses of fixed weight are removed as well. This is needed before the
        weights are written into a device, whose noise would give them a weight.

    Raises
    ------
    UnsupportedError
        If synapses would have to be removed from a projection whose plasticity windows name tiles.

    Examples
    --------
    >>> import spikemem as sm
    >>> network = sm.CA3Memory(4, 8).build([sm.RecallCue(0)])
    >>> fail_synapses(network, ["W1"], 1.0).weights("W1").tolist() == [0.0] * 32
    True
    """
    if not fraction:
        return network
    changed = []
    for name in projections:
        n = network.count(name)
        works = stream(seed, "stress", "failure", name).random(n) >= fraction
        if not works.all():
            changed.append(_without(network, network.projection(name), works, remove))
    if not changed:
        return network
    copies = network.copies if all(p.tiles % network.copies == 0 for p in changed) else 1
    return network.replace(*changed, copies=copies)


def _without(
    network: Network, item: Projection, works: NDArray[np.bool_], remove: bool
) -> Projection:
    rule = item.plasticity
    fixed = rule is None or (rule.enabled == () and rule.w_min == 0)
    if fixed and not remove:
        return replace(item, weight=np.where(works, network.weights(item.name), 0.0))
    if rule is not None and item.tiles > 1 and rule.last_tile >= 0:
        raise UnsupportedError(
            f"projection {item.name!r}: synapses cannot be removed, because its plasticity "
            f"windows name tiles; disturb each network before stacking."
        )
    synapses = network.synapses(item.name)
    return replace(
        item, connector="list", i=synapses.i[works], j=synapses.j[works], tiles=1,
        weight=synapses.weight[works], delay=synapses.delay[works], allow_self=True,
    )  # fmt: skip


@checked
def jitter(
    network: _Net, sd: Annotated[float, Quantity("ms", low=0.0)], *, seed: Seed = 0
) -> Network:
    """Return the network with each input spike shifted by a normally distributed time.

    Parameters
    ----------
    network : Network
    sd : float
        Standard deviation of the shift, ms. Times are rounded to time steps and stay within the
        train. If a source has two spikes in one step, one of them remains.
    seed : int or numpy.random.Generator
        Seed of the draw. The draw for one population does not depend on the others.

    Examples
    --------
    >>> import spikemem as sm
    >>> network = sm.CA3Memory(4, 8).build([sm.RecallCue(0)])
    >>> len(jitter(network, 2.0, seed=1).population("INcue").source)
    1
    """
    if not sd:
        return network
    moved = {}
    for pop in network.populations:
        if pop.is_source and len(pop.source):
            moved[pop.name] = _moved(pop, network, sd, stream(seed, "stress", "jitter", pop.name))
    return network.with_inputs(moved)


def _moved(pop: Population, net: Network, sd: float, rng: np.random.Generator) -> SpikeTrains:
    trains, dt = pop.source, net.dt
    last = max(int(np.ceil(round(trains.duration / dt, 6))) - 1, 0)
    shift = np.rint(np.clip(rng.normal(0.0, sd, len(trains)) / dt, -last - 1, last + 1))
    moved = np.clip(steps(trains.times, dt) + shift.astype(np.int64), 0, last)
    codes = np.unique(moved * trains.size + trains.ids)
    return SpikeTrains(
        ids=codes % trains.size, times=codes // trains.size * dt,
        size=trains.size, duration=trains.duration,
    )  # fmt: skip


@checked
def background(
    network: _Net,
    rate: Annotated[float, Quantity("Hz", low=0.0)],
    weight: Annotated[float, Quantity(low=0.0)],
    *,
    integrator: Annotated[str, Choice("spinnaker", "exact")] = "spinnaker",
    seed: Seed = 0,
) -> Network:
    """Return the network with a Poisson train of excitatory spikes onto each cell.

    Each population of cells gets a spike source of the same size, "background of <name>". It is
    connected one to one with a delay of one step. The trains are as long as the longest input.

    Parameters
    ----------
    network : Network
    rate : float
        Rate of each train, Hz.
    weight : float
        Weight of a background spike, as a fraction of :func:`threshold_weight`.
    integrator : {"spinnaker", "exact"}
        Integrator that the network runs with.
    seed : int or numpy.random.Generator
        Seed of the trains. The trains of one population do not depend on the others.

    Examples
    --------
    >>> import spikemem as sm
    >>> network = sm.CA3Memory(4, 8).build([sm.RecallCue(0)])
    >>> "background of CueCue" in background(network, 10.0, 0.2)
    True
    """
    length = steps_needed(network) * network.dt
    if not rate or not length:
        return network
    populations, projections = list(network.populations), list(network.projections)
    for pop in network.populations:
        if pop.is_source:
            continue
        name = f"background of {pop.name}"
        rng = stream(seed, "stress", "background", pop.name)
        cell = SpikeSource.poisson(
            rate=rate, size=pop.size, duration=length, dt=network.dt, seed=rng
        )
        each = weight * threshold_weight(pop.lif, pop.size, network.dt, integrator)
        populations.append(Population(name=name, cell=cell))
        projections.append(
            Projection.one_to_one(name, name, pop.name, weight=each, delay=network.dt,
                                  tiles=network.copies)
        )  # fmt: skip
    return Network(populations, projections, dt=network.dt, copies=network.copies)


@checked
def threshold_weight(
    cell: Annotated[LIF, Instance(LIF)],
    size: Annotated[int, Count()],
    dt: _Step,
    integrator: Annotated[str, Choice("spinnaker", "exact")] = "spinnaker",
) -> NDArray[np.float64]:
    """Return the weight with which one excitatory spike brings a cell from rest to threshold.

    The weight is ``v_thresh - v_rest`` divided by the peak, on the time grid, of the potential
    after a spike of 1 nA. It is 0 where the threshold lies below rest. `i_offset` is ignored.

    Parameters
    ----------
    cell : LIF
    size : int
        Number of cells.
    dt : float
        Time step, ms.
    integrator : {"spinnaker", "exact"}
        Integrator; see ``docs/explanation/semantics.md``.

    Returns
    -------
    ndarray of float64, shape (size,)
        Weight for each cell, nA.

    Examples
    --------
    >>> from spikemem.networks.ca3.parameters import RELAY
    >>> threshold_weight(RELAY, 1, 1.0).round(4).tolist()
    [3.2924]
    """
    require_memory(200.0 * size, f"threshold_weight: size={size} cells", "Take fewer cells.")
    p = {name: cell.steady.array(name, size) for name in LIF.units}
    tau, tau_syn, cm = p["tau_m"], p["tau_syn_E"], p["cm"]
    first = _first_step(tau, tau_syn, cm, dt, integrator)
    peak = first * _highest(-dt / tau, -dt / tau_syn)
    reach = np.maximum(p["v_thresh"] - p["v_rest"], 0.0)
    return np.asarray(reach / peak)


def _first_step(tau: Any, tau_syn: Any, cm: Any, dt: float, integrator: str) -> NDArray[np.float64]:
    """Return the potential (mV) after the first step with 1 nA of synaptic current."""
    decays = -np.expm1(-dt / tau_syn)
    if integrator == "spinnaker":
        # Without a leak, tau (1 - exp(-dt/tau)) equals dt.
        with np.errstate(invalid="ignore"):
            gain = np.where(np.isinf(tau), dt, tau * -np.expm1(-dt / tau))
        return np.asarray(tau_syn / dt * decays * gain / cm)
    rate = 1 / tau_syn - 1 / tau
    close = np.abs(rate * dt) < 1e-9
    apart = np.where(close, 1.0, rate)
    mean = np.where(close, dt, -np.expm1(-apart * dt) / apart)
    return np.asarray(np.exp(-dt / tau) * mean / cm)


def _highest(x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float64]:
    """Maximum over n >= 1 of the sum of exp(x (n - 1 - k)) exp(y k) for k = 0 .. n - 1; x, y <= 0.

    The sum equals (exp(x n) - exp(y n)) / (exp(x) - exp(y)). It is the response, after n steps, of
    two exponential decays in series to one input of size 1.
    """
    close = np.abs(x - y) < 1e-9
    leaks = x < 0
    safe = np.where(leaks & ~close, x, 2 * y)
    best = np.where(close, -1 / y, np.log(y / safe) / (safe - y))
    found = np.zeros_like(x)
    for n in (np.maximum(np.floor(best), 1.0), np.maximum(np.ceil(best), 1.0)):
        apart = np.where(close, 1.0, x - y)
        value = np.exp(x * (n - 1)) * np.expm1(-apart * n) / np.expm1(-apart)
        found = np.maximum(found, np.where(close, n * np.exp(x * (n - 1)), value))
    return np.where(leaks, found, -1 / np.expm1(y))
