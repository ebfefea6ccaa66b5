"""What the memories of this family share: build, decode, and a session that goes on."""

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
from .operations import Operation, Placed, Schedule
from .oracle import Contents, answers, contents_after
from .recall import Recall

__all__ = ["LIVE", "Live", "LiveMemory", "Weights"]

Weights = Mapping[str, NDArray[np.float64]]

WeightMatrices = Annotated[
    Weights, MappingOf(Name(), Quantities("nA", low=0.0, shape=("n_pre", "n_post")))
]
"""What every ``weights`` argument takes."""


class Kept(NamedTuple):
    """What a memory knows beside its simulation.

    It is replaced as a whole and together with the state of the session (as its note): an
    interrupt leaves both as they were, or both as they are after the operation.

    Parameters
    ----------
    n_done : int
        Operations of the history that count; more may be in it, of runs that were interrupted.
    initial : mapping of str to ndarray
        Weights that the session begins with, nA, each a matrix (n_pre, n_post).
    base : tuple of float and mapping
        When weights were last set from outside (ms), and all weights then.
    held : mapping of int to frozenset of int
        What the cues hold at the beginning of the history.
    clock : float
        When the session begins, ms.
    """

    n_done: int
    initial: Weights
    base: tuple[float, Weights]
    held: Contents
    clock: float


LIVE = ("n_cues", "n_contents", "backend", "integrator", "device", "seed", "options")
"""Arguments that all memories of the family have."""


class Live(NamedTuple):
    """Where the operations of a memory run, as its constructor takes it."""

    backend: str
    integrator: Integrator
    device: Device | None
    seed: Seed
    options: Mapping[str, Any]


