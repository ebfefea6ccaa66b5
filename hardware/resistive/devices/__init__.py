"""Device models: phase-change, oxide, charge-trap, random and user-measured memories."""

from .base import DAY as DAY
from .base import YEAR as YEAR
from .base import Device as Device
from .base import ProgrammedCells as ProgrammedCells
from .generic import Generic as Generic
from .generic import Ideal as Ideal
from .generic import Measured as Measured
from .generic import from_measurements as from_measurements
from .macro import RandomRRAM as RandomRRAM
from .macro import formed_fraction as formed_fraction
from .macro import forming_voltage as forming_voltage
from .pcm import HERMES as HERMES
from .pcm import PCM as PCM
from .rram import CMOHfOx as CMOHfOx
from .rram import MiloRRAM as MiloRRAM
from .rram import WanRRAM as WanRRAM
from .sonos import SONOS as SONOS

DEVICES: dict[str, type[Device]] = {
    cls.__name__: cls
    for cls in (PCM, HERMES, WanRRAM, CMOHfOx, MiloRRAM, SONOS, RandomRRAM, Generic, Ideal)
}
"""Models that need no measurements of the user, by name."""

__all__ = [
    "DAY",
    "DEVICES",
    "HERMES",
    "PCM",
    "SONOS",
    "YEAR",
    "CMOHfOx",
    "Device",
    "Generic",
    "Ideal",
    "Measured",
    "MiloRRAM",
    "ProgrammedCells",
    "RandomRRAM",
    "WanRRAM",
    "formed_fraction",
    "forming_voltage",
    "from_measurements",
]
