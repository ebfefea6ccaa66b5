"""The contract of a model, and :func:`run`: build, apply, simulate, decode."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NamedTuple, Protocol, Self, TypeVar, runtime_checkable

import h5py
from numpy.typing import NDArray

from .backends.contract import Integrator
from .checks import AnyValue, Kind, PathName, Quantity, Text, checked
from .errors import DescriptionError, StorageError, shown, unknown_name
from .frozen import Changing
from .network import Network
from .progress import Progress
from .recording import Recording
from .simulation import simulate
from .storage import load, save
from .streams import Seed

__all__ = [
    "DEVICES",
    "MODELS",
    "Associative",
    "Continual",
    "Device",
    "Model",
    "OnDevice",
    "Stored",
    "StoredModel",
    "Supervised",
    "device_named",
    "run",
]

MODELS: dict[str, str] = {
    "ActiveDendriteNeurons": "spikemem.networks.dendrites:ActiveDendriteNeurons",
    "CA3Memory": "spikemem.networks.ca3:CA3Memory",
    "ContrastiveProjection": "spikemem.networks.liquid:ContrastiveProjection",
    "DenseAssociativeMemory": "spikemem.networks.reference:DenseAssociativeMemory",
    "HLOPClassifier": "spikemem.networks.hlop:HLOPClassifier",
    "HippocampalMemory": "spikemem.networks.ca3:HippocampalMemory",
    "HopfieldNetwork": "spikemem.networks.reference:HopfieldNetwork",
    "Sparsey": "spikemem.networks.sparsey:Sparsey",
    "LiquidStateMachine": "spikemem.networks.liquid:LiquidStateMachine",
    "MultitaskingHebbian": "spikemem.networks.reference:MultitaskingHebbian",
    "TemporalMemory": "spikemem.networks.dendrites:TemporalMemory",
    "WillshawMemory": "spikemem.networks.reference:WillshawMemory",
}
"""Where each model is that files can hold; imported when it is first used."""

DEVICES: dict[str, str] = {
    name: f"spikemem.hardware.resistive:{name}"
    for name in ("CMOHfOx", "Generic", "HERMES", "Ideal", "MiloRRAM", "PCM", "RandomRRAM", "SONOS",
                 "WanRRAM")
}  # fmt: skip
"""Where each device model is that can be made without measurements."""

Trial = TypeVar("Trial", contravariant=True)
Answer = TypeVar("Answer", covariant=True)


class Stored(NamedTuple):
    """An array of a model's state, with its unit ("1": none), as it is written to a file."""

    values: NDArray[Any]
    unit: str = "1"


@runtime_checkable
class Model(Protocol[Trial, Answer]):
    """What every family of models answers to, so that nothing else needs to know the family."""

    @property
    def plastic(self) -> Mapping[str, str]:
        """Projections that hold what is stored: for each name what it holds, in words."""

    def build(self, trials: Iterable[Trial], **options: Any) -> Network:
        """Return the network that carries out the trials; the model stays as it is."""

    def decode(
        self, recording: Recording, trials: Iterable[Trial], **options: Any
    ) -> Sequence[Answer]:
        """Return one answer for each trial, from a recording of the network built for them."""

    def expected(self, trials: Iterable[Trial]) -> Sequence[Answer]:
        """Return the answers of the family's own algorithm, without spikes."""

    def after(self, recording: Recording, trials: Iterable[Trial]) -> Self:
        """Return the model with what it has learnt in that run; one that can't learn: itself."""

    def arguments(self) -> dict[str, Any]:
        """Return what the constructor takes: plain values and dataclasses."""

    def arrays(self) -> dict[str, Stored]:
        """Return the state that the constructor does not set, as named arrays with units."""


class StoredModel(Changing):
    """Base of the models: saved and loaded from :meth:`arguments` and :meth:`arrays`."""

    def arguments(self) -> dict[str, Any]:
        """What the constructor takes: plain values and dataclasses."""
        raise NotImplementedError

    def arrays(self) -> dict[str, Stored]:
        """State that the constructor does not set, as named arrays with units."""
        raise NotImplementedError

    def facts(self) -> dict[str, Any]:
        """What the model is, as plain data ready for JSON."""
        plain = int | float | str | bool
        kept = {name: v for name, v in self.arguments().items() if isinstance(v, plain)}
        return {"model": type(self).__name__, **kept}

    def describe(self) -> str:
        """What the model is, as lines of text."""
        return repr(self)

    @classmethod
    def restored(cls, arguments: Mapping[str, Any], arrays: h5py.Group) -> Self:
        """The model with this state; the arrays are compared with the arguments first.

        Raises
        ------
        StorageError, DescriptionError
            The state is not one of such a model.
        """
        raise NotImplementedError

    @checked
    def save(self, path: Annotated[str | Path, PathName()]) -> Path:
        """Write the model to an HDF5 file, whole or not at all.

        Raises
        ------
        StorageError
            The file can't be written.
        """
        return save(path, model=self)

    @classmethod
    @checked
    def load(cls, path: Annotated[str | Path, PathName()]) -> Self:
        """Read a model of this class; it continues as the saved one would.

        Raises
        ------
        StorageError
            No such file, damaged, not spikemem's, newer than this version, or without such a
            model.
        """
        model = load(path, "model")
        if not isinstance(model, cls):
            raise StorageError(
                f"{cls.__name__}.load: {str(path)!r} holds a {type(model).__name__}."
            )
        return model


