"""The command line: ``spikemem demo | simulate | plot | info | check | map | export | sdr | ...``.

Each module holds a group of commands, functions under ``@commands.command()``; a new one is
imported here. Exit codes: 0 done, 1 a run failed or was interrupted, 2 bad input or usage.
"""

from . import run, look, board, sdr, device  # isort: skip  (the order of the help)
from .app import commands, main

__all__ = ["board", "commands", "device", "look", "main", "run", "sdr"]
