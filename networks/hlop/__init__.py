"""Continual learning with Hebbian orthogonal projection, which preserves earlier tasks.

PyTorch (extra ``learn``) is imported when a learner is first used.

References
----------
M. Xiao et al., "Hebbian Learning based Orthogonal Projection for Continual Learning of Spiking
Neural Networks", ICLR 2024, arXiv 2402.11984.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ...schedules import RehearsalSchedule as RehearsalSchedule
from .accuracy import AccuracyMatrix as AccuracyMatrix
from .accuracy import over_seeds as over_seeds
from .cuba import cuba_step as cuba_step
from .drift import LayerDrift as LayerDrift
from .drift import layer_drift as layer_drift
from .drift import linear_cka as linear_cka
from .drift import relative_change as relative_change
from .energy import captured_energy as captured_energy
from .figures import accuracy_curves as accuracy_curves
from .figures import accuracy_matrix as accuracy_matrix
from .figures import energy_bars as energy_bars
from .figures import mean_accuracy_curves as mean_accuracy_curves
from .figures_spiking import digit_raster as digit_raster
from .lateral import LateralCircuit as LateralCircuit
from .lateral import LateralResponse as LateralResponse
from .lateral import novelty_threshold as novelty_threshold
from .parameters import CubaNeuron as CubaNeuron
from .parameters import DSRNeuron as DSRNeuron
from .parameters import LIFNeuron as LIFNeuron
from .parameters import Ranks as Ranks
from .parameters import SubspaceRule as SubspaceRule
from .published import FiveDatasets as FiveDatasets
from .published import split_cifar as split_cifar
from .sequence import SequenceResult as SequenceResult
from .sequence import learn_tasks as learn_tasks
from .spiking import SpikeMargin as SpikeMargin
from .store import SampleStore as SampleStore
from .tasks import ClassSplit as ClassSplit
from .tasks import PermutedImages as PermutedImages
from .tasks import Task as Task
from .tasks import TaskSequence as TaskSequence
from .tasks import published_permutation as published_permutation
from .tasks import returning_order as returning_order

if TYPE_CHECKING:
    from .attaching import Projections as Projections
    from .attaching import attach as attach
    from .convolutional import SpikingCNN as SpikingCNN
    from .convolutional import SpikingResNet18 as SpikingResNet18
    from .convolutional_model import ConvolutionalClassifier as ConvolutionalClassifier
    from .model import HLOPClassifier as HLOPClassifier
    from .subspace import Subspace as Subspace
    from .subspace import SVDSubspace as SVDSubspace

_MODULES = {
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
    "ClassSplit",
    "ConvolutionalClassifier",
    "CubaNeuron",
    "DSRNeuron",
    "FiveDatasets",
    "HLOPClassifier",
    "LIFNeuron",
    "LateralCircuit",
    "LateralResponse",
    "LayerDrift",
    "PermutedImages",
    "Projections",
    "Ranks",
    "RehearsalSchedule",
    "SVDSubspace",
    "SampleStore",
    "SequenceResult",
    "SpikeMargin",
    "SpikingCNN",
    "SpikingResNet18",
    "Subspace",
    "SubspaceRule",
    "Task",
    "TaskSequence",
    "accuracy_curves",
    "accuracy_matrix",
    "attach",
    "captured_energy",
    "cuba_step",
    "digit_raster",
    "energy_bars",
    "layer_drift",
    "learn_tasks",
    "linear_cka",
    "mean_accuracy_curves",
    "novelty_threshold",
    "over_seeds",
    "published_permutation",
    "relative_change",
    "returning_order",
    "split_cifar",
]


def __getattr__(name: str) -> Any:
    """Import a class or function that needs PyTorch when it is first used."""
    if name in _MODULES:
        value = getattr(importlib.import_module(f".{_MODULES[name]}", __name__), name)
        globals()[name] = value
        return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
