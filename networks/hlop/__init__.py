"""Continual learners: Hebbian orthogonal projection keeps what earlier tasks need.

PyTorch (extra ``learn``) is imported when a learner is first used.

References
----------
M. Xiao et al., "Hebbian Learning based Orthogonal Projection for Continual Learning of Spiking
Neural Networks", ICLR 2024, arXiv 2402.11984.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .accuracy import AccuracyMatrix as AccuracyMatrix
from .accuracy import over_seeds as over_seeds
from .cuba import cuba_step as cuba_step
from .drift import LayerDrift as LayerDrift
from .drift import layer_drift as layer_drift
from .drift import linear_cka as linear_cka
from .drift import relative_change as relative_change
from .parameters import CubaNeuron as CubaNeuron
from .parameters import DSRNeuron as DSRNeuron
from .parameters import LIFNeuron as LIFNeuron
from .parameters import Ranks as Ranks
from .parameters import SubspaceRule as SubspaceRule
from .schedules import RehearsalSchedule as RehearsalSchedule
from .store import SampleStore as SampleStore

if TYPE_CHECKING:
    from .attaching import Projections as Projections
    from .attaching import attach as attach
    from .convolutional import SpikingCNN as SpikingCNN
    from .convolutional import SpikingResNet18 as SpikingResNet18
    from .convolutional_model import ConvolutionalClassifier as ConvolutionalClassifier
    from .model import HLOPClassifier as HLOPClassifier
    from .subspace import Subspace as Subspace
    from .subspace import SVDSubspace as SVDSubspace

_WHERE = {
    "ConvolutionalClassifier": "convolutional_model",
    "HLOPClassifier": "model",
    "Projections": "attaching",
    "SpikingCNN": "convolutional",
    "SpikingResNet18": "convolutional",
    "Subspace": "subspace",
    "SVDSubspace": "subspace",
    "attach": "attaching",
}

__all__ = [
    "AccuracyMatrix",
    "ConvolutionalClassifier",
    "CubaNeuron",
    "DSRNeuron",
    "HLOPClassifier",
    "LIFNeuron",
    "LayerDrift",
    "Projections",
    "Ranks",
    "RehearsalSchedule",
    "SVDSubspace",
    "SampleStore",
    "SpikingCNN",
    "SpikingResNet18",
    "Subspace",
    "SubspaceRule",
    "attach",
    "cuba_step",
    "layer_drift",
    "linear_cka",
    "over_seeds",
    "relative_change",
]


def __getattr__(name: str) -> Any:
    """Import what needs PyTorch when it is first used."""
    if name in _WHERE:
        value = getattr(importlib.import_module(f".{_WHERE[name]}", __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
