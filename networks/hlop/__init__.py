"""Hebbian orthogonal projection: spiking networks that learn one task after another."""

from .accuracy import AccuracyMatrix as AccuracyMatrix
from .accuracy import over_seeds as over_seeds

__all__ = ["AccuracyMatrix", "over_seeds"]
