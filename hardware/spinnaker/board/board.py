"""The board: chips side by side, what the host does to them, and the ticks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from .status import CoreStatus, State

__all__ = ["Board"]


class Board:
    """A SpiNNaker board of emulated cores.

    What a host can do to a board is a method here: memory is read and written by chip and address, programs are
    loaded and signalled, routes are set, messages go to a core's mailbox.

    Parameters
    ----------
    machine_chips : iterable of (int, int), optional
        Chips by (x, y): by default the 48 chips of a SpiNN-5 board. A chip is made when it is first used.
    seed : int, default 0
        Seed of the order in which the packets of a tick are delivered.
    """

    def __init__(
        self, machine_chips: Iterable[tuple[int, int]] | None = None, *, seed: int = 0
    ) -> None:
        raise NotImplementedError

    # memory
    def read(self, x: int, y: int, address: int, size: int) -> bytes:
        """Return ``size`` bytes of the chip's SDRAM or system RAM (system variables, vcpu blocks, heaps)."""
        raise NotImplementedError

    def write(self, x: int, y: int, address: int, data: bytes) -> None:
        """Write bytes to the chip's SDRAM or system RAM."""
        raise NotImplementedError

    def malloc_sdram(self, x: int, y: int, size: int, app_id: int, tag: int = 0) -> int:
        """Return the address of a block of SDRAM; the same (app_id, tag, size) gives the same block.

        Raises
        ------
        BoardFault
            If the chip has no such block left, or the tag is in use with another size.
        """
        raise NotImplementedError

    def free_sdram(self, x: int, y: int, address: int) -> None:
        """Free one block of :meth:`malloc_sdram`."""
        raise NotImplementedError

    # programs
    def load(
        self, x: int, y: int, p: int, binary: bytes, app_id: int, *, wait: bool = False
    ) -> None:
        """Put an ``.aplx`` image on a core and start it, as the monitor's flood fill does.

        Its USER words must not be lost: they are those written before. With ``wait`` it stays READY until :meth:`signal` START.
        """
        raise NotImplementedError

    def signal(self, app_id: int, signal: int) -> None:
        """Send one of :class:`.status.Signal`; STOP frees memory, routes and cores of that application."""
        raise NotImplementedError

    def state(self, x: int, y: int, p: int) -> State:
        """State of one core."""
        raise NotImplementedError

    def states(self, app_id: int) -> Counter[State]:
        """How many cores of an application are in each state."""
        raise NotImplementedError

    def cores(self, app_id: int | None = None) -> list[tuple[int, int, int]]:
        """Cores that hold a program (of that application)."""
        raise NotImplementedError

    def core_status(self, x: int, y: int, p: int) -> CoreStatus:
        """State, registers, user words, run-time error and iobuf text of one core."""
        raise NotImplementedError

    def sdp(self, x: int, y: int, p: int, message: bytes) -> bytes | None:
        """Put an SDP message (8 bytes of header, then its data, no padding) in a core's mailbox; return its answer."""
        raise NotImplementedError

    # routes: as (key, mask, route) with the six links in bits 0 to 5 and the core p in bit 6 + p
    def load_routes(
        self, x: int, y: int, routes: Sequence[tuple[int, int, int]], app_id: int
    ) -> None:
        """Add entries to the chip's table."""
        raise NotImplementedError

    def clear_routes(self, x: int, y: int, app_id: int | None = None) -> None:
        """Remove the entries of one application, or all."""
        raise NotImplementedError

    def routes(self, x: int, y: int, app_id: int | None = None) -> list[tuple[int, int, int]]:
        """Entries as (key, mask, route), in the table's order."""
        raise NotImplementedError

    # time
    def run(self, n_ticks: int | None = None, progress: Callable[[int], None] | None = None) -> int:
        """Run until no core that the last SYNC started is running, at most ``n_ticks``; return the ticks run.

        ``progress`` is called with the ticks done, now and then. Ctrl-C stops between two ticks: memory stays readable.

        Raises
        ------
        BoardFault
            If a core ends with a run-time error, or never comes to rest.
        """
        raise NotImplementedError

    @property
    def statistics(self) -> dict[str, float]:
        """Ticks, packets, dropped packets, instructions (where counted) and seconds so far."""
        raise NotImplementedError

    def close(self) -> None:
        """Free the emulated processors and memories."""
        raise NotImplementedError
