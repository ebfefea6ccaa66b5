"""Good values for the calls of resistive memory and of plain reports, to be spoilt."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

import spikemem as sm
from spikemem.hardware import resistive as rm
from spikemem.hardware.resistive.devices import ProgrammedCells


def cells() -> ProgrammedCells:
    """Two devices that keep all that any device keeps."""
    return ProgrammedCells(
        np.full(2, 10.0), np.full(2, 9.0), {"nu": np.full(2, 0.1), "z": np.ones(2)}
    )


def array() -> Any:
    """Two programmed weights."""
    return rm.program(rm.PCM(), [1.0, 2.0])


def crossbar() -> Any:
    """A crossbar whose converters can be calibrated."""
    converters = rm.Converters(adc_range="calibrated")
    return rm.Crossbar(rm.PCM(), [[1.0, 0.5], [0.0, 2.0]], converters=converters)


def written(network: Callable[[], sm.Network]) -> Any:
    """A network in devices, some of them broken."""
    return rm.write(rm.PCM(), network(), faults=rm.Faults(missing=0.2))


def samples(network: Callable[[], sm.Network]) -> dict[str, Callable[[], Any]]:
    """A fresh object of each class that no declared kinds can make."""
    return {
        "ProgrammedCells": cells,
        "Crossbar": crossbar,
        "Generator": lambda: np.random.default_rng(0),
        "EventReader": lambda: rm.EventReader([0, 1], [0, 1], array(), n_in=2, n_out=2),
        "Measured": lambda: rm.from_measurements([0.0, 10.0], mean=[0.1, 10.0], sd=[0.1, 0.5]),
        "ProgrammedArray": array,
        "Written": lambda: written(network),
    }


def good_values(
    network: Callable[[], sm.Network], recording: Callable[[], sm.Recording]
) -> dict[str, dict[str, Callable[[], Any]]]:
    """Good values of parameters that must fit together, by class or method."""
    range_of = {"w_max": lambda: 6.0, "g_min": lambda: 0.5, "g_max": lambda: 25.0}
    mappings = ("BitSlices", "DifferentialPair", "Offset", "SingleDevice")
    methods = {
        f"{name}.{method}": {**range_of, "weight": lambda: np.full(2, 0.5)}
        for name in mappings
        for method in ("readout", "targets", "weights")
    }
    return {
        **methods,
        "BitSlices.weights": {**range_of, "conductance": lambda: np.ones((8, 2))},
        "Account": {
            "platform": lambda: "Loihi", "energy": lambda: {"synapses": 1e-9},
            "dense_energy": lambda: 1e-9, "sparse_energy": lambda: 1e-9, "latency": lambda: None,
            "area": lambda: None, "source": lambda: "a paper (2020)",
        },
        "ConductanceUpdate.changed": {
            "weight": lambda: [1.0, 2.0], "wanted": lambda: [0.1, -0.1], "gain": lambda: [1.0, 1.0],
            "low": lambda: 0.0, "high": lambda: 6.0,
        },
        "ConductanceUpdate.moved": {"x": lambda: [0.1, 0.5], "share": lambda: [0.1, -0.1]},
        "Crossbar.matvec": {"x": lambda: [1.0, 0.0]},
        "Crossbar.read": {"spikes": lambda: [0]},
        "Crossbar.calibrate": {"x": lambda: [[1.0, 0.0], [0.5, 1.0]]},
        "EventReader": {
            "i": lambda: [0, 1], "j": lambda: [0, 1], "array": array, "n_in": lambda: 2,
            "n_out": lambda: 2,
        },
        "Faults.fixed": {"rows": lambda: [0, 1], "columns": lambda: [0, 1]},
        "Measured": {
            "targets": lambda: [0.0, 10.0], "mean": lambda: [0.1, 10.0], "sd": lambda: [0.1, 0.5],
        },
        "MiloRRAM": {"g_max": lambda: 225.0},
        "ProgrammedArray": {
            "mapping": rm.SingleDevice, "target": lambda: [[1.0]], "programmed": lambda: [[1.0]],
            "drawn": lambda: {"nu": [[0.1]]},
        },
        "ProgrammedArray.reprogram": {"weights": lambda: [1.0, 2.0]},
        "Written": {
            "ideal": network, "arrays": lambda: written(network).arrays, "absent": dict,
        },
        "Written.broken": {"name": lambda: "fixed"},
        "Written.weights": {"name": lambda: "fixed"},
        "account": {
            "platform": lambda: "crossbar", "written": lambda: written(network),
            "recording": recording,
        },
        "from_measurements": {
            "targets": lambda: [0.0, 10.0], "mean": lambda: [0.1, 10.0], "sd": lambda: [0.1, 0.5],
        },
        "nodal_currents": {
            "g": lambda: [[10.0, 20.0]], "v": lambda: [1.0], "r_row": lambda: 1.0,
            "r_column": lambda: 2.0,
        },
        "program": {
            "weights": lambda: [1.0, 2.0], "rows": lambda: [0, 1], "columns": lambda: [0, 1],
            "faults": lambda: rm.Faults(open_rows=0.5, open_columns=0.5),
        },
    }  # fmt: skip


def report_values() -> dict[str, dict[str, Callable[[], Any]]]:
    """Good values of the fields of reports, which others make."""
    return {
        "Dialect": {
            "module": lambda: "pyNN.mock", "extra": lambda: "pynn", "backend": lambda: "brian2",
            "integrator": lambda: "spinnaker",
        },
        "DriftReport": {
            "weights": dict, "n_spikes": lambda: 2, "n_spikes_float": lambda: 2,
            "first": lambda: None,
        },
        "Health": dict.fromkeys(
            ("stored_margin", "silent_margin", "ghosts", "lost", "pending", "at_risk"), dict
        ),
        "MappingReport": {
            "cores": dict, "populations": dict, "seconds": lambda: 1.0,
            "total_seconds": lambda: 2.0,
            **dict.fromkeys(
                ("boards", "machine_chips", "chips", "sdram", "sdram_fullest", "sdram_per_chip",
                 "routing_entries", "routing_max", "keys"), lambda: 1,
            ),
        },
        "PopulationReport": {"cores": lambda: 1},
        "Problem": {"what": lambda: "it is too large", "remedy": lambda: "make it smaller"},
        "Recall": {"operation": lambda: sm.RecallCue(0), "answer": lambda: [1]},
        "Rule": {"reason": lambda: "it is too large", "find": lambda: lambda *_: iter(())},
        "from_nir": {"graph": lambda: sm.hardware.nir.to_nir(static_network())},
        "plain": {"text": lambda: "a name"},
    }  # fmt: skip


def static_network() -> sm.Network:
    """A source with a cell that it excites."""
    spikes = sm.SpikeTrains(ids=[0], times=[1.0], size=1)
    return sm.Network(
        populations=[
            sm.Population(name="in", cell=sm.SpikeSource(spikes=spikes)),
            sm.Population(name="out", cell=sm.LIF(), size=1),
        ],
        projections=[sm.Projection.one_to_one("a", "in", "out", weight=1.0, delay=1.0)],
    )
