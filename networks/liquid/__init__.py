"""Liquid state machines: a linear readout of a fixed random recurrent network driven by events.

References
----------
N. Lin et al., "Resistive memory-based zero-shot liquid state machine for multimodal event data
learning", Nature Computational Science 5 (2025) 37-47, arXiv 2307.00771.

W. Maass, T. Natschläger, H. Markram, "Real-time computing without stable states: a new framework
for neural computation based on perturbations", Neural Computation 14 (2002) 2531-2560.
"""

from .datasets import LabelledEvents as LabelledEvents
from .datasets import read_events as read_events
from .dynamic import DynamicSynapses as DynamicSynapses
from .events import Events as Events
from .features import low_passed_states as low_passed_states
from .features import spike_features as spike_features
from .figures import accuracy_bars as accuracy_bars
from .figures import class_states as class_states
from .figures import liquid_raster as liquid_raster
from .figures import retrieval_matrix as retrieval_matrix
from .measures import ClassSeparation as ClassSeparation
from .measures import class_separation as class_separation
from .measures import generalisation_rank as generalisation_rank
from .measures import input_distance as input_distance
from .measures import kernel_quality as kernel_quality
from .measures import numerical_rank as numerical_rank
from .measures import poisson_streams as poisson_streams
from .measures import separation as separation
from .memory import MemoryCapacity as MemoryCapacity
from .memory import TaskScore as TaskScore
from .memory import ValueCode as ValueCode
from .memory import capacity_of as capacity_of
from .memory import match_to_sample_score as match_to_sample_score
from .memory import memory_capacity as memory_capacity
from .memory import narma10_score as narma10_score
from .memory import parity_score as parity_score
from .model import LiquidStateMachine as LiquidStateMachine
from .parameters import DenseLiquid as DenseLiquid
from .parameters import MaassLiquid as MaassLiquid
from .parameters import NetworkLiquid as NetworkLiquid
from .projection import ContrastiveProjection as ContrastiveProjection
from .projection import RetrievalAccuracy as RetrievalAccuracy
from .readout import LinearReadout as LinearReadout
from .readout import ReadoutReport as ReadoutReport
from .readout import evaluate_readout as evaluate_readout
from .series import match_to_sample as match_to_sample
from .series import narma10 as narma10
from .series import parity as parity
from .sources import cochlea_events as cochlea_events
from .sources import rate_events as rate_events
from .sources import recorded_events as recorded_events
from .sources import saccade_events as saccade_events

__all__ = [
    "ClassSeparation",
    "ContrastiveProjection",
    "DenseLiquid",
    "DynamicSynapses",
    "Events",
    "LabelledEvents",
    "LinearReadout",
    "LiquidStateMachine",
    "MaassLiquid",
    "MemoryCapacity",
    "NetworkLiquid",
    "ReadoutReport",
    "RetrievalAccuracy",
    "TaskScore",
    "ValueCode",
    "accuracy_bars",
    "capacity_of",
    "class_separation",
    "class_states",
    "cochlea_events",
    "evaluate_readout",
    "generalisation_rank",
    "input_distance",
    "kernel_quality",
    "liquid_raster",
    "low_passed_states",
    "match_to_sample",
    "match_to_sample_score",
    "memory_capacity",
    "narma10",
    "narma10_score",
    "numerical_rank",
    "parity",
    "parity_score",
    "poisson_streams",
    "rate_events",
    "read_events",
    "recorded_events",
    "retrieval_matrix",
    "saccade_events",
    "separation",
    "spike_features",
]
