"""Values that fit no field, for the tests of the checks at the door."""

from __future__ import annotations

import numpy as np

from spikemem.errors import DescriptionError
from spikemem.recording import SpikeTrains


class Unprintable:
    def __repr__(self):
        raise RuntimeError("no repr")


def nonsense():
    """Fresh values, since one of them is a generator."""
    return [
        *(None, "x", "", b"x", "1.0", True, object(), Unprintable(), lambda: 1, ...),
        *([], {}, {"a": 1}, {1, 2}, (1, 2, 3), [1, "a"], [[1, 2], [3]], [None], ["1.0"], [True]),
        *(float("nan"), float("inf"), -1, -1.5, 0, 1.5, 1j, 2**70, -(2**70), 1e308),
        *(np.array([[1.0]]), np.full(2, np.nan), np.array(["a"]), np.array([1 + 2j])),
        *(np.datetime64("2020-01-01"), np.array([None]), np.empty((0, 3)), np.float64(-0.5)),
        *(range(2), (value for value in [1.0]), iter("ab"), SpikeTrains.empty(1), int, np),
    ]


def refusal(call, *args, **kwargs):
    """What a call says when it refuses its arguments, or None if it takes them."""
    try:
        call(*args, **kwargs)
    except DescriptionError as error:
        return str(error)
    return None
