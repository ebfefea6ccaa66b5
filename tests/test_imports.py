"""Imports point down only: networks and hardware stand on the core and not on each other."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
UPPER = ("spikemem.networks", "spikemem.hardware")
# These bring the layers together, and load them when they are asked for.
LAZY = {"spikemem", "spikemem.cli", "spikemem.demo", "spikemem.__main__"}
NUMPY_ONLY = {"spikemem.network", "spikemem.recording"}
HEAVY = {
    *("brian2", "dask", "distributed", "matplotlib", "nest", "nir", "norse", "numba", "pyNN"),
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


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def problems(root: Path) -> list[str]:
    known = modules(root)
    found = []
    for module, file in known.items():
        layer = next((upper for upper in UPPER if within(module, upper)), "spikemem")
        lazy = module in LAZY or within(module, "spikemem.cli")
        for item in imports(module, file):
            target = item.base
            if f"{item.base}.{item.name}" in known:
                target = f"{item.base}.{item.name}"
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
        ("spikemem/cli.py", "from spikemem.hardware import nir", "before it is needed"),
        ("spikemem/cli/run.py", "from ..networks import ca3", "before it is needed"),
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
        ("spikemem/cli.py", "from . import simulate\ndef demo():\n    from .networks import ca3"),
        ("spikemem/cli/run.py", "def demo():\n    from ..networks import ca3"),
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
