"""Bad values for every option and argument of every command, from click's own declarations.

A command may succeed, or print one line and end with code 1 or 2; it must not end in a traceback
or name an option that it does not have.

    python -m tests.fuzz.commands --cases 5000 --seed 1
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import re
import shutil
import signal
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import click
import numpy as np

import spikemem as sm
from spikemem.cli import commands, main
from spikemem.networks.sparsey import image_tower

SLOW = ("demo", "map")
"""Commands whose success takes seconds."""

LASTING = ("watch",)
"""Options with which a command goes on until it is stopped."""

LIMIT = 20
"""Longest time of one command line, s."""

VALID = {
    "file": "both.h5", "network": "both.h5", "out": "out.h5", "output": "aged.h5", "name": "PCM",
    "images": "images.npz", "tower": "tower.h5",
    "data": "few.npz", "model": "liquid.h5", "tasks": "1", "hidden": "4",
    "n": "100", "a": "20", "s": "10", "theta": "5", "v": "3", "backend": "native",
}  # fmt: skip
"""Valid values by the name of the parameter, for those that are required or save time."""

SAVING = ("out", "output", "backend", "tasks", "hidden")
"""Options that are given though they are not required: they keep runs short."""

NUMBERS = ("nan", "inf", "-inf", "-1", "0", "1e-320", "1e300", "1e400", "1.5", "x", "", "1,5",
           "2147483648", "9" * 30, "9" * 5000)  # fmt: skip
WORDS = ("", "nosuch", "$", "a$b$", "x" * 5000, "a/b", "\0", "é", "\udc80", "force=True", "a\nb")
PATHS = ("", "missing.h5", ".", "x" * 300, "d/" * 3000, "\0", "\udc80", "text.h5", "cut.h5",
         "empty.h5", "pipe", "/dev/null", "/proc/self/mem", "missing/out.h5", "text.h5/out.h5",
         "out.bmq", "out.", "$.png", "memory.h5", "both.h5")  # fmt: skip


class Case(NamedTuple):
    """One command line."""

    words: tuple[str, ...]
    command: click.Command


class Fault(NamedTuple):
    """A command line that ended as none may, and why."""

    words: tuple[str, ...]
    reason: str


def prepare(folder: Path) -> None:
    """Write the files that the command lines name."""
    trains = sm.SpikeTrains(ids=[0, 0], times=[1.0, 5.0], size=1, duration=9.0)
    rule = sm.STDP(a_plus=1.0, a_minus=1.0, w_max=100.0)
    network = sm.Network(
        populations=[
            sm.Population(name="in $1$", cell=sm.SpikeSource(spikes=trains)),
            sm.Population(name="out", size=1, cell=sm.LIF(), record=("spikes", "v")),
        ],
        projections=[
            sm.Projection.one_to_one("p", "in $1$", "out", weight=6.0, delay=1.0, plasticity=rule)
        ],
    )
    both = sm.simulate(network, backend="native").save(folder / "both.h5", network=network)
    sm.CA3Memory(3, 4, contents={0: [1]}).save(folder / "memory.h5")
    images = np.random.default_rng(0).integers(0, 256, size=(6, 8, 8)).astype(np.uint8)
    labels = np.array([0, 1, 0, 1, 0, 1])
    np.savez(folder / "images.npz", images=images, labels=labels)
    tower = image_tower(8, 8, pitch=4.0, cells=4)
    tower.fit(images, labels).save(folder / "tower.h5")
    images = np.random.default_rng(0).integers(0, 256, (8, 8, 8), dtype=np.uint8)
    np.savez(folder / "few.npz", images=images, labels=np.arange(8) % 2)
    liquid = sm.LiquidStateMachine(256, 10, n_steps=50)
    events = sm.networks.liquid.saccade_events(images)
    liquid.fit(events, np.arange(8) % 2).save(folder / "liquid.h5")
    (folder / "cut.h5").write_bytes(both.read_bytes()[:-200])
    (folder / "text.h5").write_text("not HDF5")
    (folder / "empty.h5").touch()
    os.mkfifo(folder / "pipe")


def leaves(
    group: click.Group, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """Every command that is no group, with the words that call it."""
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        if isinstance(command, click.Group):
            yield from leaves(command, (*words, name))
        else:
            yield (*words, name), command


def bad_values(param: click.Parameter) -> Sequence[str]:
    """Values that a parameter of this type may not expect."""
    if isinstance(param.type, click.Path):
        return PATHS
    if isinstance(param.type, click.types.FloatParamType | click.types.IntParamType):
        return NUMBERS
    return WORDS


def line(words: tuple[str, ...], command: click.Command, values: dict[str, str]) -> Case:
    """A command line with these values, and valid ones for what else is required."""
    options: list[str] = []
    arguments: list[str] = []
    for param in command.params:
        name = param.name or ""
        known = name in VALID and (param.required or name in SAVING)
        if name not in values and not known:
            continue
        value = values.get(name, VALID.get(name, ""))
        if isinstance(param, click.Argument):
            arguments.append(value)
        elif param.is_flag:
            options.append(param.opts[0])
        else:
            options += [param.opts[0], *[value] * param.nargs]
    return Case((*words, *options, "--", *arguments), command)


def every_case(skip: Sequence[str] = ()) -> Iterator[Case]:
    """Each command with one bad value, in every place where it may stand."""
    for words, command in leaves(commands):
        if words[0] in skip:
            continue
        for param in command.params:
            if param.name in LASTING:
                continue
            flag = isinstance(param, click.Option) and param.is_flag
            for value in ("",) if flag else bad_values(param):
                yield line(words, command, {str(param.name): value})


def random_case(rng: np.random.Generator, skip: Sequence[str] = ()) -> Case:
    """A command with one to four bad values."""
    choices = [leaf for leaf in leaves(commands) if leaf[0][0] not in skip]
    words, command = choices[rng.integers(len(choices))]
    n = min(int(rng.integers(1, 5)), len(command.params))
    picked = rng.choice(len(command.params), size=n, replace=False)
    values = {}
    for k in picked:
        param = command.params[k]
        if param.name in LASTING:
            continue
        pool = bad_values(param)
        if isinstance(param.type, click.Choice) and rng.random() < 0.8:
            pool = [str(choice) for choice in param.type.choices]
        values[str(param.name)] = pool[rng.integers(len(pool))]
    return line(words, command, values)


class TooSlow(BaseException):
    """A command line takes longer than it may."""


@contextlib.contextmanager
def _alarm() -> Iterator[None]:
    def stop(*args: object) -> None:
        raise TooSlow

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LIMIT)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def fault(case: Case) -> str | None:
    """Run one command line; say what is wrong with how it ends, or None."""
    out, err = io.StringIO(), io.StringIO()
    try:
        with _alarm(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(case.words)
    except TooSlow:
        return f"took more than {LIMIT} s"
    except (Exception, SystemExit) as error:
        wanted = "--debug" in case.words and isinstance(error, sm.errors.SpikememError)
        return None if wanted else traceback.format_exc(limit=-3)
    lines = [text for text in err.getvalue().splitlines() if "spikemem: warning: " not in text]
    if code == 0 or (code == 2 and case.words[0] == "check" and out.getvalue()):
        return None if not lines else f"code 0 with {lines}"
    if code not in (1, 2):
        return f"code {code}"
    if len(lines) != 1 or not lines[0].startswith("spikemem: error: "):
        return f"not one line: {lines}"
    return foreign_option(lines[0], case)


def foreign_option(message: str, case: Case) -> str | None:
    """An option or Python argument that a message advises and the command does not have."""
    own = {"--help", *(option for param in case.command.params for option in param.opts)}
    for value in case.words:
        if not value.startswith("-") and (len(value) > 3 or not value.isalnum()):
            message = message.replace(repr(value), "").replace(value or "''", "")
    for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", message):
        if option not in own:
            return f"names {option}, which {case.words[0]} does not have: {message}"
    argument = re.search(r"\b[a-z_]+=(?!-?\.?\d)", message)
    return f"names the Python argument {argument[0]} in: {message}" if argument else None


def run(cases: Iterator[Case]) -> tuple[int, list[Fault]]:
    """Number of command lines, and those at fault; in a folder of its own."""
    before = os.getcwd()
    faults, count = [], 0
    with tempfile.TemporaryDirectory() as name:
        prepare(Path(name))
        os.chdir(name)
        kept = set(Path().iterdir())
        try:
            for count, case in enumerate(cases, 1):  # noqa: B007
                for path in set(Path().iterdir()) - kept:
                    shutil.rmtree(path) if path.is_dir() else path.unlink()
                reason = fault(case)
                if reason is not None:
                    faults.append(Fault(case.words, reason))
        finally:
            os.chdir(before)
    return count, faults


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--cases", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rng = np.random.default_rng(given.seed)
    drawn = (random_case(rng, SLOW) for _ in range(given.cases))
    for cases in (every_case(("demo",)), drawn):
        n, found = run(cases)
        print(f"{n} command lines, {len(found)} at fault")
        for entry in found:
            print(" ".join(word[:60] for word in entry.words), "\n   ", entry.reason[:1500])
