"""Functions that split scripts into parts, and corrupt cues with lost and wrong bits."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from itertools import groupby
from typing import Any

import numpy as np

from ...codes import Patterns, add_bits, drop_bits
from ...errors import DescriptionError, UnsupportedError
from ...stress.conditions import Conditions
from ...stress.subject import Event, Probe

__all__ = ["corrupted", "phases", "require_plain"]

_UNUSED = ("integrator", "background_weight")
"""Conditions that have no effect without other conditions."""


def require_plain(conditions: Conditions, name: str, *can: str) -> None:
    """Raise UnsupportedError for backends and faults, except for those named in `can`."""
    for item in fields(conditions):
        value = getattr(conditions, item.name)
        if item.name not in (*_UNUSED, *can) and value != item.default:
            raise UnsupportedError(
                f"stress: a {name} has no spiking cells and no devices, so {item.name}={value!r} "
                f"does not apply to it; leave {item.name} at {item.default!r}."
            )


def phases(script: Sequence[Event]) -> Iterator[tuple[bool, list[Any]]]:
    """Yield the parts of a script that hold only studies, or only probes."""
    for is_probe, events in groupby(script, lambda event: isinstance(event, Probe)):
        yield is_probe, list(events)


def corrupted(items: Patterns, probes: Sequence[Probe], rng: np.random.Generator) -> Patterns:
    """Return the cue of each probe: its item with active bits lost and wrong bits added."""
    rows = []
    for probe in probes:
        one = items[[probe.item]]
        n_wrong = round(probe.wrong_bits * int(one.counts[0]))
        if n_wrong > items.size - int(one.counts[0]):
            raise DescriptionError(
                f"stress: wrong_bits={probe.wrong_bits:g} needs {n_wrong} silent cells, but an "
                f"item has {items.size - int(one.counts[0])}."
            )
        wrong = add_bits(one, n_wrong, seed=rng) if n_wrong else one
        lost = drop_bits(one, probe.cue_loss, seed=rng) if probe.cue_loss else one
        kept = np.union1d(lost[0], np.setdiff1d(wrong[0], one[0]))
        rows.append(kept)
    return Patterns(rows, items.size)
