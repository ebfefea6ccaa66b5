"""One processor of a chip: an emulated ARM968 with its memories and devices."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ....errors import BackendMissing
from . import devices as d
from .image import Image
from .memory import ChipMemory
from .running import FAULT, PAUSED, go_on
from .status import BoardFault

__all__ = ["Core"]

_ROOM = 8192
_PAUSE_EVERY = 1 << 25
"""Blocks of instructions after which control returns to Python, for Ctrl-C."""
_LIMIT = 1 << 32
_BOOT_PSR, _WAITS = 0xD3, 1 << 8
_ABORT_PSR, _UNDEFINED_PSR = 0xD7, 0xDB
_UNDEFINED, _PREFETCH, _DATA = 0x04, 0x0C, 0x10


def _unicorn() -> tuple[Any, Any, Any]:
    try:
        import unicorn
        from unicorn import arm_const
        from unicorn.unicorn_py3.unicorn import uclib
    except ImportError as error:
        raise BackendMissing.of("The software board", "unicorn", extra="board") from error
    return unicorn, arm_const, uclib


class Core:
    """An emulated core that runs one program.

    Parameters
    ----------
    memory : ChipMemory
        Memories that all cores of the chip share.
    p : int
        Number of the core on its chip, 1 to 17.
    binary : bytes
        Program, an ``.aplx`` image.
    app_id : int
        Number of the application.
    waits : bool
        Whether the program waits for the signal START before its main function.

    Attributes
    ----------
    limit : int
        Number of instructions without a pause after which :meth:`go_on` raises an error.

    Raises
    ------
    BackendMissing
        If Unicorn is not installed.
    BoardFault
        If the image is damaged.
    """

    def __init__(
        self, memory: ChipMemory, p: int, binary: bytes, app_id: int, *, waits: bool = False
    ) -> None:
        unicorn, arm, library = _unicorn()
        image = Image.of(binary)
        self.memory, self.p, self.app_id = memory, p, app_id
        self._arm, self._library = arm, library
        self._tcm = np.zeros(0x18000 + 4096, np.uint8)
        # The emulated processor maps whole pages only.
        skip = -self._tcm.ctypes.data % 4096
        self.itcm: NDArray[np.uint8] = self._tcm[skip : skip + 0x8000]
        self.dtcm: NDArray[np.uint8] = self._tcm[skip + 0x8000 : skip + 0x18000]
        self.itcm[:] = np.frombuffer(image.itcm, np.uint8)
        self.dtcm[:] = np.frombuffer(image.dtcm, np.uint8)
        self.sent: NDArray[np.uint32] = np.zeros((_ROOM, 3), np.uint32)
        self.state: NDArray[np.int64] = np.zeros(d.PLACES, np.int64)
        self._widths: NDArray[np.uint8] = np.zeros(0x4000, np.uint8)
        self.limit = _LIMIT
        self._uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_ARM, arm.UC_CPU_ARM_946)
        self._map(unicorn.UC_PROT_ALL)
        self._link(unicorn)
        self._registers({"CPSR": _BOOT_PSR, "R0": app_id | _WAITS * waits, "PC": 0})

    def _map(self, access: int) -> None:
        memory, uc = self.memory, self._uc
        for address, block in (
            (0x0, self.itcm),
            (0x400000, self.dtcm),
            (0x60000000, memory.sdram),
            (0x70000000, memory.sdram),
            (0xE5000000, memory.system),
            (0xF5000000, memory.system),
        ):
            uc.mem_map_ptr(address, block.size, access, block.ctypes.data)
        state = ctypes.c_void_p(self.state.ctypes.data)
        for addresses, size, read, write in d.DEVICES:
            for address in addresses:
                functions = (ctypes.c_void_p(read.address), ctypes.c_void_p(write.address))
                status = self._library.uc_mmio_map(
                    uc._uch, address, size, functions[0], state, functions[1], state
                )
                if status:
                    raise BoardFault(f"Unicorn cannot map devices at {address:#x}: error {status}.")

    def _link(self, unicorn: Any) -> None:
        """Pass the addresses of memories and functions to the compiled code."""
        arm, library, s = self._arm, self._library, self.state
        names = [arm.UC_ARM_REG_PC, arm.UC_ARM_REG_CPSR]
        names += [arm.UC_ARM_REG_CPSR, arm.UC_ARM_REG_SPSR, arm.UC_ARM_REG_LR]
        self._names: NDArray[np.int32] = np.array(names, np.int32)
        slots = (d.PC, d.CPSR, d.NEXT_CPSR, d.NEXT_SPSR, d.NEXT_LR)
        addresses = [s.ctypes.data + 8 * slot for slot in slots]
        self._places: NDArray[np.int64] = np.array(addresses, np.int64)
        s[d.GET_NAMES], s[d.GET_PLACES] = self._names.ctypes.data, self._places.ctypes.data
        s[d.SET_NAMES], s[d.SET_PLACES] = s[d.GET_NAMES] + 2 * 4, s[d.GET_PLACES] + 2 * 8
        s[d.PROCESSOR] = self._uc._uch.value
        for slot, function in (
            (d.STOP, library.uc_emu_stop),
            (d.START_FUNCTION, library.uc_emu_start),
            (d.READ_FUNCTION, library.uc_reg_read_batch),
            (d.WRITE_FUNCTION, library.uc_reg_write_batch),
        ):
            s[slot] = ctypes.cast(function, ctypes.c_void_p).value or 0
        s[d.SDRAM], s[d.SDRAM_SIZE] = self.memory.sdram.ctypes.data, self.memory.sdram.size
        s[d.SYSTEM_RAM] = self.memory.system.ctypes.data
        s[d.ITCM], s[d.DTCM] = self.itcm.ctypes.data, self.dtcm.ctypes.data
        s[d.SENT_BUFFER], s[d.SENT_ROOM] = self.sent.ctypes.data, _ROOM
        s[d.VIRTUAL_CORE] = self.p
        s[d.SYNC_WORD] = self.memory.sync.ctypes.data
        s[d.T2_IDLE] = 1

        s[d.WIDTHS] = self._widths.ctypes.data
        handle = ctypes.c_size_t()
        status = library.uc_hook_add(
            self._uc._uch, ctypes.byref(handle), unicorn.UC_HOOK_BLOCK,
            ctypes.c_void_p(d.count_block.address), ctypes.c_void_p(s.ctypes.data),
            ctypes.c_uint64(1), ctypes.c_uint64(0),
        )  # fmt: skip
        if status:
            raise BoardFault(f"Unicorn cannot count instructions: error {status}.")

    def _registers(self, values: dict[str, int]) -> None:
        for name, value in values.items():
            self._uc.reg_write(getattr(self._arm, f"UC_ARM_REG_{name}"), value)

    def register(self, name: str) -> int:
        """Return the value of a register by its name: ``"PC"``, ``"R0"``, ``"CPSR"``."""
        return int(self._uc.reg_read(getattr(self._arm, f"UC_ARM_REG_{name}")))

    def go_on(self, resume: bool = False) -> int:
        """Run until the core stops; return one of the reasons in :mod:`.running`.

        Raises
        ------
        BoardFault
            If the program never becomes idle.
        """
        stop_at = int(self.state[d.INSTRUCTIONS]) + self.limit
        while True:
            self.state[d.BLOCKS_LEFT] = _PAUSE_EVERY
            reason = int(go_on(self.state, resume))
            if reason == FAULT:
                self._abort(int(self.state[d.ERROR]))
            elif reason != PAUSED:
                return reason
            elif self.state[d.INSTRUCTIONS] > stop_at:
                raise BoardFault(
                    f"Core {self.p} of this chip never becomes idle: it has run {self.limit} "
                    f"instructions without a pause (program counter {self.register('PC'):#x})."
                )
            resume = True

    def _abort(self, error: int) -> None:
        """Enter the program's handler for an error of the processor."""
        import unicorn as u

        pc, psr = self.register("PC"), self.register("CPSR")
        fetch = (u.UC_ERR_FETCH_UNMAPPED, u.UC_ERR_FETCH_PROT)
        undefined = (u.UC_ERR_INSN_INVALID, u.UC_ERR_EXCEPTION)
        if error in fetch:
            mode, vector, link = _ABORT_PSR, _PREFETCH, pc + 4
        elif error in undefined:
            mode, vector, link = _UNDEFINED_PSR, _UNDEFINED, pc + 4
        else:
            mode, vector, link = _ABORT_PSR, _DATA, pc + 8
        self._registers({"CPSR": mode})
        self._registers({"SPSR": psr, "LR": link & 0xFFFFFFFF, "PC": vector})

    def raise_interrupt(self, source: int) -> None:
        """Mark a source of interrupts as pending."""
        self.state[d.PENDING] |= 1 << source

    @property
    def instructions(self) -> int:
        """Number of instructions that the core has run."""
        return int(self.state[d.INSTRUCTIONS])

    @property
    def timer_runs(self) -> bool:
        """Whether the program receives timer interrupts."""
        s = self.state
        return bool(s[d.ENABLED] >> d.TIMER_SOURCE & 1 and s[d.T1_CONTROL] & 0x80)

    def offer_packet(self, key: int, payload: int | None = None) -> None:
        """Deliver a multicast packet to the program."""
        s = self.state
        s[d.PACKET_KEY], s[d.PACKET_PAYLOAD] = key, payload or 0
        s[d.PACKET_STATUS] = 0x80000000 | (0x20000 if payload is not None else 0)
        s[d.PENDING] |= 1 << d.PACKET_SOURCE

    def take_packets(self) -> list[tuple[int, int | None]]:
        """Return key and payload of the packets that the program has sent since the last call."""
        n = int(self.state[d.SENT])
        if not n:
            return []
        self.state[d.SENT] = 0
        return [(k, v if has else None) for k, v, has in self.sent[:n].tolist()]

    def close(self) -> None:
        """Free the emulated processor."""
        self._uc = None
