"""SpiNNaker: checks, mapping without a board, export, emulation, and runs on a machine.

:func:`check_spinnaker` lists what the machine refuses or silently changes, with the rules in
:data:`RULES`. :func:`map_network` runs sPyNNaker's tool chain on a virtual machine.
:func:`export_folder` writes a PyNN script with its data. The backend "spinnaker" runs a network on
a machine. The backend "emulator" computes on this computer what the machine would compute, and
:func:`drift` compares it with floating point. ``arithmetic.py`` holds the machine's arithmetic, and
``machine_layout.py`` predicts how sPyNNaker divides a network among cores, and the resolution of
its weights.
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
