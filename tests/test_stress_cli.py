"""The command `spikemem stress`: ranges, runs, resuming, showing, refusals, pictures."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spikemem as sm
from spikemem.cli import main
from spikemem.stress.ranges import assignments, read_range, read_value

MODEL = ["stress", "HopfieldNetwork", "--set", "n_cells=60", "--trials", "2"]


def tell(capsys, *args: str) -> tuple[int, str, str]:
    code = main([str(arg) for arg in args])
    out, err = capsys.readouterr()
    return code, out, err


@given(st.lists(st.integers(-1000, 1000), min_size=1, max_size=9))
def test_lists_of_numbers_are_read_as_they_are_written(values):
    assert read_range("x", ",".join(map(str, values))) == values


@given(st.floats(0.001, 10), st.floats(0.001, 10), st.integers(2, 40))
def test_equal_steps_and_ratios_have_their_ends(low, width, count):
    for suffix in ("", ":log"):
        values = read_range("x", f"{low}:{low + width}:{count}{suffix}")
        assert len(values) == count
        assert np.allclose([values[0], values[-1]], [low, low + width], rtol=1e-8)
        gaps = np.diff(np.log(values) if suffix else values)
        assert np.allclose(gaps, gaps[0], rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(
    ("text", "value"),
    [("none", None), ("True", True), ("3", 3), ("1e-3", 0.001), ("pcm", "pcm"), ("[4, 8]", [4, 8])],
)
def test_values_are_read_as_python_would(text, value):
    found = read_value(text)
    assert found == value
    assert type(found) is type(value)


def test_lists_may_be_values():
    assert read_range("layers", "[4,8],[4,8,2]") == [[4, 8], [4, 8, 2]]


@pytest.mark.parametrize("text", ["", ",", "1:2", "1:2:0", "1:x:3", "1:2:3:lin", "0:1:3:log"])
def test_empty_and_misspelt_ranges_are_refused(text):
    with pytest.raises(sm.DescriptionError, match="load"):
        read_range("load", text)


def test_assignments_need_a_name_and_a_value():
    for texts in (["load"], ["=1"], ["load="], ["a=1", "a=2"]):
        with pytest.raises(sm.DescriptionError, match="--set"):
            assignments(texts, "--set")


def test_a_sweep_is_run_kept_shown_and_drawn(capsys, tmp_path):
    out, picture = tmp_path / "capacity.h5", tmp_path / "capacity.png"
    args = [*MODEL, "--vary", "load=0.05,0.2", "--out", out, "--plot", picture]
    code, text, _ = tell(capsys, *args)
    assert code == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    lines = text.splitlines()
    assert lines[0].startswith("capacity of HopfieldNetwork: 2 points, 2 trials each")
    results = sm.stress.load(out)
    rates = [row["exact_recall"] for row in results.rows()]
    assert rates[0] > rates[1]
    again = tell(capsys, *args)
    assert again[1] == text
    code, told, _ = tell(capsys, "stress", "show", out)
    assert code == 0
    assert told.strip() == str(results).strip()


def test_json_has_the_rows(capsys):
    code, text, _ = tell(capsys, *MODEL, "--vary", "load=0.05,0.2", "--json")
    assert code == 0
    rows = json.loads(text)["rows"]
    assert [row["load"] for row in rows] == [0.05, 0.2]
    assert all(0 <= row["exact_recall_low"] <= row["exact_recall_high"] <= 1 for row in rows)


def test_a_bisection_finds_where_recall_is_half(capsys):
    code, text, _ = tell(
        capsys, *MODEL, "--bisect", "load=0.02:0.5", "--criterion", "0.5", "--tolerance", "0.05",
        "--json",
    )  # fmt: skip
    assert code == 0
    found = json.loads(text)["capacities"][0]
    assert 0.02 < found["value"] < 0.5


def test_models_and_axes_are_listed(capsys):
    code, text, _ = tell(capsys, "stress", "axes")
    assert code == 0
    assert "CA3Memory" in text.split()
    code, text, _ = tell(capsys, "stress", "axes", "HopfieldNetwork", "--json")
    assert code == 0
    assert json.loads(text)["n_cells"]["of"] == "subject"
    assert "drift_time" in json.loads(text)
    assert json.loads(text)["backend"]["default"] == "expected"
    code, text, _ = tell(capsys, "stress", "axes", "CA3Memory")
    assert ["backend", "native"] in [line.split() for line in text.splitlines()]


@pytest.mark.parametrize(
    ("args", "part"),
    [
        (["--vary", "lod=0.1,0.2"], "load"),
        (["--vary", "load="], "--vary"),
        (["--vary", "load=,"], "empty"),
        (["--trials", "0"], "trials"),
        (["--bisect", "load=0.1:0.2", "--criterion", "1.5"], "criterion"),
        (["--bisect", "load=0.2:0.1"], "low"),
        (["--vary", "load=0.1", "--bisect", "load=0.1:0.2"], "load"),
        (["--experiment", "order"], "order"),
        (["--experiment", "capacty"], "capacity"),
        (["--set", "backend=native"], "spiking"),
        (["--vary", "load=0.1", "--plot", "picture.xyz"], "picture.xyz"),
        (["--vary", "load=0.1", "--out", "missing/folder.h5"], "missing"),
        (["--cluster", "nowhere"], "cluster"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(capsys, monkeypatch, tmp_path, args, part):
    monkeypatch.chdir(tmp_path)
    code, out, err = tell(capsys, *MODEL, *args)
    assert code == 2
    assert not out
    assert len(err.splitlines()) == 1
    assert part in err
    assert not list(tmp_path.iterdir())


def test_an_unknown_model_is_refused_with_the_nearest_name(capsys):
    code, _, err = tell(capsys, "stress", "Hopfeld")
    assert code == 2
    assert "HopfieldNetwork" in err


def test_a_file_of_another_sweep_is_kept(capsys, tmp_path):
    out = tmp_path / "capacity.h5"
    tell(capsys, *MODEL, "--vary", "load=0.05,0.2", "--out", out)
    before = out.read_bytes()
    code, _, err = tell(capsys, *MODEL, "--vary", "load=0.05,0.3", "--out", out)
    assert code == 2
    assert len(err.splitlines()) == 1
    assert out.read_bytes() == before
