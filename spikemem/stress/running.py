"""Runs models under conditions: many trials of one structure in one simulation."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, NamedTuple

from ..checks import Each, Instance, Kind, MappingOf, Name, Optional, SeedNumber, checked
from ..errors import DescriptionError, UnsupportedError, shown
from ..limits import available_memory
from ..models import Model, ModelKind
from ..network import Network
from ..recording import Recording
from ..runs import steps_needed
from ..simulation import simulate
from ..tiling import difference
from . import disturb
from .conditions import Conditions
from .costs import costs_of

__all__ = ["FAULTS", "Run", "run_models"]

FAULTS = "spikemem.hardware.resistive:Faults"
"""What does not work of a device; imported when it is first used."""

STACKED = ("brian2", "emulator", "native")
"""Backends in which networks that lie side by side give what each would give alone."""

_MEMORY = 2**29
"""Bytes that the networks of one batch may take."""


class Run(NamedTuple):
    """One run of a model: its answers and what they cost."""

    answers: Sequence[Any]
    """As ``decode`` returns them: one a trial of the model."""
    costs: dict[str, float]
    """Totals; see :class:`.answers.Answers`."""


@dataclass(frozen=True)
class _Sized(Kind):
    """Trials of one model: anything with a length, whose entries the model checks."""

    def check(self, value: Any, where: str) -> Any:
        """Return the trials themselves."""
        if isinstance(value, str | bytes) or not hasattr(value, "__len__"):
            raise DescriptionError(f"{where} must be a sequence of trials, got {shown(value)}.")
        return value


@dataclass(frozen=True)
class _Prepared:
    """A network that is ready to run, and what else belongs to its run."""

    index: int
    network: Network
    written: Any
    n_steps: int
    options: Mapping[str, Any] = field(default_factory=dict)

    def key(self) -> Hashable:
        """Equal for networks that may be in one simulation; others are told apart cheaply."""
        net = self.network
        sizes = tuple((pop.name, pop.size) for pop in net.populations)
        wiring = tuple(
            (item.name, net.count(item.name), None if item.j is None else item.j.tobytes())
            for item in net.projections
        )
        return self.n_steps, net.dt, net.copies, sizes, wiring


@checked
def run_models(
    models: Annotated[Sequence[Model[Any, Any]], Each(ModelKind(), "models")],
    trials: Annotated[Sequence[Sequence[Any]], Each(_Sized(), "sequences of trials")],
    conditions: Annotated[Conditions, Instance(Conditions)],
    seeds: Annotated[Sequence[int], Each(SeedNumber(), "seeds")],
    *,
    build: Annotated[Mapping[str, Any], Optional(MappingOf(Name()))] | None = None,
) -> list[Run]:
    """Carry out trials on models under conditions; equal to one run a model.

    Each model is built, written into the device, and disturbed; networks of one structure and
    length then run side by side in one simulation (:meth:`spikemem.Network.stack`), as many as a
    bounded memory holds. Those that differ, or whose backend runs one network at a time, run
    alone.

    Parameters
    ----------
    models : sequence of Model
        One for each run; they stay as they are.
    trials : sequence of sequences
        For each model, its trials, as its ``build`` takes them.
    conditions : Conditions
        Backend "expected" asks ``model.expected`` instead of a network; the only cost that it
        gives is "operations".
    seeds : sequence of int
        For each run: device and disturbances.
    build : mapping, optional
        Options of ``build`` and ``decode`` (and of ``expected``, where it has them).

    Raises
    ------
    DescriptionError
        Not as many models as trials and seeds, or trials that a model does not take.
    UnsupportedError, BackendMissing, SimulationError
        As :func:`spikemem.simulate`.

    Examples
    --------
    >>> import spikemem as sm
    >>> memories = [sm.CA3Memory(4, 8, contents={0: [k]}) for k in range(3)]
    >>> runs = run_models(
    ...     memories, [[sm.RecallCue(0)]] * 3, Conditions(backend="native"), [0, 1, 2]
    ... )
    >>> [run.answers[0] for run in runs]
    [Recall({0}), Recall({1}), Recall({2})]
    """
    if not len(models) == len(trials) == len(seeds):
        raise DescriptionError(
            f"run_models: models, trials and seeds must be equally many, got {len(models)}, "
            f"{len(trials)} and {len(seeds)}."
        )
    how = dict(build or {})
    conditions.require_ideal()
    if conditions.backend == "expected":
        return [_expected(model, each, how) for model, each in zip(models, trials, strict=True)]
    found: dict[int, Run] = {}
    for batch in _batches(models, trials, conditions, seeds, how):
        for group in _groups(batch, conditions.backend):
            for item, recording in zip(group, _recordings(group, conditions), strict=True):
                k = item.index
                answers = models[k].decode(recording, trials[k], **how)
                costs = costs_of(item.network, recording, conditions, len(trials[k]), item.written)
                found[k] = Run(answers, costs)
    return [found[k] for k in range(len(models))]


def _expected(model: Model[Any, Any], trials: Sequence[Any], how: Mapping[str, Any]) -> Run:
    taken = inspect.signature(model.expected).parameters
    options = {name: value for name, value in how.items() if name in taken}
    answers = model.expected(trials, **options)
    return Run(answers, {"operations": float(len(trials))})


def _batches(
    models: Sequence[Model[Any, Any]],
    trials: Sequence[Sequence[Any]],
    conditions: Conditions,
    seeds: Sequence[int],
    how: Mapping[str, Any],
) -> Iterator[list[_Prepared]]:
    """Networks, ready to run, so many at a time as a bounded memory holds."""
    most = min(_MEMORY, available_memory() / 8)
    batch: list[_Prepared] = []
    taken = 0.0
    for k, (model, each, seed) in enumerate(zip(models, trials, seeds, strict=True)):
        item = _prepared(k, model, model.build(each, **how), conditions, seed)
        size = _bytes_of(item.network)
        if batch and taken + size > most:
            yield batch
            batch, taken = [], 0.0
        batch.append(item)
        taken += size
    if batch:
        yield batch


def _bytes_of(network: Network) -> float:
    """What a network takes, described and simulated, bytes."""
    spikes = sum(len(pop.source) for pop in network.populations if pop.is_source)
    return 48.0 * network.n_synapses + 200.0 * network.n_neurons + 64.0 * spikes


def _prepared(
    index: int, model: Model[Any, Any], network: Network, conditions: Conditions, seed: int
) -> _Prepared:
    names = [name for name in model.plastic if network.count(name)]
    device = conditions.memory_device()
    network = disturb.fail_synapses(
        network, names, conditions.synapse_failure, seed=seed, remove=device is not None
    )
    network, written, options = _on_device(network, names, device, conditions, seed)
    network = disturb.jitter(network, conditions.jitter, seed=seed)
    network = disturb.background(
        network, conditions.background, conditions.background_weight,
        integrator=conditions.integrator, seed=seed,
    )  # fmt: skip
    return _Prepared(index, network, written, steps_needed(network), options)


def _on_device(
    network: Network, names: Sequence[str], device: Any, conditions: Conditions, seed: int
) -> tuple[Network, Any, dict[str, Any]]:
    """The network as the device holds it, the arrays, and options with which it learns there."""
    names = [name for name in names if network.count(name)]
    if device is None or not names:
        return network, None, {}
    faults = None
    if conditions.stuck:
        module, _, item = FAULTS.partition(":")
        half = conditions.stuck / 2
        faults = getattr(importlib.import_module(module), item)(stuck_low=half, stuck_high=half)
    written = device.write(network, projections=names, seed=seed, faults=faults)
    options = {}
    learners = [name for name in names if _learns(network, name)]
    if conditions.backend == "brian2" and learners:
        learning = device.learning(learners, seed)
        options = {} if learning is None else {"extensions": [learning]}
    return written.network(conditions.drift_time), written, options


def _learns(network: Network, name: str) -> bool:
    rule = network.projection(name).plasticity
    return rule is not None and rule.enabled != ()


def _groups(batch: Sequence[_Prepared], backend: str) -> list[list[_Prepared]]:
    """What runs in one simulation."""
    alike: dict[Hashable, list[list[_Prepared]]] = {}
    for item in batch:
        if backend not in STACKED or item.options:
            alike[item.index] = [[item]]
            continue
        groups = alike.setdefault(item.key(), [])
        for group in groups:
            if not difference(group[0].network, item.network):
                group.append(item)
                break
        else:
            groups.append([item])
    return [group for groups in alike.values() for group in groups]


def _recordings(group: Sequence[_Prepared], conditions: Conditions) -> list[Recording]:
    if len(group) == 1:
        item = group[0]
        how = {"backend": conditions.backend, "integrator": conditions.integrator}
        return [simulate(item.network, **how, **item.options)]  # type: ignore[arg-type]
    try:
        whole = Network.stack([item.network for item in group])
        recording = simulate(whole, backend=conditions.backend, integrator=conditions.integrator)  # type: ignore[arg-type]
    except UnsupportedError:
        # Copies that would be given other ring buffers together, on the emulator.
        return [_recordings([item], conditions)[0] for item in group]
    return recording.split(len(group))
