"""A network on a PyNN simulator: NEST, Brian2, SpiNNaker, or the mock that only builds.

:func:`to_pynn` makes the populations and projections of a network with a PyNN module and gives a
:class:`PyNNModel`, which runs them and reads a :class:`spikemem.Recording` back.
:data:`DIALECTS` says in what each simulator differs; the backends "pynn:nest", "pynn:brian2" and
"pynn:mock" are made of these.
"""

from __future__ import annotations

from .backends import Brian2PyNNBackend, MockBackend, NestBackend
from .build import PyNNModel, to_pynn
from .dialects import DIALECTS, Dialect, dialect_of
from .gating import gating_is_redundant, trace_reach

__all__ = [
    "DIALECTS",
    "Brian2PyNNBackend",
    "Dialect",
    "MockBackend",
    "NestBackend",
    "PyNNModel",
    "dialect_of",
    "gating_is_redundant",
    "to_pynn",
    "trace_reach",
]
