"""Bad arguments for every public callable: it works, or says which argument is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from fuzz import arguments
from fuzz.doors import PACKAGES, Door, Drawer, doors

from spikemem import checks
from spikemem.errors import DescriptionError

OURS = ("spikemem:", "spikemem.metrics:", "spikemem.codes:", "spikemem.data:",
        "spikemem.networks.ca3:", "spikemem.networks.hlop:", "spikemem.networks.liquid:",
        "spikemem.networks.reference:", "spikemem.networks.sparsey:", "spikemem.hardware.nir:",
        "spikemem.hardware.pynn:", "spikemem.hardware.resistive:", "spikemem.stress.")  # fmt: skip


def test_the_walk_finds_every_family():
    every = doors()
    assert {door.family for door in every} == set(PACKAGES)
    assert len(every) > 200
    named = {door.name for door in every}
    assert {"spikemem:simulate", "spikemem:Session.run", "spikemem:CA3Memory.recall"} <= named


def test_a_good_call_of_every_callable_is_known(tmp_path):
    drawer = Drawer(np.random.default_rng(0), tmp_path)
    every = doors()
    assert len(every) >= 280
    for door in every:  # Raises if there is none.
        drawer.call(door)
        if door.owner is not None:
            drawer.owner(door.owner)


@pytest.mark.parametrize("family", OURS, ids=[name.strip(":.") for name in OURS])
def test_bad_arguments_are_refused_by_name(family, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = arguments.search(150, 1, tmp_path, only=family)
    assert found.outcomes["works"] + found.outcomes["refused"] > 50
    assert found.violations == {}


def test_the_search_notices_what_is_wrong(tmp_path):
    def raw(n: int, flag: bool) -> None:
        raise KeyError("raw")

    def refuse(flag: bool) -> None:
        raise DescriptionError("something is wrong.")

    found = arguments.Findings()
    rng = np.random.default_rng(0)
    for call in (raw, refuse, lambda flag: None):
        door = Door(f"spikemem:{call.__name__}", call, None)
        door.__dict__["kinds"] = {"n": checks.Count(), "flag": checks.Flag()}
        for _ in range(10):
            arguments._one(door, rng, tmp_path, found, None)
    assert found.outcomes["raw error"] == 10
    assert found.outcomes["unnamed"] > 0
    assert found.outcomes["accepted"] > 0


@pytest.mark.parametrize("seed", range(3))
def test_good_values_are_good(seed, tmp_path):
    drawer = Drawer(np.random.default_rng(seed), tmp_path)
    kinds = [
        checks.Quantity("ms", above=0.0), checks.Quantity("ms", low=1.0, below=1.5),
        checks.Quantities("nA", low=0.0, shape=(2, "n")), checks.Count(low=3, high=3),
        checks.Flag(), checks.Choice("a", "b"), checks.Each(checks.Count(), least=2),
        checks.Optional(checks.Name()), checks.PathName(), checks.SeedNumber(), checks.Callback(),
        checks.Probability(), checks.Some("a"), checks.Indices(2),
    ]  # fmt: skip
    for kind in kinds:
        kind.check(drawer.good(kind), "it")
