"""Bad arguments for every public callable: it works, or says which argument is wrong.

By hand: ``python tests/fuzz/arguments.py --n 20000 --seed 1``. Each call is a good one in which
one or two arguments are spoilt. Violations are raw errors, messages that do not name the argument
that its kind refuses, calls of more than five seconds, and crashes.
"""

from __future__ import annotations

import argparse
import copy
import inspect
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import traceback
import warnings
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

TESTS = Path(__file__).resolve().parents[1]
if __name__ == "__main__":
    sys.path[:0] = [str(TESTS), str(TESTS.parent)]

import numpy as np
from nonsense import nonsense

from fuzz.doors import Door, Drawer, Impossible, doors
from spikemem.errors import SpikememError, shown

LIMIT = 5.0
"""Longest time of a call, s."""

CHUNK = 2000
"""Calls in one process, by hand; a crash ends the process and not the search."""

MEMORY = 3 * 2**30
"""Memory that a process may map, by hand, bytes."""


class TooLong(BaseException):
    """A call has taken longer than `LIMIT`."""


@dataclass
class Findings:
    """What a search has found."""

    calls: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    skipped: dict[str, str] = field(default_factory=dict)
    violations: dict[str, str] = field(default_factory=dict)


@contextmanager
def _alarm(seconds: float) -> Any:
    def stop(number: int, frame: Any) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


def _masked() -> Any:
    return np.ma.array([1.0, 2.0], mask=[True, False])


def bad_values() -> list[Any]:
    """Fresh values that fit few parameters."""
    endless: list[Any] = []
    endless.append(endless)
    return [
        *nonsense(), "no", "x" * 300, "a/b", "a\0b", "\ud800", "$x_", [[[1.0]]], {1: 2}, _masked(),
        np.timedelta64(3, "s"), np.float32(1), np.int8(-1), np.bool_(True), 10**6, -1e30, 1e-320,
        [1e308, 1e308], np.zeros(0), np.array(3.0), endless, slice(3), type(None), Exception("x"),
        {"a": None}, {"in": 1}, {"learnt": [1.0]}, [None, 1], ("a", "b"), frozenset({1}),
    ]  # fmt: skip


