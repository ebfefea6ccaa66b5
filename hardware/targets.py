"""Check a network for a target, and export it to one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..backends import BACKENDS
from ..errors import DescriptionError, unknown_name
from ..network import Network
from ..simulation import INTEGRATORS
from ..support import unsupported
from .problem import Problem

__all__ = ["Problem", "check", "export"]

EXPORTS = ("spinnaker", "nir")


def check(network: Network, target: str = "spinnaker", **options: Any) -> list[Problem]:
    """List what a target would refuse or silently change.

    Parameters
    ----------
    network : Network
        What is to run there.
    target : str
        "spinnaker", or a backend of :func:`spikemem.simulate`.
    **options
        For "spinnaker": `shifts`, `smallest_step`; for a backend: `integrator`.

    Returns
    -------
    list of Problem
        The worst first; empty if there is nothing to say.

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
    if not isinstance(network, Network):
        raise DescriptionError(f"check: network must be a Network, got {type(network).__name__}.")
    if target == "spinnaker":
        from .spinnaker.check import check_spinnaker

        return check_spinnaker(network, **options)
    if target not in BACKENDS:
        raise DescriptionError(f"check: {unknown_name('target', target, {'spinnaker', *BACKENDS})}")
    integrator = options.pop("integrator", None) or _integrator(network, target)
    if options:
        raise DescriptionError(
            f"check: {unknown_name('option', next(iter(options)), ['integrator'])}"
        )
    return [
        Problem(level="error", where="network", what=f"{feature}: {reason}", remedy="see above")
        for feature, reason in unsupported(network, target, integrator).items()
    ]


def _integrator(network: Network, target: str) -> str:
    """The first integrator that the backend has."""
    for integrator in INTEGRATORS:
        if f"integrator {integrator}" not in unsupported(network, target, integrator):
            return integrator
    return INTEGRATORS[0]


def export(network: Network, target: str, folder: str | Path, **options: Any) -> Path:
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
    if not isinstance(network, Network):
        raise DescriptionError(f"export: network must be a Network, got {type(network).__name__}.")
    if target not in EXPORTS:
        raise DescriptionError(f"export: {unknown_name('target', target, EXPORTS)}")
    if target == "nir":
        from .nir import write

        return write(folder, network, **options)
    from .spinnaker.export import export_folder

    return export_folder(network, folder, **options)
