"""Runs numbered cases in processes of their own, so that a crash or a hang is one outcome.

A script that uses it has ``case(k, seed) -> str``, the outcome of case k, and hands its
``--worker`` calls to :func:`serve`. An outcome that begins with "BAD" is a violation.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

SECONDS = 5.0
"""Processor time that one case may take; it does not depend on what else the machine does."""

PART = 500
"""Cases of one process."""


class Report(NamedTuple):
    """Outcomes of all cases."""

    counts: Counter[str]
    bad: list[tuple[int, str]]

    def table(self) -> str:
        lines = [f"{count:>8}  {outcome}" for outcome, count in sorted(self.counts.items())]
        lines += [f"case {k}: {outcome}" for k, outcome in self.bad[:50]]
        return "\n".join([*lines, f"{sum(self.counts.values())} cases, {len(self.bad)} violations"])


def serve(case: Callable[[int, int], str], first: int, last: int, seed: int) -> None:
    """Run cases in this process and print each outcome; a case that takes too long ends it."""
    for k in range(first, last):
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        outcome = case(k, seed)
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(json.dumps([k, outcome]), flush=True)


def run(
    script: Path,
    n: int,
    seed: int,
    jobs: int = 1,
    options: Sequence[str] = (),
    minutes: float = float("inf"),
) -> Report:
    """Run cases 0 to n - 1 of a script, or as many as are begun within some minutes."""
    stop = time.monotonic() + 60 * minutes

    def part(first: int) -> list[tuple[int, str]]:
        if time.monotonic() > stop:
            return []
        return _run_range(script, first, min(first + PART, n), seed, options)

    with ThreadPoolExecutor(jobs) as pool:
        found = [outcome for some in pool.map(part, range(0, n, PART)) for outcome in some]
    bad = [(k, text) for k, text in found if text.startswith("BAD")]
    return Report(Counter(text if text[:3] != "BAD" else "BAD" for _, text in found), bad)


def _run_range(
    script: Path, first: int, last: int, seed: int, options: Sequence[str]
) -> list[tuple[int, str]]:
    found: list[tuple[int, str]] = []
    while first < last:
        command = [sys.executable, str(script), "--worker", str(first), str(last)]
        done = subprocess.run(
            [*command, "--seed", str(seed), *options],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        found += [(k, text) for k, text in map(json.loads, done.stdout.splitlines())]
        first = found[-1][0] + 1 if done.stdout else first
        if done.returncode:
            why = "hang" if done.returncode == -signal.SIGPROF else f"crash ({done.returncode})"
            found.append((first, f"BAD {why}: {done.stderr[-300:]}"))
            first += 1
    return found
