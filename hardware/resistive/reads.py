"""Read noise that is drawn anew each time a spike reads a weight, on Brian2.

The reads of one step are independent, so that the variance of their sum at a cell is the sum of
the variances of the synapses that are read. One normal number for each cell and step therefore has
exactly the same distribution as one number for each synapse.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...checks import Choice, check_fields, checked
from ...errors import DescriptionError, UnsupportedError, unknown_name
from ...frozen import Frozen
from ...network import Network, Projection
from ...simulation import Session
from ...streams import Seed, stream
from ...support import UNSUPPORTED
from ...units import steps, to_tuple
from .kinds import Age, Names, to_number
from .writing import Written

__all__ = ["REDRAWN", "ReadNoise", "redraw_reads", "session"]

REDRAWN = "device noise redrawn at each read"
"""Name of the feature in :data:`spikemem.support.UNSUPPORTED`."""


@checked
def session(
    written: Written,
    time: Age | None = None,
    *,
    reads: Annotated[str, Choice("redrawn", "frozen", "none")] = "redrawn",
    seed: Seed = 0,
    backend: str = "brian2",
    **options: Any,
) -> Session:
    """Start a session of a network in devices.

    Parameters
    ----------
    written : Written
        The network in devices.
    time : float, optional
        Age of the arrays, s. Default: the first age for which the device is calibrated.
    reads : {"redrawn", "frozen", "none"}
        Read noise: drawn each time a spike reads a weight of a static projection (backend "brian2"
        only), drawn once for the whole session, or none.
    seed : int or Generator
        Seed of the redrawn noise.
    backend, **options
        See :class:`spikemem.Session`.

    Raises
    ------
    UnsupportedError
        If the backend cannot draw noise at each read. The message states the reason.
    """
    if reads != "redrawn":
        network = written.network(time, draw=0 if reads == "frozen" else None)
        return Session(network, backend=backend, **options)
    reason = UNSUPPORTED.get((backend, REDRAWN)) if isinstance(backend, str) else None
    if reason:
        raise UnsupportedError(f"backend {backend!r}: {REDRAWN}: {reason}.")
    if _static(written):
        noise = ReadNoise(written=written, time=time, seed=seed)
        options["extensions"] = (*to_tuple(options.get("extensions", ()), "extensions",
                                           "extensions"), noise)  # fmt: skip
    return Session(written.network(time, draw=None), backend=backend, **options)


@dataclass(frozen=True, kw_only=True, eq=False)
class ReadNoise(Frozen):
    """Extension of the backend "brian2": read noise drawn each time a spike reads a weight.

    Pass it together with the network without read noise:
    ``simulate(written.network(time, draw=None), extensions=[ReadNoise(written=written)])``, or use
    :func:`session`. It needs the target "numpy" or "cython".

    Parameters
    ----------
    written : Written
        The network in devices.
    time : float, optional
        Age of the arrays, s. Default: the first age for which the device is calibrated.
    projections : sequence of str, optional
        Names of static projections. Default: all static projections in devices.
    seed : int or Generator
        Seed of the noise.

    Raises
    ------
    DescriptionError
        If the age is outside the calibrated ages, a projection is unknown, or no static projection
        is in devices.
    UnsupportedError
        If a projection is plastic.
    """

    written: Written
    time: Age | None = None
    projections: Names | None = None
    seed: Seed = 0

    name: ClassVar[str] = REDRAWN

    def __post_init__(self) -> None:
        check_fields(self)
        device = self.written.device
        age = device.first_age if self.time is None else device.check_time(self.time)
        object.__setattr__(self, "time", age)
        object.__setattr__(self, "projections", self._names())
        object.__setattr__(self, "seed", to_number(self.seed))

    def _names(self) -> list[str]:
        if self.projections is None:
            names = _static(self.written)
            if not names:
                raise DescriptionError("ReadNoise: no static projection is in devices.")
            return names
        for name in self.projections:
            if self.written.ideal.projection(name).plasticity is not None:
                raise UnsupportedError(
                    f"projection {name!r}: {REDRAWN}: its conductances change during the run; "
                    f"leave it out, so that its noise is drawn once."
                )
            if name not in self.written.arrays:
                arrays = self.written.arrays
                raise DescriptionError(
                    f"ReadNoise: {unknown_name('projection in devices', name, arrays)}"
                )
        return list(self.projections)

    def hooks(self, context: Any) -> Any:
        """Return the changes to a session; see :class:`spikemem.backends.brian2.Extension`."""
        from ...backends.brian2 import Hooks

        names = list(self.projections or ())
        rng = stream(self.seed, "resistive", "reads")
        assert self.time is not None
        noise = _Noise(self.written, names, self.time, context, rng)
        return Hooks(projections=names, each_step=noise.act, state=[rng, noise.ring])


@checked
def redraw_reads(
    session: Session,
    written: Written,
    time: Age | None = None,
    *,
    seed: Seed = 0,
    projections: Names | None = None,
) -> None:
    """Add a :class:`ReadNoise` to a session that has not run yet.

    Parameters
    ----------
    session : Session
        Session of ``written.network(time, draw=None)`` on Brian2.
    written, time, seed, projections
        See :class:`ReadNoise`.

    Raises
    ------
    DescriptionError
        If a projection is unknown, or the session has run.
    UnsupportedError
        If the session has another backend, or a projection is plastic.
    """
    noise = ReadNoise(written=written, time=time, seed=seed, projections=projections)
    simulator: Any = session.simulator
    if getattr(simulator, "model", None) is None or not hasattr(simulator, "extend"):
        raise UnsupportedError(
            f"backend {session.backend!r}: {REDRAWN}: it cannot add noise within a step; use "
            f"backend 'brian2' with target 'numpy' or 'cython'."
        )
    simulator.extend(noise)


def _static(written: Written) -> list[str]:
    return [name for name in written.arrays if written.ideal.projection(name).plasticity is None]


class _Noise:
    """Ring buffers of variances (nA^2) for each cell and receptor."""

    def __init__(
        self,
        written: Written,
        names: list[str],
        time: float,
        context: Any,
        rng: np.random.Generator,
    ) -> None:
        self.rng, self.exact = rng, context.integrator == "exact"
        self.rows: dict[bool, _Rows] = {}
        network, longest = written.ideal, 0
        for from_source in (False, True):
            chosen = [network.projection(name) for name in names]
            chosen = [p for p in chosen if network.population(p.pre).is_source == from_source]
            if chosen:
                self.rows[from_source] = _Rows(network, written, chosen, time, context.slices)
                longest = max(longest, int(self.rows[from_source].delay.max(initial=0)))
        self.ring = np.zeros((longest + 2, 2, context.n_cells))

    def act(self, model: Any, step: int) -> None:
        """Add the variances of this step's spikes, and add the noise that arrives now."""
        for from_source, rows in self.rows.items():
            group = model.sources if from_source else model.cells
            space = group.variables["_spikespace"].get_value()
            fired = space[: space[-1]]
            if fired.size:
                rows.add(fired, self.ring, step)
        slot = self.ring[(step + (0 if self.exact else 1)) % len(self.ring)]
        for side, variance in zip("EI", slot, strict=True):
            cells = np.flatnonzero(variance)
            arriving = model.cells.variables[f"arriving_{side}"].get_value()
            arriving[cells] += np.sqrt(variance[cells]) * self.rng.standard_normal(cells.size)
        slot[:] = 0.0


