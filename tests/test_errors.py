"""Messages: all problems at once, on short lines, with what is valid."""

from __future__ import annotations

import pickle

import pytest
from nonsense import nonsense

from spikemem import errors
from spikemem.errors import DescriptionError, Problems, SpikememError, shown, unknown_name

ALL = [getattr(errors, name) for name in errors.__all__ if name[0].isupper() and name != "Problems"]


@pytest.mark.parametrize("kind", ALL)
def test_every_exception_has_one_base_and_survives_another_process(kind):
    assert issubclass(kind, UserWarning if issubclass(kind, Warning) else SpikememError)
    again = pickle.loads(pickle.dumps(kind("one sentence")))
    assert type(again) is kind
    assert str(again) == "one sentence"


def test_no_problem_raises_nothing():
    Problems("LIF").raise_if_any()


def test_one_problem_is_one_line():
    problems = Problems("LIF")
    problems.add("tau_m must be > 0 ms")
    with pytest.raises(DescriptionError, match=r"^LIF: tau_m must be > 0 ms$"):
        problems.raise_if_any()


def test_all_problems_come_at_once():
    problems = Problems("LIF")
    problems.extend(["first", "second"])
    with problems.collecting():
        raise DescriptionError("third")
    with pytest.raises(DescriptionError) as caught:
        problems.raise_if_any()
    assert str(caught.value) == "LIF: 3 problems:\n  - first\n  - second\n  - third"


def test_noting_lets_other_errors_through():
    problems = Problems("LIF")
    with pytest.raises(KeyError), problems.collecting():
        raise KeyError("x")
    assert not problems.found


def test_unknown_name_lists_the_valid_ones_and_the_nearest():
    text = unknown_name("backend", "brian", ["brian2", "native"])
    assert text == "'brian' is not a backend (have: brian2, native). Did you mean 'brian2'?"
    assert unknown_name("backend", "xyz", []) == "'xyz' is not a backend (have: none)."


@pytest.mark.parametrize("value", nonsense(), ids=lambda value: type(value).__name__)
def test_anything_is_shown_on_one_short_line(value):
    for text in (shown(value), unknown_name("population", value, ["CA3"])):
        assert "\n" not in text
        assert len(text) < 300


def test_long_values_are_shortened():
    assert len(shown("x" * 10_000)) < 100
    assert len(shown({k: k for k in range(1000)})) < 100
