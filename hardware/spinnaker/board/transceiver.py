"""Replaces sPyNNaker's transceiver: performs its operations on the board in software."""

from __future__ import annotations

import struct
from collections.abc import Callable, Collection, Iterable
from pathlib import Path
from typing import Any, BinaryIO

from spinn_machine import CoreSubsets, Machine, MulticastRoutingEntry, RoutingEntry
from spinn_machine.tags import AbstractTag, IPTag, ReverseIPTag
from spinn_machine.virtual_machine import virtual_machine_generator
from spinnman.constants import CPU_USER_OFFSET, CPU_USER_START_ADDRESS
from spinnman.data import SpiNNManDataView
from spinnman.exceptions import SpiNNManCoresNotInStateException
from spinnman.messages.scp.enums import Signal as HostSignal
from spinnman.model import CPUInfos, IOBuffer, RouterDiagnostics
from spinnman.model.enums import (
    SDP_PORTS,
    SDP_RUNNING_MESSAGE_CODES,
    CPUState,
    UserRegister,
)
from spinnman.processes import (
    GetCPUInfoProcess,
    GetExcludeCPUInfoProcess,
    GetIncludeCPUInfoProcess,
    ReadIOBufProcess,
)
from spinnman.transceiver.mockable_transceiver import MockableTransceiver
from spinnman.utilities.utility_functions import get_vcpu_address
from typing_extensions import override

from .board import Board
from .scp import Line, Selector
from .status import BoardFault, Signal, State

__all__ = ["BoardTransceiver"]

_IOBUF_SIZE = 0xF5007F50
_SDP = struct.Struct("<8B")
_SYNC = (HostSignal.SYNC0, HostSignal.SYNC1)
_CORES = 18


