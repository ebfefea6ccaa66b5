"""Liquid state machines: event streams through a fixed random recurrent network, read linearly.

References
----------
N. Lin et al., "Resistive memory-based zero-shot liquid state machine for multimodal event data
learning", Nature Computational Science 5 (2025) 37-47, arXiv 2307.00771.

W. Maass, T. Natschläger, H. Markram, "Real-time computing without stable states: a new framework
for neural computation based on perturbations", Neural Computation 14 (2002) 2531-2560.
"""

from .events import Events as Events
from .sources import cochlea_events as cochlea_events
from .sources import rate_events as rate_events
from .sources import recorded_events as recorded_events
from .sources import saccade_events as saccade_events

__all__ = ["Events", "cochlea_events", "rate_events", "recorded_events", "saccade_events"]
