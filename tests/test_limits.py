"""Sizes that the machine has no memory for are refused, with both numbers."""

from __future__ import annotations

import pytest

from spikemem import limits
from spikemem.errors import DescriptionError


def test_memory_is_that_of_the_machine(monkeypatch):
    monkeypatch.setattr(limits.os, "sysconf", {"SC_PHYS_PAGES": 512, "SC_PAGE_SIZE": 4096}.get)
    assert limits.machine_memory() == 2**21
    limits.require_memory(2**21, "tile: n", "Take fewer.")
    with pytest.raises(DescriptionError, match=r"^tile: n would take .*GiB.*Take fewer\.$"):
        limits.require_memory(2**21 + 1, "tile: n", "Take fewer.")
    with pytest.raises(DescriptionError, match="would take nan"):
        limits.require_memory(float("nan"), "tile: n", "Take fewer.")


def test_memory_of_an_unknown_system_is_not_limited(monkeypatch):
    def unknown(name):
        raise ValueError(name)

    monkeypatch.setattr(limits.os, "sysconf", unknown)
    limits.require_memory(1e300, "tile: n", "Take fewer.")
