"""Finds the paths from spiking nodes through linear nodes and delays to neurons."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...errors import UnsupportedError
from ...network import Projection
from ...units import GRID, steps
from .common import alike, free_name, notes_of, position_of
from .linear import LINEAR, Sparse, Unfit, product
from .neurons import NEURONS, gain_of
from .wiring import Wiring

__all__ = ["projections"]

_MOST_PATHS = 100_000


@dataclass(frozen=True)
class _Path:
    """A path: the product of its linear nodes, and the delays (ms) before and after them."""

    pre: str
    post: str = ""
    linear: tuple[str, ...] = ()
    weight: Sparse | None = None
    before: Any = 0.0
    after: Any = 0.0


def projections(
    wiring: Wiring, spiking: Sequence[str], dt: float, problems: list[str]
) -> list[Projection]:
    """Return the projections of all paths between spiking nodes; add errors to `problems`."""
    return _Reader(wiring, dt, problems).projections(spiking)


@dataclass
class _Reader:
    wiring: Wiring
    dt: float
    problems: list[str]
    n_paths: int = 0
    gains: dict[str, Any] = field(default_factory=dict)

    def projections(self, spiking: Sequence[str]) -> list[Projection]:
        noted: dict[str, list[_Path]] = {}
        plain: list[_Path] = []
        for path in (path for name in spiking for path in self._paths(name)):
            name = self._notes(path).get("projection")
            noted.setdefault(name, []).append(path) if name else plain.append(path)
        if self.problems:
            return []
        order = sorted(noted, key=lambda name: position_of(self._node(noted[name][0].linear[0])))
        made = []
        for name in order:
            whole = self._as_noted(name, noted[name])
            if whole is not None:
                made.append(whole)
            else:
                plain += noted[name]
        taken = {item.name: item for item in made}
        for path in plain:
            for item in self._plain(path, taken):
                made.append(item)
                taken[item.name] = item
        return made

    def _node(self, name: str) -> Any:
        return self.wiring.flat.nodes[name]

    def _notes(self, path: _Path) -> dict[str, Any]:
        return notes_of(self._node(path.linear[0])) if len(path.linear) == 1 else {}

    def _paths(self, pre: str) -> Iterator[_Path]:
        stack = [(_Path(pre=pre), to) for to in reversed(self.wiring.after[pre])]
        while stack:
            path, at = stack.pop()
            self.n_paths += 1
            if self.n_paths > _MOST_PATHS:
                raise UnsupportedError(
                    f"from_nir: this graph cannot be read: it has more than {_MOST_PATHS} paths "
                    f"between its neurons."
                )
            if self.wiring.kind(at) in NEURONS:
                yield replace(path, post=at)
            elif self.wiring.between(at):
                try:
                    further = self._past(path, at)
                except Unfit as error:
                    self.problems.append(f"node {at!r} ({self.wiring.kind(at)}): {error}")
                    continue
                stack += [(further, to) for to in reversed(self.wiring.after[at])]

    def _past(self, path: _Path, at: str) -> _Path:
        """Return the path with one more node, which is not a neuron."""
        node, kind = self._node(at), self.wiring.kind(at)
        if kind == "Delay":
            delay = np.ravel(node.delay) * 1000.0
            if path.linear:
                return replace(path, after=path.after + delay)
            return replace(path, before=path.before + delay)
        if kind not in LINEAR or kind == "Flatten":
            return path
        if np.ptp(path.after) > 0:
            raise Unfit(
                "the delays before it differ between cells, and there are weights before them"
            )
        weight = self.wiring.matrix(at)
        if path.weight is not None:
            weight = product(weight, path.weight)
        return replace(path, linear=(*path.linear, at), weight=weight, after=np.max(path.after))

    def _gain(self, post: str) -> NDArray[np.float64]:
        """Return the increase of the current by a spike of weight 1, shape (n_post,)."""
        if post not in self.gains:
            gain = gain_of(self._node(post), self.dt)
            if not np.isfinite(gain).all():
                raise UnsupportedError(
                    f"from_nir: this graph cannot be read: node {post!r}: w_in / tau_syn is too "
                    f"large."
                )
            self.gains[post] = np.broadcast_to(gain, (self._size(post),))
        return np.asarray(self.gains[post])

    def _size(self, name: str) -> int:
        return math.prod(self.wiring.shape[name])

    def _as_noted(self, name: str, paths: Sequence[_Path]) -> Projection | None:
        """Return the exported projection with the present weights, or None if it was changed."""
        own = [self._notes(path) for path in paths]
        if len({(path.pre, path.post) for path in paths}) > 1:
            return None
        rows = np.concatenate([note["rows"] for note in own])
        i, j, delay, weight = np.zeros((4, rows.size))
        position = np.argsort(np.argsort(rows))
        sign = -1.0 if own[0]["receptor"] == "inhibitory" else 1.0
        start = 0
        for path, note in zip(paths, own, strict=True):
            here = position[start : start + note["rows"].size]
            start += note["rows"].size
            values = self._noted_weights(path, note, sign)
            if values is None or not alike(path.before, note["delay"]) or np.any(path.after):
                return None
            i[here], j[here], delay[here] = note["i"], note["j"], note["delay"]
            weight[here] = values
        whole = _rebuild(name, paths[0], own[0], i, j, weight, delay)
        n_pre, n_post = self._size(paths[0].pre), self._size(paths[0].post)
        if whole.n_synapses(n_pre, n_post) != i.size:
            return None
        made = whole.expand(n_pre, n_post)
        return whole if np.array_equal(made.i, i) and np.array_equal(made.j, j) else None

    def _noted_weights(
        self, path: _Path, note: Mapping[str, Any], sign: float
    ) -> NDArray[np.float64] | None:
        """Return the weights of the noted synapses.

        Return None if the matrix has other synapses, or weights of both signs.
        """
        assert path.weight is not None
        matrix = path.weight.tocoo()
        n_pre = matrix.shape[1]
        used = matrix.data != 0
        data = sign * self._gain(path.post)[matrix.row] * matrix.data
        wanted = np.asarray(note["j"], np.int64) * n_pre + np.asarray(note["i"], np.int64)
        there = matrix.row[used].astype(np.int64) * n_pre + matrix.col[used]
        if data.min(initial=0.0) < 0 or not np.isin(there, wanted).all():
            return None
        order = np.argsort(there)
        there, data = there[order], data[used][order]
        values = np.zeros(wanted.size)
        if there.size:
            index = np.minimum(np.searchsorted(there, wanted), there.size - 1)
            values = np.where(there[index] == wanted, data[index], 0.0)
        exact = np.asarray(note.get("weight", 0.0))
        if np.shape(exact) == values.shape and alike(exact, values):
            return exact.astype(np.float64)
        return values

    def _plain(self, path: _Path, taken: Mapping[str, Any]) -> Iterator[Projection]:
        """Yield a list projection of the nonzero weights, one for each sign."""
        name = path.linear[-1] if path.linear else f"{path.pre} to {path.post}"
        n_pre, n_post = self._size(path.pre), self._size(path.post)
        if path.weight is None:
            i = j = np.arange(n_post)
            values = np.ones(n_post)
        else:
            matrix = path.weight.tocoo()
            j, i, values = matrix.row, matrix.col, matrix.data
        values = values * self._gain(path.post)[j]
        if not np.isfinite(values).all():
            self.problems.append(f"node {name!r}: the weights overflow")
            return
        for receptor, sign in (("excitatory", 1.0), ("inhibitory", -1.0)):
            rows = np.flatnonzero(sign * values > 0)
            if not rows.size:
                continue
            mixed = sign < 0 < values.max()
            delay = np.broadcast_to(path.before, (n_pre,))[i[rows]]
            delay = delay + np.broadcast_to(path.after, (n_post,))[j[rows]]
            yield Projection(
                name=free_name(f"{name} inhibitory" if mixed else name, taken),
                pre=path.pre, post=path.post, i=i[rows], j=j[rows],
                weight=np.abs(values[rows]), delay=self._on_grid(name, delay),
                receptor=receptor,  # type: ignore[arg-type]
            )  # fmt: skip

    def _on_grid(self, name: str, delay: NDArray[np.float64]) -> NDArray[np.float64]:
        late = np.where(delay == 0, 1, steps(delay, self.dt))
        off = (np.abs(late * self.dt - delay) > GRID) & (delay != 0)
        if off.any():
            self.problems.append(
                f"node {name!r}: a delay of {delay[off][0]:g} ms is not a multiple of "
                f"dt={self.dt:g} ms"
            )
        return np.asarray(np.maximum(late, 1) * self.dt, np.float64)


def _rebuild(
    name: str, path: _Path, own: Mapping[str, Any], i: Any, j: Any, weight: Any, delay: Any
) -> Projection:
    """Return a projection with its exported connector."""
    if own["scalar_weight"] and np.all(weight == weight[0]):
        weight = float(weight[0])
    if own["scalar_delay"]:
        delay = float(delay[0])
    ends: dict[str, Any] = {"name": name, "pre": path.pre, "post": path.post}
    ends |= {"receptor": str(own["receptor"]), "tiles": int(own["tiles"])}
    if own["connector"] == "list":
        return Projection(**ends, i=i.astype(int), j=j.astype(int), weight=weight, delay=delay)
    return Projection(
        **ends,
        connector=str(own["connector"]),  # type: ignore[arg-type]
        allow_self=bool(own["allow_self"]),
        weight=weight,
        delay=delay,
    )
