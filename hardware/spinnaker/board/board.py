"""The board: its chips, the operations of the host on them, and the timer ticks."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from . import devices as d
from .core import Core
from .memory import CORES, ChipMemory
from .router import Destination, Table, destinations
from .running import MESSAGE, SENT_FULL, WAITING
from .status import BoardFault, CoreStatus, Signal, State

__all__ = ["SPIN5", "Board"]

_WIDTHS = ((0, 5), (0, 6), (0, 7), (0, 8), (1, 8), (2, 8), (3, 8), (4, 8))
SPIN5 = tuple((x, y) for y, (low, high) in enumerate(_WIDTHS) for x in range(low, high))
"""The 48 chips of a SpiNN-5 board."""

_STARTS = (Signal.SYNC0, Signal.SYNC1)
_WAITS = (State.SYNC0, State.SYNC1)
_COUNTS = ("ticks", "packets", "keys without a route", "instructions")
_ENDS_OF_STEP = 8
_MOST_ROUNDS = 10_000
_PROGRESS_EVERY = 20

CoreId = tuple[int, int, int]
"""Coordinates (x, y) of a chip, and the number p of a core on it."""


class Board:
    """A SpiNNaker board of emulated cores.

    The methods are the operations of a host on a board: reading and writing memory by chip and
    address, loading and signalling programs, setting routes, and sending messages to the mailboxes
    of cores.

    Parameters
    ----------
    machine_chips : iterable of (int, int), optional
        Coordinates (x, y) of the chips. Default: the 48 chips of a SpiNN-5 board. A chip is made
        when it is first used.
    seed : int, default 0
        Seed of the order in which the packets of a tick are delivered.

    Raises
    ------
    BackendMissing
        When a program is loaded, if Unicorn is not installed.
    """

    def __init__(
        self, machine_chips: Iterable[tuple[int, int]] | None = None, *, seed: int = 0
    ) -> None:
        self._chips = dict.fromkeys(SPIN5 if machine_chips is None else machine_chips)
        self._memories: dict[tuple[int, int], ChipMemory] = {}
        self._cores: dict[CoreId, Core] = {}
        self._running: list[CoreId] = []
        self._replies: list[bytes] = []
        self._order = random.Random(seed)
        self._destinations: dict[tuple[int, int, int], tuple[Destination, ...]] = {}
        self._tables: dict[tuple[int, int], Table] = {}
        self._waiting: dict[CoreId, Core] = {}
        self._packets: list[tuple[Core, CoreId, int, int | None]] = []
        self._counts = Counter[str]()
        self._seconds = 0.0

    def _memory(self, x: int, y: int) -> ChipMemory:
        memory = self._memories.get((x, y))
        if memory is None:
            if (x, y) not in self._chips:
                raise BoardFault(f"The board has no chip ({x}, {y}).")
            memory = self._memories[x, y] = ChipMemory(x, y)
        return memory

    # Memory
    def read(self, x: int, y: int, address: int, size: int) -> bytes:
        """Return `size` bytes of the chip's SDRAM or system RAM (variables, vcpu blocks, heaps)."""
        return self._memory(x, y).read(address, size)

    def write(self, x: int, y: int, address: int, data: bytes) -> None:
        """Write bytes to the chip's SDRAM or system RAM."""
        self._memory(x, y).write(address, data)

    def malloc_sdram(self, x: int, y: int, size: int, app_id: int, tag: int = 0) -> int:
        """Return the address of a block of SDRAM.

        The same `app_id`, `tag` and `size` return the same block.

        Raises
        ------
        BoardFault
            If the chip has no such block left, or the tag is in use with another size.
        """
        memory = self._memory(x, y)
        address = memory.heap.allocate(size, app_id, tag)
        if not address:
            raise BoardFault(
                f"Chip ({x}, {y}) has no block of {size} bytes of SDRAM (application {app_id}, tag "
                f"{tag}): its largest free block has {memory.heap.largest} bytes. Use smaller "
                "populations or fewer synapses and recordings a chip, or a shorter run."
            )
        return address

    def free_sdram(self, x: int, y: int, address: int) -> None:
        """Free one block of :meth:`malloc_sdram`."""
        self._memory(x, y).heap.free(address)

    # Programs
    def load(
        self, x: int, y: int, p: int, binary: bytes, app_id: int, *, wait: bool = False
    ) -> None:
        """Put an ``.aplx`` image on a core and start it, as the monitor's flood fill does.

        The four user words are not changed. With `wait` the core stays READY until the signal
        START (:meth:`signal`).

        Raises
        ------
        BoardFault
            If the image is damaged, or the chip has no such core.
        """
        if not 0 < p < CORES:
            raise BoardFault(
                f"Chip ({x}, {y}) has no core {p} for a program: it has 1 to {CORES - 1}."
            )
        memory = self._memory(x, y)
        self._drop((x, y, p))
        # A program first waits until SYNC0 clears its bit.
        memory.sync[0] |= np.uint32(1 << p)
        core = self._cores[x, y, p] = Core(memory, p, binary, app_id, waits=wait)
        self._go(core, (x, y, p), resume=True)
        self._settle()

    def _drop(self, core_id: CoreId) -> None:
        core = self._cores.pop(core_id, None)
        if core is not None:
            self._counts["instructions"] += core.instructions
            core.close()
        self._running = [other for other in self._running if other != core_id]
        self._waiting.pop(core_id, None)

    def signal(self, app_id: int, signal: int) -> None:
        """Send a signal (:class:`.status.Signal`) to an application.

        STOP removes its programs from the cores, and frees its memory and routes. SYNC0 and SYNC1
        start the cores that wait for them; :meth:`run` then runs them.
        """
        core_ids = self.cores(app_id)
        if signal == Signal.STOP:
            for core_id in core_ids:
                self._drop(core_id)
                self._memory(*core_id[:2]).clear_core(core_id[2])
            for memory in self._memories.values():
                memory.heap.free_application(app_id)
                memory.system_heap.free_application(app_id)
                memory.clear_routes(app_id)
            return
        if signal in _STARTS:
            self._running = [p for p in core_ids if self.state(*p) in _WAITS]
        for core_id in core_ids:
            self._signal_core(core_id, signal)
        self._settle()

    def _signal_core(self, core_id: CoreId, signal: int) -> None:
        core, memory, p = self._cores[core_id], self._memory(*core_id[:2]), core_id[2]
        if signal in _STARTS:
            bit = 1 << p
            memory.sync[0] = (int(memory.sync[0]) & ~bit) | (bit if signal == Signal.SYNC1 else 0)
        else:
            memory.signal(p, signal)
        core.raise_interrupt(d.MAILBOX_SOURCE)
        self._go(core, core_id)

    def state(self, x: int, y: int, p: int) -> State:
        """Return the state of one core."""
        return self._memory(x, y).state(p)

    def states(self, app_id: int) -> Counter[State]:
        """Return the number of an application's cores in each state."""
        return Counter(self.state(*core_id) for core_id in self.cores(app_id))

    def cores(self, app_id: int | None = None) -> list[CoreId]:
        """Return the cores that hold a program (of an application)."""
        return sorted(p for p, core in self._cores.items() if app_id in (None, core.app_id))

    def core_status(self, x: int, y: int, p: int) -> CoreStatus:
        """Return state, registers, user words, run-time error and printed text of one core."""
        return self._memory(x, y).status(p)

    def sdp(self, x: int, y: int, p: int, message: bytes) -> bytes | None:
        """Put an SDP message in a core's mailbox; return its answer, or None.

        A message is a header of 8 bytes followed by its data, without padding.
        """
        core = self._cores.get((x, y, p))
        if core is None or not self._memory(x, y).post(p, message):
            return None
        self._replies.clear()
        core.raise_interrupt(d.MAILBOX_SOURCE)
        self._go(core, (x, y, p))
        self._settle()
        return self._replies.pop(0) if self._replies else None

    # Routes, as (key, mask, route) with the six links in bits 0 to 5 and the core p in bit 6 + p
    def load_routes(
        self, x: int, y: int, routes: Sequence[tuple[int, int, int]], app_id: int
    ) -> None:
        """Add entries to the chip's table; raise BoardFault if it is full."""
        self._memory(x, y).add_routes(list(routes), app_id)

    def clear_routes(self, x: int, y: int, app_id: int | None = None) -> None:
        """Remove the entries of one application, or all entries."""
        self._memory(x, y).clear_routes(app_id)

    def routes(self, x: int, y: int, app_id: int | None = None) -> list[tuple[int, int, int]]:
        """Return the entries as (key, mask, route), in the table's order."""
        return [
            (key, mask, route)
            for _, app, route, key, mask in self._memory(x, y).routes()
            if app_id in (None, app)
        ]

    # Time
    def run(self, n_ticks: int | None = None, progress: Callable[[int], None] | None = None) -> int:
        """Run until every core that the last SYNC started has paused; return the number of ticks.

        Parameters
        ----------
        n_ticks : int, optional
            Largest number of ticks.
        progress : callable, optional
            Function that is called with the number of ticks done, every few ticks.

        Notes
        -----
        Ctrl-C stops between two ticks; memory can still be read.

        Raises
        ------
        BoardFault
            If a core ends with a run-time error, or never becomes idle.
        """
        self._tables.clear()
        self._destinations.clear()
        done, began = 0, time.perf_counter()
        try:
            self._settle()
            while self._active() and (n_ticks is None or done < n_ticks):
                self._tick()
                done += 1
                if progress is not None and done % _PROGRESS_EVERY == 0:
                    progress(done)
        finally:
            self._counts["ticks"] += done
            self._seconds += time.perf_counter() - began
        if progress is not None:
            progress(done)
        return done

    def _active(self) -> bool:
        """Tell whether a started core still runs; raise BoardFault if one has an error."""
        states = [(core_id, self.state(*core_id)) for core_id in self._running]
        for core_id, state in states:
            if state in (State.RUN_TIME_EXCEPTION, State.WATCHDOG):
                raise BoardFault(f"The program on {self.core_status(*core_id)}")
        return any(state is State.RUNNING for _, state in states)

    def _tick(self) -> None:
        """Send a timer interrupt to every started core, then deliver packets until none is left."""
        cores = [(core_id, self._cores[core_id]) for core_id in self._running]
        for _, core in cores:
            core.state[d.T1_COUNT] = core.state[d.T1_LOAD]
        for core_id, core in cores:
            if core.timer_runs:
                core.raise_interrupt(d.TIMER_SOURCE)
                self._go(core, core_id)
        self._settle()
        for _ in range(_ENDS_OF_STEP):
            if not self._waiting:
                return
            waiting, self._waiting = self._waiting, {}
            for core_id, core in waiting.items():
                core.state[d.T2_COUNT] = 0
                self._go(core, core_id, resume=True)
            self._settle()

    def _settle(self) -> None:
        """Deliver packets until none is left."""
        rounds = 0
        while self._packets:
            rounds += 1
            if rounds > _MOST_ROUNDS:
                keys = sorted({f"{key:#x}" for _, _, key, _ in self._packets})[:5]
                self._packets.clear()
                raise BoardFault(
                    "Packets trigger each other without end within one time step; among their "
                    f"keys: {', '.join(keys)}."
                )
            batch, self._packets = self._packets, []
            self._order.shuffle(batch)
            for core, core_id, key, payload in batch:
                core.offer_packet(key, payload)
                self._waiting.pop(core_id, None)
                self._go(core, core_id)

    def _go(self, core: Core, core_id: CoreId, resume: bool = False) -> None:
        """Run a core until it is idle or waits for the end of the step; take its packets."""
        while True:
            reason = core.go_on(resume)
            self._take_packets(core, core_id)
            if reason == MESSAGE:
                message = core.memory.collect(core.p)
                if message is not None:
                    self._replies.append(message)
            elif reason == WAITING:
                self._waiting[core_id] = core
                return
            elif reason != SENT_FULL:
                return
            resume = True

    def _take_packets(self, core: Core, core_id: CoreId) -> None:
        for key, payload in core.take_packets():
            self._counts["packets"] += 1
            for target in self._destinations_of(core_id[:2], key):
                receiver = self._cores.get(target)
                if receiver is not None:
                    self._packets.append((receiver, target, key, payload))

    def _destinations_of(self, chip: tuple[int, int], key: int) -> tuple[Destination, ...]:
        targets = self._destinations.get((*chip, key))
        if targets is None:
            targets, lost = destinations(chip, key, self._table, self._chips)
            self._destinations[*chip, key] = targets
            self._counts["keys without a route"] += lost
        return targets

    def _table(self, chip: tuple[int, int]) -> Table:
        table = self._tables.get(chip)
        if table is None:
            table = self._tables[chip] = self.routes(*chip) if chip in self._memories else []
        return table

    @property
    def statistics(self) -> dict[str, float]:
        """Number of cores, ticks, packets, keys without a route and instructions, and seconds."""
        counts = self._counts.copy()
        counts["instructions"] += sum(core.instructions for core in self._cores.values())
        return {
            "cores": len(self._cores),
            **{name: counts[name] for name in _COUNTS},
            "seconds": self._seconds,
        }

    def close(self) -> None:
        """Free the emulated processors and memories."""
        for core_id in list(self._cores):
            self._drop(core_id)
        self._memories.clear()
