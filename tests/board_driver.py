"""Runs several PyNN scripts, one after the other, on boards in software, in a process of its own.

``python board_driver.py script.py ...`` prints JSON: what each has printed, and its error.
"""

from __future__ import annotations

import contextlib
import io
import json
import logging
import runpy
import subprocess
import sys
import traceback
from pathlib import Path

SCRIPTS = Path(__file__).parent / "board_scripts"


def run_scripts(*names: str) -> dict[str, dict[str, str]]:
    """What the scripts of the folder have printed, in a process of their own."""
    paths = [str(SCRIPTS / f"{name}.py") for name in names]
    command = [sys.executable, __file__, *paths]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=Path(__file__).parents[1],
        env=_environment(),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


def _environment() -> dict[str, str]:
    from spikemem.hardware.spinnaker.process import environment

    return environment(MPLBACKEND="agg")


def main(paths: list[str]) -> None:
    """Run them."""
    from spikemem.hardware.spinnaker.board.oldnames import allow_old_names
    from spikemem.hardware.spinnaker.board.seam import software_boards

    allow_old_names()
    logging.disable(logging.CRITICAL)
    told, output = {}, sys.stdout
    with software_boards():
        for path in paths:
            printed, error = io.StringIO(), ""
            with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(io.StringIO()):
                try:
                    runpy.run_path(path, run_name="__main__")
                except Exception:
                    error = traceback.format_exc()
            told[Path(path).stem] = {"out": printed.getvalue(), "error": error}
    output.write(json.dumps(told))


if __name__ == "__main__":
    main(sys.argv[1:])
