"""Spiking memory models, defined once, run on a CPU or exported to SpiNNaker.

The public names are imported when they are first used, so that ``import spikemem`` stays fast.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._version import __version__ as __version__

if TYPE_CHECKING:
    from . import codes as codes
    from . import data as data
    from . import hardware as hardware
    from . import metrics as metrics
    from . import networks as networks
    from . import panels as panels
    from . import plotting as plotting
    from . import stress as stress
    from .citations import citation as citation
    from .codes import Patterns as Patterns
    from .codes import random_patterns as random_patterns
    from .currents import StepCurrent as StepCurrent
    from .errors import BackendMissing as BackendMissing
    from .errors import DescriptionError as DescriptionError
    from .errors import SimulationError as SimulationError
    from .errors import SpikememError as SpikememError
    from .errors import SpikememWarning as SpikememWarning
    from .errors import StorageError as StorageError
    from .errors import UnsupportedError as UnsupportedError
    from .errors import VirtualRunError as VirtualRunError
    from .models import run as run
    from .network import LIF as LIF
    from .network import STDP as STDP
    from .network import Network as Network
    from .network import Population as Population
    from .network import Projection as Projection
    from .network import SpikeSource as SpikeSource
    from .network import load_network as load_network
    from .networks.ca3 import CA3Memory as CA3Memory
    from .networks.ca3 import Forget as Forget
    from .networks.ca3 import HippocampalMemory as HippocampalMemory
    from .networks.ca3 import Learn as Learn
    from .networks.ca3 import Recall as Recall
    from .networks.ca3 import RecallContent as RecallContent
    from .networks.ca3 import RecallCue as RecallCue
    from .networks.dendrites import ActiveDendriteNeurons as ActiveDendriteNeurons
    from .networks.hlop import HLOPClassifier as HLOPClassifier
    from .networks.liquid import LiquidStateMachine as LiquidStateMachine
    from .networks.sparsey import Sparsey as Sparsey
    from .recording import Recording as Recording
    from .recording import SpikeTrains as SpikeTrains
    from .recording import load_recording as load_recording
    from .reporting import report as report
    from .simulation import Session as Session
    from .simulation import simulate as simulate
    from .storage import load as load
    from .targets import Problem as Problem
    from .targets import check as check
    from .targets import export as export
    from .trials import run_trials as run_trials

_WHERE = {
    "networks.ca3": "CA3Memory Forget HippocampalMemory Learn Recall RecallContent RecallCue",
    "networks.dendrites": "ActiveDendriteNeurons",
    "networks.sparsey": "Sparsey",
    "networks.hlop": "HLOPClassifier",
    "networks.liquid": "LiquidStateMachine",
    "citations": "citation",
    "codes": "Patterns random_patterns",
    "errors": "BackendMissing DescriptionError SimulationError SpikememError SpikememWarning "
    "StorageError UnsupportedError VirtualRunError",
    "currents": "StepCurrent",
    "targets": "Problem check export",
    "network": "LIF STDP Network Population Projection SpikeSource load_network",
    "recording": "Recording SpikeTrains load_recording",
    "models": "run",
    "reporting": "report",
    "simulation": "Session simulate",
    "storage": "load",
    "trials": "run_trials",
}
_MODULES = (
    "codes", "data", "hardware", "metrics", "networks", "panels", "plotting", "streams", "stress",
)  # fmt: skip
_PLACE = {name: module for module, names in _WHERE.items() for name in names.split()}

__all__ = sorted([*_PLACE, *_MODULES, "__version__"])


def __getattr__(name: str) -> Any:
    if name in _PLACE:
        value = getattr(importlib.import_module(f".{_PLACE[name]}", __name__), name)
    elif name in _MODULES:
        value = importlib.import_module(f".{name}", __name__)
    else:
        raise AttributeError(f"module 'spikemem' has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