class _Rows:
    """Synapses sorted by their pre-synaptic cell, with the variance of one read of each."""

    def __init__(
        self,
        network: Network,
        written: Written,
        chosen: list[Projection],
        time: float,
        slices: Mapping[str, slice],
    ) -> None:
        parts = [network.synapses(item.name) for item in chosen]
        i = np.concatenate([s.i + slices[p.pre].start for s, p in zip(parts, chosen, strict=True)])
        j = np.concatenate([s.j + slices[p.post].start for s, p in zip(parts, chosen, strict=True)])
        side = [np.full(s.i.size, p.receptor == "inhibitory", dtype=np.int64)
                for s, p in zip(parts, chosen, strict=True)]  # fmt: skip
        order = np.argsort(i, kind="stable")
        self.edges = np.concatenate([[0], np.cumsum(np.bincount(i))])
        self.j, self.side = j[order], np.concatenate(side)[order]
        self.delay = np.concatenate([steps(s.delay, network.dt) for s in parts])[order]
        sd = np.concatenate([written.arrays[p.name].weight_sd(time) for p in chosen])
        self.variance = (sd**2)[order]

    def add(self, fired: NDArray[Any], ring: NDArray[np.float64], step: int) -> None:
        """Add the variances of the synapses of cells that fired to their slots of arrival."""
        fired = fired[fired < self.edges.size - 1]
        counts = self.edges[fired + 1] - self.edges[fired]
        shift = np.cumsum(counts) - counts
        at = np.arange(counts.sum()) + np.repeat(self.edges[fired] - shift, counts)
        slots = (step + self.delay[at]) % len(ring)
        np.add.at(ring, (slots, self.side[at], self.j[at]), self.variance[at])
