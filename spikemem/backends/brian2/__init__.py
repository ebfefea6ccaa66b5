"""The backend "brian2": makes Brian2 objects from a network, and runs them.

:func:`build` makes the Brian2 objects; :class:`spikemem.Session` uses :class:`Brian2Backend`. An
:class:`Extension` adds user-defined code to the synapses, at named hooks.
"""

from __future__ import annotations

import logging
import sys

from ...errors import BackendMissing

_hook = sys.excepthook
try:
    import brian2  # noqa: F401
except ValueError as error:
    if "main thread" not in str(error):
        raise
    raise BackendMissing(
        "backend 'brian2': Brian2 must first be imported in the main thread (it sets a signal "
        "handler); put 'import brian2' at the top of the program."
    ) from error
finally:
    sys.excepthook = _hook  # Brian2's hook asks users to report every exception as a Brian2 bug

from .backend import Brian2Backend  # noqa: E402
from .extensions import HOOKS, Context, Extension, Hooks  # noqa: E402
from .interrupts import keep_ignored  # noqa: E402
from .model import build  # noqa: E402
from .objects import Brian2Model, Bundle  # noqa: E402

keep_ignored()


def _is_not_ours(record: logging.LogRecord) -> bool:
    return "'spikemem_" not in record.getMessage().split(" is getting deleted")[0]


# Brian2 warns about objects that are deleted before they run. Our objects are all in a network;
# they do not run if the set-up is interrupted, or if the result of `build` is not used.
logging.getLogger("brian2.core.base.unused_brian_object").addFilter(_is_not_ours)

__all__ = [
    "HOOKS",
    "Brian2Backend",
    "Brian2Model",
    "Bundle",
    "Context",
    "Extension",
    "Hooks",
    "build",
]