class LiveMemory(StoredModel, Displayed, ABC):
    """A memory whose operations run one after the other in one simulation.

    Subclasses say how operations are placed, what they compile to, and what the network is. A
    copy, shallow or deep, and a pickle are memories of their own, which continue from here.
    """

    preset: str
    view: ClassVar[str] = "spikemem.networks.ca3.figures:memory_view"
    panels: ClassVar[str] = "spikemem.networks.ca3.panels:memory_panels"

    def __init__(self, n_cues: int, n_contents: int, live: Live) -> None:
        self.n_cues, self.n_contents = n_cues, n_contents
        require_memory(
            # Two matrices of weights, here and in the simulator, and the lines of each cue.
            32 * n_cues * n_contents + 8 * n_cues * n_contents.bit_length(),
            f"{type(self).__name__}: the weights of n_cues={n_cues} and n_contents={n_contents}",
            "Make a smaller memory.",
        )
        self.backend, self.integrator, self.device, self.seed, self.options = live
        self._session: Session | None = None
        self._history: list[Placed] = []
        self._begin({})

    def _begin(self, initial: Weights, held: Contents | None = None, clock: float = 0.0) -> None:
        """Start with these weights and contents, at this time (ms)."""
        self._start = Kept(0, initial, (clock, initial), held or {}, clock)

    @property
    def _kept(self) -> Kept:
        """What counts now."""
        noted: Kept | None = self._session.note if self._session else None
        return noted or self._start

    @property
    def _done(self) -> list[Placed]:
        """Operations so far."""
        return self._history[: self._kept.n_done]

    def _note(self, placed: Sequence[Placed]) -> Kept:
        """Add operations to the history; returns with what they count."""
        kept = self._kept
        del self._history[kept.n_done :]
        self._history += placed
        return kept._replace(n_done=kept.n_done + len(placed))

    @abstractmethod
    def _place(self, schedule: Iterable[Operation], start: float, safe: bool) -> list[Placed]:
        """Operations, checked, at their times."""

    @abstractmethod
    def _compile(self, placed: Sequence[Placed]) -> tuple[dict[str, SpikeTrains], dict[str, Any]]:
        """Input spikes of each source, and windows of each plastic projection."""

    @abstractmethod
    def _network(
        self, inputs: Mapping[str, SpikeTrains], weights: Weights, windows: Mapping[str, Any]
    ) -> Network:
        """The network with these inputs, initial weights and plasticity windows."""

    @abstractmethod
    def _decode(self, recording: Recording, placed: Sequence[Placed]) -> list[Recall]:
        """One answer for each operation."""

    @checked
    def build(self, schedule: Schedule = (), *, safe: bool = True) -> Network:
        """The network that carries out a schedule from time 0, starting with today's weights.

        Parameters
        ----------
        schedule : iterable of operations
            In order of time.
        safe : bool
            False allows operations closer than is safe.

        Returns
        -------
        Network
            Its spike sources are as long as the schedule, so that ``simulate(network)`` runs all.

        Raises
        ------
        DescriptionError
            An operation is not valid, or starts before the one before it has settled.
        UnsupportedError
            The circuit can't do the operation.
        """
        inputs, windows = self._compile(self._place(schedule, 0.0, safe))
        return self._network(inputs, self.weights, windows)

    @checked
    def decode(
        self, recording: Recording, schedule: Schedule, *, safe: bool = True
    ) -> list[Recall]:
        """One answer for each operation of the schedule that the recording was made with.

        Raises
        ------
        DescriptionError
            The recording is too short for the schedule, or lacks the output populations.
        """
        return self._decode(recording, self._place(schedule, 0.0, safe))

    @checked
    def expected(self, schedule: Schedule, *, safe: bool = True) -> list[Recall]:
        """What a memory that makes no errors answers to a schedule: a dict of sets, no spikes.

        Parameters
        ----------
        schedule : iterable of operations
            As for :meth:`build`; it begins with what the memory holds now.
        safe : bool
            As for :meth:`build`.

        Returns
        -------
        list of Recall
            One for each operation; their sets alone are meant.
        """
        return answers(self._place(schedule, 0.0, safe), self.contents)

    @checked
    def after(self, recording: Recording, schedule: Schedule, *, safe: bool = True) -> Self:
        """The memory as it is after a schedule whose network was simulated elsewhere.

        Parameters
        ----------
        recording : Recording
            Of the network that :meth:`build` gave for the schedule.
        schedule : iterable of operations
            The same.
        safe : bool
            As for :meth:`build`.

        Returns
        -------
        LiveMemory
            A new memory; weights, contents and time follow from the run.

        Raises
        ------
        DescriptionError
            The recording is too short for the schedule, or not of this memory.
        """
        placed = self._place(schedule, 0.0, safe)
        self._decode(recording, placed)
        weights = {
            name: self._matrix(name, recording.weights.get(name), first.shape)
            for name, first in self._kept.initial.items()
        }
        held = contents_after(placed, self.contents)
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
        """Shape (n_pre, n_post) of each plastic projection."""

    @property
    @abstractmethod
    def _w_max(self) -> float:
        """Largest weight of the plastic projections, nA."""

    def arrays(self) -> dict[str, Stored]:
        """Weights (nA), contents (a row (cue, bit) for each bit) and time (ms)."""
        pairs = [(cue, bit) for cue, bits in self.contents.items() for bit in sorted(bits)]
        weights = {name: Stored(weight, "nA") for name, weight in self.weights.items()}
        return weights | {
            "contents": Stored(np.array(pairs, dtype=np.int64).reshape(-1, 2)),
            "time": Stored(np.array(self.time), "ms"),
        }

    @classmethod
    def restored(cls, arguments: Mapping[str, Any], arrays: h5py.Group) -> Self:
        """The memory with these weights, contents and time; see :meth:`arrays`."""
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
            The file can't be written.
        """
        return save(path, model=self, recording=self.recording if self._done else None)

    @checked
    def run(
        self, schedule: Schedule, *, safe: bool = True, progress: Progress = False
    ) -> list[Recall]:
        """Carry out operations in one simulation that goes on from where the last one stopped.

        All of them are carried out, or none: after an error or an interrupt the memory is as
        before.

        Parameters
        ----------
        schedule : iterable of operations
            ``at`` is in ms since the start of the memory (:attr:`time` is now).
        safe : bool
            False allows operations closer than is safe.
        progress : bool or callable
            As for :func:`spikemem.simulate`.

        Returns
        -------
        list of Recall
            One for each operation.
        """
        placed = self._place(schedule, self.time, safe)
        if not placed:
            return []
        if placed[0].start < self.time:
            raise DescriptionError(
                f"run: the first operation starts at {placed[0].start:g} ms, but the memory is "
                f"already at {self.time:g} ms."
            )
        session = self._live()
        inputs, windows = self._compile(placed)
        recording = session.run(
            placed[-1].end - self.time,
            inputs=inputs,
            enabled=windows,
            progress=progress,
            note=self._note(placed),
        )
        return self._decode(recording, placed)

    def _live(self) -> Session:
        if self._session is None:
            inputs, windows = self._compile([])
            network = self._network(inputs, self._kept.initial, windows)
            options = dict(self.options)
            if self.device is not None:
                names = list(self._kept.initial)
                network = self.device.apply(network, projections=names, time=None, seed=self.seed)
                learning = self.device.learning(names, self.seed)
                if learning is not None:
                    options["extensions"] = [*options.get("extensions", ()), learning]
            if "extensions" in options and self.backend != "brian2":
                raise UnsupportedError(
                    f"{type(self).__name__}: learning on a device needs backend 'brian2', which "
                    f"takes its code, got {self.backend!r}."
                )
            self._session = Session(
                network, backend=self.backend, integrator=self.integrator,
                start=self._kept.clock, **options,
            )  # fmt: skip
        return self._session

    @property
    def time(self) -> float:
        """Time simulated so far, ms."""
        return self._session.time if self._session else self._kept.clock

    @property
    def contents(self) -> dict[int, frozenset[int]]:
        """What each cue should hold, by the operations so far (not read from the weights)."""
        return contents_after(self._done, self._kept.held)

    @property
    def recording(self) -> Recording:
        """Everything recorded since the start of the memory.

        Raises
        ------
        DescriptionError
            Nothing has been run yet.
        """
        if self._session is None or not self._kept.n_done:
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
            As :func:`spikemem.plotting.raster`.

        Returns
        -------
        matplotlib.axes.Axes

        Raises
        ------
        DescriptionError
            Nothing has been run yet, an unknown population, or a window outside the recording.
        """
        from ...plotting import raster
        from .figures import named

        return raster(self.recording, populations, window, ax, marks=named(self._done))

    @property
    def weights(self) -> dict[str, NDArray[np.float64]]:
        """Weights of the plastic projections now, nA, each as a matrix (n_pre, n_post)."""
        initial = self._kept.initial
        now = self._session.weights if self._session else initial
        shapes = {name: first.shape for name, first in initial.items()}
        return {name: now[name].reshape(shape).copy() for name, shape in shapes.items()}

    def _set_weights(self, weights: Weights, w_max: float, placed: Sequence[Placed] = ()) -> None:
        """Check matrices of weights and let them count, with the operations that they stand for."""
        initial = self._kept.initial
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
        note = self._note(placed)._replace(base=(self.time, now))
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
        """Free the simulator; what was recorded stays."""
        if self._session:
            self._session.close()
