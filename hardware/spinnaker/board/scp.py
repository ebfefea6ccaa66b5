"""Stands for the network connection to a board: takes sPyNNaker's messages, and answers them."""

from __future__ import annotations

import struct
from collections import deque
from typing import Any

from spinnman.messages.scp.enums import SCPCommand, SCPResult

from .board import Board
from .status import BoardFault

__all__ = ["Line", "Selector"]

_PADDING = 2
"""Number of bytes before the header of a message in a UDP packet."""

_SDP = struct.Struct("<8B")
_SCP = struct.Struct("<HH")
_THREE = struct.Struct("<3I")


class Line:
    """Stands for the UDP connection to the monitor processor of chip (0, 0).

    Messages to an application core go to its mailbox, and the core's reply is the answer. Of the
    commands to the monitor processor only the reading of memory is implemented; the transceiver has
    methods for all others that sPyNNaker uses.

    Parameters
    ----------
    board : Board
        Board at the other end of the connection.
    """

    chip_x = chip_y = 0
    remote_ip_address = local_ip_address = "127.0.0.1"

    def __init__(self, board: Board) -> None:
        self._board = board
        self._answers: deque[bytes] = deque()

    def get_scp_data(self, scp_request: Any, x: int | None = None, y: int | None = None) -> bytes:
        """Return the bytes of a request, as they would be sent over the network."""
        scp_request.sdp_header.update_for_send(x or 0, y or 0)
        return bytes(_PADDING) + bytes(scp_request.bytestring)

    def send(self, data: bytes) -> None:
        """Deliver a message; its answer is kept until it is received."""
        message = data[_PADDING:]
        _, _, to, _, y, x, _, _ = _SDP.unpack_from(message)
        port, p = to >> 5, to & 31
        if port or p:
            answer = self._board.sdp(x, y, p, message)
        else:
            answer = self._monitor(x, y, message)
        if answer is not None:
            self._answers.append(bytes(_PADDING) + answer)

    def _monitor(self, x: int, y: int, message: bytes) -> bytes:
        command, sequence = _SCP.unpack_from(message, _SDP.size)
        if command != SCPCommand.CMD_READ.value:
            raise BoardFault(
                f"sPyNNaker sent command {command} to the monitor processor of chip ({x}, {y}), "
                f"which the board in software does not implement."
            )
        address, size, _ = _THREE.unpack_from(message, _SDP.size + _SCP.size)
        _, tag, to, back, dest_y, dest_x, src_y, src_x = _SDP.unpack_from(message)
        header = _SDP.pack(0x07, tag, back, to, src_y, src_x, dest_y, dest_x)
        result = _SCP.pack(SCPResult.RC_OK.value, sequence)
        return header + result + self._board.read(x, y, address, size)

    def is_ready_to_receive(self, timeout: float = 0) -> bool:
        """Tell whether an answer can be received."""
        return bool(self._answers)

    def receive_scp_response(
        self, timeout: float | None = 1.0
    ) -> tuple[SCPResult, int, bytes, int]:
        """Return the result, the number of the request, the packet, and the message's offset."""
        if not self._answers:
            raise BoardFault("a core did not answer a message of sPyNNaker.")
        data = self._answers.popleft()
        result, sequence = _SCP.unpack_from(data, _PADDING + _SDP.size)
        return SCPResult(result), sequence, data, _PADDING

    def close(self) -> None:
        """Do nothing: no connection is open."""


class Selector:
    """Chooses the connection for a message; there is only one."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def get_next_connection(self, message: Any) -> Line:
        """Return the connection."""
        return self._line
