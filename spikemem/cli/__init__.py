"""The command line: ``spikemem demo | simulate | plot | info | check | map | export | sdr | ...``.

:data:`COMMANDS` is the table of all commands. A command is imported when it is used: a family or a
machine has its commands in its own ``commands.py``, and a line in the table. Exit codes: 0 done, 1
a run failed or was interrupted, 2 bad input or usage.
"""

from __future__ import annotations

from .app import COMMANDS, commands, main

__all__ = ["COMMANDS", "commands", "main"]
