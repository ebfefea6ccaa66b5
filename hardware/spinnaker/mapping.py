"""Maps a network on a virtual SpiNNaker machine with sPyNNaker's tool chain, without a board."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from ...checks import Count, Optional, Quantity, checked
from ...errors import BackendMissing, DescriptionError, SimulationError, UnsupportedError
from ...network import Network
from ...units import LARGEST, steps
from .folder import write_data
from .machine_layout import AskedShifts, Shifts
from .process import environment
from .view import SMALLEST_STEP

__all__ = ["MappingReport", "PopulationReport", "map_network", "require_spynnaker"]

_CONFIG = """[Machine]
version = {version}
virtual_board = True
[Mode]
mode = Production
[Reports]
default_report_file_path = {folder}
write_network_graph = False
"""
_VERSIONS = (3, 5)


@dataclass(frozen=True, kw_only=True)
class PopulationReport:
    """Mapping of one population.

    Attributes
    ----------
    cores : int
        Number of its cores.
    shifts : tuple of int or None
        Left shifts of the excitatory and inhibitory ring buffers; None for a spike source.
    slots : int
        Steps of delay that its ring buffers hold.
    constants : dict of str to list of int
        Parameters of its cells as words in the machine's memory, mostly s16.15.
    plasticity : dict
        Tables (s4.11) and amplitudes (s16.15) of its STDP; empty without plasticity.
    """

    cores: int
    shifts: tuple[int, int] | None = None
    slots: int = 0
    constants: dict[str, list[int]] = field(default_factory=dict)
    plasticity: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class MappingReport:
    """Mapping of a network on a virtual machine; :func:`map_network` returns one.

    Attributes
    ----------
    boards, machine_chips : int
        Number of boards and of chips of the machine.
    chips : int
        Number of chips that the network uses.
    cores : dict of str to int
        Number of cores of each population, and of each vertex that sPyNNaker adds (delays).
    sdram : int
        Memory of all these cores, bytes.
    sdram_fullest, sdram_per_chip : int
        Memory needed on the fullest chip, system included, and memory of a chip, bytes.
    routing_entries, routing_max : int
        Number of entries of all routing tables before compression, and of the largest table. A
        router holds 1023 entries.
    keys : int
        Number of ranges of routing keys.
    populations : dict of str to PopulationReport
        Mapping of each population.
    seconds : float
        Wall time of sPyNNaker's tool chain, s.
    total_seconds : float
        Wall time of the whole process, including imports, s.
    weights : dict of str to list of (i, j, delay, weight)
        Source, target, delay (steps) and 16-bit weight of each synapse, with ``weights=True``.
    """

    boards: int
    machine_chips: int
    chips: int
    cores: dict[str, int]
    sdram: int
    sdram_fullest: int
    sdram_per_chip: int
    routing_entries: int
    routing_max: int
    keys: int
    populations: dict[str, PopulationReport]
    seconds: float
    total_seconds: float
    weights: dict[str, list[list[int]]] = field(default_factory=dict)

    @property
    def shifts(self) -> Shifts:
        """Left shifts of the ring buffers by population."""
        return {name: item.shifts for name, item in self.populations.items() if item.shifts}

    def __str__(self) -> str:
        wide = max(map(len, self.cores))
        lines = [
            f"{self.boards} board(s); {self.chips} of {self.machine_chips} chips, "
            f"{sum(self.cores.values())} cores, {self.sdram / 2**20:.1f} MiB SDRAM "
            f"(fullest chip {self.sdram_fullest / 2**20:.1f} of "
            f"{self.sdram_per_chip / 2**20:.0f} MiB), {self.routing_entries} routing entries "
            f"(at most {self.routing_max} a chip), {self.keys} key ranges; "
            f"{self.seconds:.1f} s",
            f"  {'':<{wide}}  cores  shifts E, I  delay slots",
        ]
        for name, n in self.cores.items():
            item = self.populations.get(name)
            tail = ""
            if item and item.shifts:
                tail = f"  {item.shifts[0]:>8}, {item.shifts[1]:<2}  {item.slots:>9}"
            lines.append(f"  {name:<{wide}}  {n:>5}{tail}")
        return "\n".join(lines)


def require_spynnaker() -> None:
    """Raise an error if sPyNNaker is not installed."""
    if importlib.util.find_spec("spynnaker") is None:
        raise BackendMissing.of("SpiNNaker", "sPyNNaker", extra="spinnaker")


@checked
def map_network(
    network: Network,
    *,
    duration: Annotated[Any, Optional(Quantity("ms", above=0.0))] = None,
    boards: Annotated[int, Count()] | None = None,
    version: Annotated[int, Count(low=min(_VERSIONS), high=max(_VERSIONS))] = 5,
    shifts: AskedShifts | None = None,
    weights: bool = False,
    smallest_step: float = SMALLEST_STEP,
    force: bool = False,
    timeout: Annotated[float, Quantity("s", above=0.0)] | None = None,
) -> MappingReport:
    """Map a network on a virtual machine.

    Nothing is simulated, so that there is no recording. sPyNNaker runs in a separate process and a
    temporary folder, and needs no configuration.

    Parameters
    ----------
    network : Network
        Network to map.
    duration : float, optional
        Simulated time that recordings need memory for, ms. Default: the network's duration, or
        1000 ms if it has none.
    boards : int, optional
        Number of boards of the machine. Default: as many as the network needs.
    version : {3, 5}
        Version of the board: 3 has 4 chips, 5 has 48 chips.
    shifts : dict of str to (int, int), optional
        Left shifts of the ring buffers of some populations. Default: sPyNNaker chooses.
    weights : bool
        Also report the 16-bit weights; use it for small networks.
    smallest_step : float
        See :func:`check_spinnaker`.
    force : bool
        Map even if :func:`check_spinnaker` finds errors.
    timeout : float, optional
        Largest wall time, s. Default: no limit.

    Raises
    ------
    BackendMissing
        If sPyNNaker is not installed.
    UnsupportedError
        If the machine cannot run the network. The message states the errors of
        :func:`check_spinnaker`, or sPyNNaker's error.
    SimulationError
        If sPyNNaker does not finish.
    """
    from .check import require_mappable

    require_spynnaker()
    if version not in _VERSIONS:
        raise DescriptionError(f"map_network: version must be one of {_VERSIONS}, got {version!r}.")
    if not force:
        require_mappable(network, "map_network", shifts=shifts, smallest_step=smallest_step)
    length = network.duration or 1000.0
    if duration is not None:
        length = duration
    if steps(length, network.dt) > LARGEST:
        raise DescriptionError(
            f"map_network: duration must be at most {LARGEST} steps of dt={network.dt:g} ms, got "
            f"{length:g} ms."
        )
    with tempfile.TemporaryDirectory(prefix="spikemem-map-") as name:
        folder = Path(name)
        write_data(network, folder, duration=length, shifts=shifts)
        begin = time.perf_counter()
        answer = _ask(folder, length, boards or 0, weights, version, timeout)
        seconds = time.perf_counter() - begin
    if "error" in answer:
        raise UnsupportedError(
            f"map_network: sPyNNaker refused the network ({answer['error']}: "
            f"{answer['message'].strip()})."
        )
    return _report(answer, seconds)


def _ask(
    folder: Path, duration: float, boards: int, weights: bool, version: int, timeout: float | None
) -> dict[str, Any]:
    (folder / "config").mkdir()
    (folder / "home").mkdir()
    config = _CONFIG.format(version=version, folder=folder)
    (folder / "config" / ".spynnaker.cfg").write_text(config, encoding="utf-8")
    variables = environment(HOME=str(folder / "home"), XDG_CONFIG_HOME=str(folder / "config"))
    arguments = [str(folder), repr(duration), str(boards), str(int(weights))]
    command = [sys.executable, "-m", "spikemem.hardware.spinnaker.probe", *arguments]
    try:
        done = subprocess.run(
            command, cwd=folder, env=variables, capture_output=True, text=True, timeout=timeout
        )
    except subprocess.TimeoutExpired:
        raise SimulationError(
            f"map_network: sPyNNaker did not finish within {timeout:g} s; pass a larger timeout=."
        ) from None
    path = folder / "answer.json"
    if not path.exists():
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise SimulationError(
            f"map_network: sPyNNaker ended with status {done.returncode} without a result ({last})."
        )
    answer: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return answer


def _report(answer: dict[str, Any], seconds: float) -> MappingReport:
    return MappingReport(
        boards=answer["boards"],
        machine_chips=answer["machine_chips"],
        chips=len(answer["chip_sdram"]),
        cores=dict(Counter(core["of"] for core in answer["cores"])),
        sdram=sum(core["sdram"] for core in answer["cores"]),
        sdram_fullest=max(answer["chip_sdram"].values(), default=0),
        sdram_per_chip=answer["sdram_per_chip"],
        routing_entries=answer["routing_entries"],
        routing_max=answer["routing_max"],
        keys=answer["keys"],
        populations={
            name: PopulationReport(
                cores=item["cores"],
                shifts=tuple(item["shifts"]) if "shifts" in item else None,
                slots=item.get("slots", 0),
                constants=item.get("constants", {}),
                plasticity=item.get("plasticity", {}),
            )
            for name, item in answer["populations"].items()
        },
        seconds=answer["seconds"],
        total_seconds=seconds,
        weights=answer.get("weights", {}),
    )
