"""A heap of a chip: a list of blocks in the chip's memory, which programs also change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

__all__ = ["Heap", "Words"]

_USED = 0xFFFF0000
_HEAD, _BLOCK = 16, 8


class Words(Protocol):
    """Memory that is read and written by address."""

    def word(self, address: int) -> int:
        """Return one word."""

    def get(self, address: int, form: str) -> tuple[int, ...]:
        """Return numbers in a format of :mod:`struct`."""

    def put(self, address: int, form: str, *values: int) -> None:
        """Write numbers in a format of :mod:`struct`."""


class Heap:
    """A first-fit heap: a head of four words, and blocks that start with two words.

    The head holds the addresses of the first free block, the first block and the last block, and
    the number of free bytes. A block holds the address of the next block, and the next free block
    or, if it is in use, its application and tag.

    Parameters
    ----------
    memory : Words
        Memory of the chip.
    base, end : int
        Start and end address of the heap.
    tags : int
        Address of the chip's table of tagged blocks.
    """

    def __init__(self, memory: Words, base: int, end: int, tags: int) -> None:
        self.memory, self.base, self._tags = memory, base, tags
        first, last = base + _HEAD, end - _BLOCK
        memory.put(base, "<4I", first, first, last, last - first - _BLOCK)
        memory.put(first, "<2I", last, 0)
        memory.put(last, "<2I", 0, 0)

    def blocks(self) -> Iterator[tuple[int, int, int]]:
        """Yield the address, the next block and the second word of every block."""
        at = self.memory.word(self.base + 4)
        while at:
            after, free = self.memory.get(at, "<2I")
            if after:
                yield at, after, free
            at = after

    @property
    def largest(self) -> int:
        """Size of the largest free block, bytes."""
        sizes = [after - at - _BLOCK for at, after, free in self.blocks() if free < _USED]
        return max(sizes, default=0)

    def allocate(self, size: int, app_id: int, tag: int) -> int:
        """Allocate a block and return its address.

        Return 0 if there is no room, or if the tag is in use with another size.
        """
        m, size = self.memory, max(4, -(-size // 4) * 4)
        entry = self._tags + 4 * (app_id << 8 | tag)
        if tag and (held := m.word(entry)):
            return held if m.word(held - _BLOCK) - held == size else 0
        need, before, at = size + _BLOCK, 0, m.word(self.base)
        while at:
            after, free = m.get(at, "<2I")
            if after - at >= need:
                break
            before, at = at, free
        if not at:
            return 0
        if after - at > need + _BLOCK:
            rest = at + need
            m.put(rest, "<2I", after, free)
            after, free = rest, rest
        m.put(before + 4 if before else self.base, "<I", free)
        m.put(at, "<2I", after, _USED | app_id << 8 | tag)
        m.put(self.base + 12, "<I", m.word(self.base + 12) - (after - at))
        if tag:
            m.put(entry, "<I", at + _BLOCK)
        return at + _BLOCK

    def free(self, address: int) -> None:
        """Free one block."""
        self._free([address - _BLOCK])

    def free_application(self, app_id: int) -> None:
        """Free every block of an application."""
        self._free([at for at, _, w in self.blocks() if w >= _USED and w >> 8 & 0xFF == app_id])

    def _free(self, addresses: list[int]) -> None:
        """Free blocks, and merge adjacent free blocks."""
        m, gone = self.memory, set(addresses)
        kept: list[list[int]] = []  # Address, next block, second word (0: free).
        for at, after, word in self.blocks():
            free = word < _USED or at in gone
            if at in gone and word & 0xFF:
                m.put(self._tags + 4 * (word & 0xFFFF), "<I", 0)
            if free and kept and not kept[-1][2]:
                kept[-1][1] = after
            else:
                kept.append([at, after, 0 if free else word])
        following, total = 0, 0
        for at, after, word in reversed(kept):
            m.put(at, "<2I", after, word or following)
            if not word:
                following, total = at, total + after - at - _BLOCK
        m.put(self.base, "<I", following)
        m.put(self.base + 12, "<I", total)
