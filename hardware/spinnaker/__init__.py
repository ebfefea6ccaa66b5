"""SpiNNaker: check a network for it, map it without a board, export it, run it on one.

:func:`check_spinnaker` lists what the machine would refuse or silently change, by the table
:data:`RULES`; :func:`map_network` runs sPyNNaker's tool chain on a virtual machine;
:func:`export_folder` writes a PyNN script with its data. The backend "spinnaker" runs a network on
a machine; the backend "emulator" computes here what the machine would, and :func:`drift` says how
far that is from floating point. How the machine computes is in ``arithmetic.py``, how sPyNNaker
lays a network out, and chooses the resolution of its weights, in ``machine_layout.py``.
"""

from __future__ import annotations

from .check import check_spinnaker
from .drift import DriftReport, drift
from .emulator import EmulatorBackend
from .export import export_folder
from .machine_layout import ring_buffer_shifts
from .mapping import MappingReport, PopulationReport, map_network
from .rules import RULES, Rule
from .run import SpinnakerBackend

__all__ = [
    "RULES",
    "DriftReport",
    "EmulatorBackend",
    "MappingReport",
    "PopulationReport",
    "Rule",
    "SpinnakerBackend",
    "check_spinnaker",
    "drift",
    "export_folder",
    "map_network",
    "ring_buffer_shifts",
]
