"""The command line: ``spikemem demo | simulate | plot | info | check | map | export | sdr | ...``.

:data:`COMMANDS` says where each command is. It is imported when it is used: a family or a machine
brings its commands in a ``commands.py`` of its own and adds a line to the table. Exit codes: 0
done, 1 a run failed or was interrupted, 2 bad input or usage.
"""

from __future__ import annotations

from .app import COMMANDS, commands, main

__all__ = ["COMMANDS", "commands", "main"]
