"""Check a network for a target, and export it to one."""

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
"""Who writes a network for each target, as ``(network, path, **options)``."""

CHECKS: dict[str, str] = {"spinnaker": "spikemem.hardware.spinnaker.check:check_spinnaker"}
"""Who checks for each target that is not only a backend."""

ADMISSIONS: dict[str, str] = {
    "board": "spikemem.hardware.spinnaker.admission:admit_board",
    "emulator": "spikemem.hardware.spinnaker.admission:admit",
}
"""Who finds the ``problems`` that a backend has, beside :func:`spikemem.support.refusals`."""

_OPTIONS = {
    "native": ("precision",),
    "board": ("shifts", "force"),
    "emulator": ("shifts", "windows", "allow_coarse"),
}
"""Options of a backend that change what it refuses."""

_TARGETS = tuple(dict.fromkeys([*CHECKS, *BACKENDS]))


def _named(place: str) -> Callable[..., Any]:
    module, name = place.split(":")
    function: Callable[..., Any] = getattr(importlib.import_module(module), name)
    return function


@checked
def check(
    network: Network,
    target: Annotated[str, Choice(*_TARGETS, what="target")] = "spinnaker",
    **options: Any,
) -> list[Problem]:
    """List what a target would refuse or silently change.

    Parameters
    ----------
    network : Network
        What is to run there.
    target : str
        "spinnaker", or a backend of :func:`spikemem.simulate`.
    **options
        For "spinnaker": `shifts`, `smallest_step`; for a backend: `integrator`; for "native"
        also `precision`, for "emulator" `shifts`, `windows` and `allow_coarse`, for "board"
        `shifts` and `force`, as it takes them.

    Returns
    -------
    list of Problem
        The worst first; empty if there is nothing to say. A run on a backend starts if and only
        if none of them is an error.

    Raises
    ------
    DescriptionError
        Unknown target, or not a network.

    Examples
    --------
    >>> import spikemem as sm
    >>> network = sm.CA3Memory(5, 10).build([sm.Learn(0, [1])])
    >>> [problem.level for problem in check(network, "brian2")]
    []
    """
    if target in CHECKS:
        checking = _named(CHECKS[target])
        require_options(checking, options, "check")
        return list(checking(network, **options))
    asked = options.pop("integrator", None)
    if asked is not None:
        asked = Choice(*INTEGRATORS, what="integrator").check(asked, "check: integrator")
    integrator = asked or _integrator(network, target)
    _check_options(target, options)
    found = refusals(network, target, integrator, **options)
    if target in ADMISSIONS:
        found += _named(ADMISSIONS[target])(network, **options).problems
    return sorted(found, key=lambda problem: LEVELS.index(problem.level))


def _check_options(target: str, options: dict[str, Any]) -> None:
    for option in options:
        if option not in _OPTIONS.get(target, ()):
            known = ["integrator", *_OPTIONS.get(target, ())]
            raise DescriptionError(f"check: {unknown_name('option', option, known)}")
    if options.get("precision", "f8") not in ("f8", "f4"):
        raise DescriptionError(
            f"check: {unknown_name('precision', options['precision'], ['f8', 'f4'])}"
        )


def _integrator(network: Network, target: str) -> str:
    """The first integrator that the backend has."""
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
    """Write what someone else needs to run a network, without spikemem.

    Parameters
    ----------
    network : Network
        What is to run.
    target : {"spinnaker", "nir"}
        A folder with a PyNN script, or a file in the Neuromorphic Intermediate Representation.
    folder : str or Path
        A folder that does not exist yet, or the file; it is written whole or not at all.
    **options
        See :func:`spikemem.hardware.spinnaker.export_folder`, or
        :func:`spikemem.hardware.nir.write`.

    Returns
    -------
    Path
        What was written.

    Raises
    ------
    DescriptionError
        Unknown target, or not a network.
    UnsupportedError
        The target can't run the network.
    StorageError
        The folder is there already or can't be written.
    """
    writing = _named(EXPORTS[target])
    require_options(writing, options, "export")
    return Path(writing(network, folder, **options))
