"""Run the network in this folder on a PyNN simulator.

    python run.py --sim spinnaker       on a SpiNNaker machine (sPyNNaker, ~/.spynnaker.cfg)
    python run.py --sim nest            on this computer (NEST); --threads 4 for four threads

``network.json`` describes the network: cells with PyNN's parameters and units (ms, mV, nA, nF), and
the projections. ``arrays.npz`` holds its long arrays. The recording is written to ``recording.h5``.
``spikemem.load_recording`` reads it; any HDF5 reader finds the spikes in
``/spikes/<population>/timestamps`` (ms) and ``node_ids``, as in SONATA files.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import io
import json
import os
import secrets
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np

SIMULATORS = {"nest": "pyNN.nest", "spinnaker": "pyNN.spiNNaker"}
Arrays = dict[str, Any]


def load(folder: Path) -> tuple[dict[str, Any], Arrays]:
    """Read the description and the arrays of the network in a folder."""
    network = json.loads((folder / "network.json").read_text(encoding="utf-8"))
    with np.load(folder / "arrays.npz") as file:
        return network, dict(file)


class Model:
    """The network as objects of one simulator.

    NEST needs three adaptations that SpiNNaker does not need: negative weights for inhibition,
    amplitudes of STDP relative to `w_max`, and some steps (`lead`) before time 0 if a source fires
    in the first steps.
    """

    def __init__(self, sim: Any, network: dict[str, Any], arrays: Arrays) -> None:
        self.sim, self.network, self.arrays, self.dt = sim, network, arrays, network["dt"]
        self.nest = sim.__name__ == "pyNN.nest"
        self.populations: dict[str, Any] = {}
        self.projections: dict[str, Any] = {}
        self.lead = self._lead() if self.nest else 0
        self.n_steps = 0

    def build(self, **more: Any) -> None:
        """Make all populations and projections; `more` are arguments of ``setup``."""
        if self.nest:
            more |= {"spike_precision": "on_grid", "max_delay": self.network["max_delay"]}
        self.sim.setup(timestep=self.dt, min_delay=self.dt, **more)
        if self.nest:
            importlib.import_module("nest").SetDefaults("spike_generator", {"precise_times": False})
        for item in self.network["populations"]:
            self.populations[item["name"]] = self._population(item)
        for item in self.network["projections"]:
            self.projections[item["name"]] = self._projection(item)

    def run(self, duration: float) -> None:
        """Simulate `duration` ms."""
        self.n_steps = round(duration / self.dt)
        if self.lead:
            self._hold()
            self.sim.run((self.lead - 1) * self.dt)
            self._release()
            self.sim.run((self.n_steps + 1) * self.dt)
        else:
            self.sim.run(self.n_steps * self.dt)

    def value(self, value: Any) -> Any:
        """Return a number, or the array that a string names."""
        return self.arrays[value] if isinstance(value, str) else value

    def _population(self, item: dict[str, Any]) -> Any:
        if item["cell"] == "SpikeSourceArray":
            cell = self.sim.SpikeSourceArray(spike_times=self._spike_times(item))
            made = self.sim.Population(item["size"], cell, label=item["name"])
        else:
            values = {key: _plain(self.value(v)) for key, v in item["parameters"].items()}
            if self.nest:
                values["tau_refrac"] = _plain(self._whole_steps(values["tau_refrac"]))
            more = {} if self.nest else {"additional_parameters": item["spinnaker"]}
            cell = self.sim.IF_curr_exp(**values)
            made = self.sim.Population(item["size"], cell, label=item["name"], **more)
            made.initialize(v=_plain(self.value(item["v_init"])))
            for current in item.get("currents", []):
                self._inject(item, current, made)
        for variable in item["record"]:
            made.record(variable)
        return made

    def _inject(self, item: dict[str, Any], current: dict[str, Any], made: Any) -> None:
        """Inject a current that changes over time into some neighbouring cells."""
        ticks, values = self.arrays[current["steps"]], self.arrays[current["amplitudes"]].tolist()
        first, last = current["first"], current["last"]
        cells = made if last - first + 1 == item["size"] else made[first : last + 1]
        if self.nest:
            times = (ticks + self.lead) * self.dt
        else:
            # sPyNNaker rounds times down. After its last change the machine reads one more entry,
            # which is added in a step that no run reaches.
            times = (np.append(ticks, 2**31 - 1) + 0.5) * self.dt
            values.append(values[-1])
        source = self.sim.StepCurrentSource(times=times.tolist(), amplitudes=values)
        source.inject_into(cells)

    def _spike_times(self, item: dict[str, Any]) -> Any:
        ids, ticks = self.arrays[item["ids"]], self.arrays[item["steps"]] + self.lead
        lists = [(ticks[ids == k] * self.dt).tolist() for k in range(item["size"])]
        if not self.nest:
            return lists if any(lists) else []
        return [importlib.import_module("pyNN.parameters").Sequence(times) for times in lists]

    def _projection(self, item: dict[str, Any]) -> Any:
        sim = self.sim
        sign = -1.0 if self.nest and item["receptor"] == "inhibitory" else 1.0
        fixed = {}
        if item["connector"] == "list":
            columns = [self.value(item[key]) for key in ("i", "j", "weight")]
            columns[2] = sign * columns[2]
            names = ["weight"]
            if isinstance(item["delay"], str):
                columns.append(self.value(item["delay"]))
                names.append("delay")
            else:
                # sPyNNaker treats a column of equal delays as delays that differ by rounding.
                fixed = {"delay": item["delay"]}
            rows = np.column_stack(np.broadcast_arrays(*columns))
            connector = sim.FromListConnector(rows, column_names=names)
        else:
            fixed = {"weight": sign * item["weight"], "delay": item["delay"]}
            if item["connector"] == "one_to_one":
                connector = sim.OneToOneConnector()
            else:
                connector = sim.AllToAllConnector()
        return sim.Projection(
            self.populations[item["pre"]],
            self.populations[item["post"]],
            connector,
            synapse_type=self._synapse(item["plasticity"], fixed),
            receptor_type=item["receptor"],
            label=item["name"],
        )

    def _synapse(self, rule: dict[str, float] | None, fixed: dict[str, float]) -> Any:
        if rule is None:
            return self.sim.StaticSynapse(**fixed)
        scale = rule["w_max"] if self.nest else 1.0
        return self.sim.STDPMechanism(
            timing_dependence=self.sim.SpikePairRule(
                tau_plus=rule["tau_plus"],
                tau_minus=rule["tau_minus"],
                # NEST divides by A_plus.
                A_plus=max(rule["a_plus"] / scale, 1e-300 if self.nest else 0.0),
                A_minus=rule["a_minus"] / scale,
            ),
            weight_dependence=self.sim.AdditiveWeightDependence(
                w_min=rule["w_min"], w_max=rule["w_max"]
            ),
            dendritic_delay_fraction=1.0,
            **fixed,
        )

    def _lead(self) -> int:
        sources = [x for x in self.network["populations"] if x["cell"] == "SpikeSourceArray"]
        ticks = [self.arrays[item["steps"]] for item in sources]
        for item in self._cells():
            ticks += [self.arrays[current["steps"]] for current in item.get("currents", [])]
        return 2 if min((t.min() for t in ticks if t.size), default=9) < 2 else 0

    def _whole_steps(self, tau_refrac: Any) -> Any:
        return np.ceil(np.asarray(tau_refrac) / self.dt - 1e-9) * self.dt

    def _cells(self) -> list[dict[str, Any]]:
        return [item for item in self.network["populations"] if item["cell"] == "IF_curr_exp"]

    def _hold(self) -> None:
        for item in self._cells():
            self.populations[item["name"]].set(i_offset=0.0, v_thresh=1e9)

    def _release(self) -> None:
        for item in self._cells():
            made = self.populations[item["name"]]
            for key in ("i_offset", "v_thresh"):
                made.set(**{key: _plain(self.value(item["parameters"][key]))})
            made.initialize(v=_plain(self.value(item["v_init"])))

    def spikes(self, item: dict[str, Any]) -> tuple[Any, Any]:
        """Return the steps and cells of a population's spikes, sorted."""
        if item["cell"] == "SpikeSourceArray":
            ticks, ids = self.arrays[item["steps"]], self.arrays[item["ids"]]
            last = self.n_steps - 1
        else:
            data = self.populations[item["name"]].get_data("spikes").segments[0].spiketrains
            cells = [int(train.annotations["source_index"]) for train in data]
            ids = np.repeat(np.array(cells, dtype=np.int64), [len(train) for train in data])
            times = [np.asarray(train.rescale("ms").magnitude, float) for train in data]
            ticks = np.rint(np.concatenate([*times, np.empty(0)]) / self.dt).astype(int) - self.lead
            last = self.n_steps - (0 if self.nest else 1)
        keep = np.flatnonzero((ticks >= 0) & (ticks <= last))
        keep = keep[np.lexsort((ids[keep], ticks[keep]))]
        return ticks[keep], ids[keep]

    def collect(self) -> None:
        """Send what another process than the first has recorded, in the order in which it asks."""
        for item in self.network["populations"]:
            if "spikes" in item["record"] and item["cell"] != "SpikeSourceArray":
                self.populations[item["name"]].get_data("spikes")
            if "v" in item["record"]:
                self.populations[item["name"]].get_data("v")
        for item in self.network["projections"]:
            if item["plasticity"]:
                self.projections[item["name"]].get(["weight", "delay"], format="list")

    def potentials(self, item: dict[str, Any]) -> Any:
        """Return the potentials (mV) at the start of each step, shape (n_steps, size)."""
        segment = self.populations[item["name"]].get_data("v").segments[0]
        signal = next(s for s in segment.analogsignals if s.name == "v")
        rows = np.asarray(signal.rescale("mV").magnitude, float)
        # PyNN and sPyNNaker store the numbers of the cells in different attributes.
        notes = signal.array_annotations if self.nest else signal.annotations
        cells = notes["channel_index" if self.nest else "channel_names"]
        order = np.argsort(cells, kind="stable")
        rows = rows[self.lead : self.lead + self.n_steps, order]
        rows[0] = self.value(item["v_init"])
        return rows

    def weights(self, item: dict[str, Any]) -> Any:
        """Return the weights of a plastic projection (nA), in the order of the network.

        Both simulators defer plasticity: a weight includes changes up to the last spike of its
        source.
        """
        rows = self.projections[item["name"]].get(["weight", "delay"], format="list")
        i, j, weight, delay = np.array([tuple(row) for row in rows], dtype=float).T
        weight = np.abs(weight)
        weight = weight[np.lexsort((weight, delay, j, i))]
        if "order" in item:
            result = np.empty(weight.size)
            result[self.value(item["order"])] = weight
            return result
        return weight


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def write_recording(model: Model, path: Path) -> None:
    """Write spikes, potentials and weights as HDF5, completely or not at all."""
    buffer = io.BytesIO()
    # The file is made in memory, because HDF5 does not report every failure of a full disk.
    with h5py.File(buffer, "w", libver="v110", userblock_size=512) as file:
        file.attrs.update(format="spikemem", schema_version=1, writer="exported script")
        file.attrs.update(magic=np.uint32(0x0A7A), version=np.array([0, 1], np.uint32))
        file.attrs["kinds"] = ["recording"]
        _write_groups(model, file)
    content = buffer.getbuffer()
    digest = hashlib.sha256(content[512:]).hexdigest()
    content[:512] = f"spikemem 1 sha256 {digest}\n".encode().ljust(512, b"\0")
    part = path.with_name(f".spikemem-{os.getpid()}-{secrets.token_hex(8)}.part")
    try:
        with part.open("xb") as raw:
            raw.write(content)
            raw.flush()
            os.fsync(raw.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _write_groups(model: Model, file: Any) -> None:
    dt = model.dt
    root, spikes = file.create_group("recording"), file.create_group("spikes", track_order=True)
    for name, value in (("dt", dt), ("start", 0.0), ("stop", model.n_steps * dt)):
        _put(root, name, value, "ms")
    root["provenance"] = json.dumps(
        {
            "backend": model.sim.__name__,
            "integrator": "exact" if model.nest else "spinnaker",
            "network_hash": model.network["content_hash"],
        }
    )
    traces = root.create_group("traces", track_order=True)
    weights = root.create_group("weights", track_order=True)
    for item in model.network["populations"]:
        if "spikes" in item["record"]:
            ticks, ids = model.spikes(item)
            group = spikes.create_group(item["name"])
            group.attrs.update(sorting="by_time", size=item["size"])
            _put(group, "timestamps", ticks * dt, "ms")
            group["node_ids"] = ids.astype(np.uint64)
            _put(group, "duration", (model.n_steps + 1) * dt, "ms")
        if "v" in item["record"]:
            _put(traces.require_group(item["name"]), "v", model.potentials(item), "mV")
    for item in model.network["projections"]:
        if item["plasticity"]:
            _put(weights, item["name"], model.weights(item), "nA")


def _put(group: Any, name: str, value: Any, unit: str) -> None:
    group[name] = value
    group[name].attrs["units"] = unit


def main(arguments: list[str] | None = None) -> None:
    """Build the network, run it, and write the recording."""
    parser = argparse.ArgumentParser(description="Run this network on a PyNN simulator.")
    parser.add_argument("--sim", choices=sorted(SIMULATORS), default="spinnaker")
    parser.add_argument("--duration", type=float, help="ms (default: the network's)")
    parser.add_argument("--threads", type=int, default=1, help="threads of NEST (default: 1)")
    parser.add_argument("--out", type=Path, default=Path("recording.h5"))
    chosen = parser.parse_args(arguments)
    network, arrays = load(Path(__file__).resolve().parent)
    model = Model(importlib.import_module(SIMULATORS[chosen.sim]), network, arrays)
    model.build(**({"threads": chosen.threads} if chosen.sim == "nest" else {}))
    model.run(chosen.duration or network["duration"])
    if chosen.sim == "spinnaker" and _is_virtual():
        model.sim.end()
        sys.exit("The machine in spynnaker.cfg is virtual: the network was mapped, but not run.")
    first = chosen.sim != "nest" or model.sim.rank() == 0
    if first:
        write_recording(model, chosen.out)
    else:
        model.collect()
    model.sim.end()
    if first:
        print(f"written: {chosen.out}")


def _is_virtual() -> bool:
    config = importlib.import_module("spinn_utilities.config_holder")
    return bool(config.get_config_bool("Machine", "virtual_board"))


if __name__ == "__main__":
    main()
