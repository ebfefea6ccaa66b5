"""Puts the board in software behind sPyNNaker: everything that is replaced in it, and why."""

from __future__ import annotations

import atexit
import importlib
import importlib.util
import inspect
import os
import shutil
import tempfile
import time
import types
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ....errors import BackendMissing, UnsupportedError
from ....simulation import package_version

__all__ = ["REPLACED", "Boards", "Replaced", "require_board", "software_boards"]

_VERSIONS = ("7.4",)
"""Versions of sPyNNaker whose real-board path is known to run on the board in software."""


@dataclass(frozen=True)
class Replaced:
    """One name of sPyNNaker's packages that is replaced.

    Attributes
    ----------
    module, name : str
        Where it is looked up when it is called.
    reason : str
        Why it must be replaced.
    parameters : tuple of str
        Names that it takes in the versions that are known.
    """

    module: str
    name: str
    reason: str
    parameters: tuple[str, ...] = ()


_FEC = "spinn_front_end_common"
REPLACED = (
    Replaced(
        "spinnman.spinnman_simulation",
        "transceiver_generator",
        "it opens the network connection to a board; the transceiver of the board in software "
        "takes its place",
        ("bmp_details", "auto_detect_bmp", "scamp_connection_data", "reset_machine_on_start_up",
         "ensure_board_is_ready"),
    ),
    Replaced(
        f"{_FEC}.interface.config_handler",
        "load_config",
        "it reads the machine from the user's configuration, or writes one into the home folder",
    ),
    Replaced(
        "spinnman.spinnman_simulation",
        "load_config",
        "as above: it is read twice",
    ),
    Replaced(
        f"{_FEC}.interface.interface_functions.application_runner",
        "sleep",
        "it waits as long as a board would run; this board has run when the signal was sent",
        ("seconds",),
    ),
    Replaced(
        f"{_FEC}.utilities.system_control_logic",
        "time",
        "it waits half a second for programs to come up; here they have when they were loaded",
    ),
    Replaced(
        f"{_FEC}.interface.interface_functions.application_finisher",
        "time",
        "it waits half a second for programs to end; here they have",
    ),
    Replaced(
        f"{_FEC}.interface.interface_functions.chip_provenance_updater",
        "sleep",
        "as above",
        ("seconds",),
    ),
)  # fmt: skip
"""Everything in sPyNNaker's packages that is replaced, each with its reason; nothing else is."""

_SETTINGS = (
    ("virtual_board", "False"),
    ("machine_name", "software"),
    ("version", "5"),
    ("json_path", "None"),
    ("spalloc_server", "None"),
    ("remote_spinnaker_url", "None"),
    ("width", "None"),
    ("height", "None"),
    ("bmp_names", "None"),
    ("auto_detect_bmp", "False"),
    ("reset_machine_on_startup", "False"),
    ("turn_off_machine", "False"),
    ("spalloc_retry", "0"),
    # Their path over UDP, around the monitor processor, is not modelled.
    ("enable_advanced_monitor_support", "False"),
    ("enable_reinjection", "False"),
)
"""Section [Machine] of the configuration, whatever else is configured."""

_DEFAULTS = """[Mode]
mode = Production
[Machine]
machine_name = software
version = 5
[Reports]
default_report_file_path = {reports}
[Java]
use_java = False
"""


def require_board() -> None:
    """Raise unless sPyNNaker and the emulated processor are installed, in known versions."""
    for module, name in (("spynnaker", "sPyNNaker"), ("unicorn", "unicorn")):
        if importlib.util.find_spec(module) is None:
            raise BackendMissing.of("the SpiNNaker board in software", name, extra="board")
    installed = package_version("sPyNNaker") or ""
    version = installed.partition("!")[2] or installed
    if not any(version == known or version.startswith(f"{known}.") for known in _VERSIONS):
        raise UnsupportedError(
            f"the SpiNNaker board in software goes with sPyNNaker {' or '.join(_VERSIONS)}, and "
            f"{version} is installed; pip install 'sPyNNaker=={1}!{_VERSIONS[-1]}.*'."
        )


def _check(item: Replaced) -> Any:
    """The object that is replaced, if the installed version is as expected."""
    try:
        found = getattr(importlib.import_module(item.module), item.name)
    except (ImportError, AttributeError):
        found = None
    if found is not None and (not item.parameters or item.parameters == _parameters(found)):
        return found
    raise UnsupportedError(
        f"the SpiNNaker board in software does not go with the installed sPyNNaker "
        f"({package_version('sPyNNaker')}): {item.module}.{item.name} is not what it was in "
        f"{_VERSIONS[-1]}."
    )


