"""Trials of the spiking form: frames to retrieve, and frames to store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from ...checks import AnyValue, Quantity, check_fields
from ...frozen import Short

__all__ = ["Retrieve", "Store"]


@dataclass(frozen=True, eq=False, repr=False)
class Retrieve(Short):
    """Retrieve the code of one image; a plain image in a list of trials means the same.

    Parameters
    ----------
    image : array_like
        Image, or the indices of its active pixels.
    """

    image: Annotated[Any, AnyValue()]

    def __post_init__(self) -> None:
        check_fields(self)


@dataclass(frozen=True, eq=False, repr=False)
class Store(Short):
    """Store one image on spikes, in one trial.

    If a cell of a module has synapses from at least the fraction `familiar` of the active inputs,
    it wins, and the module learns nothing. Otherwise a randomly drawn new cell wins late, and its
    synapses from the active inputs are increased.

    Parameters
    ----------
    image : array_like
        As for :class:`Retrieve`.
    familiar : float
        Fraction of the active inputs of the most active mac, above 0, up to 1.
    """

    image: Annotated[Any, AnyValue()]
    familiar: Annotated[float, Quantity(above=0.0, high=1.0)] = 0.85

    def __post_init__(self) -> None:
        check_fields(self)
