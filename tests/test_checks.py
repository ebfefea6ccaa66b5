"""Declared kinds: one checker for each kind of value, at the door of a function or a dataclass."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import pytest
from nonsense import nonsense, refusal

from spikemem.checks import (
    Callback,
    Choice,
    Count,
    Each,
    Flag,
    Indices,
    Instance,
    MappingOf,
    Name,
    PathName,
    Probability,
    Quantities,
    Quantity,
    SeedNumber,
    Text,
    check_fields,
    checked,
    kinds_of,
)
from spikemem.errors import DescriptionError, Problems
from spikemem.recording import SpikeTrains

KINDS = {
    "callback": Callback(),
    "choice": Choice("a", "b"),
    "count": Count(),
    "each": Each(Count()),
    "flag": Flag(),
    "indices": Indices(3),
    "instance": Instance(SpikeTrains),
    "mapping": MappingOf(Name(), Count()),
    "name": Name(),
    "path": PathName(),
    "probability": Probability(),
    "quantities": Quantities("nA", low=0.0, shape=(2,)),
    "quantity": Quantity("ms", above=0.0),
    "seed": SeedNumber(),
    "text": Text(),
}


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_a_kind_takes_a_value_or_says_why_not(kind):
    answers = [refusal(kind.check, value, "it") for value in nonsense()]
    refused = [answer for answer in answers if answer is not None]
    assert refused
    assert all(answer.startswith("it") for answer in refused)


@pytest.mark.parametrize(
    ("kind", "value", "plain"),
    [
        (Quantity("ms", low=1.0, high=2.0), 1, 1.0),
        (Quantity("ms", low=1.0, high=2.0), 2.0, 2.0),
        (Probability(), 1, 1.0),
        (Probability(), np.float64(0), 0.0),
        (Count(low=0, high=7), np.int8(7), 7),
        (Flag(), np.True_, True),
        (SeedNumber(), 2**70, 2**70),
        (Choice("a", "b"), "b", "b"),
        (Text(), "a/$b", "a/$b"),
        (PathName(), "x/y.h5", Path("x/y.h5")),
        (Each(Count()), [1, 2], (1, 2)),
        (MappingOf(Name(), Count()), {"a": 1}, {"a": 1}),
        (Quantities(scalar=True), 3, 3.0),
    ],
)
def test_plain_forms(kind, value, plain):
    result = kind.check(value, "it")
    assert result == plain
    assert type(result) is type(plain)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (Quantity("ms", low=1.0), np.nextafter(1.0, 0.0)),
        (Quantity("ms", above=1.0), 1.0),
        (Quantity("ms", high=1.0), np.nextafter(1.0, 2.0)),
        (Quantity("ms", below=1.0), 1.0),
        (Count(low=2, high=7), 1),
        (Count(low=2, high=7), 8),
        (Count(), np.timedelta64(3, "s")),
        (SeedNumber(), True),
        (SeedNumber(), np.timedelta64(3, "s")),
        (SeedNumber(), -1),
        (Flag(), 1),
        (Flag(), "no"),
        (Indices(3), [0, 3]),
        (Each(Count(), least=1), []),
        (Quantities(shape=(None, 2)), np.zeros((3, 1))),
        (PathName(), "a/" + "x" * 256),
        (PathName(), "a\0b"),
        (Callback(), int),
    ],
)
def test_limits(kind, value):
    assert refusal(kind.check, value, "it")


def test_arrays_are_read_only_copies():
    given = np.array([1.0, 2.0])
    array = Quantities("nA").check(given, "it")
    given[0] = 7.0
    assert array.tolist() == [1.0, 2.0]
    assert not array.flags.writeable


class Clock:
    @checked
    def wait(
        self,
        time: Annotated[float, Quantity("s", low=0.0)],
        *,
        times: Annotated[int, Count()] = 1,
        trains: SpikeTrains | None = None,
        free: object = None,
    ) -> tuple[float, int]:
        """Wait."""
        return time, times

    @checked
    def __init__(self, rate: Annotated[float, Quantity("Hz", above=0.0)] = 1.0) -> None:
        self.rate = rate


def test_checked_converts_and_reports_all_problems_at_once():
    assert Clock().wait(3, times=np.int16(2)) == (3.0, 2)
    said = refusal(Clock().wait, -1, times=0, trains="x")
    assert said.startswith("Clock.wait: 3 problems:")
    for part in ("time must be >= 0 s, got -1", "times must be an int >= 1, got 0"):
        assert part in said
    assert "trains must be a SpikeTrains, got 'x'" in said
    assert refusal(Clock, 0).startswith("Clock: rate must be > 0 Hz")
    assert Clock.wait.__doc__ == "Wait."


def test_kinds_can_be_read_from_a_function():
    assert kinds_of(Clock.wait).keys() == {"time", "times", "trains"}


@dataclass(frozen=True)
class Rule:
    tau: Annotated[float, Quantity("ms", above=0.0)] = 20.0
    gate: Annotated[bool, Flag()] = True
    note: str = ""

    def __post_init__(self) -> None:
        check_fields(self)


def test_check_fields_converts_and_reports_all_problems_at_once():
    assert type(Rule(tau=3).tau) is float
    with pytest.raises(DescriptionError, match="Rule: 2 problems"):
        Rule(tau=0, gate="no")


def test_check_fields_adds_to_the_problems_of_its_caller():
    problems = Problems("network")
    rule = object.__new__(Rule)
    object.__setattr__(rule, "tau", -1)
    object.__setattr__(rule, "gate", True)
    check_fields(rule, problems)
    assert problems.found == ["tau must be > 0 ms, got -1."]
