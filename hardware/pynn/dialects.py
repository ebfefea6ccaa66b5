"""Differences between the PyNN simulators, one :class:`Dialect` for each."""

from __future__ import annotations

import importlib
import os
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from logging import ERROR, getLogger
from typing import Annotated, Any

from ...checks import Count, MappingOf, Text, check_fields
from ...errors import BackendMissing, DescriptionError, shown, unknown_name

__all__ = ["DIALECTS", "Dialect", "dialect_of", "import_simulator", "quiet"]


_Steps = Annotated[int, Count(low=-1000, high=1000)]


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """Translates a network into calls of one PyNN simulator.

    Parameters
    ----------
    module : str
        Name of the PyNN module.
    extra : str
        Extra of spikemem that installs the simulator.
    backend : str
        Backend name; its entries of :data:`spikemem.support.UNSUPPORTED` apply.
    integrator : str
        Integrator of ``docs/explanation/semantics.md`` that the simulator follows.
    setup : mapping
        Further arguments of its ``setup``.
    signed_weights : bool
        Whether inhibitory weights are passed as negative numbers.
    relative_amplitudes : bool
        Whether the simulator multiplies the amplitudes of STDP by ``w_max``; they are then divided
        by it first.
    late_labels : int
        Steps to add to the recorded spikes of cells (not of sources).
    source_delay : int
        Steps to add to the delays of synapses from a spike source.
    refractory : int
        Steps to add to the refractory period.
    max_delay : bool
        Whether ``setup`` needs the longest delay.
    """

    module: Annotated[str, Text()]
    extra: Annotated[str, Text()]
    backend: Annotated[str, Text()]
    integrator: Annotated[str, Text()]
    setup: Annotated[Mapping[str, Any], MappingOf(Text())] = field(default_factory=dict)
    signed_weights: bool = True
    relative_amplitudes: bool = True
    late_labels: _Steps = 0
    source_delay: _Steps = 0
    refractory: _Steps = 0
    max_delay: bool = False

    def __post_init__(self) -> None:
        check_fields(self)


DIALECTS: dict[str, Dialect] = {
    "nest": Dialect(
        module="pyNN.nest", extra="nest", backend="pynn:nest", integrator="exact",
        setup={"spike_precision": "on_grid", "verbosity": "error"}, max_delay=True,
    ),
    # Brian2 labels a spike with the start of its step, delivers the spikes of a source one step
    # late, and clamps the potential for one step less than the refractory period.
    "brian2": Dialect(
        module="pyNN.brian2", extra="pynn", backend="pynn:brian2", integrator="exact",
        late_labels=1, source_delay=-1, refractory=1,
    ),
    "mock": Dialect(
        module="pyNN.mock", extra="pynn", backend="pynn:mock", integrator="exact",
    ),
    # sPyNNaker takes the absolute value of every weight, and its amplitudes are absolute.
    "spinnaker": Dialect(
        module="pyNN.spiNNaker", extra="spinnaker", backend="spinnaker", integrator="spinnaker",
        signed_weights=False, relative_amplitudes=False,
    ),
}  # fmt: skip
"""Supported PyNN simulators, by name. ``pyNN.neuron`` and ``pyNN.arbor`` are not supported, since
they follow neither integrator of ``docs/explanation/semantics.md``."""


def dialect_of(sim: Any) -> Dialect:
    """Return the dialect of a PyNN module.

    Parameters
    ----------
    sim : module
        ``pyNN.nest``, ``pyNN.brian2``, ``pyNN.mock``, ``pyNN.spiNNaker`` or ``spynnaker.pyNN``.

    Raises
    ------
    DescriptionError
        If `sim` is any other module.
    """
    name = str(getattr(sim, "__name__", "")) or shown(sim)
    dialects = {dialect.module: dialect for dialect in DIALECTS.values()}
    dialects["spynnaker.pyNN"] = DIALECTS["spinnaker"]
    if name not in dialects:
        raise DescriptionError(f"to_pynn: sim={unknown_name('known PyNN module', name, dialects)}")
    return dialects[name]


def import_simulator(name: str) -> Any:
    """Import the PyNN module of one of :data:`DIALECTS`.

    Raises
    ------
    BackendMissing
        If PyNN or the simulator is not installed. The message has the command that installs it.
    """
    dialect = DIALECTS[name]
    os.environ.setdefault("PYNEST_QUIET", "1")
    try:
        with quiet(), _without_compiling():
            if name == "brian2":
                importlib.import_module("...backends.brian2", __package__)
            return importlib.import_module(dialect.module)
    except ImportError as error:
        package = error.name or dialect.module
        raise BackendMissing.of(dialect.module, package, dialect.extra) from error


@contextmanager
def _without_compiling() -> Iterator[None]:
    """Hide ``nest-config``, so that PyNN does not compile cells for NEST, which are not used."""
    before = os.environ.get("PATH")
    if before is not None:
        folders = before.split(os.pathsep)
        kept = [folder for folder in folders if not os.path.isfile(f"{folder}/nest-config")]
        os.environ["PATH"] = os.pathsep.join(kept)
    try:
        yield
    finally:
        if before is not None:
            os.environ["PATH"] = before


@contextmanager
def quiet() -> Iterator[None]:
    """Suppress log messages and warnings of PyNN, NEST and Brian2."""
    levels = {logger: logger.level for logger in map(getLogger, ("PyNN", "brian2"))}
    for logger in levels:
        logger.setLevel(ERROR)
    try:
        with warnings.catch_warnings():
            for module in (r"pyNN\b", r"nest\b", r"neo\b", r"brian2\b"):
                warnings.filterwarnings("ignore", module=module)
            yield
    finally:
        for logger, level in levels.items():
            logger.setLevel(level)
