"""Liquid state machines: event streams through a fixed random recurrent network, read linearly.

References
----------
N. Lin et al., "Resistive memory-based zero-shot liquid state machine for multimodal event data
learning", Nature Computational Science 5 (2025) 37-47, arXiv 2307.00771.

W. Maass, T. Natschläger, H. Markram, "Real-time computing without stable states: a new framework
for neural computation based on perturbations", Neural Computation 14 (2002) 2531-2560.
"""

from .events import Events as Events
from .model import LiquidStateMachine as LiquidStateMachine
from .parameters import DenseLiquid as DenseLiquid
from .parameters import MaassLiquid as MaassLiquid
from .parameters import NetworkLiquid as NetworkLiquid

__all__ = ["DenseLiquid", "Events", "LiquidStateMachine", "MaassLiquid", "NetworkLiquid"]
