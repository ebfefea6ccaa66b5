"""Reference memories: classical associative memories, to compare with the spiking models."""

from .dense import DenseAssociativeMemory as DenseAssociativeMemory
from .drawing import diluted_patterns as diluted_patterns
from .drawing import flip_spins as flip_spins
from .drawing import random_spins as random_spins
from .hopfield import HopfieldNetwork as HopfieldNetwork
from .laws import HOPFIELD_LOAD as HOPFIELD_LOAD
from .laws import data_set_entropy as data_set_entropy
from .laws import dense_capacity as dense_capacity
from .laws import diluted_magnetisations as diluted_magnetisations
from .laws import hopfield_capacity as hopfield_capacity
from .laws import hopfield_error_free_capacity as hopfield_error_free_capacity
from .laws import hopfield_overlap as hopfield_overlap
from .multitasking import MultitaskingHebbian as MultitaskingHebbian
from .stress import DenseSubject as DenseSubject
from .stress import HopfieldSubject as HopfieldSubject
from .stress import MultitaskingSubject as MultitaskingSubject
from .willshaw import WillshawMemory as WillshawMemory
from .willshaw_laws import WILLSHAW_BITS_PER_SYNAPSE as WILLSHAW_BITS_PER_SYNAPSE
from .willshaw_laws import willshaw_bits_per_synapse as willshaw_bits_per_synapse
from .willshaw_laws import willshaw_capacity as willshaw_capacity
from .willshaw_laws import willshaw_density as willshaw_density
from .willshaw_laws import willshaw_false_bits as willshaw_false_bits
from .willshaw_laws import willshaw_sparsity as willshaw_sparsity
from .willshaw_stress import WillshawSubject as WillshawSubject

__all__ = [
    "HOPFIELD_LOAD",
    "WILLSHAW_BITS_PER_SYNAPSE",
    "DenseAssociativeMemory",
    "HopfieldNetwork",
    "MultitaskingHebbian",
    "WillshawMemory",
    "data_set_entropy",
    "dense_capacity",
    "diluted_magnetisations",
    "diluted_patterns",
    "flip_spins",
    "hopfield_capacity",
    "hopfield_error_free_capacity",
    "hopfield_overlap",
    "random_spins",
    "willshaw_bits_per_synapse",
    "willshaw_capacity",
    "willshaw_density",
    "willshaw_false_bits",
    "willshaw_sparsity",
]
