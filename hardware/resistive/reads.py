"""Read noise that is drawn anew whenever a spike reads a weight, on Brian2.

The reads of one step are independent, so that their sum at a cell has the variance
``sum of sd^2`` over the synapses that are read: one normal number for each cell and step gives
exactly the distribution of one number for each synapse.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import DescriptionError, UnsupportedError
from ...network import Network, Projection
from ...simulation import Session
from ...streams import Seed, stream
from ...support import UNSUPPORTED
from ...units import steps
from .kinds import to_kind, to_names
from .network import Written

__all__ = ["REDRAWN", "redraw_reads", "session"]

REDRAWN = "device noise redrawn at each read"
"""Name of the feature in :data:`spikemem.support.UNSUPPORTED`."""


def session(
    written: Written,
    time: Any = None,
    *,
    reads: str = "redrawn",
    seed: Seed = 0,
    backend: str = "brian2",
    **options: Any,
) -> Session:
    """A session of a network in devices.

    Parameters
    ----------
    written : Written
        The network in its arrays.
    time : float, optional
        Age of the arrays, s. Default: the first for which the device is calibrated.
    reads : {"redrawn", "frozen", "none"}
        Read noise drawn whenever a spike reads a weight ("brian2" only; static projections), once
        for the whole session, or not at all.
    seed : int or Generator
        Of the redrawn noise.
    backend, **options
        As :class:`spikemem.Session`.

    Raises
    ------
    UnsupportedError
        The backend can't draw noise anew at each read; the message says why.
    """
    to_kind(written, Written, "written")
    if not isinstance(reads, str) or reads not in ("redrawn", "frozen", "none"):
        raise DescriptionError(f"reads must be 'redrawn', 'frozen' or 'none', got {reads!r}.")
    if reads != "redrawn":
        network = written.network(time, draw=0 if reads == "frozen" else None)
        return Session(network, backend=backend, **options)
    reason = UNSUPPORTED.get((backend, REDRAWN)) if isinstance(backend, str) else None
    if reason:
        raise UnsupportedError(f"backend {backend!r}: {REDRAWN}: {reason}.")
    made = Session(written.network(time, draw=None), backend=backend, **options)
    redraw_reads(made, written, time, seed=seed)
    return made


def redraw_reads(
    session: Session,
    written: Written,
    time: Any = None,
    *,
    seed: Seed = 0,
    projections: Iterable[str] | None = None,
) -> None:
    """Add redrawn read noise to a session that has not run yet.

    Parameters
    ----------
    session : Session
        Of ``written.network(time, draw=None)`` on Brian2.
    written : Written
        The arrays.
    time : float, optional
        Their age, s.
    seed : int or Generator
        Of the noise.
    projections : sequence of str, optional
        Which of them. Default: all static ones that were written.

    Raises
    ------
    UnsupportedError
        Another backend, or a plastic projection.
    """
    to_kind(session, Session, "session")
    to_kind(written, Written, "written")
    simulator: Any = session.simulator
    model = getattr(simulator, "model", None)
    if model is None or not hasattr(simulator, "brian2_network"):
        raise UnsupportedError(
            f"backend {session.backend!r}: {REDRAWN}: its steps can't be entered; use 'brian2' "
            f"with target 'numpy' or 'cython'."
        )
    network = written.ideal
    names = to_names(projections, "projections") if projections is not None else _static(written)
    for name in names:
        if network.projection(name).plasticity is not None:
            raise UnsupportedError(
                f"projection {name!r}: {REDRAWN}: its conductances change during the run; "
                f"leave it out, its noise is then drawn once."
            )
    age = written.device.first_age if time is None else time
    late = session.integrator == "exact"
    noise = _Noise(network, written, names, age, model, stream(seed, "resistive", "reads"), late)
    simulator.brian2_network.add(noise.operation())
    simulator.snapshot()  # makes the code now, so that an error shows here


def _static(written: Written) -> list[str]:
    return [name for name in written.arrays if written.ideal.projection(name).plasticity is None]


class _Noise:
    """Ring buffers of variances (nA^2) for each cell and receptor."""

    def __init__(
        self,
        network: Network,
        written: Written,
        names: list[str],
        time: float,
        model: Any,
        rng: np.random.Generator,
        exact: bool,
    ) -> None:
        self.model, self.rng, self.exact = model, rng, exact
        self.rows: dict[bool, _Rows] = {}
        longest = 0
        for from_source in (False, True):
            chosen = [network.projection(name) for name in names]
            chosen = [p for p in chosen if network.population(p.pre).is_source == from_source]
            if chosen:
                self.rows[from_source] = _Rows(network, written, chosen, time, model.place)
                longest = max(longest, int(self.rows[from_source].delay.max(initial=0)))
        self.ring = np.zeros((longest + 2, 2, model.cells.N))
        self.step = 0

    def act(self) -> None:
        """Take in the spikes of this step, and hand out the noise that arrives."""
        for from_source, rows in self.rows.items():
            group = self.model.sources if from_source else self.model.cells
            space = group.variables["_spikespace"].get_value()
            fired = space[: space[-1]]
            if fired.size:
                rows.add(fired, self.ring, self.step)
        slot = self.ring[(self.step + (0 if self.exact else 1)) % len(self.ring)]
        for side, variance in zip("EI", slot, strict=True):
            cells = np.flatnonzero(variance)
            arriving = self.model.cells.variables[f"arriving_{side}"].get_value()
            arriving[cells] += np.sqrt(variance[cells]) * self.rng.standard_normal(cells.size)
        slot[:] = 0.0
        self.step += 1

    def operation(self) -> Any:
        """The Brian2 object that calls :meth:`act` after the deliveries of each step."""
        import brian2 as b2

        noise = self

        class Reads(b2.NetworkOperation):  # type: ignore[misc]
            def _full_state(self) -> Any:
                return noise.ring.copy(), noise.step, noise.rng.bit_generator.state

            def _restore_from_full_state(self, state: Any) -> None:
                noise.ring[:], noise.step, noise.rng.bit_generator.state = state

        return Reads(noise.act, clock=self.model.clock, when="synapses", order=1000)


class _Rows:
    """Synapses in order of their pre-synaptic cell, with the variance of a read of each."""

    def __init__(
        self,
        network: Network,
        written: Written,
        chosen: list[Projection],
        time: float,
        place: dict[str, slice],
    ) -> None:
        parts = [network.synapses(item.name) for item in chosen]
        i = np.concatenate([s.i + place[p.pre].start for s, p in zip(parts, chosen, strict=True)])
        j = np.concatenate([s.j + place[p.post].start for s, p in zip(parts, chosen, strict=True)])
        side = [np.full(s.i.size, p.receptor == "inhibitory", dtype=np.int64)
                for s, p in zip(parts, chosen, strict=True)]  # fmt: skip
        order = np.argsort(i, kind="stable")
        self.edges = np.concatenate([[0], np.cumsum(np.bincount(i))])
        self.j, self.side = j[order], np.concatenate(side)[order]
        self.delay = np.concatenate([steps(s.delay, network.dt) for s in parts])[order]
        sd = np.concatenate([written.arrays[p.name].weight_sd(time) for p in chosen])
        self.variance = (sd**2)[order]

    def add(self, fired: NDArray[Any], ring: NDArray[np.float64], step: int) -> None:
        """Add the variances of the synapses that these cells read to the slots of arrival."""
        fired = fired[fired < self.edges.size - 1]
        counts = self.edges[fired + 1] - self.edges[fired]
        shift = np.cumsum(counts) - counts
        at = np.arange(counts.sum()) + np.repeat(self.edges[fired] - shift, counts)
        slots = (step + self.delay[at]) % len(ring)
        np.add.at(ring, (slots, self.side[at], self.j[at]), self.variance[at])
