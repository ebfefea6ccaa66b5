"""Writes the data that ``script.py`` runs: ``network.json`` and ``arrays.npz``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from ..._version import __version__
from ...cells import LIF, STDP
from ...network import Network, Population, Projection
from ...units import steps
from .machine_layout import Shifts, connector, neurons_per_core, uniform

__all__ = ["write_data"]

Arrays = dict[str, Any]


def write_data(
    network: Network, folder: Path, *, duration: float, shifts: Shifts | None = None
) -> None:
    """Write the data of an exported folder.

    Parameters
    ----------
    network : Network
        Network to export.
    folder : Path
        Folder for the files.
    duration : float
        Default of the time that the script simulates, ms.
    shifts : dict of str to (int, int), optional
        Left shifts of ring buffers to request from sPyNNaker, by population. Default: sPyNNaker
        chooses.
    """
    arrays: Arrays = {}
    longest = max((np.max(p.delay) for p in network.projections if np.size(p.delay)), default=0.0)
    description = {
        "written_by": f"spikemem {__version__}",
        "content_hash": network.content_hash,
        "dt": network.dt,
        "duration": duration,
        "max_delay": max(float(longest), network.dt),
        "populations": [
            _population(network, population, k, arrays, (shifts or {}).get(population.name))
            for k, population in enumerate(network.populations)
        ],
        "projections": [
            _projection(network, projection, k, arrays)
            for k, projection in enumerate(network.projections)
            if network.count(projection.name)
        ],
    }
    text = json.dumps(description, indent=1)
    (folder / "network.json").write_text(text + "\n", encoding="utf-8")
    np.savez_compressed(folder / "arrays.npz", **arrays)


def _population(
    network: Network, population: Population, k: int, arrays: Arrays, shifts: Any
) -> dict[str, Any]:
    item: dict[str, Any] = {"name": population.name, "size": population.size}
    item["record"] = sorted(set(population.record))
    key = f"population{k}"
    if population.is_source:
        trains = population.source
        arrays[f"{key}_ids"] = trains.ids.astype(np.int32)
        arrays[f"{key}_steps"] = steps(trains.times, network.dt).astype(np.int64)
        return item | {
            "cell": "SpikeSourceArray", "ids": f"{key}_ids", "steps": f"{key}_steps",
            "spinnaker": {},
        }  # fmt: skip
    item["cell"] = "IF_curr_exp"
    item["parameters"] = {
        name: _stored(getattr(population.lif.steady, name), f"{key}_{name}", arrays)
        for name in LIF.units
    }
    item["currents"] = _currents(network, population, key, arrays)
    item["v_init"] = _stored(population.initial_v(), f"{key}_v_init", arrays)
    item["spinnaker"] = {"neurons_per_core": neurons_per_core(network, population)}
    if shifts is not None:
        # sPyNNaker rounds this value up to a power of two.
        item["spinnaker"]["max_expected_summed_weight"] = [0.75 * 2.0**s for s in shifts]
    return item


def _currents(
    network: Network, population: Population, key: str, arrays: Arrays
) -> list[dict[str, Any]]:
    """Describe a current over time: the step of each change, and the amplitudes for each cell."""
    current = population.lif.current
    if current is None:
        return []
    arrays[f"{key}_current_steps"] = steps(current.times, network.dt)
    entries = []
    for k, (start, stop, amplitudes) in enumerate(current.alike(population.size)):
        arrays[f"{key}_current{k}"] = amplitudes
        entries.append(
            {
                "first": start, "last": stop - 1, "steps": f"{key}_current_steps",
                "amplitudes": f"{key}_current{k}",
            }
        )  # fmt: skip
    return entries


def _projection(network: Network, projection: Projection, k: int, arrays: Arrays) -> dict[str, Any]:
    key, kind, rule = f"projection{k}", connector(projection, network.dt), projection.plasticity
    item: dict[str, Any] = {
        name: getattr(projection, name) for name in ("name", "pre", "post", "receptor")
    }
    item["connector"] = kind
    item["plasticity"] = {name: getattr(rule, name) for name in STDP.units} if rule else None
    if kind != "list":
        item["weight"], item["delay"] = uniform(projection.weight), uniform(projection.delay)
        return item
    i, j, weight, delay = network.synapses(projection.name)
    order = np.lexsort((weight, delay, j, i))
    for name, values in (("i", i), ("j", j), ("weight", weight), ("delay", delay)):
        item[name] = _stored(values[order], f"{key}_{name}", arrays)
    if rule is not None:
        item["order"] = _stored(order, f"{key}_order", arrays)
    return item


def _stored(value: Any, key: str, arrays: Arrays) -> Any:
    """Return the value if all entries are equal, else store an array and return its key."""
    array = np.asarray(value)
    one = uniform(array)
    if one is not None and array.dtype.kind == "f":
        return one
    arrays[key] = array
    return key
