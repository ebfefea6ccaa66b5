"""A small part of what ``python tests/fuzz/files.py`` does; that takes minutes and many files."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from fuzz import files as fuzz
from fuzz import workers

SCRIPT = Path(fuzz.__file__)


def test_damaged_files_of_every_kind():
    report = workers.run(SCRIPT, 150, seed=0)
    assert not report.bad, report.table()
    assert sum(report.counts.values()) == 150
    refused = Counter()
    for outcome, count in report.counts.items():
        name, _, end = outcome.partition(",")
        refused[name] += count * end.endswith("refused")
    assert set(refused) == set(fuzz.samples())
    assert min(refused.values()) > 0


def test_crashes_hangs_and_violations_are_found(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        f"import sys, os; sys.path[0:1] = {[str(SCRIPT.parents[2]), str(SCRIPT.parents[1])]!r}\n"
        "from fuzz import workers\n"
        "workers.SECONDS = 0.2\n"
        "def case(k, seed):\n"
        "    while k == 2: pass\n"
        "    if k == 4: os.abort()\n"
        "    if k == 5: raise KeyError('x')\n"
        "    return 'BAD read' if k == 7 else f'fine {seed}'\n"
        "a = sys.argv\n"
        "workers.serve(case, int(a[2]), int(a[3]), int(a[5]))\n"
    )
    report = workers.run(script, 10, seed=3, jobs=2)
    assert report.counts == {"fine 3": 6, "BAD": 4}
    assert [k for k, _ in report.bad] == [2, 4, 5, 7]
    words = ["hang", "crash (-6)", "KeyError", "read"]
    assert all(word in text for word, (_, text) in zip(words, report.bad, strict=True))
