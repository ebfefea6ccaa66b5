"""A small part of ``python -m tests.fuzz.commands``, and what its messages may name."""

from __future__ import annotations

import itertools

import click
import numpy as np
import pytest
from fuzz import commands as fuzz

from spikemem.cli import app


def test_bad_values_end_in_one_line_that_names_only_options_of_the_command():
    rng = np.random.default_rng(0)
    single = list(fuzz.every_case(fuzz.SLOW))
    picked = [single[k] for k in rng.choice(len(single), 150, replace=False)]
    drawn = (fuzz.random_case(rng, fuzz.SLOW) for _ in range(40))
    count, faults = fuzz.run(itertools.chain(picked, drawn))
    assert count == 190
    assert faults == []


def test_the_commands_and_their_parameters_are_found():
    found = dict(fuzz.leaves(app.commands))
    assert ("simulate",) in found
    assert ("sdr", "error") in found
    assert ("device", "age") in found
    assert all(isinstance(command, app.Command) for command in found.values())


def test_the_fuzz_notices_what_it_looks_for(monkeypatch):
    case = next(case for case in fuzz.every_case() if case.words[0] == "info")
    assert "names --force" in fuzz.foreign_option("spikemem: error: use --force.", case)
    assert "argument timeout=" in fuzz.foreign_option("spikemem: error: raise timeout=.", case)
    assert fuzz.foreign_option("spikemem: error: add --json, n=3.", case) is None
    monkeypatch.setattr(fuzz, "main", lambda words: 1 / 0)
    assert "ZeroDivisionError" in fuzz.fault(case)
    monkeypatch.setattr(fuzz, "main", lambda words: 2)
    assert "not one line" in fuzz.fault(case)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Pass force=True to go on.", "Pass --ignore-errors to go on."),
        ("use backend='native'", "use --backend 'native'"),
        ("or allow a smaller smallest_step", "or allow a smaller --smallest-step"),
        ("got smallest_step=3", "got --smallest-step 3"),
        ("from 0 to n=10", "from 0 to n=10"),
        ("the force of enforce=1", "the force of enforce=1"),
    ],
)
def test_arguments_of_python_become_options(message, expected):
    options = [
        click.Option(["--ignore-errors", "force"], is_flag=True),
        click.Option(["--backend"]), click.Option(["--smallest-step"]), click.Option(["--n"]),
    ]  # fmt: skip
    assert app._translated(message, click.Command("x", params=options)) == expected


def test_lines_of_a_message_are_joined():
    assert app._one_line("one") == "one"
    assert app._one_line("net: 2 problems:\n  - first\n  - second.\nDo this.") == (
        "net: 2 problems: first; second. Do this."
    )
    assert app._one_line("x: errors:\n  - Stop it.\n  - Or not.") == "x: errors: Stop it; Or not."
