"""Follows multicast packets through the routing tables of the chips."""

from __future__ import annotations

from collections.abc import Callable, Mapping

__all__ = ["LINKS", "Destination", "destinations"]

LINKS = ((1, 0), (1, 1), (0, 1), (-1, 0), (-1, -1), (0, -1))
"""Steps in (x, y) of the six links: east, north-east, north, west, south-west, south."""

Destination = tuple[int, int, int]
Table = list[tuple[int, int, int]]
"""Rows (key, mask, route); bits 0 to 5 are links, bit 6 + p is core p; the first match counts."""

_CORES = 18
_MOST = 1000


def _match(table: Table, key: int) -> int | None:
    return next((route for k, mask, route in table if key & mask == k), None)


def destinations(
    source: tuple[int, int],
    key: int,
    table: Callable[[tuple[int, int]], Table],
    chips: Mapping[tuple[int, int], object],
) -> tuple[tuple[Destination, ...], bool]:
    """Return the cores that a packet from a chip reaches, and whether it is lost somewhere.

    On a chip without a matching row an arriving packet goes straight on, and a packet that starts
    there is lost. A packet that leaves the board is also lost.
    """
    out: list[Destination] = []
    lost = False
    arrivals: list[tuple[tuple[int, int], int | None]] = [(source, None)]
    for chip, arrived in arrivals:
        route = _match(table(chip), key)
        if route is None:
            if arrived is None:
                lost = True
                continue
            route = 1 << arrived
        out += [(*chip, p) for p in range(_CORES) if route >> (6 + p) & 1]
        for link, (dx, dy) in enumerate(LINKS):
            if route >> link & 1:
                following = (chip[0] + dx, chip[1] + dy)
                if following in chips and len(arrivals) < _MOST:
                    arrivals.append((following, link))
                else:
                    lost = True
    return tuple(out), lost
