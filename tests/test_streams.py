"""Named random streams: reproducible, independent of one another and of the process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from spikemem.errors import DescriptionError
from spikemem.streams import stream

ROOT = Path(__file__).resolve().parents[1]


def draw(*args):
    return stream(*args).integers(2**62, size=4).tolist()


@pytest.mark.parametrize("hash_seed", ["0", "1", "4242"])
def test_same_in_every_process(hash_seed):
    code = (
        "from spikemem.streams import stream;"
        "print(stream(7, 'CA3', 'weights', 3).integers(2**62, size=4).tolist())"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    )  # fmt: skip
    assert result.stdout.strip() == str(draw(7, "CA3", "weights", 3))


def test_names_and_seeds_give_different_streams():
    keys = [(0,), (0, "a"), (0, "b"), (0, "a", 1), (0, "a", 2), (1, "a"), (2**70, "a"), (0, "µ")]
    assert len({tuple(draw(*key)) for key in keys}) == len(keys)


def test_a_further_stream_changes_no_other():
    before = draw(0, "weights")
    draw(0, "delays")
    assert draw(0, "weights") == before


def test_global_state_is_not_touched():
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    draw(0, "a")
    assert np.array_equal(np.random.get_state()[1], before)  # noqa: NPY002


def test_a_generator_gives_a_new_stream_at_each_call():
    parent, twin = np.random.default_rng(5), np.random.default_rng(5)
    first, second = draw(parent, "a"), draw(parent, "a")
    assert first != second
    assert [draw(twin, "a"), draw(twin, "a")] == [first, second]


@pytest.mark.parametrize("seed", [None, -1, 1.5, True, "0", np.random.RandomState(0)], ids=str)
def test_other_seeds_are_refused(seed):
    with pytest.raises(DescriptionError, match=r"^seed must be an int >= 0 or a numpy"):
        stream(seed, "a")


def test_a_generator_that_can_not_spawn_is_refused():
    class Bare(np.random.Generator):
        def spawn(self, n_children):
            raise TypeError("no SeedSequence")

    with pytest.raises(DescriptionError, match="default_rng"):
        stream(Bare(np.random.PCG64(0)), "a")


@pytest.mark.parametrize(
    "part", [None, 1.5, object(), ("a",)], ids=lambda part: type(part).__name__
)
def test_names_without_a_stable_text_are_refused(part):
    with pytest.raises(DescriptionError, match="must be a str or an int"):
        stream(0, part)
