"""Resistive memory: networks on imperfect devices, in-memory products, and their energy.

``PCM().apply(network, time=3600.0)`` returns the network with its weights read from phase-change
memory that was written an hour ago. :func:`write` returns the programmed arrays, which age and can
be saved. :class:`Crossbar` multiplies vectors with a matrix in devices.
``docs/explanation/resistive.md`` explains the devices.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import figures as figures
    from .accounts import Account as Account
    from .accounts import Periphery as Periphery
    from .accounts import account as account
    from .accounts import count as count
    from .array import ProgrammedArray as ProgrammedArray
    from .array import Verify as Verify
    from .array import load_array as load_array
    from .array import program as program
    from .converters import Converters as Converters
    from .crossbar import Crossbar as Crossbar
    from .devices import DEVICES as DEVICES
    from .devices import HERMES as HERMES
    from .devices import PCM as PCM
    from .devices import SONOS as SONOS
    from .devices import CMOHfOx as CMOHfOx
    from .devices import Device as Device
    from .devices import Generic as Generic
    from .devices import Ideal as Ideal
    from .devices import Measured as Measured
    from .devices import MiloRRAM as MiloRRAM
    from .devices import RandomRRAM as RandomRRAM
    from .devices import WanRRAM as WanRRAM
    from .devices import formed_fraction as formed_fraction
    from .devices import forming_voltage as forming_voltage
    from .devices import from_measurements as from_measurements
    from .events import EventReader as EventReader
    from .faults import Faults as Faults
    from .irdrop import nodal_currents as nodal_currents
    from .plastic import ConductanceUpdate as ConductanceUpdate
    from .plastic import DeviceLearning as DeviceLearning
    from .plastic import learn_on_device as learn_on_device
    from .reads import ReadNoise as ReadNoise
    from .reads import redraw_reads as redraw_reads
    from .reads import session as session
    from .weight_mapping import BitSlices as BitSlices
    from .weight_mapping import DifferentialPair as DifferentialPair
    from .weight_mapping import Offset as Offset
    from .weight_mapping import SingleDevice as SingleDevice
    from .writing import Quality as Quality
    from .writing import Written as Written
    from .writing import apply as apply
    from .writing import write as write

_WHERE = {
    "accounts": "Account Periphery account count",
    "array": "ProgrammedArray Verify load_array program",
    "converters": "Converters",
    "crossbar": "Crossbar",
    "devices": "DEVICES HERMES PCM SONOS CMOHfOx Device Generic Ideal Measured MiloRRAM RandomRRAM "
    "WanRRAM formed_fraction forming_voltage from_measurements",
    "events": "EventReader",
    "faults": "Faults",
    "irdrop": "nodal_currents",
    "weight_mapping": "BitSlices DifferentialPair Offset SingleDevice",
    "writing": "Quality Written apply write",
    "plastic": "ConductanceUpdate DeviceLearning learn_on_device",
    "reads": "ReadNoise redraw_reads session",
}
_PLACE = {name: module for module, names in _WHERE.items() for name in names.split()}

_MODULES = ("accounts", "figures", "learn")

__all__ = sorted([*_PLACE, *_MODULES])


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        return importlib.import_module(f".{name}", __name__)
    if name not in _PLACE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_PLACE[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
