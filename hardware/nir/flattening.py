"""Flattens graphs inside graphs: the node ``lif`` of a graph ``rnn`` becomes ``rnn.lif``."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ...errors import UnsupportedError
from .common import free_name

__all__ = ["Flat", "flatten"]

_DEEPEST = 50
_MOST_EDGES = 10**6


@dataclass
class Flat:
    """A graph without graphs inside."""

    nodes: dict[str, Any]
    edges: list[tuple[str, str]]


def flatten(nir: Any, graph: Any, depth: int = 0, where: str = "") -> Flat:
    """Return a graph in which the nodes of inner graphs replace these graphs.

    Raises
    ------
    UnsupportedError
        If an edge names a node that does not exist, or an inner graph does not have exactly one
        ``Input`` or ``Output`` where its edges need one.
    """
    edges = list(dict.fromkeys((str(start), str(stop)) for start, stop in graph.edges))
    strangers = sorted({end for edge in edges for end in edge} - set(graph.nodes))
    if strangers:
        inside = f" of {where!r}" if where else ""
        raise _refused(f"edges{inside} name nodes that it does not have: {', '.join(strangers)}")
    if depth > _DEEPEST:
        raise _refused(f"graphs are nested more than {_DEEPEST} levels deep")
    nodes = {name: node for name, node in graph.nodes.items() if not isinstance(node, nir.NIRGraph)}
    for name, node in graph.nodes.items():
        if isinstance(node, nir.NIRGraph):
            inner = flatten(nir, node, depth + 1, f"{where}.{name}" if where else name)
            edges = _insert(nir, name, inner, nodes, edges)
    return Flat(nodes, edges)


def _refused(reason: str) -> UnsupportedError:
    return UnsupportedError(f"from_nir: this graph cannot be read: {reason}.")


def _insert(
    nir: Any, name: str, inner: Flat, nodes: dict[str, Any], edges: list[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Add an inner graph to `nodes`; return the edges of both without its Input and Output."""
    names: dict[str, str] = {}
    for own, node in inner.nodes.items():
        names[own] = free_name(f"{name}.{own}", nodes)
        nodes[names[own]] = node
    doors = {}
    for kind, used in (("Input", 1), ("Output", 0)):
        ends = [own for own, node in inner.nodes.items() if isinstance(node, getattr(nir, kind))]
        if len(ends) != 1 and (len(ends) > 1 or any(edge[used] == name for edge in edges)):
            raise _refused(
                f"node {name!r} is a graph with {len(ends)} {kind} nodes; it must have 1"
            )
        doors[kind] = names[ends[0]] if ends else ""
    edges = [
        (doors["Output"] if start == name else start, doors["Input"] if stop == name else stop)
        for start, stop in edges
    ]
    edges += [(names[start], names[stop]) for start, stop in inner.edges]
    for door in filter(None, doors.values()):
        edges = _without(door, edges)
        del nodes[door]
    return edges


def _without(door: str, edges: list[tuple[str, str]]) -> list[tuple[str, str]]:
    before = [start for start, stop in edges if stop == door and start != door]
    after = [stop for start, stop in edges if start == door and stop != door]
    if len(before) * len(after) > _MOST_EDGES:
        raise _refused(f"node {door!r} connects {len(before)} x {len(after)} nodes")
    rest = [edge for edge in edges if door not in edge]
    return list(dict.fromkeys([*rest, *((start, stop) for start in before for stop in after)]))