def search(n: int, seed: int, folder: Path, *, only: str = "", log: Path | None = None) -> Findings:
    """Make `n` calls; `log` holds the call that is being made."""
    rng = np.random.default_rng(seed)
    every = [door for door in doors() if only in door.name]
    if not every:
        raise ValueError(f"no callable has {only!r} in its name")
    found = Findings()
    order = np.concatenate([rng.permutation(len(every)) for _ in range(n // len(every) + 1)])[:n]
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for k in order:
            _one(every[k], rng, folder, found, log)
    return found


def _one(
    door: Door, rng: np.random.Generator, folder: Path, found: Findings, log: Path | None
) -> None:
    drawer = Drawer(rng, folder)
    try:
        arguments = drawer.call(door)
        target = None if door.owner is None else drawer.owner(door.owner)
    except Impossible as error:
        found.skipped[door.name] = str(error)
        return
    spoilt = _spoil(door, arguments, drawer, rng)
    text = f"{door.name}({', '.join(f'{k}={shown(v)}' for k, v in arguments.items())})"
    if log is not None:
        log.write_text(text, encoding="utf-8", errors="backslashreplace")
    found.calls[door.name] += 1
    refused = _refused(door, arguments, spoilt)
    try:
        with _alarm(LIMIT):
            _call(door, target, arguments)
        outcome = "works"
        if refused:
            outcome = "accepted"
            _violation(found, door, f"accepts what the kinds of {refused} refuse", text)
    except SpikememError as error:
        outcome = "refused"
        if refused and not any(_names(str(error), name, arguments[name]) for name in refused):
            outcome = "unnamed"
            _violation(found, door, f"does not name {refused}", f"{text}: {shown(str(error))}")
    except TooLong:
        outcome = "too long"
        _violation(found, door, f"takes more than {LIMIT:g} s", text)
    except Exception as error:
        outcome = "raw error"
        place = traceback.extract_tb(error.__traceback__)
        ours = [entry for entry in place if "fuzz" not in entry.filename]
        last = next(
            (
                e
                for e in reversed(ours)
                if "/spikemem/" in e.filename
                or "/networks/" in e.filename
                or "/hardware/" in e.filename
            ),
            place[-1],
        )
        at = f"{'/'.join(last.filename.split('/')[-3:])}:{last.lineno}"
        _violation(found, door, f"{type(error).__name__} at {at}", f"{text}: {_text(error)}")
    found.outcomes[outcome] += 1


def _call(door: Door, target: Any, arguments: dict[str, Any]) -> None:
    bound = [target] if door.owner is not None else []
    named = dict(arguments)
    for parameter in door.parameters:
        if parameter.kind is inspect.Parameter.POSITIONAL_ONLY and parameter.name in named:
            bound.append(named.pop(parameter.name))
    result = door.call(*bound, **named)
    if inspect.isgenerator(result):
        next(result, None)
    close = getattr(result, "close", None)
    if callable(close) and hasattr(result, "simulator"):
        close()


def _spoil(
    door: Door, arguments: dict[str, Any], drawer: Drawer, rng: np.random.Generator
) -> list[str]:
    """Replace one or two arguments by bad values; return their names."""
    names = [item.name for item in door.parameters
             if item.kind not in (item.VAR_POSITIONAL, item.VAR_KEYWORD)]  # fmt: skip
    if not names:
        return []
    spoilt = rng.choice(names, size=min(len(names), int(rng.integers(1, 3))), replace=False)
    values = bad_values()
    for name in spoilt.tolist():
        kind = door.kinds.get(name)
        if kind is not None and rng.random() < 0.4:
            arguments[name] = drawer.boundary(kind)
        else:
            arguments[name] = values[int(rng.integers(len(values)))]
    return [str(name) for name in spoilt]


def _refused(door: Door, arguments: dict[str, Any], spoilt: list[str]) -> list[str]:
    """Names of the spoilt arguments that their own kinds refuse."""
    refused = []
    for name in spoilt:
        value = arguments[name]
        if name not in door.kinds or hasattr(value, "__next__"):
            continue
        try:
            door.kinds[name].check(copy.copy(value) if isinstance(value, list) else value, name)
        except SpikememError:
            refused.append(name)
        except Exception:
            continue
    return refused


def _text(error: Exception) -> str:
    try:
        return shown(str(error))
    except Exception:
        return "<an error that cannot be written>"


def _names(text: str, name: str, value: Any) -> bool:
    """Whether a message names an argument, or shows the value that it got."""
    return re.search(rf"(?<![a-z]){re.escape(name)}", text) is not None or shown(value) in text


def _violation(found: Findings, door: Door, what: str, text: str) -> None:
    found.violations.setdefault(f"{door.name}: {what}", text)


def _in_a_process(n: int, seed: int, only: str) -> tuple[Findings, str]:
    """Search in a process of its own; what it had last called, if it died."""
    with tempfile.TemporaryDirectory() as name:
        log = Path(name) / "call"
        command = [sys.executable, __file__, "--n", str(n), "--seed", str(seed), "--only", only]
        done = subprocess.run(
            [*command, "--log", str(log)], stdout=subprocess.PIPE, check=False, text=True
        )
        found = Findings()
        if done.returncode == 0:
            answer = json.loads(done.stdout.splitlines()[-1])
            found = Findings(Counter(answer["calls"]), Counter(answer["outcomes"]),
                             answer["skipped"], answer["violations"])  # fmt: skip
            return found, ""
        last = log.read_text(encoding="utf-8") if log.exists() else "nothing"
        return found, f"exit {done.returncode}: {last}"


def main() -> int:
    """Search by hand and print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n", type=int, default=2000, help="number of calls")
    parser.add_argument("--seed", type=int, default=0, help="seed of the search")
    parser.add_argument("--only", default="", help="part of the names of the callables")
    parser.add_argument("--log", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.log is not None:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        os.chdir(given.log.parent)
        found = search(given.n, given.seed, given.log.parent, only=given.only, log=given.log)
        print(json.dumps(found.__dict__))
        return 0
    total = Findings()
    for k in range(0, given.n, CHUNK):
        size = min(CHUNK, given.n - k)
        found, crash = _in_a_process(size, given.seed * 10**6 + k, given.only)
        for name in ("calls", "outcomes", "skipped", "violations"):
            getattr(total, name).update(getattr(found, name))
        if crash:
            total.violations.setdefault(f"crash, {crash}", "")
            total.outcomes["crash"] += 1
        print(f"{k + size} calls: {dict(total.outcomes)}", file=sys.stderr, flush=True)
    print(f"{sum(total.calls.values())} calls of {len(total.calls)} callables: "
          f"{dict(total.outcomes)}")  # fmt: skip
    for name, reason in sorted(total.skipped.items()):
        print(f"not called: {name}: {reason}")
    for what, call in sorted(total.violations.items()):
        print(f"violation: {what}\n    {call}")
    return 1 if total.violations else 0


if __name__ == "__main__":
    sys.exit(main())
