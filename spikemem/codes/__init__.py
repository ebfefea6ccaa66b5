"""Patterns for all models and measures: making, drawing and corrupting them."""

from .drawing import add_bits as add_bits
from .drawing import drop_bits as drop_bits
from .drawing import random_patterns as random_patterns
from .drawing import swap_bits as swap_bits
from .patterns import PatternKind as PatternKind
from .patterns import PatternLike as PatternLike
from .patterns import Patterns as Patterns
from .patterns import as_pattern as as_pattern
from .patterns import as_patterns as as_patterns
from .patterns import is_one_pattern as is_one_pattern

__all__ = [
    "PatternKind",
    "PatternLike",
    "Patterns",
    "add_bits",
    "as_pattern",
    "as_patterns",
    "drop_bits",
    "is_one_pattern",
    "random_patterns",
    "swap_bits",
]