class BoardTransceiver(MockableTransceiver):
    """A transceiver for a board in software.

    sPyNNaker documents the methods of its transceiver.

    Parameters
    ----------
    board : Board
        Board on which it operates.
    progress : callable
        Function that is called with the number of ticks done, and the number of ticks of this part
        of a run (0: unknown).

    Attributes
    ----------
    used : set of (int, int, int)
        Chip and core of every program that has run.
    """

    def __init__(self, board: Board, progress: Callable[[int, int], None]) -> None:
        super().__init__()
        self.board = board
        self._progress = progress
        self.used: set[tuple[int, int, int]] = set()
        self._selector: Any = Selector(Line(board))
        self._tags: dict[tuple[str | None, int], AbstractTag] = {}
        self._fixed: dict[tuple[int, int], RoutingEntry] = {}

    @override
    def __str__(self) -> str:
        return "transceiver of a board in software"

    # Machine
    @override
    def discover_scamp_connections(self) -> None:
        """Do nothing: there is only one connection."""

    @override
    def get_machine_details(self) -> Machine:
        machine = virtual_machine_generator()
        boards = len(list(machine.ethernet_connected_chips))
        if boards > 1:
            raise BoardFault(
                f"the network needs a machine of {boards} boards, but only one board of 48 chips "
                f"is modelled; put more neurons on each core, or make the network smaller."
            )
        cores = bytes(range(_CORES))
        SpiNNManDataView.set_v_to_p_map(dict.fromkeys(machine.chip_coordinates, cores))
        return machine

    @override
    def reset_routing(self) -> None:
        self.clear_multicast_routes()

    @override
    def get_scamp_connection_selector(self) -> Any:
        return self._selector

    @property
    @override
    def scamp_connection_selector(self) -> Any:
        return self._selector

    @property
    @override
    def bmp_selector(self) -> None:
        return None

    @override
    def get_clock_drift(self, x: int, y: int) -> float:
        return 0.0

    # Memory
    @override
    def write_memory(
        self,
        x: int,
        y: int,
        base_address: int,
        data: BinaryIO | bytes | int | str,
        *,
        n_bytes: int | None = None,
        offset: int = 0,
        cpu: int = 0,
        get_sum: bool = False,
    ) -> tuple[int, int]:
        content = _content(data, n_bytes, offset)
        self.board.write(x, y, base_address, content)
        return len(content), _sum(content) if get_sum else 0

    @override
    def read_memory(
        self, x: int, y: int, base_address: int, length: int, cpu: int = 0
    ) -> bytearray:
        return bytearray(self.board.read(x, y, base_address, length))

    @override
    def read_word(self, x: int, y: int, base_address: int, cpu: int = 0) -> int:
        return int.from_bytes(self.board.read(x, y, base_address, 4), "little")

    @override
    def write_user(self, x: int, y: int, p: int, user: UserRegister, value: int) -> None:
        self.board.write(x, y, _user(p, user), int(value).to_bytes(4, "little"))

    @override
    def write_user_many(
        self,
        values: list[tuple[int, int, int, UserRegister, int]],
        description: str | None = None,
    ) -> None:
        for x, y, p, user, value in values:
            self.write_user(x, y, p, user, value)

    @override
    def read_user(self, x: int, y: int, p: int, user: UserRegister) -> int:
        return self.read_word(x, y, _user(p, user))

    @override
    def get_region_base_address(self, x: int, y: int, p: int) -> int:
        return self.read_user(x, y, p, UserRegister.USER_0)

    @override
    def malloc_sdram(self, x: int, y: int, size: int, app_id: int, tag: int = 0) -> int:
        return self.board.malloc_sdram(x, y, size, app_id, tag)

    @override
    def malloc_sdram_multi(self, allocations: list[tuple[int, int, int, int, int]]) -> list[int]:
        return [self.malloc_sdram(*allocation) for allocation in allocations]

    # Programs
    @override
    def execute_flood(
        self,
        core_subsets: CoreSubsets,
        executable: BinaryIO | bytes | str,
        app_id: int,
        *,
        n_bytes: int | None = None,
        wait: bool = False,
    ) -> None:
        binary = _content(executable, n_bytes, 0)
        for x, y, p in _cores(core_subsets):
            self.board.load(x, y, p, binary, app_id, wait=wait)

    @override
    def send_signal(self, app_id: int, signal: HostSignal) -> None:
        self.board.signal(app_id, Signal(signal.value))
        if signal in _SYNC:
            self.used.update(self.board.cores(app_id))
            self._run()

    def _run(self) -> None:
        # This is imported here because it is not part of spinnman and must be set up first.
        from spinn_front_end_common.data import FecDataView

        stop = FecDataView.get_current_run_timesteps()
        length = 0 if stop is None else stop - FecDataView.get_first_machine_time_step()
        self.board.run(None, lambda ticks: self._progress(ticks, length))

    @override
    def stop_application(self, app_id: int) -> None:
        self.board.signal(app_id, Signal.STOP)

    @override
    def get_core_state_count(
        self, app_id: int, state: CPUState, xys: Iterable[tuple[int, int]] | None = None
    ) -> int:
        return self.board.states(app_id)[State(state.value)]

    @override
    def get_cpu_infos(
        self,
        core_subsets: CoreSubsets | None = None,
        states: CPUState | Iterable[CPUState] | None = None,
        include: bool = True,
    ) -> CPUInfos:
        process: GetCPUInfoProcess
        if states is None:
            process = GetCPUInfoProcess(self._selector)
        else:
            kind = GetIncludeCPUInfoProcess if include else GetExcludeCPUInfoProcess
            process = kind(self._selector, _states(states))
        return process.get_cpu_info(core_subsets or self._loaded())

    def _loaded(self) -> CoreSubsets:
        subsets = CoreSubsets()
        for x, y, p in self.board.cores():
            subsets.add_processor(x, y, p)
        return subsets

    @override
    def add_cpu_information_from_core(
        self, cpu_infos: CPUInfos, x: int, y: int, p: int, states: Iterable[CPUState]
    ) -> None:
        subsets = CoreSubsets()
        subsets.add_processor(x, y, p)
        cpu_infos.add_infos(self.get_cpu_infos(subsets), states)

    @override
    def wait_for_cores_to_be_in_state(
        self,
        all_core_subsets: CoreSubsets,
        app_id: int,
        cpu_states: CPUState | Iterable[CPUState],
        *,
        timeout: float | None = None,
        time_between_polls: float = 0.1,
        error_states: frozenset[CPUState] = frozenset(),
        counts_between_full_check: int = 100,
        progress_bar: Any = None,
    ) -> None:
        # A core has finished its reaction to a signal when the call that sends the signal returns.
        wanted = _states(cpu_states)
        allowed = {State(state.value) for state in wanted}
        late = [xyp for xyp in _cores(all_core_subsets) if self.board.state(*xyp) not in allowed]
        if late:
            failed = [xyp for xyp in late if self.board.state(*xyp) is State.RUN_TIME_EXCEPTION]
            if failed:
                raise BoardFault(str(self.board.core_status(*failed[0])))
            others = self.get_cpu_infos(all_core_subsets, wanted, include=False)
            raise SpiNNManCoresNotInStateException(timeout, wanted, others)
        if progress_bar:
            progress_bar.update(len(all_core_subsets))

    @override
    def get_iobuf(self, core_subsets: CoreSubsets | None = None) -> Iterable[IOBuffer]:
        subsets = core_subsets or self._loaded()
        size = next((self.read_word(x, y, _IOBUF_SIZE) for x, y, _ in _cores(subsets)), 0)
        return ReadIOBufProcess(self._selector).read_iobuf(size, subsets)

    @override
    def update_provenance_and_exit(self, x: int, y: int, p: int) -> None:
        code = SDP_RUNNING_MESSAGE_CODES.SDP_UPDATE_PROVENCE_REGION_AND_EXIT.value
        to = SDP_PORTS.RUNNING_COMMAND_SDP_PORT.value << 5 | p
        header = _SDP.pack(0x07, 0xFF, to, 0xFF, y, x, 0, 0)
        self.board.sdp(x, y, p, header + code.to_bytes(4, "little"))

    @override
    def send_chip_update_provenance_and_exit(self, x: int, y: int, p: int) -> None:
        self.update_provenance_and_exit(x, y, p)

    # Routes and tags
    @override
    def load_multicast_routes(
        self, x: int, y: int, routes: Collection[MulticastRoutingEntry], app_id: int
    ) -> None:
        rows = [(route.key, route.mask, route.spinnaker_route) for route in routes]
        self.board.load_routes(x, y, rows, app_id)

    @override
    def get_multicast_routes(
        self, x: int, y: int, app_id: int | None = None
    ) -> list[MulticastRoutingEntry]:
        return [
            MulticastRoutingEntry(key, mask, RoutingEntry(spinnaker_route=route))
            for key, mask, route in self.board.routes(x, y, app_id)
        ]

    @override
    def clear_multicast_routes(self, xy: tuple[int, int] | None = None) -> None:
        chips = SpiNNManDataView.get_machine().chip_coordinates if xy is None else (xy,)
        for x, y in chips:
            self.board.clear_routes(x, y)

    @override
    def load_fixed_route(self, x: int, y: int, fixed_route: RoutingEntry, app_id: int) -> None:
        self._fixed[x, y] = fixed_route

    @override
    def read_fixed_route(self, x: int, y: int, app_id: int) -> RoutingEntry:
        return self._fixed[x, y]

    @override
    def get_router_diagnostics(self, x: int, y: int) -> RouterDiagnostics:
        return RouterDiagnostics(0, 0, [0] * 16)

    @override
    def set_ip_tag(self, ip_tag: IPTag, use_sender: bool = False) -> None:
        self._tags[ip_tag.board_address, ip_tag.tag] = ip_tag

    @override
    def set_reverse_ip_tag(self, reverse_ip_tag: ReverseIPTag) -> None:
        self._tags[reverse_ip_tag.board_address, reverse_ip_tag.tag] = reverse_ip_tag

    @override
    def clear_ip_tag(self, tag: int, board_address: str | None = None) -> None:
        self._tags.pop((board_address, tag), None)

    @override
    def get_tags(self, connection: Any = None) -> Iterable[AbstractTag]:
        return list(self._tags.values())


