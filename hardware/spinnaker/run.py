"""The backend "spinnaker": sPyNNaker on a machine, in a separate process."""

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
    "for the mapping use spikemem.hardware.spinnaker.map_network, and for spikes without a machine "
    "use the backends 'emulator' and 'board'"
)


def machine_of_the_user() -> dict[str, str]:
    """Return the section [Machine] of sPyNNaker's configuration, from the files it reads.

    Raises
    ------
    UnsupportedError
        If there is no configuration.
    """
    home = Path.home()
    base = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    parser = configparser.ConfigParser(interpolation=None)
    files = parser.read([home / ".spynnaker.cfg", base / ".spynnaker.cfg", "spynnaker.cfg"])
    if not files:
        raise UnsupportedError(
            f"backend 'spinnaker': no machine is configured: ~/.spynnaker.cfg is missing. Write "
            f"machine_name and version, or spalloc_server, into its section [Machine]; {_ADVICE}."
        )
    return dict(parser["Machine"]) if parser.has_section("Machine") else {}


class ScriptBackend:
    """Runs a network as an exported script in a separate process and folder (base class).

    Each run loads the network anew and starts from its initial state. A subclass defines
    :meth:`execute` for its machine.
    """

    can_continue = False
    name = ""

    def set_up(self, network: Network, shifts: Shifts | None, force: bool) -> None:
        """Store the network; without `force`, raise an error if the machine cannot run it."""
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
                    f"the machine cannot switch plasticity on and off; leave out enabled=."
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
        """Run the script (the first argument), and return entries of the provenance.

        Raises
        ------
        SimulationError
            If the script does not write `out`.
        """
        raise NotImplementedError

    def set_weights(self, weights: Mapping[str, NDArray[np.float64]]) -> None:
        """Use these weights at the start of the next run."""
        self._network = self._network.with_weights(weights)

    def snapshot(self) -> Any:
        """Return None: there is no state between runs."""

    def restore(self, state: Any) -> None:
        """Do nothing: there is no state between runs."""

    def close(self) -> None:
        """Do nothing: each run frees the machine at its end."""


class SpinnakerBackend(ScriptBackend):
    """The SpiNNaker machine of sPyNNaker's configuration (``~/.spynnaker.cfg``).

    Each run loads the network anew and starts from its initial state.

    Parameters
    ----------
    network : Network
        Network to simulate.
    integrator : {"spinnaker"}
        Integrator of the machine; see ``docs/explanation/semantics.md``.
    shifts : dict of str to (int, int), optional
        Left shifts of ring buffers to request, by population. Default: sPyNNaker chooses.
    force : bool
        Run even if :func:`spikemem.check` finds errors.

    Raises
    ------
    BackendMissing
        If sPyNNaker is not installed.
    VirtualRunError
        If the configured machine is virtual, so that it computes nothing.
    UnsupportedError
        If no machine is configured, or the machine cannot run the network.
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
                f"there are no spikes; {_ADVICE}."
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
