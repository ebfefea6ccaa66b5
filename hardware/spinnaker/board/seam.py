"""Connects sPyNNaker to the board in software: replaces a few of its functions."""

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
"""Versions of sPyNNaker that run on the board in software."""


@dataclass(frozen=True)
class Replaced:
    """A function or module of sPyNNaker's packages that is replaced.

    Attributes
    ----------
    module, name : str
        Module in which callers look it up, and its name there.
    reason : str
        Reason for the replacement.
    parameters : tuple of str
        Names of its parameters in the supported versions.
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
        "it waits as long as a board would run; this board runs when the signal is sent",
        ("seconds",),
    ),
    Replaced(
        f"{_FEC}.utilities.system_control_logic",
        "time",
        "it waits half a second for programs to start; here they start when they are loaded",
    ),
    Replaced(
        f"{_FEC}.interface.interface_functions.application_finisher",
        "time",
        "it waits half a second for programs to end; here they have already ended",
    ),
    Replaced(
        f"{_FEC}.interface.interface_functions.chip_provenance_updater",
        "sleep",
        "as above",
        ("seconds",),
    ),
)  # fmt: skip
"""Everything that is replaced in sPyNNaker's packages, with the reasons."""

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
    # These use UDP connections that bypass the monitor processor and are not modelled.
    ("enable_advanced_monitor_support", "False"),
    ("enable_reinjection", "False"),
)
"""Settings of the section [Machine], which override the configuration."""

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
    """Raise an error if sPyNNaker, in a supported version, or unicorn is not installed."""
    for module, name in (("spynnaker", "sPyNNaker"), ("unicorn", "unicorn")):
        if importlib.util.find_spec(module) is None:
            raise BackendMissing.of("the SpiNNaker board in software", name, extra="board")
    installed = package_version("sPyNNaker") or ""
    version = installed.partition("!")[2] or installed
    if not any(version == good or version.startswith(f"{good}.") for good in _VERSIONS):
        raise UnsupportedError(
            f"the SpiNNaker board in software needs sPyNNaker {' or '.join(_VERSIONS)}, but "
            f"{version} is installed; pip install 'sPyNNaker=={1}!{_VERSIONS[-1]}.*'."
        )


def _check(item: Replaced) -> Any:
    """Return the object to replace, if it is as in the supported versions."""
    try:
        original = getattr(importlib.import_module(item.module), item.name)
    except (ImportError, AttributeError):
        original = None
    if original is not None and (not item.parameters or item.parameters == _parameters(original)):
        return original
    raise UnsupportedError(
        f"the SpiNNaker board in software does not work with the installed sPyNNaker "
        f"({package_version('sPyNNaker')}): {item.module}.{item.name} differs from that of "
        f"{_VERSIONS[-1]}."
    )


def _parameters(function: Any) -> tuple[str, ...]:
    try:
        names = tuple(inspect.signature(function).parameters)
    except ValueError:  # Some built-in functions have no signature.
        return ("seconds",) if function is time.sleep else ()
    return ("seconds",) if function is time.sleep else names


@dataclass
class Boards:
    """Boards that a script has used, one after the other.

    Attributes
    ----------
    made : list of BoardTransceiver
        Transceivers of the boards, in the order of their set-up.
    """

    made: list[Any] = field(default_factory=list)
    _facts: list[dict[str, Any]] = field(default_factory=list)

    def add(self, transceiver: Any) -> Any:
        """Add the next transceiver, and close the board of the previous one."""
        self.close()
        self.made.append(transceiver)
        return transceiver

    def close(self) -> None:
        """Store the statistics of the last board, and free its memory."""
        if len(self._facts) < len(self.made):
            self._facts.append(self._last())
            self.made[-1].board.close()

    def _last(self) -> dict[str, Any]:
        last = self.made[-1]
        chips = {core[:2] for core in last.used}
        return {**last.board.statistics, "chips": len(chips), "cores": len(last.used)}

    def statistics(self) -> dict[str, Any]:
        """Return the number of boards, chips, cores, ticks and packets, and seconds, summed."""
        open_ones = [self._last()] if len(self._facts) < len(self.made) else []
        totals: dict[str, Any] = {"boards": len(self.made)}
        for facts in [*self._facts, *open_ones]:
            for key, value in facts.items():
                totals[key] = totals.get(key, 0) + value
        return totals


@contextmanager
def software_boards(
    *,
    seed: int = 0,
    reports: Path | None = None,
    progress: Callable[[int, int], None] = lambda done, length: None,
) -> Iterator[Boards]:
    """Context in which every sPyNNaker simulation runs on a board in software.

    sPyNNaker's packages are imported, and the entries of :data:`REPLACED` are replaced. The user's
    configuration is neither read nor written, except a file ``spynnaker.cfg`` in the current
    folder, whose section [Machine] is ignored.

    Parameters
    ----------
    seed : int
        Seed of the order in which the packets of a tick arrive.
    reports : Path, optional
        Folder for sPyNNaker's reports. Default: a temporary folder.
    progress : callable
        Function that is called with the number of ticks done, and the number of ticks of this part
        of a run (0: unknown).

    Yields
    ------
    Boards
        Boards that were used.

    Raises
    ------
    BackendMissing
        If sPyNNaker or unicorn is not installed.
    UnsupportedError
        If the installed version of sPyNNaker is not supported.
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
        # The folder is removed when the process ends, since sPyNNaker writes into it until then.
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
    """Return at once."""


def _configured(load: Callable[[], Any], folder: Path) -> Callable[[], Any]:
    """Return `load_config` with the configuration of the board in software."""

    def load_config() -> Any:
        from spinn_utilities.config_holder import set_config

        names = ("HOME", "USERPROFILE", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS", "APPDATA")
        nowhere = str(folder.parent / "nowhere")
        variables = {name: nowhere for name in names if name in os.environ} | {
            "HOME": str(folder),
            "XDG_CONFIG_HOME": nowhere,
            "XDG_CONFIG_DIRS": nowhere,
        }
        before = {name: os.environ.get(name) for name in variables}
        os.environ.update(variables)
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