def _content(data: BinaryIO | bytes | int | str, n_bytes: int | None, offset: int) -> bytes:
    """Return the bytes of a word, of bytes, of an open file, or of the file at a path."""
    if isinstance(data, int):
        return data.to_bytes(4, "little")
    if isinstance(data, str):
        content = Path(data).read_bytes()
        return content if n_bytes is None else content[:n_bytes]
    if isinstance(data, bytes | bytearray | memoryview):
        stop = len(data) if n_bytes is None else offset + n_bytes
        return bytes(data[offset:stop])
    return data.read() if n_bytes is None else data.read(n_bytes)


def _sum(content: bytes) -> int:
    words = memoryview(content + bytes(-len(content) % 4)).cast("I")
    return sum(words) & 0xFFFFFFFF


def _cores(subsets: CoreSubsets) -> list[tuple[int, int, int]]:
    return [(chip.x, chip.y, p) for chip in subsets for p in chip.processor_ids]


def _states(states: CPUState | Iterable[CPUState]) -> frozenset[CPUState]:
    return frozenset((states,)) if isinstance(states, CPUState) else frozenset(states)


def _user(p: int, user: UserRegister) -> int:
    return int(get_vcpu_address(p)) + CPU_USER_START_ADDRESS + CPU_USER_OFFSET * int(user)
