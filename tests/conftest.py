"""What holds for every test: an empty home, no display, no change to global random state."""

from __future__ import annotations

import importlib.util
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import settings

settings.register_profile("spikemem", derandomize=True, deadline=None)
settings.register_profile("explore", derandomize=False, deadline=None, max_examples=1000)
settings.load_profile("spikemem")

BACKENDS: list[tuple[str, dict[str, Any]]] = [
    ("brian2", {}),
    ("native", {}),
]
"""Backends, with options, that follow docs/explanation/semantics.md to the last bit."""

collect_ignore = ["board_scripts"]
"""Scripts that run a simulation as soon as they are imported: no place for doctests."""

NEEDS = {"nest": "nest", "spinnaker": "spynnaker", "board": "spynnaker"}


class Guards:
    """Registered without a path, so that it holds for the doctests of the package too."""

    @pytest.fixture(autouse=True)
    def _global_random_state_unchanged(self) -> Iterator[None]:
        python_before = random.getstate()
        numpy_before = np.random.get_state()  # noqa: NPY002
        yield
        python_after = random.getstate()
        numpy_after = np.random.get_state()  # noqa: NPY002
        random.setstate(python_before)
        np.random.set_state(numpy_before)  # noqa: NPY002
        assert python_after == python_before, "the test changed the state of `random`"
        assert all(map(np.array_equal, numpy_after, numpy_before)), (
            "the test changed the state of `numpy.random`"
        )

    @pytest.fixture(autouse=True)
    def _close_figures(self) -> Iterator[None]:
        yield
        if "matplotlib.pyplot" in sys.modules:
            sys.modules["matplotlib.pyplot"].close("all")


def _isolate_home(config: pytest.Config) -> None:
    """Point everything that looks for a home folder to a temporary one."""
    home = Path(tempfile.mkdtemp(prefix="spikemem-home-"))
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    os.environ["HOME"] = os.environ["USERPROFILE"] = str(home)
    for variable, folder in {
        "XDG_CONFIG_HOME": ".config",
        "XDG_DATA_HOME": ".local/share",
        "XDG_STATE_HOME": ".local/state",
        "XDG_CACHE_HOME": ".cache",
    }.items():
        (home / folder).mkdir(parents=True)
        os.environ[variable] = str(home / folder)
    # Kept between runs: matplotlib takes seconds to list the fonts.
    fonts = config.rootpath / ".pytest_cache" / "matplotlib"
    fonts.mkdir(parents=True, exist_ok=True)
    os.environ["MPLCONFIGDIR"] = str(fonts)
    os.environ["MPLBACKEND"] = "Agg"
    # Brian2 reads this when it is imported; its other targets compile for up to a minute.
    preferences = home / ".brian" / "user_preferences"
    preferences.parent.mkdir()
    preferences.write_text("codegen.target = 'numpy'\n", encoding="utf-8")


def pytest_configure(config: pytest.Config) -> None:
    # The workers of xdist inherit the environment of the process that starts them.
    if "PYTEST_XDIST_WORKER" not in os.environ:
        _isolate_home(config)
    config.pluginmanager.register(Guards(), "spikemem-guards")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for marker, module in NEEDS.items():
        if importlib.util.find_spec(module) is None:
            skip = pytest.mark.skip(reason=f"{module} is not installed")
            for item in items:
                if item.get_closest_marker(marker):
                    item.add_marker(skip)


def _backend_name(case: tuple[str, dict[str, Any]]) -> str:
    name, options = case
    return "-".join([name, *map(str, options.values())])


@pytest.fixture(params=BACKENDS, ids=_backend_name)
def backend(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Keyword arguments of Session for one backend; skips what this version or machine lacks."""
    from spikemem import BackendMissing, simulation

    name, options = request.param
    if name not in simulation.BACKENDS:
        pytest.skip(f"no backend {name!r}")
    try:
        simulation.load(name)
    except BackendMissing as error:
        pytest.skip(str(error))
    return {"backend": name, **options}
