"""A network on a PyNN simulator: NEST, Brian2, SpiNNaker, or the mock that only builds.

:func:`to_pynn` makes the populations and projections of a network with a PyNN module and gives a
:class:`PyNNModel`; :func:`run` runs it, :func:`read` makes a :class:`spikemem.Recording` of it, and
:func:`end` frees the simulator.
:data:`DIALECTS` says in what each simulator differs; the backends "pynn:nest", "pynn:brian2" and
"pynn:mock" are made of these.
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
