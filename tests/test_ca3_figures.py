"""Pictures of a memory: names of operations, stored and recalled patterns."""

from __future__ import annotations

import numpy as np
import pytest

import spikemem as sm
from spikemem.errors import DescriptionError
from spikemem.networks.ca3 import figures

SCHEDULE = [
    sm.Learn(1, [3, 4]),
    sm.RecallCue(1),
    sm.RecallContent([3]),
    sm.RecallContent([4, 2, 3], match="best"),
    sm.RecallContent(np.arange(8) < 6, match=2),
    sm.Forget(1),
    sm.RecallCue(1),
]
NAMES = ["learn 1", "recall 1", "bit 3", "best of bits 2, 3, 4", "2 of 6 bits", "forget 1",
         "recall 1"]  # fmt: skip


def ran():
    memory = sm.CA3Memory(4, 8, backend="native")
    return memory, memory.run(SCHEDULE)


def test_operations_have_short_names():
    assert [figures.operation_name(operation) for operation in SCHEDULE] == NAMES
    with pytest.raises(DescriptionError, match="operation must be Learn, Forget, Rec"):
        figures.operation_name(3)


def lines_at(ax):
    return [line.get_xdata()[0] for line in ax.lines if line.get_gid() == "mark"]


@pytest.mark.parametrize("way", ["figure", "memory"])
def test_a_raster_names_the_operations_where_they_begin(way):
    memory, answers = ran()
    ax = figures.raster(memory.recording, answers) if way == "figure" else memory.raster()
    assert lines_at(ax) == [answer.start for answer in answers]
    shown = [text.get_text() for text in ax.texts]
    assert shown
    assert [name for name in NAMES if name in shown] == shown
    ax.figure.canvas.draw()
    boxes = [text.get_window_extent() for text in ax.texts]
    for k, box in enumerate(boxes):
        assert not any(box.overlaps(other) for other in boxes[k + 1 :])


def test_a_raster_of_a_window_has_the_operations_in_it():
    memory, answers = ran()
    start = answers[5].start
    ax = memory.raster(["OUTcont"], window=(start, memory.time))
    assert lines_at(ax) == [start, answers[6].start]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["OUTcont (8)"]


def test_a_memory_without_a_run_has_no_raster():
    with pytest.raises(DescriptionError, match="nothing has been run"):
        sm.CA3Memory(4, 8).raster()


def test_a_memory_with_binary_cues_has_a_raster():
    memory = sm.HippocampalMemory(4, 8, backend="native")
    memory.run([sm.Learn(1, [3]), sm.RecallCue(1)])
    assert [text.get_text() for text in memory.raster().texts] == ["learn 1", "recall 1"]


def test_patterns_show_stored_above_recalled():
    answers = ran()[1]
    wanted = [{3, 4} if k == 1 else set() for k in range(len(answers))]
    ax = figures.patterns(answers, wanted, (2, 4))
    assert [text.get_text() for text in ax.texts] == ["cue 1", "cue 1"]
    legend = [text.get_text() for text in ax.get_legend().get_texts()]
    assert legend == ["missing (0)", "extra (0)"]
    wanted[1] = {3, 5}
    legend = figures.patterns(answers, wanted, (2, 4)).get_legend()
    assert [text.get_text() for text in legend.get_texts()] == ["missing (1)", "extra (1)"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda answers: (answers, [set()], (2, 4)), "must have 7 sets"),
        (lambda answers: (answers[:1], [set()], (2, 4)), "must hold a recall by cue"),
        (lambda answers: (answers, [{9}] * 7, (2, 4)), "must hold every bit, got bit 9"),
        (lambda answers: (answers, [{-1}] * 7, (2, 4)), "expected must be"),
        (lambda answers: (answers, 7, (2, 4)), "expected"),
        (lambda answers: ([3], [set()], (2, 4)), "Recall"),
        (lambda answers: (answers, [set()] * 7, (2, 0)), "shape"),
    ],
)
def test_bad_patterns_are_refused(change, message):
    with pytest.raises(DescriptionError, match=message):
        figures.patterns(*change(ran()[1]))
