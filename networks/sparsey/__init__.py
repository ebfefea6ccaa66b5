"""Hierarchies of macrocolumns (macs) with sparse distributed codes and single-trial learning.

References
----------
G. J. Rinkus, "Sparsey: event recognition via deep hierarchical sparse distributed codes",
Frontiers in Computational Neuroscience 8:160 (2014).
"""

from .figures import code_grid as code_grid
from .figures import confusion_matrix as confusion_matrix
from .figures import familiarity_trace as familiarity_trace
from .figures import receptive_fields as receptive_fields
from .figures import retention_curve as retention_curve
from .figures import similarity_plot as similarity_plot
from .figures_spiking import race_of_a_module as race_of_a_module
from .forgetting import Capacity as Capacity
from .forgetting import Retention as Retention
from .forgetting import capacity as capacity
from .forgetting import retention as retention
from .intersections import HigherOrder as HigherOrder
from .intersections import SimilarityCurve as SimilarityCurve
from .intersections import code_intersections as code_intersections
from .intersections import expected_intersection as expected_intersection
from .intersections import higher_order_intersections as higher_order_intersections
from .intersections import input_overlaps as input_overlaps
from .intersections import similarity_curve as similarity_curve
from .model import Sparsey as Sparsey
from .parameters import BackOff as BackOff
from .parameters import Level as Level
from .parameters import Plasticity as Plasticity
from .parameters import Selection as Selection
from .presets import image_tower as image_tower
from .random_codes import random_code_capacity as random_code_capacity
from .random_codes import random_code_recall as random_code_recall
from .recalling import Recall as Recall
from .recalling import n_weights as n_weights
from .recalling import random_sequences as random_sequences
from .recalling import recall as recall
from .results import Codes as Codes
from .shown import Retrieve as Retrieve
from .shown import Store as Store
from .structure import ClassStructure as ClassStructure
from .structure import class_structure as class_structure

__all__ = [
    "BackOff",
    "Capacity",
    "ClassStructure",
    "Codes",
    "HigherOrder",
    "Level",
    "Plasticity",
    "Recall",
    "Retention",
    "Retrieve",
    "Selection",
    "SimilarityCurve",
    "Sparsey",
    "Store",
    "capacity",
    "class_structure",
    "code_grid",
    "code_intersections",
    "confusion_matrix",
    "expected_intersection",
    "familiarity_trace",
    "higher_order_intersections",
    "image_tower",
    "input_overlaps",
    "n_weights",
    "race_of_a_module",
    "random_code_capacity",
    "random_code_recall",
    "random_sequences",
    "recall",
    "receptive_fields",
    "retention",
    "retention_curve",
    "similarity_curve",
    "similarity_plot",
]
