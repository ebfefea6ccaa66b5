"""Networks on PyNN simulators: NEST, Brian2, SpiNNaker, and the mock, which simulates nothing.

:func:`to_pynn` builds the populations and projections of a network with a PyNN module, and returns
a :class:`PyNNModel`. :func:`run` runs it, :func:`read` returns its :class:`spikemem.Recording`, and
:func:`end` frees the simulator. :data:`DIALECTS` lists the differences between the simulators. The
backends "pynn:nest", "pynn:brian2" and "pynn:mock" use these functions.
"""

from __future__ import annotations

from .backends import Brian2PyNNBackend, MockBackend, NestBackend
from .build import to_pynn
from .dialects import DIALECTS, Dialect, dialect_of
from .model import PyNNModel
from .running import end, read, run

__all__ = [
    "DIALECTS",
    "Brian2PyNNBackend",
    "Dialect",
    "MockBackend",
    "NestBackend",
    "PyNNModel",
    "dialect_of",
    "end",
    "read",
    "run",
    "to_pynn",
]
