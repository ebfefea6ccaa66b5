"""Hierarchies of macrocolumns with sparse distributed codes, learnt in a single trial.

References
----------
G. J. Rinkus, "Sparsey: event recognition via deep hierarchical sparse distributed codes",
Frontiers in Computational Neuroscience 8:160 (2014).
"""

from .model import Sparsey as Sparsey
from .parameters import BackOff as BackOff
from .parameters import Level as Level
from .parameters import Plasticity as Plasticity
from .parameters import Selection as Selection
from .results import Codes as Codes

__all__ = ["BackOff", "Codes", "Level", "Plasticity", "Selection", "Sparsey"]
