"""Runs an unchanged PyNN script for SpiNNaker on the board in software.

    python -m spikemem.hardware.spinnaker.board.launch [options] SCRIPT [arguments of the script]

It runs in a separate process, in which the script runs as if Python had started it directly.
"""

from __future__ import annotations

import argparse
import json
import runpy
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any

from ....errors import SpikememError
from ....progress import progress_callback
from .oldnames import allow_old_names
from .seam import software_boards

__all__ = ["command", "main", "summary"]

_FAILED, _BAD_INPUT, _INTERRUPTED = 1, 2, 130
_PAUSE = 0.1
"""Smallest interval between two reports of the progress, s."""


def command(
    script: str | Path, arguments: Sequence[str], *, seed: int = 0, reports: Path | None = None,
    answer: Path | None = None, quiet: bool = False,
) -> list[str]:  # fmt: skip
    """Return the command line of this process; for the options see :func:`main`."""
    options = ["--seed", str(seed)]
    options += ["--reports", str(reports)] if reports else []
    options += ["--answer", str(answer)] if answer else []
    options += ["--quiet"] if quiet else []
    module = "spikemem.hardware.spinnaker.board.launch"
    return [sys.executable, "-m", module, *options, "--", str(script), *arguments]


def main(arguments: list[str] | None = None) -> int:
    """Run a script, and return its exit code.

    The backend passes ``--answer FOLDER``: the progress is written to ``FOLDER/steps``, and the
    statistics or the error to ``FOLDER/answer.json``.
    """
    parser = argparse.ArgumentParser(description="Run a script on a SpiNNaker board in software.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--reports", type=Path)
    parser.add_argument("--answer", type=Path)
    parser.add_argument("--quiet", action="store_true")
    parser.add_argument("script")
    parser.add_argument("arguments", nargs=argparse.REMAINDER)
    asked = parser.parse_args(arguments)
    progress: Any = _Bar(asked.quiet) if asked.answer is None else _Note(asked.answer / "steps")
    began = time.perf_counter()
    try:
        with software_boards(seed=asked.seed, reports=asked.reports, progress=progress) as boards:
            code, error = _run(asked.script, asked.arguments)
            progress.close()
            facts = boards.statistics()
    except SpikememError as problem:  # The installation is incomplete; the script did not start.
        print(f"spikemem: error: {problem}", file=sys.stderr)
        return _BAD_INPUT
    facts["wall_seconds"] = time.perf_counter() - began
    if asked.answer is not None:
        answer = {"statistics": facts} | ({"error": error} if error else {})
        (asked.answer / "answer.json").write_text(json.dumps(answer), encoding="utf-8")
    elif facts["boards"] and not asked.quiet:
        print(f"spikemem: {summary(facts)}", file=sys.stderr)
    return code


def summary(facts: dict[str, Any]) -> str:
    """Return one line with the statistics of the boards."""
    return (
        f"{facts.get('cores', 0):.0f} cores on {facts.get('chips', 0):.0f} chips of a board in "
        f"software, {facts.get('ticks', 0):.0f} ticks, {facts.get('packets', 0):.0f} packets, "
        f"{facts.get('seconds', 0.0):.1f} s of {facts['wall_seconds']:.1f} s"
    )


def _run(script: str, arguments: Sequence[str]) -> tuple[int, dict[str, str] | None]:
    """Run a script as ``python script.py arguments`` does; return the exit code and the error."""
    sys.argv = [script, *arguments]
    sys.path[0] = str(Path(script).resolve().parent)
    allow_old_names()
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as stop:
        return _exit_code(stop), None
    except KeyboardInterrupt as error:
        _show(error, script)
        return _INTERRUPTED, {"type": "KeyboardInterrupt", "message": "interrupted"}
    except BaseException as error:
        _show(error, script)
        return _FAILED, {"type": type(error).__name__, "message": str(error)}
    return 0, None


def _exit_code(stop: SystemExit) -> int:
    if stop.code is None or isinstance(stop.code, int):
        return stop.code or 0
    print(stop.code, file=sys.stderr)
    return _FAILED


def _show(error: BaseException, script: str) -> None:
    """Print the error of a script as Python does, with a traceback that starts in the script."""
    trace: TracebackType | None = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename != script:
        trace = trace.tb_next
    sys.stdout.flush()
    # sPyNNaker may have replaced this function by one that first frees the machine.
    sys.excepthook(type(error), error.with_traceback(trace), trace)


class _Bar:
    """Progress on a terminal: one bar for each part of a run."""

    def __init__(self, quiet: bool) -> None:
        self._quiet = quiet
        self._stack = ExitStack()
        self._report: Callable[[float], None] | None = None

    def __call__(self, done: int, stop: int) -> None:
        if not stop:
            return
        if self._report is None:
            bar = progress_callback(not self._quiet, "SpiNNaker board")
            self._report = self._stack.enter_context(bar)
        self._report(min(done / stop, 1.0))
        if done >= stop:
            self.close()

    def close(self) -> None:
        """Remove the bar."""
        self._stack.close()
        self._report = None


class _Note:
    """Progress in a file, for the process that waits for this one."""

    def __init__(self, path: Path) -> None:
        self._path, self._next = path, 0.0

    def __call__(self, done: int, stop: int) -> None:
        now = time.monotonic()
        if now >= self._next:
            self._path.write_text(str(done), encoding="utf-8")
            self._next = now + _PAUSE

    def close(self) -> None:
        """Do nothing: no file is open."""


if __name__ == "__main__":
    sys.exit(main())
