"""The backend "spinnaker": sPyNNaker on a machine, in a process of its own."""

from __future__ import annotations

import configparser
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...checks import checked
from ...errors import SimulationError, UnsupportedError, VirtualRunError
from ...network import Network
from ...recording import SpikeTrains, load_recording
from ...simulation import Results, package_version
from .check import require_mappable
from .folder import write_data
from .gating import traces_are_short
from .machine_layout import AskedShifts, Shifts
from .mapping import require_spynnaker

__all__ = ["ScriptBackend", "SpinnakerBackend", "machine_of_the_user"]

_LOG = logging.getLogger("spikemem")
_ADVICE = (
    "for the map use spikemem.hardware.spinnaker.map_network, for spikes without a machine the "
    "backends 'emulator' and 'board'"
)


def machine_of_the_user() -> dict[str, str]:
    """Section [Machine] of sPyNNaker's configuration, with the files that sPyNNaker reads.

    Raises
    ------
    UnsupportedError
        There is no configuration.
    """
    home = Path.home()
    base = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    parser = configparser.ConfigParser(interpolation=None)
    found = parser.read([home / ".spynnaker.cfg", base / ".spynnaker.cfg", "spynnaker.cfg"])
    if not found:
        raise UnsupportedError(
            f"backend 'spinnaker': no machine is configured: ~/.spynnaker.cfg is missing. Write "
            f"machine_name and version, or spalloc_server, into its section [Machine]; {_ADVICE}."
        )
    return dict(parser["Machine"]) if parser.has_section("Machine") else {}


class ScriptBackend:
    """A network as the exported script, run on sPyNNaker in a process and a folder of its own.

    Each run loads the network anew and starts from its initial state. What differs between the
    machines is :meth:`execute`.
    """

    can_continue = False
    name = ""

    def set_up(self, network: Network, shifts: Shifts | None, force: bool) -> None:
        """Keep the network; raise unless the machine can hold it (not with `force`)."""
        if not force:
            for problem in require_mappable(network, "simulate", shifts=shifts):
                if problem.level == "warning":
                    _LOG.warning("%s: %s", self.name, problem.text)
        self._network, self._shifts, self._force = network, shifts, force

    def run(
        self,
        first_step: int,
        n_steps: int,
        inputs: Mapping[str, SpikeTrains],
        gates: Mapping[str, NDArray[np.bool_]],
        progress: Callable[[float], None],
    ) -> Results:
        """Run once; see :class:`spikemem.simulation.Backend`."""
        for item in self._network.plastic:
            rule, closed = item.plasticity, not gates[item.name].all()
            if rule and closed and not self._force and not traces_are_short(rule, self._network.dt):
                raise UnsupportedError(
                    f"backend {self.name!r}: projection {item.name!r} has plasticity windows, and "
                    f"the machine cannot switch plasticity; leave out enabled=."
                )
        network = self._network.with_inputs(inputs)
        duration = n_steps * network.dt
        with tempfile.TemporaryDirectory(prefix="spikemem-run-") as name:
            folder = Path(name)
            write_data(network, folder, duration=duration, shifts=self._shifts)
            shutil.copyfile(Path(__file__).with_name("script.py"), folder / "run.py")
            out = folder / "recording.h5"
            arguments = [str(folder / "run.py"), "--sim", "spinnaker", "--out", str(out)]
            versions = self.execute(arguments, out, n_steps, progress)
            recording = load_recording(out)
        progress(1.0)
        versions = {"sPyNNaker": package_version("sPyNNaker"), **versions}
        return Results(
            dict(recording.spikes), dict(recording.traces), dict(recording.weights), versions
        )

    def execute(
        self, arguments: list[str], out: Path, n_steps: int, progress: Callable[[float], None]
    ) -> dict[str, Any]:
        """Run the script with these arguments (itself first); give what the provenance is to hold.

        Raises
        ------
        SimulationError
            The script did not write `out`.
        """
        raise NotImplementedError

    def set_weights(self, weights: Mapping[str, NDArray[np.float64]]) -> None:
        """Begin with these weights."""
        self._network = self._network.with_weights(weights)

    def snapshot(self) -> Any:
        """Nothing: no run goes on from another."""

    def restore(self, state: Any) -> None:
        """Nothing: no run goes on from another."""

    def close(self) -> None:
        """Nothing: each run has freed the machine."""


class SpinnakerBackend(ScriptBackend):
    """A SpiNNaker machine through sPyNNaker, as its configuration (``~/.spynnaker.cfg``) names it.

    Each run loads the network anew and starts from its initial state.

    Parameters
    ----------
    network : Network
        What to simulate.
    integrator : {"spinnaker"}
        What the machine computes.
    shifts : dict of str to (int, int), optional
        Left shifts of ring buffers to ask for, by population. Default: sPyNNaker chooses.
    force : bool
        Run even if :func:`spikemem.check` finds errors.

    Raises
    ------
    BackendMissing
        sPyNNaker is not installed.
    VirtualRunError
        The configured machine is virtual: it computes nothing.
    UnsupportedError
        No machine is configured, or it cannot hold the network.
    """

    name = "spinnaker"

    @checked
    def __init__(
        self,
        network: Network,
        integrator: str,
        *,
        shifts: AskedShifts | None = None,
        force: bool = False,
    ) -> None:
        require_spynnaker()
        if machine_of_the_user().get("virtual_board", "False").lower() in ("true", "yes", "1"):
            raise VirtualRunError(
                f"backend 'spinnaker': the configured machine is virtual, so that nothing runs and "
                f"no spikes come back; {_ADVICE}."
            )
        self.set_up(network, shifts, force)

    def execute(
        self, arguments: list[str], out: Path, n_steps: int, progress: Callable[[float], None]
    ) -> dict[str, Any]:
        """Run the script; see :meth:`ScriptBackend.execute`."""
        command = [sys.executable, *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if not out.exists():
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise SimulationError(f"sPyNNaker ended with status {done.returncode}: {last}")
        return {}
