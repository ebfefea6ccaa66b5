"""The spiking hippocampal CA3 content-addressable memory and its relatives.

References
----------
Casanueva-Morato, Ayuso-Martinez, Dominguez-Morales, Jimenez-Fernandez, Jimenez-Moreno,
"Bio-inspired computational memory model of the Hippocampus: an approach to a neuromorphic
spike-based Content-Addressable Memory", Neural Networks 178:106474 (2024), arXiv 2310.05868.
"""

from .health import Health as Health
from .hippocampus import HippocampalMemory as HippocampalMemory
from .memory import CA3Memory as CA3Memory
from .operations import Forget as Forget
from .operations import Learn as Learn
from .operations import RecallContent as RecallContent
from .operations import RecallCue as RecallCue
from .parameters import PRESETS as PRESETS
from .parameters import CA3Parameters as CA3Parameters
from .recall import Recall as Recall

__all__ = [
    "PRESETS",
    "CA3Memory",
    "CA3Parameters",
    "Forget",
    "Health",
    "HippocampalMemory",
    "Learn",
    "Recall",
    "RecallContent",
    "RecallCue",
]
