"""The page about stress tests: its examples print what it says."""

from __future__ import annotations

from test_readme import blocks


def test_the_page_about_stress_tests(capsys):
    names: dict[str, object] = {}
    printed = []
    for example in blocks("python", "docs/stress.md"):
        exec(example, names)
        printed.append(capsys.readouterr().out)
    assert printed == blocks("text", "docs/stress.md")
