"""Imports point down only: networks and hardware stand on the core and not on each other."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
UPPER = ("spikemem.networks", "spikemem.hardware")
# Its public names are imported when they are asked for.
LAZY = {"spikemem"}
# Methods of one line for those who look for them there: each imports what stands above it.
CONVENIENCES = {
    ("spikemem.network", "spikemem.tiling"): "Network.stack",
    ("spikemem.recording", "spikemem.interchange"): "Recording.to_neo",
    (
        "spikemem.hardware.resistive.devices.base",
        "spikemem.hardware.resistive.writing",
    ): "Device.apply and Device.write",
    (
        "spikemem.hardware.resistive.devices.base",
        "spikemem.hardware.resistive.plastic",
    ): "Device.learning",
}
NUMPY_ONLY = {"spikemem.network", "spikemem.recording"}
HEAVY = {
    *(
        "bokeh",
        "brian2",
        "dask",
        "distributed",
        "matplotlib",
        "nest",
        "nir",
        "norse",
        "numba",
        "pyNN",
    ),
    *("sklearn", "spynnaker", "torch"),
}


class Import(NamedTuple):
    """One name that a module imports."""

    module: str
    line: int
    base: str
    name: str | None
    relative: bool
    deferred: bool
    typing: bool


def modules(root: Path) -> dict[str, Path]:
    """Every module of the package by its name; the symlinks are not followed."""
    found = {}
    for top in ("spikemem", "networks", "hardware"):
        for file in sorted((root / top).rglob("*.py")):
            if top == "spikemem" and file.relative_to(root / top).parts[0] in (
                "networks",
                "hardware",
            ):
                continue
            parts = file.relative_to(root).with_suffix("").parts
            parts = parts if top == "spikemem" else ("spikemem", *parts)
            found[".".join(parts).removesuffix(".__init__")] = file
    return found


def imports(module: str, file: Path) -> Iterator[Import]:
    package = module if file.name == "__init__.py" else module.rpartition(".")[0]

    def visit(node: ast.AST, deferred: bool, typing: bool) -> Iterator[Import]:
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, node.lineno, alias.name, None, False, deferred, typing)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                above = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*above, *filter(None, [node.module])])
            for alias in node.names:
                relative = node.level > 0
                yield Import(module, node.lineno, base, alias.name, relative, deferred, typing)
        deferred = deferred or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for field, value in ast.iter_fields(node):
            guarded = field == "body" and isinstance(node, ast.If)
            guarded = guarded and ast.unparse(node.test).endswith("TYPE_CHECKING")
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST):
                    yield from visit(child, deferred, typing or guarded)

    yield from visit(ast.parse(file.read_text(encoding="utf-8")), False, False)


def target_of(item: Import, known: Mapping[str, Path]) -> str:
    """The module that an import reads from."""
    inside = f"{item.base}.{item.name}"
    return inside if inside in known else item.base


def graph(root: Path) -> dict[str, set[str]]:
    """Which modules each module imports: at once, when needed, or for its types only."""
    known = modules(root)
    return {
        module: {
            target
            for item in imports(module, file)
            if (target := target_of(item, known)) in known and target != module
        }
        for module, file in known.items()
    }


def circles(arrows: Mapping[str, Iterable[str]]) -> list[str]:
    """Ways from a module back to itself, one for each module that begins some."""
    found, done = [], set()

    def walk(module: str, way: list[str]) -> None:
        if module in way:
            found.append(" -> ".join([*way[way.index(module) :], module]))
        elif module not in done:
            for target in sorted(arrows.get(module, ())):
                walk(target, [*way, module])
            done.add(module)

    for module in sorted(arrows):
        walk(module, [])
    return found


def one_line(module: Path, target: str) -> bool:
    """Whether the functions that import a module do nothing but call it."""
    named = target.rpartition(".")[2]
    using = [
        node
        for node in ast.walk(ast.parse(module.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
        and any(isinstance(x, ast.ImportFrom) and x.module == named for x in node.body)
    ]
    bodies = [[x for x in node.body if not _is_text(x)] for node in using]
    return bool(bodies) and all(
        len(body) == 2 and isinstance(body[1], ast.Return) for body in bodies
    )


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def problems(root: Path) -> list[str]:
    known = modules(root)
    found = []
    for module, file in known.items():
        layer = next((upper for upper in UPPER if within(module, upper)), "spikemem")
        lazy = module in LAZY
        for item in imports(module, file):
            target = target_of(item, known)
            where = f"{file.relative_to(root)}:{item.line}: "
            if not within(target, "spikemem"):
                top = target.partition(".")[0]
                if (
                    module in NUMPY_ONLY
                    and not (item.deferred or item.typing)
                    and top != "numpy"
                    and top not in sys.stdlib_module_names
                ):
                    found.append(where + f"{module} needs numpy only, and imports {top}")
                if top in ("networks", "hardware"):
                    found.append(where + f"{top} is imported as spikemem.{top}")
                continue
            if target == "spikemem" and not lazy and item.name != "__version__":
                found.append(where + "import a public name from the module that defines it")
            if layer in UPPER and not item.relative:
                found.append(where + f"use a relative import inside {layer}")
            upper = next((package for package in UPPER if within(target, package)), None)
            if upper is None or upper == layer:
                continue
            if layer in UPPER:
                found.append(where + f"{layer} imports {upper}")
            elif not lazy:
                found.append(where + f"the core imports {upper}")
            elif not (item.deferred or item.typing):
                found.append(where + f"{upper} is imported before it is needed")
    return found


def test_the_walk_finds_the_package():
    found = modules(ROOT)
    assert {"spikemem", "spikemem._version", "spikemem.backends", *UPPER} <= set(found)
    assert all(file.is_file() for file in found.values())


def test_layers():
    assert problems(ROOT) == []


def test_there_are_no_circles_but_the_conveniences():
    arrows = graph(ROOT)
    assert sum(map(len, arrows.values())) > 300
    for module, target in CONVENIENCES:
        assert target in arrows[module], "no longer needed among the conveniences"
        arrows[module] = arrows[module] - {target}
    assert circles(arrows) == []


@pytest.mark.parametrize(("module", "target"), CONVENIENCES, ids=CONVENIENCES.values())
def test_a_convenience_is_one_line(module, target):
    known = modules(ROOT)
    upward = [item for item in imports(module, known[module]) if target_of(item, known) == target]
    assert all(item.deferred and not item.typing for item in upward)
    assert one_line(known[module], target)


@pytest.mark.parametrize(
    "code",
    [
        "from . import simulate",
        "def f():\n    from .simulate import run",
        "if TYPE_CHECKING:\n    from .simulate import Run",
    ],
)
def test_a_planted_circle_is_found(tmp_path, code):
    plant(tmp_path, "spikemem/simulate.py", "from .network import Network")
    assert circles(graph(tmp_path)) == []
    plant(tmp_path, "spikemem/network.py", code)
    assert circles(graph(tmp_path)) == ["spikemem.network -> spikemem.simulate -> spikemem.network"]


def test_the_help_of_the_program_imports_no_family_and_no_machine():
    code = (
        "import sys\n"
        "from spikemem.cli import main\n"
        "assert main(['--help']) == 0\n"
        "print('loaded', *sys.modules, sep='\\n')"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = result.stdout.partition("loaded")[2].split()
    assert "spikemem.cli.app" in loaded
    assert not [name for name in loaded if any(within(name, upper) for upper in UPPER)]
    assert HEAVY.isdisjoint(name.partition(".")[0] for name in loaded)


@pytest.mark.parametrize(
    ("path", "code", "expected"),
    [
        ("spikemem/simulate.py", "from .networks import ca3", "the core imports"),
        ("spikemem/simulate.py", "from . import hardware", "the core imports"),
        ("spikemem/simulate.py", "def f():\n    import spikemem.hardware", "the core imports"),
        ("spikemem/stress/run.py", "from ..networks.ca3 import CA3Memory", "the core imports"),
        ("spikemem/stress/run.py", "from spikemem import CA3Memory", "public name"),
        ("spikemem/__init__.py", "from . import networks", "before it is needed"),
        ("spikemem/__init__.py", "from .networks.ca3 import CA3Memory", "before it is needed"),
        ("spikemem/cli.py", "from spikemem.hardware import nir", "the core imports"),
        ("spikemem/cli/run.py", "from ..networks import ca3", "the core imports"),
        ("spikemem/cli/run.py", "def demo():\n    from ..networks import ca3", "the core imports"),
        ("spikemem/network.py", "import scipy.sparse", "numpy only"),
        ("networks/ca3.py", "from ..hardware import nir", "spikemem.networks imports"),
        ("networks/ca3.py", "from .. import hardware", "spikemem.networks imports"),
        ("networks/ca3.py", "from .. import simulate_all", "public name"),
        ("networks/ca3.py", "from spikemem.network import Network", "relative import"),
        ("networks/ca3.py", "import hardware", "imported as spikemem.hardware"),
        ("hardware/spinnaker/run.py", "from ...networks import ca3", "spikemem.hardware imports"),
        ("hardware/nir.py", "import spikemem.networks", "spikemem.hardware imports"),
    ],
)
def test_a_planted_breach_is_found(tmp_path, path, code, expected):
    plant(tmp_path, path, code)
    assert any(expected in problem for problem in problems(tmp_path))


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("spikemem/__init__.py", "def __getattr__(name):\n    from .networks import ca3"),
        ("spikemem/__init__.py", "if TYPE_CHECKING:\n    from .networks.ca3 import CA3Memory"),
        ("spikemem/cli/run.py", "from ..simulate import simulate"),
        ("spikemem/network.py", "from __future__ import annotations\nimport numpy.typing"),
        ("spikemem/storage.py", "import h5py\nfrom .network import Network"),
        ("networks/ca3.py", "from ..network import Network\nfrom . import hlop\nimport scipy"),
        ("networks/ca3.py", "from .. import network"),
        ("hardware/spinnaker/run.py", "from ...backends import native\nfrom . import check"),
    ],
)
def test_a_sound_import_passes(tmp_path, path, code):
    plant(tmp_path, path, code)
    assert problems(tmp_path) == []


def plant(root: Path, path: str, code: str) -> None:
    for existing in (
        "spikemem/__init__.py",
        "spikemem/network.py",
        "spikemem/simulate.py",
        "spikemem/backends/__init__.py",
        "spikemem/backends/native.py",
        "networks/__init__.py",
        "networks/ca3.py",
        "networks/hlop.py",
        "hardware/__init__.py",
        "hardware/nir.py",
        "hardware/spinnaker/check.py",
        path,
    ):
        (root / existing).parent.mkdir(parents=True, exist_ok=True)
        (root / existing).touch()
    (root / path).write_text(code, encoding="utf-8")


def test_import_spikemem_loads_nothing_heavy():
    code = "import sys, spikemem; print(*sys.modules, sep='\\n')"
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    loaded = {name.partition(".")[0] for name in result.stdout.split()}
    assert "spikemem" in loaded
    assert loaded.isdisjoint(HEAVY), sorted(loaded & HEAVY)
