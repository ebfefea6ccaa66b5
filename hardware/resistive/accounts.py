"""What a run costs: energy, time and area from counters and tables of units with their source."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Annotated, Any, NamedTuple

import numpy as np

from ...checks import Count, Each, Instance, Quantity, check_fields, checked
from ...errors import DescriptionError, unknown_name
from ...frozen import Frozen
from ...network import Network
from ...recording import Recording
from ...units import steps
from .kinds import Age, Names, OneOf, Switch
from .writing import Written

__all__ = ["Account", "Counters", "Periphery", "account", "adc_energy", "costs", "count", "table"]


_Bits = Annotated[int, Count(high=16)]
_Node = Annotated[int, OneOf(45, 22, 7)]
_Ohm = Annotated[float, Quantity("Ohm", above=0.0)]


@cache
def costs() -> dict[str, Any]:
    """The tables of units as they are in ``costs.json``: J, with source and year."""
    text = resources.files(__package__).joinpath("costs.json").read_text(encoding="utf-8")
    found: dict[str, Any] = json.loads(text)
    return found


class Counters(NamedTuple):
    """What happened in a run.

    Attributes
    ----------
    synaptic_events : int
        Spikes times the synapses that they went through.
    dense_operations : int
        Inputs times outputs times steps, as a dense machine computes them: between populations
        that are joined, without regard to spikes and to missing synapses.
    stored_operations : int
        Synapses times steps: dense in time only.
    neuron_updates : int
        Cells times steps.
    spikes : int
        Of all populations, sources included.
    conversions : int
        Outputs of each projection times the steps in which one of its inputs fires.
    steps : int
    duration : float
        Biological time, s.
    """

    synaptic_events: int
    dense_operations: int
    stored_operations: int
    neuron_updates: int
    spikes: int
    conversions: int
    steps: int
    duration: float


@checked
def count(network: Network, recording: Recording, projections: Names | None = None) -> Counters:
    """Count what happened in a run, on whatever backend.

    Parameters
    ----------
    network : Network
        What was simulated.
    recording : Recording
        With the spikes of every population that has outgoing synapses.
    projections : sequence of str, optional
        Which of them to count. Default: all.

    Raises
    ------
    DescriptionError
        The spikes of a population are missing, or an unknown projection.
    """
    names = [p.name for p in network.projections] if projections is None else projections
    n_steps = int(steps(recording.stop - recording.start, network.dt))
    events = dense = stored = conversions = 0
    for name in names:
        projection, synapses = network.projection(name), network.synapses(name)
        n_pre = network.population(projection.pre).size
        n_post = network.population(projection.post).size
        if projection.pre not in recording.spikes:
            raise DescriptionError(
                f"count: the recording has no spikes of {projection.pre!r}; record them."
            )
        trains = recording.spikes[projection.pre]
        fan_out = np.bincount(synapses.i, minlength=n_pre)
        events += int(fan_out[trains.ids].sum())
        dense += n_pre * n_post * n_steps // projection.tiles
        stored += synapses.i.size * n_steps
        # The outputs of each tile are converted when one of its own inputs fires.
        tile = trains.ids // (n_pre // projection.tiles)
        active = np.unique(steps(trains.times, network.dt) * projection.tiles + tile).size
        conversions += active * (n_post // projection.tiles)
    return Counters(
        synaptic_events=events, dense_operations=dense, stored_operations=stored,
        neuron_updates=network.n_neurons * n_steps,
        spikes=sum(len(trains) for trains in recording.spikes.values()),
        conversions=conversions, steps=n_steps, duration=n_steps * network.dt / 1000,
    )  # fmt: skip


@dataclass(frozen=True, kw_only=True, eq=False)
class Periphery(Frozen):
    """What stands around the cells of a crossbar; parameters that no macro has published in full.

    Parameters
    ----------
    read_voltage : float
        V.
    read_time : float
        s.
    adc_bits : int
        Bits of the converters.
    node : {45, 22, 7}
        Process of the converters, nm.
    column_resistance : float
        Resistance that a converter sees, Ohm.
    feature : float
        F of the cells, nm.
    one_transistor : bool
        Whether each cell has a transistor (48 F^2) or none (4 F^2).
    """

    read_voltage: Annotated[float, Quantity("V", above=0.0)] = 0.2
    read_time: Annotated[float, Quantity("s", above=0.0)] = 10e-9
    adc_bits: _Bits = 5
    node: _Node = 45
    column_resistance: _Ohm = 1e5
    feature: Annotated[float, Quantity("nm", above=0.0)] = 40.0
    one_transistor: Switch = True

    def __post_init__(self) -> None:
        check_fields(self)


@checked
def adc_energy(bits: _Bits, node: _Node = 45, resistance: _Ohm = 1e5) -> float:
    """Energy (J) of one conversion of a successive-approximation converter.

    Examples
    --------
    >>> round(adc_energy(5, 45, 1000.0) * 1e12, 2)
    0.74
    """
    a, b, c, d = costs()["adc"]["nodes"][str(node)]
    power = (a * bits + b) * 1e-6 + c * np.exp(d * np.log10(resistance))
    return float(power * (bits + 1) * 1e-9)


@dataclass(frozen=True, kw_only=True, eq=False)
class Account(Frozen):
    """What one run costs on one platform.

    Parameters
    ----------
    platform : str
    energy : dict of str to float
        Parts, J; only what actually happens there.
    dense_energy : float
        If no sparsity were made use of, J.
    sparse_energy : float
        If all of it were, J.
    latency : float or None
        s; None where the sources say nothing.
    area : float or None
        mm^2 of the cells; None where the sources say nothing.
    source : str
        Of the units, with the year.
    """

    platform: str
    energy: dict[str, float]
    dense_energy: float
    sparse_energy: float
    latency: float | None
    area: float | None
    source: str

    @property
    def total(self) -> float:
        """Sum of the parts, J."""
        return sum(self.energy.values())

    def __str__(self) -> str:
        parts = ", ".join(f"{name} {value:.3g} J" for name, value in self.energy.items())
        return f"{self.platform}: {self.total:.3g} J ({parts}); {self.source}"


@checked
def account(
    network: Network,
    recording: Recording,
    platform: str,
    *,
    written: Written | None = None,
    time: Age | None = None,
    periphery: Periphery | None = None,
) -> Account:
    """What a run costs.

    Parameters
    ----------
    network : Network
        What was simulated.
    recording : Recording
        The run.
    platform : str
        A name of ``costs()["platforms"]``, or "crossbar": the devices of `written`, read as
        `periphery` says.
    written : Written, optional
        For "crossbar".
    time : float, optional
        Age of its arrays, s.
    periphery : Periphery, optional
        For "crossbar".

    Raises
    ------
    DescriptionError
        An unknown platform, or "crossbar" without devices.
    """
    counters = count(network, recording)
    if isinstance(platform, str) and platform == "crossbar":
        if written is None:
            raise DescriptionError("account: platform 'crossbar' needs written=.")
        return _crossbar(counters, network, recording, written, time, periphery or Periphery())
    known = costs()["platforms"]
    if not isinstance(platform, str) or platform not in known:
        raise DescriptionError(
            f"account: {unknown_name('platform', platform, [*known, 'crossbar'])}"
        )
    unit = known[platform]
    each = unit["synaptic_event"]
    performed = counters.synaptic_events if unit["kind"] == "event" else counters.dense_operations
    rest = {
        "neurons": unit.get("neuron_update", 0.0) * counters.neuron_updates,
        "spikes": unit.get("spike", 0.0) * counters.spikes,
    }
    fixed = sum(rest.values())
    return Account(
        platform=platform, energy={"synapses": each * performed, **rest},
        dense_energy=each * counters.dense_operations + fixed,
        sparse_energy=each * counters.synaptic_events + fixed,
        latency=counters.duration if unit["real_time"] else None, area=None,
        source=f"{unit['source']} ({unit['year']})",
    )  # fmt: skip


def _crossbar(
    counters: Counters,
    network: Network,
    recording: Recording,
    written: Written,
    time: Any,
    around: Periphery,
) -> Account:
    """Cells that are read, and conversions; word lines cost what was not published: nothing."""
    cells = dense = 0.0
    devices = conversions = 0
    for name, array in written.arrays.items():
        projection = written.ideal.projection(name)
        age = written.device.first_age if time is None else time
        each = array.conductances(age).sum(axis=0) * 1e-6 * around.read_voltage**2
        each = each * around.read_time
        by_input = np.bincount(
            written.ideal.synapses(name).i, each, network.population(projection.pre).size
        )
        cells += float(by_input[recording.spikes[projection.pre].ids].sum())
        dense += float(each.sum()) * counters.steps
        devices += array.target.size
        conversions += count(network, recording, [name]).conversions
    adc = adc_energy(around.adc_bits, around.node, around.column_resistance)
    outputs = sum(
        network.population(written.ideal.projection(name).post).size for name in written.arrays
    )
    area = costs()["cell_area"]["one_transistor" if around.one_transistor else "crossbar"]
    per_step = around.read_time + (around.adc_bits + 1) * 1e-9
    adc_source = costs()["adc"]
    return Account(
        platform="crossbar", energy={"cells": cells, "converters": adc * conversions},
        dense_energy=dense + adc * outputs * counters.steps,
        sparse_energy=cells + adc * conversions, latency=counters.steps * per_step,
        area=devices * area * (around.feature * 1e-6) ** 2,
        source=f"G V^2 t for each cell; {adc_source['source']} ({adc_source['year']})",
    )  # fmt: skip


@checked
def table(accounts: Annotated[Sequence[Account], Each(Instance(Account), "accounts")]) -> str:
    """Accounts as a readable table, with sparsity credited and not on every line."""
    wide = max([len(item.platform) for item in accounts] + [8])
    lines = [
        f"{'platform':<{wide}}  {'energy/J':>9} {'all dense':>9} {'all sparse':>10}  latency/s"
    ]
    for item in accounts:
        latency = "-" if item.latency is None else f"{item.latency:.3g}"
        lines.append(
            f"{item.platform:<{wide}}  {item.total:>9.3g} {item.dense_energy:>9.3g} "
            f"{item.sparse_energy:>10.3g}  {latency}"
        )
    return "\n".join(lines)
