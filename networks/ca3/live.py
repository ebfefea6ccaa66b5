"""Base class of the memories of this family: build, decode, and run in one session."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from ...backends.contract import Integrator
from ...checks import MappingOf, Name, PathName, Quantities, checked
from ...display import Displayed
from ...errors import DescriptionError, StorageError, UnsupportedError, unknown_name
from ...hdf5 import read_array
from ...limits import require_memory
from ...models import Device, Stored, StoredModel
from ...network import Network
from ...plotting.kinds import Axes, Names, Window
from ...progress import Progress
from ...recording import Recording, SpikeTrains
from ...simulation import Session
from ...storage import save
from ...streams import Seed
from ...units import to_array, to_int
from .operations import Operation, Schedule, Slot
from .oracle import Contents, answers, contents_after
from .recall import Recall

__all__ = ["LIVE", "Live", "LiveMemory", "Weights"]

Weights = Mapping[str, NDArray[np.float64]]

WeightMatrices = Annotated[
    Weights, MappingOf(Name(), Quantities("nA", low=0.0, shape=("n_pre", "n_post")))
]
"""Type of every ``weights`` argument."""


class MemoryState(NamedTuple):
    """State of a memory outside its simulation.

    It is the note of the session and is replaced together with the session's state. An interrupt
    leaves either both states from before the operation, or both from after it.

    Parameters
    ----------
    n_done : int
        Number of completed operations; the history can hold more, from interrupted runs.
    initial : mapping of str to ndarray
        Weights at the start of the session, nA, each a matrix (n_pre, n_post).
    base : tuple of float and mapping
        Time at which weights were last set from outside (ms), and all weights at that time.
    held : mapping of int to frozenset of int
        Contents of the cues at the beginning of the history.
    clock : float
        Time at the start of the session, ms.
    """

    n_done: int
    initial: Weights
    base: tuple[float, Weights]
    held: Contents
    clock: float


LIVE = ("n_cues", "n_contents", "backend", "integrator", "device", "seed", "options")
"""Arguments of every memory of the family."""


class Live(NamedTuple):
    """Arguments of a memory that describe its simulation."""

    backend: str
    integrator: Integrator
    device: Device | None
    seed: Seed
    options: Mapping[str, Any]


class LiveMemory(StoredModel, Displayed, ABC):
    """A memory whose operations run one after the other in one simulation.

    Subclasses define the times of operations, their input spikes, and the network. A copy (shallow
    or deep) and a pickle are independent memories, which continue from the current state.
    """

    preset: str
    view: ClassVar[str] = "spikemem.networks.ca3.figures:memory_view"
    panels: ClassVar[str] = "spikemem.networks.ca3.panels:memory_panels"

    def __init__(self, n_cues: int, n_contents: int, live: Live) -> None:
        self.n_cues, self.n_contents = n_cues, n_contents
        require_memory(
            # Two matrices of weights, here and in the simulator, and the input lines of each cue.
            32 * n_cues * n_contents + 8 * n_cues * n_contents.bit_length(),
            f"{type(self).__name__}: the weights of n_cues={n_cues} and n_contents={n_contents}",
            "Make a smaller memory.",
        )
        self.backend, self.integrator, self.device, self.seed, self.options = live
        self._session: Session | None = None
        self._history: list[Slot] = []
        self._begin({})

    def _begin(self, initial: Weights, held: Contents | None = None, clock: float = 0.0) -> None:
        """Set the initial weights, contents and time (ms)."""
        self._start = MemoryState(0, initial, (clock, initial), held or {}, clock)

    @property
    def _state(self) -> MemoryState:
        """Current state."""
        noted: MemoryState | None = self._session.note if self._session else None
        return noted or self._start

    @property
    def _done(self) -> list[Slot]:
        """Slots of the completed operations."""
        return self._history[: self._state.n_done]

    def _note(self, slots: Sequence[Slot]) -> MemoryState:
        """Add operations to the history, and return the state in which they are completed."""
        state = self._state
        del self._history[state.n_done :]
        self._history += slots
        return state._replace(n_done=state.n_done + len(slots))

    @abstractmethod
    def _slots(self, schedule: Iterable[Operation], start: float, safe: bool) -> list[Slot]:
        """Check operations and assign their times."""

    @abstractmethod
    def _compile(self, slots: Sequence[Slot]) -> tuple[dict[str, SpikeTrains], dict[str, Any]]:
        """Return input spikes of each source, and windows of each plastic projection."""

    @abstractmethod
    def _network(
        self, inputs: Mapping[str, SpikeTrains], weights: Weights, windows: Mapping[str, Any]
    ) -> Network:
        """Return the network with these inputs, initial weights and plasticity windows."""

    @abstractmethod
    def _decode(self, recording: Recording, slots: Sequence[Slot]) -> list[Recall]:
        """Return one answer for each operation."""

    @checked
    def build(self, schedule: Schedule = (), *, safe: bool = True) -> Network:
        """Return the network that runs a schedule from time 0, with the current weights.

        Parameters
        ----------
        schedule : iterable of operations
            Operations in order of time.
        safe : bool
            False allows shorter times between operations than the safe ones.

        Returns
        -------
        Network
            Network whose spike sources are as long as the schedule; ``simulate(network)`` runs all
            of it.

        Raises
        ------
        DescriptionError
            If an operation is not valid, or starts before the previous one has settled.
        UnsupportedError
            If the circuit cannot perform an operation.
        """
        inputs, windows = self._compile(self._slots(schedule, 0.0, safe))
        return self._network(inputs, self.weights, windows)

    @checked
    def decode(
        self, recording: Recording, schedule: Schedule, *, safe: bool = True
    ) -> list[Recall]:
        """Return one answer for each operation of the schedule of a recording.

        Raises
        ------
        DescriptionError
            If the recording is too short for the schedule, or lacks the output populations.
        """
        return self._decode(recording, self._slots(schedule, 0.0, safe))

    @checked
    def expected(self, schedule: Schedule, *, safe: bool = True) -> list[Recall]:
        """Return the answers of an error-free memory to a schedule, without spikes.

        Parameters
        ----------
        schedule : iterable of operations
            As for :meth:`build`; it begins with the current contents.
        safe : bool
            As for :meth:`build`.

        Returns
        -------
        list of Recall
            One answer for each operation; only the sets have a meaning.
        """
        return answers(self._slots(schedule, 0.0, safe), self.contents)

    @checked
    def after(self, recording: Recording, schedule: Schedule, *, safe: bool = True) -> Self:
        """Return the memory after a schedule whose network was simulated elsewhere.

        Parameters
        ----------
        recording : Recording
            Recording of the network that :meth:`build` returned for the schedule.
        schedule : iterable of operations
            The schedule of the recording.
        safe : bool
            As for :meth:`build`.

        Returns
        -------
        LiveMemory
            A new memory with the weights, contents and time after the run.

        Raises
        ------
        DescriptionError
            If the recording is too short for the schedule, or not of this memory.
        """
        slots = self._slots(schedule, 0.0, safe)
        self._decode(recording, slots)
        weights = {
            name: self._matrix(name, recording.weights.get(name), first.shape)
            for name, first in self._state.initial.items()
        }
        held = contents_after(slots, self.contents)
        later = type(self)(**self.arguments())
        later._begin(weights, held, self.time + recording.duration)
        return later

    def _matrix(self, name: str, weights: Any, shape: tuple[int, ...]) -> NDArray[np.float64]:
        if np.size(weights) != np.prod(shape):
            raise DescriptionError(
                f"{type(self).__name__}.after: the recording must have {np.prod(shape)} weights "
                f"of {name!r}, got {np.size(weights) if weights is not None else 'none'}."
            )
        return np.array(weights, dtype=np.float64).reshape(shape)

    @classmethod
    @abstractmethod
    def _shapes(cls, n_cues: int, n_contents: int) -> dict[str, tuple[int, int]]:
        """Return the shape (n_pre, n_post) of each plastic projection."""

    @property
    @abstractmethod
    def _w_max(self) -> float:
        """Largest weight of the plastic projections, nA."""

    def arrays(self) -> dict[str, Stored]:
        """Return weights (nA), contents (a row (cue, bit) for each bit) and time (ms)."""
        pairs = [(cue, bit) for cue, bits in self.contents.items() for bit in sorted(bits)]
        weights = {name: Stored(weight, "nA") for name, weight in self.weights.items()}
        return weights | {
            "contents": Stored(np.array(pairs, dtype=np.int64).reshape(-1, 2)),
            "time": Stored(np.array(self.time), "ms"),
        }

    @classmethod
    def restored(cls, arguments: Mapping[str, Any], arrays: h5py.Group) -> Self:
        """Rebuild a memory from its weights, contents and time; see :meth:`arrays`."""
        n_cues = to_int(arguments["n_cues"], "n_cues")
        n_contents = to_int(arguments["n_contents"], "n_contents")
        weights = {
            name: read_array(arrays, name, "float", shape, low=0.0)
            for name, shape in cls._shapes(n_cues, n_contents).items()
        }
        pairs = read_array(arrays, "contents", "int", (None, 2), low=0)
        clock = float(read_array(arrays, "time", "float", (), low=0.0))
        memory = cls(**arguments)
        if clock != round(clock) or any(np.any(w > memory._w_max) for w in weights.values()):
            raise StorageError(
                f"time must be a whole number of ms, and weights at most {memory._w_max:g} nA"
            )
        held: dict[int, set[int]] = {}
        for cue, bit in pairs.tolist():
            if cue >= n_cues or bit >= n_contents or bit in held.get(cue, ()):
                raise StorageError(f"contents must name each bit once, got cue {cue}, bit {bit}")
            held.setdefault(cue, set()).add(bit)
        memory._begin(weights, {cue: frozenset(bits) for cue, bits in held.items()}, clock)
        return memory

    @checked
    def save(self, path: Annotated[str | Path, PathName()]) -> Path:
        """Write the memory (weights, contents, time) and its recording to an HDF5 file.

        Raises
        ------
        StorageError
            If the file cannot be written.
        """
        return save(path, model=self, recording=self.recording if self._done else None)

    @checked
    def run(
        self, schedule: Schedule, *, safe: bool = True, progress: Progress = False
    ) -> list[Recall]:
        """Run operations in a simulation that continues the previous one.

        Either all operations are performed or none. After an error or an interrupt the memory is
        unchanged.

        Parameters
        ----------
        schedule : iterable of operations
            Operations; ``at`` is in ms since the start of the memory (now is :attr:`time`).
        safe : bool
            False allows shorter times between operations than the safe ones.
        progress : bool or callable
            As for :func:`spikemem.simulate`.

        Returns
        -------
        list of Recall
            One answer for each operation.
        """
        slots = self._slots(schedule, self.time, safe)
        if not slots:
            return []
        if slots[0].start < self.time:
            raise DescriptionError(
                f"run: the first operation starts at {slots[0].start:g} ms, but the memory is "
                f"already at {self.time:g} ms."
            )
        session = self._live()
        inputs, windows = self._compile(slots)
        recording = session.run(
            slots[-1].end - self.time,
            inputs=inputs,
            enabled=windows,
            progress=progress,
            note=self._note(slots),
        )
        return self._decode(recording, slots)

    def _live(self) -> Session:
        if self._session is None:
            inputs, windows = self._compile([])
            network = self._network(inputs, self._state.initial, windows)
            options = dict(self.options)
            if self.device is not None:
                names = list(self._state.initial)
                network = self.device.apply(network, projections=names, time=None, seed=self.seed)
                learning = self.device.learning(names, self.seed)
                if learning is not None:
                    options["extensions"] = [*options.get("extensions", ()), learning]
            if "extensions" in options and self.backend != "brian2":
                raise UnsupportedError(
                    f"{type(self).__name__}: learning on a device needs backend 'brian2', got "
                    f"{self.backend!r}."
                )
            self._session = Session(
                network, backend=self.backend, integrator=self.integrator,
                start=self._state.clock, **options,
            )  # fmt: skip
        return self._session

    @property
    def time(self) -> float:
        """Time simulated so far, ms."""
        return self._session.time if self._session else self._state.clock

    @property
    def contents(self) -> dict[int, frozenset[int]]:
        """Contents of each cue according to the completed operations, not to the weights."""
        return contents_after(self._done, self._state.held)

    @property
    def recording(self) -> Recording:
        """Recording since the start of the memory.

        Raises
        ------
        DescriptionError
            If nothing has been run yet.
        """
        if self._session is None or not self._state.n_done:
            raise DescriptionError(f"{type(self).__name__}.recording: nothing has been run yet.")
        return self._session.recording

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(n_cues={self.n_cues}, n_contents={self.n_contents}, "
            f"preset={self.preset!r}: {len(self.contents)} cues hold something, "
            f"{self.time:g} ms simulated)"
        )

    @checked
    def raster(
        self,
        populations: Names | None = None,
        window: Window | None = None,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw all spikes since the start of the memory, with the names of the operations.

        Parameters
        ----------
        populations, window, ax
            As for :func:`spikemem.plotting.raster`.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        DescriptionError
            If nothing has been run yet, a population is unknown, or the window is outside the
            recording.
        """
        from ...plotting import raster
        from .figures import named

        return raster(self.recording, populations, window, ax, marks=named(self._done))

    @property
    def weights(self) -> dict[str, NDArray[np.float64]]:
        """Current weights of the plastic projections, nA, each a matrix (n_pre, n_post)."""
        initial = self._state.initial
        now = self._session.weights if self._session else initial
        shapes = {name: first.shape for name, first in initial.items()}
        return {name: now[name].reshape(shape).copy() for name, shape in shapes.items()}

    def _set_weights(self, weights: Weights, w_max: float, slots: Sequence[Slot] = ()) -> None:
        """Check and set matrices of weights, and note the operations that they replace."""
        initial = self._state.initial
        checked = {}
        for name, array in weights.items():
            if name not in initial:
                raise DescriptionError(
                    f"set_weights: {unknown_name('plastic projection', name, initial)}"
                )
            matrix = to_array(array, "nA", f"weights[{name!r}]")
            shape = initial[name].shape
            if matrix.shape != shape or not np.all((matrix >= 0) & (matrix <= w_max)):
                raise DescriptionError(
                    f"weights[{name!r}] must have shape {shape} and lie in [0, {w_max:g}] nA, "
                    f"got shape {matrix.shape}, {matrix.min():g} to {matrix.max():g} nA."
                )
            checked[name] = matrix
        now = {**self.weights, **checked}
        note = self._note(slots)._replace(base=(self.time, now))
        if self._session is None:
            self._start = note._replace(initial=now)
        else:
            flat = {name: matrix.ravel() for name, matrix in checked.items()}
            self._session.set_weights(flat, note=note)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *reason: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the simulator; the recording remains available."""
        if self._session:
            self._session.close()
