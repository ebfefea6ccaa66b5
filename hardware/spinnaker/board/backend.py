"""The backend "board": sPyNNaker's tool chain with a board in software."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from ....checks import checked
from ....errors import SimulationError
from ....network import Network
from ....simulation import package_version
from ....streams import Seed, own_seed
from ..machine_layout import AskedShifts
from ..process import environment
from ..run import ScriptBackend
from .launch import command
from .seam import require_board

__all__ = ["BoardBackend"]

_POLL = 0.1
"""Interval at which the progress is read, s."""


class BoardBackend(ScriptBackend):
    """A SpiNNaker board in software: sPyNNaker's machine code on emulated cores.

    As on a real board, sPyNNaker maps the network, makes and loads the data of each core, starts
    the programs, and reads their recordings; only the cores are emulated. A run takes about a
    thousand times as long as on the backend "emulator", with the same result. Each run loads the
    network anew and starts from its initial state. ``Recording.provenance["board"]`` holds the
    number of chips, cores, ticks, packets and instructions, and the run time in seconds.

    Parameters
    ----------
    network : Network
        Network to simulate.
    integrator : {"spinnaker"}
        Integrator of the machine; see ``docs/explanation/semantics.md``.
    shifts : dict of str to (int, int), optional
        Left shifts of ring buffers to request, by population. Default: sPyNNaker chooses.
    seed : int
        Seed of the order in which the packets of a tick arrive. With a time step of 1 ms or more
        the results do not depend on it.
    force : bool
        Run even if :func:`spikemem.check` finds errors.

    Raises
    ------
    BackendMissing
        If sPyNNaker or unicorn is not installed.
    UnsupportedError
        If the machine cannot run the network, or another version of sPyNNaker is installed.
    """

    name = "board"

    @checked
    def __init__(
        self,
        network: Network,
        integrator: str = "spinnaker",
        *,
        shifts: AskedShifts | None = None,
        seed: Seed = 0,
        force: bool = False,
    ) -> None:
        require_board()
        self.set_up(network, shifts, force)
        self._seed = own_seed(seed)

    def execute(
        self, arguments: list[str], out: Path, n_steps: int, progress: Callable[[float], None]
    ) -> dict[str, Any]:
        """Run the script in a process; see :meth:`.ScriptBackend.execute`."""
        folder, (script, *others) = out.parent, arguments
        line = command(script, others, seed=self._seed, answer=folder)
        log = folder / "log"
        with log.open("w", encoding="utf-8") as file:
            process = subprocess.Popen(
                line, cwd=folder, env=environment(), stdin=subprocess.DEVNULL, stdout=file,
                stderr=subprocess.STDOUT, start_new_session=True,
            )  # fmt: skip
            _wait(process, lambda: progress(min(_done(folder) / n_steps, 1.0)))
        answer = _answer(folder)
        if not out.exists():
            error = answer.get("error") or _last_line(log, process.returncode)
            raise SimulationError(f"backend 'board': {error}")
        return {"unicorn": package_version("unicorn"), "board": answer.get("statistics", {})}


def _wait(process: subprocess.Popen[Any], look: Callable[[], None]) -> None:
    """Wait for the end of a process; an interrupt ends it."""
    try:
        while True:
            with suppress(subprocess.TimeoutExpired):
                process.wait(timeout=_POLL)
                return
            look()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()


def _done(folder: Path) -> int:
    """Return the number of steps that are done."""
    with suppress(OSError, ValueError):
        return int((folder / "steps").read_text(encoding="utf-8"))
    return 0


def _answer(folder: Path) -> dict[str, Any]:
    """Read the answer of the process, with an error as text."""
    path = folder / "answer.json"
    if not path.exists():
        return {}
    answer: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    error = answer.get("error")
    if error:
        of_board = error["type"] == "BoardFault"
        text = error["message"].strip() or "no message"
        answer["error"] = text if of_board else f"sPyNNaker: {error['type']}: {text}"
    return answer


def _last_line(log: Path, status: int) -> str:
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return f"its process ended with status {status}: {lines[-1] if lines else 'no message'}"
