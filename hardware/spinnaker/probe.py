"""Maps the network of a folder with sPyNNaker, in a separate process, and writes a report.

    python -m spikemem.hardware.spinnaker.probe FOLDER DURATION BOARDS ROWS

The folder holds the files of ``folder.py``; the report is written to ``FOLDER/answer.json``.
"""

from __future__ import annotations

import importlib
import json
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from .script import Model, load

__all__ = ["probe"]


def probe(folder: Path, duration: float, boards: int, rows: bool) -> dict[str, Any]:
    """Map the network of a folder on the configured machine, and return a report.

    Parameters
    ----------
    folder : Path
        Folder with ``network.json`` and ``arrays.npz``.
    duration : float
        Simulated time that recordings need memory for, ms.
    boards : int
        Number of boards to request; 0: as many as needed.
    rows : bool
        Also report the 16-bit weights that would be loaded.
    """
    sim = importlib.import_module("pyNN.spiNNaker")
    model = Model(sim, *load(folder))
    begin = time.perf_counter()
    model.build(**({"n_boards_required": boards} if boards else {}))
    model.run(duration)
    seconds = time.perf_counter() - begin
    view = importlib.import_module("spynnaker.pyNN.data").SpynnakerDataView
    answer = _machine(view, model.n_steps) | {"seconds": seconds}
    words = _Words(view.get_ds_database_path())
    answer["populations"] = {
        name: _population(view, model, words, name) for name in model.populations
    }
    if rows:
        answer["weights"] = {name: _weights(model, name) for name in model.projections}
    sim.end()
    return answer


class _Words:
    """Data specification: the words that would be written to each core."""

    def __init__(self, path: str) -> None:
        self.file = sqlite3.connect(path)

    def region(self, core: tuple[int, int, int], label: str) -> list[int]:
        query = "SELECT content FROM region WHERE x=? AND y=? AND p=? AND region_label=?"
        row = self.file.execute(query, (*core, label)).fetchone()
        return np.frombuffer(row[0], np.uint32).tolist() if row and row[0] else []


def _placements(view: Any) -> Iterator[Any]:
    # sPyNNaker spells the name this way.
    return iter(view.iterate_placemements())


def _machine(view: Any, n_steps: int) -> dict[str, Any]:
    machine, tables = view.get_machine(), view.get_uncompressed()
    cores: list[dict[str, Any]] = []
    chips: dict[str, int] = {}
    for placement in _placements(view):
        vertex = placement.vertex
        sdram = int(vertex.sdram_required.get_total_sdram(n_steps))
        chip = f"{placement.x},{placement.y}"
        chips[chip] = chips.get(chip, 0) + sdram
        if vertex.app_vertex is not None:
            label = str(vertex.app_vertex.label)
            cores.append({"chip": chip, "of": label, "sdram": sdram})
    routing = view.get_routing_infos()
    return {
        "machine_chips": int(machine.n_chips),
        "boards": len(list(machine.ethernet_connected_chips)),
        "sdram_per_chip": min(int(chip.sdram) for chip in machine.chips),
        "cores": cores,
        "chip_sdram": {core["chip"]: chips[core["chip"]] for core in cores},
        "routing_entries": int(tables.get_total_number_of_entries()),
        "routing_max": int(tables.get_max_number_of_entries()),
        "keys": len(list(routing)),
    }


def _population(view: Any, model: Model, words: _Words, name: str) -> dict[str, Any]:
    vertex = model.populations[name]._vertex
    placements = [p for p in _placements(view) if p.vertex.app_vertex is vertex]
    answer: dict[str, Any] = {"cores": len(placements)}
    if not hasattr(vertex, "neuron_impl"):
        return answer
    cores = [(p.x, p.y, p.p) for p in placements]
    for core in cores:
        synaptic = words.region(core, "SynapseParams")
        if synaptic:
            answer["slots"], answer["shifts"] = 2 ** synaptic[4], synaptic[7:9]
        plastic = words.region(core, "synapseDynamicsParams")
        if plastic:
            answer["plasticity"] = _plasticity(plastic)
    answer["constants"] = _constants(vertex)
    return answer


def _plasticity(words: list[int]) -> dict[str, Any]:
    """Decode the words of STDP: a flag, two tables with headers, four numbers for each receptor."""
    tables, offset = [], 1
    for _ in range(2):
        size = words[offset] & 0xFFFF
        halves = np.array(words[offset + 1 : offset + 1 + size // 2], np.uint32).view(np.uint16)
        tables.append(halves.tolist())
        offset += 1 + size // 2
    names = ("w_min", "w_max", "a_plus", "a_minus")
    numbers = np.array(words[offset : offset + 8], np.uint32).view(np.int32).tolist()
    return {
        "backprop_delay": words[0],
        "table_plus": tables[0],
        "table_minus": tables[1],
        "excitatory": dict(zip(names, numbers[:4], strict=True)),
        "inhibitory": dict(zip(names, numbers[4:], strict=True)),
    }


class _Values:
    """Parameters and initial state variables of a vertex in one mapping."""

    def __init__(self, vertex: Any) -> None:
        self.parts = (vertex.parameters, vertex.initial_state_variables)

    def __contains__(self, key: str) -> bool:
        return any(key in part for part in self.parts)

    def __getitem__(self, key: str) -> Any:
        return next(part for part in self.parts if key in part)[key]


def _constants(vertex: Any) -> dict[str, list[int]]:
    """Return the parameters of each cell as words in the memory of the core."""
    slices = importlib.import_module("pacman.model.graphs.common")
    everything = slices.Slice(0, vertex.n_atoms - 1)
    constants: dict[str, list[int]] = {}
    for struct in vertex.neuron_impl.structs:
        whole = struct.repeat_type.name == "GLOBAL"
        data = struct.get_data(_Values(vertex), *(() if whole else (everything,)))
        table = np.asarray(data, np.uint32).view(np.int32)
        columns = table.reshape(-1, max(len(struct.fields), 1))
        for k, (_, name) in enumerate(struct.fields):
            constants[str(name)] = columns[:, k].tolist()
    return constants


def _weights(model: Model, name: str) -> list[list[int]]:
    """Return the source, target, delay (steps) and 16-bit weight of each synapse."""
    item = next(x for x in model.network["projections"] if x["name"] == name)
    vertex = model.populations[item["post"]]._vertex
    scale = 2.0 ** (15 - vertex.get_ring_buffer_shifts()[item["receptor"] == "inhibitory"])
    rows = model.projections[name].get(["weight", "delay"], format="list")
    return [
        [int(i), int(j), round(float(d) / model.dt), round(float(w) * scale)] for i, j, w, d in rows
    ]


def main() -> None:
    """Map the network, and write the report or the error."""
    folder = Path(sys.argv[1])
    try:
        answer = probe(folder, float(sys.argv[2]), int(sys.argv[3]), bool(int(sys.argv[4])))
    except Exception as error:
        answer = {"error": type(error).__name__, "message": str(error)}
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
