"""Neurons with active dendrites on sparse distributed representations, and their theory.

References
----------
S. Ahmad, J. Hawkins, "How do neurons operate on sparse distributed representations? A mathematical
theory of sparsity, neurons and active dendrites", arXiv 1601.00720 (2016).
"""

from .devices import device_false_negative_probability as device_false_negative_probability
from .devices import device_false_positive_probability as device_false_positive_probability
from .figures import error_curve as error_curve
from .figures import segment_activity as segment_activity
from .figures import sequence_activity as sequence_activity
from .inverse import GRID as GRID
from .inverse import SegmentChoice as SegmentChoice
from .inverse import choose_threshold as choose_threshold
from .inverse import largest_noise as largest_noise
from .inverse import median_error_curve as median_error_curve
from .inverse import patterns_per_segment as patterns_per_segment
from .inverse import smallest_threshold as smallest_threshold
from .inverse import synapses_needed as synapses_needed
from .neurons import ActiveDendriteNeurons as ActiveDendriteNeurons
from .segments import PermanenceRule as PermanenceRule
from .sequence_circuit import SequenceCircuit as SequenceCircuit
from .sequences import Replay as Replay
from .spiking import Decisions as Decisions
from .spiking import SpikingDendrites as SpikingDendrites
from .temporal import TemporalMemory as TemporalMemory
from .theory import false_negative_probability as false_negative_probability
from .theory import false_positive_probability as false_positive_probability
from .theory import overlap_set_size as overlap_set_size
from .theory import population_false_positive_probability as population_false_positive_probability
from .timing import coincidence_window as coincidence_window
from .timing import frame_period as frame_period
from .timing import potential as potential
from .timing import segment_weight as segment_weight
from .trials import ErrorCount as ErrorCount
from .trials import measure_false_negatives as measure_false_negatives
from .trials import measure_false_positives as measure_false_positives
from .union import union_exact_match_probability as union_exact_match_probability
from .union import union_false_positive_probability as union_false_positive_probability
from .union import union_size as union_size
from .union import union_size_probability as union_size_probability

__all__ = [
    "GRID",
    "ActiveDendriteNeurons",
    "Decisions",
    "ErrorCount",
    "PermanenceRule",
    "Replay",
    "SegmentChoice",
    "SequenceCircuit",
    "SpikingDendrites",
    "TemporalMemory",
    "choose_threshold",
    "coincidence_window",
    "device_false_negative_probability",
    "device_false_positive_probability",
    "error_curve",
    "false_negative_probability",
    "false_positive_probability",
    "frame_period",
    "largest_noise",
    "measure_false_negatives",
    "measure_false_positives",
    "median_error_curve",
    "overlap_set_size",
    "patterns_per_segment",
    "population_false_positive_probability",
    "potential",
    "segment_activity",
    "segment_weight",
    "sequence_activity",
    "smallest_threshold",
    "synapses_needed",
    "union_exact_match_probability",
    "union_false_positive_probability",
    "union_size",
    "union_size_probability",
]
