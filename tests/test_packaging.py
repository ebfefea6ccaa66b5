"""The folders, setup.cfg, the symlinks and the wheel say the same."""

from __future__ import annotations

import configparser
import email
import os
import re
import shutil
import subprocess
import sys
import zipfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import spikemem
from spikemem._version import __version__

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = {"spikemem": "spikemem", "networks": "spikemem.networks", "hardware": "spikemem.hardware"}


@pytest.fixture(scope="module")
def config() -> configparser.ConfigParser:
    parser = configparser.ConfigParser(delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    assert parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def lines(config: configparser.ConfigParser, section: str, option: str) -> list[str]:
    return config[section][option].split("\n")[1:]


def python_folders() -> dict[str, Path]:
    """Every folder of the package that holds Python files, by the name it is imported by."""
    found = {}
    for top, package in FOLDERS.items():
        for folder, _, files in os.walk(ROOT / top, followlinks=False):
            if any(name.endswith(".py") for name in files):
                inside = Path(folder).relative_to(ROOT / top).parts
                found[".".join((package, *inside))] = Path(folder)
    return found


def run(code: str, cwd: Path, **environment: str) -> str:
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_every_folder_is_a_listed_package(config):
    folders = python_folders()
    assert set(FOLDERS.values()) <= set(folders)
    assert sorted(lines(config, "options", "packages")) == sorted(folders)
    for name, folder in folders.items():
        assert (folder / "__init__.py").is_file(), f"{name} has modules but no __init__.py"


def test_package_dir_names_the_folders(config):
    entries = (entry.split(" = ") for entry in lines(config, "options", "package_dir"))
    mapping = {name: ROOT / folder for name, folder in entries}
    assert mapping == python_folders()


@pytest.mark.parametrize("name", ["networks", "hardware"])
def test_symlinks_lead_to_the_folders(name):
    link = ROOT / "spikemem" / name
    if not link.is_symlink():
        pytest.skip("checked out without symlinks")
    assert os.readlink(link) == f"../{name}"
    assert (link / "__init__.py").samefile(ROOT / name / "__init__.py")


IMPORT = """
import spikemem, spikemem.backends, spikemem.networks, spikemem.hardware
for module in (spikemem, spikemem.backends, spikemem.networks, spikemem.hardware):
    print(module.__file__)
"""


def test_import_from_the_repository_root():
    files = run(IMPORT, ROOT).split()
    assert [Path(file).resolve().parent for file in files] == [
        ROOT / "spikemem",
        ROOT / "spikemem" / "backends",
        ROOT / "networks",
        ROOT / "hardware",
    ]


def test_import_from_elsewhere(tmp_path):
    try:
        distribution("spikemem")
    except PackageNotFoundError:
        pytest.skip("spikemem is not installed")
    (tmp_path / "networks").mkdir()
    (tmp_path / "networks" / "__init__.py").write_text("raise ImportError('of the user')")
    files = run(IMPORT, tmp_path).split()
    assert [Path(file).name for file in files] == ["__init__.py"] * 4
    assert not any(Path(file).is_relative_to(tmp_path) for file in files)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """Built from a copy, because setuptools writes into the folder it builds from."""
    source = tmp_path_factory.mktemp("source")
    for name in FOLDERS:
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, symlinks=True, ignore=ignored)
    for name in ("setup.cfg", "pyproject.toml", "LICENSE", "README.md"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--no-index", "--no-deps"]
    command += ["--no-build-isolation", "--wheel-dir", str(source / "dist"), str(source)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    (built,) = (source / "dist").glob("*.whl")
    return built


def test_wheel_holds_only_spikemem(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {
        "spikemem",
        f"spikemem-{__version__}.dist-info",
    }
    modules = {
        "/".join((*package.split("."), file.name))
        for package, folder in python_folders().items()
        for file in folder.glob("*.py")
    }
    assert {name for name in names if name.startswith("spikemem/")} == {
        *modules,
        "spikemem/py.typed",
        "spikemem/hardware/resistive/costs.json",
    }


def test_wheel_metadata(wheel):
    archive = zipfile.ZipFile(wheel)
    inside = f"spikemem-{__version__}.dist-info"
    metadata = email.message_from_bytes(archive.read(f"{inside}/METADATA"))
    assert metadata["Name"] == "spikemem"
    assert metadata["Version"] == __version__
    assert metadata["License"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert f"{inside}/licenses/LICENSE" in archive.namelist()
    scripts = archive.read(f"{inside}/entry_points.txt").decode()
    assert "spikemem = spikemem.cli:main" in scripts


def test_wheel_imports(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path / "site")
    (tmp_path / "cwd").mkdir()
    files = run(IMPORT, tmp_path / "cwd", PYTHONPATH=str(tmp_path / "site")).split()
    assert len(files) == 4
    assert all(Path(file).is_relative_to(tmp_path / "site") for file in files)


def test_version_is_the_installed_one():
    try:
        installed = distribution("spikemem").version
    except PackageNotFoundError:
        pytest.skip("spikemem is not installed")
    assert installed == __version__


def test_typed():
    assert (Path(spikemem.__file__).parent / "py.typed").is_file()


def pins(name: str) -> list[Requirement]:
    text = (ROOT / "requirements" / name).read_text(encoding="utf-8")
    kept = [line for line in text.splitlines() if line and not line.startswith(("#", "-r "))]
    assert not any(re.search(r"://|\s@\s|^-", line) for line in kept)
    return [Requirement(line) for line in kept]


def test_requirements_are_pinned():
    for file in ("run.txt", "test.txt", "docs.txt"):
        found = pins(file)
        assert len(found) > 10
        for pin in found:
            assert [part.operator for part in pin.specifier] == ["=="], f"{file}: {pin}"


def test_the_tests_have_the_torch_that_make_learn_installs():
    both = [
        {pin.name: str(pin.specifier) for pin in pins(name)} for name in ("test.txt", "learn.txt")
    ]
    shared = set(both[0]) & set(both[1])
    assert {"torch", "filelock", "fsspec", "networkx", "typing_extensions"} <= shared
    assert all(both[0][name] == both[1][name] for name in shared)


@pytest.mark.parametrize(
    ("file", "option"),
    [
        ("run.txt", "install_requires"),
        ("test.txt", "test"),
        ("test.txt", "pynn"),
        ("test.txt", "nest"),
        ("test.txt", "spinnaker"),
        ("test.txt", "nir"),
        ("test.txt", "neo"),
        ("test.txt", "cluster"),
        ("test.txt", "report"),
        ("learn.txt", "learn"),
        ("docs.txt", "docs"),
    ],
)
@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_pins_satisfy_setup_cfg(config, file, option, python):
    section = "options" if option == "install_requires" else "options.extras_require"
    environment = {"python_version": python, "sys_platform": "linux"}
    pinned = {
        canonicalize_name(pin.name): next(iter(pin.specifier)).version
        for name in ("run.txt", file)
        for pin in pins(name)
        if pin.marker is None or pin.marker.evaluate(environment)
    }
    for wanted in map(Requirement, lines(config, section, option)):
        name = canonicalize_name(wanted.name)
        if name == "spikemem" or (wanted.marker and not wanted.marker.evaluate(environment)):
            continue
        assert name in pinned, f"{wanted.name} is not in requirements/{file}"
        assert wanted.specifier.contains(pinned[name]), f"{name}=={pinned[name]} is not {wanted}"
