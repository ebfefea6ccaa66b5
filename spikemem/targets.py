"""Checks a network for a target, and exports it to one."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from .backends import BACKENDS
from .checks import Choice, NameOf, PathName, checked, require_options
from .errors import DescriptionError, unknown_name
from .network import Network
from .problem import LEVELS, Problem
from .simulation import INTEGRATORS
from .support import refusals, unsupported

__all__ = ["Problem", "check", "export"]

EXPORTS: dict[str, str] = {
    "spinnaker": "spikemem.hardware.spinnaker.export:export_folder",
    "nir": "spikemem.hardware.nir.export:export_file",
}
"""Function that writes a network for each target, as ``(network, path, **options)``."""

CHECKS: dict[str, str] = {"spinnaker": "spikemem.hardware.spinnaker.check:check_spinnaker"}
"""Function that checks a network for each target that is not only a backend."""

ADMISSIONS: dict[str, str] = {
    "board": "spikemem.hardware.spinnaker.admission:admit_board",
    "emulator": "spikemem.hardware.spinnaker.admission:admit",
}
"""Function that finds problems of a backend in addition to :func:`spikemem.support.refusals`."""

_OPTIONS = {
    "native": ("precision",),
    "board": ("shifts", "force"),
    "emulator": ("shifts", "windows", "allow_coarse"),
}
"""Options that change the problems of a backend."""

_TARGETS = tuple(dict.fromkeys([*CHECKS, *BACKENDS]))


def _imported(path: str) -> Callable[..., Any]:
    module, name = path.split(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function


@checked
def check(
    network: Network,
    target: Annotated[str, Choice(*_TARGETS, what="target")] = "spinnaker",
    **options: Any,
) -> list[Problem]:
    """List the properties of a network that a target would refuse or silently change.

    Parameters
    ----------
    network : Network
        Network to check.
    target : str
        "spinnaker", or a backend of :func:`spikemem.simulate`.
    **options
        For "spinnaker": `shifts`, `smallest_step`. For a backend: `integrator`, and also
        `precision` for "native", `shifts`, `windows` and `allow_coarse` for "emulator", and
        `shifts` and `force` for "board".

    Returns
    -------
    list of Problem
        Problems, the most severe first; empty if there are none. A run on a backend starts if and
        only if none of them is an error.

    Raises
    ------
    DescriptionError
        If the target is unknown, or `network` is not a network.

    Examples
    --------
    >>> import spikemem as sm
    >>> network = sm.CA3Memory(5, 10).build([sm.Learn(0, [1])])
    >>> [problem.level for problem in check(network, "brian2")]
    []
    """
    if target in CHECKS:
        function = _imported(CHECKS[target])
        require_options(function, options, "check")
        return list(function(network, **options))
    wanted = options.pop("integrator", None)
    if wanted is not None:
        wanted = Choice(*INTEGRATORS, what="integrator").check(wanted, "check: integrator")
    integrator = wanted or _integrator(network, target)
    _check_options(target, options)
    problems = refusals(network, target, integrator, **options)
    if target in ADMISSIONS:
        problems += _imported(ADMISSIONS[target])(network, **options).problems
    return sorted(problems, key=lambda problem: LEVELS.index(problem.level))


def _check_options(target: str, options: dict[str, Any]) -> None:
    for option in options:
        if option not in _OPTIONS.get(target, ()):
            valid_names = ["integrator", *_OPTIONS.get(target, ())]
            raise DescriptionError(f"check: {unknown_name('option', option, valid_names)}")
    if options.get("precision", "f8") not in ("f8", "f4"):
        raise DescriptionError(
            f"check: {unknown_name('precision', options['precision'], ['f8', 'f4'])}"
        )


def _integrator(network: Network, target: str) -> str:
    """Return the first integrator that the backend supports."""
    for integrator in INTEGRATORS:
        if f"integrator {integrator}" not in unsupported(network, target, integrator):
            return integrator
    return INTEGRATORS[0]


@checked
def export(
    network: Network,
    target: Annotated[str, NameOf(EXPORTS, "target")],
    folder: Annotated[str | Path, PathName()],
    **options: Any,
) -> Path:
    """Write a network in a form that others can run without spikemem.

    Parameters
    ----------
    network : Network
        Network to export.
    target : {"spinnaker", "nir"}
        "spinnaker" writes a folder with a PyNN script, "nir" a file in the Neuromorphic
        Intermediate Representation.
    folder : str or Path
        A folder that does not exist yet, or the file. It is written completely or not at all.
    **options
        See :func:`spikemem.hardware.spinnaker.export_folder`, or
        :func:`spikemem.hardware.nir.write`.

    Returns
    -------
    Path
        The folder or file.

    Raises
    ------
    DescriptionError
        If the target is unknown, or `network` is not a network.
    UnsupportedError
        If the target cannot run the network.
    StorageError
        If the folder exists already or cannot be written.
    """
    function = _imported(EXPORTS[target])
    require_options(function, options, "export")
    return Path(function(network, folder, **options))
