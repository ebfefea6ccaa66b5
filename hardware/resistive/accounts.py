"""Energy, time and area of a run, from event counts and published costs of one event."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Annotated, Any

import numpy as np

from ...checks import Count, Each, Instance, Quantity, check_fields, checked
from ...counters import Counters as Counters
from ...counters import count as count
from ...errors import DescriptionError, unknown_name
from ...frozen import Frozen
from ...network import Network
from ...recording import Recording
from .kinds import Age, OneOf, Switch
from .writing import Written

__all__ = ["Account", "Counters", "Periphery", "account", "adc_energy", "costs", "count", "table"]


_Bits = Annotated[int, Count(high=16)]
_Node = Annotated[int, OneOf(45, 22, 7)]
_Ohm = Annotated[float, Quantity("Ohm", above=0.0)]


@cache
def costs() -> dict[str, Any]:
    """Return the tables of ``costs.json``: energy of each event (J), with source and year."""
    text = resources.files(__package__).joinpath("costs.json").read_text(encoding="utf-8")
    tables: dict[str, Any] = json.loads(text)
    return tables


@dataclass(frozen=True, kw_only=True, eq=False)
class Periphery(Frozen):
    """Peripheral circuits of a crossbar. No published macro states all of these parameters.

    Parameters
    ----------
    read_voltage : float
        Read voltage, V.
    read_time : float
        Duration of one read, s.
    adc_bits : int
        Resolution of the analogue-to-digital converters, bits.
    node : {45, 22, 7}
        Process node of the converters, nm.
    column_resistance : float
        Resistance of a column at the converter's input, Ohm.
    feature : float
        Feature size F of the cells, nm.
    one_transistor : bool
        True if each cell has a transistor (area 48 F^2), False if it has none (4 F^2).
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
    """Return the energy (J) of one conversion of a successive-approximation converter.

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
    """Energy, latency and area of one run on one platform.

    Parameters
    ----------
    platform : str
        Name of the platform.
    energy : dict of str to float
        Energy of each part, J, with the sparsity that the platform makes use of.
    dense_energy : float
        Total energy if the platform made no use of sparsity, J.
    sparse_energy : float
        Total energy if the platform made full use of sparsity, J.
    latency : float or None
        Latency, s; None if the sources do not state it.
    area : float or None
        Area of the cells, mm^2; None if the sources do not state it.
    source : str
        Source of the costs, with the year.
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
        """Total energy: the sum of the parts, J."""
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
    """Return the energy, latency and area of a run on a platform.

    Parameters
    ----------
    network : Network
        The simulated network.
    recording : Recording
        Recording of the run; see :func:`count`.
    platform : str
        A name in ``costs()["platforms"]``, or "crossbar" for the devices of `written` with the
        circuits of `periphery`.
    written : Written, optional
        The network in devices; needed for "crossbar".
    time : float, optional
        Age of the arrays of `written`, s.
    periphery : Periphery, optional
        Circuits of the crossbar. Default: ``Periphery()``.

    Raises
    ------
    DescriptionError
        If the platform is unknown, or is "crossbar" and `written` is missing.
    """
    counters = count(network, recording)
    if isinstance(platform, str) and platform == "crossbar":
        if written is None:
            raise DescriptionError("account: platform 'crossbar' needs written=.")
        return _crossbar(counters, network, recording, written, time, periphery or Periphery())
    platforms = costs()["platforms"]
    if not isinstance(platform, str) or platform not in platforms:
        raise DescriptionError(
            f"account: {unknown_name('platform', platform, [*platforms, 'crossbar'])}"
        )
    unit = platforms[platform]
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
    """Return the cost of cell reads and conversions; word lines are left out (not published)."""
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
    """Return a table with one line for each account: its energy, all dense and all sparse."""
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
