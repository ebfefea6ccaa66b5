"""Connections of a flat graph: shapes of the signals, and their constant parts."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .flattening import Flat
from .linear import LINEAR, Shape, Sparse, Unfit, bias_of, matrix_of, output_shape, whole_numbers
from .neurons import NEURONS

__all__ = ["READABLE", "Wiring"]

READABLE = (*NEURONS, *LINEAR, "Delay", "Input", "Output", "NIRGraph")
"""Types of nodes that can be read."""

_ENDS = ("Input", "Output")


@dataclass
class Wiring:
    """A flat graph of readable nodes.

    Attributes
    ----------
    after, before : dict of str to list of str
        Nodes that follow and precede each node.
    arrives, shape : dict of str to tuple of int
        Shape of the input and of the output of each node.
    constant : dict of str to array of shape (n_in,)
        Constant part of the input of a node, which comes from biases; only where it is not 0.
    problems : list of str
        One sentence for each problem.
    """

    flat: Flat
    problems: list[str]
    after: dict[str, list[str]] = field(default_factory=dict)
    before: dict[str, list[str]] = field(default_factory=dict)
    arrives: dict[str, Shape] = field(default_factory=dict)
    shape: dict[str, Shape] = field(default_factory=dict)
    constant: dict[str, Any] = field(default_factory=dict)
    _matrices: dict[str, Sparse] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.after = {name: [] for name in self.flat.nodes}
        self.before = {name: [] for name in self.flat.nodes}
        for start, stop in self.flat.edges:
            self.after[start].append(stop)
            self.before[stop].append(start)
        for step in (self._check_ends, self._find_cycles, self._find_shapes, self._find_constants):
            if not self.problems:
                step()

    def kind(self, name: str) -> str:
        """Return the type of a node."""
        return type(self.flat.nodes[name]).__name__

    def between(self, name: str) -> bool:
        """Tell whether a node is neither a neuron nor an ``Input`` or ``Output``."""
        return self.kind(name) not in (*NEURONS, *_ENDS)

    def matrix(self, name: str) -> Sparse:
        """Return the matrix of a linear node."""
        if name not in self._matrices:
            self._matrices[name] = matrix_of(self.flat.nodes[name], self.arrives[name])
        return self._matrices[name]

    def _check_ends(self) -> None:
        for name in self.flat.nodes:
            where, kind = f"node {name!r}", self.kind(name)
            if kind == "Input" and self.before[name]:
                self.problems.append(f"{where}: an edge leads into an Input")
            if kind == "Output" and self.after[name]:
                self.problems.append(f"{where}: an edge leads on from an Output")
            if not self.between(name):
                continue
            if not self.before[name]:
                self.problems.append(f"{where}: {kind} is not connected: no edge leads to it")
            if not self.after[name]:
                self.problems.append(f"{where}: {kind} is not connected: no edge leads on from it")
            for to in self.after[name]:
                if self.kind(to) == "Output":
                    self.problems.append(
                        f"{where}: {kind} leads to the Output {to!r}, but a network records only "
                        f"spikes of cells; end the graph at the neuron before it"
                    )

    def _order(self) -> list[str]:
        """Return the nodes between neurons, each after its predecessors; cycles are left out."""
        waiting = {
            name: sum(self.between(one) for one in self.before[name])
            for name in self.flat.nodes
            if self.between(name)
        }
        ready = [name for name, count in waiting.items() if not count]
        order: list[str] = []
        while ready:
            order.append(ready.pop())
            for to in filter(self.between, self.after[order[-1]]):
                waiting[to] -= 1
                if not waiting[to]:
                    ready.append(to)
        return order

    def _find_cycles(self) -> None:
        rest = dict.fromkeys(name for name in self.flat.nodes if self.between(name))
        for name in self._order():
            del rest[name]
        if not rest:
            return
        # Each remaining node has a remaining predecessor, so that a walk backwards repeats a node.
        trail = [next(iter(rest))]
        while trail[-1] not in trail[:-1]:
            trail.append(next(one for one in self.before[trail[-1]] if one in rest))
        cycle = trail[trail.index(trail[-1]) :][::-1]
        self.problems.append(
            f"node {cycle[0]!r}: a signal returns to it without passing a neuron: "
            f"{' -> '.join(cycle)}"
        )

    def _find_shapes(self) -> None:
        """Find all shapes, from the inputs and from neurons that state their own shape."""
        ready: list[str] = []
        for name, node in self.flat.nodes.items():
            if self.kind(name) == "Input":
                self._say(name, np.ravel(node.input_type["input"]), ready)
            elif self.kind(name) in NEURONS and np.size(node.v_threshold) > 1:
                self._say(name, np.shape(node.v_threshold), ready)
        self._flow(ready)
        for name, node in self.flat.nodes.items():
            if name not in self.shape and self.kind(name) in NEURONS:
                self._say(name, np.shape(node.v_threshold) or (1,), ready)
                self._flow(ready)
        if not self.problems:
            for start, stop in self.flat.edges:
                self._check_edge(start, stop)

    def _say(self, name: str, shape: Any, ready: list[str]) -> None:
        self.shape[name] = tuple(int(x) for x in shape)
        ready.append(name)

    def _flow(self, ready: list[str]) -> None:
        while ready:
            start = ready.pop()
            for to in self.after[start]:
                if to in self.arrives:
                    continue
                self.arrives[to] = self.shape[start]
                if to not in self.shape:
                    shape = self._made_by(to, self.shape[start])
                    if shape is not None:
                        self._say(to, shape, ready)

    def _made_by(self, name: str, shape: Shape) -> Shape | None:
        node, kind = self.flat.nodes[name], self.kind(name)
        if kind not in LINEAR:
            return shape
        try:
            input_shape = getattr(node, "input_shape", None)
            if input_shape is not None and len(shape) == 1:
                # The signals are flat, as from a neuron whose parameters are flat.
                weight, (groups,) = (
                    np.asarray(node.weight),
                    whole_numbers(node.groups, 1, "groups", 1),
                )
                sizes = whole_numbers(input_shape, max(weight.ndim - 2, 1), "input_shape", 1)
                whole = (weight.shape[1] * groups if weight.ndim > 1 else 1, *sizes)
                shape = whole if math.prod(whole) == shape[0] else shape
                self.arrives[name] = shape
            return output_shape(node, shape)
        except Unfit as error:
            self.problems.append(f"node {name!r} ({kind}): {error}")
            return None

    def _check_edge(self, start: str, stop: str) -> None:
        sent, node = math.prod(self.shape[start]), self.flat.nodes[stop]
        taken = math.prod(self.arrives[stop])
        kind = self.kind(stop)
        if kind in NEURONS:
            taken = math.prod(self.shape[stop])
        if kind == "Delay" and np.size(node.delay) not in (1, sent):
            self.problems.append(
                f"node {stop!r}: it has {np.size(node.delay)} delays for {sent} signals from "
                f"{start!r}"
            )
        elif kind != "Output" and (sent != taken or self._turned(start, stop)):
            self.problems.append(
                f"from node {start!r} to {stop!r}: {sent} signals are sent, of shape "
                f"{self.shape[start]}, but {taken} are taken"
                + (f", of shape {self.shape[stop]}" if kind in NEURONS else "")
            )

    def _turned(self, start: str, stop: str) -> bool:
        """Tell whether a neuron and its input have different shapes of more than one axis."""
        if self.kind(stop) not in NEURONS:
            return False
        shapes = [tuple(x for x in self.shape[end] if x != 1) for end in (start, stop)]
        return shapes[0] != shapes[1] and min(map(len, shapes)) > 1

    def _find_constants(self) -> None:
        made: dict[str, Any] = {}
        try:
            for name in self._order():
                constant = self._sum(name, made)
                node = self.flat.nodes[name]
                if self.kind(name) in LINEAR:
                    if constant is not None:
                        constant = self.matrix(name) @ constant
                    bias = bias_of(node, self.arrives[name])
                    constant = (
                        bias if constant is None else constant + (0.0 if bias is None else bias)
                    )
                if constant is not None:
                    made[name] = constant
        except Unfit as error:
            self.problems.append(f"node {name!r} ({self.kind(name)}): {error}")
        for name in self.flat.nodes:
            if self.kind(name) in NEURONS:
                constant = self._sum(name, made)
                if constant is not None:
                    self.constant[name] = constant

    def _sum(self, name: str, made: dict[str, Any]) -> Any:
        parts = [made[one] for one in self.before[name] if one in made]
        return sum(parts[1:], start=parts[0]) if parts else None