def _parameters(function: Any) -> tuple[str, ...]:
    try:
        names = tuple(inspect.signature(function).parameters)
    except ValueError:  # some built-in functions do not say
        return ("seconds",) if function is time.sleep else ()
    return ("seconds",) if function is time.sleep else names


@dataclass
class Boards:
    """The boards that a script has used, one after the other.

    Attributes
    ----------
    made : list of BoardTransceiver
        In the order of their set-up.
    """

    made: list[Any] = field(default_factory=list)
    _facts: list[dict[str, Any]] = field(default_factory=list)

    def add(self, transceiver: Any) -> Any:
        """Take the next one; those before it are no longer used."""
        self.close()
        self.made.append(transceiver)
        return transceiver

    def close(self) -> None:
        """Note what the last board has done, and free its memory."""
        if len(self._facts) < len(self.made):
            self._facts.append(self._last())
            self.made[-1].board.close()

    def _last(self) -> dict[str, Any]:
        last = self.made[-1]
        chips = {core[:2] for core in last.used}
        return {**last.board.statistics, "chips": len(chips), "cores": len(last.used)}

    def statistics(self) -> dict[str, Any]:
        """Boards, chips, cores, ticks, packets and seconds, of all of them together."""
        open_ones = [self._last()] if len(self._facts) < len(self.made) else []
        found: dict[str, Any] = {"boards": len(self.made)}
        for facts in [*self._facts, *open_ones]:
            for key, value in facts.items():
                found[key] = found.get(key, 0) + value
        return found


@contextmanager
def software_boards(
    *,
    seed: int = 0,
    reports: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, length: None,
) -> Iterator[Boards]:
    """Within this context every sPyNNaker simulation runs on a board in software.

    sPyNNaker's packages are imported, and what :data:`REPLACED` lists is replaced. The user's
    configuration is neither read nor written, but for a file ``spynnaker.cfg`` in the current
    folder, of which the section [Machine] has no say.

    Parameters
    ----------
    seed : int
        For the order in which the packets of a tick arrive.
    reports : Path, optional
        Where sPyNNaker writes its reports. Default: a temporary folder.
    progress : callable
        Is given the ticks done, and the ticks of this stretch of a run (0: not known).

    Yields
    ------
    Boards
        What was used.

    Raises
    ------
    BackendMissing
        sPyNNaker or unicorn is not installed.
    UnsupportedError
        The installed version of sPyNNaker is not one that this goes with.
    """
    require_board()
    originals = {(item.module, item.name): _check(item) for item in REPLACED}
    from .board import Board
    from .transceiver import BoardTransceiver

    boards = Boards()

    def generate(*arguments: Any, **options: Any) -> Any:
        return boards.add(BoardTransceiver(Board(seed=seed), progress))

    with ExitStack() as stack:
        folder = Path(tempfile.mkdtemp(prefix="spikemem-board-"))
        # At the end of the process only: sPyNNaker writes into it when Python exits.
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        config = folder / "config"
        config.mkdir()
        text = _DEFAULTS.format(reports=reports or folder)
        (config / ".spynnaker.cfg").write_text(text, encoding="utf-8")
        waits = types.SimpleNamespace(**vars(time) | {"sleep": _no_sleep})
        for item in REPLACED:
            original = originals[item.module, item.name]
            made: Any = {
                "transceiver_generator": generate,
                "load_config": _configured(original, config),
                "sleep": _no_sleep,
                "time": waits,
            }[item.name]
            module = importlib.import_module(item.module)
            stack.callback(setattr, module, item.name, original)
            setattr(module, item.name, made)
        try:
            yield boards
        finally:
            boards.close()


def _no_sleep(seconds: float) -> None:
    """Wait for nothing."""


def _configured(load: Callable[[], Any], folder: Path) -> Callable[[], Any]:
    """`load_config`, with the configuration of the board in software."""

    def load_config() -> Any:
        from spinn_utilities.config_holder import set_config

        names = ("HOME", "USERPROFILE", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "APPDATA")
        nowhere = str(folder.parent / "nowhere")
        places = {name: nowhere for name in names if name in os.environ} | {
            "HOME": str(folder),
            "XDG_CONFIG_HOME": nowhere,
            "XDG_CONFIG_DIRS": nowhere,
        }
        before = {name: os.environ.get(name) for name in places}
        os.environ.update(places)
        try:
            loaded = load()
        finally:
            for name, value in before.items():
                if value is None:
                    del os.environ[name]
                else:
                    os.environ[name] = value
        for option, value in _SETTINGS:
            set_config("Machine", option, value)
        return loaded

    return load_config