@runtime_checkable
class Associative(Protocol):
    """A model that stores patterns and recalls them."""

    def store(self, *args: Any, **kwargs: Any) -> Any:
        """Store patterns."""

    def recall(self, *args: Any, **kwargs: Any) -> Any:
        """Recall what is stored, from a cue or a fragment."""


@runtime_checkable
class Supervised(Protocol):
    """A model that learns labels, as scikit-learn's classifiers do."""

    def fit(self, x: Any, y: Any, **kwargs: Any) -> Self:
        """Learn from samples and labels."""

    def predict(self, x: Any) -> NDArray[Any]:
        """Return a label for each sample."""

    def score(self, x: Any, y: Any) -> float:
        """Return the fraction of right labels."""


@runtime_checkable
class Continual(Protocol):
    """A model that learns one task after another."""

    def learn_task(self, x: Any, y: Any, **kwargs: Any) -> Any:
        """Learn one task."""


@runtime_checkable
class Device(Protocol):
    """A memory technology that a network's weights can be written into."""

    def apply(
        self, network: Network, *, projections: Any, time: float | None, seed: Seed
    ) -> Network:
        """Return the network with the weights of these projections as the device holds them."""

    def learning(self, projections: Any, seed: Seed) -> Any:
        """Return the extension of backend "brian2" with which they learn; None if ideal."""


class ModelKind(Kind):
    """An object with the methods of a :class:`Model`."""

    def check(self, value: Any, where: str) -> Any:
        """Return the model itself."""
        if isinstance(value, Model) and not isinstance(value, type):
            return value
        raise DescriptionError(f"{where} must have the methods of a Model, got {shown(value)}.")


class DeviceKind(Kind):
    """An object with the methods of a :class:`Device`."""

    def check(self, value: Any, where: str) -> Device:
        """Return the device itself."""
        if isinstance(value, Device) and not isinstance(value, type):
            return value
        raise DescriptionError(
            f"{where} must be a device with apply() and learning(), such as "
            f"spikemem.hardware.resistive.PCM(), got {shown(value)}."
        )


OnDevice = Annotated[Device, DeviceKind()] | None
"""What every ``device`` argument takes."""


@checked
def device_named(name: Annotated[str, Text()]) -> Device:
    """Make a device model with its default parameters; upper and lower case are the same.

    Raises
    ------
    DescriptionError
        There is no device of this name.

    Examples
    --------
    >>> type(device_named("pcm")).__name__
    'PCM'
    """
    place = {known.lower(): place for known, place in DEVICES.items()}.get(name.lower())
    if place is None:
        raise DescriptionError(unknown_name("device", name, DEVICES))
    module, _, item = place.partition(":")
    device: Device = getattr(importlib.import_module(module), item)()
    return device


@checked
def run(
    model: Annotated[Model[Trial, Answer], ModelKind()],
    trials: Annotated[Iterable[Trial], AnyValue()],
    *,
    backend: str = "brian2",
    integrator: Integrator = "spinnaker",
    device: OnDevice = None,
    time: Annotated[float, Quantity("s", low=0.0)] | None = None,
    seed: Seed = 0,
    build: Mapping[str, Any] | None = None,
    progress: Progress = False,
    **options: Any,
) -> list[Answer]:
    """Carry out trials on a model: build, apply the device, simulate, decode.

    Parameters
    ----------
    model : Model
        Any model of any family; it stays as it is.
    trials : iterable
        What the family takes as trials: operations, patterns, sequences, ...
    backend, integrator, progress, **options
        As :func:`spikemem.simulate`.
    device : Device, optional
        Memory technology that holds the weights of ``model.plastic``.
    time : float, optional
        Age of the device, s. Default: the first for which it is calibrated.
    seed : int or numpy.random.Generator
        For the device.
    build : mapping, optional
        Options of the model's own ``build`` and ``decode``.

    Returns
    -------
    list
        One answer for each trial.

    Raises
    ------
    DescriptionError
        Not a model, or trials that it does not take.
    UnsupportedError, BackendMissing, SimulationError
        As :func:`spikemem.simulate`.

    Examples
    --------
    >>> import spikemem as sm
    >>> memory = sm.CA3Memory(4, 8, contents={0: [1, 2]})
    >>> run(memory, [sm.Learn(1, [3]), sm.RecallCue(0)], backend="native")
    [Recall({3}), Recall({1, 2})]
    """
    if isinstance(trials, str | bytes) or not isinstance(trials, Iterable):
        raise DescriptionError(f"run: trials must be a sequence of trials, got {shown(trials)}.")
    given: Any = trials if hasattr(trials, "__len__") else list(trials)
    how = dict(build or {})
    network = model.build(given, **how)
    if device is not None:
        names = [name for name in model.plastic if network.count(name)]
        network = device.apply(network, projections=names, time=time, seed=seed)
    recording = simulate(
        network, backend=backend, integrator=integrator, progress=progress, **options
    )
    return list(model.decode(recording, given, **how))
